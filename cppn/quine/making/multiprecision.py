"""Quines to any number of digits, with mpmath, which is needed only where weights are made.

A float64 solution is improved by the chord method: the same residual in long numbers, the same inverse of I - J in
float64 at every step, about 14 more digits each. mpmath computes with whole numbers in Python, so its result, and the
float64 numbers that it is rounded to, are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from cppn.quine.network import Quine

EPSILON = "1e-5"  # of the normalisation
# SELU (Klambauer et al., 2017), with the digits that torch uses
SELU_ALPHA, SELU_SCALE = "1.6732632423543772848170429916717", "1.0507009873554804934193349852946"

Vector = list[Any]  # of mpmath numbers


@dataclass(frozen=True)
class Refined:
    """A solution with more digits than a float holds.

    Attributes:
        weights: theta, correctly rounded to float64, shape (P,).
        residual: largest |F(theta) - theta| before rounding, as text, such as "8.1e-1013": no float is as small.
    """

    weights: np.ndarray
    residual: str


def refine(residual: Callable[[Vector], Vector], x: Sequence[float], inverse: np.ndarray, digits: int) -> Vector:
    """Chord method: x <- x + inverse @ residual(x) until the largest residual is below 10^-digits.

    Raises:
        ArithmeticError: it does not converge; the start was not a solution to float64 precision.
    """
    from mpmath import mp

    x = [mp.mpf(float(value)) for value in x]
    rows = [[mp.mpf(float(value)) for value in row] for row in inverse]
    best = mp.inf
    for _ in range(digits):
        r = residual(x)
        size = max(abs(value) for value in r)
        if size < mp.mpf(10) ** -digits:
            return x
        if size > best:
            break
        best = size
        x = [value + mp.fdot(row, r) for value, row in zip(x, rows, strict=True)]
    raise ArithmeticError("no convergence: the start is not a solution")


def refine_mlp(net: Quine, code: Tensor, jacobian: Tensor, digits: int) -> Refined:
    """The seed's network: refine a code found by Newton's method (`newton.Root`) to this many digits."""
    from mpmath import mp

    table = net.table.double().numpy()
    columns = [[mp.mpf(float(value)) for value in column] for column in table.T]
    z = [mp.mpf(float(value)) for value in net.probe]
    with mp.workdps(digits + 20):

        def decode(h: Vector) -> Vector:
            return [mp.fdot(h, column) / 4 for column in columns]

        def residual(h: Vector) -> Vector:
            return [new - old for new, old in zip(_mlp_hidden(decode(h), z), h, strict=True)]

        inverse = np.linalg.inv(np.eye(net.CODE) - jacobian.numpy())
        h = refine(residual, code.tolist(), inverse, digits)
        theta = decode(h)
        printed = decode(_mlp_hidden(theta, z))
        return _refined(theta, printed)


def _mlp_hidden(theta: Vector, z: Vector) -> Vector:
    """8-20-20-20, tanh, normalisation: the seed's network in mpmath."""
    from mpmath import mp

    x, at = z, 0
    for _ in range(3):
        width = len(x)
        weights, bias = theta[at : at + 20 * width], theta[at + 20 * width : at + 20 * width + 20]
        x = [mp.tanh(mp.fdot(weights[i * width : (i + 1) * width], x) + bias[i]) for i in range(20)]
        mean = mp.fsum(x) / 20
        x = [value - mean for value in x]
        factor = 1 / mp.sqrt(mp.fdot(x, x) / 20 + mp.mpf(EPSILON))
        x = [value * factor for value in x]
        at += 20 * width + 20
    return x


def refine_query(questions: Tensor, theta: Tensor, jacobian: Tensor, digits: int) -> Refined:
    """The one-query-a-weight network: refine its weights (N,) for questions (N, width)."""
    from mpmath import mp

    rows = [[mp.mpf(float(value)) for value in row] for row in questions]
    with mp.workdps(digits + 20):

        def residual(weights: Vector) -> Vector:
            return [new - old for new, old in zip(_answers(weights, rows), weights, strict=True)]

        inverse = np.linalg.inv(np.eye(len(theta)) - jacobian.numpy())
        solution = refine(residual, theta.tolist(), inverse, digits)
        return _refined(solution, _answers(solution, rows))


def _answers(theta: Vector, questions: list[Vector]) -> Vector:
    """Width -> width -> width -> 1 with SELU, one answer a question, in mpmath."""
    from mpmath import mp

    alpha, scale = mp.mpf(SELU_ALPHA), mp.mpf(SELU_SCALE)
    width = len(questions[0])
    square = width * width
    layers = [[theta[at + i * width : at + (i + 1) * width] for i in range(width)] for at in (0, square)]

    def selu(value: Any) -> Any:
        return scale * (value if value > 0 else alpha * mp.expm1(value))

    answers = []
    for question in questions:
        x = question
        for layer in layers:
            x = [selu(mp.fdot(row, x)) for row in layer]
        answers.append(mp.fdot(theta[2 * square :], x))
    return answers


def _refined(theta: Vector, printed: Vector) -> Refined:
    from mpmath import mp

    worst = max(abs(new - old) for new, old in zip(printed, theta, strict=True))
    return Refined(np.array([float(value) for value in theta]), mp.nstr(worst, 2))
