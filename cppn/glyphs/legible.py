"""What is drawn is read back: the writer reads its own glyph before it hands it out, and stresses what was unclear.

A sign of a message is -1 or 1, but the writer draws any numbers, and the reader looks at their signs alone. So a sign
that comes back weakly may be written larger, which changes nothing in what the glyph says.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import INK
from cppn.glyphs.message import LONG, text_to_message
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.training import named_generator

ROUNDS = 12
STRESS = 1.15  # factor on a sign that came back weakly
CLEAR = 0.2  # a sign's number comes back so large at least, where 1 was written
MILD, DRAWS = Channel().scaled(0.25), 7  # what the glyph must bear, besides coming back as drawn
INKS = (1.0, INK, 16.0)  # what it is drawn with, and what else a visitor may choose


@torch.inference_mode()
def legible_message(net: GlyphNet | SeedNet, text: str) -> Tensor:
    """The message of a text, (numbers,), that the reader reads back from its drawing, at any ink.

    Messages longer than their signs repeat them, and the repeats make up for each other: these stay as they are. So
    does what the post's networks write, since their reader fails for other reasons.

    Raises:
        VisitorError: as `text_to_message`.
    """
    signs = text_to_message(text, net.numbers)
    if not isinstance(net, GlyphNet) or net.numbers > LONG.signs:
        return signs
    message = signs.clone()
    for _ in range(ROUNDS):
        drawn = torch.cat([net.draw(message[None], net.pixels, ink) for ink in INKS])  # (3, C, S, S)
        generator = named_generator("glyph legible", 1)
        mild = MILD.send(drawn[1:2].expand(DRAWS, -1, -1, -1), generator)
        margin = (net.read(torch.cat([drawn, mild])).messages * signs).amin(dim=0)  # (numbers,)
        if bool((margin >= CLEAR).all()):
            break
        message = torch.where(margin < CLEAR, message * STRESS, message)
    return message
