"""A text's way: writer, channel, reader, check; and the reading of pictures that somebody brings.

Nothing but the reader's networks straightens what arrived.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cppn.faults import VisitorError
from cppn.glyphs.channel import Channel
from cppn.glyphs.message import ReadText, code_of, read_message, text_to_message, text_to_signs
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.training import named_generator

DRAWS = 100
SAME = 16  # levels of 255: a pixel of a margin differs from its corner by no more
SMALLEST = 12  # pixels along a side in which a glyph might still be recognised


@dataclass(frozen=True)
class Delivery:
    """One text, sent many times.

    Attributes:
        sent: the glyph as drawn for sending, (C, S, S) in [0, 1].
        received: what arrived, (draws, C, S, S), with noise beyond [0, 1].
        straightened: what the reader made of it, of the same shape; None where the reader does not straighten.
        texts: what was read each time.
        right: signs read correctly each time, (draws,).
        signs: of a text.
    """

    sent: Tensor
    received: Tensor
    straightened: Tensor | None
    texts: tuple[ReadText, ...]
    right: Tensor
    signs: int

    @property
    def exact(self) -> int:
        """How often every sign was right."""
        return int((self.right == self.signs).sum())


@torch.inference_mode()
def send(net: GlyphNet | SeedNet, text: str, channel: Channel, seed: int, draws: int = DRAWS) -> Delivery:
    """Send a text's glyph through the channel again and again, and read what arrives.

    Raises:
        VisitorError: the text does not fit.
    """
    message = text_to_message(text, net.numbers)
    sent = net.draw(message[None])  # (1, C, S, S)
    received = channel.send(sent.expand(draws, -1, -1, -1), named_generator("glyph channel", seed))
    reading = net.read(received)
    texts = tuple(read_message(values) for values in reading.messages)
    signs = text_to_signs(text, code_of(net.numbers))
    right = torch.stack([read.signs == signs for read in texts]).sum(dim=1)
    return Delivery(sent[0], received, reading.straightened, texts, right, len(signs))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score method (1927), which stays sensible at 0 and 1."""
    z = 1.96
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (count - hits) / count + z * z / 4)
    return max(0.0, (middle - spread) / (count + z * z)), min(1.0, (middle + spread) / (count + z * z))


@dataclass(frozen=True)
class Attempt:
    """One way of looking at a picture that was brought.

    Attributes:
        how: in words. seen: what the reader was shown, (C, S, S) in [0, 1].
        straightened: what it made of it, or None. read: the text.
    """

    how: str
    seen: Tensor
    straightened: Tensor | None
    read: ReadText


def read_picture(net: GlyphNet | SeedNet, picture: Image.Image) -> list[Attempt]:
    """Try to read a picture: whole or without its margin, as it is or as a negative.

    Each attempt is another chance for the check bits to fit by accident, so there are only these four.

    Returns:
        The attempts; if one of them was read, it comes last and ends them.

    Raises:
        VisitorError: a picture too small to hold a glyph.
    """
    if min(picture.size) < SMALLEST:
        raise VisitorError(
            f"the picture has only {picture.width} x {picture.height} pixels; "
            f"at least {SMALLEST} x {SMALLEST} are needed"
        )
    attempts = []
    for how, square in _squares(picture):
        seen = _to_tensor(square, net)
        for manner, values in (("as it is", seen), ("as a negative", 1 - seen)):
            attempts.append(_attempt(net, f"{how}, {manner}", values))
            if attempts[-1].read.text is not None:
                return attempts
    return attempts


@torch.inference_mode()
def _attempt(net: GlyphNet | SeedNet, how: str, seen: Tensor) -> Attempt:
    """Read one picture (C, S, S)."""
    reading = net.read(seen[None])
    straightened = None if reading.straightened is None else reading.straightened[0]
    return Attempt(how, seen, straightened, read_message(reading.messages[0]))


def _squares(picture: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """The square in the middle; and, if the picture has a margin of one colour, the square of what is inside it."""
    yield "the whole picture", ImageOps.fit(picture, (min(picture.size),) * 2)
    pixels = np.asarray(picture).astype(np.int16)
    rows, columns = np.nonzero(np.abs(pixels - pixels[0, 0]).max(axis=2) > SAME)
    if len(rows) == 0:
        return
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    side = int(max(right - left, bottom - top))
    if SMALLEST <= side < 0.97 * min(picture.size):
        x, y = (left + right - side) // 2, (top + bottom - side) // 2
        corner = tuple(int(value) for value in pixels[0, 0])
        square = Image.new("RGB", (side, side), corner)
        square.paste(picture, (-int(x), -int(y)))
        yield "the picture without its margin", square


def _to_tensor(square: Image.Image, net: GlyphNet | SeedNet) -> Tensor:
    """A square picture in the size and colours that the reader knows, (C, S, S) in [0, 1]."""
    small = square.convert("L" if net.channels == 1 else "RGB").resize((net.pixels,) * 2, Image.Resampling.BILINEAR)
    values = torch.from_numpy(np.array(small, dtype=np.float32)) / 255  # (S, S) or (S, S, 3)
    return values[None] if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
