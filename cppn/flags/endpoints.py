"""The Flags wing's endpoints as plain functions: what the tab, the API and a notebook call.

Faults that a caller can cause are raised as `ValueError` or `KeyError` with a message for that person.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from cppn import checkpoint, render
from cppn.coordinates import View, view_of
from cppn.flags import exhibit
from cppn.flags.decode import check_size, gift_of
from cppn.flags.decode import open_gift as read_gift
from cppn.flags.network import GiftConfig
from cppn.flags.teams import TEAMS, find_team

PREVIEW_EVERY = 0.7  # seconds between two previews of a training run
LONGEST_RUN = 60  # seconds


def list_teams() -> list[dict[str, str | int]]:
    """List the teams of IOAI 2024 whose flags can be decoded, with the names that the other endpoints take."""
    return [{"team": team.slug, "name": team.label, "entries": team.entries} for team in TEAMS.values()]


def decode_flag(
    team: str, width: int = 320, zoom: float = 1.0, center_x: float = 0.0, center_y: float = 0.0
) -> tuple[str, dict]:
    """Decode a team's flag from its weights.

    Args:
        team: a team's short name, such as "malaysia".
        width: pixels along x, 1 to 4096; the height follows from the flag's aspect ratio.
        zoom: 1 shows the whole flag, 4 a quarter of each axis, 0.5 what lies around it.
        center_x: middle of the window, -1 is the left edge and 1 the right one.
        center_y: middle of the window, -1 is the top edge and 1 the bottom one.

    Returns:
        The picture as a PNG file, and facts about it and its weights.
    """
    path, facts = exhibit.flag_picture(team, int(width), view_of(zoom, center_x, center_y))
    return str(path), facts


def flag_progress(team: str) -> tuple[str, dict, str]:
    """How a team's network learnt its flag.

    Args:
        team: a team's short name, such as "malaysia".

    Returns:
        A looping animation (WebP) from the first step to the last, the curve of quality over steps, and both in words.
    """
    found = find_team(team)
    run = exhibit.training_run(found)
    return str(exhibit.RUNS / f"{found.slug}.webp"), _curve(run["curve"]), exhibit.describe_run(run)


def flag_collage(width: int = 1600) -> tuple[str, dict]:
    """Decode every flag into one picture.

    Args:
        width: pixels along x at the most, 256 to 4096.

    Returns:
        The collage as a PNG file, and facts about it.
    """
    path, facts = exhibit.collage(int(width))
    return str(path), facts


def open_gift(
    weights: str, width: int = 0, height: int = 0, order: str = "xy", span: str = "-1..1"
) -> tuple[str, dict]:
    """Decode any MysteryNet weights file.

    Args:
        weights: a safetensors file with the weights of the published MysteryNet class.
        width: pixels along x; 0 takes the size that the file tells, or 320 x 160.
        height: pixels along y; 0 as above.
        order: which coordinate the network takes first, "xy" or "yx".
        span: the range of the coordinates, "-1..1", "0..1" or "pixels".

    Returns:
        The picture as a PNG file, and facts about the file.
    """
    gift, width, height = _uploaded(weights, width, height)
    path = exhibit.paint(gift, width, height, View(), order, span, "gift")
    return str(path), exhibit.gift_facts(gift, width, height)


def guess_gallery(weights: str) -> list[tuple[str, str]]:
    """The same file under every guess of order and span."""
    return [(str(path), caption) for path, caption in exhibit.guesses(*_uploaded(weights, 0, 0))]


def lend_gift() -> str:
    """Some team's weights under a name that does not give it away."""
    return str(exhibit.copy_for_download(gift_of(random.choice(list(TEAMS.values()))), "gift"))


def hide_picture(picture: str, seconds: float = 20) -> Iterator[tuple[str, dict, str, str]]:
    """Teach a fresh MysteryNet a picture, and watch it learn.

    Args:
        picture: a picture file of at most 16 megapixels; it is learnt 320 pixels wide.
        seconds: how long to train, 5 to 60; simple pictures look right after 15.

    Returns:
        A preview of what the network shows, the curve of quality over steps, the weights file, and the state in words.
    """
    from cppn.flags.fit import as_image, export, fit  # training is loaded only by those who train
    from cppn.flags.recipe import Recipe
    from cppn.flags.target import Target

    if not picture:
        raise ValueError("choose a picture first")
    seconds = min(LONGEST_RUN, max(5.0, float(seconds)))
    image = render.open_picture(Path(picture))
    if min(image.size) < 8:
        raise ValueError(f"the picture has only {image.width} x {image.height} pixels; at least 8 x 8 are needed")
    target = Target.from_picture(image, exhibit.HIDDEN_WIDTH)
    # the clock ends the run; the number of steps only spaces the previews, dense at first
    recipe = Recipe(seconds=seconds, steps=int(seconds * 1000))
    config = GiftConfig(target.width, target.height)
    curve, shown = [], 0.0
    for look in fit(target, recipe):
        curve.append((look.step, look.seconds, look.psnr))
        if look.fraction < 1 and time.monotonic() - shown < PREVIEW_EVERY:
            continue
        shown = time.monotonic()
        preview = render.save_png(as_image(look.picture), "preview")
        weights = render.save_bytes(
            checkpoint.to_bytes(export(look.net, target, recipe), config), "gift", ".safetensors"
        )
        state = "Done" if look.fraction == 1 else f"Learning, {look.fraction:.0%}"
        words = f"{state}: {look.step:,} steps, {look.psnr:.1f} dB at {target.width} × {target.height} pixels."
        yield str(preview), _curve(curve), str(weights), words


def _uploaded(weights: str | None, width: float, height: float) -> tuple[exhibit.Gift, int, int]:
    if not weights:
        raise ValueError("choose a .safetensors file first, or let us lend you one")
    gift = read_gift(Path(weights))
    natural_width, natural_height = gift.size
    width, height = int(width) or natural_width, int(height) or natural_height
    check_size(width, height)
    return gift, width, height


def _curve(points: list[tuple[int, float, float]]) -> dict:
    """A training curve for plotting, thinned to some 200 points."""
    columns = dict.fromkeys(("step", "seconds", "decibels"), "quantitative")
    return render.plot_data(columns, points[:: max(1, len(points) // 200)], "line")
