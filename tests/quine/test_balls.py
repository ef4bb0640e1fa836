"""Every rule on balls: whatever float32 makes of any numbers inside, in any order and by any formula, is inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.quine.balls import FLOAT32, Ball

SIZES = [1e-30, 1e-3, 1.0, 30.0]


def drawn(*shape: int, size: float = 1.0, radius: float = 0.0, seed: int = 0) -> tuple[Ball, list[Tensor]]:
    """A ball and float32 numbers inside, corners among them."""
    generator = torch.Generator().manual_seed(seed)
    mid = size * torch.randn(*shape, generator=generator)
    ball = Ball(mid.double(), torch.full(shape, radius * size, dtype=torch.float64), FLOAT32)
    inside = [(2 * torch.rand(*shape, generator=generator) - 1) for _ in range(4)]
    inside += [torch.randint(2, shape, generator=generator) * 2.0 - 1 for _ in range(4)]
    return ball, [mid + 0.7 * radius * size * step for step in inside]  # the sum is rounded too


def holds(ball: Ball, value: Tensor) -> bool:
    return bool(((value.double() - ball.mid).abs() <= ball.rad).all())


def in_any_order(matrix: Tensor, vector: Tensor, seed: int) -> Tensor:
    """A product of float32 whose every sum is rounded before the next term comes, in a random order."""
    total = torch.zeros(len(matrix))
    for column in np.random.default_rng(seed).permutation(len(vector)):
        total = total + matrix[:, column] * vector[column]
    return total


def one_pass(x: Tensor) -> Tensor:
    """The normalisation by E[x^2] - E[x]^2, as x * a + b."""
    mean = x.mean(-1, keepdim=True)
    factor = 1 / ((x * x).mean(-1, keepdim=True) - mean * mean + 1e-5).sqrt()
    return x * factor + (-mean * factor)


FUNCTIONS = {
    "tanh": (torch.tanh, [torch.tanh]),
    "sigmoid": (torch.sigmoid, [torch.sigmoid, lambda x: 1 / (1 + (-x).exp())]),
    "gelu": (F.gelu, [F.gelu, lambda x: 0.5 * x * (1 + torch.erf(x * 0.5**0.5))]),
    "selu": (F.selu, [F.selu]),
    "softmax": (
        lambda x: torch.softmax(x, dim=-1),
        [lambda x: torch.softmax(x, dim=-1), lambda x: (y := (x - x.amax(-1, True)).exp()) / y.flip(-1).sum(-1, True)],
    ),
    "pooling": (lambda x: F.avg_pool2d(x, 2), [lambda x: F.avg_pool2d(x, 2)]),
    "normalisation": (F.instance_norm, [F.instance_norm, lambda x: one_pass(x.flatten(2)).view_as(x)]),
    "division": (lambda x: x / 8**0.5, [lambda x: x / 8**0.5, lambda x: x * torch.tensor(8**-0.5)]),
    "product": (lambda x: x * x, [lambda x: x * x]),
}


@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_stay_inside(name, size, radius):
    rule, evaluations = FUNCTIONS[name]
    for seed in range(3):
        ball, inside = drawn(1, 4, 8, 8, size=size, radius=radius, seed=seed)
        found = rule(ball)
        for x in inside:
            for evaluation in evaluations:
                assert holds(found, evaluation(x))
                assert holds(found, evaluation(x.double()))


@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1])
def test_sums_stay_inside_in_any_order(radius):
    weight, bias = torch.randn(20, 32), torch.randn(20)
    for seed in range(5):
        ball, inside = drawn(32, radius=radius, seed=seed)
        found = F.linear(ball, weight, bias)
        for x in inside:
            assert holds(found, in_any_order(weight, x, seed) + bias)
            joined, ones = torch.cat([weight, bias[:, None]], dim=1), torch.cat([x, torch.ones(1)])
            assert holds(found, in_any_order(joined, ones, seed))  # the bias somewhere in between
            assert holds(found, F.linear(x.double(), weight.double(), bias.double()))


def test_convolutions_and_products_of_balls_stay_inside():
    weight, bias = torch.randn(8, 4, 3, 3), torch.randn(8)
    ball, inside = drawn(1, 4, 8, 8, radius=1e-3)
    found = F.conv2d(ball, weight, bias, 2, 1)
    assert all(holds(found, F.conv2d(x, weight, bias, 2, 1)) for x in inside)
    other, others = drawn(8, 5, radius=1e-3, seed=1)
    assert all(holds(ball[0] @ other, x[0] @ y) for x, y in zip(inside, others, strict=True))


def test_a_ball_is_as_small_as_the_roundings_allow():
    """Not merely large enough: within a few times the worst case of the textbook."""
    weight, ball = torch.randn(20, 32), drawn(32)[0]
    assert float(F.linear(ball, weight).rad.max()) < 100 * 2 * FLOAT32 * float((weight.abs() @ ball.size.float()).max())
    assert float(torch.tanh(ball).rad.max()) < 20 * FLOAT32


def test_slopes_of_a_wide_ball_count():
    """Tanh of [-1, 1] is [tanh -1, tanh 1], and of [9, 11] hardly anything."""
    ball = Ball(torch.tensor([0.0, 10.0]).double(), torch.ones(2).double(), FLOAT32)
    found = torch.tanh(ball)
    assert float(found.rad[0]) == pytest.approx(np.tanh(1), rel=1e-2)
    assert float(found.rad[1]) < 1e-5


def test_what_has_no_rule_is_an_error():
    ball = drawn(1, 2, 4)[0]
    for unknown in (torch.sin, torch.exp, F.relu):
        with pytest.raises(TypeError):
            unknown(ball)
    with pytest.raises(TypeError):
        F.instance_norm(ball, weight=torch.ones(2))
    with pytest.raises(TypeError):
        F.instance_norm(ball, eps=1e-3)
    with pytest.raises(AttributeError):
        ball.sort()
