"""Where weights come from: the folder bundled with this code, another folder, or a repository on the Hugging Face Hub.

`CPPN_WEIGHTS` chooses: nothing or `bundled`; a folder; or `owner/name` with an optional `@revision`. What the choice
does not yield, the bundled folder does, and the page says why. A visitor waits at most `DEADLINE` seconds for the Hub,
however many files they need; a download that takes longer goes on, and serves the next one who asks.

`manifest.json` beside the weights lists the SHA-256 of each file. It is the lock file: the Hub client does not check
what a server sends, so bytes from the Hub count only if they are the ones that this version of the code was made with.
A folder's own manifest binds in the same way; a folder without one may hold weights that somebody trained themselves.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import safetensors

from cppn.checkpoint import sha256_of, write_atomically
from cppn.faults import VisitorError, quoted

Result = TypeVar("Result")
Entry = dict[str, object]  # what a manifest lists of a file: "bytes" and "sha256"

BUNDLED = Path(__file__).parents[1] / "weights"
VARIABLE = "CPPN_WEIGHTS"
MANIFEST = "manifest.json"
PUBLISHED = (".safetensors", ".pyth")  # what the manifest lists
DEADLINE = 6.0  # seconds that a visitor waits for the Hub, for all the files of one question together
PROBE_TIMEOUT = 3.0  # seconds for the Hub's first word on a file; the client's own retries would take minutes
RETRY_AFTER = 300.0  # seconds before the Hub is asked again for a file that failed, or for any if it was silent
AT_ONCE = 8  # files fetched side by side; as many as the client's own snapshot download


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
    raise WeightsError(f"{VARIABLE} is {quoted(text)}, which is neither a folder nor owner/name[@revision]")


def read_manifest(directory: Path) -> dict[str, Entry]:
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


def list_files(directory: Path) -> dict[str, Entry]:
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
        self._bundled = self._folder = bundled
        self._hub: _Hub | None = None
        self._problem = ""
        try:
            chosen = parse_source(source)
        except WeightsError as error:
            self._problem = str(error)
        else:
            if isinstance(chosen, Repository):
                self._hub = _Hub(chosen, cache)
            elif chosen != BUNDLED:
                self._folder = chosen

    def find(self, name: str) -> Weights:
        """The file of that name (such as "flags/japan.safetensors"), checked.

        Raises:
            WeightsError: neither the source nor the bundled folder has it, or the bundled copy is damaged.
        """
        return self.find_all([name])[name]

    def find_all(self, names: Iterable[str]) -> dict[str, Weights]:
        """Several files, fetched side by side and under one deadline: what has not come by then is the bundled file.

        Raises:
            WeightsError: as `find`, for any of them.
        """
        deadline = time.monotonic() + DEADLINE
        published = read_manifest(self._bundled)
        fetches = {name: self._hub.start(name, published.get(name)) if self._hub else None for name in names}
        return {name: self._find(name, published.get(name), fetch, deadline) for name, fetch in fetches.items()}

    def _find(self, name: str, published: Entry | None, fetch: _Fetch | None, deadline: float) -> Weights:
        reason = self._problem
        try:
            if fetch:
                return fetch.wait(deadline)
            if self._folder != self._bundled:
                return _in_folder(self._folder, name, published)
        except WeightsError as error:
            reason = str(error)
        try:
            return Weights(_in_folder(self._bundled, name, published).path, "bundled with this app", reason)
        except WeightsError as error:
            raise WeightsError(f"{reason}; {error}" if reason else str(error)) from error


def _in_folder(folder: Path, name: str, published: Entry | None) -> Weights:
    """A file of a folder: as the folder's manifest lists it or, where none does, whatever is not plainly damaged."""
    path, place, note = folder / name, folder.name or "/", ""  # the page need not know where on this machine it lies
    listed = read_manifest(folder).get(name)
    try:
        if not path.is_file():
            raise WeightsError(f"{name} is not in {place}")
        if _matches(path, listed or published):
            pass
        elif listed:
            raise WeightsError(
                f"{name} in {place} is not the file that its manifest lists "
                "(if you changed it yourself, list it anew with `python -m cppn manifest`)"
            )
        elif _is_damaged(path):
            raise WeightsError(f"{name} in {place} is damaged: it is empty, cut off or not a weights file")
        elif published:
            note = f"{name} in {place} is not the file that this version was published with"
    except OSError as error:
        raise WeightsError(f"{name} in {place} cannot be read") from error
    return Weights(path, f"folder {place}", note)


def _is_damaged(path: Path) -> bool:
    """Whether a file is empty, or says of itself that it should be longer or shorter than it is."""
    if path.stat().st_size == 0:
        return True
    if path.suffix != ".safetensors":
        return False
    try:
        with safetensors.safe_open(path, "numpy"):  # reads the header only
            return False
    except safetensors.SafetensorError:
        return True


def _matches(path: Path, expected: Entry | None) -> bool:
    about = path.stat()
    if expected is None or about.st_size != expected["bytes"]:
        return False
    return _checksum(path, about.st_ino, about.st_size, about.st_mtime_ns) == expected["sha256"]


@functools.lru_cache(maxsize=256)
def _checksum(path: Path, *state: int) -> str:
    """A file's SHA-256, read once for each `state` (inode, size, time of change): the largest file has 7 MB."""
    return sha256_of(path)


class _SilenceError(WeightsError):
    """The Hub does not answer at all, so that there is no use in asking it for any other file."""


class _Fetch:
    """One look-up of one file on the Hub, shared by all who ask for the file while it lasts."""

    def __init__(self, name: str, get: Callable[[], tuple[Weights | str, float]]) -> None:
        """`get` returns the file, or in words why there is none; and until when (monotonic) that is good."""
        self._name, self._answer = name, _in_background(get)
        self._late = False

    def wait(self, deadline: float) -> Weights:
        """The file; nobody waits once somebody has waited in vain.

        Raises:
            WeightsError: the Hub has it not, or it did not come in time.
        """
        try:
            found, _ = self._answer.result(0.0 if self._late else max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            self._late = True
            raise WeightsError(f"the Hub did not send {self._name} within {DEADLINE:g} seconds") from None
        if isinstance(found, str):
            raise WeightsError(found)
        return found

    def is_stale(self) -> bool:
        """Whether the next who asks needs a new look-up. One that is under way is never doubled, however late it is."""
        if not self._answer.done():
            return False
        found, until = self._answer.result()
        return until <= time.monotonic() or (isinstance(found, Weights) and not found.path.exists())


class _Hub:
    """A repository on the Hub: asked for a few files at a time, for each by one thread, and not while it is silent."""

    def __init__(self, repository: Repository, cache: Path | None) -> None:
        # here, and not in the threads below: several that import parts of one package may meet them half made
        import huggingface_hub.file_download  # noqa: F401

        self._repository, self._cache = repository, cache
        self._lock = threading.Lock()  # guards the table of fetches; never held while a file is read or the Hub asked
        self._fetches: dict[str, _Fetch] = {}
        self._turns = threading.Semaphore(AT_ONCE)
        self._answered = float("-inf")  # when the Hub last answered a probe, with whatever
        self._silence, self._silent_until = "", 0.0  # why it is left alone, and until when

    def start(self, name: str, expected: Entry | None) -> _Fetch:
        """The look-up of a file: remembered, under way, or a new one; `expected` is its entry in our manifest."""
        with self._lock:
            fetch = self._fetches.get(name)
            if fetch is None or fetch.is_stale():
                fetch = self._fetches[name] = _Fetch(name, lambda: self._get(name, expected))
            return fetch

    def _get(self, name: str, expected: Entry | None) -> tuple[Weights | str, float]:
        """The file or the reason why not, and until when that is remembered."""
        from huggingface_hub import errors

        lacks = errors.RemoteEntryNotFoundError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError
        try:
            if expected is None:
                raise WeightsError(f"the Hub is not asked for {name}, because this version lists no checksum for it")
            path = self._fetch(name, expected)
            commit = path.parts[-2 - name.count("/")]  # the client's cache keeps files as .../<commit>/<name>
            return Weights(path, f"Hub, {self._repository.name} at {commit[:10]}"), float("inf")
        except _SilenceError as error:
            return str(error), 0.0  # the silence has its own memory
        except WeightsError as error:
            reason = str(error)
        except lacks:
            reason = f"{self._repository} has no file {name} that we may read"
        except errors.HFValidationError:
            reason = f"{self._repository.name} is not a possible name on the Hub"
        except errors.HfHubHTTPError as error:
            reason = f"the Hub answered with error {error.response.status_code} when asked for {name}"
        except Exception as error:  # the client's HTTP library, a file of another length than announced, a full disk
            logging.getLogger("cppn").warning("fetching %s from %s", name, self._repository, exc_info=error)
            reason = f"the download of {name} from the Hub failed"
        return reason, time.monotonic() + RETRY_AFTER

    def _fetch(self, name: str, expected: Entry) -> Path:
        """From the client's cache, else from the Hub itself."""
        import huggingface_hub as hf

        place = {"repo_id": self._repository.name, "filename": name, "revision": self._repository.revision}
        cached = hf.try_to_load_from_cache(**place, cache_dir=self._cache)
        if isinstance(cached, str) and _matches(Path(cached), expected):
            return Path(cached)
        with self._turns:
            if time.monotonic() < self._silent_until:
                raise _SilenceError(self._silence)
            if self._probe(hf.hf_hub_url(**place), name) != expected["bytes"]:
                raise WeightsError(f"{self._repository} has another file under the name {name}")
            # the client takes a wrong file in its cache for the right one, so that has to be replaced
            how = {"cache_dir": self._cache, "library_name": "cppn", "force_download": isinstance(cached, str)}
            download = _in_background(functools.partial(hf.hf_hub_download, **place, **how))
            futures.wait([download], DEADLINE)  # nobody waits for it any more: it goes on, but leaves others its turn
        path = Path(download.result())
        if not _matches(path, expected):
            raise WeightsError(f"{name} on {self._repository} is not the file that this version was published with")
        return path

    def _probe(self, url: str, name: str) -> int | None:
        """A file's size in bytes: one question, without the client's retries.

        Raises:
            _SilenceError: no answer to this question, nor to any other since it was asked.
        """
        import huggingface_hub as hf
        from huggingface_hub import errors

        begun = time.monotonic()
        ask = functools.partial(hf.get_hf_file_metadata, url, timeout=PROBE_TIMEOUT, library_name="cppn")
        try:
            # the client's own timeout starts anew with every byte and leaves out the look-up of the Hub's address
            size = _in_background(ask).result(PROBE_TIMEOUT).size
        except errors.HfHubHTTPError:
            self._hear()
            raise
        except errors.OfflineModeIsEnabled:
            reason = "the Hub is not asked, because its client is in offline mode (HF_HUB_OFFLINE)"
        except Exception as error:  # too late, or whatever the client's HTTP library calls a connection that failed
            if self._answered >= begun:
                raise WeightsError(f"the Hub did not answer when asked for {name}") from error
            reason = "the Hub did not answer"
        else:
            self._hear()
            return size
        self._silence, self._silent_until = reason, time.monotonic() + RETRY_AFTER
        raise _SilenceError(reason)

    def _hear(self) -> None:
        self._answered, self._silent_until = time.monotonic(), 0.0


def _in_background(work: Callable[[], Result]) -> futures.Future[Result]:
    """`work` in a thread that cannot hold up the end of the program, as those of an executor would."""
    future: futures.Future[Result] = futures.Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # handed to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="hub").start()
    return future


@functools.cache
def library() -> Library:
    """The library that `CPPN_WEIGHTS` asks for."""
    return Library(os.environ.get(VARIABLE, ""))


def client() -> ModuleType:
    """The Hub's client, for those who publish: no other module imports it."""
    import huggingface_hub.errors
    import huggingface_hub.utils

    return huggingface_hub
