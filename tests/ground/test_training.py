"""`cppn.training` against numpy written from the formulas."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
import torch

from cppn.training import ImportanceSampler, linear_decay, log_spaced, named_generator

# --- seeds, schedules, measures


def test_a_generator_depends_on_its_name_and_seed_alone():
    seed = int.from_bytes(hashlib.sha256(b"flags:3").digest()[:8], "big") // 2
    expected = torch.rand(4, generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(1)
    assert torch.equal(torch.rand(4, generator=named_generator("flags", 3)), expected)
    for other in (named_generator("flags", 4), named_generator("flag", 3)):
        assert not torch.equal(torch.rand(4, generator=other), expected)


@pytest.mark.parametrize(
    ("fraction", "warmup", "factor"),
    [(0, 0, 1), (0.5, 0, 0.5), (1, 0, 0), (1.5, 0, 0), (0, 0.1, 0), (0.05, 0.1, 0.475), (0.1, 0.1, 0.9), (1, 0.1, 0)],
)
def test_the_learning_rate_rises_then_falls_to_nothing(fraction, warmup, factor):
    assert linear_decay(fraction, warmup) == pytest.approx(factor)


def test_log_spaced_numbers_run_from_zero_to_the_last_ever_farther_apart():
    numbers = log_spaced(20_000, 64)
    assert numbers[:4] == [0, 1, 2, 3]
    assert numbers[-1] == 20_000
    assert 40 <= len(numbers) <= 64
    gaps = np.diff(numbers)
    assert gaps.min() >= 1
    large = gaps > 20  # below, rounding to whole numbers shows
    assert np.all(np.diff(gaps[large]) > 0)


@pytest.mark.parametrize(("last", "numbers"), [(0, [0]), (1, [0, 1]), (2, [0, 1, 2])])
def test_log_spaced_numbers_of_a_short_run_do_not_repeat(last, numbers):
    assert log_spaced(last, 5) == numbers


# --- importance sampling

ERROR = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
SHARE = 0.6
PROBABILITY = (1 - SHARE) / 5 + SHARE * np.arange(5) / 10
DRAWS = 100_000


def draw_after(sampler: ImportanceSampler, *errors: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Indices and weights of many draws after these updates."""
    for error in errors:
        sampler.update(error)
    index, weight = sampler.draw(DRAWS, named_generator("test", 0))
    return index.numpy(), weight.numpy()


def assert_frequencies(index: np.ndarray, probability: np.ndarray) -> None:
    """Every count lies within five standard deviations of a binomial."""
    counts = np.bincount(index, minlength=len(probability))
    spread = np.sqrt(DRAWS * probability * (1 - probability))
    assert np.all(np.abs(counts - DRAWS * probability) < 5 * spread)


def test_samples_are_uniform_at_first():
    index, weight = draw_after(ImportanceSampler(5, SHARE))
    assert_frequencies(index, np.full(5, 0.2))
    np.testing.assert_allclose(weight, 1, rtol=1e-6)


def test_samples_follow_the_error_by_the_share():
    index, weight = draw_after(ImportanceSampler(5, SHARE), torch.ones(5), ERROR)
    assert_frequencies(index, PROBABILITY)
    np.testing.assert_allclose(weight, (1 / (5 * PROBABILITY))[index], rtol=1e-6)


def test_weighted_samples_keep_the_mean_of_anything_unbiased():
    index, weight = draw_after(ImportanceSampler(5, SHARE), ERROR)
    anything = np.array([9.0, 5.0, 2.0, 1.0, 0.5])
    samples = weight * anything[index]
    assert abs(samples.mean() - anything.mean()) < 5 * samples.std() / math.sqrt(DRAWS)
    assert abs(anything[index].mean() - anything.mean()) > 0.5  # without the weights it would be far off


@pytest.mark.parametrize(
    ("share", "error"), [(0.0, ERROR), (SHARE, torch.zeros(5)), (SHARE, torch.full((5,), math.nan))]
)
def test_an_error_that_says_nothing_leaves_samples_uniform(share, error):
    index, _ = draw_after(ImportanceSampler(5, share), error)
    assert_frequencies(index, np.full(5, 0.2))


def test_the_same_generator_draws_the_same_samples():
    sampler = ImportanceSampler(1000, SHARE)
    first, second = (sampler.draw(64, named_generator("test", 1))[0] for _ in range(2))
    assert torch.equal(first, second)


def test_a_sampler_goes_on_where_it_was():
    first, second = ImportanceSampler(5, SHARE), ImportanceSampler(5, SHARE)
    first.update(ERROR)
    second.load_state_dict(first.state_dict())
    for a, b in zip(draw_after(first), draw_after(second), strict=True):
        np.testing.assert_array_equal(a, b)
