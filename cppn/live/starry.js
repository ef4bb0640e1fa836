// Starry Night in the visitor's own browser: a program's bytes are read as cppn/starry/program.py reads them, and its
// network is painted by a shader. `cppnLive.starry` holds what the other toys of this wing share.
"use strict";

(() => {
  const { make, clamp } = cppnLive;

  // --- programs, with the limits of cppn/starry/program.py

  const BYTE_LIMIT = 1024;
  const NEURONS = [3, 96];
  const SIDE_LIMIT = 4096;
  const NARROWEST = 16; // a picture may be so many times as long as it is wide; a canvas of other shapes is no picture
  const STEEPEST = 1.5; // radians; the tangent has its pole at pi / 2
  const HEAD = 'KjC"';
  const DECODERS = [ // by neuron, and whether the weights are bent
    ["sigmoid", false, '"%d.wmm+JKsM>3.WJaZc256h^8cs*L-%d.)JZ%d[%dkd)%d %d'],
    ["sine", false, '"%d.wmm+JKsM>3.WJaZ*128h.tcs*L-%d.)JZ%d 0[%dkd)%d %d'],
    ["sine", true, '"%d.wmm+JKsM>3.WJaZ*128h.tcs*L.tc-%d.)J%d 2Z%d 0[%dkd)%d %d'],
  ].map(([activation, bent, text]) => {
    const literal = text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll("%d", "([1-9]\\d{0,5})");
    return { activation, bent, pattern: new RegExp(`^${literal}$`) };
  });
  const SIMPLE_ESCAPES = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '"': 34, "\\": 92, "'": 39 };

  /** Says, in a sentence, what is wrong with a program. */
  class Refused extends Error {}

  const textOf = bytes => Array.from(bytes, byte => String.fromCharCode(byte)).join("");

  /** Where the string of a program's text ends. */
  function endOfString(text) {
    if (!text.startsWith(HEAD)) throw new Refused(`not a program of this family: it should begin with ${HEAD}`);
    let position = HEAD.length;
    while (position < text.length && text[position] !== '"') position += text[position] === "\\" ? 2 : 1;
    if (position >= text.length) throw new Refused("the program is cut off: its string has no end");
    return position;
  }

  /** The bytes that Pyth makes of a string literal. */
  function unescaped(text) {
    const bytes = [];
    for (let at = 0; at < text.length; ) {
      const here = text[at], after = text[at + 1] ?? "";
      if (here === "\r") throw new Refused("bad string: a raw carriage return, which Pyth reads as a line feed");
      if (here === "\0" && /^[0-7]$/.test(after))
        throw new Refused("bad string: a zero byte before a digit, which Pyth reads as one octal number");
      const written = here === "\\" && /^\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2}))/.exec(text.slice(at, at + 4));
      const value = written && (written[1] ? parseInt(written[1], 8) : parseInt(written[2], 16));
      if (here !== "\\") bytes.push(text.charCodeAt(at++));
      else if (after === "\n") at += 2; // a joined line
      else if (after in SIMPLE_ESCAPES) {
        bytes.push(SIMPLE_ESCAPES[after]);
        at += 2;
      } else if (written && value < 256) {
        bytes.push(value);
        at += written[0].length;
      } else if (after === "" || "\0\rxuUN01234567".includes(after))
        throw new Refused(`bad escape in the string at byte ${at + HEAD.length}`);
      else bytes.push(text.charCodeAt(at++));
    }
    return bytes;
  }

  /** The digits of a number given in base 256, the least significant first. */
  function digitsOf(bytes, base) {
    const digits = [], divisor = BigInt(base);
    let number = BigInt("0x0" + bytes.map(byte => byte.toString(16).padStart(2, "0")).join(""));
    for (; number; number /= divisor) digits.push(Number(number % divisor));
    return digits;
  }

  /**
   * The network inside a program.
   *
   * rows: for neuron n its 3 + n gains (constant, x, y, earlier neurons), in the units of the exponential or the sine.
   * constant: the first input. activation: "sigmoid" or "sine". width, height: pixels that the program paints.
   */
  function readProgram(bytes) {
    const size = bytes.length;
    if (size > BYTE_LIMIT) throw new Refused(`it has ${size} bytes; a program of this family has at most ${BYTE_LIMIT}`);
    const text = textOf(bytes), end = endOfString(text);
    const { activation, bent, numbers } = decoder(text.slice(end));
    const bend = bent ? numbers.splice(2, 1)[0] : 0;
    const [levels, middle, scale, constant, width, height] = numbers;
    if (levels < 2 || levels > 65536 || middle !== levels >> 1)
      throw new Refused(`the decoder subtracts ${middle} from digits of ${levels} levels; it should be ${levels >> 1}`);
    if (Math.max(width, height) > SIDE_LIMIT || Math.max(width / height, height / width) > NARROWEST)
      throw new Refused(`it paints ${width} × ${height} pixels, which is too long to be shown here`);
    if (bend && levels / 2 > STEEPEST * bend) throw new Refused(`${levels} levels bent by ${bend} reach the tangent's pole`);
    const digits = digitsOf(unescaped(text.slice(HEAD.length, end)), levels);
    const neurons = Math.floor((Math.sqrt(25 + 8 * digits.length) - 5) / 2);
    if ((neurons * (neurons + 5)) / 2 !== digits.length || neurons < NEURONS[0] || neurons > NEURONS[1])
      throw new Refused(`${digits.length} weights are not those of a cascade, which has 12, 18, 25, …`);
    const sign = activation === "sigmoid" ? 1 : -1, unit = (activation === "sigmoid" ? Math.log(8) : 1) / scale;
    const gain = digit => unit * (bend ? Math.tan((sign * (digit - middle)) / bend) : sign * (digit - middle));
    let first = 0;
    const rows = Array.from({ length: neurons }, (_, n) => {
      first += 3 + n;
      return Float64Array.from(digits.slice(first - 3 - n, first), gain);
    });
    return { rows, constant, activation, width, height, size };
  }

  function decoder(text) {
    for (const { activation, bent, pattern } of DECODERS) {
      const match = pattern.exec(text);
      if (match) return { activation, bent, numbers: match.slice(1).map(Number) };
    }
    throw new Refused("the string is followed by another decoder than those of this family, or by one that is cut off");
  }

  /** Every neuron at a place in the program's pixels, in [0, 256]; `off` are silent for all others. */
  function neuronsAt({ rows, constant, activation }, x, y, off = new Set()) {
    const values = [constant, x, y];
    return rows.map((gains, n) => {
      let sum = 0;
      for (let j = 0; j < gains.length; j++) sum += gains[j] * values[j];
      const value = activation === "sigmoid" ? 256 / (1 + Math.exp(-sum)) : 128 * (1 + Math.sin(sum));
      values.push(off.has(n) ? 0 : value);
      return value;
    });
  }

  // --- the shader

  const blocksOf = network => Math.ceil(network.rows.length / 4);

  /**
   * The numbers in the order in which the shader reads them: constant, half the sides, the first neuron to be shown; its
   * tint and the step to the next; then for four neurons which are on, and a column an input.
   */
  function packed(network, { off = new Set(), neuron = null } = {}) {
    const { rows, constant, activation, width, height } = network, count = rows.length;
    const unit = activation === "sine" ? 1 / (2 * Math.PI) : 1; // sines are counted in turns
    const channel = neuron === null ? -1 : neuron - (count - 3);
    const tint = channel < 0 ? [1, 1, 1] : [0, 1, 2].map(c => Number(c === channel));
    const numbers = [constant, (width - 1) / 2, (height - 1) / 2, neuron ?? count - 3, ...tint, neuron === null ? 1 : 0];
    for (let block = 0; block < blocksOf(network); block++) {
      const four = [0, 1, 2, 3].map(r => 4 * block + r);
      numbers.push(...four.map(n => (n < count && !off.has(n) ? 1 : 0)));
      for (let j = 0; j < 6 + 4 * block; j++) numbers.push(...four.map(n => (rows[n]?.[j] ?? 0) * unit));
    }
    return numbers;
  }

  // Graphics cards reduce large arguments badly, and some are good for 1 in 2,000 only: the sine is reduced to a quarter
  // turn here and summed up to the 11th power, off by 6e-8 at most.
  const SINE = [1, 3, 5, 7, 9, 11].map((power, i) => {
    let factorial = 1;
    for (let k = 2; k <= power; k++) factorial *= k;
    return (((i % 2 ? -1 : 1) * (2 * Math.PI) ** power) / factorial).toFixed(7);
  });
  const NEURON = {
    sigmoid: "return 256. / (1. + exp(-clamp(sum, -80., 80.)));",
    sine: `float t = sum - floor(sum + .5);
      t = abs(t) > .25 ? sign(t) * .5 - t : t;
      float u = t * t;
      return 128. + 128. * t * (${SINE.join(" + u * (")}${")".repeat(SINE.length)};`,
  };

  const shaderOf = network => {
    let at = 2, source = "";
    for (let block = 0; block < blocksOf(network); block++) {
      const own = at + 4 + 4 * block;
      source += `s = N(${at + 1}) * head.x + N(${at + 2}) * p.x + N(${at + 3}) * p.y;
        for (int c = 0; c < ${block}; c++) {
          vec4 h = a[c]; int q = ${at + 4} + 4 * c;
          s += N(q) * h.x + N(q + 1) * h.y + N(q + 2) * h.z + N(q + 3) * h.w;
        }
        on = N(${at});
        v.x = on.x * neuron(s.x); s += N(${own}) * v.x;
        v.y = on.y * neuron(s.y); s += N(${own + 1}) * v.y;
        v.z = on.z * neuron(s.z); s += N(${own + 2}) * v.z;
        v.w = on.w * neuron(s.w);
        a[${block}] = v;\n`;
      at = own + 3;
    }
    return `float neuron(float sum) { ${NEURON[network.activation]} }
      void main() {
        vec4 head = N(0), tint = N(1), a[${blocksOf(network)}], s, v, on;
        vec2 p = (place() + 1.) * head.yz;
        ${source}
        int i = int(head.w), n = int(tint.w);
        vec3 shown = vec3(a[i >> 2][i & 3], a[(i + n) >> 2][(i + n) & 3], a[(i + 2 * n) >> 2][(i + 2 * n) & 3]);
        colour = vec4(clamp(floor(shown), 0., 255.) * tint.rgb / 255., 1.);
      }`;
  };

  // --- paintings in links

  const PART = "p"; // of an address behind the #

  /** A program as the part of an address that holds it, "#p=…". */
  const fragment = bytes => `#${PART}=${btoa(textOf(bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;

  /** The bytes that an address holds; null if it holds none. */
  function fromFragment(hash) {
    const written = new URLSearchParams(hash.slice(1)).get(PART);
    if (written === null) return null;
    if (written.length > Math.ceil((BYTE_LIMIT * 4) / 3)) throw new Refused(`it holds more than ${BYTE_LIMIT} bytes`);
    if (!/^[\w-]+$/.test(written) || written.length % 4 === 1) throw new Refused("it is cut off, or not as it was made");
    return Uint8Array.from(atob(written.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0));
  }

  /** Give an element the shape of a network's painting, no taller than the screen. */
  function shaped(element, { width, height }) {
    element.style.aspectRatio = `${width} / ${height}`;
    element.style.maxWidth = `calc(80vh * ${width / height})`;
  }

  /** A row with a link that holds a painting, to be copied or opened; `page` is the address of the page that shows it. */
  function linkRow() {
    const field = make("input", { type: "text", readOnly: true, attributes: { "aria-label": "A link that holds this painting" } });
    const copy = make("button", { type: "button" }), open = make("a", { target: "_blank", textContent: "Open it" });
    const label = make("span", { textContent: "A link that holds this painting:" });
    copy.addEventListener("click", async () => {
      field.select();
      await navigator.clipboard?.writeText(field.value).then(() => (copy.textContent = "Copied"), () => {});
    });
    const hold = (page, bytes) => {
      const address = new URL(page.replace(/^\/(?=\?)/, ""), document.baseURI); // "/?…" where the server knows no more
      address.hash = fragment(bytes);
      field.value = open.href = address.href;
      copy.textContent = "Copy";
    };
    return { row: make("div", { className: "row link" }, label, field, copy, open), hold };
  }

  /** A program's bytes from the server. */
  const programBytes = async path => new Uint8Array(await cppnLive.fetched(path));

  // --- the painting, to look around in

  const MOON = { zoom: 4, x: 0.72, y: -0.68 }; // where the first view begins

  cppnLive.wings.starry = (place, { trigger }) => {
    const canvas = make("canvas"), before = make("img", { alt: "" });
    const stage = make("div", { className: "stage", tabIndex: 0, attributes: { role: "application" } }, canvas, before);
    const reading = make("p", { className: "caption reading" });
    const words = make("span"), home = make("button", { type: "button", textContent: "Back to Starry Night" });
    const guest = make("p", { className: "row guest", hidden: true, attributes: { role: "status" } }, words, home);
    place.append(guest, stage, reading);

    let shown = null, network = null;

    const say = (x, y) => {
      if (!network) return;
      if (x === undefined) {
        const size = network.size.toLocaleString("en");
        reading.textContent = `Painted by your browser from ${size} bytes. Drag, wheel, pinch or + − ← → to look around.`;
        return;
      }
      const at = (value, side) => ((value + 1) / 2) * (side - 1);
      const [column, row] = [at(x, network.width), at(y, network.height)];
      const colour = neuronsAt(network, column, row).slice(-3).map(value => clamp(Math.floor(value), 0, 255));
      reading.textContent = `column ${column.toFixed(1)}, row ${row.toFixed(1)} → red, green, blue: ${colour.join(", ")}`;
    };
    const viewer = new cppnLive.Viewer(stage, canvas, trigger, say);
    const put = (found, called) => {
      network = found;
      const painting = viewer.ready(network.width / network.height, () => (before.hidden = true));
      shaped(stage, network);
      stage.setAttribute("aria-label", `${called}, painted from its bytes. Arrow keys move, plus and minus zoom, 0 shows all.`);
      painting.feed(shaderOf(network), packed(network));
      place.dataset.live = "yes";
      say();
    };
    const putOwn = async () => put(readProgram(await programBytes(shown.program)), shown.title);
    /** Whether the address holds a painting, which is then shown. */
    const invited = () => {
      try {
        const bytes = fromFragment(location.hash);
        guest.hidden = bytes === null;
        if (bytes === null) return false;
        put(readProgram(bytes), "The painting in the link");
        words.textContent = "This painting came in the link itself: your browser read the program there and paints it.";
        return true;
      } catch (fault) {
        if (!(fault instanceof Refused)) throw fault;
        guest.hidden = false;
        words.textContent = `⚠️ The link holds no painting that can be shown: ${fault.message}.`;
        return false;
      }
    };
    const dismiss = () => {
      guest.hidden = true;
      if (fromHash()) history.replaceState(history.state, "", location.pathname + location.search);
    };
    const fromHash = () => new URLSearchParams(location.hash.slice(1)).has(PART);

    const renew = async () => {
      try {
        if (shown && !invited()) await putOwn();
      } catch (fault) {
        cppnLive.refused(place, fault);
      }
    };
    home.addEventListener("click", () => {
      dismiss();
      renew();
    });
    window.addEventListener("hashchange", renew);

    /** Show another program, or the same in the window that the page asks for. */
    return viewer.toy(place, async value => {
      const first = shown === null, changed = !first && shown.program !== value.program;
      shown = value;
      before.src = cppnLive.addressOf(value.picture);
      before.alt = `What ${value.title.toLowerCase()} paints`;
      before.hidden = false;
      shaped(stage, value);
      viewer.take(value.view);
      if (place.dataset.live === "no") return;
      if (changed) dismiss();
      if (!invited()) await putOwn();
      if (first) viewer.arrive(MOON);
    });
  };

  /** A squeezed program's link. */
  cppnLive.wings.starry_squeezed = place => {
    const { row, hold } = linkRow();
    place.append(row);
    return {
      async show({ program, page }) {
        hold(page, await programBytes(program));
        place.dataset.live = "yes";
      },
    };
  };

  cppnLive.starry = { Refused, readProgram, neuronsAt, packed, shaderOf, shaped, fromFragment, linkRow, programBytes };
})();
