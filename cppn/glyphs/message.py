"""Messages: vectors that become glyphs. They are drawn from a seed, or they carry a short text with check bits.

A text becomes signs, -1 or 1. Each character is 6 bits; check bits follow, so that a reader can tell whether it read
what was sent. A message longer than the signs repeats them, and the repeats vote when it is read.
"""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.faults import VisitorError, quoted
from cppn.training import named_generator

ALPHABET = f" {string.ascii_uppercase}{string.ascii_lowercase}{string.digits}!"  # 64 signs; a text is filled with " "
BITS = 6  # a character
LAST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Cyclic:
    """A cyclic redundancy check in the plain form: highest bit first, nothing inverted.

    Attributes:
        width: check bits. polynomial: the divisor without its highest bit. initial: what the register starts from.
    """

    name: str
    width: int
    polynomial: int
    initial: int

    def of(self, bits: list[int]) -> list[int]:
        """The check bits of some bits, highest first."""
        register, top = self.initial, self.width - 1
        for bit in bits:
            carry = (register >> top) ^ bit
            register = (register << 1) & ((1 << self.width) - 1)
            if carry:
                register ^= self.polynomial
        return _bits(register, self.width)


# Both start from ones: from zeros, a picture that is read as -1 everywhere would pass as a text of eight spaces.
SHORT_CHECK = Cyclic("CRC-8/CDMA2000", 8, 0x9B, 0xFF)
LONG_CHECK = Cyclic("CRC-16/IBM-3740", 16, 0x1021, 0xFFFF)


@dataclass(frozen=True)
class Code:
    """How a text lies in a message.

    Attributes:
        characters: the most that fit. check: what follows them.
    """

    characters: int
    check: Cyclic

    @property
    def signs(self) -> int:
        """Signs of a text with its check."""
        return self.characters * BITS + self.check.width


SHORT, LONG = Code(4, SHORT_CHECK), Code(8, LONG_CHECK)


@dataclass(frozen=True)
class ReadText:
    """What was read from a glyph.

    Attributes:
        text: the text, or None where the check bits do not fit it: then it could not be read.
        guess: the likeliest text all the same.
        signs: -1 or 1, (S,).
        certainty: mean size of the summed values that the signs were taken from; about 1 for a glyph read well.
    """

    text: str | None
    guess: str
    signs: Tensor
    certainty: float


def code_of(size: int) -> Code:
    """The code for messages of so many numbers: 8 characters in 64 signs, or 4 in 32 where there is no room for more.

    Raises:
        VisitorError: no text fits.
    """
    for code in (LONG, SHORT):
        if size >= code.signs:
            return code
    raise VisitorError(f"a message of {size} numbers holds no text; at least {SHORT.signs} are needed")


def check_text(text: str, code: Code = LONG) -> str:
    """The text without the spaces at its ends: those behind it could not be told from filling, and nobody sees either.

    Raises:
        VisitorError: it is too long for the code, or has a character outside the alphabet.
    """
    unknown = next((character for character in text if character not in ALPHABET), None)
    if unknown is not None:
        raise VisitorError(f"{quoted(unknown)} is not in the alphabet: A to Z, a to z, 0 to 9, space and !")
    text = text.strip(" ")
    if len(text) > code.characters:
        raise VisitorError(
            f"{quoted(text, 24)} has {len(text)} characters; this model's glyphs hold at most {code.characters}"
        )
    return text


def text_to_signs(text: str, code: Code) -> Tensor:
    """A text and its check bits as signs, (S,) of -1 or 1.

    Raises:
        VisitorError: as `check_text`.
    """
    filled = check_text(text, code).ljust(code.characters)
    bits = [bit for character in filled for bit in _bits(ALPHABET.index(character), BITS)]
    return 2.0 * torch.tensor(bits + code.check.of(bits), dtype=torch.float32) - 1


def text_to_message(text: str, size: int) -> Tensor:
    """A text as a message, (size,) of -1 or 1: its signs, repeated until the message is full.

    Raises:
        VisitorError: the text does not fit, or none fits messages of this size.
    """
    signs = text_to_signs(text, code_of(size))
    return signs.repeat(-(-size // len(signs)))[:size]


def read_message(message: Tensor) -> ReadText:
    """What text a message that was read from a glyph holds; the repeats of each sign are averaged. Shape (size,)."""
    code = code_of(len(message))
    places = torch.arange(len(message)) % code.signs
    total = torch.zeros(code.signs).index_add_(0, places, message.float())
    mean = total / torch.bincount(places)  # (S,)
    bits = (mean > 0).int().tolist()
    body, check = bits[: -code.check.width], bits[-code.check.width :]
    letters = [int("".join(map(str, body[at : at + BITS])), 2) for at in range(0, len(body), BITS)]
    guess = "".join(ALPHABET[letter] for letter in letters).strip(" ")
    text = guess if check == code.check.of(body) else None
    return ReadText(text, guess, 2.0 * torch.tensor(bits, dtype=torch.float32) - 1, float(mean.abs().mean()))


def seed_to_message(seed: int, size: int) -> Tensor:
    """A message of independent standard normal numbers, (size,); the same seed gives the same message.

    Raises:
        VisitorError: not a seed from 0 to 2^31 - 1.
    """
    if not 0 <= seed <= LAST_SEED:
        raise VisitorError(f"seeds are whole numbers from 0 to {LAST_SEED:,}, not {str(seed)[:24]}")
    return torch.randn(size, generator=named_generator("glyph message", seed))


def text_of(word: str) -> str:
    """The text that a visitor means: without the spaces round it, and without quotes, if it stands in any."""
    word = word.strip()
    quoted_word = len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'"
    return word[1:-1].strip() if quoted_word else word


def parse(word: str) -> int | str:
    """What a visitor means: a whole number is a seed, anything else a text; quotes turn a number into a text.

    Raises:
        VisitorError: nothing there.
    """
    word = word.strip()
    if not word:
        raise VisitorError("type a whole number as a seed, or a short text")
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 20 else text_of(word)


def to_message(word: str, size: int) -> Tensor:
    """The message of a seed or a short text as a visitor typed it, (size,).

    Raises:
        VisitorError: as `parse`, `seed_to_message` and `text_to_message`.
    """
    meant = parse(word)
    return seed_to_message(meant, size) if isinstance(meant, int) else text_to_message(meant, size)


def family(word: str, size: int, count: int) -> Tensor:
    """A visitor's message and others drawn after it, (count, size): what fills a grid."""
    first = to_message(word, size)[None]
    digest = hashlib.sha256(word.strip().encode()).digest()
    others = named_generator("glyph family", int.from_bytes(digest[:6], "big"))
    return torch.cat([first, torch.randn(count - 1, size, generator=others)])


def _bits(number: int, width: int) -> list[int]:
    """Binary digits, highest first."""
    return [number >> place & 1 for place in reversed(range(width))]
