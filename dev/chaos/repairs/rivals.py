"""The audited service and its people, played: what they write while a repair is at work on the same session."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import psycopg

_POLL_SECONDS = 0.02
_NEW_RECORDING = "insert into recordings (id, capture_session_id, version, filename, created_at, deleted_at)"
_OF_ANOTHER_SESSION = f"""
with other as (insert into capture_sessions (id, booking_id, origin) values (%(other)s, %(booking)s, 'PRE')
               returning id)
{_NEW_RECORDING} select %(recording)s, id, 1, 'f', now(), null from other
"""  # noqa: S608 - made of constants of this module
_BLOCKED = "select count(*) from pg_stat_activity where %(pid)s = any(pg_blocking_pids(pid))"


@dataclass(frozen=True)
class Rival:
    """A write of somebody else, and the guard that it breaks.

    ``before``: it may also have been committed before a plan, made by a planner that judged wrongly. ``or_told`` is
    what may be said instead of the guard, where the database itself stands against the change.
    """

    name: str
    guard: str
    sql: str
    before: bool = True
    or_told: str | None = None


RIVALS = (
    Rival(
        "a row written from memory",
        "session_unchanged",
        "update capture_sessions set status = status where id = %(session)s",
        before=False,
    ),
    Rival(
        "the evening sweep",
        "session_unchanged",
        "update capture_sessions set status = case when status = 'FAILURE' then 'NO_RECORDING' else 'FAILURE' end"
        "::recording_status where id = %(session)s",
        before=False,
    ),
    Rival("a deleted session", "session_live", "update capture_sessions set deleted_at = now() where id = %(session)s"),
    Rival("another origin", "session_of_pre", "update capture_sessions set origin = 'VODAFONE' where id = %(session)s"),
    Rival(
        "a booking of another case",
        "same_place",
        "update bookings set case_id = (select id from cases where id <> %(case)s limit 1) where id = %(booking)s",
    ),
    Rival("a deleted booking", "booking_live", "update bookings set deleted_at = now() where id = %(booking)s"),
    Rival("a deleted case", "case_live", "update cases set deleted_at = now() where id = %(case)s"),
    Rival("a case closure", "case_open", "update cases set state = 'PENDING_CLOSURE' where id = %(case)s"),
    Rival(
        "an encode job",
        "no_job",
        "insert into encode_jobs (id, capture_session_id, recording_id, job_name, transform)"
        " values (%(other)s, %(session)s, %(other)s, 'j', 'ENCODE_FROM_INGEST')",
    ),
    Rival(
        "a registration by hand",
        "no_recording",
        f"{_NEW_RECORDING} values (%(other)s, %(session)s, 1, 'f', now(), null)",
    ),
    Rival(
        "a registration that was taken back",
        "no_recording",
        f"{_NEW_RECORDING} values (%(other)s, %(session)s, 1, 'f', now(), now())",
    ),
    Rival(
        "a registration of the service",
        "id_unused",
        _OF_ANOTHER_SESSION,
        or_told="Somebody else inserted such a row",
    ),
)
HOLDS_ON = Rival(
    "a row that is held until the time is over",
    "in_time",
    "select 1 from capture_sessions where id = %(session)s for update",
    before=False,
)


class Subject(Protocol):
    """Whose rows a rival writes."""

    @property
    def ids(self) -> dict[str, Any]:
        """What statements about it are given."""
        ...


class Stands(StrEnum):
    """What became of a rival."""

    COMMITTED = "committed"  # before any change could be made
    LATE = "late"  # nothing waited for it: a change may have been made before
    TAKEN_BACK = "taken_back"
    HELD = "held"  # it wrote nothing, and held its rows until the time was over


def write(url: str, rival: Rival, subject: Subject) -> None:
    """Let the rival write and commit at once."""
    with psycopg.connect(url) as connection:
        connection.execute(rival.sql.encode(), subject.ids)


class Waiting:
    """A rival that has written and not yet committed: ``end`` does when somebody waits for it."""

    def __init__(self, url: str, rival: Rival, subject: Subject) -> None:
        self._url, self._rival = url, rival
        self._connection = psycopg.connect(url)
        self._connection.execute(rival.sql.encode(), subject.ids)

    def end(self, *, commits: bool, hold_seconds: float, most_seconds: float, all_ended: Callable[[], bool]) -> Stands:
        """Wait until a repair waits for it, or none will, and commit or take back what was written."""
        try:
            waited = self._is_waited_for(most_seconds, all_ended)
            if self._rival is HOLDS_ON:
                time.sleep(hold_seconds if waited else 0)  # it is the time itself that is tried
                self._connection.rollback()
                return Stands.HELD if waited else Stands.TAKEN_BACK
            if not commits:
                self._connection.rollback()
                return Stands.TAKEN_BACK
            self._connection.commit()
            return Stands.COMMITTED if waited else Stands.LATE
        finally:
            self._connection.close()

    def _is_waited_for(self, most_seconds: float, all_ended: Callable[[], bool]) -> bool:
        pid, last = self._connection.info.backend_pid, time.monotonic() + most_seconds
        with psycopg.connect(self._url, autocommit=True) as connection:
            while time.monotonic() < last and not all_ended():
                [[blocked]] = connection.execute(_BLOCKED.encode(), {"pid": pid}).fetchall()
                if blocked:
                    return True
                time.sleep(_POLL_SECONDS)
        return False
