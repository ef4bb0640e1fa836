"""What the Starry-night tab says: its texts, and sentences made of measured figures."""

from __future__ import annotations

from cppn.hub import WeightsError
from cppn.starry.catalogue import PROGRAMS, Painter, painter_of
from cppn.starry.exhibit import HEIGHT, STRONGEST, WIDTH, Facts, Look, Source, Target, results, score_against, sources
from cppn.starry.program import BYTE_LIMIT, Program, parts

PUBLISHED_SCORE, PUBLISHED_BYTES = 4695.07, 1020  # as the answer gives them; recomputed from its program
REVISED_SCORE, REVISED_BYTES = 4444.04, 1023  # the same author's last revision, as it gives them
ANSWER = "https://codegolf.stackexchange.com/a/149835"
LEAD = """
Vincent van Gogh painted *The Starry Night* in 1889. A contest among programmers asked: who comes closest to it with a
program of **at most 1,024 bytes**? That is as much as two paragraphs like this one, for a picture of 123,520 pixels.
One answer hid **a neural network of 45 neurons** in its bytes. Here you can look inside it, and inside one that we
trained from nothing.
"""
NEURONS = """
Each small picture is one neuron: bright where its output is high. Neuron 1 sees nothing but the position. Every later
one also sees all the neurons before it, so shapes grow from simple to intricate. The last three are the red, green and
blue of the painting. **Click one** to see what moves it. The percentages say how much of its ups and downs an input
accounts for: weight times the spread of that input over the picture.
"""
PROGRAM = """
A program in the language **Pyth**: nearly all of it is one very long number, the weights; the few readable characters
at the end are the *decoder*, which computes the network at every pixel. Upload a program of this family to see what it
paints. It is read as data and never run.
"""
SQUEEZE = """
Any picture, painted by a program of at most 1,024 bytes. The same recipe that made our Starry Night searches for the
weights while you watch, though in seconds instead of minutes. Large soft shapes work best; there is no room for small
print.
"""
COMPARE = f"""
Left and right of the line are two pictures of {WIDTH} × {HEIGHT} pixels. Both networks saw the same original. It is not
shown here; if you bring a picture of it, or any other, it joins the comparison, and both programs get their score.
"""
COLOURS = ("red", "green", "blue")
STAGES = {  # what a search does, in plain words
    "adam": "first sketch",
    "levenberg": "finding the shapes",
    "rounding": "rounding the weights",
    "polish": "last touches",
}
HOW = f"""
**What is in the bytes?** The published program has 1,020. The first 4 open a text. The next 960 are that text, and it
is gibberish, because it is not meant to be read: each byte is a digit in base 256 of one single number that would have
more than 2,300 decimal digits. The last 56 bytes are the decoder. It writes the number in base 111 instead, and there
they are: 1,125 digits from 0 to 110. Take 55 away, and you have **1,125 weights** from -55 to 55. (Four bytes of the
text are *escapes*. A quotation mark, for example, would end the text too early, so it takes a backslash before it.)

**What does it compute?** The decoder goes through all pixels. At each it starts with three values: a constant, the
column x and the row y. A neuron multiplies every value so far by a weight, adds everything up and squeezes the sum into
the range from 0 to 256 with an S-shaped curve, the *sigmoid*. The result joins the list, and the next neuron sees one
value more. After 45 neurons the list ends with red, green and blue. The decoder drops what is behind the decimal point,
and the pixel is done. 3 + 4 + 5 + … + 47 weights are 1,125.

**Why is it so blurry?** Each weight has one of 111 values: not quite seven bits. All of them together are 956 bytes,
less than a single line of the picture's pixels. What you see is what is most worth painting under that limit.

**Why can it be painted larger?** The network is a formula. It has an answer between two pixels, so at 4,096 pixels
there are still no blocks, and outside the picture, where nobody asked it before. Only at {WIDTH} × {HEIGHT} is it the
program's own painting: there every value is exactly what Pyth computes.

**What is different in ours?** The form is the same, with three changes. The curve that bends a neuron's sum is not an S
but a *sine*, a wave. An S draws one edge, a wave draws stripes and rings, so a neuron gets more done. The stored
numbers are not the weights themselves: a weight is the *tangent* of its number. That makes fine steps for small
weights, of which there are many, and coarse steps for the few large ones, so fewer different values are enough. And the
bytes that this saves pay for one neuron more.

**How is the score counted?** For each of the {WIDTH} × {HEIGHT} pixels and three colours, take the difference from the
original, divide it by 255, square it, and add everything up. Zero would be perfect, a black picture has 63,792.

**How was ours found?** From random weights, without a look at the published ones. A first sketch by *Adam*: nudge all
weights a little downhill, many times. Then *Levenberg-Marquardt*: work out how every pixel answers to every weight, and
solve for the step that would be best for all weights at once; each time for other pixels, so that it does not get
stuck. Then the weights have to become whole numbers, which spoils the picture. So they are rounded one after the other,
and those that are still free make up for the damage; those that matter least come last, when nobody is left to help
them, and a hundred ways to round are followed at once.

The published network and its program are by Anders Kaseorg, in an [answer]({ANSWER}) to "Paint Starry Night,
objectively, in 1kB of code" on Code Golf Stack Exchange. The painting is in the public domain.
"""


def facts(known: Facts) -> str:
    """A program's facts in a sentence or two."""
    kind = "sigmoid" if known["neuron"] == "sigmoid" else "sine"
    text = (
        f"**{known['bytes']:,} bytes**: {known['neurons']} {kind} neurons, {known['weights']:,} weights of "
        f"{known['levels']} levels. The program paints {known['width']} × {known['height']} pixels."
    )
    if "picture_width" in known:
        own = known["picture_width"] == known["width"] and known["zoom"] == 1
        text += " " + (
            "This is its own painting, pixel by pixel."
            if own
            else f"Here: {known['picture_width']:,} × {known['picture_height']:,}, computed between its pixels."
        )
    return f"{text}\n\n⚠️ {known['note']}." if known["note"] else text


def neuron_names(program: Program) -> list[str]:
    """The neurons' numbers, counted from 1; the last three are called by their colour as well."""
    names = [str(number) for number in range(1, program.neurons + 1)]
    return names[:-3] + [f"{name} {colour}" for name, colour in zip(names[-3:], COLOURS, strict=True)]


def captions(program: Program) -> list[str]:
    """What moves each neuron, in plain words."""
    named = zip(neuron_names(program), sources(program), strict=True)
    return [f"**Neuron {name}** {_moved_by(row, program.activation)}." for name, row in named]


def _moved_by(row: list[Source], activation: str) -> str:
    """The strongest inputs of a neuron, with their shares."""
    if not row:
        return "is the same everywhere"
    strongest = row[:STRONGEST]
    if activation == "sine":  # rises and falls in turn
        return f"goes up and down along {_listed([_share(source) for source in strongest])}"
    rising = [_share(source) for source in strongest if source.rises]
    falling = [_share(source) for source in strongest if not source.rises]
    said = [f"{word} with {_listed(names)}" for word, names in (("rises", rising), ("falls", falling)) if names]
    return " and ".join(said)


def _share(source: Source) -> str:
    return f"{source.name} ({source.share:.0%})"


def _listed(names: list[str]) -> str:
    """Names with commas, and "and" before the last."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def neuron_list(program: Program) -> str:
    """All captions as a Markdown list."""
    return "\n".join(f"- {caption}" for caption in captions(program))


def comparison(left: str, right: str, target: Target | None) -> str:
    """What the two sides of the slider are, and how both programs do against the visitor's target."""
    titles = {**PROGRAMS, "target": "Your picture"}
    lines = [f"◀ {titles[left]} &nbsp;|&nbsp; {titles[right]} ▶ &nbsp; Drag the line."]
    if target:
        lines.append(_scores(target))
    return "\n\n".join(lines)


def _scores(target: Target) -> str:
    """Both programs' scores with a target, as a table."""
    rows = []
    for name, title in PROGRAMS.items():
        try:
            rows.append(f"| {title} | **{score_against(painter_of(name), target):,.2f}** |")
        except WeightsError as error:
            rows.append(f"| {title} | {error} |")
    done = f"{target.done} " if target.done else ""
    head = f"{done}Summed squared differences from your picture over 255², {WIDTH} × {HEIGHT} pixels, lower is better:"
    return "\n".join([head, "", "| program | score |", "|---|---|", *rows])


def bytes_of(painter: Painter) -> str:
    """A program's bytes in a sentence."""
    sizes = {part.name: part.end - part.start for part in parts(painter.data)}
    rest = len(painter.data) - sizes["open"] - sizes["string"]
    credit = (
        f" The integers are those of [the published answer]({ANSWER}); the bytes are what our writer makes of them."
        if painter.name == "published"
        else ""
    )
    return (
        f"**{len(painter.data):,} of {BYTE_LIMIT:,} bytes**: {sizes['string']:,} of weights, {rest} of decoder, "
        f"{sizes['open']} to open the text.{credit}"
    )


def example(painter: Painter) -> str:
    """What the program is that is shown before a visitor squeezes one."""
    return (
        f"**Squeezed before**, from the sunset: {len(painter.data):,} bytes, {painter.program.neurons} "
        f"neurons. Press the button to watch such a search, or bring a picture of your own."
    )


def squeezed(look: Look) -> str:
    """The state of a search in a sentence."""
    state = "**Done**" if look.share >= 1 else f"**{look.share:.0%}**, {STAGES[look.stage]}"
    return f"{state}: {len(look.data):,} bytes, score {look.score:,.0f} ({look.decibels:.1f} dB)."


def scores() -> str:
    """The table of scores: what others reached, and what we did."""
    lines = [
        "| program | score, lower is better | bytes |",
        "|---|---|---|",
        f"| the published network ([answer]({ANSWER})) | {PUBLISHED_SCORE:,.2f} | {PUBLISHED_BYTES:,} |",
        f"| its author's later revision, not shown here | {REVISED_SCORE:,.2f} | {REVISED_BYTES:,} |",
    ]
    found = results()
    if "ours" in found:
        ours = found["ours"]
        lines.append(f"| **our network**, from random weights | **{ours['score']:,.2f}** | {ours['bytes']:,} |")
    return "\n".join([*lines, "", *_how_measured(found)])


def _how_measured(found: Facts) -> list[str]:
    """What stands behind the figures."""
    said = []
    if checks := found.get("pyth"):
        values, differing = (sum(check[key] for check in checks.values()) for key in ("values", "differing"))
        said.append(
            f"Checked with the real Pyth interpreter: {differing:,} of {values:,} colour values differ from ours."
        )
    if "search" in found and "cpu_seconds" in found["search"]:
        said.append(f"Our search took {found['search']['cpu_seconds'] / 60:,.0f} minutes on one processor core.")
    return said
