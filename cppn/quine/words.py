"""What the Quine tab says: its texts, and sentences made of measured figures."""

from __future__ import annotations

import html
from decimal import Decimal

from cppn.quine.catalogue import environment_name, find_shipped
from cppn.quine.exhibit import FLOOR, Facts, results, rungs
from cppn.quine.verify import LARGEST_WHOLE

LEAD = """
A **quine** is a program that prints its own text. Here are neural networks that print their own **weights**: ask one of
them its one fixed question, and the answer is the list of all the numbers that it consists of. Some come close; five of
them are right to the last bit. An article by Vishvam (2025) about such a network began it; here it is called **the
seed**.
"""
# verdict -> symbol, title, colour; the words carry the meaning, colour and symbol repeat it
CARDS = {
    "exact": ("✔", "Exact quine", "#00897b"),
    "float": ("≈", "Quine to float precision", "#3f66c4"),
    "approximate": ("~", "Approximate", "#c2631f"),
    "trivial": ("∅", "Trivial", "#7a5c99"),
    "not_a_quine": ("✘", "Not a quine", "#c02b3c"),
}
NETWORKS = {
    "mlp": "perceptron",
    "cnn": "convolutional network",
    "rnn": "recurrent network",
    "lstm": "LSTM",
    "transformer": "transformer block",
    "query": "network with one query a weight",
    "auxiliary": "network that also reads digits",
}
HOW = """
**One question, one answer.** A network is a formula full of adjustable numbers, its *weights*. Feed it some numbers and
it answers with some numbers. These networks are always fed the same thing, the *probe*. The answer has as many numbers
as the network has weights, and the wish is: answer number 1 is weight number 1, and so on to the last. That is a
riddle. Change a weight so that its answer fits, and every other answer moves as well.

**The catch, said openly.** A layer that computes 1,020 answers would have more weights than 1,020. So there is a fixed
*table* at the end: the network proper computes only 20 numbers (16 in the other architectures), the *code*, and the
table turns them into all weights. The table is random, drawn from a published string before anything is searched. It
is never trained, and it is **not printed**. So 1,020 weights come from 20 numbers, or in the exact networks from 20
**bits**, times a fixed table. Earlier networks of this kind have such a fixed part too. In "One query a weight" there
is no table: every weight between question and answer is trained. There the fixed part is the list of questions.

**Close: training.** The network that began this was trained to shrink the difference. It ends near a hundredth, because
its method keeps taking steps of a fixed size around the goal. **Closer: Newton's method.** Since all depends on 20
numbers, one can solve for those 20, and lands as near as 64-bit numbers allow. With more digits the error shrinks
further, as far as you have patience; but a computer's ordinary numbers cannot hold the solution.

**Exact: one bit each.** Now let only the *sign* of each of the 20 numbers count, plus or minus. There are 2²⁰, about a
million, such codes, and a computer can try them all: a *census*. On average one of them prints itself. Because the
table holds only multiples of 1/256, no sum is ever rounded, and every computer finds the very same bits. The *margin*
says how far each of the 20 numbers is from changing its sign: rounding is a thousand times too small to matter.

**What we claim.** These weights print themselves, and anyone can check it from the file alone. We searched the
literature for exact ones that are not all zero, and we found none; that does not mean that there are none. We do not
claim that they are alive, that they would grow back from anything (see *Perturb and heal*), or that a network prints
1,020 independent numbers.
"""
TAMPER = """
Change a single weight. The network then no longer prints what it is. But what does it print instead? An exact network
prints mostly the **original**: the small change does not tip any bit of its code. Click a weight in a heat map, or type
its number.
"""
HEAL = """
Add noise to **all** weights at once, then let the network copy itself, and copy the copy. Does it come back? The curve
shows how far the worst weight still is from the original, in powers of ten. The exact networks either jump back at
once or never; the one found by Newton's method creeps back, from noise as large as its weights.
"""
ZERO = """
There is a cheap way to print yourself: have only zeros. The seed's author normalises the activations after each layer
to rule that out. It does not: 0 in, 0 out, and 0 normalised is 0. But it makes zero *unstable*. The slightest speck of
dust on the weights grows with every copy.
"""
LADDER = """
How wrong is the worst weight? From a network trained step by step to five that are right to the last bit. The longer
the bar, the more decimals of every weight are printed rightly.
"""
SEEDS_VIEW = """
The seed draws the difference in the colours of the weights. An error of a hundredth then looks like a blank sheet, and
so does an error of 0. Above, the difference has its own scale, by powers of ten, and *exactly 0* its own colour.
"""


def card(report: Facts) -> str:
    """The verdict as HTML: symbol, title and sentence on a coloured edge."""
    return _card(*CARDS[report["verdict"]], report["words"])


def _card(symbol: str, title: str, colour: str, sentence: str) -> str:
    return (
        f'<div style="border-left: 8px solid {colour}; padding: 8px 14px;">'
        f'<div style="font-size: 1.35rem; font-weight: 700;"><span style="color: {colour};" aria-hidden="true">'
        f"{symbol}</span> {title}</div><div>{html.escape(sentence)}</div></div>"
    )


def tamper_card(report: Facts) -> str:
    """The same for a tampered network, which is expected to fail."""
    verdict = report["verification"]["verdict"]
    if report["verification"]["is_quine"]:
        return _card(*CARDS[verdict], report["words"])
    symbol, _, colour = CARDS["not_a_quine"]
    return _card(symbol, f"Verification fails: {CARDS[verdict][1].lower()}", colour, report["words"])


def facts(report: Facts) -> str:
    """The figures behind a verdict, as a Markdown table."""
    bits = "bits" if report["head"] == "sign" else "numbers"
    source = f"{report['code_size']} {bits} times a fixed table" if report["code_size"] else "all trained, no table"
    same = "the same" if report["sha256_weights"] == report["sha256_output"] else "different"
    rows = [
        ("Network", f"{NETWORKS[report['architecture']]}, {report['weights']:,} weights, {report['dtype']}"),
        ("The weights come from", source),
        ("Largest error", f"{report['max_delta']:.3g}" + _share_of_spread(report["relative_delta"])),
        ("Mean error", f"{report['mean_delta']:.3g}"),
        ("R²", "none: all weights are equal" if report["r2"] is None else f"{report['r2']:.6g}"),
        ("Equal to the last bit", _share(report["bit_equal"])),
        (
            "… computed in 32 and 64 bits",
            f"{_share(report['bit_equal_float32'])}; {_share(report['bit_equal_float64'])}",
        ),
        ("Largest error in the last place", _units(report["ulp_max"])),
        ("Margin of the code's bits", "no bits" if report["margin"] is None else f"{report['margin']:.3g}"),
        (
            "Not trivial?",
            f"spread {report['std']:.3g}, {report['zeros']:,} zeros, {report['distinct']:,} different values",
        ),
        (
            "SHA-256 of weights and output",
            f"{same}: `{report['sha256_weights'][:12]}…` `{report['sha256_output'][:12]}…`",
        ),
    ]
    return "\n".join(["| measured | on this file |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _units(ulps: int) -> str:
    return f"{LARGEST_WHOLE:.1e} units or more" if ulps == LARGEST_WHOLE else f"{ulps:,} units"


def _share_of_spread(relative: float | None) -> str:
    return f" ({relative:.2g} of the weights' spread)" if relative else ""


def _share(share: float) -> str:
    return "all weights" if share == 1 else f"{share:.2%} of the weights"


def tampered(slug: str) -> str:
    """What the whole census of changes found for a network, in a sentence; empty if it was not measured."""
    found = results()["tampering"].get(slug)
    if not found:
        return ""
    flipped, zeroed, count = found["flipped"], found["zeroed"], found["nonzero"]
    return (
        f"We tried every weight of this network that is not 0, {count:,} in all. Sign flipped: "
        f"{flipped['still_verify']} still verify, {flipped['print_the_original']:,} print the original. "
        f"Set to 0: {zeroed['still_verify']} still verify, {zeroed['print_the_original']:,} print the original."
    )


def healed(report: Facts | None) -> str:
    """What became of a shaken network; before it was shaken, what to do."""
    return f"**{report['words']}**" if report else "Press *Shake it*."


def region(slug: str) -> str:
    """Where a network heals and where it does not, as measured."""
    found = results()["healing"].get(slug)
    if not found:
        return "For this network the share was not measured. Try it."
    shares = dict(zip(found["noise"], found["healed"], strict=True))
    safe = [noise for noise, share in shares.items() if share == 1]
    lost = [noise for noise, share in shares.items() if share < 0.5]
    text = f"Measured with 40 draws of noise each and up to {found['steps']} copies. "
    text += f"It always came back from noise of {max(safe):g} of the weights' spread or less. " if safe else ""
    return text + (
        f"From {min(lost):g} on it came back less than half the time: there it turns into something else for good."
        if lost
        else f"Even from noise of {max(shares):g} times the spread, {shares[max(shares)]:.0%} of the draws came back."
    )


def zero(slug: str, dust: float, clean: tuple[float, ...], dusty: tuple[float, ...]) -> str:
    """What became of zero, with and without dust."""
    name = find_shipped(slug).title
    start = (
        f"**{name}.** All weights 0: it prints 0. A perfect quine with nothing to say."
        if clean[1] == 0
        else f"**{name}.** All weights 0: it prints weights of spread {clean[1]:.2g}. Its bits count 0 as plus, so "
        "all-zero weights are no quine here."
    )
    if clean[1] != 0:
        return start
    grown = next((copy for copy, spread in enumerate(dusty) if spread > 0.5 * max(dusty)), len(dusty) - 1)
    return f"{start} Dust of {dust:.0e} on the weights: after {grown} copies their spread is {dusty[grown]:.2g}."


def axis_note() -> str:
    """How to read the logarithmic curves."""
    return f"−3 means 0.001. {FLOOR} also stands for everything smaller, and for exactly 0.".replace("-", "−")


def ladder() -> str:
    """The rungs as a Markdown table, each error written out."""
    rows = [f"| {label} | {_written_out(error)} |" for label, error in rungs()]
    trained, census = results()["seed"], results()["census"]["mlp"]
    note = (
        f"The training took {trained['curve'][-1][0]:,} steps. The exact perceptron was found among "
        f"{census['environments']} published strings ({environment_name('mlp', 0)} and on); "
        f"{census['with_at_least_one']} of them hold at least one exact quine, and the one with the largest margin is "
        "shown."
    )
    return "\n".join(["| how it was made | largest error |", "|---|---|", *rows, "", note])


def _written_out(error: Decimal) -> str:
    """0.0000…: with its zeros as far as they can be read, then their number."""
    if not error:
        return "**0**"
    zeros, digits = -error.adjusted() - 1, f"{error:.2e}".split("e")[0].replace(".", "").rstrip("0")
    if zeros <= 20:
        return f"0.{'0' * zeros}{digits}"
    return f"0.00000000… {zeros:,} zeros …{digits}"
