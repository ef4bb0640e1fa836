"""The training command: keeps what is better, survives interruption, shares the work."""

from __future__ import annotations

import json
import signal

import pytest
from PIL import Image

from cppn.__main__ import main
from cppn.flags.decode import open_gift
from cppn.flags.fit import Run
from cppn.flags.making import train
from cppn.flags.recipe import SEED_RECIPE, Recipe
from cppn.flags.teams import TEAMS

JAPAN = TEAMS["japan"]


def paths(root, slug):
    return [root / "flags" / place for place in train.places(slug)]


@pytest.fixture
def places(tmp_path):
    """A weights folder and a workshop, as options."""
    return ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]


def test_a_run_leaves_weights_a_record_and_a_film(tmp_path, places, capsys):
    assert main(["flags", "train", "Japan", "--steps", "12", *places]) == 0
    weights, record, film = paths(tmp_path / "out", "japan")
    gift = open_gift(weights)
    run = json.loads(record.read_text(encoding="utf-8"))
    assert gift.size == (320, 213)
    assert run["steps"] == 12
    assert run["recipe"]["optimizer"] == "muon"
    with Image.open(film) as animation:
        # two looks that are alike, as before and after the first tiny step, may share a frame
        assert len(run["curve"]) - 1 <= animation.n_frames <= len(run["curve"])
    assert "kept" in capsys.readouterr().out


def test_a_worse_run_does_not_replace_a_better_one(tmp_path):
    def trained(steps, seed, **options):
        train.train_team(JAPAN, Recipe(steps=steps, seed=seed), tmp_path / "out", tmp_path / "shop", **options)
        return paths(tmp_path / "out", "japan")[0].read_bytes()

    before = trained(30, 0)
    assert trained(1, 1) == before
    assert trained(1, 1, force=True) != before


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(tmp_path, places, monkeypatch):
    whole = tmp_path / "whole"
    assert main(["flags", "train", "japan", "--steps", "20", "--out", str(whole), "--workshop", str(whole)]) == 0
    advance = Run.advance

    def interrupted(run):
        if run.step == 8:
            signal.raise_signal(signal.SIGINT)
        return advance(run)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "advance", interrupted)
        # the command ends, it does not go on to the next team
        assert main(["flags", "train", "japan", "poland", "--steps", "20", *places]) == 130
    assert not (tmp_path / "out").exists()
    assert main(["flags", "train", "japan", "--steps", "20", *places]) == 0
    expected, found = (paths(root, "japan") for root in (whole, tmp_path / "out"))
    assert found[0].read_bytes() == expected[0].read_bytes()
    assert found[2].read_bytes() == expected[2].read_bytes()
    looks, others = (json.loads(files[1].read_text(encoding="utf-8"))["curve"] for files in (found, expected))
    assert [look[::2] for look in looks] == [look[::2] for look in others]  # but for the time that it took


def test_another_recipe_is_another_run(tmp_path):
    usual = Recipe(train.STEPS["japan"])
    for recipe in (Recipe(steps=3), Recipe(steps=2), Recipe(steps=2, seed=1), SEED_RECIPE, usual):
        train.state_file(tmp_path, "japan", recipe, usual).touch()
    assert len(list(tmp_path.iterdir())) == 5
    assert (tmp_path / "japan-0.state").exists()  # the usual one has a plain name


def test_a_diverging_run_starts_again_gentler(tmp_path, monkeypatch):
    tried = []

    class Diverging(Run):
        def advance(self):
            if not self.curve:
                tried.append((self.recipe.learning_rate, self.recipe.seed))
            if len(tried) < 3:
                raise FloatingPointError("diverged")
            return super().advance()

    monkeypatch.setattr(train, "Run", Diverging)
    train.train_team(JAPAN, Recipe(steps=1), tmp_path / "out", tmp_path / "shop")
    assert tried == [(0.02, 0), (0.01, 1), (0.005, 2)]
    tried.clear()
    monkeypatch.setattr(train, "ATTEMPTS", 2)
    with pytest.raises(FloatingPointError):
        train.train_team(JAPAN, Recipe(steps=2), tmp_path / "out", tmp_path / "shop")


def test_every_team_has_its_share_and_the_longest_come_first(monkeypatch):
    assert set(train.STEPS) == set(TEAMS)
    trained = []
    monkeypatch.setattr(train, "train_team", lambda team, recipe, *rest: trained.append((team.slug, recipe.steps)))
    assert main(["flags", "train", "--all"]) == 0
    assert dict(trained) == train.STEPS
    assert [steps for _, steps in trained] == sorted(train.STEPS.values(), reverse=True)


def test_a_team_may_be_named_in_any_way_and_is_trained_once(monkeypatch):
    trained = []
    monkeypatch.setattr(train, "train_team", lambda team, *rest: trained.append(team.slug))
    assert main(["flags", "train", "HONG KONG", "hong_kong", "Hong Kong, China"]) == 0
    assert trained == ["hong_kong"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "there is no team 'nowhere'; known are australia"),
        ([], "name a team, or say --all"),
        (["japan", "--steps", "0"], "it must be at least 1"),
        (["japan", "--out", __file__], "is not a folder"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_sentence(capsys, words, sentence):
    with pytest.raises(SystemExit) as end:
        main(["flags", "train", *words])
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err
