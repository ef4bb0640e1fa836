"""Opening the picture that a program is to paint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def open_target(path: Path) -> Tensor:
    """A picture file as uint8 (height, width, 3), its transparency dropped as the contest's scorer drops it."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB")))
