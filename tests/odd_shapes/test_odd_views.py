"""What visitors are shown: marks where they belong, maps with their scale, sentences with their numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.odd_shapes import endpoints, maps, tab, views
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.contest import Game
from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.locate import Location
from cppn.odd_shapes.network import centres


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    return Canvas(sample(named_rng("exhibit", 0), 1).ink[0], ("Nothing.",), False)


@pytest.fixture
def location() -> Location:
    """All probability on token 5 in row 7, pointing two pixels right and three down; attention that names its asker."""
    probability = torch.zeros(12, 12)
    probability[7, 5] = 1
    offset = torch.zeros(12, 12, 2)
    offset[7, 5] = torch.tensor([2.0, 3.0])
    attention = torch.eye(144).expand(2, 144, 144)
    attention = torch.stack([attention[0], attention[1].roll(1, dims=1)])
    return Location(31, 42, 3.0, probability, offset, centres(4, 5).view(12, 12, 2), (attention, attention.flip(0)), ())


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_the_cross_and_the_true_centre_lie_where_they_should(canvas, location):
    truth = {"x": 10, "y": 20}
    shown = pixels(maps.overlay(canvas, location, truth))
    assert shown.shape == (512, 512, 3)
    assert tuple(shown[int(42.5 * 8), int(31.5 * 8)]) == maps.PREDICTED
    assert tuple(shown[int(20.5 * 8), int(10.5 * 8)]) == maps.TRUE
    ring = shown[int(42.5 * 8), int(31.5 * 8) + 24 - 2]  # the circle's radius is 3 canvas pixels
    assert tuple(ring) == maps.PREDICTED


def test_a_map_is_dark_where_the_value_is_and_bare_elsewhere(canvas, location):
    likely, arrows = map(pixels, maps.probability_and_offsets(canvas, location))
    assert likely.shape == (512 + maps.STRIP, 512, 3)
    y, x = int((4 + 5 * 7 + 0.5) * 8), int((4 + 5 * 5 + 0.5) * 8)
    assert likely[y, x].astype(int).sum() < 250
    far = likely[int(4.5 * 8), int(4.5 * 8)]
    assert tuple(far) in (maps.INK, maps.PAPER)
    assert (arrows != likely).any()
    end = arrows[y + 3 * 8 - 6, x + 2 * 8 - 4]  # just inside the arrow's head
    assert tuple(end) == maps.ASKING


@pytest.mark.parametrize(("layer", "head", "asked"), [(1, 1, 40), (1, 2, 41), (2, 1, 41), (2, 2, 40)])
def test_attention_is_the_row_of_its_token_layer_and_head(location, layer, head, asked):
    values = location.attention_from(40, layer, head)
    assert tuple(values.shape) == (12, 12)
    assert int(values.argmax()) == asked
    mean = location.attention_from(40, layer, 0)
    assert mean.flatten()[[40, 41]].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("token", "layer", "head"), [(144, 1, 1), (-2, 1, 1), (0, 0, 1), (0, 3, 1), (0, 1, 3), (0, 1, -1)]
)
def test_attention_that_does_not_exist_is_refused(location, token, layer, head):
    with pytest.raises(VisitorError, match=r"tokens|layer|head"):
        location.attention_from(token, layer, head)


def test_every_head_has_its_map_and_the_asking_token_is_framed(canvas, location):
    pictures = [pixels(path) for path in maps.attention_of_all_heads(canvas, location, 40)]
    assert len(pictures) == 4
    row, column = divmod(40, 12)
    x, y = (4 + 5 * column + 0.5) * 8, (4 + 5 * row + 0.5) * 8
    for picture in pictures:
        assert tuple(picture[int(y), int(x - 20)]) == maps.ASKING


def test_a_click_finds_the_nearest_token(location):
    for token in (0, 13, 77, 143):
        x, y = location.places.view(144, 2)[token].tolist()
        assert location.token_at(*maps.canvas_point(((x + 0.5) * 8 + 7, (y + 0.5) * 8 - 7))) == token


def test_truth_belongs_to_its_own_picture_only():
    pictures = sample(named_rng("exhibit", 0), 2)
    truth = views.truth_about(pictures)
    own, other = (Canvas(ink, (), False) for ink in pictures.ink)
    assert views.truth_of(own, truth) == truth
    assert views.truth_of(other, truth) is None
    assert views.truth_of(own, None) is None


def test_the_drawn_picture_is_the_one_that_its_truth_describes():
    import odd_reference as reference

    path, truth = endpoints.draw_odd_shapes(7, "square", "triangle", 4)
    shapes = [(s["kind"], s["radius"], s["x"], s["y"]) for s in (*truth["base"], truth["odd"])]
    assert truth["odd"]["kind"] == "triangle"
    assert [s["kind"] for s in truth["base"]] == ["square"] * 4
    with Image.open(path) as picture:
        assert np.array_equal(np.array(picture), reference.draw(shapes))
    assert endpoints.draw_odd_shapes(7, "square", "triangle", 4)[0] == path


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (("hexagon", "any", 0), "base must be one of: any, circle, square, triangle; 'hexagon' came instead"),
        (("circle", "circle", 0), "another kind than the others"),
        (("any", "any", 9), "count must be a whole number from 0 to 6; 9 came instead"),
        (("any", "any", 1), "3 to 6 base shapes, not 1"),
    ],
)
def test_impossible_drawings_are_refused_in_words(choice, words):
    with pytest.raises(VisitorError, match=words):
        endpoints.draw_odd_shapes(1, *choice)


FACTS = {"x": 31.0, "y": 42.0, "uncertainty_px": 0.4, "caveats": [], "picture": "Nothing.", "note": ""}


def test_sentences_hold_their_numbers():
    truth = {"x": 28, "y": 46, "odd": {"kind": "circle"}, "base": [{"kind": "square"}] * 4, "visible_percent": 62.0}
    said = views.describe(FACTS, truth)
    assert "5.0 pixels off" in said
    assert "among 4 squares" in said
    assert "give or take 0.4 pixels" in said
    assert "truth" not in views.describe(FACTS)
    doubtful = views.describe({**FACTS, "caveats": ["There is no ink."]})
    assert "give or take" not in doubtful
    assert "⚠️ There is no ink." in doubtful
    assert views.describe({**FACTS, "note": "the hub did not answer"}).endswith("⚠️ the hub did not answer.")


def test_a_seed_or_a_count_out_of_range_is_refused_by_name():
    for name, value in (("seed", 1.5), ("seed", None), ("count", -1), ("count", 7)):
        with pytest.raises(VisitorError, match=f"^{name} must be"):
            endpoints.draw_odd_shapes(**{name: value})
    assert endpoints.draw_odd_shapes(seed=-3, odd="Square").truth["odd"]["kind"] == "square"


# --- what the tab's listeners do


def test_an_empty_picture_is_said_to_be_empty(tmp_path):
    Image.new("L", (256, 256), "white").save(tmp_path / "empty.png")
    browser, remarks, *_ = tab.explained(tmp_path / "empty.png", None, "ours")
    assert browser["shapes"] is None
    assert "There is no ink on this canvas" in remarks
    with pytest.raises(VisitorError, match="choose, draw or upload"):
        tab.explained(None, None, "ours")


def test_a_browser_gets_the_networks_weights_and_the_shapes_the_odd_one_first():
    picture, truth, browser, *_ = tab.drawn(5, "square", "circle", 4, "seed")
    sent, shipped = load_file(browser["weights"]), load_file(BUNDLED / "odd_shapes" / "seed.safetensors")
    assert sent.keys() == shipped.keys()
    assert all(torch.equal(sent[name], shipped[name].half()) for name in shipped)
    assert [shape["kind"] for shape in browser["shapes"]] == ["circle"] + 4 * ["square"]
    assert browser["shapes"][0] == truth["odd"]
    assert np.array_equal(np.array(Image.open(browser["picture"])), np.array(Image.open(picture)))


def test_a_click_whose_contest_is_forgotten_starts_a_new_one():
    for game, shown, words in (tab.clicked(None, 0.25, 0.5), tab.gone_on(None)):
        assert game == Game(game.seed)
        assert shown["picture"].endswith("contest.png")
        assert "Arrow keys" in shown["words"]
        assert words.startswith("Picture 1 of 10")
        answered, answer, score = tab.clicked(game, 0.25, 0.5)
        assert answered.clicks == (maps.canvas_point((128, 256)),)
        assert "the network points at" in answer["words"]
        assert "you at 16, 32" in answer["words"]
        assert score.startswith(("Picture 1 of 10, you 0 : network 1", "Picture 1 of 10, you 1 : network 0"))


# --- the exact answer


def test_probability_is_gathered_by_the_square_it_lies_in():
    places = np.array([[4, 4], [6.4, 1.6], [6.6, 4], [59, 59], [70, 9]])
    total = maps.in_squares(places, np.array([1, 2, 4, 8, 16.0]))
    assert (total[0, 0], total[0, 1], total[11, 11], total[1, 11]) == (3, 4, 8, 16)
    assert total.sum() == 31


def test_the_exact_answer_stands_beside_the_networks_and_the_truth():
    exact, network, words = tab.known(82, "any", "any", 0, "ours")
    truth = endpoints.draw_odd_shapes(82).truth
    for path, colour in ((exact, maps.ASKING), (network, maps.PREDICTED)):
        shown = pixels(path)[:512]
        ys, xs = np.nonzero((shown == colour).all(axis=2))
        where = maps.canvas_point((np.median(xs), np.median(ys)))
        assert where == pytest.approx((truth["x"], truth["y"]), abs=2)  # it is a clear picture
        assert tuple(shown[int((truth["y"] + 0.5) * 8), int((truth["x"] + 0.5) * 8)]) == maps.TRUE
    assert "Everything was tried in" in words
    assert "| **+** the exact answer |" in words
    assert f"| **✕** the truth: a {truth['odd']['kind']} | {truth['x']}, {truth['y']} |" in words


def test_a_search_that_takes_too_long_is_given_up_and_says_so(monkeypatch):
    monkeypatch.setattr(tab, "PATIENCE", 0)
    exact, network, words = tab.known(21, "any", "any", 0, "seed")
    assert exact is None
    assert pixels(network).shape == (512 + maps.STRIP, 512, 3)
    assert words.startswith("**Given up after")
    assert "exact answer |" not in words


def test_a_hard_picture_shows_little_and_impossible_choices_end():
    seed = tab.hard_seed("square", "any", 3)
    assert endpoints.pictures_of(seed, "square", "any", 3).visible[0] <= tab.HARD
    assert 0 <= tab.hard_seed("circle", "circle", 0) <= tab.LAST_SEED
