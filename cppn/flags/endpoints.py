"""Everything that can be asked of the Flags wing; each is an endpoint, a command and a function at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from cppn import render, workers
from cppn.coordinates import ASPECTS, ORDERS, SPANS, Y_AXES, Center, View, Zoom
from cppn.endpoint import endpoint, named
from cppn.flags import views
from cppn.flags.conventions import CHANNELS, VALUES, Convention
from cppn.flags.decode import MAX_SIDE, decode
from cppn.flags.decode import open_gift as read_gift
from cppn.flags.teams import SPELLINGS, TEAMS
from cppn.flags.weights import gift_of

EXAMPLE = views.TARGETS / f"{views.EXAMPLE}.png"
SHORTEST_RUN, LONGEST_RUN = 5, 60  # seconds
SECONDS_A_PIXEL = 3e-7  # of one core for a decoded pixel, in round figures: a flag of 4096 x 4096 takes 5 seconds

TeamName = named(TEAMS, 'a team\'s short name, such as "malaysia", or its full one', SPELLINGS)
Width = Annotated[int, Field(ge=1, le=MAX_SIDE, description="pixels along x; the height follows from the flag")]
Side = Annotated[int, Field(ge=0, le=MAX_SIDE, description="pixels; 0 takes what the file tells, or 320 x 160")]
PictureFile = Annotated[Path, Field(description="PNG file")]
Facts = Annotated[dict[str, Any], Field(description="what is known of it, in plain numbers and words")]
Curve = Annotated[dict[str, Any], Field(description="quality over steps: columns, and one row a measurement")]
Words = Annotated[str, Field(description="the same in a sentence")]


class Teams(NamedTuple):
    """Every team."""

    teams: Annotated[list[dict[str, Any]], Field(description="short name, full name and number of entries of each")]


class Painting(NamedTuple):
    """A picture that a network painted."""

    picture: PictureFile
    facts: Facts


class Progress(NamedTuple):
    """How a network learnt."""

    film: Annotated[Path, Field(description="looping WebP, from the first step to the last")]
    curve: Curve
    words: Words


class Hidden(NamedTuple):
    """A network that learns a picture."""

    picture: Annotated[Path, Field(description="what the network shows so far, a PNG file")]
    curve: Curve
    weights: Annotated[Path, Field(description="the network so far, a safetensors file")]
    words: Words


@endpoint(command="teams")
def list_teams() -> Teams:
    """List the teams of IOAI 2024 whose flags can be decoded, with the names that the other endpoints take."""
    return Teams([{"team": team.slug, "name": team.label, "entries": team.entries} for team in TEAMS.values()])


@endpoint(command="decode", arguments=("team",), cost=lambda width, **_: SECONDS_A_PIXEL * width**2)
def decode_flag(
    team: TeamName = "malaysia",
    width: Width = 320,
    zoom: Zoom = 1.0,
    center_x: Center = 0.0,
    center_y: Center = 0.0,
) -> Painting:
    """Decode a team's flag from its weights."""
    gift = gift_of(TEAMS[team])
    width, height = gift.size_at(width)
    picture = decode(gift.layers, width, height, View(zoom, center_x, center_y))
    return Painting(*views.flag_picture(TEAMS[team], gift, picture, zoom))


@endpoint(command="progress", arguments=("team",))
def flag_progress(team: TeamName = "malaysia") -> Progress:
    """Show how a team's network learnt its flag."""
    run = views.training_run(TEAMS[team])
    return Progress(views.RUNS / f"{team}.webp", views.curve(run["curve"]), views.describe_run(run))


@endpoint(command="collage", cost=lambda width, **_: SECONDS_A_PIXEL * width**2)
def flag_collage(
    width: Annotated[int, Field(ge=256, le=MAX_SIDE, description="pixels along x at the most")] = 1600,
) -> Painting:
    """Decode every flag into one picture."""
    return Painting(*views.collage(width))


@endpoint(command="open", cost=lambda width, height, **_: SECONDS_A_PIXEL * width * height)
def open_gift(
    weights: Annotated[Path, Field(description="safetensors file with the weights of the published MysteryNet class")],
    width: Side = 0,
    height: Side = 0,
    order: Annotated[Literal[ORDERS], Field(description="which coordinate the network takes first")] = "xy",
    span: Annotated[Literal[SPANS], Field(description="the range of the coordinates")] = "-1..1",
    y_axis: Annotated[Literal[Y_AXES], Field(description="which way y grows on the picture")] = "down",
    aspect: Annotated[
        Literal[ASPECTS], Field(description="which side has that range: each, or one and the other in proportion")
    ] = "each",
    values: Annotated[
        Literal[VALUES], Field(description="what the network's numbers mean; logits are put through a sigmoid")
    ] = "as they look",
    channels: Annotated[Literal[CHANNELS], Field(description="the order in which the colours come out")] = "rgb",
) -> Painting:
    """Decode any MysteryNet weights file, also as other people's tools write it."""
    how = Convention(order, span, y_axis, aspect, values, channels)
    return Painting(*views.gift_picture(read_gift(weights, adapt=True), width, height, how))


@endpoint(command="hide", arguments=("picture",), queue="training")
def hide_picture(
    picture: Annotated[
        Path | None,
        Field(
            description="picture file of at most 16 megapixels, learnt 320 wide or 640 high; a flag if none is given"
        ),
    ] = None,
    seconds: Annotated[
        float,
        Field(ge=SHORTEST_RUN, le=LONGEST_RUN, description="seconds of training; simple pictures look right after 15"),
    ] = 20,
) -> Iterator[Hidden]:
    """Teach a fresh MysteryNet a picture, and watch it learn."""
    for look in workers.in_own_process("cppn.flags.hide:hide", picture or EXAMPLE, seconds):
        state = "Done" if look.fraction >= 1 else f"Learning, {look.fraction:.0%}"
        words = f"{state}: {look.step:,} steps, {look.psnr:.1f} dB at {look.width} × {look.height} pixels. {look.done}"
        yield Hidden(
            render.save_bytes(look.picture, "preview", ".png"),
            views.curve(look.curve),
            render.save_bytes(look.weights, "gift", ".safetensors"),
            words.rstrip(),
        )


def lend_gift() -> Path:
    """Some team's weights under a name that does not give it away."""
    return views.copy_for_download(gift_of(random.choice(list(TEAMS.values()))), "gift")
