"""What the Flags wing shows: results as pictures, plots, facts and sentences; no user interface in here."""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub, render
from cppn.coordinates import View
from cppn.faults import VisitorError
from cppn.flags.conventions import HOUSE, MEANINGS, VALUES, Convention, guesses
from cppn.flags.decode import Gift, answers, decode, settled, shown_size
from cppn.flags.repeats import Zigzags
from cppn.flags.target import EQUAL_PSNR, FINE, TARGETS, flag_levels, psnr
from cppn.flags.teams import TEAMS, Team
from cppn.flags.weights import gifts

RUNS = hub.BUNDLED / "flags" / "runs"
RESULTS = hub.BUNDLED / "results"
SETTINGS = ("adam", "muon")
OPTIMISERS = {"adam": "Adam", "muon": "Muon", "soap": "SOAP", "levenberg-marquardt": "Levenberg-Marquardt"}
EXPERIMENT_FLAGS = {"malaysia": "Malaysia (easier)", "usa": "USA (harder)"}
EXAMPLE = "isle_of_man"  # a picture worth hiding
FOLDED = "iran"  # a flag whose copies are folded onto each other
GUESS_SIDE = 280  # pixels at most along a side of a guess: wider than three of them stand on a desk screen

Facts = dict[str, str | int | float | list[str]]


def paint(gift: Gift, width: int, height: int, name: str, view: View | None = None, how: Convention = HOUSE) -> Path:
    """Decode and write a PNG; returns its path."""
    return render.save_png(render.to_image(decode(gift.layers, width, height, view, how)), name)


def flag_picture(team: Team, gift: Gift, picture: Tensor, zoom: float) -> tuple[Path, Facts]:
    """A decoded flag (3, H, W) as a PNG, and what is known about it."""
    facts = team_facts(team, gift)
    _, height, width = picture.shape
    path = render.save_png(render.to_image(picture), team.slug)
    return path, {**facts, "picture_width": width, "picture_height": height, "zoom": zoom}


def team_facts(team: Team, gift: Gift) -> Facts:
    """What is known about a team's gift, in plain numbers; the decibels are of the picture that these weights paint."""
    width, height = gift.size
    quality = _quality(team.slug, gift)
    return {
        "team": team.slug,
        "name": team.label,
        "width": width,
        "height": height,
        "parameters": gift.checkpoint.parameters,
        "bytes": gift.checkpoint.size,
        "bits_per_pixel": round(8 * gift.checkpoint.size / (width * height), 2),
        "psnr_db": round(quality, 2),
        "rms_error_levels": round(255 * 10 ** (-quality / 20), 2),
        "sha256": gift.checkpoint.sha256,
        "weights_from": gift.source,
        "note": gift.note,
    }


@functools.lru_cache(maxsize=256)
def _quality(slug: str, gift: Gift) -> float:
    """Decibels of the decoded flag against the 320-pixel target, brought to the gift's size if that is another."""
    return min(EQUAL_PSNR, psnr(gift.levels / 255, flag_levels(slug, gift.size) / 255))


def target_path(slug: str) -> Path:
    """The true flag's 1280-pixel drawing."""
    return TARGETS / FINE / f"{slug}.png"


def collage(width: int, columns: int = 8) -> tuple[Path, Facts]:
    """All flags decoded side by side, as near to `width` pixels wide as whole pixels allow, never wider."""
    opened = gifts().values()
    ratios = [gift.size[0] / gift.size[1] for gift in opened]
    widest = max(sum(ratios[start : start + columns]) for start in range(0, len(ratios), columns))
    gap = max(1, width // 200)
    height = max(8, int((width - gap * (columns + 1)) / widest))
    pictures = [
        render.to_image(decode(gift.layers, max(1, int(height * ratio)), height))
        for gift, ratio in zip(opened, ratios, strict=True)
    ]
    sheet = render.collage(pictures, columns, gap)
    total = sum(gift.checkpoint.size for gift in opened)
    facts = {"flags": len(opened), "width": sheet.width, "height": sheet.height, "bytes_of_weights": total}
    return render.save_png(sheet, "ioai-2024-flags"), facts


def thumbnails() -> list[tuple[str, str]]:
    """Every flag at its natural size with its name, in the order of `TEAMS`."""
    return [(str(paint(gift, *gift.size, slug)), TEAMS[slug].label) for slug, gift in gifts().items()]


def gift_picture(gift: Gift, width: int, height: int, asked: Convention) -> tuple[Path, Facts]:
    """An opened file as a PNG, read as asked for, and what is known about it; a side of 0 is as the file says."""
    own_width, own_height = shown_size(gift)
    width, height = width or own_width, height or own_height
    how = settled(gift.layers, width, height, asked)
    path = paint(gift, width, height, "gift", how=how)
    return path, _gift_facts(gift, width, height, how, chosen=how != asked)


def gift_guesses(gift: Gift) -> list[tuple[str, str]]:
    """The gift in every way that is worth trying, small, each with its name, in an order that gives nothing away."""
    width, height = shown_size(gift)
    scale = min(1.0, GUESS_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    painted, tried = [], list(gift_conventions(gift).items())
    random.Random(gift.checkpoint.sha256).shuffle(tried)
    for name, how in tried:
        try:
            painted.append((str(paint(gift, *size, "guess", how=how)), name))
        except VisitorError:  # fed like this the numbers grow without bounds
            continue
    return painted


def gift_conventions(gift: Gift) -> dict[str, Convention]:
    """The guesses that are worth trying on a gift, by their names."""
    width, height = shown_size(gift)
    values = settled(gift.layers, width, height, Convention(values=VALUES[0])).values
    return guesses(values, square=width == height)


def judge_guess(gift: Gift, name: str) -> str:
    """What speaks for a guess and what against it, beside the guess that strays least from the range of colours."""
    strays = {each: _stray_share(gift, how) for each, how in gift_conventions(gift).items()}
    best = min(strays, key=strays.__getitem__)
    told = f"You chose **{name}**. "
    if strays[name] > strays[best]:
        return (
            f"{told}Fed like this, {strays[name]:.0%} of its answers are no colours at all, darker than black or "
            f"brighter than white; fed as in *{best}*, {strays[best]:.0%}. So this is more likely one of its daydreams."
        )
    return f"{told}Fed like this, nearly all of its answers are colours: this may well be how it was trained."


def guess_of(gift: Gift, name: str) -> Convention | None:
    """The guess of this name as it is asked for: its values are left open where they are what they look like."""
    known = gift_conventions(gift)
    if name not in known:
        return None
    looks = next(iter(known.values())).values
    return known[name] if known[name].values != looks else replace(known[name], values=VALUES[0])


def _stray_share(gift: Gift, how: Convention) -> float:
    """How much of the picture lies beyond black and white, in tenths: a network that is fed wrongly goes astray."""
    colours = how.colours(answers(gift.layers, *shown_size(gift), how))
    return round(float(((colours < -0.1) | (colours > 1.1)).float().mean()), 1)


def _gift_facts(gift: Gift, width: int, height: int, how: Convention, chosen: bool) -> Facts:
    config = gift.checkpoint.config
    told = f"{config.width} x {config.height}" if config.width and config.height else "not told"
    says = answers(gift.layers, width, height, how)
    low, high = round(float(says.min()), 3), round(float(says.max()), 3)
    done = list(gift.checkpoint.done)
    if chosen and how.values != HOUSE.values:
        done.append(f"its answers, from {low:.4g} to {high:.4g}, were taken for {MEANINGS[how.values]}")
    return {
        "network": "MysteryNet",
        "parameters": gift.checkpoint.parameters,
        "bytes": gift.checkpoint.size,
        "size_in_file": told,
        "picture_width": width,
        "picture_height": height,
        "raw_low": low,
        "raw_high": high,
        "values": how.values,
        "done": done,
        "sha256": gift.checkpoint.sha256,
    }


def training_run(team: Team) -> dict[str, object]:
    """The record of how a team's weights were made: recipe, processor seconds, curve of (step, seconds, decibels)."""
    return json.loads((RUNS / f"{team.slug}.json").read_text(encoding="utf-8"))


def copy_for_download(gift: Gift, name: str) -> Path:
    """The weights file under a speaking name, where visitors may fetch it."""
    return render.save_bytes(gift.path.read_bytes(), name, ".safetensors")


def describe(facts: Facts) -> str:
    """A team's facts in a sentence or two of Markdown."""
    text = (
        f"**{facts['name']}** — {facts['parameters']:,} weights in {facts['bytes']:,} bytes. At {facts['width']} × "
        f"{facts['height']} pixels a colour is off by {facts['rms_error_levels']:.1f} of 255 levels "
        f"({facts['psnr_db']:.1f} dB). Weights: {facts['weights_from']}."
    )
    return f"{text}\n\n⚠️ {facts['note']}." if facts["note"] else text


def describe_collage(facts: Facts) -> str:
    """A collage's facts in a sentence."""
    return f"{facts['width']:,} × {facts['height']:,} pixels from {facts['bytes_of_weights']:,} bytes of weights."


def describe_gift(facts: Facts) -> str:
    """An opened file's facts in a sentence or two."""
    return (
        f"A MysteryNet of {facts['parameters']:,} weights in {facts['bytes']:,} bytes, painted at "
        f"{facts['picture_width']} × {facts['picture_height']} pixels. Size told by the file: {facts['size_in_file']}. "
        f"Its answers run from {facts['raw_low']:.4g} to {facts['raw_high']:.4g}."
    )


def curve(points: Sequence[tuple[int, float, float]]) -> dict[str, object]:
    """A training curve of (step, seconds, decibels) for plotting."""
    columns = dict.fromkeys(("step", "seconds", "decibels"), "quantitative")
    return render.plot_data(columns, render.thinned(points), "line")


def describe_riddle(gift: Gift) -> str:
    """What is known of an opened file before anybody has guessed."""
    told = gift.checkpoint
    return f"A MysteryNet of {told.parameters:,} weights in {told.size:,} bytes: **what does it hold?**"


def hidden_before() -> tuple[Path, str]:
    """What the shipped network of the example paints, and how it came to it, in words."""
    team = TEAMS[EXAMPLE]
    gift, run = gifts()[EXAMPLE], training_run(team)
    decibels = _quality(EXAMPLE, gift)
    words = (
        f"**Hidden before**, the flag of {team.label}: {decibels:.1f} dB after {run['steps']:,} steps and "
        f"{run['cpu_seconds'] / 60:.1f} minutes. Press the button to watch such a training, or bring your own picture."
    )
    return paint(gift, *gift.size, "hidden"), words


def describe_run(run: dict[str, object]) -> str:
    """How long a network learnt, in words."""
    return (
        f"{run['steps']:,} steps in {run['cpu_seconds'] / 60:.1f} minutes on one processor core, "
        f"with {run['recipe']['optimizer'].capitalize()}. Big shapes come first; the last details take longest."
    )


def experiment_rows() -> list[dict[str, object]]:
    """The tested hunches: one row a setting, flag and arm, gains in decibels over the plain arm."""
    return json.loads((RESULTS / "flag_experiments.json").read_text(encoding="utf-8"))["summary"]


def experiment_figures(rows: list[dict[str, object]]) -> dict[str, object]:
    """What the experiment says of the article's hunches: the figures in `text/learned.md`."""

    def gains(arm: str) -> str:
        # adding 0 turns a rounded -0.0 into +0.0
        found = {
            s: [f"{round(row['gain'], 1) + 0:+.1f}" for row in rows if (row["arm"], row["setting"]) == (arm, s)]
            for s in SETTINGS
        }
        return ", ".join(f"{' and '.join(values)} dB with {s.capitalize()}" for s, values in found.items())

    plain = {(row["setting"], row["flag"]): row["mean_psnr"] for row in rows if row["arm"] == "plain"}
    swap = (f"{plain['muon', flag] - plain['adam', flag]:.1f}" for flag in EXPERIMENT_FLAGS)
    return {
        "runs": sum(row["runs"] for row in rows),
        "shorter": gains("steps / 4"),
        "longer": gains("steps x 4"),
        "blur_and_noise": gains("blur and noise"),
        "encoding": gains("positional encoding"),
        "swap": " and ".join(swap),
    }


def experiment_plots(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The gains of every arm over the plain one, a plot a flag."""
    columns = {"arm": "nominal", "gain": "quantitative", "setting": "nominal"}
    arms = [row for row in rows if row["arm"] != "plain"]
    return [
        render.plot_data(columns, ([row[name] for name in columns] for row in arms if row["flag"] == flag), "point")
        for flag in EXPERIMENT_FLAGS
    ]


def room(gains: Sequence[float]) -> list[int]:
    """Limits of a plot that lie beyond its outermost points, so that none is cut in half."""
    return [math.floor(min(gains) / 5 - 0.2) * 5, math.ceil(max(gains) / 5 + 0.2) * 5]


def experiment_table(rows: list[dict[str, object]]) -> str:
    """Every arm as a Markdown table: mean quality, gain over the plain arm, 95% interval of the gain."""
    lines = ["| flag | setting | arm | runs | mean, dB | gain, dB | 95% interval |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {EXPERIMENT_FLAGS[row['flag']]} | {row['setting']} | {row['arm']} | {row['runs']} "
        f"| {row['mean_psnr']:.1f} | {row['gain']:+.2f} | {between(row['interval_95'], '+.2f')} |"
        for row in rows
    ]
    return "\n".join(lines)


def optimiser_figures() -> dict[str, object]:
    """How far each optimiser comes in equal time: the figures in `text/optimisers.md`."""
    found = json.loads((RESULTS / "flag_optimisers.json").read_text(encoding="utf-8"))
    rows = sorted(found["summary"], key=lambda row: -row["mean_psnr"])
    lines = ["| optimiser | steps | mean, dB | 95% interval |", "|---|---|---|---|"]
    lines += [
        f"| {OPTIMISERS[row['optimizer']]} | {row['steps']:,} | {row['mean_psnr']:.1f} "
        f"| {between(row['interval_95'], '.1f')} |"
        for row in rows
    ]
    level = rows[0]["interval_95"][0]
    ahead = " and ".join(OPTIMISERS[row["optimizer"]] for row in rows if row["interval_95"][1] >= level)
    return {"seconds": f"{found['seconds']:g}", "runs": rows[0]["runs"], "ahead": ahead, "table": "\n".join(lines)}


def folding_figures() -> dict[str, object]:
    """How well a flag that repeats itself is learnt with folds and without: the figures in `text/folding.md`."""
    found = json.loads((RESULTS / "flag_folding.json").read_text(encoding="utf-8"))
    names = {"none": "none", "held": "held", "not held": "loose"}
    figures = {names[row["arm"]]: f"{row['mean_psnr']:.1f}" for row in found["summary"]}
    return {"steps": f"{found['steps']:,}", "runs": found["summary"][0]["runs"], **figures}


def zigzag_plot() -> dict[str, object]:
    """What the first two layers of the folded flag's network make of the places from its left edge to its right."""
    gift, run = gifts()[FOLDED], training_run(TEAMS[FOLDED])
    x = torch.linspace(-1, 1, gift.size[0])
    zigzags = Zigzags(run["recipe"]["period"] * 2 / (gift.size[0] - 1)).seen(gift.checkpoint.net, x)
    rows = [
        (round(at, 4), round(value, 4), name)
        for name, values in zip(("one", "the other"), zigzags.T.tolist(), strict=True)
        for at, value in zip(x.tolist(), values, strict=True)
    ]
    return render.plot_data({"x": "quantitative", "value": "quantitative", "zigzag": "nominal"}, rows, "line")


def between(interval: Sequence[float], form: str) -> str:
    """An interval as words: 1.0 to 2.5."""
    return " to ".join(format(end, form) for end in interval)
