"""All tests, on two cores: those in a browser, those that mostly wait, and the others side by side.

    python -m tests [options and places, as pytest takes them]

Each part is a pytest of its own; those beside the others tell what they found at the end.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ASIDE = ("browser and not waits", "waits")  # by their markers
NOTHING_CHOSEN = 5  # pytest's status where no test was


def main(words: list[str]) -> int:
    """Run all parts; 0 if nothing failed, else the greatest of their statuses."""

    def run(chosen: str, **where: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", *words, "-m", chosen]
        return subprocess.run(command, text=True, check=False, **where)

    with ThreadPoolExecutor() as pool:
        kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        aside = {part: pool.submit(run, part, **kept) for part in ASIDE}
        statuses = {run("not browser and not waits").returncode}
    for part, done in aside.items():
        print(f"--- {part}\n{done.result().stdout}", flush=True)
        statuses.add(done.result().returncode)
    if statuses <= {0, NOTHING_CHOSEN} and statuses != {NOTHING_CHOSEN}:
        return 0
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
