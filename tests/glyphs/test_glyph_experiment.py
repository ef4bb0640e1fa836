"""The three experiments: their yardsticks on known answers, what freezing does and does not, and the command."""

from __future__ import annotations

import gzip
import json
import sys

import numpy as np
import pytest
import torch

from cppn import checkpoint
from cppn.__main__ import main
from cppn.glyphs.making import experiment
from cppn.glyphs.network import GlyphConfig, GlyphNet, SeedConfig, SeedNet
from cppn.glyphs.weights import precision

TINY = GlyphConfig(numbers=8, channels=1, pixels=32, cutoff=4, reader_cutoff=5, hidden=8)


def blobs(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten kinds of pictures (count, 1, 8, 8), each with one bright row or column of its own."""
    labels = torch.arange(count) % 10
    pictures = 0.1 * torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        if label < 5:
            picture[0, label] = 1
        else:
            picture[0, :, label - 5] = 1
    return pictures, labels


@pytest.fixture
def task() -> experiment.Task:
    return experiment.Task.divide(*blobs(150), 0)


def test_a_division_uses_each_digit_once(task):
    assert len(task.labels) == 120
    assert len(task.test_labels) == 30
    everything = torch.cat([task.pictures, task.test_pictures]).flatten(1)
    assert len(everything.unique(dim=0)) == 150


def test_the_yardsticks_on_known_answers(task):
    pixels, test = task.pictures.flatten(1), task.test_pictures.flatten(1)
    assert experiment.nearest_neighbour(pixels, task.labels, test, task.test_labels) == 1
    assert experiment.probe(pixels, task.labels, test, task.test_labels) == 1
    shuffled = task.labels[torch.randperm(120, generator=torch.Generator().manual_seed(0))]
    assert experiment.probe(pixels, shuffled, test, task.test_labels) < 0.5


def test_the_posts_way_to_freeze_freezes_nothing(task):
    torch.manual_seed(0)
    net, sized = GlyphNet(TINY).eval(), task.at(32)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    moved = {way: experiment.classifier(net, sized, 0, way)[1] for way in ("as run", "tuned", "frozen")}
    assert moved["as run"] > 0.5
    assert moved["tuned"] > 0.5
    assert moved["frozen"] == 0
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())  # copies were trained


def test_searching_for_a_message_comes_closer_to_the_digit(monkeypatch):
    torch.manual_seed(0)
    net, wanted = GlyphNet(TINY).eval(), torch.rand(3, 1, 32, 32)
    monkeypatch.setattr(experiment, "DRAWING_STEPS", 1)
    start, _ = experiment.drawing(net, wanted)
    monkeypatch.setattr(experiment, "DRAWING_STEPS", 40)
    end, signs = experiment.drawing(net, wanted)
    assert end < start
    assert signs.shape == wanted.shape


def test_the_components_are_those_of_numpy(task):
    mean, components = experiment.principal_components(task, 3)
    pixels = task.pictures.flatten(1).double().numpy()
    np.testing.assert_allclose(mean, pixels.mean(0), atol=1e-6)
    expected = np.linalg.svd(pixels - pixels.mean(0))[2][:3]
    np.testing.assert_allclose(np.abs((components.numpy() * expected.T).sum(0)), 1, atol=1e-3)


def test_five_values_have_an_interval_and_fewer_have_none():
    figures = experiment.Figures()
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        figures.add("a", "b", value=value)
    figures.add("c", value=1.0)
    table = figures.summary()
    assert table["a"]["b"]["mean"] == 3
    assert table["a"]["b"]["interval"] == pytest.approx([3 - 1.963, 3 + 1.963], abs=1e-3)
    assert table["c"]["interval"] is None


def test_the_command_keeps_figures_and_pictures_and_the_other_data_set(tmp_path, monkeypatch):
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "script.safetensors", GlyphNet(TINY), TINY, precision)
    checkpoint.save(tmp_path / "seed.safetensors", SeedNet(SeedConfig(8)), SeedConfig(8), precision)
    pictures, labels = blobs(150)
    for name, header, data in (
        ("images-idx3", 16, (pictures.repeat_interleave(4, 2).repeat_interleave(4, 3)[..., 2:30, 2:30] * 255)),
        ("labels-idx1", 8, labels),
    ):
        with gzip.open(tmp_path / f"t10k-{name}-ubyte.gz", "wb") as file:
            file.write(bytes(header) + data.numpy().astype(np.uint8).tobytes())
    monkeypatch.setattr(experiment, "DRAWING_STEPS", 2)
    out = tmp_path / "found.json"
    out.write_text('{"digits": {"kept": true}}', encoding="utf-8")
    places = ["--mnist", str(tmp_path), "--weights", str(tmp_path), "--out", str(out), "--repetitions", "1"]
    assert main(["glyphs", "experiment", *places]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["digits"] == {"kept": True}
    assert found["mnist"]["weights moved"]["script"]["trained"]["frozen"]["mean"] == 0
    assert found["mnist"]["weights moved"]["seed"]["trained"]["as run"]["mean"] > 0.5
    for kept in found["mnist"]["pictures"].values():
        assert (tmp_path / "experiments" / kept["file"].split("/")[-1]).read_bytes()[:4] == b"\x89PNG"
        assert len(kept["rows"]) == 5


def test_without_scikit_learn_the_command_says_what_to_do(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(SystemExit):
        main(["glyphs", "experiment", "--weights", str(tmp_path)])
    assert "weights/requirements.txt" in capsys.readouterr().err
