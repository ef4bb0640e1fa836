"""The toys go on when the app has really ended, once their first views stand."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
from looks import PATIENCE, shown, visitor_of

from cppn.hub import BUNDLED
from cppn.load_client import Server

pytestmark = pytest.mark.browser
APP = Path(__file__).parents[2] / "app.py"
STANDING = {  # what is opened while the app still serves, and what says that it stands
    "?tab=flags&team=japan": ".live.flags[data-live=yes]",
    "?tab=starry": ".live.starry[data-live=yes]",
    "?tab=glyphs": ".live.glyphs canvas[data-whole]",
    "?tab=quine": ".live.quine[data-verdict=exact]",
    "?tab=quine&section=tamper": ".live.quine_tamper[data-told]",
}
BOTH_CAME = "performance.getEntriesByType('resource').filter(e => e.name.endsWith('.safetensors')).length >= 2"
MIXED = "cppnLive.toys.flags.painting().pixels(8, 4, { zoom: 1, x: 0, y: 0 }).join()"


def test_the_toys_go_on_when_the_app_has_ended(browser: object):
    faults, pages = [], []
    with Server("mortal", [sys.executable, str(APP)]) as server:
        for query, stands in STANDING.items():
            # a visitor of its own: each page keeps a line to the app open, and a browser has six of them
            page = visitor_of(browser).new_page()
            page.set_default_timeout(PATIENCE)
            page.set_viewport_size({"width": 480, "height": 900})
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(f"http://127.0.0.1:{server.port}/{query}", wait_until="commit")
            page.locator(stands).wait_for()
            pages.append(page)
        pages[0].wait_for_function(BOTH_CAME)
    assert server.process.returncode is not None
    for page, play in zip(pages, (moves_and_mixes, opens_a_link, drags_the_map, verifies, tampers), strict=True):
        page.bring_to_front()
        play(page)
        page.context.close()
    assert faults == []


def drag(page: object, selector: str) -> None:
    """Drag to the upper left, from beside the middle, where a flag has its line."""
    place = page.locator(selector)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    x, y = box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=3)
    page.mouse.up()


def moves_and_mixes(page: object) -> None:
    """Zoom and pan a flag, and mix it with another."""
    page.locator(".live.flags .stage").hover()
    page.mouse.wheel(0, -400)
    page.wait_for_function("cppnLive.toys.flags.settings[0] > 2")
    before = page.evaluate("cppnLive.toys.flags.settings")
    drag(page, ".live.flags .stage")
    assert page.evaluate("cppnLive.toys.flags.settings") != before
    pure = page.evaluate(MIXED)
    page.get_by_label("Share of the other").fill("0.5")
    page.wait_for_function(f"pure => {MIXED} !== pure", arg=pure)


def opens_a_link(page: object) -> None:
    """Paint the program in a link."""
    data = (BUNDLED / "starry" / "sunset.pyth").read_bytes()
    link = "#p=" + base64.urlsafe_b64encode(data).decode().rstrip("=")
    page.evaluate("link => { location.hash = link; }", link)
    shown(page, f"Painted by your browser from {len(data):,} bytes")
    page.wait_for_function(
        "cppnLive.toys.starry.painting().pixels(2, 2, { zoom: 1, x: 0, y: 0 }).some(v => v > 0 && v < 255)"
    )


def drags_the_map(page: object) -> None:
    """Draw the glyph at another place of the map."""
    before = page.evaluate("cppnLive.toys.glyphs.sheet.canvas.toDataURL()")
    drag(page, ".live.glyphs .map")
    page.wait_for_function("old => cppnLive.toys.glyphs.sheet.canvas.toDataURL() !== old", arg=before)


def verifies(page: object) -> None:
    """Check every weight once more."""
    page.get_by_role("button", name="Check it again").click()
    page.locator(".live.quine[data-verdict=exact]").wait_for()


def tampers(page: object) -> None:
    """Put all weights back, and drag one up."""
    page.get_by_role("button", name="Put all back").click()
    shown(page, "Nothing is changed yet")
    sheet = page.locator(".live.quine_tamper canvas").first
    sheet.focus()
    sheet.press("ArrowRight")
    sheet.press("Space")
    shown(page, "Weight number 501")
    page.locator(".live.quine_tamper[data-told='1']").wait_for()
