"""The harder quine of Chang and Lipson (2018): it is asked for one weight at a time, and has no read-out table.

Question c is row c of a fixed random matrix, the answer one number, which should be weight c. Every weight between
question and answer is trained and printed: N equations in N unknowns, with no short cut through a small code. What
stays fixed and unprinted is the list of questions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn.quine import environment

PIXELS = 16  # of one digit: scikit-learn's 8 x 8 averaged to 4 x 4
CLASSES = 10


class QueryQuine(nn.Module):
    """Three linear layers without biases, SELU between them: width -> width -> width -> 1.

    N = 2 width^2 + width weights: 136 for width 8, 300 for width 12, 528 for width 16.
    """

    def __init__(self, width: int, environment: str) -> None:
        super().__init__()
        self.width, self.environment = width, environment
        self.first = nn.Linear(width, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        self.last = nn.Linear(width, 1, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """Answers (N,) to questions (N, inputs)."""
        x = F.selu(self.first(z))  # (N, width)
        x = F.selu(self.second(x))  # (N, width)
        return self.last(x)[:, 0]  # (N,)

    @property
    def probe(self) -> Tensor:
        """All questions in the order of the weights, shape (N, width), unit variance, multiples of 2^-4."""
        weights = sum(p.numel() for p in self.parameters())
        return torch.tensor(environment.probe(self.environment, (weights, self.width)))


class Auxiliary(QueryQuine):
    """The same with a second task: the first layer also sees a picture, and the last also names one of ten digits.

    A question comes with a black picture, a picture with an empty question. Weights that only pictures use do not
    change the answers, but have to be printed too.
    """

    def __init__(self, width: int, environment: str) -> None:
        super().__init__(width, environment)
        self.first = nn.Linear(width + PIXELS, width, bias=False)
        self.last = nn.Linear(width, 1 + CLASSES, bias=False)

    @property
    def probe(self) -> Tensor:
        """All questions with a black picture each, shape (N, width + 16)."""
        return F.pad(super().probe, (0, PIXELS))

    def classify(self, pictures: Tensor) -> Tensor:
        """Scores (B, 10) for pictures (B, 16) with grey levels in [0, 1]."""
        x = F.selu(self.first(F.pad(pictures, (self.width, 0))))  # (B, width)
        x = F.selu(self.second(x))  # (B, width)
        return self.last(x)[:, 1:]  # (B, 10)
