"""The fixed surroundings of a quine, drawn from a published string: its read-out table and its probe.

They are never trained and never stored, so they must be reproducible to the last bit, in any language, for ever. The
generator is therefore written out here and uses whole numbers only:

1. bytes: SHA-256 of the text "<environment>:<stream>:<counter>" for counter = 0, 1, 2, ..., digests joined;
2. near-normal numbers: the sum of 12 consecutive bytes, minus 1530. One byte has variance (256^2 - 1) / 12, so the sum
   has mean 0 and standard deviation 256 (to 2 parts in 10^5): a normal number on the grid of 2^-8;
3. another standard deviation: divide by a whole number and round half up, still in whole numbers.

Everything that comes out is a multiple of 2^-8 (table) or 2^-4 (probe): sums of such numbers are exact in floating
point, whatever their order. That is what makes a quine possible that is right to the last bit.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np

TABLE_GRID = 256  # table entries are multiples of 1/256
PROBE_GRID = 16  # probe entries are multiples of 1/16
_BYTES = 12  # bytes that make one near-normal number
_DIGEST = 32  # bytes of one SHA-256 digest


def normals(environment: str, stream: str, count: int) -> np.ndarray:
    """Whole near-normal numbers of mean 0 and standard deviation 256, shape (count,), int64."""
    blocks = -(-count * _BYTES // _DIGEST)
    digests = (hashlib.sha256(f"{environment}:{stream}:{counter}".encode()).digest() for counter in range(blocks))
    data = np.frombuffer(b"".join(digests), dtype=np.uint8)[: count * _BYTES]
    return data.reshape(count, _BYTES).sum(axis=1, dtype=np.int64) - 1530


def rounded_quotient(value: np.ndarray, divisor: np.ndarray | int) -> np.ndarray:
    """`value / divisor` rounded half up, in whole numbers."""
    return (2 * value + divisor) // (2 * divisor)


@functools.lru_cache(maxsize=32)
def table(environment: str, rows: int, divisors: tuple[tuple[int, int], ...]) -> np.ndarray:
    """The read-out table, shape (rows, P), float64, multiples of 2^-8; read-only because it is shared.

    Args:
        environment: the published string.
        rows: numbers in the code that the table decodes.
        divisors: pairs (columns, divisor); those columns get the standard deviation 1 / divisor. P is the sum of all
            columns.
    """
    columns = np.concatenate([np.full(count, divisor) for count, divisor in divisors])
    drawn = normals(environment, "table", rows * len(columns)).reshape(rows, -1)
    return _frozen(rounded_quotient(drawn, columns) / TABLE_GRID)


@functools.lru_cache(maxsize=32)
def probe(environment: str, shape: tuple[int, ...]) -> np.ndarray:
    """The probe, of this shape and unit variance, float64, multiples of 2^-4; read-only because it is shared."""
    drawn = normals(environment, "probe", int(np.prod(shape)))
    return _frozen(rounded_quotient(drawn, TABLE_GRID // PROBE_GRID).reshape(shape) / PROBE_GRID)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
