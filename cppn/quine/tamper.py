"""Change one weight and look: the network is no quine any more, and mostly prints what the weight was."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from cppn.faults import VisitorError
from cppn.quine.network import Quine, QuineConfig, flatten, split
from cppn.quine.query import QueryQuine
from cppn.quine.verify import Verification, examine
from cppn.quine.weights import WEIGHT_LIMIT


@dataclass(frozen=True)
class Tampering:
    """What became of a quine after one weight was changed.

    Attributes:
        index: of the weight, from 0. layer, position: the same place as tensor name and indices.
        before, after: its value; `after` as the file's precision holds it.
        printed: the value that the changed network prints for that weight.
        original_bits: share of all weights for which it prints the original, to the last bit.
        restored: whether it prints the whole original.
        distance: largest |printed - original| over all weights.
        verification: of the changed network.
    """

    index: int
    layer: str
    position: tuple[int, ...]
    before: float
    after: float
    printed: float
    original_bits: float
    restored: bool
    distance: float
    verification: Verification


def tamper(net: Quine | QueryQuine, config: QuineConfig, index: int, value: float) -> Tampering:
    """Set weight `index` to `value` in a copy of the weights, and verify that copy. The network is left as it is.

    Raises:
        VisitorError: no such weight, or a value that is not finite or beyond a million.
    """
    original = flatten(net)
    if not 0 <= index < len(original):
        raise VisitorError(f"index must lie between 0 and {len(original) - 1} in this network, not {index}")
    if not abs(value) <= WEIGHT_LIMIT:  # so written, NaN is refused as well
        raise VisitorError(f"value must be a number between -{WEIGHT_LIMIT:,.0f} and {WEIGHT_LIMIT:,.0f}")
    changed = original.clone()
    changed[index] = value
    verification = examine(net, config, changed)
    output = verification.output
    same = output == original
    layer, position = place(net, index)
    return Tampering(
        index=index,
        layer=layer,
        position=position,
        before=float(original[index]),
        after=float(changed[index]),
        printed=float(output[index]),
        original_bits=float(same.double().mean()),
        restored=bool(same.all()),
        distance=float((output.double() - original.double()).abs().max()),
        verification=verification,
    )


def place(net: Quine | QueryQuine, index: int) -> tuple[str, tuple[int, ...]]:
    """Tensor name and indices of weight number `index`."""
    for name, numbers in split(net, torch.arange(len(flatten(net)))).items():
        if index <= int(numbers.max()):
            at = torch.unravel_index(torch.tensor(index - int(numbers.min())), numbers.shape)
            return name, tuple(int(i) for i in at)
    raise ValueError(f"no weight {index}")
