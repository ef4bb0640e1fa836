"""What the Flags tab shows, as files, facts and sentences; no user interface in here."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from PIL import Image

from cppn import hub, render
from cppn.coordinates import ORDERS, SPANS, View
from cppn.flags.decode import Gift, decode, gift_of
from cppn.flags.target import FINE, SCALE, TARGETS, flag_levels
from cppn.flags.teams import TEAMS, Team, find_team
from cppn.render import to_uint8
from cppn.training import EQUAL_PSNR, psnr

RUNS = hub.BUNDLED / "flags" / "runs"
RESULTS = hub.BUNDLED / "results"
HIDDEN_WIDTH = 320  # pixels of a visitor's picture, as wide as the flags
SETTINGS = ("adam", "muon")
EXPERIMENT_FLAGS = {"malaysia": "Malaysia (easier)", "usa": "USA (harder)"}
LEARNED = """
The author of the original flags had hunches that there was no time to test. Here they are, tested in {runs} training
runs on two flags, in the article's setting (Adam, batch normalisation) and in ours (Muon, none), with paired seeds.

1. **"Leave it training" mostly holds.** Four times the steps gained {longer}; a quarter of them cost {shorter}.
2. **A blurred start and a noisy target** did next to nothing in the article's setting and may help a little in ours:
   both together gained {blur_and_noise}.
3. **A positional encoding cuts both ways**: {encoding}. The way of training matters as much, and leaves the network as
   mysterious as it was: with Muon instead of Adam the plain run is {swap} dB better.

Pairs of figures are Malaysia's flag and that of the United States. What this does not show: other flags, other
strengths of blur and noise, other learning rates for Adam, longer runs.
"""
GUESS_SIDE = 400  # pixels at most along a side of a guess: every flag at its own size, larger pictures reduced
OUTSIDE = "#8a8f98"  # shown for the target beyond its edges, where only the network has an opinion

Facts = dict[str, str | int | float]


def paint(gift: Gift, width: int, height: int, view: View, order: str, span: str, name: str) -> Path:
    """Decode and write a PNG; returns its path."""
    return render.save_png(render.to_image(decode(gift.layers, width, height, view, order, span)), name)


def flag_picture(team_name: str, width: int, view: View) -> tuple[Path, Facts]:
    """A team's flag as a PNG of this width, and what is known about it.

    Raises:
        KeyError: no such team. ValueError: a size or zoom outside the limits.
    """
    team = find_team(team_name)
    gift = gift_of(team)
    width, height = gift.size_at(width)
    path = paint(gift, width, height, view, "xy", "-1..1", team.slug)
    return path, {**team_facts(team), "picture_width": width, "picture_height": height, "zoom": view.zoom}


def team_facts(team: Team) -> Facts:
    """What is known about a team's gift, in plain numbers; the decibels are of the picture that these weights paint."""
    gift = gift_of(team)
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
    """Decibels of the decoded flag against the 320-pixel target."""
    wanted = flag_levels(slug)
    height, width, _ = wanted.shape
    shown = to_uint8(decode(gift.layers, width, height)).permute(1, 2, 0)
    return min(EQUAL_PSNR, psnr(shown / 255, wanted / 255))


def target_picture(team: Team, width: int, height: int, view: View) -> Path:
    """The true flag in the same window, from its 1280-pixel drawing; neutral gray beyond the edges."""
    with Image.open(TARGETS / FINE / f"{team.slug}.png") as drawing:
        a, c = _affine(width, drawing.width, view.zoom, view.center_x)
        e, f = _affine(height, drawing.height, view.zoom, view.center_y)
        seen = drawing.convert("RGB").transform(
            (width, height),
            Image.Transform.AFFINE,
            (a, 0, c, 0, e, f),
            resample=Image.Resampling.BICUBIC,
            fillcolor=OUTSIDE,
        )
    return render.save_png(seen, f"{team.slug}-target")


def _affine(size: int, drawing_size: int, zoom: float, center: float) -> tuple[float, float]:
    """Scale and offset from output pixels to the drawing's, as Pillow counts them (a pixel's centre is at + 1/2).

    The network's -1 and 1 are the centres of the first and last of the 320 pixels, each `SCALE` drawing pixels long.
    """
    pixels = drawing_size / SCALE
    step = 2 / (zoom * max(1, size - 1))  # [-1, 1] units between two output pixels
    scale = SCALE * step * (pixels - 1) / 2
    first = SCALE * (pixels - 1) * (1 + center - 1 / zoom) / 2 + SCALE / 2
    return scale, first - scale / 2


def collage(width: int, columns: int = 8) -> tuple[Path, Facts]:
    """All flags decoded side by side, as near to `width` pixels wide as whole pixels allow, never wider."""
    gifts = [(team, gift_of(team)) for team in TEAMS.values()]
    ratios = [gift.size[0] / gift.size[1] for _, gift in gifts]
    widest = max(sum(ratios[start : start + columns]) for start in range(0, len(ratios), columns))
    gap = max(1, width // 200)
    height = max(8, int((width - gap * (columns + 1)) / widest))
    pictures = [
        render.to_image(decode(gift.layers, max(1, int(height * ratio)), height))
        for (_, gift), ratio in zip(gifts, ratios, strict=True)
    ]
    sheet = render.collage(pictures, columns, gap)
    total = sum(gift.checkpoint.size for _, gift in gifts)
    facts = {"flags": len(gifts), "width": sheet.width, "height": sheet.height, "bytes_of_weights": total}
    return render.save_png(sheet, "ioai-2024-flags"), facts


def thumbnails() -> list[tuple[Path, str]]:
    """Every flag at its natural size with its name, in the order of `TEAMS`."""
    return [
        (paint(gift, *gift.size, View(), "xy", "-1..1", team.slug), team.label)
        for team in TEAMS.values()
        for gift in [gift_of(team)]
    ]


def guesses(gift: Gift, width: int, height: int) -> list[tuple[Path, str]]:
    """The gift under every combination of order and span, as its finders met it, small."""
    scale = min(1.0, GUESS_SIDE / max(width, height))
    small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
    pictures = []
    for order in ORDERS:
        for span in SPANS:
            path = paint(gift, small_width, small_height, View(), order, span, "guess")
            pictures.append((path, f"{order}, {span}"))
    return pictures


def gift_facts(gift: Gift, width: int, height: int) -> Facts:
    """What an opened file says about itself."""
    config = gift.checkpoint.config
    told = f"{config.width} x {config.height}" if config.width and config.height else "not told"
    return {
        "network": "MysteryNet",
        "parameters": gift.checkpoint.parameters,
        "bytes": gift.checkpoint.size,
        "size_in_file": told,
        "picture_width": width,
        "picture_height": height,
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


def describe_gift(facts: Facts) -> str:
    """An opened file's facts in a sentence of Markdown."""
    return (
        f"A MysteryNet of {facts['parameters']:,} weights in {facts['bytes']:,} bytes, painted at "
        f"{facts['picture_width']} × {facts['picture_height']} pixels. Size told by the file: {facts['size_in_file']}."
    )


def describe_run(run: dict[str, object]) -> str:
    """How long a network learnt, in words."""
    return (
        f"{run['steps']:,} steps in {run['cpu_seconds'] / 60:.1f} minutes on one processor core, "
        f"with {run['recipe']['optimizer'].capitalize()}. Big shapes come first; the last details take longest."
    )


def experiment_rows() -> list[dict[str, object]]:
    """The tested hunches: one row a setting, flag and arm, gains in decibels over the plain arm."""
    return json.loads((RESULTS / "flag_experiments.json").read_text(encoding="utf-8"))["summary"]


def learned_words(rows: list[dict[str, object]]) -> str:
    """What the experiment says of the article's hunches, in a few sentences with its own figures."""

    def gains(arm: str) -> str:
        # adding 0 turns a rounded -0.0 into +0.0
        found = {
            s: [f"{round(row['gain'], 1) + 0:+.1f}" for row in rows if (row["arm"], row["setting"]) == (arm, s)]
            for s in SETTINGS
        }
        return ", ".join(f"{' and '.join(values)} dB with {s.capitalize()}" for s, values in found.items())

    plain = {(row["setting"], row["flag"]): row["mean_psnr"] for row in rows if row["arm"] == "plain"}
    swap = (f"{plain['muon', flag] - plain['adam', flag]:.1f}" for flag in EXPERIMENT_FLAGS)
    return LEARNED.format(
        runs=sum(row["runs"] for row in rows),
        shorter=gains("steps / 4"),
        longer=gains("steps x 4"),
        blur_and_noise=gains("blur and noise"),
        encoding=gains("positional encoding"),
        swap=" and ".join(swap),
    )


def experiment_table(rows: list[dict[str, object]]) -> str:
    """Every arm as a Markdown table: mean quality, gain over the plain arm, standard error of the gain."""
    lines = ["| flag | setting | arm | runs | mean, dB | gain, dB |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {EXPERIMENT_FLAGS[row['flag']]} | {row['setting']} | {row['arm']} | {row['runs']} "
        f"| {row['mean_psnr']:.1f} | {row['gain']:+.2f} ± {row['standard_error']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)
