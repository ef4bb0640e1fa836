// The quines in the visitor's own browser: every network, table and verdict once more, in another language, so that
// nobody has to take the server's word. `cppnLive.quine` computes; quine_page.js shows.
"use strict";

(() => {
  const SCALE = 0.25;
  const EPSILON = 1e-5; // of the normalisations
  const HEADS = 2; // of the transformer's attention
  const SELU = { scale: 1.0507009873554805, alpha: 1.6732632423543772 };

  // layer: [units, inputs, divisor of the weights' table columns, of the biases'; null where it has no bias]
  const NETWORKS = {
    mlp: { code: 20, probe: 8, layers: { l1: [20, 8, 20, 20], l2: [20, 20, 20, 20], l3: [20, 20, 20, 20] } },
    cnn: { code: 16, probe: 64, layers: { conv1: [4, 9, 3, 10], conv2: [8, 36, 6, 10], dense: [16, 32, 6, 10] } },
    rnn: { code: 16, probe: 32, layers: { input: [16, 4, 2, null], recurrent: [16, 16, 3, 10], output: [16, 16, 4, 10] } },
    lstm: { code: 16, probe: 32, layers: { input: [48, 4, 2, null], recurrent: [48, 12, 3, 5], output: [16, 12, 3, 10] } },
    transformer: {
      code: 16, probe: 64,
      layers: { qkv: [48, 16, 4, 10], out: [16, 16, 4, 10], up: [32, 16, 4, 10], down: [16, 32, 6, 10] },
    },
  };
  const asked = (width, pictures, answers) =>
    ({ layers: { first: [width, width + pictures, null, null], second: [width, width, null, null], last: [answers, width, null, null] } });
  const networkOf = ({ architecture = "mlp", width }) =>
    architecture === "query" ? asked(width, 0, 1) : architecture === "auxiliary" ? asked(width, 16, 11) : NETWORKS[architecture];

  // --- SHA-256 (FIPS 180-4), written out, because a page without https has none

  const primes = count => {
    const found = [];
    for (let n = 2; found.length < count; n++) if (found.every(p => n % p)) found.push(n);
    return found;
  };
  const fraction = root => Math.floor((root % 1) * 2 ** 32) | 0;
  const ROUNDS = Int32Array.from(primes(64), p => fraction(Math.cbrt(p)));
  const START = Int32Array.from(primes(8), p => fraction(Math.sqrt(p)));
  const turned = (x, n) => (x >>> n) | (x << (32 - n));

  /** The 32 bytes of a digest. */
  function sha256(bytes) {
    const padded = new Uint8Array(64 * Math.ceil((bytes.length + 9) / 64)), view = new DataView(padded.buffer);
    padded.set(bytes);
    padded[bytes.length] = 128;
    view.setUint32(padded.length - 4, bytes.length * 8);
    const state = Int32Array.from(START), w = new Int32Array(64);
    for (let block = 0; block < padded.length; block += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + 4 * i);
      for (let i = 16; i < 64; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
        const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g, g = f, f = e, e = (d + one) | 0, d = c, c = b, b = a, a = (one + two) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
    }
    const digest = new Uint8Array(32), out = new DataView(digest.buffer);
    state.forEach((value, i) => out.setInt32(4 * i, value));
    return digest;
  }

  const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");

  // --- table and probe, drawn from the published string

  /** Whole near-normal numbers of standard deviation 256: sums of 12 bytes of the digests, minus their mean. */
  function normals(environment, stream, count) {
    const text = new TextEncoder(), numbers = new Float64Array(count).fill(-1530);
    for (let counter = 0; counter * 32 < count * 12; counter++) {
      const digest = sha256(text.encode(`${environment}:${stream}:${counter}`));
      for (let i = 0; i < 32; i++) {
        const at = Math.floor((counter * 32 + i) / 12);
        if (at < count) numbers[at] += digest[i];
      }
    }
    return numbers;
  }

  const quotient = (value, divisor) => Math.floor((2 * value + divisor) / (2 * divisor)); // rounded half up

  function drawnTable(environment, network, places) {
    const count = places.length, divisors = places.map(({ layer, bias }) => network.layers[layer][bias ? 3 : 2]);
    return normals(environment, "table", network.code * count).map((value, i) => quotient(value, divisors[i % count]) / 256);
  }

  const drawnProbe = (environment, count) => normals(environment, "probe", count).map(value => quotient(value, 16) / 16);

  // --- the networks; `r` rounds after every operation: Math.fround for 32 bits, nothing for 64

  const ROUNDING = { float32: Math.fround, float64: value => value };

  function linear(r, x, weight, bias) {
    const inputs = x.length, out = new Array(weight.length / inputs);
    for (let o = 0; o < out.length; o++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum = r(sum + r(weight[o * inputs + k] * x[k]));
      out[o] = bias ? r(sum + bias[o]) : sum;
    }
    return out;
  }

  function normalise(r, x) {
    const mean = r(x.reduce((sum, v) => r(sum + v), 0) / x.length), centred = x.map(v => r(v - mean));
    const variance = r(centred.reduce((sum, v) => r(sum + r(v * v)), 0) / x.length);
    const spread = r(Math.sqrt(r(variance + EPSILON)));
    return centred.map(v => r(v / spread));
  }

  const tanh = (r, x) => x.map(v => r(Math.tanh(v)));
  const plus = (r, a, b) => a.map((v, i) => r(v + b[i]));
  const rows = (x, size) => Array.from({ length: x.length / size }, (_, i) => Array.from(x.slice(i * size, (i + 1) * size)));
  const sigmoid = (r, x) => x.map(v => r(1 / (1 + Math.exp(-v))));

  /** The error function by its series of positive terms, to the rounding of 64 bits; ±1 where that is nearer. */
  function erf(x) {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  const gelu = (r, x) => x.map(v => r(0.5 * v * (1 + erf(v * Math.SQRT1_2))));
  const selu = (r, x) => x.map(v => r(SELU.scale * (v > 0 ? v : SELU.alpha * Math.expm1(v))));

  /** A 3 x 3 convolution with a rim of zeros: channels of `side` x `side` in, channels out. */
  function convolved(r, channels, side, weight, bias, stride) {
    const out = side / stride, pixel = (channel, y, x) => (y < 0 || x < 0 || y >= side || x >= side ? 0 : channel[y * side + x]);
    return Array.from(bias, (offset, unit) =>
      Array.from({ length: out * out }, (_, at) => {
        const top = Math.floor(at / out) * stride - 1, left = (at % out) * stride - 1;
        let sum = offset;
        channels.forEach((channel, c) => {
          for (let k = 0; k < 9; k++)
            sum = r(sum + r(weight[(unit * channels.length + c) * 9 + k] * pixel(channel, top + Math.floor(k / 3), left + (k % 3))));
        });
        return sum;
      }));
  }

  const HIDDEN = {
    mlp(r, w, z) {
      return ["l1", "l2", "l3"].reduce((x, l) => normalise(r, tanh(r, linear(r, x, w[`${l}.weight`], w[`${l}.bias`]))), z);
    },
    cnn(r, w, z) {
      const layer = (x, side, name, stride) =>
        convolved(r, x, side, w[`${name}.weight`], w[`${name}.bias`], stride).map(channel => tanh(r, normalise(r, channel)));
      const x = layer(layer([z], 8, "conv1", 1), 8, "conv2", 2); // 8 channels of 4 x 4
      const pooled = x.flatMap(c => [0, 2, 8, 10].map(at => r(r(r(c[at] + c[at + 1]) + r(c[at + 4] + c[at + 5])) / 4)));
      return normalise(r, tanh(r, linear(r, normalise(r, pooled), w["dense.weight"], w["dense.bias"])));
    },
    rnn(r, w, z) {
      let x = new Array(16).fill(0);
      for (const step of rows(z, 4))
        x = tanh(r, plus(r, linear(r, step, w["input.weight"]), linear(r, x, w["recurrent.weight"], w["recurrent.bias"])));
      return normalise(r, tanh(r, linear(r, normalise(r, x), w["output.weight"], w["output.bias"])));
    },
    lstm(r, w, z) {
      let x = new Array(12).fill(0), cell = x;
      for (const step of rows(z, 4)) {
        const gates = plus(r, linear(r, step, w["input.weight"]), linear(r, x, w["recurrent.weight"], w["recurrent.bias"]));
        const [enter, forget, candidate, leave] = rows(gates, 12);
        const [kept, taken, wanted] = [sigmoid(r, forget), sigmoid(r, enter), tanh(r, candidate)];
        cell = cell.map((v, i) => r(r(kept[i] * v) + r(taken[i] * wanted[i])));
        const shown = tanh(r, cell);
        x = sigmoid(r, leave).map((v, i) => r(v * shown[i]));
      }
      return normalise(r, tanh(r, linear(r, normalise(r, x), w["output.weight"], w["output.bias"])));
    },
    transformer(r, w, z) {
      const x = rows(z, 16).map(token => normalise(r, token));
      const parts = x.map(token => linear(r, token, w["qkv.weight"], w["qkv.bias"])), size = 16 / HEADS;
      const dot = (a, b) => a.reduce((sum, v, i) => r(sum + r(v * b[i])), 0);
      const last = x.length - 1; // only the last token is read, and no other follows from it
      const mixed = [];
      for (let head = 0; head < HEADS; head++) {
        const part = (token, kind) => parts[token].slice(16 * kind + head * size, 16 * kind + (head + 1) * size);
        const scores = x.map((_, token) => r(dot(part(last, 0), part(token, 1)) / r(Math.sqrt(size))));
        const highest = Math.max(...scores), shares = scores.map(score => r(Math.exp(r(score - highest))));
        const total = shares.reduce((sum, v) => r(sum + v), 0);
        for (let i = 0; i < size; i++) mixed.push(dot(shares.map(v => r(v / total)), x.map((_, token) => part(token, 2)[i])));
      }
      const read = plus(r, x[last], linear(r, mixed, w["out.weight"], w["out.bias"]));
      const up = gelu(r, linear(r, normalise(r, read), w["up.weight"], w["up.bias"]));
      return normalise(r, plus(r, read, linear(r, up, w["down.weight"], w["down.bias"])));
    },
  };

  // --- a file

  /** Where each weight stands, in the order in which they are printed. */
  function placesOf(network) {
    return Object.entries(network.layers).flatMap(([layer, [units, inputs, , divisor]]) => [
      ...Array.from({ length: units * inputs }, (_, i) => ({ layer, bias: false, row: Math.floor(i / inputs), column: i % inputs })),
      ...(typeof divisor === "number" ? Array.from({ length: units }, (_, row) => ({ layer, bias: true, row, column: inputs + 1 })) : []),
    ]);
  }

  /** A weights file as a quine: {config, network, places, shapes, theta, table, probe}. */
  function open(buffer) {
    const { tensors, config: { head = "identity", dtype = "float32", environment = null, architecture = "mlp", width } } =
      cppnLive.readWeights(buffer);
    const network = networkOf({ architecture, width });
    if (!network) throw new Error("it knows no such network");
    const shapes = {}, theta = [], places = placesOf(network);
    for (const { layer, bias } of places) {
      const name = `${layer}.${bias ? "bias" : "weight"}`;
      if (shapes[name]) continue;
      if (!tensors[name]) throw new Error(`the file has no tensor of the name ${name}`);
      shapes[name] = tensors[name].shape;
      for (const value of tensors[name].data) theta.push(value); // too many for a spread
    }
    if (theta.length !== places.length) throw new Error("its tensors have other shapes");
    const own = environment === null, questions = !network.code;
    const count = questions ? theta.length * width : network.probe;
    return {
      config: { head, dtype, environment, architecture, width }, network, places, shapes, theta,
      table: questions ? null : own ? tensors.proj.data : drawnTable(environment, network, places),
      probe: Array.from(own ? tensors.input_probe.data : drawnProbe(environment, count)),
    };
  }

  /** The name of weight number i, as the server writes it: tensor and indices. */
  function nameOf(quine, i) {
    const { layer, bias, row, column } = quine.places[i], name = `${layer}.${bias ? "bias" : "weight"}`;
    const [, ...inner] = quine.shapes[name], position = [];
    for (let rest = column, k = inner.length - 1; k >= 0; k--) {
      position.unshift(rest % inner[k]);
      rest = Math.floor(rest / inner[k]);
    }
    return `${name}[${[row, ...position].join(", ")}]`;
  }

  /** What the network prints with weights theta, and the activation in front of its head, in one precision. */
  function run(quine, theta, dtype = quine.config.dtype) {
    const r = ROUNDING[dtype], { architecture, head, width } = quine.config, weights = {};
    let start = 0;
    for (const [name, shape] of Object.entries(quine.shapes)) {
      const size = shape.reduce((a, b) => a * b, 1);
      weights[name] = theta.slice(start, start + size).map(r);
      start += size;
    }
    const probe = quine.probe.map(r);
    if (!quine.table) {
      const answer = weights["last.weight"].slice(0, width);
      // the rest of a row looks at the picture, which is black
      const asking = rows(weights["first.weight"], quine.network.layers.first[1]).flatMap(row => row.slice(0, width));
      const printed = rows(probe, width).map(question => {
        const first = selu(r, linear(r, question, asking));
        return linear(r, selu(r, linear(r, first, weights["second.weight"])), answer)[0];
      });
      return { printed, activation: null };
    }
    const activation = HIDDEN[architecture](r, weights, probe), count = theta.length;
    const code = head === "sign" ? activation.map(v => (v >= 0 ? 1 : -1)) : activation;
    const printed = new Array(count);
    for (let p = 0; p < count; p++) {
      let sum = 0;
      for (let i = 0; i < code.length; i++) sum = r(sum + r(code[i] * r(quine.table[i * count + p])));
      printed[p] = r(SCALE * sum);
    }
    return { printed, activation };
  }

  // --- the verdict, by the rules of cppn/quine/verify.py

  const RULES = {
    margin: 1e-3, factor: 64, r2: 0.9, constant: 1e-12,
    trivial: { std: 1e-3, zeros: 0.5, distinct: 8, delta: 1e-3 },
  };
  const ROUNDING_ERROR = { float32: 2 ** -23, float64: 2 ** -52 };
  const ARRAYS = { float32: Float32Array, float64: Float64Array };
  const bytesOf = (values, dtype) => new Uint8Array(ARRAYS[dtype].from(values).buffer);
  const sameBits = (a, b) => Object.is(a, b); // tells -0 from 0; nothing here is NaN
  const share = (a, b) => a.reduce((count, v, i) => count + sameBits(v, b[i]), 0) / a.length;

  /** The bits of a number in a precision, the sign first. */
  const bits = (value, dtype) =>
    [...bytesOf([value], dtype)].reverse().map(byte => byte.toString(2).padStart(8, "0")).join("");

  /** How many numbers of that precision lie between two. */
  function steps(a, b, dtype) {
    const order = value => {
      const pattern = BigInt(`0b0${bits(Math.abs(value), dtype)}`);
      return value < 0 ? -pattern : pattern;
    };
    const far = order(a) - order(b);
    return Number(far < 0n ? -far : far);
  }

  /** Everything about a quine with these weights: the report of the server, under the same names. */
  function examine(quine, theta = quine.theta) {
    const { dtype, environment, head } = quine.config, count = theta.length, found = {};
    for (const precision of Object.keys(ROUNDING)) {
      const held = theta.map(ROUNDING[precision]);
      found[precision] = { ...run(quine, held, precision), held };
    }
    const { printed, activation, held } = found[dtype];
    const errors = printed.map((v, i) => Math.abs(v - held[i])), sum = values => values.reduce((a, b) => a + b, 0);
    const mean = sum(held) / count, variation = sum(held.map(v => (v - mean) ** 2)), std = Math.sqrt(variation / count);
    const sorted = held.map(Math.abs).sort((a, b) => a - b);
    const report = {
      weights: count, dtype,
      table: environment === null ? "own" : "published",
      max_delta: Math.max(...errors),
      r2: std > RULES.constant ? 1 - sum(errors.map(e => e * e)) / variation : null,
      bit_equal: share(printed, held),
      bit_equal_float32: share(found.float32.printed, found.float32.held),
      bit_equal_float64: share(found.float64.printed, found.float64.held),
      margin: head === "sign" ? Math.min(...activation.map(Math.abs)) : null,
      std, zeros: held.filter(v => v === 0).length, distinct: new Set(held).size,
      sha256_weights: hex(sha256(bytesOf(held, dtype))), sha256_output: hex(sha256(bytesOf(printed, dtype))),
      rounding: RULES.factor * ROUNDING_ERROR[dtype] * sorted[(count - 1) >> 1],
    };
    report.verdict = judge(report);
    return { report, printed, activation, held };
  }

  function judge(report) {
    const { std, zeros, weights, distinct, max_delta, margin } = report, { trivial } = RULES;
    if (std < trivial.std || zeros / weights > trivial.zeros || distinct < trivial.distinct)
      return max_delta <= trivial.delta ? "trivial" : "not_a_quine";
    const published = report.table === "published";
    const everywhere = [report.bit_equal, report.bit_equal_float32, report.bit_equal_float64].every(part => part === 1);
    if (published && everywhere && margin !== null && margin >= RULES.margin) return "exact";
    if (published && max_delta <= report.rounding) return "float";
    return report.r2 >= RULES.r2 ? "approximate" : "not_a_quine";
  }

  cppnLive.quine = { open, examine, run, nameOf, bits, steps, sameBits, sha256, hex };
})();
