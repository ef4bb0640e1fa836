"""What a training step sees: points of the picture, on its pixels and between them, and their colours."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.coordinates import axes
from cppn.flags.recipe import Recipe
from cppn.flags.target import SCALE, Target
from cppn.training import ImportanceSampler


class Samples:
    """Draws batches of coordinates and colours the way a recipe wants them."""

    def __init__(self, target: Target, recipe: Recipe, generator: torch.Generator) -> None:
        self.target, self.recipe, self.generator = target, recipe, generator
        self.sampler = ImportanceSampler(target.width * target.height, recipe.importance)
        self.fine_height, self.fine_width, _ = target.fine.shape
        self.xs, self.ys = axes(self.fine_width, self.fine_height)
        self.sharp = target.fine.reshape(-1, 3)
        self.blurred = blur(target.fine, recipe.blur * SCALE).reshape(-1, 3) if recipe.blur else self.sharp

    def draw(self, fraction: float) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates (B, 2), colours (B, 3) and weights (B,) at this share of the run."""
        recipe, generator = self.recipe, self.generator
        pixel, weight = self.sampler.draw(recipe.batch, generator)
        row, column = pixel // self.target.width * SCALE, pixel % self.target.width * SCALE
        if recipe.jitter:
            moved = torch.rand(recipe.batch, generator=generator) < recipe.jitter
            half = SCALE // 2
            shift = torch.randint(-half, half + 1, (2, recipe.batch), generator=generator) * moved
            row = (row + shift[0]).clamp_(0, self.fine_height - 1)
            column = (column + shift[1]).clamp_(0, self.fine_width - 1)
        stage = sum(fraction >= end for end in recipe.stages)
        colours = (self.blurred if stage == 0 else self.sharp)[row * self.fine_width + column]
        if stage < 2 and recipe.noise[stage]:
            colours = colours + recipe.noise[stage] * torch.randn(colours.shape, generator=generator)
        return torch.stack([self.xs[column], self.ys[row]], dim=1), colours, weight


def blur(picture: Tensor, radius: float) -> Tensor:
    """Gaussian blur of a picture (H, W, 3) with edges repeated; `radius` is the standard deviation in its samples."""
    reach = math.ceil(3 * radius)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-offsets.square() / (2 * radius**2))
    kernel = (kernel / kernel.sum())[None, None]  # (1, 1, K)
    x = picture.permute(2, 0, 1)  # (3, H, W)
    for _ in range(2):  # along the last axis, then along the other one
        lines = F.pad(x, (reach, reach), mode="replicate").flatten(0, 1)[:, None]  # (3 H, 1, W + 2 reach)
        x = F.conv1d(lines, kernel).view(x.shape).transpose(1, 2)
    return x.permute(1, 2, 0).contiguous()
