"""The browser that pages are looked at with, and what the browser tests look for."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator

CHROMIUM = shutil.which("chromium")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-sync", "--disable-quic")
SOFTWARE = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")  # WebGL2 without a GPU
# the graphics processor is only imitated here; pages put together without it take 11 CPU seconds instead of 18 for six
PLAIN = ("--disable-gpu-compositing",)
PATIENCE = 30_000  # milliseconds; a busy machine is slow
DESK, PHONE, HEIGHT = 1280, 390, 900  # pixels of a page
WITHOUT_WEBGL = """
const context = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : context.call(this, kind, ...rest);
};
"""


@contextlib.contextmanager
def heard(page: object, event: str, hear: Callable[[object], None]) -> Iterator[None]:
    """Meanwhile a page's events of a kind are told."""
    page.on(event, hear)
    try:
        yield
    finally:
        page.remove_listener(event, hear)


def visitor_of(browser: object) -> object:
    """Somebody who has never been here: few pixels are painted, and nothing moves by itself."""
    return browser.new_context(device_scale_factor=0.5, reduced_motion="reduce")


def fits(page: object) -> bool:
    """Nothing sticks out sideways, on a phone no more than at a desk."""
    phone, desk = _fits(page, PHONE), _fits(page, DESK)  # the page is at desk width again
    return phone and desk


def _fits(page: object, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    settled = "new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))"
    return page.evaluate(f"{settled}.then(() => document.documentElement.scrollWidth <= innerWidth)")


def painted(page: object) -> None:
    """Wait until an image is there and whole."""
    page.wait_for_function(
        "[...document.querySelectorAll('img')].some(i => i.offsetParent && i.complete && i.naturalWidth > 50)"
    )


def shown(page: object, text: str) -> None:
    """Wait until a text is to be seen."""
    page.get_by_text(text).filter(visible=True).first.wait_for(state="visible", timeout=PATIENCE)
