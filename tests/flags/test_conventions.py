"""A network that was fed or read in another way shows its picture when it is asked in that way, and only then."""

from __future__ import annotations

import copy
from dataclasses import astuple, replace

import pytest
import torch

from cppn.coordinates import ASPECTS, ORDERS, SPANS, Y_AXES
from cppn.flags.conventions import HOUSE, VALUES, Convention, guesses, meaning_of
from cppn.flags.decode import answers, decode, fold, settled
from cppn.flags.network import MysteryNet
from cppn.flags.teams import TEAMS
from cppn.flags.weights import gift_of, gifts

SIZE = WIDTH, HEIGHT = 160, 80
OPEN = Convention(values="as they look")


@pytest.fixture(scope="module")
def flag() -> MysteryNet:
    """Malaysia's: no symmetry, and colours that differ in every channel."""
    return gift_of(TEAMS["malaysia"]).checkpoint.net


def rewritten(net: MysteryNet, how: Convention, size: tuple[int, int] = SIZE) -> MysteryNet:
    """The same picture in the weights of an author with another convention.

    The house's coordinates are an affine map of the author's, x = scale * theirs + offset, and so are the colours
    (logits apart, whose sigmoid stays outside of the network); both go into the outermost layers.
    """
    net = copy.deepcopy(net)
    width, height = size
    scale, offset = torch.ones(2), torch.zeros(2)
    if how.span == "0..1":
        scale, offset = torch.full((2,), 2.0), torch.full((2,), -1.0)
    if how.span == "pixels":
        scale, offset = 2 / torch.tensor([width - 1.0, height - 1.0]), torch.full((2,), -1.0)
    elif how.aspect != "each":
        scale = scale / (torch.tensor([width, height]) / {"shorter": min, "longer": max}[how.aspect](size))
    if how.y_axis == "up":
        scale[1], offset[1] = -scale[1], -offset[1]
    with torch.no_grad():
        first, last = net.dense1, net.dense_head
        first.bias += first.weight @ offset
        first.weight *= scale
        if how.order == "yx":
            first.weight.copy_(first.weight.flip(1))
        factor, shift = {"0..1": (1, 0), "-1..1": (2, -1), "0..255": (255, 0), "logits": (12, -6)}[how.values]
        last.weight *= factor
        last.bias.mul_(factor).add_(shift)
        if how.channels == "bgr":
            last.weight.copy_(last.weight.flip(0))
            last.bias.copy_(last.bias.flip(0))
    return net


CONVENTIONS = [
    *(Convention(order, span, y_axis) for order in ORDERS for span in SPANS for y_axis in Y_AXES),
    *(Convention("xy", span, "up", aspect) for span in SPANS for aspect in ASPECTS),
    *(replace(HOUSE, values=values) for values in ("-1..1", "0..255")),
    HOUSE,
    replace(HOUSE, channels="bgr"),
    Convention("yx", "0..1", "up", "longer", "-1..1", "bgr"),
]


@pytest.mark.parametrize("how", CONVENTIONS, ids=lambda how: " ".join(astuple(how)))
def test_a_picture_is_found_again_by_the_convention_of_its_author(flag, how):
    layers = fold(rewritten(flag, how))
    expected = decode(fold(flag), *SIZE)
    off = (decode(layers, *SIZE, None, how) - expected).abs().mean()
    assert off < 0.001
    for other in (HOUSE, replace(HOUSE, channels="bgr")):
        if other != how:
            assert (decode(layers, *SIZE, None, other) - expected).abs().mean() > 0.02


def test_logits_are_put_through_a_sigmoid():
    numbers = torch.tensor([[-3.0, 0.0, 7.0]])
    colours = replace(HOUSE, values="logits", channels="bgr").colours(numbers)
    torch.testing.assert_close(colours, 1 / (1 + torch.exp(-torch.tensor([[7.0, 0.0, -3.0]]))))


def test_a_portrait_picture_has_its_aspects_the_other_way_round(flag):
    size = (80, 160)
    for aspect in ("shorter", "longer"):
        how = replace(HOUSE, aspect=aspect)
        shown = decode(fold(rewritten(flag, how, size)), *size, None, how)
        torch.testing.assert_close(shown, decode(fold(flag), *size), rtol=0, atol=0.02)


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("values", VALUES[1:])
def test_the_values_of_every_flag_are_what_they_look_like(values, span):
    for slug, gift in gifts().items():
        net = rewritten(gift.checkpoint.net, Convention(span=span, values=values), gift.size)
        assert settled(fold(net), *gift.size, replace(OPEN, span=span)).values == values, slug


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_no_guess_makes_our_flags_look_like_anything_else(order, span, aspect):
    """A flag in pixels is far outside of what it learnt; its numbers run into the thousands there."""
    for slug, gift in gifts().items():
        asked = Convention(order, span, "up", aspect, "as they look")
        assert settled(gift.layers, *gift.size, asked) == replace(asked, values="0..1"), slug


def test_what_was_asked_for_is_not_settled_otherwise(flag):
    asked = Convention(values="0..1")
    assert settled(fold(rewritten(flag, Convention(values="0..255"))), *SIZE, asked) == asked


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 0.0, 1e30])
def test_numbers_that_say_nothing_are_taken_for_colours(number):
    same = torch.full((50, 3), number)
    assert meaning_of(same, same) == "0..1"


def test_answers_are_the_networks_own_and_few(flag):
    large = answers(fold(flag), 4096, 4096, HOUSE)
    assert large.shape[1] == 3
    assert len(large) < 20_000
    assert len(answers(fold(flag), 5, 3, HOUSE)) == 15


@pytest.mark.parametrize("values", VALUES[1:])
def test_the_guesses_differ_and_begin_with_the_house(values):
    tried = guesses(values, square=False)
    assert len(set(tried.values())) == len(tried) == 12
    assert next(iter(tried.values())) == replace(HOUSE, values=values)
    assert len(guesses(values, square=True)) == 10
    assert max(map(len, tried)) <= 16  # what fits under a picture on a phone
