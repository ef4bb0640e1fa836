"""How long the drawing of glyphs takes, in processor seconds of one core.

python -m cppn glyphs benchmark
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import torch
from PIL import Image

from cppn import render
from cppn.glyphs.draw import draw
from cppn.glyphs.interpolate import SECONDS_A_FRAME, Film, film
from cppn.glyphs.message import seed_to_message
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.glyphs.weights import MODELS, script_of


def loop_file(net: GlyphNet | SeedNet, wanted: Film) -> bytes:
    """What a visitor waits for: the frames of a loop and its file."""
    frames, _ = film(net, ["1", "2", "3"], wanted)
    return render.animation(frames, SECONDS_A_FRAME, SECONDS_A_FRAME)


def seconds(run: Callable[[], object], repeats: int) -> tuple[float, float]:
    """The least processor and wall time of several runs."""
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        run()
        end = time.process_time(), time.perf_counter()
        best = [min(least, b - a) for least, a, b in zip(best, start, end, strict=True)]
    return best[0], best[1]


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs benchmark`."""
    parser = argparse.ArgumentParser(prog="python -m cppn glyphs benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", default=["script", "colour_64"], help=f"some of {', '.join(MODELS)}")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    report = {}
    for name in args.models:
        net = script_of(name).net
        message = seed_to_message(1, net.numbers)[None]
        tasks = {
            "60 frames of 192 pixels": lambda net=net: loop_file(net, Film()),
            "60 frames of 4 x 2 glyphs of 192 pixels": lambda net=net: loop_file(net, Film(grid="4 x 2")),
            "one glyph of 2048 pixels": lambda net=net, message=message: draw(net, message, 2048),
            "the same, and its PNG": lambda net=net, message=message: render.png_bytes(
                Image.fromarray(draw(net, message, 2048)[0].numpy())
            ),
        }
        report[name] = {}
        for task, run in tasks.items():
            cpu, wall = seconds(run, args.repeats)
            report[name][task] = {"cpu_seconds": round(cpu, 3), "wall_seconds": round(wall, 3)}
    print(json.dumps(report, indent=1))
    return 0
