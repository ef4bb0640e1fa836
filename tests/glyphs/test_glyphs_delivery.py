"""What the training command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

from dataclasses import replace

import deliveries
import pytest
import torch

from cppn import checkpoint, hub
from cppn.__main__ import main
from cppn.glyphs.making import train as recipe
from cppn.glyphs.making.fit import Recipe
from cppn.glyphs.network import GlyphConfig
from cppn.glyphs.weights import open_script

TINY = GlyphConfig(numbers=4, channels=1, pixels=32, cutoff=4, reader_cutoff=5, hidden=16)
FIRST = recipe.Plan(TINY, Recipe(steps=60, batch=64, warmup=10))
PLANS = {"script": FIRST, "gray_64": FIRST, "gray_32": replace(FIRST, after="gray_64")}


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train scripts into a folder; returns that folder."""
    monkeypatch.setattr(recipe, "PLANS", PLANS)
    return deliveries.trainer("glyphs", tmp_path)


def check(root, *stems):
    deliveries.check(root, *(f"glyphs/{stem}.safetensors" for stem in stems))


def test_three_steps_do_not_replace_more(train):
    deliveries.check_that_the_better_stays(train, "script", "glyphs/script.safetensors")


def test_a_second_process_leaves_what_the_first_delivered(train, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (1, 0):  # whichever begins: a script has the one that it starts from in its own process
        monkeypatch.setenv("RANK", str(rank))
        root = train("--all", "--steps", "1")
    check(root, "gray_32", "gray_64", "script")


def test_a_file_of_float16_is_repacked_as_a_training_delivers_it(train, capsys):
    root = train("script")
    path = root / "glyphs" / "script.safetensors"
    trained = open_script("script", path).net
    checkpoint.save(path, trained, TINY, lambda *_: 16)
    with pytest.raises(checkpoint.CheckpointError):
        open_script("script", path)
    before = path.stat().st_size
    train("script", "--repack")
    check(root, "script")
    assert path.stat().st_size < before
    for name, tensor in open_script("script", path).net.state_dict().items():
        torch.testing.assert_close(tensor, trained.state_dict()[name], rtol=2e-3, atol=1e-4)
    with pytest.raises(SystemExit):  # once is enough
        train("script", "--repack")
    assert "unexpected tensor" in capsys.readouterr().err


def test_families_are_trained_in_order():
    names = [name for family in recipe.families(recipe.PLANS) for name in family]
    assert sorted(names) == sorted(recipe.PLANS)
    assert [family[0] for family in recipe.families(recipe.PLANS)] == ["script", "colour_64", "gray_64", "seed"]
    for name, plan in recipe.PLANS.items():
        assert not plan.after or names.index(plan.after) < names.index(name)


def test_a_script_of_ones_own_stays_away_from_the_published_ones(tmp_path, monkeypatch):
    put = []
    monkeypatch.setattr(recipe, "train", lambda name, plan, root, *rest: put.append((name, root)))
    workshop = ["--workshop", str(tmp_path / "shop")]
    assert main(["glyphs", "train", "script", "--size", "4", "--steps", "3", *workshop]) == 0
    assert put == [("script", hub.BUNDLED), ("own_gray_4_48", tmp_path)]


def test_the_app_answers_from_what_was_trained(train, asked_of):
    root = train("script", "--steps", "2")
    assert asked_of(root, "draw_glyph", "script", "1")[-1]["weights_from"] == f"folder {root.name}"
