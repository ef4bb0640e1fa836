"""Remake the weights of the networks that find the odd shape.

    python -m cppn odd_shapes train ours                          our network, in five stages
    python -m cppn odd_shapes train seed                          the homework's network, in two stages, with restarts
    torchrun --nproc-per-node=2 -m cppn odd_shapes train --all    both, side by side

One thread a process. Ctrl-C, or anything else that ends the process, loses a minute of work at the most: the same
command goes on where the last one was. The same seed gives the same network on the same processor and torch; where
bfloat16 is computed another way, one that is as good.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from cppn import checkpoint
from cppn.odd_shapes.making.fit import Recipe, Run
from cppn.odd_shapes.network import OddConfig, OddNet, SeedConfig, SeedNet
from cppn.odd_shapes.weights import NETWORKS
from cppn.recipes import add_options, carry_out, chosen, deliver, my_share, positive, state_file

OURS_STAGES = (
    Recipe(steps=12_000, batch=128, learning_rate=6e-3, rest_rate=1 / 3),
    # half of what is left to learn lies where a tenth of the pictures are: less than a quarter of the odd shape in view
    Recipe(steps=10_000, batch=128, learning_rate=4e-3, rest_rate=1 / 3, hard=6.0),
    # and then three quarters of it, what shows nothing of it aside
    Recipe(steps=24_000, batch=128, learning_rate=4e-3, rest_rate=1 / 3, hard=10.0),
    # and most of what is noise in the labels left out
    Recipe(steps=12_000, batch=128, learning_rate=4e-3, rest_rate=1 / 3, hard=10.0, soft=True),
    # and then as a network that looks at its neighbours a second time
    Recipe(steps=30_000, batch=128, learning_rate=3e-3, rest_rate=1 / 3, hard=10.0, soft=True),
)
GROWN_BEFORE = 4  # the stage, counted from 0, before which ours grows its second look
# the homework names no sizes, steps or rates; these are ours
SEED_STAGES = (
    Recipe(steps=6_000, batch=256, learning_rate=6e-3, rest_rate=1 / 3),
    Recipe(steps=6_000, batch=256, learning_rate=6e-3, rest_rate=1 / 3),
)
GROWN_AT = 4.0  # RMSE in pixels at which the homework lets the second head grow
RESTARTS = 4  # seeds tried until one gets there
WORKSHOP = Path("runs/odd_shapes")  # states of unfinished runs
STAGES = {
    "one look": lambda: OddNet(OddConfig()),
    "two looks": lambda: OddNet(OddConfig(second_look=True)),
    "one head": lambda: SeedNet(SeedConfig(offsets=False)),
    "two heads": lambda: SeedNet(SeedConfig(offsets=True)),
}


def build(stage: str, seed: int) -> SeedNet | OddNet:
    """A fresh network: ours with "one look" or "two looks", or the homework's with "one head" or "two heads"."""
    torch.manual_seed(seed)
    return STAGES[stage]()


def grow(small: SeedNet | OddNet, stage: str, seed: int) -> SeedNet | OddNet:
    """The network with one part more: everything that was learnt is copied, and the new part adds nothing at first."""
    grown = build(stage, seed)
    grown.load_state_dict(small.state_dict(), strict=False)
    if stage == "two heads":  # a fresh second look adds nothing anyway
        torch.nn.init.zeros_(grown.regressor2.weight)
        torch.nn.init.zeros_(grown.regressor2.bias)
    return grown


def perform(run: Run, state: Path, until: Callable[[Run], bool] = lambda run: False) -> Run:
    """Take a run to its end, or until a condition holds, with progress."""

    def tell(run: Run) -> str:
        return f"{run.step / run.recipe.steps:4.0%}  {run.curve[-1][0]:>9,} pictures  {run.rmse:.3f} px"

    return carry_out(run, state, tell, every=5, until=until)


def train(name: str, seed: int, steps: int | None, workshop: Path) -> tuple[Run, dict[str, object]]:
    """One of the networks by its recipe, its last stage as long as `steps` says, if anything."""
    work, usual = (train_ours, OURS_STAGES) if name == "ours" else (train_seed, SEED_STAGES)
    *before, last = (replace(stage, seed=seed) for stage in usual)
    return work((*before, replace(last, steps=steps or last.steps)), workshop)


def train_ours(stages: tuple[Recipe, ...], workshop: Path) -> tuple[Run, dict[str, object]]:
    """Our network on ordinary pictures, then on harder ones, at last with a second look at each token's neighbours.

    Returns:
        the finished run and what to record about it.
    """
    net, recipes, records = build("one look", stages[0].seed), [], []
    for number, (stage, usual) in enumerate(zip(stages, OURS_STAGES, strict=True)):
        recipe = replace(stage, seed=stage.seed + number)  # other pictures than those that it has seen
        if number == GROWN_BEFORE:
            net = grow(net, "two looks", recipe.seed)
        run = perform(Run(net, recipe), state_file(workshop, f"ours-{number + 1}", recipe, usual))
        net = run.mean.requires_grad_(True)
        recipes.append(asdict(recipe))
        often = f", hard ones {1 + recipe.hard:g} times as often" if recipe.hard else ""
        records.append(record_of(f"ordinary pictures{often}{', soft labels' if recipe.soft else ''}", run))
    return run, {"recipe": recipes, "stages": records}


def train_seed(stages: tuple[Recipe, Recipe], workshop: Path) -> tuple[Run, dict[str, object]]:
    """The homework's network: one head until `GROWN_AT`, by as many restarts as it takes, then two heads.

    Raises:
        RuntimeError: no seed got there.
    """
    tried = []
    for restart in range(RESTARTS):
        first = replace(stages[0], seed=stages[0].seed + restart)
        one = Run(build("one head", first.seed), first)
        state = state_file(workshop, "seed-one", first, SEED_STAGES[0])
        perform(one, state, lambda run: run.rmse <= GROWN_AT)
        tried.append(record_of(f"one head, seed {first.seed}", one))
        if one.rmse <= GROWN_AT:
            break
        print(f"seed {first.seed}: stuck at {one.rmse:.2f} px", flush=True)
    else:
        raise RuntimeError(f"none of {RESTARTS} seeds came down to {GROWN_AT} px")
    second = replace(stages[1], seed=first.seed)
    two = Run(grow(one.net, "two heads", second.seed), second)
    perform(two, state_file(workshop, "seed-two", second, SEED_STAGES[1]))
    return two, {"recipe": [asdict(first), asdict(second)], "stages": [*tried, record_of("two heads", two)]}


def record_of(name: str, run: Run) -> dict[str, object]:
    """What is recorded of one stage; see the attributes of `Run`."""
    return {"name": name, "plans": run.plans, "curve": run.curve}


def finish(name: str, run: Run, record: dict[str, object], root: Path, force: bool) -> None:
    """Deliver the weights, and beside them how they were made, unless those there err less."""
    config = OddConfig(second_look=True) if name == "ours" else SeedConfig(offsets=True)
    record["pictures"] = sum(stage["curve"][-1][0] for stage in record["stages"])
    record["cpu_seconds"] = round(sum(stage["curve"][-1][1] for stage in record["stages"]))
    place = root / "odd_shapes" / f"{name}.json"
    files = {
        f"odd_shapes/{name}.safetensors": checkpoint.to_bytes(run.mean, config),
        f"odd_shapes/{name}.json": (json.dumps(record) + "\n").encode(),
    }
    score = -final_rmse(record)
    kept = deliver(root, files, score, lambda: -final_rmse(json.loads(place.read_text(encoding="utf-8"))), force)
    what = "kept" if kept else "not better than what is in place"
    print(f"{name}: {record['pictures']:,} pictures in {record['cpu_seconds']} s, {-score:.3f} px; {what}", flush=True)


def final_rmse(record: dict[str, object]) -> float:
    """The error at the end of a recorded training, pixels: over ten points of the curve, for one wavers by 0.1."""
    return statistics.fmean(point[2] ** 2 for point in record["stages"][-1]["curve"][-10:]) ** 0.5


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes train`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn odd_shapes train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="network", help=" or ".join(NETWORKS))
    parser.add_argument("--all", action="store_true", help="both networks")
    parser.add_argument("--steps", type=positive, help="of the only or the last stage (default: by the recipe)")
    parser.add_argument("--seed", type=int, default=0)
    add_options(parser, WORKSHOP)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        for name in my_share(chosen(parser, args, "network", NETWORKS)):
            finish(name, *train(name, args.seed, args.steps, args.workshop), args.out, args.force)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command
    return 0
