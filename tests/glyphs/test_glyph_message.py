"""Texts as signs with check bits, against a long division of polynomials; seeds, and what a visitor may type."""

from __future__ import annotations

import pytest
import torch

from cppn.faults import VisitorError
from cppn.glyphs import message
from cppn.glyphs.message import ALPHABET, LONG, SHORT, read_message, text_to_message, to_message


def remainder(bits: list[int], check: message.Cyclic) -> int:
    """The check by division of whole numbers: the bits, the first ones flipped, and zeros, modulo the divisor."""
    number = int("".join(map(str, bits)), 2) << check.width
    number ^= check.initial << len(bits)
    divisor = 1 << check.width | check.polynomial
    while number.bit_length() > check.width:
        number ^= divisor << (number.bit_length() - divisor.bit_length())
    return number


def bits_of(text: str, characters: int) -> list[int]:
    """Six bits a character, highest first, from the alphabet's own order."""
    return [int(bit) for character in text.ljust(characters) for bit in f"{ALPHABET.index(character):06b}"]


# The check values of "123456789" in the catalogue of parametrised CRC algorithms (Greg Cook)
@pytest.mark.parametrize(("check", "value"), [(message.SHORT_CHECK, 0xDA), (message.LONG_CHECK, 0x29B1)])
def test_the_checks_are_the_well_known_ones(check, value):
    bits = [int(bit) for byte in b"123456789" for bit in f"{byte:08b}"]
    assert int("".join(map(str, check.of(bits))), 2) == value == remainder(bits, check)


def test_the_alphabet_has_64_different_characters():
    assert len(set(ALPHABET)) == len(ALPHABET) == 64
    assert (LONG.signs, SHORT.signs) == (64, 32)


@pytest.mark.parametrize(("text", "size"), [("Hello!", 64), ("", 64), ("a b 9", 128), ("12345678", 1024), ("Ab 9", 32)])
def test_a_text_becomes_signs_and_comes_back(text, size):
    code = LONG if size >= 64 else SHORT
    sent = text_to_message(text, size)
    body = bits_of(text, code.characters)
    check = f"{remainder(body, code.check):0{code.check.width}b}"
    expected = [2 * int(bit) - 1 for bit in [*body, *check]]
    assert sent.tolist() == expected * (size // code.signs)
    read = read_message(sent)
    assert read.text == read.guess == text
    assert read.certainty == 1


def test_repeats_vote():
    """Noise that turns a third of the single signs does no harm to 32 repeats."""
    sent = text_to_message("Vote 32!", 2048)
    noisy = sent + 2.5 * torch.randn(2048, generator=torch.Generator().manual_seed(0))
    assert 0.2 < float((noisy.sign() != sent).float().mean()) < 0.5
    assert read_message(noisy).text == "Vote 32!"


@pytest.mark.parametrize("size", [32, 64])
def test_one_wrong_sign_is_always_noticed(size):
    sent = text_to_message("Oh", size)
    for place in range(size):
        wrong = sent.clone()
        wrong[place] *= -1
        assert read_message(wrong).text is None


def test_signs_all_alike_are_no_text():
    for size in (32, 64, 512):
        for value in (-1.0, 1.0):
            assert read_message(torch.full((size,), value)).text is None


@pytest.mark.parametrize(
    ("text", "size", "word"),
    [
        ("nine char", 64, "9 characters.*at most 8"),
        ("fiver", 32, "5 characters.*at most 4"),
        ("Zürich", 64, "'ü' is not in the alphabet: A to Z"),
        ("tab\t", 64, "not in the alphabet"),
        ("x" * 10**6, 64, "1000000 characters"),
        ("a", 16, "holds no text"),
    ],
)
def test_texts_that_do_not_fit_are_refused_in_words(text, size, word):
    with pytest.raises(VisitorError, match=word) as error:
        text_to_message(text, size)
    assert len(str(error.value)) < 200


def test_a_seed_gives_the_same_normal_numbers_again():
    once, again, other = (message.seed_to_message(seed, 20_000) for seed in (7, 7, 8))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert abs(float(once.mean())) < 0.03
    assert abs(float(once.std()) - 1) < 0.03
    assert abs(float((once * other).mean())) < 0.03


@pytest.mark.parametrize("seed", [-1, 2**31, 10**30])
def test_seeds_are_bounded(seed):
    with pytest.raises(VisitorError, match="seeds are whole numbers"):
        message.seed_to_message(seed, 8)


def test_a_number_is_a_seed_and_anything_else_a_text():
    assert torch.equal(to_message(" 42 ", 64), message.seed_to_message(42, 64))
    assert torch.equal(to_message('"42"', 64), text_to_message("42", 64))
    assert torch.equal(to_message("Hi", 64), text_to_message("Hi", 64))
    with pytest.raises(VisitorError, match="whole number"):
        to_message("  ", 64)
    with pytest.raises(VisitorError, match="not in the alphabet"):
        to_message("-1", 64)
    with pytest.raises(VisitorError, match="at most 8"):
        to_message("9" * 5000, 64)


def test_a_family_begins_with_its_own_message():
    first, *others = message.family("42", 64, 8)
    assert torch.equal(first, to_message("42", 64))
    assert len({tuple(other.tolist()) for other in others}) == 7
    assert torch.equal(message.family("42", 64, 4), message.family("42", 64, 8)[:4])
    assert not torch.equal(message.family("43", 64, 4)[1], others[0])


def test_spaces_round_a_text_and_quotes_mean_nothing():
    assert torch.equal(text_to_message("  Hi ", 64), text_to_message("Hi", 64))
    assert torch.equal(to_message("' Hi'", 64), text_to_message("Hi", 64))
    assert [message.text_of(word) for word in ("42", ' "42" ', "'42'", " 42 ")] == ["42"] * 4
