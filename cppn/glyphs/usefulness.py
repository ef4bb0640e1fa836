"""Handwritten digits, shown to networks that only ever saw signs of their own.

The post asked three times whether such networks are of any use: reconstruct digits as if writer and reader were an
auto-encoder; put a linear classifier on the reader, frozen or not; search for messages that the writer draws as given
digits. It concluded that what they learn is of no use for digits. Its code, though, froze nothing: it set
`requires_grad = False` on the network, which is a plain attribute of a module, and not on its parameters. Here the
second experiment is done as it was run, and right.

Each repetition has its own division of the digits, its own random network for comparison and its own first weights of
the classifier; the trained network is one and the same in all repetitions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cppn.glyphs.catalogue import Script
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.training import named_generator

Net = GlyphNet | SeedNet

HEAD_RATE, HEAD_EPOCHS = 1e-3, 10  # Adam's rate and passes over the data for a linear classifier, as in the post
TUNING_EPOCHS = 4  # passes when the whole reader moves; more of them change little and take long
BATCH = 128
FEW = 50  # labels of the small task
DRAWN = 40  # digits that messages are searched for
DRAWING_STEPS, DRAWING_RATE = 300, 0.1
DRAWING_PIXELS = 32  # ours draws at any size
DIGITS = 10


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
        with torch.autocast("cpu", torch.bfloat16):
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
