"""Servers that end with the process that started them, and leave nothing behind.

Every end is covered: leaving the ``with`` block, an exception, Ctrl-C, SIGTERM, and SIGKILL, after which no code of
ours runs any more. ``supervisor.py`` tells how.
"""

import json
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

SUPERVISOR = Path(__file__).with_name("supervisor.py")
POLL_SECONDS = 0.02
LAST_LINES = 20

ResultT = TypeVar("ResultT")


class DevStackError(RuntimeError):
    """A development server is not installed, did not start or does not respond."""


@dataclass(frozen=True)
class Workspace:
    """The folder of one server; a temporary one is removed when the server ends."""

    path: Path
    temporary: bool


@dataclass(frozen=True)
class Server:
    """A running server process and its log, which begins with this run."""

    name: str
    log: Path
    temporary: bool
    supervisor: subprocess.Popen[bytes]

    def has_ended(self) -> bool:
        """Whether the server has ended by itself."""
        assert self.supervisor.stdout is not None
        poller = select.poll()
        poller.register(self.supervisor.stdout, select.POLLIN | select.POLLHUP)
        return bool(poller.poll(0))

    def failure(self, what: str) -> DevStackError:
        """An error that quotes the end of the log, and names the log if it outlives the server."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        where = "The last lines of its log" if self.temporary else f"The last lines of {self.log}"
        return DevStackError("\n  ".join([f"{self.name} {what}. {where}:", *(lines or ["(nothing was logged)"])]))


@contextmanager
def workspace(directory: Path | None, name: str) -> Iterator[Workspace]:
    """Yield the given directory, made if needed, or a new temporary one that is removed in the end."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield Workspace(directory.resolve(), temporary=False)
        return
    path = Path(tempfile.mkdtemp(prefix=f"capture-audit-{name}-")).resolve()
    try:
        yield Workspace(path, temporary=True)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def supervised(
    name: str,
    command: Sequence[str],
    place: Workspace,
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_seconds: float = 10,
    env: Mapping[str, str] | None = None,
    again: bool = False,
) -> Iterator[Server]:
    """Run a command in its workspace until the block, or this process, ends.

    It is then sent ``stop_signal`` and, after ``grace_seconds``, SIGKILL together with its process group; a temporary
    workspace is removed. Returns from the block only when all of that has happened. With ``again`` it is started
    again, by the same command, whenever it ends by itself with exit code 0.
    """
    order = {
        "command": list(command),
        "stop_signal": int(stop_signal),
        "grace_seconds": grace_seconds,
        "remove": str(place.path) if place.temporary else None,
        "again": again,
    }
    log = place.path / "server.log"
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=place.path,
            env=env,
            start_new_session=True,
        )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        yield Server(name, log, place.temporary, supervisor)
    finally:
        supervisor.stdin.close()
        supervisor.wait()
        supervisor.stdout.close()


def wait_for(server: Server, probe: Callable[[], ResultT | None], timeout_seconds: float) -> ResultT:
    """Call the probe until it gives a result. Raises DevStackError if the server ends or the time is up first."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        ended = server.has_ended()
        result = probe()
        if result is not None and not ended:
            return result
        if ended:
            raise server.failure("ended before it was ready")
        if time.monotonic() > deadline:
            raise server.failure(f"was not ready after {timeout_seconds:g} s")
        time.sleep(POLL_SECONDS)
