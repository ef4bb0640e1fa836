"""Teaching a MysteryNet one picture: the training loop behind the shipped flags, the live tab and the experiments."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from cppn.coordinates import axes, points
from cppn.flags.network import MysteryNet
from cppn.flags.recipe import Recipe
from cppn.flags.repeats import Zigzags
from cppn.flags.samples import Samples
from cppn.flags.target import EQUAL_PSNR, Target, psnr
from cppn.optimisers import Adam, MuonWithAdam
from cppn.render import to_uint8
from cppn.training import linear_decay, log_spaced, named_generator
from cppn.workers import Clock

REFRESH = 250  # steps between two looks at the whole picture: about 2% of the time
FRAMES = 64  # pictures kept of a run, dense at its start


@dataclass(frozen=True)
class Progress:
    """One look at a run.

    Attributes:
        step: steps taken so far.
        fraction: share of the run that is done, in [0, 1].
        seconds: processor time used so far.
        psnr: decibels at the pixel centres, as the exported network would show them; at most `EQUAL_PSNR`.
        picture: that picture, uint8 (height, width, 3).
        net: the network in training; `export` makes a gift of it.
        frame: whether this look belongs in the animation of the run.
    """

    step: int
    fraction: float
    seconds: float
    psnr: float
    picture: Tensor
    net: MysteryNet
    frame: bool


def fourier_features(x: Tensor) -> Tensor:
    """Fixed features (N, 16) of coordinates (N, 2): sine and cosine at four octaves (Tancik et al., 2020)."""
    angles = (x[:, :, None] * (math.pi * 2.0 ** torch.arange(4))).flatten(1)  # (N, 8)
    return torch.cat([angles.sin(), angles.cos()], dim=1)  # (N, 16)


def forward(net: MysteryNet, x: Tensor, recipe: Recipe) -> Tensor:
    """The network as a recipe trains it: with or without its normalisations, with its first layer or with features."""
    for number, (dense, norm) in enumerate(net.stages()):
        x = fourier_features(x) if recipe.fourier and number == 0 else F.gelu(dense(x))
        if recipe.batch_norm and norm is not None:
            x = norm(x)
    return net.dense_head(x)


@torch.no_grad()
def initialise(
    net: MysteryNet, target: Target, recipe: Recipe, generator: torch.Generator, zigzags: Zigzags | None = None
) -> None:
    """Start with kinks inside the picture, even variance through the layers, and the picture's mean and contrast."""

    def normal(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator)

    first = net.dense1
    direction = normal(first.weight)
    direction /= direction.norm(dim=1, keepdim=True)
    first.weight.copy_(direction * 3)  # a slope of 3 bends within [-1, 1] rather than across it
    inside = torch.rand(first.weight.shape, generator=generator) * 2 - 1
    first.bias.copy_(-(first.weight * inside).sum(1))  # each kink passes through a random point of the picture
    for dense, _ in net.stages()[1:]:
        dense.weight.copy_(normal(dense.weight) * math.sqrt(1.6 / dense.in_features))  # keeps the variance under GELU
        dense.bias.copy_(torch.rand(dense.bias.shape, generator=generator) * 0.6 - 0.3)
    if zigzags:
        zigzags.write(net, generator)
    head = net.dense_head
    head.weight.copy_(normal(head.weight))
    head.bias.zero_()
    if not recipe.batch_norm:
        output = forward(net, target.coordinates(), recipe)
        colours = target.pixels.reshape(-1, 3)
        contrast = colours.std(0) / output.std(0)
        head.weight.mul_(contrast[:, None])
        head.bias.copy_(colours.mean(0) - output.mean(0) * contrast)


@torch.no_grad()
def export(net: MysteryNet, target: Target, recipe: Recipe) -> MysteryNet:
    """A copy in evaluation mode whose batch normalisations are exact for this picture.

    Trained with batch statistics, the running statistics are set to those of the whole picture. Trained without, each
    normalisation becomes the identity on it: scale and shift undo the statistics. Either way evaluation mode and
    training mode on the whole grid show the same picture, so a finder who forgets `.eval()` still sees it.
    """
    net = copy.deepcopy(net)
    if recipe.batch_norm:
        _settle_statistics(net, target, recipe)
        return net.eval()
    x = target.coordinates()
    for dense, norm in net.stages():
        x = F.gelu(dense(x))
        if norm is not None:
            norm.running_mean.copy_(x.mean(0))
            norm.running_var.copy_(x.var(0))
            norm.weight.copy_((norm.running_var + norm.eps).sqrt())
            norm.bias.copy_(norm.running_mean)
            norm.num_batches_tracked.fill_(1)
    return net.eval()


def _settle_statistics(net: MysteryNet, target: Target, recipe: Recipe) -> None:
    """Set the running statistics to those of the whole picture; they lag behind a network that still learns."""
    norms = [norm for _, norm in net.stages() if norm is not None]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0  # the next batch replaces what was tracked
    forward(net.train(), target.coordinates(), recipe)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


class Run:
    """A network that learns a picture, one step at a time; looks at the whole picture come in between.

    The same recipe gives the same network, by whatever `state_dict` it went on in between, as long as steps end the run
    and not `Recipe.seconds`.

    Attributes:
        net: the network as it is; `export` makes a gift of it. step: steps taken. cpu_seconds: processor time used.
        curve: the looks: step, processor seconds, decibels. frames: the pictures of those that belong in the film.
    """

    def __init__(self, target: Target, recipe: Recipe) -> None:
        self.target, self.recipe, self.net = target, recipe, MysteryNet()
        self._generator = named_generator("flags", recipe.seed)
        self._zigzags = Zigzags(recipe.period * 2 / (target.width - 1)) if recipe.period else None
        initialise(self.net, target, recipe, self._generator, self._zigzags)
        self._optimizer = self.fresh_optimizer()
        self._samples = Samples(target, recipe, self._generator)
        self._best = _Best()
        self._framed = set(log_spaced(recipe.steps, FRAMES))
        self._clock, self._earlier = Clock(), 0.0  # seconds of `Recipe.seconds` that went before this clock
        self.step, self.cpu_seconds = 0, 0.0
        self.curve: list[tuple[int, float, float]] = []
        self.frames: list[Tensor] = []
        self._fraction = 0.0

    def fresh_optimizer(self) -> MuonWithAdam | Adam:
        """What moves the weights, as the recipe says, without a past."""
        if self.recipe.optimizer == "adam":
            return Adam(self.net.parameters())
        hidden = [dense.weight for dense, _ in self.net.stages()[1:]]
        return MuonWithAdam(hidden, [p for p in self.net.parameters() if not any(p is matrix for matrix in hidden)])

    def release(self) -> None:
        """Let the optimiser move the zigzags, too, from here on."""
        self._zigzags = None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, the last look included."""
        return self._fraction >= 1 and self._looked

    @property
    def _looked(self) -> bool:
        return bool(self.curve) and self.curve[-1][0] == self.step

    @property
    def _look_is_due(self) -> bool:
        return not self._looked and (self.step % REFRESH == 0 or self.step in self._framed or self._fraction >= 1)

    def advance(self) -> Progress | None:
        """Take a step or, where one is due, a look, which is returned; until the next call the network is as seen.

        Raises:
            FloatingPointError: the run diverged; a lower learning rate or another seed helps.
        """
        began = time.process_time()
        look = self._look(began) if self._look_is_due else None
        if look is None:
            self._step()
        self.cpu_seconds += time.process_time() - began
        return look

    def _look(self, began: float) -> Progress:
        prediction = _shown(self.net, self.target, self.recipe)
        quality = psnr(prediction, self.target.pixels)
        if math.isnan(quality):
            raise FloatingPointError(f"training diverged at step {self.step}")
        error = (prediction - self.target.pixels).square().sum(2).sqrt()
        self._samples.sampler.update(F.avg_pool2d(error[None], 3, 1, 1).flatten())
        quality = min(EQUAL_PSNR, quality)
        self._best.note(quality, self.net)
        picture, frame = to_uint8(prediction), self.step in self._framed or self._fraction >= 1
        seconds = self.cpu_seconds + time.process_time() - began
        self.curve.append((self.step, round(seconds, 2), round(quality, 3)))
        if frame:
            self.frames.append(picture)
        return Progress(self.step, min(self._fraction, 1.0), seconds, quality, picture, self.net, frame)

    def _step(self) -> None:
        recipe, best = self.recipe, self._best
        if self._looked and best.is_lost(recipe.rollback):
            best.put_back(self.net)
            self._optimizer = self.fresh_optimizer()  # without the momentum that led astray
        x, y, weight = self._samples.draw(self._fraction)
        self._optimizer.zero_grad()
        loss = ((forward(self.net, x, recipe) - y).square().mean(1) * weight).mean()
        loss.backward()
        self._optimizer.step(best.rate * recipe.learning_rate * linear_decay(self._fraction, recipe.warmup))
        if self._zigzags:
            self._zigzags.hold(self.net)
        self.step += 1
        self._fraction = self.step / recipe.steps
        if recipe.seconds is not None:
            self._fraction = max(self._fraction, (self._earlier + self._clock.seconds) / recipe.seconds)

    def gift(self) -> MysteryNet:
        """The network that a run delivers: the last one, unless an earlier look was at a better one."""
        net = copy.deepcopy(self.net)
        if self._best.has_fallen:
            net.load_state_dict(self._best.weights)
        return export(net, self.target, self.recipe)

    def state_dict(self) -> dict[str, object]:
        """Everything that the rest of the run depends on, as tensors, numbers and lists."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "sampler": self._samples.sampler.state_dict(),
            "generator": self._generator.get_state(),
            "best": self._best.state_dict(),
            "step": self.step,
            "fraction": self._fraction,
            "clock": self._earlier + self._clock.seconds,
            "cpu_seconds": self.cpu_seconds,
            "curve": self.curve,
            "frames": self.frames,
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of a run with the same picture and recipe."""
        self.net.load_state_dict(state["net"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._samples.sampler.load_state_dict(state["sampler"])
        self._generator.set_state(state["generator"])
        self._best.load_state_dict(state["best"])
        self.step, self._fraction, self.cpu_seconds = state["step"], state["fraction"], state["cpu_seconds"]
        self._clock, self._earlier = Clock(), state["clock"]
        self.curve, self.frames = [tuple(look) for look in state["curve"]], list(state["frames"])


def fit(target: Target, recipe: Recipe) -> Iterator[Progress]:
    """Train a network on a picture and report as it goes; the last report is of the finished network.

    Closing the generator at any report ends the run; the network of that report is whole.

    Raises:
        FloatingPointError: the run diverged; a lower learning rate or another seed helps.
    """
    run = Run(target, recipe)
    while not run.done:
        if look := run.advance():
            yield look


class _Best:
    """A network at its best, for one that has gone astray to be put back there.

    Attributes:
        weights: of the look with the highest quality. rate: what the learning rate is to be multiplied by.
    """

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}
        self.rate = 1.0
        self._highest = self._last = -math.inf  # decibels

    @property
    def has_fallen(self) -> bool:
        """Whether the last look was worse than an earlier one."""
        return self._last < self._highest

    def note(self, quality: float, net: MysteryNet) -> None:
        """Take note of a look, its quality in decibels."""
        self._last = quality
        if quality > self._highest:
            self._highest = quality
            self.weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}

    def is_lost(self, rollback: float | None) -> bool:
        """Whether the last look was more than `rollback` decibels below the best one."""
        return rollback is not None and self._last < self._highest - rollback

    def put_back(self, net: MysteryNet) -> None:
        """Give the network its best weights, and learn more slowly from there."""
        net.load_state_dict(self.weights)
        self.rate /= 2

    def state_dict(self) -> dict[str, object]:
        """Everything, as tensors and numbers."""
        return {"weights": self.weights, "rate": self.rate, "highest": self._highest, "last": self._last}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from there."""
        self.weights, self.rate = state["weights"], state["rate"]
        self._highest, self._last = state["highest"], state["last"]


@torch.no_grad()
def _shown(net: MysteryNet, target: Target, recipe: Recipe) -> Tensor:
    """What the exported network would show now, clamped and in 256 levels, shape (height, width, 3) in [0, 1]."""
    shown = copy.deepcopy(net)
    if recipe.batch_norm:
        _settle_statistics(shown, target, recipe)
    output = forward(shown.eval(), target.coordinates(), recipe)
    return (output.clamp(0, 1) * 255).round().div(255).view(target.pixels.shape)


@torch.no_grad()
def measure(net: MysteryNet, target: Target) -> tuple[float, float]:
    """Decibels of a network in its present mode: at the pixel centres, and on the four times finer grid.

    The first rounds to 256 levels as a picture file would; the second compares with the box-filtered fine raster. The
    fine grid is fed row by row, so in training mode, where a batch is normalised by itself, it means nothing: NaN.
    """
    pixels = net(target.coordinates()).clamp(0, 1).mul(255).round().div(255)
    grid = psnr(pixels, target.pixels.reshape(-1, 3))
    if net.training:
        return grid, math.nan
    height, width, _ = target.fine.shape
    xs, ys = axes(width, height)
    fine = torch.stack([net(points(xs, y[None])) for y in ys])  # (height, width, 3)
    return grid, psnr(fine.clamp(0, 1), target.fine)


def as_image(picture: Tensor) -> Image.Image:
    """A picture (H, W, 3) of uint8 as a Pillow image."""
    return Image.fromarray(picture.numpy())
