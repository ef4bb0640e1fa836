"""Runs that go on where they were left, deliveries, and what the commands of recipes take."""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import signal
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from cppn import hub, recipes
from cppn.recipes import carry_out, my_share, save_state

# --- shares of the work


def test_a_single_process_does_everything(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert my_share("abc") == ["a", "b", "c"]


def test_processes_share_the_work_without_overlap(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        shares.append(my_share(range(8)))
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5]]


def test_a_state_is_written_whole_or_not_at_all(tmp_path):
    class Counter:
        def __init__(self, value: object) -> None:
            self.value = value

        def state_dict(self) -> dict[str, object]:
            return {"value": self.value}

    path = tmp_path / "new" / "run.state"
    save_state(Counter(torch.ones(2)), path)
    with pytest.raises(Exception, match="pickle"):
        save_state(Counter(lambda: None), path)  # fails half-way
    torch.testing.assert_close(torch.load(path, weights_only=True)["value"], torch.ones(2))


class Count:
    """A run that counts to a number."""

    def __init__(self, goal: int) -> None:
        self.goal, self.step, self.cpu_seconds, self.curve = goal, 0, 0.0, []

    @property
    def done(self) -> bool:
        return self.step >= self.goal

    def advance(self) -> None:
        self.step += 1
        self.curve.append(self.step)

    def state_dict(self) -> dict[str, object]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.step = state["step"]
        self.curve = list(range(1, self.step + 1))


def test_a_run_goes_on_where_it_was_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "deep" / "count.state"
    first = carry_out(Count(100), path, lambda run: str(run.step), every=2, until=lambda run: run.step == 5)
    assert first.step == 5
    assert capsys.readouterr().out.splitlines() == ["count: 2", "count: 4"]
    again = carry_out(Count(9), path, lambda run: str(run.step))
    assert again.step == 9
    assert capsys.readouterr().out.splitlines()[:2] == ["count: going on after 0 s", "count: 6"]


def test_a_run_that_fails_leaves_its_state(tmp_path: Path):
    class Failing(Count):
        def advance(self) -> None:
            super().advance()
            if self.step == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(Failing(100), tmp_path / "count.state", lambda run: "")
    assert carry_out(Count(3), tmp_path / "count.state", lambda run: "").step == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_its_step_first(tmp_path: Path, number: int):
    class Stopped(Count):
        def advance(self) -> None:
            if self.step == 2:
                signal.raise_signal(number)
            super().advance()

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        carry_out(Stopped(100), tmp_path / "count.state", lambda run: "")
    assert signal.getsignal(number) == before
    assert torch.load(tmp_path / "count.state", weights_only=True) == {"step": 3}


def test_whoever_stops_a_run_that_fails_is_heard():
    with pytest.raises(KeyboardInterrupt), recipes.uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise FloatingPointError


@dataclasses.dataclass(frozen=True)
class Recipe:
    steps: int
    seed: int = 0


def test_a_run_by_another_recipe_has_a_state_of_its_own(tmp_path: Path):
    def place(steps: int, seed: int = 0) -> Path:
        return recipes.state_file(tmp_path, "ours", Recipe(steps, seed), Recipe(100))

    assert place(100) == tmp_path / "ours-0.state"
    assert place(100, 7) == tmp_path / "ours-7.state"
    assert place(3) == place(3)
    assert len({place(100), place(100, 7), place(3), place(3, 7), place(4)}) == 5


# --- what the commands take


def parsed(*words: str) -> tuple[list[str], argparse.Namespace]:
    parser = argparse.ArgumentParser("train")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--steps", type=recipes.positive)
    recipes.add_options(parser, Path("runs/here"))
    args = parser.parse_args(words)
    return recipes.chosen(parser, args, "flag", ("peru", "chad", "mali"), {"Chad (Africa)": "chad"}), args


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["mali", "peru"], ["peru", "mali"]),
        (["CHAD", " chad (africa)"], ["chad"]),
        (["--all"], ["peru", "chad", "mali"]),
    ],
)
def test_names_are_taken_in_any_case_once_and_in_order(words, names):
    assert parsed(*words)[0] == names


def test_every_recipe_has_the_same_defaults():
    args = parsed("--all")[1]
    assert (args.out, args.force, args.workshop) == (hub.BUNDLED, False, Path("runs/here"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "train: error: name a flag, or say --all\n"),
        (["peru", "nowhere\n"], "train: error: there is no flag 'nowhere\\n'; known are peru, chad, mali\n"),
        (["--all", "--steps", "0"], "it must be at least 1"),
        (["--all", "--steps", "many"], "many"),
        (["--all", "--out", __file__], "is not a folder"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(words, told, capsys):
    with pytest.raises(SystemExit) as end:
        parsed(*words)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


# --- delivering


def brought(root, name: str, score: float, **options) -> bool:
    files = {f"flags/{name}.safetensors": f"{score}".encode(), f"flags/runs/{name}.json": json.dumps(score).encode()}
    place = root / "flags" / "runs" / f"{name}.json"
    return recipes.deliver(root, files, score, lambda: json.loads(place.read_text()), **options)


def test_a_better_training_replaces_a_worse_one_with_record_and_manifest(tmp_path):
    assert brought(tmp_path, "a", 1.0)
    assert not brought(tmp_path, "a", 0.5)
    assert not brought(tmp_path, "a", 1.0)  # no better
    assert (tmp_path / "flags" / "a.safetensors").read_bytes() == b"1.0"
    assert brought(tmp_path, "a", 0.5, force=True)
    assert brought(tmp_path, "a", 2.0)
    assert (tmp_path / "flags" / "a.safetensors").read_bytes() == b"2.0"
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)
    (tmp_path / "flags" / "runs" / "a.json").write_text("no record")
    assert brought(tmp_path, "a", 0.1)


@pytest.mark.parametrize("lost", ["a.safetensors", "runs/a.json"])
def test_what_is_not_whole_counts_as_worse(tmp_path, lost):
    brought(tmp_path, "a", 1.0)
    (tmp_path / "flags" / lost).unlink()
    assert brought(tmp_path, "a", 0.5)


def test_a_delivery_that_was_cut_off_is_mended_by_the_next(tmp_path, monkeypatch):
    brought(tmp_path, "a", 1.0)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(hub, "write_manifest", Mock(side_effect=OSError("the disk is full")))
        brought(tmp_path, "a", 2.0)
    assert brought(tmp_path, "a", 2.0)
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)


def test_a_delivery_is_not_interrupted(tmp_path, monkeypatch):
    write = hub.write_manifest
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(hub, "write_manifest", lambda root: (signal.raise_signal(signal.SIGINT), write(root)))
        brought(tmp_path, "a", 1.0)
    assert not brought(tmp_path, "a", 1.0)  # it is all there
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)


def test_several_processes_deliver_to_one_folder(tmp_path):
    names = [f"n{number}" for number in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: brought(tmp_path, name, 1.0), names))
    assert set(hub.read_manifest(tmp_path)) == {f"flags/{name}.safetensors" for name in names}
    assert hub.read_manifest(tmp_path) == hub.list_files(tmp_path)
