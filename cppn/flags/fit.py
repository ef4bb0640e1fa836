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
from cppn.flags.samples import Samples
from cppn.flags.target import Target
from cppn.render import to_uint8
from cppn.training import (
    EQUAL_PSNR,
    Adam,
    MuonWithAdam,
    linear_decay,
    log_spaced,
    named_generator,
    psnr,
)
from cppn.workers import Clock

REFRESH = 250  # steps between two looks at the whole picture: about 2 % of the time
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
def initialise(net: MysteryNet, target: Target, recipe: Recipe, generator: torch.Generator) -> None:
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


def fit(target: Target, recipe: Recipe) -> Iterator[Progress]:
    """Train a network on a picture and report as it goes; the last report is of the finished network.

    Closing the generator at any report ends the run; the network of that report is whole.

    Raises:
        FloatingPointError: the run diverged; a lower learning rate or another seed helps.
    """
    generator = named_generator("flags", recipe.seed)
    net = MysteryNet()
    initialise(net, target, recipe, generator)
    optimizer = _optimizer(net, recipe)
    samples = Samples(target, recipe, generator)
    best = _Best(net, recipe.rollback)
    frames = set(log_spaced(recipe.steps, FRAMES))
    start, clock, step, fraction = time.process_time(), Clock(), 0, 0.0
    while True:
        if step % REFRESH == 0 or step in frames or fraction >= 1:
            prediction = _look(net, target, recipe)
            quality = psnr(prediction, target.pixels)
            if math.isnan(quality):
                raise FloatingPointError(f"training diverged at step {step}")
            error = (prediction - target.pixels).square().sum(2).sqrt()
            samples.sampler.update(F.avg_pool2d(error[None], 3, 1, 1).flatten())
            quality = min(EQUAL_PSNR, quality)
            last, seconds = fraction >= 1, time.process_time() - start
            frame = step in frames or last
            yield Progress(step, min(fraction, 1.0), seconds, quality, to_uint8(prediction), net, frame)
            if last:
                return
            if best.update(quality):
                optimizer = _optimizer(net, recipe)  # without the momentum that led astray
        x, y, weight = samples.draw(fraction)
        optimizer.zero_grad()
        loss = ((forward(net, x, recipe) - y).square().mean(1) * weight).mean()
        loss.backward()
        optimizer.step(best.rate * recipe.learning_rate * linear_decay(fraction, recipe.warmup))
        step += 1
        fraction = step / recipe.steps
        if recipe.seconds is not None:
            fraction = max(fraction, clock.seconds / recipe.seconds)


def _optimizer(net: MysteryNet, recipe: Recipe) -> MuonWithAdam | Adam:
    if recipe.optimizer == "adam":
        return Adam(net.parameters())
    hidden = [dense.weight for dense, _ in net.stages()[1:]]
    return MuonWithAdam(hidden, [p for p in net.parameters() if not any(p is matrix for matrix in hidden)])


class _Best:
    """Remembers a network at its best, and puts it back there when it has gone astray."""

    def __init__(self, net: MysteryNet, rollback: float | None) -> None:
        self._net, self._rollback = net, rollback
        self._quality, self._state = -math.inf, {}
        self.rate = 1.0  # what the learning rate is to be multiplied by

    def update(self, quality: float) -> bool:
        """Take note of a look; True if the network was put back."""
        if quality > self._quality:
            self._quality = quality
            self._state = {name: tensor.clone() for name, tensor in self._net.state_dict().items()}
        elif self._rollback is not None and quality < self._quality - self._rollback:
            self._net.load_state_dict(self._state)
            self.rate /= 2
            return True
        return False


@torch.no_grad()
def _look(net: MysteryNet, target: Target, recipe: Recipe) -> Tensor:
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
