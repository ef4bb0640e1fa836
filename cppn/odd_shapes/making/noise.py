"""How much of a gradient is noise: our network told the true centre of each picture, and told every possible one.

    python -m cppn odd_shapes noise

The gradient of one picture's loss differs from that of the next; what is left when many are averaged teaches, the rest
is noise. Measured on pictures as the last stage of the training draws them, at the weights that it has led to, over
all weights at once. The result joins weights/results/odd_shapes.json.
"""

from __future__ import annotations

import copy
import json

import numpy as np
import torch

from cppn.odd_shapes.dataset import named_rng
from cppn.odd_shapes.making.fit import pointing_loss, sample_hard
from cppn.odd_shapes.making.labels import the_possible, the_true
from cppn.odd_shapes.making.measure import SEED, study
from cppn.odd_shapes.making.train import OURS_STAGES
from cppn.odd_shapes.network import OddNet

LABELS = {"true": the_true, "possible": the_possible}
DRAWS = 2_000  # resamplings of the pictures behind an interval


def measure(net: OddNet, count: int) -> dict[str, object]:
    """The noise in the gradient of one picture, by labels: its variance, summed over all weights.

    Returns:
        for each of `LABELS` the `noise`, and the share of it that comes from pictures with `nothing_in_view`; by what
        the noise is `divided`, with a 95% interval from resampled pictures, for a few of them make most of it.
    """
    net = copy.deepcopy(net).requires_grad_(True)
    weights = list(net.parameters())
    pictures, importance = sample_hard(named_rng("odd_shapes noise", SEED), count, OURS_STAGES[-1].hard)
    mean = {name: [torch.zeros_like(weight) for weight in weights] for name in LABELS}
    square = {name: np.zeros(count) for name in LABELS}
    for number in range(count):
        one = pictures.take(slice(number, number + 1))
        answer = net(one.inputs)
        for name, labels_of in LABELS.items():
            loss = pointing_loss(answer, labels_of(one), net.FIRST, net.STEP, importance[number : number + 1])
            gradient = torch.autograd.grad(loss, weights, retain_graph=True)
            torch._foreach_add_(mean[name], gradient, alpha=1 / count)
            square[name][number] = sum(float(part.square().sum()) for part in gradient)
    found = {}
    for name in LABELS:
        noise = square[name].mean() - sum(float(part.square().sum()) for part in mean[name])
        blind = (square[name] * (pictures.visible == 0)).sum() / square[name].sum()
        found[name] = {"noise": round(noise, 3), "nothing_in_view": round(float(blind), 4)}
    drawn = named_rng("odd_shapes noise, resampled", SEED).integers(0, count, (DRAWS, count))
    ratios = square["true"][drawn].mean(axis=1) / square["possible"][drawn].mean(axis=1)
    return {
        "pictures": count,
        "labels": found,
        "divided": round(found["true"]["noise"] / found["possible"]["noise"], 2),
        "interval_95": [round(float(end), 2) for end in np.percentile(ratios, (2.5, 97.5))],
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes noise`."""
    print(json.dumps(study(argv, "noise", __doc__, "noise", measure), indent=1))
    return 0
