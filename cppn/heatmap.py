"""Heat maps of numbers, with the colour scale printed in the picture, and labelled bars; drawn with Pillow's own font.

A sheet is made to be looked at half its size, so that it is sharp on a phone as well.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 720  # pixels of a sheet
TALLEST = 620  # pixels of all blocks together, before cells are made smaller
CELLS = range(30, 5, -2)  # sides of a cell in pixels, the largest that fits is taken
GAP, TEXT = 16, 24
TITLE_HEIGHT = 40
SCALE_HEIGHT = 64  # colour bar and its numbers
PAPER, INK, RIM = (238, 240, 243), (30, 34, 42), (196, 200, 206)
ZERO = (0, 150, 136)  # "exactly 0": a colour that no scale below contains

# Colour stops, from the least to the most
HEAT = np.array([[255, 250, 205], [255, 228, 120], [250, 150, 60], [215, 60, 70], [120, 20, 110], [50, 0, 80]])
BLUE_WHITE_RED = np.array([[20, 60, 150], [90, 150, 220], [255, 255, 255], [235, 130, 90], [160, 20, 40]])


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, so that a picture looks the same everywhere."""
    return ImageFont.load_default(size)


def shade(stops: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Colours between evenly spaced stops (S, 3) for shares in [0, 1] of any shape (...); uint8 (..., 3)."""
    place = np.clip(share, 0, 1) * (len(stops) - 1)
    return np.stack([np.interp(place, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=-1).astype(np.uint8)


class Scale(Protocol):
    """How numbers become colours, and the numbers to print beside the colour bar."""

    stops: np.ndarray
    ticks: tuple[tuple[float, str], ...]  # (share of the bar, text)
    own_zero: bool  # whether exactly 0 has a colour of its own, shown beside the bar

    def share(self, values: np.ndarray) -> np.ndarray:
        """Where on the bar the values lie; what lies beyond it is drawn in the colour of its end."""


@dataclass(frozen=True)
class Diverging:
    """From -limit in blue over 0 in white to limit in red."""

    limit: float
    stops = BLUE_WHITE_RED
    own_zero = False

    def share(self, values: np.ndarray) -> np.ndarray:
        """See `Scale.share`."""
        return 0.5 + values / (2 * self.limit)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """See `Scale`."""
        return (0.0, f"{-self.limit:.2g}"), (0.5, "0"), (1.0, f"{self.limit:.2g}")


@dataclass(frozen=True)
class Logarithmic:
    """Sizes of numbers by powers of ten, from 10^low to 10^high; exactly 0 in a colour of its own."""

    low: int
    high: int
    stops = HEAT
    own_zero = True

    def share(self, values: np.ndarray) -> np.ndarray:
        """See `Scale.share`."""
        size = np.maximum(np.abs(values), np.finfo(np.float64).tiny)
        return (np.log10(size) - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """See `Scale`."""
        powers = np.linspace(self.low, self.high, 4).round().astype(int).tolist()
        return tuple(((p - self.low) / (self.high - self.low), f"1e{p}" if p else "1") for p in powers)


def colours(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Colours of numbers of any shape (...), uint8 (..., 3); NaN means that nothing is there, and looks like paper."""
    empty = np.isnan(values)
    painted = shade(scale.stops, scale.share(np.where(empty, 1.0, values)))
    if scale.own_zero:
        painted[values == 0] = ZERO
    painted[empty] = PAPER
    return painted


@dataclass(frozen=True)
class Block:
    """A labelled matrix (R, C) of float64; NaN where no number is."""

    label: str
    values: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Where blocks lie on a sheet: side of a cell, upper left corner of each matrix, height of all."""

    cell: int
    corners: tuple[tuple[int, int], ...]
    height: int


def lay_out(blocks: Sequence[Block]) -> Layout:
    """Blocks side by side in rows, with the largest cells that fit the sheet."""
    for cell in CELLS:
        layout, widest = _flow(blocks, cell)
        if widest <= WIDTH - GAP and layout.height <= TALLEST:
            break
    return layout


def _flow(blocks: Sequence[Block], cell: int) -> tuple[Layout, int]:
    """The layout with cells of this size, and its right edge."""
    corners, left, top, row_height, widest = [], GAP, GAP + TITLE_HEIGHT, 0, 0
    for block in blocks:
        rows, columns = block.values.shape
        width = max(columns * cell, math.ceil(font(TEXT).getlength(block.label)))
        if left > GAP and left + width > WIDTH - GAP:
            left, top, row_height = GAP, top + row_height + GAP, 0
        corners.append((left, top + TEXT + 8))
        row_height = max(row_height, TEXT + 8 + rows * cell)
        left += width + GAP
        widest = max(widest, left - GAP)
    return Layout(cell, tuple(corners), top + row_height + GAP), widest


def sheet(blocks: Sequence[Block], scale: Scale, title: str, frame: tuple[int, int, int] | None = None) -> Image.Image:
    """Heat maps of all blocks over one colour bar with its numbers.

    Args:
        blocks: the matrices.
        scale: their common colour scale.
        title: a line above everything; its right end may lie under buttons of the page.
        frame: (block, row, column) of a cell to be framed.
    """
    layout = lay_out(blocks)
    picture = Image.new("RGB", (WIDTH, layout.height + SCALE_HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((GAP, 12), title, INK, font(TEXT))
    for block, (left, top) in zip(blocks, layout.corners, strict=True):
        rows, columns = block.values.shape
        pen.text((left, top - TEXT - 8), block.label, INK, font(TEXT))
        cells = Image.fromarray(colours(block.values, scale))
        size = columns * layout.cell, rows * layout.cell
        picture.paste(cells.resize(size, Image.Resampling.NEAREST), (left, top))
        pen.rectangle((left - 1, top - 1, left + size[0], top + size[1]), outline=RIM)
    if frame:
        number, row, column = frame
        x, y = (edge + layout.cell * at for edge, at in zip(layout.corners[number], (column, row), strict=True))
        pen.rectangle((x - 5, y - 5, x + layout.cell + 4, y + layout.cell + 4), outline="white", width=2)
        pen.rectangle((x - 3, y - 3, x + layout.cell + 2, y + layout.cell + 2), outline=INK, width=4)
    _colour_bar(picture, layout.height, scale)
    return picture


def cell_at(blocks: Sequence[Block], pixel: tuple[float, float]) -> tuple[int, int, int] | None:
    """The (block, row, column) at a pixel of a sheet, or None beside all cells."""
    layout = lay_out(blocks)
    for number, (block, (left, top)) in enumerate(zip(blocks, layout.corners, strict=True)):
        column, row = int((pixel[0] - left) // layout.cell), int((pixel[1] - top) // layout.cell)
        if 0 <= row < block.values.shape[0] and 0 <= column < block.values.shape[1]:
            return number, row, column
    return None


def _colour_bar(picture: Image.Image, top: int, scale: Scale) -> None:
    """The scale and its numbers below everything else."""
    pen, left, right, height = ImageDraw.Draw(picture), GAP, WIDTH - GAP, 24
    if scale.own_zero:
        pen.rectangle((left, top, left + 120, top + height), fill=ZERO)
        pen.text((left, top + height + 2), "exactly 0", INK, font(TEXT))
        left += 150
    ramp = shade(scale.stops, np.linspace(0, 1, right - left))[None].repeat(height, axis=0)
    picture.paste(Image.fromarray(ramp), (left, top))
    pen.rectangle((left, top, right, top + height), outline=RIM)
    for share, text in scale.ticks:
        anchor = "la" if share == 0 else "ra" if share == 1 else "ma"
        pen.text((left + share * (right - left), top + height + 2), text, INK, font(TEXT), anchor=anchor)


@dataclass(frozen=True)
class Bar:
    """A labelled bar: its length as a share of the longest, the words at its right, and whether its axis is broken."""

    label: str
    share: float
    value: str
    colour: tuple[int, int, int]
    broken: bool = False


def bars(rows: Sequence[Bar], title: str) -> Image.Image:
    """Horizontal bars below each other, each under its label and with its value."""
    row, thick = 2 * TEXT + 34, 30
    picture = Image.new("RGB", (WIDTH, GAP + TITLE_HEIGHT + row * len(rows)), "white")
    pen, longest = ImageDraw.Draw(picture), WIDTH - 2 * GAP - 130  # room for the longest value
    pen.text((GAP, 12), title, INK, font(TEXT))
    for number, bar in enumerate(rows):
        top = GAP + TITLE_HEIGHT + number * row
        pen.text((GAP, top), bar.label, INK, font(TEXT))
        end, top = GAP + max(4, round(bar.share * longest)), top + TEXT + 8
        pen.rectangle((GAP, top, end, top + thick), fill=bar.colour)
        if bar.broken:
            middle = GAP + round(0.92 * (end - GAP))
            for shift in (0, 16):
                pen.line((middle + shift - 6, top + thick + 4, middle + shift + 6, top - 4), "white", 6)
        pen.text((end + 10, top + 2), bar.value, INK, font(TEXT))
    return picture
