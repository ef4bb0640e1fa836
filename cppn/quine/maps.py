"""Heat maps of a network's weights and errors, a matrix a layer, and which weight stands where on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cppn import heatmap, render
from cppn.heatmap import Block, Diverging, Logarithmic
from cppn.quine.network import Quine, split
from cppn.quine.query import QueryQuine
from cppn.quine.tamper import Tampering
from cppn.quine.verify import Verification

Network = Quine | QueryQuine

ERRORS = Logarithmic(-18, 0)  # from below one rounding error of a weight to errors larger than any weight


def blocks(net: Network, vector: Tensor) -> list[Block]:
    """A vector (P,) as one matrix a layer: a row for each unit, its bias at the right behind a gap."""
    layers: dict[str, list[np.ndarray]] = {}
    for name, part in split(net, vector.double()).items():
        rows = part.reshape(part.shape[0], -1).numpy()  # (units, inputs) or (units, 1)
        layers.setdefault(name.rpartition(".")[0], []).append(rows)
    gap = np.nan
    return [
        Block(name, np.hstack([parts[0], *(np.hstack([np.full((len(b), 1), gap), b]) for b in parts[1:])]))
        for name, parts in layers.items()
    ]


def _indices(net: Network) -> list[Block]:
    """The same matrices with the number of each weight in its place."""
    return blocks(net, torch.arange(sum(p.numel() for p in net.parameters())))


def index_at(net: Network, pixel: tuple[float, float]) -> int | None:
    """The number of the weight at a pixel of a heat map; None beside all weights."""
    numbers = _indices(net)
    place = heatmap.cell_at(numbers, pixel)
    if place is None or math.isnan(number := numbers[place[0]].values[place[1:]]):
        return None
    return int(number)


def _frame(net: Network, index: int) -> tuple[int, int, int]:
    """Where on a heat map weight `index` is."""
    for number, block in enumerate(_indices(net)):
        for row, column in np.argwhere(block.values == index):
            return number, int(row), int(column)
    raise ValueError(f"no weight {index}")


def values_map(net: Network, values: Tensor, limit: float, title: str, name: str) -> Path:
    """Heat map of weights or of anything on their scale, which ends at `limit`."""
    # all weights may be 0; any scale shows that
    return render.save_png(heatmap.sheet(blocks(net, values), Diverging(limit or 1.0), title), name)


def error_map(net: Network, errors: Tensor, what: str, name: str, index: int | None = None) -> Path:
    """Heat map of |errors| by powers of ten, with the number of exact zeros in the title; weight `index` is framed."""
    zeros = int((errors == 0).sum())
    title = f"{what}: exactly 0 for {zeros:,} of {len(errors):,}"
    frame = None if index is None else _frame(net, index)
    return render.save_png(heatmap.sheet(blocks(net, errors), ERRORS, title, frame), name)


def verification_maps(net: Network, found: Verification) -> tuple[Path, Path, Path, Path]:
    """Weights, output, difference by powers of ten, and the difference as the seed draws it."""
    theta, output = found.theta.double(), found.output.double()
    limit, delta = float(theta.abs().max()), output - theta
    return (
        values_map(net, theta, limit, "Its weights", "quine-weights"),
        values_map(net, output, limit, "What it prints", "quine-output"),
        error_map(net, delta, "Difference", "quine-difference"),
        values_map(net, delta, limit, "The difference, in the colours of the weights", "quine-difference-plain"),
    )


def tamper_maps(net: Network, original: Tensor, done: Tampering) -> tuple[Path, Path]:
    """What the changed network prints against its own weights, and against the original; the changed weight framed."""
    printed, own = done.verification.output.double(), done.verification.theta.double()
    return (
        error_map(net, printed - own, "Off its own weights", "quine-against-own", done.index),
        error_map(net, printed - original.double(), "Off the original", "quine-against-original", done.index),
    )
