"""Two ways down: Adam, and a bounded Levenberg-Marquardt method that may see other pixels at each step."""

from __future__ import annotations

import torch
from torch import Tensor

from cppn.starry.fit import Objective


class Adam:
    """Adam on the flat weights, inside their bounds times `reach`."""

    def __init__(self, objective: Objective, weights: Tensor, reach: float = 1.0) -> None:
        self.objective, self.weights, self.reach = objective, weights.clone(), reach
        self.rate = 1e-4 * objective.shape.divisor
        self._mean, self._square, self._steps = torch.zeros_like(weights), torch.zeros_like(weights), 0

    def step(self, pixels: Tensor | None, used: Tensor | None = None, moving: Tensor | None = None) -> float:
        """One step on the given pixels; returns the loss before it.

        Args:
            used: where to take loss and gradient, if not at the weights themselves. moving: weights that have a
                gradient at all.
        """
        loss, gradient = self.objective.gradient(self.weights if used is None else used, pixels)
        if moving is not None:
            gradient = gradient * moving
        self._steps += 1
        self._mean.lerp_(gradient, 0.1)
        self._square.lerp_(gradient.square(), 0.001)
        mean, square = self._mean / (1 - 0.9**self._steps), self._square / (1 - 0.999**self._steps)
        self.weights -= self.rate * mean / (square.sqrt() + 1e-8)
        self.weights = self.objective.shape.clamp(self.weights, self.reach)
        return loss


class Levenberg:
    """The Levenberg-Marquardt method inside the weights' bounds, on all pixels or on a fresh sample each step.

    Weights that lie on a bound and would leave it are held (an active set); the step of the others solves
    (J^T J + lambda D) s = -J^T r, and lambda follows how well the model foretold the loss.
    """

    def __init__(self, objective: Objective, weights: Tensor, damping: float, least: float, ridge: float) -> None:
        """Set out from some weights.

        Args:
            damping: lambda at first. least: lambda never falls below it.
            ridge: multiple of the mean of D's diagonal that is added to it, for weights that change nothing.
        """
        self.objective, self.weights = objective, weights.clone()
        self.damping, self.least, self.ridge = damping, least, ridge
        self.free = torch.ones(len(weights), dtype=torch.bool)  # weights that may move at all
        self.reach = 1.0  # the bounds are multiplied by it; from step to step it may shrink

    def step(self, pixels: Tensor | None, judged: Tensor | None) -> float:
        """One step.

        Args:
            pixels: those of the curvature. judged: those of the loss and the gradient; more of them cost little. None
                means all.

        Returns:
            The loss after it, on the judged pixels; the weights are unchanged if no step lowered it.
        """
        self.weights = self.objective.shape.clamp(self.weights, self.reach)
        state = self.objective.curvature(self.weights, pixels)
        loss, gradient = state.loss, state.gradient
        if judged is not pixels:
            loss, gradient = self.objective.gradient(self.weights, judged)
        free = self._free_to_move(gradient)
        matrix, damping = state.matrix[free][:, free], state.damping[free][:, free]
        damping.diagonal().add_(self.ridge * damping.diagonal().mean() + 1e-10)
        for _ in range(8):
            factor, failed = torch.linalg.cholesky_ex(matrix + self.damping * damping)
            if failed:
                self.damping *= 10
                continue
            proposed = self.weights.clone()
            proposed[free] -= torch.cholesky_solve(gradient[free, None], factor)[:, 0]
            proposed = self.objective.shape.clamp(proposed, self.reach)
            move = proposed - self.weights
            foretold = -float(2 * gradient @ move + move @ state.matrix @ move)
            reached = self.objective.loss(proposed, judged)
            if reached < loss:
                self._judge((loss - reached) / max(foretold, 1e-12))
                self.weights = proposed
                return reached
            self.damping *= 4
        return loss

    def _judge(self, ratio: float) -> None:
        if ratio > 0.6:
            self.damping = max(self.damping / 3, self.least)
        elif ratio < 0.2:
            self.damping *= 2

    def _free_to_move(self, gradient: Tensor) -> Tensor:
        low, high = (bound * self.reach for bound in self.objective.shape.bounds)
        held = ((self.weights >= high) & (gradient < 0)) | ((self.weights <= low) & (gradient > 0))
        if self.objective.shape.period is not None:
            held[self.objective.shape.constants] = False
        return (self.free & ~held).nonzero()[:, 0]
