"""The process that stands between a development server and the one that wanted it.

It runs the server, waits until its standard input ends, then ends the server and removes its temporary folder. The
input is a pipe held by the parent, so it ends with the parent, however that happened: even SIGKILL closes a pipe.
It is run by its path, on the standard library alone, in a session of its own (a Ctrl-C in the terminal never hits it).
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import NoReturn, TypedDict


class Order(TypedDict):
    """What the parent asks for, as JSON in the first argument."""

    command: list[str]
    stop_signal: int
    grace_seconds: float
    remove: str | None
    again: bool


def main() -> None:
    """Carry out the order given in the first argument."""
    order: Order = json.loads(sys.argv[1])
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, _leave)
    running: _Running | None = None
    try:
        running = _Running(order["command"])
        threading.Thread(target=running.watch, kwargs={"again": order["again"]}, daemon=True).start()
        sys.stdin.buffer.read()
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        if running is not None:
            _stop(running.last(), order["stop_signal"], order["grace_seconds"])
        if order["remove"] is not None:
            shutil.rmtree(order["remove"], ignore_errors=True)


class _Running:
    """The server, which may be started again."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._stopping = False
        self._child = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True, close_fds=True
        )

    def watch(self, *, again: bool) -> None:
        """Tell when it has ended by itself; if ``again``, start it again instead when its exit code is 0."""
        while True:
            status = self._child.wait()
            with self._lock:
                if not again or status != 0 or self._stopping:
                    break
                self._child = self._started()
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(sys.stdout.fileno(), f"{status}\n".encode())

    def last(self) -> subprocess.Popen[bytes]:
        """The process of the server; no other is started any more."""
        with self._lock:
            self._stopping = True
            return self._child


def _stop(child: subprocess.Popen[bytes], stop_signal: int, grace_seconds: float) -> None:
    """Ask the server to end, then end whatever is left of its process group."""
    child.send_signal(stop_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(1)


if __name__ == "__main__":
    main()
