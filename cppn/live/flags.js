// The flags in the visitor's own browser: MysteryNet as a fragment shader, the true flag behind a line that can be
// dragged, and two networks mixed into one.
"use strict";

(() => {
  const { make, clamp } = cppnLive;
  const SIZES = [2, 16, 32, 32, 32, 32, 32, 32, 16, 3];
  const NAMES = [...Array(8).keys()].map(i => `dense${i + 1}`).concat("dense_head");
  const EPSILON = 1e-5; // of the batch normalisations
  const OUTSIDE = "#8a8f98"; // as the server shows the true flag beyond its edges
  const FAR = { zoom: 0.35, x: 0.4, y: -0.3 }; // where the first view begins
  const FINE = 4; // pixels of the true flag's drawing for a pixel of the flag

  /** The network in evaluation mode as nine {weight, bias}, the normalisations folded forward, in double precision. */
  function fold(tensors) {
    const data = name => tensors[name].data;
    let scale = [1, 1], shift = [0, 0];
    return NAMES.map((name, i) => {
      const [inputs, outputs] = [SIZES[i], SIZES[i + 1]], norm = `bn${i + 1}`;
      const weight = Float64Array.from(data(`${name}.weight`)), bias = Float64Array.from(data(`${name}.bias`));
      if (weight.length !== inputs * outputs) throw new Error(`${name} is not of a MysteryNet`);
      for (let o = 0; o < outputs; o++)
        for (let k = 0; k < inputs; k++) {
          bias[o] += weight[o * inputs + k] * shift[k];
          weight[o * inputs + k] *= scale[k];
        }
      scale = new Float64Array(outputs).fill(1);
      shift = new Float64Array(outputs);
      if (tensors[`${norm}.running_var`])
        for (let o = 0; o < outputs; o++) {
          scale[o] = data(`${norm}.weight`)[o] / Math.sqrt(data(`${norm}.running_var`)[o] + EPSILON);
          shift[o] = data(`${norm}.bias`)[o] - data(`${norm}.running_mean`)[o] * scale[o];
        }
      return { weight, bias, inputs, outputs };
    });
  }

  /** One network between two others: every number of it lies `share` of the way. */
  const mixed = (one, other, share) =>
    one.map((layer, i) => ({
      ...layer,
      weight: layer.weight.map((value, k) => value + (other[i].weight[k] - value) * share),
      bias: layer.bias.map((value, k) => value + (other[i].bias[k] - value) * share),
    }));

  const blocks = count => Math.ceil(count / 4);

  /** The numbers in the order in which the shader reads them: for four outputs their biases, then a column an input. */
  function packed(layers) {
    const numbers = [];
    for (const { weight, bias, inputs, outputs } of layers)
      for (let block = 0; block < blocks(outputs); block++) {
        const rows = [0, 1, 2, 3].map(r => 4 * block + r);
        numbers.push(...rows.map(row => bias[row] ?? 0));
        for (let column = 0; column < 4 * blocks(inputs); column++)
          numbers.push(...rows.map(row => (row < outputs && column < inputs ? weight[row * inputs + column] : 0)));
      }
    return numbers;
  }

  // GELU needs the error function: Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most
  const ERF = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const SHADER = (() => {
    let offset = 0, source = "";
    SIZES.slice(1).forEach((outputs, i) => {
      const inputs = blocks(SIZES[i]), last = i === NAMES.length - 1;
      source += `for (int b = 0; b < ${blocks(outputs)}; b++) {
        int o = ${offset} + b * ${1 + 4 * inputs}; vec4 sum = N(o);
        for (int c = 0; c < ${inputs}; c++) {
          vec4 h = a[c]; int q = o + 1 + 4 * c;
          sum += N(q) * h.x + N(q + 1) * h.y + N(q + 2) * h.z + N(q + 3) * h.w;
        }
        z[b] = ${last ? "sum" : "gelu(sum)"};
      }
      for (int b = 0; b < ${blocks(outputs)}; b++) a[b] = z[b];\n`;
      offset += blocks(outputs) * (1 + 4 * inputs);
    });
    const [p1, p2, p3, p4, p5] = ERF.map(value => value.toFixed(9));
    return `vec4 gelu(vec4 x) {
        vec4 s = abs(x) * .70710678, t = 1. / (1. + .3275911 * s);
        vec4 tail = ((((${p5} * t + ${p4}) * t + ${p3}) * t + ${p2}) * t + ${p1}) * t * exp(-s * s);
        return .5 * x * (1. + sign(x) * (1. - tail));
      }
      void main() {
        vec4 a[8], z[8]; a[0] = vec4(place(), 0., 0.);
        ${source}
        colour = vec4(clamp(a[0].rgb, 0., 1.), 1.);
      }`;
  })();

  function erf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    return Math.sign(x) * (1 - ERF.reduceRight((sum, p) => (sum + p) * t, 0) * Math.exp(-x * x));
  }

  /** The colour (0 to 255, three numbers) that a network has for a place. */
  function colourAt(layers, x, y) {
    let values = [x, y];
    for (const { weight, bias, inputs, outputs } of layers) {
      const last = outputs === 3;
      values = Array.from({ length: outputs }, (_, o) => {
        let sum = bias[o];
        for (let k = 0; k < inputs; k++) sum += weight[o * inputs + k] * values[k];
        return last ? sum : 0.5 * sum * (1 + erf(sum * Math.SQRT1_2));
      });
    }
    return values.map(value => Math.round(clamp(value, 0, 1) * 255));
  }

  const layersOf = async path => fold(cppnLive.readWeights(await cppnLive.fetched(path)).tensors);

  /** The true flag in the same window. */
  function drawTrue(canvas, drawing, view) {
    const context = canvas.getContext("2d"), { width, height } = canvas;
    context.fillStyle = OUTSIDE;
    context.fillRect(0, 0, width, height);
    // -1 and 1 are the centres of the first and the last pixel of the flag, each FINE pixels of the drawing wide
    const across = (size, pixels, centre) => {
      const step = (2 * view.zoom * (size - 1)) / (2 * FINE * (pixels / FINE - 1));
      return [step, (size - 1) / 2 + 0.5 - step * ((FINE * (pixels / FINE - 1) * (1 + centre)) / 2 + FINE / 2)];
    };
    const [sx, ox] = across(width, drawing.naturalWidth, view.x), [sy, oy] = across(height, drawing.naturalHeight, view.y);
    context.imageSmoothingQuality = "high";
    context.drawImage(drawing, ox, oy, drawing.naturalWidth * sx, drawing.naturalHeight * sy);
  }

  cppnLive.wings.flags = (place, { given, trigger }) => {
    const truth = make("canvas", { className: "truth" }), canvas = make("canvas");
    const before = make("img", { className: "before", alt: "" });
    const line = make("div", {
      className: "line", tabIndex: 0,
      attributes: { role: "slider", "aria-label": "Line between the true and the decoded flag", "aria-valuemin": 0, "aria-valuemax": 100 },
    });
    const stage = make("div", { className: "stage", tabIndex: 0, attributes: { role: "application" } });
    stage.append(truth, canvas, before, line);
    const reading = make("p", { className: "caption reading" });
    const other = make("select", { attributes: { "aria-label": "Team to mix with" } });
    other.append(...given.teams.map(([label, slug]) => make("option", { value: slug, textContent: label })));
    const share = make("input", { type: "range", min: 0, max: 1, step: 0.005, value: 0, attributes: { "aria-label": "Share of the other network" } });
    const morph = make("div", { className: "row" }, make("label", {}, "Mix its weights with those of ", other), share);
    place.append(stage, reading, morph);

    let shown = null, layers = null, base = null, partner = null, drawing = null, divided = 0.5;

    const divide = value => {
      divided = clamp(value, 0, 1);
      line.style.left = `${100 * divided}%`;
      line.setAttribute("aria-valuenow", Math.round(100 * divided));
      canvas.style.clipPath = before.style.clipPath = `inset(0 0 0 ${100 * divided}%)`;
    };
    const say = (x, y) => {
      const usual = "◀ the true flag | painted by your browser from the weights ▶ Drag, wheel, pinch or + − ← → to look around.";
      reading.textContent = x === undefined || !layers
        ? usual
        : `x ${x.toFixed(3)}, y ${y.toFixed(3)} → red, green, blue: ${colourAt(layers, x, y).join(", ")}`;
    };
    const viewer = new cppnLive.Viewer(stage, canvas, trigger, say);
    const mix = () => {
      layers = partner && Number(share.value) ? mixed(base, partner, Number(share.value)) : base;
      viewer.painting.feed(SHADER, packed(layers));
    };
    const choosePartner = async () => {
      const chosen = other.value, found = await layersOf(given.weights.replace("{}", chosen));
      if (chosen !== other.value) return; // another was chosen meanwhile, and may have come sooner
      partner = found;
      if (viewer.painting) mix();
    };

    line.addEventListener("pointerdown", event => {
      event.stopPropagation();
      line.setPointerCapture(event.pointerId);
    });
    line.addEventListener("pointermove", event => {
      if (!line.hasPointerCapture(event.pointerId)) return;
      event.stopPropagation();
      const box = stage.getBoundingClientRect();
      divide((event.clientX - box.left) / box.width);
    });
    line.addEventListener("keydown", event => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      divide(divided + step);
    });
    share.addEventListener("input", () => {
      viewer.stop();
      if (partner && viewer.painting) mix();
    });
    other.addEventListener("change", () =>
      choosePartner().catch(fault => (reading.textContent = `⚠️ That team's weights did not come: ${fault.message}.`)));
    divide(divided);
    say();

    /** Show another team, or the same in the window that the page asks for. */
    return viewer.toy(place, async value => {
      const first = shown === null, changed = first || shown.weights !== value.weights;
      shown = value;
      stage.style.aspectRatio = `${value.width} / ${value.height}`;
      stage.setAttribute("aria-label", `${value.name}: the true flag and the decoded one. Arrow keys move, plus and minus zoom, 0 shows all.`);
      before.src = cppnLive.addressOf(value.picture);
      before.alt = `${value.name}'s flag, decoded`;
      viewer.take(value.view);
      const later = cppnLive.picture(value.target).then(image => (drawing = image));
      if (changed) {
        base = await layersOf(value.weights);
        share.value = 0;
        if (other.value === value.team) other.selectedIndex = (other.selectedIndex + 1) % other.options.length;
        choosePartner().catch(() => {}); // asked for again when it is chosen
      }
      await later;
      if (!viewer.painting) {
        [truth.width, truth.height] = [value.width, value.height];
        drawTrue(truth, drawing, viewer.view);
      }
      let behind = null; // the window in which the true flag was drawn
      viewer.ready(value.width / value.height, now => {
        if (now === behind && truth.width === canvas.width) return; // another strip of the same
        behind = now;
        [truth.width, truth.height] = [canvas.width, canvas.height];
        drawTrue(truth, drawing, now);
        before.hidden = true;
      });
      mix();
      place.dataset.live = "yes";
      if (first) viewer.arrive(FAR);
    });
  };

  cppnLive.flags = { SHADER, layersOf, packed };

  // a small flag shows how it was trained while it is pointed at or has the focus
  cppnLive.wings.flag_films = (place, { given }) => {
    const gallery = place.closest("[role=tabpanel]") ?? document.body;
    const turn = (event, plays) => {
      const image = event.target.closest?.("button")?.querySelector("img[alt]");
      const film = image && given.films[image.alt];
      if (!film || cppnLive.calm()) return;
      image.dataset.still ??= image.src;
      image.src = plays ? cppnLive.addressOf(film) : image.dataset.still;
    };
    for (const name of ["pointerover", "focusin"]) gallery.addEventListener(name, event => turn(event, true));
    for (const name of ["pointerout", "focusout"]) gallery.addEventListener(name, event => turn(event, false));
    return { show() {} };
  };
})();
