"""The network is the published one, to the letter."""

from __future__ import annotations

import flag_reference as reference
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cppn.flags.network import GiftConfig, MysteryNet


class PublishedNet(nn.Module):
    """The published description, layer by layer: 2 -> 16 -> 32 x 6 -> 16 -> 3, a norm after every second GELU."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [2, 16, 32, 32, 32, 32, 32, 32, 16]
        for i in range(1, 9):
            setattr(self, f"dense{i}", nn.Linear(sizes[i - 1], sizes[i]))
        for i in (2, 4, 6, 8):
            setattr(self, f"bn{i}", nn.BatchNorm1d(sizes[i]))
        self.dense_head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in range(1, 9):
            x = F.gelu(getattr(self, f"dense{i}")(x))
            if i % 2 == 0:
                x = getattr(self, f"bn{i}")(x)
        return self.dense_head(x)


def test_it_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in MysteryNet().parameters()) == 6675


def test_a_state_dict_travels_both_ways(net):
    published = PublishedNet().eval()
    published.load_state_dict(net.state_dict(), strict=True)
    x = torch.rand(50, 2) * 2 - 1
    torch.testing.assert_close(published(x), net(x), rtol=0, atol=0)
    MysteryNet().load_state_dict(published.state_dict(), strict=True)


@pytest.mark.parametrize("train", [False, True])
def test_forward_equals_numpy(net, train):
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    state = {name: tensor.clone().numpy() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        ours = net.train(train)(x).numpy()
    np.testing.assert_allclose(ours, reference.forward(state, x.numpy(), train), atol=2e-5)


@pytest.mark.parametrize("size", [{"width": 0}, {"height": 5000}, {"width": -1, "height": 2}])
def test_a_config_refuses_an_impossible_size(size):
    with pytest.raises(ValueError, match="must lie between"):
        GiftConfig(**size)
