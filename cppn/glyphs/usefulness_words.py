"""What the three experiments with handwritten digits found, in words, bars and pictures; only what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from cppn import hub, render
from cppn.glyphs import charts, exhibit
from cppn.glyphs.exhibit import Facts
from cppn.heatmap import Bar, bars

SETS = {"mnist": "MNIST's 10,000 test digits", "digits": "scikit-learn's 1,797 small digits"}  # the first one is shown
NETWORKS = {"script": "our networks", "seed": "the original's networks"}
WAYS = {"as run": "as the original's code ran it", "frozen": "really frozen"}
SHEETS = {"reconstructed": "Digits read, and drawn again", "drawn": "Messages searched for that draw digits"}
TRAINED, RANDOM = (70, 90, 190), (170, 175, 185)
Leaf = dict[str, object]


def chosen() -> tuple[str, Facts] | None:
    """The digits that were measured, in words, and what was found with them."""
    measured = exhibit.experiments()
    for name, title in SETS.items():
        if found := measured.get(name):
            limit = found.get("limit")
            return f"{limit:,} of {title}" if limit else title, found
    return None


def leaf(found: Facts, *names: str) -> Leaf | None:
    """One figure with its interval, or None where it was not measured."""
    for name in names:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, dict) and "mean" in found else None


def told(figure: Leaf, form: str) -> str:
    """A mean with its 95 % interval."""
    text = form.format(figure["mean"])
    if not figure.get("interval"):
        return text
    low, high = (form.format(value) for value in figure["interval"])
    return f"{text} ({low} to {high})"


def text() -> str:
    """The three experiments, each with what was asked and what came out."""
    found = chosen()
    if not found:
        return "The experiments with digits have not been run yet: `python -m cppn glyphs experiment` does it."
    title, figures = found
    parts = [
        "### Is the script good for anything else?",
        f"The original asked this three times, with handwritten digits that the networks had never seen. Repeated here "
        f"with {title}; means of five repetitions with 95 % intervals.",
        *_reconstruction(figures),
        *_classifier(figures),
        *_drawing(figures),
    ]
    return "\n\n".join(parts)


def _pairs(figures: Facts, experiment: str, *rest: str) -> Iterator[tuple[str, Leaf, Leaf]]:
    """The trained and the random network's figure, for each kind of network that has both."""
    for name, title in NETWORKS.items():
        trained, random = (leaf(figures, experiment, name, weights, *rest) for weights in ("trained", "random"))
        if trained and random:
            yield title, trained, random


def _verdict(trained: Leaf, random: Leaf, more_is_better: bool) -> str:
    """Which is better, if the intervals do not overlap."""
    if not (trained.get("interval") and random.get("interval")):
        return "too few repetitions to say more"
    if trained["interval"][0] > random["interval"][1]:
        return "training helps" if more_is_better else "training harms"
    if trained["interval"][1] < random["interval"][0]:
        return "training harms" if more_is_better else "training helps"
    return "no clear difference"


def _compared(figures: Facts, form: str, more_is_better: bool, *names: str) -> str:
    """Trained against random for each kind of network, as one sentence."""
    experiment, *rest = names
    parts = [
        f"{title} {told(trained, form)} trained, {told(random, form)} random: "
        + _verdict(trained, random, more_is_better)
        for title, trained, random in _pairs(figures, experiment, *rest)
    ]
    return "; ".join(parts) + "." if parts else ""


def _reconstruction(figures: Facts) -> Iterator[str]:
    """A digit read as a message, and the message drawn again."""
    if said := _compared(figures, "{:.1%}", True, "reconstruction", "from_signs"):
        yield (
            "**1. Read a digit, draw what was read.** What is drawn is a glyph, though in ours the digit often shows "
            f"through, and like digits give like glyphs. How often the most similar glyph is of the same digit: {said}"
        )


def _classifier(figures: Facts) -> Iterator[str]:
    """A linear classifier on the reader, with and without freezing."""
    as_run, frozen = (_compared(figures, "{:.1%}", True, "classifier", way) for way in WAYS)
    if not as_run or not frozen:
        return
    yield (
        "**2. A linear classifier on top of the reader.** The original compared readers that were frozen with readers "
        "that went on learning, found no difference between a trained and a random one, and concluded that nothing "
        f"useful had been learnt. Run as its code did: {as_run}"
    )
    yield (
        "That code sets `requires_grad` on the network as a whole. In PyTorch this is just a new attribute: it "
        "freezes nothing, an easy slip to make, and so all its readers went on learning. With the weights really "
        f"frozen: {frozen}"
    )
    if few := _compared(figures, "{:.1%}", True, "probe", "few_labels"):
        yield f"With only 50 labelled digits and a classifier trained to the end: {few}"


def _drawing(figures: Facts) -> Iterator[str]:
    """Messages searched for that draw given digits."""
    if said := _compared(figures, "{:.3f}", False, "drawing"):
        flat = leaf(figures, "drawing", "mean digit")
        against = f" (always drawing the average digit: {flat['mean']:.3f})" if flat else ""
        yield (
            "**3. Search for a message that the writer draws as a given digit.** Mean squared error of a pixel, less "
            f"is better{against}: {said}"
        )


def pictures() -> list[tuple[str, str]]:
    """Bars of the classifier, and what was reconstructed and drawn: picture file and caption each."""
    found = chosen()
    if not found:
        return []
    _, figures = found
    shown = []
    if rows := list(_bars(figures)):
        chart = bars(rows, "Digits classified correctly")
        shown.append((str(render.save_png(chart, "glyphs-classifier")), "Trained in blue, random in gray"))
    for what, sheet in figures.get("pictures", {}).items():
        path = hub.BUNDLED / sheet["file"]
        if path.is_file():
            with Image.open(path) as picture:
                rows = charts.labelled_rows(picture.convert("RGB"), [_row(row) for row in sheet["rows"]], SHEETS[what])
            shown.append((str(render.save_png(rows, path.stem)), SHEETS[what]))
    return shown


def _row(name: str) -> str:
    """What a row of pictures shows: "script, trained: drawn" is "our networks, trained"."""
    network, _, weights = name.partition(":")[0].partition(", ")
    return f"{NETWORKS[network]}, {weights}" if network in NETWORKS else f"the {network}"


def _bars(figures: Facts) -> Iterator[Bar]:
    """A bar for each kind of network, way and kind of weights."""
    for way, how in WAYS.items():
        for title, trained, random in _pairs(figures, "classifier", way):
            for weights, figure, colour in (("trained", trained, TRAINED), ("random", random, RANDOM)):
                yield Bar(f"{title}, {weights}, {how}", figure["mean"], f"{figure['mean']:.1%}", colour)
