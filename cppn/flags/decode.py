"""From weights to picture, at any size, in any window, under any guess of the convention."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn import checkpoint
from cppn.checkpoint import Checkpoint, CheckpointError
from cppn.coordinates import View, axes, points
from cppn.faults import VisitorError, still_wanted
from cppn.flags.conventions import HOUSE, VALUES, Convention, meaning_of
from cppn.flags.network import GiftConfig, MysteryNet
from cppn.render import to_uint8

CHUNK = 4096  # points at a time: 32 activations of each fit the second-level cache; measured best of 1,024 to 16,384
FILE_LIMIT = 512 * 1024  # bytes; a gift has 30 kB, one in float64 with its optimiser and its log 300 kB
WIDTH = 320  # natural width of every flag
SHOWN_PIXELS = 1_000_000  # of a stranger's file that asks for more; a quarter of a second of one core
MAX_SIDE = 4096  # pixels along x; not above CHUNK
MAX_PIXELS = 4096 * 5120  # the tallest flag (Nepal) at the largest width
SAMPLES = 64  # points along a side, at least, that tell what a network's numbers mean; 5 ms


@dataclass(frozen=True)
class Gift:
    """A MysteryNet with where it came from."""

    checkpoint: Checkpoint[MysteryNet, GiftConfig]
    path: Path
    source: str
    note: str = ""

    @functools.cached_property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """The folded network; see `fold`."""
        return fold(self.checkpoint.net)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the hidden picture; 320 x 160, the commonest flag, when the file does not say."""
        config = self.checkpoint.config
        return (config.width, config.height) if config.width and config.height else (WIDTH, WIDTH // 2)

    @functools.cached_property
    def levels(self) -> Tensor:
        """The hidden picture at its own size, uint8 (height, width, 3)."""
        return to_uint8(decode(self.layers, *self.size)).permute(1, 2, 0)

    def size_at(self, width: int) -> tuple[int, int]:
        """The size `width` pixels wide with the hidden picture's aspect ratio."""
        natural_width, natural_height = self.size
        return width, max(1, round(width * natural_height / natural_width))


def open_gift(path: Path | bytes, source: str = "uploaded", note: str = "", adapt: bool = False) -> Gift:
    """Read a MysteryNet safetensors file, with `adapt` also as a stranger's tools may have written it.

    Raises:
        checkpoint.CheckpointError: not a MysteryNet; the message says why.
    """
    loaded = checkpoint.load(path, lambda config: MysteryNet(), GiftConfig, FILE_LIMIT, adapt)
    for name, values in loaded.net.named_buffers():
        if name.endswith("running_var") and bool((values < 0).any()):
            raise CheckpointError(f"tensor {name} holds negative numbers, but a variance is never negative")
    return Gift(loaded, path if isinstance(path, Path) else Path(), source, note)


def shown_size(gift: Gift) -> tuple[int, int]:
    """The size at which an opened file is first painted: its own, or a megapixel of the same shape at most."""
    width, height = gift.size
    scale = min(1.0, (SHOWN_PIXELS / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


@torch.no_grad()
def fold(net: MysteryNet) -> list[tuple[Tensor, Tensor]]:
    """The network in evaluation mode as nine (weight, bias) pairs with the batch normalisations folded away.

    A normalisation comes after GELU, so it folds forward into the next dense layer: with scale s and shift t,
    W (s h + t) + b = (W s) h + (b + W t). Done in float64, returned in float32.
    """
    scale, shift = torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    layers = []
    for dense, norm in [*net.stages(), (net.dense_head, None)]:
        weight, bias = dense.weight.double(), dense.bias.double()
        layers.append(((weight * scale).float(), (bias + weight @ shift).float()))
        scale = torch.ones(dense.out_features, dtype=torch.float64)
        shift = torch.zeros(dense.out_features, dtype=torch.float64)
        if norm is not None:
            scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            shift = norm.bias.double() - norm.running_mean.double() * scale
    return layers


def evaluate(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Colours (N, 3) of coordinates (N, 2), not clamped, by folded layers."""
    for weight, bias in layers[:-1]:
        x = F.gelu(F.linear(x, weight, bias))  # the erf form; the tanh form is off by up to 15 levels of 256
    return F.linear(x, *layers[-1])


@torch.no_grad()
def decode(
    layers: list[tuple[Tensor, Tensor]],
    width: int,
    height: int,
    view: View | None = None,
    convention: Convention = HOUSE,
) -> Tensor:
    """Paint a picture.

    Args:
        layers: from `fold`.
        width: pixels along x.
        height: pixels along y.
        view: window onto the plane; the whole picture when not given.
        convention: how its author is assumed to have fed it and read it.

    Returns:
        Colours clamped to [0, 1], shape (3, height, width).

    Raises:
        ValueError: an unknown convention or zoom.
        VisitorError: a size outside the limits, or weights so large that an answer is not a finite number.
        Abandoned: nobody waits for the picture any more.
    """
    check_size(width, height)
    xs, ys = axes(width, height, view, convention.span, convention.y_axis, convention.aspect)
    picture = torch.empty(3, height, width)
    rows = CHUNK // width  # at least 1, since no picture is wider than a chunk
    for top in range(0, height, rows):
        still_wanted()
        band = evaluate(layers, points(xs, ys[top : top + rows], convention.order))  # (rows * W, 3)
        if not bool(torch.isfinite(band).all()):
            raise VisitorError("the network's answer is not a finite number everywhere; its weights are too large")
        picture[:, top : top + rows] = convention.colours(band).T.reshape(3, -1, width)
    return picture.clamp_(0, 1)


@torch.no_grad()
def answers(layers: list[tuple[Tensor, Tensor]], width: int, height: int, convention: Convention) -> Tensor:
    """What the network says itself, neither read nor clamped, at points all over a picture; shape (N, 3)."""
    xs, ys = axes(width, height, None, convention.span, convention.y_axis, convention.aspect)
    xs, ys = (side[:: max(1, len(side) // SAMPLES)] for side in (xs, ys))
    return evaluate(layers, points(xs, ys, convention.order))


def settled(layers: list[tuple[Tensor, Tensor]], width: int, height: int, convention: Convention) -> Convention:
    """The same convention, its values chosen as they look if nothing else was asked for."""
    if convention.values != VALUES[0]:
        return convention
    near = answers(layers, SAMPLES, SAMPLES, replace(HOUSE, order=convention.order))
    return replace(convention, values=meaning_of(answers(layers, width, height, convention), near))


def check_size(width: int, height: int) -> None:
    """Raise VisitorError unless a picture of this size may be painted."""
    if width < 1 or height < 1:
        raise VisitorError(f"a picture needs at least 1 x 1 pixels, not {width} x {height}")
    if width > MAX_SIDE or width * height > MAX_PIXELS:
        raise VisitorError(f"at most {MAX_SIDE} pixels wide and {MAX_PIXELS:,} in all, not {width} x {height}")
