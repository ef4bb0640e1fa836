"""All tests, on two cores: those in a browser, those that mostly wait, and the others side by side.

    python -m tests [options, as pytest takes them]

Each part is a pytest of its own; those beside the others tell what they found at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

LINKS = "tests/browser/test_links.py"  # beside those that wait, whose part has time for them
ASIDE = {"browser": ["tests/browser", f"--ignore={LINKS}"], "hub and links": ["tests/hub", LINKS]}
OTHERS = ["tests", "--ignore=tests/browser", "--ignore=tests/hub"]
NOTHING_CHOSEN = 5  # pytest's status where no test was


def main(words: list[str]) -> int:
    """Run all parts; 0 if nothing failed, else the greatest of their statuses."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # no part has a second core to itself

    def run(places: list[str], **where: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", *places, *words]
        return subprocess.run(command, env=environment, text=True, check=False, **where)

    with ThreadPoolExecutor() as pool:
        kept = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        aside = {part: pool.submit(run, places, **kept) for part, places in ASIDE.items()}
        statuses = {run(OTHERS).returncode}
    for part, done in aside.items():
        print(f"--- {part}\n{done.result().stdout}", flush=True)
        statuses.add(done.result().returncode)
    if statuses <= {0, NOTHING_CHOSEN} and statuses != {NOTHING_CHOSEN}:
        return 0
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
