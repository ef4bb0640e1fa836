"""Photographs that no camera took: they show what they are told to, and the same ones for the same number."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cppn.glyphs.making.scenes import CONDITIONS, HARD, MEASURING_BACKGROUNDS, USUAL, picture_of
from cppn.glyphs.scene import BACKGROUNDS, Scene, photograph

WHITE = Image.new("RGB", (64, 64), "white")


def black(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.float32)


def taken(**settings: object) -> np.ndarray:
    """A white glyph without a margin on a black ground, gray levels (120, 160) in [0, 1]."""
    plain = {"width": 160, "height": 120, "margin": 0.0, "noise": 0.0, "blur": 0.0, "jpeg": 0}
    photo = photograph(WHITE, Scene(**plain | settings), black, np.random.default_rng(0))
    return np.asarray(photo.convert("L"), float) / 255


def test_the_sheet_takes_its_share_of_the_width():
    for share in (0.25, 0.5):
        assert (taken(share=share) > 0.5).sum() == pytest.approx((share * 160) ** 2, rel=0.05)


def test_a_turn_keeps_the_area_and_a_tilt_shrinks_it_by_its_cosine():
    flat = (taken() > 0.5).sum()
    assert (taken(turn=30) > 0.5).sum() == pytest.approx(flat, rel=0.03)
    far = {"focal": 20.0}  # from far away there is no perspective
    assert (taken(tilt=45, **far) > 0.5).sum() == pytest.approx(flat * np.cos(np.pi / 4), rel=0.05)


def test_a_thumb_covers_the_share_that_it_should():
    whole, covered = taken() > 0.95, taken(thumb=0.2) > 0.95
    assert 1 - covered.sum() / whole.sum() == pytest.approx(0.2, abs=0.05)


def test_light_falls_off_and_contrast_shrinks():
    lit = taken(gradient=0.9)
    inside = taken() > 0.95
    assert lit[inside].max() - lit[inside].min() > 0.2
    assert np.ptp(taken(contrast=0.3)) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_number_gives_one_picture(condition):
    first, again, other = (np.asarray(picture_of(WHITE, condition, number, True)) for number in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_what_is_measured_was_not_built_with():
    assert not BACKGROUNDS.keys() & MEASURING_BACKGROUNDS.keys()
    assert not USUAL.keys() & HARD.keys()
