"""The experiment's plan and arithmetic."""

from __future__ import annotations

import json
import math

import pytest

from cppn.__main__ import main
from cppn.flags.making import experiment
from cppn.flags.target import Target
from cppn.flags.views import RESULTS


def test_arms_are_paired_by_seed():
    plan = experiment.plan(3)
    assert len(plan) == len(experiment.ARMS) * len(experiment.FLAGS) * len(experiment.SETTINGS) * 3
    assert len({tuple(run.values()) for run in plan}) == len(plan)


def test_gains_are_paired_differences():
    runs = [
        {"setting": "adam", "flag": "usa", "arm": arm, "seed": seed, "psnr": psnr}
        for arm, qualities in (("plain", (20.0, 30.0, 40.0)), ("blur", (21.0, 33.0, 41.0)))
        for seed, psnr in enumerate(qualities)
    ]
    plain, blur = experiment.summarise(runs)
    assert plain["gain"] == 0
    assert blur["gain"] == pytest.approx(5 / 3, abs=0.01)
    # the sample's standard deviation of 1, 3, 1 over the root of three, and t with two degrees of freedom
    half = 4.303 * math.sqrt(4 / 3) / math.sqrt(3)
    assert blur["interval_95"] == pytest.approx([5 / 3 - half, 5 / 3 + half], abs=0.01)


def test_an_interrupted_experiment_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 4)
    monkeypatch.setattr(experiment, "ARMS", {"plain": {}, "blur": {"blur": 1.0}})
    monkeypatch.setattr(experiment, "FLAGS", ("japan",))
    small = Target.of_team("japan").fine[410:443, 350:415].contiguous()
    monkeypatch.setattr(Target, "of_team", classmethod(lambda cls, slug: Target(small)))
    words = ["--journal", str(tmp_path / "log"), "--out", str(tmp_path / "out.json")]
    assert main(["flags", "experiment", "--seeds", "2", *words]) == 0
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 8
    (tmp_path / "log").write_text("\n".join(lines[:5]) + "\n", encoding="utf-8")
    assert main(["flags", "experiment", "--seeds", "2", *words]) == 0
    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert len(result["runs"]) == 8
    assert {row["arm"] for row in result["summary"]} == {"plain", "blur"}


def test_the_shipped_result_is_what_its_runs_say():
    result = json.loads((RESULTS / "flag_experiments.json").read_text(encoding="utf-8"))
    assert experiment.summarise(result["runs"]) == result["summary"]
