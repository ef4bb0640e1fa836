"""The process that opens the doors: reads jobs (door, seed) as JSON from its input, writes what came of each.

It is a process of its own so that a crash, an endless loop or a memory bomb ends it and not the tests; whoever started
it knows by the line "begun" which file did it.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import torch
from fuzz_doors import DOORS

from cppn.faults import VisitorError

CPU_SECONDS, WALL_SECONDS = 60, 300  # after which the system ends this process, whatever it is doing
ADDRESS_SPACE = 16 * 2**30  # bytes; a bomb beyond that is a MemoryError
LONGEST = 400  # characters of a sentence that can be shown


def memory(line: str) -> float:
    """Megabytes of this process: "VmRSS" now, "VmHWM" at the most since `reset_peak`."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split(f"{line}:")[1].split()[0]) / 1024


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def judge(door: str, seed: int, folder: Path) -> dict[str, object]:
    """Make the file of a seed, bring it to its door, and say what came of it."""
    rng = np.random.default_rng([*door.encode(), seed])
    kind, made = DOORS[door].make(rng)
    if isinstance(made, bytes):
        path = folder / "upload"
        path.write_bytes(made)
        made = path
    reset_peak()
    before, start = memory("VmRSS"), time.process_time()
    outcome, words = "accepted", ""
    try:
        DOORS[door].take(made)
    except VisitorError as fault:
        words = str(fault)
        clean = 8 < len(words) < LONGEST and words.isprintable()
        outcome = "said" if clean else "uncaught"
    except Exception as fault:  # whatever it is, it is what we look for
        outcome = "uncaught"
        words = f"{type(fault).__name__}: {str(fault)[:200]!r} at {traceback.extract_tb(fault.__traceback__)[-1]}"
    return {
        "kind": kind,
        "outcome": outcome,
        "words": words,
        "seconds": time.process_time() - start,
        "megabytes": memory("VmHWM") - before,
    }


def main() -> None:
    torch.set_num_threads(1)
    logging.disable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            job = json.loads(line)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
            print(json.dumps({"begun": job}), flush=True)
            print(json.dumps(judge(job["door"], job["seed"], Path(folder))), flush=True)


if __name__ == "__main__":
    main()
