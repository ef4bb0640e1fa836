"""MysteryNet written from the maths in numpy: no torch, no code of the package."""

from __future__ import annotations

import math

import numpy as np

STAGES = (
    ("dense1", None),
    ("dense2", "bn2"),
    ("dense3", None),
    ("dense4", "bn4"),
    ("dense5", None),
    ("dense6", "bn6"),
    ("dense7", None),
    ("dense8", "bn8"),
)
EPSILON = 1e-5  # of batch normalisation
_erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x: np.ndarray) -> np.ndarray:
    """X times the standard normal distribution function."""
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)))


def forward(state: dict[str, np.ndarray], x: np.ndarray, train: bool = False) -> np.ndarray:
    """Colours (N, 3) of coordinates (N, 2) in float64; `train` normalises with the batch's own statistics."""
    h = x.astype(np.float64)
    state = {name: value.astype(np.float64) for name, value in state.items()}
    for dense, norm in STAGES:
        h = gelu(h @ state[f"{dense}.weight"].T + state[f"{dense}.bias"])
        if norm:
            mean = h.mean(0) if train else state[f"{norm}.running_mean"]
            variance = h.var(0) if train else state[f"{norm}.running_var"]
            h = (h - mean) / np.sqrt(variance + EPSILON) * state[f"{norm}.weight"] + state[f"{norm}.bias"]
    return h @ state["dense_head.weight"].T + state["dense_head.bias"]


def picture(state: dict[str, np.ndarray], width: int, height: int) -> np.ndarray:
    """The hidden picture, uint8 (H, W, 3)."""
    xs, ys = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    grid = np.array([(x, y) for y in ys for x in xs])
    return np.rint(np.clip(forward(state, grid), 0, 1) * 255).astype(np.uint8).reshape(height, width, 3)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Decibels of two uint8 pictures."""
    return 10 * math.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))
