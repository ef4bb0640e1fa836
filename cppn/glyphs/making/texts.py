"""Measure whether random texts read back from their own drawings at any ink, and arrive through the channel.

    python -m cppn glyphs texts                      1,000 texts of `script`; goes on where it was stopped

Kept beside the figures of photographs, in `weights/results/glyph_texts.json`. A text counts as read back only if every
sign is right at every ink. Each is also sent through the channel of training, and counted when every sign arrives: at
first sight, and with the second look that the reader has at what the check bits refuse.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.glyphs.channel import Channel
from cppn.glyphs.legible import legible_message
from cppn.glyphs.message import ALPHABET, text_to_message
from cppn.glyphs.network import GlyphNet
from cppn.glyphs.send import read_arrivals, wilson
from cppn.glyphs.weights import script_of
from cppn.training import named_generator

RESULT = hub.BUNDLED / "results" / "glyph_texts.json"
SEED = 20_280_000  # of texts and disturbances
INKS = tuple(float(ink) for ink in range(1, 17))
DRAWS = 20  # times that each text is sent
ROUND = 25  # texts after which the figures are kept


def text_number(number: int) -> str:
    """A random text of one to eight characters."""
    random = np.random.default_rng([SEED, number])
    letters = random.integers(1, len(ALPHABET), random.integers(1, 9))
    return "".join(ALPHABET[letter] for letter in letters)


def one(net: GlyphNet, number: int) -> dict[str, float]:
    """What became of a text: read back (0 or 1), how often it arrived, at first sight and wrongly, and CPU seconds."""
    text = text_number(number)
    signs = text_to_message(text, net.numbers)
    start = time.process_time()
    message = legible_message(net, text)
    took = time.process_time() - start
    with torch.no_grad():
        own = net.read(torch.cat([net.draw(message[None], net.pixels, ink) for ink in INKS])).messages
        drawn = net.draw(message[None]).expand(DRAWS, -1, -1, -1)
        received = Channel().send(drawn, named_generator("glyph texts", SEED + number))
    _, read, again = read_arrivals(net, received)
    arrived = [torch.equal(reading.signs, signs) for reading in read]
    return {
        "read_back": int(torch.equal(own.sign(), signs.expand_as(own))),
        "arrived": sum(arrived),
        "arrived_at_first_sight": sum(came and at not in again for at, came in enumerate(arrived)),
        "wrong": sum(reading.text not in (None, text) for reading in read),
        "cpu_seconds_in_all": took,
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs texts`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs texts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="texts (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    script = script_of("script")
    known = {"model": script.name, "sha256": script.checkpoint.sha256, "seed": SEED}
    found = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    if {key: found.get(key) for key in known} != known:
        found = known | {"texts": 0}
    for number in range(found["texts"], args.count):
        found |= {key: found.get(key, 0) + value for key, value in one(script.net, number).items()}
        found["texts"] = count = number + 1
        if count % ROUND == 0 or count == args.count:
            found["read_back_interval_95"] = wilson(found["read_back"], count)
            found["sent"] = sent = DRAWS * count
            for key in ("arrived", "arrived_at_first_sight"):
                found[f"{key}_share"] = found[key] / sent
            found["arrived_interval_95"] = wilson(found["arrived"], sent)
            found["cpu_seconds"] = found["cpu_seconds_in_all"] / count
            print(found, flush=True)
            write_atomically(args.out, (json.dumps(found, indent=1) + "\n").encode())
    return 0
