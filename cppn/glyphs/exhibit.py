"""What the Glyphs tab shows, as files, facts and curves; no user interface in here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cppn import hub, render
from cppn.glyphs.catalogue import MODELS, Script
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import BOARD, INK, board, draw, to_image
from cppn.glyphs.interpolate import Film, film
from cppn.glyphs.message import code_of, text_to_message, to_message
from cppn.glyphs.send import Attempt, Delivery, wilson
from cppn.heatmap import HEAT, shade
from cppn.render import to_uint8
from cppn.training import named_generator

RUNS = "glyphs/runs"
SECONDS_A_FRAME = 0.06
SHOWN_WIDTH = 384  # pixels at least of a picture that went through the channel, its own pixels enlarged
SHOWN_DRAWS = 24
TILE = 128  # pixels of a glyph in a strip
RIGHT, WRONG = (0, 158, 96), (214, 64, 52)
RIM = 8  # pixels of a frame round a tile
AVERAGED = 200  # glyphs; what differs between them has faded to gray by then
PHOTO_TEXT, PHOTO_SIDE = "Read me!", 480
CAMERA = Channel(degrees=15, translate=0.04, perspective=0.25, p_affine=1, p_perspective=1, sigma=0.04)
VALUES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # of one number: nearly all standard normal ones lie between

Facts = dict[str, object]


def script_facts(script: Script) -> Facts:
    """What is known about a pair of networks, with their measured figures where there are any."""
    measured = results().get("models", {}).get(script.name, {})
    entry = script.entry
    return {
        "model": script.name,
        "title": entry.title,
        "numbers": entry.numbers,
        "colour": entry.colour,
        "pixels": script.net.pixels,
        "parameters": script.checkpoint.parameters,
        "bytes": script.checkpoint.size,
        "sha256": script.checkpoint.sha256,
        "weights_from": script.source,
        "note": script.note,
        **{key: measured[key] for key in ("r2", "bits") if key in measured},
    }


def glyph(script: Script, word: str, tile: int, ink: float) -> tuple[Path, Facts]:
    """One glyph as a PNG, and facts about it."""
    pixels = draw(script.net, to_message(word, script.net.numbers)[None], tile, ink)
    path = render.save_png(to_image(pixels[0]), f"glyph-{script.name}")
    return path, {"message": word.strip(), "tile": tile, "ink": ink, **script_facts(script)}


def interpolation(script: Script, words: list[str], wanted: Film) -> tuple[Path, Path, Facts]:
    """A loop through messages as an animated WebP, its key frames in a strip, and facts about it."""
    frames, stops = film(script.net, words, wanted)
    data = render.animation(frames, SECONDS_A_FRAME, SECONDS_A_FRAME)
    height, width, _ = frames[0].shape
    facts = {
        "model": script.name,
        "messages": words,
        "method": wanted.method,
        "frames": wanted.frames,
        "glyphs": wanted.tiles,
        "width": width,
        "height": height,
        "ink": wanted.ink,
        "bytes": len(data),
        "seconds": round(wanted.frames * SECONDS_A_FRAME, 2),
        "note": script.note,
    }
    strip = render.save_png(to_image(board(stops, len(stops))), "key-frames")
    return render.save_bytes(data, f"glyphs-{script.name}", ".webp"), strip, facts


def enlarged(values: Tensor) -> Image.Image:
    """A picture (C, S, S) with its pixels enlarged to squares, so that one sees what the networks see."""
    pixels = to_uint8(values.expand(3, -1, -1)).permute(1, 2, 0).numpy()
    factor = -(-SHOWN_WIDTH // pixels.shape[0])
    return Image.fromarray(pixels).resize(
        (pixels.shape[1] * factor, pixels.shape[0] * factor), Image.Resampling.NEAREST
    )


def delivery(sent: Delivery) -> list[Path | None]:
    """What was sent, what arrived first, how the reader straightened it, and many arrivals framed by how they fared."""
    straightened = None if sent.straightened is None else sent.straightened[0]
    first = [None if values is None else enlarged(values) for values in (sent.sent, sent.received[0], straightened)]
    names = ("sent", "received", "straightened")
    paths = [picture and render.save_png(picture, name) for picture, name in zip(first, names, strict=True)]
    return [*paths, render.save_png(_framed(sent), "many-draws")]


def _framed(sent: Delivery) -> Image.Image:
    """The first arrivals, those read without an error in a green frame, the others in a red one."""
    tiles = []
    for values, right in zip(sent.received[:SHOWN_DRAWS], sent.right.tolist(), strict=False):
        tile = enlarged(values).resize((TILE, TILE), Image.Resampling.BILINEAR)
        tiles.append(ImageOps.expand(tile, RIM, RIGHT if right == sent.signs else WRONG))
    return render.collage(tiles, 8, 6, f"rgb{BOARD}")


def delivery_facts(script: Script, text: str, sent: Delivery) -> Facts:
    """What became of a text that was sent many times; the first arrival is the one in the pictures."""
    low, high = wilson(sent.exact, len(sent.texts))
    first = sent.texts[0]
    return {
        "model": script.name,
        "sent": text.rstrip(" "),
        "read": first.text,
        "guess": first.guess,
        "signs": sent.signs,
        "signs_right": int(sent.right[0]),
        "repeats": script.net.numbers // sent.signs,
        "certainty": round(first.certainty, 3),
        "draws": len(sent.texts),
        "read_exactly": sent.exact,
        "share": sent.exact / len(sent.texts),
        "interval_95": [round(low, 4), round(high, 4)],
        "sign_accuracy": round(float(sent.right.float().mean()) / sent.signs, 5),
        "note": script.note,
    }


def photo(script: Script) -> Path:
    """A crisp glyph of a text, turned and slanted a little, as a camera might see it."""
    text = PHOTO_TEXT[: code_of(script.net.numbers).characters]
    pixels = draw(script.net, text_to_message(text, script.net.numbers)[None], PHOTO_SIDE, INK)
    seen = CAMERA.send(pixels.permute(0, 3, 1, 2) / 255, named_generator("glyph photo", 1))
    return render.save_png(render.to_image(seen[0]), "photo-of-a-glyph")


def attempt(tried: Attempt) -> tuple[Path, Path | None]:
    """What the reader was shown of a picture, and how it straightened it."""
    seen = render.save_png(enlarged(tried.seen), "seen")
    if tried.straightened is None:
        return seen, None
    return seen, render.save_png(enlarged(tried.straightened), "straightened")


def attempt_facts(script: Script, attempts: list[Attempt]) -> Facts:
    """What was read from a picture; "read" is None where the check bits fitted in none of the attempts."""
    last = attempts[-1]
    return {
        "model": script.name,
        "read": last.read.text,
        "how": last.how if last.read.text is not None else None,
        "attempts": len(attempts),
        "certainty": round(last.read.certainty, 3),
        "note": script.note,
    }


def one_number(script: Script, word: str, place: int, value: float) -> tuple[Path, Path, Path, Facts]:
    """The glyph with one number of its message set, the glyphs from -3 to 3, and where it makes a difference.

    Args:
        script: the networks. word: seed or text. place: which number, from 1. value: what it is set to, -3 to 3.

    Raises:
        ValueError: no such number, or a value outside.
    """
    net = script.net
    message = to_message(word, net.numbers)
    if not 1 <= place <= net.numbers:
        raise ValueError(f"the messages of this model have numbers 1 to {net.numbers:,}, not {str(place)[:24]}")
    if not VALUES[0] <= value <= VALUES[-1]:
        raise ValueError(f"the number must lie between {VALUES[0]:g} and {VALUES[-1]:g}, not {value:g}")
    own = float(message[place - 1])
    varied = message.repeat(len(VALUES) + 1, 1)
    varied[:, place - 1] = torch.tensor([*VALUES, value])
    tiles = draw(net, varied[:-1], TILE, INK)  # (7, TILE, TILE, 3)
    change = (tiles[-1].int() - tiles[0].int()).abs().float().mean(dim=2).numpy() / 255  # (TILE, TILE)
    touched = Image.fromarray(shade(HEAT, np.sqrt(change))).resize((SHOWN_WIDTH,) * 2, Image.Resampling.BICUBIC)
    facts = {
        "place": place,
        "numbers": net.numbers,
        "own_value": round(own, 2),
        "value": value,
        "changed_percent": round(100 * float((change > 0.1).mean()), 1),
        "note": script.note,
    }
    large = draw(net, varied[-1:], SHOWN_WIDTH, INK)[0]
    pictures = (to_image(large), to_image(board(tiles, len(VALUES))), touched)
    names = ("one-number", "one-number-strip", "one-number-where")
    return *(render.save_png(picture, name) for picture, name in zip(pictures, names, strict=True)), facts


def average(script: Script) -> Path:
    """The mean of many glyphs: what all of them have in common, whatever they say."""
    messages = torch.randn(AVERAGED, script.net.numbers, generator=named_generator("glyph average", 0))
    mean = draw(script.net, messages, TILE, 1).float().mean(dim=0) / 255  # (TILE, TILE, 3)
    picture = render.to_image(mean.permute(2, 0, 1)).resize((SHOWN_WIDTH,) * 2, Image.Resampling.BICUBIC)
    return render.save_png(picture, "average-glyph")


def results() -> Facts:
    """The measured figures of all models; empty before they were measured."""
    return _json(hub.BUNDLED / "results" / "glyphs.json")


def experiments() -> Facts:
    """What the usefulness experiments found; empty before they were run."""
    return _json(hub.BUNDLED / "results" / "glyph_experiments.json")


def training(name: str) -> tuple[Path | None, Facts]:
    """A model's training film and the record of its training; None and empty where they are missing.

    Raises:
        KeyError: no such model.
    """
    if name not in MODELS:
        raise KeyError(f"there is no script {name!r}; choose one of: {', '.join(MODELS)}")
    folder = hub.BUNDLED / RUNS
    shown = folder / f"{name}.webp"
    return (shown if shown.is_file() else None), _json(folder / f"{name}.json")


def training_curve(record: Facts) -> Facts | None:
    """R2 on unseen messages over seconds of training, for plotting, from where it is worth more than a guess.

    None without a record.
    """
    if not record.get("curve"):
        return None
    columns = {"seconds": "quantitative", "share": "quantitative"}
    return render.plot_data(columns, [[seconds, r2] for _, seconds, r2, _ in record["curve"] if r2 >= 0], "line")


def _json(path: Path) -> Facts:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
