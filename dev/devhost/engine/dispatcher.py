"""Moves orchestrations along: takes messages from inboxes, calls the orchestrators, sets going what they ask for.

Everything is in the store before it is acted on, so the process can be killed at any moment: `Dispatcher.start` finds
all open ends. Activities are run at least once; results, timers and events arrive exactly once.
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
from dev.devhost.protocol.turns import Execution, Opened, Past, Turn, body_text, open_turn, settle, wanted, worker_died
from dev.devhost.protocol.waiting import may_wait

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
        self._awaiting: dict[str, frozenset[int]] = {}
        self._arrived: dict[str, set[int]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._calling = 0

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

    @property
    def activities_in_flight(self) -> int:
        """How many activities run at this moment."""
        return self._activities.in_flight

    @property
    def orchestrators_in_flight(self) -> int:
        """How many orchestrator functions are being called at this moment."""
        return self._calling

    def notify(self, instance_id: str, event: Event) -> None:
        """Say that a message was posted. It may stay in the inbox while user code could not go on with it anyway."""
        awaiting = self._awaiting.get(instance_id)
        task_id = ev.completed_task(event)
        if awaiting is not None and event["EventType"] in ev.SUCCESSES and task_id in awaiting:
            arrived = self._arrived.setdefault(instance_id, set())
            arrived.add(task_id)
            if len(arrived) < len(awaiting):
                return
        self._wake(instance_id)

    def forget(self, instance_id: str) -> None:
        """Drop what is remembered of an instance that was replaced or purged."""
        self._awaiting.pop(instance_id, None)
        self._arrived.pop(instance_id, None)

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
                seen = await self._turn(instance_id)
            except Exception:  # noqa: BLE001 - one broken instance must not stop the others
                text = "The turn of orchestration '%s' failed inside devhost; its messages wait for the next one."
                _log.exception(text, instance_id)
            else:
                self._look_again(instance_id, seen)
            finally:
                self._busy.discard(instance_id)

    def _look_again(self, instance_id: str, seen: int) -> None:
        """Wake an instance for messages that came during its turn, unless they may wait."""
        events = [message.event for message in self._store.inbox(instance_id) if message.seq > seen]
        awaiting = self._awaiting.get(instance_id)
        if awaiting is not None:
            self._arrived[instance_id] = {i for i in map(ev.completed_task, events) if i is not None}
        if events and (awaiting is None or not may_wait(awaiting, events)):
            self._wake(instance_id)

    async def _turn(self, instance_id: str) -> int:
        """Do one turn with what is in the inbox; the number of the last message there."""
        self.forget(instance_id)
        instance = self._store.instance(instance_id)
        messages = self._store.inbox(instance_id)
        seen = max((message.seq for message in messages), default=0)
        past = self._store.past(instance_id)
        taken, events = _take(instance, past, messages)
        if instance is None or not events:
            with self._store.transaction():
                self._store.drop(taken)
            return seen
        execution = _execution(instance)
        opened = open_turn(execution, past, events, self._clock())
        if instance.name.lower() not in self._worker.known.orchestrators:
            _log.error(
                "Orchestration '%s': the app has no orchestrator '%s' any more; the instance stays as it is.",
                instance.id,
                instance.name,
            )
            return seen
        turn = await self._called(execution, past, opened)
        current = self._store.instance(instance_id)
        if current is None or current.execution_id != instance.execution_id:
            return seen  # purged or replaced meanwhile
        done = commit(self._store, instance, turn, taken, opened.now)
        _announce(instance, turn)
        if turn.awaiting is not None:
            self._awaiting[instance_id] = turn.awaiting
        for timer in done.timers:
            self._timers.add(timer)
        for call in done.calls:
            self._activities.add(call)
        for woken, event in done.woken:
            self.notify(woken, event)
        return seen

    async def _called(self, execution: Execution, past: Past, opened: Opened) -> Turn:
        self._calling += 1
        try:
            result = await self._worker.run_orchestrator(execution.name, body_text(execution, past, opened))
        except WorkerDiedError:
            return worker_died(execution, past, opened)
        finally:
            self._calling -= 1
        return settle(execution, past, opened, result.answer, known=self._worker.known, sdk_tasks=result.sdk_tasks)


def _execution(instance: Instance) -> Execution:
    return Execution(
        instance_id=instance.id,
        execution_id=instance.execution_id,
        name=instance.name,
        raw_input=instance.raw_input,
        parent_id=None if instance.parent is None else instance.parent.instance_id,
        continued=instance.continued,
    )


def _take(instance: Instance | None, past: Past, messages: list[Message]) -> tuple[list[Message], list[Event]]:
    """Choose the messages to take, and of these the events that belong to the running execution.

    The first turn of a new generation takes the start alone, so that its first body ends as a real host's does.
    """
    if instance is None or not instance.live:
        return messages, []
    if instance.continued and not past.events:
        messages = [m for m in messages if m.event["EventType"] == Kind.ExecutionStarted]
    mine = [m.event for m in messages if m.execution_id in (None, instance.execution_id)]
    return messages, wanted(past, mine)


def _announce(instance: Instance, turn: Turn) -> None:
    for complaint in turn.complaints:
        _log.error("Orchestration '%s' (%s): %s", instance.id, instance.name, complaint)
    if turn.ending is not None:
        level = logging.INFO if turn.ending.status == "Completed" else logging.WARNING
        _log.log(level, "Orchestration '%s' (%s) ended: %s.", instance.id, instance.name, turn.ending.status)
