"""The Glyphs tab: glide between messages, send a text through noise, read a photo, watch the script being invented."""

from __future__ import annotations

import random

import gradio as gr

from cppn.glyphs import endpoints, lessons, usefulness_words, words
from cppn.glyphs.catalogue import MODELS
from cppn.glyphs.channel import STEEPEST, Channel
from cppn.glyphs.draw import INK, INKS, TILES
from cppn.glyphs.interpolate import FILM_TILES, FRAMES, GRIDS, METHODS
from cppn.glyphs.send import LAST_SEED, STRONGEST
from cppn.tab import (
    DECODING,
    at_first_sight,
    explains_errors,
    lazily,
    link_box,
    opened,
    picture_input,
    query,
    query_number,
    share_link,
)

SECTIONS = {
    "interpolate": "Interpolate",
    "send": "Send a message",
    "number": "One number at a time",
    "film": "Training film",
    "learned": "What we learned",
    "how": "How it works",
}
FIRST = "script"
FIRST_SEEDS = "1, 2, 3"
FIRST_TEXT = "Hello!"
FIRST_LOOK = (128, "4 x 2")  # pixels and grid to begin with; callers of the endpoint start from one larger glyph
PHONE_HALF, PHONE_THIRD = 120, 84  # pixels: two or three pictures fit side by side even there
FIRST_DRAW = 3  # its first arrival is turned and seen from the side
LONGEST_QUERY = 60  # characters of a list of messages or a text in an address
CHOICES = [(entry.title, name) for name, entry in MODELS.items()]
PATHS = [(title, name) for name, title in METHODS.items()]
PRIVATE = {"api_visibility": "private", **DECODING}


def tab(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Lay out the tab `wing` of `demo`."""
    gr.api(endpoints.list_glyph_models, api_name="list_glyph_models", **DECODING)
    gr.Markdown(words.LEAD, elem_classes="lead")
    model = gr.Dropdown(CHOICES, value=FIRST, label="Model")
    with gr.Tabs(overflow_behavior="wrap") as sections:
        with gr.Tab(SECTIONS["interpolate"], id="interpolate"):
            path, inputs, shown = _interpolate_section(model)
        with gr.Tab(SECTIONS["send"], id="send") as sending:
            text = _send_section(sending, model)
        with gr.Tab(SECTIONS["number"], id="number") as number:
            _number_section(number, model)
        with gr.Tab(SECTIONS["film"], id="film") as film:
            _film_section(film, model)
        with gr.Tab(SECTIONS["learned"], id="learned") as learned:
            _learned_section(learned)
        with gr.Tab(SECTIONS["how"], id="how") as how:
            _how_section(how, model)

    def open_link(request: gr.Request) -> tuple[object, ...]:
        """Show what the page's address asks for."""
        asked = query(request)
        if asked.get("tab") != "glyphs":
            asked = {}
        name, method = asked.get("model"), asked.get("method")
        return (
            opened(asked.get("section"), SECTIONS),
            name if name in MODELS else FIRST,
            asked.get("seeds", FIRST_SEEDS)[:LONGEST_QUERY],
            method if method in METHODS else "spherical",
            query_number(asked, "ink", INK, *INKS),
            *FIRST_LOOK,
            asked.get("text", FIRST_TEXT)[:LONGEST_QUERY],
        )

    loaded, selected = at_first_sight("glyphs", endpoints.interpolate_glyphs, len(shown))
    settings = {"outputs": shown, "show_progress": "minimal", **PRIVATE}
    link = demo.load(open_link, None, [sections, model, *path, text], api_visibility="private")
    link.then(loaded, inputs, **settings)
    wing.select(selected, [shown[0], *inputs], **settings)


def _picture(label: str, min_width: int = 160, **options: object) -> gr.Image:
    """A picture that is only looked at, with its label below: above it, it would hide a corner of the glyph."""
    settings = {"format": "png", "type": "filepath", "interactive": False, "buttons": ["download", "fullscreen"]}
    with gr.Column(min_width=min_width):
        picture = gr.Image(label=label, alt_text=label, show_label=False, **{**settings, **options})
        gr.Markdown(label, elem_classes="caption")
    return picture


def _strip(label: str) -> gr.Image:
    """Pictures in a row; more than one button would cover the last of them."""
    return _picture(label, buttons=["fullscreen"])


def _interpolate_section(model: gr.Dropdown) -> tuple[list[gr.components.Component], ...]:
    """A loop through messages; returns what a link sets, and inputs and outputs of what fills the section."""
    gr.Markdown(words.INTERPOLATE)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            seeds = gr.Textbox(FIRST_SEEDS, label="Messages", info="two to four, separated by commas", max_lines=1)
            with gr.Row():
                start = gr.Button("Show the way", variant="primary", min_width=120)
                another = gr.Button("Surprise me", min_width=120)
            method = gr.Radio(PATHS, value="spherical", label="Path")
            ink = gr.Slider(*INKS, value=INK, step=0.25, label="Ink")
            frames = gr.Slider(*FRAMES, value=60, step=1, label="Frames")
            tile = gr.Slider(*FILM_TILES, value=192, step=8, label="Pixels of a glyph")
            grid = gr.Radio(list(GRIDS), value="1", label="Glyphs at once")
        with gr.Column(scale=2, min_width=320):
            film = _picture("The glyphs between the messages", format="webp")
            strip = _strip("The messages, and what lies half-way between them")
            said = gr.Markdown()
            with gr.Row():
                link = link_box()
                download = gr.DownloadButton("Download the animation")
    with gr.Accordion("The facts as data", open=False):
        facts = gr.JSON(label="Facts")
    inputs = [model, seeds, frames, method, ink, tile, grid]
    listener = {
        "fn": explains_errors(endpoints.interpolate_glyphs),
        "inputs": inputs,
        "outputs": [film, strip, facts],
        "show_progress": "minimal",
    }

    def tell(facts: dict, name: str, seeds: str, method: str, ink: float, request: gr.Request) -> tuple[str, str]:
        """The loop in words, and the address of this view."""
        link = share_link(request, tab="glyphs", model=name, seeds=seeds, method=method, ink=ink)
        return words.interpolation(facts), link

    def others() -> str:
        """Three seeds that nobody chose."""
        return ", ".join(str(random.randint(0, 9999)) for _ in range(3))

    gr.on(
        [
            *(component.release for component in (frames, ink, tile)),
            *(component.input for component in (model, method, grid)),
            seeds.submit,
            start.click,
        ],
        **listener,
        trigger_mode="always_last",
        api_name="interpolate_glyphs",
        **DECODING,
    )
    another.click(others, None, seeds, api_visibility="private").then(**listener, **PRIVATE)
    facts.change(tell, [facts, model, seeds, method, ink], [said, link], api_visibility="private")
    film.change(lambda path: path, film, download, api_visibility="private")
    _large_glyph(model)
    return [seeds, method, ink, tile, grid], inputs, listener["outputs"]


def _large_glyph(model: gr.Dropdown) -> None:
    """One glyph, as large as a poster."""
    with gr.Accordion("One glyph for the wall", open=False):
        gr.Markdown(words.LARGE)
        with gr.Row():
            word = gr.Textbox(FIRST_TEXT, label="Seed or text", max_lines=1)
            tile = gr.Slider(*TILES, value=512, step=1, label="Pixels")
            ink = gr.Slider(*INKS, value=INK, step=0.25, label="Ink")
        button = gr.Button("Draw it", variant="primary")
        large, facts = _picture("The glyph"), gr.JSON(label="Facts")
    settings = {"inputs": [model, word, tile, ink], "outputs": [large, facts]}
    button.click(explains_errors(endpoints.draw_glyph), **settings, api_name="draw_glyph", **DECODING)


def _send_section(section: gr.Tab, model: gr.Dropdown) -> gr.Textbox:
    """A text through the channel, many times; a picture of a glyph read; returns the text."""
    gr.Markdown(words.SEND)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            text = gr.Textbox(FIRST_TEXT, label="Your text", info="up to 8 characters", max_lines=1)
            with gr.Row():
                start = gr.Button("Send it", variant="primary", min_width=120)
                another = gr.Button("Once more", min_width=120)
            strength = gr.Slider(0, STRONGEST, value=1, step=0.05, label="Strength of the whole channel")
            seed = gr.Number(FIRST_DRAW, label="Seed of its draws", precision=0, minimum=0, maximum=LAST_SEED)
            with gr.Accordion("Each disturbance by itself", open=False):
                *sliders, always = _channel_sliders()
        with gr.Column(scale=2, min_width=320):
            said = gr.Markdown()
            with gr.Row():
                shown = [_picture(label, PHONE_THIRD) for label in ("Sent", "Received", "Straightened")]
            strip = _strip("Many draws: green was read exactly, red was not")
            link = link_box()
    inputs = [model, text, strength, *sliders, always, seed]
    settings = {"outputs": [*shown, strip, said], "show_progress": "minimal", **PRIVATE}
    view = {"inputs": [model, text], "outputs": link, "api_visibility": "private"}

    def deliver(name: str, text: str, strength: float, *channel: float) -> tuple[object, ...]:
        """Send the text through the channel that the sliders set."""
        *limits, seed = channel
        *pictures, facts = endpoints.deliver(name, text, endpoints.channel_of(strength, *limits), seed)
        return *pictures, words.delivery(facts)

    def link_to(name: str, text: str, request: gr.Request) -> str:
        """The address of this view."""
        return share_link(request, tab="glyphs", section="send", model=name, text=text)

    first, renewed = lazily(deliver, 5)
    section.select(first, [shown[0], *inputs], **settings).then(link_to, **view)
    model.input(renewed, [shown[0], *inputs], **settings).then(link_to, **view)
    gr.on(
        [text.submit, start.click, seed.change, always.input, *(slider.release for slider in (strength, *sliders))],
        explains_errors(deliver),
        inputs,
        trigger_mode="always_last",
        **settings,
    ).then(link_to, **view)
    another.click(lambda: random.randint(0, LAST_SEED), None, seed, api_visibility="private")
    _read_part(model)
    _data_accordion(model)
    return text


def _channel_sliders() -> list[gr.components.Component]:
    """Rotation, shift, perspective, noise, and whether every picture is warped; at the values of training."""
    usual = Channel()
    return [
        gr.Slider(0, 90, value=usual.degrees, step=1, label="Rotation, degrees"),
        gr.Slider(0, 40, value=100 * usual.translate, step=1, label="Shift, % of the width"),
        gr.Slider(0, 100 * STEEPEST, value=100 * usual.perspective, step=1, label="Perspective, %"),
        gr.Slider(0, 1, value=usual.sigma, step=0.05, label="Noise"),
        gr.Checkbox(False, label="Warp every picture", info="the usual channel leaves a quarter of them upright"),
    ]


def _data_accordion(model: gr.Dropdown) -> None:
    """The same as an endpoint: pictures and a report of plain data."""
    with gr.Accordion("The same as data", open=False):
        with gr.Row():
            text = gr.Textbox(FIRST_TEXT, label="Text", max_lines=1)
            strength = gr.Slider(0, STRONGEST, value=1, step=0.05, label="Strength")
            seed = gr.Number(1, label="Seed", precision=0)
        button = gr.Button("Send it", size="sm")
        with gr.Row():
            pictures = [_picture(label) for label in ("Glyph sent", "Glyph received", "Glyph straightened", "Many")]
        report = gr.JSON(label="Report")
    settings = {"inputs": [model, text, strength, seed], "outputs": [*pictures, report]}
    button.click(explains_errors(endpoints.send_glyph), **settings, api_name="send_glyph", **DECODING)


def _read_part(model: gr.Dropdown) -> None:
    """A screenshot or photo of a glyph, read."""
    with gr.Accordion("Read a screenshot or a photo", open=True):
        gr.Markdown(words.READ)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                picture = picture_input(
                    label="A picture of a glyph",
                    height=240,
                )
                sample = gr.Button("Lend me one", size="sm")
            with gr.Column(scale=2, min_width=320):
                said = gr.Markdown()
                with gr.Row():
                    shown = [_picture(label, PHONE_HALF) for label in ("What the reader saw", "What it straightened")]
        with gr.Accordion("The report as data", open=False):
            report = gr.JSON(label="Report")
    listener = {"fn": explains_errors(endpoints.read_glyph), "inputs": [model, picture], "outputs": [*shown, report]}
    picture.upload(**listener, api_name="read_glyph", **DECODING)
    sample.click(explains_errors(endpoints.sample_photo), model, picture, **PRIVATE).then(**listener, **PRIVATE)
    report.change(words.read, report, said, api_visibility="private")


def _number_section(section: gr.Tab, model: gr.Dropdown) -> None:
    """One number of a message moved from -3 to 3."""
    gr.Markdown(words.ONE_NUMBER)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            word = gr.Textbox("1", label="Message", info="a seed or a short text", max_lines=1)
            place = gr.Slider(1, 64, value=1, step=1, label="Which number")
            value = gr.Slider(-3, 3, value=0, step=0.1, label="Its value")
            said = gr.Markdown()
        with gr.Column(scale=2, min_width=320), gr.Row():
            large = _picture("The glyph", PHONE_HALF)
            where = _picture("What the number changes: nothing where it is pale, most where it is dark", PHONE_HALF)
    strip = _strip("The number at -3, -2, -1, 0, 1, 2, 3")
    inputs = [model, word, place, value]
    settings = {"outputs": [large, strip, where, said], **PRIVATE}
    first, renewed = lazily(endpoints.one_number, 4)

    def fit_place(name: str, place: float) -> gr.Slider:
        """As many places as the model's messages have numbers."""
        most = MODELS[name].numbers
        return gr.Slider(maximum=most, value=min(place, most))

    section.select(first, [large, *inputs], **settings)
    model.input(fit_place, [model, place], place, api_visibility="private").then(renewed, [large, *inputs], **settings)
    gr.on(
        [word.submit, place.release, value.input],
        explains_errors(endpoints.one_number),
        inputs,
        trigger_mode="always_last",
        show_progress="hidden",
        **settings,
    )


def _film_section(section: gr.Tab, model: gr.Dropdown) -> None:
    """The same messages, written again and again while the networks learnt."""
    gr.Markdown(words.FILM)
    with gr.Row():
        with gr.Column():
            film = _picture("The same messages while the networks learnt", format="webp", buttons=["download"])
        with gr.Column():
            curve = gr.LinePlot(
                x="seconds", y="share", x_title="seconds of learning", y_title="R²", title="What comes back", height=260
            )
            said = gr.Markdown()
    gr.on(
        [section.select, model.input],
        explains_errors(endpoints.training_of),
        model,
        [film, curve, said],
        show_progress="hidden",
        api_visibility="private",
    )


def _learned_section(section: gr.Tab) -> None:
    """Figures of all models, what grows with message size, and the three experiments."""
    gr.Markdown(words.LEARNED)
    table = gr.Markdown()
    charts = _gallery("What grows with the message", 3)
    experiments = gr.Markdown()
    pictures = _gallery("What the experiments drew", 2)

    def show() -> tuple[object, ...]:
        """Everything that has been measured."""
        return lessons.figures(), lessons.charts_drawn(), usefulness_words.text(), usefulness_words.pictures()

    section.select(show, None, [table, charts, experiments, pictures], api_visibility="private")


def _how_section(section: gr.Tab, model: gr.Dropdown) -> None:
    """The explanation, and the registration marks made visible."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(words.HOW)
        with gr.Column(scale=1, min_width=280):
            average = _picture(words.AVERAGE)
    gr.on([section.select, model.input], explains_errors(endpoints.average_of), model, average, **PRIVATE)


def _gallery(label: str, columns: int) -> gr.Gallery:
    """Charts side by side, each opened by a click."""
    return gr.Gallery(
        label=label,
        format="png",
        columns=columns,
        height="auto",
        object_fit="contain",
        interactive=False,
        elem_classes="whole",
    )
