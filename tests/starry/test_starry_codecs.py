"""The kilobyte as picture files: what is found fits, and has the score that is told."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from starry_reference import contest_score
from test_starry_fit import smooth_picture

from cppn.hub import BUNDLED
from cppn.starry import codecs, squeeze, views
from cppn.starry.codecs import CODECS, PictureFile


def test_the_best_quality_that_fits_is_found_and_no_better_one_fits(monkeypatch):
    picture = Image.fromarray(smooth_picture().numpy()).resize((96, 80))
    monkeypatch.setattr(codecs, "BYTE_LIMIT", 900)
    quality, data = codecs.best_within(picture, "JPEG", range(1, 96), {})
    assert 1 <= quality < 95
    assert len(data) <= 900 < len(codecs.encoded(picture, "JPEG", quality + 1, {}))


def decoded_again(picture: Image.Image, file: PictureFile) -> np.ndarray:
    """A file made anew by its settings, opened and enlarged, uint8 (H, W, 3)."""
    settings = dict(file.settings)
    size, quality, kernel = (settings.pop(name) for name in ("size", "quality", "enlarged"))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    with Image.open(io.BytesIO(file.data)) as opened:
        assert codecs.encoded(small, opened.format, quality, settings) == file.data
        return np.asarray(opened.convert("RGB").resize(picture.size, codecs.KERNELS[kernel]))


@pytest.mark.parametrize("name", ["JPEG", "WebP"])
def test_a_score_can_be_counted_again(name: str):
    picture = Image.fromarray(smooth_picture().numpy())
    for file in (codecs.best_file(picture, CODECS[name], [1.0]), codecs.quick_file(picture, CODECS[name])):
        shown = decoded_again(picture, file)
        assert len(file.data) <= 1024
        assert np.array_equal(shown, np.asarray(file.shown))
        assert abs(file.score - contest_score(shown, np.asarray(picture))) < 0.01


@pytest.mark.parametrize("name", ["JPEG", "WebP"])
def test_the_quick_file_is_nearly_the_best(name: str):
    picture = Image.fromarray(squeeze.target_of_upload(views.EXAMPLES["A sunset"])[0].numpy())
    best, quick = codecs.best_file(picture, CODECS[name]), codecs.quick_file(picture, CODECS[name])
    assert best.score <= quick.score < 1.1 * best.score


def test_where_nothing_fits_there_is_no_file(monkeypatch):
    monkeypatch.setattr(codecs, "BYTE_LIMIT", 100)
    assert codecs.quick_file(Image.new("RGB", (60, 40)), CODECS["JPEG"]) is None


def test_the_closest_of_program_and_files_is_told_apart():
    picture = Image.new("RGB", (386, 320))
    settings = {"size": [193, 160], "quality": 20, "enlarged": "bicubic"}
    files = {"JPEG": PictureFile(bytes(1000), picture, 300.0, settings), "WebP": None}
    assert "| **the program, its decoder counted** | **200** | 1,024 |" in views.contest(200, 1024, files)
    table = views.contest(400, 1024, files)
    assert "| **JPEG, decoder not counted** | **300** | 1,000 |" in table
    assert "| the program, its decoder counted | 400 | 1,024 |" in table
    assert "| WebP, decoder not counted | no file is that small | |" in table
    ((path, caption),) = views.rivals(files)
    assert caption == "JPEG, quality 20, stored at 193 × 160 and enlarged"
    with Image.open(path) as shown:
        assert shown.size == (386, 320)


def test_the_example_has_its_rivals_beside_it():
    *_, table, rivals = views.example()
    assert table.count("\n") == 4
    assert [caption.split(",")[0] for _, caption in rivals] == ["JPEG", "WebP"]


def test_the_table_tells_what_was_measured():
    found = json.loads((BUNDLED / "results" / "starry.json").read_text(encoding="utf-8"))["codecs"]
    card = (BUNDLED / "README.md").read_text(encoding="utf-8")
    for file in found.values():
        assert f"{file['score']:.2f}" in card
