"""The road between writer and reader: noise, then a random affine map, then a random change of perspective.

These are the disturbances of the post that this wing follows (`RandomAffine` and `RandomPerspective` of kornia 0.4 to
0.9 after normal noise), written out in plain torch. Two things are easily missed there. `RandomAffine` acts with
probability one half unless told otherwise, so a quarter of all pictures is not warped at all. And the two act one after
the other: what the first pushes out of the frame is lost, even where the second would bring it back.

Coordinates are those of `cppn.projective`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cppn.projective import CORNERS, homography, warp

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


def set_by_hand(
    strength: float, degrees: float, shift: float, perspective: float, noise: float, always: bool
) -> Channel:
    """The channel of training with some of its disturbances set otherwise, all of it times `strength`.

    Args:
        strength: 0 to 2. degrees: of rotation. shift: in per cent of the width. perspective: in per cent.
        noise: standard deviation. always: warp every picture, not three quarters of them.
    """
    probability = 1.0 if always else 0.5
    return Channel(
        degrees=degrees,
        translate=shift / 100,
        perspective=perspective / 100,
        sigma=noise,
        p_affine=probability,
        p_perspective=probability,
    ).scaled(strength)


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
