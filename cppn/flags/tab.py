"""The Flags tab: decode a team's flag, browse them all, open a gift, hide a picture of your own."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import gradio as gr

from cppn import toys, ui
from cppn.coordinates import ASPECTS, ORDERS, SPANS, Y_AXES
from cppn.flags import endpoints, views
from cppn.flags.conventions import CHANNELS, VALUES
from cppn.flags.decode import MAX_SIDE, open_gift
from cppn.flags.teams import TEAMS
from cppn.flags.weights import gift_of
from cppn.hub import BUNDLED
from cppn.sections import Section, Wing, hands_over

COMPARE_WIDTH = 960  # pixels of the pictures in the compare slider: sharp on a desk screen, 0.1 s to decode
WHOLE = (1.0, 0.0, 0.0)  # zoom and centre of the whole flag
PRESETS = {
    "Whole flag": WHOLE,
    "Upper left × 4": (4.0, -0.72, -0.72),
    "Middle × 4": (4.0, 0.0, 0.0),
    "Beyond the edge": (0.4, 0.0, 0.0),
}


def tab() -> Wing:
    """Lay out the wing."""
    gr.Markdown(ui.text("flags", "lead"), elem_classes="lead")
    sections = {}
    with gr.Tabs(overflow_behavior="wrap") as tabs:
        with gr.Tab("Decode a flag", id="decode") as place:
            sections["decode"] = place, (decode := _decode_section())
        with gr.Tab("All flags", id="all") as place:
            sections["all"] = place, _all_section(tabs, decode)
        with gr.Tab("Open a gift", id="open") as place:
            sections["open"] = place, (opening := _open_section())
        with gr.Tab("Hide your own picture", id="hide") as place:
            sections["hide"] = place, _hide_section(tabs, opening)
        with gr.Tab("What we learned", id="learned") as place:
            sections["learned"] = place, _learned_section()
    return Wing("flags", tabs, sections)


def compare(team: str, zoom: float, x: float, y: float) -> tuple[object, ...]:
    """What a browser needs to compare a flag with its network in a window, facts, weights, how they were learnt."""
    picture, facts = endpoints.decode_flag(team, COMPARE_WIDTH, zoom, x, y)
    weights = views.copy_for_download(gift_of(TEAMS[team]), team)
    shown = {
        "team": team,
        "name": TEAMS[team].label,
        "weights": str(weights),
        "target": str(views.target_path(team)),
        "picture": str(picture),
        "width": facts["picture_width"],
        "height": facts["picture_height"],
        "view": [zoom, x, y],
    }
    film, curve, learnt = endpoints.flag_progress(team)
    return shown, views.describe(facts), str(weights), str(film), curve, learnt


def _decode_section() -> Section:
    """Choose a team, compare, zoom, watch it learn, paint it large."""
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            choices = [(team.label, team.slug) for team in TEAMS.values()]
            team = gr.Dropdown(choices, value="malaysia", label="Team")
            zoom = gr.Slider(0.25, 16, value=1, step=0.25, label="Zoom")
            center_x = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, left to right")
            center_y = gr.Slider(-1.5, 1.5, value=0, step=0.01, label="Centre, top to bottom")
            with gr.Row():
                presets = {gr.Button(name, size="sm", min_width=120): window for name, window in PRESETS.items()}
        with gr.Column(scale=2, min_width=320):
            pair = toys.live("flags", teams=choices, weights=f"{BUNDLED}/flags/{{}}.safetensors")
            facts = gr.Markdown()
    with gr.Row():
        link = ui.link_box(scale=2)
        download = gr.DownloadButton("Download these weights", scale=1)
    with gr.Accordion("Watch it learn", open=True), gr.Row():
        with gr.Column():
            film = ui.shown(
                "The network's picture while it was trained, from the first step to the last",
                "webp",
                buttons=["download"],
            )
        with gr.Column():
            curve = gr.LinePlot(x="step", y="decibels", title="Quality while it learnt", height=240)
            learnt = gr.Markdown()
    settings = {"team": team, "zoom": zoom, "x": center_x, "y": center_y}
    filled = [pair, facts, download, film, curve, learnt]
    section = Section("flags", "decode", settings, compare, filled, link)
    section.follow(team.input, trigger_mode="always_last")
    toys.looks_through(section, pair, [zoom, center_x, center_y])
    for button, there in presets.items():
        toys.looks_at(button, "flags", there)
    with gr.Accordion("Paint it large", open=False):
        gr.Markdown("The same window, as large as you like: for a wallpaper or a close look between the pixels.")
        with gr.Row():
            width = ui.slider(endpoints.decode_flag, "width", "Width in pixels", value=1280)
            paint = gr.Button("Paint it", variant="primary")
        large = ui.shown("Decoded flag")
        said = gr.Markdown()

    def paint_large(*values: float) -> tuple[str, str]:
        picture, found = endpoints.decode_flag(*values)
        return str(picture), f"{found['picture_width']:,} × {found['picture_height']:,} pixels."

    ui.listen(paint.click, paint_large, [team, width, zoom, center_x, center_y], [large, said], queue="large")
    with gr.Accordion("How it works", open=False):
        ui.explanation(*ui.explain("flags"))
    return section


def _all_section(tabs: gr.Tabs, decode: Section) -> Section:
    """Every flag at a glance; a click opens one."""
    gr.Markdown(
        "Every picture below is painted by its own network. Point at one to see how it learnt; click it to look closer."
    )
    flags = ui.gallery("All flags, decoded", 6, allow_preview=False)
    toys.live("flag_films", films={team.label: str(views.RUNS / f"{slug}.webp") for slug, team in TEAMS.items()})
    words = gr.Markdown()

    def chosen(event: gr.SelectData) -> tuple[object, ...]:
        """Open the whole of the flag that was clicked."""
        return gr.Tabs(selected="decode"), list(TEAMS)[event.index], *WHOLE

    decode.follow(ui.at_once(flags.select, chosen, None, [tabs, *decode.settings.values()]).then)
    with gr.Accordion("A collage of all flags", open=False):
        with gr.Row():
            width = ui.slider(endpoints.flag_collage, "width", "Width in pixels")
            button = gr.Button("Make the collage", variant="primary")
        sheet = ui.shown("Collage")
        said = gr.Markdown()

    def collage(pixels: int) -> tuple[str, str]:
        picture, found = endpoints.flag_collage(pixels)
        return str(picture), views.describe_collage(found)

    ui.listen(button.click, collage, width, [sheet, said], queue="large")
    return Section("flags", "all", {}, lambda: (views.thumbnails(), ""), [flags, words])


def _open_section() -> Section:
    """Upload weights, guess how to feed them."""
    gr.Markdown(ui.text("flags", "open"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            lend = gr.Button("Lend me another one")
            weights = ui.Upload(label="Or bring weights of yours (.safetensors)", height=120)
            order = gr.Radio(list(ORDERS), value="xy", label="Order of the coordinates")
            span = gr.Radio(list(SPANS), value="-1..1", label="Range of the coordinates")
            with gr.Row():
                limits = {"precision": 0, "minimum": 0, "maximum": MAX_SIDE}
                width = gr.Number(0, label="Width", info="0: as the file says", min_width=120, **limits)
                height = gr.Number(0, label="Height", info="0: as above", min_width=120, **limits)
            with gr.Accordion("Rarer habits", open=False):
                y_axis = gr.Radio(list(Y_AXES), value="down", label="Which way y grows")
                aspect = gr.Radio(list(ASPECTS), value="each", label="Which side has that range")
                values = gr.Radio(list(VALUES), value=VALUES[0], label="What the answers are")
                channels = gr.Radio(list(CHANNELS), value="rgb", label="Order of the colours")
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            picture = ui.shown("What the gift holds")
            words = gr.Markdown()
            guesses = ui.gallery("Guesses", 3, allow_preview=False)
            gr.Markdown(ui.text("flags", "guesses"))
    conventions = {
        "order": order,
        "span": span,
        "y_axis": y_axis,
        "aspect": aspect,
        "values": values,
        "channels": channels,
    }
    settings = {"width": width, "height": height, **conventions}
    how = list(settings.values())
    filled = [picture, words]

    def painted(file: Path, *how: object) -> tuple[str, str]:
        shown, facts = endpoints.open_gift(file, *how)
        done = "".join(f"\n- {ui.escaped(sentence)}" for sentence in facts["done"])
        return str(shown), views.describe_gift(facts) + (f"\n\nDone to open it:\n{done}" if done else "")

    def guessed(file: Path | None, *how: object) -> tuple[object, ...]:
        """The riddle: the file in every way that it may have been meant to be fed, and no answer yet."""
        if file is None:
            return None, "", None
        gift = open_gift(file, adapt=True)
        return None, views.describe_riddle(gift), views.gift_guesses(gift)

    def lent(*how: object) -> tuple[object, ...]:
        file = endpoints.lend_gift()
        return str(file), *guessed(file, *how)

    ui.listen(weights.upload, guessed, [weights, *how], [*filled, guesses])
    ui.listen(weights.clear, lambda: (None, "", None), None, [*filled, guesses])
    ui.listen(lend.click, lent, how, [weights, *filled, guesses])

    def reopened(file: Path | None, *values: object) -> tuple[object, object]:
        return painted(file, *values) if file else (ui.SKIP, ui.SKIP)

    ui.listen([c.input for c in how], reopened, [weights, *how], filled, trigger_mode="always_last")

    def chosen(event: gr.SelectData, file: Path | None, width: int, height: int) -> tuple[object, ...]:
        """The guess that was clicked, large, and the settings that it stands for."""
        name = event.value.get("caption") if isinstance(event.value, dict) else None
        gift = open_gift(file, adapt=True) if file else None
        convention = views.guess_of(gift, str(name)) if gift else None
        if convention is None:
            return (ui.SKIP,) * (len(filled) + len(conventions))
        meant = astuple(convention)
        shown, facts = painted(file, width, height, *meant)
        return shown, f"{views.judge_guess(gift, str(name))}\n\n{facts}", *meant

    ui.listen(guesses.select, chosen, [weights, width, height], [*filled, *conventions.values()])
    return Section("flags", "open", settings, lent, [weights, *filled, guesses], receive=guessed)


def _hide_section(tabs: gr.Tabs, opening: Section) -> Section:
    """Upload a picture, watch a network learn it, take the weights away."""
    gr.Markdown(ui.text("flags", "hide"))
    targets = [str(views.TARGETS / f"{slug}.png") for slug in (views.EXAMPLE, "japan", "letovo", "usa")]
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            picture = ui.picture_input(targets[0], label="Your picture")
            seconds = ui.slider(endpoints.hide_picture, "seconds", "Seconds of training")
            with gr.Row():
                start = gr.Button("Hide it", variant="primary")
                stop = gr.Button("Stop")
            gr.Examples(
                [[target] for target in targets],
                picture,
                example_labels=["Isle of Man", "Japan (easy)", "Letovo stand-in", "USA (hard)"],
                cache_examples=False,
                api_visibility="private",
            )
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            preview = ui.shown("What the network shows so far", show_label=True)
            words = gr.Markdown()
            curve = gr.LinePlot(x="step", y="decibels", title="Quality while it learns", height=240)
            with gr.Row():
                weights = ui.Upload(label="Weights", interactive=False, height=80)
                again = gr.Button("Open these weights as a gift")

    def hidden(chosen: Path | None, how_long: float) -> object:
        for look in endpoints.hide_picture(ui.chosen(chosen), how_long):
            yield str(look.picture), look.curve, str(look.weights), look.words

    def example(_seconds: float) -> tuple[object, ...]:
        _, curve, _ = endpoints.flag_progress(views.EXAMPLE)
        painting, words = views.hidden_before()
        return str(painting), curve, str(views.copy_for_download(gift_of(TEAMS[views.EXAMPLE]), "gift")), words

    shown = [preview, curve, weights, words]
    ui.runs_until_stopped(start, stop, hidden, [picture, seconds], shown, words)
    hands_over(again, weights, tabs, opening)
    return Section("flags", "hide", {"seconds": seconds}, example, shown)


def _learned_section() -> Section:
    """The tested hunches of the author of the original flags, a picture that is folded, and optimisers compared."""
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
        for title in views.EXPERIMENT_FLAGS.values()
    ]
    with gr.Accordion("All figures", open=False):
        table = gr.Markdown()
    folding = gr.Markdown()
    zigzags = gr.LinePlot(
        x="x",
        y="value",
        color="zigzag",
        title="The zigzags from left to right",
        y_title=" ",
        height=220,
    )
    optimisers = gr.Markdown()

    def draw() -> tuple[object, ...]:
        rows = views.experiment_rows()
        figures = ui.text("flags", "learned", **views.experiment_figures(rows))
        drawn = [
            gr.ScatterPlot(plot, y_lim=views.room([gain for _, gain, _ in plot["data"]]))
            for plot in views.experiment_plots(rows)
        ]
        folded = ui.text("flags", "folding", **views.folding_figures())
        compared = ui.text("flags", "optimisers", **views.optimiser_figures())
        return figures, views.experiment_table(rows), folded, views.zigzag_plot(), compared, *drawn

    return Section("flags", "learned", {}, draw, [words, table, folding, zigzags, optimisers, *plots])
