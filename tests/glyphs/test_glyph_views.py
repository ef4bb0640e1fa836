"""What the tab shows: glyphs of any size without steps, boards, films, frames, sentences with their numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from plain_glyphs import PlainNet

from cppn.faults import VisitorError
from cppn.glyphs import views
from cppn.glyphs.channel import Channel
from cppn.glyphs.draw import BOARD, board, draw
from cppn.glyphs.interpolate import GRIDS, MOST_PIXELS, Film, film, largest_tile
from cppn.glyphs.message import seed_to_message
from cppn.glyphs.network import GlyphConfig, GlyphNet, waves
from cppn.glyphs.send import send


@pytest.fixture(scope="module")
def net() -> GlyphNet:
    torch.manual_seed(0)
    return GlyphNet(
        GlyphConfig(numbers=32, channels=1, pixels=16, cutoff=6, reader_cutoff=8, hidden=16, looks=1)
    ).eval()


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def strengths(net: GlyphNet, message: torch.Tensor) -> np.ndarray:
    """The strength of each wave (K,), float64."""
    writer = net.writer
    with torch.no_grad():
        own = writer.linear(message[None]) + writer.perceptron(message[None])
        return (own[0] * writer.gain * writer.damping()).double().numpy()


def test_a_glyph_of_2048_pixels_is_its_waves_at_every_pixel(net):
    message, ink, size = seed_to_message(1, 32), 4.0, 2048
    shown = draw(net, message[None], size, ink)[0].numpy()
    assert shown.shape == (size, size, 3)
    strength, pairs = strengths(net, message), waves(6).numpy()
    for row, column in np.random.default_rng(0).integers(0, size, (200, 2)):
        y, x = (row + 0.5) / size, (column + 0.5) / size
        logit = (strength * np.cos(math.pi * pairs[:, 0] * y) * np.cos(math.pi * pairs[:, 1] * x)).sum()
        expected = 255 / (1 + math.exp(-ink * logit))
        assert np.abs(shown[row, column] - expected).max() <= 0.51


def test_a_glyph_of_2048_pixels_has_no_steps(net):
    """Neighbours differ by no more than the steepest slope that the waves allow; enlarged pixels would jump."""
    message, ink, size = seed_to_message(1, 32), 4.0, 2048
    strength, pairs = strengths(net, message), waves(6).numpy()
    slope = np.abs(strength) @ pairs.max(axis=1) * math.pi  # of the logits, at most, across the whole glyph
    bound = 255 * ink / 4 * slope / size + 1  # a sigmoid is a quarter steep at most; rounding adds one level
    shown = draw(net, message[None], size, ink)[0, :, :, 0].int().numpy()
    largest = max(np.abs(np.diff(shown, axis=axis)).max() for axis in (0, 1))
    assert 0 < largest <= bound < 16
    enlarged = draw(net, message[None], 16, ink)[0, :, :, 0].int().numpy().repeat(128, axis=0)
    assert np.abs(np.diff(enlarged, axis=0)).max() > bound


def test_a_board_holds_its_tiles_in_rows():
    tiles = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3)
    sheet = board(tiles, 3)
    assert sheet.shape == (2 * 34 + 2, 3 * 34 + 2, 3)
    for number in range(6):
        row, column = divmod(number, 3)
        assert (sheet[2 + 34 * row : 34 + 34 * row, 2 + 34 * column : 34 + 34 * column] == number).all()
    assert sheet[0, 0].tolist() == sheet[34, 50].tolist() == list(BOARD)
    assert torch.equal(board(tiles[:1], 3), tiles[0])


def test_a_film_follows_its_path_and_shows_its_keys(net):
    frames, stops = film(net, ["1", "2", "3"], Film(frames=6, tile=24, ink=2))
    assert [frame.shape for frame in frames] == [(24, 24, 3)] * 6
    keys = torch.stack([seed_to_message(seed, 32) for seed in (1, 2, 3)])
    assert torch.equal(stops[::2], draw(net, keys, 24, 2))
    assert torch.equal(torch.stack(frames), stops)  # six frames and six stops: the same places
    grid, _ = film(net, ["1", "2"], Film(frames=2, tile=32, grid="8 x 4", ink=2))
    assert grid[0].shape == (4 * 34 + 2, 8 * 34 + 2, 3)
    assert torch.equal(grid[0][2:34, 2:34], draw(net, keys[:1], 32, 2)[0])


@pytest.mark.parametrize(
    "wanted", [{"frames": 240, "tile": 512}, {"frames": 60, "tile": 194, "grid": "4 x 2"}], ids=["one", "eight"]
)
def test_films_are_bounded(wanted):
    with pytest.raises(VisitorError, match="at most 18 million"):
        Film(**wanted)
    assert MOST_PIXELS >= 60 * 8 * 192**2  # the 4 x 2 grid at the usual size


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("frames", [2, 60, 240])
def test_the_largest_tile_fits_and_no_larger_one_does(grid, frames):
    count = frames * math.prod(GRIDS[grid])
    tile = largest_tile(frames, grid, MOST_PIXELS)
    assert count * tile**2 <= MOST_PIXELS < count * (tile + 1) ** 2
    assert tile >= 16  # so that every choice on the page can be drawn


def test_draws_are_framed_by_how_they_fared():
    sent = send(PlainNet(), "Frames", Channel(p_affine=0, p_perspective=0, sigma=0.5), 1, draws=24)
    assert 0 < sent.exact < 24
    shown, step = np.array(views.framed(sent)), views.TILE + 2 * views.RIM + 6
    assert shown.shape == (3 * step + 6, 8 * step + 6, 3)
    for number, right in enumerate(sent.right.tolist()):
        row, column = divmod(number, 8)
        frame = views.RIGHT if right == 64 else views.WRONG
        assert tuple(shown[6 + step * row + 3, 6 + step * column + 60]) == frame


def test_an_average_keeps_what_all_glyphs_have():
    class Marked(PlainNet):
        """Noise, and white in one corner."""

        def draw(self, messages: torch.Tensor, size: int | None = None, ink: float = 1.0) -> torch.Tensor:
            signs = super().draw(messages, size, ink)
            signs[..., : size // 8, : size // 8] = 1
            return signs

    shown = pixels(views.average(SimpleNamespace(net=Marked()))).astype(int)
    assert shown[20, 20].tolist() == [255, 255, 255]
    assert np.abs(shown[100:, 100:] - 127).max() < 35  # 200 draws leave a standard error of 4


def delivered(**changes: object) -> dict[str, object]:
    facts = {"sent": "Hi", "read": "Hi", "signs": 64, "signs_right": 64, "repeats": 1, "draws": 100, "read_exactly": 97}
    facts |= {"looked_at_again": 0, "read_then": 0}
    return {**facts, "interval_95": [0.915, 0.99], "sign_accuracy": 0.9987, "note": "", **changes}


def test_sentences_say_what_happened():
    assert views.describe_delivery(delivered()).startswith("## Read: “Hi”")
    assert "**97 of 100 draws**" in views.describe_delivery(delivered())
    assert "could not read it" in views.describe_delivery(delivered(read=None, signs_right=60)).lower()
    assert "and wrong" in views.describe_delivery(delivered(read="Ho"))
    assert "8 times" in views.describe_delivery(delivered(repeats=8))
    assert "again" not in views.describe_delivery(delivered())
    assert (
        "3 that could not be read at first sight were looked at again, and 2 of them read"
        in views.describe_delivery(delivered(looked_at_again=3, read_then=2))
    )
    assert "⚠️ Careful." in views.describe_delivery(delivered(note="Careful"))
    found = {"read": "Hi", "how": "the whole picture, as a negative", "attempts": 2, "note": ""}
    assert "“Hi”" in views.describe_attempts(found)
    assert "Could not read it" in views.describe_attempts({**found, "read": None})


def test_an_animation_says_what_became_of_its_size():
    facts = {"method": "seed", "messages": ["1", "Hi", "3"], "frames": 60, "seconds": 3.6, "glyphs": 32, "tile": 68}
    facts |= {"width": 580, "height": 292, "bytes": 2_000_000, "note": "Careful"}
    said = views.describe_interpolation(facts, 128)
    for words in ("through 1, Hi and 3", "32 glyphs at once", "68 pixels a side instead of 128", "⚠️ Careful."):
        assert words in said
    assert "instead of" not in views.describe_interpolation(facts, 68)
    assert "by sines" not in views.describe_interpolation({**facts, "method": "linear"}, 68)


def test_one_number_changes_what_it_says(net):
    script = SimpleNamespace(net=net, note="")
    large, strip, where, said = views.one_number(script, "1", 3, 2.5)
    message = seed_to_message(1, 32)
    assert f"Number 3 of 32 is {message[2]:.2f} in this message; the large glyph shows it at 2.50" in said
    message[2] = 2.5
    assert (pixels(large) == draw(net, message[None], views.SHOWN_WIDTH)[0].numpy()).all()
    assert pixels(strip).shape == (128 + 2 * 8, 7 * (128 + 8) + 8, 3)
    assert np.ptp(pixels(where)) > 30  # some places change more than others
