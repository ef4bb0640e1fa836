"""Pictures as files: uint8 arrays, PNG, animated WebP, collages.

Handlers return paths, and the same picture is asked for by many visitors at once. Files are therefore named by their
content and put in place whole, so that nobody ever reads half a picture.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import io
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from cppn.checkpoint import write_atomically
from cppn.faults import VisitorError, quoted
from cppn.kinds import DAMAGED, START, why_unreadable

T = TypeVar("T")

KEEP_BYTES = 256 * 1024 * 1024  # of files for visitors; those asked for least recently go first
KEEP_SECONDS = 24 * 60 * 60.0
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # from strangers; Pillow knows 40 more, and runs programs for some
GROUNDS = {"white": 255, "black": 0, "gray": 128}  # what a transparent picture may be laid on, the first that shows it
_LOST = 64  # levels in every channel within which an outline is lost on its ground
_SOME = 0.1  # share of an outline that may be lost
_CUT_OUT = 0.05  # share of a picture from which transparency is more than rounded corners
_LOOKED_AT = 256  # pixels a side at which an outline is looked at


@dataclass(frozen=True)
class Opened:
    """A stranger's picture, upright and in RGB, and what was done to it that can be seen, a sentence each."""

    picture: Image.Image
    done: tuple[str, ...] = ()


class PictureError(VisitorError):
    """A picture file that cannot be used; the message says why, in words for the person who brought it."""


class InvisibleError(PictureError):
    """A picture that is transparent all over."""


def open_upload(path: Path, max_pixels: int = 16_000_000) -> Opened:
    """Read a stranger's picture: upright, in RGB, laid on a ground that shows it where it is transparent.

    Of several frames it is the first.

    Raises:
        PictureError: no picture, a damaged one, one that is transparent all over, or one of more than `max_pixels`,
            which is checked before decoding.
    """
    if not path.is_file():  # a device might keep its reader waiting for ever
        raise PictureError("there is no such file")
    with path.open("rb") as file:
        start = file.read(START)
    try:
        picture = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise PictureError(f"the picture has too many pixels; {_at_most(max_pixels)}") from error
    except Exception as error:  # of many types, and all mean a file that Pillow can make nothing of
        raise PictureError(why_unreadable(start)) from error
    with picture:
        if picture.width * picture.height > max_pixels:
            raise PictureError(f"the picture has {picture.width} x {picture.height} pixels; {_at_most(max_pixels)}")
        try:
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            ground = _ground(picture)
            opened = _laid_on(picture, ground)
        except VisitorError:
            raise
        except Exception as error:  # of many types, and all mean that a decoder was cut short or misled
            raise PictureError(DAMAGED) from error
    said = f"It is transparent and would be lost on white, so it was laid on {ground}."
    return Opened(opened, () if ground == "white" else (said,))


def open_picture(path: Path, max_pixels: int = 16_000_000) -> Image.Image:
    """The picture of `open_upload` alone."""
    return open_upload(path, max_pixels).picture


def _ground(picture: Image.Image) -> str:
    """The first of `GROUNDS` on which the outline of what is not transparent can be seen, else the best of them.

    Raises:
        InvisibleError: it is transparent all over.
    """
    if not picture.has_transparency_data:
        return "white"
    if picture.convert("RGBA").getchannel("A").getextrema()[1] == 0:
        raise InvisibleError("the picture is transparent all over, so nothing of it can be seen; choose another")
    size = tuple(min(side, _LOOKED_AT) for side in picture.size)
    pixels = np.asarray(picture.resize(size, Image.Resampling.NEAREST).convert("RGBA")).astype(int)  # (h, w, 4)
    solid = pixels[:, :, 3] >= max(1, pixels[:, :, 3].max() // 2)
    if (~solid).mean() < _CUT_OUT:
        return "white"
    clear = np.pad(~solid, 1)
    beside = clear[:-2, 1:-1] | clear[2:, 1:-1] | clear[1:-1, :-2] | clear[1:-1, 2:]
    outline = pixels[solid & beside][:, :3]
    if not len(outline):
        return "white"
    lost = {name: float((np.abs(outline - level) < _LOST).all(axis=1).mean()) for name, level in GROUNDS.items()}
    return next((name for name, share in lost.items() if share <= _SOME), min(lost, key=lost.get))


def _laid_on(picture: Image.Image, ground: str) -> Image.Image:
    """A picture in RGB on a ground; a few rows at a time, because each copy can take 64 MB."""
    sheet = Image.new("RGB", picture.size)
    for top in range(0, picture.height, 256):
        band = picture.crop((0, top, picture.width, min(top + 256, picture.height)))
        if band.mode.startswith("I;16"):  # 16-bit gray, which Pillow would cut off at 255
            band = Image.fromarray((np.asarray(band) >> 8).astype(np.uint8))
        rgba = band.convert("RGBA")
        sheet.paste(Image.alpha_composite(Image.new("RGBA", rgba.size, ground), rgba).convert("RGB"), (0, top))
    return sheet


def within(size: tuple[int, int], width: int, height: int, smallest: int) -> tuple[int, int]:
    """The largest size of the same proportions that fits into `width` x `height` pixels.

    Raises:
        PictureError: so narrow a strip that one of its sides would have fewer than `smallest` pixels.
    """
    scale = min(width / size[0], height / size[1])
    fitted = tuple(round(side * scale) for side in size)
    if min(fitted) < smallest:
        raise PictureError(
            f"the picture has {size[0]} x {size[1]} pixels; made to fit {width} x {height}, such a strip would be less "
            f"than {smallest} pixels wide. Cut out the part that you want"
        )
    return fitted


def _at_most(max_pixels: int) -> str:
    return f"at most {max_pixels // 1_000_000} megapixels are accepted here; make it smaller first"


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


def save_png(picture: Image.Image, name: str = "picture") -> Path:
    """Write a PNG named by its content and return its path; identical pictures share one file."""
    return save_bytes(png_bytes(picture), name, ".png")


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as a PNG file; level 6 halves the time of Pillow's slowest settings for a few per cent more bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


class Store:
    """Files for visitors, named by their content, each written once and whole; the longest unused make room for new.

    Attributes:
        folder: where they lie; it is private to this process and goes with it.
    """

    def __init__(self, limit: int = KEEP_BYTES, seconds: float = KEEP_SECONDS) -> None:
        """At most `limit` bytes are kept, each file for at most `seconds` after it was last asked for."""
        self.folder = Path(tempfile.mkdtemp(prefix="cppn-")).resolve()
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._limit, self._seconds, self._bytes = limit, seconds, 0
        self._files: OrderedDict[Path, tuple[int, float]] = OrderedDict()  # bytes and last use, longest unused first
        self._lock = threading.Lock()

    def save(self, data: bytes, name: str, suffix: str) -> Path:
        """Keep bytes under a name made of `name` and their SHA-256; returns the path."""
        path = self.folder / hashlib.sha256(data).hexdigest()[:24] / f"{name}{suffix}"
        with self._lock:
            if self._files.pop(path, None) is None:
                self._bytes += len(data)
            if not path.exists():  # also one that somebody tidied away
                write_atomically(path, data)
            self._files[path] = len(data), time.monotonic()
            self._make_room()
        return path

    def _make_room(self) -> None:
        oldest_allowed = time.monotonic() - self._seconds
        while len(self._files) > 1:
            path, (size, used) = next(iter(self._files.items()))
            if self._bytes <= self._limit and used >= oldest_allowed:
                return
            del self._files[path]
            self._bytes -= size
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the same bytes may lie there under another name
                path.parent.rmdir()


_store = functools.cache(Store)


def store_folder() -> Path:
    """Where files for visitors lie; gradio may serve from it as it is."""
    return _store().folder


def save_bytes(data: bytes, name: str, suffix: str) -> Path:
    """Keep bytes for visitors under a speaking name; see `Store`."""
    return _store().save(data, name, suffix)


def write_as(source: Path, target: Path) -> Path:
    """Copy a file; a picture is written in the format that the target's suffix names.

    Raises:
        VisitorError: the folder is missing, or the suffix names no format that the picture can be written in.
    """
    if not target.parent.is_dir():
        raise VisitorError(f"there is no folder {quoted(target.parent)}; make it first")
    if target.suffix.lower() == source.suffix.lower():
        shutil.copyfile(source, target)
        return target
    known = Image.registered_extensions()
    if known.get(source.suffix.lower()) not in FORMATS or known.get(target.suffix.lower()) not in FORMATS:
        raise VisitorError(f"a {source.suffix} file cannot be written as {quoted(target.name)}; use {source.suffix}")
    with Image.open(source) as picture:
        picture.convert("RGB").save(target)
    return target


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
        buffer, format="WEBP", save_all=True, append_images=images[1:], duration=durations, loop=0, quality=80, method=2
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


def thinned(points: Sequence[T], count: int = 200) -> Sequence[T]:
    """Some `count` of the points of a curve, its last one among them."""
    every = max(1, len(points) // count)
    return [*points[:-1:every], points[-1]] if points else points


def plot_data(columns: dict[str, str], rows: Iterable[Sequence[object]], mark: str) -> dict[str, object]:
    """What gradio's plots show, as plain data, which is also what a client of the API receives.

    Args:
        columns: name -> "quantitative" or "nominal".
        rows: one value a column in each.
        mark: "line", "bar" or "point".
    """
    return {"columns": list(columns), "data": [list(row) for row in rows], "datatypes": columns, "mark": mark}
