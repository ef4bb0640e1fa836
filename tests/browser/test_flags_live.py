"""A flag in the visitor's own browser: the same picture as Python's, moved by hand, without the server."""

from __future__ import annotations

import numpy as np
import pytest
from looks import PATIENCE, WITHOUT_WEBGL

from cppn.coordinates import View
from cppn.flags.decode import decode
from cppn.flags.teams import TEAMS
from cppn.flags.weights import gift_of
from cppn.hub import BUNDLED
from cppn.render import to_uint8

pytestmark = pytest.mark.browser
PIXELS = "([w, h, zoom, x, y]) => cppnLive.toys.flags.painting().pixels(w, h, { zoom, x, y })"
PAINTED = """async ([path, w, h, zoom, x, y]) => {
  const { Painting, flags } = cppnLive, { SHADER, layersOf, packed } = flags;
  const painting = new Painting(document.createElement("canvas"));
  painting.feed(SHADER, packed(await layersOf(path)));
  return painting.pixels(w, h, { zoom, x, y });
}"""
WHOLE = View()
CORNER, FAR = View(4, -0.72, -0.72), View(0.5)
SOME = [("malaysia", WHOLE, 160), ("iran", WHOLE, 160), ("usa", CORNER, 160), ("nepal", FAR, 80)]
ALL = [(team, view, 320) for team in TEAMS for view in (WHOLE, CORNER, FAR)]
STANDS = "cppnLive.toys.flags?.live && cppnLive.toys.flags.settings.join() === '{}'"


def view(page: object, url: str, team: str, zoom: float = 1, x: float = 0, y: float = 0) -> None:
    """Open a view on a small page, and wait until the browser has painted it."""
    page.set_viewport_size({"width": 480, "height": 900})
    page.goto(f"{url}?tab=flags&team={team}&zoom={zoom}&x={x}&y={y}")
    page.locator(".live.flags[data-live=yes]").wait_for()
    page.wait_for_function(STANDS.format(f"{zoom:g},{x:g},{y:g}"))


def window(page) -> list[float]:
    """The window that the browser shows."""
    return page.evaluate("cppnLive.toys.flags.settings")


def painted_as(page: object, team: str) -> None:
    """Wait until the browser paints this team's flag as Python does."""
    wanted = to_uint8(decode(gift_of(TEAMS[team]).layers, 40, 20)).permute(1, 2, 0).flatten().tolist()
    page.wait_for_function(
        """wanted => cppnLive.toys.flags.painting().pixels(40, 20, { zoom: 1, x: 0, y: 0 }).filter((_, i) => i % 4 < 3)
           .every((value, i) => Math.abs(value - wanted[i]) <= 1)""",
        arg=wanted,
    )


@pytest.mark.fidelity(("team", "view", "width"), SOME, ALL)
def test_the_browser_paints_what_python_paints(scripts, team, view, width):
    gift, path = gift_of(TEAMS[team]), BUNDLED / "flags" / f"{team}.safetensors"
    width, height = gift.size_at(width)
    asked = [str(path), width, height, view.zoom, view.center_x, view.center_y]
    seen = np.array(scripts.evaluate(PAINTED, asked), dtype=np.uint8).reshape(height, width, 4)[..., :3].astype(int)
    off = np.abs(seen - to_uint8(decode(gift.layers, width, height, view)).permute(1, 2, 0).numpy())
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.001


def test_the_true_flag_lies_under_the_same_window(own_page, url):
    page = own_page
    page.add_init_script("Object.defineProperty(window, 'devicePixelRatio', { value: 1 })")
    view(page, url, "usa", 4, -0.72, -0.72)
    page.locator(".live.flags canvas[data-sharp='4,-0.72,-0.72']").wait_for()
    true, own = (
        np.array(page.evaluate(READ, name), dtype=float).reshape(-1, 4)[:, :3] for name in (".truth", ":not(.truth)")
    )
    assert 10 * np.log10(255**2 / np.mean((true - own) ** 2)) > 25  # shifted by one pixel: 20


READ = """name => {
  const canvas = document.querySelector(".live.flags canvas" + name);
  return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def test_the_window_moves_without_the_server(page, url):
    view(page, url, "japan")
    page.route("**", lambda route: route.abort())
    stage = page.locator(".live.flags .stage")
    stage.hover()
    page.mouse.wheel(0, -400)
    page.wait_for_function("cppnLive.toys.flags.settings[0] > 2")
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    assert "red, green, blue" in page.locator(".live.flags .reading").inner_text()
    before = window(page)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()
    assert window(page)[1] < before[1]
    page.locator(".live.flags canvas[data-sharp]").wait_for()


def test_keys_move_the_window_and_the_link_follows(page, url):
    view(page, url, "japan")
    stage = page.locator(".live.flags .stage")
    touch = "stage => stage.style.touchAction"
    assert stage.evaluate(touch) == "pan-y"  # a finger on the whole flag scrolls the page
    stage.focus()
    stage.press("+")
    assert stage.evaluate(touch) == "none"
    stage.press("ArrowRight")
    assert window(page) == [1.25, 0.16, 0]
    link = f"{url}?tab=flags&section=decode&team=japan&zoom=1.25&x=0.16&y=0"
    page.wait_for_function("v => [...document.querySelectorAll('textarea, input')].some(i => i.value === v)", arg=link)
    stage.press("0")
    assert window(page) == [1, 0, 0]
    line = page.get_by_role("slider", name="Line between")
    line.press("End")
    assert line.get_attribute("aria-valuenow") == "100"


def test_a_preset_moves_there(page, url):
    view(page, url, "japan")
    page.get_by_role("button", name="Beyond the edge").click()
    page.wait_for_function("cppnLive.toys.flags.settings[0] === 0.4")


def test_two_networks_are_mixed_by_keys(page, url):
    view(page, url, "japan")
    page.get_by_label("Share of the other").press("End")
    page.get_by_label("Team to mix with").press_sequentially("Poland")
    painted_as(page, "poland")  # the first letters choose others, whose weights come first


def test_the_last_team_that_is_chosen_stays_whichever_comes_last(page, url):
    view(page, url, "japan")
    held = []

    def hold(route: object) -> None:
        held.append(route)

    page.route("**/sweden.safetensors", hold)
    for team in ("Sweden", "Poland"):
        page.get_by_label("Team", exact=True).click()
        page.locator("li").get_by_text(team).click()
        page.get_by_text(f"{team} — 6,675 weights").wait_for()
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_function("performance.getEntriesByType('resource').some(e => e.name.includes('sweden.safetensors'))")
    painted_as(page, "poland")


def test_a_browser_without_webgl_shows_the_servers_picture(own_page, url):
    page = own_page
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(f"{url}?tab=flags&team=japan")
    page.get_by_text("cannot compute this itself (it has no WebGL2)").wait_for(timeout=PATIENCE)
    shown = page.locator(".live.flags img.before")
    first = shown.get_attribute("src")
    page.get_by_role("button", name="Beyond the edge").click()
    page.wait_for_function("first => document.querySelector('.live.flags img.before').src !== first", arg=first)
