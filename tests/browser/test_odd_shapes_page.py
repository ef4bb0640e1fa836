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
    page.get_by_role("tab", name="Draw your own").click()
    page.get_by_role("button", name="Find the odd one in it").click()
    shown(page, "paint something first")
    assert pictures(page, "odd-shape").count() == 0
    assert fits(page)


def test_a_removed_picture_takes_its_answer_along(page, url: str):
    page.goto(f"{url}{TAB}")
    shown(page, "The truth:")
    page.get_by_label("Remove Image").click()
    shown(page, "Choose, draw or upload a picture.")
    assert pictures(page, "odd-shape").count() == 0


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
