"""MysteryNet, the network that was sent to every team of IOAI 2024.

Layer names, sizes and order of operations are those of the published class (Tan Nian Wei, "IOAI 2024 MysteryNet
Explained", 2024), so that a state dict travels both ways with `strict=True`. It is a CPPN (Stanley, 2007): a
coordinate goes in, a colour comes out, and nothing in the network says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from cppn.faults import VisitorError


@dataclass(frozen=True)
class GiftConfig:
    """What a gift may say about itself: the size of the picture that was hidden, in pixels.

    The network needs neither; without them the finder has to guess the picture's shape.
    """

    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 4096:
                raise VisitorError(f"{name} must lie between 1 and 4096, not {value}")


class MysteryNet(nn.Module):
    """Nine dense layers, GELU after each but the last, batch normalisation after every second GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.dense1 = nn.Linear(2, 16)
        self.dense2 = nn.Linear(16, 32)
        self.bn2 = nn.BatchNorm1d(32)
        self.dense3 = nn.Linear(32, 32)
        self.dense4 = nn.Linear(32, 32)
        self.bn4 = nn.BatchNorm1d(32)
        self.dense5 = nn.Linear(32, 32)
        self.dense6 = nn.Linear(32, 32)
        self.bn6 = nn.BatchNorm1d(32)
        self.dense7 = nn.Linear(32, 32)
        self.dense8 = nn.Linear(32, 16)
        self.bn8 = nn.BatchNorm1d(16)
        self.dense_head = nn.Linear(16, 3)

    def stages(self) -> list[tuple[nn.Linear, nn.BatchNorm1d | None]]:
        """The eight GELU layers in order, each with the normalisation that follows it, if any."""
        return [
            (self.dense1, None),
            (self.dense2, self.bn2),
            (self.dense3, None),
            (self.dense4, self.bn4),
            (self.dense5, None),
            (self.dense6, self.bn6),
            (self.dense7, None),
            (self.dense8, self.bn8),
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Map coordinates (N, 2) to colours (N, 3): red, green, blue, nominally in [0, 1] but not clamped."""
        for dense, norm in self.stages():
            x = F.gelu(dense(x))  # (N, 16), (N, 32) six times, (N, 16)
            if norm is not None:
                x = norm(x)
        return self.dense_head(x)  # (N, 3)
