"""Measure how well pictures from the wild are read: framed, with axes, of any size, light on dark, blurred, turned.

    python -m cppn odd_shapes wild

Fresh pictures of the dataset are changed in each way and given to our network as uploads are. An answer is compared
with the truth in pixels of the picture as it came, and the distance told in pixels of a canvas of 64 x 64.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.odd_shapes.canvas import fit_to_canvas, to_image
from cppn.odd_shapes.dataset import CANVAS, Pictures, named_rng, sample
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.weights import Finder, finder_of

RESULT = hub.BUNDLED / "results" / "odd_shapes_wild.json"
SEED = 31_000_000  # no training run and no exam has it
FEWER = 10  # pictures of 16 megapixels, which take two seconds each
WITHIN = 1.1  # times the error of the clean pictures up to which a condition counts as read as well


@dataclass(frozen=True)
class Wild:
    """A changed picture, gray, and where a place (x, y) of the clean one has gone: `scale` * (x + 0.5) + `shift`."""

    picture: Image.Image
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    turned: bool = False  # by a quarter to the right

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The new place, pixels; whole numbers are centres of pixels."""
        if self.turned:
            x, y = CANVAS - 1 - y, x
        return (x + 0.5) * self.scale + self.shift[0] - 0.5, (y + 0.5) * self.scale + self.shift[1] - 0.5


def resized(wild: Wild, side: int) -> Wild:
    """As large as that, smoothly."""
    factor = side / wild.picture.width
    picture = wild.picture.resize((side, side), Image.Resampling.LANCZOS)
    return Wild(picture, wild.scale * factor, tuple(value * factor for value in wild.shift), wild.turned)


def framed(wild: Wild, thick: int, shade: int = 0, margin: int = 0) -> Wild:
    """With a frame around it, and beyond that a margin of paper."""
    size = wild.picture.width + 2 * (thick + margin)
    sheet = Image.new("L", (size, size), 255)
    ImageDraw.Draw(sheet).rectangle((margin, margin, size - 1 - margin, size - 1 - margin), outline=shade, width=thick)
    sheet.paste(wild.picture, (thick + margin, thick + margin))
    return Wild(sheet, wild.scale, tuple(value + thick + margin for value in wild.shift), wild.turned)


def overdrawn(wild: Wild, thick: int) -> Wild:
    """With a frame drawn over its rim."""
    sheet = wild.picture.copy()
    ImageDraw.Draw(sheet).rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline=0, width=thick)
    return Wild(sheet, wild.scale, wild.shift, wild.turned)


def beside_axes(wild: Wild, thick: int) -> Wild:
    """With axes along its left and its lower side."""
    side = wild.picture.width
    sheet = Image.new("L", (side + thick, side + thick), 0)
    sheet.paste(wild.picture, (thick, 0))
    return Wild(sheet, wild.scale, (wild.shift[0] + thick, wild.shift[1]), wild.turned)


def under_cross(wild: Wild, thick: int) -> Wild:
    """With axes across its middle, drawn over everything."""
    sheet, middle = wild.picture.copy(), wild.picture.width // 2
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((middle, 0, middle + thick - 1, sheet.height), fill=0)
    pen.rectangle((0, middle, sheet.width, middle + thick - 1), fill=0)
    return Wild(sheet, wild.scale, wild.shift, wild.turned)


def in_window(wild: Wild, thick: int) -> Wild:
    """With the dark edge of a window above it."""
    side = wild.picture.width
    sheet = Image.new("L", (side, side + thick), 0)
    sheet.paste(wild.picture, (0, thick))
    return Wild(sheet, wild.scale, (wild.shift[0], wild.shift[1] + thick), wild.turned)


def light_on_dark(wild: Wild) -> Wild:
    """With black and white swapped, frame and all."""
    return Wild(wild.picture.point(lambda level: 255 - level), wild.scale, wild.shift, wild.turned)


def compressed(wild: Wild, quality: int) -> Wild:
    """As a JPEG file leaves it."""
    buffer = io.BytesIO()
    wild.picture.save(buffer, format="JPEG", quality=quality)
    return Wild(Image.open(buffer).convert("L"), wild.scale, wild.shift, wild.turned)


def quarter(wild: Wild) -> Wild:
    """Turned by a quarter to the right; of a clean picture only."""
    return Wild(wild.picture.transpose(Image.Transpose.ROTATE_270), turned=True)


CONDITIONS: dict[str, Callable[[Wild], Wild]] = {
    "clean": lambda w: w,
    **{f"{side} pixels": lambda w, s=side: resized(w, s) for side in (24, 32, 48, 100, 333, 1000, 4000)},
    **{f"frame of {t} around 64": lambda w, t=t: framed(w, t) for t in (1, 2, 3, 5)},
    **{f"frame of {t} drawn over 64": lambda w, t=t: overdrawn(w, t) for t in (1, 2, 3, 5)},
    "frame of 2 around 32": lambda w: framed(resized(w, 32), 2),
    "frame of 1 around 24": lambda w: framed(resized(w, 24), 1),
    **{f"frame of {t} around 300": lambda w, t=t: framed(resized(w, 300), t) for t in (1, 5)},
    **{f"frame of {t} drawn over 300": lambda w, t=t: overdrawn(resized(w, 300), t) for t in (1, 5)},
    "gray frame of 3 around 300": lambda w: framed(resized(w, 300), 3, shade=110),
    "frame of 3 around 300, in a margin": lambda w: framed(resized(w, 300), 3, margin=20),
    "frame of 5 around 4000": lambda w: framed(resized(w, 4000), 5),
    "axes of 3 beside 300": lambda w: beside_axes(resized(w, 300), 3),
    "axes of 1 beside 64": lambda w: beside_axes(w, 1),
    "axes of 3 across 300": lambda w: under_cross(resized(w, 300), 3),
    "axes of 1 across 64": lambda w: under_cross(w, 1),
    "window edge of 4 above 200": lambda w: in_window(resized(w, 200), 4),
    "light on dark": light_on_dark,
    "light on dark, frame of 3 around 300": lambda w: light_on_dark(framed(resized(w, 300), 3)),
    "JPEG 30, frame of 4 around 200": lambda w: compressed(framed(resized(w, 200), 4), 30),
    "JPEG 60 of 64": lambda w: compressed(w, 60),
    "turned by a quarter": quarter,
    "turned by a quarter, frame of 2 around 128": lambda w: framed(resized(quarter(w), 128), 2),
}


def measured(change: Callable[[Wild], Wild], pictures: Pictures, finder: Finder) -> dict[str, np.ndarray]:
    """Errors (N, 2) in pixels of the canvas, and whether each answer came with a caveat, (N,)."""
    errors, caveats = [], []
    for ink, target in zip(pictures.ink, pictures.targets.tolist(), strict=True):
        wild = change(Wild(to_image(ink)))
        canvas = fit_to_canvas(wild.picture.convert("RGB"))
        found = locate(canvas, finder)
        place = canvas.in_picture(found.x, found.y)
        errors.append((np.array(place) - np.array(wild.place(*target))) / wild.scale)
        caveats.append(bool(found.caveats))
    return {"error": np.array(errors), "caveat": np.array(caveats)}


def summary(found: dict[str, np.ndarray], clean: dict[str, np.ndarray]) -> dict[str, object]:
    """Errors beside those of the same clean pictures, also of the answers without a caveat alone."""

    def rmse(error: np.ndarray) -> float | None:
        return round(float(np.sqrt(np.square(error).mean())), 3) if len(error) else None

    sure = ~found["caveat"]
    whole, its_clean = rmse(found["error"]), rmse(clean["error"])
    silent, silent_clean = rmse(found["error"][sure]), rmse(clean["error"][sure])
    return {
        "pictures": len(sure),
        "rmse": whole,
        "times_clean": round(whole / its_clean, 3),
        "rmse_without_caveat": silent,
        "clean_rmse_of_the_same": silent_clean,
        "with_caveat": round(float(found["caveat"].mean()), 3),
        "as_well": whole <= WITHIN * its_clean,
        "as_well_or_caveat": not sure.any() or silent <= WITHIN * silent_clean,
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes wild`."""
    parser = argparse.ArgumentParser(prog="python -m cppn odd_shapes wild", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="fresh pictures (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    pictures = sample(named_rng("odd_shapes wild", SEED), args.count)
    finder = finder_of("ours")
    conditions, clean = {}, None
    for name, change in CONDITIONS.items():
        some = pictures.first(FEWER) if "4000" in name else pictures
        found = measured(change, some, finder)
        clean = clean or found
        conditions[name] = summary(found, {key: values[: len(some)] for key, values in clean.items()})
        print(f"{name}: {json.dumps(conditions[name])}", flush=True)
    result = {"seed": SEED, "pictures": args.count, "within": WITHIN, "conditions": conditions}
    write_atomically(args.out, (json.dumps(result, indent=1) + "\n").encode())
    return 0
