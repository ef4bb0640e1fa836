"""Which shapes could have made this ink: every circle, square and triangle that lies wholly in the black.

A picture of the dataset is a union of such shapes, so black that none of them covers comes from somewhere else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from cppn.odd_shapes.dataset import CANVAS, KINDS, LARGEST, RADII, SMALLEST, half_width, packed, unpacked

# pixels of each shape, int (3 kinds, 7 radii)
AREA = np.array(
    [
        [
            sum(2 * half_width(kind, radius, dy) + 1 for dy in range(-radius, radius + 1))
            for radius in range(SMALLEST, LARGEST + 1)
        ]
        for kind in range(len(KINDS))
    ]
)


def fitting(ink: np.ndarray) -> np.ndarray:
    """Which shapes lie wholly in the ink, bool (..., 3 kinds, 7 radii, 64 y, 64 x) over their centres.

    Args:
        ink: uint8 or bool (..., 64, 64), 1 is ink; any number of pictures.
    """
    rows = packed(ink)
    wide = [rows]  # where the black goes on for 0, 1, 2 ... pixels to both sides; beyond the canvas is paper
    for half in range(1, LARGEST + 1):
        wide.append(wide[-1] & rows << np.uint64(half) & rows >> np.uint64(half))
    fits = np.zeros((*rows.shape[:-1], len(KINDS), RADII, CANVAS), "<u8")
    for kind, radius in _shapes():
        lines = [
            wide[half_width(kind, radius, dy)][..., radius + dy : CANVAS - radius + dy]
            for dy in range(-radius, radius + 1)
        ]
        fits[..., kind, radius - SMALLEST, radius : CANVAS - radius] = np.bitwise_and.reduce(lines)
    return unpacked(fits)


def covered(fits: np.ndarray) -> np.ndarray:
    """The pixels that the fitting shapes of each kind cover together, bool (..., 3 kinds, 64, 64).

    Args:
        fits: as `fitting` gives it.
    """
    rows = packed(fits)  # (..., 3, 7, 64)
    ink = np.zeros((*rows.shape[:-2], CANVAS), "<u8")
    for kind, radius in _shapes():
        centres = rows[..., kind, radius - SMALLEST, radius : CANVAS - radius]
        if not centres.any():
            continue
        wide = [centres]  # spread by 0, 1, 2 ... pixels to both sides
        for _ in range(radius):
            wide.append(wide[-1] | wide[-1] << np.uint64(1) | wide[-1] >> np.uint64(1))
        for dy in range(-radius, radius + 1):
            ink[..., kind, radius + dy : CANVAS - radius + dy] |= wide[half_width(kind, radius, dy)]
    return unpacked(ink)


def _shapes() -> Iterator[tuple[int, int]]:
    """Every kind and radius."""
    return itertools.product(range(len(KINDS)), range(SMALLEST, LARGEST + 1))


def is_one_shape(ink: np.ndarray, fits: np.ndarray) -> bool:
    """Whether all the ink is one single shape: one that lies in it and has as many pixels."""
    return bool((fits.any(axis=(2, 3)) & (ink.sum() == AREA)).any())


def needs_no_triangle(ink: np.ndarray) -> bool:
    """Whether there is ink, and circles and squares cover all of it."""
    return bool(ink.any()) and bool((covered(fitting(ink))[:2].any(axis=0) == ink).all())


def stray(ink: np.ndarray) -> float:
    """Share of the ink that no fitting shape covers, in [0, 1]; 1 where all is paper or all is ink."""
    black = int(ink.sum())
    if black in (0, ink.size):
        return 1.0
    return int((ink.astype(bool) & ~covered(fitting(ink)).any(axis=0)).sum()) / black
