"""The screen's parts: faults in the place of results, what an address means, sections that fill themselves."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import gradio as gr
import pytest

from cppn import sections, ui
from cppn.endpoint import OURS
from cppn.faults import VisitorError


def request(base: str = "http://127.0.0.1:7860/") -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(base_url=base))


@pytest.fixture
def parts():
    with gr.Blocks():
        yield SimpleNamespace(
            picture=gr.Image(),
            words=gr.Markdown(),
            link=gr.Textbox(),
            zoom=gr.Slider(0.25, 16, value=1, step=0.25),
            count=gr.Slider(1, 9, value=3, step=1),
            team=gr.Dropdown([("Japan", "japan"), ("Iran", "iran")], value="iran"),
            places=gr.Number(0, precision=0, minimum=0, maximum=100),
            always=gr.Checkbox(False),
            text=gr.Textbox("Hello!", max_length=8),
        )


def test_a_fault_stands_where_the_result_would_stand(parts):
    outputs = [parts.picture, parts.words, parts.link]

    def handler() -> None:
        raise VisitorError("too <b>wide</b> *and* [high](x)")

    def stream():
        yield "a", "b", "c"
        raise VisitorError("cut off")

    picture, words, link = ui.explains(handler, outputs)()
    assert picture is None
    assert link == ui.SKIP
    assert "too &lt;b&gt;wide&lt;/b&gt; \\*and\\* \\[high\\](x)" in words  # what strangers wrote is shown as it is
    assert words.startswith("⚠️")
    assert [value[1] for value in ui.explains(stream, outputs)()] == ["b", "⚠️ **That did not work:** cut off."]


def test_a_fault_without_a_place_for_words_is_a_message(parts):
    with pytest.raises(gr.Error, match="too wide"):
        ui.failed([parts.picture], VisitorError("too wide"))


def test_a_fault_of_ours_is_logged_and_owned_up_to(parts, caplog):
    def handler() -> None:
        raise ZeroDivisionError("a bug")

    with caplog.at_level(logging.ERROR):
        assert OURS[:-1] in ui.explains(handler, [parts.words])()
    assert "ZeroDivisionError" in caplog.text


def test_a_handler_keeps_its_name_and_its_answers():
    def double(x: int) -> int:
        """Twice the number."""
        return 2 * x

    explained = ui.explains(double, [])
    assert (explained.__name__, explained.__doc__, explained(4)) == ("double", "Twice the number.", 8)


def test_links_lead_back_to_the_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert sections.share_link(request(), tab="flags", x=0.5) == "http://127.0.0.1:7860/?tab=flags&x=0.5"
    monkeypatch.setenv("SPACE_ID", "owner/name")
    assert sections.share_link(request(), tab="a b").endswith("/spaces/owner/name/?tab=a+b")


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("zoom", "4", 4),
        ("zoom", "99", 16),
        ("zoom", "-inf", 0.25),
        ("zoom", "nan", 1),
        ("zoom", "many", 1),
        ("zoom", None, 1),
        ("count", "4.0", 4),
        ("team", "japan", "japan"),
        ("team", "Japan", "iran"),
        ("team", "atlantis", "iran"),
        ("places", "1e9", 100),
        ("always", "True", True),
        ("always", "yes", False),
        ("text", "Goodbye, all of you", "Goodbye,"),
    ],
)
def test_what_an_address_says_is_kept_within_its_component(parts, name: str, written: str | None, meant: object):
    assert sections.meant(getattr(parts, name), written) == meant


def test_a_section_shows_its_settings_and_their_link(parts):
    settings = {"team": parts.team, "zoom": parts.zoom}
    section = sections.Section(
        "flags", "decode", settings, lambda team, zoom: (f"{team}.png", f"{zoom} times"), [parts.picture, parts.words],
        parts.link,
    )  # fmt: skip
    assert section.fill(request(), "japan", 2) == [
        "japan.png",
        "2 times",
        "http://127.0.0.1:7860/?tab=flags&section=decode&team=japan&zoom=2",
    ]
    assert section.asked_for({"team": "japan", "section": "decode", "y": "1"}) == ["japan", 1]
    alone = sections.Section("flags", "all", {}, lambda: "words", [parts.words])
    assert alone.fill(request()) == "words"


def test_prose_lies_beside_the_code_and_takes_figures():
    assert ui.text("flags", "lead")
    figures = {"runs": 7, "shorter": "a", "longer": "b", "blur_and_noise": "c", "encoding": "d", "swap": "e"}
    assert "tested in 7 training" in ui.text("flags", "learned", **figures)
