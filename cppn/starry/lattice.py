"""Rounding many numbers together: the whole numbers nearest to real ones where distance is a curved loss's own.

To find the z with the least (z - w)^T H (z - w) is the closest vector problem of lattices. Decided one after the other,
each number can make good what the ones before it cost. Two things make that good. **The order**: sorted Cholesky
decomposition keeps the least curvature for the numbers that are decided last and find nobody to help them (Wuebben and
others, "MMSE extension of V-BLAST based on sorted QR decomposition", 2003). **The beam**: the best few partial answers
go on together, not one alone (the M-algorithm of sequential decoding).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

BEAM = 128  # partial answers that are followed


class Factor(NamedTuple):
    """A positive definite matrix as R^T R, its rows and columns in the order of decision.

    Attributes:
        order: places in the order in which they are decided, shape (N,). rows: R, lower triangular, shape (N, N): the
            cost of the numbers is the sum over rows k of (sum over m <= k of R[k, m] e[m])^2.
    """

    order: Tensor
    rows: Tensor


def factorise(matrix: Tensor) -> Factor | None:
    """Decompose a matrix, float64 (N, N), with the least pivot first and decided last; None if it is not positive."""
    size = len(matrix)
    remaining = matrix.clone()
    taken = torch.zeros(size, dtype=matrix.dtype)  # infinite for places that have their row
    order, rows = torch.empty(size, dtype=torch.long), torch.empty_like(matrix)
    for k in range(size - 1, -1, -1):
        place = int((remaining.diagonal() + taken).argmin())
        pivot = remaining[place, place]
        if not pivot > 0:
            return None
        order[k], taken[place] = place, torch.inf
        rows[k] = remaining[place] / pivot.sqrt()
        remaining.addr_(rows[k], rows[k], alpha=-1)
    return Factor(order, rows[:, order].tril())


def round_first(real: Tensor, factor: Factor, count: int, bounds: tuple[int, int], beam: int = BEAM) -> Tensor:
    """Round the first `count` numbers in the factor's order; the others make good what they can and stay real.

    Args:
        real: shape (N,). bounds: least and greatest whole number; numbers that stay real may leave them.
        beam: partial answers that are followed; 1 is Babai's nearest plane.
    """
    order, rows = factor
    answer, error = real.clone(), torch.zeros_like(real)
    answer[order[:count]] = nearest(real, factor, count, bounds, beam)[0]
    error[:count] = (answer - real)[order[:count]]
    for k in range(count, len(real)):
        error[k] = -(rows[k, :k] @ error[:k]) / rows[k, k]
    answer[order[count:]] += error[count:]
    return answer


def nearest(real: Tensor, factor: Factor, count: int, bounds: tuple[int, int], beam: int = BEAM) -> Tensor:
    """Whole numbers for the first `count` places of the factor's order: the best found first, shape (beam, count)."""
    order, rows = factor
    target = real[order[:count]]
    errors, costs = torch.zeros(1, count, dtype=real.dtype), torch.zeros(1, dtype=real.dtype)  # (beam, count), (beam,)
    for k in range(count):
        wanted = target[k] - errors[:, :k] @ (rows[k, :k] / rows[k, k])  # (beam,)
        first = wanted.round().clamp(*bounds)
        second = (first + torch.where(wanted >= first, 1.0, -1.0)).clamp(*bounds)
        choices = torch.stack([first, second])  # (2, beam)
        paid = costs + ((wanted - choices) * rows[k, k]).square()
        paid[1].masked_fill_(second == first, torch.inf)  # on a bound there is no second
        costs, best = paid.flatten().topk(min(beam, int(paid.isfinite().sum())), largest=False)
        errors = errors[best % len(wanted)]
        errors[:, k] = choices.flatten()[best] - target[k]
    return (target + errors).round()
