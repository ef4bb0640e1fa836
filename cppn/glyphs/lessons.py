"""What we learned: measured figures of all models as a table, charts and sentences; only what has been measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from cppn import render
from cppn.glyphs import charts, exhibit
from cppn.glyphs.catalogue import MODELS
from cppn.glyphs.exhibit import Facts

SERIES = {"colour": "colour_", "gray": "gray_"}
ACROSS = "numbers in a message"
LEGEND = (
    "Bits: at least so many a glyph. Signs: of messages that are -1 and 1 only, how many signs were read right. All: "
    "how many of these messages came through without any error. Min: minutes of training on one processor core."
)
CHARTS = {
    "bits": "Bits a glyph, at least, after the channel",
    "centroid": "Spectral centroid, cycles a glyph",
    "edges": "Edge density",
}


def series(models: Facts, key: str) -> dict[str, list[tuple[float, float]]]:
    """A figure against message size, for colour and gray; only models that have it."""
    lines = {
        name: [
            (MODELS[model].numbers, facts[key]) for model, facts in models.items() if _belongs(model, start, facts, key)
        ]
        for name, start in SERIES.items()
    }
    return {name: sorted(line) for name, line in lines.items() if line}


def _belongs(model: str, start: str, facts: Facts, key: str) -> bool:
    return model in MODELS and model.startswith(start) and isinstance(facts.get(key), int | float)


def charts_drawn() -> list[tuple[str, str]]:
    """Charts of what grows with message size: PNG file and caption each."""
    models = exhibit.results().get("models", {})
    drawn = []
    for key, title in CHARTS.items():
        if lines := series(models, key):
            drawn.append((_save(charts.curves(lines, title, ACROSS), f"glyphs-{key}"), title))
    return drawn


def figures() -> str:
    """All measured models as a table, and what the figures say about complexity."""
    models = exhibit.results().get("models", {})
    rows = [row for name in MODELS if (row := _row(name, models.get(name)))]
    if not rows:
        return "The figures have not been measured yet: `python -m cppn glyphs measure` does it."
    head = ["| model | R² | bits | signs % | all % | min |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n\n" + "\n\n".join([LEGEND, *_sentences(models)])


def _row(name: str, facts: Facts | None) -> str | None:
    """A line of the table; what was not measured stays empty."""
    if not facts:
        return None
    signs = facts.get("signs") or {}
    cells = [
        MODELS[name].title,
        _number(facts.get("r2"), "{:.3f}"),
        _number(facts.get("bits"), "{:.0f}"),
        _number(signs.get("bit_accuracy"), "{:.2f}", 100),
        _number(signs.get("exact"), "{:.0f}", 100),
        _number(facts.get("cpu_seconds"), "{:.0f}", 1 / 60),
    ]
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None, form: str, factor: float = 1) -> str:
    """A figure in other units; nothing where it was not measured."""
    return "" if value is None else form.format(factor * value)


def _sentences(models: Facts) -> Iterator[str]:
    """What the charts show, as far as they go."""
    measured = {name: facts["bits"] for name, facts in models.items() if name in MODELS and "bits" in facts}
    ours = {name: bits for name, bits in measured.items() if name != "seed"}
    if ours:
        best = max(ours, key=ours.get)
        against = f", the original's networks {measured['seed']:.0f}" if "seed" in measured else ""
        yield f"The best model, *{MODELS[best].title}*, carries at least {ours[best]:.0f} bits a glyph{against}."
    grown = []
    for key, noun in (("centroid", "the spectral centroid (how fine the detail is)"), ("edges", "the edge density")):
        for colour, line in series(models, key).items():
            if len(line) > 1:
                (low, first), (high, last) = line[0], line[-1]
                grown.append(f"{noun} in {colour} goes from {first:.3g} at {low:,} numbers to {last:.3g} at {high:,}")
    if grown:
        yield (
            "**Does complexity grow with the message?** The original's author looked for it and saw no particular "
            "pattern. Measured: " + "; ".join(grown) + "."
        )


def _save(picture: Image.Image, name: str) -> str:
    path: Path = render.save_png(picture, name)
    return str(path)
