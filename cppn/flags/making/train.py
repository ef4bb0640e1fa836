"""Remake the flags' weights from nothing.

    python -m cppn flags train malaysia                           one team
    python -m cppn flags train --recipe seed malaysia             by the three-stage recipe of the seed article
    torchrun --nproc-per-node=2 -m cppn flags train --all         every team, shared between processes (or machines)

Each process uses one thread: for networks this small two processes are worth far more than two threads. Ctrl-C keeps
what has been learnt so far. A file already in place is replaced only by a better one.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from cppn import checkpoint, hub, render
from cppn.flags.fit import Progress, export, fit, measure
from cppn.flags.network import GiftConfig, MysteryNet
from cppn.flags.recipe import SEED_RECIPE, Recipe
from cppn.flags.target import Target
from cppn.flags.teams import SPELLINGS, TEAMS, Team
from cppn.training import deliver, my_share

# Steps that take each flag past its target with room to spare: stripes are learnt at once, script last of all.
EASY, MEDIUM, HARD = 4_000, 8_000, 48_000
STEPS = {
    **dict.fromkeys(TEAMS, MEDIUM),
    **dict.fromkeys(("bangladesh", "bulgaria", "colombia", "estonia", "hungary", "japan", "jordan"), EASY),
    **dict.fromkeys(("netherlands", "poland", "romania", "sweden", "uae"), EASY),
    **dict.fromkeys(("australia", "china", "hong_kong", "mongolia"), 3 * MEDIUM),
    **dict.fromkeys(("brazil", "kyrgyzstan", "nepal", "usa"), HARD),
    "iran": 100_000,
}
SAVE_EVERY = 10.0  # processor seconds between two checkpoints of a run in progress


@dataclass
class Run:
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
        """What decides between two runs: the mean of both qualities."""
        return (self.psnr + self.psnr_zoomed) / 2


def places(slug: str) -> tuple[str, str, str]:
    """Where a team's weights, its record and the film of its training lie in the wing's folder."""
    return f"{slug}.safetensors", f"runs/{slug}.json", f"runs/{slug}.webp"


def train_team(team: Team, recipe: Recipe, root: Path, force: bool = False) -> Run:
    """Train one team's network and keep it if it beats the one in place; a run that diverges starts again gentler.

    Raises:
        FloatingPointError: the run diverged four times.
    """
    target = Target.of_team(team.slug)
    for _ in range(3):
        try:
            return _train_once(team, target, recipe, root, force)
        except FloatingPointError as diverged:
            recipe = replace(recipe, learning_rate=recipe.learning_rate / 2, seed=recipe.seed + 1)
            print(f"{team.slug}: {diverged}; again with learning rate {recipe.learning_rate:g}", flush=True)
    return _train_once(team, target, recipe, root, force)


def _train_once(team: Team, target: Target, recipe: Recipe, root: Path, force: bool) -> Run:
    unfinished = root / "flags" / f"{team.slug}.unfinished.safetensors"
    config = GiftConfig(target.width, target.height)
    best: MysteryNet | None = None
    best_psnr, frames, curve, saved, interrupted = -math.inf, [], [], 0.0, False
    try:
        for look in _announced(team, fit(target, recipe)):
            curve.append((look.step, round(look.seconds, 2), round(look.psnr, 3)))
            if look.frame:
                frames.append(look.picture)
            if look.psnr > best_psnr and (look.fraction == 1 or look.seconds - saved > SAVE_EVERY):
                best, best_psnr, saved = export(look.net, target, recipe), look.psnr, look.seconds
                checkpoint.save(unfinished, best, config)
    except KeyboardInterrupt:
        if best is None:
            raise
        interrupted = True
        print(f"{team.slug}: interrupted, keeping the best so far", flush=True)
    grid, zoomed = measure(best, target)
    run = Run(team.slug, asdict(recipe), curve[-1][1], curve[-1][0], grid, zoomed, curve)
    run = _keep_better(run, frames, unfinished, root, force)
    if interrupted:
        raise KeyboardInterrupt
    return run


def _keep_better(run: Run, frames: list[Tensor], unfinished: Path, root: Path, force: bool) -> Run:
    """Deliver a finished run unless the one there is better; returns the one that is there now."""
    weights, record, film = (f"flags/{place}" for place in places(run.team))

    def standing() -> Run:
        return Run(**json.loads((root / record).read_text(encoding="utf-8")))

    files = {
        weights: unfinished.read_bytes(),
        record: (json.dumps(asdict(run), allow_nan=False) + "\n").encode(),
        film: render.animation(frames, seconds_per_frame=0.08),
    }
    kept = deliver(root, files, run.score, lambda: standing().score, force)
    unfinished.unlink()
    if not kept:
        before = standing()
        print(f"{run.team}: {run.psnr:.2f} dB, not better than the {before.psnr:.2f} dB in place", flush=True)
        return before
    print(f"{run.team}: kept, {run.psnr:.2f} dB, {run.psnr_zoomed:.2f} dB zoomed, {run.cpu_seconds:.0f} s", flush=True)
    return run


def _announced(team: Team, looks: Iterator[Progress]) -> Iterator[Progress]:
    """The same looks, with a line printed for every twentieth of the run."""
    told = -1
    for look in looks:
        if (now := int(look.fraction * 20)) > told:
            told = now
            print(f"{team.slug}: {look.fraction:4.0%}  step {look.step:>7}  {look.psnr:6.2f} dB", flush=True)
        yield look


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags train`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn flags train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("teams", nargs="*", help="team names or slugs")
    parser.add_argument("--all", action="store_true", help="every team")
    parser.add_argument("--recipe", choices=("best", "seed"), default="best")
    parser.add_argument("--steps", type=int, help="training steps (default: chosen for each flag)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jitter", type=float, help="share of samples between the pixel centres")
    parser.add_argument("--out", type=Path, default=hub.BUNDLED, help="a weights folder (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace the file in place even by a worse one")
    args = parser.parse_args(argv)
    if not args.teams and not args.all:
        parser.error("name a team, or say --all")
    torch.set_num_threads(1)
    recipe = replace(SEED_RECIPE if args.recipe == "seed" else Recipe(), seed=args.seed)
    if args.jitter is not None:
        recipe = replace(recipe, jitter=args.jitter)
    slugs = {name.casefold(): slug for name, slug in SPELLINGS.items()} | {slug: slug for slug in TEAMS}
    if unknown := [name for name in args.teams if name.casefold() not in slugs]:
        parser.exit(2, f"{parser.prog}: there is no team {unknown[0]!r}; known are {', '.join(TEAMS)}\n")
    teams = list(TEAMS.values()) if args.all else [TEAMS[slugs[name.casefold()]] for name in args.teams]
    # longest first, so that the processes end together
    teams.sort(key=lambda team: -STEPS[team.slug])
    try:
        for team in my_share(teams):
            train_team(team, replace(recipe, steps=args.steps or STEPS[team.slug]), args.out, args.force)
    except KeyboardInterrupt:
        return 130  # what a shell expects of an interrupted command
    return 0
