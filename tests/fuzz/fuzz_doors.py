"""Every door through which a stranger's file or value comes in, as a plain function: the one table of the fuzzer."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fuzz_mutants as mutants
import numpy as np


@dataclass(frozen=True)
class Door:
    """Attributes: make: draws what comes in. take: what is done with it; raises what it raises."""

    make: Callable[[np.random.Generator], tuple[str, object]]
    take: Callable[[object], object]


def ask(wing: str, name: str, /, **given: object) -> object:
    """An endpoint's answer, all of it if it comes in pieces."""
    answer = getattr(importlib.import_module(f"cppn.{wing}.endpoints"), name)(**given)
    return list(answer) if isinstance(answer, Iterator) else answer


def hide_target(picture: Path) -> object:
    """What hiding a picture does before it trains."""
    from cppn.flags.target import Target
    from cppn.render import open_picture

    return Target.from_picture(open_picture(picture), 320)


def squeeze_target(picture: Path) -> object:
    """What squeezing a picture does before it searches."""
    from cppn.render import open_picture
    from cppn.starry.squeeze import target_of

    return target_of(open_picture(picture))


def with_file(make: Callable, wing: str, name: str, parameter: str, **given: object) -> Door:
    return Door(make, lambda path: ask(wing, name, **{parameter: path}, **given))


ASKED = {  # endpoints with parameters that are no file, and are cheap at their defaults
    "flags": ("decode_flag", "flag_progress"),
    "glyphs": ("draw_glyph", "send_glyph", "interpolate_glyphs"),
    "quine": ("verify_quine", "tamper_quine", "heal_quine"),
    "odd_shapes": ("draw_odd_shapes",),
    "starry": ("paint_starry", "starry_neurons"),
}


def call(rng: np.random.Generator) -> tuple[str, object]:
    """An endpoint with one or two of its values replaced by what nobody should send."""
    wing = mutants.pick(rng, list(ASKED))
    name = mutants.pick(rng, ASKED[wing])
    function = getattr(importlib.import_module(f"cppn.{wing}.endpoints"), name)
    names = list(inspect.signature(function).parameters)
    given = {mutants.pick(rng, names): mutants.scalar(rng) for _ in range(rng.integers(1, 3))}
    if "name" in names:
        given.setdefault("name", "exact_mlp")
    if "team" in names:
        given.setdefault("team", "japan")
    return f"{name}({', '.join(f'{key}={str(value)[:20]!r}' for key, value in given.items())})", (wing, name, given)


DOORS = {
    "open_gift": with_file(
        functools.partial(mutants.safetensors_file, folder="flags"), "flags", "open_gift", "weights"
    ),
    "verify_quine_file": with_file(
        functools.partial(mutants.safetensors_file, folder="quine"), "quine", "verify_quine_file", "weights"
    ),
    "paint_program": with_file(mutants.program_file, "starry", "paint_program", "file"),
    "locate_odd_shape": with_file(mutants.picture_file, "odd_shapes", "locate_odd_shape", "picture"),
    "attention_of": with_file(mutants.picture_file, "odd_shapes", "attention_of", "picture"),
    "read_glyph": with_file(mutants.picture_file, "glyphs", "read_glyph", "picture", model="script"),
    "hide": Door(mutants.picture_file, hide_target),
    "squeeze": Door(mutants.picture_file, squeeze_target),
    "values": Door(call, lambda asked: ask(asked[0], asked[1], **asked[2])),
}
