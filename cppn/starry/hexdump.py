"""What the parts of a program do, each in its colour."""

from __future__ import annotations

import html

from cppn.starry.program import parts

# part -> (colour of its background, what it does); half transparent, so that dark and light pages both suit them
LEGEND = {
    "open": ("#f59e0b", "opens a string: what follows is one very long number"),
    "string": ("#6366f1", "the number, written in base 256: all weights of the network"),
    "levels": ("#10b981", "ends the string; the number's digits in this base are the weights"),
    "picture": ("#0ea5e9", "for each row and column, write a pixel made of the last three values"),
    "neuron": ("#ef4444", "while weights are left: one more neuron, fed by all values so far"),
    "inputs": ("#a855f7", "the values to start from: a constant, x and y"),
    "size": ("#64748b", "how many columns and rows"),
}
STYLE = """
<style>
.hexlegend { display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 8px 0; font-size: 0.9rem; }
.hexlegend code { padding: 1px 5px; border-radius: 4px; }
</style>
"""


def coloured_parts(data: bytes) -> list[tuple[str, int, str]]:
    """A program's parts in order: name, end, and the colour behind its bytes, half transparent.

    Raises:
        ValueError: a program of another family.
    """
    return [(part.name, part.end, f"{LEGEND[part.name][0]}40") for part in parts(data)]


def legend(data: bytes) -> str:
    """What each part of a program does, with its number of bytes and, if it is short, its text, as HTML."""
    rows = []
    for part in parts(data):
        colour, meaning = LEGEND[part.name]
        size = part.end - part.start
        text = data[part.start : part.end].decode("latin-1") if size < 40 else "…"
        rows.append(
            f'<span><code style="background:{colour}55">{html.escape(text)}</code> '
            f"<b>{size:,} byte{'s' * (size > 1)}</b> {meaning}</span>"
        )
    return f'{STYLE}<div class="hexlegend">{"".join(rows)}</div>'
