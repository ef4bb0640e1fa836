"""Line charts of a few measured points and labelled rows of pictures; made to be looked at half their size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageDraw

from cppn.heatmap import GAP, INK, RIM, TEXT, TITLE_HEIGHT, WIDTH, font

HEIGHT = 520
COLOURS = ((55, 65, 160), (205, 70, 60), (0, 130, 110), (140, 140, 150))
LEFT = 96  # pixels for the numbers beside the axis
ROW = TEXT + 12
TICKS = 4  # about so many numbers on the upright axis

Series = Mapping[str, Sequence[tuple[float, float]]]


def nice_step(most: float) -> float:
    """A round distance between ticks from 0 to about `most`: 1, 2 or 5 times a power of ten."""
    rough = max(most, 1e-9) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return power * min((factor for factor in (1, 2, 5, 10) if factor * power >= rough), default=10)


def curves(series: Series, title: str, across: str) -> Image.Image:
    """Measured points joined by lines over a doubling axis, each line named below.

    Args:
        series: name -> (place, value) pairs; places positive, values not negative; at least one pair in all.
        title: what the values are. across: what the places are.
    """
    points = [point for line in series.values() for point in line]
    places = sorted({place for place, _ in points})
    step = nice_step(max(value for _, value in points))
    top_value = step * max(1, math.ceil(max(value for _, value in points) / step - 1e-9))
    bottom = HEIGHT - 2 * ROW - GAP
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((GAP, 12), title, INK, font(TEXT))
    low, high = math.log2(places[0]), math.log2(places[-1])

    def at(place: float, value: float) -> tuple[float, float]:
        share = (math.log2(place) - low) / (high - low) if high > low else 0.5
        upright = value / top_value
        return LEFT + 24 + share * (WIDTH - LEFT - 72), bottom - upright * (bottom - TITLE_HEIGHT - 2 * GAP)

    _axes(pen, at, places, [step * n for n in range(round(top_value / step) + 1)], bottom, across)
    left = GAP
    for (name, line), colour in zip(series.items(), COLOURS, strict=False):
        spots = [at(*point) for point in sorted(line)]
        if len(spots) > 1:
            pen.line(spots, colour, 5, joint="curve")
        for x, y in spots:
            pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=colour, outline="white", width=2)
        pen.line((left, HEIGHT - ROW // 2, left + 36, HEIGHT - ROW // 2), colour, 6)
        pen.text((left + 46, HEIGHT - ROW // 2), name, INK, font(TEXT), anchor="lm")
        left += 46 + math.ceil(font(TEXT).getlength(name)) + 2 * GAP
    return picture


def _axes(
    pen: ImageDraw.ImageDraw,
    at: Callable[[float, float], tuple[float, float]],
    places: Sequence[float],
    values: Sequence[float],
    bottom: int,
    across: str,
) -> None:
    """Lines for the values, ticks for the places, and their numbers; a number that would touch the last is left out."""
    for value in values:
        _, y = at(places[0], value)
        pen.line((LEFT, y, WIDTH - GAP, y), RIM, 2)
        pen.text((LEFT - 10, y), f"{value:g}", INK, font(TEXT), anchor="rm")
    free = 0.0
    for place in places:
        x, _ = at(place, 0)
        half = font(TEXT).getlength(f"{place:g}") / 2
        if x - half > free:
            pen.text((x, bottom + 8), f"{place:g}", INK, font(TEXT), anchor="ma")
            free = x + half + 8
    pen.text((WIDTH - GAP, bottom + 8 + ROW), across, INK, font(TEXT), anchor="ra")


def labelled_rows(sheet: Image.Image, labels: Sequence[str], title: str) -> Image.Image:
    """Rows of pictures that lie below each other in equal strips of a sheet, each with its label above it."""
    strip = sheet.height // len(labels)
    width = WIDTH - 2 * GAP
    tall = round(strip * width / sheet.width)
    picture = Image.new("RGB", (WIDTH, TITLE_HEIGHT + len(labels) * (ROW + tall + GAP)), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((GAP, 12), title, INK, font(TEXT))
    for number, label in enumerate(labels):
        top = TITLE_HEIGHT + GAP + number * (ROW + tall + GAP)
        pen.text((GAP, top), label, INK, font(TEXT))
        row = sheet.crop((0, number * strip, sheet.width, (number + 1) * strip))
        picture.paste(row.resize((width, tall), Image.Resampling.LANCZOS), (GAP, top + ROW))
    return picture
