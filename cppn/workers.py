"""Long work in a process of its own: what a generator of ours yields there, one by one, and never more than a visitor
waits for.

A training that shares the server's process shares its interpreter lock: beside eight visitors who decode flags it gets
a sixth of the steps that it takes alone. `in_own_process` runs it in a fresh interpreter instead, where it gets 85 to
95% of them (two busy processors), in up to two and a half times the time. multiprocessing is not used: its children
first run the server's main file again, and with it gradio.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import pkgutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator

from cppn.faults import VisitorError, still_wanted

PATIENCE = 3  # seconds by the wall for which one second of work counts at least, however busy the machine
# Seconds by the wall after which a child is ended: the longest training of a visitor (60 s) on the busiest machine, its
# start and its last look. Trainings end by their own `Clock`; this is for those that hang.
LONGEST = 60 * PATIENCE + 60
# Bytes of data that a child may hold: three times what the largest picture takes (16 megapixels: 0.6 GB, 0.2 of them
# torch). A fault of ours then ends as a MemoryError in the child, and not with the server out of memory. The limit is
# on data (RLIMIT_DATA), since torch maps far more addresses (RLIMIT_AS) than it uses, the more the larger its build.
MEMORY = 2 << 30

# what the child starts with; it looks for modules exactly where this process does
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from cppn.workers import _work; _work()"


class Clock:
    """Seconds of work done since the clock was made, on a machine that others use as well.

    The processor time of this process, so that a busy machine trains as long as an idle one; but at least a third of
    the time by the wall, so that a visitor's minute is never longer than three.
    """

    def __init__(self) -> None:
        self._processor, self._wall = time.process_time(), time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds that count."""
        return max(time.process_time() - self._processor, (time.monotonic() - self._wall) / PATIENCE)


def in_own_process(function: str, *args: object, wall: float = LONGEST, memory: int = MEMORY) -> Iterator:
    """Run a generator function in a process of its own and yield what it yields.

    The process starts with the first value that is asked for, computes on one thread, and is ended as soon as this
    generator is closed, forgotten or done, or this whole process is gone. What the function prints goes to the log.

    Args:
        function: module and name of the generator function, such as "cppn.flags.hide:hide".
        args: its arguments; they and what it yields are pickled.
        wall: seconds after which the process is ended, counted from its start.
        memory: bytes of data that it may hold.

    Raises:
        VisitorError: the very one that the function raised.
        RuntimeError: the function raised something else, whose traceback this holds; or its process ended or was ended.
        Abandoned: nobody waits for the values any more.
    """
    request = pickle.dumps((function, args, memory))
    child = subprocess.Popen(
        [sys.executable, "-c", _START, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # torch's: small networks gain nothing from more, others lose
        start_new_session=True,  # Ctrl-C is for the server; and some kernels share processors out by session
    )
    alarm = threading.Timer(wall, child.kill)
    alarm.daemon = True
    ends = time.monotonic() + wall
    try:
        alarm.start()
        with contextlib.suppress(BrokenPipeError):  # it ended already; that there is no answer says so
            child.stdin.write(request)
            child.stdin.flush()
        while True:
            still_wanted()
            try:
                kind, content = pickle.load(child.stdout)
            except (EOFError, pickle.UnpicklingError):  # ended before or within an answer
                status = child.wait()
                late = f"was still at work after {wall:g} seconds" if time.monotonic() >= ends else "ended by itself"
                raise RuntimeError(f"the process of {function} {late} (status {status})") from None
            if kind == "end":
                return
            if kind == "fault":
                raise content
            if kind == "crash":
                raise RuntimeError(f"in the process of {function}:\n{content}")
            yield content
    finally:
        alarm.cancel()
        child.kill()  # it has nothing to put in order
        child.wait()
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()


def _work() -> None:
    """The whole life of the child: one request on standard input, its answers on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints from here on goes to the log, and not between the answers

    def answer(kind: str, content: object = None) -> None:
        # pickled whole before any of it is sent: what cannot be pickled must not leave half an answer behind
        answers.write(pickle.dumps((kind, content)))
        answers.flush()

    try:
        function, args, memory = pickle.load(sys.stdin.buffer)
        threading.Thread(target=_leave_with_parent, daemon=True).start()
        _bound_memory(memory)
        for value in pkgutil.resolve_name(function)(*args):
            answer("value", value)
        answer("end")
    except VisitorError as error:
        answer("fault", error)
    except Exception:
        answer("crash", traceback.format_exc())


def _leave_with_parent() -> None:
    """Standard input ends when the parent does, however that ended.

    (The kernel's own signal for this, PR_SET_PDEATHSIG, comes when the thread that started the child ends; a server's
    threads come and go.)
    """
    while os.read(0, 1):  # not through sys.stdin, whose lock would still be held when Python shuts down
        pass
    os._exit(1)


def _bound_memory(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    with contextlib.suppress(ValueError):  # the host's own bound is tighter
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
