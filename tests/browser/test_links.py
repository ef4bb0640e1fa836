"""Every section's link opens the same view in a fresh page, touches nothing else, and costs little."""

from __future__ import annotations

import random
from collections.abc import Iterator
from urllib.parse import urlencode

import gradio as gr
import pytest
from looks import DESK, HEIGHT, PHONE, heard

from cppn.sections import WINGS, Section

pytestmark = pytest.mark.browser
SHIFTED = """() => new Promise(told => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });  // what has been is told at once
  setTimeout(() => told(sum), 100);
})"""


@pytest.fixture
def joins(page: object) -> Iterator[list[str]]:
    """What the page asks of the queue."""
    sent: list[str] = []

    def asked(request: object) -> None:
        if "queue/join" in request.url:
            sent.append(request.post_data)

    with heard(page, "request", asked):
        yield sent


def random_value(component: gr.components.Component, draw: random.Random) -> object:
    """Something else that a setting may hold."""
    if choices := getattr(component, "choices", None):
        return draw.choice(choices)[1]
    if isinstance(component, gr.Checkbox):
        return draw.random() < 0.5
    if isinstance(component, gr.Slider | gr.Number):
        low, high = component.minimum, component.maximum
        steps = int((high - low) / (component.step or 1))
        value = low + (component.step or 1) * draw.randint(0, min(steps, 40))
        return int(value) if value == int(value) else round(value, 4)
    return component.value


def linked(wing: str) -> list[Section]:
    """The sections of a wing that offer a link."""
    import app

    found = next(laid for laid in app.wings if laid.name == wing)
    return [section for _, section in found.sections.values() if section.link]


def holds(page: object, text: str) -> None:
    """Wait until a box on the page holds a text."""
    page.wait_for_function(
        "text => [...document.querySelectorAll('textarea, input')].some(i => i.offsetParent && i.value === text)",
        arg=text,
    )


@pytest.mark.parametrize("wing", WINGS)
def test_the_link_of_every_section_opens_its_view(page: object, joins: list[str], url: str, wing: str):
    draw = random.Random(f"links of {wing}")
    sections = linked(wing)
    assert sections
    for section in sections:
        settings = {name: random_value(component, draw) for name, component in section.settings.items()}
        link = f"{url.rstrip('/')}/?{urlencode({'tab': wing, 'section': section.name, **settings})}"
        joins.clear()
        page.goto(link)
        holds(page, link)
        assert len(joins) <= 6, joins


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("wing", WINGS)
def test_a_visit_is_quiet_and_its_layout_stands(page: object, joins: list[str], url: str, wing: str, width: int):
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.goto(f"{url}?tab={wing}")
    page.get_by_role("tab", name=WINGS[wing], exact=True).and_(page.locator("[aria-selected=true]")).wait_for()
    page.locator(":root.stands").wait_for(state="attached")
    page.wait_for_timeout(1000)  # whatever else the page may still want to ask or move
    assert len(joins) <= 6
    assert page.evaluate(SHIFTED) < 0.1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_link_of_one_wing_moves_nothing_in_another(page: object, url: str):
    page.goto(f"{url}?tab=starry&zoom=4&x=0.72&y=-0.68&section=how&team=japan")
    page.get_by_role("tab", name="Flags", exact=True).click()
    holds(page, f"{url.rstrip('/')}/?tab=flags&section=decode&team=malaysia&zoom=1&x=0&y=0")
