"""Decode speed, measured side by side in one run: ours against the plain module.

python -m cppn flags benchmark
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor

from cppn.coordinates import axes, points
from cppn.flags.decode import CHUNK, decode
from cppn.flags.teams import TEAMS
from cppn.flags.weights import gift_of


def best_times(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Least processor seconds of each contender; they take turns, so that a noisy machine is noisy for all."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - start)
    return best


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags benchmark`."""
    parser = argparse.ArgumentParser(prog="python -m cppn flags benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=3840)
    parser.add_argument("--height", type=int, default=1920)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    gift = gift_of(TEAMS["malaysia"])
    net, layers = gift.checkpoint.net, gift.layers
    decode(layers, 320, 160)  # warm the libraries up

    before = peak_megabytes()
    decode(layers, args.width, args.height)
    memory = peak_megabytes() - before

    x = points(*axes(args.width, args.height))

    @torch.no_grad()
    def plain(chunk: int) -> Tensor:
        return torch.cat([net(part) for part in x.split(chunk)])

    times = best_times(
        {
            "ours": lambda: decode(layers, args.width, args.height),
            "plain module, equal chunks": lambda: plain(CHUNK),
            "plain module, whole grid": lambda: plain(len(x)),
        },
        args.repeats,
    )
    small = best_times({"ours at 320 x 160": lambda: decode(layers, 320, 160)}, 10)
    report = {
        "size": [args.width, args.height],
        "cpu_seconds": {name: round(value, 4) for name, value in (times | small).items()},
        "times_faster": {name: round(value / times["ours"], 2) for name, value in times.items() if name != "ours"},
        "peak_megabytes_above_baseline": round(memory, 1),
    }
    print(json.dumps(report, indent=1))
    return 0
