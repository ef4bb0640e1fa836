"""Measure both shipped networks, their errors and what their attention does, and keep the figures as data.

    python -m cppn odd_shapes measure

A token "at" a shape is one of the 3 x 3 tokens round the shape's centre.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.dataset import ABSENT, SLOTS, Pictures, named_rng, sample
from cppn.odd_shapes.locate import locate, uncertainty
from cppn.odd_shapes.network import GRID, TOKENS, OddNet, SeedNet, centres
from cppn.odd_shapes.score import exam, examine
from cppn.odd_shapes.weights import NETWORKS, Finder, open_finder

RESULT = hub.BUNDLED / "results" / "odd_shapes.json"
SEED = 20_260_000  # of the exam; no training run has it
STUDIED = 4_000  # pictures for each question about the attention


# --- what the attention does


def blocks(pictures: Pictures, first: float, step: float) -> np.ndarray:
    """Which tokens are at which shape, bool (N, 7 shapes, 144); no token is at an absent shape.

    Args:
        pictures: N of them. first, step: where the tokens' centres lie, in pixels.
    """
    near = []
    for centre in (pictures.y, pictures.x):
        nearest = np.clip(np.rint((centre - first) / step), 1, GRID - 2)  # whole blocks, also at the rim
        near.append(np.abs(np.arange(GRID) - nearest[..., None]) <= 1)  # (N, 7, 12)
    at = near[0][:, :, :, None] & near[1][:, :, None, :]  # (N, 7, 12, 12)
    return at.reshape(-1, SLOTS, TOKENS) & (pictures.kind != ABSENT)[:, :, None]


@torch.no_grad()
def who_looks_at_whom(net: OddNet | SeedNet, count: int, seed: int) -> list[dict[str, float]]:
    """Mean shares of attention for each layer and head, over those pictures that show all of the odd shape.

    Returns:
        One entry a head, with `layer`, `head` and these means. From a token at the odd shape: `odd_to_odd` and
        `odd_to_base`. From a token at a base shape: `base_to_odd`. `base_share`, the share of all tokens that are at
        base shapes, is what an even spread would give `odd_to_base`. From all tokens: `received_odd`, by the odd
        shape's nine tokens, and `received_base`, by one base shape's nine. `follows`: the share of pictures in which
        the token that receives most is at the odd shape.
    """
    sums: dict[tuple[int, int], np.ndarray] = {}
    names = ("odd_to_odd", "odd_to_base", "base_to_odd", "base_share", "received_odd", "received_base", "follows")
    seen = 0
    for pictures in exam(count, seed):
        whole = np.flatnonzero(pictures.visible == 1)
        at = blocks(pictures, net.FIRST, net.STEP)[whole]
        odd = at[:, 0]  # (N, 144)
        base = at[:, 1:] & ~odd[:, None]  # (N, 6, 144); a token at both counts as the odd shape's
        any_base = base.any(axis=1)
        seen += len(whole)
        for layer, weights in enumerate(net(pictures.inputs[whole]).attention, start=1):
            for head, attention in enumerate(weights.numpy().swapaxes(0, 1), start=1):  # (N, 144 asking, 144 asked)
                received = attention.mean(axis=1)  # (N, 144)
                sizes = base.sum(axis=2)  # (N, 6)
                per_base = (received[:, None] * base).sum(axis=2) * 9 / np.maximum(1, sizes)  # as if it had nine tokens
                values = [
                    _mean_from(attention, odd, odd),
                    _mean_from(attention, odd, any_base),
                    _mean_from(attention, any_base, odd),
                    any_base.mean(axis=1),
                    (received * odd).sum(axis=1),
                    per_base.sum(axis=1) / np.maximum(1, (sizes > 0).sum(axis=1)),
                    odd[np.arange(len(odd)), received.argmax(axis=1)],
                ]
                total = np.array([value.sum() for value in values])
                sums[layer, head] = sums.get((layer, head), 0) + total
    return [
        {"layer": layer, "head": head, **{n: round(float(v), 4) for n, v in zip(names, total / seen, strict=True)}}
        for (layer, head), total in sums.items()
    ]


def _mean_from(attention: np.ndarray, asking: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Attention (N, 144, 144) that one token of a set (N, 144) pays on average to all of another set, (N,)."""
    paid = (attention * asked[:, None]).sum(axis=2)  # (N, 144)
    return (paid * asking).sum(axis=1) / np.maximum(1, asking.sum(axis=1))


def without_attention(finder: Finder, count: int, seed: int) -> dict[str, float]:
    """RMSE a coordinate, in pixels, when one layer's tokens listen to all tokens alike; "none": nothing is changed."""
    found = {}
    for layer in (None, 1, 2) if isinstance(finder.net, OddNet) else (None, 1):
        net = copy.deepcopy(finder.net)
        if layer:
            question = getattr(net, f"attention{layer}").query_key if isinstance(net, OddNet) else net.query
            for parameter in question.parameters():
                parameter.data.zero_()  # every question is the same, so every token is as good an answer
        *_, result = examine(net, count, seed)
        found[f"layer {layer}" if layer else "none"] = result.summary()["rmse"]
    return found


@torch.no_grad()
def doubt_by_visibility(net: OddNet | SeedNet, count: int, seed: int) -> dict[str, dict[str, float]]:
    """How the answer spreads when the odd shape is hidden and when it is in full view.

    `tokens` is the effective number of tokens that share the probability, exp(entropy); `uncertainty_px` its spread.
    """
    spread: dict[str, list[np.ndarray]] = {"hidden": [], "in full view": []}
    places = centres(net.FIRST, net.STEP)
    for pictures in exam(count, seed):
        for name, chosen in (("hidden", pictures.visible == 0), ("in full view", pictures.visible == 1)):
            if chosen.any():
                answer = net(pictures.inputs[np.flatnonzero(chosen)])
                entropy = -(answer.log_probability.exp() * answer.log_probability).sum(dim=1)
                spread[name].append(np.stack([entropy.exp().numpy(), uncertainty(answer, places).numpy()]))
    means = {name: np.concatenate(parts, axis=1).mean(axis=1) for name, parts in spread.items() if parts}
    return {
        name: {"tokens": round(float(tokens), 2), "uncertainty_px": round(float(px), 2)}
        for name, (tokens, px) in means.items()
    }


# --- all of it


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
    *_, _ = examine(finder.net, 1000, SEED)
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
    *_, result = examine(finder.net, count, SEED)
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


def join(path: Path, figures: dict[str, object]) -> None:
    """Add figures to a file of them, or renew those there; the others stay."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_atomically(path, (json.dumps({**before, **figures}, indent=1) + "\n").encode())


def study(
    argv: list[str], name: str, doc: str, key: str, look: Callable[[OddNet, int], dict[str, object]]
) -> dict[str, object]:
    """What a command does that looks into our network alone: its figures join those of the others, and are returned.

    Args:
        name: of the command. doc: its description. key: of its figures.
        look: (network, number of pictures) -> figures.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m cppn odd_shapes {name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=4_000, help="pictures (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED / "odd_shapes", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    finder = open_finder("ours", args.weights / "ours.safetensors")
    found = {"sha256": finder.checkpoint.sha256, **look(finder.net, args.count)}
    join(args.out, {key: found})
    return found


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
