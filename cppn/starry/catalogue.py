"""The two shipped programs: their names, and their networks from wherever weights come from."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from cppn import hub
from cppn.starry.program import BYTE_LIMIT, Program, read, write

PROGRAMS = {"published": "The published network", "ours": "Our network"}
PUBLISHED = hub.BUNDLED / "starry" / "published.json"


@dataclass(frozen=True)
class Painter:
    """A program with where it came from.

    Attributes:
        name: short name. program: its network. data: its bytes.
        source: where it came from, in words. note: why not from where it should have; empty if it did.
    """

    name: str
    program: Program
    data: bytes
    source: str
    note: str = ""


def open_program(path: Path, name: str = "program", source: str = "local file", note: str = "") -> Painter:
    """Read a stranger's program; nothing of it is executed.

    Raises:
        ValueError: too large, or no program of this family; the message says why.
    """
    size = path.stat().st_size
    if size > BYTE_LIMIT:  # before a byte of it is read
        raise ValueError(f"the file has {size:,} bytes; a program of this family has at most {BYTE_LIMIT:,}")
    data = path.read_bytes()
    return Painter(name, read(data), data, source, note)


@functools.cache
def published() -> Painter:
    """The published network, whose integers are shipped; its bytes are what our writer makes of them."""
    values = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    program = Program(**{**values, "weights": tuple(values["weights"])})
    return Painter("published", program, write(program), "bundled with this app")


_open_once = functools.lru_cache(maxsize=4)(open_program)


def painter_of(name: str) -> Painter:
    """A shipped program, read once.

    Raises:
        KeyError: no program of that name. hub.WeightsError: no usable file.
    """
    if name not in PROGRAMS:
        raise KeyError(f"there is no program {name!r}; choose one of: {', '.join(PROGRAMS)}")
    if name == "published":
        return published()
    weights = hub.library().find("starry/ours.pyth")
    return _open_once(weights.path, name, weights.source, weights.note)
