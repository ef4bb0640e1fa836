"""The Odd-shapes tab: find the odd one out, see what the attention looks at, beat the network."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from cppn import toys, ui
from cppn.faults import VisitorError
from cppn.odd_shapes import endpoints, maps, views
from cppn.odd_shapes.canvas import open_canvas
from cppn.odd_shapes.contest import Game, contest
from cppn.odd_shapes.dataset import CANVAS, FEWEST, KINDS, MOST
from cppn.odd_shapes.locate import locate
from cppn.odd_shapes.posterior import TooManyError, posterior
from cppn.odd_shapes.weights import NETWORKS, finder_of
from cppn.sections import Section, Wing, share_link

CHOICES = [endpoints.ANY, *KINDS]
COUNTS = [(endpoints.ANY, 0), *((str(number), number) for number in range(FEWEST, MOST + 1))]
LAST_SEED = 999_999
HARD = 0.25  # share of the odd shape in view up to which a picture is called hard; a tenth of them are
SHOWN_FIRST = 85  # the seed of a picture that is hard, has a quick exact answer, and leaves something to guess
PATIENCE = 3.0  # processor seconds for an exact answer; 99 of 100 pictures need about one
FRAMES = endpoints.LAYERS * endpoints.HEADS


def tab() -> Wing:
    """Lay out the wing."""
    gr.Markdown(ui.text("odd_shapes", "lead"), elem_classes="lead")
    sections = {}
    with gr.Tabs(overflow_behavior="wrap") as tabs:
        with gr.Tab("Find it", id="find") as place:
            sections["find"] = place, _find_section()
        with gr.Tab("The exact answer", id="exact") as place:
            sections["exact"] = place, _exact_section()
        with gr.Tab("What the attention does", id="attention") as place:
            sections["attention"] = place, _attention_section()
        with gr.Tab("Beat the network", id="contest") as place:
            sections["contest"] = place, _contest_section()
        with gr.Tab("How good it is", id="score") as place:
            sections["score"] = place, _score_section()
        with gr.Tab("How it works", id="how") as place:
            sections["how"] = place, Section("odd_shapes", "how", {}, _explained, ui.explanation())
    return Wing("odd_shapes", tabs, sections)


def _explained() -> tuple[str, str]:
    return ui.explain("odd_shapes", noise=views.results()["noise"])


# --- find it


def _find_section() -> Section:
    """Move shapes, draw or bring a picture, see the answer, and ask tokens what they look at."""
    gr.Markdown(ui.text("odd_shapes", "find"))
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            toy = toys.live("odd_shapes")
            remarks = gr.Markdown()
            gr.Markdown(ui.text("odd_shapes", "drawing"))
        with gr.Column(scale=1, min_width=280):
            options, another = _options()
            network = _networks()
            picture = ui.picture_input(label="The picture; you can upload another", height=200, elem_classes="pixels")
    link = ui.link_box("Link to the drawn picture")
    with gr.Accordion("The picture as it came, large, answered by the server", open=False):
        with gr.Row():
            overlay = _map("Where the odd shape is")
            words = gr.Markdown()
        gr.Markdown("**Click a place on any map** to see what the token there attends to.")
        with gr.Row():
            likely, arrows = _map("What the network thinks likely"), _map("Where the likely tokens point")
        heads = []
        for layer in range(1, endpoints.LAYERS + 1):
            with gr.Row():
                heads += [_map(f"Attention: layer {layer}, head {head}") for head in range(1, endpoints.HEADS + 1)]
    truth = gr.State(None)  # about the drawn picture; nobody knows it of any other
    found = [toy, remarks, overlay, words, likely, arrows, *heads]
    settings = {**options, "network": network}
    section = Section("odd_shapes", "find", settings, drawn, [picture, truth, *found], link)
    section.follow([option.input for option in options.values()], trigger_mode="always_last")
    section.follow(ui.at_once(another.click, lambda: random.randint(0, LAST_SEED), None, options["seed"]).then)

    def other_network(request: gr.Request, file: Path | None, known: views.Facts | None, *chosen: object) -> object:
        """The same picture, whatever it is, and the link to the network that looks at it."""
        asked = dict(zip(settings, chosen, strict=True))
        return *explained(file, known, asked["network"]), share_link(request, tab="odd_shapes", section="find", **asked)

    ui.listen(network.input, other_network, [picture, truth, *settings.values()], [*found, link])
    ui.listen(picture.upload, explained, [picture, truth, network], found)
    removed = [None, "Choose, draw or upload a picture.", *[None] * (len(found) - 2)]
    ui.listen(picture.clear, lambda: removed, None, found)
    ui.at_once(toy.input, None, None, [remarks], js="() => ''")
    for shown in (overlay, likely, arrows, *heads):
        ui.listen(shown.select, asked_token, [picture, network], [words, *heads], show_progress="hidden")
    return section


def drawn(seed: int, base: str, odd: str, count: int, network: str) -> tuple[object, ...]:
    """A picture by the rules, the truth about it, and its answer."""
    picture, truth = endpoints.draw_odd_shapes(seed, base, odd, count)
    return str(picture), truth, *explained(picture, truth, network)


def explained(file: Path | None, truth: views.Facts | None, network: str) -> tuple[object, ...]:
    """What a browser needs to answer, remarks, then mark, words, two maps, and the attention of the likeliest token."""
    if file is None:
        raise VisitorError("choose, draw or upload a picture first")
    finder, canvas = finder_of(network), open_canvas(file)
    location = locate(canvas, finder)
    known, facts = views.truth_of(canvas, truth), views.report(location, finder, canvas)
    points = f"The network points at {location.x:.0f}, {location.y:.0f}"
    return (
        views.for_browser(canvas, network, known),
        views.remarks(facts, known),
        gr.Image(str(maps.overlay(canvas, location, known)), alt_text=points),
        views.describe(facts, known),
        *map(str, maps.probability_and_offsets(canvas, location)),
        *_in_frames(maps.attention_of_all_heads(canvas, location, location.token)),
    )


def asked_token(file: Path | None, network: str, event: gr.SelectData) -> tuple[object, ...]:
    """The attention of the token nearest to a click on one of the enlarged pictures; the words stay."""
    if file is None:
        raise VisitorError("choose, draw or upload a picture first")
    canvas = open_canvas(file)
    location = locate(canvas, finder_of(network))
    token = location.token_at(*maps.canvas_point(tuple(event.index)))
    return ui.SKIP, *_in_frames(maps.attention_of_all_heads(canvas, location, token))


def _in_frames(pictures: list[Path]) -> list[gr.Image]:
    """A map for each of the frames; those that this network has no head for are taken away."""
    missing = [None] * (FRAMES - len(pictures))
    return [gr.Image(path and str(path), visible=path is not None) for path in [*pictures, *missing][:FRAMES]]


def _map(label: str) -> gr.Image:
    """A picture that can be clicked."""
    return ui.shown(label, show_label=True, buttons=["download", "fullscreen"])


def _networks() -> gr.Radio:
    return gr.Radio([(title, name) for name, title in NETWORKS.items()], value="ours", label="Network")


def _options(first: int = 1) -> tuple[dict[str, gr.components.Component], gr.Button]:
    """Seed, kinds and number of shapes; and a button that changes the seed."""
    with gr.Row():
        seed = gr.Number(first, label="Seed", precision=0, minimum=0, maximum=LAST_SEED, min_width=100)
        count = gr.Dropdown(COUNTS, value=0, label="How many", min_width=100)
    with gr.Row():
        base = gr.Dropdown(CHOICES, value=endpoints.ANY, label="The many", min_width=100)
        odd = gr.Dropdown(CHOICES, value=endpoints.ANY, label="The odd one", min_width=100)
    return {"seed": seed, "base": base, "odd": odd, "count": count}, gr.Button("Another picture", variant="primary")


# --- the exact answer


def _exact_section() -> Section:
    """Everything that can be known about a drawn picture, beside what the network makes of it."""
    gr.Markdown(ui.text("odd_shapes", "exact"))
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            with gr.Row():
                exact, network_map = _map("What can be known"), _map("What the network thinks")
            words = gr.Markdown()
        with gr.Column(scale=1, min_width=280):
            options, another = _options(SHOWN_FIRST)
            hard = gr.Button("A hard one")
            network = _networks()
    link = ui.link_box("Link to the drawn picture")
    settings = {**options, "network": network}
    outputs = [exact, network_map, words]
    section = Section("odd_shapes", "exact", settings, known, outputs, link, queue="large")
    section.follow_settings()
    section.follow(ui.at_once(another.click, lambda: random.randint(0, LAST_SEED), None, options["seed"]).then)
    kinds = [options[name] for name in ("base", "odd", "count")]
    section.follow(ui.at_once(hard.click, hard_seed, kinds, options["seed"]).then)
    return section


def known(seed: int, base: str, odd: str, count: int, network: str) -> tuple[object, ...]:
    """The exact answer's map, the network's, and both in words."""
    picture, truth = endpoints.draw_odd_shapes(seed, base, odd, count)
    canvas = open_canvas(picture)
    location, begun = locate(canvas, finder_of(network)), time.thread_time()
    try:
        exact = posterior(canvas.ink, seconds=PATIENCE)
    except TooManyError:
        exact = None
    took = time.thread_time() - begun
    shown = maps.belief(canvas, location, exact, (truth["x"], truth["y"]))
    return *(path and str(path) for path in shown), views.describe_exact(exact, took, location, truth)


def hard_seed(base: str, odd: str, count: int) -> int:
    """A seed whose picture shows little of the odd shape; any one if the choices are impossible, as is said then."""
    while True:
        seed = random.randint(0, LAST_SEED)
        try:
            if endpoints.pictures_of(seed, base, odd, count).visible[0] <= HARD:
                return seed
        except VisitorError:
            return seed


# --- the other sections


def _attention_section() -> Section:
    """The discussion that the homework asks for, with measured numbers."""

    def discussion() -> str:
        return ui.text("odd_shapes", "attention", **views.attention_figures())

    return Section("odd_shapes", "attention", {}, discussion, [gr.Markdown()])


def _contest_section() -> Section:
    """Ten pictures, a click each, both scores."""
    game = gr.State(None)
    words = gr.Markdown()
    picture = toys.live("odd_shapes_contest")
    go_on = gr.Button("Next picture", variant="primary")
    gr.Markdown(ui.text("odd_shapes", "contest"))
    spot = [gr.Number(0, visible=False), gr.Number(0, visible=False)]
    outputs = [game, picture, words]
    js = "game => [game, ...cppnLive.toys.odd_shapes_contest.settings]"
    ui.listen(picture.submit, clicked, [game, *spot], outputs, show_progress="hidden", js=js)
    ui.listen([go_on.click, picture.click], gone_on, game, outputs, show_progress="hidden")
    return Section("odd_shapes", "contest", {}, begun, outputs)


def begun() -> tuple[object, ...]:
    """A new contest."""
    return played(Game(random.randint(0, LAST_SEED)))


def clicked(running: Game | None, x: float, y: float) -> tuple[object, ...]:
    """Take the click, in shares of the picture, and show what is true; a contest that was forgotten starts anew."""
    return played(running.click(maps.canvas_point((x * maps.SIDE, y * maps.SIDE)))) if running else begun()


def gone_on(running: Game | None) -> tuple[object, ...]:
    """Go on after an answer; a picture that was not clicked stays."""
    return played(running.go_on()) if running else begun()


def played(game: Game) -> tuple[object, ...]:
    """The state, the picture and the words of a contest."""
    rounds = contest(game.seed, finder_of("ours"))
    shown = {
        "picture": str(maps.contest(rounds, game)),
        "words": views.contest_in_words(rounds, game),
        "pixels": CANVAS,
        "shown": game.shown,
        "over": game.over,
    }
    return game, shown, views.describe_contest(rounds, game)


def _score_section() -> Section:
    """Measured figures, the training curve with the homework's levels, and a measurement of the visitor's own."""
    words = gr.Markdown()
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
    with gr.Accordion("Measure it yourself", open=False):
        with gr.Row():
            count = ui.slider(endpoints.score_odd_shapes, "count", "Fresh pictures")
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=LAST_SEED)
            network = _networks()
        with gr.Row():
            start = gr.Button("Measure", variant="primary")
            stop = gr.Button("Stop")
        said, table = gr.Markdown(), gr.Markdown()

    def measured(*_: object) -> tuple[str, object]:
        return ui.text("odd_shapes", "score", **views.score_figures()), views.training_curves()

    def scored(*values: object) -> Iterator[tuple[str, str]]:
        for so_far in endpoints.score_odd_shapes(*values):
            yield so_far.words, views.score_table(so_far.facts)

    settings = {"count": count, "seed": seed, "network": network}
    ui.runs_until_stopped(start, stop, scored, list(settings.values()), [said, table], said)
    return Section("odd_shapes", "score", settings, measured, [words, curve])
