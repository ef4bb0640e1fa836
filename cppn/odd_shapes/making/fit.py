"""Teaching a network to point: the training loop behind both networks, one step at a time."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cppn.odd_shapes.dataset import Pictures, named_rng, sample
from cppn.odd_shapes.making.labels import Labels, the_possible, the_true
from cppn.odd_shapes.network import Answer, OddNet, SeedNet, centres, shares
from cppn.optimisers import MuonWithAdam
from cppn.training import linear_decay, matrix_type

POINTS = 200  # points of a loss curve, each the mean over the steps since the one before
POOL = 8  # pictures drawn for each that a step on hard pictures looks at


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, besides the network and its loss."""

    steps: int
    batch: int
    learning_rate: float  # Muon's, for matrices and kernels
    rest_rate: float  # Adam's as a multiple of it, for everything else
    warmup: float = 0.02  # share of the run
    average: float = 0.998  # decay of the running mean of the weights, which is what a run delivers
    hard: float = 0.0  # how many times more often than the others pictures are seen that show little of the odd shape
    soft: bool = False  # whether a picture is labelled with every possible centre instead of the true one
    seed: int = 0


class Run:
    """A network in training.

    The weights are kept in float32. The step itself is computed on a copy of them: in bfloat16 on a processor with
    matrix units, where that is more than twice as fast.

    Attributes:
        net: the weights as they are. mean: their running mean, the network that a run delivers.
        step: steps taken. cpu_seconds: processor time used.
        plans: pairs (step, steps in all), one for the start and one for each resumption that changed the run's length,
            which bends the schedule of the learning rate.
        curve: points (pictures seen, processor seconds, RMSE a coordinate in pixels). Every picture is new, so the
            error on the training pictures is that on unseen ones; where hard ones are seen more often, they count less.
    """

    def __init__(self, net: SeedNet | OddNet, recipe: Recipe) -> None:
        self.net, self.recipe = net, recipe
        self.mean = copy.deepcopy(net).requires_grad_(False)
        self._working = copy.deepcopy(net).to(matrix_type()).to(memory_format=torch.channels_last)
        hidden = [p for name, p in net.named_parameters() if is_hidden(name, p)]
        self._rest = [p for name, p in net.named_parameters() if not is_hidden(name, p)]
        self._optimizer = MuonWithAdam(hidden, self._rest, recipe.rest_rate)
        self.step, self.cpu_seconds = 0, 0.0
        self.plans = [(0, recipe.steps)]
        self.curve: list[tuple[int, float, float]] = []
        self._squares: list[float] = []  # mean squared error a coordinate of the batches since the last point

    @property
    def done(self) -> bool:
        """Whether the run has taken all its steps."""
        return self.step >= self.recipe.steps

    @property
    def rmse(self) -> float:
        """The last point of the curve, pixels a coordinate; infinite before the first."""
        return self.curve[-1][2] if self.curve else float("inf")

    def advance(self) -> None:
        """Take one step on pictures that depend on the recipe's seed and the step alone.

        Raises:
            FloatingPointError: the loss is not a finite number any more.
        """
        start = time.process_time()
        recipe = self.recipe
        rng = named_rng(f"odd_shapes train {self.step}", recipe.seed)
        pictures, importance = sample_hard(rng, recipe.batch, recipe.hard)
        answer = self._working(pictures.inputs.to(matrix_type()))
        labels = (the_possible if recipe.soft else the_true)(pictures)
        # what is hard to see counts in full at first, and at the end as much as it should
        weights = importance ** (self.step / recipe.steps)
        loss = pointing_loss(answer, labels, self.net.FIRST, self.net.STEP, weights)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"training diverged at step {self.step}")
        loss.backward()
        self._move()
        self.step += 1
        squares = (answer.position.detach() - pictures.targets).square().mean(dim=1)  # (B,)
        self._squares.append(float((importance * squares).mean()))
        self.cpu_seconds += time.process_time() - start
        if self.step % max(1, recipe.steps // POINTS) == 0 or self.done:
            rmse = (sum(self._squares) / len(self._squares)) ** 0.5
            self.curve.append((self.step * recipe.batch, round(self.cpu_seconds, 2), round(rmse, 4)))
            self._squares.clear()

    @torch.no_grad()
    def _move(self) -> None:
        """Move the weights along the gradients of the working copy, and bring that copy up to date."""
        live, working = list(self.net.parameters()), list(self._working.parameters())
        for parameter, copied in zip(live, working, strict=True):
            parameter.grad = copied.grad.float().contiguous()
            copied.grad = None
        nn.utils.clip_grad_norm_(self._rest, 1.0)  # a few pictures with a hidden odd shape pull hard
        recipe = self.recipe
        self._optimizer.step(recipe.learning_rate * linear_decay(self.step / recipe.steps, recipe.warmup))
        decay = min(recipe.average, (1 + self.step) / (10 + self.step))  # forget the start quickly
        torch._foreach_lerp_(list(self.mean.parameters()), live, 1 - decay)
        torch._foreach_copy_(working, live)

    def state_dict(self) -> dict[str, object]:
        """Everything that the rest of the run depends on, as tensors, numbers and lists."""
        return {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "cpu_seconds": self.cpu_seconds,
            "curve": self.curve,
            "squares": self._squares,
            "plans": self.plans,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of a run with the same network and recipe, but for the number of steps."""
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self._working.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]
        self.curve, self._squares = [tuple(point) for point in state["curve"]], list(state["squares"])
        self.plans = [tuple(plan) for plan in state["plans"]]
        if self.plans[-1][1] != self.recipe.steps:
            self.plans.append((self.step, self.recipe.steps))


def is_hidden(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter is a matrix between two layers of features, which Muon moves; first and last are not."""
    ends = ("edges.", "conv1.", "head2.", "classifier2.", "regressor2.")
    return parameter.ndim >= 2 and name.endswith("weight") and not name.startswith(ends)


def sample_hard(rng: np.random.Generator, count: int, hard: float) -> tuple[Pictures, Tensor]:
    """Pictures by the homework's rules, but more often such as show little of the odd shape.

    A picture that shows a share v > 0 of the odd shape comes 1 + hard (1 - v)^3 times as often as one with nothing to
    see, which no network can learn from, or with everything in view, which soon has nothing left to teach.

    Returns:
        the pictures, and what each has to count, (count,), so that any mean is that over ordinary pictures.
    """
    if not hard:
        return sample(rng, count), torch.ones(count)
    pool = sample(rng, POOL * count)
    often = np.where(pool.visible > 0, 1 + hard * (1 - pool.visible) ** 3, 1.0)
    # evenly spaced points on a line where each picture has a stretch as long as it comes often: none is taken twice
    ends = often.cumsum()
    chosen = np.searchsorted(ends, (np.arange(count) + rng.random()) * (ends[-1] / count))
    return pool.take(chosen), torch.from_numpy(often.mean() / often[chosen]).float()


def pointing_loss(
    answer: Answer, labels: Labels, first: float, step: float, importance: Tensor | float = 1.0
) -> Tensor:
    """Cross-entropy of the tokens, and squared errors of the position and of each token's own guess.

    The true centre lies between four tokens and is shared out among them as in bilinear interpolation. With such a
    target the best possible probabilities have the best possible position as their mean, also when the picture allows
    several answers; and each token can learn at once, where the squared error of the position alone has nothing to say
    until the probabilities lean somewhere. The third part has every token near the truth point at it, so that the
    arrows mean something and their spread is the doubt.

    Args:
        answer: of B pictures. labels: their centres; where a picture has several, the loss is what is to be expected.
        first: centre of the first token in pixels. step: distance between tokens in pixels.
        importance: what each picture counts, (B,).
    """
    picture, target, probability = labels
    weight = shares(target, first, step)  # (P, 144)
    cross_entropy = -(weight * answer.log_probability[picture]).sum(dim=1)  # (P,)
    guess = centres(first, step) + answer.offset[picture] - target[:, None]  # (P, 144, 2)
    guesses = (weight[:, :, None] * guess.square()).sum(dim=1).mean(dim=1)  # (P,)
    position = (answer.position[picture] - target).square().mean(dim=1)  # (P,)
    # 0.02: a squared error of 50 pixels squared, that of a coin tossed between two places, counts as much as a nat
    each = probability * (cross_entropy + 0.02 * position + 0.02 * guesses)
    return (importance * torch.zeros(len(answer.position)).index_add(0, picture, each)).mean()
