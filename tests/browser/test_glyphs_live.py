"""Glyphs in the visitor's own browser: Python's drawings, moved by hand and by keys, without the server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from looks import PATIENCE

from cppn.glyphs.draw import draw
from cppn.glyphs.interpolate import slerp
from cppn.glyphs.message import text_to_signs, to_message
from cppn.glyphs.weights import script_of

pytestmark = pytest.mark.browser
GLYPH = """async ([path, message, side, ink]) => {
  const { writerOf, glyph } = cppnLive.glyphs;
  return [...glyph(await writerOf(path), Float32Array.from(message), side, ink).data];
}"""


@pytest.fixture
def page(visitor: object, url: str) -> Iterator[object]:
    """A small page whose motion is reduced; it opens a section."""
    page = visitor.new_page()
    page.set_viewport_size({"width": 480, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.emulate_media(reduced_motion="reduce")

    def view(section: str, toy: str) -> None:
        page.goto(f"{url}?tab=glyphs&section={section}")
        page.locator(f".live.{toy}[data-live=yes]").wait_for()

    page.view = view
    yield page
    page.close()


@pytest.mark.parametrize(("model", "side"), [("script", 64), ("colour_128", 48), ("seed", 28)])
def test_the_browser_draws_what_python_draws(page, model, side):
    page.view("interpolate", "glyphs")
    script = script_of(model)
    message = to_message("7", script.net.numbers)
    wanted = draw(script.net, message[None], side, 2.0)[0].numpy().astype(int)
    seen = np.array(page.evaluate(GLYPH, [str(script.path), message.tolist(), side, 2.0])).reshape(side, side, 4)
    assert np.abs(seen[..., :3] - wanted).max() <= 1


def test_between_two_messages_lies_what_python_finds_there(page):
    page.view("interpolate", "glyphs")
    one, other = (to_message(seed, 64) for seed in "12")
    found = page.evaluate(
        "([one, other]) => [...cppnLive.glyphs.between([one, other], 'spherical', [0.3, 0])]",
        [one.tolist(), other.tolist()],
    )
    assert torch.allclose(torch.tensor(found), slerp(one, other, 0.3), atol=1e-4)


@pytest.mark.parametrize("text", ["Hello!", "night!!", "a"])
def test_a_typed_text_has_pythons_bits(page, text):
    page.view("send", "glyphs_sign")
    code = {"characters": 8, "width": 16, "polynomial": 0x1021, "initial": 0xFFFF}
    alphabet = " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!"
    bits = page.evaluate("([...given]) => cppnLive.glyphs.coded(...given)", [text, alphabet, code])
    wanted = text_to_signs(text, script_code())
    assert [2 * bit - 1 for bit in bits] == wanted.int().tolist()


def script_code():
    """The code of the script's 64 signs."""
    from cppn.glyphs.message import code_of

    return code_of(64)


def test_all_follow_keys_and_typing_without_the_server(page):
    page.view("interpolate", "glyphs")
    page.route("**", lambda route: route.abort())
    map_ = page.get_by_role("slider", name="Place between the messages")
    map_.press("ArrowRight")
    page.wait_for_function("cppnLive.toys.glyphs.settings[0] === 0.55")
    page.locator(".live.glyphs canvas[data-sharp]").wait_for()
    page.unroute("**")
    page.view("send", "glyphs_sign")
    page.route("**", lambda route: route.abort())
    page.get_by_label("Your text").fill("Help")
    page.get_by_text("The last change turned").wait_for()
    page.unroute("**")
    page.view("number", "glyphs_number")
    page.route("**", lambda route: route.abort())
    bars = page.locator(".live.glyphs_number .bars")
    bars.press("ArrowRight")
    bars.press("PageUp")
    page.wait_for_function("cppnLive.toys.glyphs_number.settings[0] === 2")
    assert "changes" in bars.get_attribute("aria-valuetext")
