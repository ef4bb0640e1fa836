"""The two shipped programs: their names, and their networks from wherever weights come from."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from cppn import hub
from cppn.faults import VisitorError
from cppn.starry.program import Program, read, write
from cppn.starry.unpack import INPUT_LIMIT, unpack

PROGRAMS = {"published": "The published network", "ours": "Our network"}
PUBLISHED = hub.BUNDLED / "starry" / "published.json"


@dataclass(frozen=True)
class Painter:
    """A program with where it came from.

    Attributes:
        name: short name. program: its network. data: its bytes.
        source: where it came from, in words. note: why not from where it should have; empty if it did.
        done: what had to be done to its file to get at it, a sentence each.
    """

    name: str
    program: Program
    data: bytes
    source: str
    note: str = ""
    done: tuple[str, ...] = ()


def open_program(source: Path | bytes, name: str = "program", origin: str = "uploaded", note: str = "") -> Painter:
    """Read a stranger's program, or a hex dump of one; nothing of it is executed.

    Raises:
        VisitorError: too large, or no program of this family; the message says why.
    """
    if isinstance(source, Path) and source.stat().st_size > INPUT_LIMIT:  # before a byte of it is read
        raise VisitorError(f"the file has {source.stat().st_size:,} bytes; a program, or a dump of one, has far fewer")
    data, done = unpack(source.read_bytes() if isinstance(source, Path) else source)
    return Painter(name, read(data), data, origin, note, done)


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
    if name == "published":
        return published()
    found = hub.library().find(f"starry/{name}.pyth")
    return _open_once(found.path, name, found.source, found.note)
