"""Which shapes could have made this ink: every circle, square and triangle that lies wholly in the black.

A picture of the dataset is a union of such shapes, so black that none of them covers comes from somewhere else.
"""

from __future__ import annotations

import numpy as np

from cppn.odd_shapes.dataset import CANVAS, KINDS, LARGEST, RADII, SMALLEST, half_width

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


def reach(ink: np.ndarray) -> np.ndarray:
    """How far the black goes on to both sides of each pixel, int (64, 64); 0 for a lone black pixel, -1 on paper."""
    place = np.arange(CANVAS)
    last_paper = np.maximum.accumulate(np.where(ink, -1, place), axis=1)
    next_paper = np.minimum.accumulate(np.where(ink, CANVAS, place)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(place - last_paper, next_paper - place) - 1


def fitting(ink: np.ndarray) -> np.ndarray:
    """Which shapes lie wholly in the ink, bool (3 kinds, 7 radii, 64 y, 64 x) over their centres.

    Args:
        ink: uint8 or bool (64, 64), 1 is ink.
    """
    free = reach(ink)
    fits = np.zeros((len(KINDS), RADII, CANVAS, CANVAS), bool)
    for kind in range(len(KINDS)):
        for radius in range(SMALLEST, LARGEST + 1):
            inside = slice(radius, CANVAS - radius)
            wide = [
                free[radius + dy : CANVAS - radius + dy, inside] >= half_width(kind, radius, dy)
                for dy in range(-radius, radius + 1)
            ]
            fits[kind, radius - SMALLEST, inside, inside] = np.logical_and.reduce(wide)
    return fits


def covered(fits: np.ndarray) -> np.ndarray:
    """The pixels that the fitting shapes of each kind cover together, bool (3 kinds, 64, 64)."""
    # +1 where a row of a shape begins, -1 behind its end; then a running sum along x counts the shapes on each pixel
    edges = np.zeros((len(KINDS), CANVAS, CANVAS + 1), np.int32)
    for kind in range(len(KINDS)):
        for radius in range(SMALLEST, LARGEST + 1):
            low, high = radius, CANVAS - radius
            centre = fits[kind, radius - SMALLEST, low:high, low:high].astype(np.int32)
            for dy in range(-radius, radius + 1):
                half = half_width(kind, radius, dy)
                edges[kind, low + dy : high + dy, low - half : high - half] += centre
                edges[kind, low + dy : high + dy, low + half + 1 : high + half + 1] -= centre
    return edges.cumsum(axis=2)[:, :, :CANVAS] > 0


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
