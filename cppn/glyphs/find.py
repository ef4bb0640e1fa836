"""Where in a picture a sign may lie: heaps of ink and bright sheets, and the quadrilaterals round them.

Everything is found in a small gray copy; what is then read is looked up in a finer one. Places are in shares of the
picture: x and y from 0 at the upper left to 1 at the lower right, so that they hold for every copy.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from cppn.projective import CORNERS, homography

SMALL, FINE = 384, 1024  # pixels along the longest side: of the copy that is searched, of the one that is looked at
NARROW = 160  # pixels that the short side keeps, where the picture is long and narrow
SAMPLES = 3  # each pixel of what the reader sees is the mean of so many squared
EMPTY = 0.003  # a picture whose values span less holds nothing
ANGLES = np.deg2rad(np.arange(360))
GAPS = np.arange(51, 130)  # degrees between neighbouring sides of a quadrilateral
LEAST = 1e-4  # of the picture, spanned by two neighbouring sides of a place
SHEET = 320  # pixels of a sheet that is looked at by itself
COLOURED = 0.25  # of a pixel's brightest channel, by which the darkest is lower in skin, wood and grass, not in paper
LIGHTS = ("flat", "raw", "local")


class Found(NamedTuple):
    """A quadrilateral in which a sign may lie.

    Attributes:
        how: in words. light: how the light is evened out, of `LIGHTS`. corners: (4, 2), clockwise.
        dark: whether it is dark on light; None where that is not known.
    """

    how: str
    light: str
    corners: np.ndarray
    dark: bool | None = None


class Photo:
    """A picture in the copies that are worked on.

    Attributes:
        gray: the small copy, (h, w), its levels spread over [0, 1]. coloured: where it is neither gray nor near it.
        copies: finer ones, each half as large as the one before, (1, C, H, W).
    """

    def __init__(self, picture: Image.Image, channels: int) -> None:
        small, fine = _shrunk(picture, SMALL, NARROW), _shrunk(picture, FINE, 0)
        values = np.asarray(small.convert("L"), np.float32) / 255
        self.low, self.high = (float(level) for level in np.percentile(values, [0.2, 99.8]))
        self.empty = self.high - self.low < EMPTY
        self.gray = self._spread(values)
        colours = np.asarray(small.convert("RGB"), np.float32) / 255
        self.coloured = colours.max(2) - colours.min(2) > COLOURED * colours.max(2)
        pixels = np.asarray(fine.convert("L" if channels == 1 else "RGB"), np.float32) / 255
        whole = torch.from_numpy(self._spread(pixels.reshape(*pixels.shape[:2], channels)))
        self.copies = [whole.permute(2, 0, 1)[None].contiguous()]
        while min(self.copies[-1].shape[2:]) > 2 * 96:
            self.copies.append(F.avg_pool2d(self.copies[-1], 2))

    def _spread(self, values: np.ndarray) -> np.ndarray:
        return np.clip((values - self.low) / max(self.high - self.low, EMPTY), 0, 1).astype(np.float32)

    @functools.cached_property
    def surface(self) -> np.ndarray:
        """How bright white paper would be at each place of the small copy, as a smooth surface."""
        return white_surface(self.gray)

    @functools.cached_property
    def soft(self) -> np.ndarray:
        """The small copy without its noise."""
        return box_blur(self.gray, 1)

    @functools.cached_property
    def bright(self) -> np.ndarray:
        """Where it is light and not dark, (h, w)."""
        return self.soft > threshold(self.soft)

    @functools.cached_property
    def _local_white(self) -> np.ndarray:
        return local_white(self.gray)

    def white(self, light: str) -> np.ndarray:
        """What the values are divided by to even out the light, (h, w)."""
        if light == "raw":
            return np.ones_like(self.gray)
        if light == "flat":
            return self.surface
        return self._local_white

    def even(self, light: str) -> np.ndarray:
        """The small copy with its light evened out."""
        return np.clip(self.gray / self.white(light), 0, 1.2)

    def look(self, found: Found, size: int, wide: float = 1.0) -> Tensor:
        """What lies in a quadrilateral, made square, (C, size, size); `wide` quadrilaterals' widths of it are seen."""
        count = size * SAMPLES
        centres = ((torch.arange(count) + 0.5) / count * 2 - 1) * wide
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        target = torch.from_numpy(found.corners).float()[None] * 2 - 1  # as `grid_sample` counts
        matrix = homography(torch.tensor(CORNERS)[None].double(), target.double())[0].float()
        seen = matrix @ torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, count^2)
        grid = (seen[:2] / seen[2:].clamp(min=1e-4)).mT.reshape(1, count, count, 2)
        copy = self._copy(found.corners, count)
        values = F.grid_sample(copy, grid, align_corners=False, padding_mode="border")
        if found.light != "raw":
            white = torch.from_numpy(self.white(found.light))[None, None]
            values = values / F.grid_sample(white, grid, align_corners=False, padding_mode="border")
        return F.avg_pool2d(values, SAMPLES)[0]

    def _copy(self, corners: np.ndarray, count: int) -> Tensor:
        """The copy whose pixels are about as far apart as `count` samples across a quadrilateral."""
        for copy in self.copies:
            sides = np.linalg.norm((corners - np.roll(corners, 1, 0)) * [copy.shape[3], copy.shape[2]], axis=1)
            if sides.mean() < 1.5 * count:
                return copy
        return self.copies[-1]


def stretched(values: Tensor, wide: float, cut: float | None = None) -> Tensor:
    """Values (C, S, S) of a view `wide` widths across, spread from the darkest to the lightest over [0, 1].

    Beyond `cut` widths all is black, and does not count; without it only the middle counts, and nothing is cut.
    """
    size = values.shape[-1]
    centres = (((torch.arange(size) + 0.5) / size * 2 - 1) * wide).abs()
    inside = torch.maximum(centres[:, None], centres) <= (cut or 1.0)
    ordered = values[:, inside].flatten().sort().values
    low, high = ordered[int(0.04 * len(ordered))], ordered[int(0.96 * len(ordered))]
    values = ((values - low) / (high - low).clamp(min=1e-3)).clamp(0, 1)
    return values if cut is None else values * inside


def _shrunk(picture: Image.Image, longest: int, narrow: int) -> Image.Image:
    """A picture with sides of at most `longest` pixels, or the short one of `narrow` if that makes it larger."""
    scale = max(longest / max(picture.size), min(narrow / min(picture.size), FINE / max(picture.size)))
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.size]
    return picture.resize(size, Image.Resampling.BOX)  # of 8-bit pixels: no copy in floats of a large picture


# --- light


def box_blur(values: np.ndarray, reach: int) -> np.ndarray:
    """Values (H, W) averaged twice over squares of 2 reach + 1."""
    t = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None, None]
    for _ in range(2):
        t = F.avg_pool2d(F.pad(t, (reach,) * 4, mode="replicate"), 2 * reach + 1, 1)
    return t[0, 0].numpy()


def white_surface(values: np.ndarray, cells: int = 12) -> np.ndarray:
    """A quadratic surface over the brightest parts of a picture, (H, W), never near zero.

    Cells below the surface weigh little in its fit: there is no paper in them.
    """
    height, width = values.shape
    whole = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    parts = F.interpolate(whole, (8 * cells, 8 * cells), mode="area")[0, 0].numpy()
    parts = parts.reshape(cells, 8, cells, 8).transpose(0, 2, 1, 3).reshape(cells, cells, 64)
    top = np.sort(parts, axis=2)[:, :, 57]  # brighter than nine tenths of the cell
    basis, weight = _quadratic(cells, cells).reshape(-1, 6), np.ones(cells * cells)
    for _ in range(20):
        fitted = np.linalg.lstsq(basis * weight[:, None], top.ravel() * weight, rcond=None)[0]
        weight = np.where(top.ravel() >= basis @ fitted - 0.01, 1.0, 0.15)
    floor = 0.05 * max(float(top.max()), 0.02)
    return np.maximum(_quadratic(height, width) @ fitted, floor).astype(np.float32)


def _quadratic(height: int, width: int) -> np.ndarray:
    """The six terms up to second order at the centres of pixels, (H, W, 6)."""
    y, x = ((np.arange(side) + 0.5) / side * 2 - 1 for side in (height, width))
    y, x = np.meshgrid(y, x, indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)


def local_white(values: np.ndarray) -> np.ndarray:
    """The brightest value nearby, (H, W): it follows the edge of a shadow."""
    whole = torch.from_numpy(box_blur(values, 1))[None, None]
    coarse = F.max_pool2d(whole, 4, ceil_mode=True)
    reach = max(coarse.shape) // 14
    for side in ((2 * reach + 1, 1), (1, 2 * reach + 1)):
        coarse = F.max_pool2d(coarse, side, 1, (side[0] // 2, side[1] // 2))
    coarse = torch.from_numpy(box_blur(coarse[0, 0].numpy(), max(1, reach // 3)))[None, None]
    return F.interpolate(coarse, values.shape, mode="bilinear")[0, 0].clamp(min=0.03).numpy()


# --- what hangs together


def threshold(values: np.ndarray) -> float:
    """Otsu's: the level that splits values into two groups that differ most."""
    counts, edges = np.histogram(values, 64)
    middle, below = (edges[1:] + edges[:-1]) / 2, np.cumsum(counts)
    if values.max() - values.min() < 0.02:
        return float(values.mean())
    total = np.cumsum(counts * middle)
    with np.errstate(all="ignore"):
        between = (total[-1] * below / below[-1] - total) ** 2 / (below * (below[-1] - below))
    return float(edges[1:][np.nanargmax([*between[:-1], 0])])


def heaps(mask: np.ndarray, most: int, loose: bool) -> list[np.ndarray]:
    """The largest heaps of what a mask (H, W) holds; parts hang together across small gaps if `loose`."""
    height, width = mask.shape
    cell = max(4, max(mask.shape) // 64) if loose else max(2, max(mask.shape) // 128)
    values = torch.from_numpy(mask.astype(np.float32))[None, None]
    held = F.avg_pool2d(values, cell, ceil_mode=True, divisor_override=1)  # pixels of each cell
    taken = (held > 0).float()
    if loose:
        taken = F.max_pool2d(taken, 3, 1, 1)
    label = taken * (1 + torch.arange(taken.numel()).view_as(taken))
    while True:  # every cell takes the largest label nearby, then the label of the cell that it is now named after
        spread = F.max_pool2d(label, 3, 1, 1) * taken
        spread = spread.take((spread.long() - 1).clamp(min=0)) * taken
        if torch.equal(spread, label):
            break
        label = spread
    cells = label[0, 0].long().numpy()
    counts = np.bincount(cells.ravel(), weights=held[0, 0].numpy().ravel())
    counts[0] = 0
    order = np.argsort(-counts, kind="stable")[:most]
    chosen = [cells == number for number in order if counts[number] > 0.004 * mask.size]
    return [heap.repeat(cell, 0).repeat(cell, 1)[:height, :width] & mask for heap in chosen]


def quadrilateral(mask: np.ndarray) -> np.ndarray:
    """The smallest quadrilateral round a mask (H, W), (4, 2) in shares of the picture, clockwise.

    Four lines that touch what lies in the mask: first the best rectangle, then each pair of lines turns by itself.
    """
    rows = np.flatnonzero(mask.any(axis=1))  # the first and the last of each row are enough
    first, last = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    rows, columns = np.tile(rows, 2), np.concatenate([first, last])
    normal = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)
    reach = (np.stack([columns + 0.5, rows + 0.5], 1) @ normal.T).max(0)

    # where each line (by its angle) meets the one before it (by the angle between them), and nowhere if that is unfit
    before = (np.arange(360)[:, None] - GAPS) % 360
    g, f, n, m = reach[:, None], reach[before], normal[:, None], normal[before]
    meets = np.full((360, 360, 2), np.nan)
    sine = np.sin(np.deg2rad(GAPS))
    meets[:, GAPS, 0] = (f * n[..., 1] - g * m[..., 1]) / sine
    meets[:, GAPS, 1] = (g * m[..., 0] - f * n[..., 0]) / sine

    def corners(lines: np.ndarray) -> np.ndarray:
        return meets[lines % 360, (lines - lines[..., [3, 0, 1, 2]]) % 360]

    def smallest(lines: np.ndarray) -> np.ndarray:
        at = corners(lines)
        one, other = (at[:, 2:] - at[:, :2]).transpose(1, 2, 0)  # the diagonals
        return lines[np.nan_to_num(np.abs(one[0] * other[1] - one[1] * other[0]), nan=np.inf).argmin()]

    best = smallest(np.arange(90)[:, None] + np.arange(4) * 90)
    for turn, step in ((12, 3), (6, 2), (3, 1), (3, 1), (2, 1), (2, 1)):  # degrees
        steps = np.arange(-turn, turn + 1, step)
        first, second = (step.ravel() for step in np.meshgrid(steps, steps))
        for one, other in ((0, 2), (1, 3), (0, 1), (2, 3), (1, 2), (3, 0)):
            tried = np.repeat(best[None], steps.size**2, 0)
            tried[:, one] += first
            tried[:, other] += second
            best = smallest(tried)
    return corners(best) / [mask.shape[1], mask.shape[0]]


# --- candidates


def candidates(photo: Photo) -> Iterator[Found]:
    """Where a sign may lie, likeliest first; none of them twice."""
    known: list[Found] = []
    for found in _all(photo):
        if _has_corners(found.corners) and not any(
            found.light == other.light and _same(found.corners, other.corners) for other in known
        ):
            known.append(found)
            yield found


def _all(photo: Photo) -> Iterator[Found]:
    yield Found("the middle of the picture", "raw", _middle(photo))
    sheets: list[np.ndarray] = []
    for loose in (True, False):
        for light in LIGHTS:
            for dark, number, mask in _heaps_of(photo, light, loose):
                corners = quadrilateral(mask)
                words = f"{'dark' if dark else 'light'} heap {number + 1} ({light}{'' if loose else ', close'})"
                if loose and light != "local" and not any(_same(corners, other) for other in sheets):
                    sheets.append(corners)
                    if not dark:
                        yield from _on_sheet(photo, corners, dark=True)
                yield Found(words, light, corners, dark)
        if loose:
            for corners in sheets[:4]:
                yield from _on_sheet(photo, corners, dark=False)
            for corners in brightest(photo):
                yield Found("the brightest heap", "raw", corners, dark=False)
            for corners in pale_sheet(photo):
                if not any(_same(corners, other) for other in sheets):
                    yield from _on_sheet(photo, corners, dark=True)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two quadrilaterals lie alike, whichever corner comes first."""
    return min(np.abs(np.roll(one, turn, 0) - other).max() for turn in range(4)) < 0.01


def _has_corners(corners: np.ndarray) -> bool:
    """Whether a quadrilateral turns at each of its corners; one round a triangle may not, and shows nothing square."""
    side = np.roll(corners, -1, 0) - corners
    after = np.roll(side, -1, 0)
    return bool((side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0] > LEAST).all())


def _middle(photo: Photo) -> np.ndarray:
    """The square in the middle."""
    height, width = photo.copies[0].shape[2:]
    half = min(height, width) / 2 / np.array([width, height])
    return 0.5 + np.array(CORNERS) * half


def _heaps_of(photo: Photo, light: str, loose: bool) -> Iterator[tuple[bool, int, np.ndarray]]:
    """Heaps of dark and of light, those first that differ from the picture's rim: (dark, number, mask)."""
    unlit = photo.surface < 0.1 * photo.surface.max()
    soft = box_blur(photo.even(light), 1)
    if light == "local":
        soft = np.clip((soft - 0.1) / 0.3, 0, 1)  # beside a shadow even paper is gray
    level = threshold(soft[~unlit] if light == "flat" else soft)
    rim = np.concatenate([soft[:4].ravel(), soft[-4:].ravel(), soft[:, :4].ravel(), soft[:, -4:].ravel()])
    usual = bool(np.median(rim) > level)  # dark on light
    for dark in (usual, not usual) if loose else (usual,):
        mask = (soft < level) if dark else (soft > level)
        if light == "flat":
            mask &= ~unlit
        most = 2 if dark == usual and loose else 1
        for number, heap in enumerate(heaps(mask, most, loose)):
            yield dark, number, heap


def brightest(photo: Photo) -> Iterator[np.ndarray]:
    """The largest heap of what is brighter than most of the light: a white field in a dark sheet on a gray table."""
    if photo.bright.any():
        for heap in heaps(photo.soft > threshold(photo.soft[photo.bright]), 1, loose=True):
            yield quadrilateral(heap)


def pale_sheet(photo: Photo) -> Iterator[np.ndarray]:
    """The largest heap that is light and has no colour: a sheet, without the hand that holds it."""
    if (photo.bright & photo.coloured).any():
        for heap in heaps(photo.bright & ~photo.coloured, 1, loose=True):
            yield quadrilateral(heap)


def _on_sheet(photo: Photo, sheet: np.ndarray, dark: bool) -> Iterator[Found]:
    """Heaps of ink on what may be a sheet, seen by itself; `dark` ink on a light one, or the other way round."""
    if not _has_corners(sheet):
        return
    seen = photo.look(Found("a sheet", "raw", sheet), SHEET // SAMPLES, 0.97).mean(0).numpy()
    view = Photo(Image.fromarray((255 * seen).astype(np.uint8)), 1)
    matrix = homography(torch.tensor(CORNERS)[None].double(), torch.from_numpy(sheet)[None].double())[0].numpy()
    for light in ("flat", "local") if dark else ("raw",):
        for ink, number, mask in _heaps_of(view, light, light != "local"):
            if ink == dark and number == 0:
                inner = np.c_[(quadrilateral(mask) * 2 - 1) * 0.97, np.ones(4)] @ matrix.T
                words = f"{'dark' if dark else 'light'} on a sheet ({light})"
                yield Found(words, "local" if light == "local" else "raw", inner[:, :2] / inner[:, 2:], dark)
