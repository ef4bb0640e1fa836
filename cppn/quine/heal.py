"""Shake a quine and let it copy itself: does it come back? And the zero quine, which never does.

Every copy is one step of damped regeneration. A quine heals where that map contracts; beyond, it wanders off for good,
and the curve shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.faults import VisitorError, still_wanted
from cppn.quine.network import Quine, copier, flatten
from cppn.quine.query import QueryQuine
from cppn.training import named_generator

NEAR = 1e-10  # distance at which a quine that is right to float precision counts as healed
BLOWN_UP = 1e6  # largest |weight| that regeneration carries on with


@dataclass(frozen=True)
class Healing:
    """A run of regeneration after a shock.

    Attributes:
        distances: largest |theta_t - original| after t = 0 ... steps copies; fewer if the weights exploded.
        deltas: largest |F(theta_t) - theta_t|, likewise.
        exploded: whether the weights grew beyond a million.
        tolerance: distance that counts as healed: 0 for a network that printed itself without error.
        healed: whether the last distance is within it. healed_at: first t from which it stays there, or None.
    """

    noise: float
    seed: int
    rate: float
    distances: tuple[float, ...]
    deltas: tuple[float, ...]
    exploded: bool
    tolerance: float
    healed: bool
    healed_at: int | None


def regenerate(printed: Callable[[Tensor], Tensor], theta: Tensor, rate: float, steps: int) -> Iterator[Tensor]:
    """Damped regeneration: the start, then `steps` times a move of this rate towards the copy.

    Args:
        printed: theta (P,) -> F(theta) (P,).
        rate: tau in (0, 1]; 1 replaces the network by its own copy.

    Without a normalisation the copies can grow without bound; the iteration ends before weights beyond a million.
    """
    if not 0 < rate <= 1:
        raise ValueError(f"rate must lie between 0 (exclusive) and 1, not {rate}")
    yield theta
    for _ in range(steps):
        # at rate 1 the copy itself, not theta + (F - theta), which would round
        copy = printed(theta)
        theta = copy if rate == 1 else theta + rate * (copy - theta)
        if not bool(theta.abs().max() <= BLOWN_UP):  # so written, NaN ends it as well
            return
        yield theta


@torch.no_grad()
def heal(net: Quine | QueryQuine, noise: float, seed: int, steps: int, rate: float) -> Healing:
    """Add normal noise to every weight, then let the network copy itself `steps` times.

    Args:
        noise: standard deviation in units of that of the weights.
        seed: of the noise.
        steps: copies, at least 1.
        rate: how far each step goes towards the copy, in (0, 1].
    """
    original, printed = flatten(net), copier(net)
    drawn = torch.randn(len(original), generator=named_generator("quine heal", seed), dtype=torch.float64)
    shaken = (original + noise * original.double().std() * drawn).to(original.dtype)
    own_delta = float((printed(original) - original).abs().max())
    tolerance = 0.0 if own_delta == 0 else max(NEAR, 2 * own_delta)
    distances, deltas = [], []
    for theta in regenerate(printed, shaken, rate, steps):
        still_wanted()
        distances.append(float((theta - original).abs().max()))
        deltas.append(float((printed(theta) - theta).abs().max()))
    outside = max((t for t, distance in enumerate(distances) if distance > tolerance), default=-1)
    exploded = len(distances) <= steps
    healed = not exploded and outside < steps
    at = outside + 1 if healed else None
    return Healing(noise, seed, rate, tuple(distances), tuple(deltas), exploded, tolerance, healed, at)


@torch.no_grad()
def leave_zero(net: Quine | QueryQuine, noise: float, seed: int, steps: int) -> tuple[float, ...]:
    """Start from weights of 0 plus normal noise of this standard deviation; the weights' std after each plain copy.

    With `noise` 0 this shows whether all-zero weights print themselves: for the seed's network they do, in spite of
    its normalisation. That only makes zero repelling.

    Raises:
        VisitorError: so much noise that it would not be near zero.
    """
    if not 0 <= noise <= 1:
        raise VisitorError(f"noise must lie between 0 and 1, not {noise}")
    weights = flatten(net)
    drawn = torch.randn(len(weights), generator=named_generator("quine zero", seed), dtype=torch.float64)
    start = (noise * drawn).to(weights.dtype)
    return tuple(float(theta.double().std(correction=0)) for theta in regenerate(copier(net), start, 1.0, steps))
