"""Everything durable, in one SQLite file: instances, their history, inboxes, activities and timers.

Every method is one transaction, so a killed host leaves either all of a step or nothing of it. Write-ahead logging
with ``synchronous=NORMAL`` survives the death of the process at any moment (not of the machine: this is a development
host). The file is locked for one host: a second one on the same folder is refused.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dev.devhost.engine.records import ActivityCall, Instance, Message, Timer
from dev.devhost.protocol.events import Event
from dev.devhost.protocol.turns import History

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY, execution_id TEXT NOT NULL, name TEXT NOT NULL, raw_input TEXT, created REAL NOT NULL,
    updated REAL NOT NULL, status TEXT NOT NULL, output TEXT, generation INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (instance_id, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT, event TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_instance ON inbox (instance_id, seq);
CREATE TABLE IF NOT EXISTS activities (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
    task_id INTEGER NOT NULL, name TEXT NOT NULL, input TEXT);
CREATE TABLE IF NOT EXISTS timers (
    execution_id TEXT NOT NULL, task_id INTEGER NOT NULL, instance_id TEXT NOT NULL, fire_at REAL NOT NULL,
    created REAL NOT NULL, PRIMARY KEY (execution_id, task_id)) WITHOUT ROWID;
"""
_VERSION = 2
"""Of the schema; a file that was written with another one is refused."""
_COLUMNS = "id, execution_id, name, raw_input, created, updated, status, output, generation"


class StateError(RuntimeError):
    """The state folder cannot be used: another host holds it, or an earlier release has written it."""


def _moment(value: float) -> datetime:
    return datetime.fromtimestamp(value, UTC)


def _text(event: Event) -> str:
    return json.dumps(event)


def _instance(row: Sequence[Any]) -> Instance:
    return Instance(
        id=row[0],
        execution_id=row[1],
        name=row[2],
        raw_input=row[3],
        created=_moment(row[4]),
        updated=_moment(row[5]),
        status=row[6],
        output=row[7],
        generation=row[8],
    )


class Store:
    """The open database. Not thread-safe: all calls come from the event loop's thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=True)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            is_new = not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not is_new and self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                raise StateError(f"The state in '{path.parent}' is of another release of devhost. Delete that folder.")
            self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise StateError(f"The state in '{path.parent}' is used by another host ({error}).") from error

    def close(self) -> None:
        """Close the file. Nothing is lost without it."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing for the calls inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # instances

    def instance(self, instance_id: str) -> Instance | None:
        """One instance, or None."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM instances WHERE id = ?", (instance_id,)).fetchone()  # noqa: S608 - constant
        return None if row is None else _instance(row)

    def instances(self) -> list[Instance]:
        """All instances, by id."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM instances ORDER BY id")  # noqa: S608 - constant
        return [_instance(row) for row in rows]

    def save(self, instance: Instance) -> None:
        """Insert or replace an instance's row. Only inside `transaction`, like every method below that writes."""
        values = (
            instance.id,
            instance.execution_id,
            instance.name,
            instance.raw_input,
            instance.created.timestamp(),
            instance.updated.timestamp(),
            instance.status,
            instance.output,
            instance.generation,
        )
        self._db.execute(f"INSERT OR REPLACE INTO instances ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)", values)  # noqa: S608 - constant

    def forget(self, instance_id: str) -> None:
        """Delete an instance's history, inbox, timers and waiting activities; its row stays."""
        for table in ("history", "inbox", "timers", "activities"):
            self._db.execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))  # noqa: S608 - constant

    def delete(self, instance_id: str) -> None:
        """Delete an instance with all that belongs to it."""
        self.forget(instance_id)
        self._db.execute("DELETE FROM instances WHERE id = ?", (instance_id,))

    # history

    def history(self, instance_id: str) -> History:
        """The history of the current execution."""
        query = "SELECT event FROM history WHERE instance_id = ? ORDER BY seq"
        return tuple(json.loads(event) for (event,) in self._db.execute(query, (instance_id,)))

    def append(self, instance_id: str, events: Iterable[Event]) -> None:
        """Add events to the history."""
        query = "SELECT coalesce(max(seq), -1) + 1 FROM history WHERE instance_id = ?"
        first: int = self._db.execute(query, (instance_id,)).fetchone()[0]
        rows = [(instance_id, seq, _text(event)) for seq, event in enumerate(events, first)]
        self._db.executemany("INSERT INTO history VALUES (?,?,?)", rows)

    # inbox

    def inbox(self, instance_id: str) -> list[Message]:
        """The messages that wait for an instance, in order of arrival."""
        query = "SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? ORDER BY seq"
        return [
            Message(seq, execution, json.loads(event))
            for seq, execution, event in self._db.execute(query, (instance_id,))
        ]

    def post(self, instance_id: str, execution_id: str | None, event: Event) -> None:
        """Add a message to an inbox."""
        query = "INSERT INTO inbox (instance_id, execution_id, event) VALUES (?,?,?)"
        self._db.execute(query, (instance_id, execution_id, _text(event)))

    def drop(self, messages: Iterable[Message]) -> None:
        """Delete messages that were handed over."""
        self._db.executemany("DELETE FROM inbox WHERE seq = ?", [(message.seq,) for message in messages])

    def instances_with_messages(self) -> list[str]:
        """Ids of instances that something waits for."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT instance_id FROM inbox ORDER BY seq")]

    # activities

    def add_activity(self, instance: Instance, task_id: int, name: str, text: str | None) -> ActivityCall:
        query = "INSERT INTO activities (instance_id, execution_id, task_id, name, input) VALUES (?,?,?,?,?)"
        cursor = self._db.execute(query, (instance.id, instance.execution_id, task_id, name, text))
        assert cursor.lastrowid is not None
        return ActivityCall(cursor.lastrowid, instance.id, instance.execution_id, task_id, name, text)

    def activities(self) -> list[ActivityCall]:
        """Activities without a result, oldest first: after a crash all of them are run again."""
        query = "SELECT seq, instance_id, execution_id, task_id, name, input FROM activities ORDER BY seq"
        return [ActivityCall(*row) for row in self._db.execute(query)]

    def has_activity(self, seq: int) -> bool:
        """Whether an activity still waits for its result."""
        return self._db.execute("SELECT 1 FROM activities WHERE seq = ?", (seq,)).fetchone() is not None

    def finish_activity(self, call: ActivityCall, event: Event) -> bool:
        """Store a result, once: False if there already is one or nobody wants it any more."""
        with self.transaction():
            if self._db.execute("DELETE FROM activities WHERE seq = ?", (call.seq,)).rowcount == 0:
                return False
            self.post(call.instance_id, call.execution_id, event)
        return True

    # timers

    def add_timer(self, timer: Timer) -> None:
        moments = (timer.fire_at.timestamp(), timer.created.timestamp())
        row = (timer.execution_id, timer.task_id, timer.instance_id, *moments)
        self._db.execute("INSERT OR REPLACE INTO timers VALUES (?,?,?,?,?)", row)

    def timers(self) -> list[Timer]:
        """All timers that have not fired."""
        query = "SELECT fire_at, created, instance_id, execution_id, task_id FROM timers"
        return [Timer(_moment(row[0]), _moment(row[1]), *row[2:]) for row in self._db.execute(query)]

    def fire_timer(self, timer: Timer, event: Event) -> bool:
        """Turn a timer into a message, once: False if it has fired or nobody wants it any more."""
        with self.transaction():
            query = "DELETE FROM timers WHERE execution_id = ? AND task_id = ?"
            if self._db.execute(query, (timer.execution_id, timer.task_id)).rowcount == 0:
                return False
            self.post(timer.instance_id, timer.execution_id, event)
        return True
