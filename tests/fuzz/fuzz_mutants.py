"""Files as strangers bring them, drawn from a seed: weights, programs, pictures, and values for what is no file.

Each generator takes a numpy generator and returns what was done, in a word, and the bytes of a file (for `scalar`: a
value). Half of them begin with a good file of ours and break one thing, so that they get past the first checks.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

WEIGHTS = Path(__file__).parents[2] / "weights"
Made = tuple[str, bytes]

SCALARS = (
    *(None, True, False, "", "x" * 10_000, "\ud800", "\0", "../../etc/passwd", "nan", "5", "<script>", b"bytes"),
    *(0, 1, -1, 7, 0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), -float("inf"), 2**31, 2**63, -(2**64)),
    *(10**400, [], {}, [1, 2], {"path": "/etc/passwd"}, (), {1}, object, 1j),
)


def pick(rng: np.random.Generator, choices: list | tuple) -> object:
    return choices[int(rng.integers(len(choices)))]


def flipped(rng: np.random.Generator, data: bytes, first: int | None = None) -> bytes:
    """One to eight bytes replaced, among the first ones only if that is said."""
    array = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, min(len(array), first or len(array)), rng.integers(1, 9))
    array[places] = rng.integers(0, 256, len(places))
    return array.tobytes()


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: int(rng.integers(len(data)))]


def lengthened(rng: np.random.Generator, data: bytes) -> bytes:
    return data + rng.bytes(int(rng.integers(1, 100)))


def damaged(rng: np.random.Generator, data: bytes) -> Made:
    """Any file, damaged without a thought for its format."""
    ways = {
        "flip": flipped,
        "flip at the front": lambda rng, data: flipped(rng, data, 200),
        "cut": cut,
        "longer": lengthened,
        "noise": lambda rng, data: rng.bytes(int(rng.integers(2000))),
    }
    name = pick(rng, list(ways))
    return name, ways[name](rng, data)


# --- weights


def safetensors_file(rng: np.random.Generator, folder: str) -> Made:
    """One of our weights files of a wing with something about it changed."""
    data = pick(rng, sorted((WEIGHTS / folder).glob("*.safetensors"))).read_bytes()
    if rng.random() < 0.3:
        return damaged(rng, data)
    length = int.from_bytes(data[:8], "little")
    header, values = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    name, change = pick(rng, list(_CHANGES.items()))
    text = change(rng, header, values) or json.dumps(header).encode()
    return name, len(text).to_bytes(8, "little") + text + bytes(values)


def _tensors(header: dict) -> list[str]:
    return [name for name in header if name != "__metadata__"]


def _floats(header: dict) -> list[str]:
    return [name for name in _tensors(header) if header[name]["dtype"] in ("F32", "F64")]


def _fill(header: dict, values: bytearray, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    start, end = header[name]["data_offsets"]
    dtype = np.dtype({"F32": "<f4", "F64": "<f8"}[header[name]["dtype"]])
    with np.errstate(all="ignore"):
        values[start:end] = change(np.frombuffer(bytes(values[start:end]), dtype).copy()).astype(dtype).tobytes()


def _one_number(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    number = pick(rng, (np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-40, -1.0, 0.0, 1e6, 1e300))

    def change(array: np.ndarray) -> np.ndarray:
        array[int(rng.integers(len(array)))] = number
        return array

    _fill(header, values, pick(rng, _floats(header)), change)


def _all_numbers(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    number = pick(rng, (0.0, 1.0, -1.0, 1e10, 1e20, 1e38, -1e38, 1e-40))
    chosen = _floats(header) if rng.random() < 0.5 else [pick(rng, _floats(header))]
    for name in chosen:
        _fill(header, values, name, lambda array: np.full_like(array, number))


def _scaled(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    factor = 10.0 ** rng.uniform(-30, 30)
    for name in _floats(header):
        _fill(header, values, name, lambda array: array * factor)


def _negative(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    variances = [name for name in _floats(header) if name.endswith("running_var")] or _floats(header)
    _fill(header, values, pick(rng, variances), lambda array: -np.abs(array) - 1e-3)


def _lie(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    entry = header[pick(rng, _tensors(header))]
    lies = {
        "dtype": ("F16", "BF16", "I64", "F64", "U8", "F33", None, ["F32"], 5),
        "shape": ([], [0], [1, 1], [10**12], [-1], [2**63, 2**63], [1] * 5000, None, "2", [1.5], [[1]]),
        "data_offsets": ([0, 0], [0, 8], [8, 0], [-4, 4], [0, 10**18], [0], None, "x", [10**30, 10**30]),
    }
    field = pick(rng, list(lies))
    entry[field] = pick(rng, lies[field])


def _other_names(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    name = pick(rng, _tensors(header))
    entry = header.pop(name)
    if rng.random() < 0.7:
        header[pick(rng, (f"module.{name}", "", "x" * 3000, "../../x", "\ud800", "<script>"))] = entry


def _metadata(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    header["__metadata__"] = pick(rng, ({}, {"config": 5}, {"config": ""}, "x", None, [], {"a": "b"}, {"config": None}))


def _config(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    config = json.loads(header.get("__metadata__", {}).get("config", "{}")) or {"width": 1}
    key = pick(rng, [*config, "width", "height", "__class__", "x" * 500])
    junk = (4096, 4097, 1, 0, -1, 10**9, 10**400, 1.5, "4096", None, True, [], {}, float("nan"), "sign", "query", "mlp")
    text = json.dumps({**config, key: pick(rng, junk)})
    if rng.random() < 0.1:
        text = f"{text[:-1]}, {json.dumps(key)}: 1}}"
    header["__metadata__"] = {"config": text}


def _largest(rng: np.random.Generator, header: dict, values: bytearray) -> None:
    sides = {"width": pick(rng, (1, 4096)), "height": pick(rng, (1, 4096))}
    header["__metadata__"] = {"config": json.dumps(sides)}


def _twice(rng: np.random.Generator, header: dict, values: bytearray) -> bytes:
    name = pick(rng, _tensors(header))
    return (json.dumps(header)[:-1] + f', "{name}": {json.dumps(header[name])}}}').encode()


_CHANGES = {
    "one number": _one_number,
    "all numbers": _all_numbers,
    "scaled": _scaled,
    "negative variance": _negative,
    "a lie": _lie,
    "other names": _other_names,
    "metadata": _metadata,
    "config": _config,
    "largest size": _largest,
    "named twice": _twice,
}


# --- programs


def program_file(rng: np.random.Generator) -> Made:
    """A program of the Starry wing: a good one with something changed, or one of random weights that asks for much."""
    kind = pick(rng, ("damaged", "numbers", "wrapped", "whole", "whole"))
    if kind == "whole":
        return _program(rng, range(3, 97), (1, 7, 386, 2000, 4096))
    files = [path.read_bytes() for path in sorted((WEIGHTS / "starry").glob("*.pyth"))]
    data = pick(rng, [*files, _program(rng, range(3, 25), (40,))[1]])  # ours leave no room for another byte
    if kind == "damaged":
        return damaged(rng, data)
    if kind == "numbers":
        return kind, _other_numbers(rng, data)
    before, after = pick(rng, ((b"\xef\xbb\xbf", b""), (b"", b"\n"), (b"", b"\r\n"), (b" ", b""), (data, b"")))
    return kind, before + data + after


def _program(rng: np.random.Generator, neurons: range, sides: tuple[int, ...]) -> Made:
    """A program of random weights that fits into the contest's bytes."""
    from cppn.starry.program import Program as Network
    from cppn.starry.program import count_weights, write

    while True:
        count, levels = int(pick(rng, neurons)), int(2 ** rng.uniform(1, 14))
        width, height = int(pick(rng, sides)), int(pick(rng, sides))
        scale, constant = (int(10 ** rng.uniform(0, 5.9)) for _ in "sc")
        weights = rng.integers(-((levels - 1) // 2), (levels - 1) // 2 + 1, count_weights(count)).tolist()
        kind = pick(rng, ("sigmoid", "sine"))
        try:
            data = write(Network(tuple(weights), levels, scale, constant, kind, width, height))
        except ValueError:  # the last weight's digit is 0
            continue
        if len(data) <= 1024:
            return f"{count} {kind} neurons of {levels} levels, {width} x {height}", data


def _other_numbers(rng: np.random.Generator, data: bytes) -> bytes:
    """One of the numbers after the string replaced, the size likeliest."""
    end = data.rindex(b'"%d' if b'"%d' in data else b'"')
    text = data[end:]
    places = [i for i in range(1, len(text)) if text[i : i + 1].isdigit() and not text[i - 1 : i].isdigit()]
    place = pick(rng, places[-2:] if rng.random() < 0.5 else places)
    stop = place
    while stop < len(text) and text[stop : stop + 1].isdigit():
        stop += 1
    number = pick(rng, (b"0", b"1", b"4096", b"4097", b"999999", b"10000000", b"007", b"-5", b""))
    return data[:end] + text[:place] + number + text[stop:]


# --- pictures

_SIZES = ((1, 1), (8, 8), (40, 30), (64, 64), (65, 3), (320, 160), (700, 500))
_EXTREMES = (
    (16_000, 1000),
    (30_000, 1),
    (1, 30_000),
    (4000, 4000),
    (8, 4000),
    (500, 30_000),
    (5000, 4000),
    (60_000, 60),
)
_MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P", "RGB", "1"),
    "BMP": ("1", "L", "P", "RGB"),
}
_FOREIGN = ("TIFF", "PPM", "ICO", "EPS", "PDF", "TGA", "PCX", "SGI", "DDS", "IM", "AVIF")
_BEGINNINGS = (
    b"",
    b"<svg>",
    b"%PDF-1.4",
    b"\0\0\0\x18ftypheic",
    b"PK\3\4",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"BM",
)


def picture_file(rng: np.random.Generator) -> Made:
    """A picture of any format, mode and size, whole or broken, or another file that calls itself one."""
    kind = pick(rng, ("damaged", "damaged", "whole", "extreme", "foreign", "beginning", "claims", "exif", "film"))
    if kind == "beginning":
        return kind, pick(rng, _BEGINNINGS) + rng.bytes(int(rng.integers(200)))
    if kind == "claims":
        return kind, _png_that_claims(rng)
    if kind == "foreign":
        return kind, _saved(_drawn(rng, "RGB"), pick(rng, _FOREIGN))
    form = pick(rng, list(_MODES))
    if kind == "extreme":
        width, height = pick(rng, _EXTREMES)
        form = "PNG" if max(width, height) > 16_383 or width * height > 10**7 else form  # the largest WebP
        picture = Image.new(pick(rng, ("L", "RGB")), (width, height), "white")
        picture.paste(0, (width // 3, height // 3, width // 3 + 300, height // 3 + 300))
        return kind, _saved(picture, form, compress_level=1)
    mode = pick(rng, _MODES[form])
    picture = _drawn(rng, mode)
    if kind == "exif":
        return kind, _saved(_drawn(rng, "RGB"), pick(rng, ("PNG", "JPEG", "WEBP")), exif=_exif(rng))
    if kind == "film":
        form = pick(rng, ("GIF", "WEBP", "PNG"))
        frames = [_drawn(rng, "RGB").resize((40, 30)) for _ in range(3)]
        whole = _saved(frames[0], form, save_all=True, append_images=frames[1:])
        return kind, whole if rng.random() < 0.5 else damaged(rng, whole)[1]
    whole = _saved(picture, form, **({"transparency": 0} if mode == "P" and form in ("PNG", "GIF") else {}))
    return (f"{form} {mode}", whole) if kind == "whole" else damaged(rng, whole)


def _drawn(rng: np.random.Generator, mode: str) -> Image.Image:
    """Noise, or black shapes on white."""
    width, height = pick(rng, _SIZES)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (height, width), dtype=np.uint16))
    if rng.random() < 0.5:
        picture = Image.fromarray(rng.integers(0, 256, (height, width, 4), dtype=np.uint8))
    else:
        picture = Image.new("RGBA", (width, height), "white")
        picture.paste("black", (width // 4, height // 4, width // 2 + 1, height // 2 + 1))
    return picture.convert("RGB").convert(mode) if mode in ("1", "P", "CMYK") else picture.convert(mode)


def _saved(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _exif(rng: np.random.Generator) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(0, 10))  # the orientation
    data = exif.tobytes()
    return data if rng.random() < 0.5 else data[:6] + damaged(rng, data[6:])[1]


def _png_that_claims(rng: np.random.Generator) -> bytes:
    """A PNG of a few bytes with any size in its header, and sometimes a chunk that unpacks to much more."""
    width, height = (int(pick(rng, (0, 1, 50, 3999, 4096, 60_000, 2**31 - 1))) for _ in "xy")
    depth, colour = int(pick(rng, (1, 2, 4, 8, 16, 3))), int(pick(rng, (0, 2, 3, 4, 6, 5)))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    if rng.random() < 0.3:
        parts.append((pick(rng, (b"zTXt", b"iCCP")), b"k\0\0" + zlib.compress(bytes(30_000_000))))
    if rng.random() < 0.3:
        parts.append(
            (pick(rng, (b"PLTE", b"tRNS", b"eXIf", b"acTL", b"fcTL", b"gAMA")), rng.bytes(int(rng.integers(40))))
        )
    parts += [(b"IDAT", zlib.compress(bytes(int(pick(rng, (9, 10_000, 17_000_000)))))), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


# --- values


def scalar(rng: np.random.Generator) -> object:
    """What a parameter that is no file may be sent."""
    return pick(rng, SCALARS)
