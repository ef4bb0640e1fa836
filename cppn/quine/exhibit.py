"""What the Quine tab shows, as files, plot data and facts; no user interface in here."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cppn import heatmap, hub, render
from cppn.heatmap import Bar, Block, Diverging, Logarithmic
from cppn.quine.catalogue import SHIPPED, find_shipped
from cppn.quine.heal import Healing
from cppn.quine.network import Quine, split
from cppn.quine.query import QueryQuine
from cppn.quine.tamper import Tampering
from cppn.quine.verify import Verification

Network = Quine | QueryQuine
Facts = dict[str, object]

ERRORS = Logarithmic(-18, 0)  # from below one rounding error of a weight to errors larger than any weight
FLOOR = -18  # where the curves draw exactly 0, whose logarithm is minus infinity
LADDER_LENGTH = 20  # decimal places that a ladder's bar shows to scale; float64 ends near 17
FOUND, ROUNDED, ROUGH = (0, 150, 136), (70, 110, 200), (215, 110, 50)


@functools.cache
def results() -> Facts:
    """The measured figures."""
    return json.loads((hub.BUNDLED / "results" / "quine.json").read_text(encoding="utf-8"))


def blocks(net: Network, vector: Tensor) -> list[Block]:
    """A vector (P,) as one matrix a layer: a row for each unit, its bias at the right behind a gap."""
    layers: dict[str, list[np.ndarray]] = {}
    for name, part in split(net, vector.double()).items():
        rows = part.reshape(part.shape[0], -1).numpy()  # (units, inputs) or (units, 1)
        layers.setdefault(name.rpartition(".")[0], []).append(rows)
    gap = np.nan
    return [
        Block(name, np.hstack([parts[0], *(np.hstack([np.full((len(b), 1), gap), b]) for b in parts[1:])]))
        for name, parts in layers.items()
    ]


def _indices(net: Network) -> list[Block]:
    """The same matrices with the number of each weight in its place."""
    return blocks(net, torch.arange(sum(p.numel() for p in net.parameters())))


def index_at(net: Network, pixel: tuple[float, float]) -> int | None:
    """The number of the weight at a pixel of a heat map; None beside all weights."""
    numbers = _indices(net)
    place = heatmap.cell_at(numbers, pixel)
    if place is None or math.isnan(number := numbers[place[0]].values[place[1:]]):
        return None
    return int(number)


def _frame(net: Network, index: int) -> tuple[int, int, int]:
    """Where on a heat map weight `index` is."""
    for number, block in enumerate(_indices(net)):
        for row, column in np.argwhere(block.values == index):
            return number, int(row), int(column)
    raise ValueError(f"no weight {index}")


def values_map(net: Network, values: Tensor, limit: float, title: str, index: int | None = None) -> Path:
    """Heat map of weights or of anything on their scale, which ends at `limit`; weight `index` is framed."""
    frame = None if index is None else _frame(net, index)
    # all weights may be 0; any scale shows that
    picture = heatmap.sheet(blocks(net, values), Diverging(limit or 1.0), title, frame)
    return render.save_png(picture, "quine-weights")


def error_map(net: Network, errors: Tensor, what: str, index: int | None = None) -> Path:
    """Heat map of |errors| by powers of ten, with the number of exact zeros in the title."""
    zeros = int((errors == 0).sum())
    title = f"{what}: exactly 0 for {zeros:,} of {len(errors):,}"
    frame = None if index is None else _frame(net, index)
    return render.save_png(heatmap.sheet(blocks(net, errors), ERRORS, title, frame), "quine-errors")


def verification_maps(net: Network, found: Verification) -> tuple[Path, Path, Path, Path]:
    """Weights, output, difference by powers of ten, and the difference as the seed draws it."""
    theta, output = found.theta.double(), found.output.double()
    limit = float(theta.abs().max())
    return (
        values_map(net, theta, limit, "Its weights"),
        values_map(net, output, limit, "What it prints"),
        error_map(net, output - theta, "Difference"),
        values_map(net, output - theta, limit, "The difference, in the colours of the weights"),
    )


def tamper_maps(net: Network, original: Tensor, done: Tampering) -> tuple[Path, Path]:
    """What the changed network prints against its own weights, and against the original; the changed weight framed."""
    printed, own = done.verification.output.double(), done.verification.theta.double()
    return (
        error_map(net, printed - own, "Off its own weights", done.index),
        error_map(net, printed - original.double(), "Off the original", done.index),
    )


def tamper_facts(done: Tampering) -> Facts:
    """The findings as plain data."""
    facts = {name: value for name, value in vars(done).items() if name != "verification"}
    return {
        **facts,
        "position": list(done.position),
        "words": done.words,
        "verification": asdict(done.verification.report),
    }


def healing_facts(run: Healing) -> Facts:
    """The findings as plain data."""
    return {**asdict(run), "words": run.words}


def log_size(value: float) -> float:
    """Power of ten of a size for a plot; exactly 0, and all that is smaller, at `FLOOR`."""
    return max(FLOOR, math.log10(value)) if value > 0 else FLOOR


def healing_curve(run: Healing) -> Facts:
    """Distance to the original after each copy, thinned to some 200 points."""
    every = max(1, len(run.distances) // 200)
    points = [(copy, log_size(value)) for copy, value in enumerate(run.distances)]
    columns = {"copy": "quantitative", "power of ten": "quantitative"}
    return render.plot_data(columns, [*points[:-1:every], points[-1]], "line")


def healing_region(slug: str) -> Facts:
    """Measured share of noise draws from which a quine comes back, for each noise; empty if it was not measured."""
    measured = results()["healing"].get(slug, {"noise": (), "healed": ()})
    rows = [(f"{noise:g}", share) for noise, share in zip(measured["noise"], measured["healed"], strict=True)]
    return render.plot_data({"noise": "nominal", "share healed": "quantitative"}, rows, "bar")


def zero_curves(runs: dict[str, tuple[float, ...]]) -> Facts:
    """Spread of the weights after each copy, one line a start."""
    columns = {"copy": "quantitative", "power of ten": "quantitative", "start": "nominal"}
    rows = [(copy, log_size(spread), start) for start, run in runs.items() for copy, spread in enumerate(run)]
    return render.plot_data(columns, rows, "line")


def ulp_bars(report: Facts) -> Facts:
    """How many weights are printed with an error of how many units in the last place."""
    return render.plot_data({"units": "nominal", "weights": "quantitative"}, report["ulp_histogram"], "bar")


def margin_bars(report: Facts) -> Facts:
    """How far each bit of the code is from tipping over; empty without a sign head."""
    rows = [(f"{bit:02}", margin) for bit, margin in enumerate(report["margins"], start=1)]
    return render.plot_data({"bit": "nominal", "margin": "quantitative"}, rows, "bar")


def rungs() -> list[tuple[str, Decimal]]:
    """The ladder: how it was made, and its largest error, from the worst to the best."""
    files = results()["files"]
    long = results()["digits"]
    errors = {slug: Decimal(files[slug]["max_delta"]) for slug in SHIPPED}
    exact = [slug for slug, figures in files.items() if figures["verdict"] == "exact"]
    ladder = [
        ("Trained as the seed trains it", errors["seed_rmsprop"]),
        ("One query a weight, every weight trained", errors["query"]),
        ("Newton's method, 64-bit numbers", errors["newton"]),
        (f"The same with {long['digits']:,} digits (too long for a file)", Decimal(long["max_delta"])),
        (f"Exact: {len(exact)} networks, found by census", max(errors[slug] for slug in exact)),
    ]
    return sorted(ladder, key=lambda rung: -rung[1])


def ladder_picture() -> Path:
    """The error ladder as bars: the longer, the more decimal places of every weight are printed rightly."""
    rows = []
    for label, error in rungs():
        places = -float(error.log10()) if error else math.inf
        share = 0.8 * places / LADDER_LENGTH if places <= LADDER_LENGTH else 0.9 if error else 1.0
        colour = ROUGH if places < 10 else ROUNDED if error else FOUND
        rows.append(Bar(label, share, f"{error:.1e}" if error else "exactly 0", colour, places > LADDER_LENGTH))
    return render.save_png(heatmap.bars(rows, "Largest error of a weight"), "quine-ladder")


def copy_for_download(slug: str) -> Path:
    """A shipped quine's file under its own name, where visitors may fetch it."""
    quine = find_shipped(slug)
    return render.save_bytes(hub.library().find(quine.file).path.read_bytes(), quine.slug, ".safetensors")
