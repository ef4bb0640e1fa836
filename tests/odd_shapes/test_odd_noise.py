"""The noise in a gradient: against its definition, and the figures that are shown."""

from __future__ import annotations

import numpy as np
import pytest
from torch.nn.utils import parameters_to_vector

from cppn.odd_shapes import views
from cppn.odd_shapes.dataset import named_rng
from cppn.odd_shapes.making import noise, train
from cppn.odd_shapes.making.fit import pointing_loss, sample_hard
from cppn.odd_shapes.making.measure import SEED
from cppn.odd_shapes.weights import finder_of


def test_noise_is_the_variance_of_single_gradients():
    net, count = train.build("two heads", 0), 8
    found = noise.measure(net, count)
    pictures, importance = sample_hard(named_rng("odd_shapes noise", SEED), count, train.OURS_STAGES[-1].hard)
    for name, labels_of in noise.LABELS.items():
        gradients = []
        for number in range(count):
            one = pictures.take(slice(number, number + 1))
            net.zero_grad()
            pointing_loss(net(one.inputs), labels_of(one), net.FIRST, net.STEP, importance[number]).backward()
            gradients.append(parameters_to_vector(p.grad for p in net.parameters()).double().numpy())
        assert found["labels"][name]["noise"] == pytest.approx(np.var(gradients, axis=0).sum(), rel=1e-3, abs=1e-3)


def test_the_figures_are_of_the_shipped_network():
    found = views.results()["noise"]
    assert found["sha256"] == finder_of("ours").checkpoint.sha256
    low, high = found["interval_95"]
    assert 1 < low < found["divided"] < high
    true, possible = found["labels"]["true"], found["labels"]["possible"]
    assert found["divided"] == pytest.approx(true["noise"] / possible["noise"], rel=1e-2)
    assert true["nothing_in_view"] > possible["nothing_in_view"]
