"""The Quine wing's endpoints as functions: answers that are plain data, faults that are named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from cppn.endpoint import run_command
from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.quine import endpoints, weights
from cppn.quine.weights import SHIPPED

EXACT = BUNDLED / "quine" / "exact_mlp.safetensors"


def test_all_quines_are_listed_with_what_their_files_hold():
    listed = endpoints.list_quines().quines
    assert [row["name"] for row in listed] == list(SHIPPED)
    for row in listed:
        report, *pictures = endpoints.verify_quine(row["name"])
        assert report["weights"] == row["weights"]
        assert report["architecture"] == row["architecture"]
        assert all(Path(picture).is_file() for picture in pictures)
        json.dumps(report, allow_nan=False)


def test_an_upload_gets_the_same_answer_as_the_shipped_file():
    (report, *pictures), (known, *others) = endpoints.verify_quine_file(str(EXACT)), endpoints.verify_quine("exact_mlp")
    assert report == known | {"weights_from": "brought by you"}
    assert pictures == others
    assert list(known)[:2] == ["verdict", "words"]
    assert list(known)[-2:] == ["weights_from", "note"]
    assert (known["weights_from"], known["note"]) == ("bundled with this app", "")


def test_tampering_and_healing_answer_with_plain_data():
    value = -endpoints.flipped("exact_mlp", 500)
    facts, *pictures = endpoints.tamper_quine("exact_mlp", 500, -value)
    assert (facts["before"], facts["after"]) == (value, -value)
    assert facts["verification"]["is_quine"] is False
    assert len(pictures) == 2
    healing, curve = endpoints.heal_quine("exact_mlp", 0.05, 1, 20)
    assert healing["healed"]
    json.dumps([facts, healing, curve], allow_nan=False)
    assert endpoints.heal_quine("exact_mlp", 0.05, 1, 20) == (healing, curve)


@pytest.mark.parametrize("slug", SHIPPED)
@pytest.mark.parametrize("value", [1e6, -1e6, 1e-300])
def test_the_wildest_value_still_gives_finite_numbers(slug, value):
    json.dumps(endpoints.tamper_quine(slug, 0, value).report, allow_nan=False)


def test_weights_that_explode_still_give_finite_numbers():
    facts, curve = endpoints.heal_quine("query", 10, 1, 200)
    assert facts["exploded"]
    json.dumps([facts, curve], allow_nan=False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: endpoints.verify_quine("ouroboros"), "name must be one of: exact_mlp, .*'ouroboros' came instead"),
        (lambda: endpoints.verify_quine_file(""), "weights must be a file; nothing came instead"),
        (lambda: endpoints.verify_quine_file(None), "weights must be a file; nothing"),
        (lambda: endpoints.verify_quine_file("/dev/zero"), "there is no file 'zero'"),
        (lambda: endpoints.tamper_quine("exact_mlp", 1020, 0), "between 0 and 1019 in this network, not 1020"),
        (lambda: endpoints.tamper_quine("exact_mlp", 2160, 0), "index must be a whole number from 0 to 2,159; 2160"),
        (lambda: endpoints.tamper_quine("exact_mlp", -1, 0), "index must .* -1 came"),
        (lambda: endpoints.tamper_quine("exact_mlp", 1.5, 0), "index must be a whole number"),
        (lambda: endpoints.tamper_quine("exact_mlp", None, 0), "index must .* nothing came"),
        (lambda: endpoints.flipped("exact_mlp", None), "index must .* nothing came"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, math.nan), "value must be a number from .* nan came"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, math.inf), "value must be a number from .* inf came"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, 1e7), "1,000,000"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, None), "value must .* nothing came"),
        (lambda: endpoints.heal_quine("exact_mlp", math.nan), "noise must"),
        (lambda: endpoints.heal_quine("exact_mlp", 11), "noise must be a number from 0 to 10; 11 came"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, 1, 0), "steps must"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, 1, 10**9), "steps must be a whole number from 1 to 1,000"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, math.inf), "seed must"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, 2**53 + 1), "seed must"),
        (lambda: endpoints.heal_quine("nobody"), "name must .*'nobody'"),
    ],
)
def test_faults_are_named(call, words):
    with pytest.raises(VisitorError, match=words):
        call()


@pytest.mark.parametrize("seed", [-1, 2**53, -(2**53)])
def test_any_whole_seed_will_do(seed):
    endpoints.heal_quine("exact_mlp", 0.05, seed, 2)


def test_a_weight_beyond_the_network_is_not_flipped_but_reported():
    assert endpoints.flipped("exact_mlp", 2000) == 0
    assert endpoints.flipped("exact_mlp", 500) != 0


def test_the_last_index_is_that_of_the_largest_network():
    assert max(row["weights"] for row in endpoints.list_quines().quines) == endpoints.LAST_INDEX + 1


def test_long_healing_waits_with_the_large_questions():
    cost = endpoints.heal_quine.cost
    assert cost(**endpoints.heal_quine.defaults) < 1 < cost(name="exact_lstm", noise=0.1, seed=1, steps=1000) < 2


def test_where_the_weights_came_from_is_said_wherever_they_are_used(monkeypatch):
    """As `CPPN_WEIGHTS` names a Hub that does not answer."""
    quine = replace(weights.quine_of("exact_mlp"), note="the Hub did not answer")
    monkeypatch.setattr(endpoints, "quine_of", lambda name: quine)
    for answer in (endpoints.verify_quine(), endpoints.tamper_quine(), endpoints.heal_quine(steps=2)):
        told = answer.report["weights_from"], answer.report["note"]
        assert told == ("bundled with this app", "the Hub did not answer")


@pytest.mark.parametrize(
    ("asked", "argv", "key"),
    [
        (endpoints.list_quines, [], "quines"),
        (endpoints.tamper_quine, ["exact_rnn", "--index", "3", "--value", "-0.5", "--out", "rnn.png"], "report"),
        (endpoints.heal_quine, ["exact_rnn", "--noise", "0.05", "--steps", "4"], "curve"),
    ],
)
def test_every_question_is_a_command(asked, argv, key, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(asked, "python -m cppn quine", argv) == 0
    assert json.loads(capsys.readouterr().out)[key]
    assert {path.name for path in tmp_path.iterdir()} == ({"rnn.png", "rnn-original.png"} if "--out" in argv else set())
