"""A kilobyte of your own: any picture as a program of at most 1024 bytes, by the recipe that made ours.

The stages of the search are cut to the seconds there are; whatever stands at any moment is rounded and written as a
program, and what is shown is painted from that program's own bytes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from torch import Tensor

from cppn import render
from cppn.faults import VisitorError
from cppn.starry.fit import Objective
from cppn.starry.paint import paint
from cppn.starry.picture import as_tensor, score
from cppn.starry.program import BYTE_LIMIT, Program, read, write
from cppn.starry.quantise import fit_in, polish, round_all
from cppn.starry.search import ALL, Search, Stage
from cppn.starry.shape import Shape
from cppn.training import named_generator
from cppn.workers import Clock

LONGEST, SHORTEST = 386, 16  # pixels of a squeezed picture's sides: as long as the contest's, and not a mere line
# Fewer neurons than our Starry Night has, with finer levels: a step costs half as much, and weights that are simply
# rounded paint nearly what the real ones do, so that there is something to look at from the start.
QUICK = Shape(neurons=36, levels=1283, scale=46_200, constant=227)
SMALLEST = 8  # pixels along a side of a picture worth squeezing
NO_ERROR = 99.0  # decibels that stand for two equal pictures
BEAT = 0.7  # seconds by the wall between two looks; making one takes about 0.1
STAGES = {  # what a search does, in plain words
    "adam": "first sketch",
    "levenberg": "finding the shapes",
    "rounding": "rounding the weights",
    "polish": "last touches",
}
_DESCENT = (  # share of the time at which each stage ends
    (0.12, Stage(ALL, 4_000)),
    (0.45, Stage(ALL, 4_000, 15_000, 1e-2)),
    (0.70, Stage(ALL, 8_000, 60_000, 3e-3)),
)
_LAST_POLISH = 0.9  # share after which no round of polish begins: it takes seconds


@dataclass(frozen=True)
class Look:
    """One look at a search.

    Attributes:
        stage: what it is doing, one of `STAGES`. share: of its time that is over, in [0, 1].
        seconds: since it began. score: the contest's, of the picture below; lower is better.
        decibels: the same as a peak signal-to-noise ratio; higher is better.
        data: the program, at most 1024 bytes.
        picture: what that program paints, uint8 (H, W, 3), read from its own bytes.
        done: what was done to the visitor's picture as it was opened, in words.
    """

    stage: str
    share: float
    seconds: float
    score: float
    decibels: float
    data: bytes
    picture: Tensor
    done: str = ""


def squeeze_file(picture: Path, seconds: float, seed: int = 0) -> Iterator[Look]:
    """Squeeze a stranger's picture file; made of plain values, so that it can run in a process of its own.

    Raises:
        VisitorError: no picture that can be read, or one that is too large, too small or too narrow.
    """
    target, done = target_of_upload(picture)
    for look in squeeze(target, seconds, seed):
        yield replace(look, done=done)


def target_of_upload(path: Path) -> tuple[Tensor, str]:
    """A stranger's picture file as large as a program is to paint it, and what was done to it in words.

    Raises:
        VisitorError: as `squeeze_file`.
    """
    opened = render.open_upload(path)
    image = opened.picture
    if min(image.size) < SMALLEST:
        raise VisitorError(
            f"the picture has only {image.width} x {image.height} pixels; at least {SMALLEST} x {SMALLEST} are needed"
        )
    return target_of(image), " ".join(opened.done)


def target_of(picture: Image.Image) -> Tensor:
    """A picture as large as a program is to paint it: its longer side 386 pixels, uint8 (H, W, 3).

    Raises:
        PictureError: so narrow a strip that it would be less than 16 pixels wide.
    """
    size = render.within(picture.size, LONGEST, LONGEST, SHORTEST)
    return as_tensor(picture.resize(size, Image.Resampling.LANCZOS))


def squeeze(target: Tensor, seconds: float, seed: int = 0, shape: Shape = QUICK) -> Iterator[Look]:
    """Search for the program that paints a picture best; the last look, of share 1, is at the best of all.

    Args:
        target: uint8 (H, W, 3). seconds: as `workers.Clock` counts them. seed: of the random start.
    """
    clock, best = Clock(), None
    for stage, program in _stages(target, seconds, seed, shape, clock):
        spent = clock.seconds
        if data := _fitting(program):
            look = _look_at(data, target, stage, min(spent / seconds, 0.99), spent)
            best = look if best is None or look.score < best.score else best
            yield look
        if best and spent > seconds:  # a busy machine: one step of the end can take long
            break
    if best:
        yield replace(best, stage="polish", share=1.0, seconds=clock.seconds)


def _stages(target: Tensor, seconds: float, seed: int, shape: Shape, clock: Clock) -> Iterator[tuple[str, Program]]:
    """The search, about twice a second: what it is doing, and what stands, as a program. The last one fits.

    The end takes as long as one block of rounding, a second or so, so it comes that much early or late.
    """
    objective, shown = Objective(target, shape), time.monotonic()

    def due() -> bool:
        nonlocal shown
        if time.monotonic() - shown < BEAT:
            return False
        shown = time.monotonic()
        return True

    def stands(weights: Tensor) -> Program:
        return shape.program(weights, objective.width, objective.height)

    search = Search(objective, tuple(stage for _, stage in _DESCENT), seed)
    for number, (until, stage) in enumerate(_DESCENT):
        search.enter(number)
        while clock.seconds < until * seconds:
            search.advance()
            if due():
                yield "levenberg" if stage.judged else "adam", stands(search.weights)
    whole = search.weights
    generator = named_generator("starry rounding", seed)
    for _, whole in round_all(objective, search.weights, 16, 4_000, 30_000, generator, steps=2):
        if due():
            yield "rounding", stands(whole)
    better = polish(objective, whole)
    while clock.seconds < _LAST_POLISH * seconds and (found := next(better, None)):
        whole = found[1]
        yield "polish", stands(whole)
    yield "polish", stands(fit_in(objective, whole))


def _look_at(data: bytes, target: Tensor, stage: str, share: float, seconds: float) -> Look:
    """A look at a program, whose picture is painted from its own bytes."""
    height, width, _ = target.shape
    picture = paint(read(data), width, height)
    error = score(picture, target)
    return Look(stage, share, seconds, error, decibels(error, target.numel()), data, picture)


def _fitting(program: Program) -> bytes:
    """The program's bytes; none if they are too many, or if the number begins with a 0."""
    try:
        data = write(program)
    except ValueError:
        return b""
    return data if len(data) <= BYTE_LIMIT else b""


def decibels(error: float, values: int) -> float:
    """A score over that many values as a peak signal-to-noise ratio."""
    return min(NO_ERROR, 10 * math.log10(values / error)) if error > 0 else NO_ERROR
