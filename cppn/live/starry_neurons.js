// The neurons of Starry Night in the visitor's own browser: each as a small picture, the one that is pointed at large
// with what moves it, and the painting without those that are switched off.
"use strict";

(() => {
  const { make, clamp } = cppnLive, { readProgram, neuronsAt, packed, shaderOf, shaped, programBytes } = cppnLive.starry;
  const SMALL = 96; // pixels along x of a small picture: 46 of them take a few hundredths of a second
  const COLOURS = ["red", "green", "blue"];

  /** Every neuron over the whole painting, small: an ImageData for each. */
  function smallPictures(network, off) {
    const width = SMALL, height = Math.max(1, Math.round((SMALL * network.height) / network.width));
    const pictures = network.rows.map(() => new ImageData(width, height)), first = network.rows.length - 3;
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const x = (column / (width - 1)) * (network.width - 1), y = (row / Math.max(1, height - 1)) * (network.height - 1);
        const at = 4 * (row * width + column);
        neuronsAt(network, x, y, off).forEach((value, n) => {
          const level = clamp(Math.floor(value), 0, 255);
          for (let c = 0; c < 3; c++) pictures[n].data[at + c] = n < first || c === n - first ? level : 0;
          pictures[n].data[at + 3] = 255;
        });
      }
    return pictures;
  }

  cppnLive.wings.starry_neurons = (place, { trigger }) => {
    const canvases = [make("canvas"), make("canvas")];
    const stages = canvases.map(canvas => make("div", { className: "stage", attributes: { role: "img" } }, canvas));
    Object.assign(stages[0], { tabIndex: 0, role: "application" });
    const words = [make("p", { className: "caption" }), make("p", { className: "caption" })];
    const pair = make("div", { className: "pair" }, ...stages.map((stage, i) => make("div", {}, stage, words[i])));
    const toggle = make("button", { type: "button" });
    const all = make("button", { type: "button", textContent: "Switch all on" });
    const inputs = make("div", { className: "inputs" });
    const grid = make("div", {
      className: "neurons",
      attributes: { role: "group", "aria-label": "All neurons. Arrow keys go from one to the next, Enter or Space switches one off or on." },
    });
    const sheet = make("img", { alt: "All neurons" });
    const parts = [pair, make("div", { className: "row" }, toggle, all), inputs, grid];
    parts.forEach(part => (part.hidden = true));
    words[0].setAttribute("aria-live", "polite");
    place.append(...parts, sheet);

    const off = new Set();
    let shown = null, network = null, paintings = null, buttons = [], chosen = 0, touched = null;
    let view = { zoom: 1, x: 0, y: 0 };
    const tellPage = cppnLive.rested(() => trigger("input")); // "change" would tell of new values from Python, too

    const nameOf = n => [`Neuron ${n + 1}`, COLOURS[n - network.rows.length + 3]].filter(Boolean).join(" ");
    const paintWhole = () => {
      paintings[0].feed(shaderOf(network), packed(network, { off }));
      const silent = [...off].sort((a, b) => a - b).map(n => n + 1);
      words[0].textContent = silent.length ? `Without ${silent.length > 1 ? "neurons" : "neuron"} ${silent.join(", ")}` : "The painting, all neurons on";
      stages[0].setAttribute("aria-label", `The painting. ${words[0].textContent}.`);
      all.disabled = !silent.length;
    };
    const drawSmall = () => {
      const pictures = smallPictures(network, off);
      buttons.forEach((button, n) => {
        const canvas = button.firstChild;
        Object.assign(canvas, { width: pictures[n].width, height: pictures[n].height });
        canvas.getContext("2d").putImageData(pictures[n], 0, 0);
        button.setAttribute("aria-checked", !off.has(n));
      });
    };
    /** An input as a small picture with its share in what moves the neuron. */
    const inputCard = ({ name, rises, share }) => {
      const canvas = make("canvas", { width: SMALL, height: Math.round((SMALL * network.height) / network.width) });
      const { width, height } = canvas, context = canvas.getContext("2d"), number = /\d+/.exec(name);
      if (number) context.drawImage(buttons[number[0] - 1].firstChild, 0, 0);
      else {
        const fill = context.createLinearGradient(0, 0, name === "x" ? width : 0, name === "y" ? height : 0);
        fill.addColorStop(0, "#000");
        fill.addColorStop(1, "#fff");
        context.fillStyle = fill;
        context.fillRect(0, 0, width, height);
      }
      const sense = network.activation === "sine" ? "" : rises ? " ↑" : " ↓"; // a sine goes up and down in turn
      const bar = make("i");
      bar.style.width = `${100 * share}%`;
      return make("span", {}, canvas, bar, `${name} ${Math.round(100 * share)}%${sense}`);
    };
    const choose = (n, byHand = true) => {
      chosen = clamp(n, 0, network.rows.length - 1);
      buttons.forEach((button, i) => {
        button.tabIndex = i === chosen ? 0 : -1;
        button.classList.toggle("chosen", i === chosen);
      });
      const others = new Set([...off].filter(i => i !== chosen)); // it is shown as it would be
      paintings[1].feed(shaderOf(network), packed(network, { off: others, neuron: chosen }));
      words[1].textContent = `${nameOf(chosen)}${off.has(chosen) ? ", switched off" : ""}`;
      toggle.textContent = `Switch neuron ${chosen + 1} ${off.has(chosen) ? "on" : "off"}`;
      const strongest = shown.listed[chosen].strongest;
      const told = strongest.map(({ name, share }) => `${name} ${Math.round(100 * share)}%`).join(", ");
      stages[1].setAttribute("aria-label", `${nameOf(chosen)}, moved by ${told}`);
      inputs.replaceChildren(make("b", { textContent: strongest.length ? "Moved most by" : "The same everywhere" }), ...strongest.map(inputCard));
      if (byHand) tellPage();
    };
    const changed = () => {
      drawSmall();
      paintWhole();
      choose(chosen);
    };
    const flip = n => {
      if (!off.delete(n)) off.add(n);
      changed();
    };
    const smallButton = (_, n) => {
      const button = make("button", { type: "button", attributes: { role: "switch", "aria-label": nameOf(n) } }, make("canvas"));
      button.append(make("span", { textContent: nameOf(n).replace("Neuron ", "") }));
      button.addEventListener("pointerenter", event => event.pointerType === "mouse" && choose(n));
      button.addEventListener("pointerdown", event => (touched = event.pointerType === "mouse" || chosen === n ? null : n));
      button.addEventListener("focus", () => chosen !== n && choose(n));
      button.addEventListener("click", () => {
        if (touched !== n) flip(n); // a finger looks first, and switches at the second touch
        touched = null;
      });
      return button;
    };
    const move = next => {
      view = next;
      cppnLive.letScroll(stages[0], view);
      paintings?.forEach(painting => painting.move(view));
    };

    cppnLive.hands(stages[0], () => view, move);
    toggle.addEventListener("click", () => flip(chosen));
    all.addEventListener("click", () => {
      off.clear();
      changed();
    });
    grid.addEventListener("keydown", event => {
      const across = Math.max(1, buttons.filter(button => button.offsetTop === buttons[0].offsetTop).length);
      const last = buttons.length - 1;
      const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, ArrowUp: chosen - across, ArrowDown: chosen + across, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      if (to >= 0 && to <= last) buttons[to].focus();
    });

    return {
      /** Show another program's neurons, or another neuron. */
      async show(value) {
        const same = shown?.program === value.program;
        shown = value;
        sheet.src = cppnLive.addressOf(value.picture);
        if (place.dataset.live === "no") return;
        cppnLive.engine();
        if (!same) {
          network = readProgram(await programBytes(value.program));
          off.clear();
          buttons = network.rows.map(smallButton);
          grid.replaceChildren(...buttons);
          stages.forEach(stage => shaped(stage, network));
          parts.forEach(part => (part.hidden = false));
          sheet.hidden = true;
          paintings ??= canvases.map(canvas => new cppnLive.Painting(canvas, 1));
          paintings.forEach(painting => (painting.ratio = network.width / network.height));
          drawSmall();
          paintWhole();
          place.dataset.live = "yes";
        }
        choose(value.neuron - 1, false);
      },
      /** Show another neuron, counted from 1. */
      look(neuron) {
        if (network && Number.isInteger(neuron)) choose(neuron - 1);
      },
      get neuron() {
        return chosen + 1;
      },
    };
  };
})();
