"""The quines that are shipped: what they are, and the choices that their recipes start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cppn import hub
from cppn.checkpoint import Checkpoint
from cppn.quine.network import Quine, QuineConfig
from cppn.quine.query import QueryQuine
from cppn.quine.verify import load


@dataclass(frozen=True)
class Shipped:
    """One quine. `slug` is its name in file names, links and endpoint calls.

    Attributes:
        title: the name as shown.
        config: as in its file.
        tried: how many environments (or, for "query", starts) were searched; the best of them is shipped.
        rate: the damping at which it heals best; 1 copies it whole.
        start: number of the random start that its solver begins with, where there is one.
    """

    slug: str
    title: str
    config: QuineConfig
    tried: int = 1
    rate: float = 1.0
    start: int = 0

    @property
    def file(self) -> str:
        """Its name in the weights folder."""
        return f"quine/{self.slug}.safetensors"


def environment_name(architecture: str, number: int) -> str:
    """The published string of environment `number`; searches go through them in order, from 0."""
    return f"quine/{architecture}/{number}"


def _exact(architecture: str, title: str, number: int) -> Shipped:
    config = QuineConfig(architecture, "sign", environment_name(architecture, number))
    return Shipped(f"exact_{architecture}", title, config, tried=24)


SHIPPED = {
    quine.slug: quine
    for quine in (
        _exact("mlp", "Exact perceptron", 10),
        _exact("cnn", "Exact convolutional network", 19),
        _exact("rnn", "Exact recurrent network", 6),
        _exact("lstm", "Exact LSTM", 19),
        _exact("transformer", "Exact transformer block", 9),
        Shipped(
            "newton",
            "The seed's network, solved by Newton's method",
            QuineConfig("mlp", "identity", environment_name("mlp", 59), "float64"),
            tried=60,
            rate=0.4,  # of the four that contract fastest it heals from the most noise
            start=41,
        ),
        Shipped(
            "seed_rmsprop", "The seed's network, trained as the seed trains it", QuineConfig(dtype="float64"), rate=0.1
        ),
        Shipped(
            "query",
            "One query a weight, every weight trained",
            QuineConfig("query", "identity", environment_name("query", 0), "float64", width=16),
            tried=40,
            rate=0.1,  # it repels at every rate: noise grows until the weights explode
            start=21,
        ),
        Shipped(
            "auxiliary",
            "Prints its weights and reads digits, neither perfectly",
            QuineConfig("auxiliary", "identity", environment_name("auxiliary", 0), "float64", width=16),
            rate=0.1,
        ),
    )
}


def find_shipped(slug: str) -> Shipped:
    """The quine of that name, whatever its case.

    Raises:
        KeyError: no such quine; the message lists the names.
    """
    if quine := SHIPPED.get(slug.strip().casefold()):
        return quine
    raise KeyError(f"no quine {slug[:60]!r}; known: {', '.join(SHIPPED)}")


def open_shipped(slug: str, folder: Path | None = None) -> Checkpoint[Quine | QueryQuine, QuineConfig]:
    """Load a shipped quine from the library of weights, or from a folder laid out like it.

    Raises:
        KeyError: no such quine. cppn.hub.WeightsError: no usable file.
    """
    file = find_shipped(slug).file
    return load(folder / file if folder else hub.library().find(file).path)
