"""The Starry-night tab: paint it, compare it, look at its neurons and bytes, squeeze a picture of your own."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from cppn import toys, ui
from cppn.sections import Section, Wing, hands_over, share_link
from cppn.starry import endpoints, hexdump, neurons, views
from cppn.starry.weights import PROGRAMS, Painter, open_program, painter_of

CURVE_LIMITS = [4000, 9000]  # of the plotted score; all curves begin far above
FIRST_NEURON = 24  # in the middle of the chain, where there are shapes already
PRESETS = {
    "Whole painting": (1.0, 0.0, 0.0),
    "The moon × 4": (4.0, 0.72, -0.68),
    "The cypress × 3": (3.0, -0.66, 0.3),
    "Beyond the edge": (0.4, 0.0, 0.0),
}
CHOICES = [(title, name) for name, title in PROGRAMS.items()]
SIDES = [*CHOICES, ("Your picture", "target")]


def tab() -> Wing:
    """Lay out the wing."""
    gr.Markdown(ui.text("starry", "lead"), elem_classes="lead")
    sections = {}
    with gr.Tabs(overflow_behavior="wrap") as tabs:
        with gr.Tab("Paint", id="paint") as place:
            sections["paint"] = place, _paint_section()
        with gr.Tab("Compare", id="compare") as place:
            sections["compare"] = place, _compare_section()
        with gr.Tab("Neurons", id="neurons") as place:
            sections["neurons"] = place, _neurons_section()
        with gr.Tab("The program", id="program") as place:
            sections["program"] = place, (bytes_shown := _program_section())
        with gr.Tab("A kilobyte of your own", id="squeeze") as place:
            sections["squeeze"] = place, _squeeze_section(tabs, bytes_shown)
        with gr.Tab("How it works", id="how") as place:
            sections["how"] = place, _how_section()
    return Wing("starry", tabs, sections)


def _picture(label: str, **options: object) -> gr.Image:
    """A picture with its label, large on demand."""
    settings = {"show_label": True, "buttons": ["download", "fullscreen"]}
    return ui.shown(label, **settings | options)


def _program() -> gr.Radio:
    return gr.Radio(CHOICES, value="ours", label="Program")


def painted(name: str, _width: int, zoom: float, x: float, y: float) -> tuple[object, str]:
    """What a browser needs to paint a program in a window, and what is known of the program."""
    painter = painter_of(name)
    own = painter.program.width
    picture, facts = endpoints.paint_starry(name, own, zoom, x, y)
    shown = {
        "title": PROGRAMS[name],
        "program": str(views.copy_for_download(painter.data, f"starry-{name}")),
        "picture": str(picture),
        "width": own,
        "height": painter.program.height,
        "view": [zoom, x, y],
    }
    return shown, views.describe_program(facts)


def _paint_section() -> Section:
    """The painting, to look around in; any window of it painted large."""
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            program = _program()
            zoom = gr.Slider(0.25, 16, value=1, step=0.25, label="Zoom")
            center_x = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, left to right")
            center_y = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, top to bottom")
            with gr.Row():
                presets = {gr.Button(name, size="sm", min_width=120): window for name, window in PRESETS.items()}
        with gr.Column(scale=2, min_width=320):
            toy = toys.live("starry")
            said = gr.Markdown()
    link = ui.link_box()
    with gr.Accordion("Paint it large", open=False):
        gr.Markdown("The same window, as large as you like: for a wallpaper or a close look between the pixels.")
        with gr.Row():
            width = ui.slider(endpoints.paint_starry, "width", "Width in pixels")
            button = gr.Button("Paint it", variant="primary")
        large = _picture("Computed between its pixels, at your size")
        facts = gr.Markdown()

    def paint_large(*view: object) -> tuple[str, str]:
        picture, known = endpoints.paint_starry(*view)
        return str(picture), views.describe(known)

    settings = {"program": program, "width": width, "zoom": zoom, "x": center_x, "y": center_y}
    section = Section("starry", "paint", settings, painted, [toy, said], link)
    section.follow(program.input, trigger_mode="always_last")
    ui.at_once(width.input, None, [link, width], link, js="(link, width) => cppnLive.linked(link, { width })")
    toys.looks_through(section, toy, [zoom, center_x, center_y])
    for preset, there in presets.items():
        toys.looks_at(preset, "starry", there)
    ui.listen(
        button.click,
        paint_large,
        list(settings.values()),
        [large, facts],
        cost=lambda _, pixels, *__: endpoints.paint_starry.cost(pixels),
    )
    return section


def _compare_section() -> Section:
    """Two paintings, or a painting and the visitor's picture, under a line to drag."""
    gr.Markdown(ui.text("starry", "compare"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            left = gr.Radio(SIDES, value="published", label="Left")
            right = gr.Radio(SIDES, value="ours", label="Right")
            target = ui.picture_input(label="Your picture", elem_id="starry-target")
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            pair = gr.ImageSlider(
                label="Two pictures",
                show_label=False,
                format="png",
                interactive=False,
                max_height=640,
                buttons=["download", "fullscreen"],
            )
            said = gr.Markdown()

    def compared(picture: Path | None, one: str, other: str) -> tuple[object, str]:
        wanted = None if picture is None else views.open_target(picture)
        return tuple(str(views.side(name, wanted)) for name in (one, other)), views.comparison(one, other, wanted)

    def brought(picture: Path, other: str) -> tuple[object, ...]:
        return "target", *compared(picture, "target", other)

    ui.listen([left.input, right.input], compared, [target, left, right], [pair, said])
    ui.listen(target.upload, brought, [target, right], [left, pair, said])
    settings = {"left": left, "right": right}
    return Section("starry", "compare", settings, lambda *sides: compared(None, *sides), [pair, said])


# the toy's chosen neuron into the box and the link, and the box's into the toy and the link
NEURON_CHOSEN = """link => {
  const { neuron } = cppnLive.toys.starry_neurons;
  return [neuron, cppnLive.linked(link, { neuron })];
}"""
NEURON_ASKED = """(link, neuron) => {
  cppnLive.toys.starry_neurons?.look(neuron);
  return cppnLive.linked(link, { neuron });
}"""


def _neurons_section() -> Section:
    """All neurons; one of them large with what moves it; the painting without some of them; all in one sheet."""
    gr.Markdown(ui.text("starry", "neurons"))
    with gr.Row(elem_classes="controls"):
        program = _program()
        number = gr.Number(FIRST_NEURON + 1, precision=0, minimum=1, maximum=96, label="Neuron")
    toy = toys.live("starry_neurons")
    gr.Markdown(ui.text("starry", "inputs"))
    with gr.Accordion("What moves each neuron, in words", open=False):
        captions = gr.Markdown()
    with gr.Accordion("All in one picture", open=False):
        with gr.Row():
            columns = ui.slider(endpoints.starry_neurons, "columns", "Columns")
            button = gr.Button("Make the sheet", variant="primary")
        sheet = _picture("All neurons")
        said = gr.Markdown()
    link = ui.link_box()

    def show(name: str, wanted: int | None) -> tuple[object, ...]:
        painter = painter_of(name)
        picture, facts = endpoints.starry_neurons(name)
        shown = {
            "program": str(views.copy_for_download(painter.data, f"starry-{name}")),
            "picture": str(picture),
            "listed": facts["neurons"],
            "neuron": max(1, wanted or 1),
        }
        return neurons.neuron_list(painter.program), shown

    def all_in_one(name: str, across: int) -> tuple[str, str]:
        picture, facts = endpoints.starry_neurons(name, across)
        return str(picture), f"{len(facts['neurons'])} neurons, {facts['width']:,} × {facts['height']:,} pixels."

    section = Section("starry", "neurons", {"program": program, "neuron": number}, show, [captions, toy], link)
    section.follow(program.input)
    ui.at_once(toy.input, None, link, [number, link], js=NEURON_CHOSEN)
    ui.at_once(number.input, None, [link, number], link, js=NEURON_ASKED)
    ui.listen(button.click, all_in_one, [program, columns], [sheet, said])
    return section


def _in_a_link(program: str | Path) -> dict[str, str]:
    """What a browser needs to put a program into an address: the program, and the page that paints it."""
    return {"program": str(program), "page": share_link(None, tab="starry", section="paint")}


def _program_section() -> Section:
    """A program's bytes with their meaning: a shipped one's, an upload's, or those of a pasted hex dump."""
    gr.Markdown(ui.text("starry", "program"))
    program = _program()
    said = gr.Markdown()
    toy = toys.live("starry_program")
    legend = gr.HTML()
    gr.Markdown(ui.text("starry", "bytes"))
    facts = gr.Markdown()
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            file = ui.Upload(label="Read a program of yours (.pyth, or a hex dump)", height=170)
        with gr.Column(scale=1, min_width=280):
            pasted = gr.Textbox(
                label="Or paste a hex dump of one",
                placeholder="by any tool; base64, a list of numbers or a link from here will do too",
                lines=3,
                max_lines=6,
                max_length=16_000,
            )
            paste = gr.Button("Read what is pasted", size="sm")
            download = gr.DownloadButton("Download this program (.pyth)")
    shown = [said, facts, legend, toy, download]

    def look(painter: Painter) -> tuple[object, ...]:
        picture, _ = views.own_painting(painter)
        data = painter.data
        copied = views.copy_for_download(data, f"starry-{painter.name}")
        bytes_shown = {
            **_in_a_link(copied),
            "parts": hexdump.coloured_parts(data),
            "picture": str(picture),
            "width": painter.program.width,
            "height": painter.program.height,
        }
        facts = views.describe_program(views.facts_of(painter))
        return views.bytes_of(painter), facts, hexdump.legend(data), bytes_shown, str(copied)

    def brought(path: Path | None, name: str) -> tuple[object, ...]:
        return look(painter_of(name) if path is None else open_program(path))

    def read(written: str, path: Path | None, name: str) -> tuple[object, ...]:
        """What is pasted; with an emptied box what stood there before."""
        pasted = (written or "").encode(errors="replace")
        return look(open_program(pasted)) if pasted.strip() else brought(path, name)

    def chosen(name: str) -> tuple[object, ...]:
        """A shipped program takes the place of the visitor's."""
        return None, "", *look(painter_of(name))

    def handed(path: Path, name: str) -> tuple[object, ...]:
        """A file takes the place of what was pasted."""
        return "", *brought(path, name)

    ui.listen([file.upload, file.clear], handed, [file, program], [pasted, *shown])
    ui.listen([paste.click, pasted.submit], read, [pasted, file, program], shown)  # `input` knows of no pasting
    section = Section("starry", "program", {"program": program}, chosen, [file, pasted, *shown], receive=handed)
    section.follow_settings()
    return section


def _squeeze_section(tabs: gr.Tabs, bytes_shown: Section) -> Section:
    """Upload a picture, watch a program learn to paint it, take the program away."""
    gr.Markdown(ui.text("starry", "squeeze"))
    examples = list(views.EXAMPLES.items())
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            picture = ui.picture_input(str(examples[0][1]), label="Your picture")
            seconds = ui.slider(endpoints.squeeze_picture, "seconds", "Seconds of searching")
            with gr.Row():
                start = gr.Button("Squeeze it", variant="primary")
                stop = gr.Button("Stop")
            gr.Examples(
                [[str(path)] for _, path in examples],
                picture,
                example_labels=[title for title, _ in examples],
                cache_examples=False,
                api_visibility="private",
            )
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            preview = _picture("What the program paints so far")
            said = gr.Markdown()
            table = gr.Markdown()
            with gr.Row():
                program = ui.Upload(label="The program", interactive=False, height=80)
                again = gr.Button("Look at its bytes")
            held = toys.live("starry_squeezed")
            curve = gr.LinePlot(x="seconds", y="score", title="Score while it searches, lower is better", height=240)
    gr.Markdown(ui.text("starry", "rivals"))
    rivals = ui.gallery("The same picture as a file of at most 1,024 bytes", 2, show_label=True)

    def squeezed(chosen: Path | None, how_long: float) -> object:
        path, beside = ui.chosen(chosen), None
        for look in endpoints.squeeze_picture(path, how_long):
            files = views.picture_files(path)  # in the first round; meanwhile the search goes on
            beside = views.rivals(files) if beside is None else ui.SKIP
            compared = views.contest(look.curve["data"][-1][1], look.program.stat().st_size, files)
            shown = str(look.picture), str(look.program), look.words, _in_a_link(look.program)
            yield *shown, compared, beside, look.curve

    def example(_seconds: float) -> tuple[object, ...]:
        painted, program, words, *beside = views.example()
        return painted, program, words, _in_a_link(program), *beside

    outputs = [preview, program, said, held, table, rivals]
    ui.runs_until_stopped(start, stop, squeezed, [picture, seconds], [*outputs, curve], said)
    hands_over(again, program, tabs, bytes_shown)
    return Section("starry", "squeeze", {"seconds": seconds}, example, outputs)


def _how_section() -> Section:
    """The scores, how they came down, and everything explained."""
    table = gr.Markdown()
    curve = gr.LinePlot(
        x="minutes",
        y="score",
        color="line",
        title="Score before rounding",
        x_title="minutes on one processor core",
        y_lim=CURVE_LIMITS,
        height=300,
    )
    told = ui.explanation()

    def explained() -> tuple[object, ...]:
        return views.scores(), views.search_curves(views.results()), *ui.explain("starry")

    return Section("starry", "how", {}, explained, [table, curve, *told])
