"""Any picture as a 64 x 64 canvas of black on white, with a plain statement of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cppn.odd_shapes.dataset import CANVAS

FLAT = 32  # gray levels; a picture with less contrast is taken for blank paper or plain ink
HALFTONE = 0.1  # share of pixels far from both black and white from which a picture counts as one with shades


@dataclass(frozen=True)
class Canvas:
    """A picture as the networks see it.

    Attributes:
        ink: uint8 (64, 64); 1 is ink, 0 is paper.
        done: what was done to the picture, a sentence each.
        shaded: whether much of the picture was neither black nor white, as in a photograph.
    """

    ink: np.ndarray
    done: tuple[str, ...]
    shaded: bool


def fit_to_canvas(picture: Image.Image) -> Canvas:
    """Fit an RGB picture of any size to the canvas: gray, black on white, square, 64 pixels, two levels."""
    width, height = picture.size
    done = []
    gray = np.asarray(picture.convert("L"), np.float32)
    pixels = np.asarray(picture)
    if int(np.ptp(pixels.astype(np.int16), axis=2).max()) > 16:
        done.append("Its colours became shades of gray.")
    dark, light = float(gray.min()), float(gray.max())
    edge = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    contrast = light - dark >= FLAT
    if contrast and float((edge < (dark + light) / 2).mean()) > 0.5:
        gray, dark, light = 255 - gray, 255 - light, 255 - dark
        done.append("Its edge was mostly dark, so black and white were swapped.")
    if width != height:
        side = max(width, height)
        square = np.full((side, side), light, np.float32)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = gray
        gray = square
        done.append("Margins made it square.")
    if len(gray) != CANVAS:
        method = Image.Resampling.BOX if len(gray) > CANVAS else Image.Resampling.NEAREST
        gray = np.asarray(Image.fromarray(gray).resize((CANVAS, CANVAS), method))
        done.append(f"Its {width} × {height} pixels became {CANVAS} × {CANVAS}.")
    threshold = (dark + light) / 2 if contrast else 127.5
    ink = (gray < threshold).astype(np.uint8)
    third = (light - dark) / 3
    between = (gray > dark + third) & (gray < light - third)
    shaded = contrast and float(between.mean()) > HALFTONE
    if contrast and bool(((gray > dark) & (gray < light)).any()):
        done.append(f"Everything darker than gray level {threshold:.0f} of 255 became black, the rest white.")
    return Canvas(ink, tuple(done) or ("Nothing had to be changed.",), shaded)


def to_image(ink: np.ndarray) -> Image.Image:
    """Ink (64, 64) as a gray-level picture of that size: black on white, as the dataset's generator draws it."""
    return Image.fromarray((255 * (1 - ink)).astype(np.uint8))
