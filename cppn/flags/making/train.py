"""Remake the flags' weights from nothing.

    python -m cppn flags train malaysia                           one team
    python -m cppn flags train --recipe seed malaysia             by the three-stage recipe of the seed article
    torchrun --nproc-per-node=2 -m cppn flags train --all         every team, shared between processes (or machines)

Each process uses one thread: for networks this small two processes are worth far more than two threads. Ctrl-C, or
anything else that ends the process, loses a minute of work at the most: the same command goes on where the last one was
and ends with the same bytes. A file already in place is replaced only by a better one.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from cppn import checkpoint, render
from cppn.flags.fit import Run, measure
from cppn.flags.network import GiftConfig
from cppn.flags.recipe import SEED_RECIPE, Recipe
from cppn.flags.target import EQUAL_PSNR, Target
from cppn.flags.teams import SPELLINGS, TEAMS, Team
from cppn.recipes import add_options, carry_out, chosen, deliver, my_share, positive, state_file

# Steps that take each flag past its target with room to spare: stripes are learnt at once, script last of all.
EASY, MEDIUM, HARD = 4_000, 8_000, 48_000
STEPS = {
    **dict.fromkeys(TEAMS, MEDIUM),
    **dict.fromkeys(("bangladesh", "bulgaria", "colombia", "estonia", "hungary", "japan", "jordan"), EASY),
    **dict.fromkeys(("netherlands", "poland", "romania", "sweden", "uae"), EASY),
    **dict.fromkeys(("australia", "china", "hong_kong", "mongolia"), 3 * MEDIUM),
    **dict.fromkeys(("brazil", "kyrgyzstan", "nepal"), HARD),
    "iran": 2 * HARD,
    "usa": 600_000,  # 41 dB after 48,000, 44 after 96,000, 47 after 400,000
}
PERIODS = {"iran": 28.45}  # pixels from one to the next of the eleven words on its borders
WORKSHOP = Path("runs/flags")  # states of unfinished runs
ATTEMPTS = 4  # at a flag whose training diverges


@dataclass
class Record:
    """A training run as it is recorded beside its weights."""

    team: str
    recipe: dict[str, object]
    cpu_seconds: float
    steps: int
    psnr: float
    psnr_zoomed: float
    curve: list[tuple[int, float, float]]  # step, processor seconds, decibels

    @property
    def score(self) -> float:
        """What decides between two runs: the mean of both qualities, beyond `EQUAL_PSNR` all the same."""
        return (min(EQUAL_PSNR, self.psnr) + min(EQUAL_PSNR, self.psnr_zoomed)) / 2


def places(slug: str) -> tuple[str, str, str]:
    """Where a team's weights, its record and the film of its training lie in the wing's folder."""
    return f"{slug}.safetensors", f"runs/{slug}.json", f"runs/{slug}.webp"


def usual_recipe(slug: str) -> Recipe:
    """The recipe by which a team's network is made if nobody asks otherwise."""
    return Recipe(STEPS[slug], period=PERIODS.get(slug))


def train_team(team: Team, recipe: Recipe, root: Path, workshop: Path = WORKSHOP, force: bool = False) -> Record:
    """Train one team's network, or go on with it, and keep it if it beats the one in place.

    A run that diverges starts again gentler.

    Returns:
        The record of what is in place now.

    Raises:
        FloatingPointError: the run diverged `ATTEMPTS` times.
    """
    target, usual = Target.of_team(team.slug), usual_recipe(team.slug)
    for attempt in range(ATTEMPTS):
        try:
            run = carry_out(Run(target, recipe), state_file(workshop, team.slug, recipe, usual), _tell, every=8)
            break
        except FloatingPointError as diverged:
            if attempt == ATTEMPTS - 1:
                raise
            recipe = replace(recipe, learning_rate=recipe.learning_rate / 2, seed=recipe.seed + 1)
            print(f"{team.slug}: {diverged}; again with learning rate {recipe.learning_rate:g}", flush=True)
    return finish(team, run, root, force)


def _tell(run: Run) -> str:
    step, _, quality = run.curve[-1]
    return f"{step / run.recipe.steps:4.0%}  step {step:>7}  {quality:6.2f} dB"


def finish(team: Team, run: Run, root: Path, force: bool) -> Record:
    """Deliver a finished run unless the one in place is at least as good; returns the record of the one there now."""
    net, target = run.gift(), run.target
    grid, zoomed = (min(EQUAL_PSNR, quality) for quality in measure(net, target))
    record = Record(team.slug, asdict(run.recipe), round(run.cpu_seconds, 2), run.step, grid, zoomed, run.curve)
    weights, figures, film = (f"flags/{place}" for place in places(team.slug))
    files = {
        weights: checkpoint.to_bytes(net, GiftConfig(target.width, target.height)),
        figures: (json.dumps(asdict(record), allow_nan=False) + "\n").encode(),
        film: render.animation(run.frames, seconds_per_frame=0.08),
    }
    if deliver(root, files, record.score, lambda: read_record(root, team.slug).score, force):
        print(f"{team.slug}: kept, {grid:.2f} dB, {zoomed:.2f} dB zoomed, {run.cpu_seconds:.0f} s", flush=True)
        return record
    before = read_record(root, team.slug)
    print(f"{team.slug}: {grid:.2f} dB, not better than the {before.psnr:.2f} dB in place", flush=True)
    return before


def read_record(root: Path, slug: str) -> Record:
    """The record beside a team's weights in a weights folder."""
    return Record(**json.loads((root / "flags" / places(slug)[1]).read_text(encoding="utf-8")))


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags train`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn flags train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="team", help="short or full names")
    parser.add_argument("--all", action="store_true", help="every team")
    parser.add_argument("--recipe", choices=("best", "seed"), default="best")
    parser.add_argument("--steps", type=positive, help="training steps (default: chosen for each flag)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jitter", type=float, help="share of samples between the pixel centres")
    add_options(parser, WORKSHOP)
    args = parser.parse_args(argv)
    # longest first, so that the processes end together
    slugs = sorted(chosen(parser, args, "team", TEAMS, SPELLINGS), key=lambda slug: -STEPS[slug])
    torch.set_num_threads(1)
    try:
        for slug in my_share(slugs):
            usual = usual_recipe(slug)
            recipe = SEED_RECIPE if args.recipe == "seed" else usual
            recipe = replace(recipe, steps=args.steps or usual.steps, seed=args.seed)
            if args.jitter is not None:
                recipe = replace(recipe, jitter=args.jitter)
            train_team(TEAMS[slug], recipe, args.out, args.workshop, args.force)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command
    return 0
