"""The painter in the visitor's browser: programs read and painted as Python does it, and what it does on the page."""

from __future__ import annotations

import base64
import re

import pytest
import torch
from looks import WITHOUT_WEBGL, fits, shown

from cppn.coordinates import View
from cppn.faults import VisitorError
from cppn.hub import BUNDLED
from cppn.starry.paint import paint, positions, size_at, sums_of
from cppn.starry.program import Program, count_weights, read
from cppn.starry.weights import Painter, open_program, painter_of

pytestmark = pytest.mark.browser
TAB = "?tab=starry"
READ = """bytes => {
  try { return cppnLive.starry.readProgram(Uint8Array.from(bytes)).rows.map(row => Array.from(row)); }
  catch (fault) { return fault instanceof cppnLive.starry.Refused ? fault.message : `not refused: ${fault}`; }
}"""
PAINT = """([bytes, width, height, [zoom, x, y], { neuron, off } = {}]) => {
  const { readProgram, packed, shaderOf } = cppnLive.starry, { engine } = cppnLive, { gl } = engine();
  const network = readProgram(Uint8Array.from(bytes)), pixels = new Uint8Array(4 * width * height);
  const numbers = packed(network, { neuron, off: new Set(off) });
  engine().paint(shaderOf(network), engine().texture(numbers), width, height, { zoom, x, y });
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return Array.from(pixels);
}"""
WATCHED = """() => {
  window.views = [];
  const engine = cppnLive.engine(), paint = engine.paint.bind(engine);
  engine.paint = (...how) => {
    const { zoom, x, y } = how[4];
    window.views.push([zoom, x, y]);
    return paint(...how);
  };
}"""
WHOLE, ZOOMED = (1.0, 0.0, 0.0), (2.5, 0.5, -0.4)
SOME = [("ours", ZOOMED), ("published", ZOOMED), ("sunset", WHOLE)]
ALL = [(name, window) for name in ("ours", "published", "sunset") for window in (WHOLE, ZOOMED, (4, 0.72, -0.68))]
LIVE_NOW = "() => document.querySelector('.live.starry')?.dataset.live === 'yes'"


def painter(name: str) -> Painter:
    """A shipped program, the squeezed one among them."""
    return open_program(BUNDLED / "starry" / "sunset.pyth") if name == "sunset" else painter_of(name)


@pytest.mark.fidelity(("name", "window"), SOME, ALL)
def test_a_shader_paints_what_python_paints(scripts, name: str, window: tuple[float, ...]):
    """In single precision a value may fall on the other side of a whole number: by one level, and seldom."""
    program = painter(name).program
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


def test_a_neuron_is_painted_alone_and_one_that_is_off_is_silent(scripts):
    """Against the sums in double precision: neurons 40 and 44 (red), and the colours without neuron 3."""
    program = painter("ours").program
    width, height = size_at(program, 64)
    x, y = (positions(size, side) for size, side in ((width, program.width), (height, program.height)))
    for how, wanted in (({"neuron": 39}, [39] * 3), ({"neuron": 43}, [43, None, None]), ({"off": [2]}, [43, 44, 45])):
        values = without(program, how.get("off", []), x.repeat(height), y.repeat_interleave(width))
        seen = scripts.evaluate(PAINT, [list(painter("ours").data), width, height, [1, 0, 0], how])
        seen = torch.tensor(seen).view(height, width, 4).flip(0)[:, :, :3].reshape(-1, 3)
        for channel, neuron in enumerate(wanted):
            expected = torch.zeros(width * height) if neuron is None else values[neuron].floor().clamp(0, 255)
            off = (seen[:, channel] - expected).abs()
            assert float(off.max()) <= 1
            assert float((off > 0).double().mean()) <= 0.002


def without(program: Program, off: list[int], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Every neuron at P places, (neurons, P), when some are 0 for all others."""
    gains, values = sums_of(program).gains, [torch.full_like(x, program.constant), x, y]
    for n, row in enumerate(gains):
        total = sum(row[j] * value for j, value in enumerate(values))
        values.append(torch.zeros_like(x) if n in off else 128 * (1 + torch.sin(total)))
    return torch.stack(values[3:])


def damaged(data: bytes) -> list[bytes]:
    """Programs with something wrong in them, and some that only look so."""
    start, digits = data[:40], data.rindex(b'"')
    inserted = [
        b"\\x41",
        b"\\101",
        b"\\q",
        b"\\n",
        b"\\\n",
        b"\\x4",
        b"\\u0041",
        b"\\777",
        b"\r",
        b"\x007",
        b"\\\0",
        b'"',
    ]
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
        page.evaluate(WATCHED)
        stage = page.locator(".live.starry .stage")
        stage.focus()
        for key in ("0", "+", "ArrowLeft"):
            page.keyboard.press(key)
        page.wait_for_function("() => String(window.views.at(-1)) === '1.25,-0.16,0'")
        end = "&zoom=1.25&x=-0.16&y=0"
        page.wait_for_function(
            "v => [...document.querySelectorAll('textarea, input')].some(i => i.value.endsWith(v))", arg=end
        )
        stage.hover()
        page.mouse.wheel(0, -400)
        page.wait_for_function("() => window.views.at(-1)[0] > 3")
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


def test_a_browser_without_webgl_is_told_so_and_the_server_paints(own_page, url: str):
    page = own_page
    page.add_init_script(WITHOUT_WEBGL)
    page.goto(f"{url}{TAB}&program=published")
    shown(page, "it has no WebGL2")
    picture = page.locator(".live.starry .stage img")
    first = picture.get_attribute("src")
    page.get_by_role("button", name="The cypress").click()
    page.wait_for_function("before => document.querySelector('.live.starry .stage img').src !== before", arg=first)
    assert picture.is_visible()


def in_a_link(data: bytes) -> str:
    """The part of an address that holds a program."""
    return "#p=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_a_link_holds_a_painting_and_a_broken_one_is_refused(page, url: str):
    data = painter("sunset").data
    page.goto(f"{url}{TAB}{in_a_link(data)}")
    shown(page, "This painting came in the link itself")
    shown(page, f"Painted by your browser from {len(data):,} bytes")
    assert fits(page)
    broken = {
        in_a_link(b"print('hello')"): "not a program of this family",
        in_a_link(data[:-70]): "its string has no end",
        in_a_link(bytes(1025)): "more than 1024 bytes",
        "#p=a": "cut off",
        "#p=%3Cscript%3E": "cut off",
    }
    for fragment, words in broken.items():
        page.goto(f"{url}{TAB}{fragment}")  # the same page, whose address changes
        shown(page, words)
        shown(page, f"Painted by your browser from {len(painter('ours').data):,} bytes")
    page.get_by_role("button", name="Back to Starry Night").click()
    page.get_by_text("The link holds no painting").wait_for(state="hidden")
    assert "#" not in page.url


def test_a_squeezed_program_is_offered_as_a_link(page, url: str):
    page.goto(f"{url}{TAB}&section=squeeze")
    field = page.get_by_label("A link that holds this painting")
    page.wait_for_function("e => e.value", arg=field.element_handle())
    assert field.input_value() == f"{url}{TAB}&section=paint{in_a_link(painter('sunset').data)}"
    assert fits(page)


def test_a_byte_is_changed_by_keys_and_put_back_without_the_server(page, url: str):
    data = painter("ours").data
    page.goto(f"{url}{TAB}&section=program")
    shown(page, "The program as it is")
    cells = page.locator(".live.starry_program .hexdump [role=spinbutton]")
    assert bytes.fromhex("".join(cells.all_inner_texts())) == data
    field = page.get_by_label("A link that holds this painting")
    page.context.set_offline(True)
    try:
        at = data.rindex(b'"') - 3
        cells.nth(at - 1).click()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("+")
        shown(page, "1 byte changed")
        changed = data[:at] + bytes([(data[at] + 1) % 256]) + data[at + 1 :]
        assert field.input_value().endswith(in_a_link(changed))
        page.keyboard.press("End")
        page.keyboard.press("+")
        shown(page, "2 bytes changed")  # 321 rows are still a painting
        page.keyboard.press("a")
        shown(page, "No longer a program")
        page.get_by_role("button", name="Reset").click()
        shown(page, "The program as it is")
        assert bytes.fromhex("".join(cells.all_inner_texts())) == data
        assert field.input_value().endswith(in_a_link(data))
    finally:
        page.context.set_offline(False)
    assert fits(page)
