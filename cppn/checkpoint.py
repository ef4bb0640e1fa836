"""Weights in and out of safetensors files, with hostile files in mind.

A checkpoint is one safetensors file with at most one metadata key of ours, `config`: canonical JSON whose keys are the
fields of the wing's config dataclass. (With a single metadata key the bytes of a file depend on its contents alone;
safetensors writes several in random order.)

safetensors never runs code, but it lets through a good deal: NaN, any dtype, absurd shapes, 200,000 empty tensors.
`load` therefore reads the header itself, checks it against the network that is expected, and only then hands the bytes
to the library.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import safetensors.torch
import torch
from torch import nn

from cppn.faults import VisitorError

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)

HEADER_LIMIT = 16 * 1024  # bytes; the longest header of ours is about 2 kB
TENSOR_LIMIT = 256  # tensors in one file
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
}


class CheckpointError(VisitorError):
    """A file that cannot be used as weights; the message says why, in words for the person who brought it."""


@dataclass(frozen=True)
class Checkpoint(Generic[Network, Config]):
    """A network that was read from a file, with what is known about that file."""

    net: Network
    config: Config
    sha256: str
    size: int  # bytes

    @property
    def parameters(self) -> int:
        """Number of trained numbers (running statistics not counted)."""
        return sum(p.numel() for p in self.net.parameters())


def load(
    source: Path | bytes, build: Callable[[Config], Network], config_type: type[Config], limit: int
) -> Checkpoint[Network, Config]:
    """Read an untrusted safetensors file into the network that `build` makes from its config.

    Args:
        source: the file, or its bytes.
        build: makes the network; called on the meta device, so nothing is allocated before the header is checked.
        config_type: frozen dataclass that checks its own ranges; a missing `config` gives `config_type()`.
        limit: largest file accepted, in bytes.

    Raises:
        CheckpointError: the file is too large, not safetensors, made for another network, or not finite.
    """
    data = _read(source, limit)
    header = _parse_header(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError("the file's metadata is not a table of texts")
    config = parse_config(metadata.get("config"), config_type)
    with torch.device("meta"):
        net = build(config)
    _check_tensors(header, net)
    try:
        state = safetensors.torch.load(data)
    except Exception as error:  # the library raises several types; all of them mean a damaged file
        raise CheckpointError("the file is damaged: its header and its contents do not fit together") from error
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"tensor {name} holds values that are not finite numbers (NaN or infinity)")
    net.load_state_dict(state, strict=True, assign=True)
    return Checkpoint(net.eval(), config, hashlib.sha256(data).hexdigest(), len(data))


def to_bytes(net: nn.Module, config: object) -> bytes:
    """A network's state dict and its config as a safetensors file; the same state gives the same bytes."""
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    fields = {key: value for key, value in dataclasses.asdict(config).items() if value is not None}
    metadata = {"config": json.dumps(fields, sort_keys=True, separators=(",", ":"))}
    return safetensors.torch.save(state, metadata)


def save(path: Path, net: nn.Module, config: object) -> None:
    """Write a network's state dict and its config, atomically."""
    write_atomically(path, to_bytes(net, config))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the whole new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # mkstemp makes it private
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def parse_config(text: object, config_type: type[Config]) -> Config:
    """A config dataclass from canonical JSON, nothing unknown and every type right.

    Raises:
        CheckpointError: unknown keys, wrong types, or values that the dataclass itself refuses.
    """
    if text is None:
        text = "{}"
    try:
        values = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError("the file's config is not JSON") from error
    if not isinstance(values, dict):
        raise CheckpointError("the file's config is not a JSON object")
    types = typing.get_type_hints(config_type)
    if unknown := sorted(set(values) - set(types)):
        raise CheckpointError(f"the file's config has an unknown key: {_quote(unknown[0])}")
    for key, value in values.items():
        # bool is an int to Python, but not to us
        if not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool):
            raise CheckpointError(f"the file's config has a wrong type for {key}")
    try:
        return config_type(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"the file's config does not fit: {_short(str(error), 200)}") from error


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(source: Path | bytes, limit: int) -> bytes:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limit:
        raise CheckpointError(f"the file has {size:,} bytes; at most {limit:,} are accepted here")
    return source if isinstance(source, bytes) else source.read_bytes()


def _parse_header(data: bytes) -> dict[str, object]:
    if len(data) < 8:
        raise CheckpointError("the file is too short to be safetensors")
    length = int.from_bytes(data[:8], "little")
    # a header of 640 bytes, too, begins with the two bytes of a pickle; but no pickle's first number is that small
    if length > HEADER_LIMIT and data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise CheckpointError(
            "this is a pickle or a zip file (as torch.save writes), which could run code when opened; "
            "save the weights with safetensors instead"
        )
    if length > HEADER_LIMIT or 8 + length > len(data):
        raise CheckpointError("this is not a safetensors file, or it is cut off: its header does not fit")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise CheckpointError("this is not a safetensors file: its header is not JSON, or repeats a name") from error
    if not isinstance(header, dict):
        raise CheckpointError("this is not a safetensors file: its header is not a JSON object")
    return header


def _check_tensors(header: dict[str, object], net: nn.Module) -> None:
    expected = net.state_dict()
    if len(header) > TENSOR_LIMIT:
        raise CheckpointError(f"the file holds {len(header):,} tensors; a {type(net).__name__} has {len(expected)}")
    if missing := [name for name in expected if name not in header]:
        raise CheckpointError(f"not the weights of a {type(net).__name__}: tensor {missing[0]} is missing")
    if extra := [name for name in header if name not in expected]:
        raise CheckpointError(f"not the weights of a {type(net).__name__}: unexpected tensor {_quote(extra[0])}")
    for name, tensor in expected.items():
        entry = header[name]
        if not isinstance(entry, dict):
            raise CheckpointError(f"tensor {name} has no description")
        wanted = _DTYPES[tensor.dtype], list(tensor.shape)
        if (entry.get("dtype"), entry.get("shape")) != wanted:
            found = _quote(f"{entry.get('dtype')} {entry.get('shape')}")
            raise CheckpointError(f"tensor {name} should be {wanted[0]} {wanted[1]}, the file has {found}")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose keys differ; of two equal ones, two readers might believe different ones."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name is repeated")
    return table


def _short(text: str, length: int = 60) -> str:
    """Text cut to a length that can be shown."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _quote(text: str) -> str:
    """Text from a stranger in quotes: cut, and without characters that do not print or cannot be encoded."""
    return repr(_short(text))
