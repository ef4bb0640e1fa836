"""Photographs of a glyph that no camera took: a sheet or a screen somewhere in space, light on it, a camera before it.

The sheet is the plane z = 0 of its own coordinates, and the glyph on it spans [-1, 1] in x and y. Every pixel of the
camera sends a ray; where the ray meets the sheet decides what the pixel sees, elsewhere it sees the background.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Background = Callable[[np.random.Generator, int, int], np.ndarray]  # (random, height, width) -> (H, W, 3) in [0, 1]

PAPER, BEZEL, SKIN = (0.93, 0.92, 0.89), (0.05, 0.05, 0.06), (0.78, 0.56, 0.46)
WORDS = "the glyph a sign of one hand for many eyes and no other reader than its own writer knew what it meant to say"


@dataclass(frozen=True)
class Scene:
    """What is photographed, and how; lengths are shares of half the glyph's width unless said otherwise.

    Attributes:
        width, height: of the photograph, pixels.
        share: of the sheet's width in the photograph's, seen from straight ahead.
        margin: of paper, or of the frame, round the glyph. screen: a dark frame instead of paper.
        turn: rotation in degrees, any. tilt: of the sheet away from the camera, degrees. toward: which way it tilts.
        aside: of the sheet's middle from the photograph's, x and y, shares of the room that is left.
        focal: focal length, in widths of the photograph. barrel: radial distortion of the lens.
        gradient: loss of light from the brightest to the darkest side. lamp: fall-off round a bright spot.
        contrast: range of gray that is left of all, in (0, 1]. negative: dark and light swapped on the sheet.
        noise: standard deviation. speckle: the same, growing with the root of the light.
        blur: standard deviation in 675ths of the glyph's width. jpeg: quality, 0 for none.
        shadow: loss of light behind a straight edge across the glyph. glare: light of a lamp mirrored in the sheet.
        thumb: share of the glyph's area that a thumb covers. moire: depth of the screen's own raster.
        curl: bend of the sheet; its edges come this much nearer. type: lines of type round the glyph.
    """

    width: int = 960
    height: int = 720
    share: float = 0.5
    margin: float = 0.25
    screen: bool = False
    turn: float = 0.0
    tilt: float = 0.0
    toward: float = 0.0
    aside: tuple[float, float] = (0.0, 0.0)
    focal: float = 1.0
    barrel: float = 0.0
    gradient: float = 0.0
    lamp: float = 0.0
    contrast: float = 1.0
    negative: bool = False
    noise: float = 0.01
    speckle: float = 0.0
    blur: float = 1.0
    jpeg: int = 85
    shadow: float = 0.0
    glare: float = 0.0
    thumb: float = 0.0
    moire: float = 0.0
    curl: float = 0.0
    type: bool = False


def photograph(glyph: Image.Image, scene: Scene, background: Background, random: np.random.Generator) -> Image.Image:
    """A photograph of a glyph lying on a background, RGB; the same generator state gives the same pixels."""
    x, y, pixel = _rays(scene)  # where each pixel's ray meets the sheet, and how wide a pixel is there
    edge = 1 + scene.margin
    sheet = np.asarray(_sheet(glyph, scene, random), np.float32) / 255
    on_sheet = np.clip((edge - np.maximum(np.abs(x), np.abs(y))) / pixel + 0.5, 0, 1)[..., None]
    seen = np.zeros((scene.height, scene.width, 3))
    there = on_sheet[..., 0] > 0
    seen[there] = _sample(sheet, x[there] / edge, y[there] / edge, pixel[there] / edge)
    if scene.moire:
        seen = seen * _raster(x, y, scene.moire, random)[..., None]
    around = background(random, scene.height, scene.width)
    cast = np.clip(1.3 - 0.6 * np.exp(-np.maximum(np.maximum(np.abs(x), np.abs(y)) - edge, 0) * 8), 0, 1)[..., None]
    picture = seen * on_sheet + around * cast * (1 - on_sheet)
    picture = picture * _light(scene, x, y, random)[..., None]
    if scene.glare:
        picture = picture + _glare(scene, x, y, random)[..., None]
    if scene.thumb:
        covered = _thumb(scene, x, y, pixel, random)[..., None]
        picture = picture * (1 - covered) + np.array(SKIN, np.float32) * covered
    return _camera(picture, scene, random)


def _rays(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the pixels' rays meet the sheet, (H, W) each of x, y and the width of a pixel there."""
    across = (np.arange(scene.width) + 0.5) / scene.width - 0.5
    down = (np.arange(scene.height) + 0.5 - scene.height / 2) / scene.width
    u, v = np.meshgrid(across.astype(np.float32), down.astype(np.float32))
    wide = 1.5 * scene.share / (1 + scene.margin)  # the glyph's diagonal, and a little: it stays within the photograph
    room = max(0.0, 1 - wide), max(0.0, scene.height / scene.width - wide)
    middle = np.array([scene.aside[0] * room[0] / 2, scene.aside[1] * room[1] / 2])
    stretch = 1 + scene.barrel * (u * u + v * v)
    u, v = u * stretch, v * stretch
    distance = 2 * (1 + scene.margin) * scene.focal / scene.share
    away = np.array([middle[0] * distance / scene.focal, middle[1] * distance / scene.focal, distance])
    matrix = _tilted(math.radians(scene.tilt), math.radians(scene.toward)) @ _turned(math.radians(scene.turn))
    origin = -matrix.T @ away  # the camera in the sheet's coordinates
    ray = np.stack([u, v, np.full_like(u, scene.focal)], -1) @ matrix  # (H, W, 3), there as well
    bend = math.radians(scene.toward * 2 + 20)
    z = np.zeros_like(u)
    for _ in range(4 if scene.curl else 1):  # a bent sheet is met a little before or behind the plane
        t = (z - origin[2]) / ray[..., 2]
        x, y = origin[0] + t * ray[..., 0], origin[1] + t * ray[..., 1]
        z = -scene.curl * np.clip(x * math.cos(bend) + y * math.sin(bend), -2, 2) ** 2
    behind = t <= 0
    pixel = np.abs(t) / scene.width / np.maximum(np.abs(ray[..., 2]) / scene.focal, 0.2)
    far = np.float32(99)
    x, y = np.where(behind, far, x), np.where(behind, far, y)
    return x.astype(np.float32), y.astype(np.float32), pixel.astype(np.float32)


def _turned(angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _tilted(angle: float, toward: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return _turned(toward) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _turned(-toward)


def _sheet(glyph: Image.Image, scene: Scene, random: np.random.Generator) -> Image.Image:
    """The sheet as it lies there, seen from above: the glyph, its margin, and lines of type if any."""
    inner = 512
    side = round(inner * (1 + scene.margin))
    colour = tuple(round(255 * value) for value in (BEZEL if scene.screen else PAPER))
    sheet = Image.new("RGB", (side, side), colour)
    at = (side - inner) // 2
    if scene.type:
        _lines_of_type(sheet, at, random)
    sheet.paste(glyph.convert("RGB").resize((inner, inner), Image.Resampling.LANCZOS), (at, at))
    return Image.eval(sheet, lambda level: 255 - level) if scene.negative else sheet


def _lines_of_type(sheet: Image.Image, margin: int, random: np.random.Generator) -> None:
    """Fill a sheet with type, up to a small gap round the middle square that the margin leaves."""
    pen, font, size = ImageDraw.Draw(sheet), ImageFont.load_default(20), sheet.width
    words = WORDS.split()
    for top in range(6, size, 26):
        line = " ".join(random.choice(words, 2 + size // 40))
        pen.text((4, top), line, (30, 30, 34), font)
    gap = 10
    pen.rectangle((margin - gap, margin - gap, size - margin + gap, size - margin + gap), sheet.getpixel((0, 0)))


def _sample(sheet: np.ndarray, x: np.ndarray, y: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """A sheet (S, S, 3) spanning [-1, 1] at places (N,), bilinear, from as coarse a copy as pixels are: (N, 3)."""
    near = pixel[(np.abs(x) < 1) & (np.abs(y) < 1)]
    wide = float(np.median(near)) * len(sheet) / 2 if near.size else 1.0  # of the sheet's pixels to one of the camera's
    small = max(16, round(len(sheet) / max(1.0, wide)))
    image = Image.fromarray((sheet * 255).astype(np.uint8)).resize((small, small), Image.Resampling.BOX)
    texture = (np.asarray(image, np.float32) / 255).reshape(-1, 3)
    column = np.clip((x + 1) / 2 * small - 0.5, 0, small - 1.001)
    row = np.clip((y + 1) / 2 * small - 0.5, 0, small - 1.001)
    left, top = column.astype(int), row.astype(int)
    a, b = (column - left)[..., None], (row - top)[..., None]
    corner = top * small + left
    upper = texture.take(corner, 0) * (1 - a) + texture.take(corner + 1, 0) * a
    lower = texture.take(corner + small, 0) * (1 - a) + texture.take(corner + small + 1, 0) * a
    return upper * (1 - b) + lower * b


def _raster(x: np.ndarray, y: np.ndarray, depth: float, random: np.random.Generator) -> np.ndarray:
    """A screen's raster as the camera's own raster shows it: slow bands where the two nearly agree."""
    bands = random.uniform(8, 22, 2)
    angle = random.uniform(0, math.pi, 2)
    waves = [
        np.sin(math.pi * n * (x * math.cos(a) + y * math.sin(a) + 0.05 * x * y))
        for n, a in zip(bands, angle, strict=True)
    ]
    return (1 - depth / 2 + depth / 4 * (waves[0] + waves[1])).astype(np.float32)


def _light(scene: Scene, x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """How bright each pixel's place is lit, (H, W), at most about 1."""
    height, width = x.shape
    across, down = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    light = np.ones_like(x)
    angle = random.uniform(0, 2 * math.pi)
    if scene.gradient:
        along = across * math.cos(angle) + down * math.sin(angle)
        along = (along - along.min()) / (along.max() - along.min())
        light *= 1 - scene.gradient * along
    if scene.lamp:
        spot = random.uniform(-0.35, 0.35, 2)
        light *= 1 - scene.lamp * np.clip(1.3 * np.hypot(across - spot[0], down - spot[1]), 0, 1)
    if scene.shadow:
        angle, offset, soft = random.uniform(0, 2 * math.pi), random.uniform(-0.4, 0.4), random.uniform(0.02, 0.15)
        side = (x * math.cos(angle) + y * math.sin(angle) - offset) / soft
        light *= 1 - scene.shadow / (1 + np.exp(-np.clip(side, -30, 30)))
    if scene.curl:
        light *= 1 - np.clip(0.5 * scene.curl * (x + 1), 0, 0.5)
    return light.astype(np.float32)


def _glare(scene: Scene, x: np.ndarray, y: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A lamp mirrored in the sheet: a bright spot, all white in its middle."""
    at, radius = random.uniform(-0.7, 0.7, 2), random.uniform(0.3, 0.5)
    squared = ((x - at[0]) ** 2 + 1.5 * (y - at[1]) ** 2) / radius**2
    return (1.2 * scene.glare * np.exp(-squared)).astype(np.float32)


def _thumb(scene: Scene, x: np.ndarray, y: np.ndarray, pixel: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """How far a thumb covers each pixel, (H, W) in [0, 1]; it comes in over an edge and ends in a half circle."""
    radius = random.uniform(0.3, 0.42)
    # a band of width 2 r that ends in a half circle covers 2 r (reach - r) + pi r^2 / 2 of the glyph's area of 4
    reach = max(radius, (4 * scene.thumb - math.pi * radius**2 / 2) / (2 * radius) + radius)
    side, along = int(random.integers(4)), random.uniform(-0.5, 0.5)
    for _ in range(side):
        x, y = -y, x
    past = np.clip(y - (1 - reach + radius), None, 0)  # below zero beyond the middle of the half circle
    outside = np.hypot(x - along, past) - radius
    return np.clip(0.5 - outside / pixel, 0, 1)


def _camera(picture: np.ndarray, scene: Scene, random: np.random.Generator) -> Image.Image:
    """What the camera makes of the light: blur, noise, contrast, 256 levels, JPEG."""
    side = scene.share * scene.width / (1 + scene.margin)  # of the glyph, in pixels of the photograph
    picture = blurred(picture, scene.blur / 675 * side)
    if scene.speckle:
        grain = random.standard_normal(picture.shape, np.float32)
        picture = picture + scene.speckle * np.sqrt(np.clip(picture, 0.02, 1)) * grain
    picture = picture + scene.noise * random.standard_normal(picture.shape[:2], np.float32)[..., None]
    low = (1 - scene.contrast) * random.uniform(0.1, 0.9)
    levels = np.clip(low + scene.contrast * np.clip(picture, 0, 1), 0, 1)
    image = Image.fromarray((levels * 255).round().astype(np.uint8))
    if not scene.jpeg:
        return image
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=scene.jpeg)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def blurred(picture: np.ndarray, deviation: float) -> np.ndarray:
    """A picture (H, W, C) seen through a normal blur of so many pixels, its edges repeated."""
    reach = math.ceil(3 * deviation)
    if deviation < 0.2:
        return picture
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(np.float32)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(picture, [(reach, reach) if k == axis else (0, 0) for k in range(3)], mode="edge")
        moved = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis)  # (H, W, C, weights)
        picture = weights[0] * moved[..., 0]
        for k in range(1, len(weights)):
            picture += weights[k] * moved[..., k]
    return picture


# --- what the sheet lies on


def clouds(random: np.random.Generator, height: int, width: int, coarse: int, stretch: int = 1) -> np.ndarray:
    """Smooth noise in [0, 1], (H, W), of several octaves; `coarse` hills across, `stretch` times as many down."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(4):
        size = min(width, coarse * 2**octave), min(height, max(2, coarse * stretch * 2**octave))
        seeds = Image.fromarray(random.random((size[1], size[0]), np.float32))
        total += np.asarray(seeds.resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
        weight += 1 / 2**octave
    return np.clip(total / weight, 0, 1)


def wood(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Boards of brown wood with their grain."""
    grain = clouds(random, height, width, 3, 30)
    rings = 0.5 + 0.5 * np.sin(2 * math.pi * (6 * clouds(random, height, width, 2, 6) + 2 * grain))
    board = np.floor(np.linspace(0, 4.999, height))[:, None]
    tone = 0.55 + 0.25 * grain + 0.12 * rings + 0.06 * np.sin(7 * board)
    seam = (np.diff(board, axis=0, prepend=0) > 0) * 0.35
    return _tinted(tone - seam, (0.72, 0.5, 0.33))


def table(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A plain table, of any gray from dark to light."""
    tone = random.uniform(0.15, 0.75) + 0.1 * (clouds(random, height, width, 4) - 0.5)
    return _tinted(tone, (1, 0.97, 0.92))


def fabric(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A checked cloth."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    period = random.uniform(50, 110)
    checks = (np.sin(2 * math.pi * u / period) > 0).astype(np.float32) + (np.sin(2 * math.pi * v / period) > 0)
    weave = 0.04 * np.sin(2 * math.pi * u / 4) * np.sin(2 * math.pi * v / 4)
    return _tinted(0.35 + 0.18 * checks + weave + 0.1 * clouds(random, height, width, 5), (0.75, 0.8, 1))


BACKGROUNDS: dict[str, Background] = {"wood": wood, "table": table, "fabric": fabric}


def _tinted(tone: np.ndarray, tint: tuple[float, float, float]) -> np.ndarray:
    return np.clip(tone[..., None] * np.array(tint, np.float32), 0, 1).astype(np.float32)
