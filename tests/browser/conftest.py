"""A page in Chromium, watched for script errors and for requests to the outside."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from looks import CHROMIUM, DESK, HEIGHT, PATIENCE, PLAIN, QUIET, SOFTWARE, visitor_of

from cppn import toys


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Headless Chromium; skips where it or its driver is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed; .ci/run installs it")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; .ci/run installs it")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE, *PLAIN])
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


@pytest.fixture
def page(visitor: object, url: str) -> Iterator[object]:
    """A new page at desk width; the test fails if a script failed on it or anything was fetched from elsewhere."""
    page = visitor.new_page()
    page.set_viewport_size({"width": DESK, "height": HEIGHT})
    page.set_default_timeout(PATIENCE)
    faults, strangers = [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda sent: strangers.append(sent.url) if foreign(sent.url, url) else None)
    yield page
    page.close()
    assert faults == []
    assert strangers == []


def foreign(address: str, url: str) -> bool:
    """Whether an address is neither the app's nor inside the page itself."""
    return not address.startswith((url, "data:", "blob:"))
