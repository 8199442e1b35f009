"""Starting and killing devhost processes in tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

REPOSITORY = Path(__file__).parents[3]
DEADLINE_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningHost:
    """A devhost process on ``folder``; its log is in ``log``."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def call(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json", **more: str
    ) -> Answer:
        """Send a request; ``more`` are headers, with ``_`` for ``-``."""
        url = path if path.startswith("http") else self.url + path
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            with urlopen(Request(url, data=body, method=method, headers=headers), timeout=DEADLINE_SECONDS) as response:
                return Answer(response.status, response.read(), dict(response.headers))
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))

    def start(self, orchestrator: str, instance_id: str, value: object = None) -> None:
        body = b"null" if value is None else json.dumps(json.dumps(value)).encode()
        answer = self.call("POST", f"/runtime/webhooks/durabletask/orchestrators/{orchestrator}/{instance_id}", body)
        assert answer.status == 202, answer

    def instance(self, instance_id: str, query: str = "") -> Any:
        answer = self.call("GET", f"/runtime/webhooks/durabletask/instances/{instance_id}{query}")
        return answer.json if answer.body else None

    def ended(self, instance_id: str) -> Any:
        """Wait for an instance's end; its status document with history."""
        live = ("Pending", "Running")
        until(lambda: self.instance(instance_id)["runtimeStatus"] not in live)
        return self.instance(instance_id, "?showHistory=true&showHistoryOutput=true")

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_SECONDS)


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, at most until the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)


def write_app(folder: Path, source: str, **durable: object) -> None:
    """Put a function_app.py and a host.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(source, encoding="utf-8")
    extensions = {"durableTask": {"hubName": "RecHub", **durable}}
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}), encoding="utf-8")


@contextmanager
def running_host(folder: Path, *arguments: str, **environment: str) -> Iterator[RunningHost]:
    """Run devhost on an app's folder and a free port until the block ends."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "dev.devhost",
        "--root",
        str(folder),
        "--state",
        str(folder / "state"),
        "--port",
        "0",
    ]
    command += ["--ready-file", str(ready), "--die-with-stdin", *arguments]
    path = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=path, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: ready.exists() or process.poll() is not None)
        assert ready.exists(), (folder / "log").read_text(encoding="utf-8")
        yield RunningHost(process, json.loads(ready.read_text(encoding="utf-8"))["url"], folder)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
