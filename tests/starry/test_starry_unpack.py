"""Programs as people bring them: hex dumps of any tool, and what Git and editors make of bytes."""

from __future__ import annotations

import pytest

from cppn.faults import VisitorError
from cppn.starry.program import read
from cppn.starry.unpack import INPUT_LIMIT, unpack
from cppn.starry.weights import open_program, published

DATA = published().data


def rows(width: int, form: str, letters: bool) -> str:
    """A dump in rows: `form` makes one of an offset, the bytes and the letters."""
    lines = []
    for start in range(0, len(DATA), width):
        row = DATA[start : start + width]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(form.format(start=start, row=row, pairs=row.hex(" ", 2), single=row.hex(" "), text=text * letters))
    return "\n".join(lines) + "\n"


TURNED = "".join(f"{DATA[i + 1]:02x}{DATA[i]:02x} " for i in range(0, len(DATA), 2))
DUMPS = {
    "xxd": rows(16, "{start:08x}: {pairs}  {text}", True),
    "xxd -g1 -u": rows(16, "{start:08X}: {single}  {text}", True),
    "xxd -c 32": rows(32, "{start:08x}: {pairs}  {text}", True),
    "hexdump -C": rows(16, "{start:08x}  {single}  |{text}|", True) + f"{len(DATA):08x}\n",
    "od -A x -t x1": rows(16, "{start:06x} {single}", False) + f"{len(DATA):06x}\n",
    "xxd -p": DATA.hex(),
    "xxd -i": ", ".join(f"0x{byte:02x}" for byte in DATA),
    "Python": "".join(f"\\x{byte:02x} " for byte in DATA),
}
LINES = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "one line": lambda text: text.replace("\n", " "),
}


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("tool", DUMPS)
def test_a_hex_dump_of_any_tool_is_read(tool: str, lines: str):
    data, done = unpack(LINES[lines](DUMPS[tool]).encode())
    assert data == DATA
    assert done == (f"This was a hex dump; its {len(DATA):,} bytes were read.",)


def test_pairs_of_bytes_that_were_turned_round_are_turned_back():
    data, done = unpack(TURNED.encode())
    assert data == DATA
    assert "pairs" in done[1]


HARMED = {
    "nothing": (DATA, ()),
    "Git on Windows": (DATA.replace(b"\n", b"\r\n"), ("Git",)),
    "a line feed at the end": (DATA + b"\n", ("at its end",)),
    "a byte order mark": (b"\xef\xbb\xbf" + DATA, ("byte order mark",)),
    "UTF-8": (DATA.decode("latin-1").encode(), ("UTF-8",)),
    "UTF-8 and a line feed": (DATA.decode("latin-1").encode() + b"\n", ("UTF-8", "at its end")),
}


@pytest.mark.parametrize(("data", "words"), HARMED.values(), ids=HARMED)
def test_what_tools_did_to_the_bytes_is_undone_and_said(data: bytes, words: tuple[str, ...]):
    found, done = unpack(data)
    assert found == DATA
    assert len(done) == len(words)
    for sentence, word in zip(done, words, strict=True):
        assert word in sentence


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (DATA.decode("ascii", "replace").encode(), "places"),
        (b'KjyC"' + DATA[4:], "later revision"),
        (bytes(INPUT_LIMIT + 1), "bytes"),
        (b" \n", "empty"),
        (DATA.hex()[:-1].encode(), "one is missing"),
        (DUMPS["xxd"].replace("00000020", "00000024").encode(), "row"),
        (b"<!DOCTYPE html><html></html>", "begin with KjC"),
    ],
)
def test_what_cannot_be_put_right_is_named(data: bytes, word: str):
    with pytest.raises(VisitorError, match=word):
        unpack(data)


def test_a_painter_says_what_was_done():
    painter = open_program(DUMPS["xxd"].encode())
    assert painter.program == read(DATA)
    assert painter.data == DATA
    assert "hex dump" in painter.done[0]
