"""The dataset: equal to Pillow's drawing, distributed as the homework's generator, repeatable, fast."""

from __future__ import annotations

import numpy as np
import odd_reference as reference
import pytest
import torch

from cppn.faults import VisitorError
from cppn.odd_shapes.dataset import ABSENT, KINDS, draw, named_rng, sample

MANY = 60_000


@pytest.fixture(scope="module")
def many():
    return sample(named_rng("distribution", 0), MANY)


def test_a_thousand_random_pictures_are_those_that_pillow_draws():
    rng = np.random.default_rng(5)
    for _ in range(1000):
        kind = rng.integers(0, ABSENT + 1, 7)
        radius = rng.integers(4, 11, 7)
        x, y = (rng.integers(radius, 64 - radius) for _ in range(2))
        mine = draw(kind[None], radius[None], x[None], y[None])
        shapes = [
            (KINDS[k], int(r), int(a), int(b)) for k, r, a, b in zip(kind, radius, x, y, strict=True) if k != ABSENT
        ]
        assert np.array_equal(reference.draw(shapes), 255 * (1 - mine.ink[0]))


def test_every_kind_and_radius_is_drawn_as_pillow_draws_it_at_every_edge():
    for kind, name in enumerate(KINDS):
        for r in range(4, 11):
            for x, y in ((r, r), (63 - r, r), (r, 63 - r), (63 - r, 63 - r), (30, 33)):
                row = np.full((1, 7), r)
                mine = draw(np.array([[kind] + [ABSENT] * 6]), row, np.full((1, 7), x), np.full((1, 7), y))
                assert np.array_equal(reference.draw([(name, r, x, y)]), 255 * (1 - mine.ink[0]))


def test_what_is_visible_is_what_pillow_shows():
    pictures = sample(named_rng("visible", 0), 300)
    for n in range(300):
        rows = zip(pictures.kind[n], pictures.radius[n], pictures.x[n], pictures.y[n], strict=True)
        odd, *base = [(KINDS[k], int(r), int(x), int(y)) for k, r, x, y in rows if k != ABSENT]
        mask, others = reference.draw([odd]) == 0, reference.draw(base) == 0
        assert pictures.visible[n] == pytest.approx((mask & ~others).sum() / mask.sum())


def test_kinds_numbers_sizes_and_places_are_uniform(many):
    base, odd = many.kind[:, 1], many.kind[:, 0]
    assert (base != odd).all()
    pairs = np.bincount(base * 3 + odd, minlength=9)[[1, 2, 3, 5, 6, 7]] / MANY
    assert np.abs(pairs - 1 / 6).max() < 0.01
    number = (many.kind[:, 1:] != ABSENT).sum(axis=1)
    assert np.abs(np.bincount(number, minlength=7)[3:] / MANY - 1 / 4).max() < 0.01
    assert ((many.kind[:, 1:] == base[:, None]) | (many.kind[:, 1:] == ABSENT)).all()
    assert np.abs(np.bincount(many.radius.ravel(), minlength=11)[4:] / (7 * MANY) - 1 / 7).max() < 0.005
    for place in (many.x, many.y):
        small = place[many.radius == 4]
        assert (small.min(), small.max()) == (4, 59)
        assert np.abs(np.bincount(small, minlength=60)[4:] / len(small) - 1 / 56).max() < 0.003


def test_the_distribution_is_that_of_the_homework(many):
    """Figures of the original generator: label spread, ink, and how often the odd shape is covered."""
    assert many.targets.std(dim=0).tolist() == pytest.approx([14.48, 14.48], abs=0.15)
    assert many.ink.mean() == pytest.approx(0.21, abs=0.005)
    assert (many.visible == 0).mean() == pytest.approx(0.0187, abs=0.003)
    assert (many.visible < 0.25).mean() == pytest.approx(0.095, abs=0.005)
    assert (many.visible < 0.5).mean() == pytest.approx(0.198, abs=0.008)
    assert (many.visible == 1).mean() == pytest.approx(0.373, abs=0.01)


def test_inputs_are_ink_0_on_paper_1_and_targets_pixels(many):
    few = many.first(3)
    assert few.inputs.shape == (3, 1, 64, 64)
    assert few.inputs.dtype == few.targets.dtype == torch.float32
    assert torch.equal(few.inputs[:, 0], 1 - torch.from_numpy(few.ink).float())
    assert few.targets.tolist() == [[few.x[n, 0], few.y[n, 0]] for n in range(3)]


@pytest.mark.parametrize("base", [None, 0, 2])
@pytest.mark.parametrize("odd", [None, 1])
@pytest.mark.parametrize("shapes", [None, 3, 6])
def test_choices_are_kept(base, odd, shapes):
    pictures = sample(named_rng("choices", 1), 400, base, odd, shapes)
    assert (pictures.kind[:, 0] != pictures.kind[:, 1]).all()
    if base is not None:
        assert (pictures.kind[:, 1] == base).all()
    if odd is not None:
        assert (pictures.kind[:, 0] == odd).all()
    if base is None or odd is None:
        assert len(np.unique(pictures.kind[:, :2], axis=0)) > 1
    if shapes:
        assert ((pictures.kind != ABSENT).sum(axis=1) == shapes + 1).all()


@pytest.mark.parametrize(("base", "odd", "shapes"), [(1, 1, None), (None, None, 2), (None, None, 7)])
def test_impossible_choices_are_refused(base, odd, shapes):
    with pytest.raises(VisitorError, match=r"kind|base shapes"):
        sample(named_rng("choices", 1), 1, base, odd, shapes)


@pytest.mark.parametrize(
    ("kind", "radius", "x"), [(4, 5, 30), (-1, 5, 30), (0, 3, 30), (0, 11, 30), (0, 5, 4), (0, 5, 59)]
)
def test_impossible_shapes_are_refused(kind, radius, x):
    row = [np.full((1, 7), value) for value in (kind, radius, x, 30)]
    with pytest.raises(ValueError, match="shape"):
        draw(*row)


def test_the_same_seed_gives_the_same_pictures():
    first, second, other = (sample(named_rng("a", seed), 8).ink for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
