"""Measure how photographs of glyphs are read, and whether pictures without a text are, and keep the figures as data.

    python -m cppn glyphs photos                     30 photographs a condition, 60 pictures without a text of each kind
    python -m cppn glyphs photos --only thumb glare  only these conditions or kinds; the other figures stay
    python -m cppn glyphs photos --count 0 --none 2500   20,000 pictures without a text; goes on where it was stopped

The photographs are those of `cppn.glyphs.making.scenes` that nothing was built with. A text that is read where there
is none is so rare that the pictures at hand may show none of them. So the questions put to the check bits are counted,
too: each lets nonsense through once in 65,536 times, and nonsense counts only if its own glyph fits what is seen; of
one question of each of the first pictures it is tried whether it would have.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.glyphs.draw import INK, draw
from cppn.glyphs.find import Photo
from cppn.glyphs.legible import legible_message
from cppn.glyphs.making.scenes import CONDITIONS, MEASURING_BACKGROUNDS, picture_of, scene_of, screenshot
from cppn.glyphs.message import ALPHABET, seed_to_message
from cppn.glyphs.network import GlyphNet
from cppn.glyphs.photo import LAID, Sighting, laid_over, read_picture
from cppn.glyphs.refine import fits
from cppn.glyphs.scene import photograph
from cppn.glyphs.send import wilson
from cppn.glyphs.weights import script_of

RESULT = hub.BUNDLED / "results" / "glyph_photos.json"
SEED = 20_270_000  # of texts and pictures
SIDE = 512  # pixels of a glyph that is photographed
TRIED = 250  # pictures of a kind of which one question is tried, whether a text would have fitted
CHECK = 2**16  # nonsense that the check bits let through once
ROUND = 20  # pictures of a kind after which the next kind follows

Facts = dict[str, object]


def some_text(random: np.random.Generator) -> str:
    """Eight characters, the first and the last of them no spaces."""
    letters = random.integers(1, len(ALPHABET), 8)
    return "".join(ALPHABET[letter] for letter in letters)


def glyph_of(net: GlyphNet, message: torch.Tensor) -> Image.Image:
    """A glyph as the app draws it."""
    return Image.fromarray(draw(net, message[None], SIDE, INK)[0].numpy())


def timed(net: GlyphNet, picture: Image.Image) -> tuple[Sighting, float]:
    """What is read from a picture, and CPU seconds."""
    start = time.process_time()
    return read_picture(net, picture), time.process_time() - start


def condition(net: GlyphNet, name: str, count: int) -> Facts:
    """Photographs of a condition: how many were read exactly, how many wrongly, CPU seconds."""
    random, exact, wrong, seconds, refused = np.random.default_rng(SEED), 0, 0, [], []
    for number in range(count):
        text = some_text(random)
        seen, took = timed(net, picture_of(glyph_of(net, legible_message(net, text)), name, number, measuring=True))
        exact += seen.text == text
        wrong += seen.text not in (None, text)
        (refused if seen.text is None else seconds).append(took)
    low, high = wilson(exact, count)
    return {
        "photos": count,
        "exact": exact,
        "interval_95": [round(low, 4), round(high, 4)],
        "wrong": wrong,
        "cpu_seconds_read": _median(seconds),
        "cpu_seconds_refused": _median(refused),
    }


def _median(seconds: list[float]) -> float | None:
    return round(float(np.median(seconds)), 3) if seconds else None


# --- pictures that hold no text


def noise(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Pixels of independent levels, or smooth ones."""
    side = int(random.choice([8, 16, 64, 300]))
    pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((400, 400), Image.Resampling.BICUBIC)


def backgrounds(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """What glyphs are photographed on, without a glyph."""
    made = list(MEASURING_BACKGROUNDS.values())[number % len(MEASURING_BACKGROUNDS)](random, 480, 640)
    return Image.fromarray((255 * made).astype(np.uint8))


def screenshots(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """An app's window without a glyph."""
    return screenshot(None, random, dark=bool(number % 2))


def shapes(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Black circles, squares and triangles, some in a frame."""
    page = Image.new("L", (256, 256), 255)
    pen = ImageDraw.Draw(page)
    for _ in range(int(random.integers(4, 8))):
        radius = int(random.integers(16, 41))
        x, y = (int(value) for value in random.integers(radius, 256 - radius, 2))
        box = (x - radius, y - radius, x + radius, y + radius)
        corners = ((x, y - radius), (x - radius, y + radius), (x + radius, y + radius))
        kind = int(random.integers(3))
        pen.polygon(corners, fill=0) if kind == 2 else (pen.ellipse, pen.rectangle)[kind](box, fill=0)
    if number % 2:
        pen.rectangle((0, 0, 255, 255), outline=0, width=4)
    return page.convert("RGB")


def blots(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Black and white blots that look somewhat like glyphs, some of them on a larger page."""
    coarse = random.random((int(random.integers(5, 14)),) * 2, np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((300, 300), Image.Resampling.BICUBIC))
    blot = Image.fromarray(np.where(smooth > 0.5, 255, 0).astype(np.uint8)).convert("RGB")
    page = Image.new("RGB", (480, 400), "white")
    page.paste(blot, (90, 50))
    return page if number % 2 else blot


def seeds(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Glyphs of seeds, which carry no text, as drawn."""
    return glyph_of(net, seed_to_message(SEED + number, net.numbers))


def photographed_seeds(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Glyphs of seeds in photographs."""
    background = list(MEASURING_BACKGROUNDS.values())[number % len(MEASURING_BACKGROUNDS)]
    glyph = seeds(net, SEED + number, random)
    return photograph(glyph, scene_of("turned", True, random), background, random)


def shipped(net: GlyphNet, number: int, random: np.random.Generator) -> Image.Image:
    """Pictures that lie beside the weights, flags and paintings for the most part, each cut and turned anew."""
    paths = sorted(path for path in hub.BUNDLED.rglob("*") if path.suffix in (".png", ".webp", ".jpg"))
    with Image.open(paths[number % len(paths)]) as picture:
        whole = picture.convert("RGB")
    side = max(16, round(min(whole.size) * random.uniform(0.4, 1)))
    left, top = (int(random.integers(0, size - side + 1)) for size in whole.size)
    return whole.crop((left, top, left + side, top + side)).rotate(random.uniform(0, 360), expand=True)


Maker = Callable[[GlyphNet, int, np.random.Generator], Image.Image]
NOTHING: dict[str, Maker] = {
    made.__name__.replace("_", " "): made
    for made in (noise, shapes, backgrounds, screenshots, blots, seeds, photographed_seeds, shipped)
}


def nothing(net: GlyphNet, name: str, count: int, before: Facts) -> Facts:
    """Pictures of a kind that hold no text: texts that were read all the same, and how many are to be expected.

    Args:
        count: pictures in all. before: what was found on the first of them, which are not looked at again.
    """
    total = {key: before.get(key, 0) for key in ("pictures", "read", "questions", "questions_tried", "of_them_fitting")}
    seconds = before.get("cpu_seconds", 0.0) * total["pictures"]
    for number in range(total["pictures"], count):
        random = np.random.default_rng([SEED, number])
        picture = NOTHING[name](net, number, random)
        seen, took = timed(net, picture)
        seconds += took
        tried = [_would_have_fitted(net, picture, seen, random)] if seen.asked and number < TRIED else []
        new = (1, seen.text is not None, len(seen.asked), len(tried), sum(tried))
        total = {key: value + more for (key, value), more in zip(total.items(), new, strict=True)}
    asked, tried, fitting = total["questions"], total["questions_tried"], total["of_them_fitting"]
    share, most = (fitting / tried, wilson(fitting, tried)[1]) if tried else (0.0, 1.0)
    return total | {
        "expected_false_texts_per_picture": asked * share / CHECK / count,
        # with the upper end of the share's 95% interval
        "expected_at_most": asked * most / CHECK / count,
        "cpu_seconds": round(seconds / count, 4),
    }


def _would_have_fitted(net: GlyphNet, picture: Image.Image, seen: Sighting, random: np.random.Generator) -> bool:
    """Of one of the questions, whether the glyph of the signs fits the picture, as a text's must."""
    one, photo = seen.asked[random.integers(len(seen.asked))], Photo(picture, net.channels)
    return any(bool(fits(laid_over(net, photo, [one], *effort))) for effort in LAID)


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs photos`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs photos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=30, help="photographs a condition (default: %(default)s)")
    parser.add_argument("--none", type=int, default=60, help="pictures of each kind without a text")
    parser.add_argument("--only", nargs="+", default=[*CONDITIONS, *NOTHING], help="conditions and kinds")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    script = script_of("script")
    known = {"model": script.name, "sha256": script.checkpoint.sha256, "seed": SEED}
    found: Facts = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    if {key: found.get(key) for key in known} != known:
        found = {"read": {}, "nothing": {}, **known}

    def keep(part: str, name: str, facts: Facts) -> None:
        found[part][name] = facts
        print(f"{name}: {facts}", flush=True)
        write_atomically(args.out, (json.dumps(found, indent=1) + "\n").encode())

    for name in CONDITIONS if args.count else ():
        if name in args.only:
            keep("read", name, condition(script.net, name, args.count))
    for count in (*range(ROUND, args.none, ROUND), args.none):  # all kinds by turns: it may be stopped any time
        for name in NOTHING:
            before = found["nothing"].get(name, {})
            if name in args.only and before.get("pictures", 0) < count:
                keep("nothing", name, nothing(script.net, name, count, before))
    return 0
