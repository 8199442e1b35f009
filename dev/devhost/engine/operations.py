"""The verbs of the management API on the store and the dispatcher: start, raise an event, terminate and so on.

Each returns at once; what it asks for happens in the instance's next turn, as on a real host.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import uuid4

from dev.devhost.engine.commits import create
from dev.devhost.engine.dispatcher import Dispatcher, utc_now
from dev.devhost.engine.records import Instance
from dev.devhost.engine.rewinding import rewound
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event

_log = logging.getLogger("devhost.durable")


class Refusal(Enum):
    """Why an operation was not done."""

    UNKNOWN = "no instance has that id"
    ENDED = "the instance has ended"
    STATE = "the instance is in a state that does not allow it"


class ConflictError(RuntimeError):
    """A live instance has the id already."""


class NotPossibleError(RuntimeError):
    """The instance's state does not allow the operation; the text is the real host's."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which instances a query or a bulk purge is about."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[str] = frozenset()
    prefix: str = ""

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is meant."""
        return (
            (self.created_from is None or instance.created >= self.created_from)
            and (self.created_to is None or instance.created <= self.created_to)
            and (not self.statuses or instance.status in self.statuses)
            and instance.id.startswith(self.prefix)
        )


class Operations:
    """The management verbs."""

    def __init__(self, store: Store, dispatcher: Dispatcher, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock

    @property
    def store(self) -> Store:
        """Where instances are read."""
        return self._store

    def start(self, name: str, instance_id: str, raw_input: str | None) -> None:
        """Start an orchestration. An ended instance of that id is replaced; a live one raises ConflictError."""
        old = self._store.instance(instance_id)
        if old is not None and old.live:
            raise ConflictError(f"An Orchestration instance with the status {old.status} already exists.")
        now = self._clock()
        generation = 0 if old is None else (old.generation or 0) + 1
        instance = Instance(instance_id, uuid4().hex, name, raw_input, created=now, updated=now, generation=generation)
        with self._store.transaction():
            event = create(self._store, instance, now)
        self._dispatcher.forget(instance_id)
        self._dispatcher.notify(instance_id, event)
        _log.info("Orchestration '%s' (%s) started.", instance_id, name)

    def raise_event(self, instance_id: str, name: str, payload: str) -> Refusal | None:
        """Deliver an external event; ``payload`` is JSON text."""
        return self._send(instance_id, ev.event_raised(self._clock(), name, payload))

    def terminate(self, instance_id: str, reason: str | None) -> Refusal | None:
        """End an instance. Its children and running activities go on."""
        return self._send(instance_id, ev.execution_terminated(self._clock(), reason))

    def suspend(self, instance_id: str, reason: str | None) -> Refusal | None:
        """Stop an instance from going on. Raises NotPossibleError if it is suspended."""
        self._refuse_in(instance_id, "Suspended", "suspend")
        return self._send(instance_id, ev.execution_suspended(self._clock(), reason))

    def resume(self, instance_id: str, reason: str | None) -> Refusal | None:
        """Let a suspended instance go on. Raises NotPossibleError if it is running."""
        self._refuse_in(instance_id, "Running", "resume")
        return self._send(instance_id, ev.execution_resumed(self._clock(), reason))

    def restart(self, instance_id: str, *, new_id: bool) -> str | None:
        """Start the same orchestration with the same input: the id, or None if unknown. Raises ConflictError."""
        old = self._store.instance(instance_id)
        if old is None:
            return None
        target = uuid4().hex if new_id else instance_id
        self.start(old.name, target, old.raw_input)
        return target

    def rewind(self, instance_id: str, reason: str | None) -> Refusal | None:
        """Make a failed instance run its failed activities again. Raises NotPossibleError for other states."""
        instance = self._store.instance(instance_id)
        if instance is None:
            return Refusal.UNKNOWN
        if instance.live:
            raise NotPossibleError("The rewind operation is only supported on failed orchestration instances.")
        if instance.status != "Failed":
            return Refusal.ENDED
        now = self._clock()
        past = rewound(self._store.past(instance_id))
        message = ev.rewound(now, reason)
        with self._store.transaction():
            self._store.forget(instance_id)
            self._store.append(instance_id, past.events, past.marks)
            self._store.save(replace(instance, status="Running", output=None, updated=now))
            self._store.post(instance_id, instance.execution_id, message)
        self._dispatcher.forget(instance_id)
        self._dispatcher.notify(instance_id, message)
        return None

    def purge(self, instance_id: str) -> bool:
        """Delete an instance in any state; whether it was there."""
        if self._store.instance(instance_id) is None:
            return False
        with self._store.transaction():
            self._store.delete(instance_id)
        self._dispatcher.forget(instance_id)
        return True

    def purge_all(self, which: Filter) -> int:
        """Delete the instances that a filter takes, running ones too; how many."""
        ids = [instance.id for instance in self.query(which)]
        return sum(self.purge(instance_id) for instance_id in ids)

    def query(self, which: Filter) -> list[Instance]:
        """The instances that a filter takes, by id."""
        return [instance for instance in self._store.instances() if which.takes(instance)]

    def _refuse_in(self, instance_id: str, status: str, verb: str) -> None:
        instance = self._store.instance(instance_id)
        if instance is not None and instance.status == status:
            raise NotPossibleError(
                f"Cannot {verb} the orchestration instance {instance_id} because instance is in the {status} state."
            )

    def _send(self, instance_id: str, event: Event) -> Refusal | None:
        instance = self._store.instance(instance_id)
        if instance is None:
            return Refusal.UNKNOWN
        if not instance.live:
            return Refusal.ENDED
        with self._store.transaction():
            self._store.post(instance_id, None, event)
        self._dispatcher.notify(instance_id, event)
        return None
