"""A kilobyte of your own, with more patience than the page has.

python -m cppn starry squeeze picture.jpg --seconds 600 --out picture.pyth
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image

from cppn.checkpoint import write_atomically
from cppn.starry.squeeze import STAGES, Look, squeeze_file


def describe(look: Look) -> str:
    """One line about a look."""
    return (
        f"{look.share:4.0%}  {look.seconds:6.1f} s  {STAGES[look.stage]:20}  score {look.score:9.2f}  "
        f"{look.decibels:5.2f} dB  {len(look.data):,} bytes"
    )


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry squeeze`."""
    parser = argparse.ArgumentParser(prog="python -m cppn starry squeeze", description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path, help="PNG, JPEG, WebP, GIF or BMP, of any size")
    parser.add_argument("--seconds", type=float, default=600, help="time to search (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random start (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the .pyth file to write; its picture goes beside it")
    args = parser.parse_args(argv)
    if not args.seconds >= 1:
        parser.error("at least one second is needed")
    torch.set_num_threads(1)
    look = None
    try:
        for look in squeeze_file(args.picture, args.seconds, args.seed):
            print(describe(look), flush=True)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        print("stopped; the last program is kept", file=sys.stderr)
    if look is None:
        parser.exit(2, f"{parser.prog}: there was no time for a first program; allow more seconds\n")
    write_atomically(args.out, look.data)
    Image.fromarray(look.picture.numpy()).save(args.out.with_suffix(".png"), format="PNG")
    print(f"{args.out}: {len(look.data):,} bytes; {args.out.with_suffix('.png')}: what it paints")
    return 0
