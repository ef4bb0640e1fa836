"""What every recipe shares: named seeds, schedules, sampling, optimisers, measures, runs that can be resumed."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from cppn import hub
from cppn.checkpoint import write_atomically

T = TypeVar("T")

EQUAL_PSNR = 99.0  # decibels: what stands for the infinity of two equal pictures where a finite number is wanted


def named_generator(name: str, seed: int) -> torch.Generator:
    """A random generator that depends on nothing but `name` and `seed`: the same pair gives the same draws."""
    digest = hashlib.sha256(f"{name}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def linear_decay(fraction: float, warmup: float = 0.0) -> float:
    """Learning-rate factor: up from 0 to 1 during `warmup`, then straight down to 0 at the end of the run.

    Args:
        fraction: share of the run that is done, in [0, 1].
        warmup: share of the run spent warming up.
    """
    rise = min(1.0, fraction / warmup) if warmup else 1.0
    return rise * max(0.0, 1.0 - fraction)


def psnr(prediction: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels of two tensors in [0, 1] of one shape; infinite when they are equal."""
    error = float((prediction - target).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` whole numbers from 0 to `last`, dense at first and sparse later, without repeats."""
    return sorted({0, *(round(last ** (k / (count - 1))) for k in range(count))}) if last > 0 else [0]


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


class MuonWithAdam:
    """Muon on the hidden matrices, Adam on everything else, under one learning rate.

    Muon (Jordan et al., 2024) replaces a matrix's momentum by the nearest orthogonal matrix, so every direction moves
    at the same speed; small coordinate networks learn fine detail several times faster with it than with Adam
    (McGinnis et al., "Optimizing Rank for High-Fidelity INRs", arXiv 2512.14366). For matrices as small as theirs
    `torch.optim.Muon`, which takes them one at a time, costs as much as the network itself; here all small ones are
    orthogonalised as one zero-padded stack, six times faster and with the same result within the noise of a seed.
    """

    # One (a, b, c) a Newton-Schulz step x <- a x + (b G + c G^2) x with G = x x^T, each made for the singular values
    # that the step before leaves; found by You Jiacheng (2025) and in wide use with Muon.
    _QUINTICS = (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    )
    _MOMENTUM = 0.95  # Muon's usual setting, with Nesterov's look ahead

    _SMALL = 4096  # numbers; matrices up to this size share one stack, larger ones only with those of their own shape

    def __init__(self, hidden: Sequence[nn.Parameter], rest: Sequence[nn.Parameter], rest_rate: float = 1.0) -> None:
        """Take charge of a network's parameters.

        Args:
            hidden: matrices; a kernel of more axes counts as the matrix (outputs, everything else).
            rest: what Adam moves. rest_rate: its learning rate as a multiple of Muon's.
        """
        self._rest_rate = rest_rate
        stacks: dict[object, list[nn.Parameter]] = {}
        for parameter in hidden:
            shape = parameter.flatten(1).shape
            stacks.setdefault("small" if shape.numel() <= self._SMALL else shape, []).append(parameter)
        self._stacks = list(stacks.values())
        self._averages = [
            torch.zeros(len(stack), *(max(p.flatten(1).shape[axis] for p in stack) for axis in (0, 1)))
            for stack in self._stacks
        ]
        self._adam = torch.optim.Adam(rest, lr=1.0, betas=(0.9, 0.99), fused=True)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._adam.zero_grad()
        for parameter in (p for stack in self._stacks for p in stack):
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Take one step of this length."""
        for stack, average in zip(self._stacks, self._averages, strict=True):
            gradient = torch.zeros_like(average)
            for slot, parameter in zip(gradient, stack, strict=True):
                matrix = parameter.grad.flatten(1)
                slot[: matrix.shape[0], : matrix.shape[1]] = matrix
            average.lerp_(gradient, 1 - self._MOMENTUM)
            direction = self.orthogonalise(gradient.lerp(average, self._MOMENTUM))
            for slot, parameter in zip(direction, stack, strict=True):
                rows, columns = parameter.flatten(1).shape
                length = 0.2 * math.sqrt(max(rows, columns))  # as long as a step of Adam (Liu et al., arXiv 2502.16982)
                parameter.sub_(slot[:rows, :columns].reshape(parameter.shape), alpha=learning_rate * length)
        for group in self._adam.param_groups:
            group["lr"] = learning_rate * self._rest_rate
        self._adam.step()

    def state_dict(self) -> dict[str, object]:
        """Everything that the next steps depend on, for a run that is to go on later."""
        return {"averages": self._averages, "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of the same parameters."""
        for average, saved in zip(self._averages, state["averages"], strict=True):
            average.copy_(saved)
        self._adam.load_state_dict(state["adam"])

    @classmethod
    def orthogonalise(cls, matrices: Tensor) -> Tensor:
        """Nearly the closest orthogonal matrix to each of a stack (..., rows, columns): singular values of about 1."""
        x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-12)
        tall = x.shape[-2] > x.shape[-1]
        x = x.mT if tall else x  # the products of rows are fewer in a matrix that lies down
        for a, b, c in cls._QUINTICS:
            gram = x @ x.mT
            x = a * x + (b * gram + c * (gram @ gram)) @ x
        return x.mT if tall else x


class Adam:
    """Adam with the same interface as `MuonWithAdam`."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self._optimizer = torch.optim.Adam(parameters, lr=1.0, betas=(0.9, 0.99), fused=True)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._optimizer.zero_grad()

    def step(self, learning_rate: float) -> None:
        """Take one step of this length."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()


class Resumable(Protocol):
    """A run that advances step by step; its `state_dict` is all that the rest of it depends on.

    Attributes:
        done: whether there is nothing left to do. cpu_seconds: of its steps. curve: what was found out on the way.
    """

    done: bool
    cpu_seconds: float
    curve: list

    def advance(self) -> object:
        """Take one step."""

    def state_dict(self) -> dict[str, object]:
        """Tensors, numbers and lists."""

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from there."""


R = TypeVar("R", bound=Resumable)
SAVE_EVERY = 60.0  # processor seconds between two saved states


def carry_out(
    run: R, state: Path, tell: Callable[[R], str], every: int = 1, until: Callable[[R], bool] = lambda run: False
) -> R:
    """Take a run to its end, or until a condition holds; it goes on from a saved state and leaves one behind.

    Args:
        state: file of the state. tell: the line that is printed after each `every` new points of the curve.
    """
    if state.exists():
        run.load_state_dict(torch.load(state, weights_only=True))
        print(f"{state.stem}: going on after {run.cpu_seconds:.0f} s", flush=True)
    saved, told = run.cpu_seconds, len(run.curve)
    try:
        while not run.done and not until(run):
            run.advance()
            if len(run.curve) >= told + every:
                told = len(run.curve)
                print(f"{state.stem}: {tell(run)}", flush=True)
            if run.cpu_seconds > saved + SAVE_EVERY:
                saved = run.cpu_seconds
                save_state(run, state)
    finally:
        save_state(run, state)
    return run


def save_state(run: Resumable, path: Path) -> None:
    """Write the state of a run, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(run.state_dict(), temporary)
    temporary.replace(path)


def my_share(items: Sequence[T]) -> list[T]:
    """The items that this process has to do: all of them, or every n-th one under `torchrun`."""
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    return list(items[rank::world])


def deliver(
    root: Path, files: dict[str, bytes], score: float, standing: Callable[[], float], force: bool = False
) -> bool:
    """Put a finished training in place, with all that belongs to it, unless what is there is at least as good.

    Weights, record and film go together, and the manifest follows at once. Several processes may deliver to one folder.

    Args:
        root: a weights folder, laid out like `weights/`. files: contents by their names in it.
        score: how good it is; higher is better. standing: the same of what is there; a fault of it means nothing is.
        force: replace even what is better.

    Returns:
        Whether it was put in place.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        try:
            there = standing()
        except (OSError, LookupError, ValueError, TypeError):
            there = -math.inf
        if there >= score and not force:
            return False
        for name, data in files.items():
            write_atomically(root / name, data)
        hub.write_manifest(root)
        return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process is in here for the same folder; the lock lies elsewhere, for the folder is published."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"cppn-{name}.lock").open("w") as file:
        with contextlib.suppress(ImportError):  # Windows has no such lock; one process at a time, then
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
