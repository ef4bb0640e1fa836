"""What the Starry-night tab shows, as files and facts; no user interface in here."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cppn import hub, render
from cppn.coordinates import View
from cppn.starry.catalogue import Painter, painter_of
from cppn.starry.paint import paint, paint_neurons, size_at
from cppn.starry.picture import as_tensor
from cppn.starry.program import Program, count_escapes

RESULT = hub.BUNDLED / "results" / "starry.json"
SQUEEZED = "starry/sunset.pyth"  # the first of the examples, squeezed in three minutes
EXAMPLES = {
    "A sunset": hub.BUNDLED / "starry" / "sunset.png",
    "Japan's flag": hub.BUNDLED / "flags" / "targets" / "japan.png",
    "Malaysia's flag (hard)": hub.BUNDLED / "flags" / "targets" / "malaysia.png",
}
WIDTH, HEIGHT = 386, 320  # pixels of the contest's picture
THUMBNAIL = 193  # pixels of a neuron's picture, half as wide as the painting
STRONGEST = 3  # inputs that a neuron's caption names
MAX_COLUMNS = 15  # of the sheet of neurons: 15 x 193 pixels
GAP = 4  # pixels between the neurons of a sheet

Facts = dict[str, object]


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


def to_path(picture: Tensor, name: str) -> Path:
    """A picture uint8 (H, W, 3) or (H, W) as a PNG file."""
    return render.save_png(Image.fromarray(picture.numpy()).convert("RGB"), name)


def painting(painter: Painter, width: int, view: View) -> tuple[Path, Facts]:
    """What a program paints, as a PNG of this width, and what is known about it.

    Raises:
        ValueError: a size outside the limits.
    """
    width, height = size_at(painter.program, width)
    path = to_path(paint(painter.program, width, height, view), f"starry-{painter.name}")
    return path, {**facts_of(painter), "picture_width": width, "picture_height": height, "zoom": view.zoom}


def facts_of(painter: Painter) -> Facts:
    """What is known about a program, in plain values."""
    program = painter.program
    return {
        "program": painter.name,
        "bytes": len(painter.data),
        "escapes": count_escapes(painter.data),
        "neurons": program.neurons,
        "neuron": program.activation,
        "weights": len(program.weights),
        "levels": program.levels,
        "bend": program.bend,
        "scale": program.scale,
        "constant": program.constant,
        "width": program.width,
        "height": program.height,
        "sha256": hashlib.sha256(painter.data).hexdigest(),
        "program_from": painter.source,
        "note": painter.note,
    }


def own_painting(painter: Painter) -> Path:
    """What a program paints, pixel by pixel as Pyth does."""
    program = painter.program
    return to_path(paint(program, program.width, program.height), f"starry-{painter.name}")


def copy_for_download(data: bytes, name: str) -> Path:
    """A program's bytes under a speaking name, where visitors may fetch them."""
    return render.save_bytes(data, name, ".pyth")


# --- the neurons


def neuron_pictures(program: Program) -> list[Image.Image]:
    """Every neuron over the picture, small and gray; the last three, the colours, in red, green and blue."""
    values = paint_neurons(program, *size_at(program, THUMBNAIL))  # (N, H, W)
    return [_neuron_picture(program, number, gray) for number, gray in enumerate(values)]


def large_neuron(program: Program, number: int) -> Image.Image:
    """One neuron, counted from 0, as large as the program's own painting."""
    return _neuron_picture(program, number, paint_neurons(program, program.width, program.height)[number])


def _neuron_picture(program: Program, number: int, values: Tensor) -> Image.Image:
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


def neuron_sheet(painter: Painter, columns: int) -> tuple[Path, Facts]:
    """All neurons in one picture, and for each what it depends on most.

    Raises:
        ValueError: a number of columns outside 1 to 15.
    """
    if not 1 <= columns <= MAX_COLUMNS:
        raise ValueError(f"between 1 and {MAX_COLUMNS} columns are possible, not {columns}")
    pictures = neuron_pictures(painter.program)
    sheet = render.collage(pictures, min(columns, len(pictures)), GAP)
    listed = [
        {"neuron": n + 1, "strongest": [vars(source) | {"share": round(source.share, 4)} for source in row[:STRONGEST]]}
        for n, row in enumerate(sources(painter.program))
    ]
    path = render.save_png(sheet, f"starry-{painter.name}-neurons")
    return path, {"program": painter.name, "width": sheet.width, "height": sheet.height, "neurons": listed}


# --- comparison with a target


@dataclass(frozen=True)
class Target:
    """A visitor's picture at the contest's size: the picture, and what was done to it in words."""

    picture: Image.Image
    done: str


def open_target(path: str | Path) -> Target:
    """A picture file as a target of 386 x 320 pixels.

    Raises:
        ValueError: no picture, or none that can be read.
    """
    picture = render.open_picture(Path(path))
    if picture.size == (WIDTH, HEIGHT):
        return Target(picture, "")
    resized = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return Target(resized, f"Its {picture.width} × {picture.height} pixels became {WIDTH} × {HEIGHT}.")


def score(painted: Tensor, target: Tensor) -> float:
    """The contest's measure of two pictures uint8 (H, W, 3): summed squared differences over 255², lower is better."""
    return float((painted.double() - target.double()).square().sum()) / 255**2


def score_against(painter: Painter, target: Target) -> float:
    """A program's score with a visitor's target.

    Raises:
        ValueError: the program paints another size.
    """
    program = painter.program
    if (program.width, program.height) != (WIDTH, HEIGHT):
        raise ValueError(f"the program paints {program.width} x {program.height} pixels, not {WIDTH} x {HEIGHT}")
    return score(paint(program, WIDTH, HEIGHT), as_tensor(target.picture))


def side(name: str, target: Target | None) -> Path:
    """One side of the compare slider: a program's own painting, or the visitor's target.

    Raises:
        ValueError: the target is asked for and there is none. KeyError: no such program.
    """
    if name != "target":
        return own_painting(painter_of(name))
    if target is None:
        raise ValueError("upload a picture to compare with first")
    return render.save_png(target.picture, "starry-target")


# --- a visitor's own picture


@dataclass(frozen=True)
class Look:
    """One look at a search.

    Attributes:
        stage: what it is doing, one of `words.STAGES`. share: of its time that is over, in [0, 1].
        seconds: since it began. score: the contest's, of the picture below; lower is better.
        decibels: the same as a peak signal-to-noise ratio; higher is better.
        data: the program, at most 1024 bytes.
        picture: what that program paints, uint8 (H, W, 3), read from its own bytes.
    """

    stage: str
    share: float
    seconds: float
    score: float
    decibels: float
    data: bytes
    picture: Tensor


# --- measured figures


def results() -> Facts:
    """The measured figures of our search; empty where none have been written."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}


def curve(points: list[tuple[float, float]]) -> Facts:
    """A search's (seconds, score) for plotting, thinned to some 200 points."""
    columns = dict.fromkeys(("seconds", "score"), "quantitative")
    return render.plot_data(columns, points[:: max(1, len(points) // 200)], "line")


def search_curves(found: Facts) -> Facts:
    """The curves of our search's starts and of the published recipe, for plotting: minutes of a core, loss, name."""
    rows = [
        [seconds / 60, loss, f"our start {seed}"]
        for seed, curve in found.get("search", {}).get("starts", {}).items()
        for seconds, loss in curve
    ]
    rows += [
        [seconds / 60, loss, "the published recipe"] for seconds, loss in (found.get("baseline") or {}).get("curve", [])
    ]
    return render.plot_data({"minutes": "quantitative", "score": "quantitative", "line": "nominal"}, rows, "line")
