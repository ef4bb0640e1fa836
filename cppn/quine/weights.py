"""The quines' weights: those that are shipped, each opened once, and the files that visitors bring.

A file of ours names its network in its metadata. One without that metadata, as PyTorch users save it, is recognised by
its tensors: it is the seed's own class if it brings a table, and otherwise a network of ours saved again, whose table
has to be one of those that are published here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cppn import checkpoint, hub, matching
from cppn.checkpoint import CheckpointError
from cppn.faults import VisitorError, quoted
from cppn.quine.architectures import build
from cppn.quine.network import DTYPES, Mlp, Quine, QuineConfig, copier, flatten
from cppn.quine.query import QueryQuine

FILE_LIMIT = 256 * 1024  # bytes; the largest file, the seed's network with its own table in float64, has 172 kB
WEIGHT_LIMIT = 1e6  # a larger weight is not a network's; squares of sums of such numbers stay finite
SEEDS_OWN = ("proj", "input_probe")  # tensors that only the seed's class has
RECOGNISED = 0.1  # share of the weights' variance that the errors may have in the environment that a file is taken for


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


@dataclass(frozen=True)
class QuineFile:
    """A network that came from a file. It is shared between visitors: nothing may change its weights.

    Attributes:
        size: of the file in bytes. path: where it lies, if it is a file of ours.
        source: where it came from. note: what the reader ought to know about that; empty if nothing.
    """

    net: Quine | QueryQuine
    config: QuineConfig
    size: int
    path: Path
    source: str
    note: str = ""


def find_shipped(slug: str) -> Shipped:
    """The quine of that name, whatever its case.

    Raises:
        VisitorError: no such quine; the message lists the names.
    """
    if quine := SHIPPED.get(slug.strip().casefold()):
        return quine
    raise VisitorError(f"no quine {quoted(slug)}; known: {', '.join(SHIPPED)}")


def quine_of(slug: str) -> QuineFile:
    """A shipped quine.

    Raises:
        VisitorError: no such quine, or (hub.WeightsError) no usable file.
    """
    found = hub.library().find(find_shipped(slug).file)
    return _quine_at(found.path, found.source, found.note)


@functools.lru_cache(maxsize=32)
def _quine_at(path: Path, source: str, note: str) -> QuineFile:
    return replace(open_quine(path), path=path, source=source, note=note)


def open_quine(source: Path | bytes, adapt: bool = False) -> QuineFile:
    """Read a quine from a file that nobody vouches for.

    Args:
        source: the file, or its bytes.
        adapt: also take what other tools have written: names with something in front, half precision, no config of
            ours. The `note` of what is returned says what was done about it.

    Raises:
        CheckpointError: no network that is known here, not finite, or with numbers beyond a million.
    """
    if not adapt:
        return _load(source)
    recognised: list[QuineConfig] = []

    def recognise(header: Mapping[str, object]) -> QuineConfig:
        recognised.extend(_recognised(header))
        return recognised[0]

    first = _load(source, recognise)
    if not recognised or first.config.environment is None:
        return first
    others = [_load(source, lambda _, config=config: config) for config in recognised[1:]]
    return _in_a_published_environment([first, *others])


def _load(source: Path | bytes, recognise: Callable[[Mapping[str, object]], QuineConfig] | None = None) -> QuineFile:
    """Read a file as the network that its own config describes; without one, as the one that it is recognised as."""
    probe = None  # its shape where the seed's class was saved without the batch axis

    def fallback(header: Mapping[str, object]) -> QuineConfig:
        nonlocal probe
        flat = any(_last(name) == "input_probe" and _shape(entry) == list(Mlp.PROBE) for name, entry in header.items())
        probe = Mlp.PROBE if flat else None
        return recognise(header)

    def build_like(config: QuineConfig) -> Quine | QueryQuine:
        net = build(config)
        if probe and config.environment is None:
            net.register_buffer("input_probe", torch.empty(probe, dtype=DTYPES[config.dtype]))
        return net

    how = {"adapt": True, "fallback": fallback} if recognise else {}
    loaded = checkpoint.load(source, build_like, QuineConfig, FILE_LIMIT, **how)
    for name, tensor in loaded.net.state_dict().items():
        if float(tensor.abs().max()) > WEIGHT_LIMIT:
            raise CheckpointError(f"tensor {name} holds values beyond {WEIGHT_LIMIT:,.0f}, which no network needs")
    return QuineFile(loaded.net, loaded.config, loaded.size, Path(), "brought by you", "; ".join(loaded.done))


def _recognised(header: Mapping[str, object]) -> list[QuineConfig]:
    """What a file without a config of ours may be, by its tensors; if it fits nothing, what it resembles most."""
    dtype = "float64" if any(isinstance(e, dict) and e.get("dtype") == "F64" for e in header.values()) else "float32"
    if any(_last(name) in SEEDS_OWN for name in header):
        return [QuineConfig(dtype=dtype)]
    fitting, resemblance = [], {QuineConfig(dtype=dtype): 0}
    for quine in SHIPPED.values():
        config = replace(quine.config, dtype=dtype)
        with torch.device("meta"):
            expected = build(config).state_dict()
        try:
            matching.adapted(header, expected)
        except matching.Mismatch:
            resemblance[config] = len({_last(name, 2) for name in header} & set(expected))
        else:
            fitting.append(config)
    return fitting or [max(resemblance, key=resemblance.get)]


@torch.no_grad()
def _in_a_published_environment(candidates: list[QuineFile]) -> QuineFile:
    """The candidate that prints itself best.

    Raises:
        CheckpointError: none does nearly.
    """

    def error(file: QuineFile) -> float:
        theta = flatten(file.net)
        wrong = float((copier(file.net)(theta) - theta).double().square().sum())
        spread = float((theta - theta.mean()).double().square().sum())
        return wrong / spread if spread else float("inf") if wrong else 0.0

    best = min(candidates, key=error)
    if error(best) > RECOGNISED:
        raise CheckpointError(
            "the file does not say from which string its table is drawn: expected a config in its metadata, or weights "
            "that print themselves with a table published here, found neither"
        )
    told = f"the file does not name its environment; its weights print themselves best in {best.config.environment}"
    return replace(best, note="; ".join(filter(None, (told, best.note))))


def _last(name: str, parts: int = 1) -> str:
    """The end of a tensor's name, behind whatever it was wrapped in."""
    return ".".join(name.split(".")[-parts:])


def _shape(entry: object) -> object:
    return entry.get("shape") if isinstance(entry, dict) else None
