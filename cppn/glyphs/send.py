"""A text's way: writer, channel, reader, check, and a second look at what the check refuses.

At first nothing but the reader's networks straightens what arrived. Where the check bits do not fit, the writer helps:
the drawing is bent until it fits what arrived (`cppn.glyphs.refine`), and the check bits are asked once more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.glyphs.channel import Channel
from cppn.glyphs.legible import legible_message
from cppn.glyphs.message import LONG, ReadText, code_of, read_message, text_to_signs
from cppn.glyphs.network import GlyphNet, Reading, SeedNet
from cppn.glyphs.refine import NOISE, REACH, refine
from cppn.projective import warp
from cppn.training import named_generator

DRAWS = 100
LOOKED_AGAIN, LOOKS = 8, 16  # arrivals at most, of those that the check refuses, and second, third, ... looks in all
# how a second look, a third and so on starts: how many times wider the networks see, and how far to the right and down
STARTS = ((1.0, 0.0, 0.0), (1.1, 0.1, 0.0), (1.1, -0.1, 0.0), (1.1, 0.0, 0.1), (1.1, 0.0, -0.1))
EFFORT = (48, 60)  # pixels across and steps of each


@dataclass(frozen=True)
class Delivery:
    """One text, sent many times.

    Attributes:
        sent: the glyph as drawn for sending, (C, S, S) in [0, 1].
        received: what arrived, (draws, C, S, S), with noise beyond [0, 1].
        straightened: what the reader made of it, of the same shape; None where the reader does not straighten.
        texts: what was read each time. again: the numbers of those that were looked at again.
        right: signs read correctly each time, (draws,).
        signs: of a text.
    """

    sent: Tensor
    received: Tensor
    straightened: Tensor | None
    texts: tuple[ReadText, ...]
    again: tuple[int, ...]
    right: Tensor
    signs: int

    @property
    def exact(self) -> int:
        """How often every sign was right."""
        return int((self.right == self.signs).sum())


def send(net: GlyphNet | SeedNet, text: str, channel: Channel, seed: int, draws: int = DRAWS) -> Delivery:
    """Send a text's glyph through the channel again and again, and read what arrives.

    Raises:
        VisitorError: the text does not fit.
    """
    with torch.no_grad():  # and not in inference mode: what arrives is differentiated through
        sent = net.draw(legible_message(net, text)[None])  # (1, C, S, S)
        received = channel.send(sent.expand(draws, -1, -1, -1), named_generator("glyph channel", seed))
    reading, texts, again = read_arrivals(net, received)
    signs = text_to_signs(text, code_of(net.numbers))
    right = torch.stack([read.signs == signs for read in texts]).sum(dim=1)
    return Delivery(sent[0], received, reading.straightened, tuple(texts), tuple(again), right, len(signs))


def read_arrivals(net: GlyphNet | SeedNet, received: Tensor) -> tuple[Reading, list[ReadText], list[int]]:
    """Read what arrived, (N, C, S, S); some of what the check refuses is looked at again.

    A short check would let too much nonsense through if it were asked again and again: with it there is one look only.

    Returns:
        What the networks read, the texts, and the numbers of those that were looked at again.
    """
    with torch.no_grad():
        reading = net.read(received)
    texts = [read_message(values) for values in reading.messages]
    if not isinstance(net, GlyphNet) or code_of(net.numbers).check.width < LONG.check.width:
        return reading, texts, []
    again = [at for at, read in enumerate(texts) if read.text is None][:LOOKED_AGAIN]
    left, rim, settle = LOOKS, round((REACH - 1) / 2 * net.pixels), net.numbers <= LONG.signs
    for wider, right, down in STARTS:
        unread = [at for at in again if texts[at].text is None][:left]
        if not unread:
            break
        left -= len(unread)
        view = torch.tensor([[wider, 0, right], [0, wider, down], [0, 0, 1]])
        with torch.no_grad():
            start = net.read(warp(received[unread], view.expand(len(unread), 3, 3), net.pixels))
        corners = start.corners * wider + view[:2, 2]
        seen = F.pad(received[unread], (rim,) * 4)
        fit = refine(net, seen, corners, start.messages, *EFFORT, settle=settle, weighing=NOISE)
        for at, signs in zip(unread, fit.signs if settle else fit.messages, strict=True):
            read = read_message(signs)
            texts[at] = texts[at] if read.text is None else read
    return reading, texts, again


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95% interval of a share, by Wilson's score method (1927), which stays sensible at 0 and 1."""
    z = 1.96
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (count - hits) / count + z * z / 4)
    return max(0.0, (middle - spread) / (count + z * z)), min(1.0, (middle + spread) / (count + z * z))
