"""Heat maps: right colours in the right cells, a printed scale, the way back from a pixel to its cell."""

from __future__ import annotations

import numpy as np
import pytest

from cppn import heatmap
from cppn.heatmap import Bar, Block, Diverging, Logarithmic

BLOCKS = [Block("first", np.arange(12.0).reshape(3, 4) - 5), Block("second", np.array([[0.0, np.nan, 1e-9]]))]


def test_the_diverging_scale_is_white_at_zero_and_ends_at_its_limit():
    colours = heatmap.colours(np.array([-9.0, -2.0, 0.0, 2.0, 9.0]), Diverging(2.0))
    assert (colours[2] == 255).all()
    assert (colours[0] == colours[1]).all()
    assert (colours[3] == colours[4]).all()
    assert colours[1, 2] > colours[1, 0]  # blue below
    assert colours[3, 0] > colours[3, 2]  # red above


def test_exactly_zero_has_a_colour_that_no_error_has():
    sizes = np.concatenate([np.logspace(-30, 5, 5000), [5e-324]])
    colours = heatmap.colours(sizes, Logarithmic(-18, 0))
    assert not (colours == heatmap.ZERO).all(axis=1).any()
    assert (heatmap.colours(np.array([0.0, -0.0]), Logarithmic(-18, 0)) == heatmap.ZERO).all()


def test_a_larger_error_is_darker():
    light = heatmap.colours(10.0 ** np.arange(-18, 1), Logarithmic(-18, 0)).sum(axis=1, dtype=int)
    assert (np.diff(light) < 0).all()


@pytest.mark.parametrize("scale", [Diverging(0.5), Logarithmic(-18, 0)], ids=["diverging", "logarithmic"])
def test_every_cell_has_the_colour_of_its_number(scale):
    pixels = np.array(heatmap.sheet(BLOCKS, scale, "title"))
    layout = heatmap.lay_out(BLOCKS)
    for block, (left, top) in zip(BLOCKS, layout.corners, strict=True):
        wanted = heatmap.colours(block.values, scale)
        for row, column in np.ndindex(block.values.shape):
            middle = top + row * layout.cell + layout.cell // 2, left + column * layout.cell + layout.cell // 2
            assert (pixels[middle] == wanted[row, column]).all()
            assert heatmap.cell_at(BLOCKS, middle[::-1]) == (BLOCKS.index(block), row, column)
    assert heatmap.cell_at(BLOCKS, (0, 0)) is None
    assert heatmap.cell_at(BLOCKS, (heatmap.WIDTH - 1, 10**6)) is None


def test_the_scale_is_printed_and_a_frame_is_drawn():
    plain = heatmap.sheet(BLOCKS, Diverging(0.5), "title")
    other_scale = heatmap.sheet(BLOCKS, Diverging(0.25), "title")
    framed = heatmap.sheet(BLOCKS, Diverging(0.5), "title", frame=(0, 1, 2))
    bar = (0, plain.height - heatmap.SCALE_HEIGHT, *plain.size)
    assert np.array(plain.crop(bar)).tobytes() != np.array(other_scale.crop(bar)).tobytes()
    assert plain.tobytes() != framed.tobytes()
    assert plain.tobytes() == heatmap.sheet(BLOCKS, Diverging(0.5), "title").tobytes()


def test_many_and_wide_blocks_fit_the_sheet():
    blocks = [Block(f"layer {number}", np.ones((48, 17))) for number in range(8)] + [Block("wide", np.ones((2, 60)))]
    layout = heatmap.lay_out(blocks)
    for block, (left, _) in zip(blocks, layout.corners, strict=True):
        assert left + block.values.shape[1] * layout.cell <= heatmap.WIDTH


def test_bars_are_as_long_as_their_shares():
    rows = [Bar("a", 0.25, "1", (200, 0, 0)), Bar("b", 1.0, "4", (0, 0, 200), broken=True)]
    pixels = np.array(heatmap.bars(rows, "title"))
    red = (pixels == (200, 0, 0)).all(axis=2).any(axis=0).sum()
    blue = (pixels == (0, 0, 200)).all(axis=2).any(axis=0).sum()
    assert red / blue == pytest.approx(0.25, abs=0.01)
