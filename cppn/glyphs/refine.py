"""A reading made better by drawing it: message, place and light are bent until the drawing fits what is seen.

The reader looks at the whole sign at once, so a thumb over a part of it disturbs all it reads. The writer can say what
each pixel should look like: pixels that no message explains (a thumb, a mirrored lamp, the edge of a shadow) are given
less and less weight, and the others decide. Robust estimation by reweighting, as in iteratively reweighted least
squares (Geman and McClure's weights), with Adam for the steps. The signs of a text are then settled one by one: each is
turned over for as long as that makes the drawing fit better, which leads out of places where the slopes lead nowhere.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from cppn.glyphs.draw import INK
from cppn.glyphs.network import GlyphNet
from cppn.projective import CORNERS, homography

KNOTS = 4  # along each side of the grid whose shifts bend the place
FITS, FITS_ON = 0.93, 0.7  # a glyph that is there correlates so well with its drawing, on so much of it
TURNED = 13  # signs that are turned over at most, and one round to see that the last was right
REACH = 1.25  # widths of the sign that are kept round it, so that it can move


class Weighing(NamedTuple):
    """What kind of disturbance is looked past.

    Attributes:
        scales: residual at which a pixel has a quarter of its weight, at the first step and at the last.
        near: pixels: what disturbs a pixel disturbs those around it. ink: that the signs were drawn with, about.
        always: whether signs are settled where the drawing does not fit, too.
    """

    scales: tuple[float, float]
    near: int
    ink: float
    always: bool


OBJECTS = Weighing(scales=(0.5, 0.15), near=3, ink=INK, always=False)  # thumbs, lamps, shadows on a printed sign
NOISE = Weighing(scales=(0.5, 0.2), near=5, ink=1.0, always=True)  # that of the channel, which cuts off corners, too


class Fit(NamedTuple):
    """What came of N readings.

    Attributes:
        messages: (N, numbers). signs: those near it that fit best when drawn, (N, numbers), where they were settled.
        likeness: correlation of the drawing with what was seen, weighted, (N,).
        counted: share of the pixels that count, (N,).
    """

    messages: Tensor
    signs: Tensor
    likeness: Tensor
    counted: Tensor


def refine(
    net: GlyphNet,
    seen: Tensor,
    corners: Tensor,
    messages: Tensor,
    size: int,
    steps: int,
    free: bool = True,
    settle: bool = False,
    weighing: Weighing = OBJECTS,
) -> Fit:
    """Fit messages to what was seen.

    Args:
        seen: (N, C, S, S), spanning [-`REACH`, `REACH`] of a place. corners: of the sign there, (N, 4, 2), in units of
            that place's half width. messages: (N, numbers) to start from. size: pixels across that are compared.
            steps: of the fit. free: otherwise the messages stay as they are. settle: the signs in the end, where it
            fits. weighing: what is looked past.
    """
    own = planes(size).roll(-1, 1)  # x, y, 1
    placed = homography(torch.tensor(CORNERS).expand(len(seen), 4, 2), corners) @ own.mT
    start = (placed[:, :2] / placed[:, 2:].clamp(min=1e-3) / REACH).mT  # (N, P, 2)
    message = messages.clamp(-1.5, 1.5).clone().requires_grad_(free)
    shifts = torch.zeros(len(seen), 2, KNOTS, KNOTS, requires_grad=True)
    ink = torch.zeros(len(seen), 1, 1, 1, requires_grad=True)
    rates = {shifts: 0.01, ink: 0.05} | ({message: 0.1} if free else {})
    optimiser = torch.optim.Adam([{"params": [value], "lr": rate} for value, rate in rates.items()], fused=True)
    weight = torch.ones(len(seen), 1, size, size)
    first, last = weighing.scales
    for step in range(steps + 1):
        bent = (shifts.flatten(2) @ _bends(size)).mT  # (N, P, 2)
        places = (start + bent).unflatten(1, (size, size))
        view = F.grid_sample(seen, places, align_corners=False, padding_mode="border")
        drawn = net.draw(message, size, weighing.ink * ink.exp())
        rest = view - _lit(drawn, view, weight)
        if step == steps:
            break
        scale = first * (last / first) ** min(1.0, 1.5 * step / steps)
        squared = rest.detach().square().mean(1, keepdim=True)
        squared = F.avg_pool2d(squared, weighing.near, 1, weighing.near // 2, count_include_pad=False)
        weight = 1 / (1 + squared / scale**2).square()
        loss = (weight * rest.square()).mean((1, 2, 3)).sum()
        loss = loss + 3e-4 * message.square().mean(1).sum() + 0.5 * _bending(shifts)
        # of these alone: what the loss says of the network's weights nobody needs
        for value, slope in zip(rates, torch.autograd.grad(loss, [*rates]), strict=True):
            value.grad = slope
        optimiser.step()
    with torch.no_grad():
        counts = weight > 0.3
        like = _correlation(drawn, view, weight)
        fit = Fit(message.detach(), message.detach().sign(), like, counts.float().mean((1, 2, 3)))
        for at in (fits(fit) | weighing.always).nonzero().flatten().tolist() if settle else ():
            fit.signs[at] = _settled(net, fit.signs[at], view[at], weight[at], weighing.ink * ink[at].exp())
        return fit


def fits(fit: Fit) -> Tensor:
    """Whether what was drawn is what can be seen, (N,)."""
    return (fit.likeness >= FITS) & (fit.counted >= FITS_ON)


def _settled(net: GlyphNet, signs: Tensor, view: Tensor, weight: Tensor, ink: Tensor) -> Tensor:
    """Signs (numbers,), turned over one by one, the best first, while their drawing fits a view (C, S, S) better so."""
    least = torch.inf
    tried = signs[None]
    for _ in range(TURNED):
        drawn = net.draw(tried, view.shape[-1], ink)
        views, weights = (values.expand(len(tried), -1, -1, -1) for values in (view, weight))
        costs = (weights * (views - _lit(drawn, views, weights)).square()).mean((1, 2, 3))
        if costs.min() >= least:
            break
        least, signs = costs.min(), tried[costs.argmin()]
        tried = signs * (1 - 2 * torch.eye(len(signs)))
    return signs


def _lit(drawn: Tensor, view: Tensor, weight: Tensor) -> Tensor:
    """The drawing in the light that makes it fit best: gain and offset, each a plane over the sign."""
    with torch.no_grad():
        plane = planes(view.shape[-1])  # (P, 3)
        products = (plane[:, :, None] * plane[:, None]).flatten(1)  # (P, 9)
        grey, values, w = (pixels.mean(1).flatten(1) for pixels in (drawn, view, weight))  # (N, P) each
        shaded = w * grey
        # normal equations of weighted least squares, put together from the sums over pixels
        both, mixed, flat = (torch.stack([shaded * grey, shaded, w], 1) @ products).unflatten(2, (3, 3)).unbind(1)
        square = torch.cat([torch.cat([both, mixed], 2), torch.cat([mixed, flat], 2)], 1)  # (N, 6, 6)
        right = (torch.stack([shaded, w], 1) * values[:, None]) @ plane  # (N, 2, 3)
        factors = torch.linalg.solve(square + 1e-2 * torch.eye(6), right.flatten(1)).unflatten(1, (2, 3))
        gain, offset = (factors @ plane.mT).unflatten(2, view.shape[2:])[:, :, None].unbind(1)  # (N, 1, S, S) each
    return gain * drawn + offset


@functools.lru_cache(maxsize=8)
def planes(size: int) -> Tensor:
    """One, x and y at the centres of `size` x `size` pixels, (P, 3)."""
    centres = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([torch.ones_like(x), x, y], -1).flatten(0, 1)


@functools.lru_cache(maxsize=8)
def _bends(size: int) -> Tensor:
    """How much each knot of the grid moves each pixel, (knots, P): bicubic interpolation is a linear map."""
    knots = torch.eye(KNOTS**2).unflatten(1, (KNOTS, KNOTS))[:, None]
    return F.interpolate(knots, (size, size), mode="bicubic", align_corners=True).flatten(1)


def _bending(shifts: Tensor) -> Tensor:
    """How much the grid is bent, beyond moving, turning and stretching as a whole."""
    down, across = shifts.diff(n=2, dim=2), shifts.diff(n=2, dim=3)
    return down.square().sum() / 10 + across.square().sum() / 10


def _correlation(drawn: Tensor, view: Tensor, weight: Tensor) -> Tensor:
    """Weighted correlation of pictures (N, C, S, S), (N,)."""
    w = weight.expand_as(view).flatten(1)
    w = w / w.sum(1, keepdim=True)
    a, b = (values.flatten(1) - (w * values.flatten(1)).sum(1, keepdim=True) for values in (drawn, view))
    return (w * a * b).sum(1) / ((w * a * a).sum(1) * (w * b * b).sum(1)).sqrt().clamp(min=1e-9)
