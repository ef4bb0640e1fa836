"""The exact posterior against brute force, and its commands."""

from __future__ import annotations

import contextvars
import math
from types import SimpleNamespace

import numpy as np
import odd_reference as reference
import pytest

from cppn.faults import Abandoned, expect_work_while
from cppn.journal import Journal
from cppn.odd_shapes.dataset import KINDS, named_rng, sample
from cppn.odd_shapes.endpoints import pictures_of
from cppn.odd_shapes.making import bayes
from cppn.odd_shapes.making.bayes import Compared, summarise
from cppn.odd_shapes.placements import fitting
from cppn.odd_shapes.posterior import WEIGHT, TooManyError, posterior


def ink_of(*shapes: tuple[str, int, int, int]) -> np.ndarray:
    return (reference.draw(list(shapes)) == 0).astype(np.uint8)


def brute_force(ink: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Posterior (64 y, 64 x) by drawing from the prior, restricted to shapes in the ink, and keeping what matches.

    For each base kind and each odd placement in the ink, up to six base placements in the ink are drawn; the share of
    draws that cover everything, times the probability that all lie in the ink, is the likelihood.
    """
    fits = np.argwhere(fitting(ink))
    masks = np.array([reference.draw([(KINDS[k], int(r) + 4, int(x), int(y))]) == 0 for k, r, y, x in fits])
    masks = masks[:, ink.astype(bool)]
    weight = WEIGHT[fits[:, 1]]
    total = np.zeros((64, 64))
    for base in range(3):
        own, odd = np.flatnonzero(fits[:, 0] == base), np.flatnonzero(fits[:, 0] != base)
        if not len(own) or not len(odd):
            continue
        inside, outside = weight[own].sum(), weight[odd].sum() / 2
        for count in range(3, 7):
            chosen = rng.choice(own, (draws, count), p=weight[own] / inside)
            odds = rng.choice(odd, draws, p=weight[odd] / weight[odd].sum())
            whole = (masks[chosen].any(axis=1) | masks[odds]).all(axis=1)
            share = inside**count * outside / draws
            np.add.at(total, tuple(fits[odds[whole], 2:].T), share)
    return total / total.sum()


def test_the_posterior_is_that_of_brute_force():
    """A small clump with several explanations: two squares that overlap and may hide a circle or a triangle."""
    ink = ink_of(("square", 5, 20, 20), ("square", 4, 24, 16))
    exact = posterior(ink)
    sampled = brute_force(ink, np.random.default_rng(0), 100_000)
    assert exact.probability.sum() == pytest.approx(1)
    assert np.count_nonzero(exact.probability) > 10
    assert np.abs(exact.probability - sampled).sum() < 0.1  # falls with the root of the draws: 0.014 with 1,500,000
    rows, columns = np.indices((64, 64))
    mean = (sampled * columns).sum(), (sampled * rows).sum()
    assert exact.mean == pytest.approx(mean, abs=0.1)
    spread = math.sqrt((sampled * ((columns - mean[0]) ** 2 + (rows - mean[1]) ** 2)).sum())
    assert exact.uncertainty == pytest.approx(spread, abs=0.1)
    assert math.dist(exact.mean, (20, 20)) > 0.05  # not simply the largest shape


def test_a_clear_picture_has_one_answer():
    ink = ink_of(("square", 8, 15, 15), ("square", 5, 45, 15), ("square", 6, 15, 45), ("circle", 9, 45, 45))
    assert posterior(ink).mean == pytest.approx((45, 45), abs=1e-3)


def test_visible_odd_shapes_of_the_dataset_are_found_exactly():
    pictures = sample(named_rng("posterior", 0), 40)
    clear = np.flatnonzero(pictures.visible > 0.5)[:12]
    distance = []
    for n in clear:
        mean = posterior(pictures.ink[n]).mean
        distance.append(math.dist(mean, (pictures.x[n, 0], pictures.y[n, 0])))
    assert np.median(distance) < 1e-6
    assert np.mean(distance) < 0.3


def test_mirrored_pictures_have_mirrored_answers():
    pictures = sample(named_rng("posterior", 1), 6)
    for n in range(6):
        x, y = posterior(pictures.ink[n]).mean
        assert posterior(pictures.ink[n][:, ::-1]).mean == pytest.approx((63 - x, y), abs=1e-6)


def test_impossible_ink_and_a_small_budget_are_refused():
    with pytest.raises(ValueError, match="no draw"):
        posterior(ink_of(("square", 6, 20, 20)) | np.eye(64, dtype=np.uint8))
    with pytest.raises(TooManyError):
        posterior(sample(named_rng("posterior", 0), 1).ink[0], budget=2)


def test_a_search_ends_with_its_time_or_when_nobody_waits():
    ink = pictures_of(21, "any", "any", 0).ink[0]  # everything is hidden, 6,744 branches
    with pytest.raises(TooManyError, match="time"):
        posterior(ink, seconds=0)

    def alone() -> None:
        expect_work_while(lambda: False)
        posterior(ink)

    with pytest.raises(Abandoned):
        contextvars.copy_context().run(alone)


def test_strata_are_weighted_by_their_shares():
    half = {"hidden": 0.5, "0-25%": 0.0, "25-50%": 0.0, "over 50%": 0.5}
    compared = [
        Compared(0.0, np.array([4.0, 4.0]), np.array([2.0, 2.0])),
        Compared(0.0, np.array([9.0, 9.0]), None),
        Compared(1.0, np.array([1.0, 1.0]), np.array([0.0, 0.0])),
    ]
    summary = summarise(compared, half)
    assert summary["rmse"] == pytest.approx(math.sqrt(2), abs=1e-3)
    assert summary["network_rmse"] == pytest.approx(math.sqrt(0.5 * 16 + 0.5), abs=1e-3)
    assert (summary["pictures"], summary["not_solved"]) == (2, 1)
    assert summary["by_visible"]["hidden"]["pictures"] == 1
    # one picture of a stratum has no spread, so neither has the whole
    assert summary["interval_95"] is summary["network_interval_95"] is summary["standard_error"] is None
    summary = summarise([*compared, *compared, Compared(0.0, np.array([6.0, 6.0]), np.array([3.0, 3.0]))], half)
    squares, weight = (np.array([4, 4, 9.0]), np.array([0, 0.0])), 0.5
    mean = sum(weight * part.mean() for part in squares)
    spread = math.sqrt(sum(weight**2 * part.var(ddof=1) / len(part) for part in squares))
    ends = [math.sqrt(max(0, mean + side * 1.96 * spread)) for side in (-1, 1)]
    assert summary["interval_95"] == pytest.approx(ends, abs=1e-3)


def test_the_comparison_goes_on_until_enough_are_hidden(monkeypatch, tmp_path):
    import torch

    from cppn.odd_shapes.network import SeedConfig, SeedNet

    calls = []

    def quick(ink, budget):
        calls.append(budget)
        raise TooManyError("skipped")

    monkeypatch.setattr(bayes, "posterior", quick)
    torch.manual_seed(0)
    journal = Journal(tmp_path / "posterior.jsonl")
    compared = list(bayes.compare(SeedNet(SeedConfig()), 30, 4, bayes.Solver(7, journal)))
    assert sum(c.visible == 0 for c in compared) == 4
    assert len(compared) >= 30
    assert all(c.visible == 0 for c in compared[30:])
    assert set(calls) == {7}
    again = list(bayes.compare(SeedNet(SeedConfig()), 30, 4, bayes.Solver(7, journal)))
    assert len(again) == len(compared) == len(calls)  # every answer came from the journal


def test_answers_in_the_journal_belong_to_their_budget(monkeypatch, tmp_path):
    monkeypatch.setattr(bayes, "posterior", lambda ink, budget: SimpleNamespace(mean=(float(budget), 1.0)))
    journal = Journal(tmp_path / "posterior.jsonl")
    ink = np.zeros((64, 64), np.uint8)
    for budget in (7, 8):
        assert bayes.Solver(budget, journal)(0, ink).tolist() == [budget, 1]
    monkeypatch.delattr(bayes, "posterior")
    assert bayes.Solver(7, journal)(0, ink).tolist() == [7, 1]
