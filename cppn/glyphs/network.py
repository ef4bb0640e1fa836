"""Writers and readers: one network turns a message into a sign, another turns what arrives of the sign into a message.

Ours. The writer turns the message into the coefficients of a fixed set of smooth waves, two-dimensional cosines up to a
cutoff, and adds the waves up. Waves have no pixels, so a sign can be drawn at any size. The reader first straightens:
it guesses where four points of the sign lie in what arrived, which fixes a projective map, and looks through that map;
then it looks at what it got once more, to correct itself. Only then it reads, in the same waves.

The post's. A pyramid of transposed convolutions draws, a pyramid of convolutions reads. Its reader ends in a map of
32 numbers at one place, and a message of 64 has to be told from these.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn.projective import CORNERS, homography, warp


class Reading(NamedTuple):
    """What a reader makes of N pictures.

    Attributes:
        messages: (N, numbers).
        straightened: the pictures as it read them, (N, C, S, S); None for the post's reader, which straightens nothing.
        corners: where it believes the corners of the sign to be in the picture, (x, y) in [-1, 1], (N, 4, 2), clockwise
            from the upper left; None for the post's reader.
    """

    messages: Tensor
    straightened: Tensor | None
    corners: Tensor | None


@dataclass(frozen=True)
class GlyphConfig:
    """Sizes of our networks.

    Attributes:
        numbers: of a message. channels: 1 gray, 3 colour. pixels: width of the pictures that the reader takes.
        cutoff: half-waves that fit across the finest sign. reader_cutoff: the same for what the reader looks at.
        hidden: features of the hidden layers. looks: how often the reader straightens.
    """

    numbers: int = 64
    channels: int = 1
    pixels: int = 64
    cutoff: int = 14
    reader_cutoff: int = 18
    hidden: int = 512
    looks: int = 2

    def __post_init__(self) -> None:
        limits = (
            ("numbers", 1, 4096),
            ("channels", 1, 3),
            ("pixels", 16, 128),
            ("cutoff", 2, 64),
            ("reader_cutoff", self.cutoff, 64),
            ("hidden", 1, 4096),
            ("looks", 1, 4),
        )
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}")
        if self.pixels % 8:
            raise ValueError("pixels must be a multiple of 8")


@dataclass(frozen=True)
class SeedConfig:
    """Sizes of the post's networks."""

    numbers: int = 64
    channels: int = 1

    def __post_init__(self) -> None:
        for name, high in (("numbers", 4096), ("channels", 3)):
            if not 1 <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between 1 and {high}")


@functools.lru_cache(maxsize=64)
def waves(cutoff: int) -> Tensor:
    """Pairs (v, u) of whole numbers with u^2 + v^2 < cutoff^2, coarsest first, (K, 2): half-waves down and across."""
    pairs = [(v, u) for v in range(cutoff) for u in range(cutoff) if u * u + v * v < cutoff * cutoff]
    # on the CPU even while a network is built without memory: this one is kept for the networks after it
    return torch.tensor(sorted(pairs, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair)), device="cpu")


def cosines(count: int, size: int) -> Tensor:
    """Values of the first `count` cosines at the centres of `size` pixels, (count, size)."""
    places = (torch.arange(size) + 0.5) / size
    return torch.cos(math.pi * torch.arange(count)[:, None] * places)


def synthesise(coefficients: Tensor, cutoff: int, size: int) -> Tensor:
    """Sums of waves: coefficients (N, C, K) in the order of `waves` to pictures (N, C, size, size)."""
    place = waves(cutoff) @ torch.tensor([cutoff, 1])  # (K,), in a square of all pairs
    square = coefficients.new_zeros(*coefficients.shape[:2], cutoff * cutoff)
    square = square.index_copy(2, place, coefficients).unflatten(2, (cutoff, cutoff))  # (N, C, v, u)
    table = cosines(cutoff, size).to(coefficients.dtype)
    return table.mT @ (square @ table)  # (N, C, v, u) -> (N, C, v, x) -> (N, C, y, x)


def analyse(pictures: Tensor, cutoff: int) -> Tensor:
    """How much of each wave there is in pictures (N, C, S, S), (N, C, K) in the order of `waves`.

    Scaled so that independent noise of one standard deviation at each pixel gives coefficients of about that deviation.
    """
    size = pictures.shape[-1]
    table = (cosines(cutoff, size) * math.sqrt(2 / size)).to(pictures.dtype)
    square = table @ (pictures @ table.mT)  # (N, C, y, x) -> (N, C, y, u) -> (N, C, v, u)
    return square.flatten(2)[:, :, waves(cutoff) @ torch.tensor([cutoff, 1])]


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two hidden layers; the last one starts small, because a linear map beside it starts out useful."""
    layers = [nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.SiLU()]
    layers += [nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.SiLU(), nn.Linear(hidden, outputs)]
    _draw_normal(layers[-1].weight, 0.1 / math.sqrt(hidden))
    return nn.Sequential(*layers)


def _draw_normal(weight: Tensor, std: float) -> None:
    """Normal first weights; none on the meta device, where drawing them makes torch import its compiler."""
    if not weight.is_meta:
        nn.init.normal_(weight, std=std)


class Writer(nn.Module):
    """Message -> coefficients, by a linear map and a perceptron beside it -> waves -> sigmoid."""

    GAIN = 3.0  # logits of the first signs have a standard deviation of about 1.5

    def __init__(self, config: GlyphConfig) -> None:
        super().__init__()
        self.channels, self.pixels, self.cutoff = config.channels, config.pixels, config.cutoff
        count = config.channels * len(waves(config.cutoff))
        self.linear = nn.Linear(config.numbers, count)
        self.perceptron = perceptron(config.numbers, config.hidden, count)
        self.gain = nn.Parameter(torch.tensor(self.GAIN))
        nn.init.orthogonal_(self.linear.weight, gain=math.sqrt(max(1.0, count / config.numbers)))
        nn.init.zeros_(self.linear.bias)

    def logits(self, messages: Tensor, size: int | None = None) -> Tensor:
        """Ink before the sigmoid: messages (N, numbers) to pictures (N, C, size, size) of any size."""
        coefficients = self.linear(messages) + self.perceptron(messages)  # (N, C K)
        coefficients = coefficients.unflatten(1, (self.channels, -1)) * (self.gain * self.damping())  # (N, C, K)
        return synthesise(coefficients, self.cutoff, size or self.pixels)

    def forward(self, messages: Tensor, size: int | None = None, ink: float = 1.0) -> Tensor:
        """Signs (N, C, size, size) in [0, 1]; `ink` multiplies the logits, above 1 edges grow crisp."""
        return torch.sigmoid(self.logits(messages, size) * ink)

    def damping(self) -> Tensor:
        """Strength of each wave at the start, (K,): half as strong at half the cutoff; squares sum to 1."""
        length = waves(self.cutoff).float().norm(dim=1)
        strength = 1 / (1 + (2 * length / self.cutoff) ** 2)
        return strength / strength.norm()


class Look(nn.Module):
    """Where four points of the sign lie in a picture: patches of 4 x 4 pixels, three convolutions, two layers."""

    PATCH = 4  # pixels; patches instead of a first convolution on the pixels make a step a third faster

    def __init__(self, channels: int, pixels: int) -> None:
        super().__init__()
        side = pixels // self.PATCH
        self.convolutions = nn.Sequential(
            *_convolution(channels * self.PATCH**2, 32, stride=1),  # (N, 32, side, side)
            *_convolution(32, 64),  # (N, 64, side / 2, side / 2)
            *_convolution(64, 128),  # (N, 128, side / 4, side / 4)
        )
        last = -(-side // 4)
        self.features = nn.Sequential(nn.Linear(128 * last * last, 128), nn.BatchNorm1d(128), nn.LeakyReLU(0.2))
        self.offsets = nn.Linear(128, 8)
        _draw_normal(self.offsets.weight, 0.005)  # start by looking straight ahead
        nn.init.zeros_(self.offsets.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        """Shifts (N, 4, 2) of the four points in pictures (N, C, S, S)."""
        patches = F.pixel_unshuffle(pictures, self.PATCH)  # (N, 16 C, S / 4, S / 4)
        patches = patches.contiguous(memory_format=torch.channels_last)
        return self.offsets(self.features(self.convolutions(patches).flatten(1))).unflatten(1, (4, 2)).float()


class Reader(nn.Module):
    """Straighten, look at the waves, read them by a linear map and a perceptron beside it."""

    POINTS = 0.7  # the four points lie at (+-0.7, +-0.7) in the sign, where little of them is lost on the way

    def __init__(self, config: GlyphConfig) -> None:
        super().__init__()
        self.pixels, self.cutoff = config.pixels, config.reader_cutoff
        count = config.channels * len(waves(config.reader_cutoff))
        # the first look sees the picture, each later one half as many pixels across of what is straightened so far
        sizes = [config.pixels] + [config.pixels // 2] * (config.looks - 1)
        self.looks = nn.ModuleList(Look(config.channels, size) for size in sizes)
        self.norm = nn.BatchNorm1d(count, affine=False)
        self.linear = nn.Linear(count, config.numbers)
        self.perceptron = perceptron(count, config.hidden, config.numbers)

    def forward(self, pictures: Tensor) -> Reading:
        """Read pictures (N, C, H, W) in about [0, 1]; any size will do, they are brought to the trained one."""
        if pictures.shape[-2:] != (self.pixels, self.pixels):
            pictures = F.interpolate(pictures, (self.pixels, self.pixels), mode="bilinear", antialias=True)
        straightened, maps = self.straighten(pictures)
        coefficients = self.norm(analyse(straightened, self.cutoff).flatten(1).float())  # (N, C K)
        messages = self.linear(coefficients) + self.perceptron(coefficients)  # (N, numbers)
        corners = torch.tensor(CORNERS).mT  # (2, 4)
        seen = maps @ torch.cat([corners, torch.ones(1, 4)])  # (N, 3, 4)
        return Reading(messages.float(), straightened, (seen[:, :2] / seen[:, 2:]).mT)

    def straighten(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The sign as it was sent, (N, C, S, S), and the maps (N, 3, 3) from places in it to places in the pictures."""
        points = (self.POINTS * torch.tensor(CORNERS)).expand(len(pictures), 4, 2)
        maps, seen = torch.eye(3), pictures
        for number, look in enumerate(self.looks, 1):
            shifts = look(seen)
            size = self.pixels if number == len(self.looks) else self.pixels // 2
            with torch.autocast("cpu", enabled=False):  # eight bits of precision would be a quarter of a pixel
                maps = maps @ homography(points, points + shifts)  # (N, 3, 3)
                seen = warp(pictures, maps, size)
        return seen, maps


class GlyphNet(nn.Module):
    """Our writer and the reader that was trained with it."""

    def __init__(self, config: GlyphConfig) -> None:
        super().__init__()
        self.numbers, self.channels, self.pixels = config.numbers, config.channels, config.pixels
        self.writer, self.reader = Writer(config), Reader(config)
        self._introduce(config)

    @torch.no_grad()
    def _introduce(self, config: GlyphConfig) -> None:
        """Start the reader as the transpose of the writer: it can read what comes unwarped, and has all else to learn.

        Without it, networks for messages of 1,024 numbers learn nothing for minutes: as long as the reader cannot read,
        the writer has nothing to gain from writing clearly.
        """
        numbers, channels = config.numbers, config.channels
        count, seen = len(waves(config.cutoff)), len(waves(config.reader_cutoff))
        length = max(1.0, channels * count / numbers)  # of each column of the writer's matrix, squared
        weight = torch.zeros(numbers, channels, seen)
        weight[:, :, :count] = self.writer.linear.weight.mT.unflatten(1, (channels, count)) / length
        # a half: the noise and the warps that are not undone yet make larger guesses worse than none
        self.reader.linear.weight.copy_(0.5 * weight.flatten(1))
        nn.init.zeros_(self.reader.linear.bias)

    def draw(self, messages: Tensor, size: int | None = None, ink: float = 1.0) -> Tensor:
        """Signs (N, C, size, size) in [0, 1] of messages (N, numbers); the trained size if none is given."""
        return self.writer(messages, size, ink)

    def read(self, pictures: Tensor) -> Reading:
        """Read pictures (N, C, H, W) with about the noise and the warps of the channel."""
        return self.reader(pictures)


class SeedNet(nn.Module):
    """The post's writer and reader, as its repository had them when the post was written (autumn 2020)."""

    PIXELS = 28  # so that its reader can be shown MNIST

    def __init__(self, config: SeedConfig) -> None:
        super().__init__()
        self.numbers, self.channels, self.pixels = config.numbers, config.channels, self.PIXELS
        self.writer = nn.Sequential(  # (N, numbers, 1, 1)
            *_transposed(config.numbers, 128, 5, 2, 1),  # (N, 128, 3, 3)
            *_transposed(128, 64, 5, 1, 2),
            *_transposed(64, 64, 5, 1, 2),
            *_transposed(64, 64, 5, 2, 1),  # (N, 64, 7, 7)
            *_transposed(64, 32, 5, 1, 2),
            *_transposed(32, 32, 5, 1, 2),
            *_transposed(32, 16, 5, 2, 2),  # (N, 16, 13, 13)
            nn.ConvTranspose2d(16, config.channels, 4, stride=2),  # (N, C, 28, 28)
            nn.BatchNorm2d(config.channels),
        )
        self.reader = nn.Sequential(
            *_convolution(config.channels, 128),  # (N, 128, 14, 14)
            *_convolution(128, 128),  # (N, 128, 7, 7)
            *_convolution(128, 64),  # (N, 64, 4, 4)
            *_convolution(64, 32),  # (N, 32, 2, 2)
            nn.Conv2d(32, 32, 3, stride=2, padding=1),  # (N, 32, 1, 1)
            nn.Flatten(),  # (N, 32)
            nn.LeakyReLU(0.2),
            nn.Linear(32, config.numbers),
        )

    def draw(self, messages: Tensor, size: int | None = None, ink: float = 1.0) -> Tensor:
        """Signs (N, C, size, size); it can draw 28 pixels and no others, so other sizes show these pixels enlarged."""
        signs = torch.sigmoid(self.writer(messages[:, :, None, None]) * ink)  # (N, C, 28, 28)
        return signs if size in (None, self.PIXELS) else F.interpolate(signs, (size, size), mode="nearest-exact")

    def read(self, pictures: Tensor) -> Reading:
        """Read pictures (N, C, H, W); they are brought to 28 pixels."""
        if pictures.shape[-2:] != (self.PIXELS, self.PIXELS):
            pictures = F.interpolate(pictures, (self.PIXELS, self.PIXELS), mode="bilinear", antialias=True)
        return Reading(self.reader(pictures).float(), None, None)


def _transposed(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> tuple[nn.Module, ...]:
    return (
        nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2),
    )


def _convolution(inputs: int, outputs: int, stride: int = 2) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)
