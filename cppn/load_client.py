"""What `cppn.load` drives and measures: a gradio app in a process of its own, and visitors that cost little themselves.

gradio_client spends about as much processor time on a call as the app does, and on two cores it would measure itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

API = "/gradio_api"
PATIENCE = 120.0  # seconds until an app counts as not starting, and an answer as not coming
IDLE = 2.0  # seconds after which a connection is not trusted any more: uvicorn closes it after five
TICKS = os.sysconf("SC_CLK_TCK")  # the unit of /proc/<pid>/stat
PAGE = os.sysconf("SC_PAGE_SIZE")  # the unit of its resident memory


class CallError(RuntimeError):
    """The app did not answer as asked; `status` is 200 where the fault came later, through the stream."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words[:200]}")
        self.status = status


class Server:
    """A gradio app in a fresh process with temporary folders of its own; Linux only, since it reads /proc.

    Args:
        name: what the rows of the report call it.
        command: starts the app, which takes its port from the environment.
    """

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.folder = name, Path(tempfile.mkdtemp(prefix=f"load-{name}-"))
        self.numbers: dict[str, int] = {}  # endpoint -> the number that /queue/join knows it by
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environment = os.environ | {
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": str(self.folder / "gradio"),
            "TMPDIR": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        with (self.folder / "stderr").open("wb") as errors:
            # a group of its own, so that what the app starts ends with it
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )

    def __enter__(self) -> Self:
        """Wait until it answers.

        Raises:
            RuntimeError: the app ended by itself, or did not answer in time.
        """
        try:
            config = self._first_answer()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.numbers = {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it and what it started, and remove its folder."""
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _first_answer(self) -> dict:
        """The app's own description, which it gives from the moment on that it serves."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE and self.process.poll() is None:
            with contextlib.suppress(OSError), Visitor(self) as visitor:
                return json.loads(visitor.get("/config"))
            time.sleep(0.1)
        errors = (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{self.name} does not answer: {errors[-500:]}")

    def cpu_seconds(self) -> float:
        """Processor time so far, of the app and of all that it started, ended or not."""
        # user's and kernel's, its own and those of children that it waited for: fields 14 to 17 of proc(5)
        return sum(sum(map(int, fields[11:15])) for fields in self._processes().values()) / TICKS

    def megabytes(self) -> float:
        """Memory held now (resident), by the app and all that it started."""
        return sum(int(fields[21]) for fields in self._processes().values()) * PAGE / 2**20

    def files(self) -> tuple[int, int]:
        """Files in its temporary folders, and their bytes."""
        sizes = sizes_below(self.folder)
        return len(sizes), sum(sizes)

    def _processes(self) -> dict[int, list[str]]:
        """The app's process and its descendants: number -> fields of /proc/<pid>/stat from the third on.

        The second is the name, which may hold spaces; numbers in proc(5) are therefore larger by 3.
        """
        fields = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):  # it has just ended
                    continue
        found, waiting = {}, [self.process.pid]
        while waiting:
            parent = waiting.pop()
            if parent in fields:
                found[parent] = fields[parent]
                waiting += [pid for pid, values in fields.items() if int(values[1]) == parent]
        return found


def sizes_below(folder: Path) -> list[int]:
    """Bytes of every file below a folder that others may be writing to."""
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(Path(place, name).stat().st_size)
            except FileNotFoundError:
                continue
    return sizes


class Visitor:
    """One connection to an app.

    Args:
        server: the app.
        kept: all calls belong to one session, as those of a page or a `Client` do; else each makes a session of its
            own, as those of a script with curl do.
        patience: seconds until an answer counts as not coming.
    """

    def __init__(self, server: Server, kept: bool = False, patience: float = PATIENCE) -> None:
        self.server, self.session, self.patience = server, uuid.uuid4().hex if kept else None, patience
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=patience)
        self.heard = 0.0  # when something last came through the connection

    def __enter__(self) -> Self:
        """Connect with the first request."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hang up."""
        self.connection.close()

    def get(self, path: str) -> bytes:
        """What lies at a path."""
        return self._ask("GET", path)

    def call(self, name: str, data: list[object]) -> list[object]:
        """Ask an endpoint, and wait for its last answer.

        Raises:
            CallError: refused, or failed.
            OSError, http.client.HTTPException: the connection broke.
        """
        if self.session is None:
            event = self.post(name, data)
            return last_answer(self.get(f"{API}/call/{name}/{event}").decode())
        body = {"data": data, "fn_index": self.server.numbers[name], "session_hash": self.session}
        self._ask("POST", f"{API}/queue/join", json.dumps(body).encode())
        # the stream ends by itself once no event of the session is left
        return last_answer(self.get(f"{API}/queue/data?session_hash={self.session}").decode())

    def post(self, name: str, data: list[object]) -> str:
        """Ask an endpoint in a new session without listening; returns the event's name."""
        return json.loads(self._ask("POST", f"{API}/call/{name}", json.dumps({"data": data}).encode()))["event_id"]

    def upload(self, picture: bytes) -> dict[str, object]:
        """Bring a PNG; returns what stands for it in a call."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="picture.png"\r\n'
        body = f"{head}Content-Type: image/png\r\n\r\n".encode() + picture + f"\r\n--{edge}--\r\n".encode()
        [path] = json.loads(self._ask("POST", f"{API}/upload", body, f"multipart/form-data; boundary={edge}"))
        return {"path": path, "orig_name": "picture.png", "meta": {"_type": "gradio.FileData"}}

    def pictures(self, answer: object) -> list[bytes]:
        """Download every file that an answer names, in order."""
        if isinstance(answer, dict) and "path" in answer and "meta" in answer:  # gradio's FileData
            return [self.get(urlsplit(answer.get("url") or f"{API}/file={quote(answer['path'])}").path)]
        inner = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
        return [picture for part in inner for picture in self.pictures(part)]

    def hashes(self, answer: object) -> list[str]:
        """SHA-256 of every file that an answer names."""
        return [hashlib.sha256(picture).hexdigest() for picture in self.pictures(answer)]

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        if time.monotonic() - self.heard > IDLE:
            self.connection.close()  # the next request opens it again
        start, found = time.monotonic(), []
        try:
            self.connection.request(method, path, body, {"Content-Type": kind} if body else {})
            answer = self.connection.getresponse()
            while part := answer.read1(2**16):
                found.append(part)
                if time.monotonic() - start > self.patience:  # signs of life alone never end
                    raise TimeoutError(f"no answer within {self.patience:g} seconds")
            answer.close()  # read1 does not notice the end of an answer whose length was told
        except (OSError, http.client.HTTPException):
            self.connection.close()  # a half-read answer must not be taken for the next one
            raise
        self.heard = time.monotonic()
        if answer.status != 200:
            raise CallError(answer.status, b"".join(found).decode(errors="replace"))
        return b"".join(found)


def last_answer(stream: str) -> list[object]:
    """The outputs at the end of a stream of server-sent events, of /call and of /queue/data alike.

    Raises:
        CallError: the stream ended with an error, or without an answer.
    """
    found, event = None, ""
    for line in stream.splitlines():
        kind, _, text = line.partition(": ")
        if kind == "event":
            event = text
        elif kind == "data":
            told = json.loads(text)
            message = told.get("msg") if isinstance(told, dict) else None
            if event == "error" or message == "unexpected_error" or (message and told.get("success") is False):
                raise CallError(200, text)
            if event == "complete":
                found = told
            elif message == "process_completed":
                found = told["output"]["data"]
    if found is None:
        raise CallError(200, "the stream ended without an answer")
    return found
