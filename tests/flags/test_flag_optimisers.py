"""SOAP and Levenberg-Marquardt as the comparison of optimisers has them, against their definitions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from cppn.__main__ import main
from cppn.flags.fit import forward
from cppn.flags.making import optimisers
from cppn.flags.making.optimisers import LevenbergRun, Soap, TimedRun, derivatives, layers_of, parameters_of
from cppn.flags.network import MysteryNet
from cppn.flags.recipe import Recipe
from cppn.flags.target import Target


@pytest.fixture
def small(monkeypatch):
    """A part of a flag instead of all of it."""
    target = Target(Target.of_team("japan").fine[410:443, 350:415].contiguous())
    monkeypatch.setattr(Target, "of_team", classmethod(lambda cls, slug: target))
    return target


def test_derivatives_are_those_of_autograd():
    torch.manual_seed(0)
    net, x = MysteryNet(), torch.rand(4, 2) * 2 - 1
    with torch.no_grad():
        colours, jacobian = derivatives(layers_of(net), x)
    parameters = parameters_of(layers_of(net))
    expected = forward(net, x, Recipe())
    torch.testing.assert_close(colours, expected)
    for point in range(4):
        for colour in range(3):
            gradient = torch.autograd.grad(expected[point, colour], parameters, retain_graph=True)
            flat = torch.cat([part.flatten() for part in gradient])
            torch.testing.assert_close(jacobian[point, colour], flat, rtol=1e-4, atol=1e-6)


def test_soap_in_the_usual_basis_is_adam():
    torch.manual_seed(1)
    layer = nn.Linear(3, 2)
    value = np.column_stack([layer.weight.detach().numpy(), layer.bias.detach().numpy()]).astype(float)
    soap = Soap([layer])
    m, v = 0.0, 0.0
    for step in range(1, 6):
        weight, bias = torch.randn(2, 3), torch.randn(2)
        layer.weight.grad, layer.bias.grad = weight.clone(), bias.clone()
        soap.step(0.01)
        soap._bases = [torch.eye(2)[None], torch.eye(4)[None]]
        gradient = np.column_stack([weight.numpy(), bias.numpy()]).astype(float)
        m = 0.95 * m + 0.05 * gradient
        if step > 1:  # the first step only begins the preconditioner
            v = 0.95 * v + 0.05 * gradient**2
            value -= 0.01 * (m / (1 - 0.95**step)) / np.sqrt(v / (1 - 0.95 ** (step - 1)))
    np.testing.assert_allclose(np.column_stack([layer.weight.detach(), layer.bias.detach()]), value, atol=1e-4)


def test_soaps_bases_become_eigenvectors():
    torch.manual_seed(2)
    layer = nn.Linear(5, 4)
    soap = Soap([layer])
    scale = torch.tensor([3.0, 1.0, 0.3, 0.1])[:, None]
    for _ in range(400):
        layer.weight.grad, layer.bias.grad = torch.randn(4, 5) * scale, torch.zeros(4)
        soap.step(1e-3)
    left = soap._bases[0][0]
    torch.testing.assert_close(left.T @ left, torch.eye(4), rtol=0, atol=1e-5)
    turned = left.T @ soap._left[0] @ left
    assert float((turned - turned.diag().diag()).abs().max()) < 0.1 * float(turned.diag().max())


def test_a_levenberg_marquardt_run_learns(small):
    run = LevenbergRun(small, Recipe(steps=1000, batch=64, rollback=None), seconds=1e9)
    while run.step < 20:
        run.advance()
    while not (look := run.advance()):  # a look is due every so many steps
        pass
    assert look.psnr > run.curve[0][2] + 3


def test_a_run_ends_with_its_time(small):
    run = TimedRun(small, Recipe(steps=1_000_000, batch=64), seconds=0.3)
    while not run.done:
        run.advance()
    assert 0.3 <= run.cpu_seconds < 1


def test_settings_are_chosen_on_a_seed_that_does_not_count(tmp_path, monkeypatch, small):
    monkeypatch.setattr(optimisers, "SETTINGS", {"adam": (1e-3, 1e-2), "soap": (3e-3,)})
    words = ["--journal", str(tmp_path / "log"), "--out", str(tmp_path / "out.json"), "--seconds", "0.2"]
    for _ in range(2):  # the second time nothing is left to do
        assert main(["flags", "optimisers", "--seeds", "2", *words]) == 0
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(found["runs"]) == 3 + 4
    assert found["summary"] == optimisers.summarise(found["runs"])
    assert [row["runs"] for row in found["summary"]] == [2, 2]
    best = max((run for run in found["runs"][:2]), key=lambda run: run["psnr"])
    assert found["summary"][0]["setting"] == best["setting"]
