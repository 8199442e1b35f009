"""The database adapter and the profile's queries, on a real server."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from adapters.postgres import Database, Snapshot
from adapters.store.run_store import RunStore
from dev.devstack.postgres import PostgresServer, postgres, replica
from profiles.pre_capture_sessions import PROFILE, queries
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.keys import name_digest
from profiles.pre_capture_sessions.options import STATUSES
from reconciliation.errors import AuditError, DatabaseRefusedError, DatabaseUnavailableError
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Moments, SqlRows
from tests.conftest import PRE_SCHEMA
from tests.profiles.pre_capture_sessions.world import asking

DEFAULTS = PROFILE.parameters()
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
MOMENTS = Moments(NOW, datetime.now(UTC))
TOMORROW = Moments(datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
SECOND = timedelta(seconds=1)


async def write_rows(
    store: RunStore, candidates: AsyncIterator[list[str]], registered: AsyncIterator[list[str]]
) -> None:
    await store.rows.write("audit", "registered", registered)
    await store.rows.write("audit", "candidates", candidates)


async def stored_rows(store: RunStore, source: str) -> list[Any]:
    """What was written, as the profile reads it."""
    items = store.rows.items("audit", source, PROFILE.source(source).row, lambda _row: "")
    return [row async for portion in items for _, ((row, _),) in portion]


def named(name: str) -> UUID:
    return uuid5(UUID(int=7), name)


@dataclass(frozen=True)
class Session:
    """A row of capture_sessions; ``why`` is its name and tells its point."""

    why: str
    status: str | None = "NO_RECORDING"
    origin: str = "PRE"
    started_at: datetime | None = NOW
    finished_at: datetime | None = None
    scheduled_for: datetime = NOW
    deleted_at: datetime | None = None
    ingest: str | None = None
    recordings: list[datetime | None] = field(default_factory=list)
    booking_deleted: bool = False
    case_deleted: bool = False
    case_state: str = "OPEN"


def insert(url: str, *sessions: Session) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("insert into courts values (%s, 'CROWN', 'x') on conflict do nothing", [named("court")])
        for s in sessions:
            ids = session, booking, case = named(s.why), named(f"{s.why} booking"), named(f"{s.why} case")
            assert len(set(ids)) == 3
            connection.execute(
                "insert into cases (id, court_id, reference, state, deleted_at) values (%s, %s, 'r', %s, %s)",
                [case, named("court"), s.case_state, NOW if s.case_deleted else None],
            )
            connection.execute(
                "insert into bookings (id, case_id, scheduled_for, deleted_at) values (%s, %s, %s, %s)",
                [booking, case, s.scheduled_for, NOW if s.booking_deleted else None],
            )
            connection.execute(
                "insert into capture_sessions"
                " (id, booking_id, origin, ingest_address, started_at, finished_at, deleted_at, status)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s)",
                [session, booking, s.origin, s.ingest, s.started_at, s.finished_at, s.deleted_at, s.status],
            )
            for number, deleted_at in enumerate(s.recordings):
                connection.execute(
                    "insert into recordings (id, capture_session_id, version, filename, created_at, deleted_at)"
                    " values (%s, %s, 1, 'f', now(), %s)",
                    [named(f"{s.why} recording {number}"), session, deleted_at],
                )


async def candidates(url: str, parameters: AuditParameters = DEFAULTS) -> dict[str, Candidate]:
    async with Database("PRE_DATABASE", url).snapshot() as snapshot:
        rows = [Candidate.from_json(value) for value in await read(snapshot, queries.candidates(parameters, MOMENTS))]
    assert rows == sorted(rows, key=attrgetter("session_id")), "they are joined by their ids"
    assert len({row.session_id for row in rows}) == len(rows)
    return {row.session_id: row for row in rows}


def hearing_of(row: Candidate) -> datetime:
    assert row.hearing_at is not None
    return row.hearing_at


async def read(snapshot: Snapshot, query: SqlRows) -> list[Any]:
    """The values of all rows."""
    return [json.loads(text) async for texts in snapshot.lines(query) for text in texts]


async def found(url: str, sessions: list[Session], parameters: AuditParameters = DEFAULTS) -> list[str]:
    """Which of the sessions, by their reasons, are candidates."""
    insert(url, *sessions)
    rows = await candidates(url, parameters)
    assert set(rows) <= {str(named(session.why)) for session in sessions}
    return [session.why for session in sessions if str(named(session.why)) in rows]


async def failure(database: Database, query: SqlRows | None = None) -> AuditError:
    async def use() -> None:
        if query is None:
            await database.check()
        else:
            async with database.snapshot() as snapshot:
                await read(snapshot, query)

    with pytest.raises(AuditError) as caught:
        await use()
    return caught.value


# --- what is a candidate ----------------------------------------------------------------------------------------------


async def test_without_asking_the_stuck_the_failed_the_empty_and_those_without_a_status_are_read(
    database_url: str,
) -> None:
    statuses = [status for status in STATUSES if status != "NULL"]
    sessions = [Session(status, status=status) for status in statuses] + [Session("no status", status=None)]
    assert await found(database_url, sessions) == ["PROCESSING", "FAILURE", "NO_RECORDING", "no status"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [(("NULL",), ["no status"]), (("FAILURE",), ["failed"]), (("FAILURE", "NULL"), ["failed", "no status"])],
)
async def test_statuses_may_be_chosen_one_by_one(
    database_url: str, statuses: tuple[str, ...], expected: list[str]
) -> None:
    sessions = [Session("failed", status="FAILURE"), Session("no status", status=None), Session("empty")]
    assert await found(database_url, sessions, asking(DEFAULTS, statuses=statuses)) == expected


async def test_only_sessions_that_began_in_pre_are_read(database_url: str) -> None:
    origins = [Session(origin, origin=origin) for origin in ("PRE", "VODAFONE", "VODAFONE_VISIBLE")]
    assert await found(database_url, origins) == ["PRE"]


async def test_sessions_that_a_closed_case_has_deleted_are_read_and_say_so(database_url: str) -> None:
    gone = Session("gone", deleted_at=NOW, booking_deleted=True, case_state="CLOSED")
    assert await found(database_url, [gone, Session("there"), Session("case gone", case_deleted=True)]) == [
        "gone", "there", "case gone",
    ]  # fmt: skip
    rows = await candidates(database_url)
    row = rows[str(named("gone"))]
    assert (row.deleted_at, row.case_state, row.case_live) == (NOW, "CLOSED", False)
    assert rows[str(named("there"))].case_live
    assert rows[str(named("there"))].deleted_at is None
    assert not rows[str(named("case gone"))].case_live


async def test_live_and_deleted_recordings_are_counted_apart_and_do_not_multiply_the_session(database_url: str) -> None:
    insert(
        database_url, Session("three", recordings=[None, NOW, None]), Session("none"), Session("one", recordings=[NOW])
    )
    rows = await candidates(database_url)
    counted = {why: rows[str(named(why))] for why in ("three", "none", "one")}
    assert {why: (row.live_recordings, row.deleted_recordings) for why, row in counted.items()} == {
        "three": (2, 1), "none": (0, 0), "one": (0, 1),
    }  # fmt: skip


async def registered(url: str, recent: datetime, *ids: UUID) -> dict[str, tuple[set[str], str | None]]:
    """Marks and file digest of every row, or of those with the given ids, in the order in which they come."""
    moments = Moments(recent, datetime.now(UTC) + timedelta(minutes=5))
    query = queries.recordings_again(moments, [str(i) for i in ids]) if ids else queries.registered(moments)
    async with Database("PRE_DATABASE", url).snapshot() as snapshot:
        rows = [RegisteredRecording.from_json(row) for row in await read(snapshot, query)]
    assert len({row.recording_id for row in rows}) == len(rows)
    return {row.recording_id: (set(row.marks), row.file_digest) for row in rows}


async def test_every_recording_is_registered_deleted_or_not_and_whatever_its_session(database_url: str) -> None:
    insert(
        database_url, Session("mine", recordings=[None, NOW]), Session("other", origin="VODAFONE", recordings=[None])
    )
    async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
        rows = await read(
            snapshot,
            queries.registered(TOMORROW),
        )
    digest = name_digest("f")
    # Ascending, as containers are listed: they are named by these ids.
    assert rows == sorted(
        [
            [str(named("mine recording 0")), str(named("mine")), ["no_duration"], digest],
            [str(named("mine recording 1")), str(named("mine")), ["deleted", "no_duration"], digest],
            [str(named("other recording 0")), str(named("other")), ["legacy", "no_duration"], digest],
        ]
    )


async def test_a_row_is_marked_for_all_that_is_special_about_it(database_url: str) -> None:
    once = ("usual", "timed", "zero", "recent", "second version", "odd name")
    insert(
        database_url,
        *(Session(why, recordings=[None]) for why in once),
        Session("twice", recordings=[None, None]),
        Session("twice, one of them deleted", recordings=[None, NOW]),
        Session("edited", recordings=[None, None]),
    )
    usual, odd = f"{named('usual').hex}_1280x720_4500k.mp4", "R&D <take> ü '%s'.mp4"
    changes: list[tuple[str, str, list[object]]] = [
        ("usual", "filename = %s, duration = interval '40 min'", [usual]),
        ("timed", "duration = interval '1 second'", []),
        ("zero", "duration = interval '0'", []),
        ("recent", "created_at = %s", [NOW]),
        ("second version", "version = 2", []),
        ("odd name", "filename = %s", [odd]),
    ]
    with psycopg.connect(database_url) as connection:
        connection.execute("update recordings set created_at = %s", [NOW - SECOND])
        for why, change, values in changes:
            connection.execute(
                f"update recordings set {change} where capture_session_id = %s".encode(), [*values, named(why)]
            )
        connection.execute(
            "update recordings set parent_recording_id = %s where id = %s",
            [named("edited recording 0"), named("edited recording 1")],
        )
    rows = await registered(database_url, NOW)
    digest = name_digest("f")
    expected: dict[str, tuple[set[str], str | None]] = {
        "usual recording 0": (set(), None),
        "timed recording 0": (set(), digest),
        "zero recording 0": ({"no_duration"}, digest),
        "recent recording 0": ({"recent", "no_duration"}, digest),
        "second version recording 0": ({"child", "no_duration"}, digest),
        "odd name recording 0": ({"no_duration"}, name_digest(odd)),
        "twice recording 0": ({"double", "no_duration"}, digest),
        "twice recording 1": ({"double", "no_duration"}, digest),
        "twice, one of them deleted recording 0": ({"no_duration"}, digest),
        "twice, one of them deleted recording 1": ({"deleted", "no_duration"}, digest),
        "edited recording 0": ({"no_duration"}, digest),
        "edited recording 1": ({"child", "no_duration"}, digest),
    }
    assert rows == {str(named(name)): row for name, row in expected.items()}
    some = [named("twice recording 1"), named("recent recording 0"), named("nobody")]
    again = await registered(database_url, NOW, *some)
    assert again == {recording_id: rows[recording_id] for recording_id in map(str, some[:2])}


async def test_sessions_are_read_again_whatever_their_status_and_told_whether_they_were_asked_for(
    database_url: str,
) -> None:
    insert(
        database_url,
        Session("candidate"),
        Session("available", status="RECORDING_AVAILABLE"),
        Session("another system's", origin="VODAFONE"),
        Session("earlier", started_at=NOW - SECOND),
        Session("not asked about"),
    )
    names = ("candidate", "available", "another system's", "earlier")

    async def asked(parameters: AuditParameters) -> dict[str, bool]:
        ids = [str(named(name)) for name in (*names, "nobody")]
        async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
            query = queries.sessions_again(parameters, MOMENTS, ids)
            rows = [Candidate.from_json(row) for row in await read(snapshot, query)]
        found = {row.session_id: row.in_question for row in rows}
        assert len(found) == len(rows) == len(names)
        return {name: found[str(named(name))] for name in names}

    assert set((await asked(DEFAULTS)).values()) == {True}
    since = await asked(replace(DEFAULTS, since=NOW))
    assert since == {name: name != "earlier" for name in names}
    only = await asked(replace(DEFAULTS, only=(str(named("available")),)))
    assert only == {name: name == "available" for name in names}
    statuses = await asked(asking(DEFAULTS, statuses=("RECORDING_AVAILABLE",)))
    assert statuses == {name: name == "available" for name in names}
    no_address = await asked(asking(DEFAULTS, ingest_address_contains="x"))
    assert set(no_address.values()) == {False}


LATER, EARLIER = NOW + timedelta(days=9), NOW - timedelta(days=9)


@pytest.mark.parametrize(
    "clocks",
    [
        {"started_at": NOW, "finished_at": LATER, "scheduled_for": LATER},
        {"started_at": None, "finished_at": NOW, "scheduled_for": LATER},
        {"started_at": None, "finished_at": None, "scheduled_for": NOW},
        {"started_at": NOW, "finished_at": EARLIER, "scheduled_for": EARLIER},
    ],
    ids=["by its start", "by its end", "by its booking", "by its start although the rest is earlier"],
)
async def test_a_hearing_is_inside_from_since_up_to_but_not_at_until(database_url: str, clocks: dict[str, Any]) -> None:
    insert(database_url, Session("hearing", **clocks))

    async def is_inside(since: datetime | None = None, until: datetime | None = None) -> bool:
        return bool(await candidates(database_url, replace(DEFAULTS, since=since, until=until)))

    assert await is_inside(since=NOW)
    assert await is_inside(since=NOW - SECOND)
    assert not await is_inside(since=NOW + timedelta(microseconds=1))
    assert not await is_inside(until=NOW)
    assert await is_inside(until=NOW + timedelta(microseconds=1))
    assert await is_inside(since=NOW, until=NOW + SECOND)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
async def test_times_come_through_to_the_microsecond_whatever_zone_the_server_is_in(
    database_url: str, zone: str
) -> None:
    name = urlsplit(database_url).path[1:]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"alter database \"{name}\" set timezone = '{zone}'".encode())
    clocks: dict[str, Any] = {
        "started_at": NOW + timedelta(microseconds=123_400),
        "finished_at": NOW + timedelta(microseconds=1),
        "scheduled_for": datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "deleted_at": datetime(9999, 12, 31, 9, tzinfo=UTC),
    }
    insert(database_url, Session("hearing", **clocks))
    [row] = (await candidates(database_url)).values()
    assert {clock: getattr(row, clock) for clock in clocks} == clocks


async def test_candidates_tell_the_time_of_their_hearing_whatever_it_is_known_by(database_url: str) -> None:
    insert(
        database_url,
        Session("second", started_at=None, finished_at=NOW),
        Session("third", started_at=NOW + SECOND, scheduled_for=NOW - SECOND),
        Session("first", started_at=None, scheduled_for=NOW - SECOND),
    )
    rows = sorted((await candidates(database_url)).values(), key=hearing_of)
    assert [row.session_id for row in rows] == [str(named(why)) for why in ("first", "second", "third")]


async def test_bounds_mean_the_same_moment_in_every_zone(database_url: str) -> None:
    insert(database_url, Session("hearing"))
    tokyo = datetime.fromisoformat("2026-01-31T18:30:00+09:00")
    assert await candidates(database_url, replace(DEFAULTS, since=tokyo))
    assert not await candidates(database_url, replace(DEFAULTS, until=tokyo))


async def test_only_the_sessions_asked_for_are_read_and_still_only_candidates(database_url: str) -> None:
    sessions = [Session("asked"), Session("not asked"), Session("asked and healthy", status="RECORDING_AVAILABLE")]
    only = (str(named("asked")), str(named("asked and healthy")), str(uuid4()))
    assert await found(database_url, sessions, replace(DEFAULTS, only=only)) == ["asked"]


async def test_the_ingest_filter_is_plain_text_and_no_pattern(database_url: str) -> None:
    sessions = [
        Session("percent", ingest="rtmps://a%b_c/x"),
        Session("plain", ingest="rtmps://aXbYc/x"),
        Session("none"),
    ]
    insert(database_url, *sessions)
    for text, expected in (("a%b_c", {"percent"}), ("rtmps://a", {"percent", "plain"}), ("%", {"percent"})):
        rows = await candidates(database_url, asking(DEFAULTS, ingest_address_contains=text))
        assert set(rows) == {str(named(why)) for why in expected}


async def test_the_old_runbooks_question_can_be_asked(database_url: str) -> None:
    since = datetime(2024, 7, 18, tzinfo=UTC)
    mediakind = "rtmps://in-1.uksouth-4.streaming.mediakind.com:2935/x"
    sessions = [
        Session("on the day itself", started_at=since, ingest=mediakind),
        Session("the day before", started_at=since - SECOND, ingest=mediakind),
        Session("another vendor", started_at=since, ingest="rtmps://elsewhere.example/x"),
        Session("no address", started_at=since),
        Session("stuck", started_at=since, ingest=mediakind, status="PROCESSING"),
        Session("no status", started_at=since, ingest=mediakind, status=None),
    ]
    asked = asking(replace(DEFAULTS, since=since), statuses=("NO_RECORDING",), ingest_address_contains="mediakind.com")
    assert await found(database_url, sessions, asked) == ["on the day itself"]


@pytest.mark.parametrize(
    "text", ["'; drop table recordings; --", "' or '1'='1", "%s", "%(since)s", "\\", "ü😀", "$$", "x" * 255]
)
async def test_a_parameter_never_becomes_sql(database_url: str, text: str) -> None:
    insert(database_url, Session("there", ingest="rtmps://x", recordings=[None]))
    asked = asking(DEFAULTS, ingest_address_contains=text)
    assert await candidates(database_url, asked) == {}
    assert await candidates(database_url, asking(DEFAULTS, statuses=(text,))) == {}
    assert await candidates(database_url, asking(DEFAULTS, statuses=("NO_RECORDING", text))) != {}


async def test_a_row_token_changes_with_every_write_to_the_session(database_url: str) -> None:
    insert(database_url, Session("written"))
    before = (await candidates(database_url))[str(named("written"))].row_token
    assert (await candidates(database_url))[str(named("written"))].row_token == before
    with psycopg.connect(database_url) as connection:
        connection.execute("update capture_sessions set finished_at = now()")
    assert (await candidates(database_url))[str(named("written"))].row_token != before


# --- the snapshot -----------------------------------------------------------------------------------------------------


def insert_thousands(url: str, count: int) -> None:
    """Sessions in no order of time, four to a booking, and the statistics that a server would gather by itself."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "with many as (insert into bookings (id, case_id, scheduled_for)"
            " select gen_random_uuid(), case_id, scheduled_for from bookings, generate_series(1, %s) where id = %s"
            " returning id), numbered as (select id, row_number() over () - 1 as number from many)"
            " insert into capture_sessions (id, booking_id, origin, status, started_at)"
            " select gen_random_uuid(), numbered.id, 'PRE', 'FAILURE', now() - random() * interval '900 days'"
            " from generate_series(0, %s) as n join numbered on number = n / 4",
            [count // 4 + 1, named("first booking"), count - 1],
        )
        connection.execute("analyze")


async def test_ten_thousand_rows_come_through_the_cursor_each_once(database_url: str) -> None:
    insert(database_url, Session("first"))
    insert_thousands(database_url, 9999)
    assert len(await candidates(database_url)) == 10_000


async def test_ten_thousand_rows_go_through_into_the_run_store_each_once_and_in_order(
    database_url: str, store: RunStore
) -> None:
    insert(database_url, Session("first"))
    insert_thousands(database_url, 9999)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into recordings (id, capture_session_id, version, filename, created_at, deleted_at)"
            " select gen_random_uuid(), id, 1, 'f', now(), case when random() < 0.5 then now() end"
            " from capture_sessions"
        )
        connection.execute("analyze")
        written = connection.execute(
            "select id::text, capture_session_id::text, deleted_at is not null from recordings"
        ).fetchall()
    async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
        await write_rows(
            store, snapshot.lines(queries.candidates(DEFAULTS, MOMENTS)), snapshot.lines(queries.registered(MOMENTS))
        )

    stored = await stored_rows(store, "candidates")
    assert stored == list((await candidates(database_url)).values())
    assert len(stored) == 10_000
    rows = await stored_rows(store, "registered")
    assert [(row.recording_id, row.session_id, row.deleted) for row in rows] == sorted(written)
    assert len(rows) == 10_000


async def test_a_query_that_breaks_off_after_thousands_of_rows_leaves_no_rows(
    database_url: str, store: RunStore
) -> None:
    dividing = SqlRows("select json_build_array(n, 's', 1 / (9000 - n) > 0)::text from generate_series(1, 10000) n", {})
    reached = []

    async def counted(lines: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
        async for portion in lines:
            reached.append(len(portion))
            yield portion

    async def pull() -> None:
        async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
            lines = counted(snapshot.lines(dividing))
            await write_rows(store, lines, snapshot.lines(queries.registered(MOMENTS)))

    with pytest.raises(DatabaseRefusedError, match="PRE_DATABASE cannot answer the query"):
        await pull()
    assert reached, "the query failed before its first portion: nothing was proved"
    assert sum(reached) < 9000
    assert not (await store.overview.artefacts("audit")).names


async def test_a_snapshot_is_one_moment(database_url: str) -> None:
    count = SqlRows("select count(*)::text from capture_sessions", {})
    insert(database_url, Session("before"))
    async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
        assert await read(snapshot, count) == [1]
        insert(database_url, Session("in between"))
        assert await read(snapshot, count) == [1]
    assert len(await candidates(database_url)) == 2


async def test_a_snapshot_cannot_write(database_url: str) -> None:
    how = "select to_json(current_setting('transaction_isolation') || current_setting('transaction_read_only'))::text"
    insert(database_url, Session("kept"))

    async def delete() -> None:
        async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
            assert await read(snapshot, SqlRows(how, {})) == ["repeatable readon"]
            await snapshot.connection.execute("delete from capture_sessions")

    with pytest.raises(DatabaseUnavailableError, match="PRE_DATABASE"):
        await delete()
    assert len(await candidates(database_url)) == 1


async def test_a_statement_that_takes_too_long_names_the_setting_to_raise(database_url: str) -> None:
    database = Database("PRE_DATABASE", database_url, statement_timeout_seconds=1)
    error = await failure(database, SqlRows("select pg_sleep(20)", {}))
    assert isinstance(error, DatabaseUnavailableError)
    assert "AUDIT_STATEMENT_TIMEOUT_SECONDS" in str(error)
    assert error.retryable


async def test_a_check_of_a_usable_database_says_nothing(database_url: str) -> None:
    await Database("PRE_DATABASE", database_url).check()
    assert "password" not in repr(Database("PRE_DATABASE", "postgresql://u:password@h/d"))


# --- whatever the server, the database, the role and the environment say ----------------------------------------------

SETTINGS = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "America/St_Johns",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "search_path": "elsewhere, public",
    "row_security": "on",
    "lock_timeout": "7777",
    "idle_in_transaction_session_timeout": "7777",
    "transaction_timeout": "7777",
    "statement_timeout": "7777",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
}
SHOWN = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "search_path": "public",
    "row_security": "off",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "statement_timeout": "30s",
    "transaction_read_only": "on",
    "transaction_isolation": "repeatable read",
}
EVERY = SqlRows("select json_object_agg(lower(name), current_setting(name))::text from pg_settings", {})


async def shown(url: str) -> dict[str, str]:
    """The settings of a snapshot's session."""
    async with Database("PRE_DATABASE", url, statement_timeout_seconds=30).snapshot() as snapshot:
        [settings] = await read(snapshot, EVERY)
        return {name: settings[name] for name in SHOWN}


@pytest.mark.parametrize("who", ["database", "role", "role in the database"])
async def test_no_setting_of_the_database_or_the_role_matters(database_url: str, who: str) -> None:
    url, role = urlsplit(database_url), f"set_{uuid4().hex}"
    name = url.path[1:]
    insert(database_url, Session("there", ingest="ü", recordings=[None]))
    target = {"database": f'database "{name}"', "role": f"role {role}"}.get(who, f'role {role} in database "{name}"')
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {role} login superuser password 'p'".encode())
        connection.execute("create schema elsewhere create table recordings (id int)")
        for setting, value in SETTINGS.items():
            values = value if setting == "search_path" else f"'{value}'"
            connection.execute(f"alter {target} set {setting} = {values}".encode())
    as_role = url._replace(netloc=url.netloc.replace(url.netloc.partition("@")[0], f"{role}:p")).geturl()
    assert await shown(as_role) == SHOWN
    asked = asking(DEFAULTS, ingest_address_contains="ü")
    [row] = (await candidates(as_role, asked)).values()
    assert (row.started_at, row.live_recordings) == (NOW, 1)


async def test_the_schema_of_the_tables_is_public_unless_the_url_names_another(database_url: str) -> None:
    insert(database_url, Session("there"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter schema public rename to pre")
    url = f"{database_url}?options=-csearch_path%3Dpre"
    assert (await shown(url))["search_path"] == "pre"
    assert len(await candidates(url)) == 1


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PGCLIENTENCODING": "LATIN1"}, id="an encoding"),
        pytest.param({"PGCLIENTENCODING": "nonsense"}, id="no encoding"),
        pytest.param({"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "SQL, DMY"}, id="a zone and a style"),
        pytest.param({"PGTZ": "Nowhere/Land", "PGDATESTYLE": "x", "PGGEQO": "x"}, id="values that no server takes"),
        pytest.param({"PGOPTIONS": "-c nonsense=1"}, id="options"),
        pytest.param({"PGSERVICE": "elsewhere", "PGSERVICEFILE": "/no/such/file"}, id="a service"),
        pytest.param({"PGHOST": "other.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1"}, id="another server"),
        pytest.param({"PGUSER": "x", "PGPASSWORD": "x", "PGDATABASE": "x", "PGPASSFILE": "/x"}, id="another login"),
        pytest.param({"PGSSLMODE": "require", "PGCHANNELBINDING": "require"}, id="another protection"),
        pytest.param({"PGCONNECT_TIMEOUT": "x", "PGTARGETSESSIONATTRS": "standby"}, id="another patience"),
        pytest.param({"PGREQUIREAUTH": "none", "PGREQUIRESSL": "1", "PGAPPNAME": "x"}, id="another handshake"),
    ],
)
async def test_the_url_is_the_whole_truth_and_nothing_is_taken_from_the_environment(
    database_url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert await shown(database_url) == SHOWN


def with_schema(server: PostgresServer, encoding: str) -> str:
    """The URL of a new database of an encoding, with the empty PRE schema."""
    name = f"encoded_{uuid4().hex}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            f"create database {name} template template0 encoding '{encoding}' locale_provider libc locale 'C'".encode()
        )
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(PRE_SCHEMA.read_bytes())
    return server.url(name)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "UTF8"])
async def test_a_database_of_any_encoding_gives_the_same_texts(
    postgres_server: PostgresServer, encoding: str, store: RunStore
) -> None:
    url = f"{with_schema(postgres_server, encoding)}"
    insert(f"{url}?client_encoding=UTF8", Session("there", ingest="rtmps://ü/x", recordings=[None]))
    with psycopg.connect(f"{url}?client_encoding=UTF8") as connection:
        connection.execute("update recordings set filename = %s", ["Löschung.mp4"])
    [candidate] = (await candidates(url, asking(DEFAULTS, ingest_address_contains="ü"))).values()
    assert (candidate.session_id, candidate.live_recordings) == (str(named("there")), 1)
    [(_, digest)] = (await registered(url, NOW + timedelta(days=9999))).values()
    assert digest == name_digest("Löschung.mp4")
    async with Database("PRE_DATABASE", url).snapshot() as snapshot:
        await write_rows(
            store, snapshot.lines(queries.candidates(DEFAULTS, MOMENTS)), snapshot.lines(queries.registered(MOMENTS))
        )
    assert await stored_rows(store, "candidates") == [candidate]


async def test_a_file_name_that_is_no_text_spoils_no_other_row(postgres_server: PostgresServer) -> None:
    url = with_schema(postgres_server, "SQL_ASCII")
    insert(url, Session("odd", recordings=[None]), Session("plain", recordings=[None]))
    with psycopg.connect(url) as connection:
        connection.execute(
            r"update recordings set filename = E'\xff\xfeL\xf6schung.mp4' where capture_session_id = %s", [named("odd")]
        )
    rows = await registered(url, NOW)
    assert rows[str(named("plain recording 0"))][1] == name_digest("f")
    odd = hashlib.sha256(b"\xff\xfeL\xf6schung.mp4").hexdigest()
    assert odd.startswith(rows[str(named("odd recording 0"))][1] or "none")


# --- what the server says of itself -----------------------------------------------------------------------------------


async def test_a_primary_says_its_clock_and_that_it_is_no_replica(database_url: str) -> None:
    async with Database("PRE_DATABASE", database_url).snapshot() as snapshot:
        before = datetime.now(UTC)
        first, second = await snapshot.state(), await snapshot.state()
    assert before - SECOND <= first.clock < second.clock <= datetime.now(UTC) + SECOND
    assert (first.is_replica, first.replayed_until) == (False, None)


async def test_a_replica_says_until_when_it_has_read(tmp_path: Path) -> None:
    with postgres(tmp_path / "primary") as primary:
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute("checkpoint")
            connection.execute("create table written_last (n int)")
        committed = datetime.now(UTC)
        with replica(tmp_path / "primary", tmp_path / "replica") as behind:
            async with Database("PRE_DATABASE", behind.url()).snapshot() as snapshot:
                state = await snapshot.state()
                assert await read(snapshot, SqlRows("select count(*)::text from written_last", {})) == [0]
    assert state.is_replica
    assert state.replayed_until is not None
    assert committed - timedelta(minutes=1) < state.replayed_until <= committed <= state.clock


async def test_a_replica_that_has_read_nothing_since_it_began_does_not_say_when(tmp_path: Path) -> None:
    with postgres(tmp_path / "primary"):
        pass
    with replica(tmp_path / "primary", tmp_path / "replica") as behind:
        async with Database("PRE_DATABASE", behind.url()).snapshot() as snapshot:
            state = await snapshot.state()
    assert (state.is_replica, state.replayed_until) == (True, None)


# --- the app's identity -----------------------------------------------------------------------------------------------

TOKEN = "an-entra-token-5d1f"


@dataclass
class Identity:
    """The app's identity as the database knows it, or why there is none."""

    failure: Exception | None = None

    async def get_token(self, scope: str) -> AccessToken:
        assert scope == "https://ossrdbms-aad.database.windows.net/.default"
        if self.failure:
            raise self.failure
        return AccessToken(TOKEN, 0)


def without_password(url: str) -> str:
    """The URL for a new role whose password is the token, which the URL does not say."""
    parts, role = urlsplit(url), f"app_{uuid4().hex}"
    with psycopg.connect(url) as connection:
        connection.execute(f"create role {role} login password '{TOKEN}'".encode())
    return parts._replace(netloc=f"{role}@{parts.hostname}:{parts.port}").geturl()


@pytest.mark.parametrize("empty", ["", "?password=", "?sslmode=prefer"])
async def test_without_a_password_a_token_is_given_over_tls(
    database_url: str, behind_tls: str, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.identity", Identity)
    known = without_password(database_url)
    front = urlsplit(behind_tls)
    url = urlsplit(known)._replace(netloc=f"{urlsplit(known).username}@localhost:{front.port}").geturl()
    await Database("PRE_DATABASE", f"{url}{empty}").check()
    openly = await failure(Database("PRE_DATABASE", f"{known}{empty}"))
    assert isinstance(openly, DatabaseRefusedError)
    assert "offers no TLS" in str(openly)


@pytest.mark.parametrize(
    ("failed", "kind", "told"),
    [
        (ClientAuthenticationError("no"), DatabaseRefusedError, "no Entra token could be had"),
        (ServiceRequestError("login.example"), DatabaseUnavailableError, "Entra could not be reached"),
    ],
)
async def test_a_token_that_cannot_be_had_says_why(
    failed: Exception, kind: type[AuditError], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.identity", lambda: Identity(failed))
    error = await failure(Database("PRE_DATABASE", "postgresql://app@db.invalid/pre"))
    assert isinstance(error, kind)
    assert told in str(error)
    assert "login.example" not in str(error)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://app:secret@db.example:5432/pre?sslmode=require", ("db.example", "pre")),
        ("postgres://app@db.example/pre", ("db.example", "pre")),
        ("postgresql:///pre?host=/var/run/postgresql", ("/var/run/postgresql", "pre")),
        ("postgresql://app:secret@db.example", ("db.example", None)),  # libpq would take the user's name: not for us
        ("postgresql://app@", (None, None)),
        ("postgresql://app:secret%@db.example/pre", (None, None)),
    ],
)
def test_where_a_database_is_holds_no_user_and_no_secret(url: str, where: tuple[str | None, str | None]) -> None:
    assert Database("PRE_DATABASE", url).where == where
