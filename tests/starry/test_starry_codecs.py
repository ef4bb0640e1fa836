"""The kilobyte as picture files: what is found fits, and has the score that is told."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image
from starry_reference import contest_score
from test_starry_fit import smooth_picture

from cppn.hub import BUNDLED
from cppn.starry.making import codecs


def test_the_best_quality_that_fits_is_found_and_no_better_one_fits(monkeypatch):
    picture = Image.fromarray(smooth_picture().numpy()).resize((96, 80))
    monkeypatch.setattr(codecs, "BYTE_LIMIT", 900)
    quality, data = codecs.best_within(picture, "JPEG", range(1, 96), {})
    assert 1 <= quality < 95
    assert len(data) <= 900 < len(codecs.encoded(picture, "JPEG", quality + 1, {}))


def test_a_score_can_be_counted_again(monkeypatch):
    picture = Image.fromarray(smooth_picture().numpy())
    monkeypatch.setattr(codecs, "SCALES", [1.0])
    told = codecs.best_file(picture, "WebP")
    settings = told["settings"]
    small = picture.resize(settings["size"], Image.Resampling.LANCZOS)
    data = codecs.encoded(small, "WEBP", settings["quality"], {"method": settings["method"]})
    with Image.open(io.BytesIO(data)) as decoded:
        shown = decoded.convert("RGB").resize(picture.size, codecs.KERNELS[settings["enlarged"]])
    assert told["bytes"] == len(data)
    assert abs(told["score"] - contest_score(np.asarray(shown), np.asarray(picture))) < 0.01


def test_the_table_tells_what_was_measured():
    found = json.loads((BUNDLED / "results" / "starry.json").read_text(encoding="utf-8"))["codecs"]
    card = (BUNDLED / "README.md").read_text(encoding="utf-8")
    for file in found.values():
        assert f"{file['score']:.2f}" in card
