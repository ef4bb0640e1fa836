"""Where weights come from: the folder bundled with this code, another folder, or a repository on the Hugging Face Hub.

`CPPN_WEIGHTS` chooses: nothing or `bundled`; a folder; or `owner/name` with an optional `@revision`. Whatever is
chosen, a visitor never waits long for it: a Hub that is not there costs `DEADLINE` seconds once, then the bundled file
answers, and the page says so.

`manifest.json` beside the weights lists the SHA-256 of each file. It is the lock file: the Hub client does not check
what a server sends, so bytes from the Hub count only if they are the ones that this version of the code was made with.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cppn.checkpoint import sha256_of, write_atomically
from cppn.faults import VisitorError

BUNDLED = Path(__file__).parents[1] / "weights"
VARIABLE = "CPPN_WEIGHTS"
MANIFEST = "manifest.json"
PUBLISHED = (".safetensors", ".pyth")  # what the manifest lists
DEADLINE = 6.0  # seconds that the Hub has for one file, probe and download together
PROBE_TIMEOUT = 3.0  # seconds for its first answer; the client's own retries would take minutes
RETRY_AFTER = 300.0  # seconds before a Hub that did not answer is asked again


class WeightsError(VisitorError):
    """No usable file of that name anywhere; the message says what was tried."""


@dataclass(frozen=True)
class Weights:
    """A weights file that passed its checks.

    Attributes:
        path: where it lies. source: where it came from, in words for the page.
        note: why it did not come from the source that was asked for; empty if it did.
    """

    path: Path
    source: str
    note: str = ""


@dataclass(frozen=True)
class Repository:
    """A model repository on the Hub."""

    name: str
    revision: str

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}"


def parse_source(text: str) -> Path | Repository:
    """What `CPPN_WEIGHTS` means.

    Raises:
        WeightsError: neither an existing folder nor a repository name.
    """
    text = text.strip()
    if text in ("", "bundled"):
        return BUNDLED
    try:
        folder = Path(text).expanduser()
        if folder.is_dir():
            return folder.resolve()
    except (OSError, RuntimeError):  # a name that is too long, "~nobody"
        pass
    if match := re.fullmatch(r"([\w][\w.-]*/[\w][\w.-]*)(?:@([\w./-]+))?", text):
        return Repository(match[1], match[2] or "main")
    raise WeightsError(f"{VARIABLE}={text[:80]!r} is neither a folder nor owner/name[@revision]")


def read_manifest(directory: Path) -> dict[str, dict[str, object]]:
    """The files that a weights folder vouches for: name -> {"bytes", "sha256"}; empty without a manifest.

    Raises:
        WeightsError: a manifest that is not one.
    """
    path = directory / MANIFEST
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: {key: entry[key] for key in ("bytes", "sha256")} for name, entry in files.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{MANIFEST} in {directory.name} cannot be read") from error


def list_files(directory: Path) -> dict[str, dict[str, object]]:
    """What the manifest of a weights folder ought to say: every published file as it is now."""
    return {
        path.relative_to(directory).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in sorted(directory.rglob("*"))
        if path.suffix in PUBLISHED and ".unfinished" not in path.suffixes
    }


def write_manifest(directory: Path) -> None:
    """List every published file of a weights folder in its manifest."""
    text = json.dumps({"files": list_files(directory)}, indent=1, sort_keys=True) + "\n"
    write_atomically(directory / MANIFEST, text.encode())


class Library:
    """Finds weights files by name, from one source, with the bundled folder behind it."""

    def __init__(self, source: str = "", bundled: Path = BUNDLED, cache: Path | None = None) -> None:
        """`source` as in `CPPN_WEIGHTS`; `cache` is the Hub client's cache folder, its own default if not given."""
        self._bundled, self._cache = bundled, cache
        self._problem = ""
        try:
            chosen = parse_source(source)
            self._source = bundled if chosen == BUNDLED else chosen
        except WeightsError as error:
            self._source, self._problem = bundled, str(error)
        self._lock = threading.Lock()
        self._found: dict[str, tuple[Weights, float]] = {}  # name -> answer, when it stops being good
        self._silent_until = 0.0  # the Hub did not answer; do not ask before this

    def find(self, name: str) -> Weights:
        """The file of that name (such as "flags/japan.safetensors"), its checksum verified.

        Raises:
            WeightsError: neither the source nor the bundled folder has it, or the bundled copy is damaged.
        """
        if known := self._known(name):
            return known
        with self._lock:  # one look-up at a time: whoever waited here finds its answer, or knows the Hub to be silent
            if known := self._known(name):
                return known
            weights = self._look_up(name)
            lasts = RETRY_AFTER if weights.note else float("inf")
            self._found[name] = weights, time.monotonic() + lasts
            return weights

    def _known(self, name: str) -> Weights | None:
        weights, until = self._found.get(name, (None, 0.0))
        return weights if weights and until > time.monotonic() and weights.path.exists() else None

    def _look_up(self, name: str) -> Weights:
        if self._source == self._bundled:
            return Weights(self._in_folder(self._bundled, name), "bundled with this app", self._problem)
        try:
            if isinstance(self._source, Path):
                return Weights(self._in_folder(self._source, name), f"folder {self._source.name}")
            return self._from_hub(self._source, name)
        except WeightsError as error:
            note = str(error)
        return Weights(self._in_folder(self._bundled, name), "bundled with this app", note)

    def _in_folder(self, folder: Path, name: str) -> Path:
        path = folder / name
        expected = read_manifest(folder).get(name)
        try:
            if not path.is_file():
                raise WeightsError(f"{name} is not in {folder.name}")
            if expected is not None:
                _verify(path, expected, folder.name)
        except OSError as error:
            raise WeightsError(f"{name} in {folder.name} cannot be read") from error
        return path

    def _from_hub(self, repository: Repository, name: str) -> Weights:
        expected = read_manifest(self._bundled).get(name)
        if expected is None:
            raise WeightsError(f"{name} is not in the manifest, so bytes from the Hub could not be checked")
        ask = time.monotonic() >= self._silent_until
        try:
            path = _within(DEADLINE, lambda: self._fetch(repository, name, expected, ask))
        except WeightsError:
            raise
        except Exception as error:  # too late, transport errors of the client's HTTP library, offline mode, a full disk
            self._silent_until = time.monotonic() + RETRY_AFTER
            if isinstance(error, TimeoutError):
                raise WeightsError(f"the Hub did not answer within {DEADLINE:g} seconds") from error
            raise WeightsError(f"the Hub could not be used ({type(error).__name__})") from error
        commit = path.parts[-2 - name.count("/")]  # the client's cache keeps files as .../<commit>/<name>
        return Weights(path, f"Hub, {repository.name} at {commit[:10]}")

    def _fetch(self, repository: Repository, name: str, expected: dict[str, object], ask: bool) -> Path:
        """From the client's cache, else, if we are to ask it, from the Hub. Runs in a thread with a deadline."""
        import huggingface_hub as hf
        from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

        place = {"repo_id": repository.name, "filename": name, "revision": repository.revision}
        cached = hf.try_to_load_from_cache(**place, cache_dir=self._cache)
        if isinstance(cached, str) and _matches(Path(cached), expected):
            return Path(cached)
        if not ask:
            raise WeightsError("the Hub did not answer a moment ago")
        try:
            # one question without the client's retries, which would go on for minutes
            probe = hf.get_hf_file_metadata(hf.hf_hub_url(**place), timeout=PROBE_TIMEOUT, library_name="cppn")
            if probe.size != expected["bytes"]:
                raise WeightsError(f"{repository} has another file under the name {name}")
            # the client takes a wrong file in its cache for the right one, so that has to be replaced
            force = isinstance(cached, str)
            got = hf.hf_hub_download(**place, cache_dir=self._cache, library_name="cppn", force_download=force)
        except (RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise WeightsError(f"{repository} has no file {name}") from error
        _verify(Path(got), expected, str(repository))
        return Path(got)


def _verify(path: Path, expected: dict[str, object], place: str) -> None:
    if not _matches(path, expected):
        raise WeightsError(f"{path.name} from {place} is not the file that its manifest lists")


def _matches(path: Path, expected: dict[str, object]) -> bool:
    data = path.read_bytes()
    return len(data) == expected["bytes"] and hashlib.sha256(data).hexdigest() == expected["sha256"]


def _within(seconds: float, work: Callable[[], Path]) -> Path:
    """The result of `work`, or TimeoutError: the thread is left to end by itself and cannot hold up the program."""
    answer: queue.Queue[tuple[Path | None, BaseException | None]] = queue.Queue()

    def run() -> None:
        try:
            answer.put((work(), None))
        except BaseException as error:  # handed to the caller, which raises it
            answer.put((None, error))

    threading.Thread(target=run, daemon=True, name="hub").start()
    try:
        result, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result


@functools.cache
def library() -> Library:
    """The library that `CPPN_WEIGHTS` asks for."""
    return Library(os.environ.get(VARIABLE, ""))


def publish(directory: Path, repository: str, private: bool = False) -> str:
    """Upload a weights folder, with its model card and manifest, as a model repository; returns the commit's address.

    Raises:
        WeightsError: the folder and its manifest do not list the same files.
    """
    import huggingface_hub as hf

    listed, present = read_manifest(directory), list_files(directory)
    if wrong := sorted(name for name in listed | present if listed.get(name) != present.get(name)):
        raise WeightsError(f"{wrong[0]} is not as {MANIFEST} lists it; run `python -m cppn manifest` first")
    if not listed:
        raise WeightsError(f"there are no weights in {directory}")
    api = hf.HfApi(library_name="cppn")
    api.create_repo(repository, repo_type="model", private=private, exist_ok=True)
    commit = api.upload_folder(
        repo_id=repository,
        folder_path=directory,
        commit_message=f"Publish {len(listed)} networks",
        ignore_patterns=["*.unfinished.safetensors", ".*", "**/.*"],
    )
    return str(commit.commit_url)


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn publish`."""
    parser = argparse.ArgumentParser(prog="python -m cppn publish", description="Upload a weights folder to the Hub.")
    parser.add_argument("directory", type=Path, help="the folder, such as weights")
    parser.add_argument("repository", help="owner/name; you must be logged in (`hf auth login`)")
    parser.add_argument("--private", action="store_true")
    args = parser.parse_args(argv)
    try:
        print(publish(args.directory, args.repository, args.private))
    except WeightsError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return 0


def main_manifest(argv: list[str]) -> int:
    """Entry point of `python -m cppn manifest`."""
    parser = argparse.ArgumentParser(prog="python -m cppn manifest", description="List a weights folder's checksums.")
    parser.add_argument("directory", type=Path, nargs="?", default=BUNDLED)
    args = parser.parse_args(argv)
    if not args.directory.is_dir():
        parser.exit(2, f"{parser.prog}: there is no folder {args.directory}\n")
    write_manifest(args.directory)
    print(f"{len(read_manifest(args.directory))} files listed in {args.directory / MANIFEST}")
    return 0
