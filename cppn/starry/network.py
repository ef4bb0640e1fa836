"""A cascade: neurons, each fed by a constant, x, y and every neuron before it; the last three are the colour."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cppn.starry.program import Program

CHUNK = 512  # positions evaluated together: their sums in float64 stay inside a processor core's own cache
INPUTS = 3  # the constant, x and y


class Cascade(nn.Module):
    """A program's network, evaluated in float64 with every sum in the order in which Pyth adds it.

    Summation in another order would differ in the last bits, and the floor that ends a picture would now and then show
    it. Each neuron's sum grows by one term at a time, so all sums can grow together: value j is multiplied into every
    sum that it belongs to, as soon as it is known.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.activation, self.neurons = program.activation, program.neurons
        self.scale, self.constant = program.scale, program.constant
        matrix = torch.zeros(INPUTS + self.neurons, self.neurons, dtype=torch.float64)  # (inputs and neurons, neurons)
        row, factors = 0, torch.tensor(program.factors, dtype=torch.float64)
        for n in range(self.neurons):
            matrix[: INPUTS + n, n] = factors[row : row + INPUTS + n]
            row += INPUTS + n
        self.register_buffer("weights", matrix)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Every neuron at every position.

        Args:
            x, y: columns and rows of shape (P,), in pixels of the program's own picture, 0 at its first pixel's centre;
                any real numbers.

        Returns:
            float64 (neurons, P) in [0, 256]; the last three rows are red, green and blue before the floor.
        """
        values = torch.empty(self.neurons, len(x), dtype=torch.float64)  # (neurons, P)
        for start in range(0, len(x), CHUNK):
            chunk = slice(start, start + CHUNK)
            self._evaluate(x[chunk].double(), y[chunk].double(), values[:, chunk])
        return values

    def _evaluate(self, x: Tensor, y: Tensor, values: Tensor) -> None:
        sums = torch.zeros(self.neurons, len(x), dtype=torch.float64)  # (neurons, P)
        product = torch.empty_like(sums)
        for j in range(INPUTS + self.neurons - 1):
            neuron = j - INPUTS
            if neuron >= 0:
                self._activate(sums[neuron], values[neuron])
            first = max(0, neuron + 1)  # the first neuron that has this input
            value = values[neuron] if neuron >= 0 else (torch.full_like(x, self.constant), x, y)[j]
            # multiplied and added in two operations: one alone would round once, Pyth rounds twice
            torch.mul(self.weights[j, first:, None], value, out=product[first:])
            sums[first:] += product[first:]
        self._activate(sums[-1], values[-1])

    def _activate(self, total: Tensor, out: Tensor) -> None:
        """Neurons from their sums, operation by operation as the decoder has it."""
        if self.activation == "sigmoid":
            torch.div(256, 1 + torch.pow(8.0, -total / self.scale), out=out)
        else:
            torch.mul(1 + torch.sin(total / self.scale), 128, out=out)
