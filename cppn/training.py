"""What every recipe shares: named seeds, schedules, sampling, optimisers, measures, runs that can be resumed, and one
way to put finished files in place.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import math
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.faults import quoted

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

    def state_dict(self) -> dict[str, object]:
        """What the next draws depend on, besides their generator."""
        return {"probability": self._probability}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of a sampler for as many samples."""
        self._probability = state["probability"]
        self._cumulative = self._probability.cumsum(0)


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

    def state_dict(self) -> dict[str, object]:
        """Everything that the next steps depend on, for a run that is to go on later."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a `state_dict` of the same parameters."""
        self._optimizer.load_state_dict(state)


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
_STOPS = (signal.SIGINT, signal.SIGTERM)


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
            with uninterrupted():  # else the state of half a step would be kept
                run.advance()
            if len(run.curve) >= told + every:
                told = len(run.curve)
                print(f"{state.stem}: {tell(run)}", flush=True)
            if run.cpu_seconds > saved + SAVE_EVERY:
                saved = run.cpu_seconds
                save_state(run, state)
    finally:
        with uninterrupted():
            save_state(run, state)
    return run


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Whoever stops the process, by Ctrl-C or as `torchrun` and `kill` do, waits until this is over.

    Raises:
        KeyboardInterrupt: at the end, if somebody did.
    """
    if threading.current_thread() is not threading.main_thread():  # no other may set handlers, or is interrupted
        yield
        return
    stopped: list[int] = []
    before = {number: signal.signal(number, lambda number, _: stopped.append(number)) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if stopped:
            raise KeyboardInterrupt


def state_file(workshop: Path, name: str, recipe: Any, usual: Any) -> Path:
    """Where a run keeps its state. One by another recipe than the usual one is another run, with a state of its own.

    Args:
        recipe: a dataclass with a `seed`. usual: the recipe by which this network is made if nobody asks otherwise.
    """
    differs = recipe != replace(usual, seed=recipe.seed)
    mark = f"-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]}" if differs else ""
    return workshop / f"{name}-{recipe.seed}{mark}.state"


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

    Weights, record and film go together, and the manifest with them. Several processes may deliver to one folder. The
    record goes last: should the machine fail before that, the old record still stands, and the same training replaces
    whatever is there.

    Args:
        root: a weights folder, laid out like `weights/`. files: contents by their names in it; records end in .json.
        score: how good it is; higher is better. standing: the same of what is there; a fault of it means nothing is.
        force: replace even what is better.

    Returns:
        Whether it was put in place.
    """
    root.mkdir(parents=True, exist_ok=True)
    records = [name for name in files if name.endswith(".json")]
    with _alone(root), uninterrupted():
        if not force and _score_of(root, files, standing) >= score:
            return False
        for name in files.keys() - set(records):
            write_atomically(root / name, files[name])
        hub.write_manifest(root)
        for name in records:
            write_atomically(root / name, files[name])
        return True


def _score_of(root: Path, files: Iterable[str], standing: Callable[[], float]) -> float:
    """How good what is in place is; minus infinity if part of it is missing or cannot be read."""
    try:
        return standing() if all((root / name).is_file() for name in files) else -math.inf
    except (OSError, LookupError, ValueError, TypeError):
        return -math.inf


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process is in here for the same folder; the lock lies elsewhere, for the folder is published."""
    # nobody may open a lock that another user made, so each user has their own
    name = hashlib.sha256(f"{Path.home()} {folder.resolve()}".encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"cppn-{name}.lock").open("w") as file:
        with contextlib.suppress(ImportError):  # Windows has no such lock; one process at a time, then
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- the command line of a recipe


def add_options(parser: argparse.ArgumentParser, workshop: Path | None = None) -> None:
    """What all recipes take: --out, --force and, where a run can be interrupted and go on, --workshop."""
    parser.add_argument("--out", type=_folder, default=hub.BUNDLED, help="a weights folder (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace what is in place even by something worse")
    if workshop:
        words = "unfinished runs (default: %(default)s)"
        parser.add_argument("--workshop", type=_folder, default=workshop, help=words)


def chosen(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    noun: str,
    known: Iterable[str],
    spellings: Mapping[str, str] | None = None,
) -> list[str]:
    """What `args.names` names, whatever its case, each once and in the order of `known`; everything with `args.all`.

    The command ends with one sentence if nothing is named, or something that is not known.

    Args:
        noun: what the names are names of. spellings: what else each may be called -> its name.
    """
    known = tuple(known)
    names = {written.casefold(): name for written, name in [*(spellings or {}).items(), *((n, n) for n in known)]}
    if not args.names and not args.all:
        parser.error(f"name a {noun}, or say --all")
    if unknown := [name for name in args.names if name.strip().casefold() not in names]:
        parser.error(f"there is no {noun} {quoted(unknown[0])}; known are {', '.join(known)}")
    wanted = known if args.all else {names[name.strip().casefold()] for name in args.names}
    return [name for name in known if name in wanted]


def positive(text: str) -> int:
    """The type of an option that counts something."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def _folder(text: str) -> Path:
    if (path := Path(text)).exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a folder")
    return path
