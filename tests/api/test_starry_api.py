"""The Starry-night wing through gradio_client: every endpoint, every kind of bad input, many callers at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cppn.starry.paint import paint
from cppn.starry.program import read
from cppn.starry.weights import PROGRAMS, painter_of, published

PAINT, NEURONS, PROGRAM, SQUEEZE = "/paint_starry", "/starry_neurons", "/paint_program", "/squeeze_picture"


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_painted_bit_by_bit(client: Client, name: str):
    picture, facts = client.predict(name, 386, api_name=PAINT)
    painter = painter_of(name)
    assert np.array_equal(pixels(picture), paint(painter.program, 386, 320).numpy())
    assert facts["program"] == name
    assert facts["sha256"] == hashlib.sha256(painter.data).hexdigest()
    assert facts["bytes"] == len(painter.data) <= 1024


def test_a_window_is_painted_at_any_size(client: Client):
    picture, facts = client.predict("published", 200, 4, 0.5, -0.5, api_name=PAINT)
    assert pixels(picture).shape == (166, 200, 3)
    assert (facts["picture_width"], facts["picture_height"], facts["zoom"]) == (200, 166, 4)


def test_all_neurons_come_in_one_picture(client: Client):
    picture, facts = client.predict("published", 5, api_name=NEURONS)
    assert pixels(picture).shape == (facts["height"], facts["width"], 3)
    assert [row["neuron"] for row in facts["neurons"]] == list(range(1, 46))
    assert {source["name"] for source in facts["neurons"][0]["strongest"]} == {"x", "y"}


def test_a_program_of_this_family_is_read_and_painted(client: Client, tmp_path: Path):
    (tmp_path / "mine.pyth").write_bytes(published().data)
    picture, facts = client.predict(handle_file(tmp_path / "mine.pyth"), api_name=PROGRAM)
    assert np.array_equal(pixels(picture), paint(published().program, 386, 320).numpy())
    assert facts["program_from"] == "uploaded"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("theirs",), "theirs"),
        (("published", 5000), "width must be"),
        (("published", 0), "width must be"),
        (("published", 64, 1000), "zoom must be"),
        (("published", 64, 1, 50), "center_x must be"),
    ],
)
def test_impossible_paintings_are_named(client: Client, arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(*arguments, api_name=PAINT)


@pytest.mark.parametrize("columns", [0, 99])
def test_impossible_sheets_are_named(client: Client, columns: int):
    with pytest.raises(AppError, match="columns must be"):
        client.predict("published", columns, api_name=NEURONS)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"print('hello')", "KjC"),
        (published().data[:-3], "decoder"),
        (published().data + bytes(2000), "bytes"),
        (bytes(10_000_000), "bytes"),
    ],
    ids=["Python", "cut off", "too long", "10 MB"],
)
def test_files_that_are_no_programs_are_refused(client: Client, tmp_path: Path, data: bytes, word: str):
    (tmp_path / "file.pyth").write_bytes(data)
    with pytest.raises(AppError, match=word):
        client.predict(handle_file(tmp_path / "file.pyth"), api_name=PROGRAM)


def test_a_picture_is_squeezed_before_your_eyes_and_can_be_stopped(client: Client, tmp_path: Path):
    Image.linear_gradient("L").resize((48, 32)).save(tmp_path / "gradient.png")
    job = client.submit(handle_file(tmp_path / "gradient.png"), 10, api_name=SQUEEZE)
    preview, curve, file, said = next(iter(job))
    job.cancel()
    program = read(Path(file).read_bytes())
    assert pixels(preview).shape == (program.height, program.width, 3) == (257, 386, 3)
    assert np.array_equal(pixels(preview), paint(program, 386, 257).numpy())
    assert list(curve["columns"]) == ["seconds", "score"]
    assert "bytes, score" in said


def test_pictures_that_cannot_be_squeezed_are_refused(client: Client, tmp_path: Path):
    (tmp_path / "text.png").write_text("hello")
    Image.new("1", (5000, 4000)).save(tmp_path / "huge.png")
    Image.new("RGB", (800, 10)).save(tmp_path / "line.png")
    for name, word in (("huge.png", "megapixels"), ("line.png", "such a strip"), ("text.png", "not a picture")):
        with pytest.raises(AppError, match=word):
            client.predict(handle_file(tmp_path / name), 10, api_name=SQUEEZE)


def test_many_callers_get_whole_pictures(all_get_their_own):
    assert all_get_their_own("paint_starry", [["published", 60], ["published", 61]], 8)
