"""Pictures with frames, axes and the edges of windows, light on dark, turned: read as the clean ones are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from cppn.odd_shapes import locate
from cppn.odd_shapes.canvas import Canvas, fit_to_canvas, to_image
from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.frames import find_lines, painted_over
from cppn.odd_shapes.network import Answer, centres
from cppn.odd_shapes.placements import stray


@pytest.fixture(scope="module")
def pictures():
    return sample(named_rng("frames", 0), 12)


def enlarged(ink: np.ndarray, times: int) -> np.ndarray:
    return np.kron(255 * (1 - ink), np.ones((times, times))).astype(np.uint8)


def read(shades: np.ndarray) -> Canvas:
    return fit_to_canvas(Image.fromarray(shades.astype(np.uint8)).convert("RGB"))


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("margin", [0, 9])
@pytest.mark.parametrize(("thick", "times"), [(1, 1), (5, 1), (2, 2), (5, 5), (1, 8)])
def test_a_frame_around_is_left_out_and_said(pictures, thick, times, margin, light):
    for ink in pictures.ink:
        shades = np.pad(np.pad(enlarged(ink, times), thick), margin * times // 2, constant_values=255)
        canvas = read(255 - shades if light else shades)
        assert np.array_equal(canvas.ink, ink)
        assert "The frame around it was left out." in canvas.done
        assert any("swapped" in sentence for sentence in canvas.done) == light
        left = thick + margin * times // 2
        assert canvas.in_picture(0, 63) == pytest.approx((left + times / 2 - 0.5, left + 63.5 * times - 0.5))


@pytest.mark.parametrize("sides", [((0, 3), (3, 0)), ((4, 0), (0, 0)), ((0, 0), (2, 2))])
def test_axes_and_edges_along_some_sides_are_left_out(pictures, sides):
    for ink in pictures.ink:
        canvas = read(np.pad(enlarged(ink, 3), sides))
        assert np.array_equal(canvas.ink, ink)
        assert "left out" in canvas.done[0]


def test_axes_across_it_are_painted_over(pictures):
    for ink in pictures.ink:
        shades = enlarged(ink, 5)
        shades[150:154], shades[:, 170:174] = 0, 0
        canvas = read(shades)
        assert (canvas.ink != ink).mean() < 0.02
        assert any("painted over" in sentence for sentence in canvas.done)


def test_what_is_under_a_thick_line_is_called_a_guess():
    ink = np.zeros((64, 64), np.uint8)
    ink[10:31, 10:31], ink[40:50, 40:50], ink[5:14, 45:54] = 1, 1, 1
    shades = enlarged(ink, 1)
    shades[20:22] = 0
    shades[:, 60] = 0
    assert any("under them is a guess" in caveat for caveat in locate.caveats(read(shades)))


def test_a_thin_frame_of_a_large_picture_swaps_nothing(pictures):
    for ink in pictures.ink[:3]:
        canvas = read(np.pad(enlarged(ink, 25), 1))
        assert (canvas.ink != ink).mean() < 0.005
        assert not any("swapped" in sentence for sentence in canvas.done)


def test_no_clean_picture_is_touched():
    pictures = sample(named_rng("frames", 1), 300)
    for ink in pictures.ink:
        canvas = fit_to_canvas(to_image(ink).convert("RGB"))
        assert np.array_equal(canvas.ink, ink)
        assert (canvas.turns, canvas.corner, canvas.scale, canvas.guessed) == (0, (0, 0), 1, False)
        assert canvas.done == ("Nothing had to be changed.",)


def test_lines_are_found_where_they_are():
    shades = np.full((200, 300), 255, np.uint8)
    shades[10:13], shades[:, 290:294] = 0, 40
    lines = find_lines(Image.fromarray(shades))
    assert [(line.first, line.end) for line in lines.rows] == [(10, 13)]
    assert [(line.first, line.end) for line in lines.columns] == [(290, 294)]
    assert lines.box == (0, 13, 290, 200)
    assert not lines.surround
    assert np.asarray(painted_over(Image.fromarray(shades), lines)).min() == 255


def test_what_no_shape_covers_is_stray(pictures):
    assert [stray(ink) for ink in pictures.ink] == [0] * 12
    assert stray(np.eye(64, dtype=np.uint8)) == 1
    assert stray(np.zeros((64, 64), np.uint8)) == stray(np.ones((64, 64), np.uint8)) == 1


# --- turned


class Pointer(torch.nn.Module):
    """Answers with the ink's centre of mass, and attends to the token that is nearest to it."""

    FIRST, STEP = 4, 5

    def forward(self, pictures: torch.Tensor) -> Answer:
        ink = 1 - pictures[0, 0]
        y, x = (ink.sum(dim=axis) @ torch.arange(64.0) / ink.sum() for axis in (1, 0))
        places = centres(4, 5)
        offset = torch.stack([x, y]) - places
        near = torch.nn.functional.one_hot(offset.square().sum(dim=1).argmin(), 144).float()
        attention = near.expand(1, 1, 144, 144)
        return Answer(torch.stack([x, y])[None], (near + 1e-9).log()[None], offset[None], (attention,))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_an_answer_about_a_turned_picture_is_turned_back(turns):
    ink = np.zeros((64, 64), np.uint8)
    ink[5:12, 20:31] = 1
    finder = type("Finder", (), {"net": Pointer()})
    straight, turned = (locate.locate(Canvas(ink, (), False, turns=number), finder) for number in (0, turns))
    assert (turned.x, turned.y) == pytest.approx((straight.x, straight.y), abs=1e-4)
    torch.testing.assert_close(turned.probability, straight.probability)
    torch.testing.assert_close(turned.offset, straight.offset, atol=1e-4, rtol=0)
    torch.testing.assert_close(turned.attention_from(7, 1, 1), straight.attention_from(7, 1, 1))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_triangles_on_their_side_are_set_upright_and_said(turns):
    pictures = sample(named_rng("frames", 2), 8, base=2)
    for ink in pictures.ink:
        canvas = read(enlarged(np.rot90(ink, -turns), 2))
        assert canvas.turns == turns
        assert np.array_equal(np.rot90(canvas.ink, turns), ink)
        assert "turned" in canvas.done[-1] or "upside down" in canvas.done[-1]
        assert any("do not stand upright" in caveat for caveat in locate.caveats(canvas))
