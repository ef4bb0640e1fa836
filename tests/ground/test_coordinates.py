"""`cppn.coordinates` against positions worked out in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from cppn.coordinates import Center, View, Zoom, axes, axis, points
from cppn.endpoint import Parameter


def exact_axis(size: int, center: float, zoom: float, span: str) -> np.ndarray:
    """Sample i of a window of length 2 / zoom around the centre, mapped from [-1, 1] onto the span."""
    steps = [Fraction(2 * i, max(1, size - 1)) - 1 for i in range(size)]
    positions = [Fraction(center) + step / Fraction(zoom) for step in steps]
    if span != "-1..1":
        positions = [(position + 1) / 2 * (size - 1 if span == "pixels" else 1) for position in positions]
    return np.array([float(position) for position in positions], dtype=np.float32)


@pytest.mark.parametrize("span", ["-1..1", "0..1", "pixels"])
@pytest.mark.parametrize(
    ("size", "center", "zoom"),
    [(2, 0, 1), (320, 0, 1), (641, 0.25, 3), (7, -1.5, 0.125), (1, 0, 1)],
)
def test_samples_lie_where_the_maths_puts_them(size, center, zoom, span):
    samples = axis(size, center, zoom, span)
    assert samples.dtype == torch.float32
    np.testing.assert_array_max_ulp(samples.numpy(), exact_axis(size, center, zoom, span), maxulp=1)


def test_the_ends_of_a_picture_are_exactly_minus_one_and_one():
    for size in range(2, 400):
        samples = axis(size)
        assert (samples[0], samples[-1]) == (-1, 1)


def test_pixels_are_counted_in_whole_numbers_from_zero():
    assert axis(213, span="pixels").tolist() == list(range(213))


def test_a_view_moves_and_shrinks_the_window_along_both_axes():
    xs, ys = axes(5, 3, View(zoom=2, center_x=0.5, center_y=-0.25))
    assert xs.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert ys.tolist() == [-0.75, -0.25, 0.25]


def test_without_a_view_the_whole_picture_is_seen():
    for seen, whole in zip(axes(4, 6), axes(4, 6, View()), strict=True):
        assert seen.tolist() == whole.tolist()
        assert (seen[0], seen[-1]) == (-1, 1)


@pytest.mark.parametrize(("span", "ends"), [("-1..1", (1, -1)), ("0..1", (1, 0)), ("pixels", (4, 0))])
def test_y_may_grow_upwards(span, ends):
    _, ys = axes(3, 5, span=span, y_axis="up")
    assert (ys[0], ys[-1]) == ends
    assert ys.flip(0).tolist() == axes(3, 5, span=span)[1].tolist()
    # a window above the middle is the same window, whatever its rows are called
    window = View(zoom=2, center_y=-0.5)
    assert axes(3, 5, window, y_axis="up")[1].tolist() == [-y for y in axes(3, 5, window)[1].tolist()]


@pytest.mark.parametrize(
    ("size", "aspect", "ends"),
    [
        ((640, 320), "each", (1, 1)),
        ((640, 320), "shorter", (2, 1)),
        ((640, 320), "longer", (1, 0.5)),
        ((320, 640), "shorter", (1, 2)),
        ((320, 640), "longer", (0.5, 1)),
        ((50, 50), "shorter", (1, 1)),
    ],
)
def test_one_side_may_have_the_span_and_the_other_its_share(size, aspect, ends):
    for span, first in (("-1..1", -1), ("0..1", 0)):
        xs, ys = axes(*size, span=span, aspect=aspect)
        assert (xs[-1], ys[-1]) == ends
        assert (xs[0], ys[0]) == (first * ends[0], first * ends[1])
    assert axes(*size, span="pixels", aspect=aspect)[0].tolist() == list(range(size[0]))


@pytest.mark.parametrize("order", ["xy", "yx"])
def test_a_picture_is_read_row_by_row(order):
    xs, ys = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0])
    expected = [(x, y) if order == "xy" else (y, x) for y in (10, 20) for x in (1, 2, 3)]
    assert points(xs, ys, order).tolist() == [list(pair) for pair in expected]


@pytest.mark.parametrize("size", [0, -3])
def test_a_picture_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match="at least 1 pixel"):
        axis(size)


@pytest.mark.parametrize("zoom", [0, -1, float("nan")])
def test_a_zoom_that_is_not_positive_is_refused(zoom):
    with pytest.raises(ValueError, match="zoom must be positive"):
        axis(4, zoom=zoom)


def test_unknown_conventions_are_refused_and_the_known_ones_named():
    with pytest.raises(ValueError, match=r"unknown span '0\.\.255'.*-1\.\.1, 0\.\.1, pixels"):
        axis(4, span="0..255")
    with pytest.raises(ValueError, match=r"unknown order 'zx'.*xy, yx"):
        points(torch.zeros(1), torch.zeros(1), "zx")
    with pytest.raises(ValueError, match=r"unknown y axis 'left'.*down, up"):
        axes(2, 2, y_axis="left")
    with pytest.raises(ValueError, match=r"unknown aspect 'wide'.*each, shorter, longer"):
        axes(2, 2, aspect="wide")


@pytest.mark.parametrize("values", [(0, 0, 0), (math.nan, 0, 0), (100, 0, 0), (1, 9, 0), (1, 0, math.inf), (-1, 0, 0)])
def test_an_impossible_view_is_refused(values):
    hints = {"zoom": Zoom, "center_x": Center, "center_y": Center}
    with pytest.raises(ValueError, match=r"zoom|center"):
        for (name, hint), value in zip(hints.items(), values, strict=True):
            Parameter.of(name, hint).check(value)
