"""The shipped scripts: their names, and the networks themselves from wherever weights come from; each is read once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from cppn import checkpoint, hub
from cppn.checkpoint import Checkpoint
from cppn.glyphs.network import GlyphConfig, GlyphNet, SeedConfig, SeedNet

FILE_LIMIT = 32 * 1024 * 1024  # bytes; the largest has about half of it


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

    @property
    def entry(self) -> Entry:
        """What the catalogue says about it."""
        return MODELS[self.name]

    @property
    def net(self) -> GlyphNet | SeedNet:
        """The networks, in evaluation mode."""
        return self.checkpoint.net


def open_script(name: str, path: Path, source: str = "local file", note: str = "") -> Script:
    """Read a script from a file; "seed" expects the post's networks, every other name ours.

    The files hold float16, half the bytes at no measurable loss; the networks that come out of them hold float32.

    Raises:
        checkpoint.CheckpointError: the file does not fit; the message says why.
    """
    build, config = (SeedNet, SeedConfig) if name == "seed" else (GlyphNet, GlyphConfig)
    loaded = checkpoint.load(path, lambda found: build(found).half(), config, FILE_LIMIT)
    loaded.net.float()
    return Script(name, loaded, source, note)


# the largest scripts take 60 MB of memory each; visitors stay with one or two
_open_once = functools.lru_cache(maxsize=4)(open_script)


def script_of(name: str) -> Script:
    """A shipped script, read once.

    Raises:
        hub.WeightsError: no usable file.
    """
    weights = hub.library().find(f"glyphs/{name}.safetensors")
    return _open_once(name, weights.path, weights.source, weights.note)
