"""What the Odd-shapes tab says: its texts, and sentences made of measured figures."""

from __future__ import annotations

import math

from cppn.odd_shapes.catalogue import NETWORKS, Finder
from cppn.odd_shapes.exhibit import Facts, results
from cppn.odd_shapes.locate import Location

LEAD = """
Several shapes of one kind, and one of another: **where is the odd one?** This was a homework in a machine-learning
course at the University of Warsaw. A network cannot know in advance whether to look for circles, squares or triangles.
It has to compare the shapes with each other. The part of it that compares is called **attention**, and here you can
watch it.
"""
MARKS = "**+** the network's answer, in a circle as wide as it expects to be off · **✕** the true centre, where known"
SKETCH = """
Paint filled circles, squares and upright triangles, each about a fifth of the canvas wide. No hand is as exact as the
homework's drawing program, so the answer comes with a warning.
"""
CONTEST = """
Ten fresh pictures. You click, the network answers, and both are measured in pixels of the 64 × 64 canvas. At least a
quarter of every odd shape can be seen: otherwise luck would decide. **✕** is the truth, the pink **+** the network, the
blue **+** you.
"""
HOW = """
**Tokens.** The network cuts the 64 × 64 picture into 12 × 12 overlapping windows. Each window becomes a *token*: a
list of 96 numbers that says what is in it, for example "the top of something round". A window is 23 pixels wide. It
is too small to compare two shapes, so no token can know by itself which shape is odd.

**Attention.** Now every token asks all others a question, also a list of numbers, and each of them holds up a key.
The better a key fits the question, the more the asking token hears of what that other token knows. All the answers
are shares that add up to 100 %: the maps on this page show them. Our network does this twice, each time with two
*heads*, two different questions at once. After that the tokens do not meet any more. All that the network knows about
"unlike the others" has gone through these maps.

**Pointing.** In the end every token says two things: how likely the odd shape is here, and by how many pixels its
centre lies beside mine (the arrows). The answer is the average of all these guesses, weighted by their probability.
This is called *soft-argmax*. If two places are equally likely, the average lies between them: with squared errors
that is the best possible answer, even though it is surely not the right one. The circle shows how far the guesses are
apart.

**Learning.** Nobody tells the network what a circle is. It is shown a picture with the right position, the error is
computed, and every number in the network is nudged a little so that the error shrinks; then the next picture,
hundreds of thousands of times, and no picture twice.

**The homework's network** is smaller: 16 numbers a token, windows of 20 pixels, one attention with one head. Its
author let it grow: first it learnt with the probabilities alone, and once it was off by no more than 4 pixels it got
the arrows. We do the same.

**RMSE** is the root of the mean squared error, for x and y separately and averaged, as in the homework. In some
pictures the odd shape is completely covered by others. Nobody can find it then, so even a perfect network has an
error.
"""


def answer(facts: Facts) -> str:
    """A report in words: the answer, what speaks against it, what was done to the picture."""
    place = f"x = {facts['x']:.1f}, y = {facts['y']:.1f}"
    if facts["caveats"]:
        said = [f"The network points at {place}, but:", *(f"⚠️ {caveat}" for caveat in facts["caveats"])]
    else:
        said = [f"**The odd shape is centred at {place}**, give or take {facts['uncertainty_px']:.1f} pixels."]
    return "\n\n".join([*said, f"The picture as it came: {facts['picture']}"])


def truth(location: Location, known: Facts | None) -> str:
    """How far off an answer is; empty where the truth is not known."""
    if not known:
        return ""
    distance = math.dist((location.x, location.y), (known["x"], known["y"]))
    return (
        f"The truth: a {known['odd']['kind']} at x = {known['x']}, y = {known['y']} among {len(known['base'])} "
        f"{known['base'][0]['kind']}s, {known['visible_percent']:.0f} % of it in view. "
        f"**The answer is {distance:.1f} pixels off.**"
    )


def note(finder: Finder) -> str:
    """Why the weights did not come from where they should have; empty if they did."""
    return f"⚠️ {finder.note}." if finder.note else ""


def score(facts: Facts, finished: bool) -> str:
    """A score in a sentence or two."""
    state = "" if finished else " so far"
    return (
        f"**{facts['rmse']:.2f} px** RMSE a coordinate (± {facts['standard_error']:.2f}) on {facts['pictures']:,} "
        f"fresh pictures{state}. Half of the answers are within {facts['median_distance']:.2f} px of the true centre; "
        f"{100 * facts['share_over_5px']:.1f} % are more than 5 px off."
    )


def figures() -> str:
    """The measured figures of both networks as a table and a few sentences."""
    measured = results()
    networks = measured["networks"]
    pictures = networks["ours"]["score"]["pictures"]
    lines = [
        f"Measured on {pictures:,} fresh pictures, the same for both networks.",
        "",
        "| | " + " | ".join(NETWORKS.values()) + " |",
        "|---|" + "---|" * len(NETWORKS),
    ]

    def row(title: str, text: str, *keys: str) -> None:
        cells = []
        for name in NETWORKS:
            value = networks[name]
            for key in keys:
                value = value[key]
            cells.append(text.format(value))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")

    row("**RMSE a coordinate, px**", "**{:.2f}**", "score", "rmse")
    row("its standard error, px", "{:.3f}", "score", "standard_error")
    row("Euclidean RMSE, px", "{:.2f}", "score", "euclidean_rmse")
    row("median distance, px", "{:.2f}", "score", "median_distance")
    row("share of answers more than 5 px off", "{:.1%}", "score", "share_over_5px")
    for name in networks["ours"]["score"]["by_visible"]:
        row(f"RMSE, odd shape in view: {name}", "{:.2f}", "score", "by_visible", name, "rmse")
    row("weights", "{:,}", "parameters")
    row("pictures seen in training", "{:,}", "training", "pictures")
    row("seconds of training on one core", "{:,}", "training", "cpu_seconds")
    hidden = networks["ours"]["score"]["by_visible"]["hidden"]
    lines += ["", f"In {100 * hidden['share']:.1f} % of the pictures nothing of the odd shape can be seen."]
    return "\n".join(lines + _against_bayes(measured.get("bayes")))


def _against_bayes(bayes: Facts | None) -> list[str]:
    """How our network compares with the best possible answer, if that has been measured."""
    if not bayes:
        return []
    return [
        "",
        f"**How much better could it get?** For {bayes['pictures']:,} pictures we computed the best possible answer by "
        f"trying every combination of shapes that makes the same picture. That answer is off by {bayes['rmse']:.2f} px "
        f"(± {bayes['standard_error']:.2f}), our network on the same pictures by {bayes['network_rmse']:.2f} px.",
    ]


def attention() -> str:
    """The homework's discussion of the attention, with measured numbers."""
    networks = results()["networks"]
    ours = networks["ours"]
    heads = ours["attention"]
    to_others = max(heads, key=lambda head: head["odd_to_base"])
    to_odd = max(heads, key=lambda head: head["base_to_odd"])
    follows = max(heads, key=lambda head: head["follows"])
    whole, spread = ours["rmse_with_even_attention_in"], ours["spread"]
    columns = ("odd_to_base", "odd_to_odd", "base_to_odd", "received_odd", "received_base", "follows")
    rows = "\n".join(
        f"| layer {head['layer']}, head {head['head']} | " + " | ".join(_share(head[name]) for name in columns) + " |"
        for head in heads
    )
    return f"""
All numbers are means over pictures in which nothing of the odd shape is covered. A token is "at" a shape if it is
one of the nine round its centre; spread evenly, nine tokens would get 6 % of the attention, and all tokens at the
base shapes together {_share(heads[0]["base_share"])}.

| our network | odd → others | odd → itself | others → odd | all → odd | all → one of the others | peak at the odd |
|---|---|---|---|---|---|---|
{rows}

**Does the odd shape look at the others?** Most of all in layer {to_others["layer"]}, head {to_others["head"]}:
there a token at the odd shape gives {_share(to_others["odd_to_base"])} of its attention to the other shapes.

**Do the others look at the odd one?** Most of all in layer {to_odd["layer"]}, head {to_odd["head"]}: a token at
another shape gives the odd shape {_share(to_odd["base_to_odd"])}.

**Does the attention follow the odd shape?** In layer {follows["layer"]}, head {follows["head"]} the token that
receives most of all lies at the odd shape in {_share(follows["follows"])} of the pictures (by chance: 6 %). The
attention alone is not the detector, though: what makes a place likely is decided after it, token by token.

**Is it needed?** If all tokens of one layer must listen to everything alike, the error rises from
{whole["none"]:.2f} px to {whole["layer 1"]:.2f} px (layer 1) or {whole["layer 2"]:.2f} px (layer 2). Such a network
was never trained to do without, so this shows that it uses its attention, not that no other network could do
without.

**And when the odd shape is hidden?** Then about {spread["hidden"]["tokens"]:.0f} tokens share the probability
instead of {spread["in full view"]["tokens"]:.1f}, and the guesses are {spread["hidden"]["uncertainty_px"]:.1f} px
apart instead of {spread["in full view"]["uncertainty_px"]:.1f} px: the network knows that it does not know.
"""


def _share(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.0f} %"
