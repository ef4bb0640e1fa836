"""The auxiliary quine of Chang and Lipson (2018): one network that prints its weights and reads digits as well.

The two tasks fight. Weights that only pictures use have no say in the answers, so they are whatever the rest prints for
them; every digit read better costs the copy some accuracy. Both are minimised together by Levenberg-Marquardt, and
`weight` sets the balance. This is a compromise, reported as measured: not a quine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.quine.making.levenberg import levenberg_marquardt, start_weights
from cppn.quine.network import assign, copier, with_weights
from cppn.quine.query import CLASSES, Auxiliary

TRAINING = 1437  # of the 1,797 digits; the last 360 are the test set, as is usual for this set
ITERATIONS = 60  # after which neither task gains any more


@dataclass(frozen=True)
class Digits:
    """Small pictures of handwritten digits, float64 (B, 16) with grey levels in [0, 1], and what they show (B,)."""

    pictures: Tensor
    labels: Tensor


def load_digits() -> tuple[Digits, Digits]:
    """Training and test set: the optical digits of Alpaydin and Kaynak (1998), as scikit-learn ships them."""
    from sklearn import datasets

    raw = datasets.load_digits()
    pictures = F.avg_pool2d(torch.tensor(raw.images)[:, None] / 16, 2).flatten(1)  # (1797, 16)
    labels = torch.tensor(raw.target)
    return Digits(pictures[:TRAINING], labels[:TRAINING]), Digits(pictures[TRAINING:], labels[TRAINING:])


def train(net: Auxiliary, digits: Digits, weight: float) -> Iterator[tuple[float, float]]:
    """Set the weights of `net` (float64) by the joint least-squares problem.

    Args:
        weight: of one digit's score error against the error of one printed weight.

    Yields:
        Largest residual and share of the training digits read rightly, after each step that helped.
    """
    targets = F.one_hot(digits.labels, CLASSES).double()  # (B, 10)
    printed, scores = copier(net), with_weights(net, "classify", digits.pictures)

    def residual(theta: Tensor) -> Tensor:
        return torch.cat([printed(theta) - theta, weight * (scores(theta) - targets).flatten()])

    theta = start_weights(net.environment, 0, [tuple(p.shape) for p in net.parameters()])
    for theta, worst in levenberg_marquardt(residual, theta, ITERATIONS):  # noqa: B020
        assign(net, theta)
        yield worst, accuracy(net, digits)


@torch.no_grad()
def accuracy(net: Auxiliary, digits: Digits) -> float:
    """Share of digits read rightly."""
    scores = net.classify(digits.pictures.to(next(net.parameters()).dtype))
    return float((scores.argmax(dim=1) == digits.labels).double().mean())
