"""Work in a process of its own: what comes back, in which order, and that no process outlives who waits for it.

The processes import this module too, so that it imports nothing slow at its top: torch alone takes them a second.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path

import pytest

from cppn import workers
from cppn.faults import Abandoned, VisitorError, expect_work_while
from cppn.workers import Clock, in_own_process

# --- what the processes run; they find it by its name in this module


class DamagedError(VisitorError):
    """One kind of fault that a visitor can mend."""


def talk(*words: object) -> Iterator[object]:
    print("a stray word", flush=True)
    os.write(1, b"another\n")
    yield os.getpid()
    yield from words


def threads_of_torch() -> Iterator[object]:
    from cppn.flags import hide  # noqa: F401 - as a training does

    yield sys.modules["torch"].get_num_threads(), "gradio" in sys.modules


def fail(kind: str) -> Iterator[int]:
    yield 1
    if kind == "visitor":
        raise DamagedError("the picture is damaged")
    if kind == "ours":
        raise KeyError("no such thing")
    if kind == "unsendable":
        yield lambda: None
    if kind == "memory":
        yield len(bytearray(1 << 30))
    os._exit(7)


def stay(until: float = 60) -> Iterator[int]:
    yield os.getpid()
    time.sleep(until)


def named(function: Callable) -> str:
    return f"{__name__}:{function.__name__}"


def gone(pid: int, patience: float = 3.0) -> bool:
    """Whether a process ends within this time; a zombie that nobody waited for has not ended well."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


# --- what comes back


def test_values_come_in_order_from_another_process_whatever_is_printed():
    words = ["one", bytes(200_000), {"more than": "a pipe holds"}]
    pid, *said = in_own_process(named(talk), *words)
    assert pid != os.getpid()
    assert said == words
    assert gone(pid)


def test_a_process_computes_on_one_thread_and_without_gradio():
    assert list(in_own_process(named(threads_of_torch))) == [(1, False)]


def test_a_visitors_fault_keeps_its_kind():
    values = in_own_process(named(fail), "visitor")
    assert next(values) == 1
    with pytest.raises(DamagedError, match=r"^the picture is damaged$"):
        next(values)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ours", "KeyError: 'no such thing'"),
        ("unsendable", "Can't (pickle|get)"),
        ("memory", "MemoryError"),
        ("itself", r"ended by itself \(status 7\)"),
    ],
)
def test_a_fault_of_ours_is_told_with_its_traceback(kind: str, told: str):
    values = in_own_process(named(fail), kind, memory=800 << 20)
    assert next(values) == 1
    with pytest.raises(RuntimeError, match=told):
        next(values)


def test_what_does_not_exist_is_told():
    with pytest.raises(RuntimeError, match="nonsense"):
        next(in_own_process("cppn.nonsense:nothing", bytes(200_000)))


# --- that no process outlives who waits for it


def test_a_closed_generator_ends_its_process():
    values = in_own_process(named(stay))
    pid = next(values)
    began = time.monotonic()
    values.close()
    assert gone(pid)
    assert time.monotonic() - began < 1


def test_a_forgotten_generator_ends_its_process():
    values = in_own_process(named(stay))
    pid = next(values)
    del values
    gc.collect()
    assert gone(pid)


def test_nobody_waiting_ends_the_process():
    pids = []

    def visit() -> None:
        expect_work_while(lambda: not pids)
        for pid in in_own_process(named(stay)):
            pids.append(pid)

    with pytest.raises(Abandoned):
        copy_context().run(visit)
    assert gone(pids[0])


def test_a_process_is_ended_after_its_time():
    with pytest.raises(RuntimeError, match="still at work after 1 seconds"):
        list(in_own_process(named(stay), wall=1))


def test_a_process_ends_with_its_parent():
    code = (
        "import sys, time; sys.path[:] = sys.argv[1].split('|')\n"
        "from cppn.workers import in_own_process\n"
        f"values = in_own_process({named(stay)!r}); print(next(values), flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, "|".join(sys.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        assert not gone(int(parent.stdout.readline()), 0.1)
        parent.send_signal(signal.SIGKILL)
        began = time.monotonic()
        parent.stderr.read()  # ends when both have; its number may stay taken until somebody cares for the orphan
    assert time.monotonic() - began < 10


# --- time that counts


def test_the_clock_counts_work_and_at_least_a_third_of_the_wall(monkeypatch: pytest.MonkeyPatch):
    times = {"process_time": 10.0, "monotonic": 100.0}
    for name in times:
        monkeypatch.setattr(workers.time, name, lambda name=name: times[name])
    clock = Clock()
    assert clock.seconds == 0
    times |= {"process_time": 14.0, "monotonic": 109.0}
    assert clock.seconds == 4
    times |= {"monotonic": 130.0}
    assert clock.seconds == 10


# --- what the wings run


def test_a_picture_is_hidden_and_can_be_found(tmp_path: Path):
    from PIL import Image

    from cppn.flags.decode import open_gift
    from cppn.flags.hide import hide

    Image.new("RGB", (24, 12), (200, 30, 60)).save(tmp_path / "plain.png")
    looks = list(hide(tmp_path / "plain.png", 0.5))
    assert [look.fraction for look in looks] == sorted(look.fraction for look in looks)
    last = pickle.loads(pickle.dumps(looks[-1]))
    assert last == looks[-1]
    assert (last.fraction, last.width, last.height) == (1, 320, 160)
    assert last.curve[-1] == (last.step, last.seconds, last.psnr)
    assert last.psnr > 20
    assert last.picture.startswith(b"\x89PNG")
    assert open_gift(last.weights).size == (320, 160)
    Image.new("RGB", (24, 7)).save(tmp_path / "small.png")
    with pytest.raises(VisitorError, match="24 x 7"):
        next(hide(tmp_path / "small.png", 0.5))


def test_a_look_at_a_squeeze_can_be_sent():
    import torch

    from cppn.starry.squeeze import Look

    look = Look("adam", 0.5, 1.0, 2.0, 3.0, b"data", torch.ones(4, 5, 3, dtype=torch.uint8))
    again = pickle.loads(pickle.dumps(look))
    assert (again.data, again.picture.tolist()) == (look.data, look.picture.tolist())
