"""What the Glyphs wing shows: results as pictures, films, facts and sentences; no user interface in here."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cppn import hub, render
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import BOARD, INK, board, draw
from cppn.glyphs.figures import results
from cppn.glyphs.interpolate import METHODS, SECONDS_A_FRAME, Film, film, stops_of
from cppn.glyphs.legible import legible_message
from cppn.glyphs.message import LONG, SHORT, code_of, parse, text_of, to_message
from cppn.glyphs.photo import Sighting
from cppn.glyphs.scene import BACKGROUNDS, Scene, photograph
from cppn.glyphs.send import Delivery, send, wilson
from cppn.glyphs.weights import Script
from cppn.heatmap import HEAT, shade
from cppn.render import to_uint8
from cppn.training import named_generator

SHOWN_WIDTH = 384  # pixels at least of a picture that went through the channel, its own pixels enlarged
SHOWN_DRAWS = 24
TILE = 128  # pixels of a glyph in a strip
RIGHT, WRONG = (0, 158, 96), (214, 64, 52)
RIM = 8  # pixels of a frame round a tile
AVERAGED = 200  # glyphs; what differs between them has faded to gray by then
AVERAGE = f"The average of {AVERAGED} glyphs of the chosen model. What is not gray is in nearly all of them."
PHOTO_TEXT, PHOTO_SIDE = "Read me!", 480
CAMERA = Channel(degrees=15, translate=0.04, perspective=0.25, p_affine=1, p_perspective=1, sigma=0.04)
VALUES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # of one number: nearly all standard normal ones lie between

Facts = dict[str, object]


def _png(pixels: Tensor, name: str) -> Path:
    """Pixels (H, W, 3), uint8, as a PNG."""
    return render.save_png(Image.fromarray(pixels.numpy()), name)


def _enlarged(values: Tensor) -> Image.Image:
    """A picture (C, S, S) with its pixels enlarged to squares, so that one sees what the networks see."""
    pixels = to_uint8(values.expand(3, -1, -1)).permute(1, 2, 0).numpy()
    side = -(-SHOWN_WIDTH // len(pixels)) * len(pixels)
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)


def noted(words: str, note: str) -> str:
    """Some words, and below them the note that came with the weights, if any."""
    return f"{words}\n\n⚠️ {note}." if note else words


# --- glyphs and what lies between them


def glyph(script: Script, word: str, tile: int, ink: float) -> tuple[Path, Facts]:
    """One glyph as a PNG, and what is known about it and its networks."""
    pixels = draw(script.net, message_of(script, word)[None], tile, ink)[0]
    measured = results().get(script.name, {})
    facts = {
        "message": word.strip(),
        "tile": tile,
        "ink": ink,
        "model": script.name,
        "title": script.entry.title,
        "numbers": script.entry.numbers,
        "colour": script.entry.colour,
        "pixels": script.net.pixels,
        "parameters": script.checkpoint.parameters,
        "bytes": script.checkpoint.size,
        "sha256": script.checkpoint.sha256,
        "weights_from": script.source,
        "note": script.note,
        **{key: measured[key] for key in ("r2", "bits") if key in measured},
    }
    return _png(pixels, f"glyph-{script.name}"), facts


def describe_glyph(facts: Facts) -> str:
    """A large glyph in words."""
    words = (
        f"{facts['tile']:,} × {facts['tile']:,} pixels, drawn by networks of {facts['parameters']:,} numbers. "
        f"Weights: {facts['weights_from']}."
    )
    return noted(words, facts["note"])


def for_browser(script: Script, name: str) -> str:
    """Where a browser gets the weights that were opened here."""
    path = script.path
    return str(path if path.is_relative_to(hub.BUNDLED) else render.save_bytes(path.read_bytes(), name, ".safetensors"))


def message_of(script: Script, word: str) -> Tensor:
    """The message (numbers,) that is drawn for a seed or a text."""
    meant = parse(word)
    return to_message(word, script.net.numbers) if isinstance(meant, int) else legible_message(script.net, meant)


def map_of(script: Script, seeds: str, method: str, ink: float) -> Facts:
    """What a browser needs for a map between two to four messages."""
    words = stops_of(seeds)
    messages = [[round(value, 5) for value in message_of(script, word).tolist()] for word in words]
    return {
        "weights": for_browser(script, script.name),
        "words": words,
        "messages": messages,
        "method": method,
        "ink": ink,
        "at": [0.5, 0.5],
    }


def describe_map(script: Script, shown: Facts) -> str:
    """A map in words."""
    *firsts, last = shown["words"]
    words = f"**{METHODS[shown['method']]}** between {', '.join(firsts)} and {last}; the weights are {script.source}."
    return noted(words, script.note)


def codes() -> list[Facts]:
    """How a text lies in a message, for browsers: the longest code first."""
    return [
        {
            "characters": code.characters,
            "width": code.check.width,
            "polynomial": code.check.polynomial,
            "initial": code.check.initial,
        }
        for code in (LONG, SHORT)
    ]


def interpolation(script: Script, words: list[str], wanted: Film) -> tuple[Path, Path, Facts]:
    """A loop through messages as an animated WebP, its key frames in a strip, and facts about it."""
    data, strip, width, height = _loop(script, tuple(words), wanted)
    facts = {
        "model": script.name,
        "messages": words,
        "method": wanted.method,
        "frames": wanted.frames,
        "glyphs": wanted.glyphs,
        "tile": wanted.tile,
        "width": width,
        "height": height,
        "ink": wanted.ink,
        "bytes": len(data),
        "seconds": round(wanted.frames * SECONDS_A_FRAME, 2),
        "note": script.note,
    }
    animation = render.save_bytes(data, f"glyphs-{script.name}", ".webp")
    return animation, render.save_bytes(strip, "key-frames", ".png"), facts


@functools.lru_cache(maxsize=4)  # every visitor asks for the first one; some are 8 MB
def _loop(script: Script, words: tuple[str, ...], wanted: Film) -> tuple[bytes, bytes, int, int]:
    """The animation, its key frames as a PNG file, width and height."""
    frames, stops = film(script.net, list(words), wanted)
    height, width, _ = frames[0].shape
    strip = render.png_bytes(Image.fromarray(board(stops, len(stops)).numpy()))
    return render.animation(frames, SECONDS_A_FRAME, SECONDS_A_FRAME), strip, width, height


def describe_interpolation(facts: Facts, asked: int) -> str:
    """An animation in words; `asked` is how large its glyphs were meant to be."""
    several = f", {facts['glyphs']} glyphs at once" if facts["glyphs"] > 1 else ""
    first, last = ", ".join(facts["messages"][:-1]), facts["messages"][-1]
    words = (
        f"**{METHODS[facts['method']]}** through {first} and {last}: {facts['frames']} frames in "
        f"{facts['seconds']:.1f} seconds{several}, {facts['width']} × {facts['height']} pixels, "
        f"{facts['bytes'] / 1000:,.0f} kB."
    )
    if facts["method"] == "seed":
        words += " This loop blends all messages by sines, so it comes close to them without visiting each."
    if facts["tile"] < asked:
        words += (
            f" Each glyph has {facts['tile']} pixels a side instead of {asked}: so many frames and glyphs at once "
            "would take too long to draw otherwise. Fewer of them may be larger."
        )
    return noted(words, facts["note"])


def one_number(script: Script, word: str, place: int, value: float) -> tuple[Path, Path, Path, str]:
    """One number of a message, moved.

    Args:
        script: the networks. word: seed or text. place: which number, from 1. value: what it is set to.

    Returns:
        The glyph with the number set, the glyphs with it from -3 to 3, where it makes a difference, and words.
    """
    net = script.net
    message = to_message(word, net.numbers)
    own = float(message[place - 1])
    varied = message.repeat(len(VALUES) + 1, 1)
    varied[:, place - 1] = torch.tensor([*VALUES, value])
    tiles = draw(net, varied[:-1], TILE)  # (7, TILE, TILE, 3)
    change = (tiles[-1].int() - tiles[0].int()).abs().float().mean(dim=2).numpy() / 255  # (TILE, TILE)
    where = Image.fromarray(shade(HEAT, np.sqrt(change))).resize((SHOWN_WIDTH,) * 2, Image.Resampling.BICUBIC)
    words = (
        f"Number {place:,} of {net.numbers:,} is {own:.2f} in this message; the large glyph shows it at {value:.2f}. "
        f"From -3 to 3 it changes {float((change > 0.1).mean()):.1%} of the picture visibly."
    )
    return (
        _png(draw(net, varied[-1:], SHOWN_WIDTH)[0], "one-number"),
        _png(board(tiles, len(VALUES)), "one-number-strip"),
        render.save_png(where, "one-number-where"),
        noted(words, script.note),
    )


def average(script: Script) -> Path:
    """The mean of many glyphs: what all of them have in common, whatever they say."""
    messages = torch.randn(AVERAGED, script.net.numbers, generator=named_generator("glyph average", 0))
    mean = draw(script.net, messages, TILE, 1).float().mean(dim=0) / 255  # (TILE, TILE, 3)
    picture = render.to_image(mean.permute(2, 0, 1)).resize((SHOWN_WIDTH,) * 2, Image.Resampling.BICUBIC)
    return render.save_png(picture, "average-glyph")


# --- texts that were sent


def delivery(script: Script, text: str, channel: Channel, seed: int) -> tuple[Path, Path, Path | None, Path, Facts]:
    """A text through a channel, many times.

    Returns:
        What was sent, what arrived first, how the reader straightened it, many arrivals framed by how they fared, and
        what became of the text.
    """
    text = text_of(text)
    sent = send(script.net, text, channel, seed)
    straightened = None if sent.straightened is None else _enlarged(sent.straightened[0])
    return (
        render.save_png(_enlarged(sent.sent), "sent"),
        render.save_png(_enlarged(sent.received[0]), "received"),
        straightened and render.save_png(straightened, "straightened"),
        render.save_png(framed(sent), "many-draws"),
        _fate(script, text, sent),
    )


def framed(sent: Delivery) -> Image.Image:
    """The first arrivals, those read without an error in a green frame, the others in a red one."""
    tiles = []
    for values, right in zip(sent.received[:SHOWN_DRAWS], sent.right.tolist(), strict=False):
        tile = _enlarged(values).resize((TILE, TILE), Image.Resampling.BILINEAR)
        tiles.append(ImageOps.expand(tile, RIM, RIGHT if right == sent.signs else WRONG))
    return render.collage(tiles, 8, 6, f"rgb{BOARD}")


def _fate(script: Script, text: str, sent: Delivery) -> Facts:
    """What became of a text that was sent many times; the first arrival is the one in the pictures."""
    low, high = wilson(sent.exact, len(sent.texts))
    first = sent.texts[0]
    return {
        "model": script.name,
        "sent": text,
        "read": first.text,
        "guess": first.guess,
        "signs": sent.signs,
        "signs_right": int(sent.right[0]),
        "repeats": script.net.numbers // sent.signs,
        "certainty": round(first.certainty, 3),
        "draws": len(sent.texts),
        "read_exactly": sent.exact,
        "looked_at_again": len(sent.again),
        "read_then": sum(sent.texts[at].text is not None for at in sent.again),
        "share": sent.exact / len(sent.texts),
        "interval_95": [round(low, 4), round(high, 4)],
        "sign_accuracy": round(float(sent.right.float().mean()) / sent.signs, 5),
        "note": script.note,
    }


def describe_delivery(facts: Facts) -> str:
    """What became of a text, in words."""
    right = f"{facts['signs_right']} of {facts['signs']} signs are right"
    if facts["read"] is None:
        first = f"## Could not read it\nThe check bits do not fit, and the reader knows it: {right}."
    elif facts["read"] == facts["sent"]:
        first = f"## Read: {_quoted(facts['read'])}\nThe check bits fit, and {right}."
    else:
        first = f"## Read: {_quoted(facts['read'])}, and wrong\nThe check bits fit by accident; {right}."
    low, high = (100 * value for value in facts["interval_95"])
    voted = f" Each sign was sent {facts['repeats']} times over." if facts["repeats"] > 1 else ""
    again = facts["looked_at_again"]
    second = (
        f" {again} that could not be read at first sight were looked at again, and {facts['read_then']} of them read."
        if again
        else ""
    )
    words = (
        f"{first}{voted}\n\n**{facts['read_exactly']} of {facts['draws']} draws** of the channel were read without any "
        f"error (95% interval {low:.0f} to {high:.0f}%), and {facts['sign_accuracy']:.2%} of all signs "
        f"were right.{second}"
    )
    return noted(words, facts["note"])


# --- pictures that were brought


def photo(script: Script) -> Path:
    """A crisp glyph of a text, turned and slanted a little, as a camera might see it."""
    text = PHOTO_TEXT[: code_of(script.net.numbers).characters]
    pixels = draw(script.net, legible_message(script.net, text)[None], PHOTO_SIDE, INK)
    seen = CAMERA.send(pixels.permute(0, 3, 1, 2) / 255, named_generator("glyph photo", 1))
    return render.save_png(render.to_image(seen[0]), "photo-of-a-glyph")


def snapshot(script: Script, text: str, seed: int) -> Path:
    """The glyph of a text, printed, laid on something and photographed; the seed decides where and how."""
    pixels = draw(script.net, legible_message(script.net, text_of(text))[None], PHOTO_SIDE, INK)[0]
    random = np.random.default_rng(seed)
    scene = Scene(
        share=random.uniform(0.35, 0.6),
        turn=random.uniform(0, 360),
        tilt=random.uniform(10, 40),
        toward=random.uniform(0, 360),
        aside=tuple(random.uniform(-1, 1, 2)),
        gradient=random.uniform(0.2, 0.6),
        noise=0.03,
        blur=3,
    )
    background = list(BACKGROUNDS.values())[int(random.integers(len(BACKGROUNDS)))]
    return render.save_png(photograph(Image.fromarray(pixels.numpy()), scene, background, random), "snapshot")


def sighting(script: Script, seen: Sighting) -> tuple[Path, Path | None, Facts]:
    """What the reader was shown, how it straightened it, and what it read: nothing if no check bits fitted."""
    glimpse = seen.glimpse
    straightened = None if glimpse.straightened is None else _enlarged(glimpse.straightened)
    facts = {
        "model": script.name,
        "read": seen.text,
        "how": glimpse.how if seen.text is not None else None,
        "attempts": seen.places,
        "certainty": round(glimpse.read.certainty, 3),
        "note": script.note,
    }
    shown = render.save_png(_enlarged(glimpse.seen), "seen")
    return shown, straightened and render.save_png(straightened, "straightened"), facts


def describe_attempts(facts: Facts) -> str:
    """What was read from a picture, in words."""
    if facts["read"] is None:
        places = f"{facts['attempts']} place{'s' * (facts['attempts'] != 1)}"
        words = (
            f"## Could not read it\nIn {places} where a glyph might lie, each seen from all sides, no reading agreed "
            "with its check bits. Perhaps this is no glyph, or one of another model, one drawn from a seed (which "
            "carries no text), too small in the picture, or too much of it is hidden."
        )
    else:
        words = f"## Read: {_quoted(facts['read'])}\nThe check bits fit. The reader looked at {facts['how']}."
    return noted(words, facts["note"])


def _quoted(text: str) -> str:
    """A text that was read, so that an empty one is seen too; its characters cannot be Markdown."""
    return f"“{text}”" if text else "an empty text"
