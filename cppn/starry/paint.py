"""From a program's network to a picture: bit-equal to Pyth at the program's own size, and between its pixels at others.

python -m cppn starry paint published --width 1544 --out starry.png
"""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cppn import hub
from cppn.coordinates import View, view_of
from cppn.starry.catalogue import PROGRAMS, open_program, painter_of
from cppn.starry.network import INPUTS, Cascade
from cppn.starry.program import Program

CHUNK = 8192  # positions at a time: 48 values of each are 3 MB; measured best of 1,024 to 16,384
MAX_SIDE = 4096  # pixels along each side
MAX_PIXELS = 4096 * 4096
# Two orders of summation differ by some 1e-10. A value this near to a whole number is computed again in Pyth's own
# order, because the floor could show the difference; about one pixel a picture.
DOUBT = 1e-6
SAMPLES = 1000  # positions at which the two orders are compared


@dataclass(frozen=True)
class Sums:
    """A cascade ready for fast evaluation: what each neuron's inputs are multiplied by, and its kind.

    Attributes:
        gains: weights over the scale, in the units of the exponential or the sine, float64 (neurons, 3 + neurons).
        constant: the input that never changes. activation: "sigmoid" or "sine".
    """

    gains: Tensor
    constant: int
    activation: str

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Every neuron at P positions, float64 (neurons, P) in [0, 256], as `Cascade` but in any order of summation."""
        values = torch.empty(INPUTS + len(self.gains), len(x), dtype=torch.float64)  # (3 + neurons, P)
        values[0], values[1], values[2] = self.constant, x, y
        for n, gains in enumerate(self.gains):
            total, out = gains[: INPUTS + n] @ values[: INPUTS + n], values[INPUTS + n]  # (P,)
            if self.activation == "sigmoid":
                torch.sigmoid(total, out=out).mul_(256)
            else:
                torch.sin(total, out=out).add_(1).mul_(128)
        return values[INPUTS:]


@functools.lru_cache(maxsize=16)
def sums_of(program: Program) -> Sums:
    """A program's network for fast evaluation."""
    unit = math.log(8) / program.scale if program.activation == "sigmoid" else 1 / program.scale
    return Sums(Cascade(program).weights.T.contiguous() * unit, program.constant, program.activation)


def positions(size: int, own_size: int, zoom: float = 1.0, center: float = 0.0) -> Tensor:
    """Where the pixels of a picture lie on one axis of the program's own, float64 (size,).

    Args:
        size: pixels of the picture; the first and the last lie on the ends of the window.
        own_size: pixels that the program itself paints along this axis, at 0 to `own_size - 1`.
        zoom: the window shows `1 / zoom` of the axis. center: its middle, -1 to 1 from end to end.
    """
    last = own_size - 1
    step = last / (zoom * (size - 1)) if size > 1 else 0.0
    first = last / 2 * (1 + center - (1 / zoom if size > 1 else 0.0))
    return first + step * torch.arange(size, dtype=torch.float64)


@torch.no_grad()
def paint(program: Program, width: int, height: int, view: View | None = None) -> Tensor:
    """The picture that a program's network paints.

    Args:
        program: the network.
        width: pixels along x. height: pixels along y.
        view: window onto the plane; the program's own picture when not given.

    Returns:
        Colours, uint8 (height, width, 3): floored as Pyth does it. At the program's own size and view they are those
        of Pyth, bit by bit.

    Raises:
        ValueError: a size outside the limits.
    """
    check_size(width, height)
    view = view or View()
    exact = Cascade(program)
    own = (width, height, view) == (program.width, program.height, View())
    evaluate = exact if own and _magnifies(program) else sums_of(program)
    picture = torch.empty(height * width, 3, dtype=torch.uint8)
    for start, x, y in _chunks(program, width, height, view):
        colours = evaluate(x, y)[-3:]  # (3, P)
        doubtful = ((colours - colours.round()).abs() < DOUBT).any(dim=0)
        if own and bool(doubtful.any()):
            colours[:, doubtful] = exact(x[doubtful], y[doubtful])[-3:]
        # a saturated neuron is 256 exactly, one more than a pixel holds
        picture[start : start + len(x)] = colours.floor().clamp(0, 255).T
    return picture.view(height, width, 3)


@functools.lru_cache(maxsize=16)
def _magnifies(program: Program) -> bool:
    """Whether a network makes so much of the last bits that the order of summation shows in its colours.

    Those of a painting do not. A stranger's may, for instance if its sums are divided by 1.
    """
    x, y = (
        torch.linspace(0, side - 1, SAMPLES, dtype=torch.float64).floor() for side in (program.width, program.height)
    )
    x = x[torch.arange(SAMPLES) * 89 % SAMPLES]  # spread over the picture rather than along its diagonal
    return bool((Cascade(program)(x, y) - sums_of(program)(x, y)).abs().max() > DOUBT / 100)


@torch.no_grad()
def paint_neurons(program: Program, width: int, height: int) -> Tensor:
    """Every neuron as a picture, float64 (neurons, height, width) in [0, 256].

    Raises:
        ValueError: a size outside the limits.
    """
    check_size(width, height)
    if program.neurons * width * height > 4 * MAX_PIXELS:  # half a gigabyte of float64
        raise ValueError(f"{program.neurons} pictures of {width} x {height} pixels are too many")
    evaluate = sums_of(program)
    pictures = torch.empty(program.neurons, height * width, dtype=torch.float64)
    for start, x, y in _chunks(program, width, height, View()):
        pictures[:, start : start + len(x)] = evaluate(x, y)
    return pictures.view(program.neurons, height, width)


def _chunks(program: Program, width: int, height: int, view: View) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The pixels of a picture row by row in runs of `CHUNK`: number of the first, x and y of each in program pixels."""
    xs = positions(width, program.width, view.zoom, view.center_x)
    ys = positions(height, program.height, view.zoom, view.center_y)
    for start in range(0, width * height, CHUNK):
        number = torch.arange(start, min(start + CHUNK, width * height))
        yield start, xs[number % width], ys[number // width]


def size_at(program: Program, width: int) -> tuple[int, int]:
    """The size `width` pixels wide with the aspect ratio of the program's own picture."""
    return width, max(1, round(width * program.height / program.width))


def check_size(width: int, height: int) -> None:
    """Raise ValueError unless a picture of this size may be painted."""
    if width < 1 or height < 1:
        raise ValueError(f"a picture needs at least 1 x 1 pixels, not {width} x {height}")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(f"at most {MAX_SIDE:,} pixels along each side are painted here, not {width} x {height}")


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry paint`."""
    parser = argparse.ArgumentParser(prog="python -m cppn starry paint", description="Paint what a program paints.")
    parser.add_argument("program", help=f"{' or '.join(PROGRAMS)}, or the path of a .pyth file of this family")
    parser.add_argument("--width", type=int, help="pixels (default: as wide as the program itself paints)")
    parser.add_argument("--height", type=int, help="pixels (default: by the aspect ratio)")
    parser.add_argument("--zoom", type=float, default=1.0)
    parser.add_argument("--center", type=float, nargs=2, default=(0.0, 0.0), metavar=("X", "Y"))
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        painter = painter_of(args.program) if args.program in PROGRAMS else open_program(Path(args.program))
        width, height = size_at(painter.program, args.width or painter.program.width)
        picture = paint(painter.program, width, args.height or height, view_of(args.zoom, *args.center))
    except (ValueError, OSError, hub.WeightsError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    Image.fromarray(picture.numpy()).save(args.out, format="PNG")
    print(f"{args.out}: {width} x {args.height or height}, from {len(painter.data):,} bytes ({painter.source})")
    return 0
