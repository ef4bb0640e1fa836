"""The Flags tab: decode a team's flag, browse them all, open a gift, hide a picture of your own."""

from __future__ import annotations

import gradio as gr

from cppn import render
from cppn.coordinates import ORDERS, SPANS, view_of
from cppn.flags import endpoints, exhibit
from cppn.flags.decode import MAX_SIDE, gift_of
from cppn.flags.teams import TEAMS, find_team
from cppn.tab import (
    DECODING,
    at_first_sight,
    explains_errors,
    hands_over,
    link_box,
    opened,
    picture_input,
    query,
    query_number,
    runs_until_stopped,
    share_link,
)

COMPARE_WIDTH = 960  # pixels of the pictures in the compare slider: sharp on a desk screen, 0.1 s to decode
SECTIONS = {"decode": "Decode a flag", "all": "All flags", "open": "Open a gift", "hide": "Hide your own picture"}
PRESETS = {
    "Whole flag": (1.0, 0.0, 0.0),
    "Upper left × 4": (4.0, -0.72, -0.72),
    "Middle × 4": (4.0, 0.0, 0.0),
    "Beyond the edge": (0.4, 0.0, 0.0),
}

LEAD = """
In 2024 every team at the AI olympiad IOAI was sent a puzzle: a file of 6,675 numbers and the network they belong to,
nothing else. Feed the network a position on the picture, and it answers with a colour. Do that for every position, and
a flag appears. **These networks were trained again from nothing, by the recipe in this repository.**
"""
HOW = """
A **pixel picture** stores one colour after another. This network stores none. It is a formula with 6,675 adjustable
numbers: you put in a position, x from -1 (left) to 1 (right) and y from -1 (top) to 1 (bottom), it multiplies, adds and
bends eight times, and out come red, green and blue. Training means: pick positions, compare the formula's colours with
the flag's, nudge every number a little so that the difference shrinks, and repeat some ten thousand times.

Because it is a formula, it has an answer **between** the pixels (zoom in: no blocks) and **outside** the picture (zoom
out: it never learnt anything there and makes something up). A network of this kind is called a *compositional
pattern-producing network*, CPPN for short.

**Decibels (dB)** say how close two pictures are: 30 dB is good, 40 dB hard to tell apart, and every 6 dB more halve the
error. The file is larger than a PNG of the flag. It is a puzzle, not a way to save space.
"""


@explains_errors
def compare(team: str, zoom: float, center_x: float, center_y: float) -> tuple[tuple[str, str], str, str]:
    """The true flag and the decoded one in the same window, the facts in words, and a download."""
    view = view_of(zoom, center_x, center_y)
    path, facts = exhibit.flag_picture(team, COMPARE_WIDTH, view)
    target = exhibit.target_picture(find_team(team), facts["picture_width"], facts["picture_height"], view)
    weights = exhibit.copy_for_download(gift_of(find_team(team)), team)
    return (str(target), str(path)), exhibit.describe(facts), str(weights)


def link_to(team: str, zoom: float, center_x: float, center_y: float, request: gr.Request) -> str:
    """The address of this view."""
    return share_link(request, tab="flags", team=team, zoom=zoom, x=center_x, y=center_y)


def tab(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Lay out the tab `wing` of `demo`."""
    gr.api(endpoints.list_teams, api_name="list_teams", **DECODING)
    gr.Markdown(LEAD, elem_classes="lead")
    with gr.Tabs(overflow_behavior="wrap") as sections:
        with gr.Tab(SECTIONS["decode"], id="decode"):
            *view, width = _decode_section(demo, wing)
        with gr.Tab(SECTIONS["all"], id="all") as all_flags:
            _all_section(all_flags, sections, view[0])
        with gr.Tab(SECTIONS["open"], id="open") as opening:
            gift = _open_section(opening)
        with gr.Tab(SECTIONS["hide"], id="hide"):
            _hide_section(sections, gift)
        with gr.Tab("What we learned", id="learned") as learned:
            _learned_section(learned)

    def open_link(request: gr.Request) -> tuple[object, ...]:
        """Show what the page's address asks for."""
        asked = query(request)
        team = asked.get("team", "malaysia")
        return (
            opened(asked.get("section"), {*SECTIONS, "learned"}),
            team if team in TEAMS else "malaysia",
            query_number(asked, "zoom", 1.0, 0.25, 16.0),
            query_number(asked, "x", 0.0, -1.5, 1.5),
            query_number(asked, "y", 0.0, -1.5, 1.5),
            1280,  # a good size to look at; callers of the endpoint start from a flag's own 320
        )

    demo.load(open_link, None, [sections, *view, width], api_visibility="private")


def _decode_section(demo: gr.Blocks, wing: gr.Tab) -> list[gr.components.Component]:
    """Choose a team, compare, zoom, watch it learn, paint it large; returns team, zoom, centre (two) and width."""
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            choices = [(team.label, team.slug) for team in TEAMS.values()]
            team = gr.Dropdown(choices, value="malaysia", label="Team")
            zoom = gr.Slider(0.25, 16, value=1, step=0.25, label="Zoom")
            center_x = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, left to right")
            center_y = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, top to bottom")
            with gr.Row():
                for name, window in PRESETS.items():
                    _preset(name, window, [zoom, center_x, center_y])
        with gr.Column(scale=2, min_width=320):
            pair = gr.ImageSlider(
                label="True flag and decoded flag",
                show_label=False,
                format="png",
                interactive=False,
                max_height=560,
                buttons=["download", "fullscreen"],
            )
            gr.Markdown(
                "◀ the true flag &nbsp;|&nbsp; painted by the network ▶ &nbsp; Drag the line.", elem_classes="caption"
            )
            facts = gr.Markdown()
    with gr.Row():
        link = link_box(scale=2)
        download = gr.DownloadButton("Download these weights", scale=1)
    view = [team, zoom, center_x, center_y]
    filled = [pair, facts, download]
    loaded, selected = at_first_sight("flags", compare, len(filled))
    gr.on(
        [component.change for component in view],
        compare,
        view,
        filled,
        trigger_mode="always_last",
        show_progress="minimal",
        api_visibility="private",
        **DECODING,
    )
    demo.load(loaded, view, filled, api_visibility="private", **DECODING)
    wing.select(selected, [facts, *view], filled, api_visibility="private", **DECODING)
    facts.change(link_to, view, link, api_visibility="private")
    _film(demo, wing, team)
    with gr.Accordion("Paint it large", open=False):
        gr.Markdown("The same window, as large as you like: for a wallpaper or a close look between the pixels.")
        with gr.Row():
            width = gr.Slider(1, MAX_SIDE, value=320, step=1, label="Width in pixels")
            paint = gr.Button("Paint it", variant="primary")
        large = gr.Image(label="Decoded flag", format="png", type="filepath", interactive=False)
        data = gr.JSON(label="Facts")
        inputs = [team, width, zoom, center_x, center_y]
        paint.click(explains_errors(endpoints.decode_flag), inputs, [large, data], api_name="decode_flag", **DECODING)
    with gr.Accordion("How it works", open=False):
        gr.Markdown(HOW)
    return [*view, width]


def _preset(name: str, window: tuple[float, float, float], sliders: list[gr.Slider]) -> None:
    """A button that moves the zoom and centre sliders."""
    gr.Button(name, size="sm", min_width=120).click(lambda: window, None, sliders, api_visibility="private")


def _film(demo: gr.Blocks, wing: gr.Tab, team: gr.Dropdown) -> None:
    """The training of the chosen flag as an animation and a curve."""
    with gr.Accordion("Watch it learn", open=True), gr.Row():
        with gr.Column():
            film = gr.Image(
                label="The network's picture while it was trained, from the first step to the last",
                show_label=False,
                format="webp",
                type="filepath",
                interactive=False,
                buttons=["download"],
            )
        with gr.Column():
            curve = gr.LinePlot(x="step", y="decibels", title="Quality while it learnt", height=240)
            words = gr.Markdown()
    filled = [film, curve, words]
    settings = {"outputs": filled, "show_progress": "hidden", **DECODING}
    loaded, selected = at_first_sight("flags", endpoints.flag_progress, len(filled))
    team.change(explains_errors(endpoints.flag_progress), team, **settings, api_name="flag_progress")
    demo.load(loaded, team, **settings, api_visibility="private")
    wing.select(selected, [film, team], **settings, api_visibility="private")


def _all_section(section: gr.Tab, sections: gr.Tabs, team: gr.Dropdown) -> None:
    """Every flag at a glance; a click opens one."""
    gr.Markdown("Every picture below is painted by its own network. Click one to look closer.")
    gallery = gr.Gallery(
        label="All flags, decoded",
        show_label=False,
        format="png",
        columns=6,
        height="auto",
        object_fit="contain",
        allow_preview=False,
        interactive=False,
        elem_classes="whole",
    )

    def thumbnails(shown: object) -> object:
        """Decode all flags the first time that the section opens."""
        return gr.skip() if shown else [(str(path), name) for path, name in exhibit.thumbnails()]

    def chosen(event: gr.SelectData) -> tuple[gr.Tabs, str]:
        """Open the flag that was clicked."""
        return gr.Tabs(selected="decode"), list(TEAMS)[event.index]

    section.select(explains_errors(thumbnails), gallery, gallery, api_visibility="private", **DECODING)
    gallery.select(chosen, None, [sections, team], api_visibility="private")
    with gr.Accordion("A collage of all flags", open=False):
        with gr.Row():
            width = gr.Slider(256, MAX_SIDE, value=1600, step=1, label="Width in pixels")
            button = gr.Button("Make the collage", variant="primary")
        sheet = gr.Image(label="Collage", format="png", type="filepath", interactive=False)
        facts = gr.JSON(label="Facts")
    button.click(explains_errors(endpoints.flag_collage), width, [sheet, facts], api_name="flag_collage", **DECODING)


def _open_section(section: gr.Tab) -> gr.File:
    """Upload weights, guess how to feed them; returns the upload."""
    gr.Markdown(
        "You were given a `.safetensors` file of a MysteryNet and nothing else. What is in it? "
        "The file need not tell the picture's size, nor in which order and range the network takes its coordinates."
    )
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            weights = gr.File(label="Weights (.safetensors)", file_types=[".safetensors"], type="filepath", height=120)
            lend = gr.Button("Lend me one", size="sm")
            with gr.Row():
                width = gr.Number(
                    0, label="Width", precision=0, minimum=0, maximum=MAX_SIDE, info="0: as the file says"
                )
                height = gr.Number(0, label="Height", precision=0, minimum=0, maximum=MAX_SIDE, info="0: as above")
            order = gr.Radio(list(ORDERS), value="xy", label="Order of the coordinates")
            span = gr.Radio(list(SPANS), value="-1..1", label="Range of the coordinates")
            button = gr.Button("Open it", variant="primary")
        with gr.Column(scale=2, min_width=320):
            picture = gr.Image(
                label="What the gift holds", show_label=False, format="png", type="filepath", interactive=False
            )
            words = gr.Markdown()
            with gr.Accordion("Facts as data", open=False):
                facts = gr.JSON(label="Facts")
    gr.Markdown("**All six guesses.** Only one of them is how the network was trained; the others are its daydreams.")
    gallery = gr.Gallery(
        label="All six guesses",
        show_label=False,
        format="png",
        columns=3,
        height="auto",
        object_fit="contain",
        interactive=False,
        elem_classes="whole",
    )
    lend.click(endpoints.lend_gift, None, weights, api_visibility="private")

    def lend_first(chosen: str | None) -> object:
        """Have a gift ready the first time that the section opens."""
        return gr.skip() if chosen else endpoints.lend_gift()

    def reopen(*values: object) -> object:
        """Follow every change of the file and of the guess; an emptied upload leaves the last picture standing."""
        return endpoints.open_gift(*values) if values[0] else (gr.skip(), gr.skip())

    def guess(path: str | None) -> object:
        """Paint a new file in every way that it may have been meant."""
        return endpoints.guess_gallery(path) if path else gr.skip()

    section.select(lend_first, weights, weights, api_visibility="private")
    how = [weights, width, height, order, span]
    button.click(explains_errors(endpoints.open_gift), how, [picture, facts], api_name="open_gift", **DECODING)
    gr.on(
        [component.change for component in how],
        explains_errors(reopen),
        how,
        [picture, facts],
        trigger_mode="always_last",
        api_visibility="private",
        **DECODING,
    )
    facts.change(exhibit.describe_gift, facts, words, api_visibility="private")
    weights.change(explains_errors(guess), weights, gallery, api_visibility="private", **DECODING)
    return weights


def _hide_section(sections: gr.Tabs, gift: gr.File) -> None:
    """Upload a picture, watch a network learn it, take the weights away."""
    gr.Markdown(
        "Choose a picture and watch a fresh network of 6,675 numbers learn it. Bold shapes and few colours work best; "
        "photographs come out as paintings. Then send the weights to a friend and let them find out."
    )
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            picture = picture_input(
                str(exhibit.TARGETS / "isle_of_man.png"),
                label="Your picture",
            )
            seconds = gr.Slider(5, endpoints.LONGEST_RUN, value=20, step=1, label="Seconds of training")
            with gr.Row():
                start = gr.Button("Hide it", variant="primary")
                stop = gr.Button("Stop")
            gr.Examples(
                [[str(exhibit.TARGETS / f"{slug}.png")] for slug in ("japan", "isle_of_man", "letovo", "usa")],
                picture,
                example_labels=["Japan (easy)", "Isle of Man", "Letovo stand-in", "USA (hard)"],
                cache_examples=False,
                api_visibility="private",
            )
        with gr.Column(scale=2, min_width=320):
            preview = gr.Image(label="What the network shows so far", format="png", type="filepath", interactive=False)
            words = gr.Markdown()
            curve = gr.LinePlot(x="step", y="decibels", title="Quality while it learns", height=240)
            with gr.Row():
                weights = gr.File(label="Weights", interactive=False, height=80)
                again = gr.Button("Open these weights as a gift")
    outputs = [preview, curve, weights, words]
    runs_until_stopped(start, stop, endpoints.hide_picture, [picture, seconds], outputs, "hide_picture")
    hands_over(again, weights, sections, "open", gift)


def _learned_section(section: gr.Tab) -> None:
    """The tested hunches of the author of the original flags."""
    words = gr.Markdown()
    plots = [
        gr.ScatterPlot(
            x="arm",
            y="gain",
            color="setting",
            title=title,
            x_title=" ",
            x_label_angle=-40,
            y_title="gain over plain, dB",
            height=340,
        )
        for title in exhibit.EXPERIMENT_FLAGS.values()
    ]
    with gr.Accordion("All figures", open=False):
        table = gr.Markdown()

    def draw() -> tuple[object, ...]:
        """The findings in words and the gains of every arm, one plot a flag."""
        rows = exhibit.experiment_rows()
        columns = {"arm": "nominal", "gain": "quantitative", "setting": "nominal"}
        arms = [row for row in rows if row["arm"] != "plain"]
        data = [
            render.plot_data(columns, ([row[name] for name in columns] for row in arms if row["flag"] == flag), "point")
            for flag in exhibit.EXPERIMENT_FLAGS
        ]
        return exhibit.learned_words(rows), exhibit.experiment_table(rows), *data

    section.select(draw, None, [words, table, *plots], api_visibility="private")
