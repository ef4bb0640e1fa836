"""The shipped scripts: their names, and the networks themselves from wherever weights come from; each is read once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from cppn import checkpoint, hub
from cppn.checkpoint import Checkpoint
from cppn.glyphs.network import GlyphConfig, GlyphNet, SeedConfig, SeedNet

FILE_LIMIT = 16 * 1024 * 1024  # bytes; the largest has less than half of it


@dataclass(frozen=True)
class Entry:
    """One shipped script.

    Attributes:
        title: for people. numbers: how many a message has. channels: 1 for gray, 3 for colour.
        pixels: width of the pictures that it was trained on.
    """

    title: str
    numbers: int
    channels: int
    pixels: int

    @property
    def colour(self) -> bool:
        """Whether its signs have colours."""
        return self.channels == 3


COLOUR_PIXELS = 48
GRAY_PIXELS = 48
MODELS = {
    "script": Entry("The script: 64 numbers, gray, 64 pixels", 64, 1, 64),
    **{f"colour_{n}": Entry(f"Colour, {n:,} numbers", n, 3, COLOUR_PIXELS) for n in (32, 64, 128, 512, 1024, 2048)},
    **{f"gray_{n}": Entry(f"Gray, {n:,} numbers", n, 1, GRAY_PIXELS) for n in (32, 64, 128, 512, 1024)},
    "seed": Entry("The post's own networks: 64 numbers, gray, 28 pixels", 64, 1, 28),
}


@dataclass(frozen=True)
class Script:
    """A writer and a reader that were trained together, with where they came from."""

    name: str
    checkpoint: Checkpoint[GlyphNet | SeedNet, GlyphConfig | SeedConfig]
    source: str
    note: str
    path: Path = Path()

    @property
    def entry(self) -> Entry:
        """What the catalogue says about it."""
        return MODELS[self.name]

    @property
    def net(self) -> GlyphNet | SeedNet:
        """The networks, in evaluation mode."""
        return self.checkpoint.net


def precision(name: str, tensor: Tensor) -> int:
    """Bits in which files hold a tensor: matrices take 4 inside the perceptrons and 8 elsewhere, vectors 16.

    The perceptrons add little to the linear maps beside them, so coarse steps cost little there: as against float16
    throughout, no script loses more than one per cent of its bits.
    """
    if tensor.ndim < 2:
        return 16
    return 4 if "perceptron" in name else 8


def kinds(name: str) -> tuple[type[GlyphNet | SeedNet], type[GlyphConfig | SeedConfig]]:
    """The networks that a file holds, and their sizes: "seed" the post's, every other name ours."""
    return (SeedNet, SeedConfig) if name == "seed" else (GlyphNet, GlyphConfig)


def open_script(name: str, path: Path, source: str = "local file", note: str = "") -> Script:
    """Read a script from a file; the networks that come out of it hold float32.

    Raises:
        checkpoint.CheckpointError: the file does not fit; the message says why.
    """
    loaded = checkpoint.load(path, *kinds(name), FILE_LIMIT, precision=precision)
    return Script(name, loaded, source, note, path)


# the largest scripts take 60 MB of memory each; visitors stay with one or two
_open_once = functools.lru_cache(maxsize=4)(open_script)


def script_of(name: str) -> Script:
    """A shipped script, read once.

    Raises:
        hub.WeightsError: no usable file.
    """
    weights = hub.library().find(f"glyphs/{name}.safetensors")
    return _open_once(name, weights.path, weights.source, weights.note)
