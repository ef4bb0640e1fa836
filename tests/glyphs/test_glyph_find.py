"""Where a sign may lie: pictures whose answer is known."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from cppn.glyphs.find import Photo, brightest

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
