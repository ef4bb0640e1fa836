"""A folder of bundled files, a loopback Hub that holds the same, and the real client pointed at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants
from loopback import FILES, LoopbackHub

from cppn import hub


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """A weights folder with two files and their manifest."""
    folder = tmp_path / "weights"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    hub.write_manifest(folder)
    return folder


@pytest.fixture
def point_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Point the client at another Hub. It reads its environment when it is imported, so its constants are set."""

    def point(endpoint: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)  # nobody's real token
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    huggingface_hub.close_session()  # the client looks for a proxy when it opens its session
    yield point
    let_downloads_end()  # as long as the client is pointed at this test's Hub, not at the next one's or the true one


def let_downloads_end() -> None:
    """Wait for what goes on in the background after its visitor has gone."""
    for thread in threading.enumerate():
        if thread.name == "hub":
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def loopback(point_client: Callable[[str], None]) -> Iterator[LoopbackHub]:
    """A Hub with the files of `bundled` in the repository team/cppn."""
    with LoopbackHub() as server:
        server.commit("team/cppn", dict(FILES))
        point_client(server.endpoint)
        yield server
        server.hurry.set()
        let_downloads_end()


@pytest.fixture
def library(bundled: Path, tmp_path: Path) -> Callable[..., hub.Library]:
    """Make libraries that share one cache, by default of team/cppn."""
    return lambda source="team/cppn": hub.Library(source, bundled, tmp_path / "cache")
