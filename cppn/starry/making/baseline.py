"""The seed's own recipe, for comparison: Adam, with ever more of the weights rounded at random.

Source: the training code in Anders Kaseorg's answer, 45 sigmoid neurons of 111 levels, stochastic quantisation. Each
step draws which weights are used rounded, those near a whole number rather than others, their share growing until all
are; a rounded weight has no gradient. Two things differ, because hours on a graphics card are minutes on one processor
core here: a step sees a sample of the pixels, and the rate falls from 0.1 to the answer's 0.01.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from cppn.starry.descend import Adam
from cppn.starry.fit import Objective
from cppn.starry.shape import Shape, start
from cppn.training import named_generator

SEED_SHAPE = Shape(neurons=45, levels=111, scale=3364, constant=256, activation="sigmoid")
_PIXELS = 7_700  # of a step
_RATES = 0.1, 0.01


def draw_rounded(weights: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Which weights to use rounded: independent draws, likelier near a whole number, `share` of them on average.

    A weight at distance d from a whole number stays real with probability exp(-q / (d + 1e-6)); Newton's method finds
    the q that gives the share, as in the answer's code.
    """
    nearness = 1 / ((weights - weights.round()).abs() + 1e-6)
    q = 0.0
    for _ in range(16):
        real = torch.exp(-q * nearness)
        q -= ((1 - share) * len(weights) - float(real.sum())) / float(nearness @ real)
    return torch.rand(len(weights), generator=generator, dtype=torch.float64) >= torch.exp(-q * nearness)


def search_as_the_seed(objective: Objective, seconds: float, seed: int) -> Iterator[tuple[float, float, Tensor]]:
    """Whole weights by the seed's recipe in about that many processor seconds.

    Yields:
        Processor seconds, the loss on all pixels with every weight rounded, and those weights; now and then.
    """
    generator = named_generator("starry baseline", seed)
    adam = Adam(objective, start(objective.shape, objective.width, objective.height, generator))
    began, step = time.process_time(), 0
    while (done := (time.process_time() - began) / seconds) < 1:
        adam.rate = _RATES[0] * math.pow(_RATES[1] / _RATES[0], done)
        rounded = draw_rounded(adam.weights, done, generator)
        used = torch.where(rounded, adam.weights.round(), adam.weights)
        adam.step(objective.sample(_PIXELS, generator), used, ~rounded)
        step += 1
        if step % 1000 == 0:
            whole = adam.weights.round()
            yield time.process_time() - began, objective.loss(whole), whole
    whole = adam.weights.round()
    yield time.process_time() - began, objective.loss(whole), whole
