"""Toys: what the visitor's own browser computes, by the scripts in `cppn/live/`, and how the page follows them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from cppn.sections import Section
from cppn.ui import at_once

LIVE = Path(__file__).parent / "live"  # what runs in the visitor's own browser


def live(wing: str, **given: object) -> gr.HTML:
    """A toy that the visitor's own browser computes, by `cppn/live/<wing>.js`; its value is what that script shows.

    What is given stays the same for all values. It is written into the script, since a component that is filled before
    it is mounted knows nothing but its value.
    """
    return gr.HTML(
        html_template=f'<div class="live {wing}"></div>',  # constant, or a new value would wipe what was built in it
        js_on_load=f'cppnLive.mount("{wing}", element, {{ props, trigger, watch }}, {json.dumps(given)});',
        apply_default_css=False,
    )


def head() -> str:
    """The toys' scripts and styles, for the page's head."""
    shared, *wings = sorted(LIVE.glob("*.js"), key=lambda path: (path.stem != "shared", path.stem))
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (shared, *wings))
    # comments and indents are for readers of the files; on the wire they are an eighth of the page
    comments = r"^\s*/\*\*[\s\S]*?\*/$|^\s*//.*$|(?<=[;{,]) +// [^\n\"'`]*$|^\s+"
    scripts = re.sub(comments, "", scripts, flags=re.MULTILINE)
    return f"<script>{scripts}</script>\n<style>{(LIVE / 'live.css').read_text(encoding='utf-8')}</style>"


# what the page is told of a toy's window, and the toy of the page's
MOVED = """link => {
  const [zoom, x, y] = cppnLive.toys.%(wing)s.settings;
  return [zoom, x, y, cppnLive.linked(link, { zoom, x, y })];
}"""
SEEN_THROUGH = "(...settings) => [...settings.slice(0, -3), ...cppnLive.toys.%(wing)s.settings]"
LOOK = "(zoom, x, y) => { cppnLive.toys.%(wing)s?.look({ zoom, x, y }); }"


def looks_through(section: Section, toy: gr.HTML, window: Sequence[gr.Slider]) -> None:
    """A toy's window and the section's last three settings (zoom, x, y) follow each other, and the link follows.

    No server is asked, but by a browser that cannot paint: it asks for every window.
    """
    wing = {"wing": section.wing}
    at_once(toy.input, None, [section.link], [*window, section.link], js=MOVED % wing)
    gr.on([s.input for s in window], None, list(window), None, js=LOOK % wing, api_visibility="private")
    section.follow(toy.submit, js=SEEN_THROUGH % wing, trigger_mode="always_last")


def looks_at(button: gr.Button, wing: str, window: Sequence[float]) -> None:
    """A preset: the toy glides to this window."""
    zoom, x, y = window
    js = f"() => {{ cppnLive.toys.{wing}?.look({{ zoom: {zoom}, x: {x}, y: {y} }}, true); }}"
    at_once(button.click, None, None, None, js=js)
