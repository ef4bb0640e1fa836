"""A MysteryNet with every number random, so that no layer is the identity by accident."""

from __future__ import annotations

import pytest
import torch

from cppn.flags.network import MysteryNet


@pytest.fixture
def net() -> MysteryNet:
    generator = torch.Generator().manual_seed(7)
    net = MysteryNet()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("running_var", "bn2.weight", "bn4.weight", "bn6.weight", "bn8.weight")):
                tensor.copy_(noise.abs() + 0.5)
            else:
                tensor.copy_(noise / max(1, tensor.shape[-1]) ** 0.5)
    return net.eval()
