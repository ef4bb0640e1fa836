"""A page in Chromium, watched for script errors and for requests to the outside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from looks import CHROMIUM, DESK, HEIGHT, PATIENCE, PLAIN, QUIET, SOFTWARE, heard, visitor_of

from cppn import toys


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: a file of JPEG pictures, read when it is switched on."""
    return tmp_path_factory.mktemp("camera") / "seen.mjpeg"


@pytest.fixture(scope="session")
def browser(seen: Path) -> Iterator[object]:
    """Headless Chromium; skips where it or its driver is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed; .ci/run installs it")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; .ci/run installs it")
    with api.sync_playwright() as driver:
        camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={seen}")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE, *PLAIN, *camera])
        yield browser
        browser.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A few cases of what is compared with Python every day, all of them when asked for."""
    for mark in metafunc.definition.iter_markers("fidelity"):
        if mark.args:
            names, some, every = mark.args
            metafunc.parametrize(names, every if metafunc.config.getoption("everything") else some)


@pytest.fixture(scope="session")
def scripts(browser: object) -> Iterator[object]:
    """An empty page with the toys' scripts alone, which is lent every file."""
    page = browser.new_page()

    def lend(route: object) -> None:
        _, lent, path = route.request.url.partition("gradio_api/file=")
        route.fulfill(path=unquote(path)) if lent else route.fulfill(body=toys.head(), content_type="text/html")

    page.route("**", lend)
    page.goto("http://scripts.test/")
    yield page
    page.close()


@pytest.fixture(scope="session")
def visitor(browser: object) -> object:
    """One visitor, whose browser keeps the app's scripts from page to page."""
    return visitor_of(browser)


@pytest.fixture(scope="session")
def tab(visitor: object) -> object:
    """The tab that most tests take in turns: scripts that it has compiled spare a third of the next page's work."""
    return visitor.new_page()


@pytest.fixture
def page(tab: object, url: str) -> Iterator[object]:
    """A page at desk width; the test fails if a script failed on it or anything was fetched from elsewhere."""
    try:
        with watched(tab, url):
            yield tab
    finally:  # whatever was found, the next test gets a tab that shows and holds back nothing
        tab.unroute_all()
        tab.goto("about:blank")


@pytest.fixture
def own_page(visitor: object, url: str) -> Iterator[object]:
    """The same in a tab of its own, for scripts that are to run before the page's."""
    own = visitor.new_page()
    try:
        with watched(own, url):
            yield own
    finally:
        own.close()


@contextlib.contextmanager
def watched(page: object, url: str) -> Iterator[None]:
    """At desk width, and with an eye on faults of scripts and requests to elsewhere."""
    page.set_viewport_size({"width": DESK, "height": HEIGHT})
    page.set_default_timeout(PATIENCE)
    faults, strangers = [], []

    def asked(sent: object) -> None:
        if foreign(sent.url, url):
            strangers.append(sent.url)

    with heard(page, "pageerror", lambda error: faults.append(str(error))), heard(page, "request", asked):
        yield
    assert faults == []
    assert strangers == []


def foreign(address: str, url: str) -> bool:
    """Whether an address is neither the app's nor inside the page itself."""
    return not address.startswith((url, "data:", "blob:"))
