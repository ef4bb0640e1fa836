"""The screen's parts, each once: prose, pictures and uploads, listeners whose faults are shown, runs with a Stop."""

from __future__ import annotations

import functools
import html
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from cppn.endpoint import Endpoint, sentence
from cppn.faults import VisitorError
from cppn.serving import QUEUES, uploaded, wait_for_listener

SKIP = gr.skip()


# --- text


def text(wing: str, name: str, **figures: object) -> str:
    """The prose `<name>.md` of a wing, with figures in its {places}."""
    words = (Path(__file__).parent / wing / "text" / f"{name}.md").read_text(encoding="utf-8")
    return words.format(**figures) if figures else words


def explanation(drawn: str = "", said: str = "") -> tuple[gr.HTML, gr.Markdown]:
    """Places for what `explain` tells, which a page need not carry before somebody looks."""
    return gr.HTML(drawn, elem_classes="diagram"), gr.Markdown(said)


def explain(wing: str, **figures: object) -> tuple[str, str]:
    """How a wing works: `how.svg`, whose lines have the colour of the text around it, and its prose `how.md`."""
    drawn = (Path(__file__).parent / wing / "text" / "how.svg").read_text(encoding="utf-8")
    return drawn, text(wing, "how", **figures)


def escaped(words: str) -> str:
    """Text that may hold what a stranger wrote, so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(words, quote=False))


# --- components that judge what they are sent


class Picture(gr.Image):
    """Where a visitor brings a picture. Handlers get the file's checked path, unopened, or None."""

    is_template = True  # to the page it is the component that it is made from

    def preprocess(self, payload: Any) -> Path | None:
        """The path, if it is one that may be opened."""
        return None if payload is None else uploaded(payload, "the picture")


class Upload(gr.File):
    """Where a visitor brings any other file; as `Picture`."""

    is_template = True  # to the page it is the component that it is made from

    def preprocess(self, payload: Any) -> Path | None:
        """The path, if it is one that may be opened."""
        return None if payload is None else uploaded(payload, "the file")


def picture_input(value: str | None = None, **options: Any) -> Picture:
    """A place to bring a picture to, with the usual settings."""
    settings = {"type": "filepath", "format": "png", "image_mode": None, "sources": ["upload", "clipboard"]}
    return Picture(value, **settings | options)


def chosen(file: Path | None, what: str = "a picture") -> Path:
    """The file that a visitor brought.

    Raises:
        VisitorError: there is none.
    """
    if file is None:
        raise VisitorError(f"choose {what} first")
    return file


def slider(asked: Endpoint, name: str, label: str, step: float = 1, **options: Any) -> gr.Slider:
    """A slider with the limits and the default of an endpoint's parameter."""
    p = asked.parameters[name]
    settings = {"minimum": p.low, "maximum": p.high, "value": p.default, "step": step, "label": label}
    return gr.Slider(**settings | options)


def shown(label: str, kind: str = "png", **options: Any) -> gr.Image:
    """A picture that is only looked at; its label is also read to those who do not see it."""
    settings = {"show_label": False, "format": kind, "type": "filepath", "interactive": False, "alt_text": label}
    return gr.Image(label=label, **settings | options)


def gallery(label: str, columns: int, **options: Any) -> gr.Gallery:
    """Pictures side by side, all of them at once."""
    settings = {"show_label": False, "format": "png", "columns": columns, "height": "auto", "object_fit": "contain"}
    return gr.Gallery(label=label, interactive=False, elem_classes="whole", **settings | options)


def link_box(label: str = "Link to this view", **options: Any) -> gr.Textbox:
    """Where the address of what is shown can be copied; the page's own follows it, so that a reload shows the same."""
    link = gr.Textbox(label=label, buttons=["copy"], interactive=False, max_lines=1, **options)
    at_once(link.change, None, link, None, js="link => { cppnLive.remember(link); }")
    return link


# --- listeners


def listen(
    triggers: Callable | Sequence[Callable],
    handler: Callable,
    inputs: Component | Sequence[Component] | None = None,
    outputs: Component | Sequence[Component] | None = None,
    queue: str = "quick",
    cost: Callable[..., float] | None = None,
    **options: Any,
) -> Any:
    """A private listener of the page; a fault stands where its result would stand.

    With `cost`, the processor seconds for these inputs, what is dear waits with the large ones.
    """
    settings = {"show_progress": "minimal", "api_visibility": "private", **QUEUES[queue]} | options
    handler = explains(handler, listed(outputs))
    handler.cost = cost
    if callable(triggers):
        return triggers(handler, inputs, outputs, **settings)
    return gr.on(list(triggers), handler, inputs, outputs, **settings)


def at_once(trigger: Callable, handler: Callable | None, inputs: Any, outputs: Any, **options: Any) -> Any:
    """A private listener that only moves what is on the page; it waits in no queue. Without a handler, `js` does it."""
    settings = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    return trigger(handler, inputs, outputs, **settings | options)


def explains(handler: Callable, outputs: Sequence[Component]) -> Callable:
    """The same handler, whose faults become words among its outputs, or a message where there is no place for them."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
            wait_for_listener()
            try:
                yield from handler(*args, **kwargs)
            except Exception as fault:
                yield failed(outputs, fault)

        return stream

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        wait_for_listener()
        try:
            return handler(*args, **kwargs)
        except Exception as fault:
            return failed(outputs, fault)

    return call


def failed(outputs: Sequence[Component], fault: Exception) -> Any:
    """What the outputs show instead of a result: nothing, and in the first place for words what was wrong.

    Raises:
        gr.Error: there is no place for words.
    """
    if isinstance(fault, gr.Error):
        raise fault
    words = sentence(fault)
    place = next((output for output in outputs if isinstance(output, gr.Markdown)), None)
    if place is None:
        raise gr.Error(html.escape(words), title="That did not work", print_exception=False) from fault
    values = [
        f"⚠️ **That did not work:** {escaped(words).rstrip('.')}."
        if output is place
        else SKIP
        if isinstance(output, gr.Textbox | gr.Tabs | gr.Slider)
        else None
        for output in outputs
    ]
    return values if len(values) > 1 else values[0]


def runs_until_stopped(
    start: gr.Button, stop: gr.Button, handler: Callable, inputs: list, outputs: list, words: gr.Markdown
) -> None:
    """One button begins a handler that streams what it finds, the other ends it and says so."""
    run = listen(start.click, handler, inputs, outputs, queue="training")

    def stopped(said: str | None) -> str:
        return re.sub(r"^\w[\w ]*, (\d+%)", r"Stopped at \1", said) if said else "Stopped."

    at_once(stop.click, None, None, None, cancels=[run])
    # only when the run is over, or what it sent last would stand instead; a run at its end does not tell how far it is
    at_once(run.then, stopped, words, words)


def listed(components: Component | Sequence[Component] | None) -> list[Component]:
    """Components as gradio takes them: none, one or several."""
    return [] if components is None else list(components) if isinstance(components, list | tuple) else [components]
