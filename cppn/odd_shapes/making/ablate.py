"""What each part of our network contributes: its error on the exam's first pictures with that part silenced.

    python -m cppn odd_shapes ablate

Every part adds something to what a token knows; a silenced one adds 0. The network was trained with all of them, so the
figures say what it makes use of, not what another network could do without. The result joins
weights/results/odd_shapes.json.
"""

from __future__ import annotations

import copy

from cppn.odd_shapes.making.measure import SEED, study
from cppn.odd_shapes.network import OddNet
from cppn.odd_shapes.score import examine

LAST = {"surroundings": "mix", "attention": "out", "think": "narrow"}  # matrices of parts, by their names less a number
SILENCED = {
    "none": (),
    "surroundings": ("surroundings",),
    "surroundings2": ("surroundings2",),
    "both surroundings": ("surroundings", "surroundings2"),
    "attention1": ("attention1",),
    "attention2": ("attention2",),
    "both attentions": ("attention1", "attention2"),
    "attention and surroundings": ("attention1", "attention2", "surroundings", "surroundings2"),
    "think1": ("think1",),
    "think2": ("think2",),
}
SHOWN = ("rmse", "interval_95", "median_distance", "share_over_5px")


def silenced(net: OddNet, parts: tuple[str, ...]) -> OddNet:
    """A copy whose parts of these names add nothing, because their last matrix, which has no bias, is 0."""
    net = copy.deepcopy(net)
    for part in parts:
        getattr(getattr(net, part), LAST[part.rstrip("12")]).weight.data.zero_()
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
    study(argv, "ablate", __doc__, "ablation", ablate)
    return 0
