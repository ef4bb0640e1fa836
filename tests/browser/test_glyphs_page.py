"""The Glyphs tab in Chromium: every section once, links, both widths."""

from __future__ import annotations

from pathlib import Path

import pytest
from looks import fits, shown

from cppn.glyphs.endpoints import draw_glyph
from cppn.glyphs.making.scenes import picture_of
from cppn.render import open_picture

pytestmark = pytest.mark.browser
TAB = "?tab=glyphs"


def pictures(page: object, name: str) -> object:
    """The image elements whose file has this name."""
    return page.locator(f"img[src*='{name}']:visible")


def test_the_first_sight_is_a_map_and_the_film_is_made_when_asked_for(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "Spherical between 1, 2 and 3")
    page.locator(".live.glyphs[data-live=yes] canvas[data-whole]").wait_for()
    assert fits(page)
    page.get_by_role("button", name="The way as a film").click()
    page.get_by_role("button", name="Show the way").click()
    shown(page, "60 frames in 3.6 seconds")
    pictures(page, "glyphs-script.webp").first.wait_for()
    assert fits(page)


def test_a_link_opens_its_map(page, url: str):
    page.goto(f"{url}{TAB}&model=colour_64&seeds=5%2C+Hi&method=linear&ink=2")
    shown(page, "Straight lines between 5 and Hi")
    page.locator(".live.glyphs[data-live=yes]").wait_for()
    assert fits(page)


def test_nonsense_in_a_link_is_ignored(page, url: str):
    page.goto(f"{url}{TAB}&model=runes&method=bezier&ink=much&section=attic")
    shown(page, "Spherical between 1, 2 and 3")


def test_a_text_is_sent_and_a_photo_read(page, url: str):
    page.goto(f"{url}{TAB}&section=send&text=Zebra")
    shown(page, "of 100 draws")
    for name in ("sent", "received", "straightened", "many-draws"):
        pictures(page, f"/{name}.png").first.wait_for()
    page.get_by_role("button", name="Lend me one").click()
    shown(page, "“Read me!”")
    assert fits(page)


def test_a_glyph_that_is_held_before_the_camera_is_read(own_page, url: str, seen: Path):
    page, glyph = own_page, open_picture(draw_glyph(seed_or_text="Cheese!").picture)
    picture_of(glyph, "turned", 1, False).save(seen, "JPEG", quality=95)
    page.context.grant_permissions(["camera"])
    page.goto(f"{url}{TAB}&section=send")
    page.get_by_role("button", name="Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    page.get_by_role("button", name="capture photo").click()
    shown(page, "“Cheese!”")


def test_a_number_is_moved(page, url: str):
    page.goto(f"{url}{TAB}&section=number")
    shown(page, "Number 1 of 64")
    page.get_by_label("number input for Its value").fill("2.5")
    page.get_by_label("number input for Its value").press("Enter")
    shown(page, "and 2.50 now")
    assert fits(page)


def test_every_grid_is_drawn_and_another_model_reaches_every_section(page, url: str):
    page.goto(f"{url}{TAB}&section=send")
    shown(page, "of 100 draws")
    page.get_by_role("tab", name="Interpolate").click()
    page.get_by_role("button", name="The way as a film").click()
    page.get_by_label("8 x 4").check()
    shown(page, "68 pixels a side instead of 128")
    page.get_by_label("Model", exact=True).click()
    page.get_by_role("option", name="Colour, 128 numbers").click()
    shown(page, "each glyph is")
    page.get_by_role("tab", name="Send a message").click()
    shown(page, "2 times over")
    assert fits(page)


def test_the_model_is_chosen_where_it_does_something(page, url: str):
    page.goto(f"{url}{TAB}&section=film")
    shown(page, "steps of learning")
    model = page.get_by_label("Model", exact=True)
    assert model.is_visible()
    page.get_by_role("tab", name="What we learned").click()
    shown(page, "the real channel of the original")
    assert not model.is_visible()
