"""A Hugging Face Hub on this machine's loopback, good enough for the real client to download from and commit to.

It answers what huggingface_hub 2.4 asks: a file's metadata and bytes (kept in git, or on a storage host one redirect
away, as the Hub keeps large files), creating a repository, the model card check, and one commit with its uploads.
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

LARGE = ".safetensors"  # the Hub keeps these on its storage host
FILES = {"flags/red.safetensors": b"red weights" * 20, "flags/blue.safetensors": b"blue weights" * 20}


class LoopbackHub:
    """The Hub's state and its two servers: the Hub itself and its storage host.

    Attributes:
        repositories: name -> revision -> path -> bytes; "main" is a revision like each commit.
        log: every request as "METHOD /path".
        instead: path -> other bytes to send under the true file's checksum, like a Hub that was broken into.
        drip: seconds between two bytes of a file; 0 sends it at once.
        failure: status to answer everything with; 0 for none.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.objects: dict[str, bytes] = {}  # uploaded large files by checksum
        self.log: list[str] = []
        self.instead: dict[str, bytes] = {}
        self.drip = 0.0
        self.failure = 0
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        self.endpoint, self.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> LoopbackHub:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
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
        if self.hub.failure:
            self._answer(self.hub.failure)
        elif parts[0] == "storage":
            self._send_file(*parts[1:3], "/".join(parts[3:]), commit=parts[3])
        elif parts[2:3] == ["resolve"]:
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._answer(404)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        parts, body = self._parts(), self.rfile.read(int(self.headers["Content-Length"]))
        if parts == ["api", "repos", "create"]:
            self._create(json.loads(body))
        elif parts == ["api", "validate-yaml"]:
            self._answer_json(200, {"warnings": [], "errors": []})
        elif parts[4:5] == ["preupload"]:
            modes = [
                {"path": path, "uploadMode": "lfs" if path.endswith(LARGE) else "regular", "shouldIgnore": False}
                for path in (file["path"] for file in json.loads(body)["files"])
            ]
            self._answer_json(200, {"files": modes})
        elif parts[2:] == ["info", "lfs", "objects", "batch"]:
            objects = [
                {**wanted, "actions": {"upload": {"href": f"{self.hub.storage}/upload/{wanted['oid']}"}}}
                for wanted in json.loads(body)["objects"]
            ]
            self._answer_json(200, {"transfer": "basic", "objects": objects})
        elif parts[4:5] == ["commit"]:
            self._commit("/".join(parts[2:4]), [json.loads(line) for line in body.splitlines()])
        else:
            self._answer(404)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        checksum = self._parts()[-1]
        if hashlib.sha256(body).hexdigest() != checksum:
            return self._answer(422)
        self.hub.objects[checksum] = body
        return self._answer(200)

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
        if not self.hub.drip:
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.hub.closing.wait(self.hub.drip):
                return

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
        if path.endswith(LARGE):
            return self._answer(302, Location=f"{self.hub.storage}/storage/{name}/{commit}/{path}", **about)
        return self._answer(200, self.hub.instead.get(path, body), **about)

    def _send_file(self, owner: str, name: str, place: str, commit: str) -> None:
        path = place.removeprefix(f"{commit}/")
        body = self.hub.repositories[f"{owner}/{name}"][commit][path]
        self._answer(200, self.hub.instead.get(path, body))

    def _create(self, wanted: dict[str, str]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        known = name in self.hub.repositories
        self.hub.repositories.setdefault(name, {"main": {}})
        self._answer_json(409 if known else 200, {"url": f"{self.hub.endpoint}/{name}"})

    def _commit(self, name: str, lines: list[dict]) -> None:
        files = dict(self.hub.repositories[name]["main"])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        commit = self.hub.commit(name, files)
        self._answer_json(200, {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{commit}", "commitOid": commit})
