"""Exact means exact: every bit, in both precisions, in torch and numpy, in any order, with one thread or two."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import quine_reference as reference
import torch

from cppn.hub import BUNDLED
from cppn.quine.network import copier, flatten
from cppn.quine.verify import verify
from cppn.quine.weights import open_quine

EXACT = ("exact_mlp", "exact_cnn", "exact_rnn", "exact_lstm", "exact_transformer")
WEIGHTS = {"exact_mlp": 1020, "exact_cnn": 864, "exact_rnn": 608, "exact_lstm": 1024, "exact_transformer": 2160}


def shipped(slug):
    return BUNDLED / "quine" / f"{slug}.safetensors"


@pytest.mark.parametrize("slug", EXACT)
def test_every_bit_is_right_by_our_own_report(slug):
    report = verify(open_quine(shipped(slug))).report
    assert report.verdict == "exact"
    assert report.weights == WEIGHTS[slug]
    assert report.max_delta == report.mean_delta == 0
    assert report.bit_equal == report.bit_equal_float32 == report.bit_equal_float64 == 1
    assert report.margin >= 0.05
    assert report.sha256_weights == report.sha256_output
    # and it is not trivial
    assert report.std > 0.03
    assert report.zeros < 0.01 * report.weights
    assert report.distinct > 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("slug", EXACT)
def test_numpy_prints_the_same_bytes_in_any_summation_order(slug, dtype):
    for dot in (reference.plain_dot, reference.shuffled_dot(1), reference.shuffled_dot(2)):
        theta, output = reference.prints(shipped(slug), dtype, dot)
        assert theta.dtype == output.dtype == dtype
        assert output.tobytes() == theta.tobytes()


def test_the_reported_hash_is_that_of_the_bytes_numpy_reads():
    theta, output = reference.prints(shipped("exact_mlp"), np.float32)
    report = verify(open_quine(shipped("exact_mlp"))).report
    assert report.sha256_weights == hashlib.sha256(theta.tobytes()).hexdigest()
    assert report.sha256_output == hashlib.sha256(output.tobytes()).hexdigest()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("slug", EXACT)
def test_the_number_of_threads_does_not_matter(slug, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        net = open_quine(shipped(slug)).net
        for dtype in (torch.float32, torch.float64):
            theta = flatten(net).to(dtype)
            assert torch.equal(copier(net)(theta), theta)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("slug", EXACT)
def test_the_margins_agree_with_numpy(slug):
    state, config = reference.read(shipped(slug))
    z = reference.probe(config["environment"], reference.TABLES[config["architecture"]][1])
    state = {name: tensor.astype(np.float64) for name, tensor in state.items()}
    activation = reference.HIDDEN[config["architecture"]](state, z, reference.plain_dot)
    np.testing.assert_allclose(verify(open_quine(shipped(slug))).report.margins, abs(activation), atol=1e-4)


def test_all_weights_are_sums_of_the_table_with_twenty_signs():
    """What we say openly: 1,020 weights, 20 bits."""
    state, config = reference.read(shipped("exact_mlp"))
    order = reference.sorted_as_trained(state)
    fixed = reference.table("mlp", config["environment"], [(name, state[name].size) for name in order])
    theta = np.concatenate([state[name].reshape(-1) for name in order])
    code, *_ = np.linalg.lstsq(fixed.T, 4 * theta, rcond=None)
    np.testing.assert_allclose(abs(code), 1, atol=1e-9)
