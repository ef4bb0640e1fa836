"""The bound on what the noise lets through, against cases that can be worked out by hand."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from cppn.__main__ import main
from cppn.glyphs.making import capacity
from cppn.glyphs.making.fit import Recipe
from cppn.glyphs.making.train import Plan
from cppn.glyphs.network import GlyphConfig


class Plain(nn.Module):
    """Draws a message of four numbers as a picture of four pixels, each a quarter as large."""

    numbers, channels, pixels = 4, 1, 2

    def draw(self, messages):
        return (messages / 4).view(-1, 1, 2, 2)


def test_the_bound_of_independent_pixels_is_a_sum():
    assert capacity.gaussian_bits(torch.diag(torch.tensor([3.0, 15.0, 0.0])), 1.0) == pytest.approx(1 + 2)
    found = capacity.covariance(Plain(), 32 * capacity.BATCH)
    torch.testing.assert_close(found, torch.eye(4) / 16, rtol=0, atol=2e-3)
    assert capacity.gaussian_bits(found, 0.25) == pytest.approx(4 * math.log2(2) / 2, abs=0.05)


def test_the_command_keeps_bounds_and_a_longer_training(tmp_path, monkeypatch):
    plan = Plan(GlyphConfig(8, 1, 16, cutoff=4, reader_cutoff=4, hidden=8, looks=1), Recipe(2, batch=4))
    monkeypatch.setattr(capacity, "PLANS", {capacity.LONGER: plan})
    monkeypatch.setattr(capacity, "BOUNDED", ())
    words = ["--times", "2", "--workshop", str(tmp_path / "shop"), "--out", str(tmp_path / "out.json")]
    assert main(["glyphs", "capacity", *words]) == 0
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["training"]
    assert found["longer"]["steps"] == 4
    assert found["usual"]["bits"] > 600
