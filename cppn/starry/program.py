"""The programs of this wing, read and written: a network's integer weights inside at most 1024 bytes of Pyth.

A program is a string and a decoder. The string, its escapes undone, is a number written in base 256; the same number
in base `levels` has one digit a weight, the first weight in the least significant digit. The decoder, 60-odd bytes of
Pyth, evaluates the network at every pixel. Nothing of a program is ever executed here: the decoder is compared with the
three that are known, the string is turned into weights, and every other program is refused.

Source of the format: Anders Kaseorg's answer to "Paint Starry Night, objectively, in 1kB of code" (2017), which is
`sigmoid` with 111 levels. `sine` is the same program with another neuron, and with `bend` it takes the tangent of its
whole numbers: small weights, of which there are many, then have fine levels, and the few large ones coarse levels.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from cppn.faults import VisitorError

BYTE_LIMIT = 1024  # the contest's
NEURON_RANGE = range(3, 97)  # three of them are the colour; 96 neurons of 2 levels are more than 1024 bytes hold
SIDE_LIMIT = 4096  # pixels that a program may ask to be painted, each way
_HEAD = b'KjC"'
ACTIVATIONS = ("sigmoid", "sine")
_DECODERS = {  # by neuron, and whether the weights are bent
    ("sigmoid", False): b'"%d.wmm+JKsM>3.WJaZc256h^8cs*L-%d.)JZ%d[%dkd)%d %d',
    ("sine", False): b'"%d.wmm+JKsM>3.WJaZ*128h.tcs*L-%d.)JZ%d 0[%dkd)%d %d',
    ("sine", True): b'"%d.wmm+JKsM>3.WJaZ*128h.tcs*L.tc-%d.)J%d 2Z%d 0[%dkd)%d %d',
}
_PATTERNS = {kind: re.compile(re.escape(text).replace(b"%d", rb"([1-9]\d{0,5})")) for kind, text in _DECODERS.items()}
_STEEPEST = 1.5  # radians; the tangent has its pole at pi / 2
_SIMPLE_ESCAPES = {**dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True)), **{c: c for c in b"\"\\'"}}
_OCTAL = b"01234567"
_AFTER_BACKSLASH = b"\"\\'\n\r\0abfnrtvxuUN" + _OCTAL  # bytes before which a backslash must itself be escaped


@dataclass(frozen=True)
class Program:
    """A network of this family as integers.

    Attributes:
        weights: neuron by neuron, for each the constant's, x's, y's, then those of all earlier neurons; whole numbers
            in [lowest, highest], which stand for `factors`. The sum s of a neuron's inputs times these gives
            256 sigmoid(s ln 8 / scale) or 128 (1 + sin(s / scale)).
        levels: how many values a weight can take. scale: what the sums are divided by.
        constant: the first input of every neuron, before x and y.
        activation: "sigmoid" or "sine".
        width, height: pixels that the program paints.
        bend: if not 0, a weight n stands for tan(n / bend); only sine neurons have that.
    """

    weights: tuple[int, ...]
    levels: int = 111
    scale: int = 3364
    constant: int = 256
    activation: str = "sigmoid"
    width: int = 386
    height: int = 320
    bend: int = 0

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise VisitorError(f"unknown neuron {self.activation!r}; known are {', '.join(ACTIVATIONS)}")
        if not 2 <= self.levels <= 65536:
            raise VisitorError(f"{self.levels} levels; a weight has between 2 and 65,536")
        if not 1 <= self.scale <= 999_999:
            raise VisitorError(f"scale {self.scale}; it lies between 1 and 999,999")
        if not 1 <= self.constant <= 999_999:
            raise VisitorError(f"constant {self.constant}; it lies between 1 and 999,999")
        if not (1 <= self.width <= SIDE_LIMIT and 1 <= self.height <= SIDE_LIMIT):
            raise VisitorError(f"{self.width} x {self.height} pixels; each side has between 1 and {SIDE_LIMIT:,}")
        if (self.activation, self.bend > 0) not in _DECODERS:
            raise VisitorError(f"no program of {self.activation} neurons takes the tangent of its weights")
        if self.bend and self.levels / 2 > _STEEPEST * self.bend:
            raise VisitorError(f"{self.levels} levels bent by {self.bend} reach the tangent's pole")
        count_neurons(len(self.weights))
        if not all(self.lowest <= w <= self.highest for w in self.weights):
            raise VisitorError(f"a weight lies outside {self.lowest} .. {self.highest}")

    @property
    def factors(self) -> tuple[float, ...]:
        """What a neuron's inputs are multiplied by, computed as Pyth does it."""
        return tuple(math.tan(n / self.bend) for n in self.weights) if self.bend else self.weights

    @property
    def neurons(self) -> int:
        """Neurons, the three of the colour among them."""
        return count_neurons(len(self.weights))

    @property
    def middle(self) -> int:
        """The digit of the weight 0, as it stands in the decoder."""
        return self.levels // 2

    @property
    def lowest(self) -> int:
        """The least weight."""
        return weight_range(self.levels, self.activation)[0]

    @property
    def highest(self) -> int:
        """The greatest weight."""
        return weight_range(self.levels, self.activation)[1]


@dataclass(frozen=True)
class Part:
    """A stretch of a program's bytes, [start, end), that does one thing; `name` is one of `PARTS`."""

    name: str
    start: int
    end: int


PARTS = ("open", "string", "levels", "picture", "neuron", "inputs", "size")


def weight_range(levels: int, activation: str) -> tuple[int, int]:
    """The least and the greatest weight. The decoder multiplies by middle - digit; a sigmoid's sum changes its sign."""
    below, above = levels // 2, levels - 1 - levels // 2
    return (-below, above) if activation == "sigmoid" else (-above, below)


def count_weights(neurons: int) -> int:
    """Weights of a cascade: neuron n, counted from 0, has 3 + n."""
    return neurons * (neurons + 5) // 2


def count_neurons(weights: int) -> int:
    """Neurons of a cascade with that many weights.

    Raises:
        VisitorError: no whole number of neurons has that many.
    """
    neurons = (math.isqrt(25 + 8 * weights) - 5) // 2
    if count_weights(neurons) != weights or neurons not in NEURON_RANGE:
        raise VisitorError(
            f"{weights} weights are not those of a cascade, which has 12, 18, 25, … {count_weights(NEURON_RANGE[-1])}"
        )
    return neurons


def read(data: bytes) -> Program:
    """The network inside a program.

    Raises:
        VisitorError: not a program of this family; the message says what is wrong with it.
    """
    if len(data) > BYTE_LIMIT:
        raise VisitorError(f"the file has {len(data):,} bytes; a program of this family has at most {BYTE_LIMIT:,}")
    end = _end_of_string(data)
    activation, bend, numbers = _parse_decoder(data[end:])
    levels, middle, scale, constant, width, height = numbers
    if levels < 2 or middle != levels // 2:
        raise VisitorError(f"the decoder subtracts from {middle}; with {levels} levels it should be {levels // 2}")
    number = int.from_bytes(_unescape(data[len(_HEAD) : end]), "big")
    digits = []
    while number:
        number, digit = divmod(number, levels)
        digits.append(digit)
    sign = 1 if activation == "sigmoid" else -1
    return Program(
        tuple(sign * (digit - middle) for digit in digits), levels, scale, constant, activation, width, height, bend
    )


def write(program: Program) -> bytes:
    """The program of a network, its escapes as few as Pyth allows. It may be longer than the contest's limit.

    Raises:
        ValueError: the last weight has digit 0, which a number does not show at its front.
    """
    sign = 1 if program.activation == "sigmoid" else -1
    digits = [sign * weight + program.middle for weight in program.weights]
    if digits[-1] == 0:
        raise ValueError("the last weight has the digit 0, which would be lost at the front of the number")
    number = 0
    for digit in reversed(digits):
        number = number * program.levels + digit
    body = _escape(number.to_bytes((number.bit_length() + 7) // 8, "big"))
    bend = (program.bend,) if program.bend else ()
    numbers = (program.levels, program.middle, *bend, program.scale, program.constant, program.width, program.height)
    return _HEAD + body + _DECODERS[program.activation, bool(bend)] % numbers


def parts(data: bytes) -> list[Part]:
    """Which bytes of a program do what, in order and without gaps; the names are those of `PARTS`.

    open: assigns the digits of a number to K. string: the number in base 256, escaped. levels: the base of the digits.
    picture: for each row and column, a pixel from the last three values. neuron: while weights are left, another value.
    inputs: the constant, x and y. size: columns and rows.

    Raises:
        VisitorError: as `read`.
    """
    read(data)
    end = _end_of_string(data)
    levels = re.compile(rb'"\d+').match(data, end).end()
    marks = [
        0,
        len(_HEAD),
        end,
        levels,
        data.index(b".WJaZ", levels),
        data.rindex(b"["),
        data.rindex(b")") + 1,
        len(data),
    ]
    return [Part(name, start, stop) for name, start, stop in zip(PARTS, marks[:-1], marks[1:], strict=True)]


def count_escapes(data: bytes) -> int:
    """Bytes of a program's string that are there only because another byte cannot stand for itself."""
    end = _end_of_string(data)
    body = data[len(_HEAD) : end]
    return len(body) - len(_unescape(body))


def _end_of_string(data: bytes) -> int:
    if not data.startswith(_HEAD):
        raise VisitorError(f"not a program of this family: it should begin with {_HEAD.decode()}")
    position = len(_HEAD)
    while position < len(data) and data[position] != ord('"'):
        position += 2 if data[position] == ord("\\") else 1
    if position >= len(data):
        raise VisitorError("the program is cut off: its string has no end")
    return position


def _parse_decoder(text: bytes) -> tuple[str, int, list[int]]:
    """Neuron, bend, and the other numbers: levels, middle, scale, constant, width, height."""
    for (activation, bent), pattern in _PATTERNS.items():
        if match := pattern.fullmatch(text):
            numbers = [int(number) for number in match.groups()]
            return activation, numbers.pop(2) if bent else 0, numbers
    raise VisitorError("the string is followed by another decoder than those of this family, or by one that is cut off")


def _escape(data: bytes) -> bytes:
    """Bytes as Pyth's string literal, which Python's own literal stands behind: only what would be misread is escaped.

    A raw carriage return would be read as a line feed; a raw NUL becomes an octal escape and would swallow a digit.
    """
    text = bytearray()
    for position, byte in enumerate(data):
        after = data[position + 1 : position + 2] or b'"'  # the quotation mark that ends the string
        if byte == ord('"') or (byte == ord("\\") and after in _AFTER_BACKSLASH):
            text += b"\\" + bytes([byte])
        elif byte == ord("\r"):
            text += b"\\r"
        elif byte == 0 and after in _OCTAL:
            text += b"\\x00"
        else:
            text.append(byte)
    return bytes(text)


def _unescape(text: bytes) -> bytes:
    """What Pyth makes of a string literal; the opposite of `_escape`, and of every other way to escape a byte."""
    data = bytearray()
    position = 0
    while position < len(text):
        value, length = _read_escape(text, position)
        if value is not None:
            data.append(value)
        position += length
    return bytes(data)


def _read_escape(text: bytes, position: int) -> tuple[int | None, int]:
    """The byte (None for a joined line) that the text at a position stands for, and how long that text is."""
    byte, after = text[position], text[position + 1 : position + 2]
    if byte == ord("\r"):
        raise VisitorError("bad string: a raw carriage return, which Pyth reads as a line feed")
    if byte == 0 and after and after in _OCTAL:
        raise VisitorError("bad string: a zero byte before a digit, which Pyth reads as one octal number")
    if byte != ord("\\"):
        return byte, 1
    if after == b"\n":
        return None, 2
    if after and after[0] in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[after[0]], 2
    if match := re.compile(rb"\\([0-7]{1,3})|\\x([0-9a-fA-F]{2})").match(text, position):
        value = int(match[1], 8) if match[1] else int(match[2], 16)
        if value < 256:
            return value, len(match[0])
    if after in (b"\0", b"\r") or after in b"xuUN01234567":
        raise VisitorError(f"bad escape in the string at byte {position + len(_HEAD)}: \\ before {after!r}")
    return byte, 1
