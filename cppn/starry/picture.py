"""Pictures as tensors, and the contest's measure of two of them."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def open_target(path: Path) -> Tensor:
    """A picture file as uint8 (height, width, 3), its transparency dropped as the contest's scorer drops it."""
    with Image.open(path) as image:
        return as_tensor(image.convert("RGB"))


def as_tensor(picture: Image.Image) -> Tensor:
    """An RGB picture as uint8 (H, W, 3)."""
    return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(picture.height, picture.width, 3)


def score(painted: Tensor, target: Tensor) -> float:
    """The contest's measure of two pictures uint8 (H, W, 3): summed squared differences over 255², lower is better."""
    return float((painted.double() - target.double()).square().sum()) / 255**2
