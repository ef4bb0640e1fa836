"""Newton's method in the code: 20 unknowns instead of 1,020.

theta = decode(h), so F(theta) = theta wherever h = G(h) = hidden(decode(h)). The Jacobian of F has rank 20 at most and
det(I - J_F) = det(I - J_G) (Sylvester), so the 1,020 x 1,020 system whose oscillations the seed reports is never
needed; back-tracking takes care of the oscillations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.quine import environment
from cppn.quine.network import Quine, hidden_map, normalise

ITERATIONS = 60
TOLERANCE = 1e-13  # largest residual in the code that counts as solved; rounding leaves about 1e-15
SHORTEST = 2.0**-12  # a step shorter than this means that the start leads nowhere


@dataclass(frozen=True)
class Root:
    """A code that prints itself, up to rounding.

    Attributes:
        start: number of the start that led here.
        code: h, shape (n,), float64.
        jacobian: of G at h, shape (n, n).
        rate: the damping tau at which regeneration contracts fastest.
        contraction: largest |1 - tau (1 - eigenvalue)| at that tau; below 1, the quine heals.
    """

    start: int
    code: Tensor
    jacobian: Tensor
    rate: float
    contraction: float


def start_code(name: str, number: int, size: int) -> Tensor:
    """Start number `number` in an environment: a normalised random code, shape (size,), float64."""
    drawn = environment.normals(name, f"start {number}", size)
    return normalise(torch.tensor(drawn / environment.TABLE_GRID))


def find_roots(net: Quine, starts: range) -> list[Root]:
    """The different quines that Newton's method finds from these starts, in float64."""
    hidden = hidden_map(net)

    def residual(code: Tensor) -> Tensor:
        return hidden(net.decode(code)) - code

    codes = torch.stack([start_code(net.environment, number, net.CODE) for number in starts])
    codes = solve(torch.vmap(residual), torch.vmap(torch.func.jacfwd(residual)), codes)
    solved = torch.vmap(residual)(codes).abs().amax(dim=1) < TOLERANCE
    roots: list[Root] = []
    for index in solved.nonzero()[:, 0].tolist():
        code = codes[index]
        if all((code - root.code).abs().max() > 1e-6 for root in roots):
            jacobian = torch.func.jacfwd(residual)(code) + torch.eye(net.CODE)
            roots.append(Root(starts[index], code, jacobian, *best_damping(jacobian)))
    return roots


def solve(residual: Callable[[Tensor], Tensor], jacobian: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Newton's method with back-tracking on a batch of starts (B, n); those that get stuck stay where they are.

    Args:
        residual: (B, n) -> (B, n). jacobian: (B, n) -> (B, n, n). x: the starts.
    """
    value = residual(x)
    for _ in range(ITERATIONS):
        direction, info = torch.linalg.solve_ex(jacobian(x), -value)
        length = torch.where((info == 0) & direction.isfinite().all(dim=1), 1.0, 0.0).to(x)  # (B,)
        before = value.norm(dim=1)
        while True:
            trial = x + length[:, None] * torch.nan_to_num(direction)
            trial_value = residual(trial)
            worse = trial_value.norm(dim=1) > before * (1 - 1e-4 * length)
            if not bool((worse & (length > 0)).any()):
                break
            length = torch.where(worse, length / 2, length)
            length[length < SHORTEST] = 0
        x, value = trial, trial_value
        if not bool(length.any()):
            break
    return x


def best_damping(jacobian: Tensor) -> tuple[float, float]:
    """The tau in 0.05, 0.10, ..., 1 at which damped regeneration contracts fastest, and how fast."""
    eigenvalues = torch.linalg.eigvals(jacobian)
    rates = [(float((1 - tau * (1 - eigenvalues)).abs().max()), tau) for tau in (k / 20 for k in range(1, 21))]
    contraction, rate = min(rates)
    return rate, contraction
