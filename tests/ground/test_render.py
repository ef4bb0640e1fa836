"""`cppn.render`: exact pixels, files that are whole and named by their content, strangers' pictures."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cppn import render
from cppn.render import PictureError


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a store of the test's own."""
    store = render.Store()
    monkeypatch.setattr(render, "_store", lambda: store)
    return store.folder


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


# --- pixels


def test_levels_are_those_of_numpy():
    values = np.random.default_rng(0).uniform(-0.5, 1.5, (3, 4, 5)).astype(np.float32)
    expected = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
    result = render.to_uint8(torch.tensor(values))
    assert result.dtype == torch.uint8
    np.testing.assert_array_equal(result.numpy(), expected)


def test_every_level_comes_back_and_halves_go_to_the_even_one():
    levels = torch.arange(256)
    assert torch.equal(render.to_uint8(levels / 255), levels.to(torch.uint8))
    assert render.to_uint8(torch.tensor([0.5 / 255, 1.5 / 255])).tolist() == [0, 2]


@pytest.mark.parametrize("height", [1, 256, 600])  # up to three bands
def test_an_image_has_the_tensors_pixels(height):
    values = np.random.default_rng(1).uniform(-0.2, 1.2, (3, height, 7)).astype(np.float32)
    expected = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8).transpose(1, 2, 0)
    image = render.to_image(torch.tensor(values))
    assert (image.mode, image.size) == ("RGB", (7, height))
    np.testing.assert_array_equal(np.asarray(image), expected)


# --- files


def test_a_png_is_lossless_and_lies_in_the_cache(cache):
    picture = noise(31, 17)
    path = render.save_png(picture, "flag")
    assert path.name == "flag.png"
    assert path.is_relative_to(cache)
    with Image.open(path) as saved:
        assert saved.format == "PNG"
        assert saved.tobytes() == picture.tobytes()


def test_equal_pictures_share_a_file_and_different_ones_do_not(cache):
    first = render.save_png(noise(8, 8), "a")
    inode = first.stat().st_ino
    assert render.save_png(noise(8, 8), "a") == first
    assert first.stat().st_ino == inode  # not written again
    assert render.save_png(noise(8, 8), "b") != first
    assert render.save_png(noise(8, 8, seed=1), "a") != first


def test_a_crowd_that_asks_for_the_same_files_gets_them(cache):
    contents = [bytes([number]) * 300_000 for number in range(4)]
    start, broken = threading.Barrier(12), []

    def visit() -> None:
        start.wait()
        for data in contents * 5:
            if render.save_bytes(data, "x", ".bin").read_bytes() != data:
                broken.append(data[0])

    crowd = [threading.Thread(target=visit) for _ in range(12)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert broken == []
    assert sorted(path.name for path in cache.rglob("*.bin*")) == ["x.bin"] * 4  # no temporary files left


def test_a_file_appears_whole(cache):
    data = bytes(20_000_000)  # takes a while to write
    path = render.save_bytes(data, "x", ".bin")
    sizes, done = set(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            if path.exists():
                sizes.add(path.stat().st_size)

    for _ in range(3):
        path.unlink()
        done.clear()
        watcher = threading.Thread(target=watch)
        watcher.start()
        render.save_bytes(data, "x", ".bin")
        time.sleep(0.01)
        done.set()
        watcher.join()
    assert sizes == {len(data)}


def files(store: render.Store) -> list[str]:
    return sorted(path.read_bytes().decode() for path in store.folder.rglob("*.bin"))


def test_the_longest_unused_make_room_for_new_ones():
    store = render.Store(limit=10)
    for data in ("aaaa", "bbbb"):
        store.save(data.encode(), "x", ".bin")
    store.save(b"aaaa", "x", ".bin")  # in use again
    store.save(b"cccc", "x", ".bin")
    assert files(store) == ["aaaa", "cccc"]
    assert len(list(store.folder.iterdir())) == 2  # no empty folders stay behind
    store.save(b"larger than all that may be kept", "x", ".bin")
    assert files(store) == ["larger than all that may be kept"]


def test_old_files_go_whatever_room_there_is(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(render.time, "monotonic", lambda: now[0])
    store = render.Store(seconds=60)
    store.save(b"old", "x", ".bin")
    now[0] = 59
    store.save(b"young", "x", ".bin")
    assert files(store) == ["old", "young"]
    now[0] = 61
    store.save(b"new", "x", ".bin")
    assert files(store) == ["new", "young"]


def test_a_file_that_was_tidied_away_is_written_again():
    store = render.Store()
    store.save(b"data", "x", ".bin").unlink()
    assert store.save(b"data", "x", ".bin").read_bytes() == b"data"


def test_thousands_of_pictures_stay_within_the_bound():
    store = render.Store(limit=50_000)
    for number in range(3_000):
        store.save(number.to_bytes(4, "big") * 100, "x", ".bin")
    kept = [path.stat().st_size for path in store.folder.rglob("*.bin")]
    assert sum(kept) <= 50_000
    assert len(list(store.folder.iterdir())) == len(kept) == 125


def test_a_store_is_private_and_goes_with_its_process():
    program = "from cppn.render import store_folder, save_bytes; save_bytes(b'x', 'a', '.b'); print(store_folder())"
    folder = Path(subprocess.check_output([sys.executable, "-c", program], text=True).strip())
    assert folder.name.startswith("cppn-")
    assert not folder.exists()
    assert render.Store().folder.stat().st_mode & 0o077 == 0


# --- animations and collages


def test_an_animation_keeps_its_frames_and_their_times():
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    tensor = torch.tensor(colors[0], dtype=torch.uint8).expand(16, 24, 3).contiguous()
    frames = [tensor, *(Image.new("RGB", (24, 16), color) for color in colors[1:])]
    with Image.open(io.BytesIO(render.animation(frames, seconds_per_frame=0.12, hold=1.5))) as film:
        assert (film.format, film.size, film.n_frames, film.info["loop"]) == ("WEBP", (24, 16), 3, 0)
        durations = []
        for number, color in enumerate(colors):
            film.seek(number)
            shown = np.asarray(film.convert("RGB"), dtype=int)
            assert np.abs(shown - color).max() < 12  # WebP's loss
            durations.append(film.info["duration"])
    assert durations == [120, 120, 1500]


def test_a_collage_centres_each_row_and_leaves_gaps():
    widths, colors = [10, 20, 10, 6], ["red", "green", "blue", "white"]
    pictures = [Image.new("RGB", (width, 8), color) for width, color in zip(widths, colors, strict=True)]
    sheet = np.asarray(render.collage(pictures, columns=3, gap=2, background="black"))
    expected = np.zeros((2 + 8 + 2 + 8 + 2, 2 + 10 + 2 + 20 + 2 + 10 + 2, 3), dtype=np.uint8)
    expected[2:10, 2:12] = (255, 0, 0)
    expected[2:10, 14:34] = (0, 128, 0)
    expected[2:10, 36:46] = (0, 0, 255)
    expected[12:20, 21:27] = 255  # 6 pixels in the middle of 48
    np.testing.assert_array_equal(sheet, expected)


# --- strangers' pictures


def saved(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_a_lossless_picture_comes_back_as_it_was(tmp_path, suffix):
    picture = noise(9, 7)
    opened = render.open_picture(saved(picture, tmp_path / f"x.{suffix}"))
    assert opened.mode == "RGB"
    assert opened.tobytes() == picture.tobytes()


def test_transparency_is_laid_on_white(tmp_path):
    picture = Image.new("RGBA", (3, 1))
    for x, alpha in enumerate((0, 51, 255)):
        picture.putpixel((x, 0), (255, 0, 100, alpha))
    opened = render.open_picture(saved(picture, tmp_path / "x.png"))
    expected = [(255, round(255 * (1 - a)), round(100 * a + 255 * (1 - a))) for a in (0, 0.2, 1)]
    assert [opened.getpixel((x, 0)) for x in range(3)] == expected


def test_a_photograph_that_was_held_sideways_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise
    picture = noise(5, 3)
    opened = render.open_picture(saved(picture, tmp_path / "x.png", exif=exif))
    np.testing.assert_array_equal(np.asarray(opened), np.rot90(np.asarray(picture), -1))


def test_sixteen_bits_of_gray_keep_their_shades(tmp_path):
    shades = np.array([[0, 128, 255, 300, 32768, 65535]], dtype=np.uint16)
    opened = render.open_picture(saved(Image.fromarray(shades), tmp_path / "x.png"))
    np.testing.assert_array_equal(np.asarray(opened)[0, :, 0], shades[0] // 256)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    path = saved(frames[0], tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
    red, _, blue = render.open_picture(path).getpixel((4, 4))
    assert red > 240 > 15 > blue


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "RGB"])
def test_every_common_kind_of_pixel_is_understood(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    opened = render.open_picture(saved(Image.new("RGB", (8, 8), "white").convert(mode), tmp_path / f"x.{suffix}"))
    assert (opened.mode, opened.getpixel((4, 4))) == ("RGB", (255, 255, 255))


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of a few bytes with this size in its header."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise(40, 30).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a picture"),
        (b"\xef\xbb\xbf\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (encoded("EPS"), "a PostScript file"),  # Pillow would hand it to Ghostscript
        (encoded("TIFF"), "a TIFF picture"),
        (b"%PDF-1.7", "a PDF document; save the page as PNG"),
        (b"\0\0\0\x18ftypheic", "a HEIC photograph, as phones keep them; save it as JPEG"),
        (b"\0\0\0\x18ftypavif", "an AVIF picture"),
        (b"\0\0\0\x18ftypisom", "a film"),
        (b"PK\3\4", "a zip file or an office document"),
        (b"<!DOCTYPE html>", "a web page"),
        (encoded("PNG")[:8], "damaged"),
        (encoded("JPEG")[:3], "damaged"),
        (png_that_claims(5000, 4000), "5000 x 4000 pixels; at most 16 megapixels"),  # no error to Pillow
        (png_that_claims(12_000, 9_000), "12000 x 9000 pixels"),  # a warning to Pillow
        (png_that_claims(60_000, 60_000), "too many pixels; at most 16 megapixels"),  # refused by Pillow
        (png_that_claims(50, 50), "damaged"),
        (encoded("PNG")[:-300], "damaged"),
        (encoded("JPEG")[:-300], "damaged"),
        (encoded("WEBP")[:-300], "damaged"),
        (encoded("GIF")[:-300], "damaged"),
        (encoded("BMP")[:-300], "damaged"),
    ],
)
def test_what_is_no_usable_picture_is_refused_in_words(tmp_path, data, words):
    path = tmp_path / "upload"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=words):
        render.open_picture(path)


@pytest.mark.parametrize("path", ["none", "\0", ".", "/dev/null"])
def test_what_is_no_file_is_refused_in_words(tmp_path, path):
    with pytest.raises(PictureError, match="no such file"):
        render.open_picture(tmp_path / path)


def test_a_picture_of_sixteen_megapixels_is_opened_in_little_memory(tmp_path):
    """Its own four bytes a pixel twice, while the transparency is laid on white; measured in a process of its own."""
    Image.new("RGBA", (4000, 4000), (255, 0, 0, 128)).save(tmp_path / "x.png", compress_level=1)
    script = (
        "import resource, sys; from pathlib import Path; from cppn.render import open_picture\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); open_picture(Path(sys.argv[1])); print(peak() - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "x.png"], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 200 * 1024  # kB


def test_damage_anywhere_in_a_picture_raises_nothing_else(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "upload"
    refused = 0
    for kind in render.FORMATS * 20:
        data = np.frombuffer(encoded(kind), dtype=np.uint8).copy()
        data[rng.integers(0, min(len(data), 400), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(data.tobytes())
        try:
            render.open_picture(path)
        except PictureError:
            refused += 1
    assert refused > 10
