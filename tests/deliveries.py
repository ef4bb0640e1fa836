"""What a training command must leave in a weights folder, whichever wing it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cppn import hub
from cppn.__main__ import main


def check(root: Path, *names: str) -> None:
    """The manifest lists just these files, as they are, and the app takes them from this folder."""
    assert hub.read_manifest(root) == hub.list_files(root)
    assert list(hub.read_manifest(root)) == list(names)
    for found in hub.Library(str(root)).find_all(names).values():
        assert (found.source, found.note) == (f"folder {root.name}", "")


def contents(root: Path) -> dict[Path, bytes]:
    """Every file of a folder with its bytes."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def trainer(wing: str, tmp_path: Path) -> Callable[..., Path]:
    """A wing's training command, run into a folder that it returns."""

    def train(*words: str) -> Path:
        places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
        assert main([wing, "train", *words, *places]) == 0
        return tmp_path / "out"

    return train


def check_that_the_better_stays(train: Callable[..., Path], stem: str, file: str, *words: str) -> None:
    """Three steps do not replace more steps, unless they are forced to."""
    root = train(stem, *words)
    check(root, file)
    before = contents(root)
    train(stem, "--steps", "3")
    assert contents(root) == before
    train(stem, "--steps", "3", "--force")
    check(root, file)
    assert all(path.read_bytes() != data for path, data in before.items())
