"""Where a sign may lie: pictures whose answer is known."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from cppn.glyphs import find
from cppn.glyphs.find import Photo, brightest, candidates, quadrilateral

FIELD = [(160, 60), (280, 110), (230, 220), (120, 180)]  # clockwise


def test_a_white_field_in_a_dark_sheet_on_a_gray_table_is_found_by_itself():
    picture = Image.new("RGB", (384, 288), (140, 140, 140))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(150, 20), (330, 95), (250, 265), (75, 205)], (15, 15, 20))
    pen.polygon(FIELD, (240, 240, 235))
    for x, y in ((180, 110), (220, 150), (170, 165), (230, 110)):
        pen.ellipse((x - 12, y - 9, x + 12, y + 9), (15, 15, 20))
    (corners,) = brightest(Photo(picture, 1))
    found = corners * picture.size
    off = min(np.abs(np.roll(found, turn, 0) - FIELD).max() for turn in range(4))
    assert off < 4  # pixels


def test_a_picture_of_one_gray_has_no_brightest_heap():
    assert list(brightest(Photo(Image.new("RGB", (64, 64), (90, 90, 90)), 1))) == []


def test_a_quadrilateral_lies_closely_round_a_turned_square():
    canvas = Image.new("1", (200, 160))
    square = np.array([(100, 20), (160, 80), (100, 140), (40, 80)])
    ImageDraw.Draw(canvas).polygon([tuple(corner) for corner in square.tolist()], fill=1)
    found = quadrilateral(np.asarray(canvas)) * canvas.size
    assert all(np.abs(square - corner).max(1).min() < 3 for corner in found)


def test_a_triangle_is_no_place_for_a_sign(monkeypatch):
    photo = Photo(Image.effect_noise((131, 131), 80).convert("RGB"), 1)
    triangle = np.array([(0.889, 0.844), (0.889, 0.99), (0.827, 0.965), (0.889, 0.844)])  # two corners are one
    monkeypatch.setattr(find, "quadrilateral", lambda mask: triangle)
    assert [found.how for found in candidates(photo)] == ["the middle of the picture"]
