"""A program's painting written from the description of its decoder, in numpy, with nothing of our code."""

from __future__ import annotations

import math

import numpy as np


def paint(
    weights: tuple[int, ...],
    x: np.ndarray,
    y: np.ndarray,
    scale: float = 3364,
    constant: float = 256,
    activation: str = "sigmoid",
    bend: int = 0,
) -> np.ndarray:
    """Every neuron at positions x, y (P,), float64 (neurons, P), terms added one by one from left to right."""
    values = [np.full(len(x), float(constant)), x.astype(np.float64), y.astype(np.float64)]
    rest = [math.tan(n / bend) for n in weights] if bend else list(weights)
    while rest:
        taken, rest = rest[: len(values)], rest[len(values) :]
        assert len(taken) == len(values)
        total = np.zeros(len(x))
        for weight, value in zip(taken, values, strict=True):
            total = total + weight * value
        if activation == "sigmoid":
            # the decoder sums (55 - digit) v, which is minus the weighted sum, and puts 8 to that power over the scale
            values.append(256 / (1 + 8.0 ** (-total / scale)))
        else:
            values.append(128 * (1 + np.sin(total / scale)))
    return np.stack(values[3:])


def picture(weights: tuple[int, ...], width: int, height: int, **settings: object) -> np.ndarray:
    """The program's own painting, uint8 (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    colours = paint(weights, x.ravel(), y.ravel(), **settings)[-3:]
    return np.clip(np.floor(colours), 0, 255).astype(np.uint8).T.reshape(height, width, 3)
