"""The Quine wing's endpoints as functions: answers that are plain data, faults that are named."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from cppn.hub import BUNDLED
from cppn.quine import endpoints
from cppn.quine.catalogue import SHIPPED

EXACT = BUNDLED / "quine" / "exact_mlp.safetensors"


def test_all_quines_are_listed_with_what_their_files_hold():
    listed = endpoints.list_quines()
    assert [row["name"] for row in listed] == list(SHIPPED)
    for row in listed:
        report, *pictures = endpoints.verify_quine(row["name"])
        assert report["weights"] == row["weights"]
        assert report["architecture"] == row["architecture"]
        assert all(Path(picture).is_file() for picture in pictures)
        json.dumps(report, allow_nan=False)


def test_an_upload_gets_the_same_answer_as_the_shipped_file():
    assert endpoints.verify_quine_file(str(EXACT)) == endpoints.verify_quine("exact_mlp")


def test_tampering_and_healing_answer_with_plain_data():
    value = endpoints.weight_of("exact_mlp", 500)
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
    json.dumps(endpoints.tamper_quine(slug, 0, value), allow_nan=False)


def test_weights_that_explode_still_give_finite_numbers():
    facts, curve = endpoints.heal_quine("query", 10, 1, 200)
    assert facts["exploded"]
    json.dumps([facts, curve], allow_nan=False)


@pytest.mark.parametrize(
    ("call", "fault", "words"),
    [
        (lambda: endpoints.verify_quine("ouroboros"), KeyError, "ouroboros"),
        (lambda: endpoints.verify_quine_file(""), ValueError, "choose a"),
        (lambda: endpoints.tamper_quine("exact_mlp", 1020, 0), ValueError, "1019"),
        (lambda: endpoints.tamper_quine("exact_mlp", -1, 0), ValueError, "-1"),
        (lambda: endpoints.tamper_quine("exact_mlp", 1.5, 0), ValueError, "whole"),
        (lambda: endpoints.tamper_quine("exact_mlp", None, 0), ValueError, "index"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, math.nan), ValueError, "finite"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, math.inf), ValueError, "finite"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, 1e7), ValueError, "1,000,000"),
        (lambda: endpoints.tamper_quine("exact_mlp", 0, None), ValueError, "value"),
        (lambda: endpoints.heal_quine("exact_mlp", math.nan), ValueError, "noise"),
        (lambda: endpoints.heal_quine("exact_mlp", 11), ValueError, "10"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, 1, 0), ValueError, "steps"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, 1, 10**9), ValueError, "1000"),
        (lambda: endpoints.heal_quine("exact_mlp", 0.1, math.inf), ValueError, "seed"),
        (lambda: endpoints.heal_quine("nobody"), KeyError, "nobody"),
    ],
)
def test_faults_are_named(call, fault, words):
    with pytest.raises(fault, match=words):
        call()


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
def test_any_whole_seed_will_do(seed):
    endpoints.heal_quine("exact_mlp", 0.05, seed, 2)


def test_a_file_of_wild_weights_gives_finite_numbers(tmp_path):
    state = safetensors.numpy.load(EXACT.read_bytes())
    wild = {name: np.full_like(array, 1e6) for name, array in state.items()}
    (tmp_path / "wild.safetensors").write_bytes(safetensors.numpy.save(wild))
    with pytest.raises(ValueError, match=r"missing|table|proj"):  # without a config it is the seed's own network
        endpoints.verify_quine_file(str(tmp_path / "wild.safetensors"))
