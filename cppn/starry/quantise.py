"""From real weights to whole numbers: rounding block by block, with the others fitted again in between.

What one rounded weight costs, the others make good by the loss's own second-order model, which is optimal brain
quantisation (Frantar and Alistarh, arXiv 2208.11580), a child of the optimal brain surgeon (Hassibi and Stork, 1992).
`lattice` says in which order, and how many ways are followed at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from cppn.starry import lattice
from cppn.starry.descend import Levenberg
from cppn.starry.fit import Curvature, Objective
from cppn.starry.lattice import Factor
from cppn.starry.program import BYTE_LIMIT, write
from cppn.starry.shape import Shape

_PULL = 1e-3  # share of the damping matrix added to the curvature of a sample, which is too hopeful where it is flat
_PULLS = 0.1, 0.03, 0.01, 0.003  # the same for the polish, by a curvature of all pixels: timid steps and bold ones
_RIDGE = 1e-6  # of the mean curvature, added to every weight's: some change nothing at all
_STEEPEST = 1e6  # a ridge so much larger than the curvature makes every finite matrix positive
_TRIED = 6  # programs that are short enough, of which the best is taken
_GAIN = 0.02  # in score; less is not worth a round


def round_all(
    objective: Objective,
    weights: Tensor,
    blocks: int,
    pixels: int,
    judged: int,
    generator: torch.Generator,
    steps: int = 3,
) -> Iterator[tuple[float, Tensor]]:
    """Round all weights in blocks; yields the share that is rounded and the weights.

    Args:
        blocks: how many; before each the weights that are still free take some `steps` of `Levenberg`.
        pixels, judged: how many, for the curvature and for the loss and the gradient.
    """
    shape = objective.shape
    fitter = Levenberg(objective, shape.wrap(shape.turned(weights)), damping=1e-2, least=1e-3, ridge=1e-3)
    size = -(-shape.weights // blocks)
    while bool(fitter.free.any()):
        for _ in range(steps):
            fitter.step(objective.sample(pixels, generator), objective.sample(judged, generator))
        fitter.weights = torch.where(fitter.free, shape.wrap(fitter.weights), fitter.weights)
        state = objective.curvature(fitter.weights, objective.sample(pixels, generator), precise=True)
        free = fitter.free.nonzero()[:, 0]
        factor = _factorise(state, free, _PULL)
        rounded = fitter.weights.clone()
        rounded[free] = lattice.round_first(fitter.weights[free], factor, min(size, len(free)), shape.grid)
        fitter.free[free[factor.order[:size]]] = False
        fitter.weights = torch.where(fitter.free, shape.clamp(rounded), rounded)
        yield 1 - float(fitter.free.double().mean()), fitter.weights


def polish(objective: Objective, weights: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Lower the loss of whole weights; yields loss and weights after each round that lowered it.

    A round goes to the least of the loss's second-order model and rounds all weights anew from there, with several
    shares of damping; the whole picture judges. It ends when a round brings nothing.
    """
    best = objective.loss(weights)
    while True:
        before, state = best, objective.curvature(weights, precise=True)
        for pull in _PULLS:
            candidate = _round_anew(state, weights, pull, objective.shape)
            if not torch.equal(candidate, weights) and (loss := objective.loss(candidate)) < best:
                best, found = loss, candidate
        if best > before - _GAIN:
            return
        weights = found
        yield best, weights


def fit_in(objective: Objective, weights: Tensor, limit: int = BYTE_LIMIT) -> Tensor:
    """Whole weights whose program is not too long: where escapes make it so, one weight goes a level up or down.

    That changes most bytes of the number, so a few of the cheapest steps are enough.

    Raises:
        ValueError: none of them helps; the shape holds more weights or levels than there is room for.
    """
    if fits(objective, weights, limit):
        return weights
    state, grid = objective.curvature(weights, precise=True), objective.shape.grid
    place = lattice.places(weights, grid)  # (W,)
    to = torch.stack([place - 1, place + 1])  # (2, W)
    step = grid[to.clamp(0, len(grid) - 1)] - weights
    cost = 2 * state.gradient * step + state.matrix.diagonal() * step.square()  # of the loss, to second order
    cost[(to < 0) | (to >= len(grid))] = torch.inf
    order = cost.flatten().argsort()[: int(cost.isfinite().sum())]

    def ways() -> Iterator[Tensor]:
        for number in order.tolist():
            way = weights.clone()
            way[number % len(weights)] += step.flatten()[number]
            yield way

    if shorter := list(itertools.islice((way for way in ways() if fits(objective, way, limit)), _TRIED)):
        return min(shorter, key=objective.loss)
    raise ValueError(f"no program of {limit:,} bytes is near these weights")


def fits(objective: Objective, weights: Tensor, limit: int = BYTE_LIMIT) -> bool:
    """Whether the program of whole weights can be written in that many bytes."""
    try:
        return len(write(objective.shape.program(weights, objective.width, objective.height))) <= limit
    except ValueError:  # the last weight has the digit 0
        return False


def _round_anew(state: Curvature, weights: Tensor, pull: float, shape: Shape) -> Tensor:
    """Rounded weights near the least of the second-order model inside the bounds, (W,)."""
    real, free = _least_of_model(state, weights, pull, shape.bounds)
    factor = _factorise(state, free, pull)
    answer = lattice.snap(real, shape.grid)
    answer[free[factor.order]] = lattice.nearest(real[free], factor, len(free), shape.grid)[0]
    return answer


def _least_of_model(
    state: Curvature, weights: Tensor, pull: float, bounds: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Where 2 g.s + s.H.s is least inside the bounds, and the places of the weights that are not held by them.

    Weights that would leave are set on their bound, and the others solved for again.
    """
    low, high = bounds
    matrix = state.matrix + pull * state.damping
    matrix.diagonal().add_(_RIDGE * matrix.diagonal().mean())
    inside = ~(((weights >= high) & (state.gradient < 0)) | ((weights <= low) & (state.gradient > 0)))
    real = weights.clone()
    while True:
        free, held = inside.nonzero()[:, 0], (~inside).nonzero()[:, 0]
        pushed = state.gradient[free] + matrix[free][:, held] @ (real - weights)[held]
        real[free] = weights[free] - torch.linalg.solve(matrix[free][:, free], pushed)
        outside = (real < low) | (real > high)
        if not bool(outside.any()):
            return real, free
        real = real.clamp(low, high)
        inside &= ~outside


def _factorise(state: Curvature, places: Tensor, pull: float) -> Factor:
    """The curvature of some weights with a share of its damping, decomposed; more ridge where that fails.

    Raises:
        ArithmeticError: the curvature is not finite, so no ridge helps.
    """
    matrix = (state.matrix[places] + pull * state.damping[places])[:, places]
    size, ridge = state.matrix.diagonal().mean() + 1e-12, _RIDGE
    while ridge < _STEEPEST:
        matrix.diagonal().add_(ridge * size)
        if (factor := lattice.factorise(matrix)) is not None:
            return factor
        ridge *= 10
    raise ArithmeticError("the loss has no finite curvature at these weights")
