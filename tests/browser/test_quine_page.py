"""The Quine tab in Chromium: every section once, links, both widths."""

from __future__ import annotations

import pytest
import torch
from looks import fits, painted, shown

from cppn.hub import BUNDLED
from cppn.quine.network import flatten
from cppn.quine.tamper import tamper
from cppn.quine.verify import verify
from cppn.quine.weights import SHIPPED, quine_of

pytestmark = pytest.mark.browser


def section(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def upload(page, name: str) -> None:
    page.locator("[data-testid=file-upload]:visible, input[data-testid=file-upload]").last.set_input_files(
        str(BUNDLED / name)
    )


def ask_the_server(page) -> None:
    page.get_by_role("button", name="The same, asked of the server").click()
    page.get_by_role("button", name="Use the typed value").wait_for()  # only now the buttons above are there twice


def tamper_on_the_server(page, url: str) -> None:
    page.goto(f"{url}?tab=quine&section=tamper")
    shown(page, "Verification fails")
    ask_the_server(page)


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
    ask_the_server(page)
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


def test_a_weight_is_zeroed_and_one_is_clicked(page, url: str):
    tamper_on_the_server(page, url)
    page.get_by_role("button", name="Set it to 0").last.click()
    shown(page, "and is 0 now")
    page.locator("img:visible").first.click(position={"x": 40, "y": 110})
    shown(page, "Weight l1.weight[")
    assert fits(page)


def test_a_sign_that_is_flipped_twice_is_flipped_back(page, url: str):
    tamper_on_the_server(page, url)
    page.get_by_role("button", name="Flip its sign").last.click()
    shown(page, "as before, so nothing has changed")
    page.get_by_role("button", name="Flip its sign").last.click()
    shown(page, "It prints the original, every weight to the last bit")


# --- in the visitor's own browser

EXAMINED = """
async ([path, index, value]) => {
  const quine = cppnLive.quine.open(await cppnLive.fetched(path)), theta = [...quine.theta];
  if (index !== null) theta[index] = value;
  const { report, printed } = cppnLive.quine.examine(quine, theta);
  return { ...report, printed };
}"""
TOY = "cppnLive.toys.quine_tamper"


def offline(page) -> None:
    """No server answers any more."""
    page.route("**", lambda route: route.abort())


def toy_stands(page) -> None:
    page.locator(".live.quine_tamper[data-told]").wait_for()


@pytest.mark.fidelity
def test_the_browser_comes_to_the_same_verdict_on_all_nine(scripts):
    for slug in SHIPPED:
        file = quine_of(slug)
        expected, found = verify(file).report, scripts.evaluate(EXAMINED, [str(file.path), None, None])
        assert found["verdict"] == expected.verdict, slug
        assert found["sha256_weights"] == expected.sha256_weights, slug
        for name in ("table", "weights", "zeros", "distinct"):
            assert found[name] == getattr(expected, name), slug
        figures = [name for name in ("std", "r2", "margin") if getattr(expected, name) is not None]
        assert {name: found[name] for name in figures} == pytest.approx(
            {name: getattr(expected, name) for name in figures}, rel=1e-4
        ), slug
        assert (found["margin"] is None) == (expected.margin is None), slug
        assert found["max_delta"] == pytest.approx(expected.max_delta, abs=1e-15), slug
        if expected.verdict == "exact":
            assert found["sha256_output"] == expected.sha256_output, slug
            assert found["bit_equal"] == found["bit_equal_float32"] == found["bit_equal_float64"] == 1, slug


@pytest.mark.fidelity
def test_a_changed_weight_is_judged_as_the_server_judges_it(scripts):
    for slug in SHIPPED:
        file = quine_of(slug)
        largest = float(flatten(file.net).abs().max())
        for index in (3, 500):
            done = tamper(file.net, file.config, index, 4 * largest)
            found = scripts.evaluate(EXAMINED, [str(file.path), index, done.after])
            assert found["verdict"] == done.verification.report.verdict, (slug, index)
            printed = torch.tensor(found["printed"], dtype=torch.float64)
            exact = file.config.head == "sign"
            torch.testing.assert_close(
                printed, done.verification.output.double(), rtol=0, atol=0 if exact else 1e-9, msg=f"{slug} {index}"
            )


def test_the_verdict_of_the_browser_stands_beside_the_servers(page, url: str):
    page.goto(f"{url}?tab=quine&name=exact_rnn")
    page.locator(".live.quine[data-verdict=exact]").wait_for()
    shown(page, "The server says the same of the same bytes.")
    offline(page)
    page.get_by_role("button", name="Check it again").click()
    page.locator(".live.quine[data-verdict=exact]").wait_for()
    sheet = page.locator(".live.quine canvas")
    sheet.focus()
    sheet.press("ArrowRight")
    sheet.press("ArrowRight")
    shown(page, "input.weight[0, 1]")
    shown(page, "bit for bit")
    assert fits(page)


def test_a_file_that_is_brought_is_verified_by_the_browser_too(page, url: str):
    page.goto(f"{url}?tab=quine")
    page.locator(".live.quine[data-verdict=exact]").wait_for()
    upload(page, "quine/newton.safetensors")
    page.locator(".live.quine[data-verdict=float]").wait_for()
    shown(page, "The server says the same of the same bytes.")


def test_a_weight_is_changed_by_keyboard_without_a_server(page, url: str):
    page.goto(f"{url}?tab=quine&section=tamper")
    toy_stands(page)
    offline(page)
    shown(page, "Verification fails: it still prints the original")
    sheet = page.locator(".quine_tamper canvas").first
    sheet.focus()
    before = page.evaluate(f"{TOY}.settings[1]")
    sheet.press("Space")
    shown(page, "Nothing is changed yet")
    assert page.evaluate(f"{TOY}.settings[1]") == -before
    sheet.press("ArrowRight")
    shown(page, "Weight number 501, l2.weight[16, 1]")
    sheet.press("+")
    shown(page, "it still prints the original")
    page.get_by_role("button", name="Put all back").click()
    shown(page, "Nothing is changed yet")


def test_a_weight_that_is_dragged_moves_what_is_printed(page, url: str):
    page.goto(f"{url}?tab=quine&section=tamper&name=newton&index=0")
    toy_stands(page)
    page.get_by_role("button", name="Put all back").click()
    shown(page, "Nothing is changed yet")
    sheet = page.locator(".quine_tamper canvas").first
    sheet.scroll_into_view_if_needed()
    box, before = sheet.bounding_box(), page.evaluate(f"{TOY}.state().printed")
    x, y = box["x"] + 4, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40)
    page.mouse.move(x, y - 90)
    page.mouse.up()
    shown(page, "Verification fails")
    chosen, now = page.evaluate(f"{TOY}.settings")
    assert (chosen, now > 0.1) == (0, True)
    assert page.evaluate(f"{TOY}.state().printed") != before
    ask_the_server(page)
    page.wait_for_function("v => [...document.querySelectorAll('input')].some(i => Number(i.value) === v)", arg=now)


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
