"""One running app for all tests that need a page or an endpoint."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # as the app does; two threads that wait for each other are slow on a busy machine
# before gradio is imported: no calls home, no port clashes, files of its own
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="gradio-tests-")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.pop("GRADIO_SERVER_PORT", None)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of the app, served from this process with its own launch settings."""
    import app

    _, address, _ = app.demo.launch(**app.LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    app.demo.close()


@pytest.fixture
def asked_of(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple]]:
    """Ask the app through its API while it takes its weights from a folder: (folder, endpoint, *values) -> answer."""
    from gradio_client import Client

    from cppn import hub

    def ask(root: Path, name: str, *values: object) -> tuple:
        monkeypatch.setenv(hub.VARIABLE, str(root))
        hub.library.cache_clear()
        return Client(url, verbose=False, ssl_verify=False).predict(*values, api_name=f"/{name}")

    yield ask
    monkeypatch.undo()
    hub.library.cache_clear()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="write the snapshot of the endpoints anew")
    parser.addoption("--everything", action="store_true", help="compare the page's scripts with Python on all there is")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
