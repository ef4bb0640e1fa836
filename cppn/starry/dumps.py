"""A hex dump by any tool, read back: the bytes that it may mean, of which `unpack` finds those of a program.

So are a string and a list of numbers as programs write them, and base64, as it stands in our links.

Tools differ in the base of their offsets, in how many bytes they show as one number and in which order, and in whether
the letters stand beside them. Line breaks do not count, since a page may have lost them: a row ends where the next
offset, which is known, begins.
"""

from __future__ import annotations

import ast
import base64
import re
from dataclasses import dataclass

from cppn.faults import VisitorError
from cppn.starry.program import BYTE_LIMIT

BASES = (16, 10, 8)  # of offsets; the first that every row has enough bytes for is the right one
WIDEST = 32  # bytes a row; most tools show 16
_FEWEST = 16  # bytes written as \x4b or 0x4b that are a list of them and no accident
_START = re.compile(r"(?:^|(?<=\s))0{4,16}(?=[:\s])")
_AROUND = re.compile(r"^[ \t]*```.*$|^\$ .*$", re.MULTILINE)  # on a page: a fence, the command that was typed
_STRING = re.compile(r"""b?('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")  # of Python, JavaScript or JSON
_NUMBERS = re.compile(r"(?<![\w.])75(?:[,;\s]+\d{1,3}){16,}(?![\w.])")  # 75 is K, with which programs begin
_BASE64 = re.compile(r"(?:\S*(?:#p=|base64,))?(S2p[\w+/\s-]+)=*")  # which begins with Kj; alone, in a link, or said
_WORD = re.compile(r"\s*(?:([0-9a-fA-F]+)(?=\s|$)|\S+)")


@dataclass(frozen=True)
class Reading:
    """What a text may mean.

    Attributes:
        data: the bytes. turned: how many of them were shown as one number, the last first; 1 if they were not.
        form: what the text is.
    """

    data: bytes
    turned: int = 1
    form: str = "a hex dump"


class _Unlike(Exception):  # noqa: N818 - another kind of dump is no fault
    """A row does not show as many bytes as the offset after it, which this holds, says."""


def readings(text: str) -> list[Reading]:
    """The readings of a text that shows bytes; none if it does not.

    Raises:
        VisitorError: a dump with a digit too few, or whose rows do not show what their offsets say.
    """
    text = _AROUND.sub("", text).strip()
    if text.startswith("KjC"):
        return []
    if spelt := _spelt(text):
        return [spelt]
    text = re.sub(r"(\s\s)\s+", r"\1", text)  # in a dump two blanks tell as much as thousands, which would take long
    if len(listed := re.findall(r"(?:0x(?=[0-9a-fA-F]{1,2}\b)|\\x)([0-9a-fA-F]{1,2})", text)) > _FEWEST:
        return [Reading(bytes(int(digits, 16) for digits in listed))]
    if re.fullmatch(r"(?:0x)?[0-9a-fA-F\s:-]+", text) and not _START.match(text):
        return _plain(re.split(r"[\s:-]+", text.removeprefix("0x").strip("\t\n\r :-")))
    return _table(text)


def _spelt(text: str) -> Reading | None:
    """Bytes as they stand in a program's source or in a link."""
    try:
        if _STRING.fullmatch(text):
            string = ast.literal_eval(text)
            return Reading(string if isinstance(string, bytes) else string.encode("latin-1"), form="a string")
        if found := _NUMBERS.search(text):
            return Reading(bytes(map(int, re.findall(r"\d+", found[0]))), form="a list of numbers")
        if found := _BASE64.fullmatch(text):
            digits = re.sub(r"\s", "", found[1]).replace("-", "+").replace("_", "/")
            return Reading(base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True), form="base64")
    except (ValueError, SyntaxError):  # no byte is above 255, no letter above 255 is one, no base64 ends anywhere
        pass
    return None


def _plain(groups: list[str]) -> list[Reading]:
    """Digits and nothing else."""
    count = sum(map(len, groups))
    if count % 2:
        raise VisitorError(f"this hex dump has {count:,} digits; a byte has two, so one is missing")
    size = len(groups[0]) // 2 if len(groups) > 1 and not any(len(group) % 2 for group in groups) else 0
    return _both_ways(groups, size)


def _both_ways(groups: list[str], size: int) -> list[Reading]:
    """Groups of digits as they stand and, if each is a number of `size` bytes, with its last byte first."""
    ways = [Reading(bytes.fromhex("".join(groups)))]
    if size in (2, 4, 8):  # the last number may be filled up with zeros, in which no program ends
        ways.append(Reading(_turned(groups).rstrip(b"\0"), size))
    return ways


def _turned(groups: list[str]) -> bytes:
    return b"".join(bytes.fromhex(group)[::-1] for group in groups)


def _table(text: str) -> list[Reading]:
    """Rows of an offset, the bytes and, with some tools, the letters that they stand for."""
    start, fault = _START.search(text), None
    for base in BASES if start else ():
        try:
            return _rows(text, start, base)
        except _Unlike as unlike:
            fault = fault or unlike
    if fault is None:
        return []
    raise VisitorError(
        f"the row of this hex dump before {fault} does not show the bytes that it should; "
        "one that is made with xxd or with hexdump -C can be read"
    )


def _rows(text: str, start: re.Match, base: int) -> list[Reading]:
    """The readings if offsets are numbers of this base; none if there is only one."""
    mark = ":" if text[start.end()] == ":" else ""
    after = mark or r"(?=\s|$)"
    offsets = re.compile(rf"(?<!\S)[0-9a-fA-F]{{{len(start[0])}}}{after}")
    shown, length, place, lettered, sure = [], 0, start.end() + len(mark), False, True

    def next_offset() -> re.Match | None:
        found = offsets.finditer(text, place)
        return next((match for match in found if 0 < _number(match[0], base) - length <= WIDEST), None)

    following = next_offset()
    if following is None:
        return []
    while following and length <= BYTE_LIMIT + WIDEST:
        offset, count = following[0].rstrip(":"), _number(following[0], base) - length
        groups, rest = _groups(text[place : following.start()], count)
        length, place, lettered = length + count, following.end(), lettered or bool(rest.strip())
        excess = sum(map(len, groups)) // 2 - count
        following = next_offset()
        more = base != 16 and (word := _WORD.match(rest)) and word[1]
        # the last number of all may hold more bytes than are left
        if excess < 0 or (excess > 0 and following) or more:
            raise _Unlike(offset)
        shown += groups
    if following is None:
        groups, sure = _last_groups(text[place:], lettered)
        shown += groups
    return _both_ways(shown, len(shown[0]) // 2 if sure else 0)


def _number(written: str, base: int) -> int:
    """An offset; -1 if it is none of that base."""
    try:
        return int(written.rstrip(":"), base)
    except ValueError:
        return -1


def _groups(row: str, count: int) -> tuple[list[str], str]:
    """The groups of digits that show the first `count` bytes of a row, or as many as there are; and what follows."""
    groups, place, wanted = [], 0, 2 * count
    for word in _WORD.finditer(row):
        if wanted <= 0 or word[1] is None or len(word[1]) % 2:
            break
        groups.append(word[1])
        place, wanted = word.end(), wanted - len(word[1])
    return groups, row[place:]


def _last_groups(row: str, lettered: bool) -> tuple[list[str], bool]:
    """The groups of digits in the last row, which no offset ends: those before its letters, if there are letters.

    The letters are what the bytes before them stand for. Where something was done to them they still stand apart; but
    so may a number of fewer bytes than the others, so then it is not sure.
    """
    groups, rest = _groups(row, WIDEST)
    if not lettered:
        return groups, True
    for count in range(len(groups), 0, -1):
        beside = "".join([*groups[count:], *rest.split()]).lstrip("|>")
        for data in (bytes.fromhex("".join(groups[:count])), _turned(groups[:count])):
            letters = "".join(chr(byte) if 32 < byte < 127 else "." * (byte != 32) for byte in data).lstrip("|>")
            if letters and beside.startswith(letters):
                return groups[:count], True
    return _groups(re.split(r"\s\s", row.strip())[0], WIDEST)[0], False
