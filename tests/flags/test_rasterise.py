"""Targets: true aspect ratios, white where a drawing is transparent, the stand-in."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cppn.flags.making.rasterise import letovo_stand_in, rasterise_svg, write_targets
from cppn.flags.target import FINE, SCALE, TARGETS, Target
from cppn.flags.teams import TEAMS

# width : height by law, where it is not a whole number of pixels at 320 the nearest one
HEIGHTS = {"usa": 168, "malaysia": 160, "iran": 183, "japan": 213, "nepal": 390, "estonia": 204, "brazil": 224}


def test_the_stand_in_is_ours_and_twice_as_wide_as_tall():
    picture = letovo_stand_in()
    assert picture.size == (1280, 640)
    colours = np.array(picture.resize((320, 160), Image.Resampling.BOX))
    ink = (colours.sum(2) < 300).mean()
    assert 0.05 < ink < 0.3  # letters on white


def test_a_drawing_is_rasterised_at_its_own_ratio_on_white():
    pytest.importorskip("resvg_py", reason="resvg-py is needed only to remake the targets")
    box = '<rect width="1.5" height="2" fill="#f00"/>'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 2" width="9">{box}</svg>'
    picture = np.array(rasterise_svg(drawing, 320))
    assert picture.shape == (213, 320, 3)
    assert (picture[100, 80] == (255, 0, 0)).all()
    assert (picture[100, 240] == 255).all()


def test_a_drawing_without_a_size_is_refused():
    pytest.importorskip("resvg_py", reason="resvg-py is needed only to remake the targets")
    with pytest.raises(ValueError, match="viewBox"):
        rasterise_svg("<svg></svg>")


def test_targets_are_written_in_both_sizes(tmp_path):
    write_targets(tmp_path, tmp_path, [TEAMS["letovo"]])
    with Image.open(tmp_path / "letovo.png") as small, Image.open(tmp_path / FINE / "letovo.png") as fine:
        assert (small.width * SCALE, small.height * SCALE) == fine.size


@pytest.mark.parametrize("slug", TEAMS)
def test_every_shipped_target_is_the_small_version_of_its_drawing(slug):
    with Image.open(TARGETS / f"{slug}.png") as picture:
        small = np.array(picture.convert("RGB")).astype(float)
    assert small.shape[1] == 320
    assert small.shape[0] == HEIGHTS.get(slug, small.shape[0])
    difference = np.abs(Target.of_team(slug).pixels.numpy() * 255 - small)
    assert difference.max() < 1.001  # Pillow rounds, along each axis in turn, where the target keeps fractions
