"""How well a cascade paints a picture: the loss, its gradient and its curvature.

The loss is the contest's score without the floor: half a level is subtracted instead, and the sum over pixels and
colours of squared differences, in units of 255 levels, is taken. Weights are real numbers here, flat and in the order
of `Program.weights`, float64 (W,).

**Curvature.** The Gauss-Newton matrix J^T J has W = 1125 rows, and a picture of 386 x 320 has 370,560 residuals. The
derivative of residual (p, c) by the weight from value j to neuron n is d[n, c, p] a[j, p]. Hence
(J^T J)[(n, j), (m, k)] = sum over p of (sum over c of d[n, c, p] d[m, c, p]) (a[j, p] a[k, p]): a table of all pairs of
neurons times a table of all pairs of values, 1035 x P times P x 1176 for 45 neurons. That takes a third of the
operations of multiplying J by itself, and bfloat16, which many processors multiply at twice the speed, is exact enough
once the mean of each value is taken out of it (and put back afterwards).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.starry.network import INPUTS
from cppn.starry.shape import Shape
from cppn.training import matrix_type

_CHUNK = 2048  # pixels at a time: the tables of pairs then take 18 MB
_GROUPS = 5  # of neurons; the later ones need all pairs of values, the earlier ones fewer


@dataclass(frozen=True)
class Curvature:
    """Loss, half its gradient and half its Gauss-Newton matrix at some weights, float64.

    Attributes:
        gradient: J^T r, shape (W,). matrix: J^T J, shape (W, W).
        damping: J'^T J' with its diagonal only, J' by the weights of values less their means; shape (W, W). Steps that
            keep a neuron's mean sum are damped by what they change, not by what the constant could have made good.
    """

    loss: float
    gradient: Tensor
    matrix: Tensor
    damping: Tensor


class Objective:
    """A picture that a cascade of one shape is to paint."""

    def __init__(self, picture: Tensor, shape: Shape) -> None:
        """`picture`: uint8 (height, width, 3)."""
        height, width, _ = picture.shape
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        self.shape, self.width, self.height, self.pixels = shape, width, height, width * height
        constant = torch.full((self.pixels,), shape.constant)
        self._inputs = torch.stack([constant, x.flatten(), y.flatten()]).float()  # (3, pixels)
        self._target = picture.reshape(-1, 3).T.float().contiguous()  # (3, pixels)
        self._index_pairs()

    def _index_pairs(self) -> None:
        """Where each entry of J^T J lies in the tables of pairs."""
        neurons, values = self.shape.neurons, self.shape.neurons + INPUTS
        owner = torch.cat([torch.full((INPUTS + n,), n) for n in range(neurons)])  # (W,)
        source = torch.cat([torch.arange(INPUTS + n) for n in range(neurons)])  # (W,)
        self._owner, self._source = owner, source
        low_n, high_n = torch.minimum(owner[:, None], owner), torch.maximum(owner[:, None], owner)
        low_v, high_v = torch.minimum(source[:, None], source), torch.maximum(source[:, None], source)
        row = low_n * neurons - low_n * (low_n - 1) // 2 + high_n - low_n
        column = low_v * values - low_v * (low_v - 1) // 2 + high_v - low_v
        self._places = (row * (values * (values + 1) // 2) + column).flatten()  # (W * W,) in a table of all pairs
        edges = [round(neurons * g / _GROUPS) for g in range(_GROUPS + 1)]
        self._blocks = [
            (_pairs_before(a, neurons), _pairs_before(b, neurons), _pairs_before(min(b + INPUTS - 1, values), values))
            for a, b in itertools.pairwise(edges)
        ]  # rows of one group of neurons, and the columns they need: pairs whose lower value feeds the group

    def sample(self, count: int, generator: torch.Generator) -> Tensor | None:
        """About `count` pixels, one at random in each run of neighbours; None (all) if there are not more."""
        run = round(self.pixels / count)
        if run <= 1:
            return None
        start = torch.arange(0, self.pixels - run + 1, run)
        return start + torch.randint(run, start.shape, generator=generator)

    def loss(self, weights: Tensor, pixels: Tensor | None = None, floor: bool = False) -> float:
        """The loss, scaled up from the given pixels to the whole picture; with `floor`, the contest's score."""
        total = 0.0
        matrix = self._matrix(weights)
        for inputs, target in self._chunks(pixels):
            values = self._forward(matrix, inputs)[-3:]
            residual = (values.floor() if floor else values - 0.5) - target
            total += float(residual.double().square().sum())
        return total / 255**2 * self._scale_up(pixels)

    def gradient(self, weights: Tensor, pixels: Tensor | None = None) -> tuple[float, Tensor]:
        """The loss and J^T r, half its gradient; both scaled up to the whole picture."""
        matrix = self._matrix(weights)
        table = torch.zeros(INPUTS + self.shape.neurons, self.shape.neurons, dtype=torch.float64)
        total = 0.0
        for inputs, target in self._chunks(pixels):
            values, slopes = self._forward_with_slopes(matrix, inputs)
            residual = (values[-3:] - 0.5 - target) / 255  # (3, P)
            total += float(residual.double().square().sum())
            table += (values @ self._backward(matrix, slopes, residual[None] / 255)[:, 0].T).double()
        factor = self._scale_up(pixels)
        return total * factor, table[self._source, self._owner] * factor

    def curvature(self, weights: Tensor, pixels: Tensor | None = None, precise: bool = False) -> Curvature:
        """Loss, gradient and Gauss-Newton matrix, scaled up to the whole picture.

        Args:
            precise: multiply in float32, wherever it runs.
        """
        dtype = torch.float32 if precise else matrix_type()
        neurons, values_count = self.shape.neurons, self.shape.neurons + INPUTS
        matrix = self._matrix(weights)
        means = self._means(matrix, pixels)  # (values,), 0 for the constant
        neuron_pairs = torch.empty(neurons * (neurons + 1) // 2, _CHUNK, dtype=dtype)
        value_pairs = torch.empty(values_count * (values_count + 1) // 2, _CHUNK, dtype=dtype)
        table = torch.zeros(len(neuron_pairs), len(value_pairs))
        mixed = torch.zeros(values_count, neurons, dtype=torch.float64)
        total = 0.0
        identity = torch.eye(3) / 255
        for inputs, target in self._chunks(pixels):
            values, slopes = self._forward_with_slopes(matrix, inputs)
            residual = (values[-3:] - 0.5 - target) / 255  # (3, P)
            total += float(residual.double().square().sum())
            derivative = self._backward(matrix, slopes, identity[:, :, None].expand(3, 3, inputs.shape[1]))
            mixed += (values @ (derivative * residual).sum(1).T).double()
            rows, columns = neuron_pairs[:, : inputs.shape[1]], value_pairs[:, : inputs.shape[1]]
            _multiply_pairs(derivative, rows)
            _multiply_pairs((values - means[:, None])[:, None], columns)
            for first, last, width in self._blocks:
                table[first:last, :width] += rows[first:last] @ columns[:width].T
        factor = self._scale_up(pixels)
        centred = table.flatten()[self._places].view(self.shape.weights, -1).double() * factor
        return Curvature(
            total * factor,
            mixed[self._source, self._owner] * factor,
            *self._put_back(centred, means),
        )

    def _put_back(self, centred: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
        """J^T J from that of values less their means, and the same of its diagonal alone.

        A weight from a value acts as one from that value less its mean, and as `mean / constant` of the constant's.
        """
        factor = (means.double() / self.shape.constant)[self._source]  # (W,), 0 for the constants'
        constants = self.shape.constants[self._owner]  # (W,)
        half = centred + factor[:, None] * centred[constants]
        full = half + factor * half[:, constants]
        diagonal = centred.diagonal()
        own, every = diagonal[constants], torch.arange(len(factor))
        damping = torch.diag(diagonal)
        for start, end in zip(self.shape.constants, [*self.shape.constants[1:], len(factor)], strict=True):
            block = slice(start, end)
            damping[block, block] += torch.outer(factor[block], factor[block]) * own[block]
        shared = factor * own
        damping[every, constants] += shared
        damping[constants, every] += shared
        return full, damping

    def _means(self, matrix: Tensor, pixels: Tensor | None) -> Tensor:
        pixels = torch.arange(self.pixels) if pixels is None else pixels
        chosen = pixels[:: max(1, len(pixels) // 500)]  # enough: any value near the mean will do
        means = self._forward(matrix, self._inputs[:, chosen]).mean(1)
        means[0] = 0
        return means

    def _scale_up(self, pixels: Tensor | None) -> float:
        return 1.0 if pixels is None else self.pixels / len(pixels)

    def _chunks(self, pixels: Tensor | None) -> list[tuple[Tensor, Tensor]]:
        inputs, target = (
            (self._inputs, self._target) if pixels is None else (self._inputs[:, pixels], self._target[:, pixels])
        )
        return list(zip(inputs.split(_CHUNK, 1), target.split(_CHUNK, 1), strict=True))

    def _matrix(self, weights: Tensor) -> Tensor:
        matrix = torch.zeros(self.shape.neurons, INPUTS + self.shape.neurons)  # (neurons, values)
        matrix[self._owner, self._source] = weights.float()
        return matrix

    def _forward(self, matrix: Tensor, inputs: Tensor) -> Tensor:
        return self._forward_with_slopes(matrix, inputs, want_slopes=False)[0]

    def _forward_with_slopes(
        self, matrix: Tensor, inputs: Tensor, want_slopes: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Inputs and neurons, (values, P), and the neurons' derivatives by their sums, (neurons, P)."""
        neurons, divisor = self.shape.neurons, self.shape.divisor
        values = torch.empty(INPUTS + neurons, inputs.shape[1])  # (values, P)
        values[:INPUTS] = inputs
        periodic = self.shape.activation == "sine"
        angles = torch.empty(neurons, inputs.shape[1]) if periodic and want_slopes else None
        for n in range(neurons):
            total = (matrix[n, : INPUTS + n] @ values[: INPUTS + n]).div_(divisor)  # (P,)
            if angles is not None:
                angles[n] = total
            values[INPUTS + n] = total.sin_().add_(1).mul_(128) if periodic else total.sigmoid_().mul_(256)
        if not want_slopes:
            return values, None
        if periodic:
            return values, angles.cos_().mul_(128 / divisor)
        return values, values[INPUTS:] * (1 - values[INPUTS:] / 256) / divisor

    def _backward(self, matrix: Tensor, slopes: Tensor, seed: Tensor) -> Tensor:
        """Derivatives by every neuron's sum, (neurons, C, P), from those by the three colours, `seed` (C, 3, P)."""
        neurons = len(slopes)
        derivative = torch.zeros(neurons, len(seed), slopes.shape[1])  # (neurons, C, P)
        derivative[-3:] = seed.transpose(0, 1)
        flat = derivative.flatten(1)
        for n in range(neurons - 1, -1, -1):
            if n < neurons - 1:
                flat[n] += matrix[n + 1 :, INPUTS + n] @ flat[n + 1 :]
            derivative[n] *= slopes[n]
        return derivative


def _pairs_before(first: int, count: int) -> int:
    """Pairs (a, b) with a <= b < count whose lower member is less than `first`."""
    return first * count - first * (first - 1) // 2


def _multiply_pairs(factors: Tensor, out: Tensor) -> None:
    """Products of all pairs of rows, summed over the middle axis: (rows, C, P) -> (pairs, P), lower row first."""
    row = 0
    for n in range(len(factors)):
        count = len(factors) - n
        product = factors[n:, 0] * factors[n, 0]  # (count, P)
        for c in range(1, factors.shape[1]):
            product.addcmul_(factors[n:, c], factors[n, c])
        out[row : row + count] = product
        row += count
