"""The painter in the visitor's browser: programs read and painted as Python does it, and what it does on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from looks import fits, shown

from cppn.coordinates import View
from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.starry.paint import paint, size_at, sums_of
from cppn.starry.program import count_weights, read
from cppn.starry.weights import Painter, open_program, painter_of
from cppn.ui import LIVE

pytestmark = pytest.mark.browser
TAB = "?tab=starry"
READ = """bytes => {
  try { return cppnLive.starry.readProgram(Uint8Array.from(bytes)).rows.map(row => Array.from(row)); }
  catch (fault) { return fault instanceof cppnLive.starry.Refused ? fault.message : `not refused: ${fault}`; }
}"""
PAINT = """([bytes, width, height, [zoom, x, y]]) => {
  const { readProgram, packed, shaderOf } = cppnLive.starry, { engine } = cppnLive, { gl } = engine();
  const network = readProgram(Uint8Array.from(bytes)), pixels = new Uint8Array(4 * width * height);
  engine().paint(shaderOf(network), engine().texture(packed(network)), width, height, { zoom, x, y });
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return Array.from(pixels);
}"""
LIVE_NOW = "() => document.querySelector('.live.starry')?.dataset.live === 'yes'"


@pytest.fixture(scope="module")
def scripts(browser: object) -> Iterator[object]:
    """An empty page with the scripts alone."""
    page = browser.new_page()
    for name in ("shared", "starry"):
        page.add_script_tag(content=(LIVE / f"{name}.js").read_text(encoding="utf-8"))
    yield page
    page.close()


def painter(name: str) -> Painter:
    """A shipped program, the squeezed one among them."""
    return open_program(BUNDLED / "starry" / "sunset.pyth") if name == "sunset" else painter_of(name)


@pytest.mark.parametrize("name", ["ours", "published", "sunset"])
def test_a_shader_paints_what_python_paints(scripts, name: str):
    """In single precision a value may fall on the other side of a whole number: by one level, and seldom."""
    program, window = painter(name).program, (1.0, 0.0, 0.0) if name == "sunset" else (2.5, 0.5, -0.4)
    width, height = size_at(program, 320)
    seen = scripts.evaluate(PAINT, [list(painter(name).data), width, height, window])
    seen = torch.tensor(seen).view(height, width, 4).flip(0)[:, :, :3]
    off = (seen - paint(program, width, height, View(*window)).int()).abs()
    assert int(off.max()) <= 1
    assert float((off > 0).double().mean()) <= 0.001


@pytest.mark.parametrize("name", ["ours", "published", "sunset"])
def test_a_script_reads_the_weights_that_python_reads(scripts, name: str):
    gains = sums_of(painter(name).program).gains
    rows = scripts.evaluate(READ, list(painter(name).data))
    assert sum(map(len, rows)) == count_weights(len(gains))
    for n, row in enumerate(rows):
        torch.testing.assert_close(torch.tensor(row, dtype=torch.float64), gains[n, : 3 + n], rtol=1e-12, atol=0)


def damaged(data: bytes) -> list[bytes]:
    """Programs with something wrong in them, and some that only look so."""
    start, digits = data[:40], data.rindex(b'"')
    inserted = [b"\\x41", b"\\101", b"\\q", b"\\n", b"\\\n", b"\\x4", b"\\u0041", b"\\777", b"\r", b"\x007", b"\\\0", b'"']
    return [
        b"",
        data[:4],
        data[:-1],
        data + b" ",
        data + b"\n",
        b"x" + data,
        data.replace(b'KjC"', b"KjC'", 1),
        data.replace(b"386", b"5000"),
        data.replace(b"386", b"0"),
        data.replace(b"386", b"1000000"),
        re.sub(rb'"\d+\.w', b'"1.w', data),
        re.sub(rb'"\d+\.w', b'"112.w', data),
        data[:digits] + b"A" + data[digits:],
        *(start + extra + data[40 + len(extra) :] for extra in inserted),
    ]


@pytest.mark.parametrize("name", ["ours", "published"])
def test_a_script_refuses_what_python_refuses(scripts, name: str):
    for data in damaged(painter(name).data):
        try:
            wanted = len(read(data).weights)
        except VisitorError:
            wanted = None
        found = scripts.evaluate(READ, list(data))
        if wanted is None:
            assert isinstance(found, str), data
            assert not found.startswith("not refused"), data
        else:
            assert sum(map(len, found)) == wanted, data


def test_a_painting_follows_keys_and_wheel_without_the_server(page, url: str):
    page.goto(f"{url}{TAB}")
    page.wait_for_function(LIVE_NOW)
    page.context.set_offline(True)
    try:
        stage = page.locator(".live.starry .stage")
        stage.focus()
        page.keyboard.press("0")
        page.keyboard.press("+")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("v => document.querySelector('.live.starry canvas').dataset.sharp === v", arg="1.25,-0.16,0")
        held = "() => [...document.querySelectorAll('textarea, input')].some(i => i.value.endsWith('&zoom=1.25&x=-0.16&y=0'))"
        page.wait_for_function(held)
        stage.hover()
        page.mouse.wheel(0, -400)
        page.wait_for_function("() => cppnLive.toys.starry.settings[0] > 3")
        shown(page, "red, green, blue")
    finally:
        page.context.set_offline(False)
    assert fits(page)


def test_a_preset_and_a_slider_move_the_painting(page, url: str):
    page.goto(f"{url}{TAB}&program=published")
    page.wait_for_function(LIVE_NOW)
    page.get_by_role("button", name="The moon").click()
    page.wait_for_function("() => String(cppnLive.toys.starry.settings) === '4,0.72,-0.68'")
    page.get_by_label("number input for Zoom").locator("visible=true").fill("2")
    page.wait_for_function("() => cppnLive.toys.starry.settings[0] === 2")
