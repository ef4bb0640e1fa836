"""The optimisers that the recipes share: Muon with Adam for what is no matrix, and Adam alone, with one interface."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class MuonWithAdam:
    """Muon on the hidden matrices, Adam on everything else, under one learning rate.

    Muon (Jordan et al., 2024) replaces a matrix's momentum by the nearest orthogonal matrix, so every direction moves
    at the same speed; small coordinate networks learn fine detail several times faster with it than with Adam
    (McGinnis et al., "Optimizing Rank for High-Fidelity INRs", arXiv 2512.14366). For matrices as small as theirs
    `torch.optim.Muon`, which takes them one at a time, costs as much as the network itself; here all small ones are
    orthogonalised as one zero-padded stack, six times faster and with the same result within the noise of a seed.
    """

    # One (a, b, c) a Newton-Schulz step x <- a x + (b G + c G^2) x with G = x x^T, each made for the singular values
    # that the step before leaves; found by You Jiacheng (2025) and in wide use with Muon.
    _QUINTICS = (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    )
    _MOMENTUM = 0.95  # Muon's usual setting, with Nesterov's look ahead

    _SMALL = 4096  # numbers; matrices up to this size share one stack, larger ones only with those of their own shape

    def __init__(self, hidden: Sequence[nn.Parameter], rest: Sequence[nn.Parameter], rest_rate: float = 1.0) -> None:
        """Take charge of a network's parameters.

        Args:
            hidden: matrices; a kernel of more axes counts as the matrix (outputs, everything else).
            rest: what Adam moves. rest_rate: its learning rate as a multiple of Muon's.
        """
        self._rest_rate = rest_rate
        stacks: dict[object, list[nn.Parameter]] = {}
        for parameter in hidden:
            shape = parameter.flatten(1).shape
            stacks.setdefault("small" if shape.numel() <= self._SMALL else shape, []).append(parameter)
        self._stacks = list(stacks.values())
        self._averages = [
            torch.zeros(len(stack), *(max(p.flatten(1).shape[axis] for p in stack) for axis in (0, 1)))
            for stack in self._stacks
        ]
        self._adam = torch.optim.Adam(rest, lr=1.0, betas=(0.9, 0.99), fused=True)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._adam.zero_grad()
        for parameter in (p for stack in self._stacks for p in stack):
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step of this length."""
        for stack, average in zip(self._stacks, self._averages, strict=True):
            gradient = torch.zeros_like(average)
            for slot, parameter in zip(gradient, stack, strict=True):
                matrix = parameter.grad.flatten(1)
                slot[: matrix.shape[0], : matrix.shape[1]] = matrix
            average.lerp_(gradient, 1 - self._MOMENTUM)
            direction = self.orthogonalise(gradient.lerp(average, self._MOMENTUM))
            for slot, parameter in zip(direction, stack, strict=True):
                rows, columns = parameter.flatten(1).shape
                length = 0.2 * math.sqrt(max(rows, columns))  # as long as a step of Adam (Liu et al., arXiv 2502.16982)
                parameter.sub_(slot[:rows, :columns].reshape(parameter.shape), alpha=learning_rate * length)
        for group in self._adam.param_groups:
            group["lr"] = learning_rate * self._rest_rate
        self._adam.step()

    def state_dict(self) -> dict[str, object]:
        """Everything that the next steps depend on, for a run that is to go on later."""
        return {"averages": self._averages, "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of the same parameters."""
        for average, saved in zip(self._averages, state["averages"], strict=True):
            average.copy_(saved)
        self._adam.load_state_dict(state["adam"])

    @classmethod
    def orthogonalise(cls, matrices: Tensor) -> Tensor:
        """Nearly the closest orthogonal matrix to each of a stack (..., rows, columns): singular values of about 1."""
        x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-12)
        tall = x.shape[-2] > x.shape[-1]
        x = x.mT if tall else x  # the products of rows are fewer in a matrix that lies down
        for a, b, c in cls._QUINTICS:
            gram = x @ x.mT
            x = a * x + (b * gram + c * (gram @ gram)) @ x
        return x.mT if tall else x


class Adam:
    """Adam with the same interface as `MuonWithAdam`."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._optimizer = torch.optim.Adam(parameters, lr=1.0, betas=(0.9, 0.99), fused=True)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._optimizer.zero_grad()

    def step(self, learning_rate: float) -> None:
        """Take one step of this length."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()

    def state_dict(self) -> dict[str, object]:
        """Everything that the next steps depend on, for a run that is to go on later."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of the same parameters."""
        self._optimizer.load_state_dict(state)
