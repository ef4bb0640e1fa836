"""The training command: keeps what is better, survives interruption, shares the work."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from cppn.__main__ import main
from cppn.flags.decode import open_gift
from cppn.flags.fit import fit
from cppn.flags.making import train
from cppn.flags.recipe import Recipe
from cppn.flags.teams import TEAMS

JAPAN = TEAMS["japan"]


def paths(root, slug):
    return [root / "flags" / place for place in train.places(slug)]


def test_a_run_leaves_weights_a_record_and_a_film(tmp_path, capsys):
    assert main(["flags", "train", "Japan", "--steps", "12", "--out", str(tmp_path)]) == 0
    weights, record, film = paths(tmp_path, "japan")
    gift = open_gift(weights)
    run = json.loads(record.read_text(encoding="utf-8"))
    assert gift.size == (320, 213)
    assert run["steps"] == 12
    assert run["recipe"]["optimizer"] == "muon"
    with Image.open(film) as animation:
        # two looks that are alike, as before and after the first tiny step, may share a frame
        assert len(run["curve"]) - 1 <= animation.n_frames <= len(run["curve"])
    assert "kept" in capsys.readouterr().out
    assert not list((tmp_path / "flags").glob("*.unfinished.safetensors"))


def test_a_worse_run_does_not_replace_a_better_one(tmp_path):
    train.train_team(JAPAN, Recipe(steps=30), tmp_path)
    before = paths(tmp_path, "japan")[0].read_bytes()
    train.train_team(JAPAN, Recipe(steps=1, seed=1), tmp_path)
    assert paths(tmp_path, "japan")[0].read_bytes() == before
    train.train_team(JAPAN, Recipe(steps=1, seed=1), tmp_path, force=True)
    assert paths(tmp_path, "japan")[0].read_bytes() != before


def test_an_interrupted_run_keeps_its_best(tmp_path, monkeypatch):
    def interrupted(target, recipe):
        for look in fit(target, recipe):
            yield look
            if look.step >= 8:
                raise KeyboardInterrupt

    monkeypatch.setattr(train, "fit", interrupted)
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    assert main(["flags", "train", "japan", "poland", "--steps", "10000", "--out", str(tmp_path)]) == 130
    run = json.loads(paths(tmp_path, "japan")[1].read_text(encoding="utf-8"))
    assert run["steps"] >= 8
    assert not paths(tmp_path, "poland")[0].exists()  # the command ends, it does not go on to the next team
    assert open_gift(paths(tmp_path, "japan")[0]).checkpoint.parameters == 6675


def test_a_diverging_run_starts_again_gentler(tmp_path, monkeypatch):
    tried = []

    def diverging(target, recipe):
        tried.append((recipe.learning_rate, recipe.seed))
        if len(tried) < 3:
            raise FloatingPointError("diverged")
        yield from fit(target, recipe)

    monkeypatch.setattr(train, "fit", diverging)
    train.train_team(JAPAN, Recipe(steps=1), tmp_path)
    assert tried == [(0.02, 0), (0.01, 1), (0.005, 2)]


def test_every_team_has_its_share_and_the_longest_come_first():
    assert set(train.STEPS) == set(TEAMS)


def test_the_command_wants_a_team():
    with pytest.raises(SystemExit):
        main(["flags", "train"])


def test_an_unknown_team_is_named_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["flags", "train", "nowhere"])
    assert end.value.code == 2
    assert "there is no team 'nowhere'; known are australia" in capsys.readouterr().err
