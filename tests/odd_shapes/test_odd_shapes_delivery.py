"""What the training command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

from dataclasses import replace

import deliveries
import pytest
from gradio_client import handle_file

from cppn.__main__ import main
from cppn.odd_shapes.making import train as recipe
from cppn.odd_shapes.making.fit import Recipe

TINY = Recipe(steps=20, batch=16, learning_rate=6e-3, rest_rate=1 / 3)


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Train networks into a folder; returns that folder."""
    monkeypatch.setattr(recipe, "OURS_STAGES", (replace(TINY, steps=1), TINY))
    monkeypatch.setattr(recipe, "GROWN_BEFORE", 1)
    monkeypatch.setattr(recipe, "SEED_STAGES", (replace(TINY, steps=1),) * 2)
    monkeypatch.setattr(recipe, "GROWN_AT", 1000.0)
    return deliveries.trainer("odd_shapes", tmp_path)


def check(root, *stems):
    deliveries.check(root, *(f"odd_shapes/{stem}.safetensors" for stem in stems))


def test_three_steps_do_not_replace_more(train):
    deliveries.check_that_the_better_stays(train, "ours", "odd_shapes/ours.safetensors")


def test_a_second_process_leaves_what_the_first_delivered(train, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        root = train("--all", "--steps", "1")
    check(root, "ours", "seed")


def test_the_error_at_the_end_is_that_of_several_points():
    points = [[0, 0.0, 9.0], *([step, 0.0, error] for step, error in enumerate([3.0, 4.0] * 5))]
    assert recipe.final_rmse({"stages": [{"curve": []}, {"curve": points}]}) == pytest.approx(12.5**0.5)


def test_an_unknown_network_is_named_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["odd_shapes", "train", "theirs"])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith("there is no network 'theirs'; known are ours, seed\n")


def test_the_app_answers_from_what_was_trained(train, asked_of):
    root = train("ours", "--steps", "2")
    drawn = asked_of(root, "draw_odd_shapes", 1)[0]
    assert asked_of(root, "locate_odd_shape", handle_file(drawn))[-1]["weights_from"] == f"folder {root.name}"
