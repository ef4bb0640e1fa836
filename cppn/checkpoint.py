"""Weights in and out of safetensors files, with hostile files in mind.

A checkpoint is one safetensors file with at most one metadata key of ours, `config`: canonical JSON whose keys are the
fields of the wing's config dataclass. (With a single metadata key the bytes of a file depend on its contents alone;
safetensors writes several in random order.)

safetensors never runs code, but it lets through a good deal: NaN, any dtype, absurd shapes, 200,000 empty tensors.
`load` therefore reads the header itself, checks it against the network that is expected, and only then hands the bytes
to the library. It is strict unless it is asked to adapt what other people's tools have written; see `matching`. What is
no safetensors file at all is named by `foreign`. Networks of which a wing says so lie there in fewer bits; see
`quantise`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import safetensors.torch
import torch
from torch import nn

from cppn import foreign, matching, quantise
from cppn.faults import VisitorError, quoted

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)

HEADER_LIMIT = 128 * 1024  # bytes; the longest of ours has 11,384, but some trainers put their whole log in there
TENSOR_LIMIT = 256  # tensors in one file


class CheckpointError(VisitorError):
    """A file that cannot be used as weights; the message says why, in words for the person who brought it."""


@dataclass(frozen=True)
class Checkpoint(Generic[Network, Config]):
    """A network that was read from a file, with what is known about that file."""

    net: Network
    config: Config
    sha256: str
    size: int  # bytes
    done: tuple[str, ...] = ()  # what had to be done to read it, in sentences

    @property
    def parameters(self) -> int:
        """Number of trained numbers (running statistics not counted)."""
        return sum(p.numel() for p in self.net.parameters())


def load(
    source: Path | bytes,
    build: Callable[[Config], Network],
    config_type: type[Config],
    limit: int,
    adapt: bool = False,
    fallback: Callable[[Mapping[str, object]], Config] | None = None,
    precision: quantise.Precision | None = None,
) -> Checkpoint[Network, Config]:
    """Read an untrusted safetensors file into the network that `build` makes from its config.

    Args:
        source: the file, or its bytes.
        build: makes the network; called on the meta device, so nothing is allocated before the header is checked.
        config_type: frozen dataclass that checks its own ranges; a missing `config` gives `config_type()`.
        limit: largest file accepted, in bytes.
        adapt: also take what holds the same weights in another way (prefixes, other precisions, missing counters,
            tensors beside the network's, foreign metadata); the checkpoint's `done` says what was changed.
        fallback: with `adapt`, the config of a file that has none of ours, from its header (tensor name -> a table
            with "dtype" and "shape", unchecked); without it, `config_type()`.
        precision: the bits that each tensor is stored in, for files of ours alone, so without `adapt`; None if they
            hold the network's own types.

    Raises:
        CheckpointError: the file is too large, not safetensors, made for another network, or not finite.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limit:
        raise CheckpointError(_too_large(source, size, limit, lambda: build(config_type())))
    data = source if isinstance(source, bytes) else source.read_bytes()
    header = _parse_header(data)
    metadata = header.pop("__metadata__", {})
    if len(header) > TENSOR_LIMIT:
        raise CheckpointError(f"the file holds {len(header):,} tensors; at most {TENSOR_LIMIT} are accepted")
    if adapt:
        config, done = _adapted_config(metadata, config_type, (lambda: fallback(header)) if fallback else config_type)
    else:
        config, done = parse_config(_table(metadata).get("config"), config_type), ()
    with torch.device("meta"):
        net = build(config)
    state = net.state_dict()
    expected = quantise.layout(state, precision) if precision else state
    try:
        match = (matching.adapted if adapt else matching.exact)(header, expected)
    except matching.Mismatch as mismatch:
        raise CheckpointError(_not_the_weights(header, metadata, net, expected, str(mismatch))) from None
    found = _tensors(data, header, match.names, expected)
    if precision:
        try:
            found = quantise.restored(found, state, precision)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
    _check_finite(found)
    net.load_state_dict(found, strict=True, assign=True)
    return Checkpoint(net.eval(), config, hashlib.sha256(data).hexdigest(), len(data), (*done, *match.done))


def to_bytes(net: nn.Module, config: object, precision: quantise.Precision | None = None) -> bytes:
    """A network's state dict and its config as a safetensors file; the same state gives the same bytes.

    Args:
        precision: the bits that each tensor is stored in; without it, all are stored as they are.
    """
    state = quantise.quantised(net.state_dict(), precision) if precision else net.state_dict()
    state = {name: tensor.contiguous() for name, tensor in state.items()}
    fields = {key: value for key, value in dataclasses.asdict(config).items() if value is not None}
    metadata = {"config": json.dumps(fields, sort_keys=True, separators=(",", ":"))}
    return safetensors.torch.save(state, metadata)


def save(path: Path, net: nn.Module, config: object, precision: quantise.Precision | None = None) -> None:
    """Write what `to_bytes` makes, atomically."""
    write_atomically(path, to_bytes(net, config, precision))


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
    """A config dataclass from canonical JSON, nothing unknown or said twice and every type right.

    Raises:
        CheckpointError: unknown keys, wrong types, or values that the dataclass itself refuses.
    """
    values = _config_values(text)
    types = typing.get_type_hints(config_type)
    if unknown := sorted(set(values) - set(types)):
        raise CheckpointError(f"the file's config has an unknown key: {quoted(unknown[0])}")
    for key, value in values.items():
        # bool is an int to Python, but not to us
        if not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool):
            raise CheckpointError(f"the file's config has a wrong type for {key}")
    try:
        return config_type(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"the file's config does not fit: {str(error)[:200]}") from error


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _too_large(source: Path | bytes, size: int, limit: int, own: Callable[[], nn.Module]) -> str:
    """What to say of a file of which only the beginning is read: what it is, if that is something else altogether."""
    if isinstance(source, bytes):
        head = source[: 8 + HEADER_LIMIT]
    else:
        with source.open("rb") as file:
            head = file.read(8 + HEADER_LIMIT)
    try:
        other = _other_house(_parse_header(head), None, own)
    except CheckpointError:
        other = foreign.kind_of(head)
    return f"this is {other}" if other else f"the file has {size:,} bytes; at most {limit:,} are accepted here"


def _other_house(header: dict[str, object], config: object, own: Callable[[], nn.Module]) -> str | None:
    """Which other network of this house a header belongs to, if to any."""
    house = foreign.house_of(header, config)
    if house is None:
        return None
    with torch.device("meta"):
        ours = foreign.house_of(own().state_dict()) or ""
    # a config tells it more surely than names do, in other words, but the tab is the same
    return house if house.rpartition(";")[2] != ours.rpartition(";")[2] else None


def _parse_header(data: bytes) -> dict[str, object]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > HEADER_LIMIT or 8 + length > len(data):
        # only now: a header of 640 bytes, too, begins with the two bytes of a pickle
        if kind := foreign.kind_of(data):
            raise CheckpointError(f"this is {kind}")
        if len(data) < 8:
            raise CheckpointError("the file is too short to be safetensors")
        raise CheckpointError("this is not a safetensors file, or it is cut off: its header does not fit")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise CheckpointError("this is not a safetensors file: its header is not JSON, or repeats a name") from error
    if not isinstance(header, dict):
        raise CheckpointError("this is not a safetensors file: its header is not a JSON object")
    return header


def _table(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError("the file's metadata is not a table of texts")
    return metadata


def _config_values(text: object) -> dict[str, object]:
    """The table that a config's JSON holds; no config is an empty one."""
    try:
        values = json.loads("{}" if text is None else text, object_pairs_hook=_without_repeats)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError("the file's config is not JSON, or repeats a name") from error
    if not isinstance(values, dict):
        raise CheckpointError("the file's config is not a JSON object")
    return values


def _adapted_config(
    metadata: object, config_type: type[Config], otherwise: Callable[[], Config]
) -> tuple[Config, tuple[str, ...]]:
    """The config as far as the file's metadata holds one of ours, and what was passed over."""
    try:
        text = _table(metadata).get("config")
        if text is None:
            return otherwise(), ()
        values = _config_values(text)
        known = {key: value for key, value in values.items() if key in typing.get_type_hints(config_type)}
        if known:
            config = parse_config(json.dumps(known), config_type)
            foreign_keys = [quoted(key, 20) for key in values if key not in known][:3]
            said = f"what its config says of {', '.join(foreign_keys)} was passed over" if foreign_keys else None
            return config, (said,) if said else ()
        return otherwise(), ("its config is somebody else's and was passed over",)
    except CheckpointError as fault:
        return otherwise(), (f"{fault}; it was passed over",)


def _not_the_weights(
    header: dict[str, object], metadata: object, net: nn.Module, expected: dict[str, torch.Tensor], why: str
) -> str:
    """Why the tensors are not those of a network: another of this house, or what was expected and what was found."""
    config = metadata.get("config") if isinstance(metadata, dict) else None
    if other := _other_house(header, config, lambda: net):
        return f"this is {other}"
    found = f"{len(header)} ({matching.described(header)})" if header else "none"
    return (
        f"expected the {len(expected)} tensors of a {type(net).__name__} ({matching.described(expected)}), "
        f"found {found}: {why}"
    )


def _tensors(
    data: bytes, header: dict[str, object], names: dict[str, str], expected: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors of a file whose header fits what is expected, in the expected types."""
    length = int.from_bytes(data[:8], "little")
    bare = json.dumps(header).encode()  # without metadata, which the library would not have in every form
    try:
        found = safetensors.torch.load(len(bare).to_bytes(8, "little") + bare + data[8 + length :])
    except Exception as error:  # the library raises several types; all of them mean a damaged file
        raise CheckpointError("the file is damaged: its header and its contents do not fit together") from error
    tensors = {}
    for name, wanted in expected.items():
        if name not in names:
            tensors[name] = torch.zeros(wanted.shape, dtype=wanted.dtype)  # a counter
            continue
        tensors[name] = found[names[name]].to(wanted.dtype).reshape(wanted.shape)
    return tensors


def _check_finite(tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"tensor {name} holds values that are not finite numbers (NaN or infinity)")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose keys differ; of two equal ones, two readers might believe different ones."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name is repeated")
    return table
