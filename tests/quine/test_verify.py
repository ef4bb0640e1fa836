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
from cppn.checkpoint import CheckpointError
from cppn.endpoint import run_command
from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.quine import endpoints, views
from cppn.quine.architectures import build
from cppn.quine.making.seed_training import draw_as_the_seed
from cppn.quine.network import QuineConfig, assign, copier, flatten
from cppn.quine.verify import Report, examine, judge, ulp_distance, verify
from cppn.quine.weights import SHIPPED, find_shipped, open_quine, quine_of

SEED = QuineConfig()


def shipped(slug):
    return BUNDLED / find_shipped(slug).file


def report_on(source) -> Report:
    return verify(open_quine(source)).report


def as_file(net, config):
    return checkpoint.to_bytes(net, config)


@pytest.mark.parametrize(
    ("slug", "verdict"),
    [("newton", "float"), ("query", "float"), ("seed_rmsprop", "approximate"), ("auxiliary", "approximate")],
)
def test_the_other_shipped_files_get_the_verdict_they_deserve(slug, verdict):
    report = report_on(shipped(slug))
    assert report.verdict == verdict
    assert report.is_quine == (verdict == "float")


def test_newton_and_query_reach_float_precision():
    for slug, weights in (("newton", 1020), ("query", 528)):
        report = report_on(shipped(slug))
        assert report.weights == weights >= 136
        assert 0 < report.max_delta <= 1e-15
        assert report.std > 0.05


def test_the_seeds_training_stands_where_the_seed_left_it():
    report = report_on(shipped("seed_rmsprop"))
    assert 1e-3 < report.max_delta < 1e-2
    assert report.r2 > 0.99
    assert report.bit_equal == 0
    assert "own read-out table" in views.verdict_words(report)


@pytest.mark.parametrize("slug", ["newton", "query", "seed_rmsprop"])
def test_figures_agree_with_numpy(slug):
    theta, output = reference.prints(shipped(slug), np.float64)
    report, delta = report_on(shipped(slug)), abs(output - theta)
    tolerance = 1e-14 if report.is_quine else 1e-9
    assert abs(report.max_delta - delta.max()) < tolerance
    assert abs(report.mean_delta - delta.mean()) < tolerance
    assert abs(report.r2 - (1 - (delta**2).sum() / ((theta - theta.mean()) ** 2).sum())) < 1e-9
    assert abs(report.relative_delta - delta.max() / theta.std()) < 1e-9
    assert math.isclose(report.std, theta.std(), rel_tol=1e-12)


@pytest.mark.parametrize("slug", SHIPPED)
def test_reports_are_plain_finite_json(slug):
    report = report_on(shipped(slug))
    text = json.dumps(asdict(report), allow_nan=False)
    assert json.loads(text)["verdict"] == report.verdict
    assert sum(count for _, count in report.ulp_histogram) == report.weights


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_catalogue_and_the_file_agree(slug):
    assert open_quine(shipped(slug)).config == SHIPPED[slug].config


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(VisitorError, match="exact_mlp"):
        find_shipped("no such quine")
    assert find_shipped(" Exact_MLP ").slug == "exact_mlp"


def test_all_zero_weights_are_a_trivial_quine():
    net = build(SEED)
    net.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()})
    net.proj.normal_(generator=torch.Generator().manual_seed(1))
    report = report_on(as_file(net, SEED))
    assert (report.verdict, report.max_delta, report.r2, report.is_quine) == ("trivial", 0, None, False)


def test_with_a_sign_head_zero_is_no_quine_at_all(tmp_path):
    config = QuineConfig("mlp", "sign", "some environment")
    net = build(config)
    assign(net, torch.zeros(1020))
    assert report_on(as_file(net, config)).verdict == "not_a_quine"


def test_random_weights_are_no_quine():
    config = QuineConfig("lstm", "sign", "some environment")
    assert report_on(as_file(build(config), config)).verdict == "not_a_quine"


def test_a_rigged_table_prints_anything_and_is_told_on():
    net = draw_as_the_seed(1, "float64")
    config = QuineConfig(dtype="float64")
    with torch.no_grad():
        h, theta = net.hidden(net.probe), flatten(net)
        net.proj += torch.outer(h, 4 * theta - h @ net.proj) / h.square().sum()
    report = report_on(as_file(net, config))
    assert report.max_delta < 1e-15  # the forgery works
    assert (report.verdict, report.table, report.is_quine) == ("approximate", "own", False)
    assert "can be made to print any weights" in views.verdict_words(report)


def test_a_quine_of_one_environment_is_none_in_another():
    loaded = open_quine(shipped("exact_mlp"))
    config = replace(loaded.config, environment="quine/mlp/11")
    other = build(config)
    assign(other, flatten(loaded.net))
    assert report_on(as_file(other, config)).verdict == "not_a_quine"


def test_bits_without_a_margin_are_not_called_exact():
    figures = asdict(report_on(shipped("exact_mlp")))
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
        "wrong shape": (save(wrong_shape), "tensor l2.weight is 20 x 21, not 20 x 20"),
        "NaN": (save(not_finite), "not finite"),
        "infinity": (save(infinite), "not finite"),
        "absurd": (save(absurd), "beyond 1,000,000"),
        "huge": (b"\0" * (300 * 1024), "at most"),
        "float64 without saying so": (
            save({name: t.double() for name, t in good.items()}),
            "holds F64 numbers where F32 is expected",
        ),
        "one missing": (save({name: t for name, t in good.items() if name != "proj"}), "missing"),
        "pickle": (b"PK\x03\x04" + b"\0" * 100, "pickle"),
        "empty": (b"", "empty"),
        "text": (b"I am a quine, believe me. " * 10, "a text, not a safetensors file"),
        "unknown architecture": (save(good, {"config": '{"architecture":"oracle"}'}), "architecture must be"),
        "brought its own table": (save(good, {"config": '{"head":"sign"}'}), "own table"),
        "unknown key": (save(good, {"config": '{"scale":4}'}), "unknown key"),
        "table for a published one": (save(good, {"config": '{"environment":"x"}'}), "unexpected tensor"),
    }


@pytest.mark.parametrize("name", hostile_files())
def test_a_hostile_file_gets_a_clear_error(name):
    data, message = hostile_files()[name]
    with pytest.raises(CheckpointError, match=message):
        open_quine(data)


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
    loaded = open_quine(shipped("exact_mlp"))
    before = flatten(loaded.net)
    examine(loaded.net, loaded.config, -before)
    assert torch.equal(flatten(loaded.net), before)
    assert torch.equal(copier(loaded.net)(before), before)


def test_a_shipped_quine_is_opened_once_and_says_where_it_came_from():
    assert quine_of("exact_mlp") is quine_of(" Exact_MLP ")
    assert (quine_of("exact_mlp").source, quine_of("exact_mlp").note) == ("bundled with this app", "")


def test_a_sentence_for_each_verdict_and_a_warning_of_tables_that_were_brought():
    report = report_on(shipped("exact_mlp"))
    assert views.verdict_words(report) == "An exact quine: it prints every one of its 1,020 weights, to the last bit."
    for verdict in views.CARDS:
        assert "own read-out table" in views.verdict_words(replace(report, verdict=verdict, table="own"))


def test_the_command_prints_the_report_and_tells_by_its_exit_status(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(*argv) -> int:
        return run_command(endpoints.verify_quine_file, "python -m cppn quine verify", [str(word) for word in argv])

    assert command(shipped("exact_mlp")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["report"]["verdict"] == "exact"
    pictures = {printed[name] for name in ("weights", "output", "difference", "plain_difference")}
    assert pictures == {path.name for path in tmp_path.iterdir()}
    assert len(pictures) == 4
    assert command(shipped("seed_rmsprop")) == 1
    assert json.loads(capsys.readouterr().out)["report"]["verdict"] == "approximate"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights at all")
    assert command(broken) == 2
    assert command(tmp_path / "absent.safetensors") == 2
    assert command() == 2
    errors = capsys.readouterr().err
    assert "python -m cppn quine verify: this is" in errors
    assert "not a safetensors file" in errors
    assert "absent.safetensors" in errors


def test_a_shipped_quine_is_checked_by_its_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = endpoints.verify_quine
    assert run_command(asked, "check", ["Exact_RNN", "--out", "rnn.png"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["architecture"] == "rnn"
    assert {path.name for path in tmp_path.iterdir()} >= {"rnn.png", "rnn-output.png"}
    assert run_command(asked, "check", ["auxiliary"]) == 1
    assert run_command(asked, "check", ["ouroboros"]) == 2
    assert "name must be one of: exact_mlp" in capsys.readouterr().err
