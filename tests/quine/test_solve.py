"""The solvers find what there is, and remake the shipped files byte for byte."""

from __future__ import annotations

import itertools
import json
from typing import ClassVar

import numpy as np
import pytest
import quine_reference as reference
import torch
from torch import nn

from cppn.__main__ import main
from cppn.hub import BUNDLED
from cppn.quine.architectures import build
from cppn.quine.making import multiprecision
from cppn.quine.making.auxiliary import Digits, accuracy, train
from cppn.quine.making.census import census, code_vector, make_exact
from cppn.quine.making.levenberg import levenberg_marquardt
from cppn.quine.making.newton import best_damping, find_roots, start_code
from cppn.quine.making.seed_training import draw_as_the_seed, train_as_the_seed
from cppn.quine.making.solve import search_query
from cppn.quine.network import Quine, QuineConfig, copier, flatten, normalise
from cppn.quine.weights import SHIPPED


class Tiny(Quine):
    """A perceptron with a code of 8 bits, small enough to enumerate in plain numpy."""

    CODE, PROBE = 8, (3,)
    DIVISORS: ClassVar = {"l1": (3, 3), "l2": (3, 3)}

    def __init__(self, environment):
        super().__init__("sign", environment)
        self.l1, self.l2 = nn.Linear(3, 8), nn.Linear(8, 8)

    def hidden(self, z):
        return normalise(torch.tanh(self.l2(normalise(torch.tanh(self.l1(z))))))


def fixed_points(net):
    """The codes that print themselves, by numpy, one at a time."""
    table, z = net.table.numpy(), net.probe.numpy()
    for number in range(256):
        code = np.array([1.0 if number >> k & 1 else -1.0 for k in range(8)])
        w1, b1, w2, b2 = np.split(0.25 * code @ table, [24, 32, 96])
        x = reference.norm(np.tanh(w1.reshape(8, 3) @ z + b1))
        x = reference.norm(np.tanh(w2.reshape(8, 8) @ x + b2))
        if ((x >= 0) == (code > 0)).all():
            yield number, abs(x).min()


def test_the_census_finds_exactly_the_quines_that_exist():
    counts = []
    for number in range(40):
        net = Tiny(f"tiny/{number}")
        found = census(net)
        expected = list(fixed_points(net))
        assert [exact.code for exact in found] == [code for code, _ in expected]
        np.testing.assert_allclose([exact.margin for exact in found], [margin for _, margin in expected], atol=1e-12)
        counts.append(len(found))
    assert 15 <= sum(counts) <= 70  # about one an environment, as for a random map
    assert 0 in counts


def test_a_code_becomes_weights_that_print_themselves():
    net = next(net for net in (Tiny(f"tiny/{number}") for number in range(40)) if list(fixed_points(net)))
    make_exact(net, census(net)[0].code)
    assert torch.equal(copier(net)(flatten(net)), flatten(net))


def test_the_lowest_bit_comes_first():
    assert code_vector(6, 4).tolist() == [-1, 1, 1, -1]


@pytest.fixture(scope="module")
def net():
    """The seed's network in an environment of its own."""
    return build(QuineConfig("mlp", "identity", "quine/mlp/1", "float64"))


@pytest.fixture(scope="module")
def roots(net):
    """The quines that Newton's method finds there."""
    return find_roots(net, range(12))


def test_newton_finds_different_quines_that_numpy_confirms(net, roots):
    assert len(roots) >= 2
    for root in roots:
        theta = net.decode(root.code).numpy()
        parts = np.split(theta, [160, 180, 580, 600, 1000])
        names = ("l1.weight", "l1.bias", "l2.weight", "l2.bias", "l3.weight", "l3.bias")
        shapes = ((20, 8), (20,), (20, 20), (20,), (20, 20), (20,))
        state = {name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        output = 0.25 * reference.mlp(state, net.probe.numpy(), reference.plain_dot) @ net.table.numpy()
        assert abs(output - theta).max() < 1e-13
        assert theta.std() > 0.04
    for a, b in itertools.combinations(roots, 2):
        assert (a.code - b.code).abs().max() > 1e-6


def test_starts_are_normalised_and_differ():
    a, b = (start_code("x", number, 20) for number in (0, 1))
    assert abs(float(a.mean())) < 1e-12
    assert abs(float(a.square().mean()) - 1) < 1e-4
    assert not torch.equal(a, b)


def test_the_best_damping_of_a_known_spectrum():
    rate, contraction = best_damping(torch.diag(torch.tensor([-1.0, 0.5], dtype=torch.float64)))
    # |1 - 2 tau| and |1 - tau / 2| are equal at tau = 0.8
    assert rate == pytest.approx(0.8)
    assert contraction == pytest.approx(0.6)


def test_two_hundred_digits_and_the_nearest_floats(net, roots):
    root = roots[0]
    refined = multiprecision.refine_mlp(net, root.code, root.jacobian, 200)
    assert int(refined.residual.split("e")[1]) <= -200
    np.testing.assert_allclose(refined.weights, net.decode(root.code), atol=1e-12)


def test_a_start_that_solves_nothing_is_refused():
    with pytest.raises(ArithmeticError, match="not a solution"):
        multiprecision.refine(lambda x: [x[0] ** 2 + 1], [1.0], np.array([[1.0]]), 30)


def test_levenberg_marquardt_solves_a_known_problem():
    def rosenbrock(x):
        return torch.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    *_, (x, worst) = levenberg_marquardt(rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64), 200)
    assert worst < 1e-12
    torch.testing.assert_close(x, torch.ones(2, dtype=torch.float64))


def test_one_query_a_weight_is_solved_from_a_known_start():
    net = build(QuineConfig("query", "identity", "quine/query/0", "float64", width=8))
    theta, steps = search_query(net, 2)
    assert len(theta) == 136
    assert steps < 60
    assert float((copier(net)(theta) - theta).abs().max()) < 1e-14
    assert float(theta.std()) > 0.1
    refined = multiprecision.refine_query(net.probe, theta, torch.func.jacfwd(copier(net))(theta), 40)
    assert int(refined.residual.split("e")[1]) <= -40
    np.testing.assert_allclose(refined.weights, theta, atol=1e-12)


def test_the_seeds_gradient_is_twice_the_difference():
    """Its first step, against RMSprop written out: lr 1e-3, smoothing 0.99, eps 1e-8."""
    net = draw_as_the_seed(0, "float64")
    theta = flatten(net)
    delta = copier(net)(theta) - theta
    gradient = -2 * delta
    looks = list(train_as_the_seed(net, steps=1))
    expected = theta - 1e-3 * gradient / ((0.01 * gradient**2).sqrt() + 1e-8)
    torch.testing.assert_close(flatten(net), expected, rtol=0, atol=1e-12)
    assert [step for step, _, _ in looks] == [0, 1]
    assert looks[0][1] == pytest.approx(float(delta.square().sum()))
    assert looks[0][2] == pytest.approx(float(delta.abs().max()))


def test_five_hundred_steps_of_the_seeds_training_as_measured():
    *_, (step, loss, worst) = train_as_the_seed(draw_as_the_seed(0, "float64"), steps=500)
    assert (step, loss, worst) == (500, pytest.approx(0.6574865, rel=1e-3), pytest.approx(0.1105963, rel=1e-3))


def test_the_auxiliary_quine_learns_both_tasks():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 10
    pictures = torch.rand(10, 16, generator=generator, dtype=torch.float64)[labels]
    digits = Digits(pictures + 0.02 * torch.randn(40, 16, generator=generator, dtype=torch.float64), labels)
    net = build(QuineConfig("auxiliary", "identity", "small", "float64", width=6))
    looks = list(itertools.islice(train(net, digits, weight=1.0), 20))
    assert looks[-1][0] < looks[0][0]
    assert looks[-1][1] == accuracy(net, digits) > 0.3  # ten classes: 0.1 by chance


@pytest.mark.parametrize("slug", ["exact_rnn", "newton"])
def test_solving_again_gives_the_shipped_bytes(slug, tmp_path, capsys):
    assert main(["quine", "solve", slug, "--out", str(tmp_path)]) == 0
    assert (tmp_path / SHIPPED[slug].file).read_bytes() == (BUNDLED / SHIPPED[slug].file).read_bytes()
    assert f"{slug}: kept" in capsys.readouterr().out


def test_a_check_tells_when_the_bytes_differ(tmp_path, capsys):
    (tmp_path / "quine").mkdir()
    (tmp_path / SHIPPED["newton"].file).write_bytes((BUNDLED / SHIPPED["query"].file).read_bytes())
    assert main(["quine", "solve", "newton", "--check", "--out", str(tmp_path)]) == 1
    assert "NOT the same bytes" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["solve", "no_such_quine"], ["solve"], ["measure", "no such section"]])
def test_commands_explain_what_they_do_not_know(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["quine", *words])
    assert stop.value.code == 2
    assert "usage: python -m cppn quine" in capsys.readouterr().err


def test_measuring_one_section_leaves_the_others(tmp_path):
    (tmp_path / "quine").mkdir()
    (tmp_path / SHIPPED["newton"].file).write_bytes((BUNDLED / SHIPPED["newton"].file).read_bytes())
    (tmp_path / "results").mkdir()
    path = tmp_path / "results" / "quine.json"
    path.write_text('{"census": "as it was"}')
    assert main(["quine", "measure", "zero", "--folder", str(tmp_path)]) == 0
    results = json.loads(path.read_text())
    assert results["census"] == "as it was"
    assert set(results["zero"]["from_zero"]) == {0}
    assert results["zero"]["from_1e-9"][-1] > 0.04


def test_published_results_are_those_of_the_shipped_files():
    results = json.loads((BUNDLED / "results" / "quine.json").read_text(encoding="utf-8"))
    assert set(results["files"]) == set(SHIPPED)
    manifest = json.loads((BUNDLED / "manifest.json").read_text(encoding="utf-8"))["files"]
    for slug, quine in SHIPPED.items():
        assert manifest[quine.file]["bytes"] == results["files"][slug]["size"]
    assert results["tampering"]["exact_mlp"]["flipped"]["still_verify"] == 0
    assert int(results["digits"]["max_delta"].split("e")[1]) <= -1000
    for architecture in ("mlp", "cnn", "rnn", "lstm", "transformer"):
        margins = results["census"][architecture]["margins"]
        best = max(margin for each in margins for margin in each)
        assert best == pytest.approx(results["files"][f"exact_{architecture}"]["margin"], abs=1e-3)
        assert len(margins) == SHIPPED[f"exact_{architecture}"].tried
