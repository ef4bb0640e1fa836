"""Networks without learning, to test what is built around them: a message is painted as a board of gray squares."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.glyphs.network import Reading


class PlainNet:
    """Each of 64 numbers is one square of 4 x 4 pixels, 0.5 + value / 4; reading averages the squares."""

    numbers, channels, pixels = 64, 1, 32

    def draw(self, messages: Tensor, size: int | None = None, ink: float = 1.0) -> Tensor:
        """As `GlyphNet.draw`."""
        squares = (0.5 + ink * messages.view(-1, 1, 8, 8) / 4).clamp(0, 1)
        return F.interpolate(squares, (size or self.pixels,) * 2, mode="nearest")

    def read(self, pictures: Tensor) -> Reading:
        """As `GlyphNet.read`."""
        squares = F.adaptive_avg_pool2d(pictures, 8)  # (N, 1, 8, 8)
        return Reading(4 * (squares.flatten(1) - 0.5), pictures, torch.zeros(len(pictures), 4, 2))


class PlainColourNet(PlainNet):
    """The same in red, green and blue alike."""

    channels = 3

    def draw(self, messages: Tensor, size: int | None = None, ink: float = 1.0) -> Tensor:
        """As `GlyphNet.draw`."""
        return super().draw(messages, size, ink).expand(-1, 3, -1, -1)

    def read(self, pictures: Tensor) -> Reading:
        """As `GlyphNet.read`."""
        return super().read(pictures.mean(dim=1, keepdim=True))._replace(straightened=pictures)
