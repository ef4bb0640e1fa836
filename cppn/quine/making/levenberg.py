"""Levenberg-Marquardt on F(theta) - theta, with every weight free: the solver for one query a weight.

Plain gradient descent shrinks the weights until they vanish (Chang and Lipson report it, too). Damped least squares on
the unscaled residual goes to zero from about half of the starts as well, but from some of the others it arrives at a
network that is not zero and prints itself to float precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from cppn.quine import environment

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-15, 1e8


def start_weights(name: str, number: int, shapes: list[tuple[int, ...]]) -> Tensor:
    """Start number `number` in an environment: normal weights of variance 1 / inputs (SELU's own), shape (N,)."""
    parts = []
    for layer, shape in enumerate(shapes):
        drawn = environment.normals(name, f"start {number} layer {layer}", shape[0] * shape[1])
        parts.append(torch.tensor(drawn / environment.TABLE_GRID) / shape[1] ** 0.5)
    return torch.cat(parts)


def levenberg_marquardt(
    residual: Callable[[Tensor], Tensor], x: Tensor, iterations: int
) -> Iterator[tuple[Tensor, float]]:
    """Minimise |residual(x)|^2.

    Args:
        residual: x (N,) -> (M,), differentiable. x: the start, float64. iterations: steps tried, at most.

    Yields:
        The best x so far and its largest |residual|, after each step that was kept. Ends when no step helps.
    """
    jacobian_of = torch.func.jacfwd(residual)
    damping, value, jacobian = FIRST_DAMPING, residual(x), None
    for _ in range(iterations):
        if jacobian is None:
            jacobian = jacobian_of(x)  # (M, N)
            gram, slope = jacobian.mT @ jacobian, jacobian.mT @ value
        factor, failed = torch.linalg.cholesky_ex(gram + damping * torch.eye(len(x), dtype=x.dtype))
        trial = x - torch.cholesky_solve(slope[:, None], factor)[:, 0] if not failed else x
        trial_value = residual(trial)
        if trial_value.square().sum() < value.square().sum():
            x, value, jacobian = trial, trial_value, None
            damping = max(damping / 3, LEAST_DAMPING)
            yield x, float(value.abs().max())
        else:
            damping *= 4
            if damping > MOST_DAMPING:
                return
