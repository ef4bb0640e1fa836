"""Repeat the post's three experiments with handwritten digits, as they were run and right, and keep the figures.

    python -m cppn glyphs experiment                       scikit-learn's 1,797 digits of 8 x 8 pixels
    python -m cppn glyphs experiment --mnist FOLDER        MNIST's test set, from its two t10k files

See `cppn/glyphs/usefulness.py` for what is compared. scikit-learn belongs to making, not to the app.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cppn import hub, render
from cppn.checkpoint import write_atomically
from cppn.glyphs import usefulness as use
from cppn.glyphs.catalogue import Script, open_script
from cppn.glyphs.measure import interval
from cppn.glyphs.usefulness import Task

RESULT = hub.BUNDLED / "results" / "glyph_experiments.json"
NETWORKS = ("script", "seed")
REPETITIONS = 5
COMPONENTS = 64  # as many as a message has numbers
TILE = 64  # pixels of a digit in the pictures that are kept
NOTE = (
    "Each figure is the mean of several repetitions (with five, a 95 % interval is given); each repetition has its own "
    "division of the digits, its own random network and its own first weights of the classifier; the trained network "
    "is one. 'as run' sets requires_grad on the module, as the post's code did, which freezes nothing; 'frozen' "
    "does."
)


def load_digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's digits: pictures (1797, 1, 8, 8) in [0, 1] and labels.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed; the message says how to get it.
    """
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the digits come with scikit-learn, which the app does not need: pip install -r weights/requirements.txt"
        ) from error
    digits = datasets.load_digits()
    return torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), torch.tensor(digits.target)


def load_mnist(folder: Path) -> tuple[Tensor, Tensor]:
    """MNIST's test set: pictures (10000, 1, 28, 28) in [0, 1] and labels, from the two gzip files as published."""

    def read(name: str, header: int) -> np.ndarray:
        with gzip.open(folder / f"t10k-{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header).copy()

    pictures = read("images-idx3", 16).reshape(-1, 1, 28, 28)
    return torch.tensor(pictures / 255, dtype=torch.float32), torch.tensor(read("labels-idx1", 8)).long()


class Figures:
    """Values of the repetitions under their names."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], list[float]] = defaultdict(list)

    def add(self, *names: str, value: float) -> None:
        """One more value."""
        self._values[names].append(value)

    def summary(self) -> dict[str, object]:
        """A nested table, each leaf with mean, 95 % interval for it, and the values."""
        table: dict[str, object] = {}
        for names, values in self._values.items():
            leaf = table
            for name in names[:-1]:
                leaf = leaf.setdefault(name, {})
            leaf[names[-1]] = {
                "mean": round(float(np.mean(values)), 4),
                "interval": interval(torch.tensor(values).double()) if len(values) == REPETITIONS else None,
                "values": [round(value, 4) for value in values],
            }
        return table


def repeat(
    figures: Figures, scripts: list[Script], digits: tuple[Tensor, Tensor], repetition: int
) -> dict[str, Tensor]:
    """One repetition of all three experiments; returns rows of pictures to look at, each (10, 1, 32, 32)."""
    task = Task.divide(*digits, repetition)
    shown = torch.stack([(task.test_labels == digit).nonzero()[0, 0] for digit in range(use.DIGITS)])
    wanted = use.resized(task.test_pictures, use.DRAWING_PIXELS)
    rows = {"digits": wanted[shown]}
    _without_networks(figures, task)
    for script in scripts:
        sized = task.at(script.net.pixels)
        for weights, net in (("trained", script.net), ("random", use.random_twin(script, sized, repetition))):
            key = (script.name, weights)
            for name, value in use.reconstruction(net, sized).items():
                figures.add("reconstruction", *key, name, value=value)
            messages = use.messages_of(net, sized.test_pictures[shown])
            with torch.no_grad():
                rows[f"{script.name}, {weights}: reconstructed"] = use.resized(net.draw(messages), use.DRAWING_PIXELS)
            for way in ("as run", "tuned", "frozen"):
                right, moved = use.classifier(net, sized, repetition, way)
                figures.add("classifier", *key, way, value=right)
                figures.add("weights moved", *key, way, value=moved)
            known, asked = use.messages_of(net, sized.pictures), use.messages_of(net, sized.test_pictures)
            for name, value in use.probes(known, asked, sized).items():
                figures.add("probe", *key, name, value=value)
            chosen = torch.cat([shown, torch.arange(use.DRAWN - use.DIGITS)])
            error, signs = use.drawing(net, wanted[chosen])
            figures.add("drawing", *key, value=error)
            rows[f"{script.name}, {weights}: drawn"] = signs[: use.DIGITS]
            print(f"repetition {repetition}: {' '.join(key)}", flush=True)
    return rows


def _without_networks(figures: Figures, task: Task) -> None:
    """What the same questions give with the pixels themselves, and with their principal components."""
    pixels, test = task.pictures.flatten(1), task.test_pictures.flatten(1)
    nearest = use.nearest_neighbour(pixels, task.labels, test, task.test_labels)
    figures.add("reconstruction", "pixels", value=nearest)
    for name, value in use.probes(pixels, test, task).items():
        figures.add("probe", "pixels", name, value=value)
    small = task.at(use.DRAWING_PIXELS)
    mean, components = use.principal_components(small, COMPONENTS)
    known, asked = ((part.flatten(1) - mean) @ components for part in (small.pictures, small.test_pictures))
    for name, value in use.probes(known, asked, small).items():
        figures.add("probe", "components", name, value=value)
    truth = small.test_pictures.flatten(1)[: use.DRAWN]
    rebuilt = mean + asked[: use.DRAWN] @ components.mT
    figures.add("drawing", "components", value=float((rebuilt - truth).square().mean()))
    figures.add("drawing", "mean digit", value=float((mean - truth).square().mean()))


def sheet(rows: list[Tensor]) -> bytes:
    """Rows of ten digits each, (10, 1, S, S), as a PNG."""
    tiles = [
        render.to_image(picture.expand(3, -1, -1)).resize((TILE, TILE)) for pictures in rows for picture in pictures
    ]
    return render.save_png(render.collage(tiles, columns=use.DIGITS, gap=2, background="#444")).read_bytes()


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs experiment`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs experiment",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--mnist", type=Path, help="folder with t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz"
    )
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="default: %(default)s")
    parser.add_argument("--limit", type=int, help="use this many digits only")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED / "glyphs", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        pictures, labels = load_mnist(args.mnist) if args.mnist else load_digits()
    except (ModuleNotFoundError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    pictures, labels = pictures[: args.limit], labels[: args.limit]
    name = "mnist" if args.mnist else "digits"
    scripts = [open_script(network, args.weights / f"{network}.safetensors") for network in NETWORKS]
    figures, rows = Figures(), {}
    for repetition in range(args.repetitions):
        found = repeat(figures, scripts, (pictures, labels), repetition)
        rows = rows or found
        keep(name, figures, rows, repetition + 1, args)
        print(f"{name}: {repetition + 1} of {args.repetitions} kept", flush=True)
    return 0


def keep(name: str, figures: Figures, rows: dict[str, Tensor], repetitions: int, args: argparse.Namespace) -> None:
    """Write what is known so far: the figures of one data set beside those of the other, and the pictures."""
    kept = {}
    for what in ("reconstructed", "drawn"):
        chosen = [key for key in rows if key == "digits" or key.endswith(what)]
        kept[what] = {"file": f"glyphs/experiments/{name}_{what}.png", "rows": chosen}
        target = args.weights / "experiments" / f"{name}_{what}.png"
        write_atomically(target, sheet([rows[key] for key in chosen]))
    results = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    found = {"repetitions": repetitions, "limit": args.limit, **figures.summary(), "pictures": kept}
    write_atomically(args.out, (json.dumps(results | {"note": NOTE, name: found}, indent=1) + "\n").encode())
