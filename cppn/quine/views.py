"""What the Quine wing shows: results as plots, facts and sentences; no user interface in here."""

from __future__ import annotations

import html
import math
from dataclasses import asdict
from pathlib import Path

from cppn import render
from cppn.quine.certify import Proof
from cppn.quine.heal import Healing
from cppn.quine.tamper import Tampering
from cppn.quine.verify import LARGEST_WHOLE, Report, Verification
from cppn.quine.weights import SHIPPED, QuineFile

Facts = dict[str, object]

FLOOR = -18  # where the curves draw exactly 0, whose logarithm is minus infinity
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
VERDICTS = {
    "exact": "An exact quine: it prints every one of its {count:,} weights, to the last bit.",
    "float": "A quine to float precision: its largest error, {delta:.1e} (R² {r2}), is rounding alone.",
    "approximate": "Approximate: it prints its weights with errors of up to {delta:.1e} (R² {r2}).",
    "trivial": "Trivial: it prints itself only because its weights say nothing (all zero, or nearly constant).",
    "not_a_quine": "Not a quine: what it prints is not its weights; the largest error is {delta:.1e} (R² {r2}).",
}
# what is proved -> title, sentence
PROOFS = {
    "certified": (
        "Certified: no correct computer prints anything else.",
        "Whatever the rounding and the order of the sums, no number in front of the sign head strays by more than "
        "{bound:.2g}, and each keeps at least {clearance:.2g} away from 0.",
    ),
    "refuted": (
        "Refuted: no correct computer prints these weights.",
        "Whatever the rounding and the order of the sums, at least one weight comes out otherwise.",
    ),
    "enclosed": (
        "Proved: there is a true quine beside it.",
        "Real numbers that print themselves exactly lie within {radius:.1e} of these weights; no file of floats holds "
        "them. The search for them shrinks its box to {contraction:.2g} of its size.",
    ),
    "open": ("Nothing is proved.", "The bounds on what another computer could find are too wide to tell."),
    "none": ("Nothing to prove.", "A proof needs a published table and bits, or an error that is rounding alone."),
}
# titles of what a tampered network comes to when it is no quine any more; {} is its verdict
TAMPERED = {
    "restored": "Verification fails: it still prints the original",
    "tipped": "Verification fails: its code has tipped over",
    "fails": "Verification fails: {}",
}
OWN_TABLE = (
    " The file brings its own read-out table, and a table can be made to print any weights at all;"
    " so it is called approximate at best, however small its error."
)


# --- verified


def verdict_words(report: Report) -> str:
    """A verdict as a sentence."""
    words = VERDICTS[report.verdict].format(count=report.weights, delta=report.max_delta, r2=r_squared(report.r2))
    return words + OWN_TABLE if report.table == "own" else words


def r_squared(value: float | None) -> str:
    """R² to four digits; in words where there is none."""
    return "none, all weights are equal" if value is None else f"{value:.4g}"


def report_facts(found: Verification) -> Facts:
    """A report as plain data, with its sentence behind the verdict."""
    return {"verdict": found.report.verdict, "words": verdict_words(found.report), **asdict(found.report)}


def proof_facts(proof: Proof) -> Facts:
    """What is proved as plain data, with its sentences."""
    title, sentence = PROOFS[proof.verdict]
    return {**asdict(proof), "words": f"{title} {sentence.format(**asdict(proof))}"}


def proof_words(facts: Facts) -> str:
    """The same as a line of Markdown."""
    title, _ = PROOFS[facts["verdict"]]
    return f"**{title}**{facts['words'].removeprefix(title)}"


def origin(file: QuineFile) -> Facts:
    """Where a file came from, and what the reader ought to know about that."""
    return {"weights_from": file.source, "note": file.note}


def note(facts: Facts) -> str:
    """What there is to know about where the weights came from, as a line of Markdown; mostly nothing."""
    return f"⚠️ {facts['note']}." if facts["note"] else ""


def noted(words: str, facts: Facts) -> str:
    """Words with that line below them, where there is one."""
    return f"{words}\n\n{note(facts)}".rstrip()


def card(report: Facts) -> str:
    """The verdict as HTML: symbol, title and sentence on a coloured edge."""
    return _card(*CARDS[report["verdict"]], report["words"])


def _card(symbol: str, title: str, colour: str, sentence: str) -> str:
    return (
        f'<div style="border-left: 8px solid {colour}; padding: 8px 14px;">'
        f'<div style="font-size: 1.35rem; font-weight: 700;"><span style="color: {colour};" aria-hidden="true">'
        f"{symbol}</span> {title}</div><div>{html.escape(sentence)}</div></div>"
    )


def facts_table(report: Facts) -> str:
    """The figures behind a verdict, as a Markdown table."""
    bits = "bits" if report["head"] == "sign" else "numbers"
    source = f"{report['code_size']} {bits} times a fixed table" if report["code_size"] else "all trained, no table"
    same = "the same" if report["sha256_weights"] == report["sha256_output"] else "different"
    rows = [
        ("Network", f"{NETWORKS[report['architecture']]}, {report['weights']:,} weights, {report['dtype']}"),
        ("The weights come from", source),
        ("Largest error", f"{report['max_delta']:.3g}" + _share_of_spread(report["relative_delta"])),
        ("Mean error", f"{report['mean_delta']:.3g}"),
        ("R²", r_squared(report["r2"])),
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
        ("The file", report["weights_from"]),
    ]
    return "\n".join(["| measured | on this file |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _units(ulps: int) -> str:
    return f"{LARGEST_WHOLE:.1e} units or more" if ulps == LARGEST_WHOLE else f"{ulps:,} units"


def _share_of_spread(relative: float | None) -> str:
    return f" ({relative:.2g} of the weights' spread)" if relative else ""


def _share(share: float) -> str:
    return "all weights" if share == 1 else f"{share:.2%} of the weights"


def ulp_bars(report: Facts) -> Facts:
    """How many weights are printed with an error of how many units in the last place."""
    return render.plot_data({"units": "nominal", "weights": "quantitative"}, report["ulp_histogram"], "bar")


def margin_bars(report: Facts) -> Facts:
    """How far each bit of the code is from tipping over; empty without a sign head."""
    rows = [(f"{bit:02}", margin) for bit, margin in enumerate(report["margins"], start=1)]
    return render.plot_data({"bit": "nominal", "margin": "quantitative"}, rows, "bar")


def copy_for_download(file: QuineFile, name: str) -> Path:
    """The weights file under a speaking name, where visitors may fetch it."""
    return render.save_bytes(file.path.read_bytes(), name, ".safetensors")


# --- tampered with


def tamper_words(done: Tampering) -> str:
    """What became of a changed network, in sentences."""
    at = f"{done.layer}[{', '.join(str(i) for i in done.position)}]"
    if done.before == done.after:
        return f"Weight {at} is {done.before:.6g} as before, so nothing has changed."
    change = f"Weight {at} was {done.before:.6g} and is {done.after:.6g} now."
    verdict = "Still a quine!" if done.verification.report.is_quine else "Not a quine."
    if done.restored:
        return f"{change} {verdict} It prints the original, every weight to the last bit."
    if done.verification.report.head == "sign":
        return f"{change} {verdict} The code has tipped over: {done.original_bits:.0%} of the original is printed."
    return f"{change} {verdict} What it prints lies within {done.distance:.1e} of the original."


def tamper_facts(done: Tampering) -> Facts:
    """The findings as plain data."""
    facts = {name: value for name, value in vars(done).items() if name != "verification"}
    return {
        **facts,
        "position": list(done.position),
        "words": tamper_words(done),
        "verification": report_facts(done.verification),
    }


def tamper_card(report: Facts) -> str:
    """The same for a tampered network, which is expected to fail."""
    verdict = report["verification"]["verdict"]
    if report["verification"]["is_quine"]:
        return _card(*CARDS[verdict], report["words"])
    symbol, _, colour = CARDS["not_a_quine"]
    sign = report["verification"]["head"] == "sign"
    title = TAMPERED["restored" if report["restored"] else "tipped" if sign else "fails"]
    return _card(symbol, title.format(CARDS[verdict][1].lower()), colour, report["words"])


# --- shaken


def healing_words(run: Healing) -> str:
    """What became of a shaken network, in a sentence."""
    copies = len(run.distances) - 1
    if run.exploded:
        return f"Not healed: after {copies} copies the weights grow beyond a million."
    if not run.healed:
        return f"Not healed after {copies} copies: it is still {run.distances[-1]:.1e} away from itself."
    if run.healed_at == 0:
        return "There was nothing to heal."
    place = "to the last bit" if run.tolerance == 0 else f"to within {run.tolerance:.0e}"
    return f"Healed {place} after {run.healed_at} {'copy' if run.healed_at == 1 else 'copies'}."


def healing_facts(run: Healing) -> Facts:
    """The findings as plain data."""
    return {**asdict(run), "words": healing_words(run)}


def healed(report: Facts) -> str:
    """What became of a shaken network, as Markdown."""
    return noted(f"**{report['words']}**", report)


def log_size(value: float) -> float:
    """Power of ten of a size for a plot; exactly 0, and all that is smaller, at `FLOOR`."""
    return max(FLOOR, math.log10(value)) if value > 0 else FLOOR


def healing_curve(run: Healing) -> Facts:
    """Distance to the original after each copy, thinned to some 200 points."""
    points = [(copy, log_size(value)) for copy, value in enumerate(run.distances)]
    return render.plot_data({"copy": "quantitative", "power of ten": "quantitative"}, render.thinned(points), "line")


def zero_curves(runs: dict[str, tuple[float, ...]]) -> Facts:
    """Spread of the weights after each copy, one line a start."""
    columns = {"copy": "quantitative", "power of ten": "quantitative", "start": "nominal"}
    rows = [(copy, log_size(spread), start) for start, run in runs.items() for copy, spread in enumerate(run)]
    return render.plot_data(columns, rows, "line")


def zero_words(slug: str, dust: float, clean: tuple[float, ...], dusty: tuple[float, ...]) -> str:
    """What became of zero, with and without dust."""
    name = SHIPPED[slug].title
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
