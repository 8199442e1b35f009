"""Writing what a turn changed, in one transaction: history, status, new work, messages to children and parent."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from dev.devhost.engine.records import ActivityCall, Instance, Message, Parent, Timer
from dev.devhost.engine.store import Store
from dev.devhost.protocol import events as ev
from dev.devhost.protocol.events import Event, Kind
from dev.devhost.protocol.json_text import compact
from dev.devhost.protocol.shadow import Scheduled
from dev.devhost.protocol.times import parse_stamp
from dev.devhost.protocol.turns import Ending, Turn


@dataclass(slots=True)
class Committed:
    """What was stored and now has to be set going. ``woken``: instances with a new message."""

    calls: list[ActivityCall] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    woken: list[tuple[str, Event]] = field(default_factory=list)


def commit(store: Store, instance: Instance, turn: Turn, taken: list[Message], now: datetime) -> Committed:
    """Store a turn and delete the messages that it took."""
    done = Committed()
    with store.transaction():
        store.drop(taken)
        if turn.next_input is not None:
            done.woken.append((instance.id, _continue_as_new(store, instance, turn, now)))
            return done
        store.append(instance.id, ev.played(list(turn.events)), [turn.mark])
        store.save(_updated(instance, turn, now))
        for task_id in turn.cancelled:
            store.cancel_timer(instance.execution_id, task_id)
        for item in turn.work:
            _schedule(store, instance, item, now, done)
        if turn.ending is not None and instance.parent is not None:
            done.woken.append(_tell_parent(store, instance, instance.parent, turn.ending, now))
    done.timers = [timer for timer in done.timers if timer.task_id not in turn.cancelled]
    return done


def create(store: Store, instance: Instance, now: datetime) -> Event:
    """Store a new instance in place of any old one of its id, with its start message. Inside a transaction."""
    store.forget(instance.id)
    store.save(instance)
    started = _start_event(instance, now)
    store.post(instance.id, instance.execution_id, started)
    return started


def _start_event(instance: Instance, now: datetime) -> Event:
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


def _updated(instance: Instance, turn: Turn, now: datetime) -> Instance:
    status, output, custom_status = "Running", instance.output, turn.custom_status
    if turn.ending is not None:
        status, output = turn.ending.status, turn.ending.result
        if status == "Terminated":
            custom_status = instance.custom_status
    elif turn.suspended is not None:
        status, output = "Suspended", compact(turn.suspended)
    return replace(instance, status=status, output=output, custom_status=custom_status, updated=now)


def _continue_as_new(store: Store, instance: Instance, turn: Turn, now: datetime) -> Event:
    store.forget(instance.id, inbox=False)
    fresh = replace(
        instance,
        execution_id=uuid4().hex,
        raw_input=turn.next_input,
        status="Running",
        output=None,
        custom_status=None,
        generation=None,
        continued=True,
        created=now,
        updated=now,
    )
    store.save(fresh)
    started = _start_event(fresh, now)
    store.post(fresh.id, fresh.execution_id, started)
    return started


def _schedule(store: Store, instance: Instance, item: Scheduled, now: datetime, done: Committed) -> None:
    if item.kind is Kind.TaskScheduled:
        done.calls.append(store.add_activity(instance, item.id, item.name, item.input))
    elif item.kind is Kind.TimerCreated:
        timer = Timer(parse_stamp(item.fire_at), now, instance.id, instance.execution_id, item.id)
        store.add_timer(timer)
        done.timers.append(timer)
    else:
        done.woken.append(_start_child(store, instance, item, now))


def _start_child(store: Store, parent: Instance, item: Scheduled, now: datetime) -> tuple[str, Event]:
    existing = store.instance(item.instance_id)
    if existing is not None and existing.live:
        text = f"An Orchestration instance with the status {existing.status} already exists."
        event = ev.child_failed(now, item.id, text, f"Message: {text}, StackTrace: ")
        store.post(parent.id, parent.execution_id, event)
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
    return child.id, create(store, child, now)


def _tell_parent(store: Store, instance: Instance, parent: Parent, ending: Ending, now: datetime) -> tuple[str, Event]:
    if ending.status == "Completed":
        event = ev.child_completed(now, parent.task_id, ending.result)
    else:
        text = ending.text or ""
        error = text.removeprefix(f"Orchestrator function '{instance.name}' failed: ")
        event = ev.child_failed(now, parent.task_id, text, f"Message: {error}, StackTrace: ")
    store.post(parent.instance_id, parent.execution_id, event)
    return parent.instance_id, event
