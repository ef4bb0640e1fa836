"""What gradio is told so that strangers can be served: whose files are opened, who waits where, what a session keeps.

Three things are not in gradio 6.31's own settings, and are made here from its pieces, each with a test that fails if a
later version changes them: queues with places of their own, sessions that cost little, and work that nobody listens to.
"""

from __future__ import annotations

import inspect
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import queueing, state_holder
from gradio.components.api_component import Api
from gradio.context import LocalContext
from gradio.data_classes import FileData
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cppn.endpoint import HEAVY, Endpoint, Parameter, sentence
from cppn.faults import VisitorError, expect_work_while
from cppn.hub import BUNDLED
from cppn.render import store_folder

# Each kind of work has a queue of its own, so that a full one leaves the others open: two processor cores answer what
# is cheap, large pictures are painted one at a time, and one visitor at a time trains.
QUEUES = {
    "quick": {"concurrency_id": "quick", "concurrency_limit": 2},
    "large": {"concurrency_id": "large", "concurrency_limit": 1},
    "training": {"concurrency_id": "training", "concurrency_limit": 1},
}
PLACES = {"quick": 128, "large": 16, "training": 8}  # that wait in each
PLACES_OF_ONE = {"quick": 64, "large": 2, "training": 2}  # that one visitor may hold, waiting or at work
PATIENCE = 20.0  # seconds after which a question that nobody listens to is forgotten
SESSIONS = 200  # whose state is kept; the page shows its defaults again to whoever comes back after so many others
REQUEST_LIMIT = 24 * 1024 * 1024  # bytes of one request; one file of an upload may have half of that


# --- files


def uploaded(value: Any, name: str = "the file") -> Path:
    """The file that a visitor's value names, if it may be opened at all; it has not been opened yet.

    Raises:
        VisitorError: it is no file, does not lie where visitors' files and our own pictures lie, or is no plain file.
    """
    path = value.get("path") if isinstance(value, dict) else getattr(value, "path", value)
    if not isinstance(path, str | Path) or not path:
        raise VisitorError(f"{name} must be a file; upload one")
    try:
        place = Path(path).resolve(strict=True)
        plain = stat.S_ISREG(place.lstat().st_mode)
    except (OSError, ValueError, RuntimeError):
        # missing, a name that is too long or holds a zero byte, a loop of links
        raise VisitorError(f"{name} is not a file that was uploaded here; upload it again") from None
    folders = (gr.utils.get_upload_folder(), store_folder(), BUNDLED)
    if not plain or not any(place.is_relative_to(Path(folder).resolve()) for folder in folders):
        raise VisitorError(f"{name} is not a file that was uploaded here; upload it again")
    return place


# --- the values of a public endpoint


class Value(Api):
    """A value of a public endpoint: passed on as it was sent, judged by the declaration, shown nowhere."""

    def __init__(self, parameter: Parameter) -> None:
        default = None if parameter.required else parameter.default
        schema = gr.File(render=False).api_info() if parameter.is_file else parameter.schema()
        described = {**schema, "additional_description": parameter.words}
        super().__init__(default, described, label=parameter.name)

    def get_config(self) -> dict[str, Any]:
        """With the default, or clients take every parameter for a required one."""
        return {**super().get_config(), "value": self.value, "label": self.label, "visible": False}

    def get_block_name(self) -> str:
        """As what gradio's page takes it."""
        return "api"

    def postprocess(self, value: Any) -> Any:
        """Files as what clients download."""
        if isinstance(value, Path):
            return FileData(path=str(value), orig_name=value.name).model_dump()
        return value


# --- queues


class FairQueue(queueing.Queue):
    """Gradio's queue with a number of places for each kind of work and each visitor.

    A question whose declaration says that it will cost much waits with the large ones. What nobody listens to is not
    begun, and forgotten after a while.
    """

    def __init__(self, listeners: Listeners, declared: dict[str, Endpoint], **settings: Any) -> None:
        super().__init__(**settings)
        self._listeners, self._declared = listeners, declared
        for name, limits in QUEUES.items():
            self.event_queue_per_concurrency_id[name] = queueing.EventQueue(name, limits["concurrency_limit"])

    async def push(self, body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:
        """Take a question in, or refuse it with a sentence."""
        fn = self.blocks.fns.get(body.fn_index) if body.fn_index is not None else None
        if fn is None:
            return False, "there is no such endpoint", "error"
        asked = self._asked(fn)
        if asked and isinstance(body.data, list):
            # whoever sends fewer values than there are today knew an endpoint that had fewer
            body.data += [asked.defaults.get(name) for name in list(asked.parameters)[len(body.data) :]]
        kind = self._kind(fn, asked, body.data)
        if refusal := self._refusal(kind, visitor_of(request)):
            return False, refusal, "queue_full"
        done, event_id, state = await super().push(body, request, username)
        event = self.event_ids_to_events.get(event_id) if done else None
        if event is not None and event.concurrency_id != kind:
            self.event_queue_per_concurrency_id[event.concurrency_id].queue.remove(event)
            event.concurrency_id = kind
            self.event_queue_per_concurrency_id[kind].queue.append(event)
        return done, event_id, state

    def _asked(self, fn: Any) -> Endpoint | None:
        """The declaration behind a public listener."""
        return self._declared.get(fn.api_name) if fn.api_visibility == "public" else None

    def _kind(self, fn: Any, asked: Endpoint | None, data: list[Any]) -> str:
        if fn.concurrency_id != "quick":
            return fn.concurrency_id
        try:
            return "large" if _cost(fn, asked, data) > HEAVY else "quick"
        except Exception:  # whatever was sent: it will be refused at once when its turn comes
            return "quick"

    def _refusal(self, kind: str, visitor: str) -> str:
        """Why there is no place for another question; empty if there is."""
        if kind not in PLACES:
            return ""
        waiting = self.event_queue_per_concurrency_id[kind].queue
        working = [event for job in self.active_jobs if job for event in job if event.concurrency_id == kind]
        held = Counter(visitor_of(event.request) for event in (*waiting, *working))
        if held[visitor] >= PLACES_OF_ONE[kind]:
            return f"you have {held[visitor]} questions of this kind here already; wait until one is answered"
        if len(waiting) >= PLACES[kind]:
            return f"{len(waiting)} others wait for this already; please try again in a minute"
        return ""

    def get_events(self) -> tuple[list[queueing.Event], bool, str] | None:
        """The next question that somebody listens to."""
        now = time.monotonic()
        for name, waiting in self.event_queue_per_concurrency_id.items():
            for event in list(waiting.queue):
                if self._listeners.listens(event.session_hash):
                    limit = waiting.concurrency_limit
                    if limit is None or waiting.current_concurrency < limit:
                        waiting.queue.remove(event)
                        return [event], False, name
                    break
                if now - event.enqueue_time > PATIENCE:
                    waiting.queue.remove(event)
                    self.forget(event)
        return None

    def forget(self, event: queueing.Event) -> None:
        """Drop everything that was kept for a question."""
        self.event_ids_to_events.pop(event._id, None)
        self.pending_event_ids_session.get(event.session_hash, set()).discard(event._id)
        if not self.pending_event_ids_session.get(event.session_hash):
            self.pending_event_ids_session.pop(event.session_hash, None)
            self.pending_messages_per_session.pop(event.session_hash, None)

    def compute_analytics_summary(self, records: object) -> dict[str, Any]:
        """Nothing: gradio sums up all calls after each, for a page that is switched off here."""
        return self.cached_event_analytics_summary

    def still_waits(self, event_id: str | None) -> bool:
        """Whether somebody waits for the answer to a question that is being worked on."""
        event = self.event_ids_to_events.get(event_id or "")
        return event is None or (event.alive and self._listeners.listens(event.session_hash))


def _cost(fn: Any, asked: Endpoint | None, data: list[Any]) -> float:
    """Processor seconds that a question will take, as its declaration or the page's listener says; 0 if none does."""
    if asked is not None:
        arguments = asked.defaults | dict(zip(asked.parameters, data, strict=False))
        return asked.cost(**arguments) if asked.cost else 0.0
    cost = getattr(fn.fn, "cost", None)
    return cost(*data) if cost else 0.0


def visitor_of(request: Any) -> str:
    """Who asks: on a Space the address that its proxy saw, else that of the connection."""
    forwarded = request.headers.get("x-forwarded-for") if os.environ.get("SPACE_ID") else None
    # the last entry is the proxy's own; those before it are whatever the visitor sent
    return forwarded.rpartition(",")[2].strip() if forwarded else getattr(request.client, "host", "")


# --- HTTP


class Listeners:
    """Middleware that knows which sessions have somebody listening to their stream of answers."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def listens(self, session: str | None) -> bool:
        """Whether a session has a stream open."""
        return self._open[session or ""] > 0

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Wrap an app."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            session = _listened_session(scope)
            if session is None:
                await app(scope, receive, send)
                return
            self._open[session] += 1
            try:
                await app(scope, receive, send)
            finally:
                self._open[session] -= 1
                if not self._open[session]:
                    del self._open[session]

        return wrapped


def _listened_session(scope: Scope) -> str | None:
    """The session whose stream a request opens: /queue/data?session_hash=…, or /call/<name>/<event>."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    path = scope["path"].removeprefix("/gradio_api")
    if path.startswith("/queue/data"):
        return Request(scope).query_params.get("session_hash")
    parts = path.removeprefix("/call/v2/").removeprefix("/call/").strip("/").split("/")
    return parts[1] if path.startswith("/call/") and len(parts) == 2 else None


class Headers:
    """Middleware: browsers are told not to guess types, and requests are bounded before anything reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > REQUEST_LIMIT:
            words = f"at most {REQUEST_LIMIT // 1024**2} MiB are taken in one request"
            await JSONResponse({"detail": words}, status_code=413)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > REQUEST_LIMIT:
                return {"type": "http.disconnect"}
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-content-type-options", b"nosniff")]}
            await send(message)

        await self._app(scope, counted, sent)


# --- sessions


class LightSession(state_holder.SessionState):
    """A session that copies a component only when it changes.

    Gradio describes each of the page's components anew for every session, in case that somebody makes a deep link; this
    app has links of its own. It costs 37 ms and 0.9 MB for each caller of the API.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))


# --- public endpoints


def expose(asked: Endpoint) -> None:
    """Make the public endpoint of a declaration, inside `gr.Blocks`; it depends on nothing that the page shows."""

    def arguments(values: Sequence[Any]) -> dict[str, Any]:
        given = zip(asked.parameters.values(), values, strict=True)
        return {p.name: uploaded(value, p.name) if p.is_file and value is not None else value for p, value in given}

    if asked.streams:

        def handler(*values: Any) -> Iterator[Any]:
            with answering():
                for answer in asked(**arguments(values)):
                    yield _unpacked(answer)
    else:

        def handler(*values: Any) -> Any:
            with answering():
                return _unpacked(asked(**arguments(values)))

    # agents are told of a parameter what the docstring says
    words = "\n".join(f"    {p.name}: {p.words}" for p in asked.parameters.values())
    handler.__name__, handler.__doc__ = asked.name, f"{asked.__doc__}\n\nArgs:\n{words}"
    handler.__signature__ = inspect.Signature(
        [inspect.Parameter(p.name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in asked.parameters.values()]
    )
    inputs = [Value(p) for p in asked.parameters.values()]
    outputs = [Value(p) for p in asked.outputs.values()]
    gr.on([], handler, inputs, outputs, api_name=asked.name, show_progress="hidden", **QUEUES[asked.queue])


def _unpacked(answer: tuple) -> Any:
    """An answer as gradio takes it: one value bare, several as a tuple."""
    return tuple(answer) if len(answer) > 1 else answer[0]


@contextmanager
def answering() -> Iterator[None]:
    """Inside, a fault becomes a `gr.Error` with its sentence, and long work ends when nobody waits for it any more."""
    wait_for_listener()
    try:
        yield
    except gr.Error:
        raise
    except Exception as fault:
        raise gr.Error(sentence(fault), title="That did not work", print_exception=False) from fault


def wait_for_listener() -> None:
    """Let long work in this context end when the visitor who asked has gone."""
    blocks, event = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    if blocks is not None and isinstance(queue := blocks._queue, FairQueue):
        expect_work_while(lambda: queue.still_waits(event))


# --- all of it together


def serve_fairly(demo: gr.Blocks, asked: Iterable[Endpoint]) -> dict[str, Any]:
    """Give an app its queues and light sessions; returns what `launch` needs for it."""
    listeners = Listeners()
    demo.queue(api_open=False)  # the way round the queue is closed
    settings = {"live_updates": True, "concurrency_count": demo.max_threads, "update_intervals": 1, "max_size": None}
    demo._queue = FairQueue(listeners, {e.name: e for e in asked}, blocks=demo, **settings)
    state_holder.SessionState = LightSession
    return {
        "app_kwargs": {"middleware": [Middleware(Headers), Middleware(GZipMiddleware), Middleware(listeners)]},
        "state_session_capacity": SESSIONS,
    }
