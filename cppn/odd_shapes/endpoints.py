"""The Odd-shapes wing's endpoints as plain functions: what the tab, the API and a notebook call.

Faults that a caller can cause are raised as `ValueError` or `KeyError` with a message for that person.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from cppn import render
from cppn.odd_shapes import exhibit, words
from cppn.odd_shapes.canvas import to_image
from cppn.odd_shapes.catalogue import finder_of
from cppn.odd_shapes.contest import Game, contest, describe
from cppn.odd_shapes.dataset import FEWEST, KINDS, MOST, named_rng, sample
from cppn.odd_shapes.locate import locate, report

ANY = "any"
COUNTS = [(ANY, 0), *((str(number), number) for number in range(FEWEST, MOST + 1))]
MOST_SCORED = 20_000  # pictures in one call: about a minute
REPORT_EVERY = 0.5  # seconds between two reports of a score


def draw_odd_shapes(seed: int = 1, base: str = ANY, odd: str = ANY, count: int = 0) -> tuple[str, dict]:
    """Draw a picture by the homework's rules.

    Args:
        seed: the same seed and choices give the same picture.
        base: kind of the many shapes, "circle", "square", "triangle" or "any".
        odd: kind of the odd one, likewise.
        count: number of the many shapes, 3 to 6; 0 draws it.

    Returns:
        The picture as a PNG file of 64 x 64 pixels, and the truth about it.
    """
    chosen = sample(
        named_rng("odd_shapes draw", int(seed)), 1, _kind(base, "base"), _kind(odd, "odd"), int(count) or None
    )
    truth = exhibit.truth_about(chosen)
    return str(render.save_png(to_image(chosen.ink[0]), f"odd-shapes-{int(seed)}")), truth


def locate_odd_shape(picture: str, network: str = "ours") -> tuple[str, str, str, dict]:
    """Find the odd shape in any picture.

    Args:
        picture: a picture file of at most 16 megapixels; it is fitted to 64 x 64 pixels, black on white.
        network: "ours", or "seed" for the homework's.

    Returns:
        The picture with the answer marked, the probability of each token, the offsets as arrows, and a report.
    """
    finder, canvas = finder_of(network), exhibit.open_canvas(picture)
    location = locate(canvas, finder)
    pictures = (exhibit.overlay(canvas, location), *exhibit.maps_of(canvas, location))
    return *map(str, pictures), report(location, finder, canvas)


def attention_of(
    picture: str, token: int = -1, layer: int = 1, head: int = 1, network: str = "ours"
) -> tuple[str, dict]:
    """What one token of the picture attends to.

    Args:
        picture: a picture file, as for the endpoint that locates.
        token: 0 to 143, row by row from the upper left; -1 takes the likeliest one.
        layer: 1 is the first layer of attention.
        head: 1 is the first head; 0 takes the mean of all heads.
        network: "ours", or "seed" for the homework's, which has one layer with one head.

    Returns:
        The map over the picture as a PNG file, and the attention to each of the 144 tokens.
    """
    finder, canvas = finder_of(network), exhibit.open_canvas(picture)
    location = locate(canvas, finder)
    chosen = exhibit.Look(location.token if int(token) == -1 else int(token), int(layer), int(head))
    values = chosen.values(location)
    path = exhibit.attention_map(canvas, location, chosen)
    weights = [round(value, 6) for value in values.flatten().tolist()]
    return str(path), {"token": chosen.token, "layer": chosen.layer, "head": chosen.head, "attention": weights}


def score_odd_shapes(count: int = 1000, seed: int = 0, network: str = "ours") -> Iterator[tuple[str, dict]]:
    """Measure a network on fresh pictures.

    Args:
        count: pictures, 1 to 20,000.
        seed: of the pictures; a longer run with the same seed begins with the same ones.
        network: "ours", or "seed" for the homework's.

    Returns:
        The score so far in words and as data; the last one is of all pictures.
    """
    from cppn.odd_shapes.score import score  # only those who measure wait for it

    count = int(count)
    if not 1 <= count <= MOST_SCORED:
        raise ValueError(f"between 1 and {MOST_SCORED:,} pictures can be scored here, not {count:,}")
    told = 0.0
    for result in score(finder_of(network).net, count, int(seed)):
        finished = len(result.error) >= count
        if finished or time.monotonic() - told > REPORT_EVERY:
            told = time.monotonic()
            facts = result.summary()
            yield words.score(facts, finished), facts


def explain(picture: str | None, truth: dict | None, network: str) -> tuple[str, str, str, str, list[str]]:
    """Everything that the tab shows of one picture: answer, words, two maps, and the likeliest token's attention."""
    finder, canvas = finder_of(network), exhibit.open_canvas(picture)
    location = locate(canvas, finder)
    known = exhibit.truth_of(canvas, truth)
    said = [words.answer(report(location, finder, canvas)), words.truth(location, known), words.note(finder)]
    likely, arrows = map(str, exhibit.maps_of(canvas, location))
    attention = [str(path) for path in exhibit.attention_maps(canvas, location, location.token)]
    text = "\n\n".join(part for part in said if part)
    return str(exhibit.overlay(canvas, location, known)), text, likely, arrows, attention


def attention_at(picture: str | None, network: str, pixel: tuple[float, float]) -> list[str]:
    """The attention of the token nearest to a click on one of the tab's enlarged pictures, a map a head."""
    canvas = exhibit.open_canvas(picture)
    location = locate(canvas, finder_of(network))
    return [str(path) for path in exhibit.attention_maps(canvas, location, exhibit.token_at(location, pixel))]


def finished_drawing(drawing: dict | None) -> str:
    """The file of a painting from the tab's canvas."""
    if not drawing or not drawing.get("composite"):
        raise ValueError("paint something first")
    return drawing["composite"]


def play(game: Game) -> tuple[Game, str, str]:
    """The state, the picture and the words of a contest."""
    rounds = contest(game.seed, finder_of("ours"))
    number = len(game.clicks) - 1 if game.shown else len(game.clicks)
    click = game.clicks[-1] if game.shown else None
    return game, str(exhibit.contest_picture(rounds[number], click)), describe(rounds, game)


def _kind(name: str, which: str) -> int | None:
    if name == ANY:
        return None
    if name not in KINDS:
        raise ValueError(f"the {which} shapes can be {', '.join(KINDS)} or {ANY}, not {str(name)[:40]!r}")
    return KINDS.index(name)
