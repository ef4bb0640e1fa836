"""Which tensors of a file are those of the network that is expected: by names, shapes and types alone.

`DataParallel`, `torch.compile` and wrapping modules put something in front of every name; other people's tools leave
counters out, write half or double precision, or put an optimiser's state into the same file. None of this makes the
weights others. What was done about it is said in sentences; whatever leaves a doubt is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cppn.faults import quoted

WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}  # parts of names, anywhere
FLOATS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8",
    "F8_E5M2": "float8",
}
WHOLE = {"I64", "I32", "I16", "I8", "U8"}
COUNTER = "num_batches_tracked"  # of a batch normalisation; it counts while training and plays no part afterwards


@dataclass(frozen=True)
class Match:
    """Which tensors of a file are a network's.

    Attributes:
        names: of the network -> in the file; counters may lack.
        done: what had to be done to them, in sentences.
    """

    names: dict[str, str]
    done: tuple[str, ...] = ()


class Mismatch(Exception):  # noqa: N818 - the caller makes the error of it
    """The tensors are not the network's; says in what, as the end of a sentence."""


def adapted(header: Mapping[str, object], expected: Mapping[str, Tensor]) -> Match:
    """Find the tensors of a network among those of a file, however other people's tools have written them.

    Args:
        header: name -> description, as in a safetensors header that nobody has checked yet.
        expected: the network's state dict; only shapes and types are looked at.

    Raises:
        Mismatch: one is missing or of another shape, or there are two networks to choose from.
    """
    bare = {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in header}
    if len(bare) < len(header):  # the same tensor with and without a wrapper: names as they are
        bare = {name: name for name in header}
    prefixes = _prefixes(bare, expected)
    faults = {prefix: _fault(header, bare, prefix, expected) for prefix in prefixes}
    fitting = [prefix for prefix, fault in faults.items() if fault is None]
    if not fitting:
        raise Mismatch(faults[prefixes[0]])
    if len(fitting) > 1 and "" not in fitting:
        raise Mismatch(f"it holds {len(fitting)} of them ({', '.join(map(_shown, fitting[:3]))}); keep one")
    prefix = min(fitting, key=len)
    names = {name: bare[prefix + name] for name in expected if prefix + name in bare}
    return Match(names, tuple(_done(header, names, expected)))


def exact(header: Mapping[str, object], expected: Mapping[str, Tensor]) -> Match:
    """The same for a file that must be exactly the network's, name by name and type by type.

    Raises:
        Mismatch: it is not.
    """
    names = {name: name for name in header}
    if missing := [name for name in expected if name not in header]:
        raise Mismatch(f"tensor {missing[0]} is missing")
    if extra := [name for name in header if name not in expected]:
        raise Mismatch(f"unexpected tensor {_shown(extra[0])}")
    if fault := _fault(header, names, "", expected):
        raise Mismatch(fault)
    for name, tensor in expected.items():
        if header[name]["dtype"] != (wanted := dtype_of(tensor)):
            raise Mismatch(f"tensor {name} holds {header[name]['dtype']} numbers where {wanted} is expected")
    return Match(names)


def described(tensors: Mapping[str, object]) -> str:
    """The first few tensors with their shapes, for a sentence; from a header or from a state dict."""
    first = [f"{_shown(name)} {_size(_shape(entry))}" for name, entry in list(tensors.items())[:2]]
    return ", ".join(first + ["..."] * (len(tensors) > 2))


def dtype_of(tensor: Tensor) -> str:
    """A tensor's type as safetensors writes it."""
    known = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "uint8": "U8"}
    name = str(tensor.dtype).removeprefix("torch.")
    return known.get(name) or name.replace("int", "I")


def _prefixes(bare: Mapping[str, str], expected: Mapping[str, Tensor]) -> list[str]:
    """What may stand in front of the network's names, the likeliest first; never empty."""
    counts: dict[str, int] = {}
    for name in bare:
        # "model.net.bn2.weight" may be net.bn2.weight of "model.", bn2.weight of "model.net.", and so on
        parts = name.split(".")
        for cut in range(min(len(parts), 16)):
            if ".".join(parts[cut:]) in expected:
                prefix = "".join(f"{part}." for part in parts[:cut])
                counts[prefix] = counts.get(prefix, 0) + 1
    return sorted(counts, key=lambda prefix: (-counts[prefix], len(prefix)))[:64] or [""]


def _fault(
    header: Mapping[str, object], bare: Mapping[str, str], prefix: str, expected: Mapping[str, Tensor]
) -> str | None:
    """The first thing that keeps the tensors behind a prefix from being the network's."""
    for name, tensor in expected.items():
        if prefix + name not in bare:
            if name.endswith(COUNTER):
                continue
            return f"tensor {name} is missing"
        entry = header[bare[prefix + name]]
        shape, wanted = _shape(entry), list(tensor.shape)
        if shape is None:
            return f"tensor {name} has no description of type and shape"
        if shape != wanted and not (wanted == [] and shape == [1]):
            return f"tensor {name} is {_size(shape)}, not {_size(wanted)}"
        known = FLOATS.keys() if tensor.is_floating_point() else FLOATS.keys() | WHOLE
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in known:
            kind = "floating-point" if tensor.is_floating_point() else "whole"
            return f"tensor {name} holds {_shown(entry['dtype'])} and not {kind} numbers"
    return None


def _done(header: Mapping[str, object], names: Mapping[str, str], expected: Mapping[str, Tensor]) -> list[str]:
    done = []
    if renamed := next((pair for pair in names.items() if pair[0] != pair[1]), None):
        done.append(f"the tensors' names were shortened: {_shown(renamed[1])} is {renamed[0]}")
    if missing := len(expected) - len(names):
        plural = "s were" if missing > 1 else " was"
        done.append(f"{missing} missing counter{plural} set to 0 ({COUNTER}); a trained network does without")
    for kind in sorted({header[names[n]]["dtype"] for n in names if expected[n].is_floating_point()}):
        wanted = {dtype_of(tensor) for tensor in expected.values() if tensor.is_floating_point()}
        if {kind} != wanted:
            done.append(f"numbers in {FLOATS[kind]} were turned into {' or '.join(FLOATS[w] for w in sorted(wanted))}")
    used = set(names.values())
    if extra := [name for name in header if name not in used]:
        plural, were = ("s", "were") if len(extra) > 1 else ("", "was")
        done.append(f"{len(extra)} tensor{plural} beside the network's {were} passed over, such as {_shown(extra[0])}")
    return done


def _shape(entry: object) -> list[int] | None:
    """The shape that a header's entry or a tensor has; None if it says none that a tensor can have."""
    if isinstance(entry, Tensor):
        return list(entry.shape)
    shape = entry.get("shape") if isinstance(entry, dict) and "dtype" in entry else None
    whole = isinstance(shape, list) and all(type(side) is int and side >= 0 for side in shape)  # True is no side
    return shape if whole else None


def _size(shape: list[int] | None) -> str:
    if not shape:
        return "one number" if shape == [] else "without a shape"
    words = " x ".join(str(side) if side < 10**9 else "huge" for side in shape[:6])
    return words + " x ..." * (len(shape) > 6)


def _shown(text: object) -> str:
    return quoted(text, 40)
