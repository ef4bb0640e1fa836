"""The search: stages in order, going on from a saved state."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from test_starry_fit import smooth_picture

from cppn.starry.fit import Objective
from cppn.starry.making import train
from cppn.starry.making.baseline import draw_rounded, search_as_the_seed
from cppn.starry.program import Program, read
from cppn.starry.search import ALL, Search, Stage
from cppn.starry.shape import Shape
from cppn.training import named_generator

SMALL = Shape(neurons=6, levels=111, scale=900, constant=51)
STAGES = (Stage(30, 300, reach=2), Stage(12, 150, 300, 1e-2, reach=2), Stage(12, 300, ALL, 1e-3))


@pytest.fixture(scope="module")
def objective() -> Objective:
    return Objective(smooth_picture(), SMALL)


def test_a_search_goes_down_and_ends_inside_its_bounds(objective: Objective):
    search = Search(objective, STAGES, 3)
    first = objective.loss(search.weights)
    while not search.done:
        search.advance()
    assert [search.stage, search.step] == [3, 0]
    assert objective.loss(search.weights) < 0.4 * first
    assert search.curve[-1][1] < search.curve[0][1]
    assert [seconds for seconds, _ in search.curve] == sorted(seconds for seconds, _ in search.curve)
    others = torch.ones(SMALL.weights, dtype=torch.bool)
    others[SMALL.constants] = False
    assert float(search.weights[others].abs().max()) <= 55


def test_a_search_goes_on_from_a_saved_state(objective: Objective, tmp_path: Path):
    whole, cut = Search(objective, STAGES, 4), Search(objective, STAGES, 4)
    while not whole.done:
        whole.advance()
    for _ in range(35):  # into the second stage
        cut.advance()
    torch.save(cut.state_dict(), tmp_path / "state")
    again = Search(objective, STAGES, 99)
    again.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert again.stage == 1
    while not again.done:
        again.advance()
    assert torch.equal(again.weights, whole.weights)


def test_training_leaves_the_best_program_and_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(train, "RUNGS", (STAGES[:1], STAGES[1:2], STAGES[2:]))
    monkeypatch.setattr(train, "BLOCKS", 4)
    monkeypatch.setattr(train, "OURS", SMALL)
    target = tmp_path / "target.png"
    Image.fromarray(smooth_picture().numpy()).save(target)
    command = ["--target", str(target), "--starts", "2", "--out", str(tmp_path / "out")]
    assert train.main([*command, "--workshop", str(tmp_path / "runs")]) == 0
    record = json.loads((tmp_path / "out" / "starry" / "ours.json").read_text())
    data = (tmp_path / "out" / "starry" / "ours.pyth").read_bytes()
    assert record["sha256"] == hashlib.sha256(data).hexdigest()
    assert record["target_sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert set(record["starts"]) == {"0", "1"}
    assert str(record["seed"]) in record["starts"]
    objective = Objective(smooth_picture(), SMALL)
    assert record["score"] == pytest.approx(objective.loss(torch.tensor(read(data).weights).double(), floor=True))
    # from a finished workshop the same comes out again, and what is there already, no worse, stays
    assert train.main([*command, "--workshop", str(tmp_path / "runs")]) == 0
    assert "stays" in capsys.readouterr().out
    assert (tmp_path / "out" / "starry" / "ours.pyth").read_bytes() == data


def test_the_seeds_recipe_rounds_ever_more():
    weights = torch.randn(600, generator=named_generator("test", 9), dtype=torch.float64) * 5
    for share in (0.1, 0.5, 0.9):
        rounded = draw_rounded(weights, share, named_generator("test", 10))
        assert float(rounded.double().mean()) == pytest.approx(share, abs=0.08)
        distance = (weights - weights.round()).abs()
        assert float(distance[rounded].mean()) < float(distance[~rounded].mean())


def test_the_seeds_recipe_gives_whole_weights():
    shape = Shape(neurons=6, levels=111, scale=3364, constant=256, activation="sigmoid")
    objective = Objective(smooth_picture(), shape)
    *_, (seconds, loss, weights) = search_as_the_seed(objective, 0.5, 1)
    assert seconds >= 0.5
    assert loss == pytest.approx(objective.loss(weights))
    assert Program(tuple(weights.int().tolist()), 111).neurons == 6
