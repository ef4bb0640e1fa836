"""What is settled about a program before its weights, and random weights to start from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.starry.network import INPUTS
from cppn.starry.program import Program, count_weights, weight_range


@dataclass(frozen=True)
class Shape:
    """What is settled about a program before its weights; the fields are those of `Program`."""

    neurons: int = 46
    levels: int = 92
    scale: int = 2500
    constant: int = 171
    activation: str = "sine"

    @property
    def weights(self) -> int:
        """Number of weights."""
        return count_weights(self.neurons)

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest weight."""
        return weight_range(self.levels, self.activation)

    @property
    def divisor(self) -> float:
        """What a sum is divided by before the plain sigmoid or sine."""
        return self.scale / math.log(8) if self.activation == "sigmoid" else float(self.scale)

    @property
    def period(self) -> float | None:
        """How far a constant's weight can move without changing its sine, where the levels cover that; else None."""
        period = 2 * math.pi * self.scale / self.constant
        return period if self.activation == "sine" and period <= self.levels else None

    def program(self, weights: Tensor, width: int, height: int) -> Program:
        """The program of these weights, rounded to whole numbers."""
        low, high = self.bounds
        whole = tuple(int(w) for w in self.wrap(weights).round().clamp(low, high))
        return Program(whole, self.levels, self.scale, self.constant, self.activation, width, height)

    def wrap(self, weights: Tensor) -> Tensor:
        """The same network with each constant's weight inside the bounds, where its neuron is periodic."""
        if self.period is None:
            return weights
        weights = weights.clone()
        start = self.constants
        weights[start] -= (weights[start] / self.period).round() * self.period
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
