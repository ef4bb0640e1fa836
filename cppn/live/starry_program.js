// The bytes of a program in the visitor's own browser, each in the colour of its part. A byte that is changed shows at
// once what becomes of the painting.
"use strict";

(() => {
  const { make } = cppnLive, { Refused, readProgram, packed, shaderOf, shaped, linkRow, programBytes } = cppnLive.starry;
  const ROW = 16; // bytes a line, as `xxd` has it
  /** The byte that is chosen at first: near the end of the string, where the painting changes and stays a painting. */
  const firstOf = parts => parts.find(([name]) => name === "string")[1] - 24;
  const hex = (value, digits = 2) => value.toString(16).padStart(digits, "0");
  const letter = byte => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".");

  cppnLive.wings.starry_program = place => {
    const canvas = make("canvas"), before = make("img", { alt: "What the program paints" });
    const stage = make("div", { className: "stage", attributes: { role: "img" } }, canvas, before);
    const said = make("p", { className: "caption", attributes: { "aria-live": "polite" } });
    const which = make("b"), button = (textContent, title) => make("button", { type: "button", textContent, title });
    const [less, more, reset] = [button("−", "Lower this byte"), button("+", "Raise this byte"), button("Reset", "All bytes as they were")];
    const { row, hold } = linkRow();
    const side = make("div", { className: "side" }, stage, said, make("div", { className: "row" }, which, less, more, reset), row);
    const dump = make("div", {
      className: "hexdump",
      attributes: { role: "group", "aria-label": "Bytes. Arrow keys go from one to the next, plus and minus or hexadecimal digits change it." },
    });
    place.append(make("div", { className: "bytes" }, side, dump));

    let shown = null, bytes = null, original = null, painting = null, cells = [], letters = [], chosen = 0;

    const partOf = at => shown.parts.find(([, end]) => at < end);
    const draw = () => {
      let network;
      try {
        network = readProgram(bytes);
      } catch (fault) {
        if (!(fault instanceof Refused)) throw fault;
        stage.classList.add("broken");
        said.textContent = `⚠️ No longer a program: ${fault.message}.`;
        return;
      }
      const count = bytes.filter((byte, at) => byte !== original[at]).length;
      said.textContent = count ? `${count} ${count > 1 ? "bytes" : "byte"} changed` : "The program as it is. Click a byte, then + or −";
      stage.classList.remove("broken");
      stage.setAttribute("aria-label", `What the program paints: ${said.textContent}`);
      hold(shown.page, bytes);
      shaped(stage, network);
      cppnLive.engine();
      painting ??= new cppnLive.Painting(canvas, 1);
      painting.ratio = network.width / network.height;
      painting.onshow = () => (before.hidden = true);
      painting.feed(shaderOf(network), packed(network));
      place.dataset.live = "yes";
    };
    const write = at => {
      const changed = bytes[at] !== original[at];
      cells[at].textContent = hex(bytes[at]);
      letters[at].textContent = letter(bytes[at]);
      for (const cell of [cells[at], letters[at]]) cell.classList.toggle("changed", changed);
      cells[at].setAttribute("aria-valuenow", bytes[at]);
      cells[at].setAttribute("aria-valuetext", hex(bytes[at]));
    };
    const choose = at => {
      for (const list of [cells, letters]) {
        list[chosen]?.classList.remove("chosen");
        list[at].classList.add("chosen");
      }
      if (cells[chosen]) cells[chosen].tabIndex = -1;
      cells[at].tabIndex = 0;
      chosen = at;
      which.textContent = `Byte ${at + 1}: ${hex(bytes[at])}`;
    };
    const put = value => {
      bytes[chosen] = value & 255;
      write(chosen);
      choose(chosen);
      try {
        draw();
      } catch (fault) {
        cppnLive.refused(place, fault);
      }
    };
    const build = () => {
      const cell = (at, text, role) => {
        const span = make("span", { textContent: text });
        span.style.background = partOf(at)[2];
        span.dataset.at = at;
        if (role) {
          const label = `Byte ${at + 1}, ${partOf(at)[0]}`;
          const attributes = { role, "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 255, tabindex: -1 };
          for (const [name, value] of Object.entries(attributes)) span.setAttribute(name, value);
        }
        return span;
      };
      cells = Array.from(bytes, (byte, at) => cell(at, hex(byte), "spinbutton"));
      letters = Array.from(bytes, (byte, at) => cell(at, letter(byte)));
      const lines = make("pre");
      for (let start = 0; start < bytes.length; start += ROW) {
        const end = Math.min(start + ROW, bytes.length);
        const spaced = cells.slice(start, end).flatMap(span => [span, " "]);
        lines.append(`${hex(start, 8)}  `, ...spaced, " ".repeat(3 * (start + ROW - end) + 1), ...letters.slice(start, end), "\n");
      }
      dump.replaceChildren(lines);
      bytes.forEach((_, at) => write(at));
      choose(firstOf(shown.parts));
    };

    dump.addEventListener("click", event => {
      const at = event.target.dataset.at;
      if (at !== undefined) cells[at].focus();
    });
    dump.addEventListener("focusin", event => choose(Number(event.target.dataset.at)));
    dump.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { key } = event, moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -ROW, ArrowDown: ROW, Home: -chosen, End: bytes.length - 1 - chosen };
      if (key in moves) cells[chosen + moves[key]]?.focus();
      else if (key === "+" || key === "=") put(bytes[chosen] + 1);
      else if (key === "-" || key === "_") put(bytes[chosen] - 1);
      else if (/^[0-9a-f]$/i.test(key)) put((bytes[chosen] << 4) | parseInt(key, 16));
      else if (key === "Backspace" || key === "Delete") put(original[chosen]);
      else return;
      event.preventDefault();
    });
    less.addEventListener("click", () => put(bytes[chosen] - 1));
    more.addEventListener("click", () => put(bytes[chosen] + 1));
    reset.addEventListener("click", () => {
      bytes = original.slice();
      bytes.forEach((_, at) => write(at));
      put(bytes[chosen]);
    });

    return {
      /** Show another program's bytes. */
      async show(value) {
        shown = value;
        before.src = cppnLive.addressOf(value.picture);
        before.hidden = false;
        stage.style.aspectRatio = `${value.width} / ${value.height}`;
        original = await programBytes(value.program);
        bytes = original.slice();
        build();
        draw();
      },
    };
  };
})();
