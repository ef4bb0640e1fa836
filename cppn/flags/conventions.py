"""How a stranger's network may have been fed and what its answers may mean: the guesses of whoever finds such a file.

A weights file tells neither. Where the coordinates begin and end can only be tried; what the colours mean often shows
in the numbers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

VALUES = ("as they look", "0..1", "-1..1", "0..255", "logits")
CHANNELS = ("rgb", "bgr")
MEANINGS = {
    "0..1": "colours from 0 to 1",
    "-1..1": "colours from -1 to 1",
    "0..255": "colours from 0 to 255",
    "logits": "what comes before a sigmoid",
}


@dataclass(frozen=True)
class Convention:
    """One way to read a network; `Convention()` is that of the house.

    Attributes:
        order, span, y_axis, aspect: of the coordinates; see `cppn.coordinates`.
        values: what the numbers mean that come out, one of `VALUES` but the first; logits want a sigmoid.
        channels: in which order red, green and blue come out, one of `CHANNELS`.
    """

    order: str = "xy"
    span: str = "-1..1"
    y_axis: str = "down"
    aspect: str = "each"
    values: str = "0..1"
    channels: str = "rgb"

    def colours(self, answers: Tensor) -> Tensor:
        """Red, green and blue, nominally in [0, 1], of answers of shape (N, 3)."""
        if self.channels not in CHANNELS:
            raise ValueError(f"unknown channels {self.channels!r}; known: {', '.join(CHANNELS)}")
        if self.channels == "bgr":
            answers = answers.flip(-1)
        if self.values == "0..1":
            return answers
        if self.values == "-1..1":
            return (answers + 1) / 2
        if self.values == "0..255":
            return answers / 255
        if self.values == "logits":
            return answers.sigmoid()
        raise ValueError(f"unknown values {self.values!r}; known: {', '.join(VALUES[1:])}")


HOUSE = Convention()


def meaning_of(answers: Tensor, near: Tensor) -> str:
    """What the numbers that a network gives say of their own meaning, one of `VALUES` but the first.

    Far from where it was trained, a network gives numbers of any size. So numbers that are large must be large near
    the middle, too; measured on all 31 flags under all six orders and spans: none is taken for what it is not.

    Args:
        answers: for the picture as it was asked for, any shape.
        near: for coordinates from -1 to 1.
    """
    low, high = _ends(answers)
    near_low, near_high = _ends(near)
    if -1.6 < low < -0.5 and high < 1.6:
        return "-1..1"
    if near_low > -0.5 and near_high < 1.6:
        return "0..1"
    if low > -64 and 8 < high < 400 and high > -4 * low:
        return "0..255"
    return "logits" if -60 < low < -2 and 2 < high < 60 else "0..1"


def _ends(answers: Tensor) -> tuple[float, float]:
    """The range of all answers but the outermost hundredth on either side, which may overshoot."""
    ends = torch.quantile(answers.flatten(), torch.tensor([0.01, 0.99]))
    return float(ends[0]), float(ends[1])


def guesses(values: str, square: bool) -> dict[str, Convention]:
    """The ways that are worth trying, by names that fit under a small picture; the first is the house's.

    Args:
        values: what the numbers look like; see `meaning_of`.
        square: whether both sides of the picture are equal, so that its aspect makes no difference.
    """
    house = replace(HOUSE, values=values)
    other = "0..1" if values == "logits" else "logits"
    tried = {
        "-1 to 1": house,
        "y upwards": replace(house, y_axis="up"),
        "blue first": replace(house, channels="bgr"),
        "long side more": replace(house, aspect="shorter"),
        "short side less": replace(house, aspect="longer"),
        "0 to 1": replace(house, span="0..1"),
        "0 to 1, y up": replace(house, span="0..1", y_axis="up"),
        "pixels": replace(house, span="pixels"),
        "y before x": replace(house, order="yx"),
        "y, x, 0 to 1": replace(house, order="yx", span="0..1"),
        "y, x, pixels": replace(house, order="yx", span="pixels"),
        "needs a sigmoid" if other == "logits" else "needs no sigmoid": replace(house, values=other),
    }
    return {name: how for name, how in tried.items() if not (square and how.aspect != "each")}
