// The quines' toys: a verdict that the visitor's own browser comes to, and weights that can be pulled up and down.
"use strict";

(() => {
  const { make, clamp } = cppnLive, quines = cppnLive.quine;
  const CHECKED = 1600; // milliseconds that looking at all weights one by one may take
  const CELLS = [14, 12, 10, 9, 8, 7, 6, 5, 4]; // sides of a cell in pixels, the largest that fits is taken
  const GAP = 12, LABEL = 16;
  // the colours of cppn/heatmap.py
  const DIVERGING = [[20, 60, 150], [90, 150, 220], [255, 255, 255], [235, 130, 90], [160, 20, 40]];
  const HEAT = [[255, 250, 205], [255, 228, 120], [250, 150, 60], [215, 60, 70], [120, 20, 110], [50, 0, 80]];
  const POWERS = [-18, 0]; // of ten, the ends of the scale of errors
  const ZERO = "#009688", WAITING = "#cbd5e1", OFF = "#c02b3c", ROUNDED = "#ffc24d";

  const shade = (stops, share) => {
    const place = clamp(share, 0, 1) * (stops.length - 1), low = Math.min(Math.floor(place), stops.length - 2);
    return `rgb(${stops[low].map((c, i) => Math.round(c + (stops[low + 1][i] - c) * (place - low)))})`;
  };
  const diverging = (value, limit) => shade(DIVERGING, 0.5 + value / (2 * limit));
  const logarithmic = error =>
    error === 0 ? ZERO : shade(HEAT, (Math.log10(Math.abs(error)) - POWERS[0]) / (POWERS[1] - POWERS[0]));
  const counted = number => number.toLocaleString("en");
  const written = value => (Object.is(value, -0) ? "−0" : String(Number(value.toPrecision(6))).replace("-", "−"));

  /** Every weight as a cell on a canvas: a matrix a layer, a row a unit, its bias at the right behind a gap. */
  class Sheet {
    constructor(label, tallest = [290, 330]) {
      this.tallest = tallest; // pixels, on a phone and on a desk
      this.canvas = make("canvas", { className: "sheet", tabIndex: 0, attributes: { role: "application" } });
      this.label = label;
      this.chosen = -1;
      this.colour = () => WAITING;
      new ResizeObserver(() => this.quine && this.#lay()).observe(this.canvas);
    }

    open(quine) {
      this.quine = quine;
      this.canvas.setAttribute("aria-label", `${this.label}: ${counted(quine.theta.length)} weights.`);
      this.#lay();
    }

    #lay() {
      const width = this.canvas.clientWidth, tallest = this.tallest[width < 420 ? 0 : 1];
      if (!width) return;
      const blocks = Object.entries(this.quine.network.layers).map(([layer, [units, inputs, , divisor]]) =>
        ({ layer, rows: units, columns: inputs + (typeof divisor === "number" ? 2 : 0) }));
      for (this.cell of CELLS) {
        let left = 1, top = LABEL, height = 0, widest = 0;
        for (const block of blocks) {
          const across = Math.max(block.columns * this.cell, 7.5 * block.layer.length); // or its name is wider
          if (left > 1 && left + across > width - 1) [left, top, height] = [1, top + height + GAP / 2 + LABEL, 0];
          Object.assign(block, { left, top });
          height = Math.max(height, block.rows * this.cell);
          left += across + GAP;
          widest = Math.max(widest, left - GAP);
        }
        this.height = top + height + 2;
        if (widest <= width && this.height <= tallest) break;
      }
      this.blocks = blocks;
      const corners = Object.fromEntries(blocks.map(block => [block.layer, block]));
      this.cells = this.quine.places.map(({ layer, row, column }) =>
        [corners[layer].left + column * this.cell, corners[layer].top + row * this.cell]);
      const ratio = window.devicePixelRatio || 1;
      this.canvas.style.height = `${this.height}px`;
      [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(this.height * ratio)];
      this.paint();
      this.onlaid?.();
    }

    /** Paint every cell in `this.colour(i)`, and a frame around the chosen one. */
    paint() {
      if (!this.cells) return;
      const pen = cppnLive.pen(this.canvas), ratio = window.devicePixelRatio || 1, { cell } = this;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      pen.font = "12px system-ui, sans-serif";
      pen.fillStyle = getComputedStyle(this.canvas).color;
      for (const { layer, left, top } of this.blocks) pen.fillText(layer, left, top - 4);
      this.cells.forEach(([x, y], i) => {
        pen.fillStyle = this.colour(i);
        pen.fillRect(x, y, cell, cell);
      });
      const at = this.cells[this.chosen];
      if (!at) return;
      for (const [rim, width, colour] of [[3, 4, "#fff"], [2, 2, "#1e222a"]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.strokeRect(at[0] - rim, at[1] - rim, cell + 2 * rim, cell + 2 * rim);
      }
    }

    /** The weight below a pointer, or -1. */
    at(event) {
      const box = this.canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      return this.cells?.findIndex(([left, top]) => x >= left && x < left + this.cell && y >= top && y < top + this.cell) ?? -1;
    }

    /** The nearest weight in the direction of an arrow key; the same one where there is none. */
    beside(i, key) {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key], [x, y] = this.cells[i];
      let best = i, least = Infinity;
      this.cells.forEach(([left, top], k) => {
        const along = (left - x) * dx + (top - y) * dy, across = Math.abs((left - x) * dy) + Math.abs((top - y) * dx);
        if (along > 0 && along + 4 * across < least) [best, least] = [k, along + 4 * across];
      });
      return best;
    }
  }

  const card = () => make("div", { className: "verdict", attributes: { role: "status" } });

  /** Fill a card: symbol, title and colour as the server's, and a sentence. */
  function tell(place, [symbol, title, colour], ...words) {
    place.style.borderLeftColor = colour;
    const mark = make("span", { textContent: symbol, attributes: { "aria-hidden": "true" } });
    mark.style.color = colour;
    place.replaceChildren(make("div", { className: "title" }, mark, ` ${title}`), make("div", {}, ...words));
  }

  const openAt = async path => quines.open(await cppnLive.fetched(path));

  // --- verified

  /** The bits of a number, those that differ from another's marked; sign, exponent and fraction apart. */
  function bitLine(label, value, other, dtype) {
    const [own, against] = [value, other].map(number => quines.bits(number, dtype)), exponent = dtype === "float32" ? 9 : 12;
    const line = make("div", { className: "bits" }, make("span", { className: "what", textContent: label }));
    [...own].forEach((bit, i) => {
      if (i === 1 || i === exponent) line.append(" ");
      line.append(bit === against[i] ? bit : make("b", { textContent: bit }));
    });
    return line;
  }

  cppnLive.wings.quine = (place, { props, watch }) => {
    const verdict = card(), sheet = new Sheet("Checked weight by weight", [230, 230]), reading = make("div", { className: "reading" });
    const again = make("button", { type: "button", textContent: "Check it again" });
    const side = make("div", {}, reading, make("div", { className: "row" }, again));
    place.append(verdict, make("div", { className: "pair" }, sheet.canvas, side));
    let quine = null, found = null, value = null, frame = 0;

    const agreed = () => {
      const { report } = found, same = value.verdict === report.verdict && value.sha256 === report.sha256_weights;
      if (!same) return "The server says something else!";
      const rounded = "In which last bits a print is off hangs on how a computer rounds; the verdict does not. ";
      return `${report.verdict === "exact" ? "" : rounded}The server says the same of the same bytes.`;
    };
    const judged = () => {
      const { report } = found, all = counted(report.weights), equal = part => counted(Math.round(part * report.weights));
      const margin = report.margin === null ? "" : ` Its closest bit is ${report.margin.toFixed(3)} from tipping over.`;
      const largest = report.max_delta ? ` Largest error: ${report.max_delta.toExponential(1)}.` : "";
      tell(verdict, value.cards[report.verdict],
        `Your browser read the file and ran the network itself. Equal to the last bit: ${equal(report.bit_equal_float32)} of ` +
        `${all} in 32-bit numbers, ${equal(report.bit_equal_float64)} of ${all} in 64-bit numbers.${largest}${margin} ${agreed()}`);
      sheet.canvas.setAttribute("aria-label", `${all} weights, ${equal(report.bit_equal)} printed to the last bit. Arrow keys choose one.`);
      place.dataset.verdict = report.verdict;
    };
    const say = i => {
      sheet.chosen = i;
      sheet.paint();
      if (i < 0 || !found) return reading.replaceChildren("Point at a weight to see its bits and those that are printed.");
      const { dtype } = quine.config, [own, printed] = [found.held[i], found.printed[i]];
      const apart = quines.steps(own, printed, dtype);
      const words = apart ? `${apart > 1e15 ? "very many" : counted(apart)} ${apart === 1 ? "step" : "steps"} of the last bit apart` : "the same number, bit for bit";
      reading.replaceChildren(
        `Weight number ${i}, ${quines.nameOf(quine, i)} = ${written(own)}; printed: ${written(printed)}; ${words}`,
        bitLine("weight", own, printed, dtype), bitLine("printed", printed, own, dtype));
    };
    const colour = i => {
      if (quines.sameBits(found.held[i], found.printed[i])) return ZERO;
      return Math.abs(found.held[i] - found.printed[i]) <= found.report.rounding ? ROUNDED : OFF;
    };
    const check = () => {
      cancelAnimationFrame(frame);
      delete place.dataset.verdict;
      const start = performance.now(), count = quine.theta.length;
      const look = now => {
        const done = cppnLive.calm() ? count : Math.min(count, Math.ceil(((now - start) / CHECKED) * count));
        sheet.colour = i => (i < done ? colour(i) : WAITING);
        sheet.paint();
        if (done === count) return judged();
        tell(verdict, ["…", `Your browser checks it: ${counted(Math.max(0, done))} of ${counted(count)} weights`, "#64748b"]);
        frame = requestAnimationFrame(look);
      };
      look(start);
    };

    const visible = shown => (place.style.display = shown ? "" : "none");
    watch("value", () => visible(Boolean(props.value)));
    sheet.canvas.addEventListener("pointermove", event => say(sheet.at(event)));
    sheet.canvas.addEventListener("pointerdown", event => say(sheet.at(event)));
    sheet.canvas.addEventListener("keydown", event => {
      if (!event.key.startsWith("Arrow") || !found) return;
      event.preventDefault();
      say(sheet.chosen < 0 ? 0 : sheet.beside(sheet.chosen, event.key));
    });
    again.addEventListener("click", () => {
      found = quines.examine(quine);
      check();
    });

    return {
      /** Check another file. */
      async show(next) {
        cancelAnimationFrame(frame);
        visible(true);
        [value, found] = [next, null];
        try {
          quine = await openAt(next.weights);
          found = quines.examine(quine);
        } catch (fault) {
          verdict.replaceChildren();
          sheet.canvas.hidden = side.hidden = true;
          throw fault;
        }
        place.querySelector(".cannot")?.remove();
        sheet.canvas.hidden = side.hidden = false;
        place.dataset.live = "yes";
        sheet.open(quine);
        say(-1);
        check();
      },
    };
  };

  // --- tampered with

  const VIEWS = {
    printed: ["What it prints", ({ printed }, _, limit) => i => diverging(printed[i], limit)],
    original: ["How far that is off the original", ({ printed }, original) => i => logarithmic(printed[i] - original[i])],
    own: ["How far that is off its own weights", ({ printed, held }) => i => logarithmic(printed[i] - held[i])],
  };

  cppnLive.wings.quine_tamper = (place, { trigger }) => {
    const verdict = card(), weights = new Sheet("Its weights"), output = new Sheet("What it prints");
    const reading = make("p", { className: "reading" }), code = make("canvas", { className: "code", attributes: { role: "img" } });
    const codeWords = make("p", { className: "note" }), legend = make("span");
    const view = make("select", { attributes: { "aria-label": "What the second map shows" } });
    view.append(...Object.entries(VIEWS).map(([key, [title]]) => make("option", { value: key, textContent: title })));
    const slider = make("input", { type: "range", step: "any", attributes: { "aria-label": "Value of the chosen weight" } });
    const button = (text, act) => {
      const element = make("button", { type: "button", textContent: text });
      element.addEventListener("click", act);
      return element;
    };
    const handle = make("div", { className: "handle", attributes: { "aria-hidden": "true" } });
    const left = make("div", { className: "map" }, make("div", { className: "note", textContent: "Its weights: drag one up or down" }), weights.canvas, handle);
    const right = make("div", { className: "map" }, make("div", { className: "note" }, view, legend), output.canvas);
    const row = make("div", { className: "row" },
      make("label", { className: "wide" }, "Its value ", slider),
      button("Flip its sign", () => set(-theta[chosen])), button("Set it to 0", () => set(0)),
      button("Put it back", () => set(quine.theta[chosen])), button("Put all back", () => start({ ...value, value: null })));
    place.append(verdict, make("div", { className: "pair" }, left, right), reading, row, code, codeWords);

    let quine = null, original = null, theta = null, found = null, value = null, limit = 1, chosen = 0, hovered = -1;
    let frame = 0, timer = 0, cost = 0;

    const tellPage = cppnLive.rested(() => trigger("input"));
    const changed = () => theta.flatMap((v, i) => (Object.is(v, quine.theta[i]) ? [] : [i]));
    const headline = () => {
      const { report, printed, activation } = found, edits = changed();
      const kept = printed.filter((v, i) => v === original.theta[i]).length, all = report.weights;
      const which = edits.length === 1
        ? `Weight ${quines.nameOf(quine, edits[0])} was ${written(quine.theta[edits[0]])} and is ${written(theta[edits[0]])} now.`
        : `${counted(edits.length)} weights are changed.`;
      const [cross, , colour] = value.cards.not_a_quine;
      const tipped = quine.config.head === "sign" ? activation.filter((v, i) => v >= 0 !== original.activation[i] >= 0).length : 0;
      if (!edits.length) tell(verdict, value.cards[report.verdict], "Nothing is changed yet. Drag a weight up or down, and watch what is printed.");
      else if (report.is_quine) tell(verdict, value.cards[report.verdict], `${which} It still prints itself.`);
      else if (kept === all) tell(verdict, [cross, value.titles.restored, colour], `${which} Every weight is printed as it was, to the last bit: the change has not tipped any bit of the code.`);
      else if (tipped) tell(verdict, [cross, value.titles.tipped, colour], `${which} ${tipped} of ${activation.length} bits have changed sign; ${counted(kept)} of ${counted(all)} weights are printed as they were.`);
      else {
        const far = Math.max(...printed.map((v, i) => Math.abs(v - original.theta[i])));
        tell(verdict, [cross, value.titles.fails.replace("{}", value.cards[report.verdict][1].toLowerCase()), colour], `${which} What it prints lies within ${far.toExponential(1)} of the original.`);
      }
      place.dataset.told = edits.length;
    };
    const say = () => {
      const i = hovered >= 0 ? hovered : chosen;
      const was = Object.is(theta[i], quine.theta[i]) ? "" : ` (was ${written(quine.theta[i])})`;
      const { printed } = found, same = printed[i] === found.held[i] ? "the same to the last bit" : `off by ${Math.abs(printed[i] - found.held[i]).toExponential(1)}`;
      reading.textContent = `Weight number ${i}, ${quines.nameOf(quine, i)} = ${written(theta[i])}${was}. The network prints ${written(printed[i])} for it: ${same}.`;
    };
    const drawCode = () => {
      const { activation } = found;
      code.hidden = codeWords.hidden = !activation;
      if (!activation) return;
      const ratio = window.devicePixelRatio || 1, [width, height] = [code.clientWidth, code.clientHeight], pen = cppnLive.pen(code);
      [code.width, code.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const bits = quine.config.head === "sign", closest = Math.min(...activation.map(Math.abs));
      const step = width / activation.length, y = v => height / 2 - clamp(v / 3, -1, 1) * (height / 2 - 2);
      activation.forEach((v, i) => {
        pen.fillStyle = !bits || v >= 0 === original.activation[i] >= 0 ? ZERO : OFF;
        pen.fillRect(i * step + 2, Math.min(y(0), y(v)), step - 4, Math.max(1, Math.abs(y(v) - y(0))));
        pen.fillStyle = "#94a3b8";
        pen.fillRect(i * step, y(original.activation[i]) - 1, step, 2);
      });
      pen.fillStyle = getComputedStyle(code).color;
      pen.fillRect(0, height / 2 - 0.5, width, 1);
      const words = bits
        ? `The code: ${activation.length} numbers of which only the sign counts. Grey lines: before. A bar that crosses the middle turns red. The closest is ${closest.toFixed(3)} away.`
        : `The code: ${activation.length} numbers that all weights are decoded from. Grey lines: before.`;
      codeWords.textContent = words;
      code.setAttribute("aria-label", words);
    };
    const paint = () => {
      weights.colour = i => diverging(theta[i], limit);
      output.colour = VIEWS[view.value][1](found, original.theta, limit);
      output.canvas.setAttribute("aria-label", `${VIEWS[view.value][0]}. ${reading.textContent}`);
      const most = limit.toPrecision(2);
      legend.textContent = view.value === "printed" ? `blue: −${most}, white: 0, red: ${most}` : "green: exactly 0, yellow: 1e-18, purple: 1";
      weights.chosen = output.chosen = hovered >= 0 ? hovered : chosen;
      weights.paint();
      output.paint();
      moveHandle();
    };
    const moveHandle = () => {
      const at = weights.cells?.[chosen];
      if (at) handle.style.translate = `${weights.canvas.offsetLeft + at[0] + weights.cell / 2}px ${weights.canvas.offsetTop + at[1] + weights.cell / 2}px`;
    };
    /** Run the changed network in the precision of its file, and judge it now if that is cheap, else when it rests. */
    const judge = () => {
      const begin = performance.now(), { report, ...rest } = quines.examine(quine, theta);
      found = { ...rest, report: { ...report, is_quine: ["exact", "float"].includes(report.verdict) } };
      cost = performance.now() - begin;
      headline();
    };
    const compute = () => {
      frame = 0;
      clearTimeout(timer);
      if (cost < 25) judge();
      else {
        found = { ...found, ...quines.run(quine, theta), held: theta };
        timer = setTimeout(() => {
          judge();
          paint();
        }, 120);
      }
      drawCode();
      say();
      paint();
    };
    const choose = i => {
      if (i < 0) return;
      chosen = i;
      slider.value = theta[i];
      say();
      paint();
      tellPage();
    };
    const set = number => {
      const bound = clamp(number, -5 * limit, 5 * limit);
      theta[chosen] = quine.config.dtype === "float32" ? Math.fround(bound) : bound;
      slider.value = theta[chosen];
      if (!frame) frame = requestAnimationFrame(compute);
      tellPage();
    };
    const start = next => {
      theta = [...quine.theta];
      if (next.value !== null && next.index < theta.length) theta[next.index] = next.value;
      cost = 0;
      judge();
      hovered = -1;
      choose(Math.min(next.index, theta.length - 1));
      drawCode();
    };

    for (const sheet of [weights, output]) {
      sheet.canvas.addEventListener("pointermove", event => {
        if (!found || dragged) return;
        hovered = sheet.at(event);
        say();
        paint();
      });
      sheet.canvas.addEventListener("pointerleave", () => {
        if (!found || dragged) return;
        hovered = -1;
        say();
        paint();
      });
      sheet.canvas.addEventListener("keydown", event => {
        if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
        const push = { "+": 1, "=": 1, "-": -1, _: -1 }[event.key];
        hovered = -1;
        if (event.key.startsWith("Arrow")) choose(weights.beside(chosen, event.key));
        else if (push) set(theta[chosen] + (push * limit) / 10);
        else if (event.key === " ") set(-theta[chosen]);
        else if (event.key === "0") set(0);
        else return;
        event.preventDefault();
      });
    }
    output.canvas.addEventListener("pointerdown", event => choose(output.at(event)));
    let dragged = null;
    const grip = (element, sheet) => {
      element.addEventListener("pointerdown", event => {
        const at = sheet ? sheet.at(event) : chosen;
        if (event.button || at < 0 || !found) return;
        element.setPointerCapture(event.pointerId);
        hovered = -1;
        choose(at);
        dragged = { y: event.clientY, from: theta[at] };
      });
      element.addEventListener("pointermove", event => {
        if (!dragged || !element.hasPointerCapture(event.pointerId)) return;
        const up = dragged.y - event.clientY;
        if (Math.abs(up) > 2) set(dragged.from + limit * (up / 60 + Math.sign(up) * (up / 120) ** 2)); // faster far away
      });
      for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (dragged = null));
    };
    grip(weights.canvas, weights);
    grip(handle, null);
    weights.onlaid = moveHandle;
    slider.addEventListener("input", () => set(Number(slider.value)));
    view.addEventListener("change", paint);
    new ResizeObserver(() => found && drawCode()).observe(code);

    return {
      /** Another quine, with one weight changed. */
      async show(next) {
        value = next;
        quine = await openAt(next.weights);
        original = { theta: quine.theta, activation: quines.run(quine, quine.theta).activation };
        limit = Math.max(...quine.theta.map(Math.abs));
        [slider.min, slider.max] = [-5 * limit, 5 * limit];
        place.dataset.live = "yes";
        start(next);
        weights.open(quine);
        output.open(quine);
        drawCode();
        weights.canvas.setAttribute("aria-label",
          `Its ${counted(theta.length)} weights. Arrow keys choose one, plus and minus change it, space flips its sign, 0 sets it to zero.`);
      },
      /** The chosen weight and what it is now. */
      get settings() {
        return [chosen, theta[chosen]];
      },
      state: () => ({ theta, printed: found.printed, verdict: found.report.verdict }),
    };
  };
})();
