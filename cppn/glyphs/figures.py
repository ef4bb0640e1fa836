"""Measured figures of the Glyphs wing as tables, plots and sentences: trainings, all models, digits experiments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from cppn import hub, render
from cppn.glyphs.weights import MODELS
from cppn.heatmap import GAP, INK, TEXT, TITLE_HEIGHT, WIDTH, font

RUNS = hub.BUNDLED / "glyphs" / "runs"
RESULTS = hub.BUNDLED / "results"
SERIES = {"colour": "colour_", "gray": "gray_"}
GROWTH = {  # figure -> what it is
    "bits": "Bits a glyph, at least",
    "centroid": "Spectral centroid, cycles a glyph",
    "edges": "Edge density",
}
DIGITS = {"mnist": "MNIST's 10,000 test digits", "digits": "scikit-learn's 1,797 small digits"}  # the first is shown
NETWORKS = {"script": "our networks", "seed": "the original's networks"}
OWNERS = {"script": "ours", "seed": "original"}
WAYS = ("as run", "frozen")  # what became of the reader under a classifier: see text/digits.md
SHEETS = {"reconstructed": "Digits read, and drawn again", "drawn": "Messages searched for that draw digits"}
ROW = TEXT + 12  # pixels for a label

Facts = dict[str, object]


def results() -> Facts:
    """The measured figures by model; empty before they were measured."""
    return _json(RESULTS / "glyphs.json").get("models", {})


def experiments() -> Facts:
    """What the experiments with digits found; empty before they were run."""
    return _json(RESULTS / "glyph_experiments.json")


def _json(path: Path) -> Facts:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


# --- a model's training


def training(name: str) -> tuple[Path | None, Facts | None, str]:
    """A model's training film, R2 on unseen messages over seconds of training, and both in words.

    The curve begins where the reader does better than a guess. What was not kept is None, or is not told.
    """
    shown = RUNS / f"{name}.webp"
    record = _json(RUNS / f"{name}.json")
    words = [] if shown.is_file() else [f"No film of **{MODELS[name].title}** was kept."]
    if not record:
        return (shown if shown.is_file() else None), None, " ".join(words)
    _, _, r2, bits = record["curve"][-1]
    minutes = round(record["cpu_seconds"] / 60)
    words += [
        f"{record['steps']:,} steps of learning in {minutes or 'less than 1'} minute{'s' * (minutes > 1)} on one "
        "processor core.",
        f"At the end R² was {r2:.3f}, which is at least {bits:.0f} bits a glyph.",
    ]
    points = [[seconds, share] for _, seconds, share, _ in record["curve"] if share >= 0]
    curve = render.plot_data(dict.fromkeys(("seconds", "share"), "quantitative"), points, "line")
    return (shown if shown.is_file() else None), curve, " ".join(words)


# --- all models side by side


def table() -> str:
    """All measured models as a table; a figure that was not measured stays empty."""
    rows = [_row(name, facts) for name, facts in _known(results()).items()]
    if not rows:
        return "The figures have not been measured yet: `python -m cppn glyphs measure` does it."
    return "\n".join(["| model | R² | bits | signs % | all % | min |", "|---|---|---|---|---|---|", *rows])


def _known(models: Facts) -> Facts:
    """The figures of models that are offered, in their order."""
    return {name: models[name] for name in MODELS if models.get(name)}


def _row(name: str, facts: Facts) -> str:
    def figure(value: float | None, form: str, factor: float = 1) -> str:
        return "" if value is None else form.format(factor * value)

    signs = facts.get("signs", {})
    cells = [
        MODELS[name].title,
        figure(facts.get("r2"), "{:.3f}"),
        figure(facts.get("bits"), "{:.0f}"),
        figure(signs.get("bit_accuracy"), "{:.2f}", 100),
        figure(signs.get("exact"), "{:.0f}", 100),
        figure(facts.get("cpu_seconds"), "{:.0f}", 1 / 60),
    ]
    return f"| {' | '.join(cells)} |"


def series(models: Facts, key: str) -> dict[str, list[tuple[int, float]]]:
    """A figure against message size, for colour and gray; only models that have it."""
    lines = {
        colour: sorted(
            (MODELS[name].numbers, facts[key])
            for name, facts in _known(models).items()
            if name.startswith(start) and key in facts
        )
        for colour, start in SERIES.items()
    }
    return {colour: line for colour, line in lines.items() if line}


def growth() -> list[tuple[Facts, float]]:
    """Plots of what grows with message size, one for each of `GROWTH`, each with the upper end of its axis."""
    columns = {"numbers": "nominal", "value": "quantitative", "signs": "nominal"}
    plots = []
    for key in GROWTH:
        lines = series(results(), key).items()
        rows = [(f"{numbers:,}", value, colour) for colour, line in lines for numbers, value in line]
        top = 1.05 * max((value for _, value, _ in rows), default=1)
        plots.append((render.plot_data(columns, rows, "line"), top))
    return plots


def lessons() -> str:
    """What the figures show, as far as they go."""
    models = _known(results())
    measured = {name: facts["bits"] for name, facts in models.items() if "bits" in facts}
    ours = {name: bits for name, bits in measured.items() if name != "seed"}
    words = []
    if ours:
        best = max(ours, key=ours.get)
        against = f", the original's networks {measured['seed']:.0f}" if "seed" in measured else ""
        words.append(
            f"**The best model, {MODELS[best].title}, carries at least {ours[best]:.0f} bits a glyph{against}.**"
        )
    grown = []
    for key, noun in (("centroid", "the spectral centroid (how fine the detail is)"), ("edges", "the edge density")):
        for colour, line in series(models, key).items():
            if len(line) > 1:
                (low, first), (high, last) = line[0], line[-1]
                grown.append(f"{noun} in {colour} goes from {first:.3g} at {low:,} numbers to {last:.3g} at {high:,}")
    if grown:
        words.append(
            "**Does complexity grow with the message?** The original's author looked for it and saw no particular "
            f"pattern. Measured: {'; '.join(grown)}."
        )
    return "\n\n".join(words)


def capacity() -> dict[str, str] | None:
    """What holds the bits down, as the figures that `text/capacity.md` needs; None before it was measured."""
    found = _json(RESULTS / "glyph_capacity.json")
    if not found:
        return None
    usual, longer = found["training"]["usual"], found["training"]["longer"]
    script = found["training"]["script"]
    return {
        "script": MODELS[script].title,
        "bound": f"{found['bits_through_the_noise_at_most'][script]:,}",
        "usual": f"{usual['bits']:.0f}",
        "longer": f"{longer['bits']:.0f}",
        "times": f"{longer['steps'] / usual['steps']:.0f}",
        "culprit": "the training" if longer["bits"] > 1.05 * usual["bits"] else "not the length of the training",
    }


# --- the three experiments with digits


def digits() -> tuple[str, Facts] | None:
    """The digits that were measured, in words, and what was found with them."""
    found = experiments()
    name = next((name for name in DIGITS if name in found), None)
    if name is None:
        return None
    limit = found[name].get("limit")
    return (f"{limit:,} of {DIGITS[name]}" if limit else DIGITS[name]), found[name]


def digit_figures(found: Facts) -> dict[str, str]:
    """What the experiments found: the figures in `text/digits.md`."""
    return {
        "redrawn": _compared(found, "{:.1%}", True, "reconstruction", "from_signs"),
        "as_run": _compared(found, "{:.1%}", True, "classifier", "as run"),
        "frozen": _compared(found, "{:.1%}", True, "classifier", "frozen"),
        "few": _compared(found, "{:.1%}", True, "probe", "few_labels"),
        "drawn": _compared(found, "{:.3f}", False, "drawing"),
        "flat": f"{found['drawing']['mean digit']['mean']:.3f}",
    }


def _pairs(found: Facts, experiment: str, *rest: str) -> Iterator[tuple[str, Facts, Facts]]:
    """The trained and the random network's figure, for each kind of network."""
    for name, title in NETWORKS.items():
        trained, random = found[experiment][name]["trained"], found[experiment][name]["random"]
        for key in rest:
            trained, random = trained[key], random[key]
        yield title, trained, random


def _compared(found: Facts, form: str, more_is_better: bool, experiment: str, *rest: str) -> str:
    """Trained against random for each kind of network, as one sentence."""
    parts = [
        f"{title} {_told(trained, form)} trained, {_told(random, form)} random: "
        + _verdict(trained, random, more_is_better)
        for title, trained, random in _pairs(found, experiment, *rest)
    ]
    return "; ".join(parts) + "."


def _told(figure: Facts, form: str) -> str:
    """A mean with its 95% interval."""
    words = form.format(figure["mean"])
    if not figure["interval"]:
        return words
    low, high = (form.format(value) for value in figure["interval"])
    return f"{words} ({low} to {high})"


def _verdict(trained: Facts, random: Facts, more_is_better: bool) -> str:
    """Which is better, if the intervals do not overlap."""
    if not (trained["interval"] and random["interval"]):
        return "too few repetitions to say more"
    if trained["interval"][0] > random["interval"][1]:
        return "training helps" if more_is_better else "training harms"
    if trained["interval"][1] < random["interval"][0]:
        return "training harms" if more_is_better else "training helps"
    return "no clear difference"


def classified(found: Facts) -> Facts:
    """How many digits the classifiers told right, for each kind of network, way and kind of weights."""
    rows = [
        (f"{owner}, {way}, {weights}", found["classifier"][name][weights][way]["mean"], weights)
        for way in WAYS
        for name, owner in OWNERS.items()
        for weights in ("trained", "random")
    ]
    return render.plot_data({"reader": "nominal", "share": "quantitative", "weights": "nominal"}, rows, "bar")


def sheets(found: Facts) -> list[tuple[str, str]]:
    """What was reconstructed and drawn: picture file and caption each."""
    shown = []
    for what, sheet in found["pictures"].items():
        path = hub.BUNDLED / sheet["file"]
        if path.is_file():
            with Image.open(path) as picture:
                rows = labelled_rows(picture.convert("RGB"), [_label(row) for row in sheet["rows"]], SHEETS[what])
            shown.append((str(render.save_png(rows, path.stem)), SHEETS[what]))
    return shown


def _label(name: str) -> str:
    """What a row of pictures shows: "script, trained: drawn" is "our networks, trained"."""
    network, _, weights = name.partition(":")[0].partition(", ")
    return f"{NETWORKS[network]}, {weights}" if network in NETWORKS else f"the {network}"


def labelled_rows(sheet: Image.Image, labels: list[str], title: str) -> Image.Image:
    """Rows of pictures that lie below each other in equal strips of a sheet, each with its label above it."""
    strip = sheet.height // len(labels)
    width = WIDTH - 2 * GAP
    tall = round(strip * width / sheet.width)
    picture = Image.new("RGB", (WIDTH, TITLE_HEIGHT + len(labels) * (ROW + tall + GAP)), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((GAP, 12), title, INK, font(TEXT))
    for number, label in enumerate(labels):
        top = TITLE_HEIGHT + GAP + number * (ROW + tall + GAP)
        pen.text((GAP, top), label, INK, font(TEXT))
        row = sheet.crop((0, number * strip, sheet.width, (number + 1) * strip))
        picture.paste(row.resize((width, tall), Image.Resampling.LANCZOS), (GAP, top + ROW))
    return picture
