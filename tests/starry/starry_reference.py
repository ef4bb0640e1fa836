"""A cascade, its loss and its Jacobian from the formulas, in numpy and by finite differences; nothing of our code."""

from __future__ import annotations

import numpy as np
import paint_reference


def loss(weights: np.ndarray, target: np.ndarray, chosen: np.ndarray, **settings: object) -> float:
    """Half a level below each colour, squared differences over 255 squared, summed over the chosen pixels."""
    return float((residuals(weights, target, chosen, **settings) ** 2).sum())


def residuals(weights: np.ndarray, target: np.ndarray, chosen: np.ndarray, **settings: object) -> np.ndarray:
    """What is left of the target (height, width, 3) at the chosen pixels, in units of 255 levels, shape (3 * P,)."""
    height, width, _ = target.shape
    y, x = np.divmod(np.arange(height * width), width)
    colours = paint_reference.paint(tuple(weights.tolist()), x[chosen], y[chosen], **settings)[-3:]
    return ((colours - 0.5 - target.reshape(-1, 3).T[:, chosen]) / 255).ravel()


def jacobian(weights: np.ndarray, target: np.ndarray, chosen: np.ndarray, **settings: object) -> np.ndarray:
    """Derivatives of the residuals by the weights, central differences, shape (3 * P, W)."""
    columns = []
    for i in range(len(weights)):
        step = np.zeros(len(weights))
        step[i] = 1e-4
        ahead, behind = (residuals(weights + sign * step, target, chosen, **settings) for sign in (1, -1))
        columns.append((ahead - behind) / 2e-4)
    return np.stack(columns, axis=1)


def contest_score(painted: np.ndarray, target: np.ndarray) -> float:
    """The contest's formula, pixel by pixel."""
    total = 0.0
    for a, b in zip(painted.reshape(-1, 3).tolist(), target.reshape(-1, 3).tolist(), strict=True):
        total += sum(((p - q) / 255) ** 2 for p, q in zip(a, b, strict=True))
    return total
