"""From a program's network to a picture: bit-equal to Pyth at the program's own size, between its pixels at others."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.coordinates import View
from cppn.faults import VisitorError, still_wanted
from cppn.starry.network import INPUTS, Cascade
from cppn.starry.program import Program

CHUNK = 8192  # positions at a time: 48 values of each are 3 MB; measured best of 1,024 to 16,384
MAX_SIDE = 4096  # pixels along each side
MAX_PIXELS = 4096 * 4096
# Two orders of summation differ by some 1e-10. A value this near to a whole number is computed again in Pyth's own
# order, because the floor could show the difference; about one pixel a picture.
DOUBT = 1e-6
SAMPLES = 1000  # positions at which the two orders are compared
# Seconds of a core that a position takes, for a neuron and for each of its inputs; and a neuron's in Pyth's own order.
# Measured on 3 to 96 neurons of both kinds on one core of a small virtual machine, where they hold within a third
# either way; sums in the thousands, whose sines take longer, cost half as much again.
NEURON_SECONDS, INPUT_SECONDS, EXACT_SECONDS = 11e-9, 1e-10, 90e-9
MAX_SECONDS = 10  # that a picture may take by these rates; our own at its largest takes 9
READY_SECONDS = 2.5  # the same for a stranger's program at its own size: on a machine four times slower, 10


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
        VisitorError: a size outside the limits, or one that takes too long.
        Abandoned: nobody waits for the picture any more.
    """
    view = view or View()
    exact = Cascade(program)
    own = (width, height, view) == (program.width, program.height, View())
    _check_cost(program, width, height, _exact_share(program) if own else 0)
    evaluate = exact if own and _magnifies(program) else sums_of(program)
    picture, corrected = torch.empty(height * width, 3, dtype=torch.uint8), 0
    for start, x, y in _chunks(program, width, height, view):
        colours = evaluate(x, y)[-3:]  # (3, P)
        doubtful = _doubtful(colours)
        if own and evaluate is not exact and bool(doubtful.any()):
            corrected += int(doubtful.sum())
            _check_cost(program, width, height, corrected / len(picture))  # a few samples may have told too little
            colours[:, doubtful] = exact(x[doubtful], y[doubtful])[-3:]
        # a saturated neuron is 256 exactly, one more than a pixel holds
        picture[start : start + len(x)] = colours.floor().clamp(0, 255).T
    return picture.view(height, width, 3)


def cost(program: Program, width: int, height: int, exact: float = 0) -> float:
    """Seconds of one core that a picture of this size takes, about.

    Args:
        exact: share of the positions that are computed in Pyth's own order, as at the program's own size.
    """
    n = program.neurons
    return width * height * (n * NEURON_SECONDS + n * (n + 5) / 2 * INPUT_SECONDS + exact * n * EXACT_SECONDS)


def largest_affordable(program: Program) -> tuple[int, int]:
    """The size at which a stranger's program is painted: its own, or the largest of that shape that is soon ready."""
    width, height = program.width, program.height
    if cost(program, width, height, _exact_share(program)) <= READY_SECONDS:
        return width, height
    # Where only exactness is too dear, half the size: a pixel less would be neither the program's picture nor cheaper.
    scale = min(0.5, math.sqrt(READY_SECONDS / cost(program, width, height)))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _check_cost(program: Program, width: int, height: int, exact: float) -> None:
    """Raise VisitorError unless a picture of this size may be painted and is ready in time."""
    check_size(width, height)
    if (seconds := cost(program, width, height, exact)) > MAX_SECONDS:
        enough = (max(1, int(side * math.sqrt(MAX_SECONDS / seconds))) for side in (width, height))
        raise VisitorError(
            f"this program would take about {seconds:.0f} seconds to paint {width} x {height} pixels; "
            f"at most {MAX_SECONDS} are spent on a picture here, enough for {' x '.join(map(str, enough))}"
        )


def _doubtful(colours: Tensor) -> Tensor:
    """Which positions have a colour, (3, P), so near to a whole number that the order of summation could show; (P,)."""
    return ((colours - colours.round()).abs() < DOUBT).any(dim=0)


@functools.lru_cache(maxsize=16)
def _exact_share(program: Program) -> float:
    """The share of the pixels of a program's own picture that are computed in Pyth's own order, judged by samples."""
    return 1.0 if _magnifies(program) else float(_doubtful(_samples(program)[0][-3:]).double().mean())


@functools.lru_cache(maxsize=16)
def _magnifies(program: Program) -> bool:
    """Whether a network makes so much of the last bits that the order of summation shows in its colours.

    Those of a painting do not. A stranger's may, for instance if its sums are divided by 1.
    """
    fast, exact = _samples(program)
    return bool((exact - fast).abs().max() > DOUBT / 100)


def _samples(program: Program) -> tuple[Tensor, Tensor]:
    """Every neuron at `SAMPLES` of the program's pixels, (neurons, SAMPLES), in the fast order and in Pyth's own."""
    x, y = (
        torch.linspace(0, side - 1, SAMPLES, dtype=torch.float64).floor() for side in (program.width, program.height)
    )
    x = x[torch.arange(SAMPLES) * 89 % SAMPLES]  # spread over the picture rather than along its diagonal
    return sums_of(program)(x, y), Cascade(program)(x, y)


@torch.no_grad()
def paint_neurons(program: Program, width: int, height: int) -> Tensor:
    """Every neuron as a picture, float64 (neurons, height, width) in [0, 256].

    Raises:
        VisitorError: a size outside the limits.
    """
    check_size(width, height)
    if program.neurons * width * height > 4 * MAX_PIXELS:  # half a gigabyte of float64
        raise VisitorError(f"{program.neurons} pictures of {width} x {height} pixels are too many")
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
        still_wanted()
        number = torch.arange(start, min(start + CHUNK, width * height))
        yield start, xs[number % width], ys[number // width]


def size_at(program: Program, width: int) -> tuple[int, int]:
    """The size `width` pixels wide with the aspect ratio of the program's own picture."""
    return width, max(1, round(width * program.height / program.width))


def check_size(width: int, height: int) -> None:
    """Raise VisitorError unless a picture of this size may be painted."""
    if width < 1 or height < 1:
        raise VisitorError(f"a picture needs at least 1 x 1 pixels, not {width} x {height}")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise VisitorError(f"at most {MAX_SIDE:,} pixels along each side are painted here, not {width} x {height}")
