"""Zigzags in the first layers: what they are, that they are held, what they bring."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from cppn.__main__ import main
from cppn.flags.fit import Run
from cppn.flags.making import folding
from cppn.flags.making.train import PERIODS
from cppn.flags.network import MysteryNet
from cppn.flags.recipe import Recipe
from cppn.flags.repeats import STRETCHES, Zigzags
from cppn.flags.target import SCALE, Target

PERIOD = 0.18


def triangle(u: torch.Tensor) -> torch.Tensor:
    """From 0 to 1 and back while u grows by 1."""
    return 2 * (u - u.round()).abs()


def heard(net: MysteryNet, x: torch.Tensor) -> torch.Tensor:
    """What the third layer hears of the first twelve neurons before it, from the middle of the picture's height."""
    points = torch.stack([x, torch.zeros_like(x)], dim=1)
    return F.gelu(net.dense2(F.gelu(net.dense1(points))))[:, :12] @ net.dense3.weight[:, :12].T


@torch.no_grad()
def test_a_network_hears_two_zigzags_a_quarter_of_a_period_apart():
    net = MysteryNet()
    Zigzags(PERIOD).write(net, torch.Generator().manual_seed(0))
    x = torch.linspace(-1, 1, 999)
    # from the middle out, the first one goes up from its third bend; the bends themselves are rounded
    waves = torch.stack([triangle(x / PERIOD + 0.5), triangle(x / PERIOD + 0.25)], dim=1)
    fitted = waves @ torch.linalg.lstsq(waves, heard(net, x)).solution
    assert (fitted - heard(net, x)).abs().max() < 0.12 * heard(net, x).abs().max()


@torch.no_grad()
def test_a_step_does_not_move_them_but_how_they_are_heard():
    net, zigzags = MysteryNet(), Zigzags(PERIOD)
    zigzags.write(net, torch.Generator().manual_seed(0))
    x = torch.linspace(-1, 1, 99)
    shape = torch.linalg.svdvals(heard(net, x))
    for parameter in net.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.1)
    assert torch.linalg.svdvals(heard(net, x))[2] > 0.1 * shape[1]  # more than two waves are heard
    zigzags.hold(net)
    moved = torch.linalg.svdvals(heard(net, x))
    assert moved[2] < 1e-4 * moved[1]
    assert not torch.allclose(moved[:2], shape[:2], rtol=1e-3)


def test_more_copies_than_stretches_are_refused():
    Zigzags(2 / (STRETCHES / 2))
    with pytest.raises(ValueError, match="at most 12 copies"):
        Zigzags(0.99 * 2 / (STRETCHES / 2))


@pytest.fixture(scope="module")
def border() -> Target:
    """Eight copies side by side, twelve pixels each, that no mirror maps onto itself."""
    picture = Image.new("RGB", (96 * SCALE, 24 * SCALE), "white")
    pen = ImageDraw.Draw(picture)
    for left in range(0, 96 * SCALE, 12 * SCALE):
        pen.polygon([(left, 90), (left + 36, 90), (left + 36, 30)], fill="navy")
        pen.rectangle((left + 8, 8, left + 16, 24), fill="maroon")
    return Target.from_fine(picture)


def test_what_repeats_is_learnt_sooner(border: Target):
    found = {}
    for period in (None, 12.0):
        run = Run(border, replace(Recipe(), steps=300, batch=1024, period=period))
        while not run.done:
            run.advance()
        found[period] = run.curve[-1][2]
    assert found[12.0] > found[None] + 3


@pytest.mark.parametrize("team", PERIODS)
def test_a_team_with_a_period_has_a_picture_that_repeats(team: str):
    fine = Target.of_team(team).fine

    def differs(shift: int) -> float:
        return float((fine[:, shift:] - fine[:, :-shift]).square().mean())

    period = SCALE * PERIODS[team]
    assert min(range(round(0.7 * period), round(1.4 * period)), key=differs) == pytest.approx(period, abs=1)


def test_the_command_compares_folds_with_none_and_with_loose_ones(tmp_path, monkeypatch, border):
    monkeypatch.setattr(folding.Target, "of_team", lambda slug: border)
    monkeypatch.setitem(PERIODS, folding.FOLDED, 12.0)
    words = ["--steps", "2", "--seeds", "2", "--journal", str(tmp_path / "log"), "--out", str(tmp_path / "out.json")]
    for _ in range(2):  # the second time nothing is left to do
        assert main(["flags", "folding", *words]) == 0
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [(run["arm"], run["seed"]) for run in found["runs"]] == [(arm, i) for i in range(2) for arm in folding.ARMS]
    for row in found["summary"]:
        means = [run["psnr"] for run in found["runs"] if run["arm"] == row["arm"]]
        assert (row["runs"], row["mean_psnr"]) == (2, pytest.approx(sum(means) / 2, abs=0.006))
    held, loose = (run["psnr"] for run in found["runs"][1:3])
    assert held != loose
