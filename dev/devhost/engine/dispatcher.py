"""Moves orchestrations along: takes messages from inboxes, calls the orchestrators, sets going what they ask for.

Everything is in the store before it is acted on, so the process can be killed at any moment: `Dispatcher.start` finds
all open ends. Activities are run at least once; results and timers arrive exactly once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dev.devhost.engine.activity_queue import ActivityQueue
from dev.devhost.engine.commits import commit
from dev.devhost.engine.port import Worker, WorkerDiedError
from dev.devhost.engine.records import Instance, Message
from dev.devhost.engine.store import Store
from dev.devhost.engine.timer_queue import TimerQueue
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.turns import (
    Execution,
    History,
    Opened,
    Turn,
    body_text,
    open_turn,
    settle,
    wanted,
    worker_died,
)

_log = logging.getLogger("devhost.durable")


@dataclass(frozen=True, slots=True)
class Limits:
    """host.json's limits. ``function_timeout`` None: none."""

    activities: int
    orchestrators: int
    function_timeout: timedelta | None


def utc_now() -> datetime:
    """The only clock of the engine."""
    return datetime.now(UTC)


class Dispatcher:
    """The running engine. All methods belong to one event loop."""

    def __init__(self, store: Store, worker: Worker, limits: Limits, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._worker = worker
        self._limits = limits
        self._clock = clock
        self._activities = ActivityQueue(
            store, worker, timeout=limits.function_timeout, clock=clock, posted=self.notify
        )
        self._timers = TimerQueue(store, clock, self.notify)
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._busy: set[str] = set()
        self._missing: dict[str, set[int]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work, with what an earlier host left open. Needs a running loop."""
        loops = [self._timers.serve()]
        loops += [self._serve() for _ in range(self._limits.orchestrators)]
        loops += [self._activities.serve() for _ in range(self._limits.activities)]
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        calls, timers, waiting = self._store.activities(), self._store.timers(), self._store.instances_with_messages()
        for timer in timers:
            self._timers.add(timer)
        for call in calls:
            self._activities.add(call)
        for instance_id in waiting:
            self._wake(instance_id)
        if calls or waiting or timers:
            text = "Going on where the last host stopped: %d activities run again, %d timers, %d orchestrations woken."
            _log.info(text, len(calls), len(timers), len(waiting))

    async def stop(self) -> None:
        """Stop at once; running activities are left to the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def notify(self, instance_id: str, event: Event) -> None:
        """Say that a message was posted. It may stay in the inbox while user code could not go on with it anyway."""
        missing = self._missing.get(instance_id, set())
        task_id = ev.completed_task(event)
        if event["EventType"] == Kind.TaskCompleted and task_id in missing:
            missing.discard(task_id)
            if missing:
                return
        self._wake(instance_id)

    def forget(self, instance_id: str) -> None:
        """Drop what is remembered of an instance that was replaced or purged."""
        self._missing.pop(instance_id, None)

    def _wake(self, instance_id: str) -> None:
        if instance_id not in self._queued:
            self._queued.add(instance_id)
            self._ready.put_nowait(instance_id)

    async def _serve(self) -> None:
        while True:
            instance_id = await self._ready.get()
            self._queued.discard(instance_id)
            if instance_id in self._busy:
                continue  # the loop that runs its turn looks at the inbox again afterwards
            self._busy.add(instance_id)
            try:
                last_seq = await self._turn(instance_id)
            except Exception:  # noqa: BLE001 - one broken instance must not stop the others
                text = "The turn of orchestration '%s' failed inside devhost; its messages wait for the next one."
                _log.exception(text, instance_id)
            else:
                for message in self._store.inbox(instance_id):
                    if message.seq > last_seq:
                        self.notify(instance_id, message.event)
            finally:
                self._busy.discard(instance_id)

    async def _turn(self, instance_id: str) -> int:
        """Do one turn with what is in the inbox; the number of the last message there."""
        self.forget(instance_id)
        instance = self._store.instance(instance_id)
        messages = self._store.inbox(instance_id)
        last_seq = max((message.seq for message in messages), default=0)
        past = self._store.history(instance_id)
        events = _events(instance, past, messages)
        if instance is None or not events:
            with self._store.transaction():
                self._store.drop(messages)
            return last_seq
        if instance.name.lower() not in self._worker.orchestrators:
            _log.error(
                "Orchestration '%s': the app has no orchestrator '%s' any more; the instance stays as it is.",
                instance.id,
                instance.name,
            )
            return last_seq
        opened = open_turn(events, self._clock())
        turn = await self._called(Execution(instance.id, instance.name, instance.raw_input), past, opened)
        current = self._store.instance(instance_id)
        if current is None or current.execution_id != instance.execution_id:
            return last_seq  # purged or replaced meanwhile
        calls, timers = commit(self._store, instance, turn, messages, opened.now)
        _announce(instance, turn)
        if turn.awaiting is not None:
            self._missing[instance_id] = set(turn.awaiting)
        for timer in timers:
            self._timers.add(timer)
        for call in calls:
            self._activities.add(call)
        return last_seq

    async def _called(self, execution: Execution, past: History, opened: Opened) -> Turn:
        try:
            response = await self._worker.run_orchestrator(execution.name, body_text(execution, past, opened))
        except WorkerDiedError as death:
            return worker_died(execution, past, opened, str(death))
        return settle(execution, past, opened, response, activities=self._worker.activities)


def _events(instance: Instance | None, past: History, messages: list[Message]) -> list[Event]:
    """The events among the messages that belong to the running execution and that it waits for."""
    if instance is None or not instance.live:
        return []
    return wanted(past, [m.event for m in messages if m.execution_id in (None, instance.execution_id)])


def _announce(instance: Instance, turn: Turn) -> None:
    for complaint in turn.complaints:
        _log.error("Orchestration '%s' (%s): %s", instance.id, instance.name, complaint)
    if turn.ending is not None:
        level = logging.INFO if turn.ending.status == "Completed" else logging.WARNING
        _log.log(level, "Orchestration '%s' (%s) ended: %s.", instance.id, instance.name, turn.ending.status)
