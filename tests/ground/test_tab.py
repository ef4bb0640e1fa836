"""What all tabs share: errors in a visitor's words, links, numbers from a link."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from cppn.hub import WeightsError
from cppn.tab import WINGS, at_first_sight, explains_errors, lazily, opened, query, query_number, share_link, wing_of


def request(base: str = "http://127.0.0.1:7860/", **parameters: str) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(base_url=base), query_params=parameters)


@pytest.mark.parametrize("fault", [ValueError("too <b>wide</b>"), KeyError("no team 'x'"), WeightsError("no file")])
def test_a_visitors_fault_becomes_an_error_that_names_it(fault: Exception):
    @explains_errors
    def handler() -> None:
        raise fault

    @explains_errors
    def stream():
        yield 1
        raise fault

    for call in (handler, lambda: list(stream())):
        with pytest.raises(gr.Error) as error:
            call()
        assert "<b>" not in str(error.value)  # what strangers wrote is escaped
        assert fault.args[0].split()[0] in str(error.value)


def test_a_fault_of_ours_stays_what_it_is():
    @explains_errors
    def handler() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handler()


def test_a_handler_keeps_its_name_its_text_and_its_answers():
    @explains_errors
    def double(x: int) -> int:
        """Twice the number."""
        return 2 * x

    assert (double.__name__, double.__doc__, double(4)) == ("double", "Twice the number.", 8)


def test_links_lead_back_to_the_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert share_link(request(), tab="flags", x=0.5) == "http://127.0.0.1:7860/?tab=flags&x=0.5"
    monkeypatch.setenv("SPACE_ID", "owner/name")
    assert share_link(request(), tab="a b").endswith("/spaces/owner/name/?tab=a+b")


def test_numbers_from_a_link_stay_within_their_slider():
    values = query(request(zoom="4", x="-99", y="nan", z="many"))
    assert query_number(values, "zoom", 1, 0.25, 16) == 4
    assert query_number(values, "x", 0, -1.5, 1.5) == -1.5
    assert query_number(values, "z", 0.5, -1, 1) == 0.5
    assert query_number(values, "missing", 0.5, -1, 1) == 0.5
    assert query_number(values, "y", 0.5, -1, 1) == 0.5
    assert query(None) == {}


def test_an_address_opens_the_tab_it_names_and_leaves_the_visitors_choice_alone():
    assert opened("quine", {"flags", "quine"}).selected == "quine"
    for name in (None, "", "nowhere"):
        assert opened(name, {"flags", "quine"}) == gr.skip()


@pytest.mark.parametrize(("asked", "wing"), [({}, "flags"), ({"tab": "quine"}, "quine"), ({"tab": "x"}, "flags")])
def test_the_page_opens_at_the_wing_that_the_address_names(asked: dict[str, str], wing: str):
    assert wing_of(request(**asked)) == wing


def test_only_the_wing_that_the_page_opens_at_is_filled_on_load():
    calls = []

    def show(x: int) -> tuple[int, int]:
        calls.append(x)
        return x, 2 * x

    skipped = (gr.skip(), gr.skip())
    loaded, selected = at_first_sight("quine", show, 2)
    assert loaded(request(), 3) == skipped
    assert loaded(request(tab="quine"), 3) == (3, 6)
    assert selected(request(), None, 4) == (4, 8)  # its tab is opened for the first time
    assert selected(request(), "a picture", 5) == skipped  # not again
    assert selected(request(tab="quine"), None, 6) == skipped  # the load has that in hand
    assert calls == [3, 4]


def test_a_section_is_filled_once_and_renewed_only_then():
    first, renewed = lazily(lambda x: (x,), 1)
    assert first(None, 1) == (1,)
    assert first("there", 1) == (gr.skip(),)
    assert renewed(None, 1) == (gr.skip(),)
    assert renewed("there", 1) == (1,)


def test_every_wing_has_a_tab():
    import app

    assert list(app.LAYOUTS) == list(WINGS)
