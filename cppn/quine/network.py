"""Networks that answer a fixed probe with their own weights: the common part, and the seed's perceptron.

F_theta(z) = scale * head(hidden(z; theta)) @ table, where `theta` is every trained number in the order of
`net.parameters()`, `hidden` is the network proper and ends in a normalisation, and `table` is fixed. All P weights
are thus decoded from the n numbers (20 or 16) of one activation, the code; the table itself is not printed.

Source: Vishvam, "I Fixed a Neural Network That's Supposed to Print Its Own Weights" (2025), after Chang and Lipson,
"Neural Network Quine" (2018, arXiv 1803.05859). The seed reads the code out as it is (`head="identity"`) and wants
F(theta) = theta as nearly as it will go. With `head="sign"` the code is n bits, the table lies on the grid of
`environment.py`, and the equation can hold exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn.quine import environment

SCALE = 0.25  # the seed's alpha; a power of two, so that multiplying by it is exact
HEADS = ("identity", "sign")
ARCHITECTURES = ("mlp", "cnn", "rnn", "lstm", "transformer", "query", "auxiliary")
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class QuineConfig:
    """What a file says about its network. Without any of it, the seed's own network in float32.

    Attributes:
        architecture: one of `ARCHITECTURES`.
        head: "identity" reads the code out as it is, "sign" as bits.
        environment: the published string that table and probe are drawn from. None: the file brings its own table
            and probe, as the seed's does; only for the seed's network.
        dtype: "float32" or "float64", of every tensor in the file.
        width: inputs and hidden units of the one-query-a-weight networks; None for all others.
    """

    architecture: str = "mlp"
    head: str = "identity"
    environment: str | None = None
    dtype: str = "float32"
    width: int | None = None

    def __post_init__(self) -> None:
        for name, known in (("architecture", ARCHITECTURES), ("head", HEADS), ("dtype", tuple(DTYPES))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}")
        queried = self.architecture in ("query", "auxiliary")
        if self.environment is None and (self.architecture, self.head) != ("mlp", "identity"):
            raise ValueError("only the seed's own network may bring its own table; all others name an environment")
        if self.environment is not None and not (
            1 <= len(self.environment) <= 64 and self.environment.isascii() and self.environment.isprintable()
        ):
            raise ValueError("environment must be 1 to 64 printable ASCII characters")
        if queried and self.head != "identity":
            raise ValueError("a network that is asked for one weight at a time has no sign head")
        if queried != (self.width is not None) or (queried and not 2 <= self.width <= 16):
            raise ValueError("width must lie between 2 and 16, and belongs to one-query-a-weight networks only")


def normalise(x: Tensor) -> Tensor:
    """Rows (..., L) to mean 0 and variance 1, no parameters, eps 1e-5.

    The seed writes InstanceNorm1d(20) for one vector of 20, which is this: instance norm over the last axis.
    """
    return F.instance_norm(x.reshape(1, -1, x.shape[-1])).view_as(x)


def sign(x: Tensor) -> Tensor:
    """The signs of x, -1 or +1, where zero counts as positive, so that no weight can hide behind a zero."""
    return torch.where(x >= 0, 1.0, -1.0).to(x)


class Quine(nn.Module):
    """The part that all one-probe quines share. Subclasses define the layers and `hidden`.

    Class attributes:
        CODE: n, numbers in the code.
        PROBE: shape of the probe.
        DIVISORS: for each layer, the whole numbers d such that weight and bias have table columns of standard
            deviation 1 / d. They hold the activations of each architecture in the range where it is not linear.
    """

    CODE: ClassVar[int]
    PROBE: ClassVar[tuple[int, ...]]
    DIVISORS: ClassVar[dict[str, tuple[int, int]]]

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__()
        self.head, self.environment = head, environment

    def hidden(self, z: Tensor) -> Tensor:
        """The last normalised activation, shape (CODE,), for a probe of shape PROBE."""
        raise NotImplementedError

    def code(self, activation: Tensor) -> Tensor:
        """What the table decodes, same shape as the activation (..., CODE)."""
        return sign(activation) if self.head == "sign" else activation

    def decode(self, code: Tensor) -> Tensor:
        """Weights (..., P) that the table makes of codes (..., CODE)."""
        return SCALE * (code @ self.table.to(code))

    def forward(self, z: Tensor) -> Tensor:
        """All P weights, printed in answer to a probe of shape PROBE."""
        return self.decode(self.code(self.hidden(z)))  # (P,)

    @property
    def table(self) -> Tensor:
        """The read-out table, shape (CODE, P)."""
        if self.environment is None:
            return self.proj
        divisors = tuple(
            (p.numel(), self.DIVISORS[name.rpartition(".")[0]][name.endswith("bias")])
            for name, p in self.named_parameters()
        )
        return torch.tensor(environment.table(self.environment, self.CODE, divisors))

    @property
    def probe(self) -> Tensor:
        """The probe, shape PROBE."""
        if self.environment is None:
            return self.input_probe.view(self.PROBE)
        return torch.tensor(environment.probe(self.environment, self.PROBE))


class Mlp(Quine):
    """The seed's network: 8-20-20-20 with tanh and a parameter-free norm after each layer, 1,020 weights."""

    CODE, PROBE = 20, (8,)
    DIVISORS: ClassVar = {"l1": (20, 20), "l2": (20, 20), "l3": (20, 20)}  # randn / 20, as in the seed

    def __init__(self, head: str, environment: str | None) -> None:
        super().__init__(head, environment)
        self.l1 = nn.Linear(8, 20)
        self.l2 = nn.Linear(20, 20)
        self.l3 = nn.Linear(20, 20)
        if environment is None:
            weights = sum(p.numel() for p in self.parameters())
            self.register_buffer("proj", torch.empty(20, weights))
            self.register_buffer("input_probe", torch.empty(1, 8))

    def hidden(self, z: Tensor) -> Tensor:
        """See `Quine.hidden`."""
        x = normalise(torch.tanh(self.l1(z)))  # (20,)
        x = normalise(torch.tanh(self.l2(x)))  # (20,)
        return normalise(torch.tanh(self.l3(x)))  # (20,)


def flatten(net: nn.Module) -> Tensor:
    """Every trained number as one vector (P,), detached."""
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def split(net: nn.Module, vector: Tensor) -> dict[str, Tensor]:
    """A vector (P,) cut into tensors with the names and shapes of the network's parameters; views, not copies."""
    named = list(net.named_parameters())
    parts = vector.split([p.numel() for _, p in named])
    return {name: part.view(p.shape) for (name, p), part in zip(named, parts, strict=True)}


@torch.no_grad()
def assign(net: nn.Module, vector: Tensor) -> None:
    """Copy a vector (P,) into the network's parameters."""
    for p, part in zip(net.parameters(), split(net, vector).values(), strict=True):
        p.copy_(part)


class _Method(nn.Module):
    """One method of a network as a module of its own, for `torch.func.functional_call`."""

    def __init__(self, net: nn.Module, name: str) -> None:
        super().__init__()
        self.net, self.name = net, name

    def forward(self, x: Tensor) -> Tensor:
        return getattr(self.net, self.name)(x)


def with_weights(net: nn.Module, method: str, x: Tensor) -> Callable[[Tensor], Tensor]:
    """The function theta (P,) -> `net.method(x)` with theta as weights, computed in the dtype of theta.

    It leaves the network alone, can be differentiated, and works under `torch.vmap`.
    """
    # a copy, because functional_call swaps the weights in place for a moment: visitors may share the network
    module = _Method(copy.deepcopy(net), method)

    def function(theta: Tensor) -> Tensor:
        weights = {f"net.{name}": part for name, part in split(net, theta).items()}
        return torch.func.functional_call(module, weights, (x.to(theta.dtype),))

    return function


def copier(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """F: weights theta (P,) -> what the network prints with them (P,)."""
    return with_weights(net, "forward", net.probe)


def hidden_map(net: Quine) -> Callable[[Tensor], Tensor]:
    """Weights theta (P,) -> the activation in front of the head (n,)."""
    return with_weights(net, "hidden", net.probe)
