"""The command line: `python -m cppn <wing> <verb> …`, made from what the wings declare.

A verb is an endpoint of the wing, or a module of its `making/` with a `main`: there is no list to keep.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

CODE = Path(__file__).parent
WINGS = sorted(path.parent.name for path in CODE.glob("*/endpoints.py"))
# what concerns all wings: word -> "module:function"
HOUSE = {
    "startup": "cppn.startup:main",
    "load": "cppn.load:main",
    "pictures": "cppn.pictures:main",
    "publish": "cppn.publish:main",
    "manifest": "cppn.publish:main_manifest",
}


def making(wing: str) -> dict[str, str]:
    """The verbs that make a wing's weights and figures: verb -> "module:main"."""
    modules = (CODE / wing / "making").glob("*.py")
    named = {path.stem: f"cppn.{wing}.making.{path.stem}:main" for path in modules if "\ndef main(" in path.read_text()}
    return dict(sorted(named.items()))


def asking(wing: str) -> dict[str, Callable[[list[str]], int]]:
    """The verbs that ask a wing something: verb -> what runs it. This loads the wing."""
    from cppn.endpoint import endpoints_of, run_command

    declared = endpoints_of(importlib.import_module(f"cppn.{wing}.endpoints"))
    return {
        asked.command: lambda argv, asked=asked: run_command(asked, f"python -m cppn {wing} {asked.command}", argv)
        for asked in declared
    }


def main(argv: list[str]) -> int:
    """Run the command that the first words name; returns its exit status."""
    if argv[:1] and argv[0] in HOUSE:
        return _call(HOUSE[argv[0]], argv[1:])
    if argv[:1] and argv[0] in WINGS:
        wing, verb = argv[0], argv[1] if len(argv) > 1 else ""
        if place := making(wing).get(verb):
            return _call(place, argv[2:])
        questions = asking(wing)
        if verb in questions:
            import torch

            torch.set_num_threads(1)  # as the app does: networks this small gain nothing from more
            return questions[verb](argv[2:])
        return _usage([f"{wing} {known}" for known in sorted({*questions, *making(wing)})])
    return _usage([*(f"{wing} …" for wing in WINGS), *HOUSE])


def _call(place: str, argv: list[str]) -> int:
    module, function = place.split(":")
    return getattr(importlib.import_module(module), function)(argv)


def _usage(commands: list[str]) -> int:
    listed = "\n".join(f"  python -m cppn {words}" for words in commands)
    print(f"usage: python -m cppn <wing> <verb> …\n\n{listed}\n\nEach explains itself with --help.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
