"""Pictures seen from elsewhere: projective maps of the plane, and looking through them.

Coordinates: a picture spans [-1, 1] in x and y, y downwards, pixel centres at (2 k + 1) / size - 1, so its edges lie
at -1 and 1 (in `cppn.coordinates` the centres of its outermost pixels do).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))  # (x, y), clockwise from the upper left
OUTSIDE = 3.0  # a coordinate so far out that bilinear sampling gives zero there


def homography(source: Tensor, target: Tensor) -> Tensor:
    """The projective maps that take four points to four points.

    Args:
        source, target: (N, 4, 2), no three points of a quadrilateral on one line.

    Returns:
        Matrices (N, 3, 3) with a 1 in the last place: (u, v, 1) is proportional to the matrix times (x, y, 1).
    """
    x, y = source.unbind(2)  # (N, 4) each
    u, v = target.unbind(2)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    upper = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], dim=2)  # (N, 4, 8)
    lower = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], dim=2)
    entries = torch.linalg.solve(torch.cat([upper, lower], dim=1), torch.cat([u, v], dim=1))  # (N, 8)
    return torch.cat([entries, torch.ones_like(entries[:, :1])], dim=1).unflatten(1, (3, 3))


def warp(pictures: Tensor, maps: Tensor, size: int, passing: Tensor | None = None) -> Tensor:
    """Look at pictures through projective maps, bilinearly; zero outside of them.

    Args:
        pictures: (N, C, S, S). maps: (N, 3, 3), from places in the result to places in the picture.
        size: of the result. passing: maps (N, 3, 3) to a frame in between, outside of which all is lost.

    Returns:
        Pictures (N, C, size, size).
    """
    centres = (2 * torch.arange(size) + 1) / size - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, size * size)
    seen = _project(maps, places)  # (N, 2, size * size)
    if passing is not None:
        lost = _project(passing, places).abs().amax(dim=1, keepdim=True) > 1
        seen = seen.masked_fill(lost, OUTSIDE)
    grid = seen.mT.unflatten(1, (size, size))  # (N, size, size, 2)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _project(maps: Tensor, places: Tensor) -> Tensor:
    """Places (3, P) through maps (N, 3, 3), as (N, 2, P)."""
    moved = maps @ places  # (N, 3, P)
    # what lies on the horizon or behind it comes out far outside
    return moved[:, :2] / moved[:, 2:].clamp(min=1e-4)
