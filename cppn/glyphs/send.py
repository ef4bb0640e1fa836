"""A text's way: writer, channel, reader, check.

Nothing but the reader's networks straightens what arrived.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.glyphs.channel import Channel
from cppn.glyphs.legible import legible_message
from cppn.glyphs.message import ReadText, code_of, read_message, text_to_signs
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.training import named_generator

DRAWS = 100


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
    sent = net.draw(legible_message(net, text)[None])  # (1, C, S, S)
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
