"""Whole numbers near real ones: the factor, the order, the beam against every corner."""

from __future__ import annotations

import itertools

import pytest
import torch

from cppn.starry.lattice import factorise, nearest, places, round_first, snap
from cppn.training import named_generator

WIDE, NARROW = torch.arange(-20, 21).double(), torch.arange(-5, 6).double()


def positive(size: int, seed: int) -> torch.Tensor:
    """A positive definite matrix whose curvatures differ by orders of magnitude."""
    factor = torch.randn(3 * size, size, generator=named_generator("test", seed), dtype=torch.float64)
    factor *= torch.logspace(0, -2, size, dtype=torch.float64)
    return factor.T @ factor


def cost(matrix: torch.Tensor, error: torch.Tensor) -> float:
    return float(error @ matrix @ error)


def test_the_factor_is_one_of_the_matrix_in_its_order():
    matrix = positive(9, 1)
    order, rows = factorise(matrix)
    assert sorted(order.tolist()) == list(range(9))
    assert torch.equal(rows, rows.tril())
    torch.testing.assert_close(rows.T @ rows, matrix[order][:, order])
    assert int(order[-1]) == int(matrix.diagonal().argmin())


def test_a_matrix_that_is_not_positive_has_no_factor():
    assert factorise(torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64)) is None
    assert factorise(torch.full((2, 2), torch.nan, dtype=torch.float64)) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_corner(seed: int):
    matrix = positive(7, seed)
    real = torch.randn(7, generator=named_generator("real", seed), dtype=torch.float64) * 3
    factor = factorise(matrix)
    corners = [torch.tensor(c) for c in itertools.product(*[(float(w.floor()), float(w.ceil())) for w in real])]
    best = min(cost(matrix, corner - real) for corner in corners)
    found = nearest(real, factor, 7, WIDE, beam=1000)
    costs = [cost(matrix, (whole - real[factor.order])[factor.order.argsort()]) for whole in found]
    assert costs == pytest.approx(sorted(costs))
    assert costs[0] <= best + 1e-9  # the nearest may lie outside the cell's corners
    greedy = round_first(real, factor, 7, WIDE, beam=1)
    assert cost(matrix, greedy - real) <= cost(matrix, real.round() - real) + 1e-9
    assert costs[0] <= cost(matrix, greedy - real) + 1e-9


def test_the_first_are_whole_and_the_others_make_good_what_they_can():
    matrix, real = positive(6, 3), torch.tensor([0.4, 1.6, -2.3, 9.7, 0.2, 3.3], dtype=torch.float64)
    factor = factorise(matrix)
    answer = round_first(real, factor, 2, NARROW)
    first, others = factor.order[:2], factor.order[2:]
    assert torch.equal(answer[first], answer[first].round())
    # where the rest is free, the gradient vanishes
    torch.testing.assert_close((matrix @ (answer - real))[others], torch.zeros(4, dtype=torch.float64))


def test_whole_numbers_keep_to_the_bounds():
    real = torch.tensor([9.7, -8.0, 0.3], dtype=torch.float64)
    answer = round_first(real, factorise(torch.eye(3, dtype=torch.float64)), 3, NARROW)
    assert answer.tolist() == [5, -5, 0]


def test_every_number_goes_to_the_nearest_level_of_an_uneven_grid():
    grid = torch.tan(torch.arange(-4, 5).double() / 3)
    real = torch.randn(50, generator=named_generator("uneven", 1), dtype=torch.float64) * 3
    distances = (real[:, None] - grid).abs()
    assert torch.equal(places(real, grid), distances.argmin(dim=1))
    assert torch.equal(snap(real, grid), grid[distances.argmin(dim=1)])
    whole = round_first(real[:6], factorise(positive(6, 4)), 6, grid)
    assert torch.isin(whole, grid).all()
