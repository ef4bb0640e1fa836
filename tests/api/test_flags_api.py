"""The Flags wing through gradio_client: every endpoint, every kind of bad input, many callers at once."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cppn.flags.teams import TEAMS
from cppn.hub import BUNDLED

JAPAN = BUNDLED / "flags" / "japan.safetensors"


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_teams_are_listed(client: Client):
    teams = client.predict(api_name="/list_teams")
    assert [team["team"] for team in teams] == list(TEAMS)
    assert sum(team["entries"] for team in teams) == 41


def test_a_flag_is_decoded(client: Client):
    picture, facts = client.predict("japan", api_name="/decode_flag")
    shown = pixels(picture)
    assert shown.shape == (213, 320, 3)
    target = pixels(str(BUNDLED / "flags" / "targets" / "japan.png"))
    error = np.mean((shown.astype(float) - target) ** 2)
    assert 10 * np.log10(255**2 / error) > 33
    assert facts["parameters"] == 6675
    assert facts["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)
    assert facts["weights_from"].startswith("bundled")


def test_a_zoomed_window_is_decoded_at_any_width(client: Client):
    picture, facts = client.predict("usa", 500, 4.0, -0.5, -0.5, api_name="/decode_flag")
    assert pixels(picture).shape == (262, 500, 3)
    assert facts["zoom"] == 4.0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("atlantis",), "team must be one of: .*; 'atlantis' came instead"),
        (("japan", 0), "width must be a whole number from 1 to 4,096; 0 came instead"),
        (("japan", 1_000_000), "width must be .*; 1000000 came instead"),
        (("japan", 320, 0.0), "zoom must be a number from 0.0625 to 64; 0.0 came instead"),
        (("japan", 320, 1.0, 99.0), "center_x must be a number from -8 to 8; 99.0 came instead"),
    ],
)
def test_bad_requests_are_named(client: Client, arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(*arguments, api_name="/decode_flag")
    assert client.predict("poland", api_name="/decode_flag")[1]["team"] == "poland"  # the app lives on


def test_the_progression_moves(client: Client):
    film, curve, words = client.predict("malaysia", api_name="/flag_progress")
    with Image.open(film) as animation:
        assert animation.n_frames > 30
        first = np.array(animation.convert("RGB"))
        animation.seek(animation.n_frames - 1)
        last = np.array(animation.convert("RGB"))
    assert np.abs(first.astype(int) - last).mean() > 20
    decibels = [row[curve["columns"].index("decibels")] for row in curve["data"]]
    assert decibels[-1] > decibels[0] + 20
    assert "steps" in words


def test_the_collage_shows_every_flag(client: Client):
    sheet, facts = client.predict(600, api_name="/flag_collage")
    assert facts["flags"] == 31
    height, width, _ = pixels(sheet).shape
    assert (width, height) == (facts["width"], facts["height"])
    assert 500 < width <= 600


def test_a_gift_opens_and_every_guess_differs(client: Client):
    right, facts = client.predict(handle_file(JAPAN), api_name="/open_gift")
    assert pixels(right).shape == (213, 320, 3)
    assert facts["size_in_file"] == "320 x 213"
    wrong, _ = client.predict(handle_file(JAPAN), 320, 213, "yx", "0..1", api_name="/open_gift")
    assert pixels(wrong).shape == (213, 320, 3)
    assert (pixels(wrong) != pixels(right)).any()


def test_a_gift_of_another_convention_opens_as_it_looks_and_as_it_is_asked(client: Client, tmp_path: Path):
    state = safetensors.numpy.load_file(JAPAN)
    for name in ("dense_head.weight", "dense_head.bias"):
        state[name] = state[name] * 255
    state["dense1.weight"] = state["dense1.weight"] * np.array([1, -1], np.float32)  # y upwards
    path = tmp_path / "GIFT.SAFETENSORS"
    path.write_bytes(safetensors.numpy.save({f"module.{name}": value.astype("f8") for name, value in state.items()}))
    up, facts = client.predict(handle_file(path), 320, 213, "xy", "-1..1", "up", api_name="/open_gift")
    assert (facts["values"], facts["size_in_file"]) == ("0..255", "not told")
    assert facts["raw_high"] > 250
    assert [words in " ".join(facts["done"]) for words in ("module.dense1.weight", "float64", "0 to 255")] == [True] * 3
    right = pixels(client.predict(handle_file(JAPAN), api_name="/open_gift")[0]).astype(int)
    assert np.abs(pixels(up) - right).max() <= 1
    asked = (320, 213, "xy", "-1..1", "up", "each", "0..255", "bgr")
    swapped, _ = client.predict(handle_file(path), *asked, api_name="/open_gift")
    assert np.abs(pixels(swapped)[:, :, ::-1] - right).max() <= 1


def hostile_files(folder: Path) -> dict[str, Path]:
    """Files that are no gift, one for each way of not being one."""
    data = JAPAN.read_bytes()
    state = safetensors.numpy.load(data)
    nan = {**state, "dense1.weight": np.full_like(state["dense1.weight"], np.nan)}
    shape = {**state, "dense1.weight": np.zeros((16, 3), np.float32)}
    contents = {
        "truncated": data[:-100],
        "pickled": pickle.dumps({"a": 1}),
        "not finite": safetensors.numpy.save(nan),
        "is 16 x 3, not 16 x 2": safetensors.numpy.save(shape),
        "missing": safetensors.numpy.save({"a": np.zeros(3, np.float32)}),
        "accepted": data + bytes(512 * 1024),
    }
    for name, content in contents.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    return {name: folder / f"{name}.safetensors" for name in contents}


def test_files_that_are_no_gift_are_refused_with_a_reason(client: Client, tmp_path: Path):
    words = {"truncated": "damaged", "pickled": "pickle"}
    for name, path in hostile_files(tmp_path).items():
        with pytest.raises(AppError, match=words.get(name, name)):
            client.predict(handle_file(path), api_name="/open_gift")
    for size in (10**6, -1):
        with pytest.raises(AppError, match="width must be a whole number from 0 to 4,096"):
            client.predict(handle_file(JAPAN), size, 10, api_name="/open_gift")
    assert client.predict(handle_file(JAPAN), api_name="/open_gift")[1]["parameters"] == 6675


def test_a_picture_is_hidden_and_found_again(client: Client, tmp_path: Path):
    Image.new("RGB", (60, 40), "#0050a0").save(tmp_path / "plain.png")
    job = client.submit(handle_file(tmp_path / "plain.png"), 5, api_name="/hide_picture")
    reports = list(job)
    assert len(reports) >= 3
    preview, curve, weights, words = reports[-1]
    assert words.startswith("Done")
    assert len(curve["data"]) > 3
    assert pixels(preview).shape == (213, 320, 3)
    shutil.copy(weights, tmp_path / "gift.safetensors")  # the client keeps no suffix that the app would refuse
    picture, facts = client.predict(handle_file(tmp_path / "gift.safetensors"), api_name="/open_gift")
    assert facts["size_in_file"] == "320 x 213"
    assert np.abs(pixels(picture).astype(int) - (0, 80, 160)).mean() < 12


@pytest.mark.parametrize(
    ("size", "word"), [((1, 1), "at least 8 x 8"), ((10_000, 10_000), "megapixels")], ids=["tiny", "huge"]
)
def test_pictures_of_an_impossible_size_are_refused(client: Client, tmp_path: Path, size: tuple, word: str):
    Image.new("1", size).save(tmp_path / "picture.png")
    with pytest.raises(AppError, match=word):
        client.predict(handle_file(tmp_path / "picture.png"), 5, api_name="/hide_picture")


def test_a_text_is_no_picture(client: Client, tmp_path: Path):
    (tmp_path / "picture.png").write_text("hello")
    with pytest.raises(AppError):
        client.predict(handle_file(tmp_path / "picture.png"), 5, api_name="/hide_picture")


def test_many_callers_get_whole_pictures(all_get_their_own):
    assert all_get_their_own("decode_flag", [["japan", 160], ["malaysia", 160], ["poland", 160]], 20)
