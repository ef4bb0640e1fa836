"""Paths between messages, against numpy written from the formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from cppn.faults import VisitorError
from cppn.glyphs.interpolate import lerp, loop, slerp

KEYS = torch.randn(3, 64, generator=torch.Generator().manual_seed(1))


def arc(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Slerp by turning: rotate the start towards the end within their plane, and scale by the formula's own weights."""
    unit = start / np.linalg.norm(start)
    other = end - (end @ unit) * unit
    other /= np.linalg.norm(other)
    angle = math.acos(unit @ end / np.linalg.norm(end))
    basis = np.linalg.norm(start), np.linalg.norm(end)
    weights = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    along = weights[0] * basis[0] + weights[1] * basis[1] * math.cos(angle)
    across = weights[1] * basis[1] * math.sin(angle)
    return along * unit + across * other


def test_a_line_and_an_arc_are_what_the_formulas_say():
    a, b = KEYS[0].double(), KEYS[1].double()
    for share in (0.0, 0.2, 0.5, 0.9, 1.0):
        assert_close(lerp(a, b, share), (1 - share) * a + share * b)
        assert_close(slerp(a, b, share), torch.from_numpy(arc(a.numpy(), b.numpy(), share)))


def test_an_arc_keeps_the_length_and_a_line_does_not():
    a, b = (8 * key / key.norm() for key in KEYS[:2])
    angle = math.acos(float(a @ b) / 64)
    assert_close(slerp(a, b, 0.5).norm(), torch.tensor(8.0))
    assert_close(lerp(a, b, 0.5).norm(), torch.tensor(8 * math.cos(angle / 2)))
    assert float(lerp(a, b, 0.5).norm()) < 7


def test_equal_and_opposite_messages_have_a_straight_line():
    a = KEYS[0]
    for end, share, expected in ((a, 0.3, a), (-a, 0.25, a / 2), (2 * a, 0.5, 1.5 * a)):
        assert_close(slerp(a, end, share), expected)
    assert torch.isfinite(slerp(torch.zeros(4), torch.ones(4), 0.5)).all()


@pytest.mark.parametrize("method", ["linear", "spherical"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_loop_visits_every_key_and_closes(method, count):
    keys = torch.randn(count, 8, generator=torch.Generator().manual_seed(count))
    frames = loop(keys, count * 5, method)
    assert frames.shape == (count * 5, 8)
    assert_close(frames[::5], keys)
    step = {"linear": lerp, "spherical": slerp}[method]
    assert_close(frames[-1], step(keys[-1], keys[0], 0.8))


def test_the_originals_loop_is_its_formula():
    start, middle, end = KEYS.double().numpy()
    frames = loop(KEYS.double(), 63, "seed").numpy()
    for number, frame in enumerate(frames):
        angle = 2 * math.pi * number / 63
        inner = start + (middle - start) * (math.sin(angle) * 0.5 + 0.5)
        np.testing.assert_allclose(frame, inner + (end - inner) * (math.cos(angle) * 0.5 + 0.5))


@pytest.mark.parametrize("count", [2, 4])
def test_the_originals_loop_closes_with_other_numbers_of_keys(count):
    keys = torch.randn(count, 8, generator=torch.Generator().manual_seed(count))
    frames = loop(keys, 400, "seed")
    steps = (frames.roll(-1, dims=0) - frames).norm(dim=1)
    assert float(steps.max()) < 0.1  # no jump, from the last frame to the first neither


def test_a_grid_of_messages_moves_together():
    keys = torch.randn(3, 8, 16, generator=torch.Generator().manual_seed(0))
    frames = loop(keys, 12, "spherical")
    assert frames.shape == (12, 8, 16)
    assert_close(frames[:, 5], loop(keys[:, 5], 12, "spherical"))


def test_other_paths_and_numbers_of_keys_are_refused():
    with pytest.raises(KeyError, match="bezier"):
        loop(KEYS, 4, "bezier")
    for keys in (KEYS[:1], torch.zeros(5, 3)):
        with pytest.raises(VisitorError, match="two to four"):
            loop(keys, 4, "linear")
