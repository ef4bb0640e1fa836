"""What the Quine tab shows: maps of the right weights, plots, a ladder and sentences that agree with the files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from cppn import heatmap
from cppn.hub import BUNDLED
from cppn.quine import maps, measured, views
from cppn.quine.heal import heal, leave_zero
from cppn.quine.network import assign, flatten
from cppn.quine.tamper import tamper
from cppn.quine.verify import Verification, examine
from cppn.quine.weights import SHIPPED, QuineFile, open_quine


def opened(slug: str) -> QuineFile:
    """A file of ours, read anew, so that a test may change its weights."""
    return open_quine(BUNDLED / SHIPPED[slug].file)


def facts_of(verification: Verification) -> dict:
    return views.report_facts(verification) | {"weights_from": "a test", "note": ""}


def found(slug: str) -> tuple[object, Verification]:
    loaded = opened(slug)
    return loaded.net, examine(loaded.net, loaded.config, flatten(loaded.net), loaded.size)


def has_colour(path, colour: tuple[int, int, int]) -> bool:
    """Whether a picture has this colour above its colour bar."""
    with Image.open(path) as picture:
        pixels = np.array(picture)[: -heatmap.SCALE_HEIGHT]
    return bool((pixels == colour).all(axis=2).any())


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_weight_has_one_cell_and_every_cell_its_weight(slug):
    net = opened(slug).net
    theta = flatten(net).double().numpy()
    shown = np.concatenate([block.values.ravel() for block in maps.blocks(net, flatten(net))])
    assert np.array_equal(np.sort(shown[~np.isnan(shown)]), np.sort(theta))
    layout = heatmap.lay_out(maps.blocks(net, flatten(net)))
    for index in (0, len(theta) // 2, len(theta) - 1):
        number, row, column = maps._frame(net, index)
        left, top = layout.corners[number]
        assert maps.index_at(net, (left + (column + 0.5) * layout.cell, top + (row + 0.5) * layout.cell)) == index
    assert maps.index_at(net, (1, 1)) is None


def test_a_click_between_weights_and_bias_is_no_weight():
    net = opened("exact_mlp").net
    layout = heatmap.lay_out(maps.blocks(net, flatten(net)))
    left, top = layout.corners[0]
    assert maps.index_at(net, (left + 8.5 * layout.cell, top + 1)) is None


def test_the_maps_of_an_exact_quine_agree_and_its_errors_are_all_zero():
    net, verification = found("exact_mlp")
    weights, output, errors, seeds_view = maps.verification_maps(net, verification)
    with Image.open(weights) as one, Image.open(output) as other:
        below = heatmap.GAP + heatmap.TITLE_HEIGHT  # the titles differ
        assert np.array_equal(np.array(one)[below:], np.array(other)[below:])
    assert has_colour(errors, heatmap.ZERO)
    assert not has_colour(errors, tuple(heatmap.HEAT[-1]))
    assert not has_colour(seeds_view, heatmap.ZERO)


def test_an_error_that_is_blank_on_the_scale_of_the_weights_is_seen_on_its_own():
    net, verification = found("seed_rmsprop")
    *_, errors, seeds_view = maps.verification_maps(net, verification)
    assert not has_colour(errors, heatmap.ZERO)
    layout = heatmap.lay_out(maps.blocks(net, verification.theta))
    left, top = layout.corners[1]
    inside = np.s_[top : top + 20 * layout.cell, left : left + 20 * layout.cell]
    with Image.open(errors) as own, Image.open(seeds_view) as blank:
        assert np.array(own)[inside].mean() < 140
        assert np.array(blank)[inside].mean() > 245


def test_maps_are_the_same_files_every_time():
    net, verification = found("query")
    assert maps.verification_maps(net, verification) == maps.verification_maps(net, verification)


def test_all_zero_weights_can_be_shown():
    loaded = opened("newton")
    assign(loaded.net, torch.zeros(1020, dtype=torch.float64))
    verification = examine(loaded.net, loaded.config, flatten(loaded.net))
    maps.verification_maps(loaded.net, verification)
    report = facts_of(verification)
    assert "Trivial" in views.card(report)
    assert "all weights are equal" in views.facts_table(report)


def test_a_tampered_weight_differs_from_what_is_printed_there_and_nowhere_else():
    loaded = opened("exact_mlp")
    theta = flatten(loaded.net)
    done = tamper(loaded.net, loaded.config, 500, 0.3)
    own, original = maps.tamper_maps(loaded.net, theta, done)
    assert done.restored
    assert own != original
    facts = views.tamper_facts(done)
    json.dumps(facts, allow_nan=False)
    assert facts["verification"]["is_quine"] is False
    assert "Not a quine" in views.tamper_card(facts)
    assert "Verification fails: it still prints the original" in views.tamper_card(facts)
    untouched = views.tamper_facts(tamper(loaded.net, loaded.config, 500, float(theta[500])))
    assert "Exact quine" in views.tamper_card(untouched)


def test_the_headline_says_what_became_of_the_copy():
    exact, newton = opened("exact_mlp"), opened("newton")
    flips = (tamper(exact.net, exact.config, i, -float(v)) for i, v in enumerate(flatten(exact.net)))
    tipped = next(done for done in flips if not done.restored)
    assert "its code has tipped over" in views.tamper_card(views.tamper_facts(tipped))
    moved = views.tamper_facts(tamper(newton.net, newton.config, 500, 0.3))
    verdict = views.CARDS[moved["verification"]["verdict"]][1].lower()
    assert f"Verification fails: {verdict}<" in views.tamper_card(moved)


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_card_says_the_verdict_in_words_colour_and_symbol(slug):
    _, verification = found(slug)
    report = facts_of(verification)
    symbol, title, colour = views.CARDS[report["verdict"]]
    text = views.card(report)
    assert symbol in text
    assert title in text
    assert colour in text
    assert f"{report['weights']:,}" in views.facts_table(report)


def test_the_card_is_safe_to_show():
    report = facts_of(found("exact_mlp")[1])
    assert "<script>" not in views.card({**report, "words": "<script>alert(1)</script>"})


def test_the_healing_curve_ends_at_exactly_zero():
    run = heal(opened("exact_mlp").net, 0.05, 1, 20, 1.0)
    curve = views.healing_curve(run)
    assert curve["data"][0][1] > -3
    assert curve["data"][-1] == [20, views.FLOOR]
    json.dumps([curve, (views.healing_facts(run) | {"note": ""})], allow_nan=False)
    assert views.healed(views.healing_facts(run) | {"note": ""}) == f"**{views.healing_words(run)}**"
    noted = views.healed(views.healing_facts(run) | {"note": "the Hub did not answer"})
    assert noted.endswith("⚠️ the Hub did not answer.")


def test_a_long_curve_is_thinned_and_keeps_its_end():
    run = heal(opened("newton").net, 0.1, 1, 450, 0.4)
    data = views.healing_curve(run)["data"]
    assert len(data) <= 230
    assert data[-1][0] == 450


@pytest.mark.parametrize("slug", SHIPPED)
def test_what_was_measured_is_told_and_what_was_not_is_not_made_up(slug):
    figures = measured.results()
    region = measured.healing_region(slug)
    assert len(region["data"]) == len(figures["healing"].get(slug, {"noise": ()})["noise"])
    assert ("not measured" in measured.region_words(slug)) == (slug not in figures["healing"])
    assert bool(measured.tamper_census(slug)) == (slug in figures["tampering"])


def test_the_ladder_goes_down_from_the_seed_to_zero():
    errors = [error for _, error, _ in measured.rungs()]
    assert [r2 for *_, r2 in measured.rungs()] == sorted(r2 for *_, r2 in measured.rungs())
    assert errors == sorted(errors, reverse=True)
    assert 1e-3 < errors[0] < 1e-2
    assert errors[-1] == 0
    assert errors[-2].adjusted() <= -1000
    text = measured.ladder_table()
    assert "1,007 zeros" in text
    assert "**0**" in text
    with Image.open(measured.ladder_picture()) as picture:
        assert picture.width == heatmap.WIDTH


def test_bars_count_every_weight_and_every_bit():
    _, verification = found("exact_lstm")
    report = facts_of(verification)
    assert sum(count for _, count in views.ulp_bars(report)["data"]) == 1024
    assert len(views.margin_bars(report)["data"]) == report["code_size"]


def test_zero_stays_and_dust_leaves():
    net = opened("newton").net
    clean, dusty = leave_zero(net, 0.0, 0, 10), leave_zero(net, 1e-9, 0, 10)
    data = views.zero_curves({"clean": clean, "dusty": dusty})["data"]
    assert [row[1] for row in data if row[2] == "clean"] == [views.FLOOR] * 11
    assert data[-1][1] > -2
    assert "perfect quine with nothing to say" in views.zero_words("newton", 1e-9, clean, dusty)
    exact = leave_zero(opened("exact_mlp").net, 0.0, 0, 10)
    assert "no quine here" in views.zero_words("exact_mlp", 1e-9, exact, exact)


def test_of_two_tasks_that_fight_a_good_copy_and_a_good_reader_are_told(monkeypatch):
    rows = [{"r2": r2, "accuracy_test": read} for r2, read in ((0.99, 0.5), (0.975, 0.7), (0.96, 0.8), (0.6, 0.9))]
    monkeypatch.setattr(measured, "results", lambda: {"front": {"rows": rows}, "sensitivity": {"newton": {}}})
    assert measured.explained() == {"newton": {}, "close": rows[1], "far": rows[3]}
