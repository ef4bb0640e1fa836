"""The Odd-shapes tab in Chromium: every section once, links, clicks on maps, both widths."""

from __future__ import annotations

import pytest
from looks import fits, painted, shown

pytestmark = pytest.mark.browser
TAB = "?tab=odd_shapes"


def pictures(page: object, name: str) -> object:
    """The image elements whose file has this name."""
    return page.locator(f"img[src*='{name}']:visible")


def test_a_picture_its_answer_and_its_maps_are_there_at_once(page, url: str):
    page.goto(f"{url}{TAB}&seed=5&base=square&odd=circle")
    shown(page, "The truth: a circle")
    shown(page, "pixels off")
    painted(page)
    for name, count in (("odd-shape.png", 1), ("probability", 1), ("offsets", 1), ("attention", 4)):
        pictures(page, name).nth(count - 1).wait_for()
    assert fits(page)


def test_another_picture_changes_the_truth(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "The truth:")
    before = pictures(page, "odd-shape.png").first.get_attribute("src")
    page.get_by_role("button", name="Another picture").click()
    page.wait_for_function(
        "old => [...document.querySelectorAll('img')].some(i => i.src.includes('odd-shape.png') && i.src !== old)",
        arg=before,
    )


def test_a_click_on_a_map_asks_another_token(page, url: str):
    page.goto(f"{url}{TAB}&seed=5")
    shown(page, "The truth:")
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
    page.get_by_label("The homework's network").first.check()
    page.wait_for_function(
        "[...document.querySelectorAll('img')].filter(i => i.src.includes('attention')).length === 1"
    )
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


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("What the attention does", "Does the odd shape look at the others?"),
        ("How good it is", "Error while it learnt"),
        ("How it works", "soft-argmax"),
    ],
)
def test_every_section_has_its_text(page, url: str, section: str, text: str):
    page.goto(f"{url}{TAB}")
    page.get_by_role("tab", name=section).click()
    shown(page, text)
    assert fits(page)
