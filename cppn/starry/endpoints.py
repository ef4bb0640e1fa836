"""Everything that can be asked of the Starry-night wing; each is an endpoint, a command and a function at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from cppn import workers
from cppn.coordinates import Center, View, Zoom
from cppn.endpoint import endpoint, named
from cppn.starry import views
from cppn.starry.neurons import MAX_COLUMNS
from cppn.starry.paint import MAX_SIDE
from cppn.starry.weights import PROGRAMS, open_program, painter_of

EXAMPLE = next(iter(views.EXAMPLES.values()))  # a picture worth squeezing
SHORTEST_RUN, LONGEST_RUN = 10, 60  # seconds; in less there is no program yet that is worth a look
SECONDS_A_PIXEL = 6.5e-7  # of one core, by `paint.cost` for our 46 neurons

ProgramName = named(PROGRAMS, 'which program: ours, or "published" for that of the published answer')
PictureFile = Annotated[Path, Field(description="PNG file")]
Facts = Annotated[dict[str, Any], Field(description="what is known of it, in plain numbers and words")]


class Painting(NamedTuple):
    """What a program paints."""

    picture: PictureFile
    facts: Facts


class Neurons(NamedTuple):
    """All neurons of a program."""

    picture: Annotated[Path, Field(description="all neurons in one PNG file")]
    facts: Annotated[
        dict[str, Any], Field(description="for each neuron the inputs that move it most, with their shares")
    ]


class Squeezed(NamedTuple):
    """A program that comes closer to a picture."""

    picture: Annotated[Path, Field(description="what the program paints so far, a PNG file")]
    curve: Annotated[dict[str, Any], Field(description="score over seconds: columns, and one row a measurement")]
    program: Annotated[Path, Field(description="the program so far, at most 1024 bytes")]
    words: Annotated[str, Field(description="the state in a sentence")]


@endpoint(command="paint", arguments=("program",), cost=lambda width, **_: SECONDS_A_PIXEL * 0.83 * width**2)
def paint_starry(
    program: ProgramName = "ours",
    width: Annotated[
        int,
        Field(ge=1, le=MAX_SIDE, description="pixels along x; the height follows; at 386 the pixels are Pyth's own"),
    ] = 1158,
    zoom: Zoom = 1.0,
    center_x: Center = 0.0,
    center_y: Center = 0.0,
) -> Painting:
    """Paint what a shipped program paints, at any size."""
    return Painting(*views.painting(painter_of(program), width, View(zoom, center_x, center_y)))


@endpoint(command="neurons", arguments=("program",))
def starry_neurons(
    program: ProgramName = "ours",
    columns: Annotated[int, Field(ge=1, le=MAX_COLUMNS, description="neurons a row")] = 9,
) -> Neurons:
    """Show every neuron of a shipped program as a picture."""
    return Neurons(*views.neuron_sheet(painter_of(program), columns))


@endpoint(command="open")
def paint_program(
    file: Annotated[Path, Field(description="program of the published one's form (.pyth), or a hex dump of one")],
) -> Painting:
    """Paint what a program of this family paints. It is read, never executed."""
    return Painting(*views.own_painting(open_program(file)))


@endpoint(command="sketch", arguments=("picture",), queue="training")
def squeeze_picture(
    picture: Annotated[
        Path | None,
        Field(description="picture of at most 16 megapixels, made 386 pixels long; a sunset if none is given"),
    ] = None,
    seconds: Annotated[float, Field(ge=SHORTEST_RUN, le=LONGEST_RUN, description="seconds of searching")] = 40,
) -> Iterator[Squeezed]:
    """Search for a program of at most 1024 bytes that paints a picture, and watch it come closer."""
    points = []
    for look in workers.in_own_process("cppn.starry.squeeze:squeeze_file", picture or EXAMPLE, seconds):
        points.append((round(look.seconds, 2), round(look.score, 2)))
        shown = views.to_path(look.picture, "squeezed")
        program = views.copy_for_download(look.data, "squeezed")
        yield Squeezed(shown, views.curve(points), program, views.describe_search(look))
