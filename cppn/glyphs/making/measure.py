"""Measure the shipped scripts on the real thing, the channel of kornia, and keep the figures as data.

    python -m cppn glyphs measure                    every script whose weights are there
    python -m cppn glyphs measure script seed        these; the figures of the others stay

kornia belongs to making and measuring, not to the app: `pip install -r weights/requirements.txt`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.glyphs.channel import Channel
from cppn.glyphs.making.fit import bits, explained
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.glyphs.weights import MODELS, Script, open_script
from cppn.training import named_generator

RESULT = hub.BUNDLED / "results" / "glyphs.json"
SEED = 20_260_000  # of the messages and the disturbances; no training run has it
DRAWS = 5  # times that each message is sent
RESAMPLES = 4000  # of the messages, for the 95% intervals
STRENGTHS = (0.0, 0.5, 1.0, 1.25, 1.5, 2.0)  # multiples of the channel that the scripts were trained with
STUDIED = 512  # signs whose looks are measured, and messages sent at each strength
INTRICACY_PIXELS = 64  # width at which every script's looks are measured
BATCH = 250

Sender = Callable[[Tensor, torch.Generator], Tensor]


def kornia_sender() -> Sender:
    """The post's channel made of kornia's own modules: normal noise, RandomAffine, RandomPerspective.

    Raises:
        ModuleNotFoundError: kornia is not installed; the message says how to get it.
    """
    try:
        from kornia.augmentation import RandomAffine, RandomPerspective
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "measuring needs kornia, which the app does not: pip install -r weights/requirements.txt"
        ) from error
    affine = RandomAffine(degrees=30, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=(-10, 10))
    perspective = RandomPerspective(0.6, p=0.5)

    def send(pictures: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(pictures.shape, generator=generator)
        with torch.random.fork_rng():  # kornia draws from torch's own generator and takes no other
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
            return perspective(affine(pictures + Channel().sigma * noise))

    return send


@torch.inference_mode()
def exchange(net: GlyphNet | SeedNet, messages: Tensor, send: Sender, generator: torch.Generator) -> Tensor:
    """Messages (N, numbers) as they come back, (N, numbers), each drawn, sent and read once."""
    return torch.cat([net.read(send(net.draw(part), generator)).messages for part in messages.split(BATCH)])


def resampled_means(values: Tensor) -> Tensor:
    """Means of per-message values (N, ...) over `RESAMPLES` draws of N messages with replacement, (RESAMPLES, ...).

    A message goes with all that was measured on it: five sendings of one message are not five messages.
    """
    count = len(values)
    chosen = torch.randint(count, (RESAMPLES, count), generator=named_generator("glyphs resamples", SEED))
    shares = torch.zeros(RESAMPLES, count, dtype=torch.float64)
    shares.scatter_add_(1, chosen, torch.full_like(shares, 1 / count))
    return torch.tensordot(shares, values.double(), 1)


def interval(estimates: Tensor) -> list[float]:
    """95% interval from a figure's values (RESAMPLES,) on resampled messages: their 2.5 and 97.5% points."""
    return [round(float(point), 4) for point in estimates.quantile(torch.tensor([0.025, 0.975]).to(estimates))]


def fidelity(net: GlyphNet | SeedNet, send: Sender, count: int) -> dict[str, object]:
    """How well normal messages come back: R2 and bits over all draws, with 95% intervals over the messages."""
    messages = torch.randn(count, net.numbers, generator=named_generator("glyphs messages", SEED))
    draws = [exchange(net, messages, send, named_generator(f"glyphs draw {k}", SEED)) for k in range(DRAWS)]
    r2 = torch.stack([explained(messages, received) for received in draws]).mean(dim=0)  # (numbers,)
    error = torch.stack([(received - messages).square() for received in draws]).mean(dim=0)  # (N, numbers)
    mean, square = resampled_means(messages), resampled_means(messages.square())
    again = 1 - resampled_means(error) / (square - mean.square())  # (RESAMPLES, numbers)
    return {
        "r2": round(float(r2.mean()), 4),
        "r2_interval": interval(again.mean(dim=1)),
        "bits": round(bits(r2), 1),
        "bits_interval": interval(torch.tensor([bits(one) for one in again])),
    }


def sign_reading(net: GlyphNet | SeedNet, send: Sender, count: int) -> dict[str, object]:
    """How well messages of signs, -1 or 1, come back: share of right bits, and of messages without a wrong one."""
    generator = named_generator("glyphs signs", SEED)
    messages = torch.randint(2, (count, net.numbers), generator=generator) * 2.0 - 1
    right = torch.stack([(exchange(net, messages, send, generator) > 0) == (messages > 0) for _ in range(DRAWS)])
    return {
        "numbers": net.numbers,
        "bit_accuracy": round(float(right.double().mean()), 5),
        "bit_accuracy_interval": interval(resampled_means(right.double().mean(dim=(0, 2)))),
        "exact": round(float(right.all(dim=2).double().mean()), 4),
        "exact_interval": interval(resampled_means(right.all(dim=2).double().mean(dim=0))),
    }


def endurance(net: GlyphNet | SeedNet) -> list[list[float]]:
    """Triples (strength, R2, bits): our channel with every disturbance that many times as strong as in training."""
    messages = torch.randn(STUDIED, net.numbers, generator=named_generator("glyphs endurance", SEED))
    rows = []
    for strength in STRENGTHS:
        generator = named_generator("glyphs endurance channel", SEED)
        r2 = explained(messages, exchange(net, messages, Channel().scaled(strength).send, generator))
        rows.append([strength, round(float(r2.mean()), 4), round(bits(r2), 1)])
    return rows


@torch.inference_mode()
def intricacy(net: GlyphNet | SeedNet) -> dict[str, float]:
    """How intricate the signs are: spectral centroid in cycles a picture, and edge density."""
    messages = torch.randn(STUDIED, net.numbers, generator=named_generator("glyphs looks", SEED))
    signs = net.draw(messages, INTRICACY_PIXELS)
    return {"centroid": round(spectral_centroid(signs), 3), "edges": round(edge_density(signs), 4)}


def spectral_centroid(pictures: Tensor) -> float:
    """Mean spatial frequency in cycles a picture, weighted by power, the mean brightness left out; (N, C, S, S)."""
    size = pictures.shape[-1]
    power = torch.fft.fft2(pictures).abs().square().mean(dim=(0, 1))  # (S, S)
    frequency = torch.fft.fftfreq(size) * size
    radius = torch.hypot(frequency[:, None], frequency)
    power[0, 0] = 0
    return float((power * radius).sum() / power.sum())


def edge_density(pictures: Tensor) -> float:
    """Share of neighbouring pixels of which one is above a half and the other is not; (N, C, S, S)."""
    ink = pictures > 0.5
    down, across = ink[..., 1:, :] != ink[..., :-1, :], ink[..., 1:] != ink[..., :-1]
    return float((down.double().mean() + across.double().mean()) / 2)


def measure(script: Script, record: dict[str, object], count: int) -> dict[str, object]:
    """Everything that is known about one script; the figures without another word are those on kornia's channel."""
    net, kornia = script.net, kornia_sender()
    own = fidelity(net, Channel().send, count)
    return {
        "sha256": script.checkpoint.sha256,
        "bytes": script.checkpoint.size,
        "parameters": script.checkpoint.parameters,
        "config": asdict(script.checkpoint.config),
        "messages": count,
        **fidelity(net, kornia, count),
        **{f"{key}_own_channel": value for key, value in own.items()},
        "signs": sign_reading(net, kornia, count),
        "endurance": endurance(net),
        **intricacy(net),
        "cpu_seconds": record["cpu_seconds"],
        "steps": record["steps"],
        "curve": record["curve"],
    }


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs measure`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn glyphs measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MODELS)} (default: all that are there)")
    parser.add_argument("--count", type=int, default=2_000, help="messages, each sent five times (default: 2,000)")
    parser.add_argument("--weights", type=Path, default=hub.BUNDLED / "glyphs", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    if unknown := set(args.names) - set(MODELS):
        parser.error(f"there is no script {min(unknown)!r}; choose of: {', '.join(MODELS)}")
    torch.set_num_threads(1)
    try:
        kornia_sender()
    except ModuleNotFoundError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    for name in args.names or [name for name in MODELS if (args.weights / f"{name}.safetensors").exists()]:
        script = open_script(name, args.weights / f"{name}.safetensors")
        record = json.loads((args.weights / "runs" / f"{name}.json").read_text(encoding="utf-8"))
        found = measure(script, record, args.count)
        signs = found["signs"]
        print(
            f"{name}: R2 {found['r2']:.4f}  {found['bits']:.1f} bits  "
            f"signs {signs['bit_accuracy']:.4%} exact {signs['exact']:.2%}",
            flush=True,
        )
        results = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {"models": {}}
        results["models"][name] = found
        results["models"] = {key: results["models"][key] for key in MODELS if key in results["models"]}
        results |= {"seed": SEED, "draws": DRAWS}
        write_atomically(args.out, (json.dumps(results, indent=1) + "\n").encode())
    return 0
