"""Whether the real interpreter paints what we paint.

python -m cppn starry check --pyth FOLDER program.pyth
"""

from __future__ import annotations

from cppn.starry.making.pyth import ask


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry check`; status 1 if a value differs."""
    report = ask("check", argv)
    print(f"{report['differing']:,} of {report['values']:,} values differ")
    return int(report["differing"] > 0)
