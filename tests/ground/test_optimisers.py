"""`cppn.optimisers` against numpy written from the formulas."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from torch import nn

from cppn.optimisers import Adam, MuonWithAdam
from cppn.training import named_generator

MOMENTUM = 0.95
BETAS, EPSILON = (0.9, 0.99), 1e-8


def numpy_adam(start: np.ndarray, gradients: list[np.ndarray], learning_rate: float) -> np.ndarray:
    """Kingma and Ba (2015), algorithm 1."""
    value, m, v = start.astype(np.float64), 0.0, 0.0
    for t, gradient in enumerate(gradients, start=1):
        m = BETAS[0] * m + (1 - BETAS[0]) * gradient
        v = BETAS[1] * v + (1 - BETAS[1]) * gradient**2
        value = value - learning_rate * (m / (1 - BETAS[0] ** t)) / (np.sqrt(v / (1 - BETAS[1] ** t)) + EPSILON)
    return value


def nearest_orthogonal(matrix: np.ndarray) -> np.ndarray:
    """U V^T of the singular value decomposition."""
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    return u @ vt


def numpy_muon(start: np.ndarray, gradients: list[np.ndarray], learning_rate: float) -> np.ndarray:
    """Muon with Nesterov momentum, the orthogonal factor exact, each step as long as one of Adam."""
    value, average = start.astype(np.float64), np.zeros(start.shape)
    for gradient in gradients:
        average = MOMENTUM * average + (1 - MOMENTUM) * gradient
        direction = nearest_orthogonal(MOMENTUM * average + (1 - MOMENTUM) * gradient)
        value = value - learning_rate * 0.2 * math.sqrt(max(start.shape)) * direction
    return value


# --- Muon and Adam


def random_matrix(rows: int, columns: int, seed: int) -> torch.Tensor:
    """A matrix with singular values from 1 down to 1/20 and random directions."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (rows, columns))
    rank = min(rows, columns)
    return torch.tensor(left[:, :rank] * np.geomspace(1, 0.05, rank) @ right[:rank], dtype=torch.float32)


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (16, 32), (32, 16), (5, 3), (1, 8)])
def test_orthogonalised_matrices_have_singular_values_of_about_one(rows, columns):
    stack = torch.stack([random_matrix(rows, columns, seed) * 10.0 ** (seed - 3) for seed in range(7)])
    for before, after in zip(stack.numpy(), MuonWithAdam.orthogonalise(stack).numpy(), strict=True):
        values = np.linalg.svd(after, compute_uv=False)
        assert np.all(np.abs(values - 1) < 0.05)
        np.testing.assert_allclose(after, nearest_orthogonal(before), atol=0.05)


def test_a_matrix_of_zeros_stays_zero():
    assert torch.equal(MuonWithAdam.orthogonalise(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4))


def gradients_for(parameter: nn.Parameter, seed: int) -> list[torch.Tensor]:
    """Four gradients of a parameter's shape."""
    if parameter.ndim == 1:
        return list(torch.randn(4, *parameter.shape, generator=named_generator("gradients", seed)))
    shape = parameter.flatten(1).shape
    return [random_matrix(*shape, seed * 10 + step).reshape(parameter.shape) for step in range(4)]


def take_steps(
    optimizer: MuonWithAdam | Adam, parameters: list[nn.Parameter], steps: slice = slice(None)
) -> list[np.ndarray]:
    """The parameters' values after these of the four steps along `gradients_for`."""
    everything = [gradients_for(parameter, seed)[steps] for seed, parameter in enumerate(parameters)]
    for gradients in zip(*everything, strict=True):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step(0.01)
    return [parameter.detach().numpy() for parameter in parameters]


def fresh_parameters() -> list[nn.Parameter]:
    """Two small matrices, a kernel of four axes, a matrix too large for the stack of small ones, and a vector."""
    shapes = [(4, 6), (9, 8), (5, 2, 3, 3), (65, 64), (5,)]
    generator = named_generator("parameters", 0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def test_muon_moves_matrices_and_adam_the_rest():
    *matrices, rest = parameters = fresh_parameters()
    starts = [parameter.detach().numpy().copy() for parameter in parameters]
    ends = take_steps(MuonWithAdam(matrices, [rest], rest_rate=0.5), parameters)
    for seed, (parameter, start, end) in enumerate(zip(parameters, starts, ends, strict=True)):
        gradients = [gradient.numpy() for gradient in gradients_for(parameter, seed)]
        if parameter is rest:
            np.testing.assert_allclose(end, numpy_adam(start, gradients, 0.5 * 0.01), rtol=1e-5)
        else:
            before, after, *flat = (array.reshape(len(array), -1) for array in (start, end, *gradients))
            moved = numpy_muon(before, flat, 0.01) - before
            np.testing.assert_allclose(after - before, moved, atol=0.05 * np.abs(moved).max())


def test_muon_goes_on_where_a_saved_run_stopped():
    *matrices, rest = parameters = fresh_parameters()
    optimizer = MuonWithAdam(matrices, [rest])
    take_steps(optimizer, parameters, slice(2))
    file = io.BytesIO()
    torch.save([optimizer.state_dict(), parameters], file)
    uninterrupted = take_steps(optimizer, parameters, slice(2, None))
    file.seek(0)
    state, (*matrices, rest) = torch.load(file, weights_only=False)
    optimizer = MuonWithAdam(matrices, [rest])
    optimizer.load_state_dict(state)
    for resumed, expected in zip(take_steps(optimizer, [*matrices, rest], slice(2, None)), uninterrupted, strict=True):
        np.testing.assert_array_equal(resumed, expected)


def test_padding_in_the_stack_has_no_influence():
    def stepped(*companions: tuple[int, int]) -> np.ndarray:
        matrix = nn.Parameter(torch.ones(4, 6))
        others = [nn.Parameter(torch.zeros(shape)) for shape in companions]
        return take_steps(MuonWithAdam([matrix, *others], [nn.Parameter(torch.zeros(1))]), [matrix, *others])[0]

    np.testing.assert_allclose(stepped((9, 8), (2, 11)), stepped(), atol=1e-6)


def test_adam_is_adam():
    parameter = nn.Parameter(torch.randn(7, generator=named_generator("start", 0)))
    start = parameter.detach().numpy().copy()
    (end,) = take_steps(Adam([parameter]), [parameter])
    gradients = [gradient.numpy() for gradient in gradients_for(parameter, 0)]
    np.testing.assert_allclose(end, numpy_adam(start, gradients, 0.01), rtol=1e-5)


@pytest.mark.parametrize("optimizer", [Adam, lambda matrices: MuonWithAdam(matrices[:1], matrices[1:])])
def test_zero_grad_forgets_every_gradient(optimizer):
    matrices = [nn.Parameter(torch.ones(2, 2)) for _ in range(2)]
    for matrix in matrices:
        matrix.grad = torch.ones(2, 2)
    optimizer(matrices).zero_grad()
    assert [matrix.grad for matrix in matrices] == [None, None]
