"""A journal of finished pieces of a long computation, so that it goes on where it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path


class Journal:
    """A file of one JSON object a line; several processes may add to it at once.

    Attributes:
        path: where it lies; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def entries(self) -> list[dict[str, object]]:
        """Everything written so far; a last line that was cut off counts as not written."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def add(self, entry: dict[str, object]) -> None:
        """Write one more entry, in one call of the operating system."""
        with self.path.open("ab", buffering=0) as file:
            file.write((json.dumps(entry) + "\n").encode())
