"""Everything that can be asked of the Odd-shapes wing; each is an endpoint, a command and a function at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from cppn import render
from cppn.endpoint import endpoint, named
from cppn.odd_shapes import maps, views
from cppn.odd_shapes.canvas import open_canvas, to_image
from cppn.odd_shapes.dataset import FEWEST, KINDS, MOST, Pictures, named_rng, sample
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.network import TOKENS, OddConfig
from cppn.odd_shapes.score import examine
from cppn.odd_shapes.weights import NETWORKS, finder_of

ANY = "any"
LAYERS, HEADS = 2, OddConfig().heads  # of attention in our network, the larger one
MOST_SCORED = 20_000  # pictures in one call: about a minute
REPORT_EVERY = 0.5  # seconds between two reports of a score
LARGEST_SEED = 2**53  # beyond, a JSON reader may take a whole number for its neighbour

Seed = Annotated[
    int, Field(ge=-LARGEST_SEED, le=LARGEST_SEED, description="of the draw; the same seed draws the same picture")
]
Count = Annotated[int, Field(ge=0, le=MOST, description=f"number of the many shapes, at least {FEWEST}; 0 draws it")]
PictureFile = Annotated[Path, Field(description="picture of at most 16 megapixels; fitted to 64 x 64, black on white")]
Network = named(NETWORKS, "which network answers; seed is that of the homework")
Facts = dict[str, Any]


class Drawn(NamedTuple):
    """A picture by the homework's rules."""

    picture: Annotated[Path, Field(description="PNG file of 64 x 64 pixels")]
    truth: Annotated[Facts, Field(description="where everything on it is and how much of the odd shape can be seen")]


class Located(NamedTuple):
    """A network's answer."""

    answer: Annotated[Path, Field(description="the picture with the answer marked, a PNG file")]
    probability: Annotated[Path, Field(description="map of the probability of each token, a PNG file")]
    offsets: Annotated[Path, Field(description="map with the offsets of the likely tokens as arrows, a PNG file")]
    report: Annotated[Facts, Field(description="the answer in pixels, how sure the network is, and caveats")]


class Attended(NamedTuple):
    """What a token attends to."""

    picture: Annotated[Path, Field(description="map over the picture, a PNG file")]
    facts: Annotated[Facts, Field(description="token, layer, head, and the attention to each of the 144 tokens")]


class Scored(NamedTuple):
    """How good a network is so far; the last one is of all pictures."""

    words: Annotated[str, Field(description="the score in a sentence or two")]
    facts: Annotated[Facts, Field(description="errors in pixels: of all answers, by what can be seen, by what it said")]


@endpoint(command="draw")
def draw_odd_shapes(
    seed: Seed = 1,
    base: named([ANY, *KINDS], "kind of the many shapes") = ANY,
    odd: named([ANY, *KINDS], "kind of the odd one") = ANY,
    count: Count = 0,
) -> Drawn:
    """Draw a picture by the homework's rules."""
    drawn = pictures_of(seed, base, odd, count)
    return Drawn(render.save_png(to_image(drawn.ink[0]), f"odd-shapes-{seed}"), views.truth_about(drawn))


@endpoint(command="locate")
def locate_odd_shape(picture: PictureFile, network: Network = "ours") -> Located:
    """Find the odd shape in any picture."""
    finder, canvas = finder_of(network), open_canvas(picture)
    location = locate(canvas, finder)
    pictures = maps.overlay(canvas, location), *maps.probability_and_offsets(canvas, location)
    return Located(*pictures, views.report(location, finder, canvas))


@endpoint(command="attention")
def attention_of(
    picture: PictureFile,
    token: Annotated[
        int, Field(ge=-1, le=TOKENS - 1, description="row by row from the upper left; -1 takes the likeliest one")
    ] = -1,
    layer: Annotated[int, Field(ge=1, le=LAYERS, description="of attention; the homework's network has one")] = 1,
    head: Annotated[
        int, Field(ge=0, le=HEADS, description="0 takes the mean of all; the homework's network has one")
    ] = 1,
    network: Network = "ours",
) -> Attended:
    """Show what one token of the picture attends to."""
    canvas = open_canvas(picture)
    location = locate(canvas, finder_of(network))
    token = location.token if token == -1 else token
    weights = [round(value, 6) for value in location.attention_from(token, layer, head).flatten().tolist()]
    facts = {"token": token, "layer": layer, "head": head, "attention": weights}
    return Attended(maps.attention(canvas, location, token, layer, head), facts)


@endpoint(command="score", queue="training")
def score_odd_shapes(
    count: Annotated[
        int, Field(ge=1, le=MOST_SCORED, description="fresh pictures; the most take about a minute")
    ] = 1000,
    seed: Annotated[
        int,
        Field(
            ge=-LARGEST_SEED,
            le=LARGEST_SEED,
            description="of the pictures; a longer run with the same seed begins with the same ones",
        ),
    ] = 0,
    network: Network = "ours",
) -> Iterator[Scored]:
    """Measure a network on fresh pictures; the score so far comes as it grows."""
    told = 0.0
    for score in examine(finder_of(network).net, count, seed):
        finished = len(score.error) >= count
        if finished or time.monotonic() - told > REPORT_EVERY:
            told = time.monotonic()
            facts = score.summary()
            yield Scored(views.describe_score(facts, count), facts)


def pictures_of(seed: int, base: str, odd: str, count: int) -> Pictures:
    """The one picture that these choices draw, as the wing's own data."""
    kinds = (None if kind == ANY else KINDS.index(kind) for kind in (base, odd))
    return sample(named_rng("odd_shapes draw", seed), 1, *kinds, count or None)
