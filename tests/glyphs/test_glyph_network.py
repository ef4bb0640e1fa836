"""Writers and readers: the waves and the straightening against numpy, sizes, shapes, errors."""

from __future__ import annotations

import glyph_reference as reference
import numpy as np
import pytest
import torch

from cppn.glyphs.network import GlyphConfig, GlyphNet, SeedConfig, SeedNet, analyse, synthesise, waves
from cppn.projective import CORNERS

SMALL = GlyphConfig(numbers=6, channels=3, pixels=16, cutoff=5, reader_cutoff=7, hidden=16)


def small(config: GlyphConfig = SMALL) -> GlyphNet:
    torch.manual_seed(0)
    return GlyphNet(config).eval()


def messages(count: int, numbers: int = 6) -> torch.Tensor:
    return torch.randn(count, numbers, generator=torch.Generator().manual_seed(1))


def test_the_waves_come_coarsest_first_and_stop_at_the_cutoff():
    pairs = waves(6).tolist()
    assert sorted(pairs) == [[v, u] for v in range(6) for u in range(6) if u * u + v * v < 36]
    lengths = [v * v + u * u for v, u in pairs]
    assert lengths == sorted(lengths)
    assert waves(9)[: len(waves(6))].tolist() == pairs  # so that a finer reader begins with the writer's waves


def test_a_sum_of_waves_is_that_of_numpy():
    coefficients = torch.randn(2, 3, len(waves(5)), generator=torch.Generator().manual_seed(0))
    pictures = synthesise(coefficients, 5, 11)
    assert pictures.shape == (2, 3, 11, 11)
    for n in range(2):
        for c in range(3):
            terms = zip(coefficients[n, c].double().numpy(), waves(5).tolist(), strict=True)
            expected = sum(value * reference.wave(v, u, 11) for value, (v, u) in terms)
            np.testing.assert_allclose(pictures[n, c], expected, atol=1e-5)


def test_analysis_undoes_synthesis_but_for_each_waves_own_scale():
    coefficients = torch.randn(2, 1, len(waves(5)), generator=torch.Generator().manual_seed(0))
    found = analyse(synthesise(coefficients, 5, 24), 5)
    scale = [24 / 2 * (2 if v == 0 else 1) * (2 if u == 0 else 1) for v, u in waves(5).tolist()]
    torch.testing.assert_close(found, coefficients * torch.tensor(scale), atol=1e-3, rtol=1e-3)


def test_noise_keeps_its_strength_in_the_analysis():
    noise = torch.randn(400, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    fine = analyse(noise, 8)[:, 0, [n for n, (v, u) in enumerate(waves(8).tolist()) if v and u]]
    assert float(fine.std()) == pytest.approx(1, rel=0.02)


def test_a_sign_is_the_same_at_every_size():
    """Averaged over blocks of pixels, a large drawing is the small one, up to how the sigmoid and the mean differ."""
    net, sent = small(), messages(4)
    with torch.no_grad():
        coarse, fine = net.writer.logits(sent, 16), net.writer.logits(sent, 160)
    middle = fine.unflatten(3, (16, 10)).unflatten(2, (16, 10))[:, :, :, 4:6, :, 4:6].mean(dim=(3, 5))
    torch.testing.assert_close(middle, coarse, atol=0.05, rtol=0)
    assert net.draw(sent, 37).shape == (4, 3, 37, 37)


def test_ink_multiplies_the_logits():
    net, sent = small(), messages(2)
    with torch.no_grad():
        torch.testing.assert_close(net.draw(sent, 20, ink=3.0), torch.sigmoid(3 * net.writer.logits(sent, 20)))


def test_a_reading_has_its_shapes_and_takes_pictures_of_any_size():
    net = small()
    for size in (16, 40):
        reading = net.read(torch.rand(5, 3, size, size))
        assert reading.messages.shape == (5, 6)
        assert reading.straightened.shape == (5, 3, 16, 16)
        assert reading.corners.shape == (5, 4, 2)


def test_a_reader_that_looks_straight_ahead_sees_the_picture():
    net, pictures = small(), torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for look in net.reader.looks:
        torch.nn.init.zeros_(look.offsets.weight)
    with torch.no_grad():
        reading = net.read(pictures)
    torch.testing.assert_close(reading.straightened, pictures, atol=1e-4, rtol=0)
    torch.testing.assert_close(reading.corners, torch.tensor(CORNERS).expand(3, 4, 2), atol=1e-5, rtol=0)


def test_the_straightening_is_that_of_numpy():
    """With one look whose answer is known: the four points at 0.7, moved by it."""
    net = small(GlyphConfig(numbers=6, channels=1, pixels=16, cutoff=5, reader_cutoff=7, hidden=16, looks=1))
    shifts = np.array([[0.1, 0.2], [-0.15, 0.1], [-0.2, -0.05], [0.05, -0.1]])
    offsets = net.reader.looks[0].offsets
    torch.nn.init.zeros_(offsets.weight)
    offsets.bias.data.copy_(torch.tensor(shifts, dtype=torch.float32).flatten())
    picture = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        reading = net.read(picture)
    points = 0.7 * np.array(CORNERS)
    matrix = reference.projective(points, points + shifts)
    np.testing.assert_allclose(
        reading.straightened[0, 0], reference.warp(picture[0, 0].double().numpy(), matrix, 16), atol=1e-4
    )
    expected = [reference.through(matrix, x, y) for x, y in CORNERS]
    np.testing.assert_allclose(reading.corners[0], expected, atol=1e-4)


def test_fresh_networks_already_read_what_comes_unwarped():
    net = small(GlyphConfig(numbers=16, channels=1, pixels=32, cutoff=10, reader_cutoff=12)).train()
    sent = messages(200, 16)
    with torch.no_grad():
        error = (net.read(net.draw(sent)).messages - sent).square().mean()
    assert float(error) < 0.7


def test_the_posts_networks_have_the_posts_layers():
    net = SeedNet(SeedConfig())
    drawn, read = [], []
    for layer in net.writer:
        if isinstance(layer, torch.nn.ConvTranspose2d):
            layer.register_forward_hook(lambda _, __, out: drawn.append(tuple(out.shape[1:])))
    for layer in net.reader:
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _, __, out: read.append(tuple(out.shape[1:])))
    reading = net.read(net.draw(messages(2, 64)))
    assert drawn == [(128, 3, 3), (64, 3, 3), (64, 3, 3), (64, 7, 7), (32, 7, 7), (32, 7, 7), (16, 13, 13), (1, 28, 28)]
    assert read == [(128, 14, 14), (128, 7, 7), (64, 4, 4), (32, 2, 2), (32, 1, 1)]
    assert reading.messages.shape == (2, 64)
    assert reading.straightened is None
    assert net.draw(messages(2, 64), 56).shape == (2, 1, 56, 56)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"numbers": 0}, "numbers"),
        ({"channels": 4}, "channels"),
        ({"pixels": 44}, "multiple of 8"),
        ({"pixels": 256}, "pixels"),
        ({"cutoff": 20, "reader_cutoff": 10}, "reader_cutoff"),
    ],
)
def test_sizes_out_of_range_are_refused(settings, word):
    with pytest.raises(ValueError, match=word):
        GlyphConfig(**settings)
    if "numbers" in settings:
        with pytest.raises(ValueError, match=word):
            SeedConfig(**settings)
