"""Texts through the channel and pictures that are brought, with networks whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from plain_glyphs import PlainColourNet, PlainNet

from cppn.faults import VisitorError
from cppn.glyphs import endpoints
from cppn.glyphs.channel import Channel
from cppn.glyphs.message import text_to_message
from cppn.glyphs.send import LOOKED_AGAIN, read_arrivals, send, wilson
from cppn.glyphs.weights import script_of

QUIET = Channel().scaled(0)
NOISY = Channel(p_affine=0, p_perspective=0, sigma=0.9)  # a square of 16 pixels is off by 0.9 of its own sign


@pytest.mark.parametrize("net", [PlainNet(), PlainColourNet()])
def test_what_is_not_disturbed_is_read_every_time(net):
    sent = send(net, "Hello!", QUIET, 1, draws=7)
    assert [read.text for read in sent.texts] == ["Hello!"] * 7
    assert sent.right.tolist() == [64] * 7
    assert sent.exact == 7
    assert sent.received.shape == (7, net.channels, 32, 32)
    assert torch.equal(sent.received[3], sent.sent)


def test_right_signs_are_counted_one_by_one():
    sent = send(PlainNet(), "Noise", NOISY, 3, draws=40)
    signs = text_to_message("Noise", 64).numpy()
    squares = sent.received.numpy().reshape(40, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(40, 64) - 0.5
    right = (np.where(squares > 0, 1, -1) == signs).sum(axis=1)
    assert sent.right.tolist() == right.tolist()
    assert sent.exact == (right == 64).sum()
    assert 0 < right.min() < 64  # some are wrong, or this has tested nothing


def test_a_seed_gives_the_same_draws_and_another_one_others():
    once, again, other = (send(PlainNet(), "Hi", Channel(), seed, draws=4).received for seed in (5, 5, 6))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


@pytest.mark.parametrize(
    ("text", "seed", "word"), [("too long a text", 1, "at most 8"), ("é", 1, "alphabet"), ("a", -1, "seed must be")]
)
def test_what_cannot_be_sent_is_refused_in_words(text, seed, word):
    with pytest.raises(VisitorError, match=word):
        endpoints.send_glyph("script", text, 0, seed)


def test_what_the_check_refuses_is_looked_at_again():
    net = script_of("script").net
    for draw in range(2):  # of three hundred each, some are refused at first sight
        sent = send(net, "Founders", Channel(), draw, draws=300)
        assert sent.again
        with torch.inference_mode():
            at_first = (net.read(sent.received).messages > 0) == (text_to_message("Founders", 64) > 0)
        for at, read in enumerate(sent.texts):
            assert read.text in (None, "Founders")
            assert at_first[at].all() or at in sent.again or len(sent.again) == LOOKED_AGAIN
        assert sum(sent.texts[at].text is not None for at in sent.again) >= len(sent.again) - 2
        assert sent.exact == at_first.all(dim=1).sum() + sum(sent.texts[at].text is not None for at in sent.again)


def test_nothing_is_looked_at_again_where_the_check_is_short_or_the_network_another():
    received = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    assert send(PlainNet(), "Noise", NOISY, 3, draws=40).again == ()
    assert read_arrivals(script_of("gray_32").net, received)[2] == []
    assert read_arrivals(script_of("script").net, received)[2] == [0, 1, 2]


def test_noise_alone_is_no_text_at_any_look():
    received = 0.5 + 0.25 * torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    _, texts, again = read_arrivals(script_of("script").net, received)
    assert [read.text for read in texts] == [None] * 8
    assert len(again) == 8


def test_an_interval_is_wilsons():
    # solve (p - share)^2 = z^2 p (1 - p) / n for p, which is what the interval means
    for hits, count in ((0, 100), (50, 100), (97, 100), (100, 100), (1, 2)):
        for p in wilson(hits, count):
            assert (p - hits / count) ** 2 == pytest.approx(1.96**2 * p * (1 - p) / count, abs=1e-12)
    assert wilson(0, 100)[0] == 0
    assert wilson(100, 100)[1] == 1
    assert math.isclose(wilson(50, 100)[0], 0.404, abs_tol=5e-4)
