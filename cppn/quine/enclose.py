"""A proof that beside a quine to float precision there lies a true one, in real numbers, which no file of floats holds.

Krawczyk's operator (1969) needs the network's value at a point and its slopes over a box, both with bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.quine.balls import FLOAT64, SLACK, Ball, normalised
from cppn.quine.network import SCALE, Mlp, with_weights
from cppn.quine.query import QueryQuine

WIDEST = 1e-6  # radius of the largest box that is tried
SLOPES = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123  # of SELU, right and left of 0


@dataclass(frozen=True)
class Enclosure:
    """A true fixed point of the network in real numbers, proved to exist.

    Attributes:
        radius: no weight of the true quine is farther than this from the file's.
        contraction: by how much Krawczyk's operator shrinks the box, below 1; the smaller, the surer.
    """

    radius: float
    contraction: float


@torch.no_grad()
def enclose(net: Mlp | QueryQuine, theta: Tensor) -> Enclosure | None:
    """Look for a true quine beside weights theta (P,); None if the operator does not contract.

    For the seed's perceptron the unknowns are the 20 numbers of its code, for one query a weight all weights.
    """
    theta = theta.double()
    if isinstance(net, QueryQuine):
        box = _contracting(lambda weights: _answers_and_slopes(net, weights), theta)
        return box and Enclosure(float(box[0].rad.max()), box[1])
    code = with_weights(net, "hidden", net.probe)(theta)
    box = _contracting(lambda code: _code_and_slopes(net, code), code)
    return box and Enclosure(float((box[0] @ (SCALE * net.table.double()) - theta).size.max()), box[1])


def _contracting(function: Callable[[Ball], tuple[Ball, Ball]], x: Tensor) -> tuple[Ball, float] | None:
    """A box round x (n,) that holds a fixed point of a function with its Jacobian, and the factor of contraction.

    Krawczyk: K = x - Y (x - f(x)) + (I - Y (I - J(box))) (box - x); if K lies inside the box, so does a fixed point.
    """
    exactly = Ball.exactly(x, FLOAT64)
    value, slopes = function(exactly)
    identity = Ball.exactly(torch.eye(len(x)), FLOAT64)
    try:
        inverse = Ball.exactly(torch.linalg.inv(identity.mid - slopes.mid), FLOAT64)
    except torch.linalg.LinAlgError:
        return None
    step = float((inverse @ (exactly - value)).size.max())
    radius = 2 * step
    while radius < WIDEST:  # not so for NaN
        box = Ball(x, torch.full_like(x, radius), FLOAT64)
        rest = identity - inverse @ (identity - function(box)[1])
        contraction = float(rest.size.sum(dim=1).max()) * SLACK
        if step + contraction * radius < radius / SLACK:
            return Ball(x, torch.full_like(x, (step + contraction * radius) * SLACK), FLOAT64), contraction
        radius *= 16
    return None


def _code_and_slopes(net: Mlp, code: Ball) -> tuple[Ball, Ball]:
    """hidden(decode(code)), (n,), and its Jacobian (n, n), for the perceptron."""
    table = Ball.exactly(SCALE * net.table, FLOAT64)  # (n, P)
    theta, one = code @ table, Ball.exactly(torch.ones(()), FLOAT64)
    x, dx, at = Ball.exactly(net.probe, FLOAT64), None, 0
    for layer in (net.l1, net.l2, net.l3):
        (rows, columns), middle = layer.weight.shape, at + layer.weight.numel()
        weight = theta[at:middle].reshape(rows, columns)
        d = table[:, at:middle].reshape(-1, rows, columns) @ x + table[:, middle : middle + rows]  # (n, rows)
        if dx is not None:
            d = d + dx @ weight.mT
        y = torch.tanh(weight @ x + theta[middle : middle + rows])  # (rows,)
        x, factor = normalised(y)
        d = d * (one - y * y)
        d = d - d.mean()
        dx = (d - x * (x * d).mean()) * factor  # (n, rows)
        at = middle + rows
    return x, dx.mT


def _answers_and_slopes(net: QueryQuine, theta: Ball) -> tuple[Ball, Ball]:
    """The answers (N,) and their Jacobian (N, N), for one query a weight."""
    width = net.width
    first, second, last = theta.split([width * width, width * width, width])
    first, second = first.reshape(width, width), second.reshape(width, width)
    asked = Ball.exactly(net.probe, FLOAT64)  # (N, width)
    before, x = _selu(asked @ first.mT)
    between, y = _selu(x @ second.mT)
    back = between * last  # (N, width)
    slopes = [(back @ second * before).unsqueeze(2) * asked.unsqueeze(1), back.unsqueeze(2) * x.unsqueeze(1)]
    parts = [*(part.flatten(1) for part in slopes), y]
    jacobian = Ball(torch.cat([p.mid for p in parts], dim=1), torch.cat([p.rad for p in parts], dim=1), FLOAT64)
    return y @ last, jacobian


def _selu(x: Ball) -> tuple[Ball, Ball]:
    """Slopes of SELU over a ball, both of them where it holds 0, and its values."""
    right, left = SLOPES
    low, high = x.mid - x.rad, x.mid + x.rad
    first = torch.where(low > 0, right, left * low.clamp(max=0).exp())
    last = torch.where(high > 0, right, left * high.clamp(max=0).exp())
    kink = (low <= 0) & (high > 0)
    first, last = torch.where(kink, torch.minimum(first, last), first), torch.where(kink, left, last)
    return Ball.between(first, last, FLOAT64), F.selu(x)
