"""The Glyph wing's endpoints as plain functions: what the tab, the API and a notebook call.

Faults that a caller can cause are raised as `ValueError` or `KeyError` with a message for that person.
"""

from __future__ import annotations

import math
from pathlib import Path

from cppn import render
from cppn.glyphs import exhibit, words
from cppn.glyphs.catalogue import MODELS, script_of
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import INK
from cppn.glyphs.interpolate import Film
from cppn.glyphs.send import STRONGEST, read_picture, send

LONGEST_LINE = 200  # characters of a list of messages


def list_glyph_models() -> dict:
    """List the models: pairs of a writer and a reader that were trained together.

    Returns:
        name -> title, numbers a message has, whether its glyphs have colours, pixels it was trained at.
    """
    return {
        name: {"title": entry.title, "numbers": entry.numbers, "colour": entry.colour, "pixels": entry.pixels}
        for name, entry in MODELS.items()
    }


def interpolate_glyphs(
    model: str = "script",
    seeds: str = "1, 2, 3",
    frames: int = 60,
    method: str = "spherical",
    ink: float = INK,
    tile: int = 192,
    grid: str = "1",
) -> tuple[str, str, dict]:
    """Draw the glyphs along a closed path through messages.

    Args:
        model: a name from the list of models.
        seeds: two to four messages, separated by commas: whole numbers are seeds, anything else is a short text.
        frames: steps of the loop, 2 to 240.
        method: "spherical", "linear", or "seed" for the original's loop.
        ink: factor on the logits, 0.25 to 16; more makes edges crisper.
        tile: pixels along a side of a glyph, 16 to 512.
        grid: glyphs in a frame, "1", "4 x 2" or "8 x 4"; 18 million pixels in all.

    Returns:
        A looping animated WebP, a strip with the messages and what lies half-way between them, and facts.
    """
    wanted = Film(_whole(frames, "frames"), _whole(tile, "tile"), grid, method, float(ink))
    animation, strip, facts = exhibit.interpolation(script_of(model), _listed(seeds), wanted)
    return str(animation), str(strip), facts


def draw_glyph(
    model: str = "script", seed_or_text: str = "Hello!", tile: int = 512, ink: float = INK
) -> tuple[str, dict]:
    """Draw the glyph of a message.

    Args:
        model: a name from the list of models.
        seed_or_text: a whole number as a seed, or a short text; a number in quotes is a text.
        tile: pixels along a side, 16 to 2048.
        ink: factor on the logits, 0.25 to 16; more makes edges crisper.

    Returns:
        The glyph as a PNG file, and facts about it and its model.
    """
    path, facts = exhibit.glyph(script_of(model), str(seed_or_text), _whole(tile, "tile"), float(ink))
    return str(path), facts


def send_glyph(
    model: str = "script", text: str = "Hello!", strength: float = 1.0, seed: int = 1
) -> tuple[str, str, str | None, str, dict]:
    """Send a text as a glyph through the channel a hundred times, and read what arrives.

    Args:
        model: a name from the list of models.
        text: at most 8 characters (4 for messages of 32 numbers) out of A-Z, a-z, 0-9, space and !.
        strength: of every disturbance; 1 is the channel of training, 0 changes nothing, at most 2.
        seed: of the channel's draws, 0 to 999,999.

    Returns:
        PNGs of the glyph sent, the first one received, that one straightened, many received; a report.
    """
    return deliver(model, text, Channel().scaled(_strength(strength)), seed)


def read_glyph(model: str, picture: str) -> tuple[str, str | None, dict]:
    """Read the text of a glyph from a screenshot or a photo.

    Args:
        model: the model that wrote the glyph.
        picture: a picture file of at most 16 megapixels, upright, the glyph filling most of it.

    Returns:
        PNGs of what the reader was shown and how it straightened it; a report whose "read" is null if it could not.
    """
    script = script_of(model)
    if not picture:
        raise ValueError("choose a picture first")
    attempts = read_picture(script.net, render.open_picture(Path(picture)))
    seen, straightened = exhibit.attempt(attempts[-1])
    return str(seen), straightened and str(straightened), exhibit.attempt_facts(script, attempts)


def sample_photo(model: str) -> str:
    """A glyph as somebody might photograph it: a crisp one, a little turned, on a sheet of paper."""
    return str(exhibit.photo(script_of(model)))


def deliver(model: str, text: str, channel: Channel, seed: int) -> tuple[str, str, str | None, str, dict]:
    """Send a text through any channel; see `send_glyph`."""
    script = script_of(model)
    sent = send(script.net, str(text), channel, _whole(seed, "seed"))
    *pictures, strip = exhibit.delivery(sent)
    paths = [picture and str(picture) for picture in pictures]
    return *paths, str(strip), exhibit.delivery_facts(script, str(text), sent)


def channel_of(
    strength: float, degrees: float, shift: float, perspective: float, noise: float, always: bool
) -> Channel:
    """The channel that the tab's sliders set, all of it times `strength`.

    Args:
        strength: 0 to 2.
        degrees: of rotation. shift: in per cent of the width. perspective: in per cent. noise: standard deviation.
        always: warp every picture, not three quarters of them.
    """
    probability = 1.0 if always else 0.5
    chosen = Channel(
        degrees=degrees,
        translate=shift / 100,
        perspective=perspective / 100,
        sigma=noise,
        p_affine=probability,
        p_perspective=probability,
    )
    return chosen.scaled(_strength(strength))


def one_number(model: str, word: str, place: float, value: float) -> tuple[str, str, str, str]:
    """The pictures of one number's influence, and what they show in words."""
    *pictures, facts = exhibit.one_number(script_of(model), word, _whole(place, "the number's place"), float(value))
    return *map(str, pictures), words.one_number(facts)


def training_of(model: str) -> tuple[str | None, dict | None, str]:
    """A model's training film, the curve of its training, and both in words."""
    shown, record = exhibit.training(model)
    return shown and str(shown), exhibit.training_curve(record), words.training(model, shown is not None, record)


def average_of(model: str) -> str:
    """The picture of what all glyphs of a model have in common."""
    return str(exhibit.average(script_of(model)))


def _listed(seeds: str) -> list[str]:
    """The messages that a visitor listed, separated by commas."""
    if len(str(seeds)) > LONGEST_LINE:
        raise ValueError(f"the list of messages is longer than {LONGEST_LINE} characters")
    return [word.strip() for word in str(seeds).split(",") if word.strip()]


def _strength(strength: float) -> float:
    if not 0 <= strength <= STRONGEST:  # false for NaN as well
        raise ValueError(f"strength must lie between 0 and {STRONGEST:g}, not {strength:g}")
    return float(strength)


def _whole(number: float, name: str) -> int:
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number")
    return int(number)
