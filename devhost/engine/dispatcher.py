"""Moves orchestrations along: takes messages from inboxes, calls the orchestrators, runs the work they ask for.

Everything it does is first in the store, so it can be killed at any moment: `recover` finds all open ends. Delivery
is at least once for activities and exactly once for their results, timers and events.
"""

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

from devhost.engine.records import ActivityCall, Instance, Message, Parent, Timer
from devhost.engine.store import Store
from devhost.protocol import events as ev
from devhost.protocol.answers import Answer
from devhost.protocol.events import Event, Kind
from devhost.protocol.json_text import compact
from devhost.protocol.shadow import Known, Scheduled
from devhost.protocol.times import parse_stamp, stamp, timespan
from devhost.protocol.turns import Ending, Execution, Past, Turn, body_text, may_wait, open_turn, settle, wanted

_log = logging.getLogger("devhost.durable")
_LONGEST_SLEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class OrchestratorResult:
    """The SDK's answer, and the ids it holds open, by kind."""

    answer: Answer
    sdk_tasks: dict[int, str]


class ActivityFailed(Exception):
    """An activity failed; the text is what the real worker reports: `` <ExcType>: <message>``."""


class Worker(Protocol):
    """What the dispatcher needs of the worker."""

    @property
    def known(self) -> Known:
        """The registered names."""

    async def run_orchestrator(self, name: str, body: str) -> OrchestratorResult:
        """Call an orchestrator with a trigger body."""

    async def run_activity(self, name: str, text: str | None) -> str | None:
        """Run an activity; JSON text in and out. Raises ActivityFailed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """host.json's limits. ``function_timeout`` None: none."""

    activities: int
    orchestrators: int
    function_timeout: timedelta | None


def utc_now() -> datetime:
    """The only clock of the engine."""
    return datetime.now(UTC)


def failure_details(text: str) -> str:
    """The Details of a failed activity: a serialized .NET exception, opaque to user code."""
    return compact(
        {
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
    )


def start_event(instance: Instance, now: datetime) -> Event:
    """The message that begins an instance's execution."""
    p = instance.parent
    return ev.execution_started(
        now,
        instance_id=instance.id,
        execution_id=instance.execution_id,
        name=instance.name,
        raw_input=instance.raw_input,
        generation=instance.generation,
        parent=None if p is None else ev.parent_instance(p.name, p.instance_id, p.execution_id, p.task_id),
    )


def _execution(instance: Instance) -> Execution:
    parent_id = None if instance.parent is None else instance.parent.instance_id
    return Execution(
        instance.id, instance.execution_id, instance.name, instance.raw_input, parent_id, instance.continued
    )


def _updated(instance: Instance, turn: Turn, now: datetime) -> Instance:
    status, output, custom_status = "Running", instance.output, turn.custom_status
    if turn.ending is not None:
        status, output = turn.ending.status, turn.ending.result
        if status == "Terminated":
            custom_status = instance.custom_status
    elif turn.suspended is not None:
        status, output = "Suspended", compact(turn.suspended)
    return replace(instance, status=status, output=output, custom_status=custom_status, updated=now)


class Dispatcher:
    """The running engine. All methods belong to one event loop."""

    def __init__(self, store: Store, worker: Worker, limits: Limits, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._worker = worker
        self._limits = limits
        self._clock = clock
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._busy: set[str] = set()
        self._awaiting: dict[str, frozenset[int]] = {}
        self._arrived: dict[str, set[int]] = {}
        self._calls: deque[ActivityCall] = deque()
        self._call_added = asyncio.Semaphore(0)
        self._in_flight: dict[int, asyncio.Task[str | None]] = {}
        self._crashed: set[int] = set()
        self._timers: list[Timer] = []
        self._timer_added = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work, with what an earlier host left open. Needs a running loop."""
        loops = [self._fire_timers()]
        loops += [self._serve_orchestrations() for _ in range(self._limits.orchestrators)]
        loops += [self._serve_activities() for _ in range(self._limits.activities)]
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        self._recover()

    async def stop(self) -> None:
        """Stop at once; running activities are left to the next start."""
        for task in [*self._tasks, *self._in_flight.values()]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._in_flight.values(), return_exceptions=True)

    def _recover(self) -> None:
        calls = self._store.activities()
        for timer in self._store.timers():
            self._add_timer(timer)
        for call in calls:
            self._add_call(call)
        waiting = self._store.instances_with_messages()
        for instance_id in waiting:
            self._wake(instance_id)
        if calls or waiting or self._timers:
            text = (
                "Going on where the last host stopped: %d activities run again, %d timers, %d orchestrations to wake."
            )
            _log.info(text, len(calls), len(self._timers), len(waiting))

    # waking

    def notify(self, instance_id: str, event: Event) -> None:
        """Say that a message was posted. It may stay in the inbox while user code could not go on with it anyway."""
        awaiting = self._awaiting.get(instance_id)
        if awaiting is not None and instance_id not in self._busy and event["EventType"] in ev.SUCCESSES:
            task_id = ev.completed_task(event)
            arrived = self._arrived.setdefault(instance_id, set())
            if task_id in awaiting:
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

    async def _serve_orchestrations(self) -> None:
        while True:
            instance_id = await self._ready.get()
            if instance_id in self._busy:
                # Its turn is running in another loop, which looks at the inbox again when it is over.
                self._queued.discard(instance_id)
                continue
            self._queued.discard(instance_id)
            self._busy.add(instance_id)
            try:
                await self._turn(instance_id)
            except Exception:
                _log.exception(
                    "The turn of orchestration '%s' failed inside devhost; it is not tried again.", instance_id
                )
            finally:
                self._busy.discard(instance_id)
            self._look_again(instance_id)

    def _look_again(self, instance_id: str) -> None:
        messages = self._store.inbox(instance_id)
        awaiting = self._awaiting.get(instance_id)
        events = [message.event for message in messages]
        if messages and (awaiting is None or not may_wait(awaiting, events)):
            self._wake(instance_id)
        elif awaiting is not None:
            self._arrived[instance_id] = {i for i in map(ev.completed_task, events) if i is not None}

    # one turn

    async def _turn(self, instance_id: str) -> None:
        self.forget(instance_id)
        instance = self._store.instance(instance_id)
        messages = self._store.inbox(instance_id)
        if instance is None or not instance.live:
            with self._store.transaction():
                self._store.drop(messages)
            return
        past = self._store.past(instance_id)
        taken, events = self._take(instance, past, messages)
        if not events:
            with self._store.transaction():
                self._store.drop(taken)
            return
        execution = _execution(instance)
        opened = open_turn(execution, past, events, self._clock())
        result = await self._worker.run_orchestrator(instance.name, body_text(execution, past, opened))
        turn = settle(execution, past, opened, result.answer, known=self._worker.known, sdk_tasks=result.sdk_tasks)
        current = self._store.instance(instance_id)
        if current is None or current.execution_id != instance.execution_id:
            return  # purged meanwhile
        self._commit(instance, turn, taken, opened.now)

    def _take(self, instance: Instance, past: Past, messages: list[Message]) -> tuple[list[Message], list[Event]]:
        """Choose the messages of this turn: those of this execution, and only the start if there is no history yet.

        A new generation's first turn has the start alone, so that its first body ends as a real host's does.
        """
        if instance.continued and not past.events:
            messages = [m for m in messages if m.event["EventType"] == Kind.ExecutionStarted]
        mine = [m.event for m in messages if m.execution_id in (None, instance.execution_id)]
        return messages, wanted(past, mine)

    def _commit(self, instance: Instance, turn: Turn, taken: list[Message], now: datetime) -> None:
        calls: list[ActivityCall] = []
        timers: list[Timer] = []
        woken: list[tuple[str, Event]] = []
        with self._store.transaction():
            self._store.drop(taken)
            if turn.next_input is not None:
                woken.append((instance.id, self._continue_as_new(instance, turn, now)))
            else:
                self._store.append(instance.id, ev.played(list(turn.events)), [turn.mark])
                self._store.save(_updated(instance, turn, now))
                for task_id in turn.cancelled:
                    self._store.cancel_timer(instance.execution_id, task_id)
                for item in turn.work:
                    if item.kind is Kind.TaskScheduled:
                        calls.append(self._store.add_activity(instance, item.id, item.name, item.input))
                    elif item.kind is Kind.SubOrchestrationInstanceCreated:
                        woken.append(self._start_child(instance, item, now))
                    elif item.id not in turn.cancelled:
                        timers.append(
                            Timer(parse_stamp(item.fire_at), now, instance.id, instance.execution_id, item.id)
                        )
                        self._store.add_timer(timers[-1])
                if turn.ending is not None:
                    woken += self._end(instance, turn.ending, now)
        self._announce(instance, turn)
        for call in calls:
            self._add_call(call)
        for timer in timers:
            self._add_timer(timer)
        if turn.awaiting is not None:
            self._awaiting[instance.id] = turn.awaiting
        for instance_id, event in woken:
            self.notify(instance_id, event)

    def _continue_as_new(self, instance: Instance, turn: Turn, now: datetime) -> Event:
        execution_id = uuid4().hex
        self._store.forget(instance.id, inbox=False)
        fresh = replace(
            instance,
            execution_id=execution_id,
            raw_input=turn.next_input,
            status="Running",
            output=None,
            custom_status=None,
            generation=None,
            continued=True,
            created=now,
            updated=now,
        )
        self._store.save(fresh)
        started = start_event(fresh, now)
        self._store.post(instance.id, execution_id, started)
        return started

    def _start_child(self, parent: Instance, item: Scheduled, now: datetime) -> tuple[str, Event]:
        existing = self._store.instance(item.instance_id)
        if existing is not None and existing.live:
            text = f"An Orchestration instance with the status {existing.status} already exists."
            event = ev.child_failed(now, item.id, text, f"Message: {text}, StackTrace: ")
            self._store.post(parent.id, parent.execution_id, event)
            return parent.id, event
        child = Instance(
            id=item.instance_id,
            execution_id=uuid4().hex,
            name=item.name,
            raw_input=None if item.input is None else compact(item.input),
            created=now,
            updated=now,
            generation=None,
            parent=Parent(parent.name, parent.id, parent.execution_id, item.id),
        )
        return child.id, self.create(child, now)

    def create(self, instance: Instance, now: datetime) -> Event:
        """Store a new instance in place of any old one of its id, with its start message. Inside a transaction."""
        self._store.forget(instance.id)
        self.forget(instance.id)
        self._store.save(instance)
        started = start_event(instance, now)
        self._store.post(instance.id, instance.execution_id, started)
        return started

    def _end(self, instance: Instance, ending: Ending, now: datetime) -> list[tuple[str, Event]]:
        parent = instance.parent
        if parent is None:
            return []
        if ending.status == "Completed":
            event = ev.child_completed(now, parent.task_id, ending.result)
        else:
            text = ending.text or ""
            error = text.removeprefix(f"Orchestrator function '{instance.name}' failed: ")
            event = ev.child_failed(now, parent.task_id, text, f"Message: {error}, StackTrace: ")
        self._store.post(parent.instance_id, parent.execution_id, event)
        return [(parent.instance_id, event)]

    @staticmethod
    def _announce(instance: Instance, turn: Turn) -> None:
        for complaint in turn.complaints:
            _log.error("Orchestration '%s' (%s): %s", instance.id, instance.name, complaint)
        if turn.ending is not None:
            level = logging.INFO if turn.ending.status == "Completed" else logging.WARNING
            _log.log(level, "Orchestration '%s' (%s) ended: %s.", instance.id, instance.name, turn.ending.status)

    # activities

    def crash_worker(self) -> int:
        """End every activity in flight as a real host does when its worker process dies. Returns how many."""
        self._crashed.update(self._in_flight)
        for task in self._in_flight.values():
            task.cancel()
        return len(self._in_flight)

    def _add_call(self, call: ActivityCall) -> None:
        self._calls.append(call)
        self._call_added.release()

    async def _serve_activities(self) -> None:
        while True:
            await self._call_added.acquire()
            call = self._calls.popleft()
            if not self._store.has_activity(call.seq):
                continue  # purged, or its execution was replaced
            event = await self._run(call)
            if self._store.finish_activity(call, event):
                self.notify(call.instance_id, event)

    async def _run(self, call: ActivityCall) -> Event:
        task = asyncio.create_task(self._worker.run_activity(call.name, call.input))
        self._in_flight[call.seq] = task
        timeout = self._limits.function_timeout
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
                result = await task
            return ev.task_completed(self._clock(), call.task_id, result)
        except ActivityFailed as failure:
            text = str(failure)
        except TimeoutError:
            assert timeout is not None
            text = f"Timeout value of {timespan(timeout)} was exceeded by function: Functions.{call.name}"
        except asyncio.CancelledError:
            if call.seq not in self._crashed:
                raise
            text = f"Exception while executing function: Functions.{call.name} python exited with code 137"
        finally:
            self._in_flight.pop(call.seq, None)
            self._crashed.discard(call.seq)
        reason = f"Activity function '{call.name}' failed: {text}"
        return ev.task_failed(self._clock(), call.task_id, reason, failure_details(text))

    # timers

    def _add_timer(self, timer: Timer) -> None:
        heapq.heappush(self._timers, timer)
        self._timer_added.set()

    async def _fire_timers(self) -> None:
        while True:
            now = self._clock()
            while self._timers and self._timers[0].fire_at <= now:
                timer = heapq.heappop(self._timers)
                event = ev.timer_fired(timer.created, timer.task_id, stamp(timer.fire_at))
                if self._store.fire_timer(timer, event):
                    self.notify(timer.instance_id, event)
            wait = (self._timers[0].fire_at - now).total_seconds() if self._timers else _LONGEST_SLEEP_SECONDS
            self._timer_added.clear()
            try:
                async with asyncio.timeout(min(wait, _LONGEST_SLEEP_SECONDS)):
                    await self._timer_added.wait()
            except TimeoutError:
                continue
