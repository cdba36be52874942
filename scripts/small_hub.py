"""A stand-in for the Hugging Face hub on this machine: it takes datasets and keeps them in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

LARGE = 10_000
"""Bytes from which a file is uploaded apart from its commit (LFS)."""

TOKEN = "hf_small"
"""The only login that is taken."""


@dataclass
class Dataset:
    """A dataset as it was received."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class SmallHub:
    """What the hub holds, and what it is told to do wrong."""

    address: str = ""
    datasets: dict[str, Dataset] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    """Uploaded apart from their commit, by sha256."""

    refusals: dict[str, int] = field(default_factory=dict)
    """The status to answer with, by a part of the path."""

    requests: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to talk to this hub."""
        return {"HF_ENDPOINT": self.address, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        """Do what is asked; give the status and what to say."""
        self.requests.append(f"{method} {path}")
        for part, status in self.refusals.items():
            if part in path:
                return status, {"error": "refused"}
        if path.startswith("/large/"):
            self.large[path.removeprefix("/large/")] = body
            return 200, {}
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials"}
        if method == "GET":
            return self._describe(path.removeprefix("/api/datasets/"))
        return self._take(path, body)

    def _describe(self, name: str) -> tuple[int, Any]:
        if name not in self.datasets:
            return 404, {"error": "not found"}
        return 200, {"id": name, "private": self.datasets[name].private, "tags": [], "siblings": []}

    def _take(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        owner, name, what = path.removeprefix("/api").removeprefix("/datasets/").split("/", 2)
        if what.startswith("preupload"):
            modes = [
                {"path": one["path"], "uploadMode": "lfs" if one["size"] >= LARGE else "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            return 200, {"files": modes}
        if what == "info/lfs/objects/batch":
            wanted = [
                {**one, "actions": {"upload": {"href": f"{self.address}/large/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": wanted}
        return self._commit(f"{owner}/{name}", [json.loads(line) for line in body.splitlines()])

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.datasets:
            return 409, {"error": "You already created this dataset repo"}
        is_private = asked.get("private") or asked.get("visibility") == "private"
        self.datasets[name] = Dataset(bool(is_private))
        return 200, {"url": f"{self.address}/datasets/{name}"}

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        dataset = self.datasets[name]
        for line in lines:
            said = line["value"]
            if line["key"] == "file":
                dataset.files[said["path"]] = base64.b64decode(said["content"])
            if line["key"] == "lfsFile":
                dataset.files[said["path"]] = self.large[said["oid"]]
                if sha256(self.large[said["oid"]]).hexdigest() != said["oid"]:
                    return 400, {"error": "damaged"}
        return 200, {"commitUrl": f"{self.address}/datasets/{name}/commit/{'1' * 40}", "commitOid": "1" * 40}


@contextmanager
def small_hub() -> Iterator[SmallHub]:
    """Run a hub as long as the block."""
    hub = SmallHub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path.replace(".git/", "/")
            status, said = hub.answer(self.command, path, self.headers.get("Authorization", ""), body)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
