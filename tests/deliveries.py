"""What a training command must leave in a weights folder, whichever wing it belongs to."""

from __future__ import annotations

from pathlib import Path

from cppn import hub


def check(root: Path, *names: str) -> None:
    """The manifest lists just these files, as they are, and the app takes them from this folder."""
    assert hub.read_manifest(root) == hub.list_files(root)
    assert list(hub.read_manifest(root)) == list(names)
    for found in hub.Library(str(root)).find_all(names).values():
        assert found.source == f"folder {root.name}"


def contents(root: Path) -> dict[Path, bytes]:
    """Every file of a folder with its bytes."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
