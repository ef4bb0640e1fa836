"""The training loop: learning, repeatability, resuming, taking over, and the command that uses it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cppn import checkpoint
from cppn.__main__ import main
from cppn.glyphs.channel import Channel
from cppn.glyphs.making import train
from cppn.glyphs.making.fit import Recipe, Run, bits, explained
from cppn.glyphs.network import GlyphConfig, SeedConfig
from cppn.glyphs.weights import open_script, precision
from cppn.recipes import save_state

TINY = GlyphConfig(numbers=4, channels=1, pixels=32, cutoff=4, reader_cutoff=5, hidden=16)
SHORT = Recipe(steps=6, batch=16, warmup=2)


def fresh(recipe: Recipe = SHORT) -> Run:
    return Run(train.Plan(TINY, recipe).build(train.WORKSHOP), recipe)


def finish(run: Run) -> Run:
    while not run.done:
        run.advance()
    return run


def weights(run: Run) -> list[torch.Tensor]:
    return [value.clone() for value in run.net.state_dict().values()]


def test_explained_variance_and_bits_are_those_of_numpy():
    rng = np.random.default_rng(0)
    sent = rng.normal(size=(50, 3))
    received = sent * (1, 0.5, -1) + rng.normal(size=(50, 3)) * 0.3
    r2 = 1 - ((received - sent) ** 2).mean(0) / sent.var(0)
    assert r2[2] < 0  # worse than a guess: no bits, rather than fewer than none
    found = explained(torch.tensor(sent), torch.tensor(received))
    np.testing.assert_allclose(found, r2, rtol=1e-9)
    assert bits(found) == pytest.approx(0.5 * np.log2(1 / (1 - np.maximum(r2, 0))).sum())


def test_perfect_messages_carry_finitely_many_bits():
    assert math.isfinite(bits(torch.ones(3)))


def test_training_learns():
    run = fresh(Recipe(steps=60, batch=64, warmup=10))
    run.channel = Channel().scaled(0.3)
    finish(run)
    assert run.curve[-1].r2 > run.curve[0].r2 + 0.1
    assert run.curve[-1].step == 60


def test_the_same_seed_trains_the_same_networks():
    first, second, other = (weights(finish(fresh(replace(SHORT, seed=seed)))) for seed in (0, 0, 1))
    assert all(map(torch.equal, first, second))
    assert not all(map(torch.equal, first, other))


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    whole, part = finish(fresh()), fresh()
    for _ in range(3):
        part.advance()
    save_state(part, tmp_path / "run.state")
    resumed = train.perform(fresh(), tmp_path / "run.state")
    assert all(map(torch.equal, weights(whole), weights(resumed)))
    assert [look[::2] for look in resumed.curve] == [look[::2] for look in whole.curve]
    assert len(resumed.frames) == len(whole.frames)


def test_a_longer_run_says_where_its_schedule_bent(tmp_path):
    save_state(finish(fresh()), tmp_path / "run.state")
    longer = train.perform(fresh(replace(SHORT, steps=8)), tmp_path / "run.state")
    assert longer.plans == [(0, 6), (6, 8)]
    assert longer.step == 8


def test_the_learning_rate_rises_then_falls_along_a_cosine():
    run, rates = fresh(Recipe(steps=100, warmup=10, learning_rate=1.0)), []
    for run.step in range(100):
        rates.append(run.learning_rate())
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.99)))


def test_a_run_that_diverges_says_so():
    run = fresh()
    run.advance()
    run.net.writer.linear.weight.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="step 1"):
        run.advance()


@pytest.mark.parametrize(("numbers", "way"), [(7, "grow_from"), (3, "straighten_like")])
def test_a_plan_starts_from_the_script_that_it_names(tmp_path, monkeypatch, numbers, way):
    teacher = fresh().net
    checkpoint.save(tmp_path / "gray_64.safetensors", teacher, TINY, precision)
    calls = []
    monkeypatch.setattr(train, way, lambda net, other, *faint: calls.append((net.numbers, other.numbers)))
    plan = train.Plan(replace(TINY, numbers=numbers), SHORT, after="gray_64")
    plan.build(tmp_path)
    assert calls == [(numbers, TINY.numbers)]
    with pytest.raises(FileNotFoundError, match="gray_64"):
        plan.build(tmp_path / "elsewhere")


@pytest.fixture
def tiny_plans(monkeypatch):
    monkeypatch.setattr(train, "PLANS", {"gray_32": train.Plan(TINY, SHORT), "seed": train.Plan(SeedConfig(5), SHORT)})


@pytest.mark.parametrize("name", ["gray_32", "seed"])
def test_the_command_leaves_weights_a_record_and_a_film(tmp_path, tiny_plans, name, capsys):
    places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
    assert main(["glyphs", "train", name, "--steps", "3", *places]) == 0
    script = open_script(name, tmp_path / "out" / "glyphs" / f"{name}.safetensors")
    record = json.loads((tmp_path / "out" / "glyphs" / "runs" / f"{name}.json").read_text(encoding="utf-8"))
    assert script.net.writer is not None
    assert record["steps"] == 3
    assert record["parameters"] == script.checkpoint.parameters
    assert (tmp_path / "out" / "glyphs" / "runs" / f"{name}.webp").read_bytes()[:4] == b"RIFF"
    assert f"{name}: in place" in capsys.readouterr().out


def test_an_interrupted_command_keeps_its_state(tmp_path, tiny_plans, monkeypatch):
    advance = Run.advance

    def interrupted(run):
        if run.step == 2:
            raise KeyboardInterrupt
        advance(run)

    monkeypatch.setattr(Run, "advance", interrupted)
    places = ["--out", str(tmp_path / "out"), "--workshop", str(tmp_path / "shop")]
    assert main(["glyphs", "train", "gray_32", *places]) == 130
    assert not (tmp_path / "out").exists()
    assert torch.load(tmp_path / "shop" / "gray_32-0.state", weights_only=True)["step"] == 2


@pytest.mark.parametrize("arguments", [["nobody"], [], ["--size", "0"], ["--size", "4", "--pixels", "30"]])
def test_the_command_refuses_what_it_cannot_train(arguments):
    with pytest.raises(SystemExit):
        main(["glyphs", "train", *arguments])
