"""Loss, gradient and curvature against finite differences; Adam and Levenberg-Marquardt; wrapping and bounds."""

from __future__ import annotations

import math

import numpy as np
import paint_reference
import pytest
import starry_reference as reference
import torch

from cppn.starry.descend import Adam, Levenberg
from cppn.starry.fit import Objective
from cppn.starry.shape import Shape, start
from cppn.training import named_generator

SHAPES = {
    "sine": Shape(neurons=7, levels=111, scale=900, constant=51, activation="sine"),
    "sigmoid": Shape(neurons=7, levels=111, scale=900, constant=256, activation="sigmoid"),
    "bent": Shape(neurons=7, levels=111, scale=42, constant=100, bend=45),
}


@pytest.fixture(params=SHAPES, scope="module")
def shape(request: pytest.FixtureRequest) -> Shape:
    return SHAPES[request.param]


def settings(shape: Shape) -> dict[str, object]:
    return {"scale": shape.scale, "constant": shape.constant, "activation": shape.activation}


def smooth_picture(height: int = 20, width: int = 30) -> torch.Tensor:
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 5 + c) * np.cos(y / 4 - c) for c in range(3)]
    return torch.from_numpy((110 + 90 * np.stack(waves, axis=-1)).astype(np.uint8))


@pytest.fixture
def objective(shape: Shape) -> Objective:
    return Objective(smooth_picture(), shape)


@pytest.fixture
def weights(objective: Objective) -> torch.Tensor:
    return start(objective.shape, objective.width, objective.height, named_generator("test", 1))


@pytest.mark.parametrize("count", [120, 600])
def test_loss_gradient_and_curvature_are_those_of_finite_differences(
    objective: Objective, weights: torch.Tensor, count: int
):
    pixels = objective.sample(count, named_generator("test", 2))
    chosen = np.arange(600) if pixels is None else pixels.numpy()
    target, kind, factor = smooth_picture().numpy(), settings(objective.shape), 600 / len(chosen)
    rest = reference.residuals(weights.numpy(), target, chosen, **kind)
    slopes = reference.jacobian(weights.numpy(), target, chosen, **kind)
    expected = slopes.T @ slopes * factor
    loss, gradient = objective.gradient(weights, pixels)
    state = objective.curvature(weights, pixels)
    for found in (loss, state.loss, objective.loss(weights, pixels)):
        assert math.isclose(found, (rest**2).sum() * factor, rel_tol=1e-5)
    for found in (gradient, state.gradient):
        np.testing.assert_allclose(found, slopes.T @ rest * factor, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))
    size = np.sqrt(np.outer(expected.diagonal(), expected.diagonal())) + 1e-9 * expected.max()
    assert np.abs(state.matrix.numpy() - expected).max() < 0.02 * expected.max()  # bfloat16 has 8 bits
    assert np.median(np.abs(state.matrix.numpy() - expected) / size) < 5e-3


def test_damping_leaves_mean_sums_alone(objective: Objective, weights: torch.Tensor):
    state = objective.curvature(weights, None)
    # a change of the weight from x that the constant makes good at the mean of x costs less than the same alone
    shape = objective.shape
    row = int(shape.constants[3])
    change = torch.zeros(shape.weights, dtype=torch.float64)
    change[row + 1] = 1.0
    alone = float(change @ state.damping @ change)
    change[row] = -14.5 / shape.constant  # the mean column of 30
    assert 0 < float(change @ state.damping @ change) < alone


def test_score_floors_as_pyth_does(objective: Objective, weights: torch.Tensor):
    program = objective.shape.program(weights, 30, 20)
    painted = paint_reference.picture(program.weights, 30, 20, **settings(objective.shape), bend=program.bend)
    expected = reference.contest_score(painted, smooth_picture().numpy())
    factors = torch.tensor(program.factors, dtype=torch.float64)
    assert math.isclose(objective.loss(factors, floor=True), expected, rel_tol=1e-3)


def test_samples_are_one_pixel_a_run(objective: Objective):
    pixels = objective.sample(60, named_generator("test", 3))
    assert len(pixels) == 60
    assert torch.equal(pixels // 10, torch.arange(60))
    assert objective.sample(600, named_generator("test", 3)) is None
    assert not torch.equal(pixels, objective.sample(60, named_generator("test", 4)))


def test_adam_and_levenberg_lower_the_loss_inside_their_bounds(objective: Objective, weights: torch.Tensor):
    low, high = objective.shape.bounds
    adam = Adam(objective, weights)
    first = objective.loss(weights)
    for _ in range(60):
        adam.step(None)
    after_adam = objective.loss(adam.weights)
    assert after_adam < 0.9 * first
    fitter = Levenberg(objective, adam.weights, damping=0.1, least=1e-4, ridge=1e-4)
    losses = [fitter.step(None, None) for _ in range(40)]
    assert all(b <= a for a, b in zip([after_adam, *losses], losses, strict=False))
    assert losses[-1] < 0.5 * after_adam
    assert math.isclose(objective.loss(fitter.weights), losses[-1], rel_tol=1e-6)
    bounded = torch.ones(objective.shape.weights, dtype=torch.bool)
    if objective.shape.period is not None:
        bounded[objective.shape.constants] = False
    assert float(fitter.weights[bounded].min()) >= low
    assert float(fitter.weights[bounded].max()) <= high


def test_levenberg_holds_what_is_not_free_and_shrinks_its_reach(objective: Objective, weights: torch.Tensor):
    low, high = objective.shape.bounds
    weights = weights.clamp(0.9 * low, 0.9 * high)
    fitter = Levenberg(objective, weights, damping=0.1, least=1e-4, ridge=1e-4)
    fitter.free[::2] = False
    held = fitter.weights[::2].clone()
    fitter.step(None, None)
    assert torch.equal(fitter.weights[::2], held)
    assert not torch.equal(fitter.weights[1::2], weights[1::2])
    fitter.reach = 0.2
    fitter.step(None, None)
    bounded = torch.ones(objective.shape.weights, dtype=torch.bool)
    if objective.shape.period is not None:
        bounded[objective.shape.constants] = False
    assert float(fitter.weights[bounded].abs().max()) <= 0.2 * high + 1e-9


def test_a_wrapped_constant_paints_the_same():
    shape = SHAPES["sine"]
    objective = Objective(smooth_picture(), shape)
    weights = start(shape, 30, 20, named_generator("test", 5))
    weights[shape.constants] += 3 * shape.period
    wrapped = shape.wrap(weights)
    assert float(wrapped[shape.constants].abs().max()) <= shape.period / 2
    assert math.isclose(objective.loss(wrapped), objective.loss(weights), rel_tol=1e-4)
    assert SHAPES["sigmoid"].period is None
    assert Shape(7, levels=11, scale=1000, constant=57).period is None  # its levels would not cover the circle


def test_a_shape_makes_its_program():
    shape = SHAPES["sine"]
    program = shape.program(torch.full((shape.weights,), 70.4, dtype=torch.float64), 30, 20)
    assert (program.neurons, program.levels, program.scale, program.constant) == (7, 111, 900, 51)
    assert (program.activation, program.width, program.height) == ("sine", 30, 20)
    assert set(program.weights) == {55, round(70.4 - shape.period)}


def test_a_bent_shape_has_fine_levels_for_small_weights():
    shape = SHAPES["bent"]
    assert torch.allclose(shape.grid, torch.tan(torch.arange(-55, 56).double() / 45))
    assert shape.bounds == (-math.tan(55 / 45), math.tan(55 / 45))
    weights = torch.linspace(-1, 1, shape.weights, dtype=torch.float64)
    program = shape.program(weights, 30, 20)
    others = torch.ones(shape.weights, dtype=torch.bool)
    others[shape.constants] = False  # these are wrapped
    rounded = torch.tensor(program.factors, dtype=torch.float64)
    steps = (1 + weights.square()) / 45  # the derivative of the tangent, times a step of one
    assert bool(((rounded - weights).abs() <= 0.52 * steps)[others].all())


def test_starts_depend_on_the_seed_alone(shape: Shape):
    one, two, three = (start(shape, 30, 20, named_generator("test", seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
