"""The channel and the waves once more, in numpy and from the maths alone, to test the real ones against."""

from __future__ import annotations

import math

import numpy as np


def affine(angle: float, scale: float, shift: tuple[float, float], shear: float) -> np.ndarray:
    """Scale and turn after a horizontal shear, then shift, as the product of one matrix for each."""
    turned = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    sheared = np.array([[1, -math.tan(shear), 0], [0, 1, 0], [0, 0, 1]])
    shifted = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    return shifted @ np.diag([scale, scale, 1]) @ turned @ sheared


def projective(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The map that takes four points to four points, from the null space of its eight equations."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    matrix = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    return matrix / matrix[2, 2]


def through(matrix: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """A point through a projective map."""
    u, v, w = matrix @ (x, y, 1)
    return u / w, v / w


def sample(picture: np.ndarray, x: float, y: float) -> float:
    """Bilinear value of a picture (S, S) at a place in [-1, 1], zero outside."""
    size = len(picture)
    column, row = ((x + 1) * size - 1) / 2, ((y + 1) * size - 1) / 2
    left, top = math.floor(column), math.floor(row)
    value = 0.0
    for r in (top, top + 1):
        for c in (left, left + 1):
            if 0 <= r < size and 0 <= c < size:
                value += picture[r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return value


def warp(picture: np.ndarray, matrix: np.ndarray, size: int, passing: np.ndarray | None = None) -> np.ndarray:
    """A picture (S, S) through a map, pixel by pixel; nothing outside of the frame that `passing` leads to."""
    result = np.zeros((size, size))
    for r in range(size):
        for c in range(size):
            x, y = (2 * c + 1) / size - 1, (2 * r + 1) / size - 1
            if passing is not None and max(map(abs, through(passing, x, y))) > 1:
                continue
            result[r, c] = sample(picture, *through(matrix, x, y))
    return result


def wave(v: int, u: int, size: int) -> np.ndarray:
    """A wave with v half-waves down and u across, at the centres of (size, size) pixels."""
    centre = (np.arange(size) + 0.5) / size
    return np.outer(np.cos(np.pi * v * centre), np.cos(np.pi * u * centre))
