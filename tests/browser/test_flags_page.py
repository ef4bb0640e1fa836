"""The Flags tab in Chromium: every section once, links, both widths."""

from __future__ import annotations

import pytest
import safetensors.torch
from looks import fits, painted, shown

from cppn.hub import BUNDLED

pytestmark = pytest.mark.browser


def test_the_first_sight_is_a_flag(page, url: str):
    page.goto(url)
    shown(page, "6,675 weights in")
    painted(page)
    shown(page, "Quality while it learnt")
    assert fits(page)


def test_a_link_opens_its_view(page, url: str):
    page.goto(f"{url}?tab=flags&team=japan&zoom=4&x=0.25&y=0")
    shown(page, "Japan — 6,675")
    link = f"{url}?tab=flags&section=decode&team=japan&zoom=4&x=0.25&y=0"
    page.wait_for_function("v => [...document.querySelectorAll('textarea, input')].some(i => i.value === v)", arg=link)


def test_nonsense_in_a_link_is_ignored(page, url: str):
    page.goto(f"{url}?tab=nowhere&team=atlantis&zoom=never&section=attic")
    shown(page, "Malaysia — 6,675")


def test_all_flags_are_shown_and_open(page, url: str):
    page.goto(url)
    page.get_by_role("tab", name="All flags").click()
    page.get_by_alt_text("Vietnam").first.wait_for()
    assert fits(page)
    page.get_by_alt_text("Japan").first.click()
    shown(page, "Japan — 6,675")


def test_a_lent_gift_is_open_at_once(page, url: str):
    page.goto(f"{url}?tab=flags&section=open")
    page.get_by_role("tab", name="Open a gift").click()
    shown(page, "what does it hold?")
    page.get_by_alt_text("-1 to 1").first.click()
    shown(page, "this may well be how it was trained")
    page.get_by_label("yx").check()
    shown(page, "A MysteryNet of 6,675 weights in")
    assert fits(page)


def test_a_strangers_gift_is_read_and_a_guess_that_is_clicked_sets_its_settings(page, url: str, tmp_path):
    state = safetensors.torch.load_file(BUNDLED / "flags" / "malaysia.safetensors")
    (tmp_path / "GIFT.SAFETENSORS").write_bytes(safetensors.torch.save({f"module.{n}": t for n, t in state.items()}))
    (tmp_path / "gift.safetensors").write_text("<!doctype html><html>Sign in</html>")
    page.goto(f"{url}?tab=flags&section=open")
    shown(page, "what does it hold?")
    open_file(page, tmp_path / "GIFT.SAFETENSORS")
    # the pictures of the one before stand until then
    shown(page, f"in {(tmp_path / 'GIFT.SAFETENSORS').stat().st_size:,} bytes")
    page.get_by_alt_text("y upwards").first.click()
    shown(page, "'module.dense1.weight' is dense1.weight")
    page.get_by_role("button", name="Rarer habits").click()
    page.wait_for_function("[...document.querySelectorAll('input[value=up]')].some(i => i.checked)")
    assert fits(page)
    open_file(page, tmp_path / "gift.safetensors")
    shown(page, "this is a web page and not the file")
    assert page.get_by_alt_text("y upwards").count() == 0


def open_file(page, path) -> None:
    """Bring another file to the place where one already lies."""
    page.get_by_role("button", name="Clear").first.click()
    page.locator("input[type=file]").first.set_input_files(path)


def test_a_picture_can_be_hidden_stopped_and_opened(page, url: str):
    page.goto(url)
    page.get_by_role("tab", name="Hide your own picture").click()
    page.get_by_role("button", name="Hide it").click()
    shown(page, "Learning,")
    page.get_by_role("button", name="Stop").click()
    shown(page, "Stopped at")
    page.get_by_role("button", name="Open these weights as a gift").click()
    page.get_by_alt_text("-1 to 1").first.click()
    shown(page, "Size told by the file: 320 x 160")
    assert fits(page)


def test_no_place_is_empty_before_anything_is_hidden_or_opened(page, url: str):
    page.goto(f"{url}?tab=flags&section=hide")
    shown(page, "Hidden before")
    assert page.locator(".empty:visible").count() == 0
    page.get_by_role("tab", name="Open a gift").click()
    shown(page, "what does it hold?")
    assert page.locator(".empty:visible").count() == 0
