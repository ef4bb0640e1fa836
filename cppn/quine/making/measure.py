"""Measure everything that is said about the quines, and write it to weights/results/quine.json.

Without arguments all sections are measured, in about half an hour. `python -m cppn quine measure files tampering`
measures these two; the others stay in the file as they are.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.quine.architectures import ONE_PROBE, build
from cppn.quine.certify import certify, prove
from cppn.quine.heal import heal, leave_zero, regenerate
from cppn.quine.making import auxiliary, multiprecision
from cppn.quine.making.census import census
from cppn.quine.making.newton import find_roots, start_code
from cppn.quine.making.seed_training import draw_as_the_seed, train_as_the_seed
from cppn.quine.making.solve import COLLAPSED, newton_root, search_query
from cppn.quine.network import Quine, QuineConfig, assign, copier, flatten
from cppn.quine.query import QueryQuine
from cppn.quine.verify import examine, verify
from cppn.quine.weights import SHIPPED, environment_name, find_shipped, open_quine

RESULTS = "results/quine.json"
EXACT = tuple(slug for slug in SHIPPED if slug.startswith("exact_"))
FILES = ("verdict", "weights", "size", "max_delta", "mean_delta", "r2", "relative_delta", "bit_equal")
FILES += ("bit_equal_float32", "bit_equal_float64", "margin", "std", "zeros", "distinct", "sha256_weights")
NOISES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # standard deviations of the weights
DRAWS = range(40)  # noise draws for each share that is reported
LONG_DIGITS = 1000
BALANCES = (0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 1.0)  # a digit's score against a printed weight
COPIES = 1000  # after which regeneration has arrived or never will
CHUNK = 256  # changed copies that run at once: 4 MB of weights
FAST = 0.9  # roots that contract faster are tried for healing


def files(folder: Path) -> dict[str, object]:
    """Every shipped file: what `verify` reports, and the processor time it takes, nothing cached and all cached."""
    answer = {}
    for slug, quine in SHIPPED.items():
        seconds = []
        for _ in range(11):
            start = time.process_time()
            report = verify(open_quine(folder / quine.file)).report
            seconds.append(time.process_time() - start)
        figures = {name: value for name, value in asdict(report).items() if name in FILES}
        times = {"first_cpu_ms": round(seconds[0] * 1000, 1), "median_cpu_ms": round(sorted(seconds)[5] * 1000, 1)}
        answer[slug] = {**figures, **times}
        print(
            f"{slug}: {report.verdict}, largest error {report.max_delta:.2e}, {times['median_cpu_ms']} ms", flush=True
        )
    return answer


def proofs(folder: Path) -> dict[str, object]:
    """What is proved about each shipped file, the processor time it takes, and about each of its flipped signs."""
    answer = {}
    for slug, quine in SHIPPED.items():
        file = open_quine(folder / quine.file)
        theta, verdict, seconds = flatten(file.net), verify(file).report.verdict, []
        for _ in range(5):
            start = time.process_time()
            proof = prove(file.net, file.config, theta, verdict)
            seconds.append(time.process_time() - start)
        answer[slug] = {**asdict(proof), "cpu_ms": round(sorted(seconds)[2] * 1000, 1)}
        if slug in EXACT:
            flips = Counter(certify(file.net, flipped(theta, index)).verdict for index in theta.nonzero()[:, 0])
            answer[slug]["flipped_signs"] = dict(flips)
        print(f"{slug}: {answer[slug]}", flush=True)
    return answer


def flipped(theta: Tensor, index: int) -> Tensor:
    """A copy of weights (P,) with the sign of one changed."""
    changed = theta.clone()
    changed[index] *= -1
    return changed


def sensitivity(folder: Path) -> dict[str, object]:
    """How the answer for each weight follows that weight, d f(c) / d theta_c: 1 would be copying it from itself.

    With a sign head it is 0 almost everywhere, so there is nothing to differentiate.
    """
    answer = {}
    for slug, quine in SHIPPED.items():
        if quine.config.head == "identity":
            net = open_quine(folder / quine.file).net
            own = torch.func.jacrev(copier(net))(flatten(net)).diagonal().double()
            sizes = own.abs()
            answer[slug] = {
                "median": float(sizes.median()),
                "largest": float(sizes.max()),
                "within_a_tenth_of_1": float(((own - 1).abs() < 0.1).double().mean()),
            }
            print(f"{slug}: {answer[slug]}", flush=True)
    return answer


def tampering(folder: Path) -> dict[str, object]:
    """Each weight of each exact quine flipped, then each set to zero: what still verifies, what prints the original."""
    answer = {}
    for slug in EXACT:
        net = open_quine(folder / find_shipped(slug).file).net
        theta = flatten(net)
        nonzero = theta != 0
        answer[slug] = {"weights": len(theta), "nonzero": int(nonzero.sum())}
        for what, changed in (("flipped", -theta), ("zeroed", torch.zeros_like(theta))):
            verifies, original = change_each(net, changed)
            answer[slug][what] = {
                "still_verify": int((verifies & nonzero).sum()),
                "print_the_original": int((original & nonzero).sum()),
            }
        print(f"{slug}: {answer[slug]}", flush=True)
    return answer


@torch.no_grad()
def change_each(net: Quine | QueryQuine, changed: Tensor) -> tuple[Tensor, Tensor]:
    """Replace every weight in turn, each in a copy of its own.

    Args:
        changed: new value of each weight, shape (P,).

    Returns:
        Two boolean vectors (P,): the copy with weight i changed still prints itself; it prints the original.
    """
    original = flatten(net)
    copies = torch.where(torch.eye(len(original), dtype=torch.bool), changed, original)  # (P, P), row i changes i
    output = torch.vmap(copier(net), chunk_size=CHUNK)(copies)
    return (output == copies).all(dim=1), (output == original).all(dim=1)


def share_healed(net: Quine | QueryQuine, noise: float, seeds: range, steps: int, rate: float) -> float:
    """Share of noise draws after which the network comes back within `steps` copies."""
    return sum(heal(net, noise, seed, steps, rate).healed for seed in seeds) / len(seeds)


def healing(folder: Path) -> dict[str, object]:
    """Share of noise draws after which a quine comes back to itself: after one copy, and after many."""
    answer = {}
    for slug in (*EXACT, "newton"):
        net, rate = open_quine(folder / find_shipped(slug).file).net, find_shipped(slug).rate
        steps = 600 if slug == "newton" else 12
        answer[slug] = {
            "rate": rate,
            "steps": steps,
            "noise": NOISES,
            "healed": [share_healed(net, noise, DRAWS, steps, rate) for noise in NOISES],
        }
        if slug != "newton":
            answer[slug]["healed_by_one_copy"] = [share_healed(net, noise, DRAWS, 1, rate) for noise in NOISES]
        print(f"{slug}: {answer[slug]}", flush=True)
    return answer


def zero(folder: Path) -> dict[str, object]:
    """The zero quine of the seed's network: spread of the weights after each plain copy, from 0 and from 1e-9."""
    net = open_quine(folder / find_shipped("newton").file).net
    answer = {"from_zero": leave_zero(net, 0.0, 0, 10), "from_1e-9": leave_zero(net, 1e-9, 0, 10)}
    print(f"zero: {answer}", flush=True)
    return answer


def censuses(folder: Path) -> dict[str, object]:
    """All exact quines of the environments that were searched: how many, and their margins."""
    answer = {}
    for architecture in ONE_PROBE:
        tried = find_shipped(f"exact_{architecture}").tried
        margins, start = [], time.process_time()
        for number in range(tried):
            config = QuineConfig(architecture, "sign", environment_name(architecture, number))
            margins.append([round(exact.margin, 4) for exact in census(build(config))])
            print(f"{config.environment}: {len(margins[-1])} exact quines, margins {margins[-1]}", flush=True)
        counts = [len(each) for each in margins]
        answer[architecture] = {
            "environments": tried,
            "mean_count": sum(counts) / tried,
            "with_at_least_one": sum(count > 0 for count in counts),
            "margins": margins,
            "cpu_seconds": round(time.process_time() - start, 1),
        }
    return answer


def newton(folder: Path) -> dict[str, object]:
    """Newton's method on the seed's network: 64 starts in each environment that was searched."""
    quine, rows, start = find_shipped("newton"), [], time.process_time()
    for number in range(quine.tried):
        config = QuineConfig("mlp", "identity", environment_name("mlp", number), "float64")
        net = build(config)
        roots = find_roots(net, range(64))
        deltas = [examine(net, config, net.decode(root.code)).report.max_delta for root in roots]
        best = min(roots, key=lambda root: root.contraction)
        assign(net, net.decode(best.code))
        healed = share_healed(net, 1.0, range(20), 400, best.rate) if best.contraction < FAST else None
        rows.append(
            {
                "environment": number,
                "quines": len(roots),
                "largest_delta": max(deltas),
                "healing": sum(root.contraction < 1 for root in roots),
                "best_start": best.start,
                "best_rate": best.rate,
                "best_contraction": best.contraction,
                "healed_from_noise_1": healed,
            }
        )
        print(rows[-1], flush=True)
    return {"starts": 64, "environments": rows, "cpu_seconds": round(time.process_time() - start, 1)}


@torch.no_grad()
def regeneration(folder: Path) -> dict[str, object]:
    """Regeneration from one random start in each environment that Newton's method was tried in, at several rates."""
    quine, arrived = find_shipped("newton"), {}
    for rate in (1.0, 0.5, 0.3, 0.1):
        deltas = []
        for number in range(quine.tried):
            net = build(QuineConfig("mlp", "identity", environment_name("mlp", number), "float64"))
            printed = copier(net)
            *_, theta = regenerate(printed, net.decode(start_code(net.environment, 0, net.CODE)), rate, COPIES)
            deltas.append(float((printed(theta) - theta).abs().max()))
        arrived[str(rate)] = sum(delta < 1e-12 for delta in deltas)
        print(f"regeneration at rate {rate}: {arrived[str(rate)]} of {quine.tried} arrive", flush=True)
    return {"environments": quine.tried, "copies": COPIES, "arrived": arrived}


def digits(folder: Path) -> dict[str, object]:
    """The `newton` quine to a thousand digits."""
    net, root = newton_root(find_shipped("newton"))
    start = time.process_time()
    refined = multiprecision.refine_mlp(net, root.code, root.jacobian, LONG_DIGITS)
    seconds = round(time.process_time() - start, 1)
    print(f"{LONG_DIGITS} digits: largest error {refined.residual} in {seconds} s", flush=True)
    return {"digits": LONG_DIGITS, "max_delta": refined.residual, "cpu_seconds": seconds}


def seed(folder: Path) -> dict[str, object]:
    """The seed's training, its error every 2,000 steps: (step, sum of squared errors, largest error)."""
    start = time.process_time()
    looks = [look for look in train_as_the_seed(draw_as_the_seed(0, "float64")) if look[0] % 2000 == 0]
    print(f"seed: step {looks[-1][0]}, loss {looks[-1][1]:.2e}, largest error {looks[-1][2]:.2e}", flush=True)
    return {"curve": looks, "cpu_seconds": round(time.process_time() - start, 1)}


def query(folder: Path) -> dict[str, object]:
    """One query a weight: where Levenberg-Marquardt ends from each start, for 136, 300 and 528 weights."""
    answer = {}
    tried = find_shipped("query").tried
    for width in (8, 12, 16):
        config = QuineConfig("query", "identity", environment_name("query", 0), "float64", width)
        net, ends, start = build(config), [], time.process_time()
        for number in range(tried):
            theta, steps = search_query(net, number)
            report = examine(net, config, theta).report
            ends.append({"max_delta": report.max_delta, "std": report.std, "steps": steps})
        quines = [end for end in ends if end["max_delta"] < 1e-12 and end["std"] > COLLAPSED]
        answer[str(report.weights)] = {
            "starts": tried,
            "quines": len(quines),
            "collapsed_to_zero": sum(end["std"] <= COLLAPSED for end in ends),
            "ends": ends,
            "cpu_seconds": round(time.process_time() - start, 1),
        }
        print(f"{report.weights} weights: {len(quines)} of {tried} starts end in a quine", flush=True)
    return answer


def digits_read(folder: Path) -> dict[str, object]:
    """The auxiliary quine: how well it prints, and how many digits it reads."""
    quine = find_shipped("auxiliary")
    net = open_quine(folder / quine.file).net
    training, test = auxiliary.load_digits()
    report = examine(net, quine.config, flatten(net)).report
    answer = {
        "weights": report.weights,
        "r2": report.r2,
        "max_delta": report.max_delta,
        "accuracy_training": auxiliary.accuracy(net, training),
        "accuracy_test": auxiliary.accuracy(net, test),
    }
    print(f"auxiliary: {answer}", flush=True)
    return answer


def front(folder: Path) -> dict[str, object]:
    """The auxiliary quine's two tasks against each other: how well both are done at each balance between them."""
    quine, rows = find_shipped("auxiliary"), []
    training, test = auxiliary.load_digits()
    for weight in BALANCES:
        start, net = time.process_time(), build(quine.config)
        for _ in auxiliary.train(net, training, weight):
            pass
        row = {
            "balance": weight,
            "r2": round(examine(net, quine.config, flatten(net)).report.r2, 4),
            "accuracy_training": round(auxiliary.accuracy(net, training), 4),
            "accuracy_test": round(auxiliary.accuracy(net, test), 4),
            "cpu_seconds": round(time.process_time() - start, 1),
        }
        rows.append(row)
        print(f"front: {row}", flush=True)
    return {"rows": rows}


SECTIONS: dict[str, Callable[[Path], dict[str, object]]] = {
    "files": files,
    "proofs": proofs,
    "sensitivity": sensitivity,
    "tampering": tampering,
    "healing": healing,
    "zero": zero,
    "digits": digits,
    "auxiliary": digits_read,
    "front": front,
    "seed": seed,
    "newton": newton,
    "regeneration": regeneration,
    "query": query,
    "census": censuses,
}


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn quine measure`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn quine measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", help=f"of: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--folder", type=Path, default=hub.BUNDLED, help="a weights folder (default: %(default)s)")
    args = parser.parse_args(argv)
    if unknown := set(args.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    path = args.folder / RESULTS
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in args.sections or SECTIONS:
        results[name] = SECTIONS[name](args.folder)
        # kept after each section, so that an interrupted run loses nothing
        write_atomically(path, (json.dumps(results, indent=1, allow_nan=False) + "\n").encode())
    return 0
