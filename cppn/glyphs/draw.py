"""Glyphs as pixels of any size, alone or in a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.render import to_uint8

INK = 4.0  # at this the strokes are crisp and their edges still soft enough for a screen
AT_ONCE = 2**21  # pixels drawn in one go, to save memory
BOARD = (18, 20, 26)  # what lies between the tiles of a grid


@torch.inference_mode()
def draw(net: GlyphNet | SeedNet, messages: Tensor, tile: int, ink: float = INK) -> Tensor:
    """Glyphs of messages (N, numbers) as pixels, uint8 (N, tile, tile, 3); `ink` multiplies the logits."""
    together = max(1, AT_ONCE // tile**2)
    parts = [to_uint8(net.draw(some, tile, ink)) for some in messages.split(together)]  # (n, C, tile, tile) each
    return torch.cat(parts).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous()


def board(tiles: Tensor, columns: int) -> Tensor:
    """Tiles (N, S, S, 3) in rows on a dark board, (H, W, 3); a single one stays as it is."""
    count, size = tiles.shape[:2]
    if count == 1:
        return tiles[0]
    gap = max(2, size // 16)
    rows = -(-count // columns)
    sheet = torch.tensor(BOARD, dtype=torch.uint8).repeat(rows * (size + gap) + gap, columns * (size + gap) + gap, 1)
    for number, tile in enumerate(tiles):
        top, left = (gap + at * (size + gap) for at in divmod(number, columns))
        sheet[top : top + size, left : left + size] = tile
    return sheet
