"""What every recipe's command shares: runs that can be resumed, one way to put finished files in place, options."""

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

from cppn import hub
from cppn.checkpoint import write_atomically
from cppn.faults import quoted

T = TypeVar("T")


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
