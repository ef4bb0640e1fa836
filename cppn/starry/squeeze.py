"""A kilobyte of your own: any picture as a program of at most 1024 bytes, by the recipe that made ours.

python -m cppn starry squeeze picture.jpg --seconds 600 --out picture.pyth
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cppn import render
from cppn.checkpoint import write_atomically
from cppn.starry.exhibit import Look, score
from cppn.starry.paint import paint
from cppn.starry.picture import as_tensor
from cppn.starry.program import BYTE_LIMIT, Program, read, write
from cppn.starry.search import squeeze as search
from cppn.starry.shape import Shape
from cppn.starry.words import STAGES

LONGEST, SHORTEST = 386, 16  # pixels of a squeezed picture's sides: as long as the contest's, and not a mere line
# Fewer neurons than our Starry Night has, with finer levels: a step costs half as much, and weights that are simply
# rounded paint nearly what the real ones do, so that there is something to look at from the start.
QUICK = Shape(neurons=36, levels=1283, scale=46_200, constant=227)
NO_ERROR = 99.0  # decibels that stand for two equal pictures


def target_of(picture: Image.Image) -> Tensor:
    """A picture as large as a program is to paint it: its longer side 386 pixels, uint8 (H, W, 3).

    Raises:
        ValueError: more than 24 times as long as wide.
    """
    scale = LONGEST / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    if min(width, height) < SHORTEST:
        raise ValueError(f"the picture is {picture.width} x {picture.height} pixels; that is too narrow a strip")
    return as_tensor(picture.resize((width, height), Image.Resampling.LANCZOS))


def squeeze(target: Tensor, seconds: float, seed: int = 0) -> Iterator[Look]:
    """Search for the program that paints a picture best; the last look, of share 1, is at the best of all.

    Args:
        target: uint8 (H, W, 3). seconds: of wall clock. seed: of the random start.
    """
    start, best = time.monotonic(), None
    for step in search(target, seconds, seed, QUICK):
        spent = time.monotonic() - start
        data = _fitting(step.program)
        if data:
            look = _look_at(data, target, step.stage, min(step.share, 0.99), spent)
            best = look if best is None or look.score < best.score else best
            yield look
        if best and spent > seconds:  # a busy machine: one step of the end can take long
            break
    if best:
        yield replace(best, stage="polish", share=1.0, seconds=time.monotonic() - start)


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


def describe(look: Look) -> str:
    """One line about a look."""
    return (
        f"{look.share:4.0%}  {look.seconds:6.1f} s  {STAGES[look.stage]:20}  score {look.score:9.2f}  "
        f"{look.decibels:5.2f} dB  {len(look.data):,} bytes"
    )


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry squeeze`."""
    parser = argparse.ArgumentParser(prog="python -m cppn starry squeeze", description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path, help="PNG, JPEG, WebP, GIF or BMP, of any size")
    parser.add_argument("--seconds", type=float, default=600, help="time to search (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random start (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the .pyth file to write; its picture goes beside it")
    args = parser.parse_args(argv)
    if not args.seconds >= 1:
        parser.error("at least one second is needed")
    torch.set_num_threads(1)
    look = None
    try:
        for look in squeeze(target_of(render.open_picture(args.picture)), args.seconds, args.seed):
            print(describe(look), flush=True)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        print("stopped; the last program is kept", file=sys.stderr)
    if look is None:
        parser.exit(2, f"{parser.prog}: there was no time for a first program; allow more seconds\n")
    write_atomically(args.out, look.data)
    Image.fromarray(look.picture.numpy()).save(args.out.with_suffix(".png"), format="PNG")
    print(f"{args.out}: {len(look.data):,} bytes; {args.out.with_suffix('.png')}: what it paints")
    return 0
