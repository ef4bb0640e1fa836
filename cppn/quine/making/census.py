"""The census: every one of the 2^n codes is tried, and those that print themselves are exact quines.

With a sign head the map from codes to codes is as good as random, and a random map has one fixed point on average:
about 63% of environments hold at least one exact quine (Poisson with mean 1; measured in `measure.py`). No training
is involved. The last number that matters is the margin, the smallest |activation| in front of the sign: it must be far
above rounding noise for the quine to be exact on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.quine.network import Quine, assign, hidden_map

BATCH = 1024  # codes at once: their weights (4 MB) stay in the processor's cache, twice as fast as 8192


@dataclass(frozen=True)
class ExactQuine:
    """A code that prints itself: bit k of `code` is set where number k of the code is +1."""

    code: int
    margin: float  # in units of the activation's standard deviation


def code_vector(code: int, size: int) -> Tensor:
    """The bits of a number as -1 and +1, shape (size,), float64, lowest bit first."""
    return torch.tensor([1.0 if code >> k & 1 else -1.0 for k in range(size)], dtype=torch.float64)


@torch.no_grad()
def census(net: Quine, on_progress: Callable[[float], None] = lambda share: None) -> list[ExactQuine]:
    """All exact quines in the environment of a network with a sign head, in the order of their codes.

    The search runs in float32; a code counts only if float64 finds every bit of it again.
    """
    hidden = torch.vmap(hidden_map(net))
    bits = torch.arange(net.CODE)
    found = []
    for start in range(0, 2**net.CODE, BATCH):
        numbers = torch.arange(start, min(start + BATCH, 2**net.CODE))
        codes = ((numbers[:, None] >> bits) & 1).float() * 2 - 1  # (B, n)
        # a tie or a rounding accident in float32 must not hide a quine, so near zero either sign passes
        agree = (hidden(net.decode(codes)) * codes > -1e-4).all(dim=1)
        found += [quine for number in numbers[agree].tolist() if (quine := confirm(net, number))]
        on_progress((start + len(numbers)) / 2**net.CODE)
    return found


@torch.no_grad()
def confirm(net: Quine, code: int) -> ExactQuine | None:
    """The exact quine of that code in float64, or None if the code does not print itself."""
    vector = code_vector(code, net.CODE)
    activation = hidden_map(net)(net.decode(vector))
    if not torch.equal(net.code(activation), vector):
        return None
    return ExactQuine(code, float(activation.abs().min()))


def make_exact(net: Quine, code: int) -> None:
    """Give the network the weights of a code."""
    assign(net, net.decode(code_vector(code, net.CODE)))
