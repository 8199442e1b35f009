"""The profile's statements on a real database: what they give is what the domain reads, in the order it relies on."""

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from adapters.postgres import Database
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.parameters import AuditParameters
from reconciliation.profiles.pre_capture_sessions import PROFILE
from reconciliation.profiles.profile import Query
from tests.reconciliation.world import LONG_AGO, MINUTE, PARAMETERS, row, session, uuid_of

MICROSECOND = timedelta(microseconds=1)


def insert(url: str, table: str, **values: Any) -> None:
    columns, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    with psycopg.connect(url) as connection:
        connection.execute(f"insert into {table} ({columns}) values ({places})".encode(), values)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with a court."""
    insert(database_url, "courts", id=uuid_of("court"), court_type="CROWN", name="A court")
    return database_url


def plant(url: str, candidate: Candidate, *, case_deleted_at: datetime | None = None) -> None:
    """Write a session, its booking and its case."""
    case = {"id": candidate.case_id, "court_id": uuid_of("court"), "reference": candidate.case_id[:8]}
    insert(url, "cases", **case, state=candidate.case_state, deleted_at=case_deleted_at)
    insert(
        url,
        "bookings",
        id=candidate.booking_id,
        case_id=candidate.case_id,
        scheduled_for=candidate.scheduled_for,
    )
    insert(
        url,
        "capture_sessions",
        id=candidate.session_id,
        booking_id=candidate.booking_id,
        origin="PRE",
        started_at=candidate.started_at,
        finished_at=candidate.finished_at,
        deleted_at=candidate.deleted_at,
        status=candidate.status,
    )


def plant_recording(url: str, recording: RegisteredRecording) -> None:
    insert(
        url,
        "recordings",
        id=recording.recording_id,
        capture_session_id=recording.session_id,
        version=1,
        filename="any.mp4",
        created_at=LONG_AGO,
        deleted_at=LONG_AGO if recording.deleted else None,
    )


async def texts_of(url: str, query: Query) -> list[str]:
    async with Database("PRE_DATABASE", url, 30).snapshot() as snapshot:
        return [text async for texts in snapshot.lines(query) for text in texts]


async def candidates_in(url: str, parameters: AuditParameters = PARAMETERS) -> list[Candidate]:
    return [Candidate.from_json(json.loads(text)) for text in await texts_of(url, PROFILE.candidates(parameters))]


def same(read: Candidate, planted: Candidate) -> bool:
    """Equal in all but the token, which is the database's own."""
    return read.to_json() | {"row_token": ""} == planted.to_json() | {"row_token": ""} and read.row_token.isdecimal()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
async def test_rows_become_the_domains_values(url: str, zone: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database \"{name}\" set timezone to '{zone}'".encode())
    plain = session("plain", started_at=LONG_AGO + MICROSECOND)
    bare = session("bare", status=None, started_at=None, finished_at=None, deleted_at=LONG_AGO, case_state="CLOSED")
    gone = session("gone", started_at=LONG_AGO + MINUTE, case_live=False, live_recordings=2, deleted_recordings=1)
    plant(url, plain)
    plant(url, bare)
    plant(url, gone, case_deleted_at=LONG_AGO)
    for name, deleted in (("one", False), ("two", False), ("three", True)):
        plant_recording(url, row(name, of="gone", deleted=deleted))
    read = await candidates_in(url)
    assert len(read) == 3
    for candidate, planted in zip(read, (bare, plain, gone), strict=True):
        assert same(candidate, planted)


async def test_candidates_come_by_hearing_to_the_microsecond_and_then_by_id(url: str) -> None:
    never: dict[str, Any] = {"started_at": None, "finished_at": None}
    with psycopg.connect(url) as connection:
        connection.execute("alter table bookings alter scheduled_for drop not null")
    expected = [
        session("unknown", **never, scheduled_for=None),
        session("booked", **never, scheduled_for=LONG_AGO - MINUTE),
        session("swept", started_at=None, finished_at=LONG_AGO - MICROSECOND),
        *sorted((session(f"same {number}") for number in range(5)), key=lambda candidate: candidate.session_id),
        session("later", started_at=LONG_AGO + MICROSECOND, finished_at=LONG_AGO - MINUTE),
        session("last", started_at=LONG_AGO + 2 * MICROSECOND),
    ]
    for candidate in sorted(expected, key=lambda candidate: candidate.booking_id):
        plant(url, candidate)
    read = await candidates_in(url)
    assert [candidate.session_id for candidate in read] == [candidate.session_id for candidate in expected]
    hearings = [candidate.hearing_at for candidate in read]
    assert hearings == [candidate.hearing_at for candidate in expected]


async def test_registered_recordings_ascend_by_the_text_of_their_id(url: str) -> None:
    plant(url, session())
    rows = [row(f"recording {number}", deleted=number % 3 == 0) for number in range(40)]
    for recording in rows:
        plant_recording(url, recording)
    read = [RegisteredRecording(*json.loads(text)) for text in await texts_of(url, PROFILE.registered)]
    assert read == sorted(rows)


async def test_no_rows_are_no_lines(url: str) -> None:
    assert await candidates_in(url) == []
    assert await texts_of(url, PROFILE.registered) == []
