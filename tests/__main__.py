"""All tests, on two cores: those in a browser beside the others.

    python -m tests [options and places, as pytest takes them]

Each half is a pytest of its own and tells what it found when both are done.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

HALVES = ("browser", "not browser")
NOTHING_CHOSEN = 5  # pytest's status where no test was


def main(words: list[str]) -> int:
    """Run both halves; 0 if nothing failed, else the greater of their statuses."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        command = [sys.executable, "-m", "pytest", *words, "-m"]
        aside = subprocess.Popen([*command, HALVES[0]], stdout=told, stderr=subprocess.STDOUT)
        try:
            here = subprocess.run([*command, HALVES[1]], check=False).returncode
        finally:
            there = aside.wait()
            told.seek(0)
            print(f"--- {HALVES[0]}\n{told.read()}", flush=True)
    if {here, there} <= {0, NOTHING_CHOSEN} and {here, there} != {NOTHING_CHOSEN}:
        return 0
    return max(here, there)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
