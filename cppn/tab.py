"""What the tabs of all wings share: errors in a visitor's words, links to a view, the queue for heavy work."""

from __future__ import annotations

import functools
import html
import inspect
import math
import os
from collections.abc import Callable, Container
from urllib.parse import urlencode

import gradio as gr

from cppn.hub import WeightsError

WINGS = {
    "flags": "Flags",
    "glyphs": "Glyphs",
    "quine": "Quine",
    "odd_shapes": "Odd shapes",
    "starry": "Starry night",
}  # tabs by the name that they have in an address; the page opens at the first

# Listeners that compute share these limits: two processor cores serve decoding, one visitor at a time trains.
DECODING = {"concurrency_id": "decoding", "concurrency_limit": 2}
TRAINING = {"concurrency_id": "training", "concurrency_limit": 1}


def explains_errors(handler: Callable) -> Callable:
    """Turn the faults that a visitor can cause or should know of into a `gr.Error` that names them."""

    def explained(error: Exception) -> gr.Error:
        # str(KeyError) quotes its message as if it were a key
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        return gr.Error(html.escape(str(message)), title="That did not work", print_exception=False)

    faults = (ValueError, KeyError, OverflowError, WeightsError)
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args, **kwargs):
            try:
                yield from handler(*args, **kwargs)
            except faults as error:
                raise explained(error) from error

        return stream

    @functools.wraps(handler)
    def call(*args, **kwargs):
        try:
            return handler(*args, **kwargs)
        except faults as error:
            raise explained(error) from error

    return call


def share_link(request: gr.Request | None, **view: object) -> str:
    """The address that opens this view; on a Space that of its page, which hands the query to the app."""
    space = os.environ.get("SPACE_ID")
    if space:
        base = f"https://huggingface.co/spaces/{space}"
    else:
        base = str(request.request.base_url).rstrip("/") if request and getattr(request, "request", None) else ""
    return f"{base}/?{urlencode(view)}"


def query(request: gr.Request | None) -> dict[str, str]:
    """The page's query parameters; empty for a call that did not come from a page."""
    return dict(request.query_params) if request and request.query_params else {}


def query_number(values: dict[str, str], name: str, default: float, low: float, high: float) -> float:
    """A number from the query, kept within its slider; the default if it is missing or nonsense."""
    try:
        value = float(values.get(name, default))
    except ValueError:
        return default
    return default if math.isnan(value) else min(high, max(low, value))


def opened(name: str | None, known: Container[str]) -> object:
    """The tabs, opened at the one that an address names.

    They are left alone where it names none that is known: by the time the answer arrives, a visitor may have clicked.
    """
    return gr.Tabs(selected=name) if name in known else gr.skip()


def wing_of(request: gr.Request | None) -> str:
    """The tab that the page opens at."""
    name = query(request).get("tab")
    return name if name in WINGS else next(iter(WINGS))


def at_first_sight(wing: str, show: Callable, outputs: int) -> tuple[Callable, Callable]:
    """Two listeners that fill a wing once, so that a visit to one tab does not cost the work of all.

    The first is for the page's load: it shows what the address asks for, if it asks for this wing. The second is for
    the wing's tab: it shows what the inputs say when the tab is opened for the first time, and takes what is shown
    there already before them.
    """
    nothing = (gr.skip(),) * outputs

    def loaded(request: gr.Request, *inputs: object) -> object:
        return show(*inputs) if wing_of(request) == wing else nothing

    def selected(request: gr.Request, there: object, *inputs: object) -> object:
        return nothing if there or wing_of(request) == wing else show(*inputs)

    return explains_errors(loaded), explains_errors(selected)


def lazily(show: Callable, outputs: int) -> tuple[Callable, Callable]:
    """Two listeners for what costs time: one fills a section when it is first seen, one renews it once it was.

    Both take what is shown there already before the inputs of `show`.
    """
    nothing = (gr.skip(),) * outputs

    def first(there: object, *inputs: object) -> object:
        return nothing if there else show(*inputs)

    def renewed(there: object, *inputs: object) -> object:
        return show(*inputs) if there else nothing

    return explains_errors(first), explains_errors(renewed)


def runs_until_stopped(
    start: gr.Button, stop: gr.Button, handler: Callable, inputs: list, outputs: list, api_name: str
) -> None:
    """One button begins a handler that streams what it finds, the other ends it; one visitor at a time trains."""
    run = start.click(explains_errors(handler), inputs, outputs, api_name=api_name, show_progress="minimal", **TRAINING)
    stop.click(None, cancels=[run], api_visibility="private")


def hands_over(button: gr.Button, result: gr.File, sections: gr.Tabs, section: str, upload: gr.File) -> None:
    """A button that carries a finished file over to the section where files of its kind are opened."""

    def pass_on(path: str | None) -> tuple[object, object]:
        """Open the section with the file in it."""
        if not path:
            raise gr.Error("there is no file yet; make one first", title="Nothing to open", print_exception=False)
        return gr.Tabs(selected=section), path

    button.click(pass_on, result, [sections, upload], api_visibility="private")


def picture_input(value: str | None = None, **options: object) -> gr.Image:
    """Where a visitor brings a picture; handlers get the file as it was uploaded."""
    settings = {"type": "filepath", "format": "png", "image_mode": None, "sources": ["upload", "clipboard"]}
    return gr.Image(value, **settings, **options)


def link_box(label: str = "Link to this view", **options: object) -> gr.Textbox:
    """Where the address of what is shown can be copied."""
    return gr.Textbox(label=label, buttons=["copy"], interactive=False, max_lines=1, **options)
