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

import numpy as np
import pytest
import safetensors.numpy
from huggingface_hub import constants
from loopback import FILES, LoopbackHub, black_hole, refusing_address

from cppn import hub
from cppn.hub import Repository, WeightsError

RED, BLUE = FILES
MakeLibrary = Callable[..., hub.Library]


def weights_of(*values: float) -> bytes:
    """A true safetensors file."""
    return safetensors.numpy.save({"w": np.array(values)})


MINE = weights_of(1.0, 2.0)


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
    assert not set(found.note) & set("<>&\n")  # a sentence; whoever shows it adds the full stop
    assert not found.note.endswith(".")


def comes_true(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait for something that happens in the background, for long enough on a busy machine."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def asked_for(server: LoopbackHub, name: str) -> list[str]:
    """The requests about one file."""
    return [line for line in server.log if line.endswith(name)]


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of slow files: little time for them, the usual time for a busy machine to answer a probe."""
    monkeypatch.setattr(hub, "DEADLINE", 1.0)


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
        ("team/cppn", _no_file, "team/cppn@main has no file flags/red.safetensors"),
        ("team/cppn", _no_repository, "team/cppn@main has no file"),
        ("team/cppn@v9", None, "team/cppn@v9 has no file"),
        (
            "team/cppn",
            _same_length,
            "red.safetensors on team/cppn@main is not the file that this version was published with",
        ),
        ("team/cppn", _other_length, "another file"),
        ("team/cppn", _endless, "the download of flags/red.safetensors from the Hub failed"),
        ("team/cppn", _broken, "the Hub answered with error 500 when asked for flags/red.safetensors"),
        ("team/cppn", _closed, "the Hub answered with error 403 when asked for flags/red.safetensors"),
        ("double--dash/cppn", None, "double--dash/cppn is not a possible name"),  # the client's own rule
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
    (bundled / "flags/new.safetensors").write_bytes(MINE)
    loopback.commit("team/cppn", {"flags/new.safetensors": MINE})
    found = library().find("flags/new.safetensors")
    assert_bundled(found, bundled, "flags/new.safetensors")
    assert "this version lists no checksum for it" in found.note
    assert loopback.log == []


def _no_red(server: LoopbackHub) -> None:
    server.commit("team/cppn", {BLUE: FILES[BLUE]})


@pytest.mark.parametrize("spoil", [_same_length, _other_length, _endless, _no_red, _broken])
def test_a_file_that_failed_is_remembered_and_silences_no_other(loopback, library, bundled, spoil):
    shelf = library()
    spoil(loopback)
    first = shelf.find(RED)
    assert_bundled(first, bundled)
    loopback.failure = 0
    assert shelf.find(BLUE).note == ""
    loopback.log.clear()
    assert shelf.find(RED) == first
    assert loopback.log == []


def test_a_file_that_failed_is_asked_for_again_in_the_end(loopback, library, monkeypatch):
    monkeypatch.setattr(hub, "RETRY_AFTER", 0.2)
    _same_length(loopback)
    shelf = library()
    assert shelf.find(RED).note
    loopback.instead.clear()
    assert comes_true(lambda: shelf.find(RED).note == "")


def test_a_failure_is_remembered_even_where_nothing_is_bundled(loopback, library, bundled):
    (bundled / RED).unlink()
    _same_length(loopback)
    shelf = library()
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"not the file that this version.*; .*not in weights"):
            shelf.find(RED)
    assert len([line for line in loopback.log if "/storage/" in line]) == 1


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
    assert found.note == "the Hub did not answer"


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
    assert found.note == "the Hub did not answer"


def test_a_slow_file_gives_way_and_silences_no_other(loopback, library, bundled, short_deadline):
    loopback.drip = 0.2  # each byte in time for the client's patience, the whole file never
    loopback.drips = {RED}
    shelf = library()
    with at_most(4):
        found = shelf.find(RED)
    assert_bundled(found, bundled)
    assert found.note == "the Hub did not send flags/red.safetensors within 1 seconds"
    assert comes_true(lambda: any("/storage/" in line for line in asked_for(loopback, RED)))
    loopback.log.clear()
    with at_most(0.5):  # nobody waits for it again while it drips, and it is not asked for twice
        assert shelf.find(RED) == found
    assert loopback.log == []
    assert comes_true(lambda: shelf.find(BLUE).note == "")


def test_a_file_that_comes_late_serves_the_next_visitor(loopback, library, bundled, monkeypatch):
    monkeypatch.setattr(hub, "DEADLINE", 0.3)
    loopback.latency = 0.4
    shelf = library()
    assert_bundled(shelf.find(RED), bundled)
    assert comes_true(lambda: shelf.find(RED).note == "")
    assert len([line for line in asked_for(loopback, RED) if "/storage/" in line]) == 1


def test_a_question_about_one_file_that_is_not_answered_is_no_silence(loopback, library, bundled, monkeypatch):
    monkeypatch.setattr(hub, "PROBE_TIMEOUT", 2.0)
    loopback.mute = {RED}
    shelf, found = library(), []
    asker = threading.Thread(target=lambda: found.append(shelf.find(RED)))
    asker.start()
    assert comes_true(lambda: bool(asked_for(loopback, RED)))
    assert shelf.find(BLUE).note == ""
    asker.join()
    assert_bundled(found[0], bundled)
    assert found[0].note == "the Hub did not answer when asked for flags/red.safetensors"


def test_files_that_are_stuck_do_not_keep_the_others_waiting_for_ever(loopback, library, bundled, monkeypatch):
    monkeypatch.setattr(hub, "AT_ONCE", 1)
    monkeypatch.setattr(hub, "DEADLINE", 0.5)
    loopback.drip, loopback.drips = 0.2, {RED}  # 44 seconds
    shelf = library()
    assert_bundled(shelf.find(RED), bundled)
    assert comes_true(lambda: shelf.find(BLUE).note == "")


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
        assert "offline mode (HF_HUB_OFFLINE)" in found.note
    assert loopback.log == []


def test_every_file_has_the_reason_that_was_found_for_the_first(loopback, library, point_client, monkeypatch):
    point_client(refusing_address())
    shelf = library()
    assert [shelf.find(name).note for name in (RED, BLUE, RED)] == ["the Hub did not answer"] * 3
    point_client(loopback.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    shelf = library()
    notes = [shelf.find(name).note for name in (RED, BLUE, RED)]
    assert notes == ["the Hub is not asked, because its client is in offline mode (HF_HUB_OFFLINE)"] * 3


# --- many files at once


@pytest.fixture
def wing(bundled: Path, loopback: LoopbackHub) -> list[str]:
    """The names of 24 files, bundled and on the Hub."""
    files = {f"wing/{number}.safetensors": f"weights {number}".encode() * 20 for number in range(24)}
    for name, data in files.items():
        (bundled / name).parent.mkdir(exist_ok=True)
        (bundled / name).write_bytes(data)
    hub.write_manifest(bundled)
    loopback.commit("team/cppn", FILES | files)
    return list(files)


def test_a_wing_is_fetched_side_by_side_a_few_at_a_time(loopback, library, wing, monkeypatch):
    monkeypatch.setattr(hub, "DEADLINE", 60.0)
    loopback.latency = 0.2
    start = time.monotonic()
    found = library().find_all(wing)
    seconds = time.monotonic() - start
    assert list(found) == wing
    assert {weights.note for weights in found.values()} == {""}
    assert {name: weights.path.read_bytes() for name, weights in found.items()} == {
        name: loopback.repositories["team/cppn"]["main"][name] for name in wing
    }
    assert 2 <= loopback.busiest <= hub.AT_ONCE
    assert seconds < 0.75 * loopback.latency * len(loopback.log)  # what one after the other would take, and less


@pytest.mark.parametrize("spoil", [None, "bytes"])
def test_a_wing_from_a_slow_hub_waits_for_one_deadline_in_all(loopback, library, wing, bundled, monkeypatch, spoil):
    monkeypatch.setattr(hub, "DEADLINE", 1.0)
    loopback.latency = 0.8
    if spoil:
        loopback.instead = {name: (bundled / name).read_bytes()[::-1] for name in wing}
    shelf = library()
    with at_most(8):  # 24 deadlines in turn would be 24 seconds
        found = shelf.find_all(wing)
    for name, weights in found.items():
        assert_bundled(weights, bundled, name)
        assert weights.note == f"the Hub did not send {name} within 1 seconds"
    with at_most(0.5):  # and the next visitor does not wait at all
        shelf.find_all(wing)


def test_a_wing_has_what_came_and_the_bundle_for_the_rest(loopback, library, wing, bundled, short_deadline):
    loopback.drip, loopback.drips = 0.2, {wing[3]}
    loopback.instead = {wing[5]: (bundled / wing[5]).read_bytes()[::-1]}
    shelf = library()
    others = set(wing) - {wing[3], wing[5]}
    comes_true(lambda: not any(weights.note for weights in shelf.find_all(others).values()))
    found = shelf.find_all(wing)
    assert [found[name].note for name in others] == [""] * len(others)
    assert "did not send" in found[wing[3]].note
    assert "not the file" in found[wing[5]].note


@pytest.mark.parametrize("silence", ["refused", "black hole"])
def test_a_wing_from_a_silent_hub_waits_for_one_probe(library, wing, point_client, monkeypatch, silence):
    monkeypatch.setattr(hub, "PROBE_TIMEOUT", 1.0)
    with black_hole() as address:
        point_client(address if silence == "black hole" else refusing_address())
        with at_most(hub.DEADLINE):
            found = library().find_all(wing)
    assert {weights.note for weights in found.values()} == {"the Hub did not answer"}


def test_those_who_ask_for_one_file_at_once_share_its_fetch(loopback, library):
    loopback.latency = 0.2
    shelf, found = library(), []
    threads = [threading.Thread(target=lambda: found.append(shelf.find(RED))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(weights is found[0] for weights in found)
    assert len([line for line in loopback.log if "/storage/" in line]) == 1


@pytest.mark.parametrize("source", ["", "folder"])
def test_a_wing_from_a_folder(library, wing, bundled, folder, source):
    found = library(str(folder) if source else "").find_all(wing)
    assert {name: weights.path for name, weights in found.items()} == {name: bundled / name for name in wing}


def test_a_fresh_process_finds_the_hub_that_its_environment_names(loopback: LoopbackHub, bundled, tmp_path):
    """The client reads its environment when it is imported. The second process waits for the true six seconds."""
    program = (
        "import json, sys, time; from pathlib import Path; from cppn import hub; "
        "library = hub.Library('team/cppn', Path(sys.argv[1])); "  # imports the client
        "start = time.monotonic(); found = library.find(sys.argv[2]); "
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
    (path / RED).write_bytes(MINE)
    return path


def test_a_folder_whose_manifest_vouches_for_a_file_serves_it(library, folder):
    hub.write_manifest(folder)
    assert library(str(folder)).find(RED) == hub.Weights(folder / RED, "folder mine")


def test_a_folder_without_manifest_serves_what_somebody_trained_and_says_so(library, folder):
    found = library(str(folder)).find(RED)
    assert (found.path, found.source) == (folder / RED, "folder mine")
    assert found.note == "flags/red.safetensors in mine is not the file that this version was published with"


def test_a_folder_without_manifest_serves_the_published_file_without_a_word(library, folder, bundled):
    (folder / RED).write_bytes((bundled / RED).read_bytes())
    assert library(str(folder)).find(RED) == hub.Weights(folder / RED, "folder mine")


def test_a_folder_serves_a_file_that_this_version_does_not_know(library, folder):
    (folder / "flags/new.safetensors").write_bytes(MINE)
    name = "flags/new.safetensors"
    assert library(str(folder)).find(name) == hub.Weights(folder / name, "folder mine")


def test_weights_that_are_trained_while_the_app_runs_are_seen(library, folder, bundled):
    shelf = library(str(folder))
    for content, path in ((b"", bundled / RED), (weights_of(3.0), folder / RED), (b"", bundled / RED)):
        (folder / RED).write_bytes(content)
        assert shelf.find(RED).path == path


@pytest.mark.parametrize(
    "content",
    [b"", b"x", MINE[:-1], MINE + b"x", MINE[:20], b"\xff" * 100, b"red weights" * 19],
    ids=["empty", "one byte", "cut off", "too long", "cut in its header", "absurd header", "other"],
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_damaged_file_gives_way_to_the_bundle(library, folder, bundled, content, listed):
    if listed:
        hub.write_manifest(folder)
    (folder / RED).write_bytes(content)
    found = library(str(folder)).find(RED)
    assert_bundled(found, bundled)
    assert ("not the file that its manifest lists" if listed else "is damaged") in found.note


def test_an_empty_program_is_damaged_and_another_one_is_not(library, folder, bundled):
    (bundled / "ours.pyth").write_bytes(b"V256")
    hub.write_manifest(bundled)
    (folder / "ours.pyth").write_bytes(b"")
    assert_bundled(library(str(folder)).find("ours.pyth"), bundled, "ours.pyth")
    (folder / "ours.pyth").write_bytes(b"V255")
    assert library(str(folder)).find("ours.pyth").path == folder / "ours.pyth"


def test_a_damaged_file_that_is_nowhere_else_is_an_error_with_both_reasons(library, folder):
    (folder / "flags/new.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"new\.safetensors in mine is damaged.*; .*is not in weights"):
        library(str(folder)).find("flags/new.safetensors")


def test_a_file_that_the_folder_lacks_comes_from_the_bundle(library, folder, bundled):
    found = library(str(folder)).find(BLUE)
    assert_bundled(found, bundled, BLUE)
    assert "is not in mine" in found.note


def test_a_flipped_bit_behind_a_manifest_gives_way_to_the_bundle(library, folder, bundled):
    hub.write_manifest(folder)
    (folder / RED).write_bytes(MINE[:-1] + bytes([MINE[-1] ^ 1]))
    found = library(str(folder)).find(RED)
    assert_bundled(found, bundled)
    assert "not the file that its manifest lists" in found.note
    assert "python -m cppn manifest" in found.note  # what to do
    hub.write_manifest(folder)
    assert library(str(folder)).find(RED).path == folder / RED


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
