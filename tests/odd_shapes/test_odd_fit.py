"""The training loop: the loss, repeatability, resuming, and the commands that use it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cppn.__main__ import main
from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.making import train
from cppn.odd_shapes.making.fit import Recipe, Run, pointing_loss, sample_hard
from cppn.odd_shapes.making.labels import the_possible, the_true
from cppn.odd_shapes.network import Answer, SeedConfig, SeedNet, centres, soft_argmax
from cppn.odd_shapes.weights import open_finder
from cppn.recipes import save_state

TINY = Recipe(steps=6, batch=8, learning_rate=5e-3, rest_rate=0.3)


def numpy_loss(logits: np.ndarray, offset: np.ndarray, target: np.ndarray, first: float, step: float) -> float:
    """The loss of one picture, from its description: bilinear cross-entropy, 0.02 mean square, 0.02 of the guesses."""
    place = np.array([[first + step * (n % 12), first + step * (n // 12)] for n in range(144)])
    p = np.exp(logits - logits.max())
    p /= p.sum()
    u = np.clip((target - first) / step, 0, 11)
    weight = np.zeros((12, 12))
    column, row = np.minimum(u.astype(int), 10)
    fx, fy = u - (column, row)
    weight[row, column], weight[row, column + 1] = (1 - fy) * (1 - fx), (1 - fy) * fx
    weight[row + 1, column], weight[row + 1, column + 1] = fy * (1 - fx), fy * fx
    weight = weight.ravel()
    position = (p[:, None] * (place + offset)).sum(0)
    guesses = (weight * ((place + offset - target) ** 2).mean(1)).sum()
    return -(weight * np.log(p)).sum() + 0.02 * ((position - target) ** 2).mean() + 0.02 * guesses


@pytest.mark.parametrize("kind", [the_true, the_possible])
@pytest.mark.parametrize(("first", "step"), [(4.0, 5.0), (9.5, 4.0)])
def test_the_loss_is_that_of_numpy(first, step, kind):
    pictures = sample(named_rng("loss", 0), 40)
    generator = torch.Generator().manual_seed(0)
    logits, offset = torch.randn(40, 144, generator=generator), torch.randn(40, 144, 2, generator=generator)
    position, log_probability = soft_argmax(logits, offset, centres(first, step))
    importance = torch.rand(40, generator=generator)
    answer, labels = Answer(position, log_probability, offset, ()), kind(pictures)
    loss = pointing_loss(answer, labels, first, step, importance)
    each = np.zeros(40)
    for picture, centre, probability in zip(*labels, strict=True):
        row = logits[picture].double().numpy(), offset[picture].double().numpy(), centre.double().numpy()
        each[picture] += float(probability) * numpy_loss(*row, first, step)
    assert float(loss) == pytest.approx(np.mean(importance.numpy() * each), rel=1e-5)


def weights(run: Run) -> list[torch.Tensor]:
    return [p.clone() for p in run.mean.parameters()]


def fresh(seed: int = 0, steps: int = 6) -> Run:
    return Run(train.build("two heads", seed), replace(TINY, steps=steps, seed=seed))


def test_the_same_seed_trains_the_same_network():
    runs = [fresh(seed) for seed in (0, 0, 1)]
    for run in runs:
        while not run.done:
            run.advance()
    first, second, other = map(weights, runs)
    assert all(map(torch.equal, first, second))
    assert not all(map(torch.equal, first, other))


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    whole, part = fresh(), fresh()
    while not whole.done:
        whole.advance()
    for _ in range(3):
        part.advance()
    save_state(part, tmp_path / "run.state")
    resumed = train.perform(Run(train.build("two heads", 9), TINY), tmp_path / "run.state")
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    assert [point[::2] for point in resumed.curve] == [point[::2] for point in whole.curve]


def test_training_learns():
    """Thirty steps on the homework's network bring the loss down from where it starts."""
    run = Run(SeedNet(SeedConfig()), Recipe(steps=30, batch=64, learning_rate=6e-3, rest_rate=1 / 3))
    pictures = sample(named_rng("learns", 0), 200)

    def loss() -> float:
        with torch.no_grad():
            return float(pointing_loss(run.net(pictures.inputs), the_true(pictures), run.net.FIRST, run.net.STEP))

    before = loss()
    while not run.done:
        run.advance()
    assert loss() < 0.9 * before
    assert run.curve[-1][0] == 30 * 64


def test_a_run_that_diverges_says_so():
    run = fresh()
    run.advance()
    run._working.conv1.weight.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="step 1"):
        run.advance()


def test_hard_pictures_come_more_often_and_count_less():
    pictures, importance = sample_hard(named_rng("hard", 0), 4_000, 6.0)
    plain = sample(named_rng("plain", 0), 40_000)
    often = np.where(plain.visible > 0, 1 + 6.0 * (1 - plain.visible) ** 3, 1.0)
    here, usual = ((drawn.visible > 0) & (drawn.visible < 0.25) for drawn in (pictures, plain))
    share = (often * usual).sum() / often.sum()
    assert here.mean() == pytest.approx(share, abs=0.02)
    assert share > 2.5 * usual.mean()
    assert (importance.numpy() * here).mean() == pytest.approx(usual.mean(), abs=0.01)  # what they count undoes it
    assert float(importance.mean()) == pytest.approx(1.0, abs=0.03)


def test_no_picture_is_taken_twice_and_without_hard_ones_nothing_changes():
    pictures, _ = sample_hard(named_rng("hard", 1), 300, 6.0)
    assert len(np.unique(pictures.ink.reshape(300, -1), axis=0)) == 300
    plain, importance = sample_hard(named_rng("hard", 2), 5, 0.0)
    assert np.array_equal(plain.ink, sample(named_rng("hard", 2), 5).ink)
    assert torch.equal(importance, torch.ones(5))


def test_growing_copies_what_was_learnt_and_starts_with_no_offset():
    small = train.build("one head", 4)
    grown = train.grow(small, "two heads", 4)
    pictures = sample(named_rng("grow", 0), 2)
    with torch.no_grad():
        before, after = small(pictures.inputs), grown(pictures.inputs)
    torch.testing.assert_close(before.position, after.position)
    assert not after.offset.any()
    assert grown.regressor1.weight.requires_grad


def test_a_second_look_changes_nothing_at_first():
    small = train.build("one look", 4)
    small.head2.weight.data.normal_()
    grown = train.grow(small, "two looks", 4)
    pictures = sample(named_rng("grow", 0), 2)
    with torch.no_grad():
        torch.testing.assert_close(grown(pictures.inputs).position, small(pictures.inputs).position, rtol=0, atol=0)
    assert grown.surroundings2.mix.weight.requires_grad


def test_the_command_for_our_network_leaves_weights_and_a_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "OURS_STAGES", (replace(TINY, steps=2), replace(TINY, steps=1, hard=6.0, soft=True)))
    monkeypatch.setattr(train, "GROWN_BEFORE", 1)
    places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
    assert main(["odd_shapes", "train", "ours", *places]) == 0
    record = json.loads((tmp_path / "out" / "odd_shapes" / "ours.json").read_text(encoding="utf-8"))
    assert record["pictures"] == 24
    assert [stage["curve"][-1][0] for stage in record["stages"]] == [16, 8]
    assert [stage["name"] for stage in record["stages"]] == [
        "ordinary pictures",
        "ordinary pictures, hard ones 7 times as often, soft labels",
    ]
    delivered = open_finder("ours", tmp_path / "out" / "odd_shapes" / "ours.safetensors").checkpoint
    assert delivered.config.second_look
    assert delivered.parameters > 700_000
    assert "24 pictures" in capsys.readouterr().out


@pytest.fixture
def tiny_growth(monkeypatch):
    monkeypatch.setattr(train, "SEED_STAGES", (TINY, replace(TINY, steps=2)))


def test_the_homeworks_network_grows_when_it_is_good_enough(tmp_path, monkeypatch, tiny_growth):
    monkeypatch.setattr(train, "GROWN_AT", 1000.0)
    assert main(["odd_shapes", "train", "seed", "--out", str(tmp_path), "--workshop", str(tmp_path / "shop")]) == 0
    record = json.loads((tmp_path / "odd_shapes" / "seed.json").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in record["stages"]] == ["one head, seed 0", "two heads"]
    assert open_finder("seed", tmp_path / "odd_shapes" / "seed.safetensors").checkpoint.config.offsets


def test_a_seed_that_is_stuck_is_followed_by_another(tmp_path, monkeypatch, tiny_growth, capsys):
    monkeypatch.setattr(train, "GROWN_AT", 0.0)
    monkeypatch.setattr(train, "RESTARTS", 2)
    with pytest.raises(RuntimeError, match="none of 2 seeds"):
        train.train_seed(train.SEED_STAGES, tmp_path)
    assert "seed 1: stuck" in capsys.readouterr().out


def test_an_interrupted_command_keeps_its_state(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "OURS_STAGES", (replace(TINY, steps=50), TINY))
    advance = Run.advance

    def interrupted(run):
        if run.step == 2:
            raise KeyboardInterrupt
        advance(run)

    monkeypatch.setattr(Run, "advance", interrupted)
    places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
    assert main(["odd_shapes", "train", "ours", *places]) == 130
    assert not (tmp_path / "out").exists()
    assert torch.load(tmp_path / "shop" / "ours-1-0.state", weights_only=True)["step"] == 2
