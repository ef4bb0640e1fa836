"""One running app for all tests that need a page or an endpoint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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


BROWSER = Path(__file__).parent / "browser"
BESIDE: pytest.StashKey[tuple[subprocess.Popen, object]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """A run of everything has its browser tests in a process beside the others: one waits while the other computes."""
    everything = config.args_source != config.ArgsSource.ARGS and not config.option.collectonly
    if everything and not config.option.keyword and not config.option.markexpr:
        config.option.ignore = [*(config.option.ignore or []), str(BROWSER)]
        output = tempfile.TemporaryFile()  # noqa: SIM115 - read when the others are done
        command = [sys.executable, "-m", "pytest", str(BROWSER), "-p", "no:cacheprovider", "--durations=5"]
        config.stash[BESIDE] = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT), output


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for the browser tests, and fail if they did."""
    process, output = session.config.stash.get(BESIDE, (None, None))
    if process is None:
        return
    status = process.wait()
    output.seek(0)
    print(f"\n\nThe browser tests, beside the others:\n{output.read().decode()}")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="write the snapshot of the endpoints anew")


def pytest_unconfigure(config: pytest.Config) -> None:
    process, _ = config.stash.get(BESIDE, (None, None))
    if process is not None:
        process.kill()  # where the run was broken off
    shutil.rmtree(os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
