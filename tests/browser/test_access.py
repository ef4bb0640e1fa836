"""Every section of every wing: it fits, says what it is to say, and is there for those who see little."""

from __future__ import annotations

import pytest
from looks import PATIENCE, fits, shown

pytestmark = pytest.mark.browser

# What is wrong with the toys in sight, in words.
FAULTS = """
() => {
  const found = [], toys = [...document.querySelectorAll(".live")].filter(toy => toy.offsetParent);
  const labels = e => [...(e.labels ?? [])].map(label => label.textContent).join("");
  const inner = e => (["INPUT", "SELECT", "CANVAS"].includes(e.tagName) ? "" : e.textContent);
  const named = e => e.getAttribute("aria-label") || e.title || e.alt || labels(e) || inner(e);
  const wrong = (element, words) => found.push(`${words}: ${element.outerHTML.slice(0, 120)}`);
  const states = { slider: "aria-valuenow", spinbutton: "aria-valuenow", switch: "aria-checked" };
  for (const e of toys.flatMap(toy => [...toy.querySelectorAll("*")])) {
    if (!e.checkVisibility()) continue;
    const role = e.getAttribute("role"), reached = e.matches("a[href], button, input, select, textarea, [tabindex]");
    if ((reached || role === "img" || e.tagName === "IMG") && !named(e).trim()) wrong(e, "has no name");
    if (reached && e.tagName === "DIV" && !role) wrong(e, "can be reached and has no role");
    if (e.tabIndex > 0) wrong(e, "breaks the order of tabs");
    if (e.matches(":is(div, span, p, canvas)[aria-label]") && !role) wrong(e, "has a name and no role");
    if (states[role] && !e.hasAttribute(states[role])) wrong(e, "has no state");
    const [low, now, high] = ["min", "now", "max"].map(part => Number(e.getAttribute(`aria-value${part}`)));
    if (states[role] === "aria-valuenow" && !(low <= now && now <= high)) wrong(e, "is beyond its limits");
    if (e.tabIndex === 0 && !e.disabled) {
      e.focus({ preventScroll: true });
      const { outlineStyle, outlineWidth } = getComputedStyle(e);
      if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) wrong(e, "shows no focus");
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id).filter(Boolean);
  found.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map(id => `twice the id ${id}`));
  return found;
}
"""
PALE = """
() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
  const ground = e => {
    const below = e.parentElement ? ground(e.parentElement) : [255, 255, 255];
    return over(numbers(getComputedStyle(e).backgroundColor), below);
  };
  const light = colour => {
    const [r, g, b] = colour.map(v => v / 255).map(v => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const found = new Set(), ours = ".live, .prose, .html-container, .caption";
  for (const e of document.querySelectorAll(`:is(${ours}), :is(${ours}) *`)) {
    const written = [...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!written || !e.checkVisibility() || e.disabled || e.closest("[aria-hidden=true], svg, code span")) continue;
    const style = getComputedStyle(e), under = ground(e), size = parseFloat(style.fontSize);
    const [one, other] = [light(over(numbers(style.color), under)), light(under)];
    const contrast = Math.max(one, other) / Math.min(one, other);
    const large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) found.add(`${contrast.toFixed(2)} ${e.outerHTML.slice(0, 120)}`);
  }
  return [...found];
}
"""
SAID = {  # where no other test looks at what is said
    ("flags", "learned"): ["USA (harder)"],
    ("glyphs", "film"): ["steps of learning"],
    ("glyphs", "learned"): ["the real channel of the original"],
    ("glyphs", "how"): ["registration marks"],
    ("quine", "ladder"): ["1,007 zeros"],
    ("quine", "how"): ["The catch, said openly."],
    ("odd_shapes", "attention"): ["Does the odd shape look at the others?"],
    ("odd_shapes", "score"): ["Error while it learnt"],
    ("odd_shapes", "how"): ["soft-argmax"],
    ("starry", "how"): ["its author's later revision", "How was ours found?"],
}
DARK = "dark => document.documentElement.classList.toggle('dark', dark)"


def test_every_section_is_for_everybody(visitor: object, url: str):
    import app

    page = visitor.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.emulate_media(color_scheme="light")
    page.goto(url)
    page.locator(":root.stands").wait_for(state="attached")
    page.add_style_tag(content="* { transition: none !important; }")  # else a colour is on its way when it is read
    faults = {}
    for wing in app.wings:
        page.get_by_role("tab", name=wing.place.label, exact=True).first.click()
        for name, (place, _) in wing.sections.items():
            page.get_by_role("tab", name=place.label, exact=True).locator("visible=true").last.click()
            page.wait_for_function(STANDS)
            page.keyboard.press("Shift")  # from now on the focus shows
            found = page.evaluate(FAULTS)
            for dark in (False, True):
                page.evaluate(DARK, dark)
                found += page.evaluate(PALE)
            page.evaluate(DARK, False)
            for text in SAID.get((wing.name, name), []):
                shown(page, text)
            assert fits(page), (wing.name, name)
            faults |= {(wing.name, name): found} if found else {}
    page.close()
    assert faults == {}


# every toy in sight has said whether it computes, and nothing is waited for
STANDS = """
() => [...document.querySelectorAll(".live")].every(toy => !toy.offsetHeight || toy.dataset.live)
  && !document.querySelector(".pending, .generating")
"""
