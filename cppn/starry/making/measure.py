"""Measure everything that is said about the programs, and write it to weights/results/starry.json.

    python -m cppn starry measure --target starry.png --pyth FOLDER

What the interpreter said about the same program stays; it is asked about others if --pyth says where it is. --baseline
SECONDS runs the seed's recipe for that many processor seconds; else its old figures stay, as those of `codecs` do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.starry.fit import Objective
from cppn.starry.making.baseline import SEED_SHAPE, search_as_the_seed
from cppn.starry.making.pyth import compare
from cppn.starry.paint import paint
from cppn.starry.picture import open_target, score
from cppn.starry.views import facts_of
from cppn.starry.weights import Painter, open_program, published

RESULTS = "results/starry.json"
FACTS = ("bytes", "escapes", "neurons", "neuron", "weights", "levels", "bend", "scale", "constant", "sha256")


def figures(painter: Painter, target: Tensor) -> dict[str, object]:
    """A program in numbers."""
    program = painter.program
    known = facts_of(painter)
    return {
        "score": score(paint(program, program.width, program.height), target),
        **{name: known[name] for name in FACTS},
    }


def baseline(target: Tensor, seconds: float, seed: int) -> dict[str, object]:
    """The seed's recipe on this processor, for so many seconds."""
    objective = Objective(target, SEED_SHAPE)
    curve, whole = [], None
    for spent, loss, weights in search_as_the_seed(objective, seconds, seed):
        whole = weights
        curve.append((round(spent, 1), round(loss, 2)))
        print(f"baseline: {spent:.0f} CPU-s, {loss:.1f}", flush=True)
    return {
        "recipe": "Adam with stochastic quantisation, from random weights",
        "seed": seed,
        "cpu_seconds": curve[-1][0],
        "score": objective.loss(whole, floor=True),
        "curve": curve,
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry measure`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn starry measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="the picture that the scores are measured against")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED, help="default: %(default)s")
    parser.add_argument("--pyth", type=Path, help="folder of the interpreter, with pyth.py")
    parser.add_argument("--interpreter", default="pypy3", help="default: %(default)s")
    parser.add_argument("--packages", type=Path, help="folder in which the interpreter finds Pillow")
    parser.add_argument("--baseline", type=float, metavar="SECONDS")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    path = args.weights / RESULTS
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    target = open_target(args.target)
    painters = {"published": published(), "ours": open_program(args.weights / "starry/ours.pyth", "ours")}
    found = {"target_sha256": hashlib.sha256(args.target.read_bytes()).hexdigest()}
    found |= {name: figures(painter, target) for name, painter in painters.items()}
    found["search"] = json.loads((args.weights / "starry/ours.json").read_text(encoding="utf-8"))
    found["baseline"] = baseline(target, args.baseline, 0) if args.baseline else old.get("baseline")
    found["codecs"] = old.get("codecs", {})
    found["pyth"] = {}
    for name, painter in painters.items():
        report = old.get("pyth", {}).get(name, {})
        if report.get("sha256") != found[name]["sha256"]:
            report = compare(painter.data, args.pyth, args.interpreter, args.packages) if args.pyth else {}
        found["pyth"][name] = report
    write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())
    for name in painters:
        pyth = found["pyth"][name]
        differing = f", Pyth paints {pyth['differing']} of {pyth['values']:,} values differently" if pyth else ""
        print(f"{name}: score {found[name]['score']:.4f}, {found[name]['bytes']} bytes{differing}")
    return 0
