"""What holds the bits of a glyph down: the noise, the warps, or a training that ends too soon.

    python -m cppn glyphs capacity

Two answers for each large script. From above: the noise comes before the warps, so no more can arrive than what the
noise alone lets through, which is at most what it would let through of Gaussian pictures with the same covariance,
log2 det(1 + covariance / sigma^2) / 2 bits. From below: the same training with more steps.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.glyphs.channel import Channel
from cppn.glyphs.making.fit import Run
from cppn.glyphs.making.train import PLANS, perform
from cppn.glyphs.network import GlyphNet
from cppn.glyphs.weights import open_script
from cppn.recipes import positive, state_file
from cppn.training import named_generator

BOUNDED = ("script", "colour_1024", "colour_2048", "gray_1024")
LONGER = "colour_1024"  # the script that is trained for longer
MESSAGES, BATCH = 32_768, 1024  # of a covariance, several times as many as a picture has pixels and colours
WORKSHOP = Path("runs/glyphs")
RESULT = hub.BUNDLED / "results" / "glyph_capacity.json"


def gaussian_bits(covariance: Tensor, sigma: float) -> float:
    """Bits that normal noise lets through of a Gaussian with this covariance (D, D): log2 det(1 + C / sigma^2) / 2."""
    values = torch.linalg.eigvalsh(covariance.double()).clamp(min=0)
    return float(torch.log2(1 + values / sigma**2).sum() / 2)


@torch.inference_mode()
def covariance(net: GlyphNet, count: int) -> Tensor:
    """Covariance of the pictures of random messages, (D, D) with D = channels x pixels^2."""
    generator = named_generator("glyphs covariance", 0)
    size = net.channels * net.pixels**2
    total, products = torch.zeros(size), torch.zeros(size, size)
    for _ in range(count // BATCH):
        pictures = net.draw(torch.randn(BATCH, net.numbers, generator=generator)).flatten(1) - 0.5  # (BATCH, D)
        total += pictures.sum(0)
        products.addmm_(pictures.T, pictures)
    mean = total / count
    return products / count - torch.outer(mean, mean)


def longer(times: int, root: Path, workshop: Path) -> dict[str, object]:
    """The training of `LONGER` with that many times the steps; its bits on messages that no step has used."""
    plan = PLANS[LONGER]
    recipe = replace(plan.recipe, steps=times * plan.recipe.steps)
    run = Run(plan.build(root / "glyphs"), recipe)
    perform(run, state_file(workshop, LONGER, recipe, plan.recipe))
    usual = json.loads((root / "glyphs" / "runs" / f"{LONGER}.json").read_text(encoding="utf-8"))
    return {
        "script": LONGER,
        "usual": {"steps": usual["steps"], "bits": round(usual["curve"][-1][3], 1)},
        "longer": {"steps": run.step, "bits": round(run.curve[-1].bits, 1), "cpu_seconds": round(run.cpu_seconds)},
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs capacity`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs capacity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--times", type=positive, default=5, help="as many steps as usual (default: %(default)s)")
    parser.add_argument("--workshop", type=Path, default=WORKSHOP, help="unfinished runs (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED, help="a weights folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    found: dict[str, object] = {"messages": MESSAGES, "bits_through_the_noise_at_most": {}}
    for name in BOUNDED:
        net = open_script(name, args.weights / "glyphs" / f"{name}.safetensors").net
        bits = gaussian_bits(covariance(net, MESSAGES), Channel().sigma)
        found["bits_through_the_noise_at_most"][name] = round(bits)
        print(f"{name}: at most {bits:.0f} bits through the noise", flush=True)
    found["training"] = longer(args.times, args.weights, args.workshop)
    print(found["training"], flush=True)
    write_atomically(args.out, (json.dumps(found, indent=1) + "\n").encode())
    return 0
