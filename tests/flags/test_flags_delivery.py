"""What the training command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

import deliveries
import pytest


@pytest.fixture
def train(tmp_path):
    """Train teams into a folder; returns that folder."""
    return deliveries.trainer("flags", tmp_path)


def check(root, *stems):
    deliveries.check(root, *(f"flags/{stem}.safetensors" for stem in stems))


def test_three_steps_do_not_replace_more(train):
    deliveries.check_that_the_better_stays(train, "japan", "flags/japan.safetensors", "--steps", "30")


def test_a_second_process_leaves_what_the_first_delivered(train, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        root = train("japan", "poland", "--steps", "1")
    check(root, "japan", "poland")


def test_the_app_answers_from_what_was_trained(train, asked_of):
    root = train("japan", "--steps", "1")
    assert asked_of(root, "decode_flag", "japan", 64)[1]["weights_from"] == f"folder {root.name}"
