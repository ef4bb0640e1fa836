"""A program as a hexdump in HTML whose parts are coloured."""

from __future__ import annotations

import html

from cppn.starry.program import parts

ROW = 16  # bytes a line, as `xxd` has it

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
.hexdump { width: 0; min-width: 100%; overflow-x: auto; border-radius: 8px; }
.hexdump { border: 1px solid var(--border-color-primary); }
.hexdump pre { margin: 0; padding: 10px 12px; font: 12px/1.5 ui-monospace, monospace; width: max-content; }
.hexlegend { display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 8px 0; font-size: 0.9rem; }
.hexlegend code { padding: 1px 5px; border-radius: 4px; }
</style>
"""


def dump(data: bytes) -> str:
    """The hexdump of a program of this family as HTML: offset, bytes, characters, each in the colour of its part.

    Raises:
        ValueError: another program.
    """
    names = [part.name for part in parts(data) for _ in range(part.start, part.end)]
    lines = []
    for start in range(0, len(data), ROW):
        row, of = data[start : start + ROW], names[start : start + ROW]
        digits = _coloured([f"{byte:02x} " for byte in row], of) + "   " * (ROW - len(row))
        letters = _coloured([chr(byte) if 32 <= byte < 127 else "." for byte in row], of)
        lines.append(f"{start:08x}  {digits} {letters}")
    text = "\n".join(lines)
    return f'{STYLE}<div class="hexdump" tabindex="0" role="region" aria-label="Hexdump"><pre>{text}</pre></div>'


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


def _coloured(cells: list[str], names: list[str]) -> str:
    """Cells of text, neighbours of one part in one coloured span."""
    pieces, start = [], 0
    for end in range(1, len(cells) + 1):
        if end == len(cells) or names[end] != names[start]:
            text = html.escape("".join(cells[start:end]))
            pieces.append(f'<span style="background:{LEGEND[names[start]][0]}40">{text}</span>')
            start = end
    return "".join(pieces)
