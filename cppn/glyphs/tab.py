"""The Glyphs tab: glide between messages, send a text through noise, read a photo, watch the script being invented."""

from __future__ import annotations

import random
from pathlib import Path

import gradio as gr

from cppn import toys, ui
from cppn.glyphs import endpoints, figures, views
from cppn.glyphs.channel import STEEPEST, Channel, set_by_hand
from cppn.glyphs.draw import INK
from cppn.glyphs.interpolate import GRIDS, METHODS, largest_tile
from cppn.glyphs.message import ALPHABET
from cppn.glyphs.weights import MODELS, script_of
from cppn.heatmap import HEAT
from cppn.sections import Section, Wing, common_setting

FIRST_TEXT = "Hello!"
FIRST_DRAW = 3  # its first arrival is turned and seen from the side
# of a film on the page, about a second of work: 60 frames of 8 glyphs at 136 pixels; the endpoint draws twice as many
SCREEN_PIXELS = 9_000_000
PHONE_HALF, PHONE_THIRD = 120, 84  # pixels: two or three pictures fit side by side even there
LONGEST = 60  # characters that can be typed in a box
# What lies before a camera is not mirrored, as a visitor's face would be; a phone's looks away from the visitor.
_VIDEO = {"facingMode": {"ideal": "environment"}, "width": {"ideal": 1920}, "height": {"ideal": 1440}}  # pixels
CAMERA = gr.WebcamOptions(mirror=False, constraints={"video": _VIDEO})


def tab() -> Wing:
    """Lay out the wing."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(ui.text("glyphs", "lead"), elem_classes="lead")
        with gr.Column(scale=1, min_width=280, elem_classes="common"):
            model = gr.Dropdown([(entry.title, name) for name, entry in MODELS.items()], value="script", label="Model")
    sections = {}
    with gr.Tabs(overflow_behavior="wrap") as tabs:
        with gr.Tab("Interpolate", id="interpolate") as place:
            sections["interpolate"] = place, _interpolate_section(model)
        with gr.Tab("Send a message", id="send") as place:
            sections["send"] = place, _send_section(model)
        with gr.Tab("One number at a time", id="number") as place:
            sections["number"] = place, _number_section(model)
        with gr.Tab("Training film", id="film") as place:
            sections["film"] = place, _film_section(model)
        with gr.Tab("What we learned", id="learned") as place:
            sections["learned"] = place, _learned_section()
        with gr.Tab("How it works", id="how") as place:
            sections["how"] = place, _how_section(model)
    wing = Wing("glyphs", tabs, sections)
    common_setting(model, wing)
    return wing


def _picture(label: str, min_width: int = 160, kind: str = "png", **options: object) -> gr.Image:
    """A picture that is only looked at, with its label below: above it, it would hide a corner of the glyph."""
    with gr.Column(min_width=min_width):
        settings = {"buttons": ["download", "fullscreen"]}
        picture = ui.shown(label, kind, **settings | options)
        gr.Markdown(label, elem_classes="caption")
    return picture


def _strip(label: str) -> gr.Image:
    """Pictures in a row; more than one button would cover the last of them."""
    return _picture(label, buttons=["fullscreen"])


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _interpolate_section(model: gr.Dropdown) -> Section:
    """A map between messages under the hand, the way between them as a film, and one glyph as large as a poster."""
    asked = endpoints.interpolate_glyphs
    gr.Markdown(ui.text("glyphs", "interpolate"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            seeds = gr.Textbox(
                "1, 2, 3", label="Messages", info="two to four, separated by commas", max_lines=1, max_length=LONGEST
            )
            another = gr.Button("Surprise me")
            paths = [(title, name) for name, title in METHODS.items()]
            method = gr.Radio(paths, value="spherical", label="Path")
            ink = ui.slider(asked, "ink", "Ink", step=0.25)
            said = gr.Markdown()
        with gr.Column(scale=2, min_width=320):
            between = toys.live("glyphs")
            link = ui.link_box()
    gr.Markdown(ui.text("glyphs", "paths"))
    with gr.Accordion("The way as a film", open=False):
        with gr.Row():
            frames = ui.slider(asked, "frames", "Frames")
            tile = ui.slider(asked, "tile", "Pixels of a glyph", step=8, value=128)
            grid = gr.Radio(list(GRIDS), value="4 x 2", label="Glyphs at once")
        start = gr.Button("Show the way", variant="primary")
        film = _picture("The glyphs between the messages", kind="webp")
        strip = _strip("The messages, and what lies half-way between them")
        told = gr.Markdown()
        download = gr.DownloadButton("Download the animation")

    def placed(model: str, seeds: str, method: str, ink: float, *_: object) -> tuple[object, str]:
        """The map; the film is made when it is asked for."""
        script = script_of(model)
        shown = views.map_of(script, seeds, method, ink)
        return shown, views.describe_map(script, shown)

    def glide(model: str, seeds: str, method: str, ink: float, frames: int, tile: int, grid: str) -> tuple[str, ...]:
        """Every choice can be drawn: where it would be too much, the glyphs are smaller."""
        side = min(tile, largest_tile(frames, grid, SCREEN_PIXELS))
        film, strip, facts = asked(model, seeds, frames, method, ink, side, grid)
        return str(film), str(strip), views.describe_interpolation(facts, tile), str(film)

    settings = {"model": model, "seeds": seeds, "method": method, "ink": ink}
    settings |= {"frames": frames, "tile": tile, "grid": grid}
    section = Section("glyphs", "interpolate", settings, placed, [between, said], link)
    section.follow([ink.release, method.input, seeds.submit], trigger_mode="always_last")
    # a browser that cannot draw asks for the film at once
    made = [start.click, between.submit, frames.release, tile.release, grid.input]
    ui.listen(made, glide, list(settings.values()), [film, strip, told, download], trigger_mode="always_last")

    def others() -> str:
        """Three seeds that nobody chose."""
        return ", ".join(str(random.randint(0, 9999)) for _ in range(3))

    section.follow(ui.at_once(another.click, others, None, seeds).then)
    _large_glyph(model)
    return section


def _large_glyph(model: gr.Dropdown) -> None:
    """One glyph, as large as a poster."""
    asked = endpoints.draw_glyph
    with gr.Accordion("One glyph for the wall", open=False):
        gr.Markdown(ui.text("glyphs", "large"))
        with gr.Row():
            word = gr.Textbox(FIRST_TEXT, label="Seed or text", max_lines=1, max_length=LONGEST)
            tile = ui.slider(asked, "tile", "Pixels")
            ink = ui.slider(asked, "ink", "Ink", step=0.25)
        button = gr.Button("Draw it", variant="primary")
        large = _picture("The glyph")
        said = gr.Markdown()

    def draw(*values: object) -> tuple[str, str]:
        picture, facts = asked(*values)
        return str(picture), views.describe_glyph(facts)

    ui.listen([button.click, word.submit], draw, [model, word, tile, ink], [large, said])


def _send_section(model: gr.Dropdown) -> Section:
    """A text through the channel, many times; a picture of a glyph read."""
    gr.Markdown(ui.text("glyphs", "send"))
    asked = endpoints.send_glyph
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            text = gr.Textbox(
                FIRST_TEXT,
                label="Your text",
                info="up to 8 characters",
                max_lines=1,
                elem_id="glyphs-text",
                max_length=LONGEST,
            )
            sign = toys.live("glyphs_sign", box=text.elem_id, alphabet=ALPHABET, codes=views.codes())
            with gr.Row():
                start = gr.Button("Send it", variant="primary", min_width=120)
                another = gr.Button("Once more", min_width=120)
        with gr.Column(scale=2, min_width=320):
            said = gr.Markdown()
            with gr.Row():
                shown = [_picture(label, PHONE_THIRD) for label in ("Sent", "Received", "Straightened")]
            strip = _strip("Many draws: green was read exactly, red was not")
    with gr.Row():
        strength = ui.slider(asked, "strength", "Strength of the whole channel", step=0.05)
        last = asked.parameters["seed"].high
        seed = gr.Number(FIRST_DRAW, label="Seed of its draws", precision=0, minimum=0, maximum=last)
    with gr.Accordion("Each disturbance by itself", open=False):
        usual = Channel()
        rotation = gr.Slider(0, 90, value=usual.degrees, step=1, label="Rotation, degrees")
        shift = gr.Slider(0, 40, value=100 * usual.translate, step=1, label="Shift, % of the width")
        most = 100 * STEEPEST
        perspective = gr.Slider(0, most, value=100 * usual.perspective, step=1, label="Perspective, %")
        noise = gr.Slider(0, 1, value=usual.sigma, step=0.05, label="Noise")
        always = gr.Checkbox(
            False, label="Warp every picture", info="the usual channel leaves a quarter of them upright"
        )
    gr.Markdown(ui.text("glyphs", "bits"))
    link = ui.link_box()

    def deliver(model: str, text: str, seed: int, *channel: float) -> tuple[str | None, ...]:
        """Send the text through the channel that the sliders set."""
        script = script_of(model)
        *pictures, facts = views.delivery(script, text, set_by_hand(*channel), seed)
        typed = {"weights": views.for_browser(script, model), "text": text, "ink": INK}
        return *map(_path, pictures), views.describe_delivery(facts), typed

    sliders = {"strength": strength, "rotation": rotation, "shift": shift, "perspective": perspective, "noise": noise}
    settings = {"model": model, "text": text, "seed": seed, **sliders, "always": always}
    section = Section("glyphs", "send", settings, deliver, [*shown, strip, said, sign], link)
    released = [slider.release for slider in sliders.values()]
    section.follow([text.submit, start.click, seed.input, always.input, *released], trigger_mode="always_last")
    section.follow(ui.at_once(another.click, lambda: random.randint(0, last), None, seed).then)
    _read_part(model, text)
    return section


def _read_part(model: gr.Dropdown, text: gr.Textbox) -> None:
    """A screenshot or photo of a glyph, read."""
    with gr.Accordion("Read a screenshot or a photo", open=True):
        gr.Markdown(ui.text("glyphs", "read"))
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                sources = ["upload", "clipboard", "webcam"]
                picture = ui.picture_input(
                    label="A picture of a glyph", height=240, sources=sources, webcam_options=CAMERA
                )
                with gr.Row():
                    sample = gr.Button("Lend me one", size="sm", min_width=120)
                    snap = gr.Button("Make a photo of my text", size="sm", min_width=120)
            with gr.Column(scale=2, min_width=320):
                said = gr.Markdown()
                with gr.Row():
                    shown = [_picture(label, PHONE_HALF) for label in ("What the reader saw", "What it straightened")]

    def read(model: str, picture: Path) -> tuple[str | None, ...]:
        *pictures, report = endpoints.read_glyph(model, picture)
        return *map(_path, pictures), views.describe_attempts(report)

    def lend(model: str) -> tuple[str | None, ...]:
        photo = views.photo(script_of(model))
        return str(photo), *read(model, photo)

    def photograph(model: str, text: str) -> tuple[str | None, ...]:
        photo = views.snapshot(script_of(model), text, random.randint(0, last))
        return str(photo), *read(model, photo)

    filled, last = [*shown, said], endpoints.send_glyph.parameters["seed"].high
    ui.listen(picture.upload, read, [model, picture], filled)
    ui.listen(snap.click, photograph, [model, text], [picture, *filled])
    ui.listen(sample.click, lend, model, [picture, *filled])
    ui.at_once(picture.clear, lambda: (None, None, ""), None, filled)


def _number_section(model: gr.Dropdown) -> Section:
    """One number of a message moved from -3 to 3."""
    gr.Markdown(ui.text("glyphs", "number"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            message = gr.Textbox("1", label="Message", info="a seed or a short text", max_lines=1, max_length=LONGEST)
            # as long as the longest messages, until the first view says how many the model has
            number = gr.Slider(
                1, max(entry.numbers for entry in MODELS.values()), value=1, step=1, label="Which number"
            )
            value = gr.Slider(views.VALUES[0], views.VALUES[-1], value=0, step=0.1, label="Its value")
            said = gr.Markdown()
        with gr.Column(scale=2, min_width=320):
            bars = toys.live("glyphs_number", ink=INK, heat=HEAT.tolist())
    with gr.Row(visible=False) as instead:
        large = _picture("The glyph", PHONE_HALF)
        where = _picture("What the number changes: nothing where it is pale, most where it is dark", PHONE_HALF)
        strip = _strip("The number at -3, -2, -1, 0, 1, 2, 3")

    def shown(model: str, message: str, number: int, value: float) -> tuple[object, ...]:
        """The same number, or the last one of a model that has fewer."""
        most, script = MODELS[model].numbers, script_of(model)
        number = min(int(number), most)
        values = [round(each, 5) for each in views.message_of(script, message).tolist()]
        told = {"weights": views.for_browser(script, model), "message": values, "number": number, "value": value}
        return told, gr.Slider(maximum=most, value=number)

    def painted(model: str, message: str, number: int, value: float) -> tuple[object, ...]:
        """The same by the server, for a browser that cannot draw."""
        large, strip, where, words = views.one_number(script_of(model), message, number, value)
        return str(large), str(strip), str(where), words, gr.Row(visible=True)

    settings = {"model": model, "message": message, "number": number, "value": value}
    section = Section("glyphs", "number", settings, shown, [bars, number])
    section.follow([message.submit], trigger_mode="always_last", show_progress="hidden")
    pulled = "() => cppnLive.toys.glyphs_number.settings"
    ui.at_once(bars.input, None, None, [number, value], js=pulled)
    look = "(number, value) => { cppnLive.toys.glyphs_number?.look({ number, value }); }"
    for slider in (number, value):
        ui.at_once(slider.input, None, [number, value], None, js=look)
    ui.listen(bars.submit, painted, list(settings.values()), [large, strip, where, said, instead])
    return section


def _film_section(model: gr.Dropdown) -> Section:
    """The same messages, written again and again while the networks learnt."""
    gr.Markdown(ui.text("glyphs", "film"))
    with gr.Row():
        with gr.Column():
            film = _picture("The same messages while the networks learnt", kind="webp", buttons=["download"])
        with gr.Column():
            titles = {"x_title": "seconds of learning", "y_title": "R²", "title": "What comes back"}
            curve = gr.LinePlot(x="seconds", y="share", height=260, **titles)
            said = gr.Markdown()

    def learnt(model: str) -> tuple[object, ...]:
        film, curve, words = figures.training(model)
        return _path(film), curve, words

    return Section("glyphs", "film", {"model": model}, learnt, [film, curve, said])


def _learned_section() -> Section:
    """Figures of all models, what grows with message size, and the three experiments with digits."""
    lessons = gr.Markdown()
    with gr.Row():
        plots = [
            gr.LinePlot(
                x="numbers",
                y="value",
                color="signs",
                title=title,
                x_title="numbers in a message",
                y_title=" ",
                color_map={"colour": "#3741a0", "gray": "#8c8c96"},
                sort=[f"{size:,}" for size in sorted({entry.numbers for entry in MODELS.values()})],
                height=280,
                min_width=280,
            )
            for title in figures.GROWTH.values()
        ]
    gr.Markdown(ui.text("glyphs", "learned"))
    with gr.Accordion("All models in numbers", open=False):
        table = gr.Markdown()
        gr.Markdown(ui.text("glyphs", "legend"))
    with gr.Accordion("Is the script good for anything else? Three experiments with digits", open=False):
        digits = gr.Markdown()
        classified = gr.BarPlot(
            x="reader",
            y="share",
            color="weights",
            title="Digits classified correctly",
            x_title=" ",
            x_label_angle=-30,
            y_title=" ",
            y_axis_format=".0%",
            y_lim=[0, 1],
            color_map={"trained": "#465abe", "random": "#aaafb9"},
            height=340,
        )
        sheets = ui.gallery("What the experiments drew", 2)

    def measured() -> tuple[object, ...]:
        drawn = [gr.LinePlot(curves, y_lim=[0, top]) for curves, top in figures.growth()]
        limits = figures.capacity()
        learned = figures.lessons(), ui.text("glyphs", "capacity", **limits) if limits else ""
        shown = figures.table(), *drawn, "\n\n".join(learned)
        found = figures.digits()
        if found is None:
            return *shown, "The experiments with digits have not been run yet.", None, None
        title, measured_with_them = found
        words = ui.text("glyphs", "digits", digits=title, **figures.digit_figures(measured_with_them))
        bars = figures.classified(measured_with_them)
        in_order = [reader for reader, *_ in bars["data"]]
        return *shown, words, gr.BarPlot(bars, sort=in_order), figures.sheets(measured_with_them)

    return Section("glyphs", "learned", {}, measured, [table, *plots, lessons, digits, classified, sheets])


def _how_section(model: gr.Dropdown) -> Section:
    """The explanation, and the registration marks made visible."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            told = ui.explanation()
        with gr.Column(scale=1, min_width=280, elem_classes="result"):
            average = ui.shown("The average of 200 glyphs", buttons=["download", "fullscreen"])
            caption = gr.Markdown(elem_classes="caption")

    def common(model: str) -> tuple[str, ...]:
        script = script_of(model)
        return str(views.average(script)), views.noted(views.AVERAGE, script.note), *ui.explain("glyphs")

    return Section("glyphs", "how", {"model": model}, common, [average, caption, *told])
