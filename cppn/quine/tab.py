"""The Quine tab: verify a network that prints its own weights, tamper with it, shake it, set it to zero."""

from __future__ import annotations

import gradio as gr

from cppn.quine import endpoints, exhibit, words
from cppn.quine.catalogue import SHIPPED, open_shipped
from cppn.quine.heal import STEPS_LIMIT, leave_zero
from cppn.tab import DECODING, at_first_sight, explains_errors, link_box, opened, query, share_link

FIRST = "exact_mlp"
SECTIONS = {
    "verify": "Verify",
    "ladder": "Ladder",
    "tamper": "Tamper",
    "heal": "Perturb and heal",
    "zero": "Zero quine",
    "how": "How it works",
}
CHOICES = [(quine.title, slug) for slug, quine in SHIPPED.items()]
PRIVATE = {"api_visibility": "private", **DECODING}
LAST_INDEX = 2159  # of the largest network's weights
FIRST_INDEX = 500  # a weight in the middle of every network that is chosen from the list
ZERO_COPIES = 10
POWER = "power of ten"


def tab(demo: gr.Blocks, wing: gr.Tab) -> None:
    """Lay out the tab `wing` of `demo`."""
    gr.api(endpoints.list_quines, api_name="list_quines", **DECODING)
    gr.Markdown(words.LEAD, elem_classes="lead")
    name = gr.Dropdown(CHOICES, value=FIRST, label="Quine")
    with gr.Tabs(overflow_behavior="wrap") as sections:
        with gr.Tab(SECTIONS["verify"], id="verify"):
            outputs = _verify_section(name)
        with gr.Tab(SECTIONS["ladder"], id="ladder") as ladder:
            _ladder_section(ladder)
        with gr.Tab(SECTIONS["tamper"], id="tamper") as tampering:
            _tamper_section(tampering, name)
        with gr.Tab(SECTIONS["heal"], id="heal") as healing:
            _heal_section(healing, name)
        with gr.Tab(SECTIONS["zero"], id="zero") as nothing:
            _zero_section(nothing)
        with gr.Tab(SECTIONS["how"], id="how"):
            gr.Markdown(words.HOW)

    def open_link(request: gr.Request) -> tuple[object, str]:
        """Show what the page's address asks for."""
        asked = query(request)
        slug = asked.get("name", FIRST)
        return opened(asked.get("section"), SECTIONS), slug if slug in SHIPPED else FIRST

    loaded, selected = at_first_sight("quine", endpoints.verify_quine, len(outputs))
    link = demo.load(open_link, None, [sections, name], api_visibility="private")
    link.then(loaded, name, outputs, **PRIVATE)
    wing.select(selected, [outputs[0], name], outputs, **PRIVATE)


def _map(label: str) -> gr.Image:
    """A place for a heat map."""
    return gr.Image(
        label=label,
        alt_text=label,
        show_label=False,  # it would cover the picture, which carries its own title
        format="png",
        type="filepath",
        interactive=False,
        buttons=["download", "fullscreen"],
        min_width=280,
    )


def _verify_section(name: gr.Dropdown) -> list[gr.components.Component]:
    """Verdict, heat maps and figures of the chosen network or of an upload; returns what `verify_quine` fills."""
    verdict = gr.HTML()
    with gr.Row():
        maps = [_map("Its weights"), _map("What it prints"), _map("The difference")]
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            facts = gr.Markdown()
        with gr.Column(scale=1, min_width=280):
            weights = gr.File(label="Verify a file of yours (.safetensors)", file_types=[".safetensors"], height=120)
            download = gr.DownloadButton("Download these weights")
            link = link_box("Link to this quine")
    with gr.Accordion("How many rounding steps is each weight off, and how safe are the bits?", open=False), gr.Row():
        ulps = gr.BarPlot(
            x="units", y="weights", x_title="error, units in the last place", x_label_angle=-30, height=300
        )
        margins = gr.BarPlot(x="bit", y="margin", x_title="bit of the code", height=300)
    with gr.Accordion("Why the difference once looked like a blank sheet", open=False), gr.Row():
        gr.Markdown(words.SEEDS_VIEW)
        maps.append(_map("The difference in the colours of the weights"))
    with gr.Accordion("The report as data", open=False):
        report = gr.JSON(label="Report")
    outputs = [report, *maps]

    def accompany(slug: str, request: gr.Request) -> tuple[str, str]:
        """The chosen network's file, and a link to it."""
        return str(exhibit.copy_for_download(slug)), share_link(request, tab="quine", name=slug)

    def tell(found: dict) -> tuple[object, ...]:
        """Verdict, figures and bars of a report."""
        labels = [label for label, _ in found["ulp_histogram"]]
        title = "Margin of each bit" if found["margins"] else "No sign head, so there are no bits"
        return (
            words.card(found),
            words.facts(found),
            gr.BarPlot(exhibit.ulp_bars(found), title="Errors of the weights", sort=labels),
            gr.BarPlot(exhibit.margin_bars(found), title=title, y_lim=[0, max(found["margins"], default=1)]),
        )

    name.change(explains_errors(endpoints.verify_quine), name, outputs, api_name="verify_quine", **DECODING)
    file_verified = explains_errors(endpoints.verify_quine_file)
    weights.upload(file_verified, weights, outputs, api_name="verify_quine_file", **DECODING)
    report.change(tell, report, [verdict, facts, ulps, margins], show_progress="hidden", **PRIVATE)
    report.change(explains_errors(accompany), name, [download, link], **PRIVATE)
    return outputs


def _ladder_section(section: gr.Tab) -> None:
    """The error ladder as bars and as written-out numbers."""
    gr.Markdown(words.LADDER)
    with gr.Row():
        picture = _map("Error ladder")
        with gr.Column(min_width=320):
            table = gr.Markdown()
    section.select(lambda: (str(exhibit.ladder_picture()), words.ladder()), None, [picture, table], **PRIVATE)


def _tamper_section(section: gr.Tab, name: gr.Dropdown) -> None:
    """Change a weight of the chosen network and see what becomes of it."""
    gr.Markdown(words.TAMPER)
    with gr.Row():
        index = gr.Number(
            FIRST_INDEX, label="Number of the weight", precision=0, minimum=0, maximum=LAST_INDEX, min_width=140
        )
        value = gr.Number(0, label="Its new value", min_width=140)
        flip = gr.Button("Flip its sign", variant="primary", min_width=140)
        zero = gr.Button("Set it to 0", min_width=140)
        use = gr.Button("Use the typed value", min_width=140)
    verdict = gr.HTML()
    with gr.Row():
        own = _map("Printed, against its own weights")
        original = _map("Printed, against the original")
    census = gr.Markdown()
    with gr.Accordion("The report as data", open=False):
        report = gr.JSON(label="Report")
    inputs, outputs = [name, index, value], [report, own, original]

    def flipped(slug: str, number: float) -> tuple[float, dict, str, str]:
        """Give the weight the opposite sign."""
        changed = -endpoints.weight_of(slug, number)
        return changed, *endpoints.tamper_quine(slug, number, changed)

    def zeroed(slug: str, number: float) -> tuple[float, dict, str, str]:
        """Give the weight the value 0."""
        return 0.0, *endpoints.tamper_quine(slug, number, 0.0)

    def clicked(slug: str, event: gr.SelectData) -> tuple[object, ...]:
        """Flip the weight that was clicked; a click beside the weights does nothing."""
        number = exhibit.index_at(open_shipped(slug).net, tuple(event.index))
        return (gr.skip(),) * 5 if number is None else (number, *flipped(slug, number))

    use.click(explains_errors(endpoints.tamper_quine), inputs, outputs, api_name="tamper_quine", **DECODING)
    zero.click(explains_errors(zeroed), inputs[:2], [value, *outputs], **PRIVATE)
    for picture in (own, original):
        picture.select(explains_errors(clicked), name, [index, value, *outputs], **PRIVATE)
    first_look = [flip.click, section.select, name.change]
    gr.on(first_look, explains_errors(flipped), inputs[:2], [value, *outputs], **PRIVATE)
    gr.on([section.select, name.change], words.tampered, name, census, **PRIVATE)
    report.change(words.tamper_card, report, verdict, show_progress="hidden", **PRIVATE)


def _heal_section(section: gr.Tab, name: gr.Dropdown) -> None:
    """Shake all weights of the chosen network and let it copy itself."""
    gr.Markdown(words.HEAL)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            noise = gr.Slider(0, 2, value=0.1, step=0.01, label="Noise, in units of the weights' spread")
            steps = gr.Slider(1, STEPS_LIMIT, value=200, step=1, label="Copies")
            seed = gr.Number(1, label="Seed of the noise", precision=0)
            shake = gr.Button("Shake it", variant="primary")
        with gr.Column(scale=2, min_width=320):
            finding = gr.Markdown()
            curve = gr.LinePlot(
                x="copy", y=POWER, title="Distance to the original", y_title="largest error, power of ten", height=280
            )
            gr.Markdown(words.axis_note(), elem_classes="caption")
    failures = gr.BarPlot(
        x="noise", y="share healed", title="How often it comes back, by noise", y_lim=[0, 1], height=240
    )
    region = gr.Markdown()
    with gr.Accordion("The report as data", open=False):
        report = gr.JSON(label="Report")
    run = explains_errors(endpoints.heal_quine)
    inputs, outputs = [name, noise, seed, steps], [report, curve]

    def measured(slug: str) -> tuple[dict, str]:
        """From which noise the chosen network comes back."""
        return exhibit.healing_region(slug), words.region(slug)

    shake.click(run, inputs, outputs, api_name="heal_quine", **DECODING)
    section.select(run, inputs, outputs, **PRIVATE)
    name.change(lambda: (None, None), None, outputs, **PRIVATE)  # copies cost seconds: not unless they are looked at
    gr.on([section.select, name.change], measured, name, [failures, region], **PRIVATE)
    report.change(words.healed, report, finding, show_progress="hidden", **PRIVATE)


def _zero_section(section: gr.Tab) -> None:
    """All weights 0, with and without dust."""
    gr.Markdown(words.ZERO)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            choices = [("The seed's network", "newton"), ("Exact perceptron", "exact_mlp")]
            name = gr.Radio(choices, value="newton", label="Network")
            power = gr.Slider(-12, -1, value=-9, step=1, label="Dust on the weights, power of ten")
        with gr.Column(scale=2, min_width=320):
            finding = gr.Markdown()
            curve = gr.LinePlot(
                x="copy", y=POWER, color="start", title="Spread of the weights", y_title="power of ten", height=280
            )
            gr.Markdown(words.axis_note(), elem_classes="caption")

    def watch(slug: str, exponent: float) -> tuple[str, dict]:
        """Let all-zero weights copy themselves, once clean and once with dust."""
        net, dust = open_shipped(slug).net, 10.0 ** int(exponent)
        clean, dusty = (leave_zero(net, noise, 0, ZERO_COPIES) for noise in (0.0, dust))
        curves = {"all weights 0": clean, f"0 plus dust of 1e{int(exponent)}": dusty}
        return words.zero(slug, dust, clean, dusty), exhibit.zero_curves(curves)

    gr.on(
        [section.select, name.change, power.change],
        explains_errors(watch),
        [name, power],
        [finding, curve],
        trigger_mode="always_last",
        **PRIVATE,
    )
