"""The Odd-shapes wing through gradio_client: every endpoint, every kind of bad input, many callers at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

DRAW, LOCATE, ATTEND, SCORE = "/draw_odd_shapes", "/locate_odd_shape", "/attention_of", "/score_odd_shapes"


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="module")
def drawn(client: Client) -> tuple[str, dict]:
    return client.predict(7, "circle", "square", 4, api_name=DRAW)


def test_a_picture_is_drawn_with_its_truth(drawn: tuple[str, dict]):
    picture, truth = drawn
    shown = pixels(picture)
    assert shown.shape == (64, 64, 3)
    assert set(np.unique(shown)) == {0, 255}
    assert truth["odd"]["kind"] == "square"
    assert len(truth["base"]) == 4
    assert (shown[truth["y"], truth["x"]] == 0).all()


@pytest.mark.parametrize("network", ["ours", "seed"])
def test_the_odd_shape_is_located(client: Client, drawn: tuple[str, dict], network: str):
    overlay, likely, arrows, report = client.predict(handle_file(drawn[0]), network, api_name=LOCATE)
    assert pixels(overlay).shape == (512, 512, 3)
    assert pixels(likely).shape == pixels(arrows).shape
    assert report["network"] == network
    assert report["picture"] == "Nothing had to be changed."
    assert 0 <= report["x"] <= 63
    assert 0 <= report["y"] <= 63


def test_attention_sums_to_one(client: Client, drawn: tuple[str, dict]):
    picture, facts = client.predict(handle_file(drawn[0]), 30, 2, 1, "ours", api_name=ATTEND)
    assert pixels(picture).shape[1] == 512
    assert len(facts["attention"]) == 144
    assert sum(facts["attention"]) == pytest.approx(1, abs=1e-3)
    likeliest = client.predict(handle_file(drawn[0]), api_name=ATTEND)[1]
    report = client.predict(handle_file(drawn[0]), api_name=LOCATE)[-1]
    assert likeliest["token"] == report["token"]


def test_a_score_reports_as_it_goes(client: Client):
    reports = list(client.submit(700, 3, "seed", api_name=SCORE))
    words, facts = reports[-1]
    assert facts["pictures"] == 700
    assert "700 fresh pictures" in words
    assert "Measuring" not in words


def test_a_score_of_one_picture_has_no_error_bar(client: Client):
    words, facts = client.predict(1, api_name=SCORE)
    assert facts["standard_error"] is facts["interval_95"] is None
    assert "no error bar" in words


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((1, "hexagon"), "base must be one of"),
        ((1, "circle", "circle"), "another kind"),
        ((1, "any", "any", 12), "count must be a whole number from 0 to 6; 12 came instead"),
        ((1, "any", "any", 2), "3 to 6 base shapes"),
        ((1.5,), "seed must be a whole number"),
        ((None,), "seed must be a whole number"),
    ],
)
def test_impossible_drawings_are_named(client: Client, arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(*arguments, api_name=DRAW)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((144, 1, 1), "token must be"),
        ((0, 3, 1), "layer must be"),
        ((0, 1, 9), "head must be"),
        ((0, 1, 1, "theirs"), "theirs"),
        ((0, 2, 1, "seed"), "this network has 1 layer of attention, no layer 2"),
        ((0, 1, 2, "seed"), "this network has 1 head a layer, no head 2"),
    ],
)
def test_impossible_attention_is_named(client: Client, drawn: tuple[str, dict], arguments: tuple, word: str):
    with pytest.raises(AppError, match=word):
        client.predict(handle_file(drawn[0]), *arguments, api_name=ATTEND)


@pytest.mark.parametrize("count", [0, -5, 10**9])
def test_scores_are_bounded(client: Client, count: int):
    with pytest.raises(AppError, match="count must be a whole number from 1 to 20,000"):
        client.predict(count, api_name=SCORE)


def odd_pictures(folder: Path) -> dict[str, Path]:
    """Pictures that show no odd shape, each with a word that the caveat must hold."""
    gradient = np.linspace(0, 255, 300)[None].repeat(200, axis=0).astype(np.uint8)
    pictures = {
        "no ink": Image.new("L", (64, 64), "white"),
        "black all over": Image.new("L", (64, 64), "black"),
        "photograph": Image.fromarray(gradient),
        "nothing to find": Image.new("L", (1, 1), "white"),
        "cannot belong": Image.fromarray(np.eye(64, dtype=np.uint8) * 255),
    }
    for word, picture in pictures.items():
        picture.save(folder / f"{word}.png")
    frames = [Image.fromarray(255 - 255 * np.eye(64, dtype=np.uint8)), Image.new("L", (64, 64))]
    frames[0].save(folder / "belong to any.gif", save_all=True, append_images=frames[1:])
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_pictures_without_an_odd_shape_get_a_clear_word(client: Client, tmp_path: Path):
    for word, path in odd_pictures(tmp_path).items():
        report = client.predict(handle_file(path), api_name=LOCATE)[-1]
        assert any(word in caveat for caveat in report["caveats"]), word


def test_files_that_are_no_picture_or_too_large_are_refused(client: Client, tmp_path: Path):
    (tmp_path / "text.png").write_text("hello")
    Image.new("1", (5000, 4000)).save(tmp_path / "huge.png")
    with pytest.raises(AppError):
        client.predict(handle_file(tmp_path / "text.png"), api_name=LOCATE)
    with pytest.raises(AppError, match="megapixels"):
        client.predict(handle_file(tmp_path / "huge.png"), api_name=LOCATE)
    Image.new("RGBA", (8, 8)).save(tmp_path / "clear.png")
    with pytest.raises(AppError, match="transparent all over"):
        client.predict(handle_file(tmp_path / "clear.png"), api_name=LOCATE)
    with pytest.raises(AppError):
        client.predict(None, api_name=LOCATE)


def test_many_callers_get_their_own_answers(all_get_their_own):
    assert all_get_their_own("draw_odd_shapes", [[1], [2], [3]], 12)
