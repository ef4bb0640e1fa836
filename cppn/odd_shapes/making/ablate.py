"""What each part of our network contributes: its error on the exam's first pictures with that part silenced.

    python -m cppn odd_shapes ablate

Every part adds something to what a token knows; a silenced one adds 0. The network was trained with all of them, so the
figures say what it makes use of, not what another network could do without. The result joins
weights/results/odd_shapes.json.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch

from cppn import hub
from cppn.odd_shapes.making.measure import RESULT, SEED, join
from cppn.odd_shapes.network import OddNet
from cppn.odd_shapes.score import examine
from cppn.odd_shapes.weights import open_finder

LAST = {"surroundings": "mix", "attention1": "out", "attention2": "out", "think1": "narrow", "think2": "narrow"}
SILENCED = {
    "none": (),
    "surroundings": ("surroundings",),
    "attention1": ("attention1",),
    "attention2": ("attention2",),
    "both attentions": ("attention1", "attention2"),
    "attention and surroundings": ("attention1", "attention2", "surroundings"),
    "think1": ("think1",),
    "think2": ("think2",),
}
SHOWN = ("rmse", "interval_95", "median_distance", "share_over_5px")


def silenced(net: OddNet, parts: tuple[str, ...]) -> OddNet:
    """A copy whose parts of these names add nothing, because their last matrix, which has no bias, is 0."""
    net = copy.deepcopy(net)
    for part in parts:
        getattr(getattr(net, part), LAST[part]).weight.data.zero_()
    return net


def ablate(net: OddNet, count: int) -> dict[str, object]:
    """Errors on the first `count` pictures of the exam, by which parts are silenced; "none" is the whole network."""
    found = {}
    for name, parts in SILENCED.items():
        *_, result = examine(silenced(net, parts), count, SEED)
        summary = result.summary()
        found[name] = {key: summary[key] for key in SHOWN}
        print(f"without {name}: {found[name]}", flush=True)
    return {"pictures": count, "without": found}


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes ablate`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn odd_shapes ablate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=4_000, help="pictures (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED / "odd_shapes", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    finder = open_finder("ours", args.weights / "ours.safetensors")
    found = {"sha256": finder.checkpoint.sha256, **ablate(finder.net, args.count)}
    join(args.out, {"ablation": found})
    return 0
