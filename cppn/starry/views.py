"""What the Starry-night wing shows: results as pictures, plots, facts and sentences; no user interface in here."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor

from cppn import hub, render
from cppn.coordinates import View
from cppn.faults import VisitorError
from cppn.hub import WeightsError
from cppn.starry import neurons
from cppn.starry.codecs import CODECS, PictureFile, quick_file
from cppn.starry.paint import largest_affordable, paint, size_at
from cppn.starry.picture import as_tensor, score
from cppn.starry.program import BYTE_LIMIT, Program, count_escapes, parts
from cppn.starry.squeeze import SHORTEST, STAGES, Look, target_of_upload
from cppn.starry.weights import PROGRAMS, Painter, open_program, painter_of

RESULT = hub.BUNDLED / "results" / "starry.json"
SQUEEZED = "starry/sunset.pyth"  # the first of the examples, squeezed in three minutes
EXAMPLES = {
    "A sunset": hub.BUNDLED / "starry" / "sunset.png",
    "Japan's flag": hub.BUNDLED / "flags" / "targets" / "japan.png",
    "Malaysia's flag (hard)": hub.BUNDLED / "flags" / "targets" / "malaysia.png",
}
WIDTH, HEIGHT = 386, 320  # pixels of the contest's picture
NEARLY = 0.95  # of a side; a picture that reaches so far is stretched over the rest
PUBLISHED_SCORE, PUBLISHED_BYTES = 4695.07, 1020  # as the answer gives them; recomputed from its program
REVISED_SCORE, REVISED_BYTES = 4444.04, 1023  # the same author's last revision, as it gives them
SHOWN_STARTS = 3  # of our search, whose names the legend of the plot has room for
ANSWER = "https://codegolf.stackexchange.com/a/149835"

Facts = dict[str, object]


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
        "done": list(painter.done),
    }


def own_painting(painter: Painter) -> tuple[Path, Facts]:
    """What a program paints, pixel by pixel as Pyth does it; smaller if that would take too long."""
    program = painter.program
    width, height = largest_affordable(program)
    path = render.save_bytes(_own_png(program), f"starry-{painter.name}", ".png")
    known = facts_of(painter)
    if (width, height) != (program.width, program.height):
        known["done"].append("Its own size would take too long here, so it was painted smaller.")
    return path, {**known, "picture_width": width, "picture_height": height, "zoom": 1}


@functools.lru_cache(maxsize=8)
def _own_png(program: Program) -> bytes:
    """The painting as a PNG file; it is seen beside every window that is looked through, and never changes."""
    return render.png_bytes(Image.fromarray(paint(program, *largest_affordable(program)).numpy()))


def copy_for_download(data: bytes, name: str) -> Path:
    """A program's bytes under a speaking name, where visitors may fetch them."""
    return render.save_bytes(data, name, ".pyth")


def describe_program(known: Facts) -> str:
    """What a program is made of, in a sentence or two, and what was done to get at it."""
    kind = "sigmoid" if known["neuron"] == "sigmoid" else "sine"
    text = (
        f"**{known['bytes']:,} bytes**: {known['neurons']} {kind} neurons, {known['weights']:,} weights of "
        f"{known['levels']} levels. The program paints {known['width']} × {known['height']} pixels."
    )
    return _with_remarks(text, known)


def describe(known: Facts) -> str:
    """A picture and its program in a sentence or two."""
    size, own = (known["picture_width"], known["picture_height"]), (known["width"], known["height"])
    if size == own and known["zoom"] == 1:
        text = "This is its own painting, pixel by pixel."
    else:
        text = f"Here: {size[0]:,} × {size[1]:,}, computed between its pixels."
    return _with_remarks(f"{describe_program({**known, 'done': [], 'note': ''})} {text}", known)


def _with_remarks(text: str, known: Facts) -> str:
    """A text, then what was done to get at the program, and why it is not the one that it should be."""
    if known["done"]:
        text += "\n\n" + " ".join(known["done"])
    return f"{text}\n\n⚠️ {known['note']}." if known["note"] else text


# --- the neurons


def neuron_sheet(painter: Painter, columns: int) -> tuple[Path, Facts]:
    """All neurons in one picture, and for each what it depends on most."""
    sheet, listed = neurons.sheet(painter.program, columns)
    path = render.save_png(sheet, f"starry-{painter.name}-neurons")
    return path, {"program": painter.name, "width": sheet.width, "height": sheet.height, "neurons": listed}


# --- comparison with a target


@dataclass(frozen=True)
class Target:
    """A visitor's picture at the contest's size: the picture, and what was done to it in words."""

    picture: Image.Image
    done: str


def open_target(path: str | Path) -> Target:
    """A picture file as a target of 386 x 320 pixels, with black margins where its proportions are others.

    Raises:
        VisitorError: no picture that can be read, or one that is too narrow.
    """
    opened = render.open_upload(Path(path))
    picture, done = opened.picture, list(opened.done)
    if picture.size == (WIDTH, HEIGHT):
        return Target(picture, " ".join(done))
    width, height = render.within(picture.size, WIDTH, HEIGHT, SHORTEST)
    width, height = (WIDTH if width >= NEARLY * WIDTH else width), (HEIGHT if height >= NEARLY * HEIGHT else height)
    sheet = Image.new("RGB", (WIDTH, HEIGHT))
    resized = picture.resize((width, height), Image.Resampling.LANCZOS)
    sheet.paste(resized, ((WIDTH - width) // 2, (HEIGHT - height) // 2))
    done.append(f"Its {picture.width} × {picture.height} pixels became {width} × {height}.")
    if (width, height) != (WIDTH, HEIGHT):
        done.append(f"Black margins, which count in the score, fill it up to {WIDTH} × {HEIGHT}.")
    return Target(sheet, " ".join(done))


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
        VisitorError: the target is asked for and there is none.
    """
    if name != "target":
        return own_painting(painter_of(name))[0]
    if target is None:
        raise VisitorError("upload a picture to compare with first")
    return render.save_png(target.picture, "starry-target")


def comparison(left: str, right: str, target: Target | None) -> str:
    """What the two sides of the slider are, and how both programs do against the visitor's target."""
    titles = {**PROGRAMS, "target": "Your picture"}
    lines = [f"◀ {titles[left]} &nbsp;|&nbsp; {titles[right]} ▶ &nbsp; Drag the line."]
    lines.append(_scores(target) if target else _off_the_original())
    return "\n\n".join(lines)


def _off_the_original() -> str:
    """What both scores mean, in a sentence."""
    published, ours = (
        math.sqrt(score / (3 * WIDTH * HEIGHT)) for score in (PUBLISHED_SCORE, results()["ours"]["score"])
    )
    return (
        f"From the original a colour differs, as a root mean square, by {published:.1%} of its range in the published "
        f"network and by {ours:.1%} in ours."
    )


def _scores(target: Target) -> str:
    """Both programs' scores with a target, as a table."""
    rows = []
    for name, title in PROGRAMS.items():
        try:
            rows.append(f"| {title} | **{score_against(painter_of(name), target):,.2f}** |")
        except WeightsError as error:
            rows.append(f"| {title} | {error} |")
    done = f"{target.done} " if target.done else ""
    head = f"{done}Summed squared differences from your picture over 255², {WIDTH} × {HEIGHT} pixels, lower is better:"
    return "\n".join([head, "", "| program | score |", "|---|---|", *rows])


# --- bytes, and a visitor's own picture


def bytes_of(painter: Painter) -> str:
    """A program's bytes in a sentence."""
    sizes = {part.name: part.end - part.start for part in parts(painter.data)}
    rest = len(painter.data) - sizes["open"] - sizes["string"]
    credit = (
        f" The integers are those of [the published answer]({ANSWER}); the bytes are what our writer makes of them."
        if painter.name == "published"
        else ""
    )
    return (
        f"**{len(painter.data):,} of {BYTE_LIMIT:,} bytes**: {sizes['string']:,} of weights, {rest} of decoder, "
        f"{sizes['open']} to open the text.{credit}"
    )


def example() -> tuple[object, ...]:
    """What a shipped squeezed program paints, the program, what it is, and the codecs' files beside it."""
    painter = open_program(hub.library().find(SQUEEZED).path, "sunset")
    path, known = own_painting(painter)
    words = (
        f"**Squeezed before**, from the sunset: {known['bytes']:,} bytes, {known['neurons']} neurons. Press the button "
        "to watch such a search, or bring a picture of your own."
    )
    picture = next(iter(EXAMPLES.values()))
    with Image.open(path) as painted:
        error = score(as_tensor(painted.convert("RGB")), target_of_upload(picture)[0])
    files = picture_files(picture)
    program = str(copy_for_download(painter.data, "sunset"))
    return str(path), program, words, contest(error, known["bytes"], files), rivals(files)


def describe_search(look: Look) -> str:
    """The state of a search in a sentence."""
    state = "**Done**" if look.share >= 1 else f"Searching, {look.share:.0%}, {STAGES[look.stage]}"
    return f"{state}: {len(look.data):,} bytes, score {look.score:,.0f} ({look.decibels:.1f} dB). {look.done}".rstrip()


@functools.lru_cache(maxsize=8)
def picture_files(path: Path) -> dict[str, PictureFile | None]:
    """What codecs make of a visitor's picture in as many bytes as a program has, by the codec's name.

    Raises:
        VisitorError: as `squeeze.squeeze_file`.
    """
    target, _ = target_of_upload(path)
    picture = Image.fromarray(target.numpy())
    return {name: quick_file(picture, codec) for name, codec in CODECS.items() if codec.quick and codec.known}


def rivals(files: dict[str, PictureFile | None]) -> list[tuple[str, str]]:
    """What the codecs' files look like: picture and caption each."""
    return [
        (str(render.save_png(file.shown, f"squeezed-{name.lower()}")), _rival(name, file))
        for name, file in files.items()
        if file
    ]


def _rival(name: str, file: PictureFile) -> str:
    """How a codec got below the limit."""
    (width, height), own = file.settings["size"], file.shown.size
    smaller = "" if (width, height) == own else f", stored at {width} × {height} and enlarged"
    return f"{name}, quality {file.settings['quality']}{smaller}"


def contest(error: float, size: int, files: dict[str, PictureFile | None]) -> str:
    """A program's score and bytes beside those of the codecs' files, as a table that says who is closest."""
    rows = {"the program, its decoder counted": (error, size)}
    rows |= {f"{name}, decoder not counted": (file.score, len(file.data)) for name, file in files.items() if file}
    best = min(rows, key=rows.get)
    lines = [f"| at most {BYTE_LIMIT:,} bytes each | score, lower is better | bytes |", "|---|---|---|"]
    for title, (score_, bytes_) in rows.items():
        bold = "**" if title == best else ""
        lines.append(f"| {bold}{title}{bold} | {bold}{score_:,.0f}{bold} | {bytes_:,} |")
    lines += [f"| {name}, decoder not counted | no file is that small | |" for name, file in files.items() if not file]
    return "\n".join(lines)


# --- measured figures


def results() -> Facts:
    """The measured figures of our search; empty where none have been written."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}


def curve(points: Sequence[tuple[float, float]]) -> Facts:
    """A search's (seconds, score) for plotting."""
    return render.plot_data(dict.fromkeys(("seconds", "score"), "quantitative"), render.thinned(points), "line")


def search_curves(found: Facts) -> Facts:
    """The curves of our search's best starts and of the published recipe: minutes of a core, loss, name."""
    starts = [start for start in found.get("search", {}).get("starts", {}).items() if start[1]]
    best = sorted(starts, key=lambda start: start[1][-1][1])[:SHOWN_STARTS]
    published = (found.get("baseline") or {}).get("curve", [])
    rows = [[seconds / 60, loss, "the published recipe"] for seconds, loss in published]
    rows += [[seconds / 60, loss, f"our start {seed}"] for seed, curve in best for seconds, loss in curve]
    return render.plot_data({"minutes": "quantitative", "score": "quantitative", "line": "nominal"}, rows, "line")


def scores() -> str:
    """The table of scores: what others reached, and what we did."""
    lines = [
        "| program | score, lower is better | bytes |",
        "|---|---|---|",
        f"| the published network ([answer]({ANSWER})) | {PUBLISHED_SCORE:,.2f} | {PUBLISHED_BYTES:,} |",
        f"| its author's later revision, not shown here | {REVISED_SCORE:,.2f} | {REVISED_BYTES:,} |",
    ]
    found = results()
    if "ours" in found:
        ours = found["ours"]
        lines.append(f"| **our network**, from random weights | **{ours['score']:,.2f}** | {ours['bytes']:,} |")
    lines += [
        f"| a picture file, {name}; what decodes it is not counted | {file['score']:,.2f} | {file['bytes']:,} |"
        for name, file in sorted(found.get("codecs", {}).items(), key=lambda codec: -codec[1]["score"])
    ]
    return "\n".join([*lines, "", *_how_measured(found)])


def _how_measured(found: Facts) -> list[str]:
    """What stands behind the figures."""
    said = []
    if checks := found.get("pyth"):
        values, differing = (sum(check[key] for check in checks.values()) for key in ("values", "differing"))
        said.append(
            f"Checked with the real Pyth interpreter: {differing:,} of {values:,} colour values differ from ours."
        )
    if "search" in found and "cpu_seconds" in found["search"]:
        search = found["search"]
        said.append(f"Our search took {search['cpu_seconds'] / 60:,.0f} minutes on one processor core.")
        if len(starts := search.get("starts", {})) > SHOWN_STARTS:
            said.append(f"Of its {len(starts)} starts the best {SHOWN_STARTS} are drawn.")
    return said
