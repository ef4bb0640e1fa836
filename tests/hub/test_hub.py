"""`cppn.hub` against the real Hub client and a Hub of our own that misbehaves in every way we could think of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants
from loopback import FILES, LoopbackHub, black_hole, refusing_address

from cppn import hub
from cppn.hub import Repository, WeightsError

RED, BLUE = FILES
MakeLibrary = Callable[..., hub.Library]


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def assert_bundled(found: hub.Weights, bundled: Path, name: str = RED) -> None:
    """The answer is the bundled file, and it says why."""
    assert found.path == bundled / name
    assert found.source == "bundled with this app"
    assert found.note


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which the waiting itself is not the point."""
    monkeypatch.setattr(hub, "DEADLINE", 1.0)
    monkeypatch.setattr(hub, "PROBE_TIMEOUT", 0.5)


# --- a Hub that works


@pytest.mark.parametrize("revision", ["main", "commit"])
def test_a_file_comes_from_the_hub_and_says_so(loopback: LoopbackHub, library: MakeLibrary, tmp_path, revision):
    commit = loopback.commit_of("team/cppn", "main")
    found = library("team/cppn" if revision == "main" else f"team/cppn@{commit}").find(RED)
    assert found.path.read_bytes() == FILES[RED]
    assert found.path.is_relative_to(tmp_path / "cache")
    assert (found.source, found.note) == (f"Hub, team/cppn at {commit[:10]}", "")


def test_a_warm_cache_asks_nothing(loopback: LoopbackHub, library: MakeLibrary):
    first = library().find(RED)
    assert loopback.log
    loopback.log.clear()
    assert library().find(RED) == first
    assert loopback.log == []


def test_a_library_asks_once_for_a_file(loopback: LoopbackHub, library: MakeLibrary):
    shelf = library()
    first = shelf.find(RED)
    loopback.log.clear()
    assert shelf.find(RED) is first
    assert loopback.log == []


def test_a_warm_cache_answers_when_the_hub_is_gone(loopback, library: MakeLibrary, point_client):
    first = library().find(RED)
    point_client(refusing_address())
    assert library().find(RED) == first


def test_a_warm_file_answers_though_the_hub_fell_silent_over_another(loopback, library, point_client, short_deadlines):
    warm = library().find(RED)
    shelf = library()
    with black_hole() as address:
        point_client(address)
        assert shelf.find(BLUE).note
        with at_most(0.5):
            assert shelf.find(RED) == warm


# --- a Hub that answers, but not with the file


def _other_length(server: LoopbackHub) -> None:
    server.commit("team/cppn", {**FILES, RED: b"other"})


def _same_length(server: LoopbackHub) -> None:
    server.instead[RED] = FILES[RED][::-1]


def _endless(server: LoopbackHub) -> None:
    server.instead[RED] = FILES[RED] * 1000


def _no_file(server: LoopbackHub) -> None:
    server.commit("team/cppn", {})


def _no_repository(server: LoopbackHub) -> None:
    server.repositories.clear()


def _broken(server: LoopbackHub) -> None:
    server.failure = 500


def _closed(server: LoopbackHub) -> None:
    server.failure = 403


@pytest.mark.parametrize(
    ("source", "spoil", "note"),
    [
        ("team/cppn", _no_file, "team/cppn@main has no file"),
        ("team/cppn", _no_repository, "team/cppn@main has no file"),
        ("team/cppn@v9", None, "team/cppn@v9 has no file"),
        ("team/cppn", _same_length, "not the file that its manifest lists"),
        ("team/cppn", _other_length, "another file"),
        ("team/cppn", _endless, "could not be used"),
        ("team/cppn", _broken, "could not be used"),
        ("team/cppn", _closed, "could not be used"),
        ("double--dash/cppn", None, "could not be used (HFValidationError)"),  # the client's own rule for names
    ],
)
def test_a_hub_without_the_right_file_gives_way_to_the_bundle(loopback, library, bundled, source, spoil, note):
    if spoil:
        spoil(loopback)
    with at_most(3):
        found = library(source).find(RED)
    assert_bundled(found, bundled)
    assert note in found.note


def test_a_file_that_the_bundled_manifest_does_not_list_is_not_asked_for(loopback, library, bundled):
    (bundled / "flags/new.safetensors").write_bytes(b"new")
    loopback.commit("team/cppn", {"flags/new.safetensors": b"new"})
    found = library().find("flags/new.safetensors")
    assert_bundled(found, bundled, "flags/new.safetensors")
    assert "manifest" in found.note
    assert loopback.log == []


def test_a_wrong_file_in_the_cache_is_replaced_once_the_hub_is_mended(loopback, library, bundled):
    _same_length(loopback)
    assert_bundled(library().find(RED), bundled)
    loopback.instead.clear()
    found = library().find(RED)
    assert found.note == ""
    assert found.path.read_bytes() == FILES[RED]


# --- a Hub that does not answer


def test_a_refused_connection_gives_way_at_once(point_client, library, bundled):
    point_client(refusing_address())
    with at_most(2):
        found = library().find(RED)
    assert_bundled(found, bundled)
    assert "could not be used" in found.note


def test_a_black_hole_gives_way_and_the_next_file_does_not_wait(point_client, library, bundled, short_deadlines):
    shelf, before = library(), set(threading.enumerate())
    with black_hole() as address:
        point_client(address)
        with at_most(1.5):
            assert_bundled(shelf.find(RED), bundled)
        with at_most(0.3):
            found = shelf.find(BLUE)
        with at_most(5):  # whatever still waits for the Hub gives up soon, too
            for thread in set(threading.enumerate()) - before:
                thread.join(5)
    assert_bundled(found, bundled, BLUE)
    assert "a moment ago" in found.note


def test_a_dripping_hub_gives_way_and_the_next_file_does_not_wait(loopback, library, bundled, short_deadlines):
    loopback.drip = 0.2  # each byte in time for the client's patience, the whole file never
    shelf = library()
    with at_most(1.5):
        found = shelf.find(RED)
    assert_bundled(found, bundled)
    assert "within 1 seconds" in found.note
    loopback.log.clear()
    with at_most(0.3):
        assert_bundled(shelf.find(BLUE), bundled, BLUE)
    assert loopback.log == []


def test_a_hub_that_comes_back_is_asked_again(loopback, library, point_client, bundled, monkeypatch):
    monkeypatch.setattr(hub, "RETRY_AFTER", 0.2)
    point_client(refusing_address())
    shelf = library()
    assert_bundled(shelf.find(RED), bundled)
    point_client(loopback.endpoint)
    time.sleep(0.3)
    assert shelf.find(RED).note == ""


def test_visitors_who_ask_at_once_wait_for_one_deadline_together(point_client, library, bundled, short_deadlines):
    shelf, found = library(), {}
    with black_hole() as address:
        point_client(address)
        threads = [
            threading.Thread(target=lambda n=name, k=number: found.update({(n, k): shelf.find(n)}))
            for name in (RED, BLUE)
            for number in range(2)
        ]
        with at_most(1.5):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(found) == 4
    for (name, _), weights in found.items():
        assert_bundled(weights, bundled, name)


def test_a_file_that_was_found_does_not_wait_while_another_is_looked_up(loopback, library, point_client, monkeypatch):
    shelf = library()
    known = shelf.find(RED)
    monkeypatch.setattr(hub, "PROBE_TIMEOUT", 1.0)
    with black_hole() as address:
        point_client(address)
        other = threading.Thread(target=shelf.find, args=(BLUE,))
        other.start()
        time.sleep(0.2)  # by now it waits for the Hub
        with at_most(0.3):
            assert shelf.find(RED) is known
        assert other.is_alive()
        other.join()


@pytest.mark.parametrize("warm", [False, True])
def test_offline_mode_uses_the_cache_or_the_bundle(loopback, library, bundled, monkeypatch, warm):
    if warm:
        library().find(RED)
    loopback.log.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with at_most(1):
        found = library().find(RED)
    if warm:
        assert found.note == ""
    else:
        assert_bundled(found, bundled)
        assert "OfflineModeIsEnabled" in found.note
    assert loopback.log == []


def test_a_fresh_process_finds_the_hub_that_its_environment_names(loopback: LoopbackHub, bundled, tmp_path):
    """The client reads its environment when it is imported. The second process waits for the true six seconds."""
    program = (
        "import json, sys, time; from pathlib import Path; from cppn import hub; start = time.monotonic(); "
        "found = hub.Library('team/cppn', Path(sys.argv[1])).find(sys.argv[2]); "
        "print(json.dumps([found.source, found.note, found.path.read_text(), time.monotonic() - start]))"
    )

    def ask(endpoint: str, home: str) -> list:
        names = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / home), "NO_PROXY": "127.0.0.1"}
        names["HF_HUB_OFFLINE"] = "0"  # whatever the tests themselves run under
        command = [sys.executable, "-c", program, str(bundled), RED]
        checkout = Path(hub.__file__).parents[1]
        # the file drips for 44 seconds; a program that waited for it to end would run into the timeout
        output = subprocess.check_output(command, env={**os.environ, **names}, cwd=checkout, text=True, timeout=40)
        return json.loads(output)

    source, note, text, _ = ask(loopback.endpoint, "home")
    assert (source, note) == (f"Hub, team/cppn at {loopback.commit_of('team/cppn', 'main')[:10]}", "")
    assert text == FILES[RED].decode()
    loopback.drip = 0.2
    source, note, text, seconds = ask(loopback.endpoint, "empty")
    assert (source, text) == ("bundled with this app", FILES[RED].decode())
    assert "within 6 seconds" in note
    assert seconds < 6.5


# --- a folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A visitor's own folder with another red flag."""
    path = tmp_path / "mine"
    (path / "flags").mkdir(parents=True)
    (path / RED).write_bytes(b"my red")
    return path


@pytest.mark.parametrize("listed", [False, True])
def test_a_folder_serves_its_own_files(library, folder, listed):
    if listed:
        hub.write_manifest(folder)
    assert library(str(folder)).find(RED) == hub.Weights(folder / RED, "folder mine")


def test_a_file_that_the_folder_lacks_comes_from_the_bundle(library, folder, bundled):
    found = library(str(folder)).find(BLUE)
    assert_bundled(found, bundled, BLUE)
    assert "is not in mine" in found.note


def test_a_file_that_changed_behind_its_manifest_gives_way_to_the_bundle(library, folder, bundled):
    hub.write_manifest(folder)
    (folder / RED).write_bytes(b"my rag")
    found = library(str(folder)).find(RED)
    assert_bundled(found, bundled)
    assert "not the file that its manifest lists" in found.note


@pytest.mark.parametrize("manifest", ["", "[]", '{"files": 1}', '{"files": {"a": {}}}', "\ufffe", "[" * 5000])
def test_a_folder_with_a_broken_manifest_gives_way_to_the_bundle(library, folder, bundled, manifest):
    (folder / hub.MANIFEST).write_text(manifest, encoding="utf-16" if manifest == "\ufffe" else "utf-8")
    found = library(str(folder)).find(RED)
    assert_bundled(found, bundled)
    assert "manifest.json in mine cannot be read" in found.note


# --- the bundle, and nonsense


@pytest.mark.parametrize("source", ["", "bundled"])
def test_the_bundle_is_the_default(library, bundled, source):
    assert library(source).find(RED) == hub.Weights(bundled / RED, "bundled with this app")


@pytest.mark.parametrize(
    "source", ["no such folder", "https://example.org/x", "a/b/c", "~nobody-here/x", "x" * 5000, "/"]
)
def test_nonsense_gives_way_to_the_bundle(library, bundled, source):
    found = library(source).find(RED)
    assert_bundled(found, bundled)
    assert len(found.note) < 200


def test_a_file_that_is_nowhere_is_an_error(library, loopback):
    with pytest.raises(WeightsError, match="not in weights"):
        library().find("flags/none.safetensors")


def test_a_damaged_bundle_is_an_error(library, bundled):
    (bundled / RED).write_bytes(b"rot")
    with pytest.raises(WeightsError, match="not the file that its manifest lists"):
        library("").find(RED)


def test_a_bundle_that_cannot_be_read_is_an_error(library, monkeypatch):
    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(WeightsError, match="cannot be read"):
        library("").find(RED)


def test_a_file_that_vanished_is_looked_up_again(library, folder, bundled):
    shelf = library(str(folder))
    assert shelf.find(RED).path == folder / RED
    (folder / RED).unlink()
    assert_bundled(shelf.find(RED), bundled)


def test_the_environment_names_the_source(folder, monkeypatch):
    monkeypatch.setenv(hub.VARIABLE, str(folder))
    hub.library.cache_clear()
    try:
        assert hub.library().find(RED).path == folder / RED
        assert hub.library() is hub.library()
    finally:
        hub.library.cache_clear()  # it remembers a folder that goes away with this test


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", hub.BUNDLED),
        (" bundled ", hub.BUNDLED),
        ("team/cppn", Repository("team/cppn", "main")),
        ("team/cppn@v1.0", Repository("team/cppn", "v1.0")),
        ("team/cppn@refs/pr/1", Repository("team/cppn", "refs/pr/1")),
    ],
)
def test_sources_are_understood(text, meaning):
    assert hub.parse_source(text) == meaning


def test_a_folder_wins_over_a_repository_of_the_same_name(tmp_path, monkeypatch):
    (tmp_path / "team/cppn").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub.parse_source("team/cppn") == (tmp_path / "team/cppn").resolve()


# --- publishing


@pytest.fixture
def publishable(bundled: Path) -> Path:
    """The bundled folder with a model card, and with things that must stay at home."""
    (bundled / "README.md").write_text("---\nlicense: mit\n---\n# Flags\n")
    for private in (".secret", "flags/.red.safetensors.x7f3", "flags/green.unfinished.safetensors"):
        (bundled / private).write_bytes(b"not for the Hub")
    return bundled


def test_what_is_published_is_what_a_library_reads_back(loopback, library, publishable, monkeypatch, capsys):
    # the client's other way, Xet, talks to a storage service of its own; the large file protocol is plain HTTP
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for _ in range(2):  # the second time the repository exists
        assert hub.main([str(publishable), "team/new"]) == 0
    commit = loopback.commit_of("team/new", "main")
    assert capsys.readouterr().out.split()[-1] == f"{loopback.endpoint}/team/new/commit/{commit}"
    files = loopback.repositories["team/new"]["main"]
    assert files == {name: (publishable / name).read_bytes() for name in (*FILES, "README.md", "manifest.json")}
    for name in FILES:
        found = library(f"team/new@{commit}").find(name)
        assert (found.source, found.note) == (f"Hub, team/new at {commit[:10]}", "")
        assert found.path.read_bytes() == (publishable / name).read_bytes()


def _change(folder: Path) -> None:
    (folder / RED).write_bytes(b"changed")


def _remove(folder: Path) -> None:
    (folder / RED).unlink()


def _add(folder: Path) -> None:
    (folder / "flags/extra.safetensors").write_bytes(b"extra")


def _forget(folder: Path) -> None:
    (folder / hub.MANIFEST).unlink()


def _empty(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()
    hub.write_manifest(folder)


@pytest.mark.parametrize("spoil", [_change, _remove, _add, _forget, _empty])
def test_a_folder_that_differs_from_its_manifest_is_not_published(loopback, publishable, spoil, capsys):
    spoil(publishable)
    with pytest.raises(WeightsError):
        hub.publish(publishable, "team/new")
    with pytest.raises(SystemExit, match="2"):
        hub.main([str(publishable), "team/new"])
    assert "python -m cppn publish:" in capsys.readouterr().err
    assert loopback.log == []


def test_the_manifest_lists_every_finished_file(publishable, capsys):
    (publishable / "starry.pyth").write_bytes(b"V")
    assert hub.main_manifest([str(publishable)]) == 0
    assert "3 files" in capsys.readouterr().out
    listed = hub.read_manifest(publishable)
    assert sorted(listed) == sorted([*FILES, "starry.pyth"])
    assert listed["starry.pyth"] == {
        "bytes": 1,
        "sha256": "de5a6f78116eca62d7fc5ce159d23ae6b889b365a1739ad2cf36f925a140d0cc",  # as `printf V | sha256sum` says
    }


def test_a_manifest_needs_a_folder(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        hub.main_manifest([str(tmp_path / "typo")])
    assert not (tmp_path / "typo").exists()
