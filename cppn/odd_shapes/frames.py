"""Lines that run along the rim of a picture or across all of it: frames, axes, the edges of windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

WORK = 512  # pixels along the longer side at which lines are looked for; those lost by then are lost on the canvas, too
THICKEST = 5  # pixels of a line in a picture as it came, or …
THICKEST_SHARE = 0.05  # the share of its shorter side up to which a run of rows is a line and no shape or stroke
WHOLE = 0.97  # share of the way across that a line takes at least
SPREAD = 0.6  # share of the picture that all its ink must span for a line across the ink to count
NEAR_RIM = 0.2  # share of a side within which a line is part of a frame, and what lies beyond it is outside
STANDS_OUT = 1 / 3  # of the contrast; what differs that much from the paper is a part of a line
FAINT = 0.04  # of the contrast; a blurred line reaches as far as whole rows differ that much


@dataclass(frozen=True)
class Line:
    """Rows or columns `first` to `end - 1`, in pixels of the picture as it came."""

    first: int
    end: int


@dataclass(frozen=True)
class Lines:
    """What runs along or across a picture.

    Attributes:
        box: left, top, right, bottom of what lies inside the lines along the rim; all of the picture without any.
        size: width and height of the picture.
        rows: the horizontal lines. columns: the vertical ones; both along the rim and across the middle.
    """

    box: tuple[int, int, int, int]
    size: tuple[int, int]
    rows: tuple[Line, ...]
    columns: tuple[Line, ...]

    @property
    def surround(self) -> bool:
        """Whether lines run along all four sides."""
        left, top, right, bottom = self.box
        width, height = self.size
        return left > 0 and top > 0 and right < width and bottom < height

    def __bool__(self) -> bool:
        return bool(self.rows or self.columns)


def mostly_light(shades: Image.Image) -> float:
    """Share of the pixels of a gray-level picture that are lighter than the middle of its range, in [0, 1]."""
    dark, light = shades.getextrema()
    return sum(shades.histogram()[math.ceil((dark + light) / 2) :]) / (shades.width * shades.height)


def find_lines(shades: Image.Image, light: bool | None = None) -> Lines:
    """The lines of a gray-level picture of any size.

    Args:
        light: whether the paper is the commonest of the light shades, or of the dark ones; of all if None.
    """
    scale = max(1.0, max(shades.size) / WORK)
    size = tuple(max(1, round(side / scale)) for side in shades.size)
    gray = np.asarray(shades.resize(size, Image.Resampling.BOX) if scale > 1 else shades, np.float32)
    away, contrast = _from_paper(gray, light)
    mask = away > STANDS_OUT * contrast
    thickest = max(THICKEST / scale + 1, THICKEST_SHARE * min(gray.shape))
    found = []
    for axis, side in ((0, shades.height), (1, shades.width)):
        faint = np.median(away, axis=1 - axis) > FAINT * contrast
        factor = side / gray.shape[axis]
        runs = [_widened(first, end, faint) for first, end in _runs(_crossed(mask, axis)) if end - first <= thickest]
        found.append(tuple(Line(round(first * factor), round(end * factor)) for first, end in runs))
    rows, columns = found
    top, bottom = _inside(rows, shades.height)
    left, right = _inside(columns, shades.width)
    return Lines((left, top, right, bottom), shades.size, rows, columns)


def _from_paper(gray: np.ndarray, light: bool | None) -> tuple[np.ndarray, float]:
    """How far each pixel is from the paper, and how far the farthest; `light` as in `find_lines`."""
    middle = (int(gray.min()) + int(gray.max())) / 2
    among = gray if light is None else gray[(gray > middle) == light]
    counts = np.bincount((among / 8).astype(int).ravel(), minlength=32)
    around = np.convolve(counts, np.ones(3), mode="same")  # paper on the border between two bins
    paper = float(np.median(among[np.abs(among - 8 * around.argmax() - 4) <= 12]))
    away = np.abs(gray - paper)
    return away, max(float(away.max()), 1.0)


def _crossed(mask: np.ndarray, axis: int) -> np.ndarray:
    """Which rows (axis 0) or columns (1) are ink nearly all the way across whatever ink there is, bool."""
    across = np.flatnonzero(mask.any(axis=axis))
    if not len(across) or across[-1] + 1 - across[0] < SPREAD * mask.shape[1 - axis]:
        return np.zeros(mask.shape[axis], bool)
    part = mask[:, across[0] : across[-1] + 1] if axis == 0 else mask[across[0] : across[-1] + 1]
    return part.mean(axis=1 - axis) >= WHOLE


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _widened(first: int, end: int, faint: np.ndarray) -> tuple[int, int]:
    """A line with the row on either side, where that is still a part of it."""
    first -= first > 0 and bool(faint[first - 1])
    end += end < len(faint) and bool(faint[end])
    return first, end


def _inside(lines: tuple[Line, ...], side: int) -> tuple[int, int]:
    """Between which pixels the picture lies within its frame."""
    near = NEAR_RIM * side
    start = max((line.end for line in lines if line.end <= near), default=0)
    end = min((line.first for line in lines if line.first >= side - near), default=side)
    return start, end


def cut_out(shades: Image.Image, lines: Lines) -> Image.Image:
    """What lies inside the lines along the rim, with those across it painted over."""
    return painted_over(shades, lines).crop(lines.box)


def painted_over(shades: Image.Image, lines: Lines) -> Image.Image:
    """The whole picture, each line replaced by what is on both of its sides; along the rim, by what is on its inner."""
    pixels = np.array(shades)
    for line in lines.rows:
        _bridge(pixels, line)
    for line in lines.columns:
        _bridge(pixels.T, line)
    return Image.fromarray(pixels)


def _bridge(pixels: np.ndarray, line: Line) -> None:
    """Replace some rows in place; each column of them by shades between the one above and the one below."""
    height = len(pixels)
    above = pixels[line.first - 1] if line.first > 0 else None
    below = pixels[line.end] if line.end < height else None
    if above is None and below is None:
        return
    above, below = (below if above is None else above), (above if below is None else below)
    share = np.linspace(0, 1, line.end - line.first + 2)[1:-1, None]
    pixels[line.first : line.end] = np.rint((1 - share) * above + share * below)
