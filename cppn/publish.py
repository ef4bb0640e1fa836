"""How the app and its weights get to the Hugging Face Hub: what is sent, and that it arrives whole or not at all.

    python -m cppn publish space owner/name --dry-run            what a Space would hold; asks nobody
    python -m cppn publish space owner/name                      create the Space, or bring it up to date
    python -m cppn publish space owner/name --weights owner/w    a Space that takes its large weights from a repository
    python -m cppn publish weights owner/w                       the weights folder as a model repository

A repository is a mirror of what is listed here: files that are as they should be are left alone, others are sent, and
what is no longer listed is deleted, all in one commit. Nothing can be seen of it before that commit.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import re
import sys
from collections.abc import Iterator
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from cppn import hub
from cppn.faults import VisitorError, quoted
from cppn.hub import MANIFEST, VARIABLE, Repository, WeightsError

Files = dict[str, Path | bytes]  # path in the repository -> where the file lies, or what it holds if it is made up here

ROOT = Path(__file__).parents[1]
FIGURES = (
    *("flag_experiments", "flag_folding", "flag_optimisers", "glyphs", "glyph_capacity", "glyph_experiments"),
    *("odd_shapes", "quine", "starry"),
)
# What the pages read below weights/, besides the networks that the manifest lists.
SHOWN = (
    *("flags/targets/*.png", "flags/targets/fine/*.png", "flags/runs/*", "glyphs/runs/*", "glyphs/experiments/*.png"),
    *(f"results/{name}.json" for name in FIGURES),
    *("starry/published.json", "starry/sunset.png"),
)
MARK = {"space": "cppn/hub.py", "model": MANIFEST}  # a repository that holds files, but not this one, is another thing
KEPT = ".gitattributes"  # the Hub's own list of which files are large; it and a README are in every new repository

LARGE = 500_000  # bytes; what `--weights` leaves to the model repository. All networks below it have 2 MB together
HEAVY = 10_000_000  # bytes; a visitor whom the Hub makes wait for this has waited long
BATCH = 4_000_000, 32  # bytes and files between two lines of progress
FIRST_WORD = 6.0  # seconds for the Hub's first answer; the client itself would wait for ever
SILENCE = 120.0  # seconds without a byte after which an upload counts as broken off


class PublishError(VisitorError):
    """It was not published; the message says why, and what to do."""


# --- what is sent


def space_files(root: Path = ROOT) -> Files:
    """Everything that a Space needs to run, and nothing else, from a checkout; raises what `checked` does."""
    weights, readme = root / "weights", (root / "README.md").read_text(encoding="utf-8")
    shown = [path.relative_to(weights).as_posix() for pattern in SHOWN for path in weights.glob(pattern)]
    linked = [name for name in re.findall(r"\]\(([\w./-]+)\)", readme) if (root / name).is_file()]
    beside = (f"weights/{name}" for name in (MANIFEST, *checked(weights), *shown))
    names = {"README.md", "LICENSE", *code(root), *linked, *beside}
    requirements = (root / "requirements.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    runs = "".join(line for line in requirements if not line.startswith("pytest")).encode()
    return {name: root / name for name in sorted(names) if _is_public(name)} | {"requirements.txt": runs}


def code(root: Path) -> set[str]:
    """The modules that the app reaches, at start-up or later, and the texts and scripts that lie beside them."""
    finder = ModuleFinder([str(root)])  # nothing else is searched, so that what is installed counts as absent
    finder.run_script(str(root / "app.py"))
    rooms = [path for room in ("tab", "endpoints") for path in root.glob(f"cppn/*/{room}.py")]
    waiting = {f"cppn.{path.parent.name}.{path.stem}" for path in rooms}
    while waiting:
        for name in waiting:
            finder.import_hook(name)
        found = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
        # what runs in a process of its own is named in a string, such as "cppn.flags.hide:hide"
        named = {name for path in found for name in re.findall(r'"(cppn(?:\.\w+)+):\w+"', path.read_text("utf-8"))}
        waiting = named - set(finder.modules)
    rest = {path for path in (root / "cppn").rglob("*") if path.is_file() and not path.suffix.startswith(".py")}
    return {path.relative_to(root).as_posix() for path in found | rest if "making" not in path.relative_to(root).parts}


def weights_files(folder: Path) -> Files:
    """A weights folder as it lies, without what is hidden or unfinished; raises what `checked` does."""
    checked(folder)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    return {name: folder / name for name in names if _is_public(name)}


def checked(folder: Path) -> dict[str, hub.Entry]:
    """What a folder's manifest lists, now known to be true.

    Raises:
        WeightsError: there are no weights, or not those that the manifest lists.
    """
    listed, present = hub.read_manifest(folder), hub.list_files(folder)
    if wrong := sorted(name for name in listed | present if listed.get(name) != present.get(name)):
        raise WeightsError(f"{wrong[0]} is not as {MANIFEST} lists it; run `python -m cppn manifest` first")
    if not listed:
        raise WeightsError(f"there are no weights in {folder}")
    return listed


def borrow(files: Files, source: Repository) -> Files:
    """The same Space, if it takes its large weights from a model repository: without them, and with its name."""
    rest = {name: file for name, file in files.items() if not _is_network(name) or size_of(file) <= LARGE}
    readme = _text(rest["README.md"])
    # the second line of dashes ends what the Hub reads of the README; `models` links the Space and the repository
    return rest | {"README.md": readme.replace("\n---\n", f"\nmodels:\n- {source.name}\n---\n", 1).encode()}


def placed(files: Files, name: str) -> Files:
    """The same Space under its name: the Hub wants the thumbnail's whole address."""
    readme = _text(files["README.md"])
    home = f"https://huggingface.co/spaces/{name}/resolve/main/"
    whole = re.sub(r"^(thumbnail: )(?!https?:)", rf"\g<1>{home}", readme, count=1, flags=re.MULTILINE)
    return files if whole == readme else files | {"README.md": whole.encode()}


def size_of(file: Path | bytes) -> int:
    """In bytes."""
    return len(file) if isinstance(file, bytes) else file.stat().st_size


def _text(file: Path | bytes) -> str:
    return (file if isinstance(file, bytes) else file.read_bytes()).decode()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _is_network(name: str) -> bool:
    return name.endswith(hub.PUBLISHED)


def _is_public(name: str) -> bool:
    parts = Path(name).parts
    return not any(part.startswith((".", "__pycache__")) for part in parts) and ".unfinished" not in parts[-1]


# --- how it is sent


def publish(kind: str, name: str, files: Files, private: bool = False, source: Repository | None = None) -> str:
    """Make a repository hold these files; returns the commit's address, or "" if it held them already.

    Args:
        kind: "space" or "model". name: owner/name. private: for the owner's eyes only, if it does not exist yet.
        source: for a Space, the model repository that it shall take its large weights from.

    Raises:
        PublishError: not logged in, no right to write, a name that is taken, no Hub that answers, no such weights.
    """
    hf = hub.client()
    with _in_plain_words(name, "nothing has been sent"):
        api = _log_in(hf)
        if source:
            _look_for_networks(api, source, {path: file for path, file in files.items() if _is_network(path)})
            files = borrow(files, source)
        sdk = "gradio" if kind == "space" else None
        api.create_repo(name, repo_type=kind, space_sdk=sdk, private=private or None, exist_ok=True)
        now = api.repo_info(name, repo_type=kind, files_metadata=True, timeout=SILENCE)
    held = {file.rfilename: file for file in now.siblings}
    if held.keys() - {KEPT, "README.md"} and MARK[kind] not in held:
        raise PublishError(f"{name} holds something else, without {MARK[kind]}; choose another name")
    if private and not now.private:
        raise PublishError(f"{name} is public already; make it private on its settings page first")
    sent = [hf.CommitOperationAdd(path, file) for path, file in files.items() if not _is_same(file, held.get(path))]
    gone = [hf.CommitOperationDelete(path) for path in sorted(held.keys() - files.keys() - {KEPT})]
    address = ""
    with _in_plain_words(name, "it is as it was or else whole, since all arrives in one commit"):
        if source:  # before the commit, which may delete what is read from there
            _set_variable(api, name, str(source))
        if sent or gone:
            _send_large(api, kind, name, sent)
            words = f"Publish: {len(sent)} files sent, {len(gone)} deleted"
            about = {"commit_message": words, "repo_type": kind, "parent_commit": now.sha}
            address = str(api.create_commit(name, [*sent, *gone], **about).commit_url)
        if kind == "space" and not source:  # after the commit, which brings the weights
            _set_variable(api, name, None)
    return address


def _log_in(hf: Any) -> Any:
    """The client, which the Hub knows."""
    hf.utils.disable_progress_bars()  # ours are lines, which a log can keep
    if not (token := hf.get_token()):
        raise PublishError("you are not logged in; run `hf auth login`, or set HF_TOKEN to a token that may write")
    api = hf.HfApi(token=token, library_name="cppn")
    hf.get_session().timeout = FIRST_WORD
    api.whoami()
    hf.get_session().timeout = SILENCE
    return api


def _look_for_networks(api: Any, source: Repository, networks: Files) -> None:
    """Make sure that a Space will find its weights in a repository."""
    errors, first = hub.client().errors, f"run `python -m cppn publish weights {source.name}` first"
    try:
        there = api.repo_info(source.name, revision=source.revision, files_metadata=True, timeout=SILENCE)
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise PublishError(f"there is no {source} that you may read; {first}") from error
    held = {f"weights/{file.rfilename}": file for file in there.siblings}
    if lacking := [path for path, file in networks.items() if not _is_same(file, held.get(path))]:
        raise PublishError(f"{source} does not hold {lacking[0]} as it is here; {first}")
    if there.private:
        _say(f"{source.name} is private: give the Space a secret HF_TOKEN that may read it")


def _is_same(file: Path | bytes, held: Any) -> bool:
    """Whether the Hub holds this very file: it tells the SHA-256 of large files, and git's checksum of others."""
    if held is None or held.size != size_of(file):
        return False
    data = file if isinstance(file, bytes) else file.read_bytes()
    if held.lfs:
        return held.lfs.sha256 == hashlib.sha256(data).hexdigest()
    return held.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _send_large(api: Any, kind: str, name: str, files: list[Any]) -> None:
    """Send ahead what the Hub does not keep in git (it says what); the commit then only names it."""
    whole, done, batch = sum(file.upload_info.size for file in files), 0, []
    for number, file in enumerate(files, start=1):
        batch.append(file)
        size = sum(file.upload_info.size for file in batch)
        if number == len(files) or size >= BATCH[0] or len(batch) >= BATCH[1]:
            api.preupload_lfs_files(name, batch, repo_type=kind)
            done, batch = done + size, []
            _say(f"{done / max(whole, 1):4.0%}: {number} of {len(files)} files, {_megabytes(done)}")


def _set_variable(api: Any, name: str, value: str | None) -> None:
    """Tell a Space where its weights come from; None for the bundled ones. It starts anew if that is a change."""
    held = api.get_space_variables(name).get(VARIABLE)
    if value is None and held:
        api.delete_space_variable(name, VARIABLE)
        _say(f"{VARIABLE} is no longer set: the weights are those of the Space itself")
    elif value and (held is None or held.value != value):
        api.add_space_variable(name, VARIABLE, value)
        _say(f"{VARIABLE} is set to {value}")


@contextlib.contextmanager
def _in_plain_words(name: str, state: str) -> Iterator[None]:
    """What the Hub and the way there may do, as one sentence that says what to do; `state` is what became of `name`."""
    errors = hub.client().errors
    try:
        yield
    except VisitorError:
        raise
    except errors.OfflineModeIsEnabled as error:
        raise PublishError("the Hub's client is in offline mode; unset HF_HUB_OFFLINE") from error
    except (errors.HTTPError, RuntimeError, ValueError) as error:  # from the way there, an upload, a garbled answer
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        if isinstance(cause, errors.HfHubHTTPError):
            raise PublishError(_refusal(name, cause)) from error
        raise PublishError(f"the Hub did not answer ({type(cause).__name__}); {state}: try again later") from error


def _refusal(name: str, error: Any) -> str:
    status, told = error.response.status_code, error.server_message or error.response.reason_phrase
    if status == 401 and "whoami" in str(error.response.url):
        return "the Hub does not know your token; log in anew with `hf auth login`"
    if status in (401, 403, 404):
        return f"you may not write to {name} ({told}); check the owner's name, or log in with a token that may"
    if status == 412:
        return f"somebody else changed {name} meanwhile; run the command again"
    return f"the Hub refused with error {status} ({told}); {name} is as it was"


# --- the commands


def main(argv: list[str]) -> int:
    """Entry point of `python -m cppn publish`."""
    parser = argparse.ArgumentParser(prog="python -m cppn publish", description=__doc__.split("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    space, weights = kinds.add_parser("space", help="the app"), kinds.add_parser("weights", help="the networks alone")
    for each in (space, weights):
        each.add_argument("name", metavar="owner/name", help="you must be logged in (`hf auth login`)")
        each.add_argument("--dry-run", action="store_true", help="list the files and their sizes, and ask nobody")
        each.add_argument("--private", action="store_true", help="for the owner's eyes only, if it is made anew")
    space.add_argument("--weights", metavar="owner/name[@revision]", help="where it takes its large weights from")
    weights.set_defaults(weights=None)
    weights.add_argument("--folder", type=Path, default=hub.BUNDLED, help="default: %(default)s")
    args = parser.parse_args(argv)
    try:
        _check_name(args.name)
        source = _source(args.weights) if args.weights else None
        if args.kind == "weights":
            kind, files = "model", weights_files(args.folder)
        else:
            kind, files = "space", placed(space_files(), args.name)
        words = _show(borrow(files, source) if source else files, args.dry_run)
        if not args.dry_run:
            address = publish(kind, args.name, files, args.private, source)
            words = address or f"{args.name} holds these {words} already; nothing was sent"
        print(words)
    except VisitorError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return 0


def _source(text: str) -> Repository:
    source = hub.parse_source(text)
    if isinstance(source, Path):
        raise PublishError("--weights takes owner/name[@revision], a model repository on the Hub")
    _check_name(source.name)
    return source


def _check_name(name: str) -> None:
    try:
        hub.client().utils.validate_repo_id(name if "/" in name else "")
    except ValueError as error:
        raise PublishError(f"{quoted(name)} is no name of a repository on the Hub; that is owner/name") from error


def _show(files: Files, each: bool) -> str:
    """List files, each or only the heavy ones; returns how many they are and their sum."""
    for name, file in files.items():
        if each:
            print(f"{size_of(file):12,}  {name}")
        if size_of(file) > HEAVY:
            _say(f"warning: {name} has {_megabytes(size_of(file))}")
    return f"{len(files)} files, {_megabytes(sum(map(size_of, files.values())))}"


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def main_manifest(argv: list[str]) -> int:
    """Entry point of `python -m cppn manifest`."""
    parser = argparse.ArgumentParser(prog="python -m cppn manifest", description="List a weights folder's checksums.")
    parser.add_argument("directory", type=Path, nargs="?", default=hub.BUNDLED)
    args = parser.parse_args(argv)
    if not args.directory.is_dir():
        parser.exit(2, f"{parser.prog}: there is no folder {args.directory}\n")
    hub.write_manifest(args.directory)
    print(f"{len(hub.read_manifest(args.directory))} files listed in {args.directory / MANIFEST}")
    return 0
