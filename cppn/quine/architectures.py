"""The seed's "distant future": quines that are convolutional, recurrent, gated or attentive. Codes of 16 numbers.

Each is the common architecture at the smallest size that is still itself, written with plain linear and convolution
layers so that all weights can be replaced at once (`torch.func`). Divisors: weights get a standard deviation of 1 / d
(0.25 * sqrt(16) = 1), near 1 / sqrt(inputs) for each layer, biases 0.1.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn.quine.network import DTYPES, Mlp, Quine, QuineConfig, normalise
from cppn.quine.query import Auxiliary, QueryQuine


class Cnn(Quine):
    """Two 3 x 3 convolutions (1 to 4, 4 to 8 channels with stride 2), pooling, one dense layer; 864 weights."""

    CODE, PROBE = 16, (1, 8, 8)
    DIVISORS: ClassVar = {"conv1": (3, 10), "conv2": (6, 10), "dense": (6, 10)}

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__(head, environment)
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1, stride=2)
        self.dense = nn.Linear(32, 16)

    def hidden(self, z: Tensor) -> Tensor:
        """See `Quine.hidden`."""
        x = torch.tanh(F.instance_norm(self.conv1(z[None])))  # (1, 4, 8, 8)
        x = torch.tanh(F.instance_norm(self.conv2(x)))  # (1, 8, 4, 4)
        x = F.avg_pool2d(x, 2).reshape(-1)  # (32,)
        return normalise(torch.tanh(self.dense(normalise(x))))  # (16,)


class Rnn(Quine):
    """Elman network (1990): 16 units, 8 time steps of 4 numbers; 608 weights."""

    CODE, PROBE = 16, (8, 4)
    DIVISORS: ClassVar = {"input": (2, 10), "recurrent": (3, 10), "output": (4, 10)}

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__(head, environment)
        self.input = nn.Linear(4, 16, bias=False)
        self.recurrent = nn.Linear(16, 16)
        self.output = nn.Linear(16, 16)

    def hidden(self, z: Tensor) -> Tensor:
        """See `Quine.hidden`."""
        x = torch.tanh(self.input(z[0]) + self.recurrent(z.new_zeros(16)))  # (16,)
        for step in z[1:]:
            x = torch.tanh(self.input(step) + self.recurrent(x))  # (16,)
        return normalise(torch.tanh(self.output(normalise(x))))  # (16,)


class Lstm(Quine):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997) with forget gate: 12 cells, 8 steps; 1,024 weights."""

    CODE, PROBE = 16, (8, 4)
    DIVISORS: ClassVar = {"input": (2, 5), "recurrent": (3, 5), "output": (3, 10)}

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__(head, environment)
        self.input = nn.Linear(4, 48, bias=False)
        self.recurrent = nn.Linear(12, 48)
        self.output = nn.Linear(12, 16)

    def hidden(self, z: Tensor) -> Tensor:
        """See `Quine.hidden`."""
        x, cell = z.new_zeros(12), z.new_zeros(12)
        for step in z:
            gates = self.input(step) + self.recurrent(x)  # (48,)
            enter, forget, candidate, leave = gates.split(12)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(candidate)  # (12,)
            x = torch.sigmoid(leave) * torch.tanh(cell)  # (12,)
        return normalise(torch.tanh(self.output(normalise(x))))  # (16,)


class Transformer(Quine):
    """One block (Vaswani et al., 2017): 4 tokens of 16, two heads, MLP of 32 with GELU; 2,160 weights."""

    CODE, PROBE = 16, (4, 16)
    HEADS = 2
    DIVISORS: ClassVar = {"qkv": (4, 10), "out": (4, 10), "up": (4, 10), "down": (6, 10)}

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__(head, environment)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.up = nn.Linear(16, 32)
        self.down = nn.Linear(32, 16)

    def hidden(self, z: Tensor) -> Tensor:
        """See `Quine.hidden`."""
        x = normalise(z)  # (4, 16)
        query, key, value = (
            part.reshape(4, self.HEADS, -1).transpose(0, 1) for part in self.qkv(x).split(16, dim=-1)
        )  # (2, 4, 8) each
        attention = torch.softmax(query @ key.mT / query.shape[-1] ** 0.5, dim=-1)  # (2, 4, 4)
        mixed = (attention @ value).transpose(0, 1).reshape(4, 16)  # (4, 16)
        x = x + self.out(mixed)  # (4, 16)
        x = x + self.down(F.gelu(self.up(normalise(x))))  # (4, 16)
        return normalise(x[-1])  # (16,)


ONE_PROBE = {"mlp": Mlp, "cnn": Cnn, "rnn": Rnn, "lstm": Lstm, "transformer": Transformer}


def build(config: QuineConfig) -> Quine | QueryQuine:
    """The network that a config describes, its weights not yet set."""
    if config.architecture in ONE_PROBE:
        net = ONE_PROBE[config.architecture](config.head, config.environment)
    elif config.architecture == "query":
        net = QueryQuine(config.width, config.environment)
    else:
        net = Auxiliary(config.width, config.environment)
    return net.to(DTYPES[config.dtype])
