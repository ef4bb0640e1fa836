"""The Starry-night tab: paint it, compare it, look at its neurons and bytes, squeeze a picture of your own."""

from __future__ import annotations

import gradio as gr

from cppn.starry import endpoints, exhibit, hexdump, words
from cppn.starry.catalogue import PROGRAMS, painter_of
from cppn.starry.paint import MAX_SIDE
from cppn.tab import (
    DECODING,
    at_first_sight,
    explains_errors,
    hands_over,
    lazily,
    link_box,
    opened,
    picture_input,
    query,
    query_number,
    runs_until_stopped,
    share_link,
)

SECTIONS = {
    "paint": "Paint",
    "compare": "Compare",
    "neurons": "Neurons",
    "program": "The program",
    "squeeze": "A kilobyte of your own",
    "how": "How it works",
}
FIRST = "ours"
CURVE_LIMITS = [4000, 9000]  # of the plotted score; all curves begin far above
FIRST_WIDTH = 1158  # three times the program's own size
FIRST_NEURON = 24  # in the middle of the chain, where there are shapes already
PRESETS = {
    "Whole painting": (1.0, 0.0, 0.0),
    "The moon × 4": (4.0, 0.72, -0.68),
    "The cypress × 3": (3.0, -0.66, 0.3),
    "Beyond the edge": (0.4, 0.0, 0.0),
}
FIRST_EXAMPLE = "A sunset"
CHOICES = [(title, name) for name, title in PROGRAMS.items()]
SIDES = [*CHOICES, ("Your picture", "target")]
PRIVATE = {"api_visibility": "private", **DECODING}


def tab(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Lay out the tab `wing` of `demo`."""
    gr.Markdown(words.LEAD, elem_classes="lead")
    program = gr.Radio(CHOICES, value=FIRST, label="Program")
    with gr.Tabs(overflow_behavior="wrap") as sections:
        with gr.Tab(SECTIONS["paint"], id="paint"):
            view, *shown = _paint_section(program)
        with gr.Tab(SECTIONS["compare"], id="compare") as comparing:
            _compare_section(comparing)
        with gr.Tab(SECTIONS["neurons"], id="neurons") as neurons:
            _neurons_section(neurons, program)
        with gr.Tab(SECTIONS["program"], id="program") as bytes_shown:
            file = _program_section(bytes_shown, program)
        with gr.Tab(SECTIONS["squeeze"], id="squeeze") as squeezing:
            _squeeze_section(squeezing, sections, file)
        with gr.Tab(SECTIONS["how"], id="how") as how:
            _how_section(how)

    def open_link(request: gr.Request) -> tuple[object, ...]:
        """Show what the page's address asks for."""
        asked = query(request)
        if asked.get("tab") != "starry":
            asked = {}
        name = asked.get("program")
        return (
            opened(asked.get("section"), SECTIONS),
            name if name in PROGRAMS else FIRST,
            int(query_number(asked, "width", FIRST_WIDTH, 1, MAX_SIDE)),
            query_number(asked, "zoom", 1.0, 0.25, 16.0),
            query_number(asked, "x", 0.0, -1.5, 1.5),
            query_number(asked, "y", 0.0, -1.5, 1.5),
        )

    loaded, selected = at_first_sight("starry", _paint_both, 3)
    link = demo.load(open_link, None, [sections, program, *view], api_visibility="private")
    link.then(loaded, [program, *view], shown, **PRIVATE)
    wing.select(selected, [shown[0], program, *view], shown, **PRIVATE)


def _show_own(name: str) -> str:
    """The painting that Pyth would make."""
    return str(exhibit.own_painting(painter_of(name)))


def _paint_both(name: str, *view: float) -> tuple[object, ...]:
    """The program's own painting, and the one in the visitor's size and window with its facts."""
    return _show_own(name), *endpoints.paint_starry(name, *view)


def _picture(label: str, **options: object) -> gr.Image:
    """A picture that is only looked at."""
    settings = {"format": "png", "type": "filepath", "interactive": False, "buttons": ["download", "fullscreen"]}
    return gr.Image(label=label, alt_text=label, **{**settings, **options})


def _paint_section(program: gr.Radio) -> tuple[object, ...]:
    """The program's own painting beside one of any size and window.

    Returns:
        Width, zoom and centre (two) in a list; then what `_paint_both` fills.
    """
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            own = _picture("As the program paints it: 386 × 320 pixels", elem_classes="pixels")
            width = gr.Slider(1, MAX_SIDE, value=FIRST_WIDTH, step=1, label="Width in pixels")
            zoom = gr.Slider(0.25, 16, value=1, step=0.25, label="Zoom")
            center_x = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, left to right")
            center_y = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, top to bottom")
            with gr.Row():
                for name, window in PRESETS.items():
                    gr.Button(name, size="sm", min_width=120).click(
                        lambda window=window: window, None, [zoom, center_x, center_y], api_visibility="private"
                    )
        with gr.Column(scale=2, min_width=320):
            large = _picture("Computed between its pixels, at your size")
            said = gr.Markdown()
            link = link_box()
            with gr.Accordion("Facts as data", open=False):
                facts = gr.JSON(label="Facts")
    view = [width, zoom, center_x, center_y]

    def link_to(name: str, width: float, zoom: float, x: float, y: float, request: gr.Request) -> str:
        """The address of this view."""
        return share_link(request, tab="starry", program=name, width=int(width), zoom=zoom, x=x, y=y)

    program.change(explains_errors(_show_own), program, own, **PRIVATE)
    gr.on(
        [component.change for component in (program, *view)],
        explains_errors(endpoints.paint_starry),
        [program, *view],
        [large, facts],
        trigger_mode="always_last",
        show_progress="minimal",
        api_name="paint_starry",
        **DECODING,
    )
    facts.change(words.facts, facts, said, api_visibility="private")
    facts.change(link_to, [program, *view], link, api_visibility="private")
    return view, own, large, facts


def _compare_section(section: gr.Tab) -> None:
    """Two paintings, or a painting and the visitor's picture, under a line to drag."""
    gr.Markdown(words.COMPARE)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            left = gr.Radio(SIDES, value="published", label="Left")
            right = gr.Radio(SIDES, value="ours", label="Right")
            target = picture_input(
                label="Your picture",
                elem_id="starry-target",
            )
        with gr.Column(scale=2, min_width=320):
            pair = gr.ImageSlider(
                label="Two pictures",
                show_label=False,
                format="png",
                interactive=False,
                max_height=640,
                buttons=["download", "fullscreen"],
            )
            said = gr.Markdown()
    outputs = [pair, said]
    inputs = [left, right, target]
    compared = {"fn": explains_errors(endpoints.compare), "inputs": inputs, "outputs": outputs, **PRIVATE}

    first, _ = lazily(endpoints.compare, len(outputs))
    section.select(first, [said, *inputs], outputs, **PRIVATE)
    gr.on([left.input, right.input], **compared)
    target.upload(lambda: "target", None, left, api_visibility="private").then(**compared)


def _neurons_section(section: gr.Tab, program: gr.Radio) -> None:
    """All neurons; a click enlarges one and tells what moves it; all in one sheet."""
    gr.Markdown(words.NEURONS)
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gallery = gr.Gallery(
                label="All neurons",
                show_label=False,
                format="png",
                columns=6,
                height="auto",
                object_fit="contain",
                allow_preview=False,
                interactive=False,
                elem_classes="whole",
            )
        with gr.Column(scale=1, min_width=280):
            chosen = gr.State(FIRST_NEURON)
            large = _picture("The chosen neuron", buttons=["download"])
            caption = gr.Markdown()
    with gr.Accordion("What moves each neuron, in words", open=False):
        captions = gr.Markdown()
    with gr.Accordion("All in one picture", open=False):
        with gr.Row():
            columns = gr.Slider(1, exhibit.MAX_COLUMNS, value=9, step=1, label="Columns")
            button = gr.Button("Make the sheet", variant="primary")
        sheet = _picture("All neurons")
        facts = gr.JSON(label="The strongest inputs of each")

    def show(name: str, number: int) -> tuple[object, ...]:
        """The neurons of the chosen program, one of them large, all in words."""
        neurons = endpoints.neuron_gallery(name)
        large, caption = endpoints.large_neuron(name, number)
        return neurons, large, caption, words.neuron_list(painter_of(name).program)

    def choose(name: str, event: gr.SelectData) -> tuple[int, str, str]:
        """The neuron that was clicked."""
        return event.index, *endpoints.large_neuron(name, event.index)

    gr.on(
        [section.select, program.change],
        explains_errors(show),
        [program, chosen],
        [gallery, large, caption, captions],
        **PRIVATE,
    )
    gallery.select(explains_errors(choose), program, [chosen, large, caption], show_progress="hidden", **PRIVATE)
    button.click(
        explains_errors(endpoints.starry_neurons),
        [program, columns],
        [sheet, facts],
        api_name="starry_neurons",
        **DECODING,
    )


def _program_section(section: gr.Tab, program: gr.Radio) -> gr.File:
    """A program's bytes with their meaning, a shipped one's or an upload's; returns the upload."""
    gr.Markdown(words.PROGRAM)
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            said = gr.Markdown()
            legend = gr.HTML()
            dump = gr.HTML()
        with gr.Column(scale=1, min_width=280):
            download = gr.DownloadButton("Download this program (.pyth)")
            file = gr.File(label="Read a program of yours (.pyth)", file_types=[".pyth"], type="filepath", height=140)
            painted = _picture("What it paints")
            facts_said = gr.Markdown()
            with gr.Accordion("Facts as data", open=False):
                facts = gr.JSON(label="Facts")
    shown = [painted, facts, said, legend, dump, download]

    def show(name: str, path: str | None) -> tuple[object, ...]:
        """The visitor's program, or the chosen one: painting, facts, sentence, legend, hexdump and download."""
        painter = endpoints.uploaded(path) if path else painter_of(name)
        data = painter.data
        return (
            str(exhibit.own_painting(painter)),
            exhibit.facts_of(painter),
            words.bytes_of(painter),
            hexdump.legend(data),
            hexdump.dump(data),
            str(exhibit.copy_for_download(data, f"starry-{painter.name}")),
        )

    gr.on(
        [section.select, file.change, program.change],
        explains_errors(show),
        [program, file],
        shown,
        trigger_mode="always_last",
        **PRIVATE,
    )
    # a program that is chosen takes the place of the visitor's; one that the page's address names must not, since the
    # answer to that may come after a quick visitor's upload
    program.input(lambda: None, None, file, api_visibility="private")
    file.upload(explains_errors(endpoints.paint_program), file, [painted, facts], api_name="paint_program", **DECODING)
    facts.change(words.facts, facts, facts_said, api_visibility="private")
    return file


def _squeeze_section(section: gr.Tab, sections: gr.Tabs, file: gr.File) -> None:
    """Upload a picture, watch a program learn to paint it, take the program away."""
    gr.Markdown(words.SQUEEZE)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            picture = picture_input(
                str(exhibit.EXAMPLES[FIRST_EXAMPLE]),
                label="Your picture",
            )
            seconds = gr.Slider(
                endpoints.SHORTEST_RUN, endpoints.LONGEST_RUN, value=40, step=1, label="Seconds of searching"
            )
            with gr.Row():
                start = gr.Button("Squeeze it", variant="primary")
                stop = gr.Button("Stop")
            gr.Examples(
                [[str(path)] for path in exhibit.EXAMPLES.values()],
                picture,
                example_labels=list(exhibit.EXAMPLES),
                cache_examples=False,
                api_visibility="private",
            )
        with gr.Column(scale=2, min_width=320):
            preview = _picture("What the program paints so far")
            said = gr.Markdown()
            with gr.Row():
                program = gr.File(label="The program", interactive=False, height=80)
                again = gr.Button("Look at its bytes")
            curve = gr.LinePlot(x="seconds", y="score", title="Score while it searches, lower is better", height=240)
    outputs = [preview, curve, program, said]
    runs_until_stopped(start, stop, endpoints.squeeze_picture, [picture, seconds], outputs, "squeeze_picture")
    hands_over(again, program, sections, "program", file)

    def first_look(path: str | None) -> tuple[object, ...]:
        """A program that was found before, the first time that the section opens."""
        return (gr.skip(),) * 3 if path else endpoints.squeezed_example()

    section.select(explains_errors(first_look), program, [preview, program, said], **PRIVATE)


def _how_section(section: gr.Tab) -> None:
    """The scores, how they came down, and everything explained."""
    table = gr.Markdown()
    curve = gr.LinePlot(
        x="minutes",
        y="score",
        color="line",
        title="Score while they learnt, before rounding",
        x_title="minutes on one processor core",
        y_lim=CURVE_LIMITS,
        height=300,
    )
    gr.Markdown(words.HOW)

    def show() -> tuple[object, ...]:
        """The measured figures, if there are any."""
        found = exhibit.search_curves(exhibit.results())
        return words.scores(), gr.LinePlot(found, visible=bool(found["data"]))

    section.select(show, None, [table, curve], api_visibility="private")
