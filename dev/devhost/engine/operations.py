"""The verbs of the management API on the store and the dispatcher: start, terminate, purge.

Each returns at once; what it asks for happens in the instance's next turn, as on a real host.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from dev.devhost.engine.commits import create
from dev.devhost.engine.dispatcher import Dispatcher, utc_now
from dev.devhost.engine.records import Instance
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev

_log = logging.getLogger("devhost.durable")


class ConflictError(RuntimeError):
    """A live instance has the id already."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which instances a bulk purge is about. ``statuses`` empty: all."""

    created_from: datetime
    created_to: datetime | None
    statuses: frozenset[str]

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is meant."""
        return (
            instance.created >= self.created_from
            and (self.created_to is None or instance.created <= self.created_to)
            and (not self.statuses or instance.status in self.statuses)
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
        generation = 0 if old is None else old.generation + 1
        instance = Instance(instance_id, uuid4().hex, name, raw_input, created=now, updated=now, generation=generation)
        event = create(self._store, instance, now)
        self._dispatcher.forget(instance_id)
        self._dispatcher.notify(instance_id, event)
        _log.info("Orchestration '%s' (%s) started.", instance_id, name)

    def terminate(self, instance_id: str, reason: str | None) -> None:
        """End a live instance. Its running activities go on."""
        event = ev.execution_terminated(self._clock(), reason)
        with self._store.transaction():
            self._store.post(instance_id, None, event)
        self._dispatcher.notify(instance_id, event)

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
        ids = [instance.id for instance in self._store.instances() if which.takes(instance)]
        return sum(self.purge(instance_id) for instance_id in ids)
