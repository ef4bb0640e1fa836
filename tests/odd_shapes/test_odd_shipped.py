"""The networks as they are shipped: as good as promised, as fast as promised, and the promises are measured ones."""

from __future__ import annotations

import copy
import itertools
import json

import numpy as np
import odd_reference as reference
import pytest
import safetensors.torch
import torch

from cppn import hub, ui
from cppn.__main__ import main
from cppn.odd_shapes import views
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.making import ablate, measure
from cppn.odd_shapes.placements import needs_no_triangle
from cppn.odd_shapes.score import examine
from cppn.odd_shapes.weights import NETWORKS, finder_of

LEAST_POSSIBLE = 1.05  # pixels; hidden odd shapes cost at least that, so less would be a fault of the measurement


@pytest.mark.parametrize("name", NETWORKS)
def test_figures_belong_to_the_shipped_file(name):
    row, finder = views.results()["networks"][name], finder_of(name)
    assert row["sha256"] == finder.checkpoint.sha256
    assert row["parameters"] == finder.checkpoint.parameters
    assert row["score"]["rmse"] > LEAST_POSSIBLE
    assert row["training"]["pictures"] == sum(stage["curve"][-1][0] for stage in row["training"]["stages"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_measured_figure_can_be_measured_again(name):
    *_, result = examine(finder_of(name).net, 1500, 77)
    again, promised = result.summary(), views.results()["networks"][name]["score"]
    assert again["rmse"] == pytest.approx(promised["rmse"], abs=5 * again["standard_error"])
    assert again["median_distance"] == pytest.approx(promised["median_distance"], rel=0.3)
    for found, told in zip(again["regions"], promised["regions"], strict=True):
        low, high = found["held_interval_95"]
        assert told["held"] == pytest.approx(found["held"], abs=2.5 * (high - low) / 2)


def every_interval(part: dict):
    """All figures of a result that have an interval, however deep."""
    if part.get("interval_95"):
        yield part["rmse"], part["standard_error"], part["interval_95"]
    for value in part.values():
        if isinstance(value, dict):
            yield from every_interval(value)


def test_every_interval_is_that_of_its_standard_error():
    results = views.results()
    scores = {name: network["score"] for name, network in results["networks"].items()}
    found = list(every_interval({**scores, "bayes": results["bayes"]}))
    assert len(found) == 2 * 8 + 5  # two networks in eight parts, the exact answer in four and on the whole
    for rmse, error, interval in found:
        ends = [max(0, rmse**2 + side * 1.96 * 2 * rmse * error) ** 0.5 for side in (-1, 1)]
        assert interval == pytest.approx(ends, abs=2e-3)


def test_what_a_part_contributes_can_be_measured_again():
    """Silenced is skipped: the same answers as from a network whose part hands on what it was given."""
    found, net = views.results()["ablation"], finder_of("ours").net
    assert found["sha256"] == finder_of("ours").checkpoint.sha256
    assert set(found["without"]) == set(ablate.SILENCED) == set(views.PARTS)
    deaf = ablate.silenced(net, ("surroundings",))
    skipping = copy.deepcopy(net)
    skipping.surroundings = torch.nn.Identity()
    inputs = sample(named_rng("shipped", 1), 4).inputs
    with torch.no_grad():
        torch.testing.assert_close(deaf(inputs).position, skipping(inputs).position)
    *_, result = examine(skipping, 500, 78)
    assert result.summary()["rmse"] == pytest.approx(found["without"]["surroundings"]["rmse"], rel=0.1)


def test_the_card_says_the_intervals_and_what_the_parts_contribute():
    card = " ".join((hub.BUNDLED / "README.md").read_text(encoding="utf-8").split())
    without = views.results()["ablation"]["without"]
    for part in ("surroundings", "surroundings2", "attention1", "attention2", "both attentions"):
        low, high = without[part]["interval_95"]
        assert f"{without[part]['rmse']:.2f} px ({low:.2f} to {high:.2f})" in card
    for name in NETWORKS:
        score = views.results()["networks"][name]["score"]
        low, high = score["interval_95"]
        assert f"| {score['rmse']:.2f} px | {low:.2f} to {high:.2f} px |" in card
    assert "±" not in card.split("## odd_shapes/")[1].split("## starry/")[0]


def test_the_card_and_the_tab_say_how_far_the_probabilities_can_be_trusted():
    card = " ".join((hub.BUNDLED / "README.md").read_text(encoding="utf-8").split())
    said = ui.text("odd_shapes", "score", **views.score_figures())
    for name in NETWORKS:
        for region in views.results()["networks"][name]["score"]["regions"]:
            low, high = region["held_interval_95"]
            assert low <= region["held"] <= high
            told = f"{region['held']:.1%} ({low:.1%} to {high:.1%})"
            assert f"| {told} |" in card
            assert f"| {told} |" in said


@pytest.mark.parametrize("name", NETWORKS)
def test_an_independent_program_finds_the_same_place(name):
    finder, pictures = finder_of(name), sample(named_rng("shipped", 0), 2)
    state = {key: value.numpy() for key, value in finder.net.state_dict().items()}
    network = reference.our_network if name == "ours" else reference.seed_network
    for n, done in itertools.product(range(2), ((), ("A frame was taken off.",))):
        places = []
        # what comes from elsewhere without triangles may lie any way round
        for turns in range(4 if done and needs_no_triangle(pictures.ink[n]) else 1):
            (x, y), _ = network(state, np.rot90(pictures.inputs[n, 0].numpy(), turns))
            for _ in range(-turns % 4):
                x, y = y, 63 - x
            places.append((x, y))
        found = locate(Canvas(pictures.ink[n], done, False), finder)
        np.testing.assert_allclose((found.x, found.y), np.mean(places, axis=0), atol=0.01)


def test_our_network_finds_a_plain_odd_shape_to_half_a_pixel():
    shapes = [("square", 6, 12, 12), ("square", 7, 50, 14), ("square", 5, 14, 48), ("triangle", 8, 44, 44)]
    ink = (reference.draw(shapes) == 0).astype(np.uint8)
    found = locate(Canvas(ink, (), False), finder_of("ours"))
    assert (found.x, found.y) == pytest.approx((44, 44), abs=0.8)
    assert found.caveats == ()
    assert found.uncertainty < 3


def test_the_texts_hold_the_measured_numbers():
    ours = views.results()["networks"]["ours"]
    table = ui.text("odd_shapes", "score", **views.score_figures())
    assert f"{ours['score']['rmse']:.2f}" in table
    assert f"{ours['parameters']:,}" in table
    assert "layer 2, head 2" in ui.text("odd_shapes", "attention", **views.attention_figures())
    curves = views.training_curves()
    assert {row[2] for row in curves["data"]} == {*views.SHORT.values(), *views.LEVELS}


def test_the_command_measures_one_network_and_keeps_the_rest(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure, "STUDIED", 250)
    out = tmp_path / "results.json"
    out.write_text(json.dumps({"bayes": {"rmse": 1}, "networks": {"ours": {"kept": True}}}), encoding="utf-8")
    assert main(["odd_shapes", "measure", "seed", "--count", "60", "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["bayes"] == {"rmse": 1}
    assert found["networks"]["ours"] == {"kept": True}
    assert found["networks"]["seed"]["score"]["pictures"] == 60
    assert found["networks"]["seed"]["speed"]["one_picture_ms"] > 0
    assert found["pictures_drawn_a_second"] > 0
    with pytest.raises(SystemExit):
        main(["odd_shapes", "measure", "theirs"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_browser_gets_half_the_bytes_and_nearly_the_same_answers(name):
    shipped = finder_of(name)
    data = shipped.halved
    assert len(data) < 0.55 * shipped.checkpoint.size
    net = copy.deepcopy(shipped.net)
    net.load_state_dict({key: value.float() for key, value in safetensors.torch.load(data).items()})
    inputs = sample(named_rng("halved", 0), 100).inputs
    with torch.no_grad():
        moved = (net(inputs).position - shipped.net(inputs).position).abs()
    assert 0 < float(moved.median()) < 0.003
    assert float(moved.max()) < 0.1
