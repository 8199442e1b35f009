"""The shadow: a state machine that counts task ids exactly as the SDK does, and knows what is open and what comes next.

The SDK's answer is a list of actions without ids; completions carry ids. Both sides count from 0, so the host must walk
the list in the same order: schedule an action, let events complete it, go on to the next. Everything here follows from
that. A machine is built anew for every turn by folding the execution's history; nothing of it is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from dev.devhost.protocol.answers import Action, ActionType
from dev.devhost.protocol.events import SUCCESSES, Event, Kind, completed_task
from dev.devhost.protocol.times import stamp

TASKS = {
    ActionType.CALL_ACTIVITY: Kind.TaskScheduled,
    ActionType.CALL_ACTIVITY_WITH_RETRY: Kind.TaskScheduled,
    ActionType.CALL_SUB_ORCHESTRATOR: Kind.SubOrchestrationInstanceCreated,
    ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY: Kind.SubOrchestrationInstanceCreated,
}


class Step(Enum):
    """What an open task id stands for; the values are the words used in messages."""

    ACTIVITY = "activity"
    CHILD = "sub-orchestration"
    TIMER = "timer"
    RETRY_TIMER = "retry timer"
    RETRY_ATTEMPT = "retry attempt"


@dataclass(frozen=True, slots=True)
class Known:
    """Registered function names in lower case: names ignore case."""

    activities: frozenset[str]
    orchestrators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """New work under its task id. ``kind`` is the type of the history event that records it."""

    id: int
    kind: Kind
    name: str = ""
    input: str | None = None
    instance_id: str = ""
    fire_at: str = ""


@dataclass(slots=True)
class Gate:
    """Closed until enough of what it waits for is done; opening may open its parent."""

    parent: "Gate | None" = None
    pending: int = 1
    done: bool = False

    def complete_one(self) -> None:
        """One of the awaited things is done. Opening twice does nothing."""
        if self.done:
            return
        self.pending -= 1
        if self.pending <= 0:
            self.done = True
            if self.parent is not None:
                self.parent.complete_one()


@dataclass(slots=True)
class Leaf:
    """An open id: the gate it opens, the action it came from, and where a retry stands."""

    gate: Gate
    action: Action
    step: Step
    root: int
    attempt: int = 1


@dataclass(slots=True)
class Machine:
    """The walk over one execution's action list. ``limit`` is how much of the list the SDK had shown by then."""

    actions: tuple[Action, ...]
    known: Known
    execution_id: str
    limit: int = 0
    position: int = 0
    next_id: int = 0
    clock: datetime | None = None
    current: Gate | None = None
    open: dict[int, Leaf] = field(default_factory=dict)
    scheduled: list[Scheduled] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    suspended: bool = False
    blocked: str | None = None
    current_failed: bool = False
    _waiters: dict[str, list[Gate]] = field(default_factory=dict)
    _early: dict[str, int] = field(default_factory=dict)
    _backlog: list[Event] = field(default_factory=list)

    def start_episode(self, now: datetime, limit: int) -> None:
        """Set the clock (the episode's OrchestratorStarted) and how much of the list may be walked."""
        self.clock = now
        self.limit = limit

    def take(self, event: Event) -> None:
        """Process one message: complete what it completes, then schedule what has become due.

        While suspended, messages are kept and worked off in order at the resume.
        """
        kind = event["EventType"]
        if kind == Kind.ExecutionSuspended:
            self.suspended = True
        elif kind == Kind.ExecutionResumed:
            self.suspended = False
            backlog, self._backlog = self._backlog, []
            for kept in backlog:
                self._complete(kept)
                self.advance()
        elif self.suspended:
            self._backlog.append(event)
        else:
            self._complete(event)
        self.advance()

    def end_episode(self, cancelled: Callable[[int, Leaf], bool]) -> None:
        """Schedule what is due and drop timers that the SDK shows as cancelled, until nothing changes."""
        while not self.suspended:
            self.advance()
            hits = [i for i, leaf in self.open.items() if leaf.step is Step.TIMER and cancelled(i, leaf)]
            if not hits:
                return
            for task_id in hits:
                self.cancelled.append(task_id)
                self.open.pop(task_id).gate.complete_one()

    def advance(self) -> None:
        """While the current action is done and another is listed, schedule it and make it current."""
        while not self.suspended and self.blocked is None and self._current_done() and self.position < self.limit:
            self.current = Gate()
            self.current_failed = False
            action = self.actions[self.position]
            self.position += 1
            self._schedule(action, self.current)

    @property
    def through(self) -> bool:
        """Whether the whole list is scheduled, its last action done, and no task or timer is open."""
        return self.position >= len(self.actions) and self._current_done() and not self.open and self.blocked is None

    @property
    def waits_for_events(self) -> bool:
        """Whether an external event could still move the machine."""
        return any(not gate.done for gates in self._waiters.values() for gate in gates)

    def _current_done(self) -> bool:
        return self.current is None or self.current.done

    def _schedule(self, action: Action, parent: Gate) -> None:
        if self.blocked is not None:
            return
        if action.type in (ActionType.WHEN_ALL, ActionType.WHEN_ANY):
            needed = len(action.children) if action.type is ActionType.WHEN_ALL else 1
            gate = Gate(parent, needed)
            for child in action.children:
                self._schedule(child, gate)
            if not action.children:
                gate.complete_one()
        elif action.type is ActionType.WAIT_FOR_EXTERNAL_EVENT:
            self._wait_for_event(action.name.lower(), Gate(parent))
        elif action.type is ActionType.CREATE_TIMER:
            self._set_timer(Leaf(Gate(parent), action, Step.TIMER, self.position), action.fire_at)
        elif action.type in TASKS:
            self._start_task(Leaf(Gate(parent), action, self._task_step(action), self.position))
        else:
            parent.complete_one()

    def _wait_for_event(self, name: str, gate: Gate) -> None:
        if self._early.get(name):
            self._early[name] -= 1
            gate.complete_one()
        else:
            self._waiters.setdefault(name, []).append(gate)

    @staticmethod
    def _task_step(action: Action) -> Step:
        return Step.ACTIVITY if TASKS[action.type] is Kind.TaskScheduled else Step.CHILD

    def _start_task(self, leaf: Leaf) -> None:
        action = leaf.action
        kind = TASKS[action.type]
        names = self.known.activities if kind is Kind.TaskScheduled else self.known.orchestrators
        if action.name.lower() not in names:
            what = "activity" if kind is Kind.TaskScheduled else "orchestrator"
            self.blocked = f"{what} '{action.name}'"
            return
        task_id = self._take_id(leaf)
        instance_id = ""
        if kind is Kind.SubOrchestrationInstanceCreated:
            instance_id = action.instance_id or f"{self.execution_id}:{task_id}"
        self.scheduled.append(Scheduled(task_id, kind, action.name, action.input, instance_id))

    def _set_timer(self, leaf: Leaf, fire_at: str) -> None:
        self.scheduled.append(Scheduled(self._take_id(leaf), Kind.TimerCreated, fire_at=fire_at))

    def _take_id(self, leaf: Leaf) -> int:
        task_id = self.next_id
        self.next_id += 1
        self.open[task_id] = leaf
        return task_id

    def _complete(self, event: Event) -> None:
        if event["EventType"] == Kind.EventRaised:
            self._raise_event(event["Name"].lower())
            return
        task_id = completed_task(event)
        leaf = None if task_id is None else self.open.pop(task_id, None)
        if leaf is None:
            return
        if event["EventType"] in SUCCESSES or leaf.step is Step.TIMER:
            leaf.gate.complete_one()
        elif leaf.step is Step.RETRY_TIMER:
            self._retry(leaf)
        elif leaf.action.retry is not None:
            self._back_off(leaf)
        else:
            self._give_up(leaf)

    def _raise_event(self, name: str) -> None:
        """Complete the most recent waiter of that name (they form a stack), else keep the event for the next one."""
        waiters = self._waiters.get(name)
        if waiters:
            waiters.pop().complete_one()
        else:
            self._early[name] = self._early.get(name, 0) + 1

    def _back_off(self, leaf: Leaf) -> None:
        """After a failed attempt comes a timer, also after the last one: there it fires at once and the retry ends."""
        retry = leaf.action.retry
        assert retry is not None
        assert self.clock is not None
        leaf.step = Step.RETRY_TIMER
        fire_at = self.clock + retry.interval if leaf.attempt < retry.attempts else self.clock
        self._set_timer(leaf, stamp(fire_at))

    def _retry(self, leaf: Leaf) -> None:
        retry = leaf.action.retry
        assert retry is not None
        if leaf.attempt >= retry.attempts:
            self._give_up(leaf)
            return
        leaf.attempt += 1
        leaf.step = Step.RETRY_ATTEMPT
        self._start_task(leaf)

    def _give_up(self, leaf: Leaf) -> None:
        if leaf.root == self.position:
            self.current_failed = True
        leaf.gate.complete_one()
