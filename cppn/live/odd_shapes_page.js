// The odd shapes' toy: shapes that can be moved about, added and painted, and at every step the network's answer and
// what its attention looks at.
"use strict";

(() => {
  const { make, clamp } = cppnLive, { EDGE, Finder, shape, pieces, laid } = cppnLive.oddShapes;
  const GRID = 12, SIZE = 512; // tokens along a side; pixels of the large picture
  const LEAST = 0.02, POINTED = 0.02; // as cppn/odd_shapes/maps.py
  const HEAT = [[255, 250, 205], [255, 228, 120], [250, 150, 60], [215, 60, 70], [120, 20, 110], [50, 0, 80]];
  const PAPER = "#f0f1f4", INK = "#1e222a", PALE = "#b0b6be", TRUE = "#00803c", PREDICTED = "#c8146e", ASKING = "#1450dc";
  const STROKE = 3; // radius of brush and rubber in pixels of the canvas
  const USUAL = 7; // radius of a shape that is added

  const heat = share => {
    const place = clamp(share, 0, 1) * (HEAT.length - 1), low = Math.min(Math.floor(place), HEAT.length - 2);
    return HEAT[low].map((c, i) => Math.round(c + (HEAT[low + 1][i] - c) * (place - low)));
  };

  /** The ink on a canvas of any size. */
  function drawInk(pen, ink, colour) {
    const scale = pen.canvas.width / EDGE;
    pen.fillStyle = PAPER;
    pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
    pen.fillStyle = colour;
    for (let y = 0; y < EDGE; y++)
      for (let x = 0; x < EDGE; x++) {
        if (!ink[y * EDGE + x]) continue;
        const from = x;
        while (x < EDGE && ink[y * EDGE + x]) x++;
        pen.fillRect(from * scale, y * scale, (x - from) * scale, scale);
      }
  }

  /** One value a token over the picture; `token` is framed. */
  function drawMap(canvas, ink, values, { first, step }, token) {
    const pen = canvas.getContext("2d"), scale = canvas.width / EDGE, most = Math.max(LEAST, ...values);
    drawInk(pen, ink, PALE);
    const corner = n => [n % GRID, Math.floor(n / GRID)].map(i => (first + step * i + 0.5 - step / 2) * scale);
    values.forEach((value, n) => {
      pen.fillStyle = `rgba(${heat(value / most)}, ${0.92 * Math.sqrt(value / most)})`;
      pen.fillRect(...corner(n), step * scale, step * scale);
    });
    if (token === null) return;
    pen.strokeStyle = ASKING;
    pen.lineWidth = 2.5;
    pen.strokeRect(...corner(token), step * scale, step * scale);
  }

  function drawArrows(canvas, { probability, offset, first, step }) {
    const pen = canvas.getContext("2d"), scale = canvas.width / EDGE;
    pen.strokeStyle = ASKING;
    pen.lineWidth = 1.5;
    probability.forEach((value, n) => {
      if (value < POINTED) return;
      const [x, y] = [n % GRID, Math.floor(n / GRID)].map(i => (first + step * i + 0.5) * scale);
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(x + offset[2 * n] * scale, y + offset[2 * n + 1] * scale);
      pen.arc(x + offset[2 * n] * scale, y + offset[2 * n + 1] * scale, 1, 0, 7);
      pen.stroke();
    });
  }

  /** A picture file as ink. */
  async function inkOf(path) {
    const image = await cppnLive.picture(path), canvas = make("canvas", { width: EDGE, height: EDGE });
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0, EDGE, EDGE);
    const { data } = pen.getImageData(0, 0, EDGE, EDGE);
    return Uint8Array.from({ length: EDGE * EDGE }, (_, i) => Number(data[4 * i] < 128));
  }

  cppnLive.wings.odd_shapes = (place, { props, trigger, watch }) => {
    const canvas = make("canvas", { width: SIZE, height: SIZE, tabIndex: 0, className: "picture", attributes: { role: "application", "aria-label": "A canvas" } });
    const reading = make("p", { className: "reading", attributes: { role: "status" } });
    const maps = make("div", { className: "maps", tabIndex: 0, attributes: { role: "application", "aria-label": "Small maps" } });
    const tools = {}, bar = make("div", { className: "row tools", attributes: { role: "toolbar", "aria-label": "What the hand does" } });
    const button = (text, act, title = text) => {
      const element = make("button", { type: "button", textContent: text, title, attributes: { "aria-label": title } });
      element.addEventListener("click", act);
      bar.append(element);
      return element;
    };
    place.append(make("div", { className: "pair" }, make("div", {}, canvas, bar), make("div", {}, reading, maps)));

    let value = null, finder = null, opened = null, found = null, shapes = [], paint = new Uint8Array(EDGE * EDGE), tool = "move";
    let touched = false, chosen = 0, token = null, held = null, odd = null, about = null; // `about`: the picture that `found` is about
    let spot = [EDGE / 2, EDGE / 2], down = false, keyed = false; // the brush in the hand of the keys

    const ink = () => laid(shapes).map((dot, i) => dot | paint[i]);
    const take = name => {
      if (name === "move" && tool !== "move") [shapes, paint] = [pieces(ink()), new Uint8Array(EDGE * EDGE)];
      if (name !== "move" && tool === "move") [paint, shapes, odd] = [ink(), [], null];
      tool = name;
      chosen = 0;
      down = false;
      for (const [key, element] of Object.entries(tools)) element.setAttribute("aria-pressed", key === name);
      canvas.style.cursor = name === "move" ? "grab" : "crosshair";
      label();
      draw();
    };
    const changed = () => {
      draw();
      finder?.ask(ink());
      if (!touched) trigger("input"); // what the server said is about another picture now
      touched = true;
    };
    const add = kind => {
      take("move");
      shapes.push(shape({ kind, radius: USUAL, x: EDGE / 2, y: EDGE / 2 }));
      chosen = shapes.length - 1;
      changed();
    };
    const empty = () => {
      [shapes, paint, odd] = [[], new Uint8Array(EDGE * EDGE), null];
      take("brush");
      changed();
    };

    tools.move = button("Move", () => take("move"), "Move shapes");
    tools.brush = button("Paint", () => take("brush"), "Paint");
    tools.rubber = button("Rub out", () => take("rubber"), "Rub out");
    for (const [sign, kind] of [["+ ●", "circle"], ["+ ■", "square"], ["+ ▲", "triangle"]]) button(sign, () => add(kind), `Add a ${kind}`);
    button("Draw your own", empty, "Draw your own: an empty canvas");
    button("As it was", () => value && restore());

    const said = () => {
      if (!about.some(Boolean)) return "Paint something first: three or more shapes of one kind, and one of another.";
      const at = `x = ${found.x.toFixed(1)}, y = ${found.y.toFixed(1)}`;
      const truth = odd
        ? ` The truth: a ${odd.name} at x = ${odd.x}, y = ${odd.y}, so it is ${Math.hypot(found.x - odd.x, found.y - odd.y).toFixed(1)} pixels off.`
        : "";
      return `The network points at ${at}, give or take ${found.doubt.toFixed(1)} pixels.${truth}`;
    };
    const label = () => {
      const what = shapes.length ? `${shapes.length} shapes` : "A painting", answer = about ? `${said()} ` : "";
      const keys = tool === "move" ? "move a shape, N chooses the next" : `move ${tool === "brush" ? "the brush" : "the rubber"}, space puts it down and lifts it`;
      canvas.setAttribute("aria-label", `${what}. ${answer}Arrow keys ${keys}.`);
    };
    const asking = () => token ?? found.probability.indexOf(Math.max(...found.probability));
    const draw = () => {
      const pen = canvas.getContext("2d"), scale = SIZE / EDGE, now = ink();
      drawInk(pen, now, INK);
      const screen = v => (v + 0.5) * scale;
      const strokes = (paths, colour, width) => {
        for (const [style, thick] of [["#fff", width + 4], [colour, width]]) {
          [pen.strokeStyle, pen.lineWidth] = [style, thick];
          pen.stroke(paths);
        }
      };
      const one = tool === "move" && document.activeElement === canvas && shapes[chosen];
      if (one) {
        pen.setLineDash([8, 6]);
        [pen.strokeStyle, pen.lineWidth] = [ASKING, 3];
        const [left, top, right, bottom] = one.reach;
        pen.strokeRect((one.x - left - 1) * scale, (one.y - top - 1) * scale, (left + right + 3) * scale, (top + bottom + 3) * scale);
        pen.setLineDash([]);
      }
      if (tool !== "move" && keyed && document.activeElement === canvas) {
        const ring = new Path2D();
        ring.arc(screen(spot[0]), screen(spot[1]), (STROKE + 0.5) * scale, 0, 7);
        if (!down) pen.setLineDash([8, 6]);
        strokes(ring, ASKING, 3);
        pen.setLineDash([]);
      }
      if (!found || !about.some(Boolean)) return;
      const mark = new Path2D(), x = screen(found.x), y = screen(found.y);
      mark.arc(x, y, Math.max(6, found.doubt * scale), 0, 7);
      mark.moveTo(x - 18, y);
      mark.lineTo(x + 18, y);
      mark.moveTo(x, y - 18);
      mark.lineTo(x, y + 18);
      strokes(mark, PREDICTED, 4);
      if (odd) {
        const cross = new Path2D(), [tx, ty] = [screen(odd.x), screen(odd.y)];
        for (const s of [-1, 1]) {
          cross.moveTo(tx - 8, ty - 8 * s);
          cross.lineTo(tx + 8, ty + 8 * s);
        }
        strokes(cross, TRUE, 4);
      }
      if (token !== null) {
        const side = found.step * scale, [column, line] = [token % GRID, Math.floor(token / GRID)];
        [pen.strokeStyle, pen.lineWidth] = [ASKING, 3];
        pen.strokeRect(screen(found.first + found.step * column) - side / 2, screen(found.first + found.step * line) - side / 2, side, side);
      }
    };
    const drawMaps = () => {
      const blank = !about.some(Boolean), n = asking(), titles = ["likely", "pointed at"];
      found.attention.forEach((_, i) => titles.push(found.attention.length === 1 ? "attention" : `layer ${1 + (i >> 1)}, head ${1 + (i & 1)}`));
      while (maps.children.length > titles.length) maps.lastChild.remove();
      titles.forEach((title, i) => {
        const box = maps.children[i] ?? maps.appendChild(make("div", {}, make("canvas", { width: 192, height: 192 }), make("div", { className: "caption" })));
        const [small, words] = box.children;
        words.textContent = title;
        const values = i < 2 ? found.probability : found.attention[i - 2].subarray(n * GRID * GRID, (n + 1) * GRID * GRID);
        drawMap(small, about, blank ? [] : [...values], found, i < 2 || blank ? null : n);
        if (i === 1 && !blank) drawArrows(small, found);
      });
      const where = `token ${n}, column ${(n % GRID) + 1}, row ${Math.floor(n / GRID) + 1}`;
      maps.setAttribute("aria-label", `Small maps: what is likely, and the attention of ${where}. Arrow keys choose another token.`);
    };
    const answered = (data, picture) => {
      [found, about] = [data, picture];
      reading.textContent = said();
      label();
      place.dataset.answer = `${data.x.toFixed(2)},${data.y.toFixed(2)}`;
      draw();
      drawMaps();
    };
    const restore = () => {
      [shapes, paint, token, odd] = [[], new Uint8Array(EDGE * EDGE), null, null];
      if (value.shapes) {
        shapes = value.shapes.map(shape);
        odd = shapes[0];
      } else shapes = pieces(opened);
      tool = "move";
      take(tool);
      touched = false;
      finder.ask(ink());
    };

    // --- hands

    const at = (event, element) => {
      const box = element.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * EDGE - 0.5, ((event.clientY - box.top) / box.height) * EDGE - 0.5];
    };
    const tokenAt = ([x, y]) => {
      const [column, line] = [x, y].map(v => clamp(Math.round((v - found.first) / found.step), 0, GRID - 1));
      return line * GRID + column;
    };
    const ask = next => {
      if (!found || token === next) return;
      token = next;
      draw();
      drawMaps();
    };
    const moved = (piece, x, y) => {
      const [left, top, right, bottom] = piece.reach;
      const [nx, ny] = [clamp(Math.round(x), left, EDGE - 1 - right), clamp(Math.round(y), top, EDGE - 1 - bottom)];
      if (nx === piece.x && ny === piece.y) return;
      [piece.x, piece.y] = [nx, ny];
      changed();
    };
    const stroke = ([x0, y0], [x1, y1]) => {
      const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0)));
      for (let s = 0; s <= steps; s++) {
        const [x, y] = [x0 + ((x1 - x0) * s) / steps, y0 + ((y1 - y0) * s) / steps];
        for (let py = Math.max(0, Math.ceil(y - STROKE)); py <= Math.min(EDGE - 1, y + STROKE); py++)
          for (let px = Math.max(0, Math.ceil(x - STROKE)); px <= Math.min(EDGE - 1, x + STROKE); px++)
            if ((px - x) ** 2 + (py - y) ** 2 <= STROKE ** 2) paint[py * EDGE + px] = Number(tool === "brush");
      }
      changed();
    };
    canvas.addEventListener("pointerdown", event => {
      if (event.button || !finder) return;
      keyed = false;
      canvas.setPointerCapture(event.pointerId);
      const point = at(event, canvas);
      if (tool !== "move") {
        held = { point };
        return stroke(point, point);
      }
      const [px, py] = point.map(Math.round);
      const piece = shapes.findLastIndex(({ pixels, x, y }) => pixels.some(([dx, dy]) => x + dx === px && y + dy === py));
      if (piece < 0) return found && ask(tokenAt(point));
      chosen = piece;
      held = { piece: shapes[piece], dx: shapes[piece].x - point[0], dy: shapes[piece].y - point[1] };
      token = null;
      canvas.style.cursor = "grabbing";
    });
    canvas.addEventListener("pointermove", event => {
      const point = at(event, canvas);
      if (held?.piece) moved(held.piece, point[0] + held.dx, point[1] + held.dy);
      else if (held) {
        stroke(held.point, point);
        held.point = point;
      } else if (found && tool === "move") ask(tokenAt(point));
    });
    canvas.addEventListener("pointerleave", () => !held && ask(null));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => {
        held = null;
        canvas.style.cursor = tool === "move" ? "grab" : "crosshair";
      });
    canvas.addEventListener("keydown", event => {
      if (!finder || event.ctrlKey || event.metaKey || event.altKey) return;
      const far = event.shiftKey ? 5 : 1, piece = shapes[chosen];
      const step = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
      keyed = true;
      if (tool !== "move") {
        const before = spot;
        if (step) spot = spot.map((v, axis) => clamp(v + step[axis], 0, EDGE - 1));
        else if (event.key === " ") down = !down;
        else return;
        if (down) stroke(before, spot);
      } else if (!piece) return;
      else if (step) moved(piece, piece.x + step[0], piece.y + step[1]);
      else if (event.key === "n" || event.key === "N") chosen = (chosen + 1) % shapes.length;
      else return;
      event.preventDefault();
      draw();
    });
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, draw);
    maps.addEventListener("pointermove", event => event.target.tagName === "CANVAS" && found && ask(tokenAt(at(event, event.target))));
    maps.addEventListener("pointerdown", event => event.target.tagName === "CANVAS" && found && ask(tokenAt(at(event, event.target))));
    maps.addEventListener("pointerleave", () => ask(null));
    maps.addEventListener("keydown", event => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step || !found) return;
      event.preventDefault();
      const n = asking(), column = clamp((n % GRID) + step[0], 0, GRID - 1), line = clamp(Math.floor(n / GRID) + step[1], 0, GRID - 1);
      ask(line * GRID + column);
    });

    watch("value", () => {
      if (props.value || !finder) return;
      [value, touched] = [null, true]; // the picture was taken away, and the server has just said why
      empty();
      touched = false;
    });

    return {
      blank: true, // without a picture it is a canvas to paint on
      /** Another picture, or another network that looks at the one that is there. */
      async show(next) {
        const same = value?.picture === next.picture, other = value?.weights !== next.weights;
        value = next;
        if (!same) opened = next.shapes ? null : await inkOf(next.picture);
        if (other) {
          const weights = cppnLive.readWeights(await cppnLive.fetched(next.weights));
          finder?.close();
          finder = new Finder(weights, answered, fault => cppnLive.refused(place, fault));
        }
        place.dataset.live = "yes";
        if (same) finder.ask(ink());
        else restore();
      },
      state: () => ({ shapes: shapes.map(({ name, x, y }) => ({ name, x, y })), tool, token, found, ink: ink() }),
    };
  };
})();

// --- beat the network

(() => {
  const { make, clamp } = cppnLive;
  const MOMENT = 3000; // milliseconds that an answer stands before the next picture comes by itself

  cppnLive.wings.odd_shapes_contest = (place, { props, trigger, watch }) => {
    const picture = make("img", { alt: "", draggable: false }), lines = [make("i"), make("i")];
    const aim = make("div", { className: "aim", tabIndex: 0, attributes: { role: "application" } }, picture, ...lines);
    const automatic = make("input", { type: "checkbox", checked: true });
    const options = make("label", {}, automatic, " The next picture comes by itself");
    place.append(aim, options);
    let value = null, spot = [0.5, 0.5], timer = 0, waiting = false;

    const point = keys => {
      aim.classList.toggle("keys", keys);
      lines[0].style.left = `${100 * spot[0]}%`;
      lines[1].style.top = `${100 * spot[1]}%`;
    };
    const next = () => {
      clearTimeout(timer);
      if (!value?.shown || value.over) return;
      trigger("click");
    };
    const answer = () => {
      if (waiting || !value || value.shown) return;
      waiting = true;
      trigger("submit");
    };
    aim.addEventListener("click", event => {
      const box = picture.getBoundingClientRect();
      spot = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map(v => clamp(v, 0, 1));
      point(false);
      answer();
    });
    aim.addEventListener("keydown", event => {
      const far = (event.shiftKey ? 5 : 1) / value?.pixels;
      const step = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
      if (step) {
        spot = spot.map((v, axis) => clamp(v + step[axis], 0, 1));
        point(true);
      } else if (event.key === "Enter" || event.key === " ") value?.shown ? next() : answer();
      else return;
      event.preventDefault();
    });
    automatic.addEventListener("change", () => (automatic.checked ? next() : clearTimeout(timer)));
    watch("value", () => (waiting = false));

    return {
      /** The next picture of a contest, or the answer to one. */
      show(given) {
        clearTimeout(timer);
        value = given;
        waiting = false;
        picture.src = cppnLive.addressOf(value.picture);
        picture.alt = value.words;
        aim.setAttribute("aria-label", value.words);
        aim.classList.toggle("shown", value.shown);
        aim.classList.remove("keys");
        place.dataset.live = "yes";
        if (value.shown && !value.over && automatic.checked) timer = setTimeout(() => aim.offsetParent && next(), MOMENT);
      },
      /** Where the visitor points, as shares of the picture's width and height. */
      get settings() {
        return spot;
      },
    };
  };
})();
