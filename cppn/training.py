"""What trainings share: named seeds, schedules, sampling, measures."""

from __future__ import annotations

import functools
import hashlib
import math
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor

# half-widths of a 95% interval for the mean of two, three, ... ten values, in standard errors (Student's t)
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def named_generator(name: str, seed: int) -> torch.Generator:
    """A random generator that depends on nothing but `name` and `seed`: the same pair gives the same draws."""
    digest = hashlib.sha256(f"{name}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@functools.cache
def matrix_type() -> torch.dtype:
    """What large matrices are multiplied in where eight bits are enough.

    That is bfloat16 where the processor has instructions for it, and float32 elsewhere: imitated, bfloat16 takes up to
    nine times as long as float32.
    """
    has = torch.cpu.get_capabilities()
    return torch.bfloat16 if has.get("amx_bf16") or has.get("avx512_bf16") else torch.float32


def matrices_in_bfloat16() -> torch.autocast:
    """A context in which networks are computed in bfloat16, where `matrix_type` says so."""
    return torch.autocast("cpu", torch.bfloat16, enabled=matrix_type() is torch.bfloat16)


def linear_decay(fraction: float, warmup: float = 0.0) -> float:
    """Learning-rate factor: up from 0 to 1 during `warmup`, then straight down to 0 at the end of the run.

    Args:
        fraction: share of the run that is done, in [0, 1].
        warmup: share of the run spent warming up.
    """
    rise = min(1.0, fraction / warmup) if warmup else 1.0
    return rise * max(0.0, 1.0 - fraction)


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` whole numbers from 0 to `last`, dense at first and sparse later, without repeats."""
    return sorted({0, *(round(last ** (k / (count - 1))) for k in range(count))}) if last > 0 else [0]


def interval_95(values: Sequence[float], digits: int) -> list[float]:
    """95% interval [low, high] for the mean of two to ten values that scatter as a Gaussian does."""
    mean = statistics.fmean(values)
    half = STUDENT[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return [round(mean - half, digits), round(mean + half, digits)]


class ImportanceSampler:
    """Draws sample indices more often where the error is large, with the weights that keep the loss unbiased."""

    def __init__(self, count: int, share: float) -> None:
        """Start uniform over `count` samples; `share` in [0, 1) of the draws will follow the error."""
        self.count, self.share = count, share
        self._probability = torch.full((count,), 1 / count)
        self._cumulative = self._probability.cumsum(0)

    def update(self, error: Tensor) -> None:
        """Follow a new error map, shape (count,), not negative."""
        total = float(error.sum())
        if self.share == 0 or not total > 0:
            return
        self._probability = (1 - self.share) / self.count + self.share * error / total
        self._cumulative = self._probability.cumsum(0)

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Indices and their importance weights, both of shape (batch,)."""
        uniform = torch.rand(batch, generator=generator) * self._cumulative[-1]
        index = torch.searchsorted(self._cumulative, uniform).clamp_(max=self.count - 1)
        return index, 1 / (self.count * self._probability[index])

    def state_dict(self) -> dict[str, object]:
        """What the next draws depend on, besides their generator."""
        return {"probability": self._probability}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of a sampler for as many samples."""
        self._probability = state["probability"]
        self._cumulative = self._probability.cumsum(0)
