"""Measured figures in words, tables and plots: only what was measured, and the verdicts that follow from it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from cppn import ui
from cppn.glyphs import figures
from cppn.glyphs.weights import MODELS


def test_what_was_not_measured_is_left_out(monkeypatch):
    monkeypatch.setattr(figures, "results", dict)
    assert "not been measured" in figures.table()
    assert figures.lessons() == ""
    assert [plot["data"] for plot, _ in figures.growth()] == [[], [], []]
    partial = {
        "script": {"r2": 0.9},
        "colour_64": {"bits": 150.0},
        "colour_512": {"bits": 220.0, "edges": 0.2},
        "x": {},
    }
    monkeypatch.setattr(figures, "results", lambda: partial)
    assert "| 0.900 |  |" in figures.table()
    assert len(figures.table().splitlines()) == 2 + 3
    assert "220 bits" in figures.lessons()
    assert figures.series(partial, "bits") == {"colour": [(64, 150.0), (512, 220.0)]}
    (bits, top), (centroid, _), (edges, _) = figures.growth()
    assert bits["data"] == [["64", 150.0, "colour"], ["512", 220.0, "colour"]]
    assert top > 220
    assert (centroid["data"], len(edges["data"])) == ([], 1)


def test_every_model_has_its_row_and_growth_is_told():
    assert len(figures.table().splitlines()) == 2 + len(MODELS)
    assert "the edge density in gray goes from" in figures.lessons()


def test_a_training_is_told_as_far_as_it_was_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "RUNS", tmp_path)
    film, curve, words = figures.training("script")
    assert (film, curve) == (None, None)
    assert words == f"No film of **{MODELS['script'].title}** was kept."
    record = {"steps": 1200, "cpu_seconds": 65, "curve": [[0, 0, -0.1, 0], [9, 30, 0.2, 8], [1200, 60, 0.934, 140.6]]}
    (tmp_path / "script.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "script.webp").touch()
    film, curve, words = figures.training("script")
    assert film == tmp_path / "script.webp"
    assert curve["data"] == [[30, 0.2], [60, 0.934]]
    assert words.startswith("1,200 steps of learning in 1 minute on one")
    assert words.endswith("At the end R² was 0.934, which is at least 141 bits a glyph.")


def figure(mean: float, half: float = 0.01) -> dict[str, object]:
    return {"mean": mean, "interval": [mean - half, mean + half], "values": [mean] * 5}


def found() -> dict[str, object]:
    """Experiments with simple answers, of both kinds of network alike."""
    classifier = {
        "trained": {"as run": figure(0.97), "frozen": figure(0.91)},
        "random": {"as run": figure(0.96), "frozen": figure(0.76)},
    }
    unsure = {"mean": 0.5, "interval": None, "values": [0.5]}
    one = {
        "reconstruction": {kind: {"from_signs": figure(0.8)} for kind in ("trained", "random")},
        "classifier": classifier,
        "probe": {kind: {"few_labels": unsure} for kind in ("trained", "random")},
        "drawing": {"trained": figure(0.09), "random": figure(0.01)},
    }
    both = {name: {"script": value, "seed": value} for name, value in one.items()}
    both["drawing"]["mean digit"] = figure(0.05)
    return {**both, "limit": None, "pictures": {}}


def test_experiments_are_told_by_their_figures(monkeypatch):
    monkeypatch.setattr(figures, "experiments", dict)
    assert figures.digits() is None
    monkeypatch.setattr(figures, "experiments", lambda: {"note": "", "digits": found()})
    title, measured = figures.digits()
    said = ui.text("glyphs", "digits", digits=title, **figures.digit_figures(measured))
    assert "scikit-learn's 1,797 small digits" in said
    assert "our networks 97.0% (96.0% to 98.0%) trained, 96.0% (95.0% to 97.0%) random: no clear difference" in said
    assert "91.0% (90.0% to 92.0%) trained, 76.0% (75.0% to 77.0%) random: training helps" in said
    assert "0.090 (0.080 to 0.100) trained, 0.010 (0.000 to 0.020) random: training harms" in said
    assert "average digit: 0.050" in said
    assert "50.0% trained, 50.0% random: too few repetitions to say more" in said
    assert figures.sheets(measured) == []
    bars = figures.classified(measured)["data"]
    assert bars[0] == ["ours, as run, trained", 0.97, "trained"]
    assert bars[-1] == ["original, frozen, random", 0.76, "random"]
    assert len({label for label, *_ in bars}) == 8


def test_the_shipped_experiments_have_all_their_figures_and_pictures():
    title, measured = figures.digits()
    assert title == "5,000 of MNIST's 10,000 test digits"
    assert all(figures.digit_figures(measured).values())
    assert len(figures.sheets(measured)) == 2


@pytest.mark.parametrize("limit", [None, 5000])
def test_mnist_comes_before_the_small_digits(monkeypatch, limit):
    monkeypatch.setattr(figures, "experiments", lambda: {"digits": found(), "mnist": {**found(), "limit": limit}})
    assert figures.digits()[0] == ("5,000 of " if limit else "") + "MNIST's 10,000 test digits"


def test_rows_of_pictures_get_their_labels():
    sheet = Image.new("RGB", (100, 40), "black")
    sheet.paste("white", (0, 20, 100, 40))
    picture = figures.labelled_rows(sheet, ["the digits", "our networks, trained"], "Digits")
    middle = np.array(picture.convert("L"))[:, picture.width // 2]
    assert (middle == 0).sum() >= 0.2 * picture.width * 0.9  # the first strip, enlarged
    assert picture.height > 2 * 0.2 * (picture.width - 40)


def test_what_holds_the_bits_down_is_told_as_it_was_measured(monkeypatch):
    found = {
        "bits_through_the_noise_at_most": {"colour_1024": 2000},
        "training": {
            "script": "colour_1024",
            "usual": {"steps": 10, "bits": 700.0},
            "longer": {"steps": 40, "bits": 720.0},
        },
    }
    monkeypatch.setattr(figures, "_json", lambda path: found)
    told = ui.text("glyphs", "capacity", **figures.capacity())
    assert "at most 2,000 bits" in told
    assert "Trained 4 times as long" in told
    assert "720 bits instead of 700" in told
    assert "it is not the length of the training" in told
    found["training"]["longer"]["bits"] = 900.0
    assert figures.capacity()["culprit"] == "the training"
    monkeypatch.setattr(figures, "_json", lambda path: {})
    assert figures.capacity() is None
