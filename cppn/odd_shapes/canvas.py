"""Any picture as a 64 x 64 canvas of black on white, with a plain statement of what was done to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cppn.faults import VisitorError
from cppn.odd_shapes.dataset import CANVAS
from cppn.render import open_picture

FLAT = 32  # gray levels; a picture with less contrast is taken for blank paper or plain ink
COLOURED = 16  # levels between a pixel's channels up to which it counts as gray: compression leaves as much
BAND = 2**18  # pixels that are looked at together; a megabyte as float32
HALFTONE = 0.1  # share of pixels far from both black and white from which a picture counts as one with shades


@dataclass(frozen=True)
class Canvas:
    """A picture as the networks see it.

    Attributes:
        ink: uint8 (64, 64); 1 is ink, 0 is paper.
        done: what was done to the picture, a sentence each.
        shaded: whether much of the picture was neither black nor white, as in a photograph.
    """

    ink: np.ndarray
    done: tuple[str, ...]
    shaded: bool


def open_canvas(path: Path) -> Canvas:
    """A stranger's picture file of at most 16 megapixels, fitted to the canvas.

    Raises:
        VisitorError: no picture that can be read, too large a one, or a narrow strip.
    """
    return fit_to_canvas(open_picture(path))


def fit_to_canvas(picture: Image.Image) -> Canvas:
    """Fit an RGB picture of any size to the canvas: gray, black on white, square, 64 pixels, two levels.

    It is looked at a few rows at a time, so that it takes little memory beside the picture's own.

    Raises:
        VisitorError: a strip so narrow that nothing of it would be left.
    """
    width, height = picture.size
    if max(width, height) > CANVAS * min(width, height):
        raise VisitorError(
            f"the picture has {width} x {height} pixels; such a strip would be less than one pixel wide "
            f"on the network's {CANVAS} x {CANVAS}. Cut out the part that shows the shapes"
        )
    done = []
    if _is_coloured(picture):
        done.append("Its colours became shades of gray.")
    shades = picture.convert("L")
    dark, light = map(float, shades.getextrema())
    contrast = light - dark >= FLAT
    inverted = contrast and float((_edge(shades) < (dark + light) / 2).mean()) > 0.5
    if inverted:
        dark, light = 255 - light, 255 - dark
        done.append("Its edge was mostly dark, so black and white were swapped.")
    if width != height:
        done.append("Margins made it square.")
    gray = _on_square(shades, inverted, light)
    if max(width, height) != CANVAS:
        done.append(f"Its {width} × {height} pixels became {CANVAS} × {CANVAS}.")
    threshold = (dark + light) / 2 if contrast else 127.5
    ink = (gray < threshold).astype(np.uint8)
    third = (light - dark) / 3
    between = (gray > dark + third) & (gray < light - third)
    shaded = contrast and float(between.mean()) > HALFTONE
    if contrast and bool(((gray > dark) & (gray < light)).any()):
        done.append(f"Everything darker than gray level {threshold:.0f} of 255 became black, the rest white.")
    return Canvas(ink, tuple(done) or ("Nothing had to be changed.",), shaded)


def _bands(picture: Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    """A picture's rows a few at a time: the number of the first, and their pixels (rows, W) or (rows, W, 3)."""
    rows = max(1, BAND // picture.width)
    for top in range(0, picture.height, rows):
        yield top, np.asarray(picture.crop((0, top, picture.width, min(top + rows, picture.height))))


def _is_coloured(picture: Image.Image) -> bool:
    """Whether the channels of any pixel differ visibly."""
    return any(int((pixels.max(axis=2) - pixels.min(axis=2)).max()) > COLOURED for _, pixels in _bands(picture))


def _edge(shades: Image.Image) -> np.ndarray:
    """The pixels along the four sides, one after the other; a corner counts twice."""
    right, bottom = shades.width - 1, shades.height - 1
    sides = (
        (0, 0, right + 1, 1),
        (0, bottom, right + 1, bottom + 1),
        (0, 0, 1, bottom + 1),
        (right, 0, right + 1, bottom + 1),
    )
    return np.concatenate([np.asarray(shades.crop(side)).ravel() for side in sides])


def _on_square(shades: Image.Image, inverted: bool, paper: float) -> np.ndarray:
    """Gray levels in the middle of a square of paper that is reduced or enlarged to the canvas, float32 (64, 64).

    Bit by bit what Pillow makes of the whole square, which could be thousands of times as large as the picture: Pillow,
    too, reduces the rows first and the columns afterwards, and what is paper alone stays paper.
    """
    width, height = shades.size
    side = max(width, height)
    top, left = (side - height) // 2, (side - width) // 2
    if side <= CANVAS:
        square = np.full((side, side), paper, np.float32)
        square[top : top + height, left : left + width] = _levels(np.asarray(shades), inverted)
        return np.asarray(Image.fromarray(square).resize((CANVAS, CANVAS), Image.Resampling.NEAREST))
    first, last = (
        left * CANVAS // side,
        -(-(left + width) * CANVAS // side),
    )  # columns of the canvas with picture in them
    start, end = first * side / CANVAS, last * side / CANVAS  # the same in the square's pixels, exactly
    columns = slice(math.floor(start), math.ceil(end))
    narrow = np.full((side, CANVAS), paper, np.float32)  # rows reduced, columns not yet
    for row, pixels in _bands(shades):
        rows = np.full((len(pixels), columns.stop - columns.start), paper, np.float32)
        rows[:, left - columns.start : left - columns.start + width] = _levels(pixels, inverted)
        box = (start - columns.start, 0, end - columns.start, len(rows))
        reduced = Image.fromarray(rows).resize((last - first, len(rows)), Image.Resampling.BOX, box)
        narrow[top + row : top + row + len(rows), first:last] = reduced
    return np.asarray(Image.fromarray(narrow).resize((CANVAS, CANVAS), Image.Resampling.BOX))


def _levels(pixels: np.ndarray, inverted: bool) -> np.ndarray:
    """Gray levels with the paper light."""
    return 255 - pixels if inverted else pixels


def to_image(ink: np.ndarray) -> Image.Image:
    """Ink (64, 64) as a gray-level picture of that size: black on white, as the dataset's generator draws it."""
    return Image.fromarray((255 * (1 - ink)).astype(np.uint8))
