"""The two shipped networks, from wherever weights come from; each is read once."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from pathlib import Path

from cppn import checkpoint, hub
from cppn.checkpoint import Checkpoint
from cppn.faults import VisitorError, quoted
from cppn.odd_shapes.network import OddConfig, OddNet, SeedConfig, SeedNet

NETWORKS = {"ours": "Our network", "seed": "The homework's network"}
FILE_LIMIT = 8 * 1024 * 1024  # bytes; ours has about 3 MB


@dataclass(frozen=True)
class Finder:
    """A network with where it came from."""

    name: str
    checkpoint: Checkpoint[OddNet | SeedNet, OddConfig | SeedConfig]
    source: str
    note: str

    @property
    def net(self) -> OddNet | SeedNet:
        """The network, in evaluation mode."""
        return self.checkpoint.net

    @functools.cached_property
    def halved(self) -> bytes:
        """Its weights file in half precision, as a browser gets it: half as many bytes to fetch.

        The answer moves by 0.001 pixels in most pictures and by less than 0.1 where the network is in doubt.
        """
        return checkpoint.to_bytes(copy.deepcopy(self.net).half(), self.checkpoint.config)


def open_finder(name: str, path: Path, source: str = "local file", note: str = "") -> Finder:
    """Read one of the two networks from a file.

    Raises:
        checkpoint.CheckpointError: the file does not fit; the message says why.
    """
    build, config = (OddNet, OddConfig) if name == "ours" else (SeedNet, SeedConfig)
    return Finder(name, checkpoint.load(path, build, config, FILE_LIMIT), source, note)


_open_once = functools.lru_cache(maxsize=4)(open_finder)


def finder_of(name: str) -> Finder:
    """A shipped network, read once.

    Raises:
        VisitorError: no network of that name, or no usable file.
    """
    if name not in NETWORKS:
        raise VisitorError(f"there is no network {quoted(name)}; choose one of: {', '.join(NETWORKS)}")
    weights = hub.library().find(f"odd_shapes/{name}.safetensors")
    return _open_once(name, weights.path, weights.source, weights.note)
