"""Verdicts, and what becomes of files that lie."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import quine_reference as reference
import safetensors.torch
import torch

from cppn import checkpoint
from cppn.__main__ import main
from cppn.checkpoint import CheckpointError
from cppn.hub import BUNDLED
from cppn.quine.architectures import build
from cppn.quine.catalogue import SHIPPED, find_shipped, open_shipped
from cppn.quine.network import QuineConfig, assign, copier, flatten
from cppn.quine.regeneration import draw_as_the_seed
from cppn.quine.verify import examine, judge, load, ulp_distance, verify

SEED = QuineConfig()


def shipped(slug):
    return BUNDLED / find_shipped(slug).file


def as_file(net, config):
    return checkpoint.to_bytes(net, config)


@pytest.mark.parametrize(
    ("slug", "verdict"),
    [("newton", "float"), ("query", "float"), ("seed_rmsprop", "approximate"), ("auxiliary", "approximate")],
)
def test_the_other_shipped_files_get_the_verdict_they_deserve(slug, verdict):
    report = verify(shipped(slug)).report
    assert report.verdict == verdict
    assert report.is_quine == (verdict == "float")


def test_newton_and_query_reach_float_precision():
    for slug, weights in (("newton", 1020), ("query", 528)):
        report = verify(shipped(slug)).report
        assert report.weights == weights >= 136
        assert 0 < report.max_delta <= 1e-15
        assert report.std > 0.05


def test_the_seeds_training_stands_where_the_seed_left_it():
    report = verify(shipped("seed_rmsprop")).report
    assert 1e-3 < report.max_delta < 1e-2
    assert report.r2 > 0.99
    assert report.bit_equal == 0
    assert "own read-out table" in report.words


@pytest.mark.parametrize("slug", ["newton", "query", "seed_rmsprop"])
def test_figures_agree_with_numpy(slug):
    theta, output = reference.prints(shipped(slug), np.float64)
    report, delta = verify(shipped(slug)).report, abs(output - theta)
    tolerance = 1e-14 if report.is_quine else 1e-9
    assert abs(report.max_delta - delta.max()) < tolerance
    assert abs(report.mean_delta - delta.mean()) < tolerance
    assert abs(report.r2 - (1 - (delta**2).sum() / ((theta - theta.mean()) ** 2).sum())) < 1e-9
    assert abs(report.relative_delta - delta.max() / theta.std()) < 1e-9
    assert math.isclose(report.std, theta.std(), rel_tol=1e-12)


@pytest.mark.parametrize("slug", SHIPPED)
def test_reports_are_plain_finite_json(slug):
    report = verify(shipped(slug)).report
    text = json.dumps(asdict(report), allow_nan=False)
    assert json.loads(text)["verdict"] == report.verdict
    assert sum(count for _, count in report.ulp_histogram) == report.weights


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_catalogue_and_the_file_agree(slug):
    assert open_shipped(slug, BUNDLED).config == SHIPPED[slug].config


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="exact_mlp"):
        find_shipped("no such quine")
    assert find_shipped(" Exact_MLP ").slug == "exact_mlp"


def test_all_zero_weights_are_a_trivial_quine():
    net = build(SEED)
    net.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()})
    net.proj.normal_(generator=torch.Generator().manual_seed(1))
    report = verify(as_file(net, SEED)).report
    assert (report.verdict, report.max_delta, report.r2, report.is_quine) == ("trivial", 0, None, False)


def test_with_a_sign_head_zero_is_no_quine_at_all(tmp_path):
    config = QuineConfig("mlp", "sign", "some environment")
    net = build(config)
    assign(net, torch.zeros(1020))
    assert verify(as_file(net, config)).report.verdict == "not_a_quine"


def test_random_weights_are_no_quine():
    config = QuineConfig("lstm", "sign", "some environment")
    assert verify(as_file(build(config), config)).report.verdict == "not_a_quine"


def test_a_rigged_table_prints_anything_and_is_told_on():
    net = draw_as_the_seed(1, "float64")
    config = QuineConfig(dtype="float64")
    with torch.no_grad():
        h, theta = net.hidden(net.probe), flatten(net)
        net.proj += torch.outer(h, 4 * theta - h @ net.proj) / h.square().sum()
    report = verify(as_file(net, config)).report
    assert report.max_delta < 1e-15  # the forgery works
    assert (report.verdict, report.table, report.is_quine) == ("approximate", "own", False)
    assert "can be made to print any weights" in report.words


def test_a_quine_of_one_environment_is_none_in_another():
    loaded = load(shipped("exact_mlp"))
    config = replace(loaded.config, environment="quine/mlp/11")
    other = build(config)
    assign(other, flatten(loaded.net))
    assert verify(as_file(other, config)).report.verdict == "not_a_quine"


def test_bits_without_a_margin_are_not_called_exact():
    figures = asdict(verify(shipped("exact_mlp")).report)
    assert judge(figures, typical=0.04) == "exact"
    assert judge({**figures, "margin": 1e-6}, typical=0.04) == "float"


def test_rounding_is_judged_by_a_typical_weight_and_not_by_the_largest():
    """F(theta) = theta but for errors of 1e-9, beside one weight of a million that would excuse them in float64."""
    net = draw_as_the_seed(0, "float64")
    config = QuineConfig("mlp", "identity", "some environment", "float64")
    theta = flatten(net)
    theta[0] = 1e6
    figures = asdict(examine(build(config), config, theta).report)
    typical = float(theta.abs().median())
    assert typical < 1
    assert judge({**figures, "max_delta": 1e-9}, typical) != "float"
    assert judge({**figures, "max_delta": 1e-16}, typical) == "float"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ulp_distance_counts_floats(dtype):
    one = torch.ones(1, dtype=dtype)
    up = torch.nextafter(torch.nextafter(one, one * 2), one * 2)
    least = torch.nextafter(one * 0, one)
    a = torch.cat([one, one, -least, one * 0, one])
    b = torch.cat([one, up, least, -one * 0, -one])
    size_of_one = int(one.view(torch.int32 if dtype == torch.float32 else torch.int64))
    assert ulp_distance(a, b).tolist() == [0, 2, 2, 0, 2 * size_of_one]


def hostile_files():
    net = build(SEED)
    good = {name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()}
    wrong_shape = {**good, "l2.weight": torch.zeros(20, 21)}
    not_finite = {**good, "l1.bias": torch.full((20,), math.nan)}
    infinite = {**good, "l1.bias": torch.full((20,), math.inf)}
    absurd = {**good, "l1.bias": torch.full((20,), 1e30)}
    save = safetensors.torch.save
    return {
        "wrong shape": (save(wrong_shape), "l2.weight should be"),
        "NaN": (save(not_finite), "not finite"),
        "infinity": (save(infinite), "not finite"),
        "absurd": (save(absurd), "beyond 1,000,000"),
        "huge": (b"\0" * (300 * 1024), "at most"),
        "float64 without saying so": (save({name: t.double() for name, t in good.items()}), "should be F32"),
        "one missing": (save({name: t for name, t in good.items() if name != "proj"}), "missing"),
        "pickle": (b"PK\x03\x04" + b"\0" * 100, "pickle"),
        "empty": (b"", "too short"),
        "text": (b"I am a quine, believe me. " * 10, "not a safetensors file"),
        "unknown architecture": (save(good, {"config": '{"architecture":"oracle"}'}), "architecture must be"),
        "brought its own table": (save(good, {"config": '{"head":"sign"}'}), "own table"),
        "unknown key": (save(good, {"config": '{"scale":4}'}), "unknown key"),
        "table for a published one": (save(good, {"config": '{"environment":"x"}'}), "unexpected tensor"),
    }


@pytest.mark.parametrize("name", hostile_files())
def test_a_hostile_file_gets_a_clear_error(name):
    data, message = hostile_files()[name]
    with pytest.raises(CheckpointError, match=message):
        verify(data)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e6])
@pytest.mark.parametrize("config", [quine.config for quine in SHIPPED.values()], ids=list(SHIPPED))
def test_the_report_stays_finite_at_the_limits(config, size):
    net = build(config)
    weights = torch.randn(len(flatten(net)), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    if config.environment is None:
        net.proj.fill_(size)
        net.input_probe.fill_(size)
    theta = (weights.clamp(-1, 1) * size).to(next(net.parameters()).dtype)
    json.dumps(asdict(examine(net, config, theta).report), allow_nan=False)


def test_examine_leaves_the_network_alone():
    loaded = load(shipped("exact_mlp"))
    before = flatten(loaded.net)
    examine(loaded.net, loaded.config, -before)
    assert torch.equal(flatten(loaded.net), before)
    assert torch.equal(copier(loaded.net)(before), before)


def test_the_command_prints_the_report_and_tells_by_its_exit_status(capsys, tmp_path):
    assert main(["quine", "verify", str(shipped("exact_mlp"))]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "exact"
    assert main(["quine", "verify", str(shipped("seed_rmsprop"))]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "approximate"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights at all")
    assert main(["quine", "verify", str(broken)]) == 2
    assert main(["quine", "verify", str(tmp_path / "absent.safetensors")]) == 2
    errors = capsys.readouterr().err
    assert "broken.safetensors: this is not a safetensors file" in errors
    assert "absent.safetensors" in errors
