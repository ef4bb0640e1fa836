"""Programs as people bring them: hex dumps of any tool, and what Git and editors make of bytes."""

from __future__ import annotations

import base64
import gzip
import json
import time
from dataclasses import replace

import pytest

from cppn.faults import VisitorError
from cppn.starry.dumps import readings
from cppn.starry.program import read, write
from cppn.starry.unpack import INPUT_LIMIT, unpack
from cppn.starry.weights import open_program, published

DATA = published().data


def rows(width: int, form: str, letters: bool) -> str:
    """A dump in rows: `form` makes one of an offset, the bytes and the letters."""
    lines = []
    for start in range(0, len(DATA), width):
        row = DATA[start : start + width]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(
            form.format(
                start=start,
                row=row,
                pairs=row.hex(" ", 2),
                single=row.hex(" "),
                text=text * letters,
                octal=" ".join(f"{b:03o}" for b in row),
            )
        )
    return "\n".join(lines) + "\n"


TURNED = "".join(f"{DATA[i + 1]:02x}{DATA[i]:02x} " for i in range(0, len(DATA), 2))
DUMPS = {
    "xxd": rows(16, "{start:08x}: {pairs}  {text}", True),
    "xxd -g1 -u": rows(16, "{start:08X}: {single}  {text}", True),
    "xxd -c 32": rows(32, "{start:08x}: {pairs}  {text}", True),
    "certutil": rows(16, "    {start:04x}\t{single}   {text}", True),
    "Format-Hex": "   Label: a.pyth\n\n          00 01 02 03\n\n" + rows(16, "{start:016X} {single}  {text}", True),
    "od -t x1": rows(16, "{start:07o} {single}", False) + f"{len(DATA):07o}\n",
    "od -A d -t x1": rows(16, "{start:07d} {single}", False) + f"{len(DATA):07d}\n",
    "in a fence": "```\n$ xxd a.pyth\n" + rows(16, "{start:08x}: {pairs}  {text}", True) + "```\n",
    "with colons": DATA.hex(":"),
    "with dashes, as .NET writes it": DATA.hex("-").upper(),
    "a list by Python's hex": str([hex(byte) for byte in DATA]),
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
# a fence and what was typed are known by their lines
WAYS = [(tool, lines) for tool in DUMPS for lines in LINES if (tool, lines) != ("in a fence", "one line")]


@pytest.mark.parametrize(("tool", "lines"), WAYS)
def test_a_hex_dump_of_any_tool_is_read(tool: str, lines: str):
    data, done = unpack(LINES[lines](DUMPS[tool]).encode())
    assert data == DATA
    assert done == (f"This was a hex dump; its {len(DATA):,} bytes were read.",)


SPELT = {
    "a string of Python": (repr(DATA), "a string"),
    "a string of JSON": (json.dumps("".join(map(chr, DATA))), "a string"),
    "a list of Python": (str(list(DATA)), "a list of numbers"),
    "a buffer of Node": (json.dumps({"type": "Buffer", "data": list(DATA)}), "a list of numbers"),
    "an array of C#": (f"new byte[] {{ {', '.join(map(str, DATA))} }};", "a list of numbers"),
    "decimal": (" ".join(map(str, DATA)), "a list of numbers"),
    "base64": (base64.encodebytes(DATA).decode(), "base64"),
    "a data URI": ("data:application/octet-stream;base64," + base64.b64encode(DATA).decode(), "base64"),
    "our link": ("https://a.test/?tab=starry#p=" + base64.urlsafe_b64encode(DATA).decode().rstrip("="), "base64"),
}


@pytest.mark.parametrize(("text", "form"), SPELT.values(), ids=SPELT)
def test_bytes_that_are_spelt_out_are_read(text: str, form: str):
    assert unpack(text.encode()) == (DATA, (f"This was {form}; its {len(DATA):,} bytes were read.",))


def test_blanks_in_a_string_are_bytes():
    assert readings(f"  {b'KjC    =     '!r}\n")[0].data == b"KjC    =     "


@pytest.mark.parametrize("text", ["75" + ", 300" * 20, "S2pD" + "A" * 1001, r'"KjC\u4e00"', r"'\xKj'"])
def test_what_is_spelt_out_badly_is_refused(text: str):
    with pytest.raises(VisitorError):
        unpack(text.encode())


def test_a_dump_that_a_shell_of_windows_saved_is_read():
    assert unpack(DUMPS["xxd"].encode("utf-16"))[0] == DATA


@pytest.mark.parametrize("size", [2, 4, 8])
@pytest.mark.parametrize("spare", range(1, 9))
def test_numbers_of_several_bytes_are_turned_to_the_last_byte(size: int, spare: int):
    """As `od -x` fills up the last number with zeros, and as `xxd -e` shortens it and shows letters beside it."""
    data = write(
        replace(published().program, width=int("3" * spare) if spare < 4 else 333, height=22 * 10 ** (spare % 3))
    )
    filled = data + bytes(-len(data) % size)
    groups = [filled[i : i + size][::-1].hex() for i in range(0, len(filled), size)]
    a_row = 16 // size
    found = "".join(
        f"{16 * n:07o} {' '.join(groups[a_row * n : a_row * (n + 1)])}\n" for n in range(-(-len(data) // 16))
    )
    assert unpack(found.encode())[0] == data
    lettered = ""
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        numbers = " ".join(f"{row[i : i + size][::-1].hex():>{2 * size}}" for i in range(0, len(row), size))
        lettered += f"{start:08x}: {numbers}   {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}\n"
    read_back, done = unpack(lettered.encode())
    assert read_back == data
    assert len(done) == 2


def test_letters_that_look_like_bytes_are_left_out():
    """A page may have lost the gap before them."""
    for width in (22, 33, 222, 333, 2222, 3333, 4000):
        data = write(replace(published().program, width=width, height=width))
        for start in range(16):  # where in its row the size stands
            moved = data[:4] + b"\\a" * start + data[4:]  # no program of this family, but the dump is read before
            rows_of = [moved[i : i + 16] for i in range(0, len(moved), 16)]
            texts = ["".join(chr(b) if 32 <= b < 127 else "." for b in row) for row in rows_of]
            lines = [
                f"{16 * n:08x} {row.hex(' ')} {text}" for n, (row, text) in enumerate(zip(rows_of, texts, strict=True))
            ]
            assert readings("\n".join(lines))[0].data == moved


def test_pairs_of_bytes_that_were_turned_round_are_turned_back():
    data, done = unpack(TURNED.encode())
    assert data == DATA
    assert "pairs" in done[1]


# as Windows reads bytes: five of those that Windows-1252 lacks stay what they are
WINDOWS = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in DATA)
HARMED = {
    "nothing": (DATA, ()),
    "Git on Windows": (DATA.replace(b"\n", b"\r\n"), ("Git",)),
    "a line feed at the end": (DATA + b"\n", ("at its end",)),
    "a byte order mark": (b"\xef\xbb\xbf" + DATA, ("byte order mark",)),
    "UTF-8": (DATA.decode("latin-1").encode(), ("UTF-8",)),
    "UTF-8 of Windows-1252": (WINDOWS.encode(), ("UTF-8",)),
    "UTF-8 as Notepad writes it": (b"\xef\xbb\xbf" + WINDOWS.encode(), ("byte order mark", "UTF-8")),
    "UTF-16": (DATA.decode("latin-1").encode("utf-16"), ("UTF-16",)),
    "an old Mac": (DATA.replace(b"\n", b"\r"), ("carriage returns",)),
    "blanks before it": (b"\n  " + DATA, ("before its start",)),
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
        (DATA.decode("latin-1").encode("ascii", "replace"), "question marks over 477 of them"),
        (DATA.replace(b"\0", b""), "changed its bytes"),
        (rows(16, "{start:08x}: {octal}", False).encode(), "xxd"),
        (b'KjyC"' + DATA[4:], "later revision"),
        (bytes(INPUT_LIMIT + 1), "bytes"),
        (b" \n", "empty"),
        (DATA.hex()[:-1].encode(), "one is missing"),
        (DUMPS["xxd"].replace("00000020", "00000024").encode(), "row"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (gzip.compress(DATA), "packed with gzip"),
        (b"print('hello')", "begin with KjC"),
    ],
)
def test_what_cannot_be_put_right_is_named(data: bytes, word: str):
    with pytest.raises(VisitorError, match=word):
        unpack(data)


@pytest.mark.parametrize(
    "text",
    [
        "00000000: " + " " * 15_900 + "00000010: ",
        "00000000:" + "\n" * 15_900 + "00000001: 4b",
        "0000 " * 3_200,
        "00000000: " + "a" * 15_900,
        "0000 4b 0001 " + "4b 0000 " * 2_000,
        "75," * 5_000 + "," * 900,
        "#p=S2pD" * 2_200,
        "'\\" * 7_900,
        "base64," + " S2p" * 3_900 + "!",
    ],
    ids=["blanks", "lines", "offsets", "digits", "rows", "commas", "links", "quotes", "base64"],
)
def test_nothing_that_is_pasted_takes_long(text: str):
    began = time.process_time()
    with pytest.raises(VisitorError):
        unpack(text.encode())
    assert time.process_time() - began < 0.5


def test_a_painter_says_what_was_done():
    painter = open_program(DUMPS["xxd"].encode())
    assert painter.program == read(DATA)
    assert painter.data == DATA
    assert "hex dump" in painter.done[0]
