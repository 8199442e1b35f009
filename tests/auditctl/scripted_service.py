"""A real HTTP server on a free port that answers what a test has scripted, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DEADLINE_SECONDS = 15.0
Document = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """An answer. ``drop`` closes the connection, ``hold`` keeps silent, ``cut`` sends less than it promises."""

    document: Document | list[object] | bytes | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    hold: bool = False

    def payload(self) -> bytes:
        if isinstance(self.document, bytes):
            return self.document
        return b"" if self.document is None else json.dumps(self.document).encode()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Document | None


DROPPED = Reply(drop=True)


class ScriptedService:
    """Answers each route with its replies in order; the last one is given again and again."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api"
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        self._changed = threading.Condition()

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._replies[method, path] = list(replies)

    def answer(self, asked: Asked) -> Reply:
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
            replies = self._replies.get((asked.method, asked.path))
            if replies is None:
                return Reply({"title": "No such route"}, 404)
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def times(self, method: str, path: str) -> int:
        return sum(1 for each in self.asked if (each.method, each.path) == (method, path))

    def wait_until_asked(self, method: str, path: str, times: int) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: self.times(method, path) >= times, DEADLINE_SECONDS)
        assert arrived, f"{method} {path} was asked {self.times(method, path)} times, not {times}"


@contextmanager
def scripted_service() -> Iterator[ScriptedService]:
    """A service without a route; its server and all its connections end with the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = DEADLINE_SECONDS

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            asked = Asked(
                self.command,
                url.path.removeprefix("/api"),
                parse_qs(url.query),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(body) if body else None,
            )
            reply = service.answer(asked)
            if reply.hold:
                service.closing.wait(DEADLINE_SECONDS)
            if reply.drop or reply.hold:
                self.close_connection = True
                return
            payload = reply.payload()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload) + (100 if reply.cut else 0)))
            self.end_headers()
            self.wfile.write(payload)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = ScriptedService(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


AUDIT_ID = "0192f3c4-7d1e-7c43-9a52-3f1a2b3c4d5e"
AUDIT = f"/audits/{AUDIT_ID}"
SOON = {"Retry-After": "0"}


def audit_document(state: str = "running", **changes: object) -> Document:
    """An audit in the middle of its scan, with whatever is to be different."""
    document: Document = {
        "id": AUDIT_ID,
        "profile": "pre",
        "state": state,
        "phase": "scan" if state == "running" else None,
        "created_at": "2026-01-31T08:00:00Z",
        "updated_at": "2026-01-31T08:00:30Z",
        "parameters": {"mode": "full"},
        "progress": progress_document(scanned=8_412),
        "outcome": None,
        "summary": None,
        "error": None,
        "links": {"self": AUDIT, "report": f"{AUDIT}/report", "page": f"/api/ui/{AUDIT_ID}"},
    }
    return document | changes


def progress_document(scanned: int | None, eta: float | None = 190, failed: int = 0) -> Document:
    known = scanned is not None
    return {
        "shards": {"total": 40 if known else None, "done": 17 if known else None, "failed": 0 if known else None},
        "units": {
            "noun": "container",
            "listed": 20_000 if known else None,
            "scanned": scanned,
            "skipped": 2 if known else None,
            "failed": failed if known else None,
        },
        "blobs": 61_220 if known else None,
        "percent": None if scanned is None else scanned / 200,
        "eta_seconds": eta,
    }


def ended_document(code: int, word: str, state: str = "completed", **changes: object) -> Document:
    """An audit that has ended with that outcome."""
    summary = {
        "headline": "3 recordings are in storage that no row accounts for",
        "counts": {"recoverable": 3, "absent": 1_204, "unverified": 0},
    }
    return (
        audit_document(
            state,
            phase="done",
            progress=progress_document(scanned=19_998, eta=None),
            outcome={"code": code, "word": word},
            summary=summary,
        )
        | changes
    )


def accepted_document() -> Document:
    links = {"self": AUDIT, "report": f"{AUDIT}/report", "page": f"/api/ui/{AUDIT_ID}"}
    return {"id": AUDIT_ID, "profile": "pre", "state": "queued", "links": links}
