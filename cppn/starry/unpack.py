"""A program as people bring it: its bytes, a text that shows them, or what Git and editors made of them.

What can be put right in one way only is put right, and said; what cannot is named. Nothing is executed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from cppn.faults import VisitorError
from cppn.foreign import in_its_place
from cppn.starry.dumps import Reading, readings
from cppn.starry.program import BYTE_LIMIT, read

INPUT_LIMIT = 16 * 1024  # bytes of a file or a pasted text; a dump of 1024 bytes has about 5 kB
_COPY = "bring a copy of the file itself, or a hex dump of it"
_FEW = 64  # bytes of a number that may happen to have none above 127
# letters that Windows sees in bytes which are none in Latin-1; five of those mean nothing to it either
_WINDOWS = {ord(letter): byte for byte in range(128, 160) if (letter := bytes([byte]).decode("cp1252", "ignore"))}
_UTF16 = b"\xff\xfe", b"\xfe\xff"
_UNKNOWN = "\ufffd".encode()  # what a program writes for a byte that it could not understand


def unpack(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The program in a file or a text, and what had to be done to get at it, a sentence each.

    Raises:
        VisitorError: too much, or no program of this family; the message says what happened to it.
    """
    if instead := in_its_place(data):
        raise VisitorError(f"this is {instead}")
    if len(data) > INPUT_LIMIT:
        raise VisitorError(
            f"this has {len(data):,} bytes; a program has at most {BYTE_LIMIT:,}, a hex dump of it 5,000"
        )
    if not data.strip():
        raise VisitorError("this is empty; bring a program of this family (.pyth), or a hex dump of one")
    found = readings(text) if (text := _text(data)) else []
    fault = None
    for reading in found or [Reading(data)]:
        try:
            mended, done = _mended(reading.data)
        except VisitorError as error:
            fault = fault or error
        else:
            return mended, (_told(reading) if found else ()) + done
    raise fault


def _text(data: bytes) -> str:
    """Bytes as a text, such as a hex dump is; empty if they are none."""
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeError:
        return ""


def _told(reading: Reading) -> tuple[str, ...]:
    """How a text was read."""
    told = f"This was {reading.form}; its {len(reading.data):,} bytes were read."
    if reading.turned == 1:
        return (told,)
    many = "in pairs, the second before the first" if reading.turned == 2 else f"{reading.turned} at a time, last first"
    return told, f"Its bytes had been shown {many}; that was undone."


def _mended(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The same bytes if they are a program, else after as few repairs as make one of them."""
    fault = _fault(data)
    if fault is None:
        return data, ()
    for count in range(1, len(_REPAIRS) + 1):
        for repairs in itertools.combinations(_REPAIRS, count):
            mended, done = data, []
            for repair, words in repairs:
                changed = repair(mended)
                done += [words] * (changed != mended)
                mended = changed
            if len(done) == count and _fault(mended) is None:
                return mended, tuple(done)
    if data.startswith(b'KjyC"'):
        raise VisitorError(
            "this has the form of the author's later revision, which begins with KjyC; only the form of the published "
            "answer, which begins with KjC, can be read here"
        )
    if _UNKNOWN in data:
        raise VisitorError(
            f"a program that took these bytes for text wrote the sign for unknown letters in {data.count(_UNKNOWN)} "
            f"places; what stood there is lost, so {_COPY}"
        )
    if data.startswith(b'KjC"') and _COPY not in fault:
        raise VisitorError(f"{fault}; perhaps something on its way changed its bytes, so {_COPY}")
    raise VisitorError(fault)


def _fault(data: bytes) -> str | None:
    """What keeps these bytes from being a program that somebody meant; None if nothing does."""
    try:
        read(data)
    except VisitorError as error:
        return str(error)
    number = data[: data.rindex(b'"')]
    if max(number) < 128 and 4 * number.count(b"?") > len(number) > _FEW:
        return (
            f"a program that took these bytes for text wrote question marks over {number.count(b'?')} of them; "
            f"what stood there is lost, so {_COPY}"
        )
    return None


def _without_utf8(data: bytes) -> bytes:
    """Undo a program that took each byte for a letter and saved the letters as UTF-8."""
    try:
        return _letters_back(data.decode("utf-8"))
    except UnicodeError:
        return data


def _without_utf16(data: bytes) -> bytes:
    """The same for UTF-16 with its mark at the start."""
    try:
        return _letters_back(data.decode("utf-16")) if data.startswith(_UTF16) else data
    except UnicodeError:
        return data


def _letters_back(text: str) -> bytes:
    """The bytes that a program took for these letters, of Latin-1 or of Windows-1252.

    Raises:
        UnicodeError: letters of neither.
    """
    return text.translate(_WINDOWS).encode("latin-1")


# In the order in which they are tried: each undoes what a tool did to the whole file.
_REPAIRS: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
    (
        lambda data: data.removeprefix(b"\xef\xbb\xbf"),
        "A byte order mark at its start, as editors write it, was left out.",
    ),
    (_without_utf16, "It had been saved as UTF-16, two bytes for each letter; that was undone."),
    (_without_utf8, "It had been saved as UTF-8, letter by letter; that was undone."),
    (
        lambda data: data.replace(b"\r\n", b"\n"),
        "Its line feeds had become carriage returns with line feeds, as Git does it on Windows; that was undone.",
    ),
    (
        lambda data: data if b"\n" in data else data.replace(b"\r", b"\n"),
        "Its line feeds had become carriage returns; that was undone.",
    ),
    (lambda data: data.rstrip(b"\r\n"), "A line feed at its end, as editors add it, was left out."),
    (lambda data: data.lstrip(b" \t\r\n"), "Blanks before its start were left out."),
)
