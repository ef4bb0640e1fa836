"""The photographs that the reading of photographs is measured on: which disturbances, how strong, on what backgrounds.

There are two sets. The first is to look at while something is built; the second is to measure with, and to nothing
else: other backgrounds, another light, another lens, other noise.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cppn.glyphs.scene import BACKGROUNDS, WORDS, Background, Scene, clouds, photograph
from cppn.training import named_generator

# Strength of each disturbance, as ranges that are drawn from evenly. The first block is what every photograph may
# have; the second is what makes one hard. Lengths and shares as in `Scene`.
USUAL: dict[str, dict[str, tuple[float, float]]] = {
    "upright": {"share": (0.5, 0.7), "tilt": (0, 5)},
    "turned": {"turn": (0, 360)},
    "tilted": {"turn": (0, 360), "tilt": (30, 45)},
    "small": {"share": (1 / 6, 0.25), "turn": (0, 360)},
    "gradient": {"gradient": (0.5, 0.9), "turn": (0, 360)},
    "low contrast": {"contrast": (0.15, 0.4), "turn": (0, 360), "noise": (0, 0.004)},
    "negative": {"negative": (1, 1), "turn": (0, 360)},
    "noise": {"noise": (0.05, 0.15), "turn": (0, 360)},
    "blur": {"blur": (6, 12), "turn": (0, 360)},
    "jpeg": {"jpeg": (30, 50), "turn": (0, 360)},
    "screen": {"screen": (1, 1), "turn": (0, 360), "tilt": (0, 30)},
    "screenshot": {},
    "all of it": {
        "share": (0.25, 0.6),
        "turn": (0, 360),
        "tilt": (0, 35),
        "gradient": (0, 0.6),
        "noise": (0, 0.05),
        "blur": (0, 6),
        "jpeg": (50, 90),
    },
}
HARD: dict[str, dict[str, tuple[float, float]]] = {
    "shadow": {"shadow": (0.4, 0.75), "turn": (0, 360), "tilt": (0, 20)},
    "glare": {"glare": (0.6, 1.0), "turn": (0, 360), "tilt": (0, 20)},
    "thumb": {"thumb": (0.2, 0.2), "turn": (0, 360), "tilt": (0, 20)},
    "type": {"type": (1, 1), "margin": (0.6, 0.9), "turn": (0, 360), "tilt": (0, 20)},
    "moire": {"moire": (0.3, 0.6), "screen": (1, 1), "turn": (0, 360), "tilt": (0, 20)},
    "curl": {"curl": (0.1, 0.2), "turn": (0, 360), "tilt": (0, 20)},
}
CONDITIONS = USUAL | HARD


def tiles(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Kitchen tiles with dark joints, laid aslant."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    angle, side = random.uniform(0, math.pi / 2), random.uniform(60, 140)
    a, b = u * math.cos(angle) + v * math.sin(angle), v * math.cos(angle) - u * math.sin(angle)
    joint = np.minimum(np.abs(a % side - side / 2), np.abs(b % side - side / 2)) < 2
    tone = random.uniform(0.45, 0.8) + 0.1 * clouds(random, height, width, 6) - 0.3 * joint
    return np.clip(tone[..., None] * np.array((0.95, 1, 0.97)), 0, 1).astype(np.float32)


def stone(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Polished stone with veins."""
    veins = np.abs(np.sin(5 * math.pi * clouds(random, height, width, 3)))
    tone = random.uniform(0.3, 0.6) + 0.25 * veins
    return np.clip(tone[..., None] * np.array((1, 0.98, 0.95)), 0, 1).astype(np.float32)


def lawn(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Grass: restless, and all of one green."""
    fine = random.random((height // 3 + 1, width // 2 + 1), np.float32)
    blades = np.asarray(Image.fromarray(fine).resize((width, height), Image.Resampling.BICUBIC))
    tone = 0.25 + 0.4 * blades * clouds(random, height, width, 8)
    return np.clip(tone[..., None] * np.array((0.7, 1, 0.45)), 0, 1).astype(np.float32)


MEASURING_BACKGROUNDS: dict[str, Background] = {"tiles": tiles, "stone": stone, "lawn": lawn}


def scene_of(condition: str, measuring: bool, random: np.random.Generator) -> Scene:
    """A scene drawn under a condition of the table."""
    drawn = {name: random.uniform(*limits) for name, limits in CONDITIONS[condition].items()}
    drawn |= {name: bool(drawn[name]) for name in ("screen", "negative", "type") if name in drawn}
    if "jpeg" in drawn:
        drawn["jpeg"] = round(drawn["jpeg"])
    drawn = {
        "share": random.uniform(0.4, 0.65),
        "margin": random.uniform(0.15, 0.4),
        "toward": random.uniform(0, 360),
        "aside": tuple(random.uniform(-1, 1, 2)),
        **drawn,
    }
    scene = Scene(**drawn)
    if not measuring:
        return scene
    changed = {"barrel": random.uniform(-0.12, 0.12), "focal": random.uniform(0.75, 1.4), "speckle": 0.015}
    # the light falls from a lamp instead of growing evenly weaker
    changed |= {"lamp": scene.gradient or 0.15, "gradient": 0.0, "width": 1200, "height": 900}
    return replace(scene, **changed)


def picture_of(glyph: Image.Image, condition: str, number: int, measuring: bool) -> Image.Image:
    """Photograph `number` of a condition; the same number gives the same pixels."""
    name = f"glyph photos {'measuring' if measuring else 'building'} {condition}"
    random = np.random.default_rng(named_generator(name, number).initial_seed())
    if condition == "screenshot":
        return screenshot(glyph, random, measuring)
    backgrounds = MEASURING_BACKGROUNDS if measuring else BACKGROUNDS
    background = list(backgrounds.values())[number % len(backgrounds)]
    return photograph(glyph, scene_of(condition, measuring, random), background, random)


def screenshot(glyph: Image.Image | None, random: np.random.Generator, dark: bool) -> Image.Image:
    """A screenshot of an app that shows a glyph, or none: a title bar, words beside it, buttons below.

    Args:
        dark: the app's colours are dark, otherwise light.
    """
    width, height = int(random.integers(500, 1400)), int(random.integers(500, 1000))
    page, bar, words = ((24, 26, 32), (46, 50, 60), (210, 212, 220)) if dark else ((250,) * 3, (225,) * 3, (40,) * 3)
    shot = Image.new("RGB", (width, height), page)
    pen, font = ImageDraw.Draw(shot), ImageFont.load_default(16)
    pen.rectangle((0, 0, width, 40), bar)
    pen.text((14, 10), "Glyphs", words, font)
    side = round(width * random.uniform(0.2, 0.6))
    side = min(side, height - 150)
    left, top = int(random.integers(10, width - side - 9)), int(random.integers(50, height - side - 90))
    for line in range(60, height - 70, 22):
        text = " ".join(random.choice(WORDS.split(), width // 40))
        pen.text((14, line), text, words, font)
    gap = 12
    pen.rectangle((left - gap, top - gap, left + side + gap, top + side + gap), page)
    if glyph is not None:
        shot.paste(glyph.convert("RGB").resize((side, side), Image.Resampling.BICUBIC), (left, top))
    for number in range(3):
        pen.rounded_rectangle((14 + 130 * number, height - 48, 130 + 130 * number, height - 14), 8, bar)
    return shot
