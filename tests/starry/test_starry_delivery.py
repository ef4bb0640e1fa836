"""What the training command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

import json

import deliveries
import pytest
from PIL import Image
from test_starry_fit import smooth_picture

from cppn.__main__ import main
from cppn.starry.making import train as recipe
from cppn.starry.search import ALL, Stage
from cppn.starry.shape import Shape

RUNGS = ((Stage(30, 300, reach=2),), (Stage(12, 150, 300, 1e-2, reach=2),), (Stage(12, 300, ALL, 1e-3),))
FEWER = ((Stage(10, 150, 300, 1e9),),) * 3  # with so much damping nothing moves


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Search for a program into a folder; returns that folder."""
    monkeypatch.setattr(recipe, "RUNGS", RUNGS)
    monkeypatch.setattr(recipe, "BLOCKS", 4)
    monkeypatch.setattr(recipe, "OURS", Shape(neurons=6, levels=111, scale=900, constant=51))
    picture = tmp_path / "target.png"
    Image.fromarray(smooth_picture().numpy()).save(picture)

    def run(*words, shop="shop", starts="1", target=picture):
        places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / shop)]
        assert main(["starry", "train", "--target", str(target), "--starts", starts, *words, *places]) == 0
        return tmp_path / "out"

    return run


def check(root):
    deliveries.check(root, "starry/ours.pyth")


def test_fewer_steps_do_not_replace_more(train, monkeypatch):
    root = train()
    check(root)
    before = deliveries.contents(root)
    monkeypatch.setattr(recipe, "RUNGS", FEWER)
    monkeypatch.setattr(recipe, "polish", lambda objective, whole: iter(()))
    train(shop="other")
    assert deliveries.contents(root) == before
    train("--force", shop="other")
    check(root)
    assert all(path.read_bytes() != data for path, data in before.items())


def test_several_processes_leave_the_best_program_and_need_not_all_have_a_start(train, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        root = train(starts="2")
    told = capsys.readouterr().out
    assert "nothing to do" in told
    scores = [float(line.split()[1]) for line in told.splitlines() if line.startswith("score")]
    assert len(scores) == 2
    assert json.loads((root / "starry" / "ours.json").read_text())["score"] == pytest.approx(min(scores), abs=0.01)
    check(root)


def test_another_picture_has_starts_of_its_own(train, tmp_path):
    train()
    Image.new("RGB", (24, 20), "navy").save(tmp_path / "navy.png")
    root = train(target=tmp_path / "navy.png")
    assert len(list((tmp_path / "shop").rglob("seed-0.state"))) == 2
    check(root)  # a program for another picture gives way


def test_a_target_that_is_no_picture_is_told_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["starry", "train", "--target", __file__])
    assert end.value.code == 2
    assert "is not a picture that can be read" in capsys.readouterr().err


def test_the_app_answers_from_what_was_trained(train, asked_of):
    root = train()
    facts = asked_of(root, "paint_starry", "ours", 64)[1]
    assert facts["bytes"] == (root / "starry/ours.pyth").stat().st_size
    assert facts["neurons"] == 6
