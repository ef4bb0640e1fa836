"""Pictures of an answer: where a network points, what it thinks likely, what a token attends to, and the contest's.

The picture lies below in gray. Every map uses one colour scale, from the bare picture (nothing) over yellow and red to
dark purple (the most), and prints it with its numbers underneath.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cppn import render
from cppn.heatmap import HEAT, font, shade
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.contest import Game, Round
from cppn.odd_shapes.dataset import CANVAS
from cppn.odd_shapes.locate import Location
from cppn.odd_shapes.network import GRID, OddNet, centres
from cppn.odd_shapes.posterior import Posterior

SCALE = 8  # screen pixels for each pixel of the canvas
SIDE = CANVAS * SCALE
STRIP = 44  # screen pixels below a map, for its scale and caption
LEAST = 0.02  # the dark end of a scale is at least this, so that an even spread over 144 tokens looks pale
POINTED = 0.02  # probability from which a token's offset is drawn as an arrow
PAPER, INK, DARK = (240, 241, 244), (176, 182, 190), (30, 34, 42)
TRUE, PREDICTED, ASKING = (0, 128, 60), (200, 20, 110), (20, 80, 220)
Point = tuple[float, float]


def overlay(canvas: Canvas, location: Location, truth: dict[str, object] | None = None) -> Path:
    """The picture with the answer as a cross in a circle of its uncertainty, and the true centre where it is known."""
    picture = background(canvas.ink)
    at = location.x, location.y
    circle(picture, at, location.uncertainty, PREDICTED)
    cross(picture, at, PREDICTED)
    if truth:  # on top and smaller: the two are often less than a pixel apart
        cross(picture, (truth["x"], truth["y"]), TRUE, tilted=True)
    return render.save_png(picture, "odd-shape")


def probability_and_offsets(canvas: Canvas, location: Location) -> tuple[Path, Path]:
    """Two maps: the probability of each token, and the offsets of the likely ones as arrows over it."""
    probability, places = location.probability.numpy(), location.places.numpy()
    likely = heat(canvas.ink, probability, places, "probability that the odd shape is here")
    arrows = heat(canvas.ink, probability, places, "arrows: where each likely token puts the centre")
    for row, column in np.argwhere(probability >= POINTED):
        start = places[row, column]
        end = start + location.offset[row, column].numpy()
        arrow(arrows, tuple(start), tuple(end), ASKING, 3)
    return render.save_png(likely, "probability"), render.save_png(arrows, "offsets")


def attention(canvas: Canvas, location: Location, token: int, layer: int, head: int) -> Path:
    """What one token attends to with one head (0 is the mean of all), as a map in which that token is framed."""
    values, places = location.attention_from(token, layer, head).numpy(), location.places.numpy()
    who = f"head {head}" if head else "mean of heads"
    picture = heat(canvas.ink, values, places, f"attention of the framed token: layer {layer}, {who}")
    row, column = divmod(token, GRID)
    box(picture, tuple(places[row, column]), float(places[0, 1, 0] - places[0, 0, 0]), ASKING)
    return render.save_png(picture, "attention")


def attention_of_all_heads(canvas: Canvas, location: Location, token: int) -> list[Path]:
    """What one token attends to with every head of every layer, one map each."""
    return [
        attention(canvas, location, token, layer, head + 1)
        for layer, heads in enumerate(location.attention, start=1)
        for head in range(len(heads))
    ]


def belief(canvas: Canvas, location: Location, exact: Posterior | None, truth: Point) -> tuple[Path | None, Path]:
    """Where the odd shape may be, to the exact answer if there is one and to the network, by squares of 5 x 5 pixels.

    Both have the same scale, their own answer as a cross, and the true centre.
    """
    guesses = (location.places + location.offset).numpy().reshape(-1, 2)
    by_network = in_squares(guesses, location.probability.numpy().ravel())
    drawn, most = {"the network": (by_network, (location.x, location.y), PREDICTED)}, by_network.max()
    if exact:
        rows, columns = np.nonzero(exact.probability)
        known = in_squares(np.stack([columns, rows], axis=1), exact.probability[rows, columns])
        drawn["exact"], most = (known, exact.mean, ASKING), max(most, known.max())
    paths = {}
    for name, (values, answer, colour) in drawn.items():
        places = centres(OddNet.FIRST, OddNet.STEP).view(GRID, GRID, 2).numpy()
        picture = heat(canvas.ink, values, places, f"{name}: probability of each square", float(most))
        cross(picture, answer, colour)
        cross(picture, truth, TRUE, tilted=True)
        paths[name] = render.save_png(picture, f"belief-{name.replace(' ', '-')}")
    return paths.get("exact"), paths["the network"]


def in_squares(places: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Probability of places (N, 2) in pixels, (N,), by the square of our network's grid they lie in, (12, 12)."""
    columns, rows = np.clip(np.rint((places - OddNet.FIRST) / OddNet.STEP), 0, GRID - 1).astype(int).T
    total = np.zeros((GRID, GRID))
    np.add.at(total, (rows, columns), probability)
    return total


def contest(rounds: tuple[Round, ...], game: Game) -> Path:
    """The picture that is up in a contest: bare before the click, with all three positions after it."""
    played = rounds[game.number]
    if not game.shown:
        return render.save_png(background(played.ink, dark=True), "contest")
    picture = background(played.ink)
    cross(picture, played.network, PREDICTED)
    cross(picture, game.clicks[-1], ASKING)
    cross(picture, played.truth, TRUE, tilted=True)
    return render.save_png(picture, "contest")


# --- what they are made of


def background(ink: np.ndarray, dark: bool = False) -> Image.Image:
    """The picture enlarged, gray shapes on paper, light for a map to lie on or dark; `ink` is (64, 64)."""
    pixels = np.where(ink[:, :, None] == 1, DARK if dark else INK, PAPER).astype(np.uint8)
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.NEAREST)


def screen(point: Point) -> Point:
    """The screen position of a canvas position: the middle of that pixel."""
    return (point[0] + 0.5) * SCALE, (point[1] + 0.5) * SCALE


def canvas_point(pixel: Point) -> Point:
    """The canvas position that a pixel of an enlarged picture shows."""
    return pixel[0] / SCALE - 0.5, pixel[1] / SCALE - 0.5


def heat(ink: np.ndarray, values: np.ndarray, places: np.ndarray, caption: str, least: float = LEAST) -> Image.Image:
    """A map of one value a token over the picture, with its scale.

    Args:
        ink: (64, 64). values: not negative, (12, 12).
        places: token centres in pixels, (12, 12, 2).
        caption: what the values are; they are printed as per cent.
        least: what the dark end of the scale is at least.
    """
    most = max(float(values.max()), least, LEAST)
    picture = background(ink)
    step = float(places[0, 1, 0] - places[0, 0, 0]) * SCALE
    share = np.clip(values / most, 0, 1)
    tint = Image.fromarray(shade(HEAT, share))
    # faint values let the picture through, strong ones cover it
    strength = Image.fromarray((235 * np.sqrt(share)).astype(np.uint8))
    size = (round(step * values.shape[1]),) * 2
    corner = tuple(round(edge - step / 2) for edge in screen(tuple(places[0, 0])))
    nearest = Image.Resampling.NEAREST
    picture.paste(tint.resize(size, nearest), corner, strength.resize(size, nearest))
    return with_scale(picture, caption, most)


def with_scale(picture: Image.Image, caption: str, most: float) -> Image.Image:
    """The same map with a strip below: the colour scale from 0 to `most`, and a caption."""
    sheet = Image.new("RGB", (picture.width, picture.height + STRIP), "white")
    sheet.paste(picture)
    pen = ImageDraw.Draw(sheet)
    ramp = np.linspace(0, 1, 160)[None].repeat(14, axis=0)
    mixed = shade(HEAT, ramp) * np.sqrt(ramp)[..., None] + np.array(PAPER) * (1 - np.sqrt(ramp)[..., None])
    top = picture.height + 8
    pen.text((8, top - 1), "0%", DARK, font(15))
    sheet.paste(Image.fromarray(mixed.astype(np.uint8)), (40, top))
    pen.rectangle((39, top - 1, 200, top + 14), outline=(120, 120, 120))
    pen.text((206, top - 1), f"{100 * most:.3g}%", DARK, font(15))
    pen.text((8, top + 16), caption, DARK, font(15))
    return sheet


def cross(picture: Image.Image, at: Point, colour: tuple[int, int, int], tilted: bool = False) -> None:
    """Draw a cross on an enlarged picture, upright or as an x, with a white rim that keeps it visible."""
    x, y = screen(at)
    arm = 8 if tilted else 18
    ends = [(-arm, -arm, arm, arm), (-arm, arm, arm, -arm)] if tilted else [(-arm, 0, arm, 0), (0, -arm, 0, arm)]
    pen = ImageDraw.Draw(picture)
    for rim, width in (("white", 8), (colour, 4)):
        for left, top, right, bottom in ends:
            pen.line((x + left, y + top, x + right, y + bottom), rim, width)


def circle(picture: Image.Image, at: Point, radius: float, colour: tuple[int, int, int]) -> None:
    """Draw a circle round a canvas position; `radius` in canvas pixels."""
    x, y = screen(at)
    reach = max(6.0, radius * SCALE)
    pen = ImageDraw.Draw(picture)
    for rim, width in (("white", 6), (colour, 3)):
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=rim, width=width)


def box(picture: Image.Image, at: Point, side: float, colour: tuple[int, int, int]) -> None:
    """Frame a token: a square of `side` canvas pixels round its centre."""
    x, y = screen(at)
    half = side * SCALE / 2
    pen = ImageDraw.Draw(picture)
    for rim, width in (("white", 7), (colour, 4)):
        pen.rectangle((x - half, y - half, x + half, y + half), outline=rim, width=width)


def arrow(picture: Image.Image, start: Point, end: Point, colour: tuple[int, int, int], width: int) -> None:
    """Draw an arrow between two canvas positions."""
    (x0, y0), (x1, y1) = screen(start), screen(end)
    length = float(np.hypot(x1 - x0, y1 - y0))
    pen = ImageDraw.Draw(picture)
    pen.line((x0, y0, x1, y1), colour, width)
    if length > 6:
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        head = 5 + 2 * width
        left = (x1 - head * ux + head * uy / 2, y1 - head * uy - head * ux / 2)
        right = (x1 - head * ux - head * uy / 2, y1 - head * uy + head * ux / 2)
        pen.polygon([(x1, y1), left, right], fill=colour)
