"""Rounding many numbers together: the levels nearest to real numbers where distance is a curved loss's own.

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


def round_first(real: Tensor, factor: Factor, count: int, grid: Tensor, beam: int = BEAM) -> Tensor:
    """Round the first `count` numbers in the factor's order; the others make good what they can and stay real.

    Args:
        real: shape (N,). grid: what a number may become, ascending; those that stay real may leave it.
        beam: partial answers that are followed; 1 is Babai's nearest plane.
    """
    order, rows = factor
    answer, error = real.clone(), torch.zeros_like(real)
    answer[order[:count]] = nearest(real, factor, count, grid, beam)[0]
    error[:count] = (answer - real)[order[:count]]
    for k in range(count, len(real)):
        error[k] = -(rows[k, :k] @ error[:k]) / rows[k, k]
    answer[order[count:]] += error[count:]
    return answer


def nearest(real: Tensor, factor: Factor, count: int, grid: Tensor, beam: int = BEAM) -> Tensor:
    """Values of the grid for the first `count` places of the factor's order: the best first, shape (beam, count)."""
    order, rows = factor
    target = real[order[:count]]
    errors, costs = torch.zeros(1, count, dtype=real.dtype), torch.zeros(1, dtype=real.dtype)  # (beam, count), (beam,)
    for k in range(count):
        wanted = target[k] - errors[:, :k] @ (rows[k, :k] / rows[k, k])  # (beam,)
        above = torch.searchsorted(grid, wanted).clamp(1, len(grid) - 1)
        choices = torch.stack([grid[above - 1], grid[above]])  # (2, beam)
        paid = (costs + ((wanted - choices) * rows[k, k]).square()).flatten()
        costs, best = paid.topk(min(beam, len(paid)), largest=False)
        errors = errors[best % len(wanted)]
        errors[:, k] = choices.flatten()[best] - target[k]
    return snap(target + errors, grid)


def snap(real: Tensor, grid: Tensor) -> Tensor:
    """The nearest value of an ascending grid to each number."""
    return grid[places(real, grid)]


def places(real: Tensor, grid: Tensor) -> Tensor:
    """Where in an ascending grid the nearest value to each number is."""
    above = torch.searchsorted(grid, real).clamp(1, len(grid) - 1)
    return above - (real - grid[above - 1] <= grid[above] - real).long()
