"""The Starry-night tab in Chromium: every section once, links, uploads, both widths."""

from __future__ import annotations

from pathlib import Path

import pytest
from looks import fits, painted, shown
from PIL import Image

from cppn.starry.weights import painter_of, published

pytestmark = pytest.mark.browser
TAB = "?tab=starry"


def pictures(page: object, name: str) -> object:
    """The image elements whose file has this name."""
    return page.locator(f"img[src*='{name}']:visible")


def test_the_painting_is_there_at_once_and_large_on_demand(page, url: str):
    page.goto(f"{url}{TAB}&program=published")
    shown(page, "45 sigmoid neurons")
    shown(page, "Painted by your browser from 1,020 bytes")
    assert fits(page)
    page.get_by_role("button", name="Paint it large").locator("visible=true").click()
    page.get_by_role("button", name="Paint it", exact=True).locator("visible=true").click()
    shown(page, "1,158 × 960, computed between its pixels")
    pictures(page, "starry-published").last.wait_for()
    assert fits(page)


def test_a_link_opens_its_view(page, url: str):
    view = "program=published&width=300&zoom=4&x=0.7&y=-0.6"
    page.goto(f"{url}{TAB}&{view}")
    page.wait_for_function("() => String(window.cppnLive?.toys.starry?.settings) === '4,0.7,-0.6'")
    link = f"{url}{TAB}&section=paint&{view}"
    page.wait_for_function("v => [...document.querySelectorAll('textarea, input')].some(i => i.value === v)", arg=link)


def test_two_paintings_are_compared_and_a_target_gets_its_scores(page, url: str, tmp_path: Path):
    Image.new("RGB", (60, 50), "navy").save(tmp_path / "target.png")
    page.goto(f"{url}{TAB}&section=compare")
    shown(page, "Drag the line.")
    assert fits(page)
    page.locator("#starry-target input[type=file]").set_input_files(str(tmp_path / "target.png"))
    shown(page, "60 × 50 pixels became 386 × 320")
    assert fits(page)


def test_a_neuron_is_told_about_and_switched_off_by_keys(page, url: str):
    page.goto(f"{url}{TAB}&program=published&section=neurons")
    shown(page, "Neuron 25")
    stage = page.locator(".live.starry_neurons .stage").first
    assert stage.evaluate("stage => stage.style.touchAction") == "pan-y"  # a finger scrolls the page
    first = page.get_by_role("switch", name="Neuron 25", exact=True)
    assert page.get_by_label("Neuron", exact=True).locator("visible=true").input_value() == "25"
    first.focus()
    page.keyboard.press("Home")
    shown(page, "Neuron 1")
    page.keyboard.press("ArrowRight")
    shown(page, "Switch neuron 2 off")
    shown_link = "() => [...document.querySelectorAll('textarea, input')].some(i => i.value.endsWith('&neuron=2'))"
    page.wait_for_function(shown_link)
    page.keyboard.press("Enter")
    shown(page, "Without neuron 2")
    assert page.get_by_role("switch", name="Neuron 2", exact=True).get_attribute("aria-checked") == "false"
    page.get_by_role("button", name="Switch all on").click()
    shown(page, "all neurons on")
    page.get_by_text("What moves each neuron, in words").click()
    shown(page, "Neuron 45 blue")
    assert fits(page)


def test_a_programs_bytes_are_shown_and_an_upload_takes_their_place(page, url: str, tmp_path: Path):
    data = published().data.replace(b"386 320", b"193 320")
    (tmp_path / "mine.pyth").write_bytes(data)
    page.goto(f"{url}{TAB}&program=published&section=program")
    shown(page, "1,020 of 1,024 bytes")
    shown(page, "while weights are left")
    assert fits(page)
    page.locator("[data-testid=file-upload]").last.set_input_files(str(tmp_path / "mine.pyth"))
    shown(page, "The program paints 193 × 320 pixels")
    assert fits(page)
    page.get_by_label("Our network").locator("visible=true").check()  # and a program that is chosen takes the upload's
    shown(page, f"{len(painter_of('ours').data):,} of 1,024 bytes")


def test_what_is_pasted_is_read_and_an_empty_box_changes_nothing(page, url: str, tmp_path: Path):
    data = published().data
    (tmp_path / "mine.pyth").write_bytes(data.replace(b"386 320", b"193 320"))
    page.goto(f"{url}{TAB}&program=published&section=program")
    shown(page, "1,020 of 1,024 bytes")
    page.locator("[data-testid=file-upload]").last.set_input_files(str(tmp_path / "mine.pyth"))
    shown(page, "The program paints 193 × 320 pixels")
    box = page.get_by_label("Or paste a hex dump of one")
    read = page.get_by_role("button", name="Read what is pasted")
    box.fill(data.replace(b"386 320", b"96 320").hex())
    read.click()
    shown(page, "The program paints 96 × 320 pixels")
    shown(page, "This was a hex dump")
    box.fill("")
    read.click()
    shown(page, "The program paints 193 × 320 pixels")
    assert fits(page)


def test_a_picture_is_squeezed_stopped_and_its_bytes_looked_at(page, url: str):
    page.goto(f"{url}{TAB}&section=squeeze")
    page.get_by_role("button", name="Squeeze it").click()
    shown(page, "bytes, score")
    painted(page)
    shown(page, "WebP, decoder not counted")
    page.get_by_role("button", name="Stop").last.click()
    shown(page, "Stopped at")
    page.get_by_role("button", name="Look at its bytes").click()
    shown(page, "36 sine neurons")
    assert fits(page)
