"""What the Glyphs tab says: its texts, and sentences made of measured figures."""

from __future__ import annotations

from cppn.glyphs.catalogue import MODELS
from cppn.glyphs.interpolate import METHODS
from cppn.glyphs.message import LONG, SHORT

Facts = dict[str, object]

LEAD = """
Nobody designed these signs. One network, the **writer**, turns a message into a picture. The picture is turned, bent
and sprinkled with noise. A second network, the **reader**, must say what the message was. They learn together, from
nothing but their own mistakes, and a script appears that survives the journey.
"""
INTERPOLATE = """
Name two to four messages: whole numbers are seeds, anything else is a short text. The glyphs between them are messages
too. *Spherical* paths keep their contrast: almost all messages have the same length (many random numbers average out),
a straight line between two of them cuts through shorter ones, which the writer draws pale, and the arc stays outside.
"""
LARGE = """
The writer knows no pixels, so a glyph has as many as you like. Those of the original's networks are the exception: they
have 28 by 28 pixels and no more.
"""
SEND = """
Type up to 8 characters: A to Z, a to z, 0 to 9, space and `!`. They become 48 bits and 16 **check bits**, each one
sign, -1 or 1. The writer draws them, the channel does its worst, and the reader sees only what arrives. If its check
bits fit, the reader knows that it has read correctly. At strength 1 the channel
is the one that the networks learnt with.
"""
READ = """
A screenshot or a photo of a glyph, upright and filling most of the picture. **Only a glyph that carries a text can be
read**, by the network that wrote it; the check bits decide whether it counts.
"""
ONE_NUMBER = """
A message is a list of numbers. Here one of them goes from -3 to 3 while all others stay as they are. No number stands
for one stroke or one dot: each changes a little everywhere, so that no smudge can wipe it out.
"""
FILM = """
The same messages, written again and again while both networks learn. Watch the corners and the edges: they show the
reader which way is up.
"""
LEARNED = """
All figures are of messages that the networks never saw, sent through the real channel of the original (the Kornia
library), not through the copy of it that they learnt with.
"""
AVERAGE = "The average of 200 glyphs of the chosen model. What is not gray is in nearly all of them."
HOW = """
**The game.** A message is a list of random numbers, 64 for example. The *writer* (the generator) makes a picture of
it. The *channel* turns the picture by up to 30 degrees, shifts, enlarges and slants it, looks at it from the side and
adds noise. The *reader* (the decoder) gets only the result. The error is the difference between what was sent and what
was read, and both networks are nudged so that it shrinks. There are no example pictures at all. What the glyphs look
like is decided by one thing: what survives.

**Our writer** does not paint pixels. It sets the strengths of a few hundred waves, wide ones and narrow ones, across
and upright, and adds them up, as a loudspeaker adds up tones. Waves have values between any two pixels, so the same
glyph can be drawn at 16 pixels or at 2,048 and stays smooth. *Ink* multiplies the sum before it becomes light or dark:
more ink, sharper edges.

**Our reader straightens first.** A small network guesses where four fixed points of the glyph have gone, the picture is
pulled back until it is upright, and only then is it read. Nobody tells it where the points are: it finds out because
reading gets easier. The writer meets it half-way. It learns to put something in every glyph by which a turned one can
be told from an upright one, a frame or corner marks, much as QR codes have three squares. **Nobody asked for these
registration marks.** They appeared because they help. The average of many glyphs, on this page, shows them.

**R²** says how much of a message comes back: 1 is everything, 0 is no better than always guessing the average.

**Bits.** How much is that in bits? If a share R² of a number's variance comes back, then at least half the base-2
logarithm of 1 / (1 - R²) bits of information have arrived. We add this up over all numbers of a message, on messages
that the networks never saw. This is a *lower bound on information*, not a count of letters: 130 bits do not mean that
130 yes-or-no questions arrive without any error. For that we measure something else: messages of 64 signs, and how
often all 64 are right.

**Check bits.** A remainder after division, as in the last digit of a bar code: {short}
check the short texts of the smallest messages, {long} all others. If noise flips signs, the remainder almost always
disagrees, and the reader says "could not read it" instead of something wrong. A wrong text slips through once in 256
or 65,536 times.

**Large messages** hold more numbers than a text needs. Then the signs are repeated, and the repeats vote.

**The original's networks**, from the article that this tab follows, are here too: eight layers of transposed
convolutions write, five layers of convolutions read. They do not straighten, and reading is hard for them.
""".format(short=f"{SHORT.check.width} bits ({SHORT.check.name})", long=f"{LONG.check.width} bits ({LONG.check.name})")


def warning(facts: Facts) -> str:
    """The note of some facts as a paragraph; empty where there is none."""
    return f"\n\n⚠️ {facts['note']}." if facts.get("note") else ""


def interpolation(facts: Facts) -> str:
    """An animation in words."""
    several = f", {facts['glyphs']} glyphs at once" if facts["glyphs"] > 1 else ""
    aside = (
        " This loop blends all messages by sines, so it comes close to them without visiting each."
        if facts["method"] == "seed"
        else ""
    )
    return (
        f"**{METHODS[facts['method']]}** through {_list(facts['messages'])}: {facts['frames']} frames in "
        f"{facts['seconds']:.1f} seconds{several}, {facts['width']} × {facts['height']} pixels, "
        f"{facts['bytes'] / 1000:,.0f} kB.{aside}" + warning(facts)
    )


def delivery(facts: Facts) -> str:
    """What became of a text, in words."""
    right = f"{facts['signs_right']} of {facts['signs']} signs are right"
    if facts["read"] is None:
        first = f"### Could not read it\nThe check bits do not fit, and the reader knows it: {right}."
    elif facts["read"] == facts["sent"]:
        first = f"### Read: {_quoted(facts['read'])}\nThe check bits fit, and {right}."
    else:
        first = f"### Read: {_quoted(facts['read'])}, and wrong\nThe check bits fit by accident; {right}."
    low, high = (100 * value for value in facts["interval_95"])
    voted = f" Each sign was sent {facts['repeats']} times over." if facts["repeats"] > 1 else ""
    return (
        f"{first}{voted}\n\n**{facts['read_exactly']} of {facts['draws']} draws** of the channel were read without any "
        f"error (95 % interval {low:.0f} to {high:.0f} %), and {facts['sign_accuracy']:.2%} of all signs were right."
        + warning(facts)
    )


def read(facts: Facts) -> str:
    """What was read from a picture, in words."""
    if facts["read"] is None:
        return (
            "### Could not read it\n"
            f"In {_count(facts['attempts'], 'attempt')} no reading agreed with its check bits. Perhaps this is no "
            "glyph, or one of another model, one drawn from a seed (which carries no text), turned too far, or too "
            "small in the picture." + warning(facts)
        )
    return f"### Read: {_quoted(facts['read'])}\nThe check bits fit. The reader looked at {facts['how']}." + warning(
        facts
    )


def one_number(facts: Facts) -> str:
    """The influence of one number, in words."""
    return (
        f"Number {facts['place']:,} of {facts['numbers']:,} is {facts['own_value']:.2f} in this message; the large "
        f"glyph shows it at {facts['value']:.2f}. From -3 to 3 it changes {facts['changed_percent']:.1f} % of the "
        "picture visibly." + warning(facts)
    )


def training(name: str, film: bool, record: Facts) -> str:
    """A training run in words, as far as there are records of it."""
    parts = [] if film else [f"No film of **{MODELS[name].title}** was kept."]
    if record.get("cpu_seconds") and record.get("steps"):
        parts.append(
            f"{record['steps']:,} steps of learning in {record['cpu_seconds'] / 60:.0f} minutes on one processor core."
        )
    if record.get("curve"):
        _, _, r2, bits = record["curve"][-1]
        parts.append(f"At the end R² was {r2:.3f}, which is at least {bits:.0f} bits a glyph.")
    return " ".join(parts)


def _quoted(text: str) -> str:
    """A text that was read, so that an empty one is seen too; its characters cannot be Markdown."""
    return f"“{text}”" if text else "an empty text"


def _list(messages: list[str]) -> str:
    """Messages as typed; only what the parser of messages let through comes here."""
    return ", ".join(messages[:-1]) + f" and {messages[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
