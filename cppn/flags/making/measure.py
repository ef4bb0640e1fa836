"""Measure every shipped flag and keep the figures as data.

python -m cppn flags measure
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
from pathlib import Path

import torch

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.flags.decode import open_gift
from cppn.flags.fit import measure
from cppn.flags.making.train import places, read_record
from cppn.flags.target import EQUAL_PSNR, Target, flag_levels, psnr
from cppn.flags.teams import TEAMS, Team
from cppn.render import to_uint8

RESULT = hub.BUNDLED / "results" / "flags.json"


def measure_team(team: Team, root: Path) -> dict[str, object]:
    """What is known about one team's file: its quality as measured now, and how it was made."""
    gift = open_gift(root / "flags" / places(team.slug)[0])
    target = Target.of_team(team.slug)
    run = read_record(root, team.slug)
    wanted = flag_levels(team.slug).reshape(-1, 3) / 255
    qualities = {}
    for mode in (True, False):
        net = copy.deepcopy(gift.checkpoint.net).train(mode)  # a pass in training mode moves the running statistics
        with torch.no_grad():
            qualities[mode] = min(EQUAL_PSNR, psnr(to_uint8(net(target.coordinates())) / 255, wanted))
    _, zoomed = measure(gift.checkpoint.net, target)
    return {
        "name": team.label,
        "width": target.width,
        "height": target.height,
        "psnr": round(qualities[False], 2),
        "psnr_zoomed_4x": round(min(EQUAL_PSNR, zoomed), 2),
        "psnr_train_mode": round(qualities[True], 2),
        "parameters": gift.checkpoint.parameters,
        "bytes": gift.checkpoint.size,
        "bits_per_pixel": round(8 * gift.checkpoint.size / (target.width * target.height), 2),
        "cpu_seconds": round(run.cpu_seconds),
        "steps": run.steps,
        "recipe": run.recipe,
        "sha256": gift.checkpoint.sha256,
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags measure`."""
    parser = argparse.ArgumentParser(prog="python -m cppn flags measure", description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED, help="a weights folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    teams = {}
    for team in TEAMS.values():
        row = teams[team.slug] = measure_team(team, args.weights)
        print(f"{row['psnr']:6.2f} dB  {row['psnr_zoomed_4x']:6.2f} dB at 4x  {row['cpu_seconds']:4d} s  {team.label}")
    summary = {
        f"{statistic.__name__}_{key}": round(statistic(row[key] for row in teams.values()), 2)
        for key in ("psnr", "psnr_zoomed_4x", "psnr_train_mode")
        for statistic in (min, statistics.mean)
    }
    summary["cpu_seconds"] = sum(row["cpu_seconds"] for row in teams.values())
    print("  ".join(f"{key} {value}" for key, value in summary.items()))
    write_atomically(
        args.out, (json.dumps({"summary": summary, "teams": teams}, indent=1, allow_nan=False) + "\n").encode()
    )
    return 0
