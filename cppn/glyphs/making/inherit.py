"""What networks can take over from trained ones; for the longest messages nothing else got the training going."""

from __future__ import annotations

import torch

from cppn.glyphs.network import GlyphNet


@torch.no_grad()
def straighten_like(net: GlyphNet, other: GlyphNet) -> None:
    """Take over how signs are straightened: the looks, and what all signs have in common.

    That is the slow part of the training, and it does not depend on what the message is.

    Raises:
        ValueError: the other networks have pictures or waves of other sizes.
    """
    mine, theirs = net.writer, other.writer
    if (mine.channels, mine.pixels, mine.cutoff) != (theirs.channels, theirs.pixels, theirs.cutoff):
        raise ValueError("only networks for the same pictures and waves can be taken over from")
    net.reader.looks.load_state_dict(other.reader.looks.state_dict())
    messages = torch.randn(1024, other.numbers, generator=torch.Generator().manual_seed(0))
    common = (theirs.linear(messages) + theirs.perceptron(messages)).mean(dim=0)  # (C K,)
    mine.linear.bias.copy_(common * theirs.gain / mine.gain)


@torch.no_grad()
def grow_from(net: GlyphNet, other: GlyphNet, faint: float = 0.3) -> None:
    """Take over all that networks for shorter messages know: the first numbers are written and read as theirs are.

    Args:
        faint: how strongly the new numbers are written at first, so that they do not drown the known ones.

    Raises:
        ValueError: a part of the other networks is larger than its counterpart.
    """
    known, parts = other.state_dict(), net.state_dict()
    if any(size > room for name in known for size, room in zip(known[name].shape, parts[name].shape, strict=True)):
        raise ValueError("only networks for shorter messages can be grown from")
    net.writer.linear.weight[:, other.numbers :] *= faint
    net.writer.perceptron[0].weight[:, other.numbers :] = 0
    for name, theirs in known.items():  # a state_dict's tensors are the network's own
        parts[name][tuple(slice(size) for size in theirs.shape)] = theirs
