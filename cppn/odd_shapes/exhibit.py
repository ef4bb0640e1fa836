"""What the Odd-shapes tab shows, as files, facts and sentences; no user interface in here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cppn import hub, render
from cppn.odd_shapes import maps
from cppn.odd_shapes.canvas import Canvas, fit_to_canvas
from cppn.odd_shapes.catalogue import NETWORKS
from cppn.odd_shapes.contest import Round
from cppn.odd_shapes.dataset import ABSENT, KINDS, Pictures
from cppn.odd_shapes.locate import MAX_PIXELS, Location
from cppn.odd_shapes.network import GRID, TOKENS

RESULT = hub.BUNDLED / "results" / "odd_shapes.json"
LEVELS = {"homework passed: 5.0": 5.0, "bonus: 3.0": 3.0, "lecturer's best: 2.65": 2.65}
POINTED = 0.02  # probability from which a token's offset is drawn as an arrow

Facts = dict[str, object]


@dataclass(frozen=True)
class Look:
    """One row of attention: who asks (0 to 143), in which layer (from 1), with which head (from 1; 0 is their mean)."""

    token: int
    layer: int
    head: int

    def values(self, location: Location) -> np.ndarray:
        """The attention to each token, (12, 12), summing to 1.

        Raises:
            ValueError: this network has no such token, layer or head.
        """
        layers, heads = len(location.attention), len(location.attention[0])
        if not 0 <= self.token < TOKENS:
            raise ValueError(f"the tokens are numbered 0 to {TOKENS - 1}, not {self.token}")
        if not 1 <= self.layer <= layers:
            raise ValueError(f"this network has {layers} layer{'s' * (layers > 1)} of attention, no layer {self.layer}")
        if not 0 <= self.head <= heads:
            raise ValueError(f"this network has {heads} head{'s' * (heads > 1)} a layer, no head {self.head}")
        layer = location.attention[self.layer - 1][:, self.token]  # (heads, 144)
        row = layer[self.head - 1] if self.head else layer.mean(dim=0)
        return row.view(GRID, GRID).numpy()


def open_canvas(picture: str | None) -> Canvas:
    """A picture file fitted to the networks' canvas.

    Raises:
        ValueError: no file, or none that can be read.
    """
    if not picture:
        raise ValueError("choose, draw or upload a picture first")
    return fit_to_canvas(render.open_picture(Path(picture), MAX_PIXELS))


def truth_about(pictures: Pictures) -> Facts:
    """Everything that is known about the first of these pictures, the odd shape first among its shapes."""
    shapes = [
        {"kind": KINDS[kind], "x": int(x), "y": int(y), "radius": int(radius)}
        for kind, radius, x, y in zip(
            *(row[0] for row in (pictures.kind, pictures.radius, pictures.x, pictures.y)), strict=True
        )
        if kind != ABSENT
    ]
    odd, *base = shapes
    visible = round(100 * float(pictures.visible[0]), 1)
    return {
        "x": odd["x"],
        "y": odd["y"],
        "odd": odd,
        "base": base,
        "visible_percent": visible,
        "fingerprint": _key(pictures.ink[0]),
    }


def truth_of(canvas: Canvas, truth: Facts | None) -> Facts | None:
    """The truth, if it is about this very canvas."""
    return truth if truth and truth.get("fingerprint") == _key(canvas.ink) else None


def _key(ink: np.ndarray) -> str:
    """A fingerprint of the picture itself."""
    return hashlib.sha256(ink.astype(np.uint8).tobytes()).hexdigest()[:16]


def overlay(canvas: Canvas, location: Location, truth: Facts | None = None) -> Path:
    """The picture with the answer as a cross in a circle of its uncertainty, and the true centre where it is known."""
    picture = maps.background(canvas.ink)
    at = location.x, location.y
    maps.circle(picture, at, location.uncertainty, maps.PREDICTED)
    maps.cross(picture, at, maps.PREDICTED)
    if truth:  # on top and smaller: the two are often less than a pixel apart
        maps.cross(picture, (truth["x"], truth["y"]), maps.TRUE, tilted=True)
    return render.save_png(picture, "odd-shape")


def maps_of(canvas: Canvas, location: Location) -> tuple[Path, Path]:
    """Two maps: the probability of each token, and the offsets of the likely ones as arrows over it."""
    probability = location.probability.numpy()
    places = location.places.numpy()
    likely = maps.heat(canvas.ink, probability, places, "probability that the odd shape is here")
    arrows = maps.heat(canvas.ink, probability, places, "arrows: where each likely token puts the centre")
    for row, column in np.argwhere(probability >= POINTED):
        start = places[row, column]
        end = start + location.offset[row, column].numpy()
        maps.arrow(arrows, tuple(start), tuple(end), maps.ASKING, 3)
    return render.save_png(likely, "probability"), render.save_png(arrows, "offsets")


def attention_map(canvas: Canvas, location: Location, look: Look) -> Path:
    """What one token attends to with one head, as a map in which that token is framed."""
    values, places = look.values(location), location.places.numpy()
    head = f"head {look.head}" if look.head else "mean of heads"
    picture = maps.heat(canvas.ink, values, places, f"attention of the framed token: layer {look.layer}, {head}")
    row, column = divmod(look.token, GRID)
    maps.box(picture, tuple(places[row, column]), float(places[0, 1, 0] - places[0, 0, 0]), maps.ASKING)
    return render.save_png(picture, "attention")


def attention_maps(canvas: Canvas, location: Location, token: int) -> list[Path]:
    """What one token attends to with every head of every layer, one map each."""
    return [
        attention_map(canvas, location, Look(token, layer + 1, head + 1))
        for layer, heads in enumerate(location.attention)
        for head in range(len(heads))
    ]


def token_at(location: Location, pixel: tuple[float, float]) -> int:
    """The token nearest to a pixel of an enlarged picture or map."""
    point = np.array(canvas_point(pixel))
    distance = np.square(location.places.numpy() - point).sum(axis=2)  # (12, 12)
    return int(distance.argmin())


def canvas_point(pixel: tuple[float, float]) -> tuple[float, float]:
    """The position on the canvas that a pixel of an enlarged picture shows."""
    return pixel[0] / maps.SCALE - 0.5, pixel[1] / maps.SCALE - 0.5


def contest_picture(played: Round, click: tuple[float, float] | None) -> Path:
    """A picture of the contest: bare before the click, with all three positions after it."""
    if click is None:
        return render.save_png(maps.background(played.ink, dark=True), "contest")
    picture = maps.background(played.ink)
    maps.cross(picture, played.network, maps.PREDICTED)
    maps.cross(picture, click, maps.ASKING)
    maps.cross(picture, played.truth, maps.TRUE, tilted=True)
    return render.save_png(picture, "contest")


def results() -> Facts:
    """The measured figures of both networks."""
    return json.loads(RESULT.read_text(encoding="utf-8"))


def training_curves() -> Facts:
    """Both training curves and the homework's levels, for plotting: pictures seen, RMSE in pixels, name."""
    rows = []
    for name, title in NETWORKS.items():
        seen = 0
        for stage in results()["networks"][name]["training"]["stages"]:
            rows += [[seen + pictures, rmse, title] for pictures, _, rmse in stage["curve"]]
            seen += stage["curve"][-1][0]
    last = max(row[0] for row in rows)
    rows += [[place, level, name] for name, level in LEVELS.items() for place in (0, last)]
    columns = {"pictures": "quantitative", "rmse": "quantitative", "line": "nominal"}
    return render.plot_data(columns, rows, "line")
