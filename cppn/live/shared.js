// What every toy in the visitor's own browser shares: weights files, one WebGL2 context for the page, a window onto the
// plane that hands can move, and the way in and out for gradio. Plain JavaScript, nothing fetched from elsewhere.
"use strict";

const cppnLive = (() => {
  const FRAME = 33; // milliseconds that a frame may take while a hand moves the picture
  const STRIP = 50; // milliseconds that a strip of the sharp picture may take, once the hand rests
  const REST = 160; // milliseconds of rest after which the picture is sharpened
  const LARGEST = 1280; // pixels along x of a sharp picture
  const LIMITS = { zoom: [1 / 16, 64], centre: [-8, 8] }; // as the endpoints declare them
  const GLIDE = 2600; // milliseconds of the first view's motion
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // --- weights files

  const half = bits => {
    const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, rest = bits & 1023;
    if (exponent === 0) return sign * rest * 2 ** -24;
    return exponent === 31 ? (rest ? NaN : sign * Infinity) : sign * (1 + rest / 1024) * 2 ** (exponent - 15);
  };
  const READERS = {
    F64: bytes => new Float64Array(bytes),
    F32: bytes => new Float32Array(bytes),
    F16: bytes => Float32Array.from(new Uint16Array(bytes), half),
    I64: bytes => Float64Array.from(new BigInt64Array(bytes), Number),
    I8: bytes => new Int8Array(bytes),
    U8: bytes => new Uint8Array(bytes),
  };

  /** Every tensor of a safetensors file whose name begins so, as {data, shape}, row-major; `config` as an object. */
  function readWeights(buffer, prefix = "") {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const { __metadata__: metadata, ...entries } = header, tensors = {};
    for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
      if (!name.startsWith(prefix)) continue;
      if (!READERS[dtype]) throw new Error(`${name} is of type ${dtype}, which is not read here`);
      tensors[name] = { data: READERS[dtype](buffer.slice(8 + length + start, 8 + length + end)), shape };
    }
    return { tensors: restored(tensors), config: JSON.parse(metadata?.config ?? "{}") };
  }

  /** The same tensors, those in few bits as numbers again: whole numbers times the scale of their row (quantise.py). */
  function restored(tensors) {
    const found = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      const scale = tensors[`${name}.scale`]?.data;
      if (!scale) {
        if (!(name.endsWith(".scale") && tensors[name.slice(0, -6)])) found[name] = tensor;
        continue;
      }
      const { data, shape } = tensor, [rows] = shape, packed = data instanceof Uint8Array;
      const row = (data.length / rows) * (packed ? 2 : 1), numbers = new Float32Array(rows * row);
      // two numbers a byte, the earlier one in the lower half; 64-bit products, rounded once
      const whole = packed ? i => ((data[i >> 1] >> (i & 1 ? 4 : 0)) & 15) - 8 : i => data[i];
      for (let i = 0; i < numbers.length; i++) numbers[i] = whole(i) * scale[Math.floor(i / row)];
      found[name] = { data: numbers, shape: packed ? [rows, row] : shape };
    }
    return found;
  }

  const files = new Map();

  /** The address of a file that the server lends, wherever the app is mounted. */
  const addressOf = path => new URL(`gradio_api/file=${path}`, document.baseURI).href;

  /** A file's bytes; each is fetched once. */
  function fetched(path) {
    if (!files.has(path)) {
      const bytes = fetch(addressOf(path)).then(answer => {
        if (!answer.ok) throw new Error(`a file did not arrive (${answer.status})`);
        return answer.arrayBuffer();
      });
      bytes.catch(() => files.delete(path));
      files.set(path, bytes);
    }
    return files.get(path);
  }

  /** A picture that the server lends, decoded. */
  async function picture(path) {
    const image = new Image();
    image.src = addressOf(path);
    await image.decode();
    return image;
  }

  // --- the page's one WebGL2 context

  const VERTICES = `#version 300 es
    void main() { gl_Position = vec4(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1., 0., 1.); }`;
  const ROW = 64; // texels in a row of the texture that holds the numbers

  class Engine {
    constructor() {
      this.canvas = document.createElement("canvas");
      this.gl = this.canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
      if (!this.gl) throw new Error("it has no WebGL2");
      this.programs = new Map();
      this.lost = false;
      this.canvas.addEventListener("webglcontextlost", event => {
        event.preventDefault();
        this.lost = true;
      });
      this.canvas.addEventListener("webglcontextrestored", () => {
        this.programs.clear();
        this.lost = false;
        window.dispatchEvent(new Event("cppn-restored"));
      });
    }

    /** A fragment shader, compiled once. It has `N(i)`, the i-th group of four numbers, and `place`, (x, y) in [-1, 1]. */
    program(source) {
      if (!this.programs.has(source)) this.programs.set(source, this.#compiled(source));
      return this.programs.get(source);
    }

    #compiled(source) {
      const gl = this.gl, program = gl.createProgram();
      const whole = `#version 300 es
        precision highp float; precision highp int; precision highp sampler2D;
        uniform sampler2D numbers; uniform vec4 view; uniform vec2 size; out vec4 colour;
        vec4 N(int i) { return texelFetch(numbers, ivec2(i & ${ROW - 1}, i >> 6), 0); }
        vec2 place() {
          vec2 pixel = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y) - .5;
          return (pixel / max(vec2(1.), size - 1.) * 2. - 1.) / view.x + view.yz;
        }
        ${source}`;
      for (const [kind, code] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, whole]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, code);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
        const why = gl.getAttachedShaders(program).map(shader => gl.getShaderInfoLog(shader)).join(" ");
        throw new Error(`its WebGL refuses the formula: ${why}`);
      }
      const uniforms = Object.fromEntries(["view", "size", "numbers"].map(n => [n, gl.getUniformLocation(program, n)]));
      return { program, uniforms };
    }

    /** Numbers in groups of four as a texture. */
    texture(numbers) {
      const gl = this.gl, texture = gl.createTexture(), rows = Math.max(1, Math.ceil(numbers.length / (4 * ROW)));
      const padded = new Float32Array(rows * ROW * 4);
      padded.set(numbers);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, ROW, rows, 0, gl.RGBA, gl.FLOAT, padded);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      return texture;
    }

    /** Paint rows [top, bottom) of a window; returns the milliseconds it took. */
    paint(shader, texture, width, height, view, top = 0, bottom = height) {
      const gl = this.gl, start = performance.now(), { program, uniforms } = this.program(shader);
      if (this.canvas.width !== width || this.canvas.height !== height) {
        this.canvas.width = width;
        this.canvas.height = height;
      }
      gl.viewport(0, 0, width, height);
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(0, height - bottom, width, bottom - top);
      gl.useProgram(program);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(uniforms.numbers, 0);
      gl.uniform4f(uniforms.view, view.zoom, view.x, view.y, 0);
      gl.uniform2f(uniforms.size, width, height);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.readPixels(0, height - bottom, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // only this waits for it
      return performance.now() - start;
    }
  }

  let shared = null;

  /** The page's engine; throws where the browser has none. */
  const engine = () => (shared ??= new Engine());

  // --- a formula on a canvas

  /** Paints a formula of (x, y) on a canvas: coarse while it moves, sharp in strips once it rests. */
  class Painting {
    constructor(canvas, ratio) {
      Object.assign(this, { canvas, ratio, view: { zoom: 1, x: 0, y: 0 }, shader: null, texture: null });
      this.scale = 1 / 8; // of the sharp resolution, while it moves
      this.frame = this.timer = 0;
      this.settled = true; // nothing is left to be painted
      window.addEventListener("cppn-restored", () => this.shader && this.feed(this.shader, this.numbers));
    }

    /** Another formula, or other numbers for it. */
    feed(shader, numbers) {
      const gl = engine().gl;
      if (this.texture) gl.deleteTexture(this.texture);
      Object.assign(this, { shader, numbers, texture: engine().texture(numbers) });
      this.move();
    }

    /** The bytes (red, green, blue, 255) of a window, row by row from the top. */
    pixels(width, height, view) {
      const gl = engine().gl, row = 4 * width, bytes = new Uint8Array(row * height), lines = [];
      engine().paint(this.shader, this.texture, width, height, view);
      gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
      for (let y = height - 1; y >= 0; y--) lines.push(...bytes.subarray(y * row, (y + 1) * row));
      return lines;
    }

    get width() {
      const shown = this.canvas.clientWidth || 640;
      return clamp(Math.round(shown * (window.devicePixelRatio || 1)), 64, LARGEST);
    }

    /** Paint anew, coarsely and at once; sharp when it has rested. */
    move(view = this.view) {
      this.view = view;
      this.settled = false;
      clearTimeout(this.timer);
      if (!this.frame) this.frame = requestAnimationFrame(() => this.#coarse());
      this.timer = setTimeout(() => this.#sharpen(), REST);
    }

    #size(scale) {
      const width = Math.max(16, Math.round(this.width * scale));
      return [width, Math.max(8, Math.round(width / this.ratio))];
    }

    #coarse() {
      this.frame = 0;
      if (!this.texture || engine().lost || !this.canvas.offsetParent) return;
      const [width, height] = this.#size(this.scale);
      const took = engine().paint(this.shader, this.texture, width, height, this.view);
      this.#show(width, height, 0, height);
      this.took = took;
      // towards the resolution that keeps the pace, by at most a factor of two a frame
      this.scale = clamp(this.scale * clamp(Math.sqrt((0.6 * FRAME) / Math.max(1, took)), 0.5, 2), 1 / 16, 1);
    }

    #sharpen() {
      if (!this.texture || engine().lost || !this.canvas.offsetParent) return;
      const [width, height] = this.#size(1), view = this.view;
      let top = 0, rows = Math.max(2, Math.round(height * this.scale ** 2));
      const strip = () => {
        if (view !== this.view || this.settled) return; // it moves again
        const bottom = Math.min(height, top + rows);
        const took = engine().paint(this.shader, this.texture, width, height, view, top, bottom);
        this.#show(width, height, top, bottom);
        rows = Math.max(4, Math.round(rows * clamp(STRIP / Math.max(1, took), 0.5, 2)));
        top = bottom;
        if (top < height) requestAnimationFrame(strip);
        else this.#rested();
      };
      strip();
    }

    #rested() {
      this.settled = true;
      this.canvas.dataset.sharp = `${this.view.zoom},${this.view.x},${this.view.y}`;
    }

    #show(width, height, top, bottom) {
      const [whole, tall] = this.#size(1);
      if (this.canvas.width !== whole || this.canvas.height !== tall) {
        this.canvas.width = whole;
        this.canvas.height = tall;
      }
      const y = (top / height) * tall, rows = ((bottom - top) / height) * tall;
      const context = this.canvas.getContext("2d");
      context.imageSmoothingEnabled = width !== whole;
      context.drawImage(engine().canvas, 0, top, width, bottom - top, 0, y, whole, rows);
      delete this.canvas.dataset.sharp;
      this.onshow?.(this.view);
    }
  }

  // --- hands

  /** While the whole picture is to be seen, a finger that moves up or down scrolls the page; else it moves the window. */
  function letScroll(element, { zoom, x, y }) {
    element.style.touchAction = zoom === 1 && !x && !y ? "pan-y" : "none";
  }

  /** Let wheel, pinch, drag, double click and keys move a window; `moved` gets each new one. */
  function hands(element, viewOf, moved) {
    const fingers = new Map();
    const at = event => {
      const box = element.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * 2 - 1, ((event.clientY - box.top) / box.height) * 2 - 1];
    };
    /** Zoom by a factor, keeping the point (px, py), from -1 to 1 on the picture, where it is. */
    const zoomed = (view, factor, [px, py]) => {
      const zoom = clamp(view.zoom * factor, ...LIMITS.zoom), gain = 1 / view.zoom - 1 / zoom;
      return within({ zoom, x: view.x + px * gain, y: view.y + py * gain });
    };
    const within = view => ({ ...view, x: clamp(view.x, ...LIMITS.centre), y: clamp(view.y, ...LIMITS.centre) });
    const shifted = (view, dx, dy) => within({ ...view, x: view.x + dx / view.zoom, y: view.y + dy / view.zoom });

    letScroll(element, viewOf());
    element.addEventListener("wheel", event => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 20 : 1;
      moved(zoomed(viewOf(), Math.exp((-event.deltaY * lines) / 400), at(event)));
    }, { passive: false });
    element.addEventListener("dblclick", event => {
      event.preventDefault();
      moved(zoomed(viewOf(), event.shiftKey ? 0.5 : 2, at(event)));
    });
    element.addEventListener("pointerdown", event => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, at(event));
    });
    element.addEventListener("pointermove", event => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const now = at(event), other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (!other) moved(shifted(viewOf(), before[0] - now[0], before[1] - now[1]));
      else {
        const span = point => Math.hypot(point[0] - other[0], point[1] - other[1]) || 0.01;
        const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
        const drag = shifted(viewOf(), (before[0] - now[0]) / 2, (before[1] - now[1]) / 2);
        moved(zoomed(drag, span(now) / span(before), middle));
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      element.addEventListener(end, event => fingers.delete(event.pointerId));
    element.addEventListener("keydown", event => {
      if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = 0.2, steps = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      const factor = { "+": 1.25, "=": 1.25, "-": 0.8, _: 0.8 }[event.key];
      if (steps[event.key]) moved(shifted(viewOf(), ...steps[event.key]));
      else if (factor) moved(zoomed(viewOf(), factor, [0, 0]));
      else if (event.key === "0") moved({ zoom: 1, x: 0, y: 0 });
      else return;
      event.preventDefault();
    });
  }

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** Glide from one window to another; returns a function that ends it. */
  function glide(from, to, moved, duration = GLIDE) {
    const start = performance.now();
    let frame = 0;
    const step = now => {
      const share = clamp((now - start) / duration, 0, 1), eased = share * share * (3 - 2 * share);
      const mixed = (a, b) => a + (b - a) * eased;
      const zoom = Math.exp(mixed(Math.log(from.zoom), Math.log(to.zoom)));
      moved(share < 1 ? { zoom, x: mixed(from.x, to.x), y: mixed(from.y, to.y) } : to);
      if (share < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }

  const REPORT = 350; // milliseconds of rest after which the page is told what a hand has changed

  /** A function that, once it has not been called for a while, calls another: what tells the page when the hand rests. */
  function rested(tell) {
    let timer = 0;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(tell, REPORT);
    };
  }

  /** A formula seen through a window that hands move: what wings with such a canvas have in common. */
  class Viewer {
    /** On a stage with a canvas; `trigger` tells the page, `say` gets the place that is pointed at, or nothing. */
    constructor(stage, canvas, trigger, say) {
      Object.assign(this, { stage, canvas, view: { zoom: 1, x: 0, y: 0 }, painting: null, stop: () => {} });
      this.tell = rested(() => {
        trigger("input");
        if (!this.painting) trigger("submit"); // the server paints it
      });
      hands(stage, () => this.view, next => this.look(next));
      stage.addEventListener("pointermove", event => {
        if (event.buttons) return;
        const box = stage.getBoundingClientRect(), { zoom, x, y } = this.view;
        const at = (value, start, size) => ((value - start) / size) * 2 - 1;
        say(at(event.clientX, box.left, box.width) / zoom + x, at(event.clientY, box.top, box.height) / zoom + y);
      });
      stage.addEventListener("pointerleave", () => say());
    }

    /** What paints it, for a picture of this aspect ratio; throws where the browser has no WebGL2. */
    ready(ratio, onshow) {
      engine();
      this.painting ??= new Painting(this.canvas, ratio);
      return Object.assign(this.painting, { ratio, onshow, view: this.view });
    }

    #turn(view) {
      this.view = view;
      letScroll(this.stage, view);
    }

    #draw(next) {
      this.#turn(next);
      this.tell();
      this.painting?.move(next);
    }

    /** Look through another window; `gently` glides there. */
    look(next, gently = false) {
      this.stop();
      if (gently && this.painting && !calm()) this.stop = glide(this.view, next, view => this.#draw(view), 900);
      else this.#draw(next);
    }

    /** Look through the window that the page asks for; nothing is painted yet. */
    take([zoom, x, y]) {
      this.stop();
      this.#turn({ zoom, x, y });
    }

    /** Come from another window, if the whole picture is to be seen: the first view moves by itself. */
    arrive(from) {
      const { zoom, x, y } = this.view;
      if (zoom === 1 && x === 0 && y === 0 && !calm()) this.stop = glide(from, this.view, view => this.#draw(view));
    }

    /** The toy as the page knows it. */
    toy(place, show) {
      const viewer = this;
      return {
        show,
        look: (next, gently) => viewer.look(next, gently),
        painting: () => viewer.painting,
        get settings() {
          return [viewer.view.zoom, viewer.view.x, viewer.view.y].map(value => rounded(value));
        },
        get live() {
          return place.dataset.live === "yes";
        },
      };
    }
  }

  // --- gradio

  // The first sign of waiting that gradio 6.31 shows asks for a frame each 1/60 s to count seconds, and goes on for ever
  // when it has left the page: a tenth of a processor. It is found when it looks at the clock, and its frame taken back.
  performance.now = () => {
    if (new Error().stack.includes("statustracker")) {
      delete performance.now;
      queueMicrotask(() => {
        const next = requestAnimationFrame(() => {});
        for (const frame of [next, next - 1]) cancelAnimationFrame(frame);
      });
    }
    return Performance.prototype.now.call(performance);
  };
  setTimeout(() => delete performance.now, 3000);

  const toys = {};

  /** Called when a toy's place stands on the page: build it, show its value, and follow new ones. */
  function mount(name, element, gradio, given) {
    const place = element.querySelector(".live") ?? element;
    let shown = null, turn = Promise.resolve();
    const show = async () => {
      try {
        toys[name] ??= cppnLive.wings[name](place, { ...gradio, given });
        place.hidden = !gradio.props.value && !toys[name].blank; // a fault took the place of what was shown
        if (gradio.props.value && gradio.props.value !== shown) {
          shown = gradio.props.value;
          await toys[name].show(shown);
        }
      } catch (fault) {
        refused(place, fault);
      }
    };
    // one after the other, each time what is then the value: whichever file comes last, the last value stays
    const next = () => (turn = turn.then(show));
    gradio.watch("value", next);
    next();
  }

  /** Say that the browser cannot do it, in words. */
  function refused(place, fault) {
    console.warn(fault);
    let words = place.querySelector(".cannot");
    if (!words) place.append((words = make("p", { className: "cannot" })));
    words.textContent = `Your browser cannot compute this itself (${fault.message}), so the server does it.`;
    place.dataset.live = "no";
  }

  /** An element with properties and children. */
  function make(tag, properties = {}, ...children) {
    const { attributes, ...rest } = properties, element = Object.assign(document.createElement(tag), rest);
    for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** What draws on a canvas from numbers, cell by cell, in main memory: twice as fast without a graphics card. */
  const pen = canvas => canvas.getContext("2d", { willReadFrequently: true });

  /** A link with some of its settings changed. */
  function linked(link, settings) {
    if (!link) return link;
    const address = new URL(link);
    for (const [key, value] of Object.entries(settings)) address.searchParams.set(key, value);
    return address.href;
  }

  /** Let the page's address follow a link, without a new entry in the history. */
  function remember(link) {
    if (link && new URL(link).host === location.host) history.replaceState(history.state, "", new URL(link).search + location.hash);
  }

  const rounded = (value, digits = 4) => Number(value.toFixed(digits));

  return {
    wings: {}, toys, readWeights, fetched, picture, addressOf, engine, Painting, Viewer, hands, letScroll, rested, glide, calm,
    mount, refused, make, pen, linked, remember, rounded, clamp,
  };
})();
window.cppnLive = cppnLive;
