"""Remake the scripts' weights from nothing.

    python -m cppn glyphs train script                          one of the shipped scripts
    python -m cppn glyphs train --size 64 --colour              one of your own: 64 numbers, colour, 48 pixels
    torchrun --nproc-per-node=2 -m cppn glyphs train --all      every shipped script, shared between processes
    python -m cppn glyphs train --all --repack                  no training: float16 files in the bits of today

One thread a process. Ctrl-C, or anything else that ends the process, loses a minute of work at the most: the same
command goes on where the last one was. The same seed gives the same networks on the same processor and torch; where
bfloat16 is computed another way, some that are as good.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from cppn import checkpoint, hub, render
from cppn.glyphs.making.fit import Recipe, Run
from cppn.glyphs.making.inherit import grow_from, straighten_like
from cppn.glyphs.network import GlyphConfig, GlyphNet, SeedConfig, SeedNet
from cppn.glyphs.weights import COLOUR_PIXELS, FILE_LIMIT, GRAY_PIXELS, kinds, open_script, precision
from cppn.recipes import add_options, carry_out, chosen, deliver, my_share, positive, state_file

WORKSHOP = Path("runs/glyphs")  # states of unfinished runs
OWN = Recipe(3_000)  # for scripts of one's own
FILM_TILE = 96  # pixels of each sign in a training film


@dataclass(frozen=True)
class Plan:
    """Which networks to train, and how.

    Attributes:
        after: name of a finished script that these networks start from; none if empty. From one for shorter messages
            they take over everything, from another one how signs are straightened. For messages of 512 numbers and more
            nothing else was found to get the training off the ground.
        faint: how strongly numbers that the other script does not have are written at first.
    """

    config: GlyphConfig | SeedConfig
    recipe: Recipe
    after: str = ""
    faint: float = 0.3

    def build(self, directory: Path) -> GlyphNet | SeedNet:
        """First weights, the same for the same seed; `directory` holds the finished script.

        Raises:
            FileNotFoundError: that script is not there.
        """
        torch.manual_seed(self.recipe.seed)
        net = SeedNet(self.config) if isinstance(self.config, SeedConfig) else GlyphNet(self.config)
        if self.after:
            path = directory / f"{self.after}.safetensors"
            if not path.exists():
                raise FileNotFoundError(f"these networks start from {self.after}, so train that one first")
            other = open_script(self.after, path).net
            if other.numbers < net.numbers:
                grow_from(net, other, self.faint)
            else:
                straighten_like(net, other)
        return net


def colour(numbers: int, steps: int, after: str = "", **recipe: float) -> Plan:
    """Colour signs; their waves have 993 coefficients."""
    return Plan(GlyphConfig(numbers, 3, COLOUR_PIXELS, cutoff=20, reader_cutoff=24), Recipe(steps, **recipe), after)


def gray(numbers: int, steps: int, after: str = "", **recipe: float) -> Plan:
    """Gray signs, with the same waves as the coloured ones."""
    return Plan(GlyphConfig(numbers, 1, GRAY_PIXELS, cutoff=20, reader_cutoff=24), Recipe(steps, **recipe), after)


PLANS = {
    "script": Plan(GlyphConfig(64, 1, 64, cutoff=14, reader_cutoff=18), Recipe(3_200)),
    "colour_64": colour(64, 1_200),
    "colour_32": colour(32, 120, after="colour_64"),
    "colour_128": colour(128, 400, after="colour_64", learning_rate=1e-3),
    "colour_512": colour(512, 800, after="colour_128", learning_rate=1e-3),
    "colour_1024": colour(1024, 900, after="colour_512", learning_rate=1e-3),
    "colour_2048": replace(colour(2048, 1_000, after="colour_1024", learning_rate=5e-4), faint=0.1),
    "gray_64": gray(64, 2_000),
    "gray_32": gray(32, 300, after="gray_64"),
    "gray_128": gray(128, 800, after="gray_64", learning_rate=1e-3),
    "gray_512": gray(512, 1_200, after="gray_128", learning_rate=1e-3),
    "gray_1024": replace(gray(1024, 1_500, after="gray_512", learning_rate=5e-4), faint=0.1),
    "seed": Plan(SeedConfig(), Recipe(2_300)),
}


def families(plans: dict[str, Plan]) -> list[list[str]]:
    """The scripts that start from one another, in order: one process takes them all, so that none starts too early."""

    def first(name: str, plan: Plan) -> str:
        return first(plan.after, PLANS[plan.after]) if plan.after else name

    found: dict[str, list[str]] = {}
    for name, plan in plans.items():
        found.setdefault(first(name, plan), []).append(name)
    return list(found.values())


def perform(run: Run, state: Path) -> Run:
    """Take a run to its end, with progress."""

    def tell(run: Run) -> str:
        look, share = run.curve[-1], run.step / run.recipe.steps
        figures = f"R2 {look.r2:.3f}  {look.bits:5.1f} bits  {look.cpu_seconds:.0f} s"
        return f"{share:4.0%}  step {look.step:>6}  {figures}"

    return carry_out(run, state, tell)


def finish(name: str, plan: Plan, run: Run, root: Path, force: bool) -> bool:
    """Deliver the weights, their record and their film, unless those in place read more."""
    record = {
        "config": asdict(plan.config),
        "recipe": asdict(plan.recipe),
        "after": plan.after,
        "faint": plan.faint if plan.after else None,
        "parameters": sum(p.numel() for p in run.net.parameters()),
        "cpu_seconds": round(run.cpu_seconds),
        "steps": run.step,
        "plans": run.plans,
        "curve": [tuple(look) for look in run.curve],
    }
    files = {
        f"glyphs/{name}.safetensors": checkpoint.to_bytes(run.net, plan.config, precision),
        f"glyphs/runs/{name}.json": (json.dumps(record) + "\n").encode(),
        f"glyphs/runs/{name}.webp": film(run.frames),
    }
    place = root / "glyphs" / "runs" / f"{name}.json"

    def standing() -> float:
        return json.loads(place.read_text(encoding="utf-8"))["curve"][-1][2]

    return deliver(root, files, run.curve[-1].r2, standing, force)


def film(frames: list[Tensor]) -> bytes:
    """The same signs at each look of a run, as an animation; `frames` uint8 (8, C, S, S)."""
    sheets = []
    for frame in frames:
        signs = [render.to_image(sign.float().expand(3, -1, -1) / 255) for sign in frame]
        tiles = [sign.resize((FILM_TILE, FILM_TILE)) for sign in signs]
        sheets.append(render.collage(tiles, columns=4, gap=4))
    return render.animation(sheets, seconds_per_frame=0.12)


def train(name: str, plan: Plan, root: Path, workshop: Path, force: bool) -> None:
    """Train a script, or go on with it, and put it in place if it is better than what is there."""
    usual = PLANS[name].recipe if name in PLANS else OWN
    run = perform(Run(plan.build(root / "glyphs"), plan.recipe), state_file(workshop, name, plan.recipe, usual))
    fate = "in place" if finish(name, plan, run, root, force) else "not better than what is in place"
    look = run.curve[-1]
    print(f"{name}: {fate}, R2 {look.r2:.3f}, {look.bits:.1f} bits, {run.cpu_seconds:.0f} s", flush=True)


def repack(name: str, root: Path) -> None:
    """Store a script whose file holds float16, as all did once, as a training would deliver it today.

    Raises:
        checkpoint.CheckpointError: the file is another one, perhaps one that has been repacked.
        FileNotFoundError: there is none.
    """
    path = root / "glyphs" / f"{name}.safetensors"
    before = checkpoint.load(path, *kinds(name), 2 * FILE_LIMIT, precision=lambda name, tensor: 16)
    checkpoint.save(path, before.net, before.config, precision)
    hub.write_manifest(root)
    print(f"{name}: {before.size:,} bytes are now {path.stat().st_size:,}", flush=True)


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs train`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="script", help=f"of {', '.join(PLANS)}")
    parser.add_argument("--all", action="store_true", help="every shipped script")
    parser.add_argument("--size", type=int, help="a script of your own, with this many numbers in a message")
    parser.add_argument("--colour", action=argparse.BooleanOptionalAction, default=False, help="of your own script")
    parser.add_argument("--gray", dest="colour", action="store_false", help="the same as --no-colour")
    parser.add_argument("--pixels", type=int, default=48, help="of your own script (default: %(default)s)")
    parser.add_argument("--steps", type=positive, help="training steps (default: by the plan; 3,000 for your own)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repack", action="store_true", help="train nothing; store float16 files as they are now made")
    add_options(parser, WORKSHOP)
    args = parser.parse_args(argv)
    plans: dict[str, Plan] = {}
    if args.names or args.all or args.size is None:
        plans = {name: PLANS[name] for name in chosen(parser, args, "script", PLANS)}
    if args.size is not None:
        try:
            config = GlyphConfig(args.size, 3 if args.colour else 1, args.pixels, cutoff=20, reader_cutoff=24)
        except ValueError as error:
            parser.error(str(error))
        plans[f"own_{'colour' if args.colour else 'gray'}_{args.size}_{args.pixels}"] = Plan(config, OWN)
    torch.set_num_threads(1)
    for name in (name for family in my_share(families(plans)) for name in family):
        recipe = replace(plans[name].recipe, seed=args.seed, steps=args.steps or plans[name].recipe.steps)
        # a script of one's own does not belong among those that are published
        out = args.workshop.parent if name not in PLANS and args.out == hub.BUNDLED else args.out
        try:
            if args.repack:
                repack(name, out)
            else:
                train(name, replace(plans[name], recipe=recipe), out, args.workshop, args.force)
        except (FileNotFoundError, checkpoint.CheckpointError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
        except KeyboardInterrupt:
            return 130  # what a shell expects of an interrupted command
    return 0
