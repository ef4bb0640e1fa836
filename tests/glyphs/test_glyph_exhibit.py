"""What the tab shows: glyphs of any size without steps, boards, films, frames, charts, sentences with their numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from plain_glyphs import PlainNet

from cppn.glyphs import charts, endpoints, exhibit, lessons, usefulness_words, words
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import BOARD, board, draw
from cppn.glyphs.interpolate import MOST_PIXELS, Film, film
from cppn.glyphs.message import seed_to_message
from cppn.glyphs.network import GlyphConfig, GlyphNet, waves
from cppn.glyphs.send import send


@pytest.fixture(scope="module")
def net() -> GlyphNet:
    torch.manual_seed(0)
    return GlyphNet(
        GlyphConfig(numbers=32, channels=1, pixels=16, cutoff=6, reader_cutoff=8, hidden=16, looks=1)
    ).eval()


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def strengths(net: GlyphNet, message: torch.Tensor) -> np.ndarray:
    """The strength of each wave (K,), float64."""
    writer = net.writer
    with torch.no_grad():
        own = writer.linear(message[None]) + writer.perceptron(message[None])
        return (own[0] * writer.gain * writer.damping()).double().numpy()


def test_a_glyph_of_2048_pixels_is_its_waves_at_every_pixel(net):
    message, ink, size = seed_to_message(1, 32), 4.0, 2048
    shown = draw(net, message[None], size, ink)[0].numpy()
    assert shown.shape == (size, size, 3)
    strength, pairs = strengths(net, message), waves(6).numpy()
    for row, column in np.random.default_rng(0).integers(0, size, (200, 2)):
        y, x = (row + 0.5) / size, (column + 0.5) / size
        logit = (strength * np.cos(math.pi * pairs[:, 0] * y) * np.cos(math.pi * pairs[:, 1] * x)).sum()
        expected = 255 / (1 + math.exp(-ink * logit))
        assert np.abs(shown[row, column] - expected).max() <= 0.51


def test_a_glyph_of_2048_pixels_has_no_steps(net):
    """Neighbours differ by no more than the steepest slope that the waves allow; enlarged pixels would jump."""
    message, ink, size = seed_to_message(1, 32), 4.0, 2048
    strength, pairs = strengths(net, message), waves(6).numpy()
    slope = np.abs(strength) @ pairs.max(axis=1) * math.pi  # of the logits, at most, across the whole glyph
    bound = 255 * ink / 4 * slope / size + 1  # a sigmoid is a quarter steep at most; rounding adds one level
    shown = draw(net, message[None], size, ink)[0, :, :, 0].int().numpy()
    largest = max(np.abs(np.diff(shown, axis=axis)).max() for axis in (0, 1))
    assert 0 < largest <= bound < 16
    enlarged = draw(net, message[None], 16, ink)[0, :, :, 0].int().numpy().repeat(128, axis=0)
    assert np.abs(np.diff(enlarged, axis=0)).max() > bound


@pytest.mark.parametrize(("tile", "ink"), [(15, 1), (2049, 1), (64, 0), (64, 17), (64, math.nan), (10**9, 1)])
def test_sizes_and_inks_are_bounded(net, tile, ink):
    with pytest.raises(ValueError, match=r"pixels wide|ink"):
        draw(net, torch.zeros(1, 32), tile, ink)


def test_a_board_holds_its_tiles_in_rows():
    tiles = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3)
    sheet = board(tiles, 3)
    assert sheet.shape == (2 * 34 + 2, 3 * 34 + 2, 3)
    for number in range(6):
        row, column = divmod(number, 3)
        assert (sheet[2 + 34 * row : 34 + 34 * row, 2 + 34 * column : 34 + 34 * column] == number).all()
    assert sheet[0, 0].tolist() == sheet[34, 50].tolist() == list(BOARD)
    assert torch.equal(board(tiles[:1], 3), tiles[0])


def test_a_film_follows_its_path_and_shows_its_keys(net):
    frames, stops = film(net, ["1", "2", "3"], Film(frames=6, tile=24, ink=2))
    assert [frame.shape for frame in frames] == [(24, 24, 3)] * 6
    keys = torch.stack([seed_to_message(seed, 32) for seed in (1, 2, 3)])
    assert torch.equal(stops[::2], draw(net, keys, 24, 2))
    assert torch.equal(torch.stack(frames), stops)  # six frames and six stops: the same places
    grid, _ = film(net, ["1", "2"], Film(frames=2, tile=32, grid="8 x 4", ink=2))
    assert grid[0].shape == (4 * 34 + 2, 8 * 34 + 2, 3)
    assert torch.equal(grid[0][2:34, 2:34], draw(net, keys[:1], 32, 2)[0])


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"frames": 10**6}, "frames must lie between 2 and 240, not 1000000"),
        ({"frames": 1}, "frames"),
        ({"tile": 513}, "tile"),
        ({"frames": 240, "tile": 512}, "at most 18 million"),
        ({"frames": 60, "tile": 194, "grid": "4 x 2"}, "at most 18 million"),
        ({"grid": "9 x 9"}, "no grid '9 x 9'"),
        ({"method": "straight"}, "no path 'straight'"),
    ],
)
def test_films_are_bounded(wanted, word):
    with pytest.raises((ValueError, KeyError), match=word):
        Film(**wanted)
    assert MOST_PIXELS >= 60 * 8 * 192**2  # the 4 x 2 grid at the usual size


@pytest.mark.parametrize("seeds", ["1", "", "1, 2, 3, 4, 5", ","])
def test_paths_need_two_to_four_messages(seeds):
    with pytest.raises(ValueError, match="two to four messages"):
        endpoints.interpolate_glyphs("script", seeds)
    with pytest.raises(ValueError, match="longer than 200"):
        endpoints.interpolate_glyphs("script", "1," * 200)


def test_draws_are_framed_by_how_they_fared():
    sent = send(PlainNet(), "Frames", Channel(p_affine=0, p_perspective=0, sigma=0.5), 1, draws=24)
    assert 0 < sent.exact < 24
    *_, strip = exhibit.delivery(sent)
    shown, step = pixels(strip), exhibit.TILE + 2 * exhibit.RIM + 6
    assert shown.shape == (3 * step + 6, 8 * step + 6, 3)
    for number, right in enumerate(sent.right.tolist()):
        row, column = divmod(number, 8)
        frame = exhibit.RIGHT if right == 64 else exhibit.WRONG
        assert tuple(shown[6 + step * row + 3, 6 + step * column + 60]) == frame


def test_an_average_keeps_what_all_glyphs_have():
    class Marked(PlainNet):
        """Noise, and white in one corner."""

        def draw(self, messages: torch.Tensor, size: int | None = None, ink: float = 1.0) -> torch.Tensor:
            signs = super().draw(messages, size, ink)
            signs[..., : size // 8, : size // 8] = 1
            return signs

    shown = pixels(exhibit.average(SimpleNamespace(net=Marked()))).astype(int)
    assert shown[20, 20].tolist() == [255, 255, 255]
    assert np.abs(shown[100:, 100:] - 127).max() < 35  # 200 draws leave a standard error of 4


def test_a_chart_puts_points_where_they_belong():
    chart = np.array(charts.curves({"one": [(32, 0), (64, 10)], "two": [(32, 5)]}, "title", "numbers"))
    colours = [np.argwhere((chart == colour).all(axis=2)) for colour in charts.COLOURS[:2]]
    line = colours[0][colours[0][:, 0] < 460]  # above the names
    low, high = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    assert high[0] < low[0]  # more is further up
    middle = colours[1][colours[1][:, 0] < 460].mean(axis=0)
    assert middle[0] == pytest.approx((low[0] + high[0]) / 2, abs=4)  # 5 is half-way from 0 to 10


def test_a_step_between_ticks_is_round():
    assert [charts.nice_step(most) for most in (1, 4, 7, 10, 460, 0.19)] == pytest.approx([0.5, 1, 2, 5, 200, 0.05])


def delivered(**changes: object) -> dict[str, object]:
    facts = {"sent": "Hi", "read": "Hi", "signs": 64, "signs_right": 64, "repeats": 1, "draws": 100, "read_exactly": 97}
    return {**facts, "interval_95": [0.915, 0.99], "sign_accuracy": 0.9987, "note": "", **changes}


def test_sentences_say_what_happened():
    assert "### Read: “Hi”" in words.delivery(delivered())
    assert "**97 of 100 draws**" in words.delivery(delivered())
    assert "could not read it" in words.delivery(delivered(read=None, signs_right=60)).lower()
    assert "and wrong" in words.delivery(delivered(read="Ho"))
    assert "8 times" in words.delivery(delivered(repeats=8))
    assert "⚠️ Careful." in words.delivery(delivered(note="Careful"))
    found = {"read": "Hi", "how": "the whole picture, as a negative", "attempts": 2, "note": ""}
    assert "“Hi”" in words.read(found)
    assert "Could not read it" in words.read({**found, "read": None})


def test_what_was_not_measured_is_left_out(monkeypatch):
    monkeypatch.setattr(exhibit, "results", dict)
    assert "not been measured" in lessons.figures()
    assert lessons.charts_drawn() == []
    partial = {
        "script": {"r2": 0.9},
        "colour_64": {"bits": 150.0},
        "colour_512": {"bits": 220.0, "edges": 0.2},
        "x": {},
    }
    monkeypatch.setattr(exhibit, "results", lambda: {"models": partial})
    assert "0.900" in lessons.figures()
    assert "220 bits" in lessons.figures()
    assert lessons.series(partial, "bits") == {"colour": [(64, 150.0), (512, 220.0)]}
    assert len(lessons.charts_drawn()) == 2


def figure(mean: float, half: float = 0.01) -> dict[str, object]:
    return {"mean": mean, "interval": [mean - half, mean + half], "values": [mean] * 5}


def test_experiments_are_told_by_their_figures(monkeypatch):
    monkeypatch.setattr(exhibit, "experiments", dict)
    assert "not been run" in usefulness_words.text()
    assert usefulness_words.pictures() == []
    classifier = {
        "trained": {"as run": figure(0.97), "frozen": figure(0.91)},
        "random": {"as run": figure(0.96), "frozen": figure(0.76)},
    }
    drawing = {"script": {"trained": figure(0.09), "random": figure(0.01)}, "mean digit": figure(0.05)}
    found = {"digits": {"classifier": {"script": classifier}, "drawing": drawing}}
    monkeypatch.setattr(exhibit, "experiments", lambda: found)
    said = usefulness_words.text()
    assert "our networks 97.0% (96.0% to 98.0%) trained, 96.0% (95.0% to 97.0%) random: no clear difference" in said
    assert "91.0% (90.0% to 92.0%) trained, 76.0% (75.0% to 77.0%) random: training helps" in said
    assert "0.090 (0.080 to 0.100) trained, 0.010 (0.000 to 0.020) random: training harms" in said
    assert "average digit: 0.050" in said
    assert len(usefulness_words.pictures()) == 1


def test_rows_of_pictures_get_their_labels():
    sheet = Image.new("RGB", (100, 40), "black")
    sheet.paste("white", (0, 20, 100, 40))
    picture = charts.labelled_rows(sheet, ["the digits", "our networks, trained"], "Digits")
    middle = np.array(picture.convert("L"))[:, picture.width // 2]
    assert (middle == 0).sum() >= 0.2 * picture.width * 0.9  # the first strip, enlarged
    assert picture.height > 2 * 0.2 * (picture.width - 40)
