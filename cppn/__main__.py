"""The command line: `python -m cppn <wing> <verb> …`."""

from __future__ import annotations

import importlib
import sys

# words -> "module:function"; the module is imported only when its command is called
COMMANDS = {
    ("flags", "decode"): "cppn.flags.decode:main",
    ("flags", "train"): "cppn.flags.train:main",
    ("flags", "measure"): "cppn.flags.measure:main",
    ("flags", "experiment"): "cppn.flags.experiment:main",
    ("flags", "benchmark"): "cppn.flags.benchmark:main",
    ("flags", "rasterise"): "cppn.flags.rasterise:main",
    ("glyphs", "draw"): "cppn.glyphs.draw:main",
    ("glyphs", "benchmark"): "cppn.glyphs.benchmark:main",
    ("glyphs", "train"): "cppn.glyphs.train:main",
    ("glyphs", "measure"): "cppn.glyphs.measure:main",
    ("glyphs", "experiment"): "cppn.glyphs.experiment:main",
    ("odd_shapes", "train"): "cppn.odd_shapes.train:main",
    ("odd_shapes", "locate"): "cppn.odd_shapes.locate:main",
    ("odd_shapes", "score"): "cppn.odd_shapes.score:main",
    ("odd_shapes", "measure"): "cppn.odd_shapes.measure:main",
    ("odd_shapes", "bayes"): "cppn.odd_shapes.bayes:main",
    ("quine", "solve"): "cppn.quine.solve:main",
    ("quine", "verify"): "cppn.quine.verify:main",
    ("quine", "measure"): "cppn.quine.measure:main",
    ("starry", "paint"): "cppn.starry.paint:main",
    ("starry", "squeeze"): "cppn.starry.squeeze:main",
    ("starry", "train"): "cppn.starry.train:main",
    ("starry", "measure"): "cppn.starry.measure:main",
    ("starry", "check"): "cppn.starry.pyth:main_check",
    ("starry", "benchmark"): "cppn.starry.pyth:main_benchmark",
    ("startup",): "cppn.startup:main",
    ("publish",): "cppn.hub:main",
    ("manifest",): "cppn.hub:main_manifest",
}


def main(argv: list[str]) -> int:
    """Run the command that the first words name; returns its exit status."""
    for length in (2, 1):
        if place := COMMANDS.get(tuple(argv[:length])):
            module, function = place.split(":")
            return getattr(importlib.import_module(module), function)(argv[length:])
    commands = "\n".join(f"  python -m cppn {' '.join(words)}" for words in COMMANDS)
    print(f"usage: python -m cppn <wing> <verb> …\n\n{commands}\n\nEach explains itself with --help.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
