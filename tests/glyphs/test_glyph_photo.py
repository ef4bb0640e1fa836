"""Pictures that are brought: found, straightened and read wherever the glyph lies; and those that hold no text."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from plain_glyphs import PlainColourNet, PlainNet

from cppn.faults import VisitorError
from cppn.glyphs.draw import INK, draw
from cppn.glyphs.find import Found, Photo, heaps, pale_sheet, quadrilateral
from cppn.glyphs.legible import legible_message
from cppn.glyphs.making.photos import nothing
from cppn.glyphs.making.scenes import picture_of
from cppn.glyphs.message import seed_to_message, text_to_message
from cppn.glyphs.photo import read_picture
from cppn.glyphs.refine import refine
from cppn.glyphs.weights import script_of
from cppn.projective import CORNERS


@pytest.fixture(scope="module")
def net():
    return script_of("script").net


@pytest.fixture(scope="module")
def glyph(net) -> Image.Image:
    return Image.fromarray(draw(net, legible_message(net, "Found it")[None], 400, INK)[0].numpy())


def as_picture(values: torch.Tensor, size: int) -> Image.Image:
    """A glyph (1, C, S, S) as an RGB picture of this size."""
    pixels = (values[0].expand(3, -1, -1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels).resize((size, size), Image.Resampling.NEAREST)


# --- networks whose answers are known


@pytest.mark.parametrize("plain", [PlainNet(), PlainColourNet()])
def test_a_picture_of_any_size_is_read(plain):
    glyph = plain.draw(text_to_message("Found it", 64)[None])
    for size in (32, 64, 391):
        seen = read_picture(plain, as_picture(glyph, size))
        assert (seen.text, seen.places) == ("Found it", 1)
        assert seen.glimpse.seen.shape == (plain.channels, 32, 32)
    wide = Image.new("RGB", (200, 96), "gray")
    wide.paste(as_picture(glyph, 96), (52, 0))
    assert read_picture(plain, wide).text == "Found it"


def test_nothing_of_a_picture_is_kept_once_it_is_read(net, monkeypatch):
    made, initialise = [], Photo.__init__
    monkeypatch.setattr(
        Photo, "__init__", lambda self, *args: (made.append(weakref.ref(self)), initialise(self, *args))[1]
    )
    read_picture(net, Image.effect_noise((200, 160), 60).convert("RGB"))
    gc.collect()
    assert made
    assert [photo for photo in made if photo()] == []


def test_pictures_that_are_no_glyphs_are_not_read():
    noise = np.random.default_rng(0).integers(0, 256, (10, 80, 80, 3), dtype=np.uint8)
    for picture in [*map(Image.fromarray, noise), *(Image.new("RGB", (80, 60), name) for name in ("white", "black"))]:
        seen = read_picture(PlainNet(), picture)
        assert seen.text is None
        assert 1 <= seen.places <= 30


def test_pictures_too_small_for_a_glyph_are_refused():
    with pytest.raises(VisitorError, match="at least 12 x 12"):
        read_picture(PlainNet(), Image.new("RGB", (300, 11)))


# --- the parts


def test_a_quadrilateral_is_found_round_what_was_drawn():
    y, x = np.mgrid[:200, :300]
    inside = (y > 40 + x / 10) & (y < 160 - x / 15) & (x > 50) & (x < 210)
    expected = np.array([[50, 45], [210, 61], [210, 146], [50, 156.7]]) / [300, 200]
    found = quadrilateral(inside)
    assert min(np.abs(np.roll(found, turn, 0) - expected).max() for turn in range(4)) < 0.02


def test_the_largest_heaps_come_first():
    mask = np.zeros((200, 200), bool)
    mask[20:60, 20:60], mask[100:180, 100:180], mask[5, 190] = True, True, True
    assert [int(heap.sum()) for heap in heaps(mask, 3, loose=True)] == [6400, 1600]


def test_a_place_is_straightened():
    picture = Image.new("RGB", (400, 300), "black")
    picture.paste((255, 255, 255), (100, 60, 200, 160))
    corners = np.array([[100, 60], [200, 60], [200, 160], [100, 160]]) / [400, 300]
    seen = Photo(picture, 1).look(Found("", "raw", corners), 16, wide=2.0)[0]
    expected = torch.zeros(16, 16)
    expected[4:12, 4:12] = 1
    assert float((seen - expected).abs().max()) < 0.3  # the edges are soft
    assert float((seen - expected).abs().mean()) < 0.03


def test_a_hidden_part_does_not_mislead_the_fit(net):
    signs = text_to_message("Found it", 64)[None]
    seen = torch.nn.functional.pad(net.draw(signs, 96, INK), (12,) * 4)  # 1.25 times as wide
    seen[:, :, 40:100, 12:40] = 0.6
    start = net.read(seen[:, :, 12:-12, 12:-12]).messages.detach()
    fit = refine(net, seen.detach(), torch.tensor(CORNERS)[None], start, 48, 90)
    assert torch.equal(fit.messages.sign(), signs)
    assert float(fit.likeness) > 0.95
    assert 0.6 < float(fit.counted) < 0.95


def test_wrong_signs_are_settled(net):
    signs = text_to_message("Found it", 64)[None]
    seen = torch.nn.functional.pad(net.draw(signs, 96, INK), (12,) * 4).detach()
    seen[:, :, 40:70, 12:40] = 0.6
    start = signs.clone()
    start[0, [3, 30, 50]] *= -0.2  # so small that the drawing fits all the same, and the slopes may lead nowhere
    fit = refine(net, seen, torch.tensor(CORNERS)[None], start, 48, 20, settle=True)
    assert torch.equal(fit.signs, signs)


def test_a_hand_on_a_sheet_does_not_hide_where_it_lies():
    page = Image.new("RGB", (400, 300), (20, 20, 24))
    page.paste((240, 238, 230), (150, 60, 330, 240))
    page.paste((199, 143, 117), (0, 120, 220, 170))
    expected = np.array([[150, 60], [330, 60], [330, 240], [150, 240]]) / [400, 300]
    (found,) = pale_sheet(Photo(page, 1))
    assert min(np.abs(np.roll(found, turn, 0) - expected).max() for turn in range(4)) < 0.02


def test_pictures_without_a_text_are_counted_on(net):
    at_once, first = nothing(net, "noise", 2, {}), nothing(net, "noise", 1, {})
    later = nothing(net, "noise", 2, first)
    assert {key: value for key, value in later.items() if key != "cpu_seconds"} == {
        key: value for key, value in at_once.items() if key != "cpu_seconds"
    }
    assert at_once["pictures"] == 2


# --- photographs


@pytest.mark.parametrize(
    "condition", ["turned", "tilted", "small", "gradient", "screenshot", "all of it", "curl", "glare", "thumb"]
)
def test_photographs_are_read(net, glyph, condition):
    assert read_picture(net, picture_of(glyph, condition, 1, measuring=False)).text == "Found it"


def test_negatives_quarter_turns_and_margins_are_read(net, glyph):
    page = Image.new("RGB", (900, 700), "white")
    page.paste(glyph, (30, 280))
    for picture in (ImageOps.invert(glyph), glyph.rotate(90), glyph.rotate(180), page, ImageOps.invert(page)):
        assert read_picture(net, picture).text == "Found it"


def test_glyphs_of_seeds_hold_no_text(net):
    for seed in range(6):
        tile = draw(net, seed_to_message(seed, 64)[None], 300, INK)[0]
        assert read_picture(net, Image.fromarray(tile.numpy())).text is None


@torch.inference_mode()
def test_what_is_drawn_is_read_back_at_any_ink(net):
    for text in ("night!!", "iEA2v0", "z", "DIEe", "2TJ"):  # unclear to the reader when every sign is written alike
        message = legible_message(net, text)[None]
        signs = text_to_message(text, 64)
        assert torch.equal(message[0].sign(), signs)
        for ink in (1, 4, 16):
            assert torch.equal(net.read(net.draw(message, 64, float(ink))).messages[0].sign(), signs), (text, ink)


def test_a_large_picture_is_made_small_early(net):
    picture = Image.new("RGB", (4000, 4000), "gray")
    tracemalloc.start()  # NumPy's arrays are counted
    Photo(picture, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
