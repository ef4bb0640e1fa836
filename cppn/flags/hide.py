"""A visitor's picture into a fresh MysteryNet: the training behind "hide a picture", for a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cppn import checkpoint, render
from cppn.faults import VisitorError
from cppn.flags.decode import WIDTH
from cppn.flags.fit import as_image, export, fit
from cppn.flags.network import GiftConfig
from cppn.flags.recipe import Recipe
from cppn.flags.target import NARROWEST, Target

PREVIEW_EVERY = 0.7  # seconds between two looks; making one takes about 0.01


@dataclass(frozen=True)
class Look:
    """One look at a network that learns a picture; plain values, which travel between processes.

    Attributes:
        step: steps taken so far. seconds: of processor time used so far. fraction: of the run that is done, in [0, 1].
        psnr: decibels at the pixel centres, as the weights below show them.
        curve: step, seconds and psnr whenever they were measured, more often than there are looks.
        width: pixels of the picture along x. height: along y.
        picture: what the network shows, a PNG file.
        weights: the network, a safetensors file.
        done: what was done to the picture as it was opened, in words.
    """

    step: int
    seconds: float
    fraction: float
    psnr: float
    curve: tuple[tuple[int, float, float], ...]
    width: int
    height: int
    picture: bytes
    weights: bytes
    done: str


def hide(picture: Path, seconds: float) -> Iterator[Look]:
    """Teach a fresh MysteryNet a picture; the last look, of fraction 1, is at the finished network.

    Args:
        picture: a stranger's picture file; it is learnt `WIDTH` pixels wide, as the flags are, or twice as high.
        seconds: how long to train, as `workers.Clock` counts them.

    Raises:
        VisitorError: no picture that can be read, or one that is too large or too small.
        FloatingPointError: the run diverged.
    """
    opened = render.open_upload(picture)
    image = opened.picture
    if min(image.size) < NARROWEST:
        raise VisitorError(
            f"the picture has only {image.width} x {image.height} pixels; at least {NARROWEST} x {NARROWEST} are needed"
        )
    target = Target.from_picture(image, WIDTH)
    # the clock ends the run; the number of steps only spaces the first looks, dense at the start
    recipe = Recipe(seconds=seconds, steps=int(seconds * 1000))
    curve, shown = [], -PREVIEW_EVERY
    for progress in fit(target, recipe):
        curve.append((progress.step, progress.seconds, progress.psnr))
        if progress.fraction < 1 and time.monotonic() - shown < PREVIEW_EVERY:
            continue
        shown = time.monotonic()
        yield Look(
            step=progress.step,
            seconds=progress.seconds,
            fraction=progress.fraction,
            psnr=progress.psnr,
            curve=tuple(curve),
            width=target.width,
            height=target.height,
            picture=render.png_bytes(as_image(progress.picture)),
            weights=checkpoint.to_bytes(export(progress.net, target, recipe), GiftConfig(target.width, target.height)),
            done=" ".join(opened.done),
        )
