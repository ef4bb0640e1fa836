"""A Hugging Face Hub on this machine's loopback, good enough for the real client to download from and commit to.

It answers what huggingface_hub 2.4 asks: a file's metadata and bytes (kept in git, or on a storage host one redirect
away, as the Hub keeps large files), who asks, creating a repository and listing what it holds, a Space's variables, the
model card check, and one commit with its uploads.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = ".safetensors"  # the Hub keeps these, and whatever is no text, on its storage host
WRITER, READER = "hf_writer", "hf_reader"  # the tokens that it knows; the reader's may change nothing
FILES = {"flags/red.safetensors": b"red weights" * 20, "flags/blue.safetensors": b"blue weights" * 20}


class LoopbackHub:
    """The Hub's state and its two servers: the Hub itself and its storage host.

    Attributes:
        repositories: name -> revision -> path -> bytes; "main" is a revision like each commit. The name of a Space
            begins with "spaces/".
        variables: Space -> name -> value.
        private: the repositories that not everybody may see.
        log: every request as "METHOD /path".
        instead: path -> other bytes to send under the true file's checksum, like a Hub that was broken into.
        latency: seconds before every answer.
        drip: seconds between two bytes of a file; 0 sends it at once.
        drips: the paths of the files that drip; empty for all.
        mute: paths about which it never says a word.
        refusal: status and words to answer every wish for a repository with; 0 for none.
        cut: parts of paths; a connection that asks for one to be changed is cut without an answer.
        failure: status to answer everything with; 0 for none.
        hurry: once set, it neither waits nor drips any more.
        busiest: the most requests whose latency it ever waited out at a time.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.objects: dict[str, bytes] = {}  # uploaded large files by checksum
        self.variables: dict[str, dict[str, str]] = {}
        self.private: set[str] = set()
        self.cut: set[str] = set()
        self.refusal: tuple[int, str] = 0, ""
        self.log: list[str] = []
        self.instead: dict[str, bytes] = {}
        self.latency = self.drip = 0.0
        self.drips: set[str] = set()
        self.mute: set[str] = set()
        self.failure = self.busy = self.busiest = 0
        self.counting = threading.Lock()
        self.hurry = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._servers = [_Server(("127.0.0.1", 0), handler) for _ in range(2)]
        self.endpoint, self.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> LoopbackHub:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hurry.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def commit(self, name: str, files: dict[str, bytes]) -> str:
        """Make these the files of a repository's main branch; returns the commit's 40 hex digits."""
        revisions = self.repositories.setdefault(name, {})
        digest = hashlib.sha1(str(len(revisions)).encode())
        for path in sorted(files):
            digest.update(path.encode() + files[path])
        revisions["main"] = revisions[digest.hexdigest()] = files
        return digest.hexdigest()

    def commit_of(self, name: str, revision: str) -> str:
        """The 40 hex digits that a revision stands for."""
        revisions = self.repositories[name]
        return next(commit for commit in revisions if commit != "main" and revisions[commit] is revisions[revision])


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def refusing_address() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # with the default of 5, of many that come at once some are told a second later


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""

    def handle(self) -> None:
        """Serve a connection; a client that hangs up early is no fault here."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        parts = self._parts()
        with self.hub.counting:
            self.hub.busy += 1
            self.hub.busiest = max(self.hub.busiest, self.hub.busy)
        self.hub.hurry.wait(self.hub.latency)
        with self.hub.counting:
            self.hub.busy -= 1
        if any(self.path.endswith(path) for path in self.hub.mute):
            self.hub.hurry.wait()
            return
        self._get(parts)

    def _get(self, parts: list[str]) -> None:
        if self.hub.failure:
            self._answer(self.hub.failure)
        elif parts[0] == "storage":
            self._send_file(*parts[1:3], "/".join(parts[3:]), commit=parts[3])
        elif parts[2:3] == ["resolve"]:
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        elif parts == ["api", "whoami-v2"]:
            self._answer_json(200 if self._token() in (WRITER, READER) else 401, {"name": "somebody"})
        elif parts[4:] == ["variables"]:
            self._tell_variables(_name_of(parts))
        elif parts[0] == "api" and len(parts) in (4, 6):
            self._list(_name_of(parts), parts[5] if parts[4:5] == ["revision"] else "main")
        else:
            self._answer(404)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        parts, body = self._parts(), self.rfile.read(int(self.headers["Content-Length"]))
        if any(part in self.path for part in self.hub.cut):
            self.close_connection = True
        elif parts == ["api", "validate-yaml"]:
            self._answer_json(200, {"warnings": [], "errors": []})
        elif self._token() != WRITER:
            self._answer(403, X_Error_Message="this token may only read")
        elif parts == ["api", "repos", "create"] and self.hub.refusal[0]:
            self._answer(self.hub.refusal[0], self.hub.refusal[1].encode(), X_Error_Message=self.hub.refusal[1])
        elif parts == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts[4:5] == ["preupload"]:
            files = [
                {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
                for large in [_is_large(file["path"], base64.b64decode(file["sample"]))]
            ]
            self._answer_json(200, {"files": files})
        elif parts[-4:] == ["info", "lfs", "objects", "batch"]:
            objects = [
                {**wanted, "actions": {"upload": {"href": f"{self.hub.storage}/upload/{wanted['oid']}"}}}
                for wanted in json.loads(body)["objects"]
            ]
            self._answer_json(200, {"transfer": "basic", "objects": objects})
        elif parts[4:5] == ["commit"]:
            self._commit(_name_of(parts), [json.loads(line) for line in body.splitlines()])
        elif parts[4:] == ["variables"]:
            wanted = json.loads(body)
            self.hub.variables[_name_of(parts)][wanted["key"]] = wanted["value"]
            self._tell_variables(_name_of(parts))
        else:
            self._answer(404)

    def do_DELETE(self) -> None:
        parts, wanted = self._parts(), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        del self.hub.variables[_name_of(parts)][wanted["key"]]
        self._tell_variables(_name_of(parts))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        checksum = self._parts()[-1]
        if any(part in self.path for part in self.hub.cut):
            self.close_connection = True
            return None
        if hashlib.sha256(body).hexdigest() != checksum:
            return self._answer(422)
        self.hub.objects[checksum] = body
        return self._answer(200)

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _parts(self) -> list[str]:
        path = urlsplit(self.path).path
        self.hub.log.append(f"{self.command} {path}")
        return [unquote(part) for part in path.strip("/").split("/")]

    def _answer(self, status: int, body: bytes = b"", **headers: object) -> None:
        self.send_response(status)
        # one request a connection, so that a Hub that has been closed is gone at once
        for key, value in {"Content-Length": len(body), "Connection": "close", **headers}.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if not self.hub.drip or (self.hub.drips and not any(self.path.endswith(path) for path in self.hub.drips)):
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.hub.hurry.wait(self.hub.drip)

    def _answer_json(self, status: int, value: object) -> None:
        self._answer(status, json.dumps(value).encode(), Content_Type="application/json")

    def _resolve(self, name: str, revision: str, path: str) -> None:
        revisions = self.hub.repositories.get(name)
        if revisions is None:
            return self._answer(404, X_Error_Code="RepoNotFound")
        if revision not in revisions:
            return self._answer(404, X_Error_Code="RevisionNotFound")
        commit = self.hub.commit_of(name, revision)
        body = revisions[revision].get(path)
        if body is None:
            return self._answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        about = {"X_Repo_Commit": commit, "X_Linked_Size": len(body), "X_Linked_Etag": etag, "ETag": etag}
        if _is_large(path, body):
            return self._answer(302, Location=f"{self.hub.storage}/storage/{name}/{commit}/{path}", **about)
        return self._answer(200, self.hub.instead.get(path, body), **about)

    def _send_file(self, owner: str, name: str, place: str, commit: str) -> None:
        path = place.removeprefix(f"{commit}/")
        body = self.hub.repositories[f"{owner}/{name}"][commit][path]
        self._answer(200, self.hub.instead.get(path, body))

    def _list(self, name: str, revision: str) -> None:
        revisions = self.hub.repositories.get(name)
        if revisions is None:
            return self._answer(404, X_Error_Code="RepoNotFound")
        if revision not in revisions:
            return self._answer(404, X_Error_Code="RevisionNotFound")
        files = [_about(path, body) for path, body in revisions[revision].items()]
        about = {"id": name.removeprefix("spaces/"), "private": name in self.hub.private, "siblings": files}
        return self._answer_json(200, {**about, "sha": self.hub.commit_of(name, revision)})

    def _tell_variables(self, name: str) -> None:
        held = self.hub.variables.get(name, {})
        self._answer_json(200, {key: {"key": key, "value": value} for key, value in held.items()})

    def _create(self, wanted: dict[str, str]) -> None:
        space = wanted.get("type") == "space"
        name = f"{'spaces/' if space else ''}{wanted['organization']}/{wanted['name']}"
        known = name in self.hub.repositories
        if not known:
            # as the Hub does, with a list of what is large, and for a Space a text that says how to begin
            self.hub.commit(
                name, {".gitattributes": b"*.bin filter=lfs", **({"README.md": b"# Begin"} if space else {})}
            )
            self.hub.variables[name] = {}
            if wanted.get("visibility") == "private":
                self.hub.private.add(name)
        self._answer_json(409 if known else 200, {"url": f"{self.hub.endpoint}/{name}"})

    def _commit(self, name: str, lines: list[dict]) -> None:
        files = dict(self.hub.repositories[name]["main"])
        for line in lines:
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit") != self.hub.commit_of(name, "main"):
                return self._answer(412, X_Error_Message="the branch has moved on")
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = self.hub.commit(name, files)
        return self._answer_json(200, {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{commit}", "commitOid": commit})


def _name_of(parts: list[str]) -> str:
    """The repository in a path such as api/models/owner/name or api/spaces/owner/name/commit/main."""
    return "/".join(parts[1:4] if parts[1] == "spaces" else parts[2:4])


def _is_large(path: str, beginning: bytes) -> bool:
    return path.endswith(LARGE) or b"\0" in beginning[:512]


def _about(path: str, body: bytes) -> dict[str, object]:
    """What the Hub lists of a file; git keeps a large one as a few lines that name it."""
    about = {"rfilename": path, "size": len(body)}
    if not _is_large(path, body):
        return {**about, "blobId": hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()}
    large = {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
    return {**about, "blobId": "0" * 40, "lfs": large}
