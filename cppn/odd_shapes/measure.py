"""Measure both shipped networks and keep the figures as data.

python -m cppn odd_shapes measure
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.catalogue import NETWORKS, Finder, open_finder
from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.score import exam, score
from cppn.odd_shapes.study import doubt_by_visibility, who_looks_at_whom, without_attention

RESULT = hub.BUNDLED / "results" / "odd_shapes.json"
SEED = 20_260_000  # of the exam; no training run has it
STUDIED = 4_000  # pictures for each question about the attention


def speed(finder: Finder) -> dict[str, float]:
    """Processor time on one core: one picture with its caveats (the best of 20), and 1,000 pictures in batches."""
    (pictures,) = exam(1, SEED)
    canvas = Canvas(pictures.ink[0], (), False)
    single = []
    for _ in range(20):
        start = time.process_time()
        locate(canvas, finder)
        single.append(time.process_time() - start)
    start = time.process_time()
    *_, _ = score(finder.net, 1000, SEED)
    return {
        "one_picture_ms": round(1000 * min(single), 1),
        "thousand_pictures_s": round(time.process_time() - start, 2),
    }


def pictures_a_second() -> int:
    """How many pictures the dataset draws in a processor second, labels and all."""
    rng = named_rng("odd_shapes speed", SEED)
    start, drawn = time.process_time(), 0
    while time.process_time() < start + 1:
        drawn += len(sample(rng, 1000).ink)
    return round(drawn / (time.process_time() - start))


def measure(name: str, directory: Path, count: int) -> dict[str, object]:
    """Everything that is known about one network: its errors, what its attention does, how it was trained."""
    finder = open_finder(name, directory / f"{name}.safetensors")
    record = json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
    *_, result = score(finder.net, count, SEED)
    return {
        "sha256": finder.checkpoint.sha256,
        "parameters": finder.checkpoint.parameters,
        "bytes": finder.checkpoint.size,
        "score": result.summary(),
        "attention": who_looks_at_whom(finder.net, STUDIED, SEED),
        "rmse_with_even_attention_in": without_attention(finder, STUDIED, SEED),
        "spread": doubt_by_visibility(finder.net, STUDIED, SEED),
        "speed": speed(finder),
        "training": record,
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes measure`."""
    parser = argparse.ArgumentParser(prog="python -m cppn odd_shapes measure", description=__doc__.split("\n")[0])
    parser.add_argument(
        "networks", nargs="*", help=f"of {', '.join(NETWORKS)} (default: both); others stay as they are"
    )
    parser.add_argument("--count", type=int, default=100_000, help="fresh pictures (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED / "odd_shapes", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    if unknown := set(args.networks) - set(NETWORKS):
        parser.error(f"there is no network {min(unknown)!r}")
    torch.set_num_threads(1)
    for name in args.networks or NETWORKS:
        found = measure(name, args.weights, args.count)
        print(f"{name}: {json.dumps(found['score'])}", flush=True)
        results = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {"networks": {}}
        results["networks"][name] = found
        results |= {"seed": SEED, "pictures_drawn_a_second": pictures_a_second()}
        write_atomically(args.out, (json.dumps(results, indent=1) + "\n").encode())
    return 0
