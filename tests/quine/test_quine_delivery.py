"""What the solving command leaves in a weights folder: files that the app takes, and never worse ones."""

from __future__ import annotations

import signal

import deliveries
import pytest
import torch

from cppn import checkpoint
from cppn.__main__ import main
from cppn.quine.architectures import build
from cppn.quine.making import solve as recipe
from cppn.quine.weights import SHIPPED

NEWTON = SHIPPED["newton"]


@pytest.fixture
def solve(tmp_path, monkeypatch):
    """Solve quines into a folder; returns that folder."""

    def run(*words):
        assert main(["quine", "solve", *words, "--out", str(tmp_path / "out")]) == 0
        return tmp_path / "out"

    return run


def check(root, *slugs):
    deliveries.check(root, *(SHIPPED[slug].file for slug in slugs))


def random_newton(quine, on_progress):
    torch.manual_seed(0)
    return build(quine.config)


def test_a_worse_quine_does_not_replace_a_better_one(solve, monkeypatch, capsys):
    root = solve("newton")
    check(root, "newton")
    before = (root / NEWTON.file).read_bytes()
    monkeypatch.setattr(recipe, "solve", random_newton)
    solve("newton")
    assert (root / NEWTON.file).read_bytes() == before
    assert "stays" in capsys.readouterr().out
    solve("newton", "--force")
    assert (root / NEWTON.file).read_bytes() != before
    check(root, "newton")


def test_a_better_quine_replaces_a_worse_or_damaged_one(solve):
    path = solve("newton") / NEWTON.file
    before = path.read_bytes()
    for worse in (checkpoint.to_bytes(random_newton(NEWTON, None), NEWTON.config), b"", before[:-1]):
        path.write_bytes(worse)
        check(solve("newton"), "newton")
        assert path.read_bytes() == before


def test_a_second_process_leaves_what_the_first_delivered(solve, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        root = solve("exact_rnn", "newton")
    check(root, "exact_rnn", "newton")


def test_what_is_solved_before_an_interruption_is_in_place(tmp_path, monkeypatch):
    def interrupted(quine, on_progress):
        if quine.slug == "query":
            signal.raise_signal(signal.SIGINT)
        return random_newton(quine, on_progress)

    monkeypatch.setattr(recipe, "solve", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what is in the background deaf
    try:
        assert main(["quine", "solve", "newton", "query", "--out", str(tmp_path / "out")]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    check(tmp_path / "out", "newton")


def test_a_check_of_a_file_that_is_not_there_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "solve", random_newton)
    assert main(["quine", "solve", "newton", "--check", "--out", str(tmp_path)]) == 1
    assert "NOT the same bytes" in capsys.readouterr().out


def test_the_app_answers_from_what_was_trained(solve, asked_of):
    root = solve("newton")
    assert asked_of(root, "verify_quine", "newton")[0]["weights_from"] == f"folder {root.name}"
