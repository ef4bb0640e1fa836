"""Beat the network: ten pictures, the visitor clicks, both are measured against the truth."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from cppn.odd_shapes.dataset import CANVAS, named_rng, sample
from cppn.odd_shapes.weights import Finder

ROUNDS = 10
LEAST_VISIBLE = 0.25  # share of the odd shape; with less, luck decides

Point = tuple[float, float]


@dataclass(frozen=True)
class Round:
    """One picture of a contest: what it shows, what is true, and what the network said."""

    ink: np.ndarray
    truth: Point
    network: Point


@dataclass(frozen=True)
class Game:
    """A visitor's state: the contest's seed, the clicks so far, and whether the last one is being shown."""

    seed: int
    clicks: tuple[Point, ...] = ()
    shown: bool = False

    @property
    def over(self) -> bool:
        """Whether all pictures have had their click."""
        return len(self.clicks) == ROUNDS

    @property
    def number(self) -> int:
        """Which of the pictures is up, from 0."""
        return len(self.clicks) - self.shown

    def click(self, point: Point) -> Game:
        """The game after a click on the canvas; a second click on the same picture does not count."""
        if self.shown or self.over or not all(0 <= value <= CANVAS for value in point):
            return self
        return replace(self, clicks=(*self.clicks, point), shown=True)

    def go_on(self) -> Game:
        """The game with the next picture up, or a new game after the last one."""
        if self.over:
            return Game(self.seed + 1)
        return replace(self, shown=False)


@functools.lru_cache(maxsize=32)
def contest(seed: int, finder: Finder) -> tuple[Round, ...]:
    """The ten pictures of a contest, drawn by its seed from those that show a quarter of the odd shape or more."""
    drawn = sample(named_rng("odd_shapes contest", seed), 4 * ROUNDS)
    chosen = np.flatnonzero(drawn.visible >= LEAST_VISIBLE)[:ROUNDS]
    with torch.no_grad():
        answers = finder.net(drawn.inputs[chosen]).position.tolist()
    truths = drawn.targets[chosen].tolist()
    return tuple(
        Round(drawn.ink[number], tuple(truth), tuple(answer))
        for number, truth, answer in zip(chosen, truths, answers, strict=True)
    )


def standing(rounds: tuple[Round, ...], clicks: tuple[Point, ...]) -> dict[str, object]:
    """Distances of the visitor's clicks and of the network's answers so far, in pixels; at least one click.

    `won` and `lost` count the pictures in which the visitor was closer, and the network.
    """
    played = rounds[: len(clicks)]
    yours = [math.dist(click, r.truth) for click, r in zip(clicks, played, strict=True)]
    networks = [math.dist(r.network, r.truth) for r in played]
    return {
        "yours": [round(value, 1) for value in yours],
        "networks": [round(value, 1) for value in networks],
        "won": sum(mine < its for mine, its in zip(yours, networks, strict=True)),
        "lost": sum(mine > its for mine, its in zip(yours, networks, strict=True)),
        "your_mean": round(sum(yours) / len(yours), 1),
        "network_mean": round(sum(networks) / len(networks), 1),
    }
