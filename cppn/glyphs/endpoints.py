"""Everything that can be asked of the Glyphs wing; each is an endpoint, a command and a function at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from cppn import render
from cppn.endpoint import endpoint, named
from cppn.glyphs import views
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import INK
from cppn.glyphs.interpolate import GRIDS, METHODS, Film, seconds_of, stops_of
from cppn.glyphs.photo import read_picture
from cppn.glyphs.weights import MODELS, script_of

Model = named(MODELS, "a name from the list of models")
Method = named(METHODS, 'the path; "seed" is the original\'s loop')
Grid = named(GRIDS, "glyphs in a frame, across and down")
Ink = Annotated[float, Field(ge=0.25, le=16, description="factor on the logits; more makes edges crisper")]
Facts = Annotated[dict[str, Any], Field(description="what is known of it, in plain numbers and words")]


class Models(NamedTuple):
    """Every model."""

    models: Annotated[
        dict[str, Any],
        Field(description="name -> title, numbers of a message, whether glyphs have colours, pixels in training"),
    ]


class Interpolation(NamedTuple):
    """Glyphs along a closed path."""

    animation: Annotated[Path, Field(description="looping animated WebP")]
    strip: Annotated[Path, Field(description="the messages and what lies half-way between them, a PNG file")]
    facts: Facts


class Glyph(NamedTuple):
    """One message, drawn."""

    picture: Annotated[Path, Field(description="PNG file")]
    facts: Facts


class Delivery(NamedTuple):
    """What became of a text."""

    sent: Annotated[Path, Field(description="the glyph as it was sent, a PNG file")]
    received: Annotated[Path, Field(description="the first one that arrived, a PNG file")]
    straightened: Annotated[
        Path | None, Field(description="that one as the reader straightened it, a PNG file; null where it does not")
    ]
    many: Annotated[
        Path, Field(description="many that arrived, green where read exactly and red where not, a PNG file")
    ]
    report: Annotated[dict[str, Any], Field(description="what was read, and how often; read is null if nothing was")]


class Reading(NamedTuple):
    """What was read from a picture."""

    seen: Annotated[Path, Field(description="what the reader was shown, a PNG file")]
    straightened: Annotated[
        Path | None, Field(description="how it straightened it, a PNG file; null where it does not")
    ]
    report: Annotated[dict[str, Any], Field(description="what was read; read is null if nothing was")]


@endpoint(command="models")
def list_glyph_models() -> Models:
    """List the models: pairs of a writer and a reader that were trained together."""
    return Models(
        {
            name: {"title": entry.title, "numbers": entry.numbers, "colour": entry.colour, "pixels": entry.pixels}
            for name, entry in MODELS.items()
        }
    )


@endpoint(
    command="interpolate",
    arguments=("seeds",),
    cost=lambda frames, tile, grid, **_: seconds_of(frames, tile, grid),
)
def interpolate_glyphs(
    model: Model = "script",
    seeds: Annotated[
        str,
        Field(
            max_length=200,
            description="two to four messages, separated by commas; whole numbers are seeds, all else is a short text",
        ),
    ] = "1, 2, 3",
    frames: Annotated[int, Field(ge=2, le=240, description="steps of the loop")] = 60,
    method: Method = "spherical",
    ink: Ink = INK,
    tile: Annotated[
        int, Field(ge=16, le=512, description="pixels along a side of a glyph; 18 million in the whole film at most")
    ] = 192,
    grid: Grid = "1",
) -> Interpolation:
    """Draw the glyphs along a closed path through messages."""
    return Interpolation(*views.interpolation(script_of(model), stops_of(seeds), Film(frames, tile, grid, method, ink)))


@endpoint(command="draw", arguments=("seed_or_text",))
def draw_glyph(
    model: Model = "script",
    seed_or_text: Annotated[
        str,
        Field(
            max_length=200, description="a whole number as a seed, or a short text; a number in quotes is a text, too"
        ),
    ] = "Hello!",
    tile: Annotated[int, Field(ge=16, le=2048, description="pixels along a side")] = 512,
    ink: Ink = INK,
) -> Glyph:
    """Draw the glyph of a message."""
    return Glyph(*views.glyph(script_of(model), seed_or_text, tile, ink))


@endpoint(command="send", arguments=("text",))
def send_glyph(
    model: Model = "script",
    text: Annotated[
        str,
        Field(
            max_length=200,
            description="8 characters at most, 4 where messages have 32 numbers: A to Z, a to z, 0 to 9, space and !",
        ),
    ] = "Hello!",
    strength: Annotated[
        float,
        Field(ge=0, le=2, description="of every disturbance; 1 is the channel of training, 0 changes nothing"),
    ] = 1.0,
    seed: Annotated[int, Field(ge=0, le=999_999, description="of the channel's draws")] = 1,
) -> Delivery:
    """Send a text as a glyph through the channel a hundred times, and read what arrives."""
    return Delivery(*views.delivery(script_of(model), text, Channel().scaled(strength), seed))


@endpoint(command="read", arguments=("picture",), status=lambda answer: int(answer.report["read"] is None))
def read_glyph(
    model: Model = "script",
    *,
    picture: Annotated[
        Path,
        Field(
            description="picture file of at most 16 megapixels, with a glyph of a text in a sixth of its width or more"
        ),
    ],
) -> Reading:
    """Read the text of a glyph from a screenshot or a photo, with the model that wrote it."""
    script = script_of(model)
    return Reading(*views.sighting(script, read_picture(script.net, render.open_picture(picture))))
