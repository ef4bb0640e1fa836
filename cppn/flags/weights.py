"""The teams' gifts, from wherever weights come from; each is read once."""

from __future__ import annotations

import functools
from dataclasses import astuple
from pathlib import Path

from cppn import hub
from cppn.flags.decode import Gift, open_gift
from cppn.flags.teams import TEAMS, Team


@functools.lru_cache(maxsize=64)
def _gift_at(path: Path, source: str, note: str) -> Gift:
    return open_gift(path, source, note)


def gifts() -> dict[str, Gift]:
    """Every team's gift by its short name, fetched side by side.

    Raises:
        hub.WeightsError: a file is nowhere to be had.
    """
    found = hub.library().find_all([f"flags/{slug}.safetensors" for slug in TEAMS])
    return {slug: _gift_at(*astuple(weights)) for slug, weights in zip(TEAMS, found.values(), strict=True)}


def gift_of(team: Team) -> Gift:
    """A team's gift.

    Raises:
        hub.WeightsError: no usable file.
    """
    return _gift_at(*astuple(hub.library().find(f"flags/{team.slug}.safetensors")))
