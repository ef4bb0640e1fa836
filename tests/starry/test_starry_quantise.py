"""Whole numbers: rounding with compensation, block by block, and the search among whole numbers."""

from __future__ import annotations

import itertools

import pytest
import torch
from test_starry_fit import SHAPES, smooth_picture

from cppn.starry.descend import Levenberg
from cppn.starry.fit import Objective
from cppn.starry.quantise import local_search, round_all, round_block
from cppn.starry.shape import start
from cppn.training import named_generator


@pytest.fixture(scope="module", params=SHAPES)
def fitted(request: pytest.FixtureRequest) -> tuple[Objective, torch.Tensor]:
    """A small picture and real weights that paint it fairly well."""
    shape = SHAPES[request.param]
    objective = Objective(smooth_picture(), shape)
    fitter = Levenberg(objective, start(shape, 30, 20, named_generator("test", 1)), 0.1, 1e-3, 1e-3)
    for _ in range(60):
        fitter.step(None, None)
    return objective, fitter.weights


def test_compensation_beats_plain_rounding_and_nearly_reaches_the_best():
    generator = named_generator("test", 6)
    factor = torch.randn(40, 6, generator=generator, dtype=torch.float64)
    matrix = factor.T @ factor
    weights = torch.randn(6, generator=generator, dtype=torch.float64) * 3

    def cost(whole: torch.Tensor) -> float:
        return float((whole - weights) @ matrix @ (whole - weights))

    order = torch.argsort(matrix.diagonal(), descending=True)
    rounded = round_block(weights, matrix, order, 6, (-20, 20))
    assert torch.equal(rounded, rounded.round())
    corners = itertools.product(*[(float(w.floor()), float(w.floor()) + 1) for w in weights])
    best = min(cost(torch.tensor(corner, dtype=torch.float64)) for corner in corners)
    assert best <= cost(rounded) + 1e-9
    assert cost(rounded) <= cost(weights.round()) + 1e-9


def test_a_block_leaves_the_others_real_and_the_held_alone():
    matrix = torch.eye(5, dtype=torch.float64) + 0.5
    weights = torch.tensor([0.4, 1.6, -2.3, 9.7, 0.2], dtype=torch.float64)
    answer = round_block(weights, matrix, torch.tensor([3, 0, 2]), 2, (-5, 5))
    assert answer[3] == 5  # the bound
    assert answer[0] == answer[0].round()
    assert torch.equal(answer[[1, 4]], weights[[1, 4]])
    assert answer[2] != weights[2]  # makes good what it can


def test_rounding_everything_loses_little_and_keeps_to_the_bounds(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    low, high = objective.shape.bounds
    steps = list(round_all(objective, weights, 6, 600, 600, named_generator("test", 7)))
    shares, whole = [share for share, _ in steps], steps[-1][1]
    assert shares == sorted(shares)
    assert len(shares) == 6
    assert shares[-1] == 1
    assert torch.equal(whole, whole.round())
    assert float(whole.min()) >= low
    assert float(whole.max()) <= high
    plain = objective.shape.clamp(objective.shape.wrap(weights).round())
    assert objective.loss(whole) < objective.loss(plain)


def test_local_search_only_goes_down(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    low, high = objective.shape.bounds
    whole = objective.shape.wrap(weights).round().clamp(low, high)
    losses = [objective.loss(whole)]
    rounds = local_search(objective, whole, named_generator("test", 8), moves=30, tries=10)
    for loss, found in itertools.islice(rounds, 4):
        losses.append(loss)
        assert torch.equal(found, found.round())
        assert float(found.min()) >= low
        assert float(found.max()) <= high
        assert objective.loss(found) == pytest.approx(loss, rel=1e-6)
    assert len(losses) > 1
    assert losses == sorted(losses, reverse=True)
