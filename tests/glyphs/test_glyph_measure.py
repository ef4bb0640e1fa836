"""The figures: formulae against numpy, what perfect and useless channels give, and the command without kornia."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from cppn.__main__ import main
from cppn.glyphs.making import measure
from cppn.glyphs.network import GlyphConfig, GlyphNet, Reading

SIZE = 32


class Parrot:
    """Draws a message as pixels and reads them back: what it loses, the channel lost."""

    numbers = 16

    def draw(self, messages: torch.Tensor, size: int | None = None) -> torch.Tensor:
        return messages.view(-1, 1, 4, 4)

    def read(self, pictures: torch.Tensor) -> Reading:
        return Reading(pictures.flatten(1), None, None)


def noise_of(sigma: float) -> measure.Sender:
    return lambda pictures, generator: pictures + sigma * torch.randn(pictures.shape, generator=generator)


def test_a_wave_has_its_own_frequency_as_centroid():
    x = torch.arange(SIZE) / SIZE
    wave = 0.5 + 0.3 * torch.cos(2 * torch.pi * 3 * x)[:, None] * torch.cos(2 * torch.pi * 4 * x)
    assert measure.spectral_centroid(wave[None, None]) == pytest.approx(5, rel=1e-4)


def test_edges_are_counted_as_by_hand():
    ink = np.random.default_rng(0).random((3, 1, 8, 8))
    over = ink > 0.5
    edges = [(over[..., r + 1, c] != over[..., r, c]).mean() for r in range(7) for c in range(8)]
    edges += [(over[..., r, c + 1] != over[..., r, c]).mean() for r in range(8) for c in range(7)]
    assert measure.edge_density(torch.tensor(ink)) == pytest.approx(np.mean(edges))


def test_fidelity_of_a_known_channel():
    """Noise of one half leaves R2 at 3/4 and each of 16 numbers one bit."""
    found = measure.fidelity(Parrot(), noise_of(0.5), 2000)
    assert found["r2"] == pytest.approx(0.75, abs=0.01)
    assert found["bits"] == pytest.approx(16, abs=0.4)
    assert found["r2_interval"][0] <= found["r2"] <= found["r2_interval"][1]


def test_signs_of_a_known_channel():
    """Noise of one half turns a sign with the probability of two standard deviations."""
    found = measure.sign_reading(Parrot(), noise_of(0.5), 2000)
    assert found["bit_accuracy"] == pytest.approx(0.97725, abs=0.002)
    assert found["exact"] == pytest.approx(0.97725**16, abs=0.02)
    assert measure.sign_reading(Parrot(), noise_of(0.0), 50)["exact"] == 1


def test_an_interval_of_shares_is_as_wide_as_theory_says():
    """For the mean of N independent values: 1.96 standard errors to either side."""
    values = torch.rand(2000, generator=torch.Generator().manual_seed(0))
    low, high = measure.interval(measure.resampled_means(values))
    mean, half = float(values.mean()), 1.96 * float(values.std()) / 2000**0.5
    assert [low, high] == pytest.approx([mean - half, mean + half], abs=0.1 * half)


def test_a_message_sent_five_times_counts_once():
    """A channel without noise repeats itself: five draws tell no more than one, so the interval must not shrink.

    Half of the messages lose everything whatever the draw: R2 lies near 1/2, as far as 2,000 messages can tell.
    """

    class Forgetful(Parrot):
        def read(self, pictures: torch.Tensor) -> Reading:
            messages = pictures.flatten(1)
            return Reading(messages * (messages[:, :1] > 0), None, None)

    found = measure.fidelity(Forgetful(), noise_of(0.0), 2000)
    low, high = found["r2_interval"]
    messages = torch.randn(2000, 16, generator=measure.named_generator("glyphs messages", measure.SEED))
    kept = (messages[:, :1] > 0) * torch.ones(16)
    r2 = 1 - ((1 - kept) * messages.square()).mean(0) / messages.var(0, correction=0)
    assert found["r2"] == pytest.approx(float(r2.mean()), abs=1e-4)
    # half the time everything: a share of 1/2 among 2,000 messages, which five sendings do not make 10,000
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 2000**0.5, rel=0.15)


def test_the_means_are_those_of_the_same_messages_for_every_number():
    values = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    again = measure.resampled_means(values)
    assert again.shape == (measure.RESAMPLES, 3)
    torch.testing.assert_close(again[:, 1], measure.resampled_means(values[:, 1]))
    torch.testing.assert_close(measure.resampled_means(torch.ones(50)), torch.ones(measure.RESAMPLES).double())


def test_endurance_and_intricacy_have_a_row_for_each_question(monkeypatch):
    monkeypatch.setattr(measure, "STUDIED", 40)
    torch.manual_seed(0)
    net = GlyphNet(GlyphConfig(numbers=4, channels=1, pixels=16, cutoff=4, reader_cutoff=5, hidden=8)).eval()
    rows = measure.endurance(net)
    assert [row[0] for row in rows] == list(measure.STRENGTHS)
    found = measure.intricacy(net)
    assert 0 < found["centroid"] < 4
    assert 0 < found["edges"] < 1


def test_without_kornia_the_command_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kornia", None)
    monkeypatch.setitem(sys.modules, "kornia.augmentation", None)
    with pytest.raises(SystemExit):
        main(["glyphs", "measure", "script"])
    assert "weights/requirements.txt" in capsys.readouterr().err


def test_the_command_refuses_an_unknown_script():
    with pytest.raises(SystemExit):
        main(["glyphs", "measure", "theirs"])


def test_kornias_channel_is_seeded_and_leaves_torchs_own_draws_alone():
    pytest.importorskip("kornia")
    send, pictures = measure.kornia_sender(), torch.rand(8, 1, 16, 16)
    first, second = (send(pictures, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
    before = torch.get_rng_state()
    send(pictures, torch.Generator().manual_seed(2))
    assert torch.equal(before, torch.get_rng_state())
