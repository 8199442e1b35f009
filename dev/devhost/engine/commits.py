"""Writing what changes an instance, each in one transaction: its start, and what a turn did."""

from dataclasses import replace
from datetime import datetime

from dev.devhost.engine.records import ActivityCall, Instance, Message, Timer
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.turns import Turn


def create(store: Store, instance: Instance, now: datetime) -> Event:
    """Store a new instance in place of any old one of its id; its start message."""
    started = ev.execution_started(
        now,
        instance_id=instance.id,
        execution_id=instance.execution_id,
        name=instance.name,
        raw_input=instance.raw_input,
        generation=instance.generation,
    )
    with store.transaction():
        store.forget(instance.id)
        store.save(instance)
        store.post(instance.id, instance.execution_id, started)
    return started


def commit(
    store: Store, instance: Instance, turn: Turn, taken: list[Message], now: datetime
) -> tuple[list[ActivityCall], list[Timer]]:
    """Store a turn and delete the messages that it took; the activities and timers that have to be set going."""
    calls, timers = list[ActivityCall](), list[Timer]()
    status, output = ("Running", None) if turn.ending is None else (turn.ending.status, turn.ending.result)
    with store.transaction():
        store.drop(taken)
        store.append(instance.id, ev.played(turn.events))
        store.save(replace(instance, status=status, output=output, updated=now))
        for item in turn.work:
            if item.kind is Kind.TaskScheduled:
                calls.append(store.add_activity(instance, item.id, item.name, item.input))
            else:
                timer = Timer(parse_stamp(item.fire_at), now, instance.id, instance.execution_id, item.id)
                store.add_timer(timer)
                timers.append(timer)
    return calls, timers
