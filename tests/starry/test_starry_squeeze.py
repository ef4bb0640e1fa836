"""A kilobyte of a visitor's own: sizes, looks at a search, what is written, what the endpoint streams."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paint_reference as reference
import pytest
import torch
from PIL import Image

from cppn import workers
from cppn.starry import endpoints, squeeze
from cppn.starry.making.squeeze import main
from cppn.starry.program import BYTE_LIMIT, Program, read, write
from cppn.starry.squeeze import decibels, target_of

Step = tuple[str, Program]  # what it is doing, and what stands


def program(seed: int, last: int = 5, neurons: int = 5) -> Program:
    """A small program of random weights."""
    count = neurons * (neurons + 5) // 2
    weights = np.random.default_rng(seed).integers(-20, 21, count).tolist()
    return Program((*weights[:-1], last), 41, 900, activation="sine", width=24, height=16)


def too_long() -> Program:
    return program(0, neurons=80)


@pytest.fixture
def steps(monkeypatch) -> list[Step]:
    """What the search reports, in place of a search."""
    steps = [
        ("adam", program(1)),
        ("levenberg", too_long()),
        ("rounding", program(2, last=20)),  # its digit would be lost at the front of the number
        ("polish", program(3)),
    ]

    def search(*_: object) -> Iterator[Step]:
        yield from steps

    monkeypatch.setattr(squeeze, "_stages", search)
    return steps


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(4).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 50), (193, 386)), ((4000, 3000), (290, 386)), ((30, 60), (386, 193)), ((9, 9), (386, 386))],
)
def test_a_picture_is_painted_386_pixels_long(size: tuple[int, int], expected: tuple[int, int]):
    target = target_of(Image.new("RGB", size, (10, 20, 30)))
    assert target.shape == (*expected, 3)
    assert target.dtype == torch.uint8
    assert target[0, 0].tolist() == [10, 20, 30]


def test_a_mere_line_is_refused():
    with pytest.raises(ValueError, match="less than 16 pixels wide"):
        target_of(Image.new("RGB", (1000, 20)))


def test_looks_are_at_programs_that_fit_read_from_their_own_bytes(steps: list[Step]):
    target = torch.zeros(16, 24, 3, dtype=torch.uint8)
    looks = list(squeeze.squeeze(target, 10))
    assert [look.stage for look in looks[:-1]] == ["adam", "polish"]
    assert all(0 <= look.share < 1 for look in looks[:-1])
    assert len(write(steps[1][1])) > BYTE_LIMIT
    for look, (_, shown) in zip(looks[:-1], (steps[0], steps[3]), strict=True):
        assert read(look.data) == shown
        expected = reference.picture(shown.weights, 24, 16, scale=900, activation="sine")
        assert np.array_equal(look.picture.numpy(), expected)
        assert look.score == pytest.approx((expected.astype(float) ** 2).sum() / 255**2)
        assert look.decibels == pytest.approx(-10 * math.log10((expected.astype(float) ** 2).mean() / 255**2))


def test_the_answer_is_the_best_look(steps: list[Step]):
    target = squeeze.paint(program(1), 24, 16)  # what the first of the programs paints
    *_, last = squeeze.squeeze(target, 10)
    assert (last.stage, last.share) == ("polish", 1.0)
    assert read(last.data) == program(1)
    assert (last.score, last.decibels) == (0, squeeze.NO_ERROR)


def test_a_search_that_is_late_is_ended(steps: list[Step], monkeypatch):
    monkeypatch.setattr(workers.time, "monotonic", iter(range(0, 1000, 100)).__next__)
    looks = list(squeeze.squeeze(torch.zeros(16, 24, 3, dtype=torch.uint8), 10))
    assert [look.share for look in looks] == [0.99, 1.0]


def test_decibels_are_finite():
    assert decibels(0, 300) == 99
    assert decibels(300, 300) == 0


def test_it_squeezes_from_the_shell(steps: list[Step], picture: Path, capsys, monkeypatch):
    monkeypatch.setattr(squeeze, "target_of", lambda picture: torch.zeros(16, 24, 3, dtype=torch.uint8))
    out = picture.with_suffix(".pyth")
    assert main([str(picture), "--seconds", "5", "--out", str(out)]) == 0
    found = read(out.read_bytes())
    assert found in (steps[0][1], steps[3][1])
    with Image.open(out.with_suffix(".png")) as image:
        expected = reference.picture(found.weights, 24, 16, scale=900, activation="sine")
        assert np.array_equal(np.array(image), expected)
    printed = capsys.readouterr().out
    assert "first sketch" in printed
    assert "100%" in printed
    assert f"{len(out.read_bytes())} bytes" in printed


def test_faults_are_told_in_the_shell(steps: list[Step], picture: Path, capsys):
    steps.clear()
    for arguments, word in (([str(picture)], "no time"), (["nothing.png"], "no such file")):
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--out", str(picture.with_suffix(".pyth"))])
        assert end.value.code == 2
        assert word in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(picture), "--seconds", "nan", "--out", "x.pyth"])


def looks_of(steps: list[Step]) -> Iterator[squeeze.Look]:
    """The looks that a search in a process of its own would send."""
    return squeeze.squeeze(torch.zeros(16, 24, 3, dtype=torch.uint8), 10)


def test_the_endpoint_streams_every_look(steps: list[Step], picture: Path, monkeypatch):
    asked = []

    def elsewhere(*arguments: object) -> Iterator[squeeze.Look]:
        asked.append(arguments)
        return looks_of(steps)

    monkeypatch.setattr(workers, "in_own_process", elsewhere)
    shown = list(endpoints.squeeze_picture(picture, 20))
    assert asked == [("cppn.starry.squeeze:squeeze_file", picture, 20.0)]
    assert len(shown) == 3
    preview, curve, file, said = shown[-1]
    assert read(file.read_bytes()) in (steps[0][1], steps[3][1])
    assert list(curve["columns"]) == ["seconds", "score"]
    assert len(curve["data"]) == 3
    assert "**Done**" in said
    with Image.open(preview) as image:
        assert image.size == (24, 16)


@pytest.mark.parametrize("seconds", [1, 61, float("nan")])
def test_the_endpoint_keeps_to_its_time(picture: Path, seconds: float):
    with pytest.raises(ValueError, match="seconds must be a number from 10 to 60"):
        endpoints.squeeze_picture(picture, seconds)


def test_what_is_no_picture_is_refused_from_the_other_process(tmp_path: Path):
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ValueError, match="not a picture"):
        list(endpoints.squeeze_picture(tmp_path / "text.png", 20))
    Image.new("RGB", (4, 4)).save(tmp_path / "tiny.png")
    with pytest.raises(ValueError, match="at least 8"):
        next(squeeze.squeeze_file(tmp_path / "tiny.png", 20))


def test_a_real_search_comes_closer():
    y, x = np.mgrid[0:20, 0:28]
    pixels = np.stack([x * 9, y * 12, 255 - x * 9], axis=-1).astype(np.uint8)
    looks = list(squeeze.squeeze(torch.from_numpy(pixels), 2.0))
    assert looks[-1].share == 1
    assert 0 < len(looks[-1].data) <= BYTE_LIMIT
    even = ((pixels - pixels.mean(axis=(0, 1))) ** 2).sum() / 255**2
    assert looks[-1].score < even / 2
