"""Paths between messages, and the films of the glyphs along them.

A path is a closed loop, so that its film can run for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.faults import VisitorError
from cppn.glyphs.draw import INK, board, draw
from cppn.glyphs.message import family
from cppn.glyphs.network import GlyphNet, SeedNet

METHODS = {"spherical": "Spherical", "linear": "Straight lines", "seed": "The original's loop"}
GRIDS = {"1": (1, 1), "4 x 2": (4, 2), "8 x 4": (8, 4)}  # columns and rows
KEYS = (2, 4)  # messages on a path
SECONDS_A_FRAME = 0.06
MOST_PIXELS = 18_000_000  # of a whole film: 60 frames of 8 glyphs at 192 pixels; 2 to 5 seconds, up to 8 MB of WebP
NEARLY_PARALLEL = 1e-4  # radians between two directions; below this the sphere is flat to float precision

Step = Callable[[Tensor, Tensor, float], Tensor]


def lerp(start: Tensor, end: Tensor, share: float | Tensor) -> Tensor:
    """The point at `share` of the straight line between two messages, any shape (..., m)."""
    return start + (end - start) * share


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The point at `share` of the arc between two messages, (..., m), turning at an even pace and keeping the length.

    Shoemake, "Animating rotation with quaternion curves" (1985). Where the two directions are equal or opposite there
    is no such arc, and the straight line is taken.
    """
    directions = [message / message.norm(dim=-1, keepdim=True).clamp_min(1e-12) for message in (start, end)]
    angle = (directions[0] * directions[1]).sum(dim=-1, keepdim=True).clamp(-1, 1).acos()  # (..., 1)
    flat = (angle < NEARLY_PARALLEL) | (angle > math.pi - NEARLY_PARALLEL)
    sine = torch.where(flat, torch.ones_like(angle), angle.sin())
    arc = (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / sine
    return torch.where(flat, lerp(start, end, share), arc)


def stops_of(seeds: str) -> list[str]:
    """The messages of a path as they were typed, separated by commas.

    Raises:
        VisitorError: not two to four.
    """
    words = [word.strip() for word in seeds.split(",") if word.strip()]
    check_keys(len(words))
    return words


def check_keys(count: int) -> None:
    """Refuse paths through too few or too many messages.

    Raises:
        VisitorError: not two to four.
    """
    if not KEYS[0] <= count <= KEYS[1]:
        raise VisitorError(f"a path needs two to four messages, not {count:,}")


def loop(keys: Tensor, frames: int, method: str) -> Tensor:
    """Messages along a closed path.

    Args:
        keys: two to four messages, or that many batches of messages, (K, ..., m).
        frames: how many steps the loop takes; the one after the last is the first again.
        method: "spherical" or "linear" visit the keys one after another, each first met at frame k * frames / K;
            "seed" blends them by sines, lerp(lerp(a, b, sin / 2 + 1/2), c, cos / 2 + 1/2), as the original video did.

    Returns:
        (frames, ..., m).

    Raises:
        VisitorError: not two to four keys.
    """
    check_keys(len(keys))
    place, step = {"spherical": (_visit, slerp), "linear": (_visit, lerp), "seed": (_blend, lerp)}[method]
    return torch.stack([place(keys, frame / frames, step) for frame in range(frames)])


def _visit(keys: Tensor, share: float, step: Step) -> Tensor:
    """From key to key and back to the first."""
    number, rest = divmod(share * len(keys), 1.0)
    return step(keys[int(number)], keys[(int(number) + 1) % len(keys)], rest)


def _blend(keys: Tensor, share: float, step: Step) -> Tensor:
    """Each further key is mixed in by a sine of its own; for three keys this is the original's formula."""
    angle = 2 * math.pi * share
    waves = (math.sin(angle), math.cos(angle), math.sin(2 * angle))
    mixed = keys[0]
    for key, wave in zip(keys[1:], waves, strict=False):
        mixed = step(mixed, key, 0.5 * wave + 0.5)
    return mixed


@dataclass(frozen=True)
class Film:
    """What an animation is to look like.

    Attributes:
        frames: steps of the loop. tile: pixels along a side of each glyph. grid: one of `GRIDS`.
        method: one of `METHODS`. ink: factor on the logits.
    """

    frames: int = 60
    tile: int = 192
    grid: str = "1"
    method: str = "spherical"
    ink: float = INK

    def __post_init__(self) -> None:
        if (pixels := self.frames * self.tile**2 * self.glyphs) > MOST_PIXELS:
            raise VisitorError(
                f"{self.frames} frames of {self.glyphs} glyph{'s' * (self.glyphs > 1)} at {self.tile} pixels are "
                f"{pixels / 1e6:.0f} million pixels; at most {MOST_PIXELS // 10**6} million are drawn here. "
                "Take fewer frames, smaller glyphs or a smaller grid"
            )

    @property
    def glyphs(self) -> int:
        """In each frame."""
        return math.prod(GRIDS[self.grid])


def largest_tile(frames: int, grid: str, pixels: int) -> int:
    """Side of the largest glyphs with which a film has no more than so many pixels."""
    return math.isqrt(pixels // (frames * math.prod(GRIDS[grid])))


def seconds_of(frames: int, tile: int, grid: str) -> float:
    """About how long a film and its file take one core: for its pixels, in colour, and for each glyph in it."""
    glyphs = frames * math.prod(GRIDS[grid])
    return 1.2e-7 * glyphs * tile**2 + 2e-4 * glyphs


def film(net: GlyphNet | SeedNet, words: list[str], wanted: Film) -> tuple[list[Tensor], Tensor]:
    """The frames of a loop through messages, and its key frames.

    Args:
        net: the networks whose writer draws.
        words: two to four seeds or texts as typed. In a grid the first glyph follows them; for the others messages are
            drawn after them.
        wanted: how it is to look.

    Returns:
        Frames, uint8 (H, W, 3) each; and twice as many glyphs as there are words, evenly spaced along the first path,
        (2 K, tile, tile, 3).

    Raises:
        VisitorError: messages that do not exist, or too many or too few of them.
    """
    check_keys(len(words))
    keys = torch.stack([family(word, net.numbers, wanted.glyphs) for word in words])  # (K, glyphs, numbers)
    columns, _ = GRIDS[wanted.grid]
    frames = [
        board(draw(net, messages, wanted.tile, wanted.ink), columns)
        for messages in loop(keys, wanted.frames, wanted.method)
    ]
    stops = loop(keys[:, 0], 2 * len(words), wanted.method)  # (2 K, numbers)
    return frames, draw(net, stops, wanted.tile, wanted.ink)
