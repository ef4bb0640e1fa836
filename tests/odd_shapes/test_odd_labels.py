"""What a network in training is told: every centre that the odd shape may have, against drawing each there is."""

from __future__ import annotations

import numpy as np
import odd_reference as reference
import pytest
import torch

from cppn.odd_shapes.dataset import ABSENT, KINDS, SLOTS, Pictures, draw, named_rng, sample
from cppn.odd_shapes.making.labels import the_possible, the_true

SQUARES = [("square", 6, 18, 18), ("square", 4, 26, 18)]
CASES = {
    "hidden": ("circle", 4, 17, 19),
    "a tip": ("triangle", 4, 18, 15),  # which larger triangles have, too
    "a corner": ("triangle", 6, 20, 17),
    "in view": ("circle", 6, 45, 40),
}


def picture_of(shapes: list[tuple[str, int, int, int]]) -> Pictures:
    """The odd shape first."""
    absent = [("", 4, 10, 10)] * (SLOTS - len(shapes))
    kind, radius, x, y = zip(*shapes, *absent, strict=True)
    kind = [KINDS.index(name) if name else ABSENT for name in kind]
    return draw(*(np.array([column]) for column in (kind, radius, x, y)))


def brute_force(odd: tuple[str, int, int, int]) -> np.ndarray:
    """Probability (64 y, 64 x): each circle and triangle is drawn on the squares, and counts if the picture is this."""
    picture = reference.draw([*SQUARES, odd])
    ys, xs = np.nonzero(picture == 0)
    chance = np.zeros((64, 64))
    for radius in range(4, 11):
        for y in range(max(radius, ys.min()), min(64 - radius, ys.max())):
            for x in range(max(radius, xs.min()), min(64 - radius, xs.max())):
                for kind in ("circle", "triangle"):
                    if np.array_equal(reference.draw([*SQUARES, (kind, radius, x, y)]), picture):
                        chance[y, x] += 1 / (64 - 2 * radius) ** 2
    return chance / chance.sum()


@pytest.mark.parametrize("case", CASES)
def test_the_possible_centres_are_those_of_brute_force(case):
    labels = the_possible(picture_of([CASES[case], *SQUARES]))
    chance = np.zeros((64, 64))
    x, y = labels.centre.int().numpy().T
    chance[y, x] = labels.probability
    np.testing.assert_allclose(chance, brute_force(CASES[case]), atol=1e-6)
    assert (len(labels.centre) == 1) == (case in ("a corner", "in view"))


def test_every_picture_has_its_true_centre_among_the_possible_ones():
    pictures = sample(named_rng("possible", 0), 200)
    labels = the_possible(pictures)
    right = (labels.centre == pictures.targets[labels.picture]).all(dim=1)
    assert right.sum() == 200
    assert (labels.probability[right] > 0).all()
    total = torch.zeros(200).index_add(0, labels.picture, labels.probability)
    torch.testing.assert_close(total, torch.ones(200))
    assert len(labels.picture) > 250  # some leave several open


def test_true_labels_are_the_targets():
    pictures = sample(named_rng("true", 0), 5)
    labels = the_true(pictures)
    assert torch.equal(labels.picture, torch.arange(5))
    assert torch.equal(labels.centre, pictures.targets)
    assert torch.equal(labels.probability, torch.ones(5))
