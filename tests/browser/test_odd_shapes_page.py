"""The Odd-shapes tab in Chromium: every section once, links, clicks on maps, both widths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from looks import fits, painted, shown

from cppn.hub import BUNDLED
from cppn.odd_shapes import endpoints
from cppn.odd_shapes.canvas import Canvas
from cppn.odd_shapes.dataset import ABSENT, KINDS, LARGEST, SMALLEST, draw
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.weights import NETWORKS, finder_of

pytestmark = pytest.mark.browser
TAB = "?tab=odd_shapes"


def pictures(page: object, name: str) -> object:
    """The image elements whose file has this name."""
    return page.locator(f"img[src*='{name}']:visible")


def ask_the_server(page: object) -> None:
    page.get_by_role("button", name="answered by the server").click()


def test_a_picture_its_answer_and_its_maps_are_there_at_once(page, url: str):
    page.goto(f"{url}{TAB}&seed=5&base=square&odd=circle")
    shown(page, "The truth: a circle")
    shown(page, "pixels off")
    ask_the_server(page)
    painted(page)
    for name, count in (("odd-shape.png", 1), ("probability", 1), ("offsets", 1), ("attention", 4)):
        pictures(page, name).nth(count - 1).wait_for()
    assert fits(page)


def test_another_picture_changes_the_truth(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "The truth:")
    ask_the_server(page)
    before = pictures(page, "odd-shape.png").first.get_attribute("src")
    page.get_by_role("button", name="Another picture").click()
    page.wait_for_function(
        "old => [...document.querySelectorAll('img')].some(i => i.src.includes('odd-shape.png') && i.src !== old)",
        arg=before,
    )


def test_everything_that_can_be_known_stands_beside_the_networks_answer(page, url: str):
    page.goto(f"{url}{TAB}&section=exact&seed=82")
    shown(page, "Everything was tried in")
    for name in ("belief-exact", "belief-the-network"):
        pictures(page, name).first.wait_for()
    assert fits(page)
    page.get_by_role("button", name="A hard one").click()
    page.wait_for_function(
        "() => ![...document.querySelectorAll('textarea, input')].some(i => i.offsetParent && /seed=82/.test(i.value))"
    )


def test_a_click_on_a_map_asks_another_token(page, url: str):
    page.goto(f"{url}{TAB}&seed=5")
    shown(page, "The truth:")
    ask_the_server(page)
    pictures(page, "attention").nth(3).wait_for()
    before = pictures(page, "attention").first.get_attribute("src")
    pictures(page, "probability").first.click(position={"x": 20, "y": 20})
    page.wait_for_function(
        "old => [...document.querySelectorAll('img')].some(i => i.src.includes('attention') && i.src !== old)"
        " && ![...document.querySelectorAll('img')].some(i => i.src === old)",
        arg=before,
    )


def test_the_homeworks_network_has_one_map_of_attention(page, url: str):
    page.goto(f"{url}{TAB}&seed=5")
    shown(page, "The truth:")
    ask_the_server(page)
    page.get_by_label("The homework's network").first.check()
    page.wait_for_function(
        "[...document.querySelectorAll('img')].filter(i => i.src.includes('attention')).length === 1"
    )
    assert fits(page)


def test_the_link_holds_the_network_and_opens_the_same_view(page, url: str):
    page.goto(f"{url}{TAB}&seed=5&base=square&odd=circle")
    shown(page, "The truth: a circle")
    page.get_by_label("The homework's network").first.check()
    link = f"{url}?tab=odd_shapes&section=find&seed=5&base=square&odd=circle&count=0&network=seed"
    holds = "link => [...document.querySelectorAll('textarea, input')].some(i => i.value === link)"
    page.wait_for_function(holds, arg=link)
    page.goto(link)
    shown(page, "The truth: a circle")
    page.wait_for_function(holds, arg=link)
    assert page.get_by_label("The homework's network").first.is_checked()


def test_nothing_painted_is_said_in_place_of_an_answer(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "The truth:")
    page.get_by_role("button", name="Draw your own").click()
    shown(page, "Paint something first")
    assert page.get_by_text("The network points at").filter(visible=True).count() == 0
    assert fits(page)


def test_a_removed_picture_takes_its_answer_along(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "The truth:")
    page.get_by_label("Remove Image").click()
    shown(page, "Choose, draw or upload a picture.")
    shown(page, "Paint something first")
    assert pictures(page, "odd-shape.png").count() == 0


def test_a_score_is_measured_as_its_link_says_and_can_be_stopped(page, url: str):
    page.goto(f"{url}{TAB}&section=score&count=20000&seed=4&network=seed")
    page.get_by_text("Measure it yourself").click()
    page.get_by_role("button", name="Measure", exact=True).click()
    shown(page, "expected to be off by")
    page.get_by_role("button", name="Stop", exact=True).locator("visible=true").click()
    shown(page, "Stopped at")
    assert fits(page)


def test_the_contest_takes_a_click_and_goes_on(page, url: str):
    page.goto(f"{url}{TAB}")
    page.get_by_role("tab", name="Beat the network").click()
    shown(page, "Picture 1 of 10")
    pictures(page, "contest").first.click(position={"x": 90, "y": 90})
    shown(page, "You were")
    page.get_by_role("button", name="Next picture").click()
    shown(page, "Picture 2 of 10")
    assert fits(page)


def test_the_contest_goes_on_by_itself_and_is_played_by_keyboard(page, url: str):
    page.goto(f"{url}{TAB}&section=contest")
    shown(page, "Picture 1 of 10")
    aim = page.locator(".odd_shapes_contest .aim")
    aim.focus()
    aim.press("ArrowRight")
    aim.press("Enter")
    shown(page, "Picture 1 of 10, you")
    page.locator(".aim img[alt*='the network points at']").wait_for()
    shown(page, "Picture 2 of 10, you")
    page.get_by_label("The next picture comes by itself").uncheck()
    aim.press("Enter")
    page.locator(".aim img[alt*='Picture 2 of 10: the odd shape is at']").wait_for()
    aim.press("Enter")
    shown(page, "Picture 3 of 10, you")


# --- in the visitor's own browser

ANSWERED = """
async ([path, ink]) => {
  const net = cppnLive.oddShapes.machine()(cppnLive.readWeights(await cppnLive.fetched(path)));
  const { x, y, doubt, probability, attention } = net(Uint8Array.from(ink));
  return { x, y, doubt, probability: [...probability], attention: attention.map(looks => [...looks]) };
}"""
TOY = "cppnLive.toys.odd_shapes"


def stands(page: object) -> object:
    """The toy's picture, once it is answered."""
    page.locator(".live.odd_shapes[data-answer]").wait_for()
    return page.locator(".odd_shapes canvas.picture")


def place(page: object, canvas: object, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the canvas is on the screen."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + (x + 0.5) * box["width"] / 64, box["y"] + (y + 0.5) * box["height"] / 64


SEEDS = [(name, range(5, 7)) for name in NETWORKS]
MORE_SEEDS = [(name, range(5, 55)) for name in NETWORKS]


@pytest.mark.fidelity(("name", "seeds"), SEEDS, MORE_SEEDS)
def test_the_browser_answers_as_the_server_does(scripts, name: str, seeds: range):
    for seed in seeds:
        canvas = Canvas(endpoints.pictures_of(seed, "any", "any", 0).ink[0], (), False)
        expected = locate(canvas, finder_of(name))
        path = str(BUNDLED / "odd_shapes" / f"{name}.safetensors")
        found = scripts.evaluate(ANSWERED, [path, canvas.ink.flatten().tolist()])
        assert (found["x"], found["y"]) == pytest.approx((expected.x, expected.y), abs=1e-3)
        assert found["doubt"] == pytest.approx(expected.uncertainty, abs=1e-3)
        assert found["probability"] == pytest.approx(expected.probability.flatten().tolist(), abs=1e-4)
        heads = [head.flatten() for layer in expected.attention for head in layer]
        assert len(found["attention"]) == len(heads)
        for looks, head in zip(found["attention"], heads, strict=True):
            torch.testing.assert_close(torch.tensor(looks), head, rtol=0, atol=1e-4)


@pytest.mark.fidelity
def test_shapes_are_drawn_as_the_dataset_draws_them(scripts):
    js = "shapes => [...cppnLive.oddShapes.laid(shapes.map(cppnLive.oddShapes.shape))]"
    for kind in KINDS:
        for radius in range(SMALLEST, LARGEST + 1):
            shape = {"kind": kind, "radius": radius, "x": 20, "y": 30}
            slots = [np.full((1, 7), value) for value in (ABSENT, radius, 20, 30)]
            slots[0][0, 0] = KINDS.index(kind)
            assert scripts.evaluate(js, [shape]) == draw(*slots).ink[0].flatten().tolist(), shape


def test_a_shape_is_dragged_and_the_answer_follows_without_a_server(page, url: str):
    page.goto(f"{url}{TAB}&seed=5&base=square&odd=circle")
    canvas = stands(page)
    page.route("**", lambda route: route.abort())
    x, y = page.evaluate(f"(s => [s.x, s.y])({TOY}.state().shapes[0])")
    target = (12 if x > 32 else 51, 12 if y > 32 else 51)
    page.mouse.move(*place(page, canvas, x, y))
    page.mouse.down()
    page.mouse.move(*place(page, canvas, *target), steps=4)
    page.mouse.up()
    moved = page.evaluate(f"{TOY}.state().shapes.map(s => [s.x, s.y])")
    assert list(target) in moved
    before = page.get_by_text("The network points at").filter(visible=True).first.inner_text()
    canvas.focus()
    canvas.press("ArrowLeft")
    page.wait_for_function("old => document.querySelector('.odd_shapes .reading').textContent !== old", arg=before)
    assert page.evaluate(f"{TOY}.state().shapes.map(s => [s.x, s.y])") != moved
    assert "network points at" in canvas.get_attribute("aria-label")
    assert fits(page)


def test_pointing_at_the_picture_asks_the_token_there(page, url: str):
    page.goto(f"{url}{TAB}&seed=5")
    canvas = stands(page)
    page.mouse.move(*place(page, canvas, 4, 9))
    page.wait_for_function(f"{TOY}.state().token === 12")
    maps = page.locator(".odd_shapes .maps")
    page.mouse.move(1, 1)
    maps.focus()
    maps.press("ArrowRight")
    maps.press("ArrowDown")
    assert "Arrow keys choose another token" in maps.get_attribute("aria-label")
    assert page.evaluate(f"{TOY}.state().token") is not None


def test_a_drawing_begins_with_the_brush_and_is_answered_after_a_stroke(page, url: str):
    page.goto(f"{url}{TAB}")
    canvas = stands(page)
    page.get_by_role("button", name="Draw your own").click()
    shown(page, "Paint something first")
    page.mouse.move(*place(page, canvas, 20, 20))
    page.mouse.down()
    page.mouse.move(*place(page, canvas, 30, 20))
    page.mouse.up()
    shown(page, "The network points at")
    assert page.evaluate(f"{TOY}.state().ink[20 * 64 + 25]") == 1
    canvas.press("Space")  # the brush of the keys, down
    for _ in range(3):
        canvas.press("Shift+ArrowDown")
    canvas.press("Space")
    canvas.press("Shift+ArrowRight")
    assert page.evaluate(f"[0, 10, 15].map(down => {TOY}.state().ink[(32 + down) * 64 + 32])") == [1, 1, 1]
    assert page.evaluate(f"{TOY}.state().ink[47 * 64 + 37]") == 0
    page.get_by_role("button", name="Add a circle").click()
    assert page.evaluate(f"{TOY}.state().shapes.length") == 3
