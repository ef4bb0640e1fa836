"""Matrices in few bits: whole numbers with a scale for each row, as a checkpoint may hold them.

A row is everything below one index of the first axis. In 8 bits, `name` is int8 of the matrix's own shape. In 4 bits it
is uint8 (rows, half the numbers of a row, rounded up): two numbers a byte, each plus 8, the earlier one in the lower
half. Either way `name.scale`, float32 (rows,), lies beside it, and a number is the whole number times its row's scale.
In 16 bits, `name` is float16 and has no scale. What is no floating-point tensor stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Precision = Callable[[str, Tensor], int]  # name and tensor -> bits: 4 or 8 with one axis at least, 16

SCALE = ".scale"  # behind the name of the tensor that it belongs to
# Largest whole number as a share of the row's largest number: in 4 bits, a few clipped numbers cost less than coarse
# steps for all. Whichever leaves the smallest squared error is taken, row by row.
_SHARES = [share / 40 for share in range(12, 41)]
_SMALLEST = 1e-30  # a row of zeros needs a scale, too


def layout(state: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """What a file holds of a network: names, shapes and types, without numbers."""
    held: dict[str, Tensor] = {}
    for name, tensor in state.items():
        shape, bits = tensor.shape, _bits(name, tensor, precision)
        if bits in (4, 8):
            held[name + SCALE] = torch.empty(shape[0], device="meta")
            shape = shape if bits == 8 else (shape[0], (shape[1:].numel() + 1) // 2)
        kind = {None: tensor.dtype, 4: torch.uint8, 8: torch.int8, 16: torch.float16}[bits]
        held[name] = torch.empty(shape, dtype=kind, device="meta")
    return held


def quantised(state: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """A network's tensors as a file holds them."""
    held: dict[str, Tensor] = {}
    for name, tensor in state.items():
        bits = _bits(name, tensor, precision)
        if bits in (4, 8):
            rows = tensor.detach().float().flatten(1)
            scale = _best_scale(rows, 2 ** (bits - 1) - 1)
            whole = _rounded(rows, scale, 2 ** (bits - 1) - 1).to(torch.int8)
            held[name] = whole.view(tensor.shape) if bits == 8 else _packed(whole)
            held[name + SCALE] = scale.flatten()
        else:
            held[name] = tensor.half() if bits == 16 else tensor
    return held


def restored(held: Mapping[str, Tensor], state: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """The network's tensors again, in its own types and shapes, from what has the `layout` of them.

    Args:
        state: the network's own tensors; only names, shapes and types are looked at.

    Raises:
        ValueError: a scale is not a positive number; the message says of which tensor.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        numbers, bits = held[name], _bits(name, tensor, precision)
        if bits in (4, 8):
            scale = held[name + SCALE][:, None]
            if not bool((scale > 0).all()):
                raise ValueError(f"tensor {name + SCALE} holds scales that are not above 0")
            whole = numbers.flatten(1) if bits == 8 else _unpacked(numbers, tensor.shape[1:].numel())
            numbers = (whole * scale).view(tensor.shape)
        found[name] = numbers.to(tensor.dtype)
    return found


def _bits(name: str, tensor: Tensor, precision: Precision) -> int | None:
    return precision(name, tensor) if tensor.is_floating_point() else None


def _best_scale(rows: Tensor, top: int) -> Tensor:
    """The scale of each row that leaves the smallest squared error, (rows, 1)."""
    largest = rows.abs().amax(dim=1, keepdim=True).clamp(min=_SMALLEST)
    scales = torch.stack([largest * (share / top) for share in _SHARES])  # (shares, rows, 1)
    errors = [(_rounded(rows, scale, top) * scale - rows).square().sum(dim=1, keepdim=True) for scale in scales]
    return scales.gather(0, torch.stack(errors).argmin(dim=0, keepdim=True))[0]


def _rounded(rows: Tensor, scale: Tensor, top: int) -> Tensor:
    return (rows / scale).round_().clamp_(-top, top)


def _packed(whole: Tensor) -> Tensor:
    """Whole numbers from -8 to 7, (rows, n), two a byte."""
    halves = (F.pad(whole, (0, whole.shape[1] % 2)) + 8).to(torch.uint8)
    return halves[:, ::2] | halves[:, 1::2] << 4


def _unpacked(pairs: Tensor, count: int) -> Tensor:
    """The first `count` numbers of each row of what `_packed` made."""
    halves = torch.stack([pairs & 15, pairs >> 4], dim=2).flatten(1)
    return halves[:, :count].to(torch.int8) - 8
