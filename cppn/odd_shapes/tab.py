"""The Odd-shapes tab: find the odd one out, see what the attention looks at, beat the network."""

from __future__ import annotations

import random

import gradio as gr

from cppn.odd_shapes import endpoints, exhibit, words
from cppn.odd_shapes.catalogue import NETWORKS
from cppn.odd_shapes.contest import Game
from cppn.odd_shapes.dataset import KINDS
from cppn.tab import (
    DECODING,
    TRAINING,
    at_first_sight,
    explains_errors,
    link_box,
    picture_input,
    query,
    query_number,
    share_link,
)

CHOICES = [endpoints.ANY, *KINDS]
LAST_SEED = 999_999
FIRST_SEED = 1
FRAMES = 4  # heads times layers of our network, the larger one
PRIVATE = {"api_visibility": "private", **DECODING}


def tab(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Lay out the tab `wing` of `demo`."""
    gr.Markdown(words.LEAD, elem_classes="lead")
    with gr.Tabs(overflow_behavior="wrap"):
        with gr.Tab("Find it", id="find"):
            _find_section(demo, wing)
        with gr.Tab("What the attention does", id="attention") as attention:
            _attention_section(attention)
        with gr.Tab("Beat the network", id="contest") as contest:
            _contest_section(contest)
        with gr.Tab("How good it is", id="score") as score:
            _score_section(score)
        with gr.Tab("How it works", id="how"):
            gr.Markdown(words.HOW)


def open_link(request: gr.Request) -> tuple[int, str, str, int]:
    """Seed, kinds and number of shapes that the page's address asks for."""
    asked = query(request)
    if asked.get("tab") != "odd_shapes":
        return FIRST_SEED, endpoints.ANY, endpoints.ANY, 0
    kinds = [asked.get(name, "") for name in ("base", "odd")]
    base, odd = (kind if kind in KINDS else endpoints.ANY for kind in kinds)
    seed = int(query_number(asked, "seed", FIRST_SEED, 0, LAST_SEED))
    count = int(query_number(asked, "count", 0, 0, 6))
    return seed, base, endpoints.ANY if odd == base else odd, count if count >= 3 else 0


def link_to(seed: int, base: str, odd: str, count: int, request: gr.Request) -> str:
    """The address of the picture that these choices draw."""
    return share_link(request, tab="odd_shapes", seed=seed, base=base, odd=odd, count=count)


def _find_section(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Draw or bring a picture, see the answer, and ask tokens what they look at."""
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            with gr.Tabs():
                with gr.Tab("Draw one"):
                    options = _options()
                with gr.Tab("Draw your own"):
                    sketch, use = _sketch()
            picture = picture_input(
                label="The picture; you can upload another",
                height=240,
                elem_classes="pixels",
            )
            network = gr.Radio([(title, name) for name, title in NETWORKS.items()], value="ours", label="Network")
        with gr.Column(scale=2, min_width=320):
            overlay = _shown("Where the odd shape is")
            gr.Markdown(words.MARKS, elem_classes="caption")
            answer = gr.Markdown()
            link = link_box("Link to the drawn picture")
    gr.Markdown("**Click a place on any map, or on the picture above,** to see what the token there attends to.")
    with gr.Row():
        maps = [_shown("What the network thinks likely"), _shown("Where the likely tokens point")]
    heads = []
    for layer in (1, 2):
        with gr.Row():
            heads += [_shown(f"Attention: layer {layer}, head {head}") for head in (1, 2)]
    truth = _data_accordion(picture, network)
    filled = [picture, truth, overlay, answer, *maps, *heads]
    explain = {
        "fn": explains_errors(explain_picture),
        "inputs": [picture, truth, network],
        "outputs": [overlay, answer, *maps, *heads],
        "show_progress": "minimal",
        **PRIVATE,
    }
    draw = {"fn": explains_errors(endpoints.draw_odd_shapes), "inputs": options, "outputs": [picture, truth]}
    link_it = {"fn": link_to, "inputs": options, "outputs": link, "api_visibility": "private"}
    gr.on(
        [option.change for option in options],
        **draw,
        trigger_mode="always_last",
        show_progress="hidden",
        api_name="draw_odd_shapes",
        **DECODING,
    ).then(**explain).then(**link_it)
    loaded, selected = at_first_sight("odd_shapes", draw_and_explain, len(filled))
    opening = demo.load(open_link, None, options, api_visibility="private")
    opening.then(loaded, [network, *options], filled, **PRIVATE).then(**link_it)
    wing.select(selected, [overlay, network, *options], filled, **PRIVATE).then(**link_it)
    use.click(endpoints.finished_drawing, sketch, picture, api_visibility="private").then(**explain)
    gr.on([picture.upload, network.change], **explain)
    for shown in (overlay, *maps, *heads):
        shown.select(explains_errors(ask), [picture, network], heads, show_progress="hidden", **PRIVATE)


def draw_and_explain(network: str, *options: object) -> tuple[object, ...]:
    """Draw a picture and fill the section with its answer."""
    picture, truth = endpoints.draw_odd_shapes(*options)
    return picture, truth, *explain_picture(picture, truth, network)


def explain_picture(picture: str | None, truth: dict | None, network: str) -> tuple[object, ...]:
    """Fill the section with one picture's answer."""
    *shown, attention = endpoints.explain(picture, truth, network)
    return *shown, *_in_frames(attention)


def ask(picture: str | None, network: str, event: gr.SelectData) -> tuple[object, ...]:
    """The attention of the token that was clicked, on any of the enlarged pictures."""
    return _in_frames(endpoints.attention_at(picture, network, tuple(event.index)))


def _in_frames(maps: list[str]) -> tuple[object, ...]:
    """A map for each of the four frames; those that this network has no head for are taken away."""
    return tuple(gr.Image(maps[n] if n < len(maps) else None, visible=n < len(maps)) for n in range(FRAMES))


def _shown(label: str) -> gr.Image:
    """A picture that is only looked at, or clicked."""
    return gr.Image(label=label, format="png", type="filepath", interactive=False, buttons=["download", "fullscreen"])


def _options() -> list[gr.components.Component]:
    """Seed, kinds and number of shapes; and a button that changes the seed."""
    with gr.Row():
        seed = gr.Number(FIRST_SEED, label="Seed", precision=0, minimum=0, maximum=LAST_SEED, min_width=100)
        count = gr.Dropdown(endpoints.COUNTS, value=0, label="How many", min_width=100)
    with gr.Row():
        base = gr.Dropdown(CHOICES, value=endpoints.ANY, label="The many", min_width=100)
        odd = gr.Dropdown(CHOICES, value=endpoints.ANY, label="The odd one", min_width=100)
    another = gr.Button("Another picture", variant="primary")
    another.click(lambda: random.randint(0, LAST_SEED), None, seed, api_visibility="private")
    return [seed, base, odd, count]


def _sketch() -> tuple[gr.Sketchpad, gr.Button]:
    """A canvas to paint on, and the button that hands the painting over."""
    gr.Markdown(words.SKETCH)
    sketch = gr.Sketchpad(
        show_label=False,
        placeholder="Choose the brush on the left,\nthen paint here",
        type="filepath",
        canvas_size=(256, 256),
        brush=gr.Brush(default_size=24, colors=["#000000"], color_mode="fixed"),
        layers=False,
    )
    return sketch, gr.Button("Find the odd one in it", variant="primary")


def _data_accordion(picture: gr.Image, network: gr.Radio) -> gr.JSON:
    """The answer, single maps and the truth as data; returns the truth."""
    with gr.Accordion("The same as data", open=False):
        truth = gr.JSON(label="The truth about the drawn picture")
        locate = gr.Button("Locate the odd shape", size="sm")
        with gr.Row():
            pictures = [_shown(title) for title in ("Answer", "Probability", "Offsets")]
        report = gr.JSON(label="Report")
        with gr.Row():
            token = gr.Number(-1, label="Token", info="0 to 143 row by row; -1: the likeliest", precision=0)
            layer = gr.Number(1, label="Layer", info="from 1", precision=0)
            head = gr.Number(1, label="Head", info="from 1; 0: the mean", precision=0)
        attend = gr.Button("Show its attention", size="sm")
        one, row = _shown("Attention"), gr.JSON(label="Attention to each token")
    locate.click(
        explains_errors(endpoints.locate_odd_shape),
        [picture, network],
        [*pictures, report],
        api_name="locate_odd_shape",
        **DECODING,
    )
    attend.click(
        explains_errors(endpoints.attention_of),
        [picture, token, layer, head, network],
        [one, row],
        api_name="attention_of",
        **DECODING,
    )
    return truth


def _attention_section(section: gr.Tab) -> None:
    """The discussion that the homework asks for, with measured numbers."""
    discussion = gr.Markdown()
    section.select(words.attention, None, discussion, api_visibility="private")


def _contest_section(section: gr.Tab) -> None:
    """Ten pictures, a click each, both scores."""
    game = gr.State(None)
    gr.Markdown(words.CONTEST)
    picture = gr.Image(
        label="Click the centre of the odd shape",
        show_label=False,
        format="png",
        type="filepath",
        interactive=False,
        buttons=[],
    )
    state = gr.Markdown()
    go_on = gr.Button("Next picture", variant="primary")
    outputs = [game, picture, state]

    def begin(running: Game | None) -> tuple[object, ...]:
        """Start a contest the first time that the section opens."""
        return (gr.skip(),) * 3 if running else endpoints.play(Game(random.randint(0, LAST_SEED)))

    def click(running: Game, event: gr.SelectData) -> tuple[Game, str, str]:
        """Take the click and show what is true."""
        return endpoints.play(running.click(exhibit.canvas_point(tuple(event.index))))

    def next_picture(running: Game | None) -> tuple[Game, str, str]:
        """Go on after an answer; a picture that was not clicked stays."""
        return endpoints.play((running or Game(random.randint(0, LAST_SEED))).go_on())

    section.select(explains_errors(begin), game, outputs, **PRIVATE)
    picture.select(explains_errors(click), game, outputs, show_progress="hidden", **PRIVATE)
    go_on.click(explains_errors(next_picture), game, outputs, show_progress="hidden", **PRIVATE)


def _score_section(section: gr.Tab) -> None:
    """Measured figures, the training curve with the homework's levels, and a measurement of the visitor's own."""
    figures = gr.Markdown()
    curve = gr.LinePlot(
        x="pictures",
        y="rmse",
        color="line",
        title="Error while it learnt",
        x_title="pictures seen",
        y_title="RMSE a coordinate, pixels",
        y_lim=[0, 16],
        height=340,
    )
    section.select(
        lambda: (words.figures(), exhibit.training_curves()), None, [figures, curve], api_visibility="private"
    )
    with gr.Accordion("Measure it yourself", open=False):
        with gr.Row():
            count = gr.Slider(1, endpoints.MOST_SCORED, value=1000, step=1, label="Fresh pictures")
            seed = gr.Number(0, label="Seed", precision=0)
            network = gr.Radio([(title, name) for name, title in NETWORKS.items()], value="ours", label="Network")
        with gr.Row():
            start = gr.Button("Measure", variant="primary")
            stop = gr.Button("Stop")
        state, facts = gr.Markdown(), gr.JSON(label="Score")
    run = start.click(
        explains_errors(endpoints.score_odd_shapes),
        [count, seed, network],
        [state, facts],
        api_name="score_odd_shapes",
        show_progress="minimal",
        **TRAINING,
    )
    stop.click(None, cancels=[run], api_visibility="private")
