"""What a network in training is told about a picture: where the odd shape is, or each place where it may be.

One picture in fifty shows nothing of its odd shape, and some show a sliver. Told the true centre alone, the network
is pulled to one of many places that look the same, and that pull is most of the noise in the gradients of a network
that is nearly trained. But whoever draws a picture knows the base shapes, and with them every odd shape that would have
made the same picture, and how likely each of them is drawn. The expected loss over these is what the loss is on
average, without that noise (an estimate replaced by its mean given more than it uses: Rao-Blackwell).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cppn.odd_shapes.dataset import CANVAS, SMALLEST, Pictures, rows_of
from cppn.odd_shapes.placements import fitting
from cppn.odd_shapes.posterior import WEIGHT


class Labels(NamedTuple):
    """Centres that N pictures are taught, one or several a picture; P in all.

    Attributes:
        picture: whose centre it is, int (P,), in ascending order.
        centre: (x, y) in pixels, float32 (P, 2).
        probability: float32 (P,); each picture's sum is 1.
    """

    picture: Tensor
    centre: Tensor
    probability: Tensor


def the_true(pictures: Pictures) -> Labels:
    """Each picture's true centre."""
    return Labels(torch.arange(len(pictures)), pictures.targets, torch.ones(len(pictures)))


def the_possible(pictures: Pictures) -> Labels:
    """Every centre that the odd shape of a picture may have for one who knows its base shapes.

    (The picture alone leaves more open, and takes a search: see `cppn.odd_shapes.posterior`.)
    """
    weight = np.zeros((len(pictures), CANVAS, CANVAS), np.float32)
    clear = np.flatnonzero(pictures.visible == 1)
    weight[clear, pictures.y[clear, 0], pictures.x[clear, 0]] = 1  # all of it is in view: it can be nowhere else
    hidden = np.flatnonzero(pictures.visible < 1)
    some = pictures.take(hidden)
    rows = rows_of(some.kind, some.radius, some.x, some.y)  # (H, 7, 64)
    seen = rows[:, 0] & ~np.bitwise_or.reduce(rows[:, 1:], axis=1)  # (H, 64), what only the odd shape covers
    fits = fitting(some.ink)
    fits[np.arange(len(some)), some.kind[:, 1]] = False  # the odd shape is of another kind than the others
    for number, fits_here, seen_here in zip(hidden, fits, seen, strict=True):
        kind, radius, y, x = np.unravel_index(np.flatnonzero(fits_here), fits_here.shape)
        covers = ~(seen_here & ~rows_of(kind, radius + SMALLEST, x, y)).any(axis=1)
        np.add.at(weight[number], (y[covers], x[covers]), WEIGHT[radius[covers]])
    picture, y, x = np.nonzero(weight)
    probability = (weight / weight.sum(axis=(1, 2), keepdims=True))[picture, y, x]
    centre = np.stack([x, y], axis=1).astype(np.float32)
    return Labels(*map(torch.from_numpy, (picture, centre, probability)))
