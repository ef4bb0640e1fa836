"""A program as people bring it: its bytes, a hex dump of them by any tool, or what Git and editors made of them.

What can be put right in one way only is put right, and said; what cannot is named. Nothing is executed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from cppn.faults import VisitorError
from cppn.starry.program import BYTE_LIMIT, read

INPUT_LIMIT = 16 * 1024  # bytes of a file or a pasted text; a dump of 1024 bytes has about 5 kB
_OFFSET = re.compile(r"(?:^|(?<=\s))([0-9a-fA-F]{6,16})(:|\s|$)")
_UNKNOWN = "\ufffd".encode()  # what a program writes for a byte that it could not understand


def unpack(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The program in a file or a text, and what had to be done to get at it, a sentence each.

    Raises:
        VisitorError: too much, or no program of this family; the message says what happened to it.
    """
    if len(data) > INPUT_LIMIT:
        raise VisitorError(
            f"this has {len(data):,} bytes; a program has at most {BYTE_LIMIT:,}, a hex dump of it 5,000"
        )
    if not data.strip():
        raise VisitorError("this is empty; bring a program of this family (.pyth), or a hex dump of one")
    dumped = _from_dump(data)
    told = () if dumped is None else (f"This was a hex dump; its {len(dumped):,} bytes were read.",)
    mended, done = _mended(data if dumped is None else dumped)
    return mended, told + done


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
            "places; what stood there is lost, so copy the file itself, or a hex dump of it"
        )
    if b"\r" in data and b"\n" not in data:
        raise VisitorError(f"{fault}; perhaps a program replaced its line feeds: copy the file itself, or a hex dump")
    raise VisitorError(fault)


def _fault(data: bytes) -> str | None:
    try:
        read(data)
    except VisitorError as error:
        return str(error)
    return None


def _without_utf8(data: bytes) -> bytes:
    """Undo a program that took each byte for a letter and saved the letters as UTF-8."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return data.decode("utf-8").encode(encoding)
        except UnicodeError:
            continue
    return data


def _turned(data: bytes) -> bytes:
    """Undo a dump that shows two bytes as one number of this kind of processor: the second stands first."""
    even = data + bytes(len(data) % 2)
    return bytes(byte for pair in zip(even[1::2], even[::2], strict=True) for byte in pair).rstrip(b"\0")


# In the order in which they are tried: each undoes what a tool did to the whole file.
_REPAIRS: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
    (
        lambda data: data.removeprefix(b"\xef\xbb\xbf"),
        "A byte order mark at its start, as editors write it, was left out.",
    ),
    (_turned, "Its bytes had been shown in pairs, the second before the first; that was undone."),
    (_without_utf8, "It had been saved as UTF-8, letter by letter; that was undone."),
    (
        lambda data: data.replace(b"\r\n", b"\n"),
        "Its line feeds had become carriage returns with line feeds, as Git does it on Windows; that was undone.",
    ),
    (lambda data: data.rstrip(b"\r\n"), "A line feed at its end, as editors add it, was left out."),
)


def _from_dump(data: bytes) -> bytes | None:
    """The bytes that a hex dump shows; None if this is none."""
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeError:
        return None
    if re.fullmatch(r"[0-9a-fA-F\s]+", text) and not re.match(r"0+\s", text):
        digits = "".join(text.split())
        if len(digits) % 2:
            raise VisitorError(f"this hex dump has {len(digits):,} digits; a byte has two, so one is missing")
        return bytes.fromhex(digits)
    if len(listed := re.findall(r"(?:0|\\)x([0-9a-fA-F]{2})\b", text)) > 16 and not text.startswith("KjC"):
        return bytes.fromhex("".join(listed))
    return _from_rows(text)


def _from_rows(text: str) -> bytes | None:
    """The bytes of a dump in rows of an offset, the bytes and, with some tools, the letters that they stand for.

    Line breaks do not count, since a page may have lost them: a row ends where the next offset, which is known, begins.
    """
    if not (first := _OFFSET.match(text)) or int(first[1], 16) != 0:
        return None
    data, place = bytearray(), first.end()
    while True:
        following = next((m for m in _OFFSET.finditer(text, place) if _goes_on(data, m)), None)
        row = text[place : following.start() if following else len(text)]
        count = int(following[1], 16) - len(data) if following else None
        data += _row_bytes(row, count)
        if following is None or len(data) > BYTE_LIMIT + 16:
            return bytes(data)
        if len(data) != int(following[1], 16):
            raise VisitorError(f"the row of this hex dump before {following[1]} does not show the bytes that it should")
        place = following.end()


def _goes_on(data: bytes, found: re.Match) -> bool:
    return len(data) < int(found[1], 16) <= len(data) + 32


def _row_bytes(row: str, count: int | None) -> bytes:
    """The first `count` bytes of a row; of the last row those before its letters."""
    digits = ""
    for match in re.finditer(r"\s*([0-9a-fA-F]{2,8})(?=\s|$)|\s*\S", row):
        if match[1] is None or (count is None and digits and re.match(r"\s{2,}", match[0]) and "|" not in row):
            break
        digits += match[1]
        if count is not None and len(digits) >= 2 * count:
            break
    whole = digits[: 2 * count] if count is not None else digits[: len(digits) // 2 * 2]
    return bytes.fromhex(whole if len(whole) % 2 == 0 else "")
