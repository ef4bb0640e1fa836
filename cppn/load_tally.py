"""What calls under load add up to: times, faults, processor time, memory; and how that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

FAULTS = {"errors": "error", "wrong": "wrong"}  # column -> the fault that it counts
SPREAD = {"median": 50, "p95": 95, "p99": 99}  # column -> per cent


class Call(NamedTuple):
    """One call: seconds until its last picture was here; `fault` is "", "error" or "wrong"."""

    name: str
    seconds: float
    fault: str


@dataclass
class Tally:
    """What a row is made of, collected over its turns; processor time in seconds.

    Memory (MB) and temporary files (their number and bytes) are those before the first turn and after each.
    """

    calls: list[Call] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    client_cpu: float = 0.0
    memory: list[float] = field(default_factory=list)
    files: list[tuple[int, int]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """The figures for the report."""
        found = times(self.calls)
        came = max(1, found["calls"] - found["errors"])  # a refusal is cheap and must not flatter
        (files, held), (files_after, held_after) = self.files[0], self.files[-1]
        return found | {
            "per_second": round((came - found["wrong"]) / self.seconds, 1),
            "cpu_ms": round(1000 * self.cpu / came, 1),
            "client_cpu_ms": round(1000 * self.client_cpu / came, 1),
            "rss_mb": [round(self.memory[0]), round(self.memory[-1])],
            "new_files": files_after - files,
            "new_bytes": held_after - held,
        }


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The least of the values that so many per cent of them do not exceed (nearest rank); 0 if there is none."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * per_cent // 100) - 1)] if ordered else 0.0


def times(calls: Iterable[Call]) -> dict[str, float]:
    """Number of calls, of errors and of answers with wrong bytes; median, p95 and p99 in seconds of those that came."""
    calls = list(calls)
    came = [call.seconds for call in calls if call.fault != "error"]
    counts = {name: sum(call.fault == fault for call in calls) for name, fault in FAULTS.items()}
    spread = {name: round(percentile(came, value), 3) for name, value in SPREAD.items()}
    return {"calls": len(calls)} | counts | spread


def cpu_ratios(rows: Iterable[dict]) -> dict[str, dict[str, float]]:
    """Processor time of a call of ours over the bare app's: kind of sessions -> number of clients -> ratio."""
    cpu = {(row["app"], row["sessions"], row["clients"]): row["cpu_ms"] for row in rows}
    ratios: dict[str, dict[str, float]] = {}
    for (app, kind, clients), value in cpu.items():
        if app == "ours" and (bare := cpu.get(("bare", kind, clients))):
            ratios.setdefault(kind, {})[str(clients)] = round(value / bare, 2)
    return ratios


def table(rows: Sequence[dict]) -> str:
    """Rows of one shape as text, a column for each key, numbers flush right."""
    if not rows:
        return ""
    lines = [list(rows[0])] + [[_shown(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _shown(value: object) -> str:
    return " -> ".join(map(str, value)) if isinstance(value, list) else str(value)
