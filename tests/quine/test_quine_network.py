"""The fixed surroundings and the networks are what their descriptions say."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import quine_reference as reference
import torch
from torch import nn

from cppn.checkpoint import parse_config
from cppn.quine import environment
from cppn.quine.architectures import ONE_PROBE, build
from cppn.quine.making.seed_training import draw_as_the_seed
from cppn.quine.network import QuineConfig, assign, copier, flatten, hidden_map, sign, split


def random_weights(net: nn.Module, seed: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.4 * torch.randn(len(flatten(net)), generator=generator, dtype=torch.float64)


def test_the_generator_is_the_one_that_is_written_down():
    expected = list(itertools.islice(reference.stream("some text", "table"), 100))
    assert environment.normals("some text", "table", 100).tolist() == expected


def test_its_numbers_are_nearly_normal():
    drawn = environment.normals("moments", "table", 200_000) / 256
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    assert abs((abs(drawn) < 1).mean() - math.erf(math.sqrt(0.5))) < 0.01


@pytest.mark.parametrize(("value", "divisor", "rounded"), [(5, 2, 3), (-5, 2, -2), (7, 3, 2), (-7, 3, -2), (10, 20, 1)])
def test_quotients_round_half_up(value, divisor, rounded):
    assert environment.rounded_quotient(np.array(value), divisor) == rounded == reference.half_up(value, divisor)


@pytest.mark.parametrize("architecture", ONE_PROBE)
def test_table_and_probe_are_those_of_the_reference(architecture):
    net = build(QuineConfig(architecture, "sign", "a table"))
    order = [(name, p.numel()) for name, p in net.named_parameters()]
    assert [name for name, _ in order] == reference.sorted_as_trained(dict(order))
    np.testing.assert_array_equal(net.table, reference.table(architecture, "a table", order))
    np.testing.assert_array_equal(net.probe, reference.probe("a table", reference.TABLES[architecture][1]))


@pytest.mark.parametrize("architecture", ONE_PROBE)
def test_hidden_equals_numpy(architecture):
    net = build(QuineConfig(architecture, "identity", "some environment", "float64"))
    theta = random_weights(net)
    state = {name: part.numpy() for name, part in split(net, theta).items()}
    expected = reference.HIDDEN[architecture](state, net.probe.numpy(), reference.plain_dot)
    np.testing.assert_allclose(hidden_map(net)(theta), expected, atol=1e-10)


def test_answers_equal_numpy():
    net = build(QuineConfig("query", "identity", "some environment", "float64", width=5))
    theta = random_weights(net)
    assert len(theta) == 2 * 25 + 5
    state = {name: part.numpy() for name, part in split(net, theta).items()}
    np.testing.assert_allclose(copier(net)(theta), reference.answers(state, net.probe.numpy()), atol=1e-12)


def test_pictures_do_not_disturb_the_answers():
    net = build(QuineConfig("auxiliary", "identity", "some environment", "float64", width=4))
    theta = random_weights(net)
    assign(net, theta)
    with torch.no_grad():
        net.first.weight[:, 4:] += 1  # the columns that see pictures
        net.last.weight[1:] += 1  # the rows that name digits
    assert torch.equal(copier(net)(flatten(net)), copier(net)(theta))
    assert net.classify(torch.rand(7, 16, dtype=torch.float64)).shape == (7, 10)


def test_zero_counts_as_positive():
    assert sign(torch.tensor([-2.0, -0.0, 0.0, 3.0])).tolist() == [-1, 1, 1, 1]


def test_the_seeds_network_is_the_seeds_to_the_last_bit():
    """The class of the seed document, written out again, drawn after the same random seed."""

    class Seed(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2, self.l3 = nn.Linear(8, 20), nn.Linear(20, 20), nn.Linear(20, 20)
            self.norm = nn.InstanceNorm1d(20, affine=False)
            self.register_buffer("proj", torch.randn(20, 1020) / 20.0)

        def forward(self, z):
            for layer in (self.l1, self.l2, self.l3):
                z = self.norm(torch.tanh(layer(z)).unsqueeze(0)).squeeze(0)
            return 0.25 * (z @ self.proj)

    with torch.random.fork_rng(devices=[]), pytest.warns(UserWarning, match="num_features"):
        torch.manual_seed(5)
        seed, z = Seed(), torch.randn(1, 8)
        output = seed(z)
    net = draw_as_the_seed(5, "float32")
    assert torch.equal(flatten(net), torch.cat([p.detach().reshape(-1) for p in seed.parameters()]))
    assert torch.equal(net.proj, seed.proj)
    torch.testing.assert_close(net(net.probe), output[0], rtol=0, atol=1e-6)


def test_split_and_assign_undo_flatten():
    net = build(QuineConfig("cnn", "sign", "x"))
    numbers = torch.arange(len(flatten(net)), dtype=torch.float32)
    assign(net, numbers)
    assert torch.equal(flatten(net), numbers)
    assert {name: part.shape for name, part in split(net, numbers).items()} == {
        name: p.shape for name, p in net.named_parameters()
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architecture": "gru"}, "architecture"),
        ({"head": "round"}, "head"),
        ({"dtype": "float16"}, "dtype"),
        ({"architecture": "cnn"}, "own table"),
        ({"head": "sign"}, "own table"),
        ({"environment": ""}, "printable"),
        ({"environment": "x" * 65}, "printable"),
        ({"environment": "line\nbreak"}, "printable"),
        ({"environment": "x", "width": 8}, "width"),
        ({"architecture": "query", "environment": "x"}, "width"),
        ({"architecture": "query", "environment": "x", "width": 17}, "width"),
        ({"architecture": "query", "environment": "x", "width": 8, "head": "sign"}, "sign head"),
    ],
)
def test_a_config_refuses_what_does_not_exist(config, message):
    with pytest.raises(ValueError, match=message):
        QuineConfig(**config)


def test_one_network_can_serve_many_threads():
    net = build(QuineConfig("lstm", "identity", "some environment", "float64"))
    before = flatten(net)
    weights = [random_weights(net, seed) for seed in range(8)]
    expected = [copier(net)(theta) for theta in weights]
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda theta: [copier(net)(theta) for _ in range(20)], weights))
    for each, right in zip(outputs, expected, strict=True):
        assert all(torch.equal(output, right) for output in each)
    assert torch.equal(flatten(net), before)


def test_a_config_without_words_is_the_seeds_network():
    config = parse_config(None, QuineConfig)
    assert (config.architecture, config.head, config.environment, config.dtype) == ("mlp", "identity", None, "float32")
