"""What image codecs make of the same picture in as many bytes: the best whole file of each within 1,024 bytes.

    python -m cppn starry codecs --target starry.png

A file's decoder is not counted, while a program's is. A codec that Pillow was built without is skipped. Each may store
the picture smaller than it is: sizes, settings and the way back are all tried, and the best quality that fits is kept.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
from pathlib import Path

import torch
from PIL import Image, features

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.starry.making.measure import RESULTS
from cppn.starry.picture import as_tensor, open_target, score
from cppn.starry.program import BYTE_LIMIT

SCALES = [share / 24 for share in range(5, 25)]  # of the sides
KERNELS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
# name -> (Pillow's feature, format, the qualities from worst to best, the settings that are tried)
CODECS = {
    "JPEG": ("jpg", "JPEG", range(1, 96), {"subsampling": range(3), "progressive": (False, True), "optimize": [True]}),
    "WebP": ("webp", "WEBP", range(101), {"method": (6,)}),
    "AVIF": ("avif", "AVIF", range(101), {"speed": (6,), "subsampling": ("4:2:0", "4:4:4")}),
}


def encoded(picture: Image.Image, kind: str, quality: int, settings: dict[str, object]) -> bytes:
    """A picture file, without metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality, **settings)
    return buffer.getvalue()


def best_within(picture: Image.Image, kind: str, qualities: range, settings: dict[str, object]) -> tuple[int, bytes]:
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


def best_file(picture: Image.Image, codec: str) -> dict[str, object]:
    """The file of a codec that comes closest to a picture: its score, bytes and settings."""
    _, kind, qualities, options = CODECS[codec]
    target, found = as_tensor(picture), []
    for scale, kernel in itertools.product(SCALES, KERNELS):
        small = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
        for values in itertools.product(*options.values()):
            settings = dict(zip(options, values, strict=True))
            quality, data = best_within(small, kind, qualities, settings)
            if not data:
                continue
            with Image.open(io.BytesIO(data)) as decoded:
                shown = decoded.convert("RGB").resize(picture.size, KERNELS[kernel])
            told = {"size": list(small.size), "quality": quality, "enlarged": kernel, **settings}
            found.append({"score": round(score(as_tensor(shown), target), 2), "bytes": len(data), "settings": told})
    return min(found, key=lambda file: file["score"])


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry codecs`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn starry codecs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="the picture that the scores are measured against")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    picture = Image.fromarray(open_target(args.target).numpy())
    path = args.weights / RESULTS
    results = json.loads(path.read_text(encoding="utf-8"))
    for name, (feature, *_) in CODECS.items():
        if not features.check(feature):
            print(f"{name}: skipped, Pillow was built without it")
            continue
        results.setdefault("codecs", {})[name] = file = best_file(picture, name)
        print(f"{name}: score {file['score']:.2f} in {file['bytes']} bytes, {file['settings']}", flush=True)
        write_atomically(path, (json.dumps(results, indent=1) + "\n").encode())
    return 0
