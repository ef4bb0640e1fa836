"""Compare our network with the best possible answer, picture by picture.

    python -m cppn odd_shapes bayes --count 2000 --hidden 225

Takes the exam's first pictures, goes on through the exam until enough of them hide the odd shape completely, and finds
the posterior mean of each by exact enumeration. Pictures that allow too many explanations are left out on both sides
and counted. Every stratum is then weighted by its share of the exam, so the extra hidden pictures do not distort the
mean. The answers are kept in a journal: they do not depend on the network, so another one is compared within seconds.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cppn import hub
from cppn.journal import Journal
from cppn.odd_shapes.making.measure import RESULT, SEED, join
from cppn.odd_shapes.network import OddNet, SeedNet
from cppn.odd_shapes.posterior import BUDGET, TooManyError, posterior
from cppn.odd_shapes.score import BATCH, STRATA, exam, stratum, uncertain
from cppn.odd_shapes.weights import finder_of

JOURNAL = Path("runs/odd_shapes/posterior.jsonl")
SHARES_FROM = 100_000  # pictures from which the strata's shares are taken
LONGEST = 10_000_000  # pictures to go through in search of hidden ones


@dataclass(frozen=True)
class Compared:
    """One picture: what was visible of the odd shape, both answers' errors (2,) in pixels; None if none was found."""

    visible: float
    network: np.ndarray
    bayes: np.ndarray | None


class Solver:
    """Posterior means of the exam's pictures, (2,) in pixels; those in the journal are not computed again."""

    def __init__(self, budget: int, journal: Journal) -> None:
        self.budget, self.journal = budget, journal
        self.known = {entry["picture"]: entry["mean"] for entry in journal.entries() if entry["budget"] == budget}

    def __call__(self, number: int, ink: np.ndarray) -> np.ndarray | None:
        """The answer to picture `number` of the exam; None if it allows too many explanations."""
        if number not in self.known:
            try:
                self.known[number] = posterior(ink, self.budget).mean
            except TooManyError:
                self.known[number] = None
            self.journal.add({"picture": number, "budget": self.budget, "mean": self.known[number]})
        mean = self.known[number]
        return None if mean is None else np.array(mean)


def compare(net: OddNet | SeedNet, count: int, hidden: int, solve: Solver) -> Iterator[Compared]:
    """The first `count` pictures of the exam, and the hidden ones after them until there are `hidden` of these."""
    concealed = 0
    for batch, pictures in enumerate(exam(LONGEST, SEED)):
        hides, inputs, targets = pictures.visible == 0, pictures.inputs, pictures.targets.double().numpy()
        for number in range(BATCH):
            among_first = batch * BATCH + number < count
            if not among_first and concealed >= hidden:
                return
            if not among_first and not hides[number]:
                continue
            concealed += bool(hides[number])
            with torch.no_grad():
                answer = net(inputs[number : number + 1]).position[0].double().numpy()
            mean = solve(batch * BATCH + number, pictures.ink[number])
            error = None if mean is None else mean - targets[number]
            yield Compared(float(pictures.visible[number]), answer - targets[number], error)


def summarise(compared: list[Compared], shares: dict[str, float]) -> dict[str, object]:
    """Errors of both answers by stratum, and over all when each stratum has its share."""
    visible = np.array([c.visible for c in compared])
    strata, mean, variance = {}, dict.fromkeys(("bayes", "network"), 0.0), dict.fromkeys(("bayes", "network"), 0.0)
    for name in STRATA:
        members = [c for c, chosen in zip(compared, stratum(visible, name), strict=True) if chosen]
        solved = [c for c in members if c.bayes is not None]
        strata[name] = {
            "share": round(shares[name], 4),
            "pictures": len(solved),
            "not_solved": len(members) - len(solved),
        }
        for who in mean:
            square = np.array([np.square(getattr(c, who)).mean() for c in solved])
            own = float(square.mean()) if solved else 0.0
            own_variance = float(square.var(ddof=1)) / len(solved) if len(solved) > 1 else math.nan
            strata[name] |= _told(who, own, own_variance)
            mean[who] += shares[name] * own
            if shares[name]:  # one picture has no spread, and then neither has the whole
                variance[who] += shares[name] ** 2 * own_variance
    return {
        "pictures": sum(part["pictures"] for part in strata.values()),
        "not_solved": sum(part["not_solved"] for part in strata.values()),
        **_told("bayes", mean["bayes"], variance["bayes"]),
        **_told("network", mean["network"], variance["network"]),
        "by_visible": strata,
    }


def _told(who: str, mean: float, variance: float) -> dict[str, object]:
    """RMSE of one of both with its uncertainty, from its mean square and the variance of that, which may be NaN."""
    found = {"rmse": round(mean**0.5, 3), **uncertain(mean**0.5, None if math.isnan(variance) else variance**0.5, 3)}
    return found if who == "bayes" else {f"{who}_{key}": value for key, value in found.items()}


def exam_shares() -> dict[str, float]:
    """Each stratum's share of a long exam."""
    visible = np.concatenate([pictures.visible for pictures in exam(SHARES_FROM, SEED)])
    return {name: float(stratum(visible, name).mean()) for name in STRATA}


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn odd_shapes bayes`."""
    parser = argparse.ArgumentParser(
        prog="python -m cppn odd_shapes bayes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=2000, help="pictures (default: %(default)s)")
    parser.add_argument("--hidden", type=int, default=225, help="hidden ones among all (default: %(default)s)")
    parser.add_argument("--budget", type=int, default=BUDGET, help="branches a picture (default: %(default)s)")
    parser.add_argument("--journal", type=Path, default=JOURNAL, help="answers found so far (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULT, help="default: %(default)s")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        net = finder_of("ours").net
    except (ValueError, hub.WeightsError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    compared = []
    for result in compare(net, args.count, args.hidden, Solver(args.budget, Journal(args.journal))):
        compared.append(result)
        if len(compared) % 100 == 0:
            print(f"{len(compared)} pictures", flush=True)
    summary = summarise(compared, exam_shares()) | {"budget": args.budget}
    print(json.dumps(summary, indent=1))
    join(args.out, {"bayes": summary})
    return 0
