"""Training: what it samples, what it exports, that it learns, that it repeats itself."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import flag_reference as reference
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from cppn.faults import VisitorError
from cppn.flags.fit import Run, export, fit, forward, fourier_features, measure
from cppn.flags.network import MysteryNet
from cppn.flags.recipe import SEED_RECIPE, Recipe
from cppn.flags.samples import blur
from cppn.flags.target import SCALE, Target, psnr

TINY = Recipe(steps=40, batch=256)


@pytest.fixture(scope="module")
def target() -> Target:
    picture = Image.new("RGB", (40 * SCALE, 24 * SCALE), "white")
    ImageDraw.Draw(picture).ellipse([50, 20, 110, 80], fill="#bc002d")
    return Target.from_fine(picture)


def finish(target: Target, recipe: Recipe):
    *_, last = fit(target, recipe)
    return last


def test_the_target_is_the_box_filtered_drawing():
    noise = np.random.default_rng(0).integers(0, 256, (3 * SCALE, 5 * SCALE, 3), dtype=np.uint8)
    target = Target.from_fine(Image.fromarray(noise))
    assert (target.width, target.height) == (5, 3)
    pixels = noise.reshape(3, SCALE, 5, SCALE, 3).mean((1, 3)) / 255
    np.testing.assert_allclose(target.pixels.numpy(), pixels, atol=1e-6)
    between = noise[1 : 1 + SCALE, 6 : 6 + SCALE].mean((0, 1)) / 255
    np.testing.assert_allclose(target.fine[1, 6].numpy(), between, atol=1e-6)


@pytest.mark.parametrize("size", [(41, 40), (4, 40)])
def test_a_drawing_that_is_no_multiple_is_refused(size):
    with pytest.raises(ValueError, match="multiples"):
        Target.from_fine(Image.new("RGB", size))


@pytest.mark.parametrize(
    ("size", "fitted"), [((1080, 6000), (115, 640)), ((6000, 1080), (320, 58)), ((640, 1280), (320, 640))]
)
def test_a_long_picture_keeps_its_proportions(size, fitted):
    target = Target.from_picture(Image.new("RGB", size), 320)
    assert (target.width, target.height) == fitted


def test_psnr_is_that_of_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 5, 7)), rng.random((3, 5, 7))
    expected = -10 * np.log10(np.mean((a - b) ** 2))
    assert psnr(torch.tensor(a), torch.tensor(b)) == pytest.approx(expected, rel=1e-12)
    assert psnr(torch.full((9,), 0.1), torch.zeros(9)) == pytest.approx(20, abs=1e-5)


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(torch.ones(2), torch.ones(2)) == math.inf


@pytest.mark.parametrize("size", [(8, 4000), (4000, 8), (10, 10_000)])
def test_a_strip_is_refused_in_words(size):
    with pytest.raises(VisitorError, match=r"less than 8 pixels wide\. Cut out the part"):
        Target.from_picture(Image.new("RGB", size), 320)


def test_blur_is_a_gaussian():
    dot = torch.zeros(31, 41, 3)
    dot[15, 20] = 1
    y, x = np.mgrid[-15:16, -20:21]
    expected = np.exp(-(x**2 + y**2) / (2 * 2.0**2))
    np.testing.assert_allclose(blur(dot, 2.0)[:, :, 0].numpy(), expected / expected.sum(), atol=1e-4)
    torch.testing.assert_close(blur(torch.ones(7, 9, 3), 2.0), torch.ones(7, 9, 3))


def test_fourier_features_are_four_octaves_of_both_axes():
    x = np.random.default_rng(1).uniform(-1, 1, (5, 2)).astype(np.float32)
    ours = fourier_features(torch.from_numpy(x)).numpy()
    angles = [math.pi * 2**k * x[:, axis] for axis in range(2) for k in range(4)]
    expected = np.stack([np.sin(a) for a in angles] + [np.cos(a) for a in angles], axis=1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("recipe", [TINY, replace(SEED_RECIPE, steps=40, batch=256)], ids=["ours", "seed"])
def test_an_exported_gift_shows_the_same_picture_in_both_modes(target, recipe):
    net = export(finish(target, recipe).net, target, recipe)
    assert not net.training
    x = target.coordinates()
    with torch.no_grad():
        evaluation = net(x).clamp(0, 1)
        training = net.train()(x).clamp(0, 1)
    # not equal to the last bit: training mode divides by n, the running variance by n - 1 (here 960 and 959)
    assert psnr(training, evaluation) > 40


def test_exporting_without_norm_keeps_the_function(target):
    net = finish(target, TINY).net
    gift = export(net, target, TINY)
    x = torch.rand(100, 2) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(gift(x), forward(net, x, TINY), rtol=0, atol=1e-4)
    state = {name: tensor.numpy() for name, tensor in gift.state_dict().items()}
    np.testing.assert_allclose(gift(x).detach().numpy(), reference.forward(state, x.numpy()), atol=1e-4)
    assert int(gift.bn2.num_batches_tracked) > 0


@pytest.mark.parametrize(
    "recipe",
    [TINY, replace(SEED_RECIPE, steps=40, batch=256), replace(TINY, fourier=True), replace(TINY, optimizer="adam")],
    ids=["ours", "seed", "fourier", "adam"],
)
def test_every_recipe_learns(target, recipe):
    looks = list(fit(target, recipe))
    assert looks[-1].fraction == 1
    assert looks[-1].step == 40
    assert looks[-1].psnr > looks[0].psnr + 4


def test_our_recipe_learns_a_plain_flag_well(target):
    last = finish(target, Recipe(steps=300, batch=1024))
    grid, zoomed = measure(export(last.net, target, Recipe()), target)
    assert grid == pytest.approx(last.psnr, abs=0.1)
    assert grid > 28
    assert zoomed > 25


def test_measuring_agrees_with_numpy(target):
    net = export(finish(target, TINY).net, target, TINY)
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    grid, zoomed = measure(net, target)
    truth = target.pixels.numpy() * 255
    shown = reference.picture(state, target.width, target.height)
    assert grid == pytest.approx(10 * math.log10(255**2 / np.mean((shown - truth) ** 2)), abs=0.01)
    height, width, _ = target.fine.shape
    points = np.array([(x, y) for y in np.linspace(-1, 1, height) for x in np.linspace(-1, 1, width)])
    fine = np.clip(reference.forward(state, points), 0, 1).reshape(target.fine.shape)
    assert zoomed == pytest.approx(-10 * math.log10(np.mean((fine - target.fine.numpy()) ** 2)), abs=0.01)


def test_the_same_seed_gives_the_same_bytes(target):
    first, second = finish(target, TINY).net.state_dict(), finish(target, TINY).net.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = finish(target, replace(TINY, seed=1)).net.state_dict()
    assert not torch.equal(first["dense1.weight"], other["dense1.weight"])


@pytest.mark.parametrize(
    "recipe",
    [
        TINY,
        replace(SEED_RECIPE, steps=40, batch=256),
        replace(TINY, optimizer="adam"),
        replace(TINY, learning_rate=0.2, warmup=0.0, rollback=0.1),  # goes astray and is put back
    ],
    ids=["ours", "seed", "adam", "rollback"],
)
def test_a_run_goes_on_to_the_same_bytes_from_wherever_it_was_left(target, recipe):
    whole = Run(target, recipe)
    while not whole.done:
        whole.advance()
    run, advanced = Run(target, recipe), 0
    while not run.done:
        if advanced % 7 == 0:  # before looks and after, in the middle and at the end
            file = io.BytesIO()
            torch.save(run.state_dict(), file)
            file.seek(0)
            run = Run(target, recipe)
            run.load_state_dict(torch.load(file, weights_only=True))
        run.advance()
        advanced += 1
    first, second = (each.gift().state_dict() for each in (whole, run))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [look[::2] for look in run.curve] == [look[::2] for look in whole.curve]
    assert all(map(torch.equal, run.frames, whole.frames))
    assert run._best.rate == whole._best.rate
    assert whole._best.rate < 1 or recipe.rollback != 0.1


def test_a_run_delivers_its_best(target):
    run = Run(target, TINY)
    while not run.done:
        run.advance()
    best = run.gift().state_dict()
    with torch.no_grad():
        run.net.dense_head.weight.zero_()
    run._best.note(1.0, run.net)  # a look at a network that has forgotten everything
    assert all(torch.equal(tensor, run.gift().state_dict()[name]) for name, tensor in best.items())


def test_a_clock_goes_on_where_it_was(target):
    run = Run(target, replace(TINY, steps=10**9, seconds=1000.0))
    run.load_state_dict(run.state_dict() | {"clock": 999.999})
    while not run.done:
        run.advance()
    assert run.step < 1000


def test_time_ends_a_run(target):
    last = finish(target, replace(TINY, steps=10**9, seconds=0.3))
    assert last.fraction == 1
    assert 0 < last.step < 10**6


def test_a_run_can_be_left_at_any_report(target):
    run = fit(target, TINY)
    look = next(run)
    run.close()
    assert isinstance(export(look.net, target, TINY), MysteryNet)


def test_divergence_is_reported(target):
    with pytest.raises(FloatingPointError, match="diverged"):
        finish(target, replace(TINY, learning_rate=1e30, warmup=0.0))
