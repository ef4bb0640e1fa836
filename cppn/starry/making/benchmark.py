"""Our painting and the interpreter's, side by side.

python -m cppn starry benchmark --pyth FOLDER
"""

from __future__ import annotations

from cppn.starry.making.pyth import REPEATS, ask


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry benchmark`."""
    report = ask("benchmark", argv)
    theirs, ours = report["cpu_seconds"], report["our_cpu_seconds"]
    print(f"Pyth {theirs:.1f} CPU-s, we {ours:.3f} (median of {REPEATS}): {report['times_as_fast']} times as fast")
    return 0
