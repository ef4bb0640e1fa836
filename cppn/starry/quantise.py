"""From real weights to whole numbers: rounding block by block with re-optimisation, then a search among whole numbers.

Rounding one weight at a time and letting the others make good what they can, by the loss's own second-order model, is
optimal brain quantisation (Frantar and Alistarh, arXiv 2208.11580), a child of the optimal brain surgeon (Hassibi and
Stork, 1992). Between two blocks the weights that are still free are fitted again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cppn.starry.descend import Levenberg
from cppn.starry.fit import Curvature, Objective

_PULL = 1e-2  # share of the damping matrix added to the curvature; with much less the model is too hopeful
_PULL_WHOLE = 1e-4  # the same for moves among whole numbers, by a curvature of all pixels
_GAIN = 0.02  # foretold gain in score under which a move among whole numbers is not worth its risk


def round_block(weights: Tensor, matrix: Tensor, movable: Tensor, count: int, bounds: tuple[int, int]) -> Tensor:
    """Round the first `count` of the movable weights one after the other; the later ones make good what they can.

    Args:
        weights: real numbers, shape (W,). matrix: positive definite curvature, shape (W, W).
        movable: places of the weights that may change, in the order of rounding.
        bounds: least and greatest whole number.
    """
    upper = _factor_of_inverse(matrix[movable][:, movable])  # row i: how later weights answer to a change of weight i
    moved = weights[movable].clone()
    for i in range(count):
        whole = moved[i].round().clamp(*bounds)
        error = (moved[i] - whole) / upper[i, i]
        moved[i:] -= error * upper[i, i:]
        moved[i] = whole
    answer = weights.clone()
    answer[movable] = moved
    return answer


def _factor_of_inverse(matrix: Tensor) -> Tensor:
    """The upper triangular U with U^T U the inverse; a matrix with directions of nearly no curvature gets a ridge."""
    ridge, size = 0.0, matrix.diagonal().mean() + 1e-12
    while True:
        inverse = torch.linalg.inv(matrix + ridge * size * torch.eye(len(matrix), dtype=matrix.dtype))
        upper, failed = torch.linalg.cholesky_ex((inverse + inverse.T) / 2, upper=True)
        if not failed and bool(torch.isfinite(upper).all()):
            return upper
        ridge = max(10 * ridge, 1e-6)


def round_all(
    objective: Objective,
    weights: Tensor,
    blocks: int,
    pixels: int,
    judged: int,
    generator: torch.Generator,
) -> Iterator[tuple[float, Tensor]]:
    """Round all weights in blocks, the most sensitive first; yields the share that is rounded and the weights.

    Args:
        blocks: how many; before each the weights that are still free take two steps of `Levenberg`.
        pixels, judged: how many, for the curvature and for the loss and the gradient.
    """
    shape = objective.shape
    fitter = Levenberg(objective, weights, damping=1e-2, least=1e-3, ridge=1e-3)
    size = -(-shape.weights // blocks)
    while bool(fitter.free.any()):
        for _ in range(2):
            fitter.step(objective.sample(pixels, generator), objective.sample(judged, generator))
        fitter.weights = torch.where(fitter.free, shape.wrap(fitter.weights), fitter.weights)
        state = objective.curvature(fitter.weights, objective.sample(pixels, generator))
        movable = fitter.free.nonzero()[:, 0]
        movable = movable[torch.argsort(state.matrix.diagonal()[movable], descending=True)]
        matrix = _solvable(state, _PULL)
        rounded = round_block(fitter.weights, matrix, movable, min(size, len(movable)), shape.bounds)
        fitter.free[movable[:size]] = False
        fitter.weights = torch.where(fitter.free, shape.clamp(rounded), rounded)
        yield 1 - float(fitter.free.double().mean()), fitter.weights


def local_search(
    objective: Objective, weights: Tensor, generator: torch.Generator, moves: int = 400, tries: int = 40
) -> Iterator[tuple[float, Tensor]]:
    """Lower the loss of whole weights; yields loss and weights after each round that lowered it.

    A round takes its moves by the loss's second-order model and judges them on the whole picture. First come steps of
    one, singly and in pairs; then random groups of weights are set free and rounded anew. It ends when a round brings
    nothing.

    Args:
        moves: at most that many steps of one in a round. tries: groups in a round.
    """
    best = objective.loss(weights)
    while True:
        before = best
        state = objective.curvature(weights, precise=True)
        matrix = _solvable(state, _PULL_WHOLE)
        for candidate in _model_moves(weights, state.gradient, matrix, objective.shape.bounds, moves):
            if (loss := objective.loss(candidate)) < best:
                best, weights = loss, candidate
        state = objective.curvature(weights, precise=True) if best < before else state
        matrix, gradient = _solvable(state, _PULL_WHOLE), state.gradient
        for _ in range(tries):
            size = int(torch.randint(20, 200, (1,), generator=generator))
            group = torch.randperm(len(weights), generator=generator)[:size]
            candidate = _round_anew(weights, gradient, matrix, group, objective.shape.bounds)
            step = candidate - weights
            if float(2 * gradient @ step + step @ matrix @ step) > -_GAIN:
                continue
            if (loss := objective.loss(candidate)) < best:
                best, weights, gradient = loss, candidate, gradient + matrix @ step
        if best > before - _GAIN:
            return
        yield best, weights


def _solvable(state: Curvature, pull: float) -> Tensor:
    """The curvature with enough of its damping that it is positive definite, also where weights change nothing."""
    matrix = state.matrix + pull * state.damping
    matrix.diagonal().add_(1e-6 * matrix.diagonal().mean())
    return matrix


def _round_anew(weights: Tensor, gradient: Tensor, matrix: Tensor, group: Tensor, bounds: tuple[int, int]) -> Tensor:
    """Whole weights after a group of them went to the least of the second-order model and was rounded there."""
    free = group[torch.argsort(matrix.diagonal()[group], descending=True)]
    factor = torch.linalg.cholesky(matrix[free][:, free])
    real = weights.clone()
    real[free] -= torch.cholesky_solve(gradient[free, None], factor)[:, 0]
    return round_block(real.clamp(*bounds), matrix, free, len(free), bounds)


def _model_moves(
    weights: Tensor, gradient: Tensor, matrix: Tensor, bounds: tuple[int, int], moves: int
) -> list[Tensor]:
    """Weights after 3, 8, 20, … of the best single and double steps of one, by loss + 2 g.s + s.H.s."""
    count = len(weights)
    weights, gradient, single = weights.clone(), gradient.clone(), matrix.diagonal()
    cross = 2 * torch.cat([torch.cat([matrix, -matrix], 1), torch.cat([-matrix, matrix], 1)])  # (2W, 2W): up, down
    cross.fill_diagonal_(torch.inf)
    answer = []
    for number in range(1, moves + 1):
        up = torch.where(weights < bounds[1], 2 * gradient + single, torch.inf)
        down = torch.where(weights > bounds[0], -2 * gradient + single, torch.inf)
        costs = torch.cat([up, down])  # (2W,)
        pairs = cross + costs[:, None] + costs
        place = int(pairs.argmin())
        pair, alone = pairs.view(-1)[place].item(), int(costs.argmin())
        if min(pair, costs[alone].item()) > -_GAIN:
            break
        for step in [alone] if costs[alone] <= pair else divmod(place, 2 * count):
            i, sign = step % count, 1 if step < count else -1
            weights[i] += sign
            gradient += sign * matrix[i]
        if number in (3, 8, 20, 50, 100, 200):
            answer.append(weights.clone())
    return [*answer, weights]
