"""The Quine wing's endpoints as plain functions: what the tab, the API and a notebook call.

Faults that a caller can cause are raised as `ValueError` or `KeyError` with a message for that person.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import torch

from cppn import hub
from cppn.quine import exhibit
from cppn.quine.architectures import build
from cppn.quine.catalogue import SHIPPED, find_shipped, open_shipped
from cppn.quine.heal import heal
from cppn.quine.network import flatten
from cppn.quine.tamper import tamper
from cppn.quine.verify import examine, load


def list_quines() -> list[dict[str, str | int | None]]:
    """List the quines that are shipped, with the names that the other endpoints take."""
    rows = []
    for quine in SHIPPED.values():
        with torch.device("meta"):  # counted without being made
            weights = sum(p.numel() for p in build(quine.config).parameters())
        rows.append({"name": quine.slug, "title": quine.title, "weights": weights, **asdict(quine.config)})
    return rows


def verify_quine(name: str) -> tuple[dict, str, str, str, str]:
    """Run a shipped network on its probe and compare what it prints with its weights.

    Args:
        name: a quine's short name, such as "exact_mlp".

    Returns:
        The report; then heat maps (PNG) of the weights, of the output, of the difference by powers of ten, and of the
        difference on the colour scale of the weights.
    """
    return _verified(hub.library().find(find_shipped(name).file).path)


def verify_quine_file(weights: str) -> tuple[dict, str, str, str, str]:
    """Verify any weights file of one of these architectures.

    Args:
        weights: a safetensors file of at most 256 KiB.

    Returns:
        As for the endpoint that verifies a shipped network.
    """
    if not weights:
        raise ValueError("choose a .safetensors file first")
    return _verified(Path(weights))


def tamper_quine(name: str, index: int = 500, value: float = 0.0) -> tuple[dict, str, str]:
    """Change one weight of a shipped network, in a copy, and verify that copy.

    Args:
        name: a quine's short name, such as "exact_mlp".
        index: number of the weight, from 0.
        value: what it becomes, between -1,000,000 and 1,000,000.

    Returns:
        The report; then heat maps (PNG) of what it prints against its own weights, and against the original.
    """
    loaded = open_shipped(name)
    done = tamper(loaded.net, loaded.config, _whole(index, "index"), _number(value, "value"))
    pictures = exhibit.tamper_maps(loaded.net, flatten(loaded.net), done)
    return exhibit.tamper_facts(done), *map(str, pictures)


def weight_of(name: str, index: int) -> float:
    """The value of one weight of a shipped network; 0 where there is no such weight, which `tamper_quine` reports."""
    theta, number = flatten(open_shipped(name).net), _whole(index, "index")
    return float(theta[number]) if 0 <= number < len(theta) else 0.0


def heal_quine(name: str, noise: float = 0.1, seed: int = 1, steps: int = 200) -> tuple[dict, dict]:
    """Add noise to every weight of a shipped network, in a copy, and let it copy itself again and again.

    Args:
        name: a quine's short name, such as "exact_mlp".
        noise: in standard deviations of the weights, 0 to 10.
        seed: of the noise; the same seed gives the same noise.
        steps: copies, 1 to 1,000.

    Returns:
        The report, and the curve of the distance to the original as a power of ten, with -18 for exactly 0.
    """
    net, rate = open_shipped(name).net, find_shipped(name).rate
    run = heal(net, _number(noise, "noise"), _whole(seed, "seed"), _whole(steps, "steps"), rate)
    return exhibit.healing_facts(run), exhibit.healing_curve(run)


def _verified(path: Path) -> tuple[dict, str, str, str, str]:
    loaded = load(path)
    found = examine(loaded.net, loaded.config, flatten(loaded.net), loaded.size)
    return asdict(found.report), *map(str, exhibit.verification_maps(loaded.net, found))


def _number(value: float | None, name: str) -> float:
    if value is None or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number")
    return float(value)


def _whole(value: float | None, name: str) -> int:
    number = _number(value, name)
    if number != int(number):
        raise ValueError(f"{name} must be a whole number, not {number:g}")
    return int(number)
