"""A proof that an exact quine prints itself on every correct computer, not only on those that were tried.

The network runs on balls instead of numbers; `balls.py` says what is assumed of the computer. Not covered are TF32,
bfloat16, float16, approximate functions, broken hardware, and mistakes in these two files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cppn.quine.balls import FLOAT32, Ball
from cppn.quine.enclose import enclose
from cppn.quine.environment import TABLE_GRID
from cppn.quine.network import SCALE, Quine, QuineConfig, with_weights
from cppn.quine.query import QueryQuine

LARGEST = 4096  # weights of a network that is looked at; ours have at most 2,160


@dataclass(frozen=True)
class Proof:
    """What is proved about a network.

    Attributes:
        verdict: of a network with a sign head: "certified", every evaluation in float32 or better prints its weights;
            "refuted", none does. Of a quine to float precision: "enclosed", real numbers beside its weights are a true
            one. "open": the bounds are too wide to tell. "none": nothing that could be proved.
        bound: how far an evaluation can stray in front of the sign head; None without one, or beyond a million.
        clearance: how far every bit stays from tipping over, whatever the rounding; None if one may tip.
        radius: no weight of the true quine is farther than this from the file's.
        contraction: by how much the search for it shrinks its box, below 1; the smaller, the surer.
    """

    verdict: str
    bound: float | None = None
    clearance: float | None = None
    radius: float | None = None
    contraction: float | None = None


def prove(net: Quine | QueryQuine, config: QuineConfig, theta: Tensor, verdict: str) -> Proof:
    """What can be proved of a network with weights theta (P,) that `verify` gave this verdict."""
    if config.environment is None or len(theta) > LARGEST:
        return Proof("none")
    if config.head == "sign":
        return certify(net, theta)
    if verdict != "float" or config.architecture not in ("mlp", "query"):
        return Proof("none")
    found = enclose(net, theta)
    return Proof("enclosed", radius=found.radius, contraction=found.contraction) if found else Proof("open")


@torch.no_grad()
def certify(net: Quine, theta: Tensor) -> Proof:
    """Bound all evaluations of a network with a sign head, a published table and weights theta (P,) at once.

    At most one code is printed as theta. If no ball in front of the sign head reaches 0, all evaluations find the same
    code; what the table makes of it is exact in any order: whole multiples of 2^-10, sums of fewer than 2^24 of them.
    """
    table = (net.table * TABLE_GRID).long()  # (n, P)
    wanted = theta.double() * (TABLE_GRID / SCALE)  # by a power of two, so exactly
    inverse = torch.linalg.pinv(table.double().T)
    required = torch.where(inverse @ wanted >= 0, 1, -1)  # (n,)
    exact = (table.abs().sum(dim=0) < 1 / FLOAT32).all() and (table != 0).any(dim=0).all()
    if not exact or (inverse @ table.double().T - torch.eye(len(table))).abs().sum(dim=1).max() > 0.1:
        return Proof("open")  # sums that may be rounded, or two codes that print the same
    # a sum that cancels is +0 if not all of its terms are 0
    printed = bool((required @ table == wanted).all()) and not bool((wanted.signbit() & (wanted == 0)).any())
    x = with_weights(net, "hidden", Ball.exactly(net.probe, FLOAT32))(theta.double())
    clear = x.mid.abs() - x.rad
    certain = clear > 0  # not so where a bound is NaN
    agrees = bool((x.mid.sign() == required)[certain].all())
    verdict = "refuted" if not (printed and agrees) else "certified" if certain.all() else "open"
    bound = float(x.rad.max())
    return Proof(verdict, bound if bound < 1e6 else None, float(clear.min()) if certain.all() else None)
