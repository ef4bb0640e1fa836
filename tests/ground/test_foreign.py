"""`cppn.foreign`: what people bring instead of weights is called by its name."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cppn.foreign import HEAD, house_of, kind_of
from cppn.hub import BUNDLED


def written(write: object) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def zipped() -> bytes:
    return written(lambda file: zipfile.ZipFile(file, "w").writestr("readme.txt", "hello"))


FILES = {
    "nothing": (b"", "empty"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 30452\n", "git lfs pull"),
    "web page": (b"\n <!DOCTYPE html><html>Sign in</html>" * 90, "a web page and not the file"),
    "web page with a mark": (b"\xef\xbb\xbf<html><body>404</body></html>", "a web page and not the file"),
    "torch.save": (written(lambda file: torch.save({"a": torch.ones(9)}, file)), "a pickle or a zip"),
    "old torch.save": (
        written(lambda file: torch.save({"a": torch.ones(9)}, file, _use_new_zipfile_serialization=False)),
        "a pickle or a zip",
    ),
    "pickle": (pickle.dumps({"a": 1}), "could run code"),
    "npz": (written(lambda file: np.savez(file, a=np.ones(9))), "an archive of NumPy arrays"),
    "npy": (written(lambda file: np.save(file, np.ones(9))), "a NumPy array"),
    "zip": (zipped(), "unpack it first"),
    "gzip": (gzip.compress(bytes(99)), "gzip; unpack it first"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(99), "a GGUF file"),
    "ONNX": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\xa4\x01", "an ONNX file"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "TensorFlow Lite": (b"\x1c\0\0\0TFL3" + bytes(99), "a TensorFlow Lite file"),
    "PNG": (written(lambda file: Image.new("1", (9, 9)).save(file, "PNG")), "a picture"),
    "JPEG": (written(lambda file: Image.new("L", (9, 9)).save(file, "JPEG")), "a picture"),
    "WebP": (written(lambda file: Image.new("L", (9, 9)).save(file, "WEBP")), "a picture"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "JSON": (json.dumps({"w": [1.0] * 9}).encode(), "a text in JSON"),
    "text": ("Grüße\n".encode() * 2000, "a text, not a safetensors file"),
}


@pytest.mark.parametrize(("data", "words"), FILES.values(), ids=FILES)
def test_a_file_is_called_by_its_name(data, words):
    assert words in kind_of(data)
    assert kind_of(data[:HEAD]) == kind_of(data)


@pytest.mark.parametrize("data", [bytes(64), b"\xff" * 100, np.random.default_rng(0).bytes(5000)])
def test_what_nobody_knows_is_not_called_anything(data):
    assert kind_of(data) is None


def names_in(path: Path) -> tuple[dict[str, object], str | None]:
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header, header.pop("__metadata__", {}).get("config")


@pytest.mark.parametrize(
    ("wing", "tab"), [("flags", "Flags"), ("quine", "Quine"), ("glyphs", "Glyphs"), ("odd_shapes", "Odd shapes")]
)
def test_every_network_of_the_house_is_known_by_its_tensors(wing, tab):
    files = sorted((BUNDLED / wing).glob("*.safetensors"))
    assert files
    for path in files:
        names, config = names_in(path)
        assert f"{tab} tab" in house_of(names), path.name
        assert f"{tab} tab" in house_of(names, config), path.name


def test_a_strangers_network_is_not_ours():
    assert house_of({"fc.weight", "fc.bias"}, '{"architecture": "resnet"}') is None
    assert house_of(set(), None) is None
