"""Both networks against numpy, their windows, and the rule that tokens meet by attention alone."""

from __future__ import annotations

import numpy as np
import odd_reference as reference
import pytest
import torch

from cppn.odd_shapes.dataset import named_rng, sample
from cppn.odd_shapes.network import OddConfig, OddNet, SeedConfig, SeedNet, centres, soft_argmax


def randomised(net):
    """Every number random, so that no part is idle by its initialisation."""
    generator = torch.Generator().manual_seed(3)
    for parameter in net.parameters():
        scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
        parameter.data = torch.randn(parameter.shape, generator=generator) * scale
    return net.eval()


@pytest.fixture(params=["one look", "two looks", "seed"])
def net(request):
    if request.param == "seed":
        return randomised(SeedNet(SeedConfig()))
    return randomised(OddNet(OddConfig(second_look=request.param == "two looks")))


@pytest.fixture(scope="module")
def pictures():
    return sample(named_rng("network", 0), 3)


@torch.no_grad()
def test_an_independent_program_gives_the_same_answer(net, pictures):
    answer = net(pictures.inputs)
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    for n in range(len(pictures)):
        if isinstance(net, OddNet):
            position, looks = reference.our_network(state, pictures.inputs[n, 0].numpy())
            for mine, theirs in zip(answer.attention, looks, strict=True):
                np.testing.assert_allclose(mine[n].numpy(), theirs, atol=1e-5)
        else:
            position, attention = reference.seed_network(state, pictures.inputs[n, 0].numpy())
            np.testing.assert_allclose(answer.attention[0][n, 0].numpy(), attention, atol=1e-5)
        np.testing.assert_allclose(answer.position[n].numpy(), position, atol=2e-3)


@torch.no_grad()
def test_shapes_and_sums(net, pictures):
    answer = net(pictures.inputs)
    layers, heads = (2, 2) if isinstance(net, OddNet) else (1, 1)
    assert answer.position.shape == (3, 2)
    assert answer.log_probability.shape == (3, 144)
    assert answer.offset.shape == (3, 144, 2)
    assert [tuple(a.shape) for a in answer.attention] == [(3, heads, 144, 144)] * layers
    torch.testing.assert_close(answer.log_probability.exp().sum(1), torch.ones(3))
    for attention in answer.attention:
        torch.testing.assert_close(attention.sum(3), torch.ones(3, heads, 144))


def test_a_token_sees_at_most_its_window_before_the_attention(net, pictures):
    """The gradient of one token's features, taken just before the first attention, is zero outside its window."""
    seen = {}
    first = net.attention1.norm if isinstance(net, OddNet) else net.query
    first.register_forward_pre_hook(lambda module, args: seen.update(tokens=args[0]))
    x = pictures.inputs[:1].clone().requires_grad_()
    net(x)
    seen["tokens"][0, 6 * 12 + 5].sum().backward()  # row 6, column 5
    rows, columns = np.nonzero(x.grad[0, 0].numpy())
    if isinstance(net, OddNet):
        assert rows.max() - rows.min() + 1 <= 23
        assert (rows.min() + rows.max()) / 2 == pytest.approx(4 + 5 * 6, abs=1)
        assert (columns.min() + columns.max()) / 2 == pytest.approx(4 + 5 * 5, abs=1)
    else:
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (24, 43, 20, 39)


@torch.no_grad()
def test_after_the_tokens_only_attention_lets_them_meet(pictures):
    """With every value silenced, ink beyond two looks at the neighbours changes nothing for a token."""
    net = randomised(OddNet(OddConfig(second_look=True)))
    for attention in (net.attention1, net.attention2):
        attention.out.weight.zero_()
    x = pictures.inputs[:1].clone()
    before = net(x).offset[0, 0]  # the token in the upper left corner
    x[:, :, 21:, 21:] = 1 - x[:, :, 21:, 21:]
    assert torch.equal(net(x).offset[0, 0], before)


def test_the_soft_argmax_is_the_example_of_the_homework():
    """Four places and the probabilities from the homework's text, padded with impossible places."""
    logits = torch.full((1, 144), -1e9)
    logits[0, :4] = torch.tensor([0.1, 0.2, 0.69999, 0.00001]).log()
    places = torch.zeros(144, 2)
    places[:4] = torch.tensor([[16.0, 16.0], [16.0, 48.0], [48.0, 16.0], [48.0, 48.0]])
    position, _ = soft_argmax(logits, torch.zeros(1, 144, 2), places)
    expected = [16 * 0.3 + 48 * 0.7, 16 * (0.1 + 0.69999) + 48 * (0.2 + 0.00001)]
    assert position[0].tolist() == pytest.approx(expected, abs=1e-4)


def test_token_centres_run_row_by_row():
    places = centres(9.5, 4.0)
    assert places.shape == (144, 2)
    assert places[13].tolist() == [13.5, 13.5]
    assert places[1].tolist() == [13.5, 9.5]
    assert centres(OddNet.FIRST, OddNet.STEP)[-1].tolist() == [59.0, 59.0]


@pytest.mark.parametrize("field", ["width", "heads", "key_size"])
def test_impossible_sizes_are_refused(field):
    for value in (0, 10_000):
        with pytest.raises(ValueError, match=field):
            OddConfig(**{field: value})
    with pytest.raises(ValueError, match="multiple"):
        OddConfig(width=90)
