"""How far off a network is, on average, on pictures that it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cppn.faults import still_wanted
from cppn.odd_shapes.dataset import Pictures, named_rng, sample
from cppn.odd_shapes.locate import uncertainty
from cppn.odd_shapes.network import OddNet, SeedNet, centres, shares

BATCH = 250  # pictures at a time; the same seed gives the same pictures whatever the count
NORMAL = 1.96  # half-width of a 95% interval, in standard errors
MISS = 5.0  # pixels of distance from which an answer counts as wrong
# name -> least and most visible share of the odd shape; "hidden" is exactly nothing
STRATA = {"hidden": (0.0, 0.0), "0-25%": (0.0, 0.25), "25-50%": (0.25, 0.5), "over 50%": (0.5, 1.0)}
MASSES = (0.5, 0.9, 0.99)  # of the probability that the regions hold in which a network says that the centre lies


@dataclass
class Score:
    """Collected so far: errors (N, 2) in pixels; what was visible, (N,); the network's own doubt in pixels, (N,).

    Attributes:
        held: for each of `MASSES`, how much of the true centre its region held, (N, 3), in [0, 1]; see `held_by`.
    """

    error: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    visible: np.ndarray = field(default_factory=lambda: np.zeros(0))
    doubt: np.ndarray = field(default_factory=lambda: np.zeros(0))
    held: np.ndarray = field(default_factory=lambda: np.zeros((0, len(MASSES))))

    def add(self, error: np.ndarray, visible: np.ndarray, doubt: np.ndarray, held: np.ndarray) -> None:
        """Take in one more batch."""
        self.error = np.concatenate([self.error, error])
        self.visible = np.concatenate([self.visible, visible])
        self.doubt = np.concatenate([self.doubt, doubt])
        self.held = np.concatenate([self.held, held])

    def summary(self) -> dict[str, object]:
        """All measures: over all pictures, by what is visible, and by how sure the network said it was."""
        doubts = {"under 1 px": (0, 1), "1 to 5 px": (1, 5), "over 5 px": (5, np.inf)}
        return {
            **measures(self.error),
            "by_visible": {name: self._part(stratum(self.visible, name)) for name in STRATA},
            "by_uncertainty": {
                name: self._part(chosen)
                | {"said_px": round(_root_mean_square(self.doubt[chosen]), 3), "regions": self._regions(chosen)}
                for name, (low, high) in doubts.items()
                if (chosen := (self.doubt >= low) & (self.doubt < high)).any()
            },
            "regions": self._regions(np.ones(len(self.held), bool)),
        }

    def _part(self, chosen: np.ndarray) -> dict[str, float | None]:
        return {"share": round(float(chosen.mean()), 4), **(measures(self.error[chosen]) if chosen.any() else {})}

    def _regions(self, chosen: np.ndarray) -> list[dict[str, object]]:
        return [_coverage(mass, held) for mass, held in zip(MASSES, self.held[chosen].T, strict=True)]


def stratum(visible: np.ndarray, name: str) -> np.ndarray:
    """Which pictures belong to a stratum, bool (N,)."""
    low, high = STRATA[name]
    return visible == 0 if high == 0 else (visible > low) & (visible <= high)


def measures(error: np.ndarray) -> dict[str, float | None]:
    """Error measures of N > 0 answers that are off by (N, 2) pixels.

    `rmse` is the homework's measure, the root of the mean over pictures and both coordinates; its standard error and
    95% interval follow from the spread of the squared errors, so a single picture has none. `euclidean_rmse` is larger
    by the square root of two.
    """
    square = np.square(error).mean(axis=1)  # (N,)
    distance = np.sqrt(2 * square)
    rmse = float(np.sqrt(square.mean()))
    spread = float(square.std() / np.sqrt(len(square))) if len(square) > 1 else None
    return {
        "pictures": len(error),
        "rmse": round(rmse, 4),
        **uncertain(rmse, spread, 4),
        "euclidean_rmse": round(rmse * 2**0.5, 4),
        "median_distance": round(float(np.median(distance)), 4),
        "share_over_5px": round(float((distance > MISS).mean()), 4),
    }


def uncertain(rmse: float, spread: float | None, digits: int) -> dict[str, object]:
    """Standard error and 95% interval of a root mean square; None and None where the spread is not known.

    Args:
        spread: standard error of the mean square that `rmse` is the root of.
    """
    if spread is None:
        return {"standard_error": None, "interval_95": None}
    ends = (max(0.0, rmse * rmse + side * NORMAL * spread) ** 0.5 for side in (-1, 1))
    return {
        "standard_error": round(spread / max(2 * rmse, 1e-9), digits),
        "interval_95": [round(end, digits) for end in ends],
    }


def _coverage(mass: float, held: np.ndarray) -> dict[str, object]:
    """How often the regions of this probability held the true centre, with a 95% interval; None for one picture."""
    mean, reach = float(held.mean()), NORMAL * float(held.std()) / len(held) ** 0.5
    interval = [round(min(1.0, max(0.0, mean + side * reach)), 4) for side in (-1, 1)]
    return {
        "mass": mass,
        "pictures": len(held),
        "held": round(mean, 4),
        "held_interval_95": interval if len(held) > 1 else None,
    }


def held_by(log_probability: Tensor, true: Tensor, mass: float) -> Tensor:
    """How much of the true centre lies in the smallest regions that hold this much of a network's probability, (B,).

    A region takes the likeliest token, the next one, and so on. The last would make it too large, so it is taken only
    with the chance that makes the probability exact, which counts here as that share of it. A network whose
    probabilities are right has a mean of exactly `mass`, whatever the pictures.

    Args:
        log_probability: of each token, (B, 144). true: how the true centre is shared out among the tokens, (B, 144), as
            the networks learn it: each token stands for the places round it.
    """
    likely, order = log_probability.double().exp().sort(dim=1, descending=True)  # (B, 144)
    before = likely.cumsum(dim=1) - likely
    taken = ((mass - before) / likely.clamp(min=1e-300)).clamp(0, 1)  # whole tokens, a share of one, then none
    return (true.double().gather(1, order) * taken).sum(dim=1)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values).mean()))


def exam(count: int, seed: int) -> Iterator[Pictures]:
    """`count` fresh pictures in batches; a longer exam with the same seed begins with the same pictures."""
    for start in range(0, count, BATCH):
        pictures = sample(named_rng(f"odd_shapes exam {start}", seed), BATCH)
        left = min(BATCH, count - start)
        yield pictures if left == BATCH else pictures.first(left)


@torch.no_grad()
def examine(net: OddNet | SeedNet, count: int, seed: int) -> Iterator[Score]:
    """Ask a network about fresh pictures; yields the growing score after every batch.

    Raises:
        Abandoned: nobody waits for it any more.
    """
    result, places = Score(), centres(net.FIRST, net.STEP)
    for pictures in exam(count, seed):
        still_wanted()
        answer = net(pictures.inputs)
        error = (answer.position - pictures.targets).double().numpy()
        true = shares(pictures.targets, net.FIRST, net.STEP)
        held = torch.stack([held_by(answer.log_probability, true, mass) for mass in MASSES], dim=1)
        result.add(error, pictures.visible, uncertainty(answer, places).numpy(), held.numpy())
        yield result
