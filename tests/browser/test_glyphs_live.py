"""The glyphs in the visitor's own browser: against Python's numbers, by keyboard, and without the server."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from looks import fits

from cppn.glyphs.draw import INK, draw
from cppn.glyphs.interpolate import slerp
from cppn.glyphs.message import code_of, text_to_message, to_message
from cppn.glyphs.views import for_browser
from cppn.glyphs.weights import MODELS, script_of

pytestmark = pytest.mark.browser
DRAWN = """async ([weights, message, side, ink]) => {
  const { writerOf, glyph } = cppnLive.glyphs;
  return [...glyph(await writerOf(weights), Float32Array.from(message), side, ink).data];
}"""
SOME = [("script", 96), ("colour_64", 96), ("gray_1024", 48), ("seed", 28)]
ALL = [(name, side) for name, entry in MODELS.items() for side in {entry.pixels, 28 if name == "seed" else 320}]
SHARP = "document.querySelector('.live.%s canvas[role=img]')?.dataset.sharp"


def opened(page: object, url: str, section: str, toy: str, more: str = "") -> None:
    """Open a section and wait until its toy's glyph is sharp."""
    page.goto(f"{url}?tab=glyphs&section={section}{more}")
    page.wait_for_function(SHARP % toy)


@pytest.mark.fidelity(("model", "side"), SOME, ALL)
def test_the_script_draws_what_python_draws(scripts, model: str, side: int):
    script = script_of(model)
    for word in ("1", "Hi"):
        message = to_message(word, script.net.numbers)
        seen = scripts.evaluate(DRAWN, [for_browser(script, model), message.tolist(), side, INK])
        pixels = np.array(seen, int).reshape(side, side, 4)[..., :3]
        expected = draw(script.net, message[None], side, INK)[0].numpy().astype(int)
        assert abs(pixels - expected).max() <= 1
        assert expected.std() > 20


def test_texts_become_the_signs_that_python_makes(scripts):
    for size in (32, 64, 128):
        code = code_of(size)
        for text in ("", "A", "z9 !", "Zebra 42"[: code.characters]):
            given = {"characters": code.characters, **vars(code.check)}
            signs = scripts.evaluate(
                """([text, alphabet, code, size]) => {
                  const { coded, signsOf } = cppnLive.glyphs;
                  return [...signsOf(coded(text, alphabet, code), size)];
                }""",
                [text, " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!", given, size],
            )
            assert signs == text_to_message(text, size).tolist()


def test_a_place_on_the_map_is_the_message_that_python_mixes(scripts):
    keys = torch.stack([to_message(word, 64) for word in ("1", "2", "3", "Hi")])
    script = "([keys, at]) => cppnLive.glyphs.between(keys, 'spherical', at)"
    seen = scripts.evaluate(script, [keys.tolist(), [0.3, 0.8]])
    expected = slerp(slerp(keys[0], keys[1], 0.3), slerp(keys[3], keys[2], 0.3), 0.8)
    torch.testing.assert_close(torch.tensor(seen), expected, rtol=1e-4, atol=1e-5)


def test_the_map_is_walked_by_keyboard_and_without_the_server(page, url: str):
    opened(page, url, "interpolate", "glyphs", "&seeds=1%2C+Hi")
    assert fits(page)
    page.route("**/*", lambda route: route.abort())
    place = page.get_by_role("slider", name="Place between the messages")
    before = page.evaluate("document.querySelector('.live.glyphs .pair > canvas').toDataURL()")
    place.press("ArrowRight")
    assert place.get_attribute("aria-valuetext") == "1: 45%, Hi: 55%"
    page.wait_for_function(
        "old => document.querySelector('.live.glyphs .pair > canvas').toDataURL() !== old", arg=before
    )


def test_every_letter_turns_signs_without_the_server(page, url: str):
    opened(page, url, "send", "glyphs_sign")
    page.route("**/*", lambda route: route.abort())
    box = page.get_by_label("Your text")
    box.press("End")
    box.press("Backspace")
    page.get_by_text("The last change turned").wait_for()
    assert page.get_by_role("img", name="The glyph of “Hello”").count() == 1
    box.fill("zwölf")
    page.get_by_text("“ö” is not in the alphabet").wait_for()
    assert fits(page)


def test_bars_are_pulled_by_keyboard_and_without_the_server(page, url: str):
    opened(page, url, "number", "glyphs_number")
    page.route("**/*", lambda route: route.abort())
    bars = page.get_by_role("slider", name="Number 1 of 64")
    bars.press("ArrowUp")
    page.get_by_text("and 0.10 now").wait_for()
    page.locator(".live.glyphs_number .bars").press("ArrowRight")
    page.get_by_text("Number 2 of 64").wait_for()
    assert fits(page)
