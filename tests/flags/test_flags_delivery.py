"""What the training command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

import deliveries
import pytest

from cppn import hub
from cppn.__main__ import main


@pytest.fixture
def train(tmp_path):
    """Train teams into a folder; returns that folder."""

    def run(*words):
        places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
        assert main(["flags", "train", *words, *places]) == 0
        return tmp_path / "out"

    return run


def check(root, *stems):
    names = [f"flags/{stem}.safetensors" for stem in stems]
    deliveries.check(root, *names)
    for found in hub.Library(str(root)).find_all(names).values():
        assert found.note == ""


def test_three_steps_do_not_replace_more(train):
    root = train("japan", "--steps", "30")
    check(root, "japan")
    before = deliveries.contents(root)
    train("japan", "--steps", "3")
    assert deliveries.contents(root) == before
    train("japan", "--steps", "3", "--force")
    check(root, "japan")
    assert all(path.read_bytes() != data for path, data in before.items())


def test_a_second_process_leaves_what_the_first_delivered(train, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        root = train("japan", "poland", "--steps", "1")
    check(root, "japan", "poland")


def test_the_app_answers_from_what_was_trained(train, asked_of):
    root = train("japan", "--steps", "1")
    assert asked_of(root, "decode_flag", "japan", 64)[1]["weights_from"] == f"folder {root.name}"
