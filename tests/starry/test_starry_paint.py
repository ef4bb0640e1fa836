"""Painting: bit-equal at the program's own size, between its pixels at others, within limits, from the shell."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import paint_reference as reference
import pytest
import torch
from PIL import Image

from cppn.coordinates import View
from cppn.starry import paint as painting
from cppn.starry.catalogue import published
from cppn.starry.exhibit import score
from cppn.starry.network import Cascade
from cppn.starry.paint import check_size, main, paint, paint_neurons, positions, size_at
from cppn.starry.picture import as_tensor
from cppn.starry.program import Program, count_weights, weight_range, write

# of the published painting's 386 x 320 x 3 bytes, row by row; the real Pyth painted the same ones
PUBLISHED_SHA256 = "5b50d4a2e5e53f449aff3382812d244befa35e102ea83030631ea7e67f098f21"
PUBLISHED_SCORE = 4695.07  # as its author gives it
TARGET = "CPPN_STARRY_TARGET"


def drawn(neurons: int, levels: int, activation: str, width: int = 40, height: int = 30, **settings: int) -> Program:
    """A program of random weights."""
    low, high = weight_range(levels, activation)
    weights = np.random.default_rng(neurons).integers(low, high + 1, count_weights(neurons))
    return Program(tuple(weights.tolist()), levels, activation=activation, width=width, height=height, **settings)


def test_the_published_painting_is_exact():
    program = published().program
    painted = paint(program, program.width, program.height).numpy()
    assert painted.shape == (320, 386, 3)
    assert hashlib.sha256(painted.tobytes()).hexdigest() == PUBLISHED_SHA256
    assert np.array_equal(painted, reference.picture(program.weights, 386, 320))


@pytest.mark.skipif(TARGET not in os.environ, reason=f"{TARGET} does not name the contest's picture, which is not ours")
def test_the_published_score_is_the_published_score():
    with Image.open(os.environ[TARGET]) as image:
        target = as_tensor(image.convert("RGB"))
    assert round(score(paint(published().program, 386, 320), target), 2) == PUBLISHED_SCORE


@pytest.mark.parametrize(
    "program",
    [
        drawn(9, 111, "sigmoid"),
        drawn(12, 93, "sine", scale=1000, constant=57),
        drawn(5, 40, "sine", scale=7),
        drawn(11, 89, "sine", scale=120, constant=256, bend=35),
    ],
    ids=["sigmoid", "sine", "sine of a small scale", "bent"],
)
def test_any_program_is_painted_as_its_decoder_says(program: Program):
    settings = {name: getattr(program, name) for name in ("scale", "constant", "activation", "bend")}
    assert np.array_equal(paint(program, 40, 30).numpy(), reference.picture(program.weights, 40, 30, **settings))


def test_values_near_a_whole_number_are_computed_in_the_decoders_own_order(monkeypatch):
    program = drawn(9, 111, "sigmoid")
    expected = paint(program, 40, 30)
    wrong = painting.sums_of(program)

    def slightly_off(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        values = wrong(x, y)
        near = (values - values.round()).abs() < painting.DOUBT / 2
        return torch.where(near, values.round() - 1e-9, values)  # on the wrong side of the floor

    flat = Program((0,) * 12, 111)  # 128 exactly, everywhere
    monkeypatch.setattr(painting, "sums_of", lambda program: slightly_off)
    monkeypatch.setattr(painting, "_magnifies", lambda program: False)
    assert torch.equal(paint(program, 40, 30), expected)
    wrong = lambda x, y: torch.full((3, len(x)), 128.0, dtype=torch.float64)  # noqa: E731
    assert paint(flat, 386, 320).unique().tolist() == [128]
    assert paint(flat, 385, 320).unique().tolist() == [127]  # elsewhere nobody promised exactness


def test_a_program_that_magnifies_the_last_bits_is_painted_in_the_decoders_own_order():
    wild, tame = drawn(20, 111, "sine", scale=3), published().program
    assert painting._magnifies(wild)
    assert not painting._magnifies(tame)
    y, x = torch.meshgrid(torch.arange(30.0), torch.arange(40.0), indexing="ij")
    exact = Cascade(wild)(x.flatten(), y.flatten())[-3:].floor().clamp(0, 255).to(torch.uint8)
    assert torch.equal(paint(wild, 40, 30), exact.T.reshape(30, 40, 3))


def test_a_saturated_neuron_is_as_bright_as_a_pixel_can_be():
    bright = Program((55, 0, 0, 55, 0, 0, 0, 55, 0, 0, 0, 0), 111, scale=1, width=4, height=3)
    assert paint(bright, 4, 3).unique().tolist() == [255]


def test_finer_pictures_go_through_the_same_pixels():
    program = published().program
    fine = paint(program, 771, 639)  # every second position is one of the program's own
    assert torch.equal(fine[::2, ::2], paint(program, 386, 320))


def test_positions_are_those_of_the_program():
    assert positions(386, 386).tolist() == list(range(386))
    assert positions(3, 386).tolist() == [0, 192.5, 385]
    assert positions(1, 386).tolist() == [192.5]
    assert positions(1, 1).tolist() == [0]
    assert positions(386, 386, 2, -0.5).tolist() == [k / 2 for k in range(386)]
    assert positions(2, 386, 0.5).tolist() == [-192.5, 577.5]
    np.testing.assert_allclose(positions(5, 320, 4, 1).numpy(), 319 + 319 / 8 * np.linspace(-1, 1, 5))


def test_a_window_is_painted_at_its_positions():
    program, view = published().program, View(3, 0.4, -1.2)
    x, y = (positions(*axis).numpy() for axis in ((31, 386, 3, 0.4), (17, 320, 3, -1.2)))
    yy, xx = np.meshgrid(y, x, indexing="ij")
    expected = np.floor(reference.paint(program.weights, xx.ravel(), yy.ravel())[-3:]).T.reshape(17, 31, 3)
    assert np.array_equal(paint(program, 31, 17, view).numpy(), expected)


def test_the_chunks_do_not_show(monkeypatch):
    program = published().program
    whole = paint(program, 50, 41)
    monkeypatch.setattr(painting, "CHUNK", 97)
    assert torch.equal(paint(program, 50, 41), whole)


def test_all_neurons_are_painted():
    program = drawn(9, 111, "sigmoid")
    neurons = paint_neurons(program, 40, 30)
    y, x = np.mgrid[0:30, 0:40]
    np.testing.assert_allclose(
        neurons.flatten(1).numpy(), reference.paint(program.weights, x.ravel(), y.ravel()), atol=1e-9
    )
    assert torch.equal(neurons[-3:].floor().to(torch.uint8).permute(1, 2, 0), paint(program, 40, 30))
    with pytest.raises(ValueError, match="too many"):
        paint_neurons(published().program, 4096, 3396)


def test_sizes_are_limited():
    check_size(4096, 4096)
    assert size_at(published().program, 4096) == (4096, 3396)
    assert size_at(published().program, 1) == (1, 1)
    for size in ((0, 5), (5, -1), (4097, 1), (1, 4097)):
        with pytest.raises(ValueError, match="pixels"):
            check_size(*size)


def test_it_paints_from_the_shell(tmp_path: Path, capsys):
    program = drawn(9, 111, "sigmoid")
    file, out = tmp_path / "drawn.pyth", tmp_path / "out.png"
    file.write_bytes(write(program))
    assert main([str(file), "--out", str(out)]) == 0
    with Image.open(out) as image:
        assert np.array_equal(np.array(image), paint(program, 40, 30).numpy())
    assert main(["published", "--width", "30", "--zoom", "2", "--center", "0.5", "-0.5", "--out", str(out)]) == 0
    assert "30 x 25, from 1,020 bytes" in capsys.readouterr().out
    with Image.open(out) as image:
        assert np.array_equal(np.array(image), paint(published().program, 30, 25, View(2, 0.5, -0.5)).numpy())


@pytest.mark.parametrize(
    "arguments", [["nothing.pyth"], ["published", "--width", "5000"], ["published", "--zoom", "0"]]
)
def test_faults_are_told_in_the_shell(arguments: list[str], tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--out", str(tmp_path / "out.png")])
    assert end.value.code == 2
    assert "python -m cppn starry paint: " in capsys.readouterr().err
