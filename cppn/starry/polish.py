"""Go on with the program that is there: free a random part of its weights, fit them, round them anew.

    python -m cppn starry polish --target starry.png --minutes 10

Each trial frees some of the whole weights, takes them down as real numbers while the others stay, and rounds them in
blocks as before; a program that scores lower replaces the one that is there, and its record goes on. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub
from cppn.starry.fit import Objective
from cppn.starry.picture import open_target
from cppn.starry.program import Program, read
from cppn.starry.quantise import round_all
from cppn.starry.search import ALL, fit_in
from cppn.starry.shape import Shape
from cppn.starry.train import deliver
from cppn.training import named_generator

SHARE = 0.1  # of the weights that a trial frees
BLOCKS = 4
PIXELS = 31_000  # of a trial's curvature; its loss and gradient see all


def shape_of(program: Program) -> Shape:
    """What is settled about a program, its weights aside."""
    return Shape(program.neurons, program.levels, program.scale, program.constant, program.activation)


def retry(objective: Objective, whole: Tensor, generator: torch.Generator) -> Tensor:
    """Whole weights after one trial, better or not."""
    free = torch.rand(len(whole), generator=generator) < SHARE
    for _, rounded in round_all(objective, whole, BLOCKS, PIXELS, ALL, generator, free):
        whole = rounded
    return whole


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry polish`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn starry polish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="the picture")
    parser.add_argument("--minutes", type=float, default=10, help="of wall clock (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=hub.BUNDLED / "starry", help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    program = read((args.out / "ours.pyth").read_bytes())
    record = json.loads((args.out / "ours.json").read_text(encoding="utf-8"))
    if record["target_sha256"] != hashlib.sha256(args.target.read_bytes()).hexdigest():
        parser.exit(2, f"{parser.prog}: the program that is there was made for another picture\n")
    objective = Objective(open_target(args.target), shape_of(program))
    whole = torch.tensor(program.weights, dtype=torch.float64)
    best, generator = objective.loss(whole), named_generator("starry polish", args.seed)
    end, spent = time.monotonic() + 60 * args.minutes, record["rounding"][-1][0]
    total = record["cpu_seconds"]
    began = time.process_time()
    try:
        while time.monotonic() < end:
            candidate = fit_in(objective, retry(objective, whole, generator))
            loss = objective.loss(candidate)
            print(f"trial: loss {loss:.2f}, best {min(loss, best):.2f}", flush=True)
            if loss < best:
                seconds = time.process_time() - began
                best, whole = loss, candidate
                record["rounding"].append((round(spent + seconds, 1), round(loss, 2)))
                record["cpu_seconds"] = round(total + seconds, 1)
                deliver(objective, whole, record, args.out)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command
    return 0
