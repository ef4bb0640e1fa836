"""What is proved: of the exact quines, of every flipped sign, of what others bring; and the true quines beside ours."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import quine_reference as reference
import torch

from cppn import checkpoint
from cppn.hub import BUNDLED
from cppn.quine import endpoints, measured, views
from cppn.quine.architectures import build
from cppn.quine.balls import FLOAT64, Ball
from cppn.quine.certify import certify, prove
from cppn.quine.enclose import _answers_and_slopes, _code_and_slopes, enclose
from cppn.quine.making import multiprecision
from cppn.quine.making.census import census, code_vector
from cppn.quine.making.measure import flipped
from cppn.quine.making.solve import newton_root
from cppn.quine.network import QuineConfig, assign, copier, flatten, hidden_map
from cppn.quine.verify import examine
from cppn.quine.weights import SHIPPED, environment_name, find_shipped, open_quine

EXACT = tuple(slug for slug in SHIPPED if slug.startswith("exact_"))


def shipped(slug):
    return open_quine(BUNDLED / find_shipped(slug).file)


@pytest.mark.parametrize("slug", EXACT)
def test_an_exact_quine_is_certified_and_no_evaluation_strays_beyond_its_bound(slug):
    file = shipped(slug)
    proof = certify(file.net, flatten(file.net))
    assert proof.verdict == "certified"
    assert 0 < proof.clearance < examine(file.net, file.config, flatten(file.net)).report.margin
    state, config = reference.read(BUNDLED / find_shipped(slug).file)
    hidden, z = reference.HIDDEN[config["architecture"]], reference.probe(config["environment"], file.net.PROBE)
    truth = hidden({name: part.astype(np.float64) for name, part in state.items()}, z, reference.plain_dot)
    for seed in range(20):
        found = hidden(state, z.astype(np.float32), reference.shuffled_dot(seed))
        assert found.dtype == np.float32
        assert abs(found - truth).max() < proof.bound
        assert abs(found).min() > proof.clearance


@pytest.mark.parametrize("slug", EXACT)
def test_a_flipped_sign_is_refuted(slug):
    """All signs of the smallest network, every 80th of the others."""
    file = shipped(slug)
    theta = flatten(file.net)
    nonzero = theta.nonzero()[:, 0][:: 1 if slug == "exact_rnn" else 80]
    assert {certify(file.net, flipped(theta, index)).verdict for index in nonzero} == {"refuted"}
    figures = measured.results()["proofs"][slug]
    assert figures["flipped_signs"] == {"refuted": int((theta != 0).sum())}
    again = certify(file.net, theta)
    assert figures["verdict"] == again.verdict
    assert (figures["bound"], figures["clearance"]) == pytest.approx((again.bound, again.clearance), rel=1e-3)


def test_a_zero_with_a_minus_is_not_what_an_exact_sum_gives():
    file = shipped("exact_mlp")
    theta = flatten(file.net)
    index = int((theta == 0).nonzero()[0, 0])
    assert certify(file.net, flipped(theta, index)).verdict == "refuted"
    assert file.net.table[:, index].any()


def test_a_bit_that_may_tip_leaves_it_open():
    """An exact quine of another published string, whose least sure bit is nearer to 0 than our bounds are tight."""
    config = QuineConfig("rnn", "sign", environment_name("rnn", 0))
    net = build(config)
    exact = min(census(net), key=lambda found: found.margin)
    theta = net.decode(code_vector(exact.code, net.CODE)).float()
    assert examine(net, config, theta).report.verdict == "exact"
    proof = certify(net, theta)
    assert (proof.verdict, proof.clearance) == ("open", None)
    assert proof.bound > exact.margin
    index = int(theta.nonzero()[0, 0])
    assert certify(net, flipped(theta, index)).verdict == "refuted"  # no code at all is printed so


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e6])
@pytest.mark.parametrize("slug", SHIPPED)
def test_whatever_the_weights_the_answer_is_finite_and_no_certificate(slug, size):
    net, config = shipped(slug).net, SHIPPED[slug].config
    theta = (size * torch.randn(len(flatten(net)), generator=torch.Generator().manual_seed(0))).to(flatten(net).dtype)
    proof = prove(net, config, theta, "float")
    assert proof.verdict in ({"refuted"} if config.head == "sign" else {"open", "enclosed", "none"})
    assert proof.verdict != "enclosed" or size <= 1e-30  # zero is a true quine of the seed's network
    json.dumps(views.proof_facts(proof), allow_nan=False)


def test_a_true_quine_lies_where_it_is_said_to():
    """Found with 40 digits by another program; the file's weights are those digits, rounded."""
    pytest.importorskip("mpmath")
    from mpmath import mp

    file = shipped("newton")
    theta = flatten(file.net)
    proof = enclose(file.net, theta)
    assert proof.contraction < 0.01
    assert proof.radius < 1e-8
    net, root = newton_root(find_shipped("newton"))
    refined = multiprecision.refine_mlp(net, root.code, root.jacobian, 40)
    assert mp.mpf(refined.residual) < mp.mpf(10) ** -35
    assert abs(refined.weights - theta.numpy()).max() < proof.radius
    moved = enclose(file.net, theta + 1e-6 * torch.randn(len(theta), generator=torch.Generator().manual_seed(0)))
    assert abs(refined.weights - theta.numpy()).max() < 1e-15
    assert moved is None or moved.radius > 1e-6  # still round the same one, so farther from these weights


def test_the_true_quine_beside_query_is_found_from_farther_away_as_well():
    file = shipped("query")
    theta = flatten(file.net)
    near = enclose(file.net, theta)
    assert near.radius < 1e-10
    assert near.contraction < 1e-3
    moved = enclose(file.net, theta + 1e-9)
    assert 1e-9 < moved.radius < 1e-6
    assert enclose(file.net, theta + 0.01) is None


@pytest.mark.parametrize("slug", ["newton", "query"])
def test_slopes_are_those_of_differentiation(slug):
    net = shipped(slug).net
    theta = flatten(net)
    if slug == "newton":
        code = hidden_map(net)(theta)
        value, slopes = _code_and_slopes(net, Ball.exactly(code, FLOAT64))
        function = lambda h: hidden_map(net)(net.decode(h))  # noqa: E731
    else:
        code, function = theta, copier(net)
        value, slopes = _answers_and_slopes(net, Ball.exactly(theta, FLOAT64))
    torch.testing.assert_close(value.mid, function(code))
    torch.testing.assert_close(slopes.mid, torch.func.jacrev(function)(code))
    assert float(slopes.rad.max()) < 1e-6
    wide = (_code_and_slopes if slug == "newton" else _answers_and_slopes)(
        net, Ball(code, torch.full_like(code, 1e-4), FLOAT64)
    )[1]
    moved = code + 1e-4 * (2 * torch.rand(len(code), generator=torch.Generator().manual_seed(0)).double() - 1)
    assert bool(((torch.func.jacrev(function)(moved) - wide.mid).abs() <= wide.rad).all())


def test_both_doors_tell_the_proof_of_ours_and_of_a_strangers():
    report = endpoints.verify_quine("exact_rnn").report
    assert report["proof"]["verdict"] == "certified"
    assert report["proof"]["words"].startswith("Certified: no correct computer prints anything else.")
    assert views.proof_words(report["proof"]).startswith(
        "**Certified: no correct computer prints anything else.** What"
    )
    assert endpoints.verify_quine("newton").report["proof"]["verdict"] == "enclosed"
    assert endpoints.verify_quine("seed_rmsprop").report["proof"]["verdict"] == "none"


def test_a_strangers_file_gets_the_same_stage(tmp_path):
    file = shipped("exact_lstm")
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    good.write_bytes(checkpoint.to_bytes(file.net, file.config))
    assign(file.net, flipped(flatten(file.net), 7))
    bad.write_bytes(checkpoint.to_bytes(file.net, file.config))
    assert endpoints.verify_quine_file(good).report["proof"]["verdict"] == "certified"
    assert endpoints.verify_quine_file(bad).report["proof"]["verdict"] == "refuted"


def test_sensitivity_is_what_a_finite_difference_finds():
    file, figures = shipped("query"), measured.results()["sensitivity"]["query"]
    theta, printed = flatten(file.net), copier(file.net)
    step, own = 1e-6, []
    for index in range(len(theta)):
        nudge = torch.zeros_like(theta)
        nudge[index] = step
        own.append(float((printed(theta + nudge) - printed(theta - nudge))[index]) / (2 * step))
    sizes = np.abs(own)
    assert figures["median"] == pytest.approx(float(np.sort(sizes)[(len(sizes) - 1) // 2]), rel=1e-4)
    assert figures["largest"] == pytest.approx(sizes.max(), rel=1e-4)
    assert math.isclose(figures["within_a_tenth_of_1"], np.mean(abs(np.array(own) - 1) < 0.1))
