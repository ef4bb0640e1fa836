"""Beat the network: ten pictures, the visitor clicks, both are measured against the truth."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from cppn.odd_shapes.catalogue import Finder
from cppn.odd_shapes.dataset import CANVAS, named_rng, sample

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
    """Distances of the visitor's clicks and of the network's answers so far, in pixels; at least one click."""
    played = rounds[: len(clicks)]
    yours = [math.dist(click, r.truth) for click, r in zip(clicks, played, strict=True)]
    networks = [math.dist(r.network, r.truth) for r in played]
    return {
        "yours": [round(value, 1) for value in yours],
        "networks": [round(value, 1) for value in networks],
        "won": sum(mine < its for mine, its in zip(yours, networks, strict=True)),
        "your_mean": round(sum(yours) / len(yours), 1),
        "network_mean": round(sum(networks) / len(networks), 1),
    }


def describe(rounds: tuple[Round, ...], game: Game) -> str:
    """The contest so far in words."""
    number = len(game.clicks)
    if not game.shown:
        return f"Picture {number + 1} of {ROUNDS}: **click where you see the centre of the odd shape.**"
    score = standing(rounds, game.clicks)
    last = f"You were **{score['yours'][-1]:.1f} pixels** off, the network **{score['networks'][-1]:.1f}**."
    means = f"On average: you {score['your_mean']:.1f} pixels, the network {score['network_mean']:.1f}."
    if not game.over:
        return f"{last} {means}"
    verdict = "You beat the network!" if score["your_mean"] < score["network_mean"] else "The network wins."
    return f"{last}\n\n**{verdict}** {means} You were closer in {score['won']} of {ROUNDS} pictures."
