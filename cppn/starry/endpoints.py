"""The Starry-night wing's endpoints as plain functions: what the tab, the API and a notebook call.

Faults that a caller can cause are raised as `ValueError` or `KeyError` with a message for that person.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

from cppn import hub, render
from cppn.coordinates import view_of
from cppn.starry import exhibit, words
from cppn.starry.catalogue import Painter, open_program, painter_of

LONGEST_RUN = 60  # seconds
SHORTEST_RUN = 10  # seconds; in less there is no program yet that is worth a look
PREVIEW_EVERY = 0.7  # seconds between two previews of a search
SMALLEST = 8  # pixels along a side of a picture worth squeezing


def paint_starry(
    program: str = "ours", width: int = 386, zoom: float = 1.0, center_x: float = 0.0, center_y: float = 0.0
) -> tuple[str, dict]:
    """Paint what a shipped program paints, at any size.

    Args:
        program: "ours", or "published" for the network of the published answer.
        width: pixels along x, 1 to 4096; the height follows. At 386, whole, the pixels are those of Pyth.
        zoom: 1 shows the whole painting, 4 a quarter of each axis, 0.5 what lies around it.
        center_x: middle of the window, -1 is the left edge and 1 the right one.
        center_y: middle of the window, -1 is the top edge and 1 the bottom one.

    Returns:
        The picture as a PNG file, and facts about it and its program.
    """
    path, facts = exhibit.painting(painter_of(program), int(width), view_of(zoom, center_x, center_y))
    return str(path), facts


def starry_neurons(program: str = "ours", columns: int = 9) -> tuple[str, dict]:
    """Show every neuron of a shipped program as a picture.

    Args:
        program: "ours", or "published" for the network of the published answer.
        columns: neurons a row, 1 to 15.

    Returns:
        All neurons in one PNG file, and for each the inputs that move it most, with their shares.
    """
    path, facts = exhibit.neuron_sheet(painter_of(program), int(columns))
    return str(path), facts


def paint_program(file: str) -> tuple[str, dict]:
    """Paint what a program of this family paints. It is read, never executed.

    Args:
        file: a .pyth file of at most 1024 bytes, of the same form as the published one.

    Returns:
        The picture as a PNG file, and facts about the program.
    """
    painter = uploaded(file)
    return str(exhibit.own_painting(painter)), exhibit.facts_of(painter)


def squeeze_picture(picture: str, seconds: float = 40) -> Iterator[tuple[str, dict, str, str]]:
    """Search for a program of at most 1024 bytes that paints a picture, and watch it come closer.

    Args:
        picture: a picture file of at most 16 megapixels; it is painted with its longer side 386 pixels.
        seconds: how long to search, 10 to 60.

    Returns:
        What the program paints so far, the curve of the score over seconds, the program, and the state in words.
    """
    from cppn.starry.squeeze import squeeze, target_of  # the search is loaded only by those who search

    if not picture:
        raise ValueError("choose a picture first")
    if not math.isfinite(seconds):
        raise ValueError("the number of seconds must be finite")
    seconds = min(LONGEST_RUN, max(SHORTEST_RUN, float(seconds)))
    image = render.open_picture(Path(picture))
    if min(image.size) < SMALLEST:
        raise ValueError(
            f"the picture has only {image.width} x {image.height} pixels; at least {SMALLEST} x {SMALLEST} are needed"
        )
    points, shown = [], 0.0
    for look in squeeze(target_of(image), seconds):
        points.append((round(look.seconds, 2), round(look.score, 2)))
        if look.share < 1 and time.monotonic() - shown < PREVIEW_EVERY:
            continue
        shown = time.monotonic()
        preview = exhibit.to_path(look.picture, "squeezed")
        program = exhibit.copy_for_download(look.data, "squeezed")
        yield str(preview), exhibit.curve(points), str(program), words.squeezed(look)


def compare(left: str, right: str, target: str | None) -> tuple[tuple[str, str], str]:
    """Two pictures for the slider, and what separates them in words; the visitor's target counts if there is one."""
    wanted = exhibit.open_target(target) if target else None
    pair = tuple(str(exhibit.side(name, wanted)) for name in (left, right))
    return pair, words.comparison(left, right, wanted)


def neuron_gallery(program: str) -> list[tuple[str, str]]:
    """Every neuron as a small picture with its name."""
    program = painter_of(program).program
    pictures = zip(exhibit.neuron_pictures(program), words.neuron_names(program), strict=True)
    return [(str(render.save_png(picture, f"neuron-{n}")), name) for n, (picture, name) in enumerate(pictures, 1)]


def large_neuron(program: str, number: int) -> tuple[str, str]:
    """One neuron, counted from 0 (the last one if there are fewer), as large as the painting, and what moves it."""
    program = painter_of(program).program
    number = min(number, program.neurons - 1)
    picture = exhibit.large_neuron(program, number)
    return str(render.save_png(picture, f"neuron-{number + 1}")), words.captions(program)[number]


def squeezed_example() -> tuple[str, str, str]:
    """What a shipped squeezed program paints, the program, and what it is."""
    painter = open_program(hub.library().find(exhibit.SQUEEZED).path, "sunset")
    program = exhibit.copy_for_download(painter.data, "sunset")
    return str(exhibit.own_painting(painter)), str(program), words.example(painter)


def uploaded(file: str | None) -> Painter:
    """A program that a visitor brought."""
    if not file:
        raise ValueError("choose a .pyth file first")
    return open_program(Path(file), "program", "uploaded")
