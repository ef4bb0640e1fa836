"""Whose fault it is, and whether anybody still waits: what every module may raise or ask, and no more than that."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar


class VisitorError(ValueError):
    """A fault that the person who asked can mend: the message is a sentence that says what was wrong and what to do.

    Every other exception is a fault of ours; it is logged, and the visitor is told that it was us.
    """


class Abandoned(Exception):  # noqa: N818 - nobody is at fault
    """Nobody waits for the answer any more."""


_wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


def expect_work_while(wanted: Callable[[], bool]) -> None:
    """From here on, in this context, work goes on only while `wanted()` holds."""
    _wanted.set(wanted)


def still_wanted() -> None:
    """Called between the pieces of long work.

    Raises:
        Abandoned: whoever asked has gone.
    """
    if not _wanted.get()():
        raise Abandoned


def quoted(text: object, length: int = 60) -> str:
    """What a stranger wrote, in quotes: cut, and without characters that do not print or cannot be encoded."""
    written = str(text)
    return repr(written if len(written) <= length else f"{written[: length - 3]}...")
