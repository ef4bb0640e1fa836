"""What was measured beforehand, as pictures, plots and sentences: the ladder, every change of a weight, healing."""

from __future__ import annotations

import functools
import json
import math
from decimal import Decimal
from pathlib import Path

from cppn import heatmap, hub, render
from cppn.heatmap import Bar
from cppn.quine.weights import SHIPPED, environment_name

LADDER_LENGTH = 20  # decimal places that a ladder's bar shows to scale; float64 ends near 17
FOUND, ROUNDED, ROUGH = (0, 150, 136), (70, 110, 200), (215, 110, 50)


@functools.cache
def results() -> dict[str, object]:
    """The measured figures."""
    return json.loads((hub.BUNDLED / "results" / "quine.json").read_text(encoding="utf-8"))


def explained() -> dict[str, object]:
    """The figures that `text/how.md` needs; of two tasks that fight, the rows of a good copy and of a good reader."""
    rows = results()["front"]["rows"]
    close = max((row for row in rows if row["r2"] >= 0.97), key=lambda row: row["accuracy_test"])
    return results()["sensitivity"] | {"close": close, "far": max(rows, key=lambda row: row["accuracy_test"])}


def rungs() -> list[tuple[str, Decimal, float]]:
    """The ladder: how it was made, its largest error and its R², from the worst to the best."""
    files = results()["files"]
    long = results()["digits"]
    found = {slug: (Decimal(files[slug]["max_delta"]), files[slug]["r2"]) for slug in SHIPPED}
    exact = [slug for slug, figures in files.items() if figures["verdict"] == "exact"]
    ladder = [
        ("Trained as the seed trains it", *found["seed_rmsprop"]),
        ("One query a weight, every weight trained", *found["query"]),
        ("Newton's method, 64-bit numbers", *found["newton"]),
        (f"The same with {long['digits']:,} digits (too long for a file)", Decimal(long["max_delta"]), 1.0),
        (f"Exact: {len(exact)} networks, found by census", *max(found[slug] for slug in exact)),
    ]
    return sorted(ladder, key=lambda rung: -rung[1])


def ladder_picture() -> Path:
    """The error ladder as bars: the longer, the more decimal places of every weight are printed rightly."""
    rows = []
    for label, error, _ in rungs():
        places = -float(error.log10()) if error else math.inf
        share = 0.8 * places / LADDER_LENGTH if places <= LADDER_LENGTH else 0.9 if error else 1.0
        colour = ROUGH if places < 10 else ROUNDED if error else FOUND
        rows.append(
            Bar(
                label,
                share,
                f"{error:.1e}" if error else "exactly 0",
                colour,
                places > LADDER_LENGTH,
            )
        )
    return render.save_png(heatmap.bars(rows, "Largest error of a weight"), "quine-ladder")


def ladder_table() -> str:
    """The rungs as a Markdown table, each error written out."""
    rows = [f"| {label} | {_written_out(error)} | {r2:.4g} |" for label, error, r2 in rungs()]
    trained, census = results()["seed"], results()["census"]["mlp"]
    note = (
        f"The training took {trained['curve'][-1][0]:,} steps. The exact perceptron was found among "
        f"{census['environments']} published strings ({environment_name('mlp', 0)} and on); "
        f"{census['with_at_least_one']} of them hold at least one exact quine, and the one with the largest margin is "
        "shown."
    )
    return "\n".join(["| how it was made | largest error | R² |", "|---|---|---|", *rows, "", note])


def _written_out(error: Decimal) -> str:
    """0.0000…: with its zeros as far as they can be read, then their number."""
    if not error:
        return "**0**"
    zeros, digits = -error.adjusted() - 1, f"{error:.2e}".split("e")[0].replace(".", "").rstrip("0")
    if zeros <= 20:
        return f"0.{'0' * zeros}{digits}"
    return f"0.00000000… {zeros:,} zeros …{digits}"


def tamper_census(slug: str) -> str:
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


def proof_times() -> str:
    """What a proof takes: of the exact networks, and of the others that there is one for; in milliseconds."""
    found = results()["proofs"]
    exact = [entry["cpu_ms"] for entry in found.values() if entry["verdict"] == "certified"]
    others = [f"{entry['cpu_ms']:.0f} for `{slug}`" for slug, entry in found.items() if entry["verdict"] == "enclosed"]
    return f"{min(exact):.0f} to {max(exact):.0f} milliseconds for an exact network, {', '.join(others)}"


def healing_region(slug: str) -> dict[str, object]:
    """Measured share of noise draws from which a quine comes back, for each noise; empty if it was not measured."""
    measured = results()["healing"].get(slug, {"noise": (), "healed": ()})
    rows = [(f"{noise:g}", share) for noise, share in zip(measured["noise"], measured["healed"], strict=True)]
    return render.plot_data({"noise": "nominal", "share healed": "quantitative"}, rows, "bar")


def region_words(slug: str) -> str:
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
