"""What is taken over from trained networks: how to straighten, or everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from cppn.glyphs.making.fit import Recipe, Run
from cppn.glyphs.making.inherit import grow_from, straighten_like
from cppn.glyphs.network import GlyphConfig, GlyphNet

TINY = GlyphConfig(4, 1, 16, cutoff=3, reader_cutoff=4, hidden=16)


@pytest.fixture(scope="module")
def teacher() -> GlyphNet:
    torch.manual_seed(1)
    run = Run(GlyphNet(TINY), Recipe(steps=5, batch=16, warmup=2))
    while not run.done:
        run.advance()
    return run.net.eval()


def test_straightening_is_taken_over_and_the_message_is_not(teacher: GlyphNet):
    net = GlyphNet(replace(TINY, numbers=7))
    straighten_like(net, teacher)
    for mine, theirs in zip(net.reader.looks.parameters(), teacher.reader.looks.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    writer, taught = teacher.writer, torch.randn(20_000, 4)
    with torch.no_grad():
        common = (writer.linear(taught) + writer.perceptron(taught)).mean(dim=0) * writer.gain
        # a thousand messages, whose coefficients vary by about 1, leave an error of 3% at a gain of 3
        torch.testing.assert_close(net.writer.linear.bias * net.writer.gain, common, atol=0.5, rtol=0)
    with pytest.raises(ValueError, match="same pictures"):
        straighten_like(GlyphNet(replace(TINY, pixels=40)), teacher)


def test_the_first_numbers_are_written_and_read_as_before(teacher: GlyphNet):
    net = GlyphNet(replace(TINY, numbers=7)).eval()
    grow_from(net, teacher)
    short = torch.randn(3, 4)
    long = torch.cat([short, torch.zeros(3, 3)], dim=1)
    with torch.no_grad():
        signs = teacher.draw(short)
        torch.testing.assert_close(net.draw(long), signs)
        torch.testing.assert_close(net.read(signs).messages[:, :4], teacher.read(signs).messages)
        other = torch.cat([short, torch.ones(3, 3)], dim=1)
        assert not torch.allclose(net.draw(other), signs, atol=1e-3)  # the new numbers are written as well


def test_networks_grow_only_from_smaller_ones(teacher: GlyphNet):
    with pytest.raises(ValueError, match="shorter messages"):
        grow_from(GlyphNet(replace(TINY, numbers=3)), teacher)
