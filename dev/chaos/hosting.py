"""A host with the app in it that is killed and started again on what it left behind."""

import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil

from dev.devstack.app import RunningApp, running_app

_SECONDS_TO_DIE = 10.0
_BEGIN = re.compile(r"^\[\d{4}-\d\d-\d\dT[^\]]*\] ")
_LOUD = re.compile(r"\] (ERROR|CRITICAL) |^Traceback|Activity function '\w+' failed: |failed inside devhost")
# What a bad day explains: the audit that says why it failed, a timer's named error, what a dead worker leaves behind.
_GIVEN_UP = "Exceeded language worker restart retry count"
_EXPLAINED = re.compile(
    rf"exited with code 137|{_GIVEN_UP}|failed in step|Non-Deterministic workflow detected"
    r"|^reconciliation\.errors\.\w+Error: "
)


def unexplained(log: str) -> list[str]:
    """The first line, and the last, of every entry of a host's log that nothing explains."""
    entries: list[list[str]] = []
    for line in log.splitlines():
        if _BEGIN.match(line) or not entries:
            entries.append([line])
        else:
            entries[-1].append(line)
    return [
        " ... ".join(dict.fromkeys((lines[0], lines[-1])))
        for lines in entries
        if any(_LOUD.search(line) for line in lines) and not any(_EXPLAINED.search(line) for line in lines)
    ]


class KillableHost:
    """Runs the app with its settings on one folder; whatever the log says that nothing explains is kept, and how often
    the host ended itself because its worker had died too often.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._stack = ExitStack()
        self._app: RunningApp | None = None
        self.unexplained: list[str] = []
        self.given_up = 0
        self.disturbed_at = 0.0

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._app = self._stack.enter_context(running_app(self._settings, directory=self._folder))

    def stop(self) -> None:
        """End it in order, and read its log."""
        app, self._app = self._app, None
        self._stack.close()
        if app is not None:
            log = app.log.read_text(encoding="utf-8", errors="replace")
            self.unexplained += unexplained(log)
            self.given_up += log.count(_GIVEN_UP)

    def kill(self) -> None:
        """``kill -9``, then start it again on the same data."""
        app = self._running()
        self.disturbed_at = time.monotonic()
        with suppress(ProcessLookupError):  # the host has just ended itself, and is being started again
            os.kill(app.pid, signal.SIGKILL)
        while not app.server.has_ended() and time.monotonic() < self.disturbed_at + _SECONDS_TO_DIE:
            time.sleep(0.01)
        self.stop()
        self.start()

    @property
    def has_died(self) -> bool:
        """True if somebody else has killed it: it is not started again by itself."""
        return self._running().server.has_ended()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the host and its workers at once: the host's death alone reaches them a moment later."""
        host = psutil.Process(self._running().pid)
        for process in (host, *host.children()):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def fire(self, timer: str) -> None:
        """Let a timer fire now."""
        with suppress(httpx.TransportError):  # it is being started again
            httpx.post(
                f"{self._running().url.removesuffix('/api')}/admin/functions/{timer}", timeout=10, trust_env=False
            )

    def crash_worker(self, *, at_orchestrator: bool) -> None:
        """Let the worker process die: now, or the next time that the orchestrator is called."""
        query = "?at=orchestrator" if at_orchestrator else ""
        url = self._running().url.removesuffix("/api")
        self.disturbed_at = time.monotonic()
        try:
            httpx.post(f"{url}/admin/devhost/worker-crash{query}", timeout=10, trust_env=False).raise_for_status()
        except httpx.TransportError:  # the host has just ended itself, and is being started again
            return

    @property
    def recently_disturbed(self) -> bool:
        """True for a moment after a kill or a crash: what was in flight then may end in any way."""
        return time.monotonic() - self.disturbed_at < _SECONDS_TO_DIE

    def request(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """The response to a request of the API; None when there is none."""
        try:
            return httpx.request(method, f"{self._running().url}{path}", json=body, timeout=60, trust_env=False)
        except httpx.TransportError:
            return None

    def _running(self) -> RunningApp:
        assert self._app is not None, "the host is not running"
        return self._app
