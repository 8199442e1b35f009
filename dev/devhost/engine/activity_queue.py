"""Runs activities, a few at a time, and posts their results."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from dev.devhost.engine.port import ActivityFailedError, Worker, WorkerDiedError
from dev.devhost.engine.records import ActivityCall
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event
from dev.devhost.protocol.json_text import compact
from dev.devhost.protocol.times import timespan

_log = logging.getLogger("devhost.durable")


def failure_details(text: str) -> str:
    """The Details of a failed activity: a serialized .NET exception, opaque to user code."""
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": text,
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "HResult": -2146233088,
        "Source": None,
    }
    return compact(details)


class ActivityQueue:
    """Activities that wait or run. ``posted`` is called after each result was stored.

    A call stays in the store until its result is there, so a killed host runs it again: delivery is at least once,
    its result is stored exactly once.
    """

    def __init__(
        self,
        store: Store,
        worker: Worker,
        *,
        timeout: timedelta | None,
        clock: Callable[[], datetime],
        posted: Callable[[str, Event], None],
    ) -> None:
        self._store = store
        self._worker = worker
        self._timeout = timeout
        self._clock = clock
        self._posted = posted
        self._calls: deque[ActivityCall] = deque()
        self._added = asyncio.Semaphore(0)

    def add(self, call: ActivityCall) -> None:
        """Queue a call that is in the store."""
        self._calls.append(call)
        self._added.release()

    async def serve(self) -> None:
        """Run calls one after another, for ever; as many of these run side by side as calls may."""
        while True:
            await self._added.acquire()
            call = self._calls.popleft()
            if not self._store.has_activity(call.seq):
                continue  # purged, or its execution was replaced
            event = await self._run(call)
            if self._store.finish_activity(call, event):
                self._posted(call.instance_id, event)

    async def _run(self, call: ActivityCall) -> Event:
        seconds = None if self._timeout is None else self._timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                result = await self._worker.run_activity(call.name, call.input)
            return ev.task_completed(self._clock(), call.task_id, result)
        except ActivityFailedError as failure:
            text = str(failure)
        except TimeoutError:
            limit = timespan(self._timeout or timedelta(0))
            text = f"Timeout value of {limit} was exceeded by function: Functions.{call.name}"
        except WorkerDiedError as death:
            text = f"Exception while executing function: Functions.{call.name} {death}"
        reason = f"Activity function '{call.name}' failed: {text}"
        _log.warning("Orchestration '%s': %s", call.instance_id, reason)
        return ev.task_failed(self._clock(), call.task_id, reason, failure_details(text))
