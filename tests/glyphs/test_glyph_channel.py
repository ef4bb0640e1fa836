"""The channel: its maps against numpy, its limits, its draws, and kornia's own modules where they are installed."""

from __future__ import annotations

import math

import glyph_reference as reference
import numpy as np
import pytest
import torch

from cppn.glyphs.channel import Channel, affine_map
from cppn.projective import CORNERS, homography, warp

PLAIN = Channel(sigma=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, channels: int = 1, size: int = 16, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, channels, size, size, generator=generator(seed))


def test_the_affine_map_is_that_of_numpy():
    angle, scale, shear = torch.tensor([0.4, -0.2]), torch.tensor([1.1, 0.9]), torch.tensor([0.1, -0.15])
    shift = torch.tensor([[0.1, -0.2], [0.0, 0.05]])
    maps = affine_map(angle, scale, shift, shear).numpy()
    for n in range(2):
        expected = reference.affine(float(angle[n]), float(scale[n]), tuple(shift[n].tolist()), float(shear[n]))
        np.testing.assert_allclose(maps[n], expected, atol=1e-6)


def test_a_homography_takes_four_points_where_they_should_go():
    source = torch.tensor(CORNERS).expand(5, 4, 2)
    target = source * (1 - 0.6 * torch.rand(5, 4, 2, generator=generator()))
    maps = homography(source, target)
    for n in range(5):
        np.testing.assert_allclose(maps[n], reference.projective(source[n].numpy(), target[n].numpy()), atol=1e-4)


def test_warping_is_that_of_numpy_also_through_a_frame_in_between():
    sent = pictures(2)
    affine, perspective = Channel(p_affine=1.0, p_perspective=1.0).draw(2, generator(3))
    received = warp(sent, affine @ perspective, 12, passing=perspective)
    for n in range(2):
        first, second = affine[n].double().numpy(), perspective[n].double().numpy()
        expected = reference.warp(sent[n, 0].double().numpy(), first @ second, 12, passing=second)
        np.testing.assert_allclose(received[n, 0], expected, atol=1e-4)


def test_strength_zero_changes_nothing():
    sent = pictures(8, channels=3)
    torch.testing.assert_close(Channel().scaled(0.0).send(sent, generator()), sent, atol=1e-5, rtol=0)


def test_a_quarter_of_the_pictures_is_not_warped():
    affine, perspective = Channel().draw(4000, generator())
    still = torch.eye(3)
    unturned, unslanted = (affine == still).all(dim=(1, 2)), (perspective == still).all(dim=(1, 2))
    assert float(unturned.double().mean()) == pytest.approx(0.5, abs=0.04)
    assert float((unturned & unslanted).double().mean()) == pytest.approx(0.25, abs=0.03)


def test_the_draws_stay_within_their_limits_and_reach_them():
    affine, perspective = Channel(p_affine=1.0, p_perspective=1.0).draw(4000, generator())
    maps = torch.linalg.inv(affine)
    turn = torch.rad2deg(torch.atan2(-maps[:, 1, 0], maps[:, 0, 0]))
    scale = torch.hypot(maps[:, 0, 0], maps[:, 1, 0])
    assert 29 < float(turn.abs().max()) < 30.01
    assert 0.9 - 1e-4 < float(scale.min()) < 0.91
    assert 0.19 < float(maps[:, :2, 2].abs().max()) < 0.2001  # a tenth of the width, which is 2
    corners = torch.cat([torch.tensor(CORNERS).mT, torch.ones(1, 4)])
    moved = torch.linalg.inv(perspective) @ corners
    moved = moved[:, :2] / moved[:, 2:]
    assert 0.4 - 1e-3 < float(moved.abs().min()) < 0.42
    assert float(moved.abs().max()) < 1 + 1e-3


def test_the_same_seed_gives_the_same_disturbance():
    sent = pictures()
    first, second, other = (Channel().send(sent, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_noise_comes_before_the_warp():
    """Outside of the sign there is no noise: it was added to the sign, not to what arrived."""
    small = Channel(p_affine=0.0, p_perspective=1.0, perspective=0.9)
    received = small.send(torch.full((64, 1, 32, 32), 0.5), generator())
    assert float((received == 0).double().mean()) > 0.3
    inside = Channel(p_affine=0.0, p_perspective=0.0).send(torch.full((64, 1, 32, 32), 0.5), generator())
    assert float(inside.std()) == pytest.approx(0.25, rel=0.02)


@pytest.mark.parametrize(
    ("name", "value"),
    [("degrees", -1.0), ("scale", 0.95), ("perspective", 1.0), ("p_affine", 1.1), ("sigma", math.nan)],
)
def test_strengths_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Channel(**{name: value})


def test_a_stronger_channel_is_stronger_and_stops_where_it_must():
    assert Channel().scaled(1.5).degrees == 45
    assert Channel().scaled(2.0).perspective == 0.95
    with pytest.raises(ValueError, match="degrees"):
        Channel().scaled(7.0)


def test_each_step_is_kornias():
    """With kornia's own draws, the picture that kornia makes of it."""
    augmentation = pytest.importorskip("kornia.augmentation")
    size = 48
    waves = sum(reference.wave(v, u, size) for v, u in ((1, 2), (3, 1), (0, 4)))
    sent = torch.tensor(waves / 6 + 0.5, dtype=torch.float32).expand(6, 1, size, size)
    torch.manual_seed(0)
    affine = augmentation.RandomAffine(30, (0.1, 0.1), (0.9, 1.1), (-10, 10), p=1.0)
    perspective = augmentation.RandomPerspective(0.6, p=1.0)
    turned = affine(sent)
    slanted = perspective(turned)
    drawn = affine._params
    maps = affine_map(
        -torch.deg2rad(drawn["angle"]),  # kornia turns the other way
        drawn["scale"][:, 0],
        2 * drawn["translations"] / size,
        torch.deg2rad(drawn["shear_x"]),
    )
    assert float((warp(sent, torch.linalg.inv(maps), size) - turned).abs().mean()) < 0.02
    # pixels 0 to 47 are places -1 to 1 to kornia
    start, end = (2 * perspective._params[key] / (size - 1) - 1 for key in ("start_points", "end_points"))
    found = warp(turned, homography(end, start), size)
    assert float((found - slanted).abs().mean()) < 0.02
