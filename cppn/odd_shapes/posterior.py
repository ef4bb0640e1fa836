"""The best possible answer: everything that could have made a picture, and how likely each place of the odd shape is.

A picture is what is left of a draw: kinds, a number of base shapes, and a placement (radius and centre) for each. Many
draws give the same picture. Weighted by how likely the dataset is to draw them, they say how likely each place is for
the odd centre; the mean of it has the smallest possible expected squared error, so no network can do better on average.

All draws cannot be listed one by one, since a base shape that lies wholly under others can be anywhere. But any draw
covers every black pixel, so the search branches on who covers a pixel: it takes the pixel that fewest placements cover,
tries each of them, and stops when all is covered. Shapes that are then left over are free, and their number is counted
with a formula. Placements that were tried before at the same pixel are barred in later branches, so nothing is counted
twice.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from cppn.faults import still_wanted
from cppn.odd_shapes.dataset import CANVAS, FEWEST, KINDS, MOST, RADII, SMALLEST, half_width
from cppn.odd_shapes.placements import fitting

BUDGET = 100_000  # branches looked at for one picture and base kind before the search gives up
LOOK_UP = 256  # branches between two looks at the clock, some milliseconds

# how likely the dataset draws one placement of a given radius, float (7,)
WEIGHT = np.array([1 / RADII / (CANVAS - 2 * radius) ** 2 for radius in range(SMALLEST, SMALLEST + RADII)])


class TooManyError(RuntimeError):
    """The picture allows more explanations than the search may look at."""


@dataclass(frozen=True)
class Posterior:
    """What can be known about the odd shape's centre.

    Attributes:
        probability: of each pixel to be the centre, float (64 y, 64 x), summing to 1.
        branches: that the search looked at.
    """

    probability: np.ndarray
    branches: int

    @property
    def mean(self) -> tuple[float, float]:
        """The best possible answer (x, y), pixels."""
        place = np.arange(CANVAS)
        return float(self.probability.sum(axis=0) @ place), float(self.probability.sum(axis=1) @ place)

    @property
    def uncertainty(self) -> float:
        """Distance of the centre from the mean that is to be expected, pixels (root mean square)."""
        x, y = self.mean
        square = (np.arange(CANVAS)[:, None] - y) ** 2 + (np.arange(CANVAS)[None] - x) ** 2
        return float((self.probability * square).sum() ** 0.5)


def posterior(ink: np.ndarray, budget: int = BUDGET, seconds: float = math.inf) -> Posterior:
    """Enumerate everything that could have made a picture.

    Args:
        ink: uint8 (64, 64), 1 is ink; drawn by the dataset's rules.
        budget: branches for each base kind.
        seconds: of a processor, for all of it.

    Raises:
        TooManyError: the budget or the time did not suffice. ValueError: no draw of the dataset gives this picture.
        Abandoned: nobody waits for it any more.
    """
    until = time.thread_time() + seconds
    placed = np.argwhere(fitting(ink))  # (P, 4): kind, radius index, y, x
    member = _members(ink, placed)  # (P, pixels)
    # two pixels that no placement covers together need two shapes
    together = member.astype(np.float32).T @ member.astype(np.float32) > 0
    together = _bits(together | np.eye(len(together), dtype=bool))
    mass, branches = np.zeros((CANVAS, CANVAS)), 0
    for base in range(len(KINDS)):
        search = _Search(placed, member, together, base, budget, until)
        search.add_to(mass)
        branches += search.looked
    if mass.sum() == 0:
        raise ValueError("no draw of the dataset gives this picture")
    return Posterior(mass / mass.sum(), branches)


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

    def __init__(
        self, placed: np.ndarray, member: np.ndarray, together: list[int], base: int, budget: int, until: float
    ) -> None:
        is_base = placed[:, 0] == base
        bases, self.odds = placed[is_base], placed[~is_base]
        self.together, self.budget, self.until, self.looked = together, budget, until, 0
        self.base_cover, self.odd_cover = _bits(member[is_base]), _bits(member[~is_base])
        self.base_at, self.odd_at = _bits(member[is_base].T), _bits(member[~is_base].T)
        self.base_weight = WEIGHT[bases[:, 1]].tolist()
        self.of_radius = _bits(np.stack([bases[:, 1] == radius for radius in range(RADII)]))
        # the share of all draws in which the odd shape is a given placement; in which it may be any of them
        self.as_odd, self.any_odd = [0.0] * len(self.odds), 0.0
        self.everything = (1 << member.shape[1]) - 1
        self.all_bases = (1 << len(bases)) - 1

    def add_to(self, mass: np.ndarray) -> None:
        """Add the probability of all draws to that of their odd centres, (64, 64), up to a common factor."""
        self._cover(self.everything, self.all_bases, 0, 1.0, None)
        own = WEIGHT[self.odds[:, 1]] / 2  # each of the two odd kinds is drawn half of the time
        np.add.at(mass, (self.odds[:, 2], self.odds[:, 3]), own * (np.array(self.as_odd) + self.any_odd))

    def _cover(self, open_: int, allowed: int, used: int, weight: float, odd: int | None) -> None:
        """Cover the pixels that are still open.

        Args:
            open_: uncovered pixels. allowed: base placements that are not barred.
            used: base shapes placed so far. weight: product of their weights.
            odd: the odd shape's placement if it has been placed.
        """
        if not open_:
            self._add(allowed, used, weight, odd)
            return
        self._count()
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
                self._cover(open_ & ~self.odd_cover[number], allowed, used, weight, number)

    def _count(self) -> None:
        """Count one more branch."""
        self.looked += 1
        if self.looked > self.budget:
            raise TooManyError("too many explanations")
        if self.looked % LOOK_UP == 0:
            still_wanted()
            if time.thread_time() > self.until:
                raise TooManyError("too many explanations for the time there is")

    def _needed(self, open_: int) -> int:
        """A number of shapes below which these pixels cannot be covered."""
        count = 0
        while open_:
            count += 1
            open_ &= ~self.together[(open_ & -open_).bit_length() - 1]
        return count

    def _add(self, allowed: int, used: int, weight: float, odd: int | None) -> None:
        """Count the draws in which the shapes placed so far appear, and any others are free among those allowed.

        Of k base shapes drawn one after the other, `used` are given: k! / (k - used)! orders, times the probability of
        the free ones. (A free shape that equals a given one is counted for each of them; such draws do not matter.)
        """
        free = sum(w * (allowed & mask).bit_count() for w, mask in zip(WEIGHT.tolist(), self.of_radius, strict=True))
        orders = sum(math.perm(k, used) * free ** (k - used) for k in range(max(FEWEST, used), MOST + 1))
        if odd is None:
            self.any_odd += weight * orders
        else:
            self.as_odd[odd] += weight * orders
