"""What image codecs make of Starry Night: the best whole file of each within 1,024 bytes.

    python -m cppn starry codecs --target starry.png

A codec that Pillow was built without is skipped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from PIL import Image

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.starry.codecs import CODECS, best_file
from cppn.starry.making.measure import RESULTS
from cppn.starry.picture import open_target


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn starry codecs`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn starry codecs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="the picture that the scores are measured against")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    picture = Image.fromarray(open_target(args.target).numpy())
    path = args.weights / RESULTS
    results = json.loads(path.read_text(encoding="utf-8"))
    for name, codec in CODECS.items():
        if not codec.known:
            print(f"{name}: skipped, Pillow was built without it")
            continue
        if (file := best_file(picture, codec)) is None:
            print(f"{name}: no file is small enough")
            continue
        told = {"score": round(file.score, 2), "bytes": len(file.data), "settings": file.settings}
        results.setdefault("codecs", {})[name] = told
        print(f"{name}: score {file.score:.2f} in {len(file.data)} bytes, {file.settings}", flush=True)
        write_atomically(path, (json.dumps(results, indent=1) + "\n").encode())
    return 0
