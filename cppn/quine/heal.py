"""Shake a quine and let it copy itself: does it come back? And the zero quine, which never does.

Every copy is one step of damped regeneration. A quine heals where that map contracts; beyond, it wanders off for good,
and the curve shows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from cppn.quine.network import Quine, copier, flatten
from cppn.quine.query import QueryQuine
from cppn.quine.regeneration import regenerate
from cppn.training import named_generator

NOISE_LIMIT = 10.0  # standard deviations of the weights
STEPS_LIMIT = 1000
NEAR = 1e-10  # distance at which a quine that is right to float precision counts as healed


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

    @property
    def words(self) -> str:
        """The finding as a sentence."""
        copies = len(self.distances) - 1
        if self.exploded:
            return f"Not healed: after {copies} copies the weights grow beyond a million."
        if not self.healed:
            return f"Not healed after {copies} copies: it is still {self.distances[-1]:.1e} away from itself."
        if self.healed_at == 0:
            return "There was nothing to heal."
        place = "to the last bit" if self.tolerance == 0 else f"to within {self.tolerance:.0e}"
        return f"Healed {place} after {self.healed_at} {'copy' if self.healed_at == 1 else 'copies'}."


@torch.no_grad()
def heal(net: Quine | QueryQuine, noise: float, seed: int, steps: int, rate: float) -> Healing:
    """Add normal noise to every weight, then let the network copy itself `steps` times.

    Args:
        noise: standard deviation in units of that of the weights, 0 to 10.
        seed: of the noise.
        steps: copies, 1 to 1,000.
        rate: how far each step goes towards the copy, in (0, 1].

    Raises:
        ValueError: an argument out of its range.
    """
    _check(steps, rate)
    if not 0 <= noise <= NOISE_LIMIT:
        raise ValueError(f"noise must lie between 0 and {NOISE_LIMIT:g}, not {noise}")
    original, printed = flatten(net), copier(net)
    drawn = torch.randn(len(original), generator=named_generator("quine heal", seed), dtype=torch.float64)
    shaken = (original + noise * original.double().std() * drawn).to(original.dtype)
    own_delta = float((printed(original) - original).abs().max())
    tolerance = 0.0 if own_delta == 0 else max(NEAR, 2 * own_delta)
    distances, deltas = [], []
    for theta in regenerate(printed, shaken, rate, steps):
        distances.append(float((theta - original).abs().max()))
        deltas.append(float((printed(theta) - theta).abs().max()))
    outside = max((t for t, distance in enumerate(distances) if distance > tolerance), default=-1)
    exploded = len(distances) <= steps
    healed = not exploded and outside < steps
    at = outside + 1 if healed else None
    return Healing(noise, seed, rate, tuple(distances), tuple(deltas), exploded, tolerance, healed, at)


def share_healed(net: Quine | QueryQuine, noise: float, seeds: range, steps: int, rate: float) -> float:
    """Share of noise draws after which the network comes back within `steps` copies."""
    return sum(heal(net, noise, seed, steps, rate).healed for seed in seeds) / len(seeds)


@torch.no_grad()
def leave_zero(net: Quine | QueryQuine, noise: float, seed: int, steps: int) -> tuple[float, ...]:
    """Start from weights of 0 plus normal noise of this standard deviation; the weights' std after each plain copy.

    With `noise` 0 this shows whether all-zero weights print themselves: for the seed's network they do, in spite of
    its normalisation. That only makes zero repelling.

    Raises:
        ValueError: an argument out of its range.
    """
    _check(steps, 1.0)
    if not 0 <= noise <= 1:
        raise ValueError(f"noise must lie between 0 and 1, not {noise}")
    weights = flatten(net)
    drawn = torch.randn(len(weights), generator=named_generator("quine zero", seed), dtype=torch.float64)
    start = (noise * drawn).to(weights.dtype)
    return tuple(float(theta.double().std(correction=0)) for theta in regenerate(copier(net), start, 1.0, steps))


def _check(steps: int, rate: float) -> None:
    if not 1 <= steps <= STEPS_LIMIT:
        raise ValueError(f"steps must lie between 1 and {STEPS_LIMIT}, not {steps}")
    if not (math.isfinite(rate) and 0 < rate <= 1):
        raise ValueError(f"rate must lie between 0 (exclusive) and 1, not {rate}")
