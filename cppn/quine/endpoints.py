"""Everything that can be asked of the Quine wing; each is an endpoint, a command and a function at once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field

from cppn.endpoint import endpoint, named
from cppn.quine import maps, views
from cppn.quine.architectures import build
from cppn.quine.certify import prove
from cppn.quine.heal import heal
from cppn.quine.network import flatten
from cppn.quine.tamper import tamper
from cppn.quine.verify import verify
from cppn.quine.weights import SHIPPED, WEIGHT_LIMIT, QuineFile, open_quine, quine_of

LAST_INDEX = 2159  # of the largest network's weights
LARGEST_SEED = 2**53  # beyond, a JSON reader may take a whole number for its neighbour
SECONDS_A_COPY = 1.2e-3  # of one core for the slowest network, the LSTM

Name = named(SHIPPED, 'a quine\'s short name, such as "exact_mlp"')
Facts = Annotated[dict[str, Any], Field(description="what was found, in plain numbers and words")]


class Quines(NamedTuple):
    """Every quine that is shipped."""

    quines: Annotated[list[dict[str, Any]], Field(description="name, title, number of weights and network of each")]


class Verified(NamedTuple):
    """What a network prints, beside what it is."""

    report: Facts
    weights: Annotated[Path, Field(description="heat map of its weights, a PNG file")]
    output: Annotated[Path, Field(description="heat map of what it prints, on the same colour scale")]
    difference: Annotated[Path, Field(description="heat map of the difference, by powers of ten")]
    plain_difference: Annotated[Path, Field(description="heat map of the difference in the colours of the weights")]


class Tampered(NamedTuple):
    """A network with one weight changed."""

    report: Facts
    own: Annotated[Path, Field(description="heat map of what it prints against its own weights, by powers of ten")]
    original: Annotated[Path, Field(description="heat map of what it prints against the original's weights")]


class Healed(NamedTuple):
    """A network that was shaken and copied itself."""

    report: Facts
    curve: Annotated[
        dict[str, Any], Field(description="distance to the original after each copy, as a power of ten; -18 for 0")
    ]


@endpoint(command="list")
def list_quines() -> Quines:
    """List the quines that are shipped, with the names that the other endpoints take."""
    rows = []
    for quine in SHIPPED.values():
        with torch.device("meta"):  # counted without being made
            weights = sum(p.numel() for p in build(quine.config).parameters())
        rows.append({"name": quine.slug, "title": quine.title, "weights": weights, **asdict(quine.config)})
    return Quines(rows)


def _status(answer: Verified) -> int:
    return 0 if answer.report["is_quine"] else 1


@endpoint(command="check", arguments=("name",), status=_status)
def verify_quine(name: Name = "exact_mlp") -> Verified:
    """Run a shipped network on its probe and compare what it prints with its weights."""
    return _verified(quine_of(name))


@endpoint(command="verify", status=_status)
def verify_quine_file(
    weights: Annotated[Path, Field(description="safetensors file, of one of these architectures, of at most 256 KiB")],
) -> Verified:
    """Verify any weights file; as a command, exit status 0 is for a quine, 1 for none and 2 for an unusable file."""
    return _verified(open_quine(weights, adapt=True))


@endpoint(command="tamper", arguments=("name",))
def tamper_quine(
    name: Name = "exact_mlp",
    index: Annotated[
        int, Field(ge=0, le=LAST_INDEX, description="number of the weight; small networks have fewer")
    ] = 500,
    value: Annotated[float, Field(ge=-WEIGHT_LIMIT, le=WEIGHT_LIMIT, description="what the weight becomes")] = 0.0,
) -> Tampered:
    """Change one weight of a shipped network, in a copy, and verify that copy."""
    quine = quine_of(name)
    done = tamper(quine.net, quine.config, index, value)
    facts = views.tamper_facts(done) | views.origin(quine)
    return Tampered(facts, *maps.tamper_maps(quine.net, flatten(quine.net), done))


@endpoint(command="heal", arguments=("name",), cost=lambda steps, **_: SECONDS_A_COPY * steps)
def heal_quine(
    name: Name = "exact_mlp",
    noise: Annotated[float, Field(ge=0, le=10, description="in standard deviations of the weights")] = 0.1,
    seed: Annotated[
        int, Field(ge=-LARGEST_SEED, le=LARGEST_SEED, description="of the noise; the same seed gives the same noise")
    ] = 1,
    steps: Annotated[int, Field(ge=1, le=1000, description="copies")] = 200,
) -> Healed:
    """Add noise to every weight of a shipped network, in a copy, and let it copy itself again and again."""
    quine = quine_of(name)
    run = heal(quine.net, noise, seed, steps, SHIPPED[name].rate)
    return Healed(views.healing_facts(run) | views.origin(quine), views.healing_curve(run))


def _verified(quine: QuineFile) -> Verified:
    found = verify(quine)
    proof = prove(quine.net, quine.config, found.theta, found.report.verdict)
    facts = views.report_facts(found) | {"proof": views.proof_facts(proof)} | views.origin(quine)
    return Verified(facts, *maps.verification_maps(quine.net, found))


def flipped(name: str, index: int) -> float:
    """The opposite of a weight, to tamper with it; 0 where there is no such weight, which `tamper_quine` reports."""
    asked = tamper_quine.check(name, index)
    theta = flatten(quine_of(asked["name"]).net)
    return -float(theta[asked["index"]]) if asked["index"] < len(theta) else 0.0
