"""The seed article's unproved hunches, put to the test: blur, noise, both, patience, positional encoding.

    torchrun --nproc-per-node=2 -m cppn flags experiment

Its author suspected that a blurred start, noise on the target and sheer patience made his flags work, and that a
positional encoding would have made them easier; there was no time to find out. Each hunch is an arm here. Arms share
seeds: the same seed starts from the same weights and draws the same pixels, so differences are paired. Every hunch is
tried in the article's setting (Adam, batch normalisation) and in ours (Muon, none), on an easier and a harder flag.

Runs are appended to a log as they end and are not repeated, so the experiment can be interrupted and extended.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.flags.fit import fit
from cppn.flags.recipe import SEED_RECIPE, Recipe
from cppn.flags.target import Target
from cppn.journal import Journal
from cppn.recipes import my_share
from cppn.training import interval_95

FLAGS = ("malaysia", "usa")
SETTINGS = {
    "adam": replace(SEED_RECIPE, blur=0.0, noise=(0.0, 0.0), batch=2048),
    "muon": Recipe(importance=0.0, jitter=0.0, batch=2048),
}
STEPS = 4000
BLUR, NOISE = 4.0, (0.1, 0.03)  # pixels; standard deviation in stages one and two
ARMS = {
    "plain": {},
    "blur": {"blur": BLUR},
    "noise": {"noise": NOISE},
    "blur and noise": {"blur": BLUR, "noise": NOISE},
    "positional encoding": {"fourier": True},
    "steps / 4": {"steps": STEPS // 4},
    "steps x 4": {"steps": STEPS * 4},
}
RESULT = hub.BUNDLED / "results" / "flag_experiments.json"

Run = dict[str, object]  # setting, flag, arm, seed, psnr, cpu_seconds


def plan(seeds: int) -> list[Run]:
    """Every run of the experiment, cheap arms first, so that an interrupted one is still balanced."""
    return [
        {"setting": setting, "flag": flag, "arm": arm, "seed": seed}
        for arm in sorted(ARMS, key=lambda name: ARMS[name].get("steps", STEPS))
        for seed in range(seeds)
        for flag in FLAGS
        for setting in SETTINGS
    ]


def perform(run: Run) -> Run:
    """Train one arm to its end and add what came out."""
    recipe = replace(SETTINGS[run["setting"]], **{"steps": STEPS, **ARMS[run["arm"]]}, seed=run["seed"])
    *_, last = fit(Target.of_team(run["flag"]), recipe)
    return run | {"psnr": round(last.psnr, 3), "cpu_seconds": round(last.seconds, 1)}


def summarise(runs: Iterable[Run]) -> list[dict[str, object]]:
    """Mean paired difference to the plain arm, in decibels, with its 95% interval, for each setting, flag and arm."""
    found = {(r["setting"], r["flag"], r["arm"], r["seed"]): r["psnr"] for r in runs}
    rows = []
    for setting in SETTINGS:
        for flag in FLAGS:
            for arm in ARMS:
                pairs = [
                    (value, found[setting, flag, "plain", seed])
                    for (s, f, a, seed), value in found.items()
                    if (s, f, a) == (setting, flag, arm) and (setting, flag, "plain", seed) in found
                ]
                if len(pairs) < 2:
                    continue
                gains = [value - plain for value, plain in pairs]
                rows.append(
                    {
                        "setting": setting,
                        "flag": flag,
                        "arm": arm,
                        "runs": len(pairs),
                        "mean_psnr": round(statistics.mean(value for value, _ in pairs), 2),
                        "gain": round(statistics.mean(gains), 2),
                        "interval_95": interval_95(gains, 2),
                    }
                )
    return rows


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags experiment`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn flags experiment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=4, help="paired runs of every arm (default: %(default)s)")
    parser.add_argument(
        "--journal", type=Path, default=Path("runs/flag_experiments.jsonl"), help="default: %(default)s"
    )
    parser.add_argument("--out", type=Path, default=RESULT, help="the summary (default: %(default)s)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    journal = Journal(args.journal)
    keys = ("setting", "flag", "arm", "seed")
    done = {tuple(run[key] for key in keys) for run in journal.entries()}
    for run in my_share([run for run in plan(args.seeds) if tuple(run[key] for key in keys) not in done]):
        result = perform(run)
        journal.add(result)
        print(" ".join(f"{key}={value}" for key, value in result.items()), flush=True)
        runs = sorted(journal.entries(), key=lambda r: tuple(str(r[key]) for key in keys))
        recipes = {"steps": STEPS, "blur_pixels": BLUR, "noise": NOISE, "batch": 2048}
        summary = json.dumps({"recipe": recipes, "summary": summarise(runs), "runs": runs}, indent=1)
        write_atomically(args.out, f"{summary}\n".encode())
    return 0
