"""Repeat the post's three experiments with handwritten digits, as they were run and right, and keep the figures.

    python -m cppn glyphs experiment                       scikit-learn's 1,797 digits of 8 x 8 pixels
    python -m cppn glyphs experiment --mnist FOLDER        MNIST's test set, from its two t10k files

The networks only ever saw signs of their own. The post asked three times whether they are of any use: reconstruct
digits as if writer and reader were an auto-encoder; put a linear classifier on the reader, frozen or not; search for
messages that the writer draws as given digits. It concluded that what they learn is of no use for digits. Its code,
though, froze nothing: it set `requires_grad = False` on the network, which is a plain attribute of a module, and not on
its parameters. Here the second experiment is done as it was run, and right.

Each repetition has its own division of the digits, its own random network for comparison and its own first weights of
the classifier; the trained network is the same in all of them. scikit-learn belongs to making, not to the app.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn import hub, render
from cppn.checkpoint import write_atomically
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.glyphs.weights import Script, open_script
from cppn.training import interval_95, matrices_in_bfloat16, named_generator

RESULT = hub.BUNDLED / "results" / "glyph_experiments.json"
NETWORKS = ("script", "seed")
REPETITIONS = 5
COMPONENTS = 64  # as many as a message has numbers
TILE = 64  # pixels of a digit in the pictures that are kept
NOTE = (
    "Each figure is the mean of several repetitions (with five, a 95% interval is given); each repetition has its own "
    "division of the digits, its own random network and its own first weights of the classifier; the trained network "
    "is one. 'as run' sets requires_grad on the module, as the post's code did, which freezes nothing; 'frozen' "
    "does."
)

Net = GlyphNet | SeedNet

HEAD_RATE, HEAD_EPOCHS = 1e-3, 10  # Adam's rate and passes over the data for a linear classifier, as in the post
TUNING_EPOCHS = 4  # passes when the whole reader moves; more of them change little and take long
BATCH = 128
FEW = 50  # labels of the small task
DRAWN = 40  # digits that messages are searched for
DRAWING_STEPS, DRAWING_RATE = 300, 0.1
DRAWING_PIXELS = 32  # ours draws at any size
DIGITS = 10


# --- digits


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


@dataclass(frozen=True)
class Task:
    """Digits for training and for testing, pictures (N, 1, S, S) in [0, 1] with labels (N,)."""

    pictures: Tensor
    labels: Tensor
    test_pictures: Tensor
    test_labels: Tensor

    @classmethod
    def divide(cls, pictures: Tensor, labels: Tensor, repetition: int) -> Task:
        """Four fifths for training, one for testing, by chance."""
        order = torch.randperm(len(labels), generator=named_generator("glyphs division", repetition))
        train, test = order[: len(order) * 4 // 5], order[len(order) * 4 // 5 :]
        return cls(pictures[train], labels[train], pictures[test], labels[test])

    def at(self, size: int) -> Task:
        """The same digits at another size."""
        return Task(resized(self.pictures, size), self.labels, resized(self.test_pictures, size), self.test_labels)


def resized(pictures: Tensor, size: int) -> Tensor:
    """Pictures (N, 1, S, S) at another size."""
    return F.interpolate(pictures, (size, size), mode="bilinear", antialias=True)


# --- what is asked of a network


def random_twin(script: Script, task: Task, repetition: int) -> Net:
    """The same networks before any training, with normalisations that know how digits look."""
    torch.manual_seed(repetition)
    twin = type(script.net)(script.checkpoint.config).train()
    with torch.no_grad():
        for part in task.pictures[: 20 * BATCH].split(BATCH):
            twin.draw(torch.randn(BATCH, twin.numbers))
            twin.read(part)
    return twin.eval()


@torch.no_grad()
def messages_of(net: Net, pictures: Tensor) -> Tensor:
    """What the reader makes of pictures, (N, numbers)."""
    return torch.cat([net.read(part).messages for part in pictures.split(250)])


def nearest_neighbour(known: Tensor, labels: Tensor, asked: Tensor, truth: Tensor) -> float:
    """Share of the asked rows whose nearest known row has their label; features are flattened."""
    nearest = torch.cdist(asked.flatten(1), known.flatten(1)).argmin(dim=1)
    return float((labels[nearest] == truth).double().mean())


def reconstruction(net: Net, task: Task) -> dict[str, float]:
    """How well a nearest neighbour tells digits from their messages, and from the signs drawn of these messages."""
    known, asked = messages_of(net, task.pictures), messages_of(net, task.test_pictures)
    with torch.no_grad():
        known_signs, asked_signs = (
            torch.cat([resized(net.draw(part), DRAWING_PIXELS) for part in messages.split(250)])
            for messages in (known, asked)
        )
    return {
        "from_messages": nearest_neighbour(known, task.labels, asked, task.test_labels),
        "from_signs": nearest_neighbour(known_signs, task.labels, asked_signs, task.test_labels),
    }


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of rows whose largest logit is the label's."""
    return float((logits.argmax(dim=1) == labels).double().mean())


def classifier(net: Net, task: Task, repetition: int, way: str) -> tuple[float, float]:
    """A linear classifier on top of the reader, trained with Adam as in the post.

    Args:
        way: "as run", the post's way to freeze: an attribute that freezes nothing; "frozen": the reader's parameters
            really stay; "tuned": they are meant to move.

    Returns:
        Accuracy on the test digits, and the share of the reader's weights that moved.
    """
    torch.manual_seed(repetition)
    reader, head = copy.deepcopy(net), nn.Linear(net.numbers, DIGITS)
    if way == "frozen":
        known, asked = messages_of(reader, task.pictures), messages_of(reader, task.test_pictures)
        _descend(head, list(head.parameters()), known, task.labels, HEAD_EPOCHS)
        return accuracy(head(asked), task.test_labels), 0.0
    if way == "as run":
        reader.requires_grad = False  # this is the post's line, and it does nothing
    before = [p.clone() for p in reader.reader.parameters()]

    def model(pictures: Tensor) -> Tensor:
        with matrices_in_bfloat16():
            messages = reader.read(pictures).messages
        return head(messages)

    reader.train()
    _descend(model, [*reader.reader.parameters(), *head.parameters()], task.pictures, task.labels, TUNING_EPOCHS)
    reader.eval()
    moved = sum(int((p != old).sum()) for p, old in zip(reader.reader.parameters(), before, strict=True))
    share = moved / sum(p.numel() for p in before)
    return accuracy(head(messages_of(reader, task.test_pictures)), task.test_labels), share


def _descend(model: nn.Module, parameters: list[Tensor], inputs: Tensor, labels: Tensor, epochs: int) -> None:
    """Minimise the cross-entropy of a classifier."""
    optimizer = torch.optim.Adam(parameters, HEAD_RATE)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(BATCH):
            loss = F.cross_entropy(model(inputs[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def probe(known: Tensor, labels: Tensor, asked: Tensor, truth: Tensor) -> float:
    """Logistic regression on standardised features, trained until it stands still; independent of scale and steps."""
    mean, spread = known.mean(dim=0), known.std(dim=0) + 1e-6
    known, asked = (F.pad((x - mean) / spread, (0, 1), value=1.0) for x in (known, asked))
    weight = torch.zeros(known.shape[1], DIGITS, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=150, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(known @ weight, labels) + 1e-4 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return accuracy(asked @ weight, truth)


def probes(known: Tensor, asked: Tensor, task: Task) -> dict[str, float]:
    """`probe` with all labels of a task and with `FEW` of them, evenly over the digits."""
    few = torch.cat([(task.labels == digit).nonzero()[: FEW // DIGITS, 0] for digit in range(DIGITS)])
    return {
        "all_labels": probe(known, task.labels, asked, task.test_labels),
        "few_labels": probe(known[few], task.labels[few], asked, task.test_labels),
    }


def drawing(net: Net, digits: Tensor) -> tuple[float, Tensor]:
    """Search for messages that are drawn as given digits.

    Args:
        digits: (N, 1, DRAWING_PIXELS, DRAWING_PIXELS).

    Returns:
        Mean squared error over the pixels, and the signs found, of the digits' shape.
    """
    net = net.eval()
    size = digits.shape[-1] if isinstance(net, GlyphNet) else net.pixels
    wanted = resized(digits, size)
    messages = torch.zeros(len(digits), net.numbers, requires_grad=True)
    optimizer = torch.optim.Adam([messages], DRAWING_RATE)
    for _ in range(DRAWING_STEPS):
        loss = F.mse_loss(net.draw(messages, size), wanted)
        optimizer.zero_grad()
        loss.backward(inputs=[messages])
        optimizer.step()
    with torch.no_grad():
        signs = net.draw(messages, size)
    return float(F.mse_loss(signs, wanted)), resized(signs, digits.shape[-1])


def principal_components(task: Task, count: int) -> tuple[Tensor, Tensor]:
    """Mean (P,) and the first `count` components (P, count) of the training digits' pixels."""
    pixels = task.pictures.flatten(1)
    mean = pixels.mean(dim=0)
    values = torch.linalg.eigh((pixels - mean).mT @ (pixels - mean)).eigenvectors
    return mean, values[:, -count:].flip(1)


# --- all of it, several times


class Figures:
    """Values of the repetitions under their names."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], list[float]] = defaultdict(list)

    def add(self, *names: str, value: float) -> None:
        """One more value."""
        self._values[names].append(value)

    def summary(self) -> dict[str, object]:
        """A nested table, each leaf with mean, 95% interval for it, and the values."""
        table: dict[str, object] = {}
        for names, values in self._values.items():
            leaf = table
            for name in names[:-1]:
                leaf = leaf.setdefault(name, {})
            leaf[names[-1]] = {
                "mean": round(float(np.mean(values)), 4),
                "interval": interval_95(values, 4) if len(values) == REPETITIONS else None,
                "values": [round(value, 4) for value in values],
            }
        return table


def repeat(
    figures: Figures, scripts: list[Script], digits: tuple[Tensor, Tensor], repetition: int
) -> dict[str, Tensor]:
    """One repetition of all three experiments; returns rows of pictures to look at, each (10, 1, 32, 32)."""
    task = Task.divide(*digits, repetition)
    shown = torch.stack([(task.test_labels == digit).nonzero()[0, 0] for digit in range(DIGITS)])
    wanted = resized(task.test_pictures, DRAWING_PIXELS)
    rows = {"digits": wanted[shown]}
    _without_networks(figures, task)
    for script in scripts:
        sized = task.at(script.net.pixels)
        for weights, net in (("trained", script.net), ("random", random_twin(script, sized, repetition))):
            key = (script.name, weights)
            for name, value in reconstruction(net, sized).items():
                figures.add("reconstruction", *key, name, value=value)
            messages = messages_of(net, sized.test_pictures[shown])
            with torch.no_grad():
                rows[f"{script.name}, {weights}: reconstructed"] = resized(net.draw(messages), DRAWING_PIXELS)
            for way in ("as run", "tuned", "frozen"):
                right, moved = classifier(net, sized, repetition, way)
                figures.add("classifier", *key, way, value=right)
                figures.add("weights moved", *key, way, value=moved)
            known, asked = messages_of(net, sized.pictures), messages_of(net, sized.test_pictures)
            for name, value in probes(known, asked, sized).items():
                figures.add("probe", *key, name, value=value)
            chosen = torch.cat([shown, torch.arange(DRAWN - DIGITS)])
            error, signs = drawing(net, wanted[chosen])
            figures.add("drawing", *key, value=error)
            rows[f"{script.name}, {weights}: drawn"] = signs[:DIGITS]
            print(f"repetition {repetition}: {' '.join(key)}", flush=True)
    return rows


def _without_networks(figures: Figures, task: Task) -> None:
    """What the same questions give with the pixels themselves, and with their principal components."""
    pixels, test = task.pictures.flatten(1), task.test_pictures.flatten(1)
    nearest = nearest_neighbour(pixels, task.labels, test, task.test_labels)
    figures.add("reconstruction", "pixels", value=nearest)
    for name, value in probes(pixels, test, task).items():
        figures.add("probe", "pixels", name, value=value)
    small = task.at(DRAWING_PIXELS)
    mean, components = principal_components(small, COMPONENTS)
    known, asked = ((part.flatten(1) - mean) @ components for part in (small.pictures, small.test_pictures))
    for name, value in probes(known, asked, small).items():
        figures.add("probe", "components", name, value=value)
    truth = small.test_pictures.flatten(1)[:DRAWN]
    rebuilt = mean + asked[:DRAWN] @ components.mT
    figures.add("drawing", "components", value=float((rebuilt - truth).square().mean()))
    figures.add("drawing", "mean digit", value=float((mean - truth).square().mean()))


def sheet(rows: list[Tensor]) -> bytes:
    """Rows of ten digits each, (10, 1, S, S), as a PNG."""
    tiles = [
        render.to_image(picture.expand(3, -1, -1)).resize((TILE, TILE)) for pictures in rows for picture in pictures
    ]
    return render.png_bytes(render.collage(tiles, columns=DIGITS, gap=2, background="#444"))


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
