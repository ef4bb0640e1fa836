"""A program's neurons as pictures, and what moves each of them."""

from __future__ import annotations

import functools
import math
from dataclasses import asdict, dataclass

import torch
from PIL import Image
from torch import Tensor

from cppn import render
from cppn.starry.paint import paint_neurons, size_at
from cppn.starry.program import Program

THUMBNAIL = 193  # pixels of a neuron's picture, half as wide as the painting
STRONGEST = 3  # inputs that a neuron's caption names
MAX_COLUMNS = 15  # of the sheet of neurons: 15 x 193 pixels
GAP = 4  # pixels between the neurons of a sheet
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Source:
    """One input of a neuron.

    Attributes:
        name: "x", "y" or "neuron 7" (counted from 1). rises: whether the neuron's sum grows with it.
        share: of all that moves the sum: weight times the input's spread over the picture, the shares adding up to 1.
    """

    name: str
    rises: bool
    share: float


def neuron_pictures(program: Program) -> list[Image.Image]:
    """Every neuron over the picture, small and gray; the last three, the colours, in red, green and blue."""
    values = paint_neurons(program, *size_at(program, THUMBNAIL))  # (N, H, W)
    return [neuron_picture(program, number, gray) for number, gray in enumerate(values)]


def neuron_picture(program: Program, number: int, values: Tensor) -> Image.Image:
    """A neuron's values (H, W) in [0, 256] as a picture, in its colour if it has one."""
    gray = values.floor().clamp(0, 255).to(torch.uint8)  # (H, W)
    shown = gray[:, :, None].repeat(1, 1, 3)  # (H, W, 3)
    channel = number - program.neurons + 3
    if channel >= 0:
        shown[:, :, [c for c in range(3) if c != channel]] = 0
    return Image.fromarray(shown.numpy())


@functools.lru_cache(maxsize=16)
def sources(program: Program) -> list[list[Source]]:
    """For every neuron its inputs, the strongest first."""
    width, height = size_at(program, THUMBNAIL)
    values = paint_neurons(program, width, height).flatten(1)  # (N, P)
    x_spread, y_spread = (math.sqrt((side * side - 1) / 12) for side in (program.width, program.height))
    spread = [0.0, x_spread, y_spread, *values.std(dim=1).tolist()]  # standard deviations; the constant has none
    names = ["constant", "x", "y", *(f"neuron {n + 1}" for n in range(program.neurons))]
    factors = program.factors
    found, first = [], 0
    for n in range(program.neurons):
        weights = factors[first : first + 3 + n]
        first += 3 + n
        strength = [abs(weight) * size for weight, size in zip(weights, spread, strict=False)]
        total = sum(strength) or 1.0
        order = sorted(range(3 + n), key=lambda j: -strength[j])
        found.append([Source(names[j], weights[j] > 0, strength[j] / total) for j in order if strength[j] > 0])
    return found


def sheet(program: Program, columns: int) -> tuple[Image.Image, list[dict[str, object]]]:
    """All neurons in one picture of so many columns, and for each the inputs that move it most."""
    pictures = neuron_pictures(program)
    listed = [
        {
            "neuron": n + 1,
            "strongest": [asdict(source) | {"share": round(source.share, 4)} for source in row[:STRONGEST]],
        }
        for n, row in enumerate(sources(program))
    ]
    return render.collage(pictures, min(columns, len(pictures)), GAP), listed


def neuron_names(program: Program) -> list[str]:
    """The neurons' numbers, counted from 1; the last three are called by their colour as well."""
    names = [str(number) for number in range(1, program.neurons + 1)]
    return names[:-3] + [f"{name} {colour}" for name, colour in zip(names[-3:], COLOURS, strict=True)]


def captions(program: Program) -> list[str]:
    """What moves each neuron, in plain words."""
    named = zip(neuron_names(program), sources(program), strict=True)
    return [f"**Neuron {name}** {_moved_by(row, program.activation)}." for name, row in named]


def _moved_by(row: list[Source], activation: str) -> str:
    """The strongest inputs of a neuron, with their shares."""
    if not row:
        return "is the same everywhere"
    strongest = row[:STRONGEST]
    if activation == "sine":  # rises and falls in turn
        return f"goes up and down along {_listed([_share(source) for source in strongest])}"
    rising = [_share(source) for source in strongest if source.rises]
    falling = [_share(source) for source in strongest if not source.rises]
    said = [f"{word} with {_listed(names)}" for word, names in (("rises", rising), ("falls", falling)) if names]
    return " and ".join(said)


def _share(source: Source) -> str:
    return f"{source.name} ({source.share:.0%})"


def _listed(names: list[str]) -> str:
    """Names with commas, and "and" before the last."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def neuron_list(program: Program) -> str:
    """All captions as a Markdown list."""
    return "\n".join(f"- {caption}" for caption in captions(program))
