"""Compare our network with the best possible answer, picture by picture.

    python -m cppn odd_shapes bayes --count 2000 --hidden 225

Takes the exam's first pictures, goes on through the exam until enough of them hide the odd shape completely, and finds
the posterior mean of each by exact enumeration. Pictures that allow too many explanations are left out on both sides
and counted. Every stratum is then weighted by its share of the exam, so the extra hidden pictures do not distort the
mean. The answers are kept in a journal: they do not depend on the network, so another one is compared within seconds.

A picture is what is left of a draw: kinds, a number of base shapes, and a placement (radius and centre) for each. Many
draws give the same picture. Weighted by how likely the dataset is to draw them, the mean of their odd centres has the
smallest possible expected squared error; no network can do better on average.

All draws cannot be listed one by one, since a base shape that lies wholly under others can be anywhere. But any draw
covers every black pixel, so the search branches on who covers a pixel: it takes the pixel that fewest placements cover,
tries each of them, and stops when all is covered. Shapes that are then left over are free, and their number is counted
with a formula. Placements that were tried before at the same pixel are barred in later branches, so nothing is counted
twice.
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
from cppn.checkpoint import write_atomically
from cppn.journal import Journal
from cppn.odd_shapes.dataset import CANVAS, FEWEST, KINDS, MOST, RADII, SMALLEST, half_width
from cppn.odd_shapes.making.measure import RESULT, SEED
from cppn.odd_shapes.network import OddNet, SeedNet
from cppn.odd_shapes.placements import fitting
from cppn.odd_shapes.score import BATCH, STRATA, exam, stratum, uncertain
from cppn.odd_shapes.weights import finder_of

JOURNAL = Path("runs/odd_shapes/posterior.jsonl")
SHARES_FROM = 100_000  # pictures from which the strata's shares are taken
LONGEST = 10_000_000  # pictures to go through in search of hidden ones
BUDGET = 100_000  # branches looked at for one picture and base kind before the search gives up

# how likely the dataset draws one placement of a given radius, float (7,)
WEIGHT = np.array([1 / RADII / (CANVAS - 2 * radius) ** 2 for radius in range(SMALLEST, SMALLEST + RADII)])


# --- the best possible answer to one picture


class TooManyError(RuntimeError):
    """The picture allows more explanations than the search may look at."""


@dataclass
class Posterior:
    """Sums over all draws that give a picture, up to a common factor: of their probability, and times x and y."""

    mass: float = 0.0
    x: float = 0.0
    y: float = 0.0

    @property
    def mean(self) -> tuple[float, float]:
        """The posterior mean of the odd shape's centre, pixels."""
        return self.x / self.mass, self.y / self.mass


def posterior(ink: np.ndarray, budget: int = BUDGET) -> Posterior:
    """Enumerate everything that could have made a picture.

    Args:
        ink: uint8 (64, 64), 1 is ink; drawn by the dataset's rules.
        budget: branches for each base kind.

    Raises:
        TooManyError: the budget did not suffice. ValueError: no draw of the dataset gives this picture.
    """
    placed = np.argwhere(fitting(ink))  # (P, 4): kind, radius index, y, x
    member = _members(ink, placed)  # (P, pixels)
    result = Posterior()
    for base in range(len(KINDS)):
        _Search(placed, member, base, result, budget).run()
    if result.mass == 0:
        raise ValueError("no draw of the dataset gives this picture")
    return result


def _members(ink: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Which black pixels each placement covers, bool (P, pixels), those that the fewest placements cover first."""
    canvas = np.zeros((len(placed), CANVAS, CANVAS), bool)
    for number, (kind, radius, y, x) in enumerate(placed.tolist()):
        for dy in range(-(radius + SMALLEST), radius + SMALLEST + 1):
            half = half_width(kind, radius + SMALLEST, dy)
            canvas[number, y + dy, x - half : x + half + 1] = True
    member = canvas[:, ink.astype(bool)]
    return member[:, np.argsort(member.sum(axis=0), kind="stable")]


def _bits(rows: np.ndarray) -> list[int]:
    """Each row of a bool table as one whole number, column 0 its lowest bit."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]


class _Search:
    """The draws with one base kind. Sets of pixels and of placements are whole numbers, one bit an element."""

    def __init__(self, placed: np.ndarray, member: np.ndarray, base: int, result: Posterior, budget: int) -> None:
        is_base = placed[:, 0] == base
        bases, odds = placed[is_base], placed[~is_base]
        self.result, self.left = result, budget
        self.base_cover, self.odd_cover = _bits(member[is_base]), _bits(member[~is_base])
        self.base_at, self.odd_at = _bits(member[is_base].T), _bits(member[~is_base].T)
        # two pixels that no placement covers together need two shapes
        together = member.astype(np.float32).T @ member.astype(np.float32) > 0
        self.together = _bits(together | np.eye(len(together), dtype=bool))
        self.base_weight = WEIGHT[bases[:, 1]].tolist()
        self.of_radius = _bits(np.stack([bases[:, 1] == radius for radius in range(RADII)]))
        # each of the two odd kinds is drawn half of the time
        weight = WEIGHT[odds[:, 1]] / 2
        self.odd = list(
            zip(weight.tolist(), (weight * odds[:, 3]).tolist(), (weight * odds[:, 2]).tolist(), strict=True)
        )
        self.any_odd = tuple(map(sum, zip(*self.odd, strict=True))) if self.odd else (0.0, 0.0, 0.0)
        self.everything = (1 << member.shape[1]) - 1
        self.all_bases = (1 << len(bases)) - 1

    def run(self) -> None:
        """Add all draws to the result."""
        self._cover(self.everything, self.all_bases, 0, 1.0, None)

    def _cover(
        self, open_: int, allowed: int, used: int, weight: float, odd: tuple[float, float, float] | None
    ) -> None:
        """Cover the pixels that are still open.

        Args:
            open_: uncovered pixels. allowed: base placements that are not barred.
            used: base shapes placed so far. weight: product of their weights.
            odd: the odd shape's (weight, weight x, weight y) if it has been placed.
        """
        if not open_:
            self._add(allowed, used, weight, odd or self.any_odd)
            return
        self.left -= 1
        if self.left < 0:
            raise TooManyError("too many explanations")
        if self._needed(open_) > MOST - used + (odd is None):
            return
        pixel = (open_ & -open_).bit_length() - 1
        if used < MOST:
            candidates = self.base_at[pixel] & allowed
            while candidates:
                bit = candidates & -candidates
                number = bit.bit_length() - 1
                candidates ^= bit
                self._cover(open_ & ~self.base_cover[number], allowed, used + 1, weight * self.base_weight[number], odd)
                allowed ^= bit  # the branches to come are those without it
        if odd is None:
            allowed &= ~self.base_at[pixel]
            candidates = self.odd_at[pixel]
            while candidates:
                bit = candidates & -candidates
                number = bit.bit_length() - 1
                candidates ^= bit
                self._cover(open_ & ~self.odd_cover[number], allowed, used, weight, self.odd[number])

    def _needed(self, open_: int) -> int:
        """A number of shapes below which these pixels cannot be covered."""
        count = 0
        while open_:
            count += 1
            open_ &= ~self.together[(open_ & -open_).bit_length() - 1]
        return count

    def _add(self, allowed: int, used: int, weight: float, odd: tuple[float, float, float]) -> None:
        """Count the draws in which the shapes placed so far appear, and any others are free among those allowed.

        Of k base shapes drawn one after the other, `used` are given: k! / (k - used)! orders, times the probability of
        the free ones. (A free shape that equals a given one is counted for each of them; such draws do not matter.)
        """
        free = sum(w * (allowed & mask).bit_count() for w, mask in zip(WEIGHT.tolist(), self.of_radius, strict=True))
        orders = sum(math.perm(k, used) * free ** (k - used) for k in range(max(FEWEST, used), MOST + 1))
        share = weight * orders
        self.result.mass += share * odd[0]
        self.result.x += share * odd[1]
        self.result.y += share * odd[2]


# --- the comparison


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
    before = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    write_atomically(args.out, (json.dumps({**before, "bayes": summary}, indent=1) + "\n").encode())
    return 0
