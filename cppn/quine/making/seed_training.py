"""The seed's training, which only ever looks at the next copy.

The seed calls its recipe gradient descent on ||F(theta) - theta||^2. But it copies theta into the network without a
graph, so F(theta) is a constant to autograd and the gradient is exactly 2 (theta - F(theta)): the step goes towards
the copy, whatever F does there. RMSprop on that is regeneration, theta <- theta + tau (F(theta) - theta), with a tau of
its own for each weight; its error ends near ten learning rates.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from cppn.quine.network import DTYPES, Mlp, assign, flatten

STEPS = 200_000
LEARNING_RATE = 1e-3
REPORT_EVERY = 500


def draw_as_the_seed(seed: int, dtype: str) -> Mlp:
    """The seed's network with weights, table and probe drawn by torch in the seed's order."""
    default = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_default_dtype(DTYPES[dtype])  # decides how many random bits a draw takes
        try:
            net = Mlp("identity", None)
            net.proj.copy_(torch.randn(net.proj.shape) / 20.0)
            net.input_probe.copy_(torch.randn(1, 8))
        finally:
            torch.set_default_dtype(default)
    return net


def train_as_the_seed(net: Mlp, steps: int = STEPS) -> Iterator[tuple[int, float, float]]:
    """RMSprop as the seed wrote it, on `net` in place; torch's defaults but for the learning rate.

    Yields:
        Step, squared error sum and largest |delta| before that step, every 500 steps and after the last one.
    """
    for p in net.parameters():
        p.requires_grad_(False)
    theta = flatten(net).requires_grad_()
    optimizer = torch.optim.RMSprop([theta], lr=LEARNING_RATE)
    for step in range(steps + 1):
        assign(net, theta)
        delta = net(net.probe) - theta  # (P,)
        loss = torch.norm(delta) ** 2
        if step % REPORT_EVERY == 0 or step == steps:
            yield step, float(loss.detach()), float(delta.detach().abs().max())
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
