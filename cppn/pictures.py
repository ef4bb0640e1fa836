"""The README's pictures, one a wing, each made by asking an endpoint.

python -m cppn pictures
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from PIL import Image

from cppn import hub, render

FOLDER = hub.BUNDLED / "card"
WIDTH = 480  # pixels at most of a still picture
FILM = {"model": "script", "seeds": "1, 2, 3", "frames": 24, "tile": 96, "grid": "4 x 2"}


def drawn() -> dict[str, Path]:
    """A picture for each wing."""

    def ask(wing: str, asked: str, /, **arguments: object) -> tuple:
        return getattr(importlib.import_module(f"cppn.{wing}.endpoints"), asked)(**arguments)

    puzzle = ask("odd_shapes", "draw_odd_shapes", seed=8)[0]
    return {
        "flags": ask("flags", "flag_collage", width=2 * WIDTH)[0],
        "glyphs": ask("glyphs", "interpolate_glyphs", **FILM)[0],
        "quine": ask("quine", "verify_quine", name="exact_mlp")[1],
        "odd_shapes": ask("odd_shapes", "locate_odd_shape", picture=puzzle)[0],
        "starry": ask("starry", "paint_starry", width=WIDTH)[0],
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn pictures`."""
    parser = argparse.ArgumentParser(prog="python -m cppn pictures", description="Make the README's pictures.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: %(default)s")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for wing, path in drawn().items():
        target = args.out / f"{wing}{path.suffix}"
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.thumbnail((WIDTH, WIDTH))
                target.write_bytes(render.png_bytes(picture))
        else:
            target.write_bytes(path.read_bytes())
        print(f"{target}: {target.stat().st_size:,} bytes")
    return 0
