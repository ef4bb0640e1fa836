"""What a flag network is trained towards and measured against: a picture that is also known between its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from cppn import render
from cppn.coordinates import axes, points

EQUAL_PSNR = 99.0  # decibels: what stands for the infinity of two equal pictures where a finite number is wanted
NARROWEST = 8  # pixels along a side of a picture worth learning
SCALE = 4  # sub-pixel positions per pixel along each axis
TARGETS = Path(__file__).parents[2] / "weights" / "flags" / "targets"
FINE = "fine"  # the folder beside the 320-pixel pictures that holds the same pictures four times as large


@dataclass(frozen=True)
class Target:
    """A picture sampled at its pixel centres and at quarter-pixel steps between them.

    Attributes:
        fine: colours in [0, 1], shape (SCALE * (height - 1) + 1, SCALE * (width - 1) + 1, 3). Entry (4 i, 4 j) is pixel
            (i, j); those between are what a pixel of the same size would show there (a sliding box filter).
    """

    fine: Tensor

    @property
    def pixels(self) -> Tensor:
        """Colours at the pixel centres, shape (height, width, 3)."""
        return self.fine[::SCALE, ::SCALE]

    @property
    def width(self) -> int:
        """Pixels along x."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Pixels along y."""
        return self.pixels.shape[0]

    def coordinates(self) -> Tensor:
        """Network inputs of the pixel centres, shape (height * width, 2)."""
        return points(*axes(self.width, self.height))

    @classmethod
    def from_fine(cls, picture: Image.Image) -> Target:
        """From a picture `SCALE` times as large as the one to be learnt.

        Raises:
            ValueError: a side that is not a multiple of `SCALE` or shorter than two pixels of the target.
        """
        if any(side % SCALE or side < 2 * SCALE for side in picture.size):
            raise ValueError(f"sides must be multiples of {SCALE} and at least {2 * SCALE}, not {picture.size}")
        raster = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1).float() / 255  # (3, 4H, 4W)
        fine = F.avg_pool2d(raster[None], SCALE, stride=1)[0]  # (3, 4H - 3, 4W - 3)
        return cls(fine.permute(1, 2, 0).contiguous())

    @classmethod
    def from_picture(cls, picture: Image.Image, width: int) -> Target:
        """From any picture in RGB: as large as fits into `width` x 2 `width` pixels, its proportions kept.

        Raises:
            PictureError: a strip that would be less than `NARROWEST` pixels wide.
        """
        size = render.within(picture.size, width, 2 * width, NARROWEST)
        return cls.from_fine(picture.resize(tuple(SCALE * side for side in size), Image.Resampling.BICUBIC))

    @classmethod
    def of_team(cls, slug: str, directory: Path = TARGETS) -> Target:
        """The flag of a team."""
        with Image.open(directory / FINE / f"{slug}.png") as picture:
            return cls.from_fine(picture)


def flag_levels(slug: str, size: tuple[int, int] | None = None) -> Tensor:
    """A team's flag as its 320-pixel file shows it, or brought to another (width, height); uint8 (height, width, 3)."""
    with Image.open(TARGETS / f"{slug}.png") as picture:
        flag = picture.convert("RGB")
        return torch.from_numpy(np.array(flag.resize(size) if size else flag))


def psnr(prediction: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels of two tensors in [0, 1] of one shape; infinite when they are equal."""
    error = float((prediction - target).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)
