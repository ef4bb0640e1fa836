"""The benchmark commands measure what they say."""

from __future__ import annotations

import json
import sys
import time

import pytest

from cppn.__main__ import main
from cppn.flags.making.benchmark import best_times
from cppn.startup import seconds_to_first_answer


def test_the_least_of_several_turns_counts():
    turns = []

    def slow() -> None:
        turns.append("slow")
        deadline = time.process_time() + 0.02
        while time.process_time() < deadline:
            pass

    times = best_times({"slow": slow, "fast": lambda: turns.append("fast")}, 2)
    assert turns == ["slow", "fast", "slow", "fast"]
    assert times["slow"] >= 0.02 > times["fast"]


def test_the_decoding_benchmark_reports_ratios(capsys):
    assert main(["flags", "benchmark", "--width", "64", "--height", "32", "--repeats", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["times_faster"]) == {"plain module, equal chunks", "plain module, whole grid"}
    assert report["peak_megabytes_above_baseline"] >= 0


def test_an_app_that_ends_is_reported():
    with pytest.raises(RuntimeError, match="ended by itself"):
        seconds_to_first_answer([sys.executable, "-c", "raise SystemExit('no')"])
