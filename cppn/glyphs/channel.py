"""The road between writer and reader: noise, then a random affine map, then a random change of perspective.

These are the disturbances of the post that this wing follows (`RandomAffine` and `RandomPerspective` of kornia 0.4 to
0.9 after normal noise), written out in plain torch. Two things are easily missed there. `RandomAffine` acts with
probability one half unless told otherwise, so a quarter of all pictures is not warped at all. And the two act one after
the other: what the first pushes out of the frame is lost, even where the second would bring it back.

Coordinates: a picture spans [-1, 1] in x and y, y downwards, pixel centres at (2 k + 1) / size - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))  # (x, y), clockwise from the upper left
OUTSIDE = 3.0  # a coordinate so far out that bilinear sampling gives zero there
STEEPEST = 0.95  # of the perspective: at 1 two corners could meet, and the picture would vanish


@dataclass(frozen=True)
class Channel:
    """How strong each disturbance is; every random quantity is uniform between its limits but the noise.

    Attributes:
        degrees: rotation, up to this many degrees either way.
        translate: shift along each axis, up to this share of the picture's width.
        scale: enlarged or reduced by up to this share.
        shear: horizontal shear, up to this many degrees either way.
        perspective: each corner moves inwards along each axis by up to this share of half the width, in [0, 0.95].
        p_affine, p_perspective: probability that the affine map, and the perspective, acts at all.
        sigma: standard deviation of the normal noise, with a picture's values in [0, 1].
    """

    degrees: float = 30.0
    translate: float = 0.1
    scale: float = 0.1
    shear: float = 10.0
    perspective: float = 0.6
    p_affine: float = 0.5
    p_perspective: float = 0.5
    sigma: float = 0.25

    def __post_init__(self) -> None:
        limits = (
            ("degrees", 180.0),
            ("translate", 1.0),
            ("scale", 0.9),
            ("shear", 80.0),
            ("perspective", STEEPEST),
            ("p_affine", 1.0),
            ("p_perspective", 1.0),
            ("sigma", 10.0),
        )
        for name, limit in limits:
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"{name} must lie between 0 and {limit:g}")

    def scaled(self, strength: float) -> Channel:
        """The same channel, every disturbance `strength` times as strong; the probabilities stay. 0 changes nothing.

        Raises:
            ValueError: a disturbance would leave its range (the perspective stops at 0.95 instead).
        """
        names = ("degrees", "translate", "scale", "shear", "sigma")
        stronger = {name: getattr(self, name) * strength for name in names}
        return replace(self, **stronger, perspective=min(STEEPEST, self.perspective * strength))

    def send(self, pictures: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Disturb each picture in its own way.

        Args:
            pictures: (N, C, S, S) in [0, 1]. generator: where the draws come from; torch's own if not given.

        Returns:
            What arrives, (N, C, S, S); with noise it leaves [0, 1]. Zero where no part of the picture lies.
        """
        noise = torch.randn(pictures.shape, generator=generator)
        affine, perspective = self.draw(len(pictures), generator)
        return warp(pictures + self.sigma * noise, affine @ perspective, pictures.shape[-1], passing=perspective)

    def draw(self, count: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Random maps, both (count, 3, 3): received -> between the two steps is the second, on to sent the first."""
        draws = torch.rand(count, 15, generator=generator)
        signed = draws * 2 - 1  # uniform in [-1, 1]
        sent_to_between = affine_map(
            angle=signed[:, 0] * math.radians(self.degrees),
            scale=1 + signed[:, 1] * self.scale,
            shift=2 * signed[:, 2:4] * self.translate,  # the picture is 2 wide
            shear=signed[:, 4] * math.radians(self.shear),
        )
        corners = torch.tensor(CORNERS)
        moved = corners * (1 - draws[:, 5:13].view(count, 4, 2) * self.perspective)  # (count, 4, 2)
        nothing = torch.eye(3)
        affine = torch.where((draws[:, 13] < self.p_affine)[:, None, None], torch.linalg.inv(sent_to_between), nothing)
        perspective = torch.where(
            (draws[:, 14] < self.p_perspective)[:, None, None], homography(moved, corners.expand_as(moved)), nothing
        )
        return affine, perspective


def affine_map(angle: Tensor, scale: Tensor, shift: Tensor, shear: Tensor) -> Tensor:
    """Matrices (N, 3, 3): shear along x, then turn counter-clockwise (as seen), then scale, then shift.

    Args:
        angle, shear: radians, (N,). scale: (N,). shift: (N, 2) in units of half the picture's width.
    """
    cosine, sine, slope = scale * angle.cos(), scale * angle.sin(), shear.tan()
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    rows = (
        torch.stack([cosine, sine - cosine * slope, shift[:, 0]], dim=1),
        torch.stack([-sine, cosine + sine * slope, shift[:, 1]], dim=1),
        torch.stack([zero, zero, one], dim=1),
    )
    return torch.stack(rows, dim=1)  # (N, 3, 3)


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
