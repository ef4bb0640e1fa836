"""What the Odd-shapes wing says: answers, truths, scores and measured figures as data, sentences, tables and plots."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np

from cppn import hub, render
from cppn.odd_shapes.canvas import Canvas, to_image
from cppn.odd_shapes.contest import ROUNDS, Game, Round, standing
from cppn.odd_shapes.dataset import ABSENT, KINDS, Pictures
from cppn.odd_shapes.locate import Location
from cppn.odd_shapes.posterior import Posterior
from cppn.odd_shapes.weights import NETWORKS, Finder, finder_of

RESULT = hub.BUNDLED / "results" / "odd_shapes.json"
LEVELS = {"5": 5.0, "3": 3.0, "2.65": 2.65}  # the homework's: passed, bonus, its lecturer's best
SHORT = {"ours": "ours", "seed": "homework"}  # names that a phone's legend has room for

Facts = dict[str, object]


# --- one picture


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
        "fingerprint": _fingerprint(pictures.ink[0]),
    }


def truth_of(canvas: Canvas, truth: Facts | None) -> Facts | None:
    """The truth, if it is about this very canvas."""
    return truth if truth and truth["fingerprint"] == _fingerprint(canvas.ink) else None


def _fingerprint(ink: np.ndarray) -> str:
    return hashlib.sha256(ink.astype(np.uint8).tobytes()).hexdigest()[:16]


def report(location: Location, finder: Finder, canvas: Canvas) -> Facts:
    """An answer as plain data."""
    in_picture = canvas.in_picture(location.x, location.y)
    return {
        "x": round(location.x, 2),
        "y": round(location.y, 2),
        "in_your_picture": [round(value, 2) for value in in_picture],
        "uncertainty_px": round(location.uncertainty, 2),
        "probability": round(float(location.probability.max()), 4),
        "token": location.token,
        "network": finder.name,
        "weights_from": finder.source,
        "note": finder.note,
        "picture": " ".join(canvas.done),
        "caveats": list(location.caveats),
    }


def describe(facts: Facts, truth: Facts | None = None) -> str:
    """A report in words: the answer, what speaks against it, what was done to the picture, and the truth if known."""
    place = f"x = {facts['x']:.1f}, y = {facts['y']:.1f}"
    if facts["caveats"]:
        said = [f"The network points at {place}, but:", *(f"⚠️ {caveat}" for caveat in facts["caveats"])]
    else:
        said = [f"**The odd shape is centred at {place}**, give or take {facts['uncertainty_px']:.1f} pixels."]
    said.append(f"The picture as it came: {facts['picture']}")
    if truth:
        distance = math.dist((facts["x"], facts["y"]), (truth["x"], truth["y"]))
        said.append(
            f"The truth: a {truth['odd']['kind']} at x = {truth['x']}, y = {truth['y']} among {len(truth['base'])} "
            f"{truth['base'][0]['kind']}s, {truth['visible_percent']:.0f}% of it in view. "
            f"**The answer is {distance:.1f} pixels off.**"
        )
    if facts["note"]:
        said.append(f"⚠️ {facts['note']}.")
    return "\n\n".join(said)


def remarks(facts: Facts, truth: Facts | None = None) -> str:
    """What there is to say about a picture beside the answer: caveats, and what was done to one that was brought."""
    said = [f"⚠️ {caveat}" for caveat in facts["caveats"]]
    if not truth:
        said.append(f"The picture as it came: {facts['picture']}")
    if facts["note"]:
        said.append(f"⚠️ {facts['note']}.")
    return "\n\n".join(said)


def for_browser(canvas: Canvas, network: str, truth: Facts | None) -> Facts:
    """What a browser needs to find the odd shape itself: the network's file, the picture, its shapes if known."""
    return {
        "weights": str(render.save_bytes(finder_of(network).halved, network, ".safetensors")),
        "picture": str(render.save_png(to_image(canvas.ink), "odd-shapes-canvas")),
        "shapes": [truth["odd"], *truth["base"]] if truth else None,
    }


# --- the exact answer


def describe_exact(exact: Posterior | None, seconds: float, location: Location, truth: Facts) -> str:
    """The exact answer beside the network's and the truth, and what it took; or that there is none.

    Args:
        exact: None if the search gave up. seconds: that it took.
    """
    answers = {"**+** the network": (location.x, location.y, location.uncertainty)}
    if exact:
        answers = {"**+** the exact answer": (*exact.mean, exact.uncertainty)} | answers
        there = exact.probability[truth["y"], truth["x"]]
        said = (
            f"**Everything was tried in {seconds:.2f} seconds of a processor core**, in {exact.branches:,} steps. "
            f"The true centre's own pixel got {there:.1%} of the probability."
        )
    else:
        said = (
            f"**Given up after {seconds:.1f} seconds:** this picture can be made in more ways than can be tried in "
            "that time, so its exact answer is not known here. The network answers all the same."
        )
    lines = [
        f"{said} {truth['visible_percent']:.0f}% of the odd shape is in view.",
        "",
        "| answered by | x, y | expects to be off by | is off by |",
        "|---|---|---|---|",
    ]
    for title, (x, y, doubt) in answers.items():
        off = math.dist((x, y), (truth["x"], truth["y"]))
        lines.append(f"| {title} | {x:.1f}, {y:.1f} | {doubt:.1f} px | {off:.1f} px |")
    lines.append(f"| **✕** the truth: a {truth['odd']['kind']} | {truth['x']}, {truth['y']} | | |")
    return "\n".join(lines)


# --- the contest


def describe_contest(rounds: tuple[Round, ...], game: Game) -> str:
    """The contest so far in words."""
    up = f"Picture {game.number + 1} of {ROUNDS}"
    if not game.clicks:
        return f"{up}: **click where you see the centre of the odd shape.**"
    score = standing(rounds, game.clicks)
    up = f"{up}, you {score['won']} : network {score['lost']}"
    if not game.shown:
        return f"{up}: **click where you see the centre of the odd shape.**"
    last = f"You were **{score['yours'][-1]:.1f} pixels** off, the network **{score['networks'][-1]:.1f}**."
    means = f"On average: you {score['your_mean']:.1f} pixels, the network {score['network_mean']:.1f}."
    if not game.over:
        return f"{up}. {last} {means}"
    verdict = "You beat the network!" if score["your_mean"] < score["network_mean"] else "The network wins."
    return f"{up}. {last}\n\n**{verdict}** {means} You were closer in {score['won']} of {ROUNDS} pictures."


def contest_in_words(rounds: tuple[Round, ...], game: Game) -> str:
    """What the contest's picture shows, for those who do not see it."""
    up, played = f"Picture {game.number + 1} of {ROUNDS}", rounds[game.number]
    if not game.shown:
        return f"{up}: black shapes, one of them of another kind. Arrow keys move a cross, Enter answers."
    (true_x, true_y), (x, y), (your_x, your_y) = played.truth, played.network, game.clicks[-1]
    return (
        f"{up}: the odd shape is at {true_x:.0f}, {true_y:.0f}; the network points at {x:.0f}, {y:.0f}, "
        f"you at {your_x:.0f}, {your_y:.0f}. Enter goes on."
    )


# --- scores


def describe_score(facts: Facts, count: int) -> str:
    """A score in a sentence or two; `count` is the number of pictures that were asked for."""
    so_far = "" if facts["pictures"] == count else f"Measuring, {facts['pictures'] / count:.0%}: "
    if facts["interval_95"] is None:
        return (
            f"{so_far}**{facts['rmse']:.2f} px** RMSE a coordinate on 1 fresh picture, which has no error bar. "
            f"The answer is {facts['median_distance']:.2f} px from the true centre."
        )
    return (
        f"{so_far}**{facts['rmse']:.2f} px** RMSE a coordinate (95% interval {_span(facts)} px) on "
        f"{facts['pictures']:,} fresh pictures. Half of the answers are within {facts['median_distance']:.2f} px of "
        f"the true centre; {facts['share_over_5px']:.1%} are more than 5 px off."
    )


def score_table(facts: Facts) -> str:
    """A score by what can be seen of the odd shape, and by how sure the network said it was."""
    lines = [
        "| which pictures | share of the pictures | RMSE, px | its 95% interval, px | expected by itself, px |",
        "|---|---|---|---|---|",
    ]
    parts = {f"odd shape in view: {name}": part for name, part in facts["by_visible"].items()}
    parts |= {f"expected to be off by {name}": part for name, part in facts["by_uncertainty"].items()}
    for title, part in parts.items():
        rmse, said = ("–" if part.get(key) is None else f"{part[key]:.2f}" for key in ("rmse", "said_px"))
        lines.append(f"| {title} | {part['share']:.1%} | {rmse} | {_span(part)} | {said} |")
    return "\n".join(lines)


def _span(facts: Facts) -> str:
    """A 95% interval; a dash where there is none."""
    if not facts.get("interval_95"):
        return "–"
    low, high = facts["interval_95"]
    return f"{low:.2f} to {high:.2f}"


# --- measured figures


def results() -> Facts:
    """The measured figures of both networks."""
    return json.loads(RESULT.read_text(encoding="utf-8"))


def score_figures() -> Facts:
    """How good both networks are and how good one could be: the figures in `text/score.md`."""
    measured = results()
    ours = measured["networks"]["ours"]["score"]
    return {
        "pictures": ours["pictures"],
        "median": ours["median_distance"],
        "far": f"{ours['share_over_5px']:.1%}",
        "table": _networks_table(measured["networks"]),
        "hidden": f"{ours['by_visible']['hidden']['share']:.1%}",
        "bayes": measured["bayes"] | {"interval": _span(measured["bayes"])},
        "regions": _regions_table(measured["networks"]),
        "region_pictures": ours["regions"][0]["pictures"],
    }


def _regions_table(networks: dict[str, Facts]) -> str:
    """How often the regions in which a network says that the centre lies hold it: in all pictures, in unsure ones."""
    rows = {}
    for name, title in NETWORKS.items():
        score = networks[name]["score"]
        rows[title] = score["regions"]
        rows[f"{title}, where it expects to be off by over 5 px"] = score["by_uncertainty"]["over 5 px"]["regions"]
    columns = ["the places that hold this share of the probability"]
    columns += [f"{region['mass']:.0%}" for region in rows[NETWORKS["ours"]]]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for title, regions in rows.items():
        lines.append(f"| {title} | {' | '.join(_held(region) for region in regions)} |")
    return "\n".join(lines)


def _held(region: Facts) -> str:
    """How often regions held the true centre, with the 95% interval."""
    low, high = region["held_interval_95"]
    return f"{region['held']:.1%} ({low:.1%} to {high:.1%})"


def _networks_table(networks: dict[str, Facts]) -> str:
    rows: list[tuple[str, str, tuple[str | int, ...]]] = [
        ("median distance, px", "{:.2f}", ("score", "median_distance")),
        ("**RMSE a coordinate, px**", "**{:.2f}**", ("score", "rmse")),
        ("its 95% interval, px: from", "{:.2f}", ("score", "interval_95", 0)),
        ("… to", "{:.2f}", ("score", "interval_95", 1)),
        ("Euclidean RMSE, px", "{:.2f}", ("score", "euclidean_rmse")),
        ("share of answers more than 5 px off", "{:.1%}", ("score", "share_over_5px")),
        *(
            (f"RMSE, odd shape in view: {name}", "{:.2f}", ("score", "by_visible", name, "rmse"))
            for name in networks["ours"]["score"]["by_visible"]
        ),
        ("weights", "{:,}", ("parameters",)),
        ("pictures seen in training", "{:,}", ("training", "pictures")),
        ("seconds of training on one core", "{:,}", ("training", "cpu_seconds")),
    ]
    lines = ["| measured | " + " | ".join(NETWORKS.values()) + " |", "|---|" + "---|" * len(NETWORKS)]
    for title, written, keys in rows:
        cells = (written.format(_within(networks[name], keys)) for name in NETWORKS)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _within(value: object, keys: tuple[str | int, ...]) -> object:
    for key in keys:
        value = value[key]
    return value


def attention_figures() -> Facts:
    """What the attention does: the figures in `text/attention.md`."""
    ours = results()["networks"]["ours"]
    heads = ours["attention"]
    columns = ("odd_to_base", "odd_to_odd", "base_to_odd", "received_odd", "received_base", "follows")
    shares = [head | {name: f"{head[name]:.0%}" for name in (*columns, "base_share")} for head in heads]

    def most(name: str) -> Facts:
        return shares[max(range(len(heads)), key=lambda number: heads[number][name])]

    return {
        "rows": "\n".join(
            f"| layer {head['layer']}, head {head['head']} | {' | '.join(head[name] for name in columns)} |"
            for head in shares
        ),
        "even": shares[0]["base_share"],
        "to_others": most("odd_to_base"),
        "to_odd": most("base_to_odd"),
        "follows": most("follows"),
        "rmse": ours["rmse_with_even_attention_in"],
        "spread": ours["spread"],
        "ablated": results()["ablation"]["pictures"],
        "ablation": _ablation_rows(results()["ablation"]["without"]),
    }


PARTS = {
    "none": "nothing",
    "surroundings": "the first look at the eight neighbours",
    "surroundings2": "the second look at the eight neighbours",
    "both surroundings": "both looks at the eight neighbours",
    "attention1": "attention, layer 1",
    "attention2": "attention, layer 2",
    "both attentions": "attention, both layers",
    "attention and surroundings": "attention and neighbours: no tokens meet",
    "think1": "what each token makes of layer 1",
    "think2": "what each token makes of layer 2",
}


def _ablation_rows(without: dict[str, Facts]) -> str:
    return "\n".join(
        f"| {title} | {found['rmse']:.2f} | {_span(found)} | {found['median_distance']:.2f} px | "
        f"{found['share_over_5px']:.1%} |"
        for title, found in ((title, without[name]) for name, title in PARTS.items())
    )


def training_curves() -> Facts:
    """Both training curves and the homework's levels, for plotting: pictures seen, RMSE in pixels, name."""
    networks, rows = results()["networks"], []
    for name, title in SHORT.items():
        seen = 0
        for stage in networks[name]["training"]["stages"]:
            rows += [[seen + pictures, rmse, title] for pictures, _, rmse in stage["curve"]]
            seen += stage["curve"][-1][0]
    last = max(row[0] for row in rows)
    rows += [[place, level, name] for name, level in LEVELS.items() for place in (0, last)]
    columns = {"pictures": "quantitative", "rmse": "quantitative", "line": "nominal"}
    return render.plot_data(columns, rows, "line")
