"""`python -m cppn publish` against a loopback Hub: what is sent, that it arrives whole, and that it then runs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio_client
import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http
from loopback import FILES, READER, WRITER, LoopbackHub, black_hole, refusing_address

from cppn import hub, publish
from cppn.hub import WeightsError

RED, BLUE = FILES
BIG = "weights/glyphs/big.safetensors"
HERE = {  # a project in small, and with one of everything that is not for a Space
    "app.py": "from cppn import hub\n",
    "cppn/__init__.py": "",
    "cppn/hub.py": "def later():\n    from cppn import late\n",
    "cppn/late.py": "",
    "cppn/wing/__init__.py": "",
    "cppn/wing/tab.py": "import gradio\n",
    "cppn/wing/endpoints.py": 'NAME = "cppn.wing.apart:run"\n',
    "cppn/wing/apart.py": "import cppn.wing.deep\n",
    "cppn/wing/deep.py": "",
    "cppn/wing/text/lead.md": "Words",
    "README.md": "---\ntitle: Small\n---\n# Small\n[card](weights/README.md) [away](https://example.org)\n---\n",
    "LICENSE": "MIT",
    "weights/README.md": "# Card",
    "weights/results/glyphs.json": "{}",
    "weights/flags/runs/red.webp": "film\0",
    "weights/glyphs/small.safetensors": "small",
    BIG: "big" * 400_000,
}
NOT_HERE = {
    "cppn/load.py": "",
    "cppn/ui.pyi": "",
    "cppn/.notes.md": "",
    "cppn/wing/making/train.py": "",
    "cppn/wing/making/notes.md": "",
    "cppn/__pycache__/hub.cpython-311.pyc": "",
    "tests/test_hub.py": "",
    ".gitignore": "",
    "weights/results/load.json": "{}",
    "weights/flags/runs/.red.webp": "",
    "weights/flags/green.unfinished.safetensors": "",
    "weights/starry/ours.json": "{}",
}


def write(root: Path, files: dict[str, str | bytes]) -> None:
    """Files with their folders."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small project, as the one that the command publishes."""
    root = tmp_path / "checkout"
    write(root, HERE | NOT_HERE | {"requirements.txt": "gradio==6\npytest==9\ntorch==2\n"})
    hub.write_manifest(root / "weights")
    whole = publish.space_files
    monkeypatch.setattr(publish, "space_files", lambda: whole(root))
    return root


@pytest.fixture
def publishable(bundled: Path) -> Path:
    """The bundled folder with a model card, and with things that must stay at home."""
    (bundled / "README.md").write_text("---\nlicense: mit\n---\n# Flags\n")
    for private in (".secret", "flags/.red.safetensors.x7f3", "flags/green.unfinished.safetensors"):
        (bundled / private).write_bytes(b"not for the Hub")
    return bundled


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that may write, and the plain way for large files."""
    monkeypatch.setenv("HF_TOKEN", WRITER)
    # the client's other way, Xet, talks to a storage service of its own; the large file protocol is plain HTTP
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def command(capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str, str]]:
    """Run the command: exit status, what it printed, and what it said beside that."""

    def run(*words: object) -> tuple[int, str, str]:
        try:
            status = publish.main([str(word) for word in words])
        except SystemExit as end:
            status = int(end.code)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def held(server: LoopbackHub, name: str) -> dict[str, bytes]:
    """What a repository holds, but for the Hub's own file."""
    return {path: data for path, data in server.repositories[name]["main"].items() if path != ".gitattributes"}


def changes(server: LoopbackHub) -> list[str]:
    """The requests that sent something."""
    return [line for line in server.log if line.startswith("PUT") or "/commit/" in line]


# --- what is sent


def test_a_space_holds_what_it_needs_and_nothing_else(checkout):
    files = publish.space_files()
    assert files.keys() == {*HERE, "requirements.txt", "weights/manifest.json"}
    assert files["requirements.txt"] == b"gradio==6\ntorch==2\n"


def test_the_true_space_holds_all_that_its_code_reads_from_the_bundled_folder():
    files = publish.space_files()
    code = [
        file.read_text("utf-8") for name, file in files.items() if name.endswith(".py") and name != "cppn/publish.py"
    ]
    read = [
        "/".join(re.findall('"(.+?)"', path)) for text in code for path in re.findall(r'BUNDLED((?: / "[^"]+")+)', text)
    ]
    assert len(read) > 5
    for place in read:
        assert [name for name in files if name.startswith(f"weights/{place}")], place
    for pattern in publish.SHOWN:  # and what no code names is not sent
        assert list((publish.ROOT / "weights").glob(pattern)), pattern
        name = pattern.rpartition("/")[2]
        assert "*" in name or any(f'"{name}"' in text for text in code), pattern


def test_the_true_space_holds_no_tests_no_recipes_and_nothing_hidden():
    names = publish.space_files().keys()
    for word in (
        "tests/",
        "making/",
        "/.",
        "load",
        "startup",
        "journal",
        "pictures.py",
        "__main__",
        ".pyi",
        ".unfinished",
    ):
        assert not [name for name in names if word in name], word
    assert {"app.py", "README.md", "LICENSE", "requirements.txt", "cppn/flags/hide.py"} <= names


def test_the_true_space_is_light():
    sizes = [publish.size_of(file) for file in publish.space_files().values()]
    assert sum(sizes) < 60e6
    assert max(sizes) < publish.HEAVY


@pytest.mark.parametrize(
    "words", [["space", "team/app"], ["space", "team/app", "--weights", "team/w"], ["weights", "team/w"]]
)
def test_a_dry_run_lists_every_file_and_asks_nobody(loopback, checkout, command, words):
    status, printed, _ = command(
        *words, "--dry-run", *(["--folder", checkout / "weights"] if words[0] == "weights" else [])
    )
    listed = {line.split()[1]: int(line.split()[0].replace(",", "")) for line in printed.splitlines()[:-1]}
    assert status == 0
    assert printed.splitlines()[-1] == f"{len(listed)} files, {sum(listed.values()) / 1e6:.1f} MB"
    assert listed["README.md"] > 0
    assert (BIG in listed) == (words == ["space", "team/app"])
    assert loopback.log == []


def test_a_heavy_file_is_named(checkout, command, monkeypatch):
    monkeypatch.setattr(publish, "HEAVY", 1_100_000)
    assert f"warning: {BIG} has 1.2 MB" in command("space", "team/app", "--dry-run")[2]


# --- how it is sent


def test_what_is_published_is_what_a_library_reads_back(loopback, library, publishable, logged_in, command):
    status, printed, said = command("weights", "team/new", "--folder", publishable)
    commit = loopback.commit_of("team/new", "main")
    assert (status, printed) == (0, f"{loopback.endpoint}/team/new/commit/{commit}\n")
    assert "100%: 4 of 4 files" in said
    names = (*FILES, "README.md", "manifest.json")
    assert held(loopback, "team/new") == {name: (publishable / name).read_bytes() for name in names}
    for name in FILES:
        found = library(f"team/new@{commit}").find(name)
        assert (found.source, found.note) == (f"Hub, team/new at {commit[:10]}", "")
        assert found.path.read_bytes() == (publishable / name).read_bytes()


def test_a_space_arrives_in_one_commit(loopback, checkout, logged_in, command):
    assert command("space", "team/app", "--private")[0] == 0
    files = held(loopback, "spaces/team/app")
    assert files.pop("requirements.txt") == b"gradio==6\ntorch==2\n"
    assert files.pop("weights/manifest.json")
    assert files == {name: text.encode() for name, text in HERE.items()}
    assert len([line for line in loopback.log if "/commit/" in line]) == 1
    assert loopback.private == {"spaces/team/app"}
    assert loopback.variables["spaces/team/app"] == {}


def test_only_what_changed_is_sent_and_what_is_gone_is_deleted(loopback, checkout, logged_in, command):
    command("space", "team/app")
    loopback.log.clear()
    assert "holds these 19 files, 1.2 MB already; nothing was sent" in command("space", "team/app")[1]
    assert changes(loopback) == []
    write(checkout, {"weights/flags/runs/red.webp": "other\0", "cppn/wing/text/how.md": "More"})
    (checkout / "cppn/wing/text/lead.md").unlink()
    before = held(loopback, "spaces/team/app")
    assert "100%: 2 of 2 files" in command("space", "team/app")[2]
    after = held(loopback, "spaces/team/app")
    assert before.keys() - after.keys() == {"cppn/wing/text/lead.md"}
    assert {name for name in after if after[name] != before.get(name)} == {
        "weights/flags/runs/red.webp",
        "cppn/wing/text/how.md",
    }
    assert len(changes(loopback)) == 2  # one large file, one commit


def test_large_weights_may_stay_in_a_repository_of_their_own(loopback, checkout, logged_in, command):
    command("weights", "team/new", "--folder", checkout / "weights")
    said = command("space", "team/app", "--weights", "team/new")[2]
    whole, files = publish.space_files(), held(loopback, "spaces/team/app")
    assert "CPPN_WEIGHTS is set to team/new@main" in said
    assert loopback.variables["spaces/team/app"] == {"CPPN_WEIGHTS": "team/new@main"}
    assert files.keys() == whole.keys() - {BIG}
    assert files["README.md"].startswith(b"---\ntitle: Small\nmodels:\n- team/new\n---\n# Small\n")
    loopback.log.clear()
    assert "nothing was sent" in command("space", "team/app", "--weights", "team/new")[1]
    assert [line for line in loopback.log if line.startswith("POST") and "variables" in line] == []
    assert "no longer set" in command("space", "team/app")[2]
    assert held(loopback, "spaces/team/app").keys() == whole.keys()
    assert loopback.variables["spaces/team/app"] == {}


def test_the_thumbnail_has_an_address(loopback, checkout, logged_in, command):
    text = "---\ntitle: Small\nthumbnail: weights/card.png\n---\n# Small\n"
    write(checkout, {"README.md": text})
    command("space", "team/app")
    home = "https://huggingface.co/spaces/team/app/resolve/main/weights/card.png"
    assert held(loopback, "spaces/team/app")["README.md"].decode() == text.replace("weights/card.png", home)


def test_a_private_repository_of_weights_needs_a_secret(loopback, checkout, logged_in, command):
    command("weights", "team/new", "--folder", checkout / "weights", "--private")
    assert "give the Space a secret HF_TOKEN" in command("space", "team/app", "--weights", "team/new")[2]


# --- what goes wrong


def fails(result: tuple[int, str, str], *words: str) -> None:
    """The command ended with status 2 and one sentence that holds these words."""
    status, printed, said = result
    line = said.splitlines()[-1]
    assert (status, printed) == (2, "")
    assert line.startswith("python -m cppn publish: ")
    assert all(word in line for word in words), line


def _no_token(monkeypatch, server) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)  # nor one in a file


def _unknown(monkeypatch, server) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_unknown")


def _reader(monkeypatch, server) -> None:
    monkeypatch.setenv("HF_TOKEN", READER)


def _wants_money(monkeypatch, server) -> None:
    server.refusal = 402, "Gradio Spaces on cpu-basic need a subscription"


def _garbled(monkeypatch, server) -> None:
    server.refusal = 200, "<html>"


def _taken(monkeypatch, server) -> None:
    server.commit("spaces/team/app", {"README.md": b"# Mine", "main.py": b"print()"})


def _public(monkeypatch, server) -> None:
    server.commit("spaces/team/app", {})


def _offline(monkeypatch, server) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()


def _refusing(monkeypatch, server) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", refusing_address())


def _gone_at_commit(monkeypatch, server) -> None:
    server.cut.add("/commit/")


def _gone_at_large(monkeypatch, server) -> None:
    server.cut.add("/upload/")
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))  # between the client's retries


def _moved_on(monkeypatch, server) -> None:
    true = publish._send_large

    def slow(*args) -> None:
        true(*args)
        server.commit("spaces/team/app", {"README.md": b"by somebody else"})

    monkeypatch.setattr(publish, "_send_large", slow)


FAULTS = [
    (_no_token, ["hf auth login"]),
    (_unknown, ["does not know your token", "hf auth login"]),
    (_reader, ["may not write to team/app", "this token may only read"]),
    (_wants_money, ["error 402", "need a subscription"]),
    (_garbled, ["did not answer (JSONDecodeError)"]),
    (_taken, ["team/app holds something else", "choose another name"]),
    (_public, ["public already"]),
    (_offline, ["HF_HUB_OFFLINE"]),
    (_refusing, ["did not answer", "nothing has been sent"]),
    (_gone_at_commit, ["did not answer", "as it was or else whole"]),
    (_gone_at_large, ["did not answer", "as it was or else whole"]),
    (_moved_on, ["somebody else changed team/app", "again"]),
]


@pytest.mark.parametrize(("spoil", "words"), FAULTS, ids=[spoil.__name__[1:] for spoil, _ in FAULTS])
def test_a_fault_is_one_sentence_and_nothing_arrives(loopback, checkout, logged_in, command, monkeypatch, spoil, words):
    spoil(monkeypatch, loopback)
    start = time.monotonic()
    fails(command("space", "team/app", "--private"), *words)
    assert time.monotonic() - start < 10
    assert "app.py" not in loopback.repositories.get("spaces/team/app", {"main": {}})["main"]


def test_a_hub_that_never_says_a_word_costs_seconds(checkout, logged_in, command, point_client, monkeypatch):
    monkeypatch.setattr(publish, "FIRST_WORD", 1.0)
    with black_hole() as address:
        point_client(address)
        start = time.monotonic()
        fails(command("space", "team/app"), "did not answer", "nothing has been sent")
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("name", ["app", "a/b/c", "team/", "../app", "team/a b", "team/a--b"])
def test_a_name_that_cannot_be(loopback, checkout, logged_in, command, name):
    fails(command("space", name), "owner/name")
    assert loopback.log == []


@pytest.mark.parametrize("source", ["bundled", "weights", "team/w@", "team/a--b"])
def test_weights_come_from_a_repository(checkout, command, source):
    fails(command("space", "team/app", "--weights", source, "--dry-run"), "owner/name")


def test_a_space_is_not_sent_to_look_for_weights_that_are_not_there(loopback, checkout, logged_in, command):
    words = "space", "team/app", "--weights"
    fails(command(*words, "team/none"), "there is no team/none@main", "publish weights team/none")
    loopback.commit("team/other", {"glyphs/big.safetensors": b"other"})
    fails(command(*words, "team/other"), "does not hold weights/glyphs/", "publish weights team/other")
    assert "spaces/team/app" not in loopback.repositories


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
def test_a_folder_that_differs_from_its_manifest_is_not_published(loopback, publishable, logged_in, command, spoil):
    spoil(publishable)
    with pytest.raises(WeightsError):
        publish.weights_files(publishable)
    fails(command("weights", "team/new", "--folder", publishable), "no weights" if spoil is _empty else "cppn manifest")
    assert loopback.log == []


def test_a_space_whose_weights_differ_from_the_manifest_is_not_published(checkout, command):
    (checkout / BIG).write_bytes(b"changed")
    fails(command("space", "team/app", "--dry-run"), "glyphs/big.safetensors", "python -m cppn manifest")


# --- the manifest


def test_the_manifest_lists_every_finished_file(publishable, capsys):
    (publishable / "starry.pyth").write_bytes(b"V")
    assert publish.main_manifest([str(publishable)]) == 0
    assert "3 files" in capsys.readouterr().out
    listed = hub.read_manifest(publishable)
    assert sorted(listed) == sorted([*FILES, "starry.pyth"])
    assert listed["starry.pyth"] == {
        "bytes": 1,
        "sha256": "de5a6f78116eca62d7fc5ce159d23ae6b889b365a1739ad2cf36f925a140d0cc",  # as `printf V | sha256sum` says
    }


def test_a_manifest_needs_a_folder(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        publish.main_manifest([str(tmp_path / "typo")])
    assert not (tmp_path / "typo").exists()


# --- a file that only the Hub has


def test_a_network_that_is_not_bundled_comes_from_the_hub_or_says_why_not(loopback, library, bundled, point_client):
    (bundled / RED).unlink()  # it stays in the manifest
    (bundled / BLUE).unlink()
    shelf = library()
    assert shelf.find(RED).note == ""
    point_client(refusing_address())
    with pytest.raises(WeightsError, match=f"the Hub did not answer; {BLUE} is not in weights"):
        shelf.find(BLUE)
    assert shelf.find(RED).note == ""


# --- what was published runs

OFFLINE = {"HF_HUB_OFFLINE": "1", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
BUNDLED = "bundled with this app"


class App:
    """`python app.py` in a folder, in a fresh process with a fresh cache."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}/", folder.parent / f"{folder.name}.log"
        environment = fresh(folder.parent, GRADIO_SERVER_PORT=str(port), **environment)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=folder, env=environment, stdout=log, stderr=log
            )

    def client(self) -> gradio_client.Client:
        """A client, once the app answers."""
        # urllib keeps the proxies that it met first, perhaps those of a test about proxies
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(1200):
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            try:
                direct.open(self.url, timeout=5).close()
                return gradio_client.Client(self.url, verbose=False)
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text()[-2000:])


def fresh(home: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing and has nothing in the cache."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CPPN_", "HF_", "PYTHON"))}
    return kept | {"HF_HOME": str(home / "home"), "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"} | more


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Two apps: one of the files that a dry run lists, offline; one of a Space that has its weights on the Hub."""
    folder, running = tmp_path_factory.mktemp("published"), []

    def command(*words: str, **environment: str) -> None:
        run = [sys.executable, "-m", "cppn", "publish", *words]
        subprocess.run(run, cwd=publish.ROOT, env=fresh(folder, **environment), stdout=subprocess.DEVNULL, check=True)

    def start(name: str, **environment: str) -> App:
        running.append(App(folder / name, environment))
        return running[-1]

    try:
        with LoopbackHub() as server:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                publish.main(["space", "team/app", "--dry-run"])
            listed = [line.split()[1] for line in printed.getvalue().splitlines()[:-1]]
            write(folder / "listed", {name: (publish.ROOT / name).read_bytes() for name in listed})
            alone = start("listed", **OFFLINE)
            us = {"HF_ENDPOINT": server.endpoint, "HF_TOKEN": WRITER}
            command("weights", "team/weights", **us)
            command("space", "team/app", "--weights", "team/weights", **us)
            write(folder / "space", held(server, "spaces/team/app"))
            space = start("space", HF_ENDPOINT=server.endpoint, **server.variables["spaces/team/app"])
            yield SimpleNamespace(alone=alone.client(), space=space.client(), server=server)
    finally:
        for app in running:
            app.process.kill()
            app.process.wait()


def flag(client: gradio_client.Client, team: str) -> tuple[str, str]:
    """Where a flag's weights came from, and why not from elsewhere."""
    picture, facts = client.predict(team, 64, api_name="/decode_flag")
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    return facts["weights_from"], facts["note"]


def test_an_app_runs_from_the_files_that_a_dry_run_lists(apps):
    assert flag(apps.alone, "malaysia") == (BUNDLED, "")
    report = apps.alone.predict("exact_mlp", api_name="/verify_quine")[0]
    assert report["is_quine"]


def test_a_published_space_reads_published_weights(apps):
    source = f"Hub, team/weights at {apps.server.commit_of('team/weights', 'main')[:10]}"
    assert flag(apps.space, "malaysia") == (source, "")
    report = apps.space.predict("exact_mlp", api_name="/verify_quine")[0]
    assert (report["is_quine"], report["weights_from"], report["note"]) == (True, source, "")


def test_a_published_space_reads_what_only_the_hub_has(apps):
    assert "weights/odd_shapes/ours.safetensors" not in held(apps.server, "spaces/team/app")
    picture = apps.space.predict(1, api_name="/draw_odd_shapes")[0]
    report = apps.space.predict(gradio_client.handle_file(picture), api_name="/locate_odd_shape")[-1]
    assert report["weights_from"].startswith("Hub, team/weights at ")


def test_other_bytes_and_a_missing_file_are_told(apps):
    server = apps.server
    files = held(server, "team/weights")
    server.instead["flags/japan.safetensors"] = bytes(len(files["flags/japan.safetensors"]))
    source, note = flag(apps.space, "japan")
    assert source == BUNDLED
    assert "flags/japan.safetensors on team/weights@main is not the file that this version was published with" in note
    server.commit("team/weights", {name: data for name, data in files.items() if "poland" not in name})
    source, note = flag(apps.space, "poland")
    assert source == BUNDLED
    assert "team/weights@main has no file flags/poland.safetensors" in note


def test_a_hub_that_is_gone_is_told(apps):  # the last one: the app then leaves the Hub alone for a while
    apps.server.__exit__()
    assert flag(apps.space, "sweden") == (BUNDLED, "the Hub did not answer")
    assert flag(apps.space, "malaysia")[1] == ""  # it has that one
    assert apps.space.predict("exact_lstm", api_name="/verify_quine")[0]["note"] == "the Hub did not answer"
