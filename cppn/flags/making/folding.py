"""What the zigzags bring: a flag that repeats itself, learnt without them, with them, and with them but not held.

    python -m cppn flags folding

Runs of one seed start from the same weights, the zigzags aside, and draw the same points. They are appended to a log as
they end and are not repeated, so this can be interrupted and extended.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from cppn.checkpoint import write_atomically
from cppn.flags.fit import Run, measure
from cppn.flags.making.train import PERIODS, usual_recipe
from cppn.flags.target import Target
from cppn.flags.views import FOLDED, RESULTS
from cppn.journal import Journal
from cppn.recipes import positive
from cppn.training import interval_95

RESULT = RESULTS / "flag_folding.json"
ARMS = ("none", "held", "not held")


def perform(arm: str, steps: int, seed: int) -> dict[str, object]:
    """Train one arm to its end; decibels at the pixel centres and at four times zoom."""
    target = Target.of_team(FOLDED)
    period = None if arm == "none" else PERIODS[FOLDED]
    run = Run(target, replace(usual_recipe(FOLDED), steps=steps, seed=seed, period=period))
    if arm == "not held":
        run.release()
    while not run.done:
        run.advance()
    grid, zoomed = measure(run.gift(), target)
    return {
        "arm": arm,
        "steps": steps,
        "seed": seed,
        "psnr": round(grid, 2),
        "psnr_zoomed": round(zoomed, 2),
        "cpu_seconds": round(run.cpu_seconds, 1),
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags folding`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn flags folding", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=positive, default=10_000, help="default: %(default)s")
    parser.add_argument("--seeds", type=positive, default=3, help="default: %(default)s")
    parser.add_argument("--journal", type=Path, default=Path("runs/flag_folding.jsonl"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    journal = Journal(args.journal)
    for seed in range(args.seeds):
        for arm in ARMS:
            if not [r for r in journal.entries() if (r["arm"], r["steps"], r["seed"]) == (arm, args.steps, seed)]:
                journal.add(found := perform(arm, args.steps, seed))
                print(found, flush=True)
    runs = [run for run in journal.entries() if run["steps"] == args.steps]
    arms = {arm: [run["psnr"] for run in runs if run["arm"] == arm] for arm in ARMS}
    summary = [
        {"arm": arm, "runs": len(found), "mean_psnr": round(sum(found) / len(found), 2)}
        | ({"interval_95": interval_95(found, 2)} if len(found) > 1 else {})
        for arm, found in arms.items()
    ]
    shown = {"flag": FOLDED, "steps": args.steps, "summary": summary, "runs": runs}
    write_atomically(args.out, (json.dumps(shown, indent=1) + "\n").encode())
    return 0
