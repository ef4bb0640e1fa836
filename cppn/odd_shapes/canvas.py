"""Any picture as a 64 x 64 canvas of black on white, with a plain statement of what was done to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from cppn.faults import VisitorError
from cppn.odd_shapes.dataset import CANVAS
from cppn.odd_shapes.frames import Lines, cut_out, find_lines, mostly_light, painted_over
from cppn.odd_shapes.placements import stray
from cppn.render import open_upload

FLAT = 32  # gray levels; a picture with less contrast is taken for blank paper or plain ink
COLOURED = 16  # levels between a pixel's channels up to which it counts as gray: compression leaves as much
BAND = 2**18  # pixels that are looked at together; a megabyte as float32
# a turn counts if shapes then leave less than half, and less by NOTABLE of the ink, or by EXACT if they leave nothing
HALF, NOTABLE, EXACT = 0.5, 0.005, 0.001
DENSE = 0.4  # share of light or dark pixels from which either may be the paper
MIDDLE = 0.5  # share of each side that must lie within a frame
TURNED = ("as it is", "turned to the left", "upside down", "turned to the right")  # by quarter turns
HALFTONE = 0.1  # share of pixels far from both black and white from which a picture counts as one with shades


@dataclass(frozen=True)
class Canvas:
    """A picture as the networks see it.

    Attributes:
        ink: uint8 (64, 64); 1 is ink, 0 is paper.
        done: what was done to the picture, a sentence each.
        shaded: whether much of the picture was neither black nor white, as in a photograph.
        turns: quarter turns to the left after which its triangles stand upright, 0 to 3.
        corner: where the canvas's upper left corner lies in the picture as it came, (x, y) in pixels.
        scale: pixels of the picture as it came a pixel of the canvas.
        guessed: whether ink lies where a line was painted over, or beside it, so that nobody knows what was there.
    """

    ink: np.ndarray
    done: tuple[str, ...]
    shaded: bool
    turns: int = 0
    corner: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    guessed: bool = False

    def in_picture(self, x: float, y: float) -> tuple[float, float]:
        """Where a place on the canvas lies in the picture as it came, pixels; whole numbers are centres of pixels."""
        left, top = self.corner
        return left + (x + 0.5) * self.scale - 0.5, top + (y + 0.5) * self.scale - 0.5


def open_canvas(path: Path) -> Canvas:
    """A stranger's picture file of at most 16 megapixels, fitted to the canvas.

    Raises:
        VisitorError: no picture that can be read, too large a one, or a narrow strip.
    """
    opened = open_upload(path)
    canvas = fit_to_canvas(opened.picture)
    return replace(canvas, done=(*opened.done, *canvas.done)) if opened.done else canvas


def fit_to_canvas(picture: Image.Image) -> Canvas:
    """Fit an RGB picture of any size to the canvas: gray, black on white, square, 64 pixels, two levels.

    What shapes of the dataset cover without a rest is taken as it is. Any other picture is read in several ways, with
    and without lines along its rim or across it, and turned; of these the one counts of whose ink shapes leave the
    least. It is looked at a few rows at a time, so that it takes little memory beside the picture's own.

    Raises:
        VisitorError: a strip so narrow that nothing of it would be left.
    """
    width, height = picture.size
    if max(width, height) > CANVAS * min(width, height):
        raise VisitorError(
            f"the picture has {width} x {height} pixels; such a strip would be less than one pixel wide "
            f"on the network's {CANVAS} x {CANVAS}. Cut out the part that shows the shapes"
        )
    shades = picture.convert("L")
    best = _read(shades)
    lines = find_lines(shades)
    # a frame so thin that it is lost on the canvas still makes the shapes too small
    if stray(best.ink) > 0 or (lines.surround and not _is_crowded(shades)):
        best = _without_lines(shades, best, lines)
        best = (
            _upright(best) if best.scale >= 1 else best
        )  # the kinds of smaller shapes are hard to tell, turned or not
    coloured = ("Its colours became shades of gray.",) if _is_coloured(picture) else ()
    return replace(best, done=(*coloured, *best.done) or ("Nothing had to be changed.",))


def _without_lines(shades: Image.Image, plain: Canvas, lines: Lines) -> Canvas:
    """The picture read without its lines, if shapes cover that at least as well; else the plain reading."""
    found, dark_paper = [lines], mostly_light(shades) < 0.5
    if crowded := _is_crowded(shades):
        found.append(find_lines(shades, dark_paper))
    readings = [reading for some in found if some for reading in _readings_without(shades, some)]
    if not readings:
        return plain
    best = min(readings, key=lambda reading: stray(reading.ink))
    if crowded:  # paper all round the shapes must not be taken for a frame
        return best if _clearly_better(best.ink, plain.ink) else plain
    as_it_is = _read_as(shades, dark_paper)  # and not by its edge, which a frame may be
    return best if stray(best.ink) <= stray(as_it_is.ink) and stray(best.ink) < 1 else plain


def _is_crowded(shades: Image.Image) -> bool:
    """Whether there are so many shapes, or so thick a frame, that paper and ink may be mistaken for each other."""
    return DENSE < mostly_light(shades) < 1 - DENSE


def _readings_without(shades: Image.Image, lines: Lines) -> list[Canvas]:
    """What lies inside the lines, and all of the picture with the lines painted over; the likelier one first."""
    left, top, right, bottom = lines.box
    whole = _read(painted_over(shades, lines))
    said = ("The lines along its rim or across it were painted over.", *whole.done)
    readings = [replace(whole, done=said, guessed=_is_ink_under(lines, whole))]
    along = lines.box != (0, 0, *shades.size)
    if along and right - left >= MIDDLE * shades.width and bottom - top >= MIDDLE * shades.height:
        inside = _read(cut_out(shades, lines))
        corner = (left + inside.corner[0], top + inside.corner[1])
        readings.insert(0, replace(inside, done=("The frame around it was left out.", *inside.done), corner=corner))
    if shades.width == shades.height and shades.width % CANVAS == 0:
        readings.reverse()  # a picture of the dataset, perhaps enlarged, with a frame drawn over its rim
    return readings


def _is_ink_under(lines: Lines, canvas: Canvas) -> bool:
    """Whether ink touches lines of a pixel or more that were painted over; `canvas` shows the whole picture."""
    x, y = canvas.corner
    for axis, start, along in ((0, y, lines.rows), (1, x, lines.columns)):
        for line in along:
            first, end = ((place - start) / canvas.scale for place in (line.first, line.end))
            under = canvas.ink.take(range(max(0, math.floor(first) - 1), min(CANVAS, math.ceil(end) + 1)), axis=axis)
            if end - first >= 1 and under.any():
                return True
    return False


def _upright(canvas: Canvas) -> Canvas:
    """The same canvas, with the turn after which shapes cover it clearly better, if there is one."""
    turns = min(range(4), key=lambda number: stray(np.rot90(canvas.ink, number)))
    if not _clearly_better(np.rot90(canvas.ink, turns), canvas.ink):
        return canvas
    return replace(canvas, done=(*canvas.done, f"The network was shown it {TURNED[turns]}."), turns=turns)


def _clearly_better(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether shapes leave much less of one ink than of another."""
    left, before = stray(one), stray(other)
    return left < HALF * before and before - left > (NOTABLE if left else EXACT)


def _read(shades: Image.Image) -> Canvas:
    """A gray-level picture on the canvas, whole.

    The paper is the shade of most of the edge and of most of the picture. Where the two disagree, as round a dark frame
    or among many shapes, it is the one that leaves ink which shapes cover better.
    """
    dark, light = map(float, shades.getextrema())
    if light - dark < FLAT:
        return _read_as(shades, False)
    middle = (dark + light) / 2
    by_edge = float((_edge(shades) < middle).mean()) > 0.5
    by_area = mostly_light(shades) < 0.5
    readings = [_read_as(shades, inverted) for inverted in dict.fromkeys((by_edge, by_area))]
    return min(readings, key=lambda reading: stray(reading.ink))


def _read_as(shades: Image.Image, inverted: bool) -> Canvas:
    """A gray-level picture on the canvas, whole, as dark ink or, `inverted`, as light ink."""
    width, height = shades.size
    side = max(width, height)
    dark, light = map(float, shades.getextrema())
    contrast = light - dark >= FLAT
    done = []
    if inverted:
        dark, light = 255 - light, 255 - dark
        done.append("It was light on dark, so black and white were swapped.")
    if width != height:
        done.append("Margins made it square.")
    gray = _on_square(shades, inverted, light)
    if side != CANVAS:
        done.append(f"Its {width} × {height} pixels became {CANVAS} × {CANVAS}.")
    threshold = (dark + light) / 2 if contrast else 127.5
    ink = (gray < threshold).astype(np.uint8)
    third = (light - dark) / 3
    between = (gray > dark + third) & (gray < light - third)
    shaded = contrast and float(between.mean()) > HALFTONE
    if contrast and bool(((gray > dark) & (gray < light)).any()):
        done.append(f"Everything darker than gray level {threshold:.0f} of 255 became black, the rest white.")
    corner = (float(-((side - width) // 2)), float(-((side - height) // 2)))
    return Canvas(ink, tuple(done), shaded, corner=corner, scale=side / CANVAS)


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
        return np.asarray(Image.fromarray(square).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC))
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
