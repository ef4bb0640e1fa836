"""What image codecs make of a picture in as many bytes as a program has: the best whole file of each.

A file's decoder is not counted, while a program's is. Each codec may store the picture smaller than it is: sizes,
settings and the way back are all tried, and the best quality that fits is kept.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, features

from cppn.starry.picture import as_tensor, score
from cppn.starry.program import BYTE_LIMIT

Settings = dict[str, object]

SCALES = [share / 24 for share in range(5, 25)]  # of the sides
COARSE = 3  # every so many scales are tried first where somebody waits
KERNELS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
QUICK = ("bicubic",)  # of them, where somebody waits


@dataclass(frozen=True)
class Codec:
    """A codec: Pillow's feature and format, the qualities from worst to best, and the settings that are tried.

    Attributes:
        quick: those of them that are tried where somebody waits; none if it is too slow for that.
    """

    feature: str
    kind: str
    qualities: range
    settings: tuple[Settings, ...]
    quick: tuple[Settings, ...] = ()

    @property
    def known(self) -> bool:
        """Whether Pillow was built with it."""
        return bool(features.check(self.feature))


@dataclass(frozen=True)
class PictureFile:
    """A picture file that a codec made: its bytes, what they look like at the picture's size, and how it was made."""

    data: bytes
    shown: Image.Image
    score: float
    settings: Settings


def _all(**options: Iterable[object]) -> tuple[Settings, ...]:
    """Every combination of these options."""
    return tuple(dict(zip(options, values, strict=True)) for values in itertools.product(*options.values()))


CODECS = {
    "JPEG": Codec(
        "jpg",
        "JPEG",
        range(1, 96),
        _all(subsampling=range(3), progressive=(False, True), optimize=[True]),
        _all(subsampling=(0, 2), optimize=[True]),
    ),
    "WebP": Codec("webp", "WEBP", range(101), _all(method=[6]), _all(method=[6])),
    "AVIF": Codec("avif", "AVIF", range(101), _all(speed=[6], subsampling=("4:2:0", "4:4:4"))),
}


def encoded(picture: Image.Image, kind: str, quality: int, settings: Settings) -> bytes:
    """A picture file, without metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality, **settings)
    return buffer.getvalue()


def best_within(picture: Image.Image, kind: str, qualities: range, settings: Settings) -> tuple[int, bytes]:
    """The best quality whose file fits, by bisection, and that file; empty if none does."""
    fitting = -1, b""
    low, high = qualities[0], qualities[-1]
    while low <= high:
        middle = (low + high) // 2
        data = encoded(picture, kind, middle, settings)
        if len(data) <= BYTE_LIMIT:
            fitting, low = (middle, data), middle + 1
        else:
            high = middle - 1
    return fitting


def best_file(picture: Image.Image, codec: Codec, scales: Sequence[float] = SCALES) -> PictureFile | None:
    """The file of a codec that comes closest to a picture; None if none fits."""
    return _best(picture, codec, scales, codec.settings, KERNELS)


def _best(
    picture: Image.Image, codec: Codec, scales: Sequence[float], settings: Sequence[Settings], kernels: Iterable[str]
) -> PictureFile | None:
    target, found = as_tensor(picture), []
    for scale in scales:
        small = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
        for chosen in settings:
            quality, data = best_within(small, codec.kind, codec.qualities, chosen)
            if not data:
                continue
            with Image.open(io.BytesIO(data)) as opened:
                decoded = opened.convert("RGB")
            for kernel in kernels:
                shown = decoded.resize(picture.size, KERNELS[kernel])
                told = {"size": list(small.size), "quality": quality, "enlarged": kernel, **chosen}
                found.append(PictureFile(data, shown, score(as_tensor(shown), target), told))
    return min(found, key=lambda file: file.score, default=None)


def quick_file(picture: Image.Image, codec: Codec) -> PictureFile | None:
    """Nearly the best file, where somebody waits; about half a second of a core.

    Every third scale is tried, then those beside the best of them, with one way back.
    """
    coarse = {scale: file for scale in SCALES[::COARSE] if (file := _best(picture, codec, [scale], codec.quick, QUICK))}
    if not coarse:
        return None
    place = SCALES.index(min(coarse, key=lambda scale: coarse[scale].score))
    beside = [*SCALES[max(0, place - COARSE + 1) : place], *SCALES[place + 1 : place + COARSE]]
    files = [*coarse.values(), _best(picture, codec, beside, codec.quick, QUICK)]
    return min(filter(None, files), key=lambda file: file.score)
