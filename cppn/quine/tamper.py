"""Change one weight and look: the network is no quine any more, and mostly prints what the weight was."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.quine.network import Quine, QuineConfig, copier, flatten, split
from cppn.quine.query import QueryQuine
from cppn.quine.verify import WEIGHT_LIMIT, Verification, examine

CHUNK = 256  # copies that run at once: 4 MB of weights


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

    @property
    def words(self) -> str:
        """The finding as sentences."""
        at = f"{self.layer}[{', '.join(str(i) for i in self.position)}]"
        if self.before == self.after:
            return f"Weight {at} is {self.before:.6g} as before, so nothing has changed."
        change = f"Weight {at} was {self.before:.6g} and is {self.after:.6g} now."
        verdict = "Still a quine!" if self.verification.report.is_quine else "Not a quine."
        if self.restored:
            return f"{change} {verdict} It prints the original, every weight to the last bit."
        if self.verification.report.head == "sign":
            return f"{change} {verdict} The code has tipped over: {self.original_bits:.0%} of the original is printed."
        return f"{change} {verdict} What it prints lies within {self.distance:.1e} of the original."


def tamper(net: Quine | QueryQuine, config: QuineConfig, index: int, value: float) -> Tampering:
    """Set weight `index` to `value` in a copy of the weights, and verify that copy. The network is left as it is.

    Raises:
        ValueError: no such weight, or a value that is not finite or beyond a million.
    """
    original = flatten(net)
    if not 0 <= index < len(original):
        raise ValueError(f"index must lie between 0 and {len(original) - 1}, not {index}")
    if not (math.isfinite(value) and abs(value) <= WEIGHT_LIMIT):
        raise ValueError(f"value must be a number between -{WEIGHT_LIMIT:,.0f} and {WEIGHT_LIMIT:,.0f}")
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


@torch.no_grad()
def change_each(net: Quine | QueryQuine, changed: Tensor) -> tuple[Tensor, Tensor]:
    """Replace every weight in turn, each in a copy of its own.

    Args:
        changed: new value of each weight, shape (P,).

    Returns:
        Two boolean vectors (P,): the copy with weight i changed still prints itself; it prints the original.
    """
    original = flatten(net)
    copies = torch.where(torch.eye(len(original), dtype=torch.bool), changed, original)  # (P, P), row i changes i
    output = torch.vmap(copier(net), chunk_size=CHUNK)(copies)
    return (output == copies).all(dim=1), (output == original).all(dim=1)
