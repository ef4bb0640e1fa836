"""Is it a quine? Everything that can be said about a weights file from the file alone.

The network is run on its probe, and what it prints is compared with its weights: once in the precision of the file,
which gives the figures, and for the word "exact" in float32 and in float64 as well.

Nothing in a file can vouch for itself. Table, probe and questions come from the published string named in the config;
anyone who brings another table can make any weights come out of it, so such a file is never called exact, and the
report says why. A string, too, can be searched for; but one string decides 20,400 numbers at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cppn.quine.network import DTYPES, Quine, QuineConfig, copier, flatten, hidden_map
from cppn.quine.query import QueryQuine
from cppn.quine.weights import QuineFile

SAFE_MARGIN = 1e-3  # a thousand times the rounding noise of float32 in front of the sign head
# Largest error, in rounding errors of a typical weight, that still counts as rounding alone. Typical is the median:
# with the largest weight instead, one huge weight would excuse errors in all the others.
FLOAT_FACTOR = 64
CLOSE_R2 = 0.9  # from here on a network is said to print its weights approximately
# A network is trivial if it says nothing: nearly constant, mostly zero, or of a handful of values
TRIVIAL_STD, TRIVIAL_ZEROS, TRIVIAL_DISTINCT = 1e-3, 0.5, 8
TRIVIAL_DELTA = 1e-3  # and prints itself at least this well; if not, it is no quine at all
CONSTANT_STD = 1e-12  # weights that spread less count as constant; dividing by that spread would say nothing
ULP_EDGES = (0, 1, 2, 4, 16, 256, 65536)  # first distance of each bar of the histogram, in units in the last place
LARGEST_WHOLE = 2**53  # whole numbers beyond this are not safe in JSON


@dataclass(frozen=True)
class Report:
    """The findings, in plain numbers that are always finite.

    Attributes:
        verdict: "exact", "float", "approximate", "trivial" or "not_a_quine".
        is_quine: whether the verdict is "exact" or "float".
        architecture, head, dtype, environment: as in the file's config.
        table: "published", drawn from the environment string, or "own", brought by the file.
        weights: how many. size: of the file in bytes; 0 if the network came from no file.
        max_delta, mean_delta: of |F(theta) - theta|.
        r2: 1 - sum of squared errors / sum of squared deviations of theta from its mean; None if theta is constant.
        relative_delta: max_delta / std(theta); None if theta is constant.
        bit_equal: share of weights printed without any error, in the precision of the file.
        bit_equal_float32, bit_equal_float64: the same when all is computed in that precision.
        ulp_max: largest error in units in the last place, at most 2^53.
        ulp_histogram: pairs (label, how many weights have an error in that range of units in the last place).
        margins: |activation| in front of the sign head for each bit of the code; empty without one.
        margin: the smallest of them; None without a sign head.
        std, zeros, distinct: of theta: standard deviation, number of zeros, number of different values.
        code_size: numbers that all weights are decoded from by the fixed table; 0 without a table.
        sha256_weights, sha256_output: of the little-endian bytes of theta and F(theta) in the file's precision.
    """

    verdict: str
    is_quine: bool
    architecture: str
    head: str
    dtype: str
    environment: str | None
    table: str
    weights: int
    size: int
    max_delta: float
    mean_delta: float
    r2: float | None
    relative_delta: float | None
    bit_equal: float
    bit_equal_float32: float
    bit_equal_float64: float
    ulp_max: int
    ulp_histogram: tuple[tuple[str, int], ...]
    margins: tuple[float, ...]
    margin: float | None
    std: float
    zeros: int
    distinct: int
    code_size: int
    sha256_weights: str
    sha256_output: str


@dataclass(frozen=True)
class Verification:
    """A report with the numbers behind it: weights and output as vectors (P,) in the file's precision."""

    report: Report
    theta: Tensor
    output: Tensor


def verify(file: QuineFile) -> Verification:
    """Examine a network as its file holds it."""
    return examine(file.net, file.config, flatten(file.net), file.size)


@torch.no_grad()
def examine(net: Quine | QueryQuine, config: QuineConfig, theta: Tensor, size: int = 0) -> Verification:
    """Examine a network with these weights, shape (P,), in the dtype of its config."""
    printed = copier(net)
    output = printed(theta)
    delta = (output.double() - theta.double()).abs()
    equal = {dtype: _share_of_equal_bits(printed(theta.to(dtype)), theta.to(dtype)) for dtype in DTYPES.values()}
    spread = theta.double() - theta.double().mean()
    variation = float(spread.square().sum())
    std = (variation / len(theta)) ** 0.5
    ulps = ulp_distance(output, theta)
    margins = _margins(net, theta)
    figures = {
        "architecture": config.architecture,
        "head": config.head,
        "dtype": config.dtype,
        "environment": config.environment,
        "table": "own" if config.environment is None else "published",
        "weights": len(theta),
        "size": size,
        "max_delta": float(delta.max()),
        "mean_delta": float(delta.mean()),
        "r2": 1 - float(delta.square().sum()) / variation if std > CONSTANT_STD else None,
        "relative_delta": float(delta.max()) / std if std > CONSTANT_STD else None,
        "bit_equal": equal[theta.dtype],
        "bit_equal_float32": equal[torch.float32],
        "bit_equal_float64": equal[torch.float64],
        "ulp_max": int(min(ulps.max(), LARGEST_WHOLE)),
        "ulp_histogram": _histogram(ulps),
        "margins": margins,
        "margin": min(margins, default=None),
        "std": std,
        "zeros": int((theta == 0).sum()),
        "distinct": len(theta.unique()),
        "code_size": getattr(net, "CODE", 0),
        "sha256_weights": _sha256(theta),
        "sha256_output": _sha256(output),
    }
    verdict = judge(figures, typical=float(theta.abs().median()))
    return Verification(Report(verdict, verdict in ("exact", "float"), **figures), theta, output)


def judge(figures: dict[str, object], typical: float) -> str:
    """The verdict that a report's figures call for; `typical` is the median |weight|."""
    delta, zeros = figures["max_delta"], figures["zeros"] / figures["weights"]
    if figures["std"] < TRIVIAL_STD or zeros > TRIVIAL_ZEROS or figures["distinct"] < TRIVIAL_DISTINCT:
        return "trivial" if delta <= TRIVIAL_DELTA else "not_a_quine"
    published = figures["table"] == "published"
    everywhere = figures["bit_equal_float32"] == figures["bit_equal_float64"] == figures["bit_equal"] == 1
    # without a sign head equal bits are an accident of one machine's rounding
    if published and everywhere and figures["margin"] is not None and figures["margin"] >= SAFE_MARGIN:
        return "exact"
    if published and delta <= FLOAT_FACTOR * torch.finfo(DTYPES[figures["dtype"]]).eps * typical:
        return "float"
    return "approximate" if figures["r2"] >= CLOSE_R2 else "not_a_quine"


def ulp_distance(a: Tensor, b: Tensor) -> np.ndarray:
    """How many floats lie between two vectors of one dtype, element by element; uint64. +0 and -0 are 0 apart."""
    unsigned = np.uint64 if a.dtype == torch.float64 else np.uint32
    top = unsigned(1 << (8 * unsigned().itemsize - 1))
    bits = [vector.numpy().view(unsigned) for vector in (a, b)]
    size_a, size_b = (pattern & (top - unsigned(1)) for pattern in bits)  # without the sign
    size_a, size_b = size_a.astype(np.uint64), size_b.astype(np.uint64)
    same_sign = (bits[0] & top) == (bits[1] & top)
    return np.where(same_sign, np.maximum(size_a, size_b) - np.minimum(size_a, size_b), size_a + size_b)


def _histogram(ulps: np.ndarray) -> tuple[tuple[str, int], ...]:
    bars = np.searchsorted(ULP_EDGES, ulps, side="right") - 1
    labels = [
        f"{low:,} or more" if high is None else f"{low:,}" if high - low == 1 else f"{low:,} to {high - 1:,}"
        for low, high in zip(ULP_EDGES, (*ULP_EDGES[1:], None), strict=True)
    ]
    return tuple(zip(labels, np.bincount(bars, minlength=len(ULP_EDGES)).tolist(), strict=True))


def _margins(net: Quine | QueryQuine, theta: Tensor) -> tuple[float, ...]:
    if not isinstance(net, Quine) or net.head != "sign":
        return ()
    return tuple(hidden_map(net)(theta).abs().double().tolist())


def _share_of_equal_bits(a: Tensor, b: Tensor) -> float:
    whole = torch.int64 if a.dtype == torch.float64 else torch.int32
    return float((a.view(whole) == b.view(whole)).double().mean())


def _sha256(vector: Tensor) -> str:
    array = vector.numpy()
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()
