"""For a picture that repeats along x: two zigzags in a network's first layers, so that one copy is all to be learnt.

A network bends the plane. What stands eleven times side by side it bends eleven times, one by one, and learns each copy
anew. Paper that is folded shows each cut in all its layers, and so does a line that one layer folds into four and the
next into six: twenty-four stretches lie on each other (Montúfar et al., "On the Number of Linear Regions of Deep Neural
Networks", 2014). A fold is a mirror, though, and script has none. So there are two zigzags, a quarter of a period
apart: together they tell every place within the period, as cosine and sine do.

They are ordinary weights of an ordinary MysteryNet, set before training and held while it lasts. `making/folding.py`
measures what they bring, and how little if the optimiser may move them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.flags.network import MysteryNet

# A ramp is max(0, s (u - c)), and GELU of a large s (u - c) is nearly that. Each is given as the direction in which it
# rises and c, in folded stretches; and the multiple of it that bends a zigzag from one stretch into the next. They rise
# outwards from the middle, so that none is much larger than the zigzag.
FOURFOLD = ((1, 0), (-1, 0), (1, 1), (-1, 1)), (1.0, 1.0, -2.0, -2.0)
SIXFOLD = ((1, 3), (-1, 3), (1, 4), (1, 5), (-1, 2), (-1, 1)), (1.0, 1.0, -2.0, 2.0, -2.0, 2.0)
SLOPES = 50.0, 90.0  # of the ramps in the first and in the second layer; so a bend is about half a stretch wide
STRETCHES = 24  # half periods that the zigzags have
SPREAD = 1.5  # standard deviation of the weights with which the third layer first hears the zigzags


class Zigzags:
    """The zigzags of one period: what writes them into a network, and what holds them there."""

    def __init__(self, period: float) -> None:
        """For a picture, from -1 to 1 along x, that repeats after `period`.

        Raises:
            ValueError: it repeats more often than there are stretches.
        """
        if period * STRETCHES / 2 < 2:
            raise ValueError(f"at most {STRETCHES // 2} copies fit into the picture, not {2 / period:g}")
        (first, one), (second, other) = FOURFOLD, SIXFOLD
        half = period / 2
        steep, steeper = SLOPES
        self._rows1, self._rows2 = 2 * len(first), 2 * len(second)
        self._weight1, self._bias1 = torch.zeros(self._rows1, 2), torch.zeros(self._rows1)
        self._weight2, self._bias2 = torch.zeros(self._rows2, self._rows1), torch.zeros(self._rows2)
        self._read = torch.zeros(2, self._rows2)  # both zigzags from the second layer's ramps, each from 0 to 2
        for number, shift in enumerate((0.0, half / 2)):
            rows1, rows2 = (slice(number * len(ramps), (number + 1) * len(ramps)) for ramps in (first, second))
            up, at = torch.tensor(first).T
            self._weight1[rows1, 0] = steep * up
            self._bias1[rows1] = -steep * (up * shift + at * half * len(second))
            up, at = torch.tensor(second).T
            self._weight2[rows2, rows1] = steeper / steep * up[:, None] * torch.tensor(one)
            self._bias2[rows2] = -steeper * up * at * half
            self._read[number, rows2] = torch.tensor(other) * 2 / (half * steeper)
        self._as_zigzags = torch.linalg.pinv(self._read) @ self._read  # what of weights on the ramps hears zigzags

    @torch.no_grad()
    def write(self, net: MysteryNet, generator: torch.Generator) -> None:
        """Set the zigzags, and have each neuron of the third layer hear some of both."""
        net.dense2.weight[:, : self._rows1] *= 2 / SLOPES[0]  # what else hears the ramps hears them softly
        heard = SPREAD * torch.randn(len(net.dense3.weight), 2, generator=generator)
        net.dense3.weight[:, : self._rows2] = heard @ self._read
        net.dense3.bias -= heard.sum(1)  # as if they went from -1 to 1
        self.hold(net)

    @torch.no_grad()
    def hold(self, net: MysteryNet) -> None:
        """Put back what a training step has moved; how loud the third layer hears each zigzag stays as it is learnt."""
        for dense, rows, weight, bias in (
            (net.dense1, self._rows1, self._weight1, self._bias1),
            (net.dense2, self._rows2, self._weight2, self._bias2),
        ):
            dense.weight[:rows] = 0
            dense.weight[:rows, : weight.shape[1]] = weight
            dense.bias[:rows] = bias
        net.dense3.weight[:, : self._rows2] = net.dense3.weight[:, : self._rows2] @ self._as_zigzags

    @torch.no_grad()
    def seen(self, net: MysteryNet, x: Tensor) -> Tensor:
        """Both zigzags, (N, 2), as a network's first two layers make them at positions x (N,), halfway down."""
        points = torch.stack([x, torch.zeros_like(x)], dim=1)
        return F.gelu(net.dense2(F.gelu(net.dense1(points))))[:, : self._rows2] @ self._read.T
