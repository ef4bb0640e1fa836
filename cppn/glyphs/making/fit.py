"""Teaching a writer and a reader to understand each other: the training loop, one step at a time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.glyphs.channel import Channel
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.render import to_uint8
from cppn.training import log_spaced, matrices_in_bfloat16, named_generator

EXAMINATIONS = 48  # times that a run is examined and filmed, dense at its start
HELD_OUT = 500  # messages of such an examination
FILMED = 8  # messages whose signs are filmed
CLIP = 1.0  # largest norm of a step's gradient; the usual one is 2 to 5
BEST = 1 - 1e-6  # R2 that stands for perfect, so that its bits stay finite


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, besides the networks.

    Attributes:
        steps: of the optimiser. batch: messages a step. learning_rate: the highest one, after `warmup` steps; from
            there it falls along a cosine. seed: of the messages, the channel and the networks' first weights.
    """

    steps: int
    batch: int = 128
    learning_rate: float = 2e-3
    warmup: int = 100
    seed: int = 0


class Examination(NamedTuple):
    """One examination of a run: R2 and bits a message, on `HELD_OUT` messages that no step has used."""

    step: int
    cpu_seconds: float
    r2: float
    bits: float


def explained(sent: Tensor, received: Tensor) -> Tensor:
    """R2 of each number of a message: 1 - mean squared error / variance, over messages (N, numbers); (numbers,)."""
    return 1 - (received - sent).square().mean(dim=0) / sent.var(dim=0, correction=0)


def bits(r2: Tensor) -> float:
    """Bits that a sign carries at least, from the R2 of each number: sum of log2(1 / (1 - R2)) / 2, R2 below 0 as 0.

    By rate-distortion theory no fewer bits let anyone recover independent normal numbers this well.
    """
    return float(-0.5 * torch.log2(1 - r2.double().clamp(0, BEST)).sum())


class Run:
    """A writer and a reader in training.

    The networks are computed in bfloat16 on a processor with matrix units, where that is twice as fast; weights,
    channel and straightening stay in float32.

    Attributes:
        net: the networks as they are. step: steps taken. cpu_seconds: processor time of these steps.
        plans: pairs (step, steps in all), one for the start and one for each resumption that changed the run's length,
            which bends the schedule of the learning rate.
        curve: the examinations. frames: signs of the same messages at each of them, uint8 (FILMED, C, S, S).
    """

    def __init__(self, net: GlyphNet | SeedNet, recipe: Recipe, channel: Channel | None = None) -> None:
        self.net, self.recipe, self.channel = net.train(), recipe, channel or Channel()
        self._optimizer = torch.optim.Adam(net.parameters(), recipe.learning_rate, betas=(0.9, 0.99), fused=True)
        self._examined = set(log_spaced(recipe.steps, EXAMINATIONS))
        self.step, self.cpu_seconds = 0, 0.0
        self.plans = [(0, recipe.steps)]
        self.curve: list[Examination] = []
        self.frames: list[Tensor] = []

    @property
    def done(self) -> bool:
        """Whether the run has taken all its steps."""
        return self.step >= self.recipe.steps

    def advance(self) -> None:
        """Take one step on messages and disturbances that depend on the recipe's seed and the step alone.

        Raises:
            FloatingPointError: the loss is not a finite number any more.
        """
        if not self.curve:
            self._examine()
        start = time.process_time()
        generator = named_generator(f"glyphs train {self.step}", self.recipe.seed)
        messages = torch.randn(self.recipe.batch, self.net.numbers, generator=generator)
        with matrices_in_bfloat16():
            signs = self.net.draw(messages)
        received = self.channel.send(signs.float(), generator)
        with matrices_in_bfloat16():
            guesses = self.net.read(received).messages
        loss = F.mse_loss(guesses, messages)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"training diverged at step {self.step}")
        self._optimizer.zero_grad()
        loss.backward()
        # a quadrilateral that nearly collapses pulls far harder than all others, and unteaches the straightening
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate()
        if torch.isfinite(norm):  # one that collapses altogether has no gradient: pass over it
            self._optimizer.step()
        self.step += 1
        self.cpu_seconds += time.process_time() - start
        if self.step in self._examined:
            self._examine()

    def learning_rate(self) -> float:
        """Of the next step: up a straight line, down a cosine."""
        recipe = self.recipe
        rise = min(1.0, (self.step + 1) / recipe.warmup)
        return recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * self.step / recipe.steps))

    @torch.no_grad()
    def _examine(self) -> None:
        """Add an examination to the curve and a frame to the film."""
        self.net.eval()
        generator = named_generator("glyphs held-out", 0)
        messages = torch.randn(HELD_OUT, self.net.numbers, generator=generator)
        guesses = [
            self.net.read(self.channel.send(self.net.draw(part), generator)).messages for part in messages.split(125)
        ]
        r2 = explained(messages, torch.cat(guesses))
        self.curve.append(
            Examination(self.step, round(self.cpu_seconds, 2), round(float(r2.mean()), 4), round(bits(r2), 2))
        )
        self.frames.append(to_uint8(self.net.draw(filmed_messages(self.net.numbers))))
        self.net.train()

    def state_dict(self) -> dict[str, object]:
        """Everything that the rest of the run depends on, as tensors, numbers and lists."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "cpu_seconds": self.cpu_seconds,
            "plans": self.plans,
            "curve": [tuple(each) for each in self.curve],
            "frames": self.frames,
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of a run with the same networks and recipe, but for the number of steps."""
        self.net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]
        self.curve = [Examination(*each) for each in state["curve"]]
        self.frames = list(state["frames"])
        self.plans = [tuple(plan) for plan in state["plans"]]
        if self.plans[-1][1] != self.recipe.steps:
            self.plans.append((self.step, self.recipe.steps))


def filmed_messages(numbers: int) -> Tensor:
    """The messages that a training film follows, (FILMED, numbers)."""
    return torch.randn(FILMED, numbers, generator=named_generator("glyphs film", 0))
