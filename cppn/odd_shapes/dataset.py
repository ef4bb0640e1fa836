"""Pictures with one odd shape among several of another kind, drawn as fast as a network can look at them.

The rules are those of `OddXYDataset` from the homework (Szymon Nowakowski, "Machine Learning", University of Warsaw,
2025): a white 64 x 64 canvas; three to six base shapes of one kind and one odd shape of another; each with a radius of
4 to 10 pixels and a centre that keeps it inside; filled black, with no regard to overlaps. As everything is the same
black, a picture is the union of its shapes, and an odd shape can vanish under the others.

Pillow draws them shape by shape. Here each row of a shape is a 64-bit number and each row of a picture the bitwise OR
of at most seven of them, for hundreds of pictures at once: about ten times faster, and the same to the pixel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from cppn.faults import VisitorError

CANVAS = 64  # pixels along each side
KINDS = ("circle", "square", "triangle")
SMALLEST, LARGEST = 4, 10  # radius in pixels
FEWEST, MOST = 3, 6  # base shapes in a picture
SLOTS = MOST + 1  # the odd shape, then the base shapes
ABSENT = len(KINDS)  # the kind of an empty slot
RADII = LARGEST - SMALLEST + 1

# Pillow's filled circle of radius r holds the pixels with dx^2 + dy^2 <= this
_CIRCLE = {4: 18, 5: 29, 6: 40, 7: 53, 8: 68, 9: 85, 10: 109}


@dataclass(frozen=True)
class Pictures:
    """N pictures with everything that is known about them.

    Attributes:
        ink: uint8 (N, 64, 64); 1 is ink, 0 is paper.
        kind: int (N, 7), an index of `KINDS` or `ABSENT`; column 0 is the odd shape.
        radius: int (N, 7), pixels.
        x: int (N, 7), centre in pixels from the left. y: int (N, 7), from the top.
        visible: float (N,), share of the odd shape's pixels that no base shape covers.
    """

    ink: np.ndarray
    kind: np.ndarray
    radius: np.ndarray
    x: np.ndarray
    y: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.ink)

    def first(self, count: int) -> Pictures:
        """The first `count` of these pictures."""
        return self.take(slice(count))

    def take(self, chosen: np.ndarray | slice) -> Pictures:
        """The pictures with these numbers."""
        return Pictures(*(getattr(self, item.name)[chosen] for item in fields(self)))

    @property
    def inputs(self) -> Tensor:
        """What a network is shown, float32 (N, 1, 64, 64): ink 0 on paper 1."""
        return torch.from_numpy(1 - self.ink)[:, None].float()

    @property
    def targets(self) -> Tensor:
        """The odd shapes' centres (x, y) in pixels, float32 (N, 2)."""
        return torch.from_numpy(np.stack([self.x[:, 0], self.y[:, 0]], axis=1)).float()


def half_width(kind: int, radius: int, dy: int) -> int:
    """Pixels that a shape's row `dy` below its centre reaches to either side; -1 if it has no such row."""
    if abs(dy) > radius:
        return -1
    if KINDS[kind] == "circle":
        return int(np.sqrt(_CIRCLE[radius] - dy * dy))
    return radius if KINDS[kind] == "square" else (radius + dy) // 2


def _shape_rows() -> np.ndarray:
    """Every shape at every x as rows of bits, uint64 ((3 kinds x 7 radii + 1 absent) x 64 positions, 65, 64).

    The middle axis is where the window of 64 rows starts: `63 - y` puts the centre on row y. Memory is shared between
    the windows, so the table itself is 22 x 64 x 128 numbers.
    """
    table = np.zeros((len(KINDS) * RADII + 1, CANVAS, 2 * CANVAS), np.uint64)
    for kind in range(len(KINDS)):
        for radius in range(SMALLEST, LARGEST + 1):
            for dy in range(-radius, radius + 1):
                half = half_width(kind, radius, dy)
                bits = (1 << (2 * half + 1)) - 1
                for x in range(radius, CANVAS - radius):
                    table[kind * RADII + radius - SMALLEST, x, CANVAS - 1 + dy] = bits << (x - half)
    return sliding_window_view(table.reshape(-1, 2 * CANVAS), CANVAS, axis=1)


_ROWS = _shape_rows()


def rows_of(kind: np.ndarray, radius: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shapes on an otherwise empty canvas, uint64 (..., 64): each row as `packed` packs it.

    Args: all int (...); `ABSENT` shapes have no pixels.
    """
    shape = np.where(kind == ABSENT, len(KINDS) * RADII, kind * RADII + radius - SMALLEST)
    return _ROWS[shape * CANVAS + x, CANVAS - 1 - y]


def packed(pixels: np.ndarray) -> np.ndarray:
    """Rows of 64 pixels, bool or uint8 (..., 64), as whole numbers, uint64 (...): the pixel at x is bit x."""
    return np.packbits(pixels, axis=-1, bitorder="little").view("<u8")[..., 0]


def unpacked(rows: np.ndarray) -> np.ndarray:
    """The pixels of such rows, bool (..., 64)."""
    bits = np.unpackbits(rows.astype("<u8", copy=False).view(np.uint8), bitorder="little")
    return bits.view(bool).reshape(*rows.shape, CANVAS)


def draw(kind: np.ndarray, radius: np.ndarray, x: np.ndarray, y: np.ndarray) -> Pictures:
    """Draw the pictures that these shapes make; every array is int (N, 7), column 0 the odd shape.

    Raises:
        ValueError: an unknown kind, a radius out of range, or a shape that is not wholly on the canvas.
    """
    if not np.all((kind >= 0) & (kind <= ABSENT) & (radius >= SMALLEST) & (radius <= LARGEST)):
        raise ValueError(f"a shape is one of {len(KINDS)} kinds with a radius of {SMALLEST} to {LARGEST} pixels")
    edge = np.minimum(np.minimum(x, y), CANVAS - 1 - np.maximum(x, y))
    if np.any((edge < radius) & (kind != ABSENT)):
        raise ValueError("every shape must lie wholly on the canvas")
    rows = rows_of(kind, radius, x, y)  # (N, 7, 64)
    base = np.bitwise_or.reduce(rows[:, 1:], axis=1)  # (N, 64)
    odd = rows[:, 0]
    seen = np.bitwise_count(odd & ~base).sum(axis=1) / np.maximum(1, np.bitwise_count(odd).sum(axis=1))
    return Pictures(unpacked(base | odd).view(np.uint8), kind, radius, x, y, seen)


def sample(
    rng: np.random.Generator, count: int, base: int | None = None, odd: int | None = None, shapes: int | None = None
) -> Pictures:
    """Draw pictures by the homework's rules.

    Args:
        rng: source of the draws.
        count: number of pictures.
        base: kind of the base shapes, an index of `KINDS`; drawn for each picture when not given.
        odd: kind of the odd shape, likewise.
        shapes: number of base shapes, likewise.

    Raises:
        VisitorError: the odd kind equals the base kind, or a number of base shapes other than 3 to 6.
    """
    if base is not None and base == odd:
        raise VisitorError("the odd shape must be of another kind than the others")
    if shapes is not None and not FEWEST <= shapes <= MOST:
        raise VisitorError(f"there are {FEWEST} to {MOST} base shapes, not {shapes}")
    apart = rng.integers(1, len(KINDS), count)  # how far the odd kind is from the base kind, around the circle of three
    if base is None and odd is not None:
        odds = np.full(count, odd)
        bases = (odds + apart) % len(KINDS)
    else:
        bases = rng.integers(0, len(KINDS), count) if base is None else np.full(count, base)
        odds = (bases + apart) % len(KINDS) if odd is None else np.full(count, odd)
    number = rng.integers(FEWEST, MOST + 1, count) if shapes is None else np.full(count, shapes)
    kind = np.repeat(bases[:, None], SLOTS, axis=1)
    kind[:, 0] = odds
    kind[np.arange(SLOTS) > number[:, None]] = ABSENT
    radius = rng.integers(SMALLEST, LARGEST + 1, (count, SLOTS))
    x, y = (rng.integers(radius, CANVAS - radius) for _ in range(2))
    return draw(kind, radius, x, y)


def named_rng(name: str, seed: int) -> np.random.Generator:
    """A numpy random generator that depends on nothing but `name` and `seed`."""
    digest = hashlib.sha256(f"{name}:{seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
