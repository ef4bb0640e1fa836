"""A program run by the real interpreter, its picture compared with our painting.

FOLDER holds Pyth as of 22 January 2016, before the contest: https://github.com/isaacg1/pyth, commit 8752181. PyPy 3.9
with Pillow runs it unmodified, in about a minute a picture. This is the one place where a program is executed: by that
interpreter, in a folder of its own, and only when a person asks for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cppn.checkpoint import write_atomically
from cppn.starry.paint import paint
from cppn.starry.program import read
from cppn.starry.weights import published

COMMIT = "8752181ac426d9d4e224891fbb4a8021051e33bb"
REPEATS = 5  # paintings of ours in a benchmark; the interpreter paints once


@dataclass(frozen=True)
class Run:
    """One run of the interpreter: its picture, uint8 (height, width, 3), and its processor seconds."""

    picture: np.ndarray
    cpu_seconds: float


def run_pyth(data: bytes, folder: Path, interpreter: str, packages: Path | None = None) -> Run:
    """Have the real Pyth paint a program.

    Args:
        folder: of Pyth. interpreter: of Python. packages: folder in which that finds Pillow, if not among its own.

    Raises:
        RuntimeError: it failed, or painted nothing; the message is its own.
    """
    with tempfile.TemporaryDirectory() as workplace:
        program = Path(workplace) / "program.pyth"
        program.write_bytes(data)
        environment = {**os.environ, "PYTHONPATH": str(packages.resolve()) if packages else ""}
        before = _children_seconds()
        command = [interpreter, str(folder.resolve() / "pyth.py"), str(program)]
        done = subprocess.run(command, cwd=workplace, capture_output=True, check=False, env=environment)
        seconds = _children_seconds() - before
        picture = Path(workplace) / "o.png"
        if done.returncode or not picture.exists():
            raise RuntimeError(f"Pyth failed: {done.stderr.decode(errors='replace')[-500:]}")
        with Image.open(picture) as image:
            return Run(np.array(image.convert("RGB")), seconds)


def compare(data: bytes, folder: Path, interpreter: str, packages: Path | None) -> dict[str, object]:
    """Run a program, count the colour values in which our painting differs, and time both, side by side."""
    program = read(data)
    seconds = []
    for turn in range(REPEATS):
        if turn == REPEATS // 2:  # between our turns, so that a machine that slows down does so for both
            run = run_pyth(data, folder, interpreter, packages)
        start = time.process_time()
        ours = paint(program, program.width, program.height).numpy()
        seconds.append(time.process_time() - start)
    if run.picture.shape != ours.shape:
        raise RuntimeError(f"Pyth painted {run.picture.shape}, we {ours.shape}")
    median = sorted(seconds)[REPEATS // 2]
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "values": ours.size,
        "differing": int((run.picture != ours).sum()),
        "commit": COMMIT,
        "interpreter": interpreter,
        "cpu_seconds": round(run.cpu_seconds, 2),
        "our_cpu_seconds": round(median, 4),
        "times_as_fast": round(run.cpu_seconds / median),
    }


def ask(verb: str, argv: list[str]) -> dict[str, object]:
    """What the commands `check` and `benchmark` share: their options, and the comparison."""
    parser = argparse.ArgumentParser(
        prog=f"python -m cppn starry {verb}",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("program", nargs="?", type=Path, help="a .pyth file (default: the published network's)")
    parser.add_argument("--pyth", type=Path, required=True, help="folder of the interpreter, with pyth.py")
    parser.add_argument("--interpreter", default="pypy3", help="default: %(default)s")
    parser.add_argument("--packages", type=Path, help="folder in which the interpreter finds Pillow")
    parser.add_argument("--json", type=Path, help="also write the report there")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    data = args.program.read_bytes() if args.program else published().data
    report = compare(data, args.pyth, args.interpreter, args.packages)
    if args.json:
        write_atomically(args.json, (json.dumps(report, indent=1) + "\n").encode())
    return report


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
