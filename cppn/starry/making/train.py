"""Search for a program that paints a picture, from random weights.

    python -m cppn starry train --target starry.png

Many starts take the first stages; after each rung of the ladder the best few go on, and the last one is rounded and
polished. One thread a process. Ctrl-C, or anything else that ends the process, loses a minute at the most: the same
command goes on where the last one was. Under `torchrun --nproc-per-node N` each process has its own starts. A program
replaces the one that is there only if it scores lower.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from cppn.faults import quoted
from cppn.recipes import add_options, carry_out, deliver, my_share, positive
from cppn.starry.fit import Objective
from cppn.starry.picture import open_target
from cppn.starry.program import count_escapes, write
from cppn.starry.quantise import fit_in, polish, round_all
from cppn.starry.search import ALL, Search, Stage
from cppn.starry.shape import OURS
from cppn.training import named_generator

RUNGS = (
    (Stage(300, 7_700, reach=3), Stage(40, 7_700, 31_000, 1e-2, reach=3)),
    (Stage(60, 7_700, 31_000, 1e-2, reach=3),),
    (Stage(250, 7_700, 31_000, 1e-2, reach=3),),
    (
        Stage(200, 15_500, 62_000, 3e-3, reach=3),
        Stage(250, 15_500, 62_000, 3e-3),
        Stage(150, 15_500, ALL, 1e-3),
    ),
)
KEPT = (0.3, 0.1, 0.0)  # shares of the starts that go on after each rung but the last; one always does
BLOCKS = 24  # of rounding, some 50 weights each
WORKSHOP = Path("runs/starry")  # states of unfinished runs


def climb(objective: Objective, seed: int, rungs: int, workshop: Path) -> Search:
    """One start, taken through the first rungs; it goes on from a saved state and leaves one behind."""

    def tell(search: Search) -> str:
        seconds, loss = search.curve[-1]
        return f"stage {search.stage}, {seconds:.0f} CPU-s, loss {loss:.1f}"

    stages = tuple(stage for rung in RUNGS[:rungs] for stage in rung)
    return carry_out(Search(objective, stages, seed), workshop / f"seed-{seed}.state", tell, every=5)


def choose(objective: Objective, seeds: list[int], workshop: Path) -> tuple[Search, list[Search]]:
    """Take all starts up the ladder, fewer at each rung; returns the winner and all in their last states."""
    searches = {}
    remaining = seeds
    for rung in range(1, len(RUNGS) + 1):
        for seed in remaining:
            searches[seed] = climb(objective, seed, rung, workshop)
        remaining = sorted(remaining, key=lambda seed: searches[seed].curve[-1][1])
        print(f"rung {rung}: " + ", ".join(f"seed {s} {searches[s].curve[-1][1]:.1f}" for s in remaining), flush=True)
        if rung < len(RUNGS):
            remaining = remaining[: max(1, round(KEPT[rung - 1] * len(seeds)))]
    return searches[remaining[0]], list(searches.values())


def finish(objective: Objective, search: Search) -> tuple[Tensor, list[tuple[float, float]]]:
    """Round and polish; returns whole weights and a curve of (processor seconds since here, loss)."""
    began = time.process_time()
    generator = named_generator("starry rounding", search.seed)
    curve = []
    for share, whole in round_all(objective, search.weights, BLOCKS, 31_000, ALL, generator):
        curve.append((round(time.process_time() - began, 1), round(objective.loss(whole), 2)))
        print(f"rounded {share:4.0%}: loss {curve[-1][1]}", flush=True)
    for loss, better in polish(objective, whole):
        whole = better
        curve.append((round(time.process_time() - began, 1), round(loss, 2)))
        print(f"polished: loss {loss:.2f}", flush=True)
    return fit_in(objective, whole), curve


def put_in_place(objective: Objective, weights: Tensor, record: dict[str, object], root: Path, force: bool) -> None:
    """Deliver the program, and beside it how it was made, unless a better one for the same picture is there."""
    score = objective.loss(weights, floor=True)

    def standing() -> float:
        there = json.loads((root / "starry" / "ours.json").read_text(encoding="utf-8"))
        return -there["score"] if there["target_sha256"] == record["target_sha256"] else -math.inf

    data = write(objective.shape.program(weights, objective.width, objective.height))
    record |= {"score": score, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    files = {"starry/ours.pyth": data, "starry/ours.json": (json.dumps(record, indent=1) + "\n").encode()}
    kept = deliver(root, files, -score, standing, force)
    fate = "kept" if kept else "the program that is there is no worse and stays"
    print(f"score {score:.2f} in {len(data)} bytes, {count_escapes(data)} of them escapes; {fate}")


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry train`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn starry train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="the picture")
    parser.add_argument("--seed", type=int, default=0, help="of the first start (default: %(default)s)")
    parser.add_argument("--starts", type=positive, default=32, help="default: %(default)s")
    add_options(parser, WORKSHOP)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        objective = Objective(open_target(args.target), OURS)
    except OSError:
        parser.exit(2, f"{parser.prog}: {quoted(args.target)} is not a picture that can be read\n")
    picture = hashlib.sha256(args.target.read_bytes()).hexdigest()
    if not (seeds := my_share(range(args.seed, args.seed + args.starts))):
        print("more processes than starts: nothing to do for this one")
        return 0
    try:
        # a start is on its way to one picture, so each picture has states of its own
        search, searches = choose(objective, seeds, args.workshop / picture[:8])
        weights, rounding = finish(objective, search)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command
    record = {
        "target_sha256": picture,
        "shape": asdict(objective.shape),
        "rungs": [[asdict(stage) for stage in rung] for rung in RUNGS],
        "seed": search.seed,
        "starts": {str(s.seed): s.curve for s in searches},
        "rounding": rounding,
        "cpu_seconds": round(sum(s.cpu_seconds for s in searches) + rounding[-1][0], 1),
    }
    put_in_place(objective, weights, record, args.out, args.force)
    return 0
