// The networks that find the odd shape, in the visitor's own browser. `cppnLive.oddShapes.machine` computes, beside the
// page in a worker so that nothing stutters; odd_shapes_page.js shows.
"use strict";

(() => {
  const EDGE = 64; // pixels of the canvas along a side

  /** Everything that computes; it stands alone, because a worker gets it as text. */
  function machine() {
    const GRID = 12, TOKENS = GRID * GRID, SIDE = 64;
    const EPSILON = 1e-5; // of the normalisations

    /** A layer that computes rows of x, (rows, inputs), anew only where they have changed: most of a picture rests. */
    function remembering(weight, bias, inputs) {
      const outputs = weight.length / inputs;
      let before = new Float32Array(0), out = null;
      return x => {
        const rows = x.length / inputs;
        if (before.length !== x.length) [before, out] = [new Float32Array(x.length).fill(NaN), new Float32Array(rows * outputs)];
        for (let n = 0; n < rows; n++) {
          const start = n * inputs;
          let k = 0;
          while (k < inputs && before[start + k] === x[start + k]) k++;
          if (k < inputs) row(x, start, weight, bias, inputs, out, n * outputs, outputs);
        }
        before.set(x);
        return out.slice();
      };
    }

    function row(x, start, weight, bias, inputs, out, at, outputs) {
      let o = 0;
      for (; o + 3 < outputs; o += 4) { // four at a time, because each number of x is then fetched once for four
        let a = 0, b = 0, c = 0, d = 0;
        const p = o * inputs, q = p + inputs, r = q + inputs, s = r + inputs;
        for (let k = 0; k < inputs; k++) {
          const v = x[start + k];
          a += weight[p + k] * v;
          b += weight[q + k] * v;
          c += weight[r + k] * v;
          d += weight[s + k] * v;
        }
        out[at + o] = a;
        out[at + o + 1] = b;
        out[at + o + 2] = c;
        out[at + o + 3] = d;
      }
      for (; o < outputs; o++) {
        let a = 0;
        for (let k = 0; k < inputs; k++) a += weight[o * inputs + k] * x[start + k];
        out[at + o] = a;
      }
      if (bias) for (o = 0; o < outputs; o++) out[at + o] += bias[o];
    }

    function linear(x, weight, bias, inputs) {
      const outputs = weight.length / inputs, rows = x.length / inputs, out = new Float32Array(rows * outputs);
      for (let n = 0; n < rows; n++) row(x, n * inputs, weight, bias, inputs, out, n * outputs, outputs);
      return out;
    }

    const relu = x => x.map(v => (v > 0 ? v : 0));
    const plus = (a, b) => a.map((v, i) => v + b[i]);

    /** Windows of a picture (side, side, channels) as rows (dy, dx, channel); beyond its rim lies 0. */
    function windows(x, side, channels, size, stride, pad = 0) {
      const across = Math.floor((side + 2 * pad - size) / stride) + 1, out = new Float32Array(across * across * size * size * channels);
      let at = 0;
      for (let top = 0; top < across; top++)
        for (let left = 0; left < across; left++)
          for (let dy = 0; dy < size; dy++)
            for (let dx = 0; dx < size; dx++, at += channels) {
              const py = top * stride - pad + dy, px = left * stride - pad + dx;
              if (py < 0 || px < 0 || py >= side || px >= side) continue;
              const from = (py * side + px) * channels;
              for (let c = 0; c < channels; c++) out[at + c] = x[from + c];
            }
      return out;
    }

    /** A convolution's weights (outputs, channels, size, size) in the order of those rows. */
    function unrolled({ data, shape: [outputs, channels, size] }) {
      const out = new Float32Array(data.length), area = size * size;
      for (let o = 0; o < outputs; o++)
        for (let c = 0; c < channels; c++) for (let k = 0; k < area; k++) out[(o * area + k) * channels + c] = data[(o * channels + c) * area + k];
      return out;
    }

    function layerNorm(x, width, scale, shift) {
      const out = new Float32Array(x.length);
      for (let start = 0; start < x.length; start += width) {
        let mean = 0, variance = 0;
        for (let k = 0; k < width; k++) mean += x[start + k] / width;
        for (let k = 0; k < width; k++) variance += (x[start + k] - mean) ** 2 / width;
        const factor = 1 / Math.sqrt(variance + EPSILON);
        for (let k = 0; k < width; k++) out[start + k] = (x[start + k] - mean) * factor * scale[k] + shift[k];
      }
      return out;
    }

    function softmax(x, size) {
      for (let start = 0; start < x.length; start += size) {
        let most = -Infinity, sum = 0;
        for (let k = 0; k < size; k++) most = Math.max(most, x[start + k]);
        for (let k = 0; k < size; k++) sum += x[start + k] = Math.exp(x[start + k] - most);
        for (let k = 0; k < size; k++) x[start + k] /= sum;
      }
      return x;
    }

    /** What each token attends to, (144, 144), and what it hears, (144, size), for one head. */
    function attend(q, k, v, size) {
      const looks = softmax(linear(q.map(value => value / Math.sqrt(size)), k, null, size), TOKENS);
      const width = v.length / TOKENS, heard = new Float32Array(v.length);
      for (let n = 0; n < TOKENS; n++)
        for (let m = 0; m < TOKENS; m++) {
          const share = looks[n * TOKENS + m];
          for (let c = 0; c < width; c++) heard[n * width + c] += share * v[m * width + c];
        }
      return { looks, heard };
    }

    /** Columns [from, to) of rows of `width` numbers. */
    function columns(x, width, from, to) {
      const size = to - from, out = new Float32Array((x.length / width) * size);
      for (let n = 0; n < x.length / width; n++) out.set(x.subarray(n * width + from, n * width + to), n * size);
      return out;
    }

    /** Position and its uncertainty from logits (144) and offsets (144, 2), for tokens `step` pixels apart. */
    function answer(logits, offset, first, step, attention) {
      const probability = softmax(logits, TOKENS);
      const guess = (n, axis) => first + step * (axis ? Math.floor(n / GRID) : n % GRID) + offset[2 * n + axis];
      let x = 0, y = 0, spread = 0;
      for (let n = 0; n < TOKENS; n++) [x, y] = [x + probability[n] * guess(n, 0), y + probability[n] * guess(n, 1)];
      for (let n = 0; n < TOKENS; n++) spread += probability[n] * ((guess(n, 0) - x) ** 2 + (guess(n, 1) - y) ** 2);
      return { x, y, doubt: Math.sqrt(spread), probability, offset, first, step, attention };
    }

    function ours(tensors, { width, heads, key_size: size }) {
      const w = name => tensors[name].data, area = 25, channels = 16;
      const patches = remembering(unrolled(tensors["patches.weight"]), w("patches.bias"), 81 * channels);
      const norm = (name, x) => layerNorm(x, width, w(`${name}.weight`), w(`${name}.bias`));
      /** A look at the eight neighbours; without its weights, as in a network that never grew it, it adds nothing. */
      const looking = name => {
        if (!tensors[`${name}.conv.weight`]) return x => x;
        const around = remembering(unrolled(tensors[`${name}.conv.weight`]), null, 9 * width);
        return x => plus(x, linear(relu(around(windows(norm(`${name}.norm`, x), GRID, width, 3, 1, 1))), w(`${name}.mix.weight`), null, 2 * width));
      };
      const [look, lookAgain] = ["surroundings", "surroundings2"].map(looking);
      const attended = (name, x, seen) => {
        const y = norm(`${name}.norm`, x), heard = new Float32Array(x.length), part = width / heads;
        const asking = linear(plus(y, w(`${name}.position`)), w(`${name}.query_key.weight`), null, width);
        const value = linear(y, w(`${name}.value.weight`), null, width), all = 2 * heads * size;
        for (let head = 0; head < heads; head++) {
          const [q, k] = [head, heads + head].map(i => columns(asking, all, i * size, (i + 1) * size));
          const one = attend(q, k, columns(value, width, head * part, (head + 1) * part), size);
          for (let n = 0; n < TOKENS; n++) heard.set(one.heard.subarray(n * part, (n + 1) * part), n * width + head * part);
          seen.push(one.looks);
        }
        return plus(x, linear(heard, w(`${name}.out.weight`), null, width));
      };
      const thought = (name, x) =>
        plus(x, linear(relu(linear(norm(`${name}.norm`, x), w(`${name}.widen.weight`), null, width)), w(`${name}.narrow.weight`), null, 3 * width));
      return ink => {
        const edges = new Float32Array(SIDE * SIDE * channels), seen = [], bias = w("edges.bias"), weight = w("edges.weight");
        for (let i = 0; i < edges.length; i++) edges[i] = bias[i % channels];
        for (let p = 0; p < ink.length; p++) {
          if (!ink[p]) continue; // most is paper
          for (let dy = 0; dy < 5; dy++)
            for (let dx = 0; dx < 5; dx++) {
              const y = Math.floor(p / SIDE) + 2 - dy, x = (p % SIDE) + 2 - dx;
              if (y < 0 || x < 0 || y >= SIDE || x >= SIDE) continue;
              for (let c = 0; c < channels; c++) edges[(y * SIDE + x) * channels + c] += weight[c * area + dy * 5 + dx];
            }
        }
        let x = plus(patches(windows(relu(edges), SIDE, channels, 9, 5)), w("position"));
        x = thought("think1", attended("attention1", look(x), seen));
        x = norm("norm", thought("think2", attended("attention2", lookAgain(x), seen)));
        const out = linear(relu(linear(x, w("head1.weight"), w("head1.bias"), width)), w("head2.weight"), w("head2.bias"), width);
        return answer(columns(out, 3, 0, 1), columns(out, 3, 1, 3).map(v => 5 * v), 4, 5, seen);
      };
    }

    function homework(tensors) {
      const w = name => tensors[name].data, width = 16;
      const first = remembering(unrolled(tensors["conv1.weight"]), w("conv1.bias"), 64);
      const second = remembering(unrolled(tensors["conv2.weight"]), w("conv2.bias"), 49 * 32);
      const dense = (name, x, inputs) => linear(x, w(`${name}.weight`), w(`${name}.bias`), inputs);
      const place = Float32Array.from({ length: TOKENS * width }, (_, i) => {
        const angle = Math.floor(i / width) * 1000 ** (-(2 * Math.floor((i % width) / 2)) / width);
        return i % 2 ? Math.cos(angle) : Math.sin(angle);
      });
      return ink => {
        let x = relu(first(windows(Float32Array.from(ink), SIDE, 1, 8, 2)));
        x = relu(second(windows(x, 29, 32, 7, 2)));
        x = plus(dense("conv3", x, 64), place);
        const { looks, heard } = attend(dense("query", x, width), dense("key", x, width), dense("value", x, width), width);
        x = relu(heard);
        const offset = tensors["regressor1.weight"]
          ? dense("regressor2", relu(dense("regressor1", x, width)), 64)
          : new Float32Array(2 * TOKENS);
        return answer(dense("classifier2", relu(dense("classifier1", x, width)), 64), offset, 9.5, 4, [looks]);
      };
    }

    /** A weights file's network: ink (64 * 64, 1 is ink) -> its answer. */
    return ({ tensors, config }) => (tensors["edges.weight"] ? ours(tensors, config) : homework(tensors));
  }

  /** One network that answers beside the page: `answered` gets each answer and its picture. Where pictures come faster
   * than answers, those in between are left out. */
  class Finder {
    constructor(weights, answered, failed) {
      this.busy = false;
      this.next = null;
      const told = ({ data }) => {
        this.busy = false;
        if (data.fault) return failed(new Error(data.fault));
        answered(data, this.asked);
        this.#go();
      };
      const source = `const machine = ${machine}; let net = null;
        onmessage = ({ data }) => {
          try { data.weights ? (net = machine()(data.weights)) : postMessage(net(data)); }
          catch (fault) { postMessage({ fault: String(fault) }); }
        };`;
      const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      this.worker = new Worker(address);
      URL.revokeObjectURL(address);
      this.worker.onmessage = told;
      this.worker.onerror = () => failed(new Error("it starts no worker"));
      this.worker.postMessage({ weights });
    }

    /** Ask about a picture. */
    ask(ink) {
      this.next = ink.slice();
      this.#go();
    }

    #go() {
      if (this.busy || !this.next) return;
      this.worker.postMessage(this.next);
      [this.busy, this.asked, this.next] = [true, this.next, null];
    }

    close() {
      this.worker.terminate();
    }
  }

  // --- shapes, pixel by pixel as cppn/odd_shapes/dataset.py draws them

  const CIRCLE = { 4: 18, 5: 29, 6: 40, 7: 53, 8: 68, 9: 85, 10: 109 }; // largest dx^2 + dy^2 for each radius

  /** Pixels that a shape's row `dy` below its centre reaches to either side. */
  const halfWidth = (kind, radius, dy) =>
    kind === "circle" ? Math.floor(Math.sqrt(CIRCLE[radius] - dy * dy)) : kind === "square" ? radius : Math.floor((radius + dy) / 2);

  /** A shape as a piece that can be moved: its pixels round its centre. */
  function shape({ kind, radius, x, y }) {
    const pixels = [];
    for (let dy = -radius; dy <= radius; dy++) {
      const half = halfWidth(kind, radius, dy);
      for (let dx = -half; dx <= half; dx++) pixels.push([dx, dy]);
    }
    return { pixels, x, y, name: kind, reach: [radius, radius, radius, radius] };
  }

  /** What hangs together in a picture, as pieces. */
  function pieces(ink) {
    const left = ink.slice(), found = [];
    for (let seed = 0; seed < left.length; seed++) {
      if (!left[seed]) continue;
      const pixels = [], todo = [seed];
      left[seed] = 0;
      while (todo.length) {
        const p = todo.pop(), x = p % EDGE, y = Math.floor(p / EDGE);
        pixels.push([x, y]);
        for (const [nx, ny] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
          const q = ny * EDGE + nx;
          if (nx < 0 || ny < 0 || nx >= EDGE || ny >= EDGE || !left[q]) continue;
          left[q] = 0;
          todo.push(q);
        }
      }
      const [xs, ys] = [0, 1].map(axis => pixels.map(pixel => pixel[axis]));
      const [low, high] = [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]];
      const [x, y] = [Math.round((low[0] + high[0]) / 2), Math.round((low[1] + high[1]) / 2)];
      found.push({
        pixels: pixels.map(([px, py]) => [px - x, py - y]), x, y, name: "piece",
        reach: [x - low[0], y - low[1], high[0] - x, high[1] - y],
      });
    }
    return found;
  }

  /** Lay pieces on a canvas (64 * 64, 1 is ink). */
  function laid(all) {
    const ink = new Uint8Array(EDGE * EDGE);
    for (const { pixels, x, y } of all) for (const [dx, dy] of pixels) ink[(y + dy) * EDGE + x + dx] = 1;
    return ink;
  }

  cppnLive.oddShapes = { EDGE, machine, Finder, shape, pieces, laid };
})();
