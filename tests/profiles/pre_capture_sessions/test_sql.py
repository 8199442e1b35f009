"""The profile's statements on a real database: what they give is what the domain reads, in the order it relies on."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from profiles.pre_capture_sessions import PROFILE, queries
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.keys import name_digest, usual_track_name
from profiles.pre_capture_sessions.options import DEFAULT_STATUSES, NO_STATUS, STATUSES
from profiles.pre_capture_sessions.trail import Trail
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Moments, SqlRows
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    LATEST,
    LONG_AGO,
    MINUTE,
    MOMENTS,
    PARAMETERS,
    REGISTERED,
    asking,
    row,
    session,
    uuid_of,
)

MICROSECOND = timedelta(microseconds=1)
INGEST = "rtmps://in-0.uksouth-4.streaming.mediakind.com:2935/0"


def insert(url: str, table: str, **values: Any) -> None:
    columns, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    with psycopg.connect(url) as connection:
        connection.execute(f"insert into {table} ({columns}) values ({places})".encode(), values)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with a court."""
    insert(database_url, "courts", id=uuid_of("court"), court_type="CROWN", name="A court")
    return database_url


def plant_booking(url: str, candidate: Candidate, *, deleted_at: datetime | None = None) -> None:
    """Write a session's booking and its case."""
    insert(
        url,
        "cases",
        id=candidate.case_id,
        court_id=uuid_of("court"),
        reference=candidate.case_id[:8],
        state=candidate.case_state,
        # The column has no zone; pre-api writes UTC into it.
        closed_at=candidate.case_closed_at.replace(tzinfo=None) if candidate.case_closed_at else None,
        deleted_at=deleted_at,
    )
    insert(
        url,
        "bookings",
        id=candidate.booking_id,
        case_id=candidate.case_id,
        scheduled_for=candidate.scheduled_for,
    )


def plant_session(url: str, candidate: Candidate) -> None:
    insert(
        url,
        "capture_sessions",
        id=candidate.session_id,
        booking_id=candidate.booking_id,
        origin=candidate.origin,
        ingest_address=INGEST if candidate.has_ingest_address else None,
        started_at=candidate.started_at,
        finished_at=candidate.finished_at,
        deleted_at=candidate.deleted_at,
        status=candidate.status,
    )


def plant(url: str, candidate: Candidate, *, deleted_at: datetime | None = None) -> None:
    """Write a session, its booking and its case."""
    plant_booking(url, candidate, deleted_at=deleted_at)
    plant_session(url, candidate)


def plant_recording(url: str, name: str, of: str = "session", **changes: Any) -> None:
    """Write an original take a month old, a minute long, with the usual file name."""
    usual: dict[str, Any] = {
        "id": uuid_of(name),
        "capture_session_id": uuid_of(of),
        "version": 1,
        "filename": usual_track_name(uuid_of(of).hex),
        "created_at": LONG_AGO,
        "duration": MINUTE,
    }
    insert(url, "recordings", **usual | changes)


def plant_trail(url: str, at: datetime, of: str = "session", **changes: Any) -> None:
    """Write a row of the audit trail; ``status`` is the one that its details tell."""
    status = changes.pop("status", None)
    details = None if status is None else json.dumps({"captureSessionStatus": status})
    usual: dict[str, Any] = {
        "id": uuid4(),
        "table_name": "capture_sessions",
        "table_record_id": uuid_of(of),
        "source": "AUTO",
        "category": "CaptureSession",
        "activity": "UPDATE",
        "created_at": at,
        "audit_details": details,
    }
    insert(url, "audits", **usual | changes)


async def texts_of(url: str, query: SqlRows) -> list[str]:
    async with Database("PRE_DATABASE", url, 30).snapshot() as snapshot:
        return [text async for texts in snapshot.lines(query) for text in texts]


async def candidates_in(url: str, parameters: AuditParameters = PARAMETERS) -> list[Candidate]:
    return [
        Candidate.from_json(json.loads(text)) for text in await texts_of(url, queries.candidates(parameters, MOMENTS))
    ]


async def again(url: str, parameters: AuditParameters, *names: str) -> dict[str, Candidate]:
    """The sessions of those names as a second look reads them, by id."""
    query = queries.sessions_again(parameters, MOMENTS, [str(uuid_of(name)) for name in names])
    read = [Candidate.from_json(json.loads(text)) for text in await texts_of(url, query)]
    return {candidate.session_id: candidate for candidate in read}


async def recordings_in(url: str, recent: datetime = AS_OF) -> dict[str, RegisteredRecording]:
    read = [
        RegisteredRecording.from_json(json.loads(text))
        for text in await texts_of(url, queries.registered(Moments(recent, LATEST)))
    ]
    assert [one.recording_id for one in read] == sorted(one.recording_id for one in read)
    return {one.recording_id: one for one in read}


async def recording_in(url: str, name: str, recent: datetime = AS_OF) -> RegisteredRecording:
    return (await recordings_in(url, recent))[str(uuid_of(name))]


def same(read: Candidate, planted: Candidate) -> bool:
    """Equal in all but the token, which is the database's own."""
    return replace(read, row_token="") == replace(planted, row_token="") and read.row_token.isdecimal()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
async def test_rows_become_the_domains_values(url: str, zone: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database \"{name}\" set timezone to '{zone}'".encode())
    plain = session("plain", started_at=LONG_AGO + MICROSECOND, has_ingest_address=True)
    bare = session(
        "bare",
        status=None,
        started_at=None,
        finished_at=None,
        deleted_at=LONG_AGO,
        case_state="CLOSED",
        case_closed_at=LONG_AGO,
    )
    lost = session("gone", started_at=LONG_AGO + MINUTE, case_live=False, live_recordings=2, deleted_recordings=1)
    plant(url, plain)
    plant(url, bare)
    plant(url, lost, deleted_at=LONG_AGO)
    for name, deleted_at in (("one", None), ("two", None), ("three", LONG_AGO)):
        plant_recording(url, name, "gone", deleted_at=deleted_at)
    read = await candidates_in(url)
    assert len(read) == 3
    for candidate, planted in zip(read, sorted((bare, plain, lost), key=lambda one: one.session_id), strict=True):
        assert same(candidate, planted)
    second = await again(url, PARAMETERS, "plain", "bare", "gone")
    assert second == {candidate.session_id: candidate for candidate in read}


async def test_candidates_come_by_id_as_a_join_needs_them(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("alter table bookings alter scheduled_for drop not null")
    never: dict[str, Any] = {"started_at": None, "finished_at": None}
    planted = [
        session("unknown", **never, scheduled_for=None),
        session("booked", **never, scheduled_for=LONG_AGO - MINUTE),
        session("swept", started_at=None, finished_at=LONG_AGO - MICROSECOND),
        *(session(f"same {number}") for number in range(5)),
        session("later", started_at=LONG_AGO + MICROSECOND, finished_at=LONG_AGO - MINUTE),
    ]
    for candidate in sorted(planted, key=lambda candidate: candidate.booking_id):
        plant(url, candidate)
    read = await candidates_in(url)
    assert [candidate.session_id for candidate in read] == sorted(candidate.session_id for candidate in planted)
    hearings = {candidate.session_id: candidate.hearing_at for candidate in planted}
    assert {candidate.session_id: candidate.hearing_at for candidate in read} == hearings, "to the microsecond"


@pytest.mark.parametrize("table", ["bookings", "cases"])
async def test_a_deleted_booking_or_case_is_told(url: str, table: str) -> None:
    plant(url, session())
    with psycopg.connect(url) as connection:
        connection.execute(f"update {table} set deleted_at = now()".encode())
    [read] = await candidates_in(url)
    assert same(read, session(case_live=False))


async def test_who_is_a_candidate(url: str) -> None:
    for status in STATUSES:
        name = status.lower()
        plant(url, session(name, status=None if status == NO_STATUS else status))
    plant(url, session("imported", origin="VODAFONE"))
    plant(url, session("deleted", deleted_at=LONG_AGO))
    read = {candidate.session_id for candidate in await candidates_in(url)}
    asked = [*(status.lower() for status in DEFAULT_STATUSES), "deleted"]
    assert read == {str(uuid_of(name)) for name in asked}


# --- the trail ----------------------------------------------------------------------------------------------------

AT = [LONG_AGO + number * MINUTE for number in range(8)]


async def trail_in(url: str) -> tuple[datetime | None, datetime | None, datetime | None]:
    [read] = await candidates_in(url)
    return read.processing_at, read.left_at, read.stopped_at


async def test_a_session_without_a_trail(url: str) -> None:
    plant(url, session())
    plant_trail(url, AT[0], of="another", status="PROCESSING")
    plant_trail(url, AT[1], status="STANDBY")
    plant_trail(url, AT[2], category="Booking")
    assert await trail_in(url) == (None, None, None)


async def test_the_sweep_leaves_processing_without_a_stop(url: str) -> None:
    plant(url, session())
    for at, status in zip(AT, ("STANDBY", "RECORDING", "PROCESSING", "NO_RECORDING", "NO_RECORDING"), strict=False):
        plant_trail(url, at, status=status)
    assert await trail_in(url) == (AT[2], AT[3], None)
    [read] = await candidates_in(url)
    assert read.trail is Trail.SWEPT


async def test_a_real_stop_is_a_row_of_its_own(url: str) -> None:
    plant(url, session())
    plant_trail(url, AT[1], status="PROCESSING")
    plant_trail(url, AT[2], status="NO_RECORDING")
    plant_trail(url, AT[2] + MICROSECOND, activity="Stop", functional_area="API")
    assert await trail_in(url) == (AT[1], AT[2], AT[2] + MICROSECOND)
    [read] = await candidates_in(url)
    assert read.trail is Trail.STOPPED


async def test_of_several_takes_the_last_one_counts(url: str) -> None:
    plant(url, session())
    plant_trail(url, AT[0], status="PROCESSING")
    plant_trail(url, AT[1], status="FAILURE")
    plant_trail(url, AT[1], activity="Stop", status="FAILURE")
    plant_trail(url, AT[3], status="PROCESSING")
    plant_trail(url, AT[4], status="PROCESSING")
    plant_trail(url, AT[5])
    plant_trail(url, AT[6], status="NO_RECORDING")
    assert await trail_in(url) == (AT[4], AT[6], AT[1])
    [read] = await candidates_in(url)
    assert read.trail is Trail.SWEPT


async def test_a_session_that_is_still_processing_has_not_left_it(url: str) -> None:
    plant(url, session(status="PROCESSING"))
    plant_trail(url, AT[0], status="RECORDING")
    plant_trail(url, AT[1], status="PROCESSING")
    assert await trail_in(url) == (AT[1], None, None)


# --- siblings and jobs --------------------------------------------------------------------------------------------


async def test_live_recordings_of_the_bookings_other_sessions_are_counted(url: str) -> None:
    one, two = session("one"), session("two")
    two = replace(two, booking_id=one.booking_id, case_id=one.case_id)
    plant(url, one)
    plant_session(url, two)
    plant(url, session("stranger"))
    plant_recording(url, "own", "one")
    plant_recording(url, "theirs", "two")
    plant_recording(url, "theirs too", "two", version=2, parent_recording_id=uuid_of("theirs"))
    plant_recording(url, "deleted", "two", deleted_at=LONG_AGO)
    plant_recording(url, "of a stranger", "stranger")
    read = {candidate.session_id: candidate for candidate in await candidates_in(url)}
    counts = {
        name: (known.live_recordings, known.deleted_recordings, known.sibling_recordings)
        for name in ("one", "two", "stranger")
        for known in [read[str(uuid_of(name))]]
    }
    assert counts == {"one": (1, 0, 2), "two": (2, 1, 1), "stranger": (1, 0, 0)}


async def test_the_newest_encode_job_is_told(url: str) -> None:
    plant(url, session())
    plant(url, session("another"))
    job: dict[str, Any] = {"recording_id": uuid_of("recording"), "job_name": "a", "transform": "ENCODE_FROM_INGEST"}
    for at in (AT[2], AT[5], AT[3]):
        insert(url, "encode_jobs", id=uuid4(), capture_session_id=uuid_of("session"), created_at=at, **job)
    read = {candidate.session_id: candidate.job_at for candidate in await candidates_in(url)}
    assert read == {str(uuid_of("session")): AT[5], str(uuid_of("another")): None}


# --- the second look ----------------------------------------------------------------------------------------------


async def test_sessions_are_read_again_whatever_they_are_and_no_others(url: str) -> None:
    plant(url, session("available", **REGISTERED | {"live_recordings": 0}))
    plant(url, session("imported", origin="VODAFONE_VISIBLE", in_question=True))
    plant(url, session("left alone"))
    read = await again(url, PARAMETERS, "available", "imported", "nobody")
    assert set(read) == {str(uuid_of(name)) for name in ("available", "imported")}
    assert all(candidate.in_question for candidate in read.values())


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        pytest.param(PARAMETERS, True, id="nothing narrows the question: any status will do"),
        pytest.param(asking(statuses=("FAILURE",)), False, id="another status was chosen"),
        pytest.param(asking(statuses=("RECORDING_AVAILABLE",)), True, id="its status was chosen"),
        pytest.param(replace(PARAMETERS, since=LONG_AGO), True, id="since its very moment"),
        pytest.param(replace(PARAMETERS, since=LONG_AGO + MICROSECOND), False, id="since later"),
        pytest.param(replace(PARAMETERS, until=LONG_AGO), False, id="until its very moment"),
        pytest.param(replace(PARAMETERS, until=LONG_AGO + MICROSECOND), True, id="until later"),
        pytest.param(replace(PARAMETERS, only=(str(uuid_of("session")),)), True, id="it alone"),
        pytest.param(replace(PARAMETERS, only=(str(uuid_of("another")),)), False, id="another one alone"),
        pytest.param(asking(ingest_address_contains="streaming"), True, id="by its ingest address"),
        pytest.param(asking(ingest_address_contains="%"), False, id="a sign is no pattern"),
    ],
)
async def test_a_session_read_again_says_whether_it_was_asked_for(
    url: str, parameters: AuditParameters, asked: bool
) -> None:
    plant(url, session(status="RECORDING_AVAILABLE", has_ingest_address=True))
    read = await again(url, parameters, "session")
    assert read[str(uuid_of("session"))].in_question is asked


async def test_a_session_without_an_ingest_address_is_not_asked_for_by_one(url: str) -> None:
    plant(url, session())
    asked = asking(PARAMETERS, ingest_address_contains="streaming")
    assert await candidates_in(url, asked) == []
    assert (await again(url, asked, "session"))[str(uuid_of("session"))].in_question is False


async def test_a_status_that_is_empty_can_be_asked_for(url: str) -> None:
    plant(url, session(status=None))
    for statuses, asked in (((NO_STATUS,), True), (("FAILURE",), False)):
        read = await again(url, asking(PARAMETERS, statuses=statuses), "session")
        assert read[str(uuid_of("session"))].in_question is asked


async def test_the_token_changes_with_every_write(url: str) -> None:
    plant(url, session())
    before = (await again(url, PARAMETERS, "session"))[str(uuid_of("session"))]
    with psycopg.connect(url) as connection:
        connection.execute("update capture_sessions set status = status")
    after = (await again(url, PARAMETERS, "session"))[str(uuid_of("session"))]
    assert replace(after, row_token=before.row_token) == before
    assert after.row_token != before.row_token


async def test_recordings_are_read_again_as_they_are_now_and_no_others(url: str) -> None:
    plant(url, session())
    for name in ("first", "second", "third"):
        plant_recording(url, name)
    with psycopg.connect(url) as connection:
        connection.execute("update recordings set deleted_at = now() where id = %s", [uuid_of("second")])
    query = queries.recordings_again(MOMENTS, [str(uuid_of(name)) for name in ("first", "second", "nobody")])
    read = {
        one.recording_id: one
        for one in (RegisteredRecording.from_json(json.loads(t)) for t in await texts_of(url, query))
    }
    # The third one is not given, and still makes the first one a double.
    assert read == {
        str(uuid_of("first")): row("first", "session", "double"),
        str(uuid_of("second")): row("second", "session", "deleted"),
    }


# --- recordings ---------------------------------------------------------------------------------------------------


async def test_an_original_take_with_its_usual_name_has_nothing_special(url: str) -> None:
    plant(url, session())
    plant_recording(url, "recording")
    assert await recording_in(url, "recording") == row()


async def test_registered_recordings_ascend_by_the_text_of_their_id(url: str) -> None:
    plant(url, session())
    for number in range(40):
        plant_recording(url, f"recording {number}", version=2, deleted_at=LONG_AGO if number % 3 == 0 else None)
    read = await recordings_in(url)
    expected = [
        row(f"recording {number}", "session", *(["deleted"] if number % 3 == 0 else []), "child")
        for number in range(40)
    ]
    assert list(read.values()) == sorted(expected)


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        pytest.param({"deleted_at": LONG_AGO}, ["deleted"], id="soft-deleted"),
        pytest.param({"version": 2}, ["child"], id="a later version"),
        pytest.param({"parent_recording_id": uuid_of("parent")}, ["child"], id="of a parent, whatever its version"),
        pytest.param({"created_at": AS_OF}, ["recent"], id="made exactly the grace time ago"),
        pytest.param({"created_at": AS_OF - MICROSECOND}, [], id="made before that"),
        pytest.param({"duration": None}, ["no_duration"], id="no duration"),
        pytest.param({"duration": timedelta()}, ["no_duration"], id="a duration of zero"),
        pytest.param({"duration": -MINUTE}, ["no_duration"], id="a duration below zero"),
        pytest.param({"duration": MICROSECOND}, [], id="the shortest duration there is"),
        pytest.param(
            {"version": 3, "deleted_at": LONG_AGO, "duration": None}, ["deleted", "child", "no_duration"], id="several"
        ),
    ],
)
async def test_what_is_special_about_a_row(url: str, changes: dict[str, Any], marks: list[str]) -> None:
    plant(url, session())
    plant(url, session("of the parent"))
    plant_recording(url, "parent", "of the parent")
    plant_recording(url, "recording", **changes)
    assert await recording_in(url, "recording") == row("recording", "session", *marks)


@pytest.mark.parametrize(("origin", "marks"), [("PRE", []), ("VODAFONE", ["legacy"]), ("VODAFONE_VISIBLE", ["legacy"])])
async def test_the_row_of_a_session_that_another_system_recorded(url: str, origin: str, marks: list[str]) -> None:
    plant(url, session(origin=origin))
    plant_recording(url, "recording")
    assert (await recording_in(url, "recording")).marks == marks


async def test_two_live_first_versions_of_a_session_are_doubles_of_each_other(url: str) -> None:
    plant(url, session())
    plant(url, session("another"))
    plant_recording(url, "one")
    plant_recording(url, "two")
    plant_recording(url, "deleted", deleted_at=LONG_AGO)
    plant_recording(url, "edit", version=2, parent_recording_id=uuid_of("one"))
    plant_recording(url, "of another", "another")
    plant_recording(url, "deleted of another", "another", deleted_at=LONG_AGO)
    doubles = {one for one, read in (await recordings_in(url)).items() if "double" in read.marks}
    assert doubles == {str(uuid_of("one")), str(uuid_of("two"))}


@pytest.mark.parametrize(
    "name",
    ["index_1280x720_4500k.mp4", "R v Doe ü 裁判 😀.mp4", f"{uuid_of('session').hex}.mp4", " ", "a\\b'\"%s.mp4"],
)
async def test_a_file_name_leaves_the_database_as_its_digest_only(url: str, name: str) -> None:
    plant(url, session())
    plant_recording(url, "recording", filename=name)
    assert (await recording_in(url, "recording")).file_digest == name_digest(name)
    assert not [text for text in await texts_of(url, queries.registered(MOMENTS)) if "Doe" in text]


async def test_no_rows_are_no_lines(url: str) -> None:
    assert await candidates_in(url) == []
    assert await texts_of(url, queries.registered(MOMENTS)) == []
    assert await again(url, PARAMETERS) == {}
    assert await texts_of(url, queries.recordings_again(MOMENTS, [])) == []


# --- what a person looks up -----------------------------------------------------------------------------------------


def test_the_statement_of_a_report_tells_reference_and_court_of_its_cases_and_no_other(url: str) -> None:
    for name in ("one", "two", "other"):
        plant_booking(url, session(name, case_id=str(uuid_of(name)), booking_id=str(uuid_of(f"{name}: booking"))))
    asked = sorted(str(uuid_of(name)) for name in ("one", "two"))
    with psycopg.connect(url) as connection:
        found = connection.execute(PROFILE.look_up(asked).encode()).fetchall()
    assert [(str(case_id), reference, court) for case_id, reference, court in found] == [
        (case_id, case_id[:8], "A court") for case_id in asked
    ]
