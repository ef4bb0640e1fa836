"""Flag pictures to train on: vector drawings to PNG with each flag's true aspect ratio.

    python -m cppn flags rasterise --svg DIRECTORY

DIRECTORY is the `svg` folder of the npm package svg-country-flags 1.2.10 (public domain; its drawings come from
Wikipedia). Two pictures a team are written: 320 pixels wide, as in the original gift, and the same at four times that
size, from which training takes its sub-pixel samples and measuring its zoomed truth.
"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path

from PIL import Image, ImageDraw

from cppn.flags.target import FINE, SCALE, TARGETS
from cppn.flags.teams import TEAMS, Team

WIDTH = 320  # "resized to have 320px width", as the original gift was


def rasterise_svg(drawing: str, width: int = WIDTH * SCALE) -> Image.Image:
    """Rasterise an SVG at its true aspect ratio on white.

    resvg rounds a drawing's natural size to whole units before scaling (Nepal would come out 387 instead of 390 pixels
    tall), so the root element is given the wanted size itself.
    """
    import resvg_py  # needed only to remake the targets; see weights/requirements.txt

    root = re.search(r"<svg[^>]*>", drawing, re.DOTALL)
    box = re.search(r'viewBox="([^"]+)"', root.group(0)) if root else None
    if box is None:
        raise ValueError("the drawing has no <svg viewBox=…> element")
    _, _, natural_width, natural_height = (float(number) for number in re.split(r"[ ,]+", box.group(1).strip()))
    # round at 320 px first, so that both sizes have exactly the same shape
    height = round(WIDTH * natural_height / natural_width) * width // WIDTH
    tag = re.sub(r'\s(width|height|preserveAspectRatio)="[^"]*"', "", root.group(0))
    tag = f'{tag[:-1]} width="{width}" height="{height}" preserveAspectRatio="none">'
    svg = drawing[: root.start()] + tag + drawing[root.end() :]
    png = resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff")
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGB")
    if picture.size != (width, height):
        raise ValueError(f"asked for {width} x {height}, the rasteriser drew {picture.size}")
    return picture


def letovo_stand_in(width: int = WIDTH * SCALE) -> Image.Image:
    """A plain banner with the school's name, drawn from strokes: a stand-in for a logo that is not ours to copy."""
    oversample = 4
    unit = width * oversample // 64  # the banner is 64 x 32 units
    picture = Image.new("RGB", (64 * unit, 32 * unit), "white")
    draw = ImageDraw.Draw(picture)
    ink = "#23395b"
    bars = (
        *((4, 9, 6, 19), (4, 17, 10, 19)),  # L
        *((12, 9, 14, 19), (12, 9, 18, 11), (12, 13, 17, 15), (12, 17, 18, 19)),  # E
        *((20, 9, 28, 11), (23, 9, 25, 19)),  # T
    )
    for x0, y0, x1, y1 in bars:
        draw.rectangle([x0 * unit, y0 * unit, x1 * unit - 1, y1 * unit - 1], fill=ink)
    for x in (29, 50):  # O and O
        draw.ellipse([x * unit, 9 * unit, (x + 8) * unit, 19 * unit], fill=ink)
        draw.ellipse([(x + 2) * unit, 11 * unit, (x + 6) * unit, 17 * unit], fill="white")
    letter_v = ((38, 9), (40.3, 9), (43, 16), (45.7, 9), (48, 9), (44, 19), (42, 19))
    draw.polygon([(x * unit, y * unit) for x, y in letter_v], fill=ink)
    draw.rectangle([4 * unit, 23 * unit, 58 * unit - 1, 25 * unit - 1], fill="#c8553d")
    return picture.resize((width, width // 2), Image.Resampling.BOX)


def write_targets(svg_directory: Path, directory: Path, teams: list[Team]) -> None:
    """Write `<slug>.png` (320 px) and `fine/<slug>.png` (1280 px) for each team."""
    (directory / FINE).mkdir(parents=True, exist_ok=True)
    for team in teams:
        if team.svg is None:
            fine = letovo_stand_in()
        else:
            fine = rasterise_svg((svg_directory / f"{team.svg}.svg").read_text(encoding="utf-8"))
        small = fine.resize((fine.width // SCALE, fine.height // SCALE), Image.Resampling.BOX)
        small.save(directory / f"{team.slug}.png", optimize=True)
        fine.save(directory / FINE / f"{team.slug}.png", optimize=True)
        print(f"{team.slug}: {small.width} x {small.height}")


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn flags rasterise`."""
    parser = argparse.ArgumentParser(prog="python -m cppn flags rasterise", description=__doc__.split("\n")[0])
    parser.add_argument("--svg", type=Path, required=True, help="the svg folder of svg-country-flags")
    parser.add_argument("--out", type=Path, default=TARGETS, help="where the pictures go (default: %(default)s)")
    args = parser.parse_args(argv)
    write_targets(args.svg, args.out, list(TEAMS.values()))
    return 0
