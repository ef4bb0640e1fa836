"""The scripts as they are shipped: their files, their figures, and that one follows from the other."""

from __future__ import annotations

import json

import pytest
import torch

from cppn import hub
from cppn.glyphs.channel import Channel
from cppn.glyphs.making.fit import explained
from cppn.glyphs.making.measure import RESULT
from cppn.glyphs.weights import MODELS, script_of

FIGURES = json.loads(RESULT.read_text(encoding="utf-8"))["models"]


@pytest.mark.parametrize("name", MODELS)
def test_every_script_of_the_catalogue_is_there_with_its_film(name):
    script, entry = script_of(name), MODELS[name]
    assert (script.net.numbers, script.net.channels, script.net.pixels) == (entry.numbers, entry.channels, entry.pixels)
    assert (hub.BUNDLED / "glyphs" / "runs" / f"{name}.webp").stat().st_size > 1000


@pytest.mark.parametrize("name", FIGURES)
def test_figures_belong_to_the_shipped_file(name):
    script = script_of(name)
    assert FIGURES[name]["sha256"] == script.checkpoint.sha256
    assert FIGURES[name]["bytes"] == script.checkpoint.size
    assert FIGURES[name]["parameters"] == script.checkpoint.parameters


@pytest.mark.parametrize("name", FIGURES)
def test_a_measured_figure_can_be_measured_again(name):
    """With 200 messages of other seeds, sent once; a few lost messages move R2 by hundredths."""
    net, generator = script_of(name).net, torch.Generator().manual_seed(77)
    messages = torch.randn(200, net.numbers, generator=generator)
    with torch.inference_mode():
        received = net.read(Channel().send(net.draw(messages), generator)).messages
    assert float(explained(messages, received).mean()) == pytest.approx(FIGURES[name]["r2_own_channel"], abs=0.05)


def test_kornias_channel_is_ours():
    for name, figures in FIGURES.items():
        assert figures["r2"] == pytest.approx(figures["r2_own_channel"], abs=0.02), name


@pytest.mark.parametrize("series", ["colour", "gray"])
def test_a_larger_message_carries_more(series):
    sizes = {name: MODELS[name].numbers for name in MODELS if name.startswith(series)}
    carried = [FIGURES[name]["bits"] for name in sorted(sizes, key=sizes.get)]
    assert carried == sorted(carried)


def test_the_best_carries_over_700_bits_and_the_script_over_130():
    assert max(figures["bits"] for figures in FIGURES.values()) > 700
    assert FIGURES["script"]["bits"] > 130
    assert FIGURES["script"]["signs"]["exact"] > 0.98
    assert FIGURES["seed"]["cpu_seconds"] >= FIGURES["script"]["cpu_seconds"]  # it had as much time
