"""Whole numbers: rounding block by block, the polish, room for escapes."""

from __future__ import annotations

import itertools

import pytest
import torch
from test_starry_fit import SHAPES, smooth_picture

from cppn.starry.descend import Levenberg
from cppn.starry.fit import Curvature, Objective
from cppn.starry.lattice import places, snap
from cppn.starry.program import write
from cppn.starry.quantise import _factorise, fit_in, fits, polish, round_all
from cppn.starry.shape import start
from cppn.training import named_generator


@pytest.fixture(scope="module", params=SHAPES)
def fitted(request: pytest.FixtureRequest) -> tuple[Objective, torch.Tensor]:
    """A small picture and real weights that paint it fairly well."""
    shape = SHAPES[request.param]
    objective = Objective(smooth_picture(), shape)
    fitters = [
        Levenberg(objective, start(shape, 30, 20, named_generator("test", i)), 0.1, 1e-3, 1e-3) for i in range(4)
    ]
    for fitter in fitters:  # some end where sigmoids are saturated: which ones, the processor's roundings decide
        for _ in range(20):
            fitter.step(None, None)
    best = min(fitters, key=lambda fitter: objective.loss(fitter.weights))
    for _ in range(40):
        best.step(None, None)
    return objective, best.weights


def test_rounding_everything_loses_little_and_keeps_to_the_bounds(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    low, high = objective.shape.bounds
    steps = list(round_all(objective, weights, 6, 600, 600, named_generator("test", 7)))
    shares, whole = [share for share, _ in steps], steps[-1][1]
    assert shares == sorted(shares)
    assert len(shares) == 6
    assert shares[-1] == 1
    assert torch.isin(whole, objective.shape.grid).all()
    assert float(whole.min()) >= low
    assert float(whole.max()) <= high
    plain = snap(objective.shape.wrap(weights), objective.shape.grid)
    assert objective.loss(whole) < objective.loss(plain)


def test_polish_only_goes_down(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    low, high = objective.shape.bounds
    *_, (_, whole) = round_all(objective, weights, 6, 600, 600, named_generator("test", 7))
    whole[-1] += 2 if whole[-1] < high - 2 else -2  # a colour's constant, of which the loss is a parabola
    losses = [objective.loss(whole)]
    for loss, found in itertools.islice(polish(objective, whole), 4):
        losses.append(loss)
        assert torch.isin(found, objective.shape.grid).all()
        assert float(found.min()) >= low
        assert float(found.max()) <= high
        assert objective.loss(found) == pytest.approx(loss, rel=1e-6)
    assert len(losses) > 1
    assert losses == sorted(losses, reverse=True)


def length(objective: Objective, weights: torch.Tensor) -> int:
    return len(write(objective.shape.program(weights, objective.width, objective.height)))


def test_a_program_that_is_too_long_becomes_a_near_one(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    grid = objective.shape.grid
    whole = snap(objective.shape.wrap(weights), grid)
    assert torch.equal(fit_in(objective, whole, length(objective, whole)), whole)
    generator = named_generator("test", 8)
    longest = whole
    for _ in range(200):  # until a string needs an escape more
        place = torch.randint(len(whole) - 1, (1,), generator=generator)
        changed = whole.clone()
        changed[place] = grid[(places(changed[place], grid) + 1).clamp(max=len(grid) - 1)]
        longest = max(longest, changed, key=lambda candidate: length(objective, candidate))
    limit = length(objective, longest) - 1
    shorter = fit_in(objective, longest, limit)
    assert length(objective, shorter) <= limit
    assert torch.isin(shorter, grid).all()
    assert objective.loss(shorter) < 1.1 * objective.loss(longest)
    with pytest.raises(ValueError, match="no program of 40 bytes"):
        fit_in(objective, whole, 40)


def test_a_program_whose_last_digit_would_be_lost_does_not_fit(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    lost = snap(objective.shape.wrap(weights), objective.shape.grid)
    assert fits(objective, lost)
    lost[-1] = objective.shape.bounds[objective.shape.activation == "sine"]
    assert not fits(objective, lost)


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_a_curvature_that_is_not_finite_is_an_error_not_an_endless_search(number: float):
    matrix = torch.eye(5, dtype=torch.float64)
    matrix[2, 2] = number
    state = Curvature(0.0, torch.zeros(5), matrix, torch.eye(5, dtype=torch.float64))
    with pytest.raises(ArithmeticError, match="no finite curvature"):
        _factorise(state, torch.arange(5), 0.1)


def test_a_last_weight_is_turned_so_that_its_digit_is_not_lost(fitted: tuple[Objective, torch.Tensor]):
    objective, weights = fitted
    for last in (weights[-1].abs(), -weights[-1].abs()):
        changed = torch.cat([weights[:-1], last[None]])
        turned = objective.shape.turned(changed)
        assert objective.loss(turned) == pytest.approx(objective.loss(changed), rel=1e-4)
        if objective.shape.period is None:
            assert torch.equal(turned, changed)
        else:
            assert turned[-1] <= 0
