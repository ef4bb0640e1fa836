"""What the tab shows: pictures of the right window, facts, sentences."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from flag_reference import psnr
from PIL import Image

from cppn import checkpoint, ui
from cppn.flags import endpoints, views
from cppn.flags.conventions import Convention
from cppn.flags.decode import open_gift
from cppn.flags.making import optimisers
from cppn.flags.network import GiftConfig
from cppn.flags.target import TARGETS
from cppn.flags.teams import TEAMS
from cppn.flags.weights import gift_of


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_facts_are_measured_on_the_picture_that_is_shown():
    path, facts = endpoints.decode_flag("japan")
    quality = psnr(pixels(path), pixels(TARGETS / "japan.png"))
    assert facts["psnr_db"] == pytest.approx(quality, abs=0.01)
    assert facts["rms_error_levels"] == pytest.approx(255 / 10 ** (quality / 20), abs=0.01)
    assert (facts["width"], facts["height"], facts["parameters"]) == (320, 213, 6675)
    assert "Japan" in views.describe(facts)
    assert "⚠️ the Hub is gone." in views.describe({**facts, "note": "the Hub is gone"})


@pytest.mark.parametrize("width", [256, 700])
def test_the_collage_fits_its_width(width):
    path, facts = views.collage(width)
    height, real_width, _ = pixels(path).shape
    assert (facts["width"], facts["height"]) == (real_width, height)
    assert 0.85 * width < real_width <= width


def test_there_are_twelve_guesses_and_one_is_right():
    gift = gift_of(TEAMS["malaysia"])
    pictures = views.gift_guesses(gift)
    assert len({path for path, _ in pictures}) == len({name for _, name in pictures}) == 12
    first = pixels({name: path for path, name in pictures}["-1 to 1"])
    assert first.shape == (140, 280, 3)
    # the same flag, larger, has the same colours where the small one has them
    large = Image.fromarray(pixels(views.paint(gift, 560, 280, "large")))
    assert psnr(first, np.asarray(large.resize((280, 140), Image.Resampling.BOX))) > 20


def test_a_square_picture_has_no_aspect_to_guess(net):
    gift = open_gift(checkpoint.to_bytes(net, GiftConfig(64, 64)))
    assert not {name for _, name in views.gift_guesses(gift)} & {"long side more", "short side less"}


def test_a_guess_that_grows_without_bounds_is_left_out(net):
    with torch.no_grad():
        net.dense1.weight.mul_(1e37)  # finite near the middle, beyond all floats a hundred pixels away
    pictures = views.gift_guesses(open_gift(checkpoint.to_bytes(net, GiftConfig())))
    assert 0 < len(pictures) < 12


def test_a_guess_that_is_clicked_leaves_open_what_shows_by_itself():
    gift = gift_of(TEAMS["malaysia"])
    assert views.guess_of(gift, "y upwards") == Convention(y_axis="up", values="as they look")
    assert views.guess_of(gift, "needs a sigmoid") == Convention(values="logits")
    assert views.guess_of(gift, "nonsense") is None


@pytest.mark.parametrize("slug", TEAMS)
def test_every_flag_has_a_record_and_a_film(slug):
    run = views.training_run(TEAMS[slug])
    assert run["curve"][-1][0] == run["steps"]
    assert f"{run['steps']:,} steps" in views.describe_run(run)
    with Image.open(views.RUNS / f"{slug}.webp") as film:
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
            "interval_95": [gain - 0.5, gain + 0.5],
        }
        for setting, mean in (("adam", 20.0), ("muon", 31.5))
        for flag in views.EXPERIMENT_FLAGS
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
    words = ui.text("flags", "learned", **views.experiment_figures(rows)).replace("\n", " ")
    assert "112 training runs" in words
    assert "Four times the steps gained +7.2 and +7.2 dB with Adam, +7.2 and +7.2 dB with Muon" in words
    assert "the plain run is 11.5 and 11.5 dB better" in words
    assert "| USA (harder) | muon | blur | 4 | 31.5 | -0.30 | -0.80 to +0.20 |" in views.experiment_table(rows)


def test_folding_is_told_as_it_was_measured():
    figures = views.folding_figures()
    card = " ".join((views.RESULTS.parent / "README.md").read_text(encoding="utf-8").split())
    for row in json.loads((views.RESULTS / "flag_folding.json").read_text(encoding="utf-8"))["summary"]:
        low, high = row["interval_95"]
        assert f"{low:.1f} to {high:.1f}" in card
        assert f"{row['mean_psnr']:.1f}" in figures.values()
    assert float(figures["held"]) > max(float(figures["none"]), float(figures["loose"]))
    assert ui.text("flags", "folding", **figures)


def test_the_folds_of_the_shipped_weights_are_plotted():
    rows = views.zigzag_plot()["data"]
    for name in ("one", "the other"):
        values = np.array([value for _, value, zigzag in rows if zigzag == name])
        assert len(values) == 320
        crossed = np.diff(np.sign(values - values.mean())) != 0
        assert crossed.sum() == pytest.approx(22, abs=1)  # eleven words in the flag's width, each up and down


def test_a_guess_is_judged_by_its_answers():
    gift = gift_of(TEAMS["malaysia"])
    assert "may well be" in views.judge_guess(gift, "-1 to 1")
    for name in ("pixels", "y, x, pixels"):  # far outside
        assert "daydreams" in views.judge_guess(gift, name)


def test_optimisers_are_told_in_the_order_of_what_was_measured():
    figures = views.optimiser_figures()
    found = json.loads((views.RESULTS / "flag_optimisers.json").read_text(encoding="utf-8"))
    assert optimisers.summarise(found["runs"]) == found["summary"]
    means = [float(line.split("|")[3]) for line in figures["table"].splitlines()[2:]]
    assert means == sorted(means, reverse=True)
    assert len(means) == len(optimisers.SETTINGS)
    card = " ".join((views.RESULTS.parent / "README.md").read_text(encoding="utf-8").split())
    for row in found["summary"]:
        low, high = row["interval_95"]
        assert f"{row['mean_psnr']:.1f} dB ({low:.1f} to {high:.1f})" in card or (
            f"{row['mean_psnr']:.1f} ({low:.1f} to {high:.1f})" in card
        )
    assert ui.text("flags", "optimisers", **figures)
