"""Numbers with an error bound: what any correct evaluation of a network can find, in whatever order it sums.

A ball is all numbers within a radius of a midpoint. The torch functions that a network calls on it compute midpoints as
always, and radii that hold what the operands' radii allow and every rounding on the way. The bounds are worst cases
(Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapters 3 and 4).

Assumed of the computer: IEEE 754, rounding to nearest, with an error of at most `unit` in each operation. Allowed are
fused multiply-adds, subnormals flushed to zero, and sums merged with those of a neighbouring layer. tanh, exp, erf,
sigmoid and roots are within 4 units in the last place. Softmax is shifted so that exp cannot overflow; variance and
normalisation go by two passes, by one, or as x * a + b. Convolutions are sums of products, not Winograd's or Fourier's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FLOAT32, FLOAT64 = 2.0**-24, 2.0**-53  # largest relative error of one rounding
TINY = 2.0**-120  # more than the error of any underflow
SLACK = 1 + 2.0**-10  # for the rounding of the radii themselves, and for (1 + unit)^n beyond 1 + n unit
LIBRARY = 8  # roundings: 4 units in the last place
MERGED = 40  # roundings more for what joins a sum: the largest sum of ours, a convolution's, has 36 terms and a bias
EPSILON = 1e-5  # of the normalisation
REARRANGING = ("flatten", "mT", "new_zeros", "reshape", "split", "transpose", "unsqueeze")


@dataclass(frozen=True, eq=False)
class Ball:
    """All numbers within `rad` of `mid`, element by element; float64 tensors of one shape.

    A function without a rule in `RULES` is a TypeError, never a guess.
    """

    mid: Tensor
    rad: Tensor
    unit: float

    @classmethod
    def exactly(cls, value: Tensor, unit: float) -> Ball:
        """Numbers that every evaluation holds alike."""
        return cls(value.double(), torch.zeros_like(value, dtype=torch.float64), unit)

    @classmethod
    def between(cls, first: Tensor, last: Tensor, unit: float) -> Ball:
        """All numbers between two bounds that are exact."""
        return _rounded((first + last) / 2, (last - first).abs() / 2, first.abs() + last.abs(), unit)

    @classmethod
    def __torch_function__(
        cls, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> Ball:
        return RULES[function](*args, **(kwargs or {})) if function in RULES else NotImplemented

    def __getattr__(self, name: str) -> object:
        if name not in REARRANGING:
            raise AttributeError(name)
        mid, rad = getattr(self.mid, name), getattr(self.rad, name)
        if isinstance(mid, Tensor):
            return self._of(mid, rad)
        return lambda *args, **kwargs: self._of(mid(*args, **kwargs), rad(*args, **kwargs))

    def _of(self, mid: Tensor | tuple[Tensor, ...], rad: Tensor | tuple[Tensor, ...]) -> Ball | list[Ball]:
        if isinstance(mid, Tensor):
            return Ball(mid, rad, self.unit)
        return [Ball(*parts, self.unit) for parts in zip(mid, rad, strict=True)]

    @property
    def shape(self) -> torch.Size:
        """Of both tensors."""
        return self.mid.shape

    @property
    def size(self) -> Tensor:
        """The largest absolute value."""
        return self.mid.abs() + self.rad

    def to(self, dtype: torch.dtype) -> Ball:
        """Itself: it stands for evaluations in any precision."""
        return self

    def view_as(self, other: Ball) -> Ball:
        """See `Tensor.view_as`."""
        return self.reshape(other.shape)

    def mean(self, axis: int = -1) -> Ball:
        """Mean along an axis, which stays."""
        work = (self.shape[axis] + 1) * self.size.mean(axis, keepdim=True)
        return _rounded(self.mid.mean(axis, keepdim=True), self.rad.mean(axis, keepdim=True), work, self.unit)

    def __getitem__(self, key: object) -> Ball:
        return self._of(self.mid[key], self.rad[key])

    def __neg__(self) -> Ball:
        return Ball(-self.mid, self.rad, self.unit)

    def __add__(self, other: Ball | Tensor) -> Ball:
        other = _ball(other, self.unit)
        return _rounded(self.mid + other.mid, self.rad + other.rad, MERGED * (self.size + other.size), self.unit)

    def __sub__(self, other: Ball | Tensor) -> Ball:
        return self + -other

    def __mul__(self, other: Ball | Tensor) -> Ball:
        return _product(torch.mul, self, other, 1)

    def __matmul__(self, other: Ball | Tensor) -> Ball:
        return _product(torch.matmul, self, other, self.shape[-1] + MERGED)

    def __truediv__(self, other: float) -> Ball:
        return _rounded(self.mid / other, self.rad / abs(other), 2 * self.size / abs(other), self.unit)


def _ball(value: Ball | Tensor, unit: float) -> Ball:
    return value if isinstance(value, Ball) else Ball.exactly(value, unit)


def _rounded(mid: Tensor, spread: Tensor, work: Tensor, unit: float) -> Ball:
    """The ball round a computed midpoint that holds what any other evaluation finds.

    Args:
        spread: what the operands' radii allow.
        work: sum of all roundings on the way, each as large as what is rounded. It counts twice: once for the other
            evaluation, once for our own midpoint.
    """
    return Ball(mid, (spread + (unit + FLOAT64) * work + TINY) * SLACK, unit)


def _product(op: Callable[[Tensor, Tensor], Tensor], a: Ball, b: Ball | Tensor, terms: int) -> Ball:
    """Any sums of products of a's and b's numbers, each with at most so many roundings."""
    b = _ball(b, a.unit)
    spread = op(a.rad, b.size) + op(a.mid.abs(), b.rad)
    return _rounded(op(a.mid, b.mid), spread, terms * op(a.size, b.size), a.unit)


def _monotone(function: Callable[[Tensor], Tensor], x: Ball, roundings: int) -> Ball:
    """A function that only rises, or only falls: its values at both ends, so many roundings off."""
    infinity = torch.tensor(torch.inf, dtype=torch.float64)
    first = function(torch.nextafter(x.mid - x.rad, -infinity))
    last = function(torch.nextafter(x.mid + x.rad, infinity))
    work = roundings * torch.maximum(first.abs(), last.abs())
    return _rounded((first + last) / 2, (last - first).abs() / 2, work, x.unit)


def _linear(x: Ball, weight: Tensor, bias: Tensor | None = None) -> Ball:
    y = x @ weight.mT
    return y if bias is None else y + bias


def _conv2d(x: Ball, weight: Tensor, bias: Tensor, *where: object) -> Ball:
    y = _product(lambda a, b: F.conv2d(a, b, None, *where), x, weight, weight[0].numel() + MERGED)
    return y + bias[:, None, None]


def _avg_pool2d(x: Ball, width: int) -> Ball:
    mid, rad, size = (F.avg_pool2d(part, width) for part in (x.mid, x.rad, x.size))
    return _rounded(mid, rad, (width * width + 1) * size, x.unit)


def normalised(x: Ball) -> tuple[Ball, Ball]:
    """Along the last axis to mean 0 and variance 1, and the factor that did it."""
    mean = x.mean()
    reach = x.size + mean.size
    centred = _rounded(x.mid - mean.mid, x.rad + mean.rad, reach, x.unit)
    variance = (centred * centred).mean()
    one_pass = 3 * (x.shape[-1] + 4) * reach.square().mean(-1, keepdim=True)
    variance = _rounded(variance.mid, variance.rad, one_pass, x.unit)
    factor = _monotone(lambda value: (value + EPSILON).rsqrt(), variance, 2 * LIBRARY)
    y = centred * factor
    return _rounded(y.mid, y.rad, 3 * reach * factor.size, x.unit), factor


def _instance_norm(x: Ball, *, eps: float, use_input_stats: bool, momentum: float, **affine: None) -> Ball:
    if eps != EPSILON or not use_input_stats or any(part is not None for part in affine.values()):
        raise TypeError("only the plain normalisation has a rule")
    return normalised(x.flatten(2))[0].view_as(x)


def _softmax(x: Ball, dim: int) -> Ball:
    """Along the last axis, as 1 / sum over j of exp(x_j - x_i)."""
    low, high = x.mid - x.rad, x.mid + x.rad
    least = 1 / (high[..., None, :] - low[..., :, None]).exp().sum(-1)
    most = 1 / (low[..., None, :] - high[..., :, None]).exp().sum(-1)
    work = (4 * LIBRARY + x.shape[-1] + 4 * x.size.amax(-1, keepdim=True)) * most
    return _rounded((least + most) / 2, (most - least) / 2, work, x.unit)


def _gelu(x: Ball) -> Ball:
    """X times the share of a normal distribution below x, whose lower tail is 1 minus something nearly 1."""
    share = _monotone(torch.special.ndtr, x, 0)
    return x * _rounded(share.mid, share.rad, torch.full_like(share.mid, 2 * LIBRARY), x.unit)


RULES = {
    F.linear: _linear,
    torch.conv2d: _conv2d,
    F.avg_pool2d: _avg_pool2d,
    F.instance_norm: _instance_norm,
    F.gelu: _gelu,
    F.selu: lambda x, inplace: _monotone(F.selu, x, 2 * LIBRARY),
    torch.tanh: lambda x: _monotone(torch.tanh, x, LIBRARY),
    torch.sigmoid: lambda x: _monotone(torch.sigmoid, x, 2 * LIBRARY),
    torch.softmax: _softmax,
}
