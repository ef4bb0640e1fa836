"""What a wing shows, section by section: each shows its first view by itself, follows its settings and has a link.

A wing is a set of sections. A section is declared by what can be set on it, what it shows, and the function between:

    Section("flags", "decode", {"team": team, "zoom": zoom}, compare, [pair, words])

The rest follows from that: it is filled when it is first seen, follows every setting, has a link that holds them all,
and opens as the page's address says. A fault stands where the result would stand.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
from gradio.components import Component

from cppn.faults import VisitorError
from cppn.serving import QUEUES
from cppn.ui import SKIP, explains, listen

WINGS = {
    "flags": "Flags",
    "glyphs": "Glyphs",
    "quine": "Quine",
    "odd_shapes": "Odd shapes",
    "starry": "Starry night",
}  # tabs by the name that they have in an address
HOME = next(iter(WINGS))  # where the page opens


@dataclass
class Section:
    """One screen of a wing.

    Attributes:
        wing, name: what addresses call it. settings: what a link to it holds, by name.
        show: the settings' values -> the outputs' values. outputs: what it fills.
        link: where its address can be copied, if anywhere. queue: where its work waits.
        receive: a file from elsewhere and the settings' values -> what it fills, where the first output is an upload.
    """

    wing: str
    name: str
    settings: dict[str, Component] = field(default_factory=dict)
    show: Callable | None = None
    outputs: Sequence[Component] = ()
    link: gr.Textbox | None = None
    queue: str = "quick"
    receive: Callable | None = None

    @property
    def filled(self) -> list[Component]:
        """Everything that it fills, its link included."""
        return [*self.outputs, *([self.link] if self.link else [])]

    def follow(self, triggers: Callable | Sequence[Callable], **options: Any) -> Any:
        """Show it anew on these events."""
        settings = list(self.settings.values())
        return listen(triggers, self.fill, settings, self.filled, queue=self.queue, **options)

    def follow_settings(self) -> None:
        """Show it anew whenever the visitor changes a setting."""
        self.follow([setting.input for setting in self.settings.values()], trigger_mode="always_last")

    def fill(self, request: gr.Request, *values: Any) -> Any:
        """What it shows for these settings; a fault in the place of the result."""
        shown = self.show(*values) if self.show else ()
        results = list(shown) if len(self.outputs) > 1 else [shown] if self.outputs else []
        if self.link:
            asked = dict(zip(self.settings, values, strict=True))
            results.append(share_link(request, tab=self.wing, section=self.name, **asked))
        return results if len(results) != 1 else results[0]

    def answers(self, request: gr.Request, *values: Any) -> dict[int, Any]:
        """What each of the filled components, by its number, is to hold for these settings."""
        results = explains(self.fill, self.filled)(request, *values)
        listed = list(results) if len(self.filled) > 1 else [results] if self.filled else []
        return dict(zip((c._id for c in self.filled), listed, strict=True))

    def asked_for(self, address: dict[str, str]) -> list[Any]:
        """The settings' values that an address names, each within its component's limits; defaults for the rest."""
        return [meant(setting, address.get(name)) for name, setting in self.settings.items()]


def meant(component: Component, written: str | None) -> Any:
    """What a component is to hold for a text from an address; its own default where that is missing or nonsense."""
    default = component.value
    if written is None:
        return default
    if choices := getattr(component, "choices", None):
        known = {str(value): value for _, value in choices}
        return known.get(written, default)
    if isinstance(component, gr.Checkbox):
        return {"True": True, "False": False}.get(written, default)
    if isinstance(component, gr.Slider | gr.Number):
        try:
            value = float(written)
        except ValueError:
            return default
        if math.isnan(value):
            return default
        low, high = component.minimum, component.maximum
        value = min(float(high), value) if high is not None else value
        value = max(float(low), value) if low is not None else value
        return int(value) if value.is_integer() else value  # as the browser writes it
    return written[: getattr(component, "max_length", None) or 1000]


def share_link(request: gr.Request | None, **view: object) -> str:
    """The address that opens this view; on a Space that of its page, which hands the query to the app."""
    space = os.environ.get("SPACE_ID")
    if space:
        base = f"https://huggingface.co/spaces/{space}"
    else:
        base = str(request.request.base_url).rstrip("/") if request and getattr(request, "request", None) else ""
    return f"{base}/?{urlencode(view)}"


@dataclass
class Wing:
    """A laid-out wing: its inner tabs, its sections with the tabs that they stand on, in order, and its own tab."""

    name: str
    tabs: gr.Tabs
    sections: dict[str, tuple[gr.Tab, Section]]
    place: gr.Tab | None = None

    def at(self, address: dict[str, str]) -> Section:
        """The section that an address names, else the first."""
        name = address.get("section")
        return self.sections[name if name in self.sections else next(iter(self.sections))][1]


def hands_over(button: gr.Button, result: gr.File, tabs: gr.Tabs, to: Section) -> None:
    """A button that carries a finished file over to the section where files of its kind are opened."""

    def pass_on(path: Path | None, *settings: Any) -> list[Any]:
        """Open the section with the file in it."""
        if path is None:
            raise VisitorError("there is no file yet; make one first")
        return [gr.Tabs(selected=to.name), str(path), *to.receive(path, *settings)]

    listen(button.click, pass_on, [result, *to.settings.values()], [tabs, *to.outputs])


# Gradio tells of a tab that it is selected when the page is built, too, and whenever it is selected again. This says 1
# only if a section is seen for the first time by a visitor (nothing can be clicked before the page stands), and it is
# not the one in the address, which the page's load fills.
FIRST_SEEN = """
(_, ...rest) => {
  const page = (window.cppn ??= { seen: new Set(), stale: new Set() });
  const key = "%(wing)s/%(name)s";
  const asked = new URLSearchParams(location.search);
  const section = asked.get("section") ?? "%(default)s";
  if ((asked.get("tab") ?? "%(home)s") === "%(wing)s" && section === "%(name)s") page.seen.add(key);
  const fresh = document.documentElement.classList.contains("stands") && !page.seen.has(key);
  if (fresh) page.seen.add(key);
  return [page.stale.delete(key) || fresh ? 1 : 0, ...rest];
}
"""
# Which of these sections is to be seen; the others are filled anew when they are seen next.
IN_SIGHT = """
(_, ...rest) => {
  let here = "";
  for (const name of %(names)s) {
    if (document.getElementById("%(wing)s-" + name)?.offsetParent) here = name;
    else window.cppn?.stale.add("%(wing)s/" + name);
  }
  return [here, ...rest];
}
"""
# Until the view that the address asks for stands, with its pictures, the tabs keep their places unseen (see app.STYLE).
STANDS = """
async () => {
  const end = Date.now() + 2000;
  const late = () => [...document.images].some(image => image.offsetParent && !image.complete);
  do await new Promise(resolve => setTimeout(resolve, 60)); while (late() && Date.now() < end);
  document.documentElement.classList.add("stands");
}
"""
OPENED = """
() => {
  const asked = new URLSearchParams(location.search), same = { __type__: "update" }, wings = %(wings)s;
  const turned = (known, name) => known.includes(asked.get(name)) ? { selected: asked.get(name), ...same } : same;
  const wing = asked.get("tab") ?? "%(home)s", shown = wing in wings ? wing : "%(home)s";
  const tabs = Object.entries(wings).map(([name, sections]) => name === wing ? turned(sections, "section") : same);
  const told = Object.keys(wings).map(name => name === shown ? location.search || "?" : "");
  return [turned(Object.keys(wings), "tab"), ...tabs, ...told];
}
"""


def open_page(demo: gr.Blocks, tabs: gr.Tabs, wings: Sequence[Wing]) -> None:
    """Wire the page: the view that its address asks for at once, every other section when it is first seen."""
    # The tabs are turned by the browser itself, before the server has answered. It asks for what one wing shows: gradio
    # builds anew, for every visitor, whatever an answer could change.
    addresses = [gr.Textbox(visible="hidden") for _ in wings]
    js = OPENED % {"home": HOME, "wings": json.dumps({wing.name: list(wing.sections) for wing in wings})}
    demo.load(None, None, [tabs, *(w.tabs for w in wings), *addresses], js=js, api_visibility="private")
    for wing, address in zip(wings, addresses, strict=True):
        _fill_as_asked(wing, address)
    fresh = gr.Number(0, visible=False)
    for wing in wings:
        default = next(iter(wing.sections))
        for name, (place, section) in wing.sections.items():
            if section.filled:
                _fill_when_seen(wing, name, default, place, section, fresh)


def _fill_as_asked(wing: Wing, place: gr.Textbox) -> None:
    sections = [section for _, section in wing.sections.values()]
    order = list({c._id: c for s in sections for c in [*s.settings.values(), *s.filled]}.values())

    def opened(request: gr.Request, asked: str) -> list[Any]:
        address = dict(parse_qsl(asked.removeprefix("?"), keep_blank_values=True))
        section = wing.at(address)
        # what belongs to another wing's link means nothing here
        values = section.asked_for(address if address.get("tab", HOME) == wing.name else {})
        answered = dict(zip((c._id for c in section.settings.values()), values, strict=True))
        answered |= section.answers(request, *values)
        return [answered.get(c._id, SKIP) for c in order]

    settings = {"api_visibility": "private", "show_progress": "hidden", **QUEUES["quick"]}
    filled = place.change(opened, place, order, **settings)
    filled.then(None, None, None, js=STANDS, api_visibility="private")


def _fill_when_seen(wing: Wing, name: str, default: str, place: gr.Tab, section: Section, fresh: gr.Number) -> None:
    # a file that was handed over from another section stays
    kept = [section.outputs[0]] if section.receive else []

    def seen(request: gr.Request, is_fresh: float, *values: Any) -> Any:
        if not is_fresh or any(value is not None for value in values[: len(kept)]):
            return [SKIP] * len(section.filled) if len(section.filled) > 1 else SKIP
        return section.fill(request, *values[len(kept) :])

    js = FIRST_SEEN % {"home": HOME, "wing": wing.name, "name": name, "default": default}
    inputs = [fresh, *kept, *section.settings.values()]
    # the first wing is built before it is seen, and its first section is not told of again when it is
    first = (wing.name, name) == (HOME, default) and wing.place is not None
    triggers = [place.select, wing.place.select] if first else [place.select]
    for trigger in triggers:
        listen(trigger, seen, inputs, section.filled, queue=section.queue, js=js)


def common_setting(setting: Component, wing: Wing) -> None:
    """A setting of several sections: the one in sight follows it at once, the others when they are seen next."""
    sections = {name: section for name, (_, section) in wing.sections.items() if setting in section.settings.values()}
    for name in sections:
        wing.sections[name][0].elem_id = f"{wing.name}-{name}"
    settings = list({c._id: c for section in sections.values() for c in section.settings.values()}.values())
    filled = list({c._id: c for section in sections.values() for c in section.filled}.values())

    def follow(request: gr.Request, here: str, *values: Any) -> list[Any]:
        if here not in sections:
            return [SKIP] * len(filled)
        section = sections[here]
        given = dict(zip((c._id for c in settings), values, strict=True))
        answered = section.answers(request, *(given[c._id] for c in section.settings.values()))
        return [answered.get(c._id, SKIP) for c in filled]

    place = gr.Textbox(visible=False)
    js = IN_SIGHT % {"wing": wing.name, "names": list(sections)}
    listen(setting.input, follow, [place, *settings], filled, js=js, trigger_mode="always_last")
