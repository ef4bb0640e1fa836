"""The Quine tab: verify a network that prints its own weights, tamper with it, shake it, set it to zero."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from cppn import toys, ui
from cppn.quine import endpoints, maps, measured, views
from cppn.quine.heal import leave_zero
from cppn.quine.weights import SHIPPED, quine_of
from cppn.sections import Section, Wing

FIRST_INDEX = 500  # a weight in the middle of every network that is chosen from the list
ZERO_COPIES = 10
POWER = "power of ten"


def tab() -> Wing:
    """Lay out the wing."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(ui.text("quine", "lead"), elem_classes="lead")
        with gr.Column(scale=1, min_width=280, elem_classes="common"):
            titles = [(quine.title, slug) for slug, quine in SHIPPED.items()]
            name = gr.Dropdown(titles, value="exact_mlp", label="Quine")
    sections = {}
    with gr.Tabs(overflow_behavior="wrap") as tabs:
        with gr.Tab("Verify", id="verify", elem_id="quine-verify") as place:
            sections["verify"] = place, (verify := _verify_section(name))
        with gr.Tab("Ladder", id="ladder") as place:
            sections["ladder"] = place, _ladder_section()
        with gr.Tab("Tamper", id="tamper", elem_id="quine-tamper") as place:
            sections["tamper"] = place, (tamper := _tamper_section(name))
        with gr.Tab("Perturb and heal", id="heal", elem_id="quine-heal") as place:
            sections["heal"] = place, (heal := _heal_section(name))
        with gr.Tab("Zero quine", id="zero") as place:
            sections["zero"] = place, _zero_section()
        with gr.Tab("How it works", id="how") as place:
            told = Section("quine", "how", {}, lambda: ui.explain("quine", **measured.explained()), ui.explanation())
            sections["how"] = place, told

    def chosen(request: gr.Request, slug: str, index: float) -> list[object]:
        """Another network: all that hangs on it, but for its copies, which cost more than the rest together."""
        verified = ui.explains(verify.fill, verify.filled)(request, slug)
        tampered = ui.explains(tamper.fill, tamper.filled)(request, slug, index)
        return [*verified, *tampered, "Press *Shake it*.", None, *_region(slug)]

    ui.listen(name.input, chosen, [name, tamper.settings["index"]], [*verify.filled, *tamper.filled, *heal.outputs])
    return Wing("quine", tabs, sections)


def _map(label: str) -> gr.Image:
    """A place for a heat map, which carries its own title."""
    return ui.shown(label, buttons=["download", "fullscreen"], min_width=280)


def _told(found: endpoints.Verified) -> tuple[object, ...]:
    """Verdict, maps, figures and bars of a verified network."""
    report, *pictures = found
    labels = [label for label, _ in report["ulp_histogram"]]
    title = "Margin of each bit" if report["margins"] else "No sign head, so there are no bits"
    return (
        views.card(report),
        views.proof_words(report["proof"]),
        views.note(report),
        *map(str, pictures),
        views.facts_table(report),
        gr.BarPlot(views.ulp_bars(report), title="Errors of the weights", sort=labels),
        gr.BarPlot(views.margin_bars(report), title=title, y_lim=[0, max(report["margins"], default=1)]),
    )


def _verify_section(name: gr.Dropdown) -> Section:
    """Verdict, heat maps and figures of the chosen network or of a visitor's file."""
    verdict = gr.HTML()
    proof = gr.Markdown()
    note = gr.Markdown()
    with gr.Accordion("Verified in your own browser", open=True):
        browser = toys.live("quine")
    with gr.Row():
        pictures = [_map("Its weights"), _map("What it prints"), _map("The difference")]
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            facts = gr.Markdown()
        with gr.Column(scale=1, min_width=280):
            weights = ui.Upload(label="Verify a file of yours (.safetensors)", file_types=[".safetensors"], height=140)
            download = gr.DownloadButton("Download these weights")
            link = ui.link_box("Link to the chosen quine")
    with gr.Accordion("How many rounding steps is each weight off, and how safe are the bits?", open=False), gr.Row():
        ulps = gr.BarPlot(
            x="units", y="weights", x_title="error, units in the last place", x_label_angle=-30, height=300
        )
        margins = gr.BarPlot(x="bit", y="margin", x_title="bit of the code", height=300)
    with gr.Accordion("What the proof says, and what it assumes", open=False):
        gr.Markdown(ui.text("quine", "proof", times=measured.proof_times()))
    with gr.Accordion("Why the difference once looked like a blank sheet", open=False), gr.Row():
        gr.Markdown(ui.text("quine", "seeds_view"))
        pictures.append(_map("The difference in the colours of the weights"))
    shown = [verdict, proof, note, *pictures, facts, ulps, margins, download, browser]

    def told(found: endpoints.Verified, file: Path) -> tuple[object, ...]:
        """All that is said of a file, and what a browser needs to see for itself."""
        report = found.report
        check = {"weights": str(file), "verdict": report["verdict"], "sha256": report["sha256_weights"]}
        return *_told(found), str(file), check | {"cards": views.CARDS}

    def verified(slug: str) -> tuple[object, ...]:
        return *told(endpoints.verify_quine(slug), views.copy_for_download(quine_of(slug), slug)), None

    def brought(file: Path) -> tuple[object, ...]:
        return told(endpoints.verify_quine_file(file), file)

    ui.listen(weights.upload, brought, weights, shown)
    section = Section("quine", "verify", {"name": name}, verified, [*shown, weights], link)
    section.follow(weights.clear)
    return section


def _ladder_section() -> Section:
    """The error ladder as bars and as written-out numbers."""
    gr.Markdown(ui.text("quine", "ladder"))
    with gr.Row():
        picture = _map("Error ladder")
        with gr.Column(min_width=320):
            table = gr.Markdown()

    def ladder() -> tuple[str, str]:
        return str(measured.ladder_picture()), measured.ladder_table()

    return Section("quine", "ladder", {}, ladder, [picture, table])


def _tamper_section(name: gr.Dropdown) -> Section:
    """Change a weight of the chosen network and see what becomes of it."""
    gr.Markdown(ui.text("quine", "tamper"))
    toy = toys.live("quine_tamper")
    gr.Markdown(ui.text("quine", "keys"))
    census = gr.Markdown()
    with gr.Accordion("The same, asked of the server", open=False):
        with gr.Row():
            index = gr.Number(
                FIRST_INDEX,
                label="Number of the weight",
                precision=0,
                minimum=0,
                maximum=endpoints.LAST_INDEX,
                min_width=140,
            )
            value = gr.Number(0, label="Its new value", min_width=140)
            flip = gr.Button("Flip its sign", variant="primary", min_width=140)
            zero = gr.Button("Set it to 0", min_width=140)
            use = gr.Button("Use the typed value", min_width=140)
        verdict = gr.HTML()
        note = gr.Markdown()
        with gr.Row():
            own = _map("Printed, against its own weights")
            original = _map("Printed, against the original")
    outputs = [toy, value, verdict, note, own, original, census]

    def changed(slug: str, number: float, new: float) -> tuple[object, ...]:
        report, *pictures = endpoints.tamper_quine(slug, number, new)
        file = views.copy_for_download(quine_of(slug), slug)
        words = {"cards": views.CARDS, "titles": views.TAMPERED}
        shown = {"weights": str(file), "index": report["index"], "value": report["after"], **words}
        told = views.tamper_card(report), views.note(report)
        return shown, new, *told, *map(str, pictures), measured.tamper_census(slug)

    def flipped(slug: str, number: float) -> tuple[object, ...]:
        return changed(slug, number, endpoints.flipped(slug, number))

    def flipped_again(slug: str, number: float, now: float) -> tuple[object, ...]:
        """Flip a weight, or flip it back where it is flipped."""
        opposite = endpoints.flipped(slug, number)
        return changed(slug, number, -opposite if now == opposite else opposite)

    def zeroed(slug: str, number: float) -> tuple[object, ...]:
        return changed(slug, number, 0.0)

    def clicked(slug: str, event: gr.SelectData) -> tuple[object, ...]:
        """Flip the weight that was clicked; a click beside the weights does nothing."""
        number = maps.index_at(quine_of(slug).net, tuple(event.index))
        return (ui.SKIP,) * (1 + len(outputs)) if number is None else (number, *flipped(slug, number))

    ui.listen(flip.click, flipped_again, [name, index, value], outputs)
    ui.listen(zero.click, zeroed, [name, index], outputs)
    ui.listen(use.click, changed, [name, index, value], outputs)
    for picture in (own, original):
        ui.listen(picture.select, clicked, name, [index, *outputs])
    ui.at_once(toy.input, None, None, [index, value], js="() => cppnLive.toys.quine_tamper.settings")
    return Section("quine", "tamper", {"name": name, "index": index}, flipped, outputs)


def _region(slug: str) -> tuple[object, str]:
    """From which noise a network comes back, as measured."""
    return measured.healing_region(slug), measured.region_words(slug)


def _heal_section(name: gr.Dropdown) -> Section:
    """Shake all weights of the chosen network and let it copy itself."""
    gr.Markdown(ui.text("quine", "heal"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            heal = endpoints.heal_quine
            noise = ui.slider(heal, "noise", "Noise, in units of the weights' spread", 0.01, maximum=2)
            steps = ui.slider(heal, "steps", "Copies")
            seed = gr.Number(1, label="Seed of the noise", precision=0)
            shake = gr.Button("Shake it", variant="primary")
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            finding = gr.Markdown()
            curve = gr.LinePlot(
                x="copy", y=POWER, title="Distance to the original", y_title="largest error, power of ten", height=280
            )
            gr.Markdown(views.axis_note(), elem_classes="caption")
    failures = gr.BarPlot(
        x="noise", y="share healed", title="How often it comes back, by noise", y_lim=[0, 1], height=240
    )
    region = gr.Markdown()

    def healed(slug: str, amount: float, number: int, copies: int) -> tuple[object, ...]:
        report, path = endpoints.heal_quine(slug, amount, number, copies)
        return views.healed(report), path, *_region(slug)

    settings = {"name": name, "noise": noise, "seed": seed, "steps": steps}
    section = Section("quine", "heal", settings, healed, [finding, curve, failures, region])
    section.follow(shake.click)
    return section


def _zero_section() -> Section:
    """All weights 0, with and without dust."""
    gr.Markdown(ui.text("quine", "zero"))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            choices = [("The seed's network", "newton"), ("Exact perceptron", "exact_mlp")]
            name = gr.Radio(choices, value="newton", label="Network")
            power = gr.Slider(-12, -1, value=-9, step=1, label="Dust on the weights, power of ten")
        with gr.Column(scale=2, min_width=320, elem_classes="result"):
            finding = gr.Markdown()
            curve = gr.LinePlot(
                x="copy", y=POWER, color="start", title="Spread of the weights", y_title="power of ten", height=280
            )
            gr.Markdown(views.axis_note(), elem_classes="caption")

    def left(slug: str, exponent: float) -> tuple[str, dict]:
        """Let all-zero weights copy themselves, once clean and once with dust."""
        quine, dust = quine_of(slug), 10.0**exponent
        clean, dusty = (leave_zero(quine.net, noise, 0, ZERO_COPIES) for noise in (0.0, dust))
        curves = {"all weights 0": clean, f"0 plus dust of 1e{exponent:g}": dusty}
        words = views.zero_words(slug, dust, clean, dusty)
        return views.noted(words, views.origin(quine)), views.zero_curves(curves)

    section = Section("quine", "zero", {"network": name, "dust": power}, left, [finding, curve])
    section.follow_settings()
    return section
