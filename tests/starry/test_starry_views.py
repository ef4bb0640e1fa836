"""What the tab shows: every byte of a program with its meaning, what moves a neuron, scores; and who is turned away."""

from __future__ import annotations

import ast
import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import paint_reference as reference
import pytest
import torch
from PIL import Image

from cppn.coordinates import View
from cppn.faults import VisitorError
from cppn.hub import WeightsError
from cppn.starry import endpoints, hexdump, neurons, views, weights
from cppn.starry.paint import paint_neurons
from cppn.starry.picture import score
from cppn.starry.program import Program, parts, write
from cppn.starry.weights import Painter, open_program, painter_of, published

CODE = Path(views.__file__).parent


def small(activation: str = "sigmoid", last: int = 7) -> Program:
    """A program of five neurons, whose weights are easy to tell apart."""
    numbers = [(7 * number) % 41 - 20 for number in range(24)]
    return Program((*numbers, last), 41, 900, activation=activation, width=24, height=16)


def as_painter(program: Program) -> Painter:
    return Painter("test", program, write(program), "made here")


@pytest.fixture
def without_ours(monkeypatch):
    """A weights folder in which our program is missing."""

    class Empty:
        def find(self, name: str) -> None:
            raise WeightsError(f"{name} is not in weights")

    monkeypatch.setattr(weights.hub, "library", Empty)


# --- the bytes


@pytest.mark.parametrize("program", [small(), small("sine"), published().program], ids=["sigmoid", "sine", "published"])
def test_the_coloured_parts_cover_every_byte_in_order(program: Program):
    data = write(program)
    found = hexdump.coloured_parts(data)
    assert [(name, end) for name, end, _ in found] == [(part.name, part.end) for part in parts(data)]
    assert found[-1][1] == len(data)
    assert [colour for *_, colour in found] == [f"{colour}40" for colour, _ in hexdump.LEGEND.values()]


def test_the_legend_counts_all_bytes_and_shows_the_decoder():
    data = published().data
    legend = hexdump.legend(data)
    assert sum(int(number) for number in re.findall(r"<b>([\d,]+) bytes?</b>", legend)) == len(data) == 1020
    assert ">386 320</code>" in legend
    assert html.escape('KjC"') in legend
    assert set(hexdump.LEGEND) == {part.name for part in parts(data)}


def test_a_programs_bytes_are_told_in_words():
    said = views.bytes_of(published())
    assert "1,020 of 1,024 bytes" in said
    assert "960 of weights, 56 of decoder" in said
    assert views.ANSWER in said
    assert views.ANSWER not in views.bytes_of(as_painter(small()))


# --- the neurons


def test_the_shares_of_a_neurons_inputs_are_weight_times_spread():
    program = small()
    y, x = np.mgrid[0:16, 0:24]
    values = reference.paint(program.weights, x.ravel(), y.ravel(), scale=900)
    spread = np.array([0, x.std(), y.std(), *values.std(axis=1)])
    first = 3 + 4 + 5
    strength = np.abs(program.weights[first : first + 6]) * spread[:6]
    names = ["constant", "x", "y", "neuron 1", "neuron 2", "neuron 3"]
    found = neurons.sources(program)[3]
    assert [source.name for source in found] == [names[j] for j in np.argsort(-strength) if strength[j] > 0]
    shares = sorted(strength / strength.sum())[::-1]
    np.testing.assert_allclose([source.share for source in found], shares[: len(found)], atol=0.02)
    for source in found:
        assert source.rises == (program.weights[first + names.index(source.name)] > 0)


def test_captions_say_what_moves_a_neuron():
    assert neurons.neuron_names(small()) == ["1", "2", "3 red", "4 green", "5 blue"]
    first, *_, last = neurons.captions(small())
    assert first.startswith("**Neuron 1** ")
    assert "rises with" in first or "falls with" in first
    assert last.startswith("**Neuron 5 blue** ")
    assert "up and down along" in neurons.captions(small("sine"))[1]
    nothing = Program((20, *[0] * 11), 41, width=4, height=4)
    assert neurons.captions(nothing)[0] == "**Neuron 1 red** is the same everywhere."
    assert neurons.neuron_list(small()).count("\n") == 4


def test_the_last_three_neurons_wear_their_colour():
    assert [picture.width for picture in neurons.neuron_pictures(small())] == [neurons.THUMBNAIL] * 5
    values = paint_neurons(small(), 24, 16)
    pictures = [np.array(neurons.neuron_picture(small(), number, values[number])) for number in range(5)]
    assert pictures[0].shape == (16, 24, 3)
    assert (pictures[0] == pictures[0][:, :, :1]).all()
    painted = np.stack([pictures[2 + c][:, :, c] for c in range(3)], axis=-1)
    assert np.array_equal(painted, reference.picture(small().weights, 24, 16, scale=900))
    assert sum(picture.any(axis=(0, 1)).sum() for picture in pictures[2:]) == 3


@pytest.mark.parametrize("columns", [1, 3, 15])
def test_the_sheet_has_its_columns(columns: int):
    path, facts = views.neuron_sheet(as_painter(small()), columns)
    with Image.open(path) as sheet:
        assert sheet.size == (facts["width"], facts["height"])
        across = min(columns, 5)
        assert sheet.width == across * neurons.THUMBNAIL + (across + 1) * neurons.GAP
    assert [row["neuron"] for row in facts["neurons"]] == [1, 2, 3, 4, 5]
    assert all(len(row["strongest"]) <= neurons.STRONGEST for row in facts["neurons"])


def test_impossible_sheets_are_refused():
    for columns in (0, -1, 16):
        with pytest.raises(ValueError, match="columns"):
            endpoints.starry_neurons("published", columns)


# --- comparison


def test_the_score_is_the_contests():
    one, other = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    expected = ((one.astype(float) - other.astype(float)) ** 2 / 255**2).sum()
    assert score(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(expected)


def test_a_target_is_brought_to_size_and_scored(tmp_path: Path):
    own, _ = views.own_painting(published())
    assert views.open_target(own).done == ""
    assert views.score_against(published(), views.open_target(own)) == 0
    Image.new("RGB", (40, 20), "black").save(tmp_path / "small.png")
    target = views.open_target(tmp_path / "small.png")
    assert target.picture.size == (386, 320)
    assert "40 × 20" in target.done
    painted = reference.picture(published().program.weights, 386, 320).astype(float)
    assert views.score_against(published(), target) == pytest.approx((painted**2).sum() / 255**2)
    with pytest.raises(ValueError, match="24 x 16"):
        views.score_against(as_painter(small()), target)


def test_the_slider_compares_what_is_chosen(tmp_path: Path, without_ours):
    Image.new("RGB", (386, 320), "navy").save(tmp_path / "target.png")
    target = views.open_target(tmp_path / "target.png")
    with Image.open(views.side("target", target)) as image:
        assert image.getpixel((5, 5)) == (0, 0, 128)
    assert views.side("published", target) == views.own_painting(published())[0]
    said = views.comparison("target", "published", target)
    assert "Your picture" in said
    assert "lower is better" in said
    assert "starry/ours.pyth is not in weights" in said  # one that is missing does not take the other's score away
    with pytest.raises(ValueError, match="upload a picture"):
        views.side("target", None)
    assert "lower is better" not in views.comparison("published", "published", None)


def test_a_missing_or_unknown_program_is_named(without_ours):
    with pytest.raises(WeightsError, match=r"ours\.pyth"):
        painter_of("ours")
    with pytest.raises(VisitorError, match="theirs"):
        endpoints.paint_starry("theirs")
    assert painter_of("published").program.neurons == 45


# --- figures and facts


def test_facts_are_told_in_words():
    path, facts = views.painting(published(), 772, View())
    assert (facts["bytes"], facts["escapes"], facts["neurons"], facts["weights"]) == (1020, 4, 45, 1125)
    assert "772 × 640, computed between its pixels" in views.describe(facts)
    with Image.open(path) as image:
        assert image.size == (772, 640)
    _, facts = views.painting(published(), 386, View())
    assert "its own painting, pixel by pixel" in views.describe(facts)
    assert "⚠️ late" in views.describe({**facts, "note": "late"})


@pytest.mark.parametrize("view", [(0, 0, 0), (100, 0, 0), (float("nan"), 0, 0), (1, 9, 0), (1, 0, float("inf"))])
def test_impossible_views_are_refused(view: tuple[float, float, float]):
    with pytest.raises(ValueError, match=r"zoom|center"):
        endpoints.paint_starry("published", 64, *view)


def test_the_table_of_scores_has_our_figures_if_there_are_any(monkeypatch):
    monkeypatch.setattr(views, "results", dict)
    assert "random weights" not in views.scores()
    assert views.search_curves({})["data"] == []
    check = {"values": 370_560, "differing": 0}
    found = {
        "ours": {"score": 4321.987, "bytes": 1023},
        "pyth": {"published": check, "ours": check},
        "search": {"cpu_seconds": 7200, "starts": {"3": [[1.0, 9000.0], [2.0, 8000.0]], "5": [[1.0, 7000.0]]}},
        "baseline": {"curve": [[1.0, 9900.0]]},
    }
    monkeypatch.setattr(views, "results", lambda: found)
    table = views.scores()
    for text in ("4,321.99", "4,695.07", "4,444.04", "0 of 741,120", "120 minutes"):
        assert text in table
    rows = views.search_curves(found)["data"]
    assert [1 / 60, 9900.0, "the published recipe"] in rows
    assert [2 / 60, 8000.0, "our start 3"] in rows
    assert len(rows) == 4
    assert "drawn" not in table


def test_only_the_best_starts_are_drawn_and_that_is_said(monkeypatch):
    starts = {str(seed): [[1.0, 9000.0], [2.0, 5000.0 + seed]] for seed in range(9)}
    found = {"search": {"cpu_seconds": 60, "starts": starts}}
    monkeypatch.setattr(views, "results", lambda: found)
    drawn = {row[2] for row in views.search_curves(found)["data"]}
    assert drawn == {f"our start {seed}" for seed in range(views.SHOWN_STARTS)}
    assert f"Of its 9 starts the best {views.SHOWN_STARTS} are drawn." in views.scores()


def test_a_program_that_asks_for_too_much_is_painted_smaller_and_told_so():
    _, facts = views.own_painting(as_painter(replace(published().program, width=4000, height=4000)))
    assert (facts["picture_width"], facts["picture_height"]) == (2000, 2000)
    assert "4000 × 4000" in views.describe(facts)
    assert "painted smaller" in views.describe(facts)
    assert "painted smaller" not in views.describe(views.own_painting(published())[1])


# --- programs from strangers


def hostile() -> dict[str, tuple[bytes, str]]:
    """Files that are no program of this family, each with what the refusal must mention."""
    good = published().data
    end = good.index(b'"111')
    return {
        "nothing": (b"", "empty"),
        "another language": (b"import os; os.system('echo hello')\n", "KjC"),
        "another Pyth program": (b'"Hello, world!', "KjC"),
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(900), "KjC"),
        "10 MB": (good + bytes(10_000_000), "bytes"),
        "one byte too long": (good + b" " * (1025 - len(good)), "bytes"),
        "a byte too few in the number": (good[:10] + good[11:], "weights"),
        "cut off in the string": (good[:500], "cut off"),
        "cut off in the decoder": (good[:-3], "decoder"),
        "something after the decoder": (good + b'.w"', "decoder"),
        "code in the decoder": (good.replace(b"386 320", b"$x()$ 1"), "decoder"),
        "a bad escape": (good[:100] + b"\\xzz" + good[104:], "escape"),
        "a raw carriage return": (good[:100] + b"\r" + good[101:], "carriage return"),
        "an endless string": (good[:end], "cut off"),
        "digits that are taken from elsewhere": (good.replace(b"L-55", b"L-54"), "54"),
        "digits out of range": (good.replace(b'"111', b'"256'), "55"),
        "no levels": (good.replace(b'"111', b'"0'), "decoder"),
        "a huge canvas": (good.replace(b"386 320", b"9999 9999"[:9]), "pixels"),
        "a huge number in the decoder": (good.replace(b"386 320", b"9" * 100 + b" 1"), r"decoder|bytes"),
    }


@pytest.mark.parametrize(("data", "word"), hostile().values(), ids=hostile())
def test_a_file_that_is_no_program_is_refused_in_words(data: bytes, word: str, tmp_path: Path):
    (tmp_path / "file.pyth").write_bytes(data)
    with pytest.raises(ValueError, match=word):
        endpoints.paint_program(tmp_path / "file.pyth")


def test_no_file_is_no_program():
    with pytest.raises(ValueError, match="file must be a file"):
        endpoints.paint_program("")


def test_a_program_of_this_family_is_painted(tmp_path: Path):
    (tmp_path / "mine.pyth").write_bytes(write(small("sine")))
    path, facts = endpoints.paint_program(tmp_path / "mine.pyth")
    with Image.open(path) as image:
        assert np.array_equal(np.array(image), reference.picture(small().weights, 24, 16, scale=900, activation="sine"))
    assert (facts["neuron"], facts["neurons"], facts["program_from"]) == ("sine", 5, "uploaded")
    assert open_program(tmp_path / "mine.pyth").program == small("sine")


def served(path: Path, found: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """A file and all of this wing that it imports, anywhere in its text."""
    found |= {path}
    for name in re.findall(r"from cppn\.starry\.(\w+) import|from cppn\.starry import (.+)", path.read_text("utf-8")):
        for module in re.findall(r"\w+", " ".join(name)):
            other = CODE / f"{module}.py"
            if other.is_file() and other not in found:
                found = served(other, found)
    return found


def test_nothing_that_serves_visitors_can_execute_a_program():
    files = served(CODE / "tab.py")
    assert {"program.py", "squeeze.py", "search.py"} <= {path.name for path in files}
    assert not any("making" in path.parts for path in files)  # the interpreter is run there
    for path in files:
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not called & {"eval", "exec", "compile", "__import__"}, path.name
        assert not imported & {"os", "subprocess", "importlib", "runpy", "pickle"}, path.name
