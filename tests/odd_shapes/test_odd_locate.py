"""Any picture to a canvas, an answer, and the caveats that it deserves."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import odd_reference as reference
import pytest
import torch
from PIL import Image

from cppn import render
from cppn.__main__ import main
from cppn.faults import VisitorError
from cppn.odd_shapes import canvas as canvas_module
from cppn.odd_shapes import endpoints, locate, views, weights
from cppn.odd_shapes.canvas import Canvas, fit_to_canvas, to_image
from cppn.odd_shapes.dataset import KINDS, named_rng, sample
from cppn.odd_shapes.network import Answer, OddConfig, OddNet, centres
from cppn.odd_shapes.placements import AREA, covered, fitting, is_one_shape


@pytest.fixture(scope="module")
def pictures():
    return sample(named_rng("locate", 0), 30)


def canvas_of(array: np.ndarray) -> Canvas:
    return fit_to_canvas(Image.fromarray(array.astype(np.uint8)).convert("RGB"))


# --- fitting to the canvas


def test_a_picture_of_the_dataset_is_left_alone(pictures):
    canvas = fit_to_canvas(to_image(pictures.ink[0]).convert("RGB"))
    assert np.array_equal(canvas.ink, pictures.ink[0])
    assert canvas.done == ("Nothing had to be changed.",)
    assert not canvas.shaded


@pytest.mark.parametrize("times", [2, 8])
def test_an_enlarged_picture_is_read_as_the_small_one(pictures, times):
    canvas = canvas_of(np.kron(255 * (1 - pictures.ink[1]), np.ones((times, times))))
    assert np.array_equal(canvas.ink, pictures.ink[1])
    assert f"{64 * times} × {64 * times} pixels became 64 × 64" in " ".join(canvas.done)


def test_white_on_black_is_swapped_and_said(pictures):
    canvas = canvas_of(255 * pictures.ink[2])
    assert np.array_equal(canvas.ink, pictures.ink[2])
    assert "swapped" in canvas.done[0]


def test_colours_and_margins_are_said(pictures):
    wide = Image.new("RGB", (128, 64), "#ffffc0")
    wide.paste(Image.new("RGB", (20, 20), "#800000"), (54, 22))
    canvas = fit_to_canvas(wide)
    assert canvas.ink.sum() == 100  # 20 x 20 pixels at half the size
    assert canvas.ink[27:37, 27:37].all()
    text = " ".join(canvas.done)
    assert all(word in text for word in ("gray", "square", "128 × 64 pixels became 64 × 64"))


@pytest.mark.parametrize(("colour", "black"), [("white", 0), ("black", 4096), ("#808080", 0), ("#202020", 4096)])
def test_a_plain_picture_is_paper_or_ink(colour, black):
    for size in ((1, 1), (64, 64), (300, 100)):
        assert fit_to_canvas(Image.new("RGB", size, colour)).ink.sum() == black


def reduced_at_once(shades: np.ndarray, paper: int) -> np.ndarray:
    """Gray levels (H, W) reduced to 64 x 64 from a square that is made whole, as the canvas does without making it."""
    side = max(shades.shape)
    square = np.full((side, side), paper, np.float32)
    top, left = ((side - length) // 2 for length in shades.shape)
    square[top : top + shades.shape[0], left : left + shades.shape[1]] = shades
    return np.asarray(Image.fromarray(square).resize((64, 64), Image.Resampling.BOX))


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("size", [(65, 64), (64, 65), (640, 11), (11, 640), (333, 334), (1001, 77), (200, 1000)])
def test_margins_need_not_be_made_to_be_reduced(size, inverted, monkeypatch):
    monkeypatch.setattr(canvas_module, "BAND", 5000)  # several bands in each of these
    rng = np.random.default_rng(0)
    shades = np.where(rng.random(size[::-1]) < 0.3, rng.integers(0, 256, size[::-1]), 255).astype(np.uint8)
    expected = reduced_at_once(255 - shades if inverted else shades, 0 if inverted else 255)
    found = canvas_module._on_square(Image.fromarray(shades), inverted, 0 if inverted else 255)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (4000, 8), (8, 4000), (650, 10)])
def test_a_strip_of_which_nothing_would_be_left_is_refused(size):
    with pytest.raises(VisitorError, match="less than one pixel wide"):
        fit_to_canvas(Image.new("RGB", size, "white"))


@pytest.mark.parametrize("size", [(16_000, 1000), (4000, 4000)])
def test_a_large_picture_takes_little_memory_beside_its_own(size):
    """In a process of its own, whose peak is no other test's."""
    script = (
        "import resource, sys; from PIL import Image; from cppn.odd_shapes.canvas import fit_to_canvas\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "picture = Image.new('RGB', (int(sys.argv[1]), int(sys.argv[2])), 'white')\n"
        "picture.paste('black', (0, 0, 9, 9))\n"
        "before = peak(); fit_to_canvas(picture); print(peak() - before)"
    )
    told = subprocess.run([sys.executable, "-c", script, *map(str, size)], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 100 * 1024  # kB; the square alone of the first one has a gigabyte


def test_a_photograph_is_called_shaded():
    ramp = np.linspace(0, 255, 64)[None].repeat(64, axis=0)
    assert canvas_of(ramp).shaded
    assert "gray level 128 of 255" in canvas_of(ramp).done[-1]


# --- which shapes could have made the ink


def test_fitting_and_covered_are_those_of_brute_force(pictures):
    """Every shape drawn by Pillow and compared with the ink, pixel by pixel."""
    ink = pictures.ink[3].astype(bool)
    fits = fitting(pictures.ink[3])
    cover = np.zeros((3, 64, 64), bool)
    for kind, name in enumerate(KINDS):
        for r in (4, 7, 10):
            for y, x in itertools.product(range(r, 64 - r), repeat=2):
                if ink[y, x] or fits[kind, r - 4, y, x]:
                    shape = reference.draw([(name, r, x, y)]) == 0
                    assert fits[kind, r - 4, y, x] == bool((ink | ~shape).all())
        for r, y, x in np.argwhere(fits[kind]):
            cover[kind] |= reference.draw([(name, int(r) + 4, int(x), int(y))]) == 0
    assert np.array_equal(covered(fits), cover)


def test_every_picture_of_the_dataset_is_covered_by_what_fits(pictures):
    for ink in pictures.ink:
        assert np.array_equal(covered(fitting(ink)).any(axis=0), ink.astype(bool))


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("radius", [4, 10])
def test_a_single_shape_is_known_for_one(kind, radius):
    ink = (reference.draw([(KINDS[kind], radius, 30, 40)]) == 0).astype(np.uint8)
    assert AREA[kind, radius - 4] == ink.sum()
    assert is_one_shape(ink, fitting(ink))
    ink |= (reference.draw([(KINDS[kind], 4, 10, 10)]) == 0).astype(np.uint8)
    assert not is_one_shape(ink, fitting(ink))


# --- caveats


def test_most_pictures_of_the_dataset_have_no_caveat(pictures):
    without = [not locate.caveats(Canvas(ink, (), False)) for ink in pictures.ink]
    assert np.mean(without) > 0.8


def drawing(*shapes: tuple[str, int, int, int]) -> Canvas:
    return canvas_of(reference.draw(list(shapes)))


@pytest.mark.parametrize(
    ("canvas", "word"),
    [
        (drawing(), "no ink"),
        (canvas_of(np.zeros((64, 64))), "black all over"),
        (drawing(("circle", 8, 30, 30)), "one single shape"),
        (drawing(*[("square", 6, x, x) for x in (10, 30, 50)]), "squares alone"),
        (canvas_of(np.linspace(0, 255, 64)[None].repeat(64, axis=0)), "photograph"),
        (canvas_of(255 * (1 - np.eye(64))), "cannot belong to"),
    ],
    ids=["empty", "black", "one shape", "no odd one", "photograph", "scribble"],
)
def test_pictures_without_an_odd_shape_get_a_clear_word(canvas, word):
    assert any(word in caveat for caveat in locate.caveats(canvas))


def test_doubt_is_a_caveat(pictures):
    canvas = Canvas(pictures.ink[0], (), False)
    assert any("unsure" in caveat for caveat in locate.caveats(canvas, doubt=9.0))


# --- locating


def test_uncertainty_is_the_spread_of_the_guesses():
    """Two places, 12 pixels apart, equally likely: each guess is 6 pixels from the mean."""
    log_probability = torch.full((1, 144), -1e9)
    log_probability[0, [0, 2]] = float(np.log(0.5))
    offset = torch.zeros(1, 144, 2)
    offset[0, 2] = torch.tensor([2.0, 0.0])
    answer = Answer(torch.tensor([[10.0, 4.0]]), log_probability, offset, ())
    assert float(locate.uncertainty(answer, centres(4, 5))[0]) == pytest.approx(6)


@pytest.fixture
def finder(tmp_path: Path):
    from cppn import checkpoint

    torch.manual_seed(0)
    checkpoint.save(tmp_path / "ours.safetensors", OddNet(OddConfig()), OddConfig())
    return weights.open_finder("ours", tmp_path / "ours.safetensors")


def test_a_location_holds_what_the_network_said(finder, pictures):
    canvas = Canvas(pictures.ink[0], ("Nothing.",), False)
    found = locate.locate(canvas, finder)
    with torch.no_grad():
        answer = finder.net(pictures.inputs[:1])
    assert (found.x, found.y) == tuple(answer.position[0].tolist())
    assert found.probability.shape == (12, 12)
    assert found.places[1, 2].tolist() == [14, 9]
    assert found.token == int(answer.log_probability.argmax())
    assert len(found.attention) == 2
    facts = views.report(found, finder, canvas)
    assert facts["x"] == round(found.x, 2)
    json.dumps(facts)


def test_without_triangles_a_turned_picture_gets_the_same_answer(finder):
    ink = (reference.draw([("square", 6, 12, 12), ("square", 7, 50, 14), ("circle", 8, 40, 44)]) == 0).astype(np.uint8)
    straight, turned = (locate.locate(Canvas(np.rot90(ink, turns).copy(), (), False), finder) for turns in (0, 1))
    assert (turned.x, turned.y) == pytest.approx((straight.y, 63 - straight.x), abs=1e-3)
    assert turned.uncertainty == pytest.approx(straight.uncertainty, abs=1e-3)
    torch.testing.assert_close(turned.probability, torch.rot90(straight.probability))
    expected = (straight.probability[..., None] * (straight.places + straight.offset)).sum(dim=(0, 1))
    assert expected.tolist() == pytest.approx([straight.x, straight.y], abs=1e-3)


def test_the_command_reports(finder, tmp_path, monkeypatch, capsys, pictures):
    monkeypatch.setattr(endpoints, "finder_of", lambda name: finder)
    to_image(pictures.ink[0]).save(tmp_path / "picture.png")
    given = [str(tmp_path / "picture.png"), "--network", "ours", "--out", str(tmp_path / "found.png")]
    assert main(["odd_shapes", "locate", *given]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"]["network"] == "ours"
    written = ("found.png", "found-probability.png", "found-offsets.png")
    assert [told[name] for name in ("answer", "probability", "offsets")] == [str(tmp_path / name) for name in written]
    with Image.open(tmp_path / "found-offsets.png") as picture:
        assert picture.width == 512


@pytest.mark.parametrize("name", ["nothing.png", "text.png", "huge.png"])
def test_the_command_refuses_in_words(name, finder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(endpoints, "finder_of", lambda name: finder)
    (tmp_path / "text.png").write_text("hello")
    Image.new("1", (5000, 4000)).save(tmp_path / "huge.png")
    assert main(["odd_shapes", "locate", str(tmp_path / name)]) == 2
    assert "locate:" in capsys.readouterr().err


def test_an_animation_shows_its_first_frame(tmp_path, pictures):
    frames = [to_image(ink) for ink in pictures.ink[:3]]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    canvas = fit_to_canvas(render.open_picture(tmp_path / "film.gif"))
    assert np.array_equal(canvas.ink, pictures.ink[0])


def test_an_unknown_network_is_named():
    with pytest.raises(VisitorError, match="theirs"):
        weights.finder_of("theirs")
