"""One weight changed, all weights shaken, no weights at all."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import quine_reference as reference
import torch

from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.quine import endpoints, views
from cppn.quine.heal import heal, leave_zero, regenerate
from cppn.quine.making.measure import change_each, share_healed
from cppn.quine.network import flatten, split
from cppn.quine.tamper import place, tamper
from cppn.quine.weights import find_shipped, open_quine


@pytest.fixture(scope="module")
def exact():
    return open_quine(BUNDLED / "quine" / "exact_mlp.safetensors")


@pytest.fixture(scope="module")
def newton():
    return open_quine(BUNDLED / "quine" / "newton.safetensors")


def test_no_flipped_sign_ever_verifies_and_most_print_the_original(exact):
    theta = flatten(exact.net)
    verifies, original = change_each(exact.net, -theta)
    assert not bool((verifies & (theta != 0)).any())
    assert int((original & (theta != 0)).sum()) > 900


def test_change_each_agrees_with_numpy(exact):
    """Every 17th weight zeroed, one at a time, by the independent implementation."""
    state, config = reference.read(BUNDLED / "quine" / "exact_mlp.safetensors")
    order = reference.sorted_as_trained(state)
    fixed = reference.table("mlp", config["environment"], [(name, state[name].size) for name in order])
    z = reference.probe(config["environment"], (8,))
    theta = np.concatenate([state[name].reshape(-1) for name in order]).astype(np.float64)
    verifies, original = change_each(exact.net, torch.zeros(1020))
    for index in range(0, 1020, 17):
        changed = theta.copy()
        changed[index] = 0
        cuts = np.cumsum([state[name].size for name in order])[:-1]
        parts = {
            name: part.reshape(state[name].shape) for name, part in zip(order, np.split(changed, cuts), strict=True)
        }
        output = 0.25 * np.where(reference.mlp(parts, z, reference.plain_dot) >= 0, 1, -1) @ fixed
        assert bool(verifies[index]) == bool((output == changed).all())
        assert bool(original[index]) == bool((output == theta).all())


def test_a_repaired_weight_is_reported_as_such(exact):
    theta = flatten(exact.net)
    _, original = change_each(exact.net, -theta)
    index = int((original & (theta != 0)).nonzero()[0])
    result = tamper(exact.net, exact.config, index, -float(theta[index]))
    assert result.restored
    assert (result.original_bits, result.distance) == (1, 0)
    assert result.before == result.printed == -result.after != 0
    assert result.verification.report.verdict == "approximate"  # one weight of 1,020 is wrong
    assert not result.verification.report.is_quine
    assert "Not a quine. It prints the original" in views.tamper_words(result)
    assert torch.equal(flatten(exact.net), theta)  # the network itself is left alone


def test_a_tipped_code_prints_something_else(exact):
    """A large weight tips a bit of the code; half of all weights or so then come out otherwise."""
    result = next(result for index in range(40) if not (result := tamper(exact.net, exact.config, index, 0.4)).restored)
    assert result.original_bits < 0.2
    assert "tipped over" in views.tamper_words(result)


def test_a_weight_set_to_its_own_value_still_verifies(exact):
    result = tamper(exact.net, exact.config, 500, float(flatten(exact.net)[500]))
    assert result.verification.report.verdict == "exact"
    assert "nothing has changed" in views.tamper_words(result)


def test_a_tampered_newton_quine_no_longer_verifies(newton):
    result = tamper(newton.net, newton.config, 7, 0.5)
    assert not result.verification.report.is_quine
    assert 0 < result.distance < 0.5


@pytest.mark.parametrize(("index", "value"), [(-1, 0.0), (1020, 0.0), (0, math.nan), (0, math.inf), (0, 2e6)])
def test_impossible_tampering_is_refused(exact, index, value):
    with pytest.raises(ValueError, match="must"):
        tamper(exact.net, exact.config, index, value)


def test_places_are_those_of_the_tensors(exact):
    theta = flatten(exact.net)
    parts = split(exact.net, theta)
    for index in (0, 159, 160, 180, 579, 1019):
        layer, position = place(exact.net, index)
        assert parts[layer][position] == theta[index]
    assert place(exact.net, 1019) == ("l3.bias", (19,))
    assert place(exact.net, 181) == ("l2.weight", (0, 1))


def test_the_exact_quine_heals_small_noise_in_one_copy_and_not_large_noise(exact):
    small = heal(exact.net, 0.02, seed=0, steps=3, rate=1.0)
    assert small.healed
    assert views.healing_words(small) == "Healed to the last bit after 1 copy."
    assert (small.healed_at, small.tolerance, small.distances[1:]) == (1, 0, (0, 0, 0))
    large = heal(exact.net, 2.0, seed=0, steps=3, rate=1.0)
    assert not large.healed
    assert large.healed_at is None
    assert views.healing_words(large).startswith("Not healed after 3 copies")
    assert len(large.distances) == len(large.deltas) == 4


def test_the_newton_quine_heals_noise_as_large_as_its_weights(newton):
    rate = find_shipped("newton").rate
    assert share_healed(newton.net, 1.0, range(4), 250, rate) >= 0.75
    result = heal(newton.net, 0.5, seed=1, steps=250, rate=rate)
    assert result.distances[0] > 0.05
    assert result.distances[-1] < 1e-12
    assert result.distances[result.healed_at] <= result.tolerance < result.distances[result.healed_at - 1]


def test_weights_that_explode_are_not_healed():
    """One query a weight has no normalisation, and its quine repels: copies of copies grow without bound."""
    result = heal(open_quine(BUNDLED / "quine" / "query.safetensors").net, 0.1, seed=0, steps=600, rate=0.5)
    assert result.exploded
    assert not result.healed
    assert result.healed_at is None
    assert len(result.distances) == len(result.deltas) < 600
    assert all(math.isfinite(number) for number in (*result.distances, *result.deltas))
    assert "beyond a million" in views.healing_words(result)


def test_no_noise_is_healed_from_the_start(exact):
    assert heal(exact.net, 0.0, seed=0, steps=2, rate=1.0).healed_at == 0


def test_noise_comes_from_its_seed(newton):
    runs = [heal(newton.net, 0.1, seed, steps=1, rate=0.4).distances for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((-0.1, 0, 5), "noise must be a number from 0 to 10; -0.1 came instead"),
        ((11.0, 0, 5), "noise must be"),
        ((math.nan, 0, 5), "noise must be"),
        ((0.1, 0, 0), "steps must be a whole number from 1 to 1,000; 0 came instead"),
        ((0.1, 0, 1001), "steps must be"),
    ],
)
def test_impossible_healing_is_refused(arguments, words):
    with pytest.raises(VisitorError, match=words):
        endpoints.heal_quine("exact_mlp", *arguments)


@pytest.mark.parametrize("rate", [0.0, 1.1, math.nan])
def test_an_impossible_rate_is_a_fault_of_ours(exact, rate):
    with pytest.raises(ValueError, match="must lie"):
        heal(exact.net, 0.1, 0, 5, rate)


@pytest.mark.parametrize("noise", [-0.1, 1.1, math.nan])
def test_zero_is_left_with_little_noise_only(exact, noise):
    with pytest.raises(VisitorError, match="must lie"):
        leave_zero(exact.net, noise, 0, 5)


def test_regeneration_is_the_damped_fixed_point_iteration():
    path = list(regenerate(lambda theta: 3 * theta + 1, torch.tensor([1.0]), rate=0.25, steps=2))
    assert [float(theta) for theta in path] == [1.0, 1.75, 2.875]


def test_regeneration_ends_before_numbers_that_are_none():
    path = list(regenerate(lambda theta: theta * 1e5, torch.tensor([1.0]), rate=1.0, steps=5))
    assert [float(theta) for theta in path] == [1.0, 1e5]
    path = list(regenerate(lambda theta: theta * math.nan, torch.tensor([1.0]), rate=0.5, steps=5))
    assert [float(theta) for theta in path] == [1.0]


def test_zero_is_a_fixed_point_of_the_seeds_network_and_repels(newton):
    assert leave_zero(newton.net, 0.0, seed=0, steps=5) == (0,) * 6
    spread = leave_zero(newton.net, 1e-9, seed=0, steps=10)
    assert spread[0] < 2e-9
    assert all(later > 5 * earlier for earlier, later in itertools.pairwise(spread[:6]))
    assert 0.04 < spread[-1] < 0.08


def test_zero_is_no_fixed_point_with_a_sign_head(exact):
    assert leave_zero(exact.net, 0.0, seed=0, steps=1)[1] > 0.04
