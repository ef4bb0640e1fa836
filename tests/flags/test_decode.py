"""The fast decoder paints what the network says, whatever the window and the convention."""

from __future__ import annotations

import flag_reference as reference
import numpy as np
import pytest
import torch
from PIL import Image

from cppn import checkpoint
from cppn.__main__ import main
from cppn.checkpoint import CheckpointError
from cppn.coordinates import View, axes, points
from cppn.flags import decode as module
from cppn.flags.decode import decode, evaluate, fold, open_gift
from cppn.flags.network import GiftConfig


def state_of(net) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


def test_folding_changes_nothing_beyond_rounding(net):
    x = points(*axes(64, 32))
    with torch.no_grad():
        assert (evaluate(fold(net), x) - net(x)).abs().max() < 1e-4


def test_it_paints_what_numpy_paints(net):
    ours = decode(fold(net), 40, 24).permute(1, 2, 0).numpy()  # (H, W, 3)
    difference = np.abs(np.rint(ours * 255) - reference.picture(state_of(net), 40, 24))
    assert difference.max() <= 1  # a value on the border between two levels may fall to either side
    assert (difference > 0).mean() < 0.002


@pytest.mark.parametrize("chunk", [64, 100, 4096])
def test_the_size_of_a_chunk_does_not_show(net, monkeypatch, chunk):
    whole = decode(fold(net), 50, 30)
    monkeypatch.setattr(module, "CHUNK", chunk)
    torch.testing.assert_close(decode(fold(net), 50, 30), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("order", ["xy", "yx"])
@pytest.mark.parametrize(
    ("span", "low", "high_x", "high_y"), [("-1..1", -1, 1, 1), ("0..1", 0, 1, 1), ("pixels", 0, 8, 4)]
)
def test_every_convention_feeds_the_network_as_its_name_says(net, order, span, low, high_x, high_y):
    xs, ys = np.linspace(low, high_x, 9), np.linspace(low, high_y, 5)
    grid = np.array([(x, y) if order == "xy" else (y, x) for y in ys for x in xs])
    expected = np.clip(reference.forward(state_of(net), grid), 0, 1).reshape(5, 9, 3)
    ours = decode(fold(net), 9, 5, order=order, span=span).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_a_view_is_the_same_plane_through_a_window(net):
    whole = decode(fold(net), 41, 21)
    # the middle half of each axis at the same spacing: every second sample of neither, all of both
    window = decode(fold(net), 21, 11, View(zoom=2.0))
    torch.testing.assert_close(window, whole[:, 5:16, 10:31], rtol=0, atol=1e-5)
    moved = decode(fold(net), 21, 11, View(zoom=2.0, center_x=0.5, center_y=-0.5))
    torch.testing.assert_close(moved, whole[:, 0:11, 20:41], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5), (10**6, 5), (4097, 1), (5, 10**9)])
def test_an_impossible_size_is_refused(net, width, height):
    with pytest.raises(ValueError, match="pixels"):
        decode(fold(net), width, height)


def test_an_unknown_convention_is_refused(net):
    with pytest.raises(ValueError, match="unknown order"):
        decode(fold(net), 4, 4, order="zz")
    with pytest.raises(ValueError, match="unknown span"):
        decode(fold(net), 4, 4, span="0..2")
    with pytest.raises(ValueError, match="zoom must be positive"):
        decode(fold(net), 4, 4, View(zoom=0))


def test_a_gift_keeps_its_shape(net, tmp_path):
    checkpoint.save(tmp_path / "a.safetensors", net, GiftConfig(320, 390))
    gift = open_gift(tmp_path / "a.safetensors")
    assert gift.size == (320, 390)
    assert gift.size_at(640) == (640, 780)
    assert gift.checkpoint.parameters == 6675


def test_a_gift_that_tells_nothing_gets_the_commonest_shape(net):
    assert open_gift(checkpoint.to_bytes(net, GiftConfig())).size == (320, 160)


def test_a_stranger_is_refused_with_a_reason():
    with pytest.raises(CheckpointError, match=r"dense1\.weight is missing"):
        open_gift(checkpoint.to_bytes(torch.nn.Linear(2, 2), GiftConfig()))


def test_the_command_writes_the_picture(net, tmp_path, capsys):
    checkpoint.save(tmp_path / "a.safetensors", net, GiftConfig(32, 16))
    out = tmp_path / "a.png"
    assert main(["flags", "decode", str(tmp_path / "a.safetensors"), "--width", "64", "--out", str(out)]) == 0
    with Image.open(out) as image:
        assert image.size == (64, 32)
        difference = np.abs(np.array(image).astype(int) - reference.picture(state_of(net), 64, 32))
    assert difference.max() <= 1
    assert "64 x 32" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["atlantis"], ["japan", "--width", "1000000"], ["nowhere.safetensors"]])
def test_the_command_explains_bad_input(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["flags", "decode", *words, "--out", str(tmp_path / "x.png")])
    assert stop.value.code == 2
    assert "flags decode:" in capsys.readouterr().err
