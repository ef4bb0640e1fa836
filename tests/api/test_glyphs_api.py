"""The Glyph wing through gradio_client: every endpoint, every kind of bad input, many callers at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cppn.glyphs.weights import MODELS

LIST, INTERPOLATE, DRAW = "/list_glyph_models", "/interpolate_glyphs", "/draw_glyph"
SEND, READ = "/send_glyph", "/read_glyph"


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_the_models_are_listed(client: Client):
    listed = client.predict(api_name=LIST)
    assert listed.keys() == MODELS.keys()
    assert listed["colour_512"] == {"title": "Colour, 512 numbers", "numbers": 512, "colour": True, "pixels": 48}


def test_an_animation_loops(client: Client):
    animation, strip, facts = client.predict("script", "1, Hi, 7", 12, "linear", 4, 64, api_name=INTERPOLATE)
    with Image.open(animation) as film:
        assert (film.format, film.n_frames, film.size) == ("WEBP", 12, (64, 64))
        assert film.info["loop"] == 0
    assert pixels(strip).shape[1] > 6 * 64
    assert facts["messages"] == ["1", "Hi", "7"]


def test_a_grid_is_animated_in_colour(client: Client):
    animation, *_ = client.predict("colour_64", "1, 2", 4, "seed", 4, 32, "4 x 2", api_name=INTERPOLATE)
    shown = pixels(animation).astype(int)
    assert shown.shape == (2 * 34 + 2, 4 * 34 + 2, 3)
    assert np.ptp(shown, axis=2).max() > 60  # red, green and blue differ


@pytest.mark.parametrize("model", ["script", "colour_512", "seed"])
def test_a_glyph_is_drawn_and_sent(client: Client, model: str):
    picture, facts = client.predict(model, "42", 96, 4, api_name=DRAW)
    assert pixels(picture).shape == (96, 96, 3)
    assert (facts["model"], facts["message"]) == (model, "42")
    sent, received, straightened, strip, report = client.predict(model, "Hi", 1, 5, api_name=SEND)
    assert pixels(sent).shape == pixels(received).shape
    assert (straightened is None) == (model == "seed")
    assert pixels(strip).ndim == 3
    assert report["draws"] == 100
    assert 0 <= report["read_exactly"] <= 100
    assert 0 <= report["signs_right"] <= report["signs"] == 64


def test_what_is_not_disturbed_is_read(client: Client):
    *_, report = client.predict("script", "Hello!", 0, 1, api_name=SEND)
    assert (report["read"], report["signs_right"], report["read_exactly"]) == ("Hello!", 64, 100)


def test_a_drawn_glyph_is_read_again(client: Client):
    picture, _ = client.predict("script", "Round 1!", 300, 2, api_name=DRAW)
    seen, straightened, report = client.predict("script", handle_file(picture), api_name=READ)
    assert report["read"] == "Round 1!"
    assert pixels(seen).shape == pixels(straightened).shape


def no_glyphs(folder: Path) -> list[Path]:
    """Pictures without a glyph."""
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    pictures = [Image.new("RGB", (64, 64), "white"), Image.new("L", (64, 64)), Image.fromarray(noise)]
    paths = [folder / f"{number}.png" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    return paths


def test_a_picture_that_is_no_glyph_is_not_read(client: Client, tmp_path: Path):
    for path in no_glyphs(tmp_path):
        *_, report = client.predict("script", handle_file(path), api_name=READ)
        assert report["read"] is None


@pytest.mark.parametrize(
    ("endpoint", "arguments", "word"),
    [
        (SEND, ("script", "far too long"), "at most 8"),
        (SEND, ("colour_32", "fiver"), "at most 4"),
        (SEND, ("script", "naïve"), "alphabet"),
        (SEND, ("script", "Hi", 3), "strength must be a number from 0 to 2"),
        (SEND, ("script", "Hi", 1, -4), "seed must be"),
        (SEND, ("runes", "Hi"), "model must be one of.*runes"),
        (DRAW, ("script", "1", 10**6), "tile must be"),
        (DRAW, ("script", ""), "whole number"),
        (DRAW, ("script", "99999999999"), "seeds"),
        (INTERPOLATE, ("script", "1, 2", 10**6), "frames must be"),
        (INTERPOLATE, ("script", "1, 2", 1.7), "1.7 came instead"),
        (INTERPOLATE, ("script", "1"), "two to four"),
        (INTERPOLATE, ("script", "1, 2", 60, "bezier"), "method must be one of.*bezier"),
        (INTERPOLATE, ("script", "1, 2", 200, "linear", 4, 400), "18 million"),
    ],
)
def test_what_is_impossible_is_named(client: Client, endpoint: str, arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(*arguments, api_name=endpoint)


def test_files_that_are_no_picture_or_too_large_are_refused(client: Client, tmp_path: Path):
    (tmp_path / "text.png").write_text("hello")
    Image.new("1", (5000, 4000)).save(tmp_path / "huge.png")
    with pytest.raises(AppError):
        client.predict("script", handle_file(tmp_path / "text.png"), api_name=READ)
    with pytest.raises(AppError, match="megapixels"):
        client.predict("script", handle_file(tmp_path / "huge.png"), api_name=READ)
    with pytest.raises(AppError, match="picture must be a file"):
        client.predict("script", None, api_name=READ)


def test_many_callers_get_their_own_glyphs(all_get_their_own):
    assert all_get_their_own("draw_glyph", [["script", seed, 48, 4] for seed in ("1", "2", "3")], 8)
