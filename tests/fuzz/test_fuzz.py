"""Whatever file or value a stranger brings is used, or refused in a sentence, soon and in little memory.

A few files a door in the suite; many by hand: `pytest tests/fuzz --cases 1000 -s`. A seed names its file for ever:
`pytest tests/fuzz --cases 1000 -k open_gift` makes the same thousand.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_doors import DOORS

HERE = Path(__file__).parent
FEW = 12  # files a door, where nobody says how many
WARM = 2  # of each door go first and are not judged by their memory, which is that of what is loaded once
SECONDS = 10  # of a processor for one file
MEGABYTES = 400  # of memory beside what was there before
BAD = ("uncaught", "killed", "over time", "over memory")

Result = dict[str, object]


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    opened = Child()
    yield opened
    opened.close()


class Child:
    """The process that opens the doors, started again when a file has ended it."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, HERE / "fuzz_child.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def result_of(self, door: str, seed: int) -> Result:
        """What came of one file."""
        print(json.dumps({"door": door, "seed": seed}), file=self._process.stdin, flush=True)
        self._process.stdout.readline()  # begun
        if line := self._process.stdout.readline():
            return json.loads(line)
        status = self._process.wait()
        self.__init__()
        ended = status in (-signal.SIGPROF, -signal.SIGALRM)
        return {"kind": "", "outcome": "over time" if ended else "killed", "words": f"exit status {status}"}

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def judged(result: Result, warm: bool) -> str:
    """One of "accepted", "said" and `BAD`."""
    if result["outcome"] in BAD:
        return result["outcome"]
    if result["seconds"] > SECONDS:
        return "over time"
    return "over memory" if warm and result["megabytes"] > MEGABYTES else result["outcome"]


@pytest.mark.parametrize("door", DOORS)
def test_no_file_does_harm(door: str, child: Child, request: pytest.FixtureRequest):
    cases = request.config.getoption("--cases", default=None) or FEW
    counts, bad, slowest, largest = Counter(), [], 0.0, 0.0
    for seed in range(cases):
        result = child.result_of(door, seed)
        outcome = judged(result, seed >= WARM)
        counts[outcome] += 1
        slowest = max(slowest, result.get("seconds", 0))
        largest = max(largest, result.get("megabytes", 0)) if seed >= WARM else 0.0
        if outcome in BAD:
            bad.append(f"{door} {seed} ({result['kind']}): {outcome}: {result}")
    print(f"\n{door}: {dict(counts)}, slowest {slowest:.1f} s, largest {largest:.0f} MB")
    if bad:
        pytest.fail("\n".join(bad), pytrace=False)
