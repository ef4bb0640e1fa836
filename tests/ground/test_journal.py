"""A journal survives interruption and several writers."""

from __future__ import annotations

from pathlib import Path

from cppn.journal import Journal


def test_entries_come_back_in_order(tmp_path: Path):
    journal = Journal(tmp_path / "new" / "folder" / "log.jsonl")
    assert journal.entries() == []
    for entry in ({"a": 1}, {"b": [1.5, None], "text": "é\n"}):
        journal.add(entry)
    assert Journal(journal.path).entries() == [{"a": 1}, {"b": [1.5, None], "text": "é\n"}]


def test_a_torn_last_line_counts_as_not_written(tmp_path: Path):
    journal = Journal(tmp_path / "log.jsonl")
    journal.add({"a": 1})
    with journal.path.open("a", encoding="utf-8") as file:
        file.write('{"a": 2')
    assert journal.entries() == [{"a": 1}]
