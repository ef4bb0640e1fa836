"""The fast decoder paints what the network says, whatever the window and the convention."""

from __future__ import annotations

import contextvars
import json

import flag_reference as reference
import numpy as np
import pytest
import torch
from PIL import Image

from cppn import checkpoint
from cppn.checkpoint import CheckpointError
from cppn.coordinates import View, axes, points
from cppn.endpoint import run_command
from cppn.faults import Abandoned, VisitorError, expect_work_while
from cppn.flags import decode as module
from cppn.flags import endpoints
from cppn.flags.conventions import Convention
from cppn.flags.decode import decode, evaluate, fold, open_gift, shown_size
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
    ours = decode(fold(net), 9, 5, None, Convention(order, span)).permute(1, 2, 0).numpy()
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
        decode(fold(net), 4, 4, None, Convention(order="zz"))
    with pytest.raises(ValueError, match="unknown span"):
        decode(fold(net), 4, 4, None, Convention(span="0..2"))
    with pytest.raises(ValueError, match="unknown y axis"):
        decode(fold(net), 4, 4, None, Convention(y_axis="left"))
    with pytest.raises(ValueError, match="unknown aspect"):
        decode(fold(net), 4, 4, None, Convention(aspect="wide"))
    with pytest.raises(ValueError, match="unknown values"):
        decode(fold(net), 4, 4, None, Convention(values="0..2"))
    with pytest.raises(ValueError, match="unknown channels"):
        decode(fold(net), 4, 4, None, Convention(channels="cmyk"))
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


def test_a_negative_variance_is_refused_at_the_door(net):
    with torch.no_grad():
        net.bn4.running_var[3] = -0.5
    with pytest.raises(CheckpointError, match=r"bn4\.running_var holds negative numbers"):
        open_gift(checkpoint.to_bytes(net, GiftConfig()))


def test_weights_too_large_to_be_evaluated_are_said_to_be(net):
    with torch.no_grad():
        for value in net.parameters():
            value.fill_(1e38)
    gift = open_gift(checkpoint.to_bytes(net, GiftConfig()))
    with pytest.raises(VisitorError, match="not a finite number"):
        decode(gift.layers, 32, 16)


@pytest.mark.parametrize("size", [(320, 160), (4096, 4096), (4096, 1), (1, 4096), (3000, 700), (1000, 1000)])
def test_a_strangers_file_is_first_painted_at_a_megapixel_at_most(net, size):
    width, height = shown_size(open_gift(checkpoint.to_bytes(net, GiftConfig(*size))))
    assert width * height <= 1.01e6
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
    if size[0] * size[1] <= 1_000_000:
        assert (width, height) == size


def test_decoding_ends_when_nobody_waits(net):
    def ask() -> None:
        asked = []
        expect_work_while(lambda: not (asked.append(None) or len(asked) > 1))
        with pytest.raises(Abandoned):
            decode(fold(net), 320, 160)
        assert len(asked) == 2

    contextvars.copy_context().run(ask)


def flags(command: str, *argv: str) -> int:
    """Exit status of a command of the wing."""
    asked = {"decode": endpoints.decode_flag, "open": endpoints.open_gift}[command]
    return run_command(asked, f"python -m cppn flags {command}", list(argv))


def test_the_command_writes_the_picture(net, tmp_path, capsys):
    with torch.no_grad():  # colours, so that they are taken for what they are
        net.dense_head.weight.mul_(0.2)
        net.dense_head.bias.fill_(0.5)
    checkpoint.save(tmp_path / "a.safetensors", net, GiftConfig(32, 16))
    out = tmp_path / "a.png"
    asked = [str(tmp_path / "a.safetensors"), "--width", "64", "--height", "32", "--values", "0..1", "--out", str(out)]
    assert flags("open", *asked) == 0
    with Image.open(out) as image:
        assert image.size == (64, 32)
        difference = np.abs(np.array(image).astype(int) - reference.picture(state_of(net), 64, 32))
    assert difference.max() <= 1
    said = json.loads(capsys.readouterr().out)
    assert (said["picture"], said["facts"]["size_in_file"]) == (str(out), "32 x 16")


def test_the_command_decodes_a_team(tmp_path, capsys):
    assert flags("decode", "japan", "--width", "64", "--out", str(tmp_path / "japan.png")) == 0
    with Image.open(tmp_path / "japan.png") as image:
        assert image.size == (64, 43)
    assert json.loads(capsys.readouterr().out)["facts"]["name"] == "Japan"


@pytest.mark.parametrize(
    ("command", "argv", "words"),
    [
        ("decode", ["atlantis"], "team must be one of: "),
        (
            "decode",
            ["japan", "--width", "1000000"],
            "width must be a whole number from 1 to 4,096; 1000000 came",
        ),
        ("decode", ["japan", "--zoom", "nan"], "zoom must be a number from 0.0625 to 64; nan came instead"),
        ("open", ["nowhere.safetensors"], "there is no file 'nowhere.safetensors'"),
        ("open", [__file__], "weights"),
    ],
)
def test_the_command_explains_bad_input(command, argv, words, tmp_path, capsys):
    assert flags(command, *argv, "--out", str(tmp_path / "x.png")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"python -m cppn flags {command}: ")
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x.png").exists()
