"""What is settled about a program before its weights, and random weights to start from."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.starry import lattice
from cppn.starry.network import INPUTS
from cppn.starry.program import Program, count_weights, weight_range


@dataclass(frozen=True)
class Shape:
    """What is settled about a program before its weights; the fields are those of `Program`."""

    neurons: int
    levels: int
    scale: int
    constant: int
    activation: str = "sine"
    bend: int = 0

    @property
    def weights(self) -> int:
        """Number of weights."""
        return count_weights(self.neurons)

    @property
    def grid(self) -> Tensor:
        """The values that a weight can take in a program, ascending, float64 (levels,)."""
        return _grid(*weight_range(self.levels, self.activation), self.bend)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest of these values."""
        return float(self.grid[0]), float(self.grid[-1])

    @property
    def divisor(self) -> float:
        """What a sum is divided by before the plain sigmoid or sine."""
        return self.scale / math.log(8) if self.activation == "sigmoid" else float(self.scale)

    @property
    def period(self) -> float | None:
        """How far a constant's weight can move without changing its sine, where the levels cover that; else None."""
        period = 2 * math.pi * self.scale / self.constant
        covered = self.grid[-1] - self.grid[0] + self.grid[1] - self.grid[0]
        return period if self.activation == "sine" and period <= covered else None

    def program(self, weights: Tensor, width: int, height: int) -> Program:
        """The program of these weights, each rounded to the nearest level; those that are levels stay as they are."""
        lowest, _ = weight_range(self.levels, self.activation)
        inside = torch.where(torch.isin(weights, self.grid), weights, self.wrap(weights))
        whole = tuple((lowest + lattice.places(inside, self.grid)).tolist())
        return Program(whole, self.levels, self.scale, self.constant, self.activation, width, height, self.bend)

    def wrap(self, weights: Tensor) -> Tensor:
        """The same network with each constant's weight inside the bounds, where its neuron is periodic."""
        if self.period is None:
            return weights
        weights = weights.clone()
        start = self.constants
        weights[start] -= (weights[start] / self.period).round() * self.period
        return weights

    def turned(self, weights: Tensor) -> Tensor:
        """The same network with a last weight of 0 or less, where its neuron is periodic: sin(pi - s) = sin(s).

        The highest level of a sine is the digit 0, and as the last digit of a number it would be lost.
        """
        if self.period is None or weights[-1] <= 0:
            return weights
        weights, first = weights.clone(), int(self.constants[-1])
        weights[first:] *= -1
        weights[first] += self.period / 2
        return weights

    def clamp(self, weights: Tensor, reach: float = 1.0) -> Tensor:
        """Weights inside their bounds times `reach`; the constants of periodic neurons have none."""
        low, high = self.bounds
        inside = weights.clamp(low * reach, high * reach)
        if self.period is not None:
            inside[self.constants] = weights[self.constants]
        return inside

    @property
    def constants(self) -> Tensor:
        """Places of the constants' weights, shape (neurons,)."""
        return torch.tensor([count_weights(n) for n in range(self.neurons)])


# The levels are as many as the bytes hold beside the longest decoder and seven escapes; bend, scale and constant make a
# level cost about the same error wherever it is.
OURS = Shape(neurons=46, levels=89, scale=120, constant=256, bend=35)


@functools.lru_cache(maxsize=16)
def _grid(lowest: int, highest: int, bend: int) -> Tensor:
    whole = torch.arange(lowest, highest + 1, dtype=torch.float64)
    return torch.tan(whole / bend) if bend else whole


def start(shape: Shape, width: int, height: int, generator: torch.Generator) -> Tensor:
    """Random weights. A sine's first angles vary by about three turns of a radian across the picture."""
    if shape.activation == "sigmoid":
        return torch.rand(shape.weights, generator=generator, dtype=torch.float64) * 32 - 16
    weights = torch.empty(shape.weights, dtype=torch.float64)
    row = 0
    for n in range(shape.neurons):
        draw = torch.randn(INPUTS + n, generator=generator, dtype=torch.float64) * shape.scale
        draw[0] /= shape.constant
        draw[1:INPUTS] *= 3 / max(width, height)
        draw[INPUTS:] /= 128 * math.sqrt(max(n, 1))
        weights[row : row + INPUTS + n] = draw
        row += INPUTS + n
    return weights
