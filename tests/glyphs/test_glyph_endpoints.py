"""What can be asked, in Python and on the command line: answers, limits in words, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cppn.endpoint import HEAVY, run_command
from cppn.faults import VisitorError
from cppn.glyphs import endpoints, views
from cppn.glyphs.weights import script_of


@pytest.mark.parametrize(
    ("asked", "values", "words"),
    [
        ("draw_glyph", {"tile": 15}, "tile must be a whole number from 16 to 2,048; 15 came"),
        ("draw_glyph", {"tile": 2049}, "tile must be"),
        ("draw_glyph", {"tile": 10**9}, "tile must be"),
        ("draw_glyph", {"tile": 63.7}, "tile must be a whole number"),
        ("draw_glyph", {"ink": 0}, "ink must be a number from 0.25 to 16"),
        ("draw_glyph", {"ink": 17}, "ink must be"),
        ("draw_glyph", {"ink": float("nan")}, "ink must be"),
        ("draw_glyph", {"model": []}, "model must be one of: script"),
        ("send_glyph", {"strength": 2.1}, "strength must be a number from 0 to 2"),
        ("send_glyph", {"seed": 1.7}, "seed must be a whole number from 0 to 999,999; 1.7 came"),
        ("interpolate_glyphs", {"frames": 10**6}, "frames must be a whole number from 2 to 240; 1000000 came"),
        ("interpolate_glyphs", {"frames": 1}, "frames must be"),
        ("interpolate_glyphs", {"tile": 513}, "tile must be"),
        ("interpolate_glyphs", {"grid": "9 x 9"}, "grid must be one of: 1, 4 x 2, 8 x 4; '9 x 9' came"),
        ("interpolate_glyphs", {"method": "straight"}, "method must be one of: spherical, linear, seed"),
        ("interpolate_glyphs", {"frames": 240, "tile": 512}, "at most 18 million"),
        ("interpolate_glyphs", {"seeds": "1," * 200}, "seeds must be a text of at most 200 characters"),
        ("read_glyph", {}, "picture is missing"),
        ("read_glyph", {"picture": None}, "picture must be a file"),
    ],
)
def test_what_is_out_of_range_is_named(asked, values, words):
    with pytest.raises(VisitorError, match=words):
        getattr(endpoints, asked)(**values)


@pytest.mark.parametrize("seeds", ["1", "", "1, 2, 3, 4, 5", ","])
def test_paths_need_two_to_four_messages(seeds):
    with pytest.raises(VisitorError, match="two to four messages"):
        endpoints.interpolate_glyphs("script", seeds)


def test_long_films_wait_with_the_large_pictures():
    asked = endpoints.interpolate_glyphs
    assert asked.cost(**asked.defaults) < HEAVY
    assert HEAVY < asked.cost(**asked.defaults | {"tile": 190, "grid": "4 x 2"}) < 10


def test_a_loop_is_drawn_once_and_anew_with_other_settings():
    first, again, other = (endpoints.interpolate_glyphs(frames=3, tile=16, ink=ink) for ink in (4, 4, 5))
    assert first == again
    assert first.animation.read_bytes() != other.animation.read_bytes()
    assert first.facts["tile"] == 16


def asked(verb: str, *argv: str) -> int:
    """The status of a command."""
    command = next(e for e in vars(endpoints).values() if getattr(e, "command", None) == verb)
    return run_command(command, f"python -m cppn glyphs {verb}", list(argv))


def test_the_commands_draw_send_and_read(tmp_path: Path, capsys):
    out = tmp_path / "glyph.png"
    assert asked("draw", "Round 1!", "--model", "colour_64", "--tile", "96", "--out", str(out)) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["message"] == "Round 1!"
    with Image.open(out) as picture:
        assert picture.size == (96, 96)
    assert asked("read", str(out), "--model", "colour_64", "--out", str(tmp_path / "seen.png")) == 0
    assert json.loads(capsys.readouterr().out)["report"]["read"] == "Round 1!"
    Image.new("RGB", (64, 64), "white").save(out)
    assert asked("read", str(out), "--out", str(tmp_path / "seen.png")) == 1
    capsys.readouterr()
    assert asked("send", "Hi", "--strength", "0", "--out", str(tmp_path / "sent.png")) == 0
    assert json.loads(capsys.readouterr().out)["report"]["read_exactly"] == 100
    assert (tmp_path / "sent-many.png").is_file()
    assert asked("draw", "1", "--tile", "1.7") == 2
    assert "tile must be a whole number from 16 to 2,048; 1.7 came instead" in capsys.readouterr().err


def test_a_lent_photo_can_be_read():
    script = script_of("script")
    assert endpoints.read_glyph("script", picture=views.photo(script)).report["read"] == views.PHOTO_TEXT
