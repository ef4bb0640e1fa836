"""Pixel grids as network inputs: the only place that states a coordinate convention.

The house convention is the one of a picture on a wall: x runs from -1 (left edge) to 1 (right edge), y from -1 (top)
to 1 (bottom), end points included, and a picture is read row by row. Both axes span [-1, 1] whatever the aspect ratio.
The other orders, spans, directions and aspects exist because a weights file does not say how its author fed it; they
are the guesses that somebody who finds such a file would try.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

Zoom = Annotated[
    float,
    Field(ge=1 / 16, le=64, description="1 shows the whole picture, 4 a quarter of each axis, 0.5 what lies around it"),
]
Center = Annotated[
    float, Field(ge=-8, le=8, description="middle of the window; -1 is the left or top edge, 1 the right or bottom one")
]

ORDERS = ("xy", "yx")
SPANS = ("-1..1", "0..1", "pixels")
Y_AXES = ("down", "up")
ASPECTS = ("each", "shorter", "longer")  # which side of the picture has the whole span: each, or one in proportion


@dataclass(frozen=True)
class View:
    """The window onto the plane: it shows `1 / zoom` of each axis around a centre given in [-1, 1] units.

    `View()` is the whole picture. A zoom below 1, or a centre beyond the edge, shows what lies outside it.
    """

    zoom: float = 1.0
    center_x: float = 0.0
    center_y: float = 0.0


def axis(
    size: int, center: float = 0.0, zoom: float = 1.0, span: str = "-1..1", backwards: bool = False, scale: float = 1.0
) -> Tensor:
    """Sample positions along one axis, shape (size,), float32.

    Args:
        size: number of samples; the first and the last lie on the ends of the window.
        center: middle of the window in [-1, 1] units.
        zoom: the window is `2 / zoom` long in [-1, 1] units.
        span: the range that the network's author is assumed to have used, one of `SPANS`; "pixels" runs from 0 to
            `size - 1`.
        backwards: run from the end of the range to its beginning.
        scale: the range is so many times as long; pixels stay pixels.

    Raises:
        ValueError: a size below 1, a zoom that is not positive, or an unknown span.
    """
    if size < 1:
        raise ValueError(f"a picture needs at least 1 pixel along each axis, not {size}")
    if not zoom > 0:
        raise ValueError(f"zoom must be positive, not {zoom}")
    # float64 until the last line, so that every sample is the float32 nearest to its true position
    position = torch.linspace(-1.0, 1.0, size, dtype=torch.float64) / zoom + center
    if backwards:
        position = -position
    if span == "-1..1":
        return (position * scale).float()
    if span == "0..1":
        return ((position + 1) / 2 * scale).float()
    if span == "pixels":
        return ((position + 1) / 2 * (size - 1)).float()
    raise ValueError(f"unknown span {span!r}; known: {', '.join(SPANS)}")


def axes(
    width: int,
    height: int,
    view: View | None = None,
    span: str = "-1..1",
    y_axis: str = "down",
    aspect: str = "each",
) -> tuple[Tensor, Tensor]:
    """The two axes of a picture, shapes (width,) and (height,).

    Args:
        width, height: pixels.
        view: the window; the whole picture when not given.
        span: one of `SPANS`.
        y_axis: one of `Y_AXES`: y grows down the picture, or up.
        aspect: one of `ASPECTS`: each side has the whole span, or only the shorter one (the longer one then has more),
            or only the longer one.
    """
    if y_axis not in Y_AXES:
        raise ValueError(f"unknown y axis {y_axis!r}; known: {', '.join(Y_AXES)}")
    if aspect not in ASPECTS:
        raise ValueError(f"unknown aspect {aspect!r}; known: {', '.join(ASPECTS)}")
    view = view or View()
    unit = {"each": None, "shorter": min(width, height), "longer": max(width, height)}[aspect]
    scale_x, scale_y = (1.0 if unit is None else side / unit for side in (width, height))
    xs = axis(width, view.center_x, view.zoom, span, scale=scale_x)
    return xs, axis(height, view.center_y, view.zoom, span, y_axis == "up", scale_y)


def points(xs: Tensor, ys: Tensor, order: str = "xy") -> Tensor:
    """Every combination of two axes as network inputs, shape (len(ys) * len(xs), 2), row by row.

    Args:
        xs: shape (W,). ys: shape (H,).
        order: "xy" puts x in column 0, "yx" puts y there.
    """
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}; known: {', '.join(ORDERS)}")
    x = xs.expand(len(ys), -1)  # (H, W)
    y = ys[:, None].expand(-1, len(xs))  # (H, W)
    columns = (x, y) if order == "xy" else (y, x)
    return torch.stack(columns, dim=-1).reshape(-1, 2)  # (H * W, 2)
