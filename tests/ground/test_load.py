"""What `python -m cppn load` makes of calls, and how its client reads gradio's streams."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cppn import load
from cppn.load_client import CallError, Server, Visitor, last_answer, sizes_below
from cppn.load_tally import Call, Tally, cpu_ratios, percentile, table, times


@pytest.mark.parametrize("count", [1, 2, 7, 100, 101])
@pytest.mark.parametrize("per_cent", [1, 50, 95, 99, 100])
def test_percentiles_are_the_nearest_ranks_of_numpy(count, per_cent):
    values = np.random.default_rng(count).normal(size=count)
    assert percentile(list(values), per_cent) == np.percentile(values, per_cent, method="inverted_cdf")


def test_no_calls_have_no_times():
    assert percentile([], 95) == 0
    assert times([]) == {"calls": 0, "errors": 0, "wrong": 0, "median": 0, "p95": 0, "p99": 0}


def test_errors_count_but_their_times_do_not():
    calls = [Call("a", 1.0, ""), Call("a", 3.0, "wrong"), Call("a", 0.001, "error")]
    assert times(calls) == {"calls": 3, "errors": 1, "wrong": 1, "median": 1.0, "p95": 3.0, "p99": 3.0}


def test_a_row_divides_by_the_calls_that_came():
    calls = [Call("a", 0.5, "")] * 8 + [Call("a", 0.5, "wrong")] * 2 + [Call("a", 0.0, "error")] * 10
    row = Tally(calls, seconds=4, cpu=0.5, client_cpu=0.02, memory=[100.4, 300, 200.6], files=[(1, 5), (9, 9), (4, 25)])
    assert row.row() == times(calls) | {
        "per_second": 2.0,
        "cpu_ms": 50.0,
        "client_cpu_ms": 2.0,
        "rss_mb": [100, 201],
        "new_files": 3,
        "new_bytes": 20,
    }


def test_ratios_pair_the_apps_of_one_kind_and_crowd():
    rows = [
        {"app": "ours", "sessions": "kept", "clients": 1, "cpu_ms": 30.0},
        {"app": "bare", "sessions": "kept", "clients": 1, "cpu_ms": 60.0},
        {"app": "ours", "sessions": "new", "clients": 8, "cpu_ms": 90.0},
        {"app": "bare", "sessions": "new", "clients": 8, "cpu_ms": 60.0},
        {"app": "ours", "sessions": "new", "clients": 32, "cpu_ms": 90.0},  # nothing to compare with
    ]
    assert cpu_ratios(rows) == {"kept": {"1": 0.5}, "new": {"8": 1.5}}


def test_a_table_has_a_column_for_each_key():
    rows = [{"app": "ours", "rss_mb": [1, 20]}, {"app": "x", "rss_mb": [300, 4]}]
    assert table(rows) == " app    rss_mb\nours   1 -> 20\n   x  300 -> 4"
    assert table([]) == ""


def test_both_kinds_of_streams_end_with_the_answer():
    assert last_answer('event: generating\ndata: [1]\n\nevent: complete\ndata: [2, "x"]\n\n') == [2, "x"]
    messages = [
        {"msg": "estimation", "rank": 0},
        {"msg": "process_starts"},
        {"msg": "process_completed", "success": True, "output": {"data": [3]}},
        {"msg": "close_stream"},
    ]
    assert last_answer("".join(f"data: {json.dumps(message)}\n\n" for message in messages)) == [3]


@pytest.mark.parametrize(
    "stream",
    [
        "",
        "event: heartbeat\ndata: null\n\n",
        'event: error\ndata: {"error": "no team"}\n\n',
        'data: {"msg": "process_completed", "success": false, "output": {"error": "no team"}}\n\n',
        'data: {"msg": "unexpected_error", "message": "gone"}\n\n',
    ],
)
def test_a_stream_without_an_answer_is_an_error(stream):
    with pytest.raises(CallError):
        last_answer(stream)


def test_files_are_found_wherever_an_answer_holds_them(monkeypatch):
    visitor = Visitor(SimpleNamespace(port=1))
    monkeypatch.setattr(visitor, "get", str.encode)
    meta = {"meta": {"_type": "gradio.FileData"}}
    answer = [
        {"path": "/a.png", "url": "http://127.0.0.1:1/gradio_api/file=/a.png", **meta},
        {"facts": [{"path": "/b c.png", "url": None, **meta}], "path": "no file"},
        None,
        "words",
    ]
    assert visitor.pictures(answer) == [b"/gradio_api/file=/a.png", b"/gradio_api/file=/b%20c.png"]


@pytest.mark.parametrize(
    ("brought", "fault"), [(["same"], ""), (["other"], "wrong"), ([], "wrong"), (CallError(503, "full"), "error")]
)
def test_an_answer_is_right_wrong_or_missing(brought, fault):
    def call(name, data):
        if isinstance(brought, Exception):
            raise brought
        return brought

    visitor = SimpleNamespace(call=call, hashes=lambda answer: answer)
    assert load.ask(visitor, ("decode_flag", [], ["same"])).fault == fault


def test_sizes_are_those_of_all_files_below(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"123")
    (tmp_path / "d").write_bytes(b"")
    assert sorted(sizes_below(tmp_path)) == [0, 3]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads /proc")
def test_an_app_that_ends_by_itself_is_told_and_leaves_no_folder():
    server = Server("broken", [sys.executable, "-c", "raise SystemExit('no such app')"])
    with pytest.raises(RuntimeError, match="no such app"), server:
        pass
    assert not server.folder.exists()
    assert server.process.returncode == 1


def test_the_bare_app_is_a_program():
    compile(load.BARE, "bare", "exec")
    assert "MysteryNet" in load.BARE
