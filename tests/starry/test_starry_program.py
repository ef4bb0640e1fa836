"""Programs: written and read back, the published bytes, and what is refused."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from cppn import hub
from cppn.starry.program import (
    PARTS,
    Program,
    count_escapes,
    count_neurons,
    count_weights,
    parts,
    read,
    weight_range,
    write,
)

PUBLISHED_SHA256 = "cd9ff516168d56a220d6bcef822bf6328be619d501849359752e7c2fc70e4d15"  # of the answer's 1020 bytes
SIZE = b"[256kd)386 320"


def drawn(seed: int, neurons: int = 4, levels: int = 111, activation: str = "sigmoid", bend: int = 0) -> Program:
    low, high = weight_range(levels, activation)
    weights = np.random.default_rng(seed).integers(low, high + 1, count_weights(neurons)).tolist()
    weights[-1] = 0 if weights[-1] in (low, high) else weights[-1]  # a digit 0 at the front would be lost
    return Program(tuple(weights), levels, activation=activation, bend=bend)


def program_of(string: bytes, decoder: bytes = b'"111.wmm+JKsM>3.WJaZc256h^8cs*L-55.)JZ3364' + SIZE) -> bytes:
    return b'KjC"' + string + decoder


def test_the_published_network_is_written_as_it_was_published():
    values = json.loads((hub.BUNDLED / "starry" / "published.json").read_text(encoding="utf-8"))
    program = Program(**{**values, "weights": tuple(values["weights"])})
    data = write(program)
    assert len(data) == 1020
    assert hashlib.sha256(data).hexdigest() == PUBLISHED_SHA256
    assert read(data) == program
    assert write(read(data)) == data
    assert count_escapes(data) == 4


@pytest.mark.parametrize(("activation", "bend"), [("sigmoid", 0), ("sine", 0), ("sine", 101)])
@pytest.mark.parametrize("levels", [2, 3, 64, 111, 256, 300])
def test_reading_gives_what_was_written(activation: str, bend: int, levels: int):
    for seed in range(40):
        program = drawn(seed, 3 + seed % 4, levels, activation, bend)
        assert read(write(program)) == program


@pytest.mark.parametrize("activation", ["sigmoid", "sine"])
def test_every_awkward_pair_of_bytes_survives(activation: str):
    awkward = b"\\\"\r\n\x00017xuUNabfnrtv'.;\xfa"
    for a in awkward:
        for b in awkward:
            for c in b'\\"\r\n\x007x':
                number = int.from_bytes(bytes([65, a, b, c, a, c, b, 200, a, b, c]), "big")
                digits = []
                while number:
                    number, digit = divmod(number, 111)
                    digits.append(digit)
                digits += [1] * (18 - len(digits))  # four neurons
                sign = 1 if activation == "sigmoid" else -1
                program = Program(tuple(sign * (d - 55) for d in digits), activation=activation)
                assert read(write(program)) == program


@pytest.mark.parametrize(
    ("string", "value"),
    [
        (rb"\"", b'"'),
        (rb"\\", b"\\"),
        (rb"\r", b"\r"),
        (rb"\n", b"\n"),
        (b"\n", b"\n"),
        (rb"\x41", b"A"),
        (rb"\101", b"A"),
        (rb"\0", b"\0"),
        (b"\0A", b"\0A"),
        (rb"\B", rb"\B"),
        (b"\\\xfa", b"\\\xfa"),
        (b"A\\\nB", b"AB"),
    ],
)
def test_strings_mean_what_python_makes_of_them(string: bytes, value: bytes):
    decoder = b'"256.wmm+JKsM>3.WJaZc256h^8cs*L-128.)JZ3364' + SIZE  # a digit is a byte, three neurons have twelve
    program = read(program_of(b"A" * (12 - len(value)) + string, decoder))
    assert bytes(weight + 128 for weight in reversed(program.weights)) == b"A" * (12 - len(value)) + value


def test_parts_cover_the_program_without_gaps():
    for activation, bend in (("sigmoid", 0), ("sine", 0), ("sine", 40)):
        data = write(drawn(1, activation=activation, bend=bend))
        found = parts(data)
        assert [part.name for part in found] == list(PARTS)
        assert [part.start for part in found] == [0, *(part.end for part in found[:-1])]
        assert found[-1].end == len(data)
        texts = {part.name: data[part.start : part.end] for part in found}
        assert texts["open"] == b'KjC"'
        assert texts["levels"] == b'"111'
        assert texts["picture"] == b".wmm+JKsM>3"
        assert texts["neuron"].startswith(b".WJaZ")
        assert texts["inputs"] == b"[256kd)"
        assert texts["size"] == b"386 320"


GOOD = write(drawn(0))
BENT = write(drawn(0, activation="sine", bend=80))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "should begin with"),
        (b"print('hello')", "should begin with"),
        (b"\x80\x04pickle", "should begin with"),
        (b"K" * 10_000_000, "at most 1,024"),
        (GOOD + b" " * 1024, "at most 1,024"),
        (GOOD[:-8], "cut off"),
        (GOOD[:10], "no end"),
        (GOOD[:12] + b"\\", "no end"),
        (GOOD + b'.w"http://example.org"', "another decoder"),
        (GOOD.replace(b"sM>3", b"sM>4"), "another decoder"),
        (GOOD.replace(b".wmm", b"$import os$.wmm"), "another decoder"),
        (GOOD.replace(b'"111.', b'"112.'), "subtracts from 55"),
        (GOOD.replace(b'"111.', b'"9999999.'), "another decoder"),
        (GOOD.replace(b'"111.', b'"1.').replace(b"-55", b"-1"), "subtracts"),
        (BENT.replace(b"J80 2", b"J20 2"), "pole"),
        (BENT.replace(b"J80 2", b"J80 1"), "another decoder"),
        (GOOD.replace(b"386 320", b"386 99999"), "pixels"),
        (GOOD.replace(b"386 320", b"0 320"), "another decoder"),
        (program_of(b""), "weights"),
        (program_of(b"A"), "weights"),
        (program_of(b"A" * 12), "weights"),
        (program_of(b"A\rB"), "carriage return"),
        (program_of(b"A\x007"), "octal"),
        (program_of(rb"A\xzz"), "bad escape"),
        (program_of(rb"A\u0041"), "bad escape"),
        (program_of(rb"A\N{DIGIT ONE}"), "bad escape"),
        (program_of(rb"A\777"), "bad escape"),
        (program_of(b"A\\\0B"), "bad escape"),
    ],
)
def test_hostile_programs_are_refused_in_words(data: bytes, words: str):
    with pytest.raises(ValueError, match=words):
        read(data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": (56,) * 12}, "outside"),
        ({"weights": (0,) * 13}, "weights"),
        ({"weights": (0,) * 3}, "weights"),
        ({"levels": 1}, "levels"),
        ({"scale": 0}, "scale"),
        ({"constant": 0}, "constant"),
        ({"activation": "tanh"}, "unknown neuron"),
        ({"bend": 60}, "no program of sigmoid neurons"),
        ({"activation": "sine", "bend": 36}, "pole"),
        ({"width": 5000}, "pixels"),
        ({"height": 0}, "pixels"),
    ],
)
def test_programs_keep_to_their_ranges(changes: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        Program(**{"weights": (0,) * 12, **changes})


def test_bent_weights_are_tangents():
    weights = (0, 1, -1, 30, -30, 44, -44, 5, 6, 7, 8, 9)
    program = Program(weights, 89, activation="sine", bend=35)
    np.testing.assert_allclose(program.factors, np.tan(np.array(weights) / 35), rtol=1e-14)
    assert Program(weights, 89, activation="sine").factors == weights


def test_a_lost_leading_digit_is_an_error():
    with pytest.raises(ValueError, match="digit 0"):
        write(Program((0,) * 11 + (-55,)))


def test_counts():
    assert [count_weights(n) for n in (3, 4, 45)] == [12, 18, 1125]
    assert count_neurons(1125) == 45
    assert weight_range(111, "sigmoid") == weight_range(111, "sine") == (-55, 55)
    assert weight_range(110, "sigmoid") == (-55, 54)
    assert weight_range(110, "sine") == (-54, 55)
