"""Every place that takes a picture, given whatever people call one: the right picture, or a sentence that helps."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from cppn.__main__ import main
from cppn.faults import VisitorError
from cppn.flags.hide import hide
from cppn.glyphs.endpoints import read_glyph
from cppn.odd_shapes.endpoints import attention_of, locate_odd_shape
from cppn.render import open_picture
from cppn.starry import views as starry_views
from cppn.starry.squeeze import squeeze_file, target_of


def box(kind: bytes, data: bytes) -> bytes:
    """A box of the file family of HEIC and MP4."""
    return struct.pack(">I", 8 + len(data)) + kind + data


UNREADABLE = {
    "photo.heic": (box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(90), "HEIC photograph.*save it as JPEG or PNG"),
    "photo.avif": (box(b"ftyp", b"mif1\0\0\0\0mif1avif") + bytes(90), "AVIF picture; save it as JPEG or PNG"),
    "film.jpg": (box(b"ftyp", b"qt  \0\0\0\0qt  ") + bytes(90), "a film"),
    "old_film.jpg": (box(b"moov", bytes(90)), "a film"),
    "film.gif": (b"\x1aE\xdf\xa3" + bytes(90), "a film"),
    "film.png": (b"RIFF\0\0\0\0AVI LIST", "a film"),
    "sound.png": (b"RIFF\0\0\0\0WAVEfmt ", "a sound"),
    "page.png": (b"%PDF-1.7\n" + b"x" * 500, "a PDF document; save the page"),
    "drawing.png": (b"<?xml version='1.0'?>\n<!-- made by hand -->\n<svg xmlns='x'/>", "an SVG drawing"),
    "site.jpg": (b"\n<!-- hello --><HTML><body>404</body>", "a web page"),
    "archive.png": (b"PK\3\4" + bytes(90), "a zip file"),
    "gzip.png": (b"\x1f\x8b\x08" + bytes(90), "a compressed file"),
    "letter.png": (b"\xd0\xcf\x11\xe0" + bytes(90), "an office document"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
    "._photo.jpg": (b"\0\5\x16\7" + bytes(90), "a Mac's notes"),
    "error.jpg": (b"Entry not found", "a text"),
    "zero.png": (b"", "the file is empty"),
    "zeros.jpg": (bytes(999), "nothing but zeros"),
    "noise.png": (bytes(range(128, 256)), "not a picture"),
}


def first(looks: Callable) -> Callable:
    """The first of what a training yields."""
    return lambda path: next(iter(looks(path, 0.01)))


DOORS: dict[str, Callable] = {
    "odd_shapes locate": locate_odd_shape,
    "odd_shapes attention": attention_of,
    "glyphs read": lambda path: read_glyph(picture=path),
    "flags hide": first(hide),
    "starry sketch": first(squeeze_file),
    "starry compare": starry_views.open_target,
}
PUBLIC = {
    "/locate_odd_shape": "picture",
    "/attention_of": "picture",
    "/read_glyph": "picture",
    "/hide_picture": "picture",
    "/squeeze_picture": "picture",
}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Callable:
    return DOORS[request.param]


def test_what_is_no_picture_is_named_at_every_door(door: Callable, tmp_path: Path):
    for name, (data, words) in UNREADABLE.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(VisitorError, match=words):
            door(tmp_path / name)


@pytest.mark.parametrize("endpoint", PUBLIC)
def test_the_api_says_what_a_file_is(endpoint: str, client: Client, tmp_path: Path):
    (tmp_path / "photo.png").write_bytes(UNREADABLE["photo.heic"][0])
    with pytest.raises(AppError, match="this is a HEIC photograph, as phones keep them; save it as JPEG or PNG"):
        client.predict(**{PUBLIC[endpoint]: handle_file(tmp_path / "photo.png")}, api_name=endpoint)


@pytest.mark.parametrize("command", [("odd_shapes", "locate"), ("glyphs", "read"), ("flags", "hide")])
def test_the_command_line_says_what_a_file_is(command: tuple[str, str], tmp_path: Path, capsys):
    (tmp_path / "photo.png").write_bytes(UNREADABLE["photo.heic"][0])
    assert main([*command, str(tmp_path / "photo.png")]) == 2
    assert "this is a HEIC photograph" in capsys.readouterr().err


# --- pictures of strange shapes, and what cannot be seen on white


@pytest.mark.parametrize("size", [(4000, 8), (8, 4000)])
@pytest.mark.parametrize("name", [name for name in DOORS if name != "glyphs read"])
def test_a_strip_is_refused_in_words(name: str, size: tuple[int, int], tmp_path: Path):
    Image.new("RGB", size, "white").save(tmp_path / "strip.png")
    with pytest.raises(VisitorError, match=r"8 (x 4000 )?pixels.*Cut out the part|4000 x 8 pixels.*Cut out the part"):
        DOORS[name](tmp_path / "strip.png")


def test_a_long_screenshot_keeps_its_proportions(tmp_path: Path):
    Image.new("RGB", (1080, 6000), "navy").save(tmp_path / "long.png")
    looked = first(hide)(tmp_path / "long.png")
    assert (looked.width, looked.height) == (115, 640)
    assert target_of(open_picture(tmp_path / "long.png")).shape == (386, 69, 3)
    target = starry_views.open_target(tmp_path / "long.png")
    across = np.flatnonzero(np.asarray(target.picture).any(axis=(0, 2)))
    assert (target.picture.size, len(across)) == ((386, 320), 58)
    assert "6000 pixels became 58 × 320" in target.done
    assert "Black margins" in target.done


@pytest.fixture
def white_logo(tmp_path: Path) -> Path:
    logo = Image.new("RGBA", (320, 200))
    pen = ImageDraw.Draw(logo)
    for x in (60, 160, 260):
        pen.ellipse((x - 30, 70, x + 30, 130), fill="white")
    logo.save(tmp_path / "logo.png")
    return tmp_path / "logo.png"


def test_a_white_logo_is_seen_and_its_ground_named(white_logo: Path):
    said = "laid on black"
    assert said in locate_odd_shape(white_logo).report["picture"]
    assert said in first(hide)(white_logo).done
    assert said in first(squeeze_file)(white_logo).done
    target = starry_views.open_target(white_logo)
    assert said in target.done
    assert np.asarray(target.picture).max() == 255
    assert np.asarray(target.picture)[160, 5].max() == 0


def test_what_is_transparent_all_over_is_refused_at_every_door(door: Callable, tmp_path: Path):
    Image.new("RGBA", (320, 200)).save(tmp_path / "nothing.png")
    with pytest.raises(VisitorError, match="transparent all over"):
        door(tmp_path / "nothing.png")
