"""What the tab shows: pictures of the right window, facts, sentences."""

from __future__ import annotations

import numpy as np
import pytest
from flag_reference import psnr
from PIL import Image

from cppn.coordinates import View
from cppn.flags import exhibit
from cppn.flags.decode import gift_of
from cppn.flags.target import SCALE, TARGETS, Target
from cppn.flags.teams import TEAMS


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_the_true_flag_is_seen_through_the_same_window_as_the_network():
    """At four times the flag's size the window's samples fall on the target's quarter pixels."""
    target = Target.of_team("malaysia")
    height, width, _ = target.fine.shape
    seen = pixels(exhibit.target_picture(TEAMS["malaysia"], width, height, View()))
    # the target there is the mean of 4 x 4 drawing pixels, the view samples the middle of them
    inside = slice(SCALE, -SCALE)
    assert psnr(seen[inside, inside], target.fine[inside, inside].numpy() * 255) > 28


def test_a_zoomed_view_of_the_target_is_where_it_should_be():
    whole = pixels(exhibit.target_picture(TEAMS["usa"], 641, 337, View()))
    window = pixels(exhibit.target_picture(TEAMS["usa"], 321, 169, View(zoom=2, center_x=-0.5, center_y=0.5)))
    assert psnr(window, whole[168:337, 0:321]) > 40


def test_beyond_the_edge_the_target_is_gray():
    seen = pixels(exhibit.target_picture(TEAMS["japan"], 64, 64, View(zoom=0.5)))
    assert (seen[0, 0] == (0x8A, 0x8F, 0x98)).all()
    assert (seen[32, 32] == pixels(TARGETS / "japan.png")[106, 160]).all()


def test_facts_are_measured_on_the_picture_that_is_shown():
    path, facts = exhibit.flag_picture("japan", 320, View())
    quality = psnr(pixels(path), pixels(TARGETS / "japan.png"))
    assert facts["psnr_db"] == pytest.approx(quality, abs=0.01)
    assert facts["rms_error_levels"] == pytest.approx(255 / 10 ** (quality / 20), abs=0.01)
    assert (facts["width"], facts["height"], facts["parameters"]) == (320, 213, 6675)
    assert "Japan" in exhibit.describe(facts)
    assert "⚠️ the Hub is gone." in exhibit.describe({**facts, "note": "the Hub is gone"})


@pytest.mark.parametrize("width", [256, 700])
def test_the_collage_fits_its_width(width):
    path, facts = exhibit.collage(width)
    height, real_width, _ = pixels(path).shape
    assert (facts["width"], facts["height"]) == (real_width, height)
    assert 0.85 * width < real_width <= width


def test_there_are_six_guesses_and_the_first_is_right():
    gift = gift_of(TEAMS["japan"])
    pictures = exhibit.guesses(gift, *gift.size)
    assert len(pictures) == 6
    assert len({path for path, _ in pictures}) == 6
    assert pixels(pictures[0][0]).shape == (213, 320, 3)


@pytest.mark.parametrize("slug", TEAMS)
def test_every_flag_has_a_record_and_a_film(slug):
    run = exhibit.training_run(TEAMS[slug])
    assert run["curve"][-1][0] == run["steps"]
    assert f"{run['steps']:,} steps" in exhibit.describe_run(run)
    with Image.open(exhibit.RUNS / f"{slug}.webp") as film:
        assert film.n_frames > 20


def test_the_findings_are_told_with_their_own_figures():
    rows = [
        {
            "setting": setting,
            "flag": flag,
            "arm": arm,
            "runs": 4,
            "mean_psnr": mean,
            "gain": gain,
            "standard_error": 0.5,
        }
        for setting, mean in (("adam", 20.0), ("muon", 31.5))
        for flag in exhibit.EXPERIMENT_FLAGS
        for arm, gain in (
            ("plain", 0.0),
            ("steps / 4", -6.0),
            ("steps x 4", 7.25),
            ("blur", -0.3),
            ("noise", 0.1),
            ("blur and noise", 0.2),
            ("positional encoding", 2.0),
        )
    ]
    words = exhibit.learned_words(rows).replace("\n", " ")
    assert "112 training runs" in words
    assert "Four times the steps gained +7.2 and +7.2 dB with Adam, +7.2 and +7.2 dB with Muon" in words
    assert "the plain run is 11.5 and 11.5 dB better" in words
    assert "| USA (harder) | muon | blur | 4 | 31.5 | -0.30 ± 0.50 |" in exhibit.experiment_table(rows)
