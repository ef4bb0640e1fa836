"""Glyphs as pictures of any size, alone or in a grid, and as files.

python -m cppn glyphs draw "Hello!" --tile 1024 --out hello.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from cppn.glyphs.catalogue import MODELS, script_of
from cppn.glyphs.message import to_message
from cppn.glyphs.network import GlyphNet, SeedNet
from cppn.hub import WeightsError
from cppn.render import to_uint8

TILES = (16, 2048)  # pixels along a side; the largest takes 0.2 GB of memory for a moment
INKS = (0.25, 16.0)  # from mist to hard edges
INK = 4.0  # at this the strokes are crisp and their edges still soft enough for a screen
AT_ONCE = 2**21  # pixels drawn in one go, to save memory
BOARD = (18, 20, 26)  # what lies between the tiles of a grid


def check_size(tile: int, ink: float) -> None:
    """Refuse sizes and inks outside the limits.

    Raises:
        ValueError: with a message for the person who asked for them.
    """
    if not TILES[0] <= tile <= TILES[1]:
        raise ValueError(f"a glyph can be drawn {TILES[0]} to {TILES[1]:,} pixels wide, not {str(tile)[:24]}")
    if not INKS[0] <= ink <= INKS[1]:  # false for NaN as well
        raise ValueError(f"ink must lie between {INKS[0]:g} and {INKS[1]:g}, not {ink:g}")


@torch.inference_mode()
def draw(net: GlyphNet | SeedNet, messages: Tensor, tile: int, ink: float = INK) -> Tensor:
    """Glyphs of messages (N, numbers) as pixels, uint8 (N, tile, tile, 3).

    Raises:
        ValueError: as `check_size`.
    """
    check_size(tile, ink)
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


def to_image(pixels: Tensor) -> Image.Image:
    """Pixels (H, W, 3), uint8, as a Pillow image."""
    return Image.fromarray(pixels.numpy())


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn glyphs draw`."""
    parser = argparse.ArgumentParser(prog="python -m cppn glyphs draw", description="Draw the glyph of a message.")
    parser.add_argument("message", help="a whole number as a seed, or a short text")
    parser.add_argument("--model", default="script", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--tile", type=int, default=1024, help="width in pixels (default: %(default)s)")
    parser.add_argument("--ink", type=float, default=INK, help="crispness (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("glyph.png"), help="the picture (default: %(default)s)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        net = script_of(args.model).net
        glyph = draw(net, to_message(args.message, net.numbers)[None], args.tile, args.ink)
    except (ValueError, KeyError, WeightsError) as error:
        parser.exit(2, f"{parser.prog}: {error.args[0]}\n")
    to_image(glyph[0]).save(args.out)
    print(args.out)
    return 0
