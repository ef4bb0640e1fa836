"""What the toys cost a visitor: bytes and time until each stands, frames while a hand drags it, and work at rest.

python -m tests.browser.measure                     every toy, a few minutes; writes weights/results/live.json
python -m tests.browser.measure flags --out x.json  one toy

Chromium paints in software, on as many cores as the machine has; so frames are a lower limit of what visitors see.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cppn.checkpoint import write_atomically
from cppn.load_client import Server
from cppn.load_tally import table
from tests.browser.looks import CHROMIUM, QUIET, SOFTWARE

ROOT = Path(__file__).parents[2]
OUT = ROOT / "weights" / "results" / "live.json"
PATIENCE = 120_000  # milliseconds
WARM_UP, DRAG, REST = 1.5, 4.0, 3.0  # seconds: the pace is found, frames are counted, nothing moves

# Counts what is painted on each canvas, in which frame and how wide, and how often a frame is asked for.
COUNTERS = """
window.counted = { resting: false, ours: 0, gradios: 0, painted: new Map(), shifted: 0 };
for (const name of ["drawImage", "putImageData", "fillRect"]) {
  const own = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    if (!counted.painted.has(this.canvas)) counted.painted.set(this.canvas, []);
    const wide = name === "drawImage" ? given[3] : this.canvas.width;
    counted.painted.get(this.canvas).push([document.timeline.currentTime, wide]);
    return own.apply(this, given);
  };
}
const later = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = told => {
  if (counted.resting) counted[new Error().stack.includes("/assets/") ? "gradios" : "ours"]++; // ours are inline
  return later(told);
};
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) counted.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
PAINTED = "canvas => (counted.painted.get(canvas) ?? []).filter(([time]) => time !== null)"


@dataclass(frozen=True)
class Toy:
    """Where a toy is, what says that it stands, what a hand drags, which canvas follows, and how far (pixels)."""

    query: str
    stands: str
    grip: str
    follows: str
    reach: tuple[float, float] = (80, 50)
    start: tuple[float, float] = (0.5, 0.5)  # as shares of what is dragged


TOYS = {
    "flags": Toy(
        "?tab=flags",
        ".live.flags canvas[data-sharp]",
        ".live.flags .stage",
        ".live.flags .stage canvas + canvas",
        start=(0.7, 0.5),  # in the middle is the line between the network's flag and the true one
    ),
    "starry": Toy(
        "?tab=starry", ".live.starry canvas[data-sharp]", ".live.starry .stage", ".live.starry .stage canvas"
    ),
    "starry_neurons": Toy(
        "?tab=starry&section=neurons",
        ".live.starry_neurons[data-live=yes]",
        ".live.starry_neurons .stage",
        ".live.starry_neurons .stage canvas",
    ),
    "glyphs": Toy("?tab=glyphs", ".live.glyphs canvas[data-sharp]", ".live.glyphs .map", ".live.glyphs .pair > canvas"),
    "glyphs_number": Toy(
        "?tab=glyphs&section=number",
        ".live.glyphs_number canvas[data-sharp]",
        ".live.glyphs_number .bars",
        ".live.glyphs_number .pair canvas",
        (0, 40),
    ),
    "quine": Toy("?tab=quine", ".live.quine[data-verdict]", ".live.quine .sheet", ".live.quine .sheet"),
    "quine_tamper": Toy(
        "?tab=quine&section=tamper",
        ".live.quine_tamper[data-told]",
        ".live.quine_tamper .sheet",
        ".live.quine_tamper .map + .map .sheet",
        (0, 60),
        (0.02, 0.3),
    ),
    "odd_shapes": Toy(
        "?tab=odd_shapes&section=find&seed=5",
        ".live.odd_shapes[data-answer]",
        ".live.odd_shapes .picture",
        ".live.odd_shapes .picture",
    ),
}


def processor_seconds(browser: object) -> float:
    """Processor time so far of all of the browser's processes."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(process["cpuTime"] for process in found)


def first_view(page: object, address: str, toy: Toy) -> dict[str, object]:
    """Open a page for the first time: seconds, bytes over the wire, shift of the layout, complaints of the console."""
    network, sizes, complaints = page.context.new_cdp_session(page), [], []
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    start = time.monotonic()
    page.goto(address, wait_until="commit")
    page.locator(toy.stands).first.wait_for(timeout=PATIENCE)
    seconds = time.monotonic() - start
    page.wait_for_timeout(8000)  # whatever moves by itself has come to rest
    return {
        "seconds": round(seconds, 1),
        "megabytes": round(sum(sizes) / 1e6, 2),
        "requests": len(sizes),
        "shift": round(page.evaluate("counted.shifted"), 4),
        "errors": complaints,
    }


def dragged(page: object, toy: Toy) -> dict[str, object]:
    """Drag a toy in circles: frames a second in which its canvas was painted anew, and how wide they were."""
    grip, canvas = page.locator(toy.grip).first, page.locator(toy.follows).first.element_handle()
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    x, y = (
        box[side] + share * box[size] for side, share, size in zip("xy", toy.start, ("width", "height"), strict=True)
    )
    page.mouse.move(x, y)
    page.mouse.down()
    begun, counting = time.monotonic(), False
    while (now := time.monotonic() - begun) < WARM_UP + DRAG:
        if now > WARM_UP and not counting:
            page.evaluate("counted.painted.clear()")
            counting, since = True, time.monotonic()
        page.mouse.move(x + toy.reach[0] * math.sin(3 * now), y + toy.reach[1] * math.sin(4 * now))
    seconds = time.monotonic() - since
    painted = canvas.evaluate(PAINTED)
    page.mouse.up()
    page.mouse.move(2, 2)
    frames = len({frame for frame, _ in painted})
    return {"frames_a_second": round(frames / seconds, 1), "width": round(statistics.median(w for _, w in painted))}


def at_rest(page: object, browser: object) -> dict[str, object]:
    """What is still done when nothing moves: frames asked for, and processor time a second of all of the browser."""
    page.wait_for_timeout(8000)  # the picture is sharpened meanwhile
    page.evaluate("counted.resting = true")
    spent, begun = processor_seconds(browser), time.monotonic()
    page.wait_for_timeout(1000 * REST)
    spent, seconds = processor_seconds(browser) - spent, time.monotonic() - begun
    ours, gradios = page.evaluate("[counted.ours, counted.gradios]")
    return {"frames_at_rest": ours, "gradios_frames_at_rest": gradios, "processor_at_rest": round(spent / seconds, 3)}


def measured(names: list[str]) -> Iterator[dict[str, object]]:
    """A row for each toy, each in a browser that has never seen the page."""
    from playwright.sync_api import sync_playwright

    with Server("app", [sys.executable, str(ROOT / "app.py")]) as server, sync_playwright() as driver:
        for name in names:
            toy = TOYS[name]
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(COUNTERS)
            row = {"toy": name, "load": round(os.getloadavg()[0], 1)}
            row |= first_view(page, f"http://127.0.0.1:{server.port}/{toy.query}", toy)
            yield row | dragged(page, toy) | at_rest(page, browser)
            browser.close()


def main(argv: list[str]) -> int:
    """Entry point of `python -m tests.browser.measure`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("toys", nargs="*", metavar="toy", help=f"some of {', '.join(TOYS)} (default: all)")
    parser.add_argument("--out", type=Path, help=f"the report (default for all: {OUT.relative_to(ROOT)})")
    args = parser.parse_args(argv)
    rows = []
    for row in measured(args.toys or list(TOYS)):
        rows.append(row)
        print(table([row]), flush=True)
    if out := args.out or (None if args.toys else OUT):
        write_atomically(out, (json.dumps({"toys": rows, "cores": os.cpu_count()}, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
