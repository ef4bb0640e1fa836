// The glyphs in the visitor's own browser: the writers are read from their files and evaluated here, so that a point on
// a map between messages, a text that is being typed and the bars of a message draw their glyphs at every frame.
"use strict";

(() => {
  const { make, clamp, rounded } = cppnLive;
  const EPSILON = 1e-5; // of the batch normalisations
  const FRAME = 14; // milliseconds of drawing in a frame while something moves, of the 33 that a frame may take
  const REST = 160; // milliseconds of rest after which a glyph is drawn sharply
  const SHARPEST = 512; // pixels along a side of a sharp glyph

  // --- the writers

  const zeros = count => new Float32Array(count);

  /** A batch normalisation in evaluation mode: each feature times `scale` plus `shift`. */
  function normalisation(tensors, name) {
    const of = part => tensors[`${name}.${part}`].data;
    const scale = of("weight").map((weight, i) => weight / Math.sqrt(of("running_var")[i] + EPSILON));
    return { scale, shift: of("bias").map((bias, i) => bias - of("running_mean")[i] * scale[i]) };
  }

  /** A linear layer, with the normalisation behind it folded in where it has one. */
  function linear(tensors, name, norm) {
    const bias = tensors[`${name}.bias`].data.slice(), weight = tensors[`${name}.weight`].data.slice();
    const inputs = weight.length / bias.length;
    if (norm) {
      const { scale, shift } = normalisation(tensors, norm);
      for (let o = 0; o < bias.length; o++) {
        bias[o] = bias[o] * scale[o] + shift[o];
        for (let i = o * inputs; i < (o + 1) * inputs; i++) weight[i] *= scale[o];
      }
    }
    return { weight, bias, inputs };
  }

  /** A linear layer applied: four sums side by side, because one would wait for itself at every step. */
  function applied({ weight, bias, inputs }, values) {
    const whole = values.length & ~3;
    return bias.map((start, o) => {
      const row = o * inputs;
      let a = start, b = 0, c = 0, d = 0, i = 0;
      for (; i < whole; i += 4) {
        a += weight[row + i] * values[i];
        b += weight[row + i + 1] * values[i + 1];
        c += weight[row + i + 2] * values[i + 2];
        d += weight[row + i + 3] * values[i + 3];
      }
      for (; i < values.length; i++) a += weight[row + i] * values[i];
      return a + b + c + d;
    });
  }

  const silu = x => x / (1 + Math.exp(-x));

  /** Pairs [v, u] of half-waves down and across below a cutoff, in the order of the coefficients: coarsest first. */
  function waves(cutoff) {
    const all = [...Array(cutoff ** 2).keys()].map(i => [Math.floor(i / cutoff), i % cutoff]);
    const length = ([v, u]) => v * v + u * u;
    return all.filter(pair => length(pair) < cutoff ** 2).sort((a, b) => length(a) - length(b) || a[0] - b[0]);
  }

  const tables = new Map();

  /** Values of the first `count` cosines at the centres of `size` pixels, row-major. */
  function cosines(count, size) {
    const key = `${count} ${size}`;
    if (!tables.has(key)) {
      if (tables.size > 32) tables.clear(); // sizes change while a hand moves
      const at = i => Math.cos((Math.PI * Math.floor(i / size) * ((i % size) + 0.5)) / size);
      tables.set(key, Float32Array.from({ length: count * size }, (_, i) => at(i)));
    }
    return tables.get(key);
  }

  /** Message -> coefficients, by a linear map and a perceptron beside it -> waves: `Writer` of network.py. */
  class Writer {
    constructor(tensors, { numbers, channels, cutoff }) {
      Object.assign(this, { numbers, channels, cutoff });
      this.linear = linear(tensors, "writer.linear");
      this.perceptron = [0, 3, 6].map(i => linear(tensors, `writer.perceptron.${i}`, i < 6 && `writer.perceptron.${i + 1}`));
      const gain = tensors["writer.gain"].data[0], pairs = waves(cutoff);
      const strength = pairs.map(([v, u]) => 1 / (1 + ((2 * Math.hypot(v, u)) / cutoff) ** 2));
      const norm = Math.hypot(...strength);
      this.damping = strength.map(value => (gain * value) / norm);
      this.places = pairs.map(([v, u]) => v * cutoff + u);
      this.products = [this.linear, ...this.perceptron].reduce((sum, { weight }) => sum + weight.length, 0);
    }

    /** Ink before the sigmoid, channel by channel: {data, side}. */
    logits(message, side) {
      const [first, second, last] = this.perceptron, { cutoff, channels, places } = this;
      const beside = applied(this.linear, message);
      const coefficients = applied(last, applied(second, applied(first, message).map(silu)).map(silu));
      const table = cosines(cutoff, side), data = zeros(channels * side * side);
      for (let c = 0; c < channels; c++) {
        const square = zeros(cutoff * cutoff);
        places.forEach((place, k) => {
          const at = c * places.length + k;
          square[place] = (coefficients[at] + beside[at]) * this.damping[k];
        });
        const rows = zeros(cutoff * side); // (v, x)
        for (let v = 0; v < cutoff; v++)
          for (let u = 0; u < cutoff; u++) {
            const factor = square[v * cutoff + u];
            if (factor) for (let x = 0; x < side; x++) rows[v * side + x] += factor * table[u * side + x];
          }
        for (let y = 0; y < side; y++) {
          const line = data.subarray((c * side + y) * side, (c * side + y + 1) * side);
          for (let v = 0; v < cutoff; v++) {
            const factor = table[v * side + y];
            for (let x = 0; x < side; x++) line[x] += factor * rows[v * side + x];
          }
        }
      }
      return { data, side };
    }
  }

  // [stride, padding] of each transposed convolution; every third module of the writer is one
  const PYRAMID = [[2, 1], [1, 2], [1, 2], [2, 1], [1, 2], [1, 2], [2, 2], [2, 0]];

  /** The post's writer, a pyramid of transposed convolutions that draws 28 pixels and no others: `SeedNet`. */
  class SeedWriter {
    constructor(tensors, { numbers, channels }) {
      Object.assign(this, { numbers, channels });
      this.layers = PYRAMID.map(([stride, padding], i) => {
        const { data: weight, shape } = tensors[`writer.${3 * i}.weight`];
        const [inputs, outputs, kernel] = shape, bias = tensors[`writer.${3 * i}.bias`].data;
        const norm = normalisation(tensors, `writer.${3 * i + 1}`);
        return { weight, bias, inputs, outputs, kernel, stride, padding, norm };
      });
    }

    get products() {
      let side = 1;
      return this.layers.reduce((sum, { weight, kernel, stride, padding }) => {
        const before = side;
        side = (side - 1) * stride - 2 * padding + kernel;
        return sum + weight.length * before ** 2;
      }, 0);
    }

    /** Ink before the sigmoid, channel by channel: {data, side}. */
    logits(message) {
      let values = Float32Array.from(message), side = 1;
      this.layers.forEach(({ weight, bias, inputs, outputs, kernel, stride, padding, norm }, number) => {
        const wide = (side - 1) * stride - 2 * padding + kernel, next = zeros(outputs * wide * wide);
        for (let i = 0; i < inputs; i++)
          for (let at = 0; at < side * side; at++) {
            const value = values[i * side * side + at];
            const top = Math.floor(at / side) * stride - padding, left = (at % side) * stride - padding;
            for (let o = 0; o < outputs; o++)
              for (let ky = Math.max(0, -top); ky < kernel && top + ky < wide; ky++) {
                const from = ((i * outputs + o) * kernel + ky) * kernel, to = (o * wide + top + ky) * wide + left;
                for (let kx = Math.max(0, -left); kx < kernel && left + kx < wide; kx++)
                  next[to + kx] += value * weight[from + kx];
              }
          }
        const last = number === PYRAMID.length - 1;
        values = next.map((sum, place) => {
          const o = Math.floor(place / (wide * wide)), normed = (sum + bias[o]) * norm.scale[o] + norm.shift[o];
          return last || normed > 0 ? normed : 0.2 * normed;
        });
        side = wide;
      });
      return { data: values, side };
    }
  }

  const writers = new Map();

  /** The writer of a weights file; each file is unpacked once. */
  async function writerOf(path) {
    const bytes = await cppnLive.fetched(path);
    if (!writers.has(path)) {
      const { tensors, config } = cppnLive.readWeights(bytes, "writer.");
      if (writers.size > 3) writers.clear(); // the largest takes 40 MB
      writers.set(path, new (tensors["writer.gain"] ? Writer : SeedWriter)(tensors, config));
    }
    return writers.get(path);
  }

  // --- glyphs as pixels

  const FINE = 256; // steps of a logit: less than a quarter of a level of 255
  const EDGE = 8 * FINE; // beyond it the sigmoid is 0 or 255
  const LEVELS = Uint8Array.from({ length: 2 * EDGE + 1 }, (_, i) => Math.round(255 / (1 + Math.exp((EDGE - i) / FINE))));

  /** A glyph as ImageData of `side` pixels (28 for the post's writer, whatever is asked). */
  function glyph(writer, message, side, ink) {
    const { data, side: drawn } = writer.logits(message, side), count = drawn * drawn;
    const picture = new ImageData(drawn, drawn), gain = ink * FINE, green = writer.channels === 3 ? count : 0;
    const level = logit => LEVELS[clamp(Math.round(logit * gain) + EDGE, 0, 2 * EDGE)];
    for (let i = 0; i < count; i++) {
      picture.data[4 * i] = level(data[i]);
      picture.data[4 * i + 1] = level(data[i + green]);
      picture.data[4 * i + 2] = level(data[i + 2 * green]);
      picture.data[4 * i + 3] = 255;
    }
    return picture;
  }

  /** Mean difference of two glyphs over the colours, 0 to 1 a pixel. */
  function difference(one, other) {
    return Float32Array.from({ length: one.width * one.height }, (_, i) => {
      const gap = c => Math.abs(one.data[4 * i + c] - other.data[4 * i + c]);
      return (gap(0) + gap(1) + gap(2)) / 765;
    });
  }

  /** Where a difference counts as visible, as the server counts it: more than a tenth; a share of all pixels. */
  const visible = change => change.reduce((sum, value) => sum + (value > 0.1), 0) / change.length;

  function put(canvas, picture) {
    if (canvas.width !== picture.width) canvas.width = canvas.height = picture.width;
    cppnLive.pen(canvas).putImageData(picture, 0, 0);
  }

  /** A canvas that shows a glyph: as fine as the pace allows while it changes, sharp once it rests. */
  class Sheet {
    constructor(label) {
      this.canvas = make("canvas", { attributes: { role: "img", "aria-label": label } });
      this.scale = 0.5; // of the sharp side, while it changes
      this.frame = this.timer = this.frames = 0;
    }

    /** Draw a message at the next frame; `then` is called once it is sharp. */
    draw(writer, message, ink, then) {
      Object.assign(this, { writer, message, ink, then });
      this.frame ||= requestAnimationFrame(() => this.#coarse());
    }

    get side() {
      return clamp(Math.round((this.canvas.clientWidth || 256) * (window.devicePixelRatio || 1)), 32, SHARPEST);
    }

    #paint(side) {
      const start = performance.now();
      put(this.canvas, glyph(this.writer, this.message, side, this.ink));
      this.canvas.classList.toggle("pixels", this.canvas.width < 32);
      return performance.now() - start;
    }

    #coarse() {
      this.frame = 0;
      clearTimeout(this.timer);
      delete this.canvas.dataset.sharp;
      this.took = this.#paint(Math.max(32, 8 * Math.round((this.side * this.scale) / 8)));
      this.frames++;
      this.scale = clamp(this.scale * clamp(Math.sqrt(FRAME / Math.max(1, this.took)), 0.5, 1.5), 1 / 8, 1);
      this.timer = setTimeout(() => {
        this.#paint(this.side);
        this.canvas.dataset.sharp = this.frames;
        this.then?.();
      }, REST);
    }
  }

  /** Bring a toy to what a value names; where that fails, the server is asked for its pictures. */
  async function opened(path, trigger) {
    try {
      return await writerOf(path);
    } catch (fault) {
      trigger("submit");
      throw fault;
    }
  }

  // --- a map between messages

  const CORNERS = { 2: [0, 1, 1, 0], 3: [0, 1, 2, 2], 4: [0, 1, 2, 3] }; // clockwise from the upper left
  const PLACES = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const TILES = 7; // glyphs along a side of the map, the first and the last at its corners
  const SIDE = 48; // pixels of each
  const LEG = 1300; // milliseconds from corner to corner
  const NEARLY_PARALLEL = 1e-4; // radians, as interpolate.py has it

  const lerp = (start, end, share) => start.map((value, i) => value + (end[i] - value) * share);

  /** The point at `share` of the arc between two messages: `slerp` of interpolate.py. */
  function slerp(start, end, share) {
    const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);
    const lengths = Math.max(Math.sqrt(dot(start, start) * dot(end, end)), 1e-24);
    const angle = Math.acos(clamp(dot(start, end) / lengths, -1, 1));
    if (angle < NEARLY_PARALLEL || angle > Math.PI - NEARLY_PARALLEL) return lerp(start, end, share);
    const [a, b] = [Math.sin((1 - share) * angle), Math.sin(share * angle)].map(part => part / Math.sin(angle));
    return start.map((value, i) => a * value + b * end[i]);
  }

  /** The message at a place of the map: across between the corners, then down between what that gives. */
  function between(messages, method, [x, y]) {
    const step = method === "spherical" ? slerp : lerp, corners = CORNERS[messages.length].map(i => messages[i]);
    return step(step(corners[0], corners[1], x), step(corners[3], corners[2], x), y);
  }

  /** How much of each message there is at a place, in words. */
  function shares(words, [x, y]) {
    const parts = words.map(() => 0);
    CORNERS[words.length].forEach((word, corner) => {
      const [cx, cy] = PLACES[corner];
      parts[word] += (cx ? x : 1 - x) * (cy ? y : 1 - y);
    });
    return words.map((word, i) => `${word}: ${Math.round(100 * parts[i])}%`).join(", ");
  }

  cppnLive.wings.glyphs = (place, { trigger }) => {
    const field = make("canvas"), frame = make("div", { className: "frame" });
    const labels = PLACES.map(([x, y]) => make("span", { className: `corner ${x ? "right" : ""} ${y ? "low" : ""}` }));
    const map = make("div", {
      className: "stage map", tabIndex: 0,
      attributes: { role: "slider", "aria-roledescription": "map", "aria-label": "Place between the messages; arrow keys move it", "aria-valuemin": 0, "aria-valuemax": 100 },
    });
    map.append(field, ...labels, frame);
    const sheet = new Sheet("The glyph at this place");
    const reading = make("p", { className: "caption reading" });
    const round = make("button", { type: "button", className: "small", textContent: "Walk round the map" });
    place.append(make("div", { className: "pair" }, map, sheet.canvas), reading, make("div", { className: "row" }, round));

    let shown = null, writer = null, at = [0.5, 0.5], walk = 0, painting = 0, first = true;
    const tellPage = cppnLive.rested(() => trigger("input"));

    const move = next => {
      at = next.map(value => clamp(value, 0, 1));
      [frame.style.left, frame.style.top] = at.map(value => `${(100 * value * (TILES - 1)) / TILES}%`);
      const words = shares(shown.words, at);
      map.setAttribute("aria-valuenow", Math.round(100 * at[0]));
      map.setAttribute("aria-valuetext", words);
      sheet.canvas.setAttribute("aria-label", `Glyph of ${words}`);
      reading.textContent = `${words}. Drag the frame: each glyph is ${writer.products.toLocaleString("en")} multiplications of your browser.`;
      sheet.draw(writer, between(shown.messages, shown.method, at), shown.ink);
    };
    const rest = () => {
      cancelAnimationFrame(walk);
      walk = 0;
      round.textContent = "Walk round the map";
    };
    const moved = next => {
      rest();
      move(next.map(value => rounded(value, 3)));
      tellPage();
    };
    /** From here by all corners and back, once. */
    const walkRound = () => {
      rest();
      const stops = [at, ...PLACES, PLACES[0], at], start = performance.now();
      round.textContent = "Stop";
      const step = now => {
        const leg = Math.max(0, now - start) / LEG, number = Math.floor(leg);
        if (number >= stops.length - 1) {
          move(stops[0]);
          return rest();
        }
        move(lerp(stops[number], stops[number + 1], leg - number));
        walk = requestAnimationFrame(step);
      };
      walk = requestAnimationFrame(step);
    };
    /** The glyphs of the whole map, a few a frame. */
    const paintField = () => {
      cancelAnimationFrame(painting);
      field.width = field.height = TILES * SIDE;
      const context = cppnLive.pen(field), { messages, method, ink } = shown, drawn = writer, tile = make("canvas");
      let number = 0;
      const some = () => {
        const start = performance.now();
        while (number < TILES * TILES && performance.now() - start < FRAME) {
          const [x, y] = [number % TILES, Math.floor(number / TILES)];
          put(tile, glyph(drawn, between(messages, method, [x / (TILES - 1), y / (TILES - 1)]), SIDE, ink));
          context.drawImage(tile, x * SIDE, y * SIDE, SIDE, SIDE);
          number++;
        }
        if (number < TILES * TILES) painting = requestAnimationFrame(some);
        else field.dataset.whole = "yes";
      };
      delete field.dataset.whole;
      some();
    };
    const pointed = event => {
      const box = map.getBoundingClientRect();
      const inner = (value, start, size) => (((value - start) / size) * TILES - 0.5) / (TILES - 1);
      if (shown) moved([inner(event.clientX, box.left, box.width), inner(event.clientY, box.top, box.height)]);
    };

    map.style.touchAction = "none";
    map.addEventListener("pointerdown", event => {
      if (event.button) return;
      map.setPointerCapture(event.pointerId);
      pointed(event);
    });
    map.addEventListener("pointermove", event => map.hasPointerCapture(event.pointerId) && pointed(event));
    map.addEventListener("keydown", event => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!shown || !step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      moved(at.map((value, i) => value + step[i] * (event.shiftKey ? 0.01 : 0.05)));
    });
    round.addEventListener("click", () => shown && (walk ? rest() : walkRound()));

    return {
      async show(value) {
        const loaded = await opened(value.weights, trigger);
        rest();
        [shown, writer] = [value, loaded];
        const corners = CORNERS[value.words.length];
        labels.forEach((label, corner) => (label.textContent = value.words[corners[corner]]));
        place.dataset.live = "yes";
        place.hidden = false;
        paintField();
        move(value.at);
        if (first && !cppnLive.calm()) walkRound();
        first = false;
      },
      clear() {
        rest();
        shown = null;
        place.hidden = true;
      },
      get settings() {
        return at;
      },
      sheet,
    };
  };

  // --- a text that is being typed

  const LETTER = 6; // bits of a character

  const binary = (number, width) => [...Array(width).keys()].map(place => (number >> (width - 1 - place)) & 1);

  /** A text's bits and their check bits: `text_to_signs` of message.py. */
  function coded(text, alphabet, { characters, width, polynomial, initial }) {
    const strange = [...text].find(character => !alphabet.includes(character));
    if (strange !== undefined) throw new Error(`“${strange}” is not in the alphabet: A to Z, a to z, 0 to 9, space and !`);
    const short = text.replace(/ +$/, "");
    if (short.length > characters) throw new Error(`this model’s glyphs hold at most ${characters} characters, not ${short.length}`);
    const bits = [...short.padEnd(characters)].flatMap(character => binary(alphabet.indexOf(character), LETTER));
    let register = initial;
    for (const bit of bits) {
      const carry = (register >> (width - 1)) ^ bit;
      register = (register << 1) & (2 ** width - 1);
      if (carry) register ^= polynomial;
    }
    return [...bits, ...binary(register, width)];
  }

  /** Bits as a message of -1 and 1, repeated until it is full. */
  const signsOf = (bits, numbers) => Float32Array.from({ length: numbers }, (_, i) => 2 * bits[i % bits.length] - 1);

  cppnLive.wings.glyphs_sign = (place, { given, trigger }) => {
    const sheet = new Sheet("The glyph of your text"), strip = make("div", { className: "bits", attributes: { "aria-hidden": true } });
    const reading = make("p", { className: "caption reading", attributes: { role: "status" } });
    place.append(sheet.canvas, strip, reading);
    let writer = null, code = null, before = null, last = null, ink = 1;

    /** Draw a text, and say what the last key has changed. */
    const write = text => {
      if (!writer) return;
      let bits;
      try {
        bits = coded(text, given.alphabet, code);
      } catch (fault) {
        reading.textContent = `⚠️ ${fault.message[0].toUpperCase()}${fault.message.slice(1)}.`;
        return;
      }
      const message = signsOf(bits, writer.numbers), picture = glyph(writer, message, 64, ink);
      const fresh = bits.map((bit, i) => before !== null && bit !== before[i]), turned = fresh.filter(Boolean).length;
      const body = LETTER * code.characters, letters = [...text.padEnd(code.characters)].slice(0, code.characters);
      const squares = (start, end) => bits.slice(start, end).map((bit, i) => make("i", { className: `${bit ? "one" : ""} ${fresh[start + i] ? "new" : ""}` }));
      strip.replaceChildren(
        ...letters.map((letter, i) => make("span", {}, make("b", { textContent: letter.trim() || "·" }), ...squares(LETTER * i, LETTER * (i + 1)))),
        make("span", { className: "check" }, make("b", { textContent: "check" }), ...squares(body, bits.length)),
      );
      const checks = fresh.slice(body).filter(Boolean).length;
      if (turned) {
        const share = Math.round(100 * visible(difference(picture, last)));
        reading.textContent = `The last change turned ${turned} of ${bits.length} signs, ${checks} of them check bits, and ${share}% of the picture.`;
      } else reading.textContent = `${bits.length} signs. Type, and watch them turn with every letter.`;
      sheet.canvas.setAttribute("aria-label", `The glyph of “${text}”`);
      sheet.draw(writer, message, ink);
      [before, last] = [bits, picture];
      place.dataset.live = "yes";
    };

    // the page's own box, read directly: its keys are followed without gradio and its server
    document.addEventListener("input", event => event.target.closest(`#${given.box}`) && write(event.target.value));

    return {
      async show(value) {
        writer = await opened(value.weights, trigger);
        ink = value.ink;
        code = given.codes.find(({ characters, width }) => writer.numbers >= LETTER * characters + width);
        before = last = null;
        write(value.text);
      },
      write,
      sheet,
    };
  };

  // --- a message as bars

  const LIMIT = 3; // a bar goes from -3 to 3; nearly all standard normal numbers lie between
  const ROW = 64; // bars beside each other
  const HEAT_SIDE = 128; // pixels of the glyphs that are compared, as on the server

  cppnLive.wings.glyphs_number = (place, { given, trigger }) => {
    const sheet = new Sheet("The glyph of these numbers");
    const heat = make("canvas", { attributes: { role: "img" } });
    const bars = make("canvas", { className: "bars", tabIndex: 0, attributes: { role: "slider", "aria-valuemin": -LIMIT, "aria-valuemax": LIMIT } });
    const reading = make("p", { className: "caption reading" });
    const back = make("button", { type: "button", className: "small", textContent: "Put all back" });
    const steps = make("div", { className: "steps" });
    const tiles = [...Array(2 * LIMIT + 1).keys()].map(i => make("canvas", { attributes: { role: "img", "aria-label": `The number at ${i - LIMIT}` } }));
    steps.append(...tiles);
    const under = words => make("p", { className: "caption", textContent: words });
    place.append(
      make("div", { className: "pair" }, make("div", {}, sheet.canvas, under("The glyph")), make("div", {}, heat, under("What the number changes: most where it is dark"))),
      bars, reading, make("div", { className: "row" }, back), steps, under("The number at −3, −2, −1, 0, 1, 2, 3"),
    );
    let shown = null, writer = null, own = null, message = null, chosen = 0, looked = null, frame = 0, held = null, heated = null;
    const tellPage = cppnLive.rested(() => trigger("input"));

    const with_ = (number, value) => {
      const changed = message.slice();
      changed[number] = value;
      return changed;
    };
    const rows = () => Math.ceil(message.length / ROW);
    const columns = () => Math.min(ROW, message.length);

    const paintBars = () => {
      const ratio = window.devicePixelRatio || 1, width = bars.clientWidth || 640, tall = rows() > 1 ? Math.max(24, 96 / rows()) : 112;
      bars.style.height = `${tall * rows()}px`;
      [bars.width, bars.height] = [width * ratio, tall * rows() * ratio].map(Math.round);
      const context = cppnLive.pen(bars), style = getComputedStyle(bars), step = width / columns();
      context.scale(ratio, ratio);
      for (let i = 0; i < message.length; i++) {
        const left = (i % ROW) * step, top = Math.floor(i / ROW) * tall, middle = top + tall / 2;
        const height = (clamp(message[i] / LIMIT, -1, 1) * (tall - 4)) / 2, current = i === (looked ?? chosen);
        if (current) {
          context.fillStyle = style.getPropertyValue("--border-color-primary");
          context.fillRect(left, top, step, tall);
        }
        context.fillStyle = current ? "#e11d48" : message[i] === own[i] ? "#6366f1" : "#d97706";
        context.fillRect(left + step * 0.12, Math.min(middle, middle - height), step * 0.76, Math.max(1, Math.abs(height)));
      }
    };
    /** Where the number that is looked at makes a difference: the same whatever it is now. */
    const paintHeat = number => {
      const [low, high] = [-LIMIT, LIMIT].map(value => glyph(writer, with_(number, value), HEAT_SIDE, given.ink));
      const change = difference(low, high), picture = new ImageData(low.width, low.height), stops = given.heat;
      change.forEach((value, i) => {
        const position = Math.sqrt(value) * (stops.length - 1), below = Math.min(Math.floor(position), stops.length - 2);
        for (let c = 0; c < 3; c++)
          picture.data[4 * i + c] = stops[below][c] + (stops[below + 1][c] - stops[below][c]) * (position - below);
        picture.data[4 * i + 3] = 255;
      });
      put(heat, picture);
      heated = { number, share: (100 * visible(change)).toFixed(1) };
    };
    const tellNumber = () => {
      const number = looked ?? chosen, value = message[number];
      if (heated?.number !== number) paintHeat(number);
      const { share } = heated;
      reading.textContent = `Number ${number + 1} of ${message.length} is ${own[number].toFixed(2)} in this message and ${value.toFixed(2)} now. From -3 to 3 it changes ${share}% of the picture visibly.`;
      heat.setAttribute("aria-label", `What number ${number + 1} changes: ${share}% of the picture visibly`);
      bars.setAttribute("aria-label", `Number ${number + 1} of ${message.length}; left and right choose another, up and down change it`);
      bars.setAttribute("aria-valuenow", rounded(value, 2));
      bars.setAttribute("aria-valuetext", `${value.toFixed(2)}, changes ${share}% of the picture`);
    };
    const paintSteps = () => tiles.forEach((tile, i) => put(tile, glyph(writer, with_(chosen, i - LIMIT), 64, given.ink)));
    /** Everything anew at the next frame; the costly row of glyphs once all rests. */
    const refresh = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        paintBars();
        tellNumber();
      });
      sheet.draw(writer, message, given.ink, paintSteps);
    };
    const pull = (number, value) => {
      chosen = clamp(number, 0, message.length - 1);
      looked = null;
      message[chosen] = rounded(clamp(value, -LIMIT, LIMIT), 2);
      refresh();
      tellPage();
    };
    /** The bar under a pointer, and the value that its height stands for. */
    const under_ = event => {
      const box = bars.getBoundingClientRect(), tall = box.height / rows();
      const column = clamp(Math.floor(((event.clientX - box.left) / box.width) * columns()), 0, columns() - 1);
      const row = clamp(Math.floor((event.clientY - box.top) / tall), 0, rows() - 1);
      return { number: Math.min(row * ROW + column, message.length - 1), value: LIMIT * (1 - (2 * (event.clientY - box.top - row * tall)) / tall) };
    };

    bars.style.touchAction = "none";
    bars.addEventListener("pointerdown", event => {
      if (event.button || !message) return;
      bars.setPointerCapture(event.pointerId);
      const { number, value } = under_(event);
      held = { y: event.clientY, value };
      pull(number, value);
    });
    bars.addEventListener("pointermove", event => {
      if (!message) return;
      // a pulled bar follows the hand by as much as the tallest bars are high, also where rows are low
      if (held) return pull(chosen, held.value + ((held.y - event.clientY) * 2 * LIMIT) / 108);
      const { number } = under_(event);
      if (number === looked) return;
      looked = number;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        paintBars();
        tellNumber();
      });
    });
    for (const end of ["pointerup", "pointercancel"]) bars.addEventListener(end, () => (held = null));
    bars.addEventListener("pointerleave", () => {
      if (looked === null || held) return;
      looked = null;
      refresh();
    });
    bars.addEventListener("keydown", event => {
      if (!message || event.ctrlKey || event.metaKey || event.altKey) return;
      const by = { ArrowUp: 0.1, ArrowDown: -0.1, PageUp: 1, PageDown: -1 }[event.key];
      const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: message.length - 1 }[event.key];
      if (by) pull(chosen, message[chosen] + by);
      else if (to !== undefined) {
        const number = clamp(to, 0, message.length - 1);
        pull(number, message[number]);
      } else if (event.key === "Delete") pull(chosen, own[chosen]);
      else return;
      event.preventDefault();
    });
    back.addEventListener("click", () => {
      if (!message) return;
      [message, heated] = [own.slice(), null];
      pull(chosen, own[chosen]);
    });
    new ResizeObserver(() => message && bars.clientWidth && paintBars()).observe(place);

    return {
      async show(value) {
        const loaded = await opened(value.weights, trigger);
        [writer, shown, own] = [loaded, value, value.message];
        message = own.slice();
        chosen = value.number - 1;
        message[chosen] = value.value;
        looked = heated = null;
        place.hidden = false;
        place.dataset.live = "yes";
        refresh();
      },
      clear() {
        message = null;
        place.hidden = true;
      },
      /** Pull a number (from 1) to a value. */
      look({ number, value }) {
        if (message) pull(number - 1, value);
      },
      get settings() {
        return [chosen + 1, message ? message[chosen] : 0];
      },
      sheet,
    };
  };

  cppnLive.glyphs = { writerOf, glyph, between, coded, signsOf };
})();
