"""From weights to picture, at any size, in any window, under any guess of the coordinate convention.

python -m cppn flags decode malaysia --width 1280 --out malaysia.png
"""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn import checkpoint, hub, render
from cppn.checkpoint import Checkpoint
from cppn.coordinates import ORDERS, SPANS, View, axes, points
from cppn.flags.network import GiftConfig, MysteryNet
from cppn.flags.teams import Team, find_team

CHUNK = 4096  # points at a time: 32 activations of each fit the second-level cache; measured best of 1,024 to 16,384
FILE_LIMIT = 64 * 1024  # bytes; a gift has about 30 kB
WIDTH = 320  # natural width of every flag
MAX_SIDE = 4096  # pixels along x; not above CHUNK
MAX_PIXELS = 4096 * 5120  # the tallest flag (Nepal) at the largest width


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

    def size_at(self, width: int) -> tuple[int, int]:
        """The size `width` pixels wide with the hidden picture's aspect ratio."""
        natural_width, natural_height = self.size
        return width, max(1, round(width * natural_height / natural_width))


def open_gift(path: Path | bytes, source: str = "uploaded", note: str = "") -> Gift:
    """Read any MysteryNet safetensors file, ours or a stranger's.

    Raises:
        checkpoint.CheckpointError: not a MysteryNet; the message says why.
    """
    loaded = checkpoint.load(path, lambda config: MysteryNet(), GiftConfig, FILE_LIMIT)
    return Gift(loaded, path if isinstance(path, Path) else Path(), source, note)


@functools.lru_cache(maxsize=64)
def _gift_at(path: Path, source: str, note: str) -> Gift:
    return open_gift(path, source, note)


def gift_of(team: Team) -> Gift:
    """A team's gift, from wherever weights come from; read once.

    Raises:
        hub.WeightsError: no usable file.
    """
    weights = hub.library().find(f"flags/{team.slug}.safetensors")
    return _gift_at(weights.path, weights.source, weights.note)


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
    order: str = "xy",
    span: str = "-1..1",
) -> Tensor:
    """Paint a picture.

    Args:
        layers: from `fold`.
        width: pixels along x.
        height: pixels along y.
        view: window onto the plane; the whole picture when not given.
        order: which coordinate the network takes first, one of `coordinates.ORDERS`.
        span: the range its author is assumed to have used, one of `coordinates.SPANS`.

    Returns:
        Colours clamped to [0, 1], shape (3, height, width).

    Raises:
        ValueError: a size outside the limits, or an unknown order, span or zoom.
    """
    check_size(width, height)
    xs, ys = axes(width, height, view, span)
    picture = torch.empty(3, height, width)
    rows = CHUNK // width  # at least 1, since no picture is wider than a chunk
    for top in range(0, height, rows):
        band = evaluate(layers, points(xs, ys[top : top + rows], order))  # (rows * W, 3)
        picture[:, top : top + rows] = band.T.reshape(3, -1, width)
    return picture.clamp_(0, 1)


def check_size(width: int, height: int) -> None:
    """Raise ValueError unless a picture of this size may be painted."""
    if width < 1 or height < 1:
        raise ValueError(f"a picture needs at least 1 x 1 pixels, not {width} x {height}")
    if width > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(f"at most {MAX_SIDE} pixels wide and {MAX_PIXELS:,} in all, not {width} x {height}")


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags decode`."""
    parser = argparse.ArgumentParser(prog="python -m cppn flags decode", description="Decode a flag from its weights.")
    parser.add_argument("gift", help="a team (such as malaysia), or the path of a MysteryNet safetensors file")
    parser.add_argument("--width", type=int, help="pixels (default: the hidden picture's own width)")
    parser.add_argument("--height", type=int, help="pixels (default: by the aspect ratio)")
    parser.add_argument("--zoom", type=float, default=1.0)
    parser.add_argument("--center", type=float, nargs=2, default=(0.0, 0.0), metavar=("X", "Y"))
    parser.add_argument("--order", choices=ORDERS, default="xy")
    parser.add_argument("--span", choices=SPANS, default="-1..1")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    args = parser.parse_args(argv)
    try:
        is_file = args.gift.endswith(".safetensors")
        gift = open_gift(Path(args.gift), "local file") if is_file else gift_of(find_team(args.gift))
        width, height = gift.size_at(args.width or gift.size[0])
        view = View(args.zoom, *args.center)
        picture = decode(gift.layers, width, args.height or height, view, args.order, args.span)
    except (ValueError, LookupError, OSError, hub.WeightsError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    image = render.to_image(picture)
    image.save(args.out, format="PNG")
    print(f"{args.out}: {image.width} x {image.height}, weights {gift.source}, {gift.checkpoint.size:,} bytes")
    return 0
