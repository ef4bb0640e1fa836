"""Pictures as files: uint8 arrays, PNG, animated WebP, collages.

Handlers return paths, and the same picture is asked for by many visitors at once. Files are therefore named by their
content and put in place whole, so that nobody ever reads half a picture.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cppn.checkpoint import write_atomically
from cppn.faults import VisitorError

KEEP_BYTES = 256 * 1024 * 1024  # pictures kept on disk before the oldest ones go
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # from strangers; Pillow knows 40 more, and runs programs for some
KEEP_SECONDS = 15 * 60  # none is deleted younger than this: it may still be on its way to a visitor


class PictureError(VisitorError):
    """A picture file that cannot be used; the message says why, in words for the person who brought it."""


def open_picture(path: Path, max_pixels: int = 16_000_000) -> Image.Image:
    """Read a stranger's picture: upright, in RGB, laid on white where it is transparent; the first frame of several.

    Raises:
        PictureError: no picture, a damaged one, or one of more than `max_pixels`, which is checked before decoding.
    """
    try:
        picture = Image.open(path, formats=FORMATS)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError("this file is not a picture that can be read here; try PNG, JPEG or WebP") from error
    with picture:
        if picture.width * picture.height > max_pixels:
            raise PictureError(
                f"the picture has {picture.width} x {picture.height} pixels; "
                f"at most {max_pixels // 1_000_000} megapixels are accepted here"
            )
        try:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):  # 16-bit gray, which Pillow would cut off at 255
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            rgba = upright.convert("RGBA")
        except (OSError, ValueError, SyntaxError, struct.error) as error:  # what Pillow's decoders raise when cut short
            raise PictureError("the picture is damaged or cut off") from error
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def to_uint8(values: Tensor) -> Tensor:
    """Clamp to [0, 1] and round to 256 levels; same shape, uint8."""
    return (values.clamp(0, 1) * 255).round_().to(torch.uint8)


def to_image(picture: Tensor) -> Image.Image:
    """A float picture (3, H, W) in [0, 1] as a Pillow image; converted row band by row band to save memory."""
    _, height, width = picture.shape
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, 256):
        band = to_uint8(picture[:, top : top + 256])  # (3, h, W)
        pixels[top : top + 256] = band.permute(1, 2, 0).numpy()
    return Image.fromarray(pixels)


def cache_directory() -> Path:
    """Where pictures for visitors are kept: inside the system's temporary folder, which gradio may serve from."""
    return Path(tempfile.gettempdir()) / f"cppn-{os.getuid() if hasattr(os, 'getuid') else 'pictures'}"


def save_png(picture: Image.Image, name: str = "picture") -> Path:
    """Write a PNG named by its content and return its path; identical pictures share one file."""
    buffer = io.BytesIO()
    # level 6 halves the time of Pillow's slowest settings for a few per cent more bytes
    picture.save(buffer, format="PNG", compress_level=6)
    return save_bytes(buffer.getvalue(), name, ".png")


def save_bytes(data: bytes, name: str, suffix: str) -> Path:
    """Write bytes under a name made of `name` and their SHA-256, once, atomically, and return the path."""
    path = cache_directory() / hashlib.sha256(data).hexdigest()[:24] / f"{name}{suffix}"
    try:
        os.utime(path)  # in use: keep it longer
    except FileNotFoundError:
        _make_room()
        write_atomically(path, data)
    return path


def _make_room() -> None:
    """Delete the oldest pictures once there are too many, never one that may be on its way out."""
    entries = sorted(
        ((stat.st_mtime, stat.st_size, path) for path in cache_directory().glob("*/*") if (stat := _stat(path))),
        reverse=True,
    )
    kept, now = 0, time.time()
    for modified, size, path in entries:
        kept += size
        if kept > KEEP_BYTES and now - modified > KEEP_SECONDS:
            path.unlink(missing_ok=True)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another thread made room first
        return None


def animation(frames: Sequence[Tensor | Image.Image], seconds_per_frame: float, hold: float = 2.0) -> bytes:
    """An endlessly looping WebP.

    Args:
        frames: pictures, or uint8 tensors (H, W, 3).
        seconds_per_frame: time that each frame stays.
        hold: seconds that the last frame stays.
    """
    images = [frame if isinstance(frame, Image.Image) else Image.fromarray(frame.numpy()) for frame in frames]
    durations = [round(seconds_per_frame * 1000)] * (len(images) - 1) + [round(hold * 1000)]
    buffer = io.BytesIO()
    images[0].save(
        buffer, format="WEBP", save_all=True, append_images=images[1:], duration=durations, loop=0, quality=80, method=4
    )
    return buffer.getvalue()


def collage(pictures: Sequence[Image.Image], columns: int, gap: int, background: str = "black") -> Image.Image:
    """Pictures of one height laid out in rows and centred, each row as wide as it needs.

    Args:
        pictures: images of equal height. columns: pictures a row. gap: pixels between and around them.
    """
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    widths = [sum(p.width for p in row) + gap * (len(row) + 1) for row in rows]
    height = pictures[0].height
    sheet = Image.new("RGB", (max(widths), gap + len(rows) * (height + gap)), background)
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        left = (sheet.width - width) // 2 + gap
        for picture in row:
            sheet.paste(picture, (left, gap + number * (height + gap)))
            left += picture.width + gap
    return sheet


def plot_data(columns: dict[str, str], rows: Iterable[Sequence[object]], mark: str) -> dict[str, object]:
    """What gradio's plots show, as plain data, which is also what a client of the API receives.

    Args:
        columns: name -> "quantitative" or "nominal".
        rows: one value a column in each.
        mark: "line", "bar" or "point".
    """
    return {"columns": list(columns), "data": [list(row) for row in rows], "datatypes": columns, "mark": mark}
