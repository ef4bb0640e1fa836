"""The Quine tab in Chromium: every section once, links, both widths."""

from __future__ import annotations

import pytest
from looks import fits, painted, shown

from cppn.hub import BUNDLED

pytestmark = pytest.mark.browser


def section(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def upload(page, name: str) -> None:
    page.locator("[data-testid=file-upload]:visible, input[data-testid=file-upload]").last.set_input_files(
        str(BUNDLED / name)
    )


def choose(page, title: str) -> None:
    page.get_by_label("Quine", exact=True).click()
    page.get_by_role("option", name=title).click()


def test_the_first_sight_is_a_verified_quine(page, url: str):
    page.goto(f"{url}?tab=quine")
    shown(page, "it prints every one of its 1,020 weights")
    painted(page)
    shown(page, "20 bits times a fixed table")
    assert fits(page)
    page.get_by_text("How many rounding steps").click()
    shown(page, "Margin of each bit")
    page.get_by_text("Why the difference once").click()
    assert fits(page)


def test_a_link_opens_its_quine_and_section(page, url: str):
    page.goto(f"{url}?tab=quine&name=exact_lstm&section=tamper")
    shown(page, "Verification fails")
    shown(page, "recurrent.weight[")
    painted(page)
    assert fits(page)


def test_nonsense_in_a_link_is_ignored(page, url: str):
    page.goto(f"{url}?tab=quine&name=ouroboros&section=attic")
    shown(page, "it prints every one of its 1,020 weights")


def test_an_uploaded_file_is_verified(page, url: str):
    page.goto(f"{url}?tab=quine")
    shown(page, "it prints every one of its 1,020 weights")
    upload(page, "quine/exact_cnn.safetensors")
    shown(page, "it prints every one of its 864 weights")
    shown(page, "brought by you")


def test_no_old_verdict_stands_beside_a_refused_file(page, url: str):
    page.goto(f"{url}?tab=quine")
    shown(page, "it prints every one of its 1,020 weights")
    painted(page)
    upload(page, "flags/japan.safetensors")
    shown(page, "this is a MysteryNet")
    assert page.get_by_text("Exact quine", exact=True).count() == 0
    assert page.get_by_text("it prints every one of its").count() == 0
    assert page.locator("img[src*='/file=']:visible").count() == 0
    assert fits(page)
    page.get_by_label("Clear").first.click()
    shown(page, "it prints every one of its 1,020 weights")


def test_choosing_another_quine_changes_every_section(page, url: str):
    page.goto(f"{url}?tab=quine&section=tamper")
    shown(page, "Verification fails")
    choose(page, "Exact LSTM")
    shown(page, "recurrent.weight[")
    section(page, "Verify")
    shown(page, "it prints every one of its 1,024 weights")
    link = page.locator("label", has_text="Link to the chosen quine").locator("input, textarea").input_value()
    page.goto(link)
    shown(page, "it prints every one of its 1,024 weights")


def test_a_link_holds_the_settings_of_its_section(page, url: str):
    page.goto(f"{url}?tab=quine&section=heal&name=exact_rnn&noise=0.02&steps=3&seed=7")
    shown(page, "Healed to the last bit after 1 copy.")
    assert page.get_by_label("Seed of the noise").input_value() == "7"
    page.goto(f"{url}?tab=quine&section=tamper&index=700")
    shown(page, "Verification fails")
    shown(page, "l3.weight[")
    page.goto(f"{url}?tab=quine&section=zero&network=exact_mlp")
    shown(page, "no quine here")


def test_the_ladder_goes_down_to_zero(page, url: str):
    page.goto(f"{url}?tab=quine")
    section(page, "Ladder")
    shown(page, "1,007 zeros")
    painted(page)
    assert fits(page)


def test_a_weight_is_zeroed_and_one_is_clicked(page, url: str):
    page.goto(f"{url}?tab=quine&section=tamper")
    shown(page, "Verification fails")
    page.get_by_role("button", name="Set it to 0").click()
    shown(page, "and is 0 now")
    page.locator("img:visible").first.click(position={"x": 40, "y": 110})
    shown(page, "Weight l1.weight[")
    assert fits(page)


def test_a_shaken_network_heals(page, url: str):
    page.goto(f"{url}?tab=quine&section=heal")
    shown(page, "Healed to the last bit after 1 copy.")
    shown(page, "How often it comes back, by noise")
    assert fits(page)


def test_zero_is_left(page, url: str):
    page.goto(f"{url}?tab=quine&section=zero")
    shown(page, "A perfect quine with nothing to say")
    page.get_by_label("Exact perceptron").check()
    shown(page, "no quine here")
    assert fits(page)


def test_it_is_explained(page, url: str):
    page.goto(f"{url}?tab=quine&section=how")
    shown(page, "The catch, said openly.")
    assert fits(page)
