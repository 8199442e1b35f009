"""The repairs' statements on a real database: what they change, and that no rival can slip in between."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from adapters import postgres_changes
from adapters.appliers import UncertainError
from adapters.postgres import Database
from adapters.postgres_changes import Changes
from dev.devstack.postgres import PostgresServer
from profiles.pre_capture_sessions.statements import (
    GRANTS,
    REGISTER_RECORDING,
    RESTORE_RECORDING,
    SET_STATUS,
    SET_STATUS_BACK,
    WITHDRAW_RECORDING,
)
from reconciliation.effects import Effect, Ended, Ending, GuardedSql, Once
from reconciliation.errors import AuditError

AGO = datetime.now(UTC) - timedelta(days=3)
ONCE = Once("20260131-093000-1a2b3c4d", 7, 1)
SOON = timedelta(seconds=60)


@dataclass
class Scene:
    """A session that lost its recording, in a database of its own; ``owner`` may do anything there."""

    url: str
    repair_url: str
    session: str
    booking: str
    case: str
    recording: str

    @property
    def changes(self) -> Changes:
        return Changes(Database("PRE_REPAIR_DATABASE", self.repair_url))

    def run(self, sql: str, **values: Any) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(sql.encode(), {**vars(self), **values})

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(sql.encode(), vars(self)).fetchall()

    def row(self, sql: str) -> dict[str, Any]:
        [row] = self.rows(sql)
        return row

    def token(self, table: str = "capture_sessions", record: str = "session") -> str:
        return str(self.row(f"select xmin::text as token from {table} where id = %({record})s")["token"])

    def effect(self, statement: GuardedSql = REGISTER_RECORDING, **values: Any) -> Effect:
        given = {
            "session_id": self.session,
            "booking_id": self.booking,
            "case_id": self.case,
            "recording_id": self.recording,
            "session_token": self.token(),
            "session_status": self.row("select status::text from capture_sessions where id = %(session)s")["status"],
            "filename": f"{self.session.replace('-', '')}_1280x720_4500k.mp4",
            "duration": "PT20M34.5S",
        }
        return Effect(statement.name, given | values)

    async def apply(self, statement: GuardedSql = REGISTER_RECORDING, once: Once = ONCE, **values: Any) -> Ended:
        return await self.apply_effect(statement, self.effect(statement, **values), once)

    async def apply_effect(self, statement: GuardedSql, effect: Effect, once: Once = ONCE) -> Ended:
        return await self.changes.apply(statement, effect, once, datetime.now(UTC) + SOON)

    def world(self) -> dict[str, list[dict[str, Any]]]:
        """All rows, with their versions."""
        tables = ("cases", "bookings", "capture_sessions", "recordings", "audits", "share_bookings", "encode_jobs")
        return {table: self.rows(f"select xmin::text, * from {table} order by id") for table in tables}


@pytest.fixture
def scene(postgres_server: PostgresServer, database_url: str) -> Iterator[Scene]:
    session, booking, case, recording, court = (str(uuid4()) for _ in range(5))
    role = f"repairs_{uuid4().hex}"
    one = Scene(database_url, _as_role(database_url, role), session, booking, case, recording)
    one.run(f"create role {role} login password 'a-password-of-tests'")
    one.run(GRANTS.format(role=role))
    one.run("insert into courts values (%(court)s, 'CROWN', 'A court')", court=court)
    one.run("insert into cases (id, court_id, reference) values (%(case)s, %(court)s, 'r')", court=court)
    one.run("insert into bookings (id, case_id, scheduled_for) values (%(booking)s, %(case)s, %(ago)s)", ago=AGO)
    one.run(
        "insert into capture_sessions (id, booking_id, origin, started_at, finished_at, status)"
        " values (%(session)s, %(booking)s, 'PRE', %(ago)s, %(ago)s, 'NO_RECORDING')",
        ago=AGO,
    )
    yield one
    one.run(f"drop owned by {role}; drop role {role}")


def _as_role(url: str, role: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{role}:a-password-of-tests@{rest.partition('@')[2]}"


async def test_a_recording_is_registered_as_the_service_would(scene: Scene) -> None:
    before = scene.row("select * from capture_sessions where id = %(session)s")
    ended = await scene.apply()
    assert (ended.ending, ended.why) == (Ending.DONE, "")
    recording = scene.row("select * from recordings where id = %(recording)s")
    assert str(recording["capture_session_id"]) == scene.session
    assert (recording["version"], recording["parent_recording_id"], recording["is_reencode"]) == (1, None, False)
    assert recording["duration"] == timedelta(minutes=20, seconds=34.5)
    assert (recording["deleted_at"], recording["edit_instruction"]) == (None, None)
    assert abs(recording["created_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    after = scene.row("select * from capture_sessions where id = %(session)s")
    assert after == before | {"status": "RECORDING_AVAILABLE"}
    audits = scene.rows("select * from audits order by created_at, activity")
    assert [(one["table_name"], one["category"], one["activity"]) for one in audits] == [
        ("recordings", "Recording", "CREATE"),
        ("capture_sessions", "CaptureSession", "UPDATE"),
        ("capture_sessions", "CaptureSession", "Stop"),
    ]
    assert {one["functional_area"] for one in audits} == {"capture-audit"}
    assert {one["source"] for one in audits} == {"AUTO"}
    assert {one["audit_details"]["captureSessionStatus"] for one in audits} == {"RECORDING_AVAILABLE"}
    assert {one["audit_details"]["previousStatus"] for one in audits} == {"NO_RECORDING"}
    assert {str(one["id"]) for one in audits} == {ONCE.id(row) for row in REGISTER_RECORDING.trace_rows}
    assert ended.left == {
        "session_token": scene.token(),
        "session_status": "RECORDING_AVAILABLE",
        "recording_id": scene.recording,
        "recording_token": scene.token("recordings", "recording"),
    }


async def test_a_duration_that_is_not_known_stays_empty(scene: Scene) -> None:
    assert (await scene.apply(duration=None)).ending is Ending.DONE
    assert scene.row("select duration from recordings")["duration"] is None


async def test_what_was_delivered_twice_is_applied_once(scene: Scene) -> None:
    effect = scene.effect()
    assert (await scene.apply_effect(REGISTER_RECORDING, effect)).ending is Ending.DONE
    before = scene.world()
    assert (await scene.apply_effect(REGISTER_RECORDING, effect)).ending is Ending.ALREADY_DONE
    assert scene.world() == before


async def test_of_many_deliveries_at_once_one_is_applied(scene: Scene) -> None:
    effect = scene.effect()
    endings = [
        one.ending for one in await asyncio.gather(*(scene.apply_effect(REGISTER_RECORDING, effect) for _ in range(8)))
    ]
    assert endings.count(Ending.DONE) == 1
    assert endings.count(Ending.ALREADY_DONE) == 7


async def test_of_many_repairs_of_one_session_at_once_one_registers(scene: Scene) -> None:
    effects = [scene.effect(recording_id=str(uuid4())) for _ in range(8)]
    deliveries = (
        scene.apply_effect(REGISTER_RECORDING, effect, Once(f"20260131-093000-0000000{number}", 1, 1))
        for number, effect in enumerate(effects)
    )
    endings = [one.ending for one in await asyncio.gather(*deliveries)]
    assert sorted(endings) == [Ending.DONE] + [Ending.SOMEONE_ELSE_MOVED] * 7
    assert len(scene.rows("select * from recordings")) == 1


# --- guards: for each, what must not be so, and what was meant to stop it ---------------------------------------------

MOVED, REFUSED = Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED
BROKEN = {
    "session_unchanged": (MOVED, "update capture_sessions set status = 'FAILURE' where id = %(session)s"),
    "session_unchanged, by a write of the same values": (
        MOVED,
        "update capture_sessions set status = status where id = %(session)s",
    ),
    "session_live": (MOVED, "update capture_sessions set deleted_at = now() where id = %(session)s"),
    "session_of_pre": (MOVED, "update capture_sessions set origin = 'VODAFONE' where id = %(session)s"),
    "booking_live": (REFUSED, "update bookings set deleted_at = now() where id = %(booking)s"),
    "case_live": (REFUSED, "update cases set deleted_at = now() where id = %(case)s"),
    "case_open": (REFUSED, "update cases set state = 'PENDING_CLOSURE' where id = %(case)s"),
    "no_job": (
        REFUSED,
        (
            "insert into encode_jobs (id, capture_session_id, recording_id, job_name, transform)"
            " values (gen_random_uuid(), %(session)s, %(recording)s, 'j', 'ENCODE_FROM_INGEST')"
        ),
    ),
    "no_recording": (
        MOVED,
        (
            "insert into recordings (id, capture_session_id, version, filename, created_at)"
            " values (gen_random_uuid(), %(session)s, 1, 'f', now())"
        ),
    ),
    "no_recording, not even a deleted one": (
        MOVED,
        (
            "insert into recordings (id, capture_session_id, version, filename, created_at, deleted_at)"
            " values (gen_random_uuid(), %(session)s, 1, 'f', now(), now())"
        ),
    ),
    "id_unused": (
        MOVED,
        (
            "with other as (insert into capture_sessions (id, booking_id, origin)"
            " values (gen_random_uuid(), %(booking)s, 'PRE') returning id)"
            " insert into recordings (id, capture_session_id, version, filename, created_at)"
            " select %(recording)s, id, 1, 'f', now() from other"
        ),
    ),
}


@pytest.mark.parametrize(("ending", "rival"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_guard_that_does_not_hold_stops_the_change(scene: Scene, ending: Ending, rival: str) -> None:
    effect = scene.effect()
    scene.run(rival)
    before = scene.world()
    ended = await scene.apply_effect(REGISTER_RECORDING, effect)
    assert (ended.ending, ended.left) == (ending, {})
    assert ended.why.startswith("Not so any more: ")
    assert scene.world() == before


@pytest.mark.parametrize(("ending", "rival"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_rival_that_commits_while_the_change_waits_is_seen(scene: Scene, ending: Ending, rival: str) -> None:
    """The rival has written and not committed when the change begins; only a lock before the guards waits for it."""
    effect = scene.effect()
    with psycopg.connect(scene.url) as connection:
        connection.execute(rival.encode(), vars(scene))
        change = asyncio.create_task(scene.apply_effect(REGISTER_RECORDING, effect))
        await _waits_for_a_lock(scene, change)
        connection.commit()
        ended = await change
    assert ended.ending in {ending, Ending.SOMEONE_ELSE_MOVED}
    assert not scene.rows("select * from audits")
    assert len(scene.rows("select * from recordings where version = 1 and capture_session_id = %(session)s")) <= 1


@pytest.mark.parametrize(("ending", "rival"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_rival_that_takes_back_what_it_wrote_stops_nothing(scene: Scene, ending: Ending, rival: str) -> None:
    effect = scene.effect()
    with psycopg.connect(scene.url) as connection:
        connection.execute(rival.encode(), vars(scene))
        change = asyncio.create_task(scene.apply_effect(REGISTER_RECORDING, effect))
        await _waits_for_a_lock(scene, change)
        connection.rollback()
        ended = await change
    assert ended.ending is Ending.DONE, (ending, ended.why)


async def _waits_for_a_lock(scene: Scene, change: asyncio.Task[Ended]) -> None:
    """Until the change waits for the rival; or has ended, where nothing makes it wait."""
    waiting = (
        "select 1 from pg_locks l join pg_stat_activity a using (pid)"
        " where not l.granted and a.datname = current_database()"
    )
    async with asyncio.timeout(10):
        while not change.done() and not await asyncio.to_thread(scene.rows, waiting):  # noqa: ASYNC110 - the server's
            await asyncio.sleep(0.01)


async def test_rows_that_somebody_holds_are_left_alone(scene: Scene) -> None:
    with psycopg.connect(scene.url) as connection:
        connection.execute(b"select 1 from capture_sessions where id = %(session)s for update", vars(scene))
        before = scene.world()
        ended = await scene.apply()
        assert ended.ending is Ending.FAILED
        assert "5 seconds" in ended.why
        assert scene.world() == before


async def test_nothing_is_changed_after_the_deadline(scene: Scene) -> None:
    before = scene.world()
    ended = await scene.changes.apply(
        REGISTER_RECORDING, scene.effect(), ONCE, datetime.now(UTC) - timedelta(milliseconds=1)
    )
    assert (ended.ending, "run out" in ended.why) == (Ending.REFUSED, True)
    assert scene.world() == before


# --- whether it happened ----------------------------------------------------------------------------------------------


async def test_whether_it_happened_is_told_by_our_own_row_and_only_after_the_deadline(scene: Scene) -> None:
    effect, past, later = scene.effect(), datetime.now(UTC) - SOON, datetime.now(UTC) + SOON
    assert await scene.changes.happened(REGISTER_RECORDING, effect, ONCE, later) is None
    assert await scene.changes.happened(REGISTER_RECORDING, effect, ONCE, past) is False
    assert (await scene.apply_effect(REGISTER_RECORDING, effect)).ending is Ending.DONE
    assert await scene.changes.happened(REGISTER_RECORDING, effect, ONCE, past) is True
    left = await scene.changes.left(REGISTER_RECORDING, effect, ONCE, past)
    assert left["recording_token"] == scene.token("recordings", "recording")


async def test_a_recording_that_the_service_registered_is_not_taken_for_ours(scene: Scene) -> None:
    effect, past = scene.effect(), datetime.now(UTC) - SOON
    scene.run(BROKEN["no_recording"][1].replace("gen_random_uuid()", "%(recording)s"))
    assert await scene.changes.happened(REGISTER_RECORDING, effect, ONCE, past) is False


async def test_a_change_that_is_still_at_work_is_waited_for(scene: Scene) -> None:
    effect, past = scene.effect(), datetime.now(UTC) - SOON
    with psycopg.connect(scene.url) as connection:
        connection.execute(b"select 1 from capture_sessions where id = %(session)s for update", vars(scene))
        asked = asyncio.create_task(scene.changes.happened(REGISTER_RECORDING, effect, ONCE, past))
        await asyncio.wait([asked], timeout=0.5)
        assert not asked.done()
        connection.execute(
            b"insert into audits (id, source, created_at) values (%(id)s, 'AUTO', now())",
            {"id": ONCE.id("audit_recording")},
        )
        connection.commit()
        assert await asked is True


async def test_a_database_that_cannot_be_asked_tells_nothing(scene: Scene) -> None:
    nowhere = Changes(Database("PRE_REPAIR_DATABASE", "postgresql://u:p@127.0.0.1:1/x"))
    assert await nowhere.happened(REGISTER_RECORDING, scene.effect(), ONCE, datetime.now(UTC) - SOON) is None
    with pytest.raises(AuditError, match="PRE_REPAIR_DATABASE"):
        await nowhere.apply(REGISTER_RECORDING, scene.effect(), ONCE, datetime.now(UTC) + SOON)


async def test_a_connection_that_nobody_answers_on_ends_and_tells_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_changes, "_MOST_SECONDS", 0.5)
    effect, ended = scene.effect(), asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()
        ended.set()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as hole:
        port = hole.sockets[0].getsockname()[1]
        lost = Changes(Database("PRE_REPAIR_DATABASE", f"postgresql://u:p@127.0.0.1:{port}/x"))
        with pytest.raises(UncertainError):
            await lost.apply(REGISTER_RECORDING, effect, ONCE, datetime.now(UTC) + SOON)
        await asyncio.wait_for(ended.wait(), 10)


# --- a status that is behind ------------------------------------------------------------------------------------------


def register_by_hand(scene: Scene) -> None:
    scene.run(BROKEN["no_recording"][1].replace("gen_random_uuid()", "%(recording)s"))


async def test_a_status_is_set_and_set_back(scene: Scene) -> None:
    register_by_hand(scene)
    before = scene.row("select * from capture_sessions where id = %(session)s")
    done = await scene.apply(SET_STATUS)
    assert done.ending is Ending.DONE
    assert scene.row("select * from capture_sessions") == before | {"status": "RECORDING_AVAILABLE"}
    back = await scene.apply(
        SET_STATUS_BACK, once=Once("20260131-094500-1a2b3c4d", 1, 1), status="NO_RECORDING", **done.left
    )
    assert back.ending is Ending.DONE
    assert scene.row("select * from capture_sessions") == before
    assert len(scene.rows("select * from audits")) == 2


async def test_two_recordings_are_for_a_person_to_decide(scene: Scene) -> None:
    register_by_hand(scene)
    scene.run(BROKEN["no_recording"][1])
    assert (await scene.apply(SET_STATUS)).ending is Ending.SOMEONE_ELSE_MOVED


# --- undo and restore -------------------------------------------------------------------------------------------------

UNDO, AGAIN = Once("20260131-101500-1a2b3c4d", 1, 1), Once("20260131-111500-1a2b3c4d", 1, 1)


async def test_undo_leaves_the_status_as_before_and_restore_brings_the_recording_back(scene: Scene) -> None:
    session = scene.row("select * from capture_sessions where id = %(session)s")
    done = await scene.apply()
    recording = scene.row("select * from recordings where id = %(recording)s")
    undone = await scene.apply(WITHDRAW_RECORDING, once=UNDO, status="NO_RECORDING", **done.left)
    assert (undone.ending, undone.why) == (Ending.DONE, "")
    assert scene.row("select * from capture_sessions where id = %(session)s") == session
    withdrawn = scene.row("select * from recordings where id = %(recording)s")
    assert withdrawn["deleted_at"] is not None
    assert withdrawn | {"deleted_at": None} == recording
    back = await scene.apply(RESTORE_RECORDING, once=AGAIN, **undone.left)
    assert (back.ending, back.why) == (Ending.DONE, "")
    assert scene.row("select * from recordings where id = %(recording)s") == recording
    assert scene.row("select status::text from capture_sessions")["status"] == "RECORDING_AVAILABLE"


IN_USE = {
    "the session was written": "update capture_sessions set status = status where id = %(session)s",
    "the recording was written": "update recordings set duration = '1 minute' where id = %(recording)s",
    "it was edited": (
        "insert into recordings (id, capture_session_id, parent_recording_id, version, filename, created_at)"
        " values (gen_random_uuid(), %(session)s, %(recording)s, 2, 'f', now())"
    ),
    "an edit was asked for": (
        "with u as (insert into users (id, first_name, last_name, email) values (gen_random_uuid(), 'a', 'b', 'c')"
        " returning id) insert into edit_requests (id, source_recording_id, status, created_by)"
        " select gen_random_uuid(), %(recording)s, 'PENDING', id from u"
    ),
    "it was shared": (
        "with u as (insert into users (id, first_name, last_name, email) values (gen_random_uuid(), 'a', 'b', 'c')"
        " returning id) insert into share_bookings (id, booking_id, shared_with_user_id, shared_by_user_id)"
        " select gen_random_uuid(), %(booking)s, id, id from u"
    ),
    "it was played": (
        "insert into audits (id, source, activity, created_at, audit_details) values (gen_random_uuid(), 'PORTAL',"
        " 'Play', now(), jsonb_build_object('recordingId', %(recording)s::text))"
    ),
    "it was played, by the other name": (
        "insert into audits (id, source, activity, created_at, audit_details) values (gen_random_uuid(), 'PORTAL',"
        " 'View', now(), jsonb_build_object('recordinguid', %(recording)s::text, 'description', 'Recording Playback'))"
    ),
    "the case was closed": "update cases set state = 'CLOSED' where id = %(case)s",
}


@pytest.mark.parametrize("use", IN_USE.values(), ids=IN_USE.keys())
async def test_what_anybody_uses_is_not_taken_back(scene: Scene, use: str) -> None:
    done = await scene.apply()
    scene.run(use)
    before = scene.world()
    undone = await scene.apply(
        WITHDRAW_RECORDING, once=UNDO, status="NO_RECORDING", **{**scene.effect().values, **done.left}
    )
    assert undone.ending in {MOVED, REFUSED}
    assert scene.world() == before


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "update capture_sessions set deleted_at = now()",
        "update capture_sessions set started_at = now()",
        "delete from recordings",
        "delete from audits",
        "update recordings set filename = 'x'",
        "update audits set activity = 'x'",
        "update cases set state = 'OPEN'",
        "update bookings set scheduled_for = now()",
        "insert into capture_sessions (id, booking_id, origin) values (gen_random_uuid(), gen_random_uuid(), 'PRE')",
        "insert into encode_jobs (id) values (gen_random_uuid())",
        "select * from users",
        "truncate recordings",
        "drop table recordings",
    ],
)
async def test_the_role_may_do_nothing_else(scene: Scene, sql: str) -> None:
    def attempt() -> None:
        with psycopg.connect(scene.repair_url) as connection:
            connection.execute(sql.encode())

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt()


async def test_a_role_without_rights_is_a_refusal_that_says_so(scene: Scene) -> None:
    role = scene.repair_url.partition("://")[2].partition(":")[0]
    scene.run(f"revoke update (status) on capture_sessions from {role}")
    before = scene.world()
    ended = await scene.apply()
    assert (ended.ending, "has not the rights for register_recording" in ended.why) == (Ending.REFUSED, True)
    assert scene.world() == before


async def test_two_connections_tell_whether_they_are_to_one_database(
    scene: Scene, postgres_server: PostgresServer, pre_template: str
) -> None:
    own, by_role = await Changes(Database("PRE_DATABASE", scene.url)).identity(), await scene.changes.identity()
    assert (own.system, own.name, own.is_replica) == (by_role.system, by_role.name, False)
    assert len(own.system) > 8
    other = postgres_server.create_database(f"other_{uuid4().hex}", template=pre_template)
    assert (await Changes(Database("PRE_DATABASE", other)).identity()).name != own.name


# --- each guard is needed ---------------------------------------------------------------------------------------------

# Where a rival's write also changes the session's row, the plan is made after it: a plan can be wrong from the start.
ONLY = {
    "session_unchanged": (True, BROKEN["session_unchanged, by a write of the same values"][1]),
    "session_live": (False, BROKEN["session_live"][1]),
    "session_of_pre": (False, BROKEN["session_of_pre"][1]),
    "booking_live": (True, BROKEN["booking_live"][1]),
    "case_live": (True, BROKEN["case_live"][1]),
    "case_open": (True, BROKEN["case_open"][1]),
    "no_job": (True, BROKEN["no_job"][1]),
    "no_recording": (True, BROKEN["no_recording"][1]),
    "same_place": (
        True,
        (
            "with other as (insert into cases (id, court_id, reference) select gen_random_uuid(), court_id, 'other'"
            " from cases returning id) update bookings set case_id = (select id from other) where id = %(booking)s"
        ),
    ),
}


def test_every_guard_of_a_registration_is_tried() -> None:
    # A recording with the container's id is refused by the table's own key as well; the guard says so in words.
    by_another_test = {"in_time", "id_unused"}
    assert {guard.name for guard in REGISTER_RECORDING.guards} == ONLY.keys() | by_another_test


@pytest.mark.parametrize("guard", ONLY)
@pytest.mark.parametrize("without", [False, True])
async def test_without_a_guard_the_change_would_be_made(scene: Scene, guard: str, *, without: bool) -> None:
    planned_before, rival = ONLY[guard]
    effect = scene.effect() if planned_before else None
    scene.run(rival)
    # Its writes are held to the row's token too.
    effect = effect or scene.effect()
    statement = REGISTER_RECORDING
    if without:
        guards = tuple(one for one in statement.guards if one.name != guard)
        writes = tuple(write.replace("and xmin::text = %(session_token)s::text", "") for write in statement.writes)
        statement = replace(statement, guards=guards, writes=writes)
    ended = await scene.apply_effect(statement, effect)
    assert ended.ending.is_applied is without, ended.why


async def test_guards_in_the_statement_that_locks_would_let_a_rival_in(scene: Scene) -> None:
    """Why the lock comes first: a snapshot is from before the wait."""
    together = replace(
        REGISTER_RECORDING,
        locks=(),
        guarded=REGISTER_RECORDING.guarded.rstrip() + "\n for update of s for share of b, c",
    )
    effect, rival = scene.effect(), BROKEN["no_recording"][1]
    for statement, recordings in ((REGISTER_RECORDING, 1), (together, 2)):
        scene.run("delete from recordings")
        with psycopg.connect(scene.url) as connection:
            connection.execute(rival.encode(), vars(scene))
            change = asyncio.create_task(scene.apply_effect(statement, effect))
            await _waits_for_a_lock(scene, change)
            connection.commit()
            await change
        assert len(scene.rows("select * from recordings where version = 1")) == recordings


# --- whatever happens in between --------------------------------------------------------------------------------------

HARMLESS = (
    "update cases set modified_at = now() where id = %(case)s",
    "update bookings set scheduled_for = now() where id = %(booking)s",
    (
        "insert into audits (id, table_record_id, source, activity)"
        " values (gen_random_uuid(), %(session)s, 'AUTO', 'UPDATE')"
    ),
    (
        "with other as (insert into capture_sessions (id, booking_id, origin) values (gen_random_uuid(), %(booking)s,"
        " 'PRE') returning id) select id from other"
    ),
    "update capture_sessions set status = 'FAILURE' where id <> %(session)s",
)
RIVALS = st.lists(st.sampled_from([sql for _, sql in BROKEN.values()] + list(HARMLESS)), max_size=4)


def _without(world: dict[str, list[dict[str, Any]]], scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """The world but for what a registration may write: its recording, its session's status, its own audit rows."""
    ours = {ONCE.id(row) for row in REGISTER_RECORDING.trace_rows}
    kept = {table: [dict(row) for row in rows] for table, rows in world.items()}
    kept["recordings"] = [row for row in kept["recordings"] if str(row["id"]) != scene.recording]
    kept["audits"] = [row for row in kept["audits"] if str(row["id"]) not in ours]
    for row in kept["capture_sessions"]:
        if str(row["id"]) == scene.session:
            del row["xmin"], row["status"]
    return kept


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rivals=RIVALS)
def test_either_exactly_the_planned_change_is_made_or_nothing_changes(scene: Scene, rivals: list[str]) -> None:
    scene.run("truncate audits, recordings, encode_jobs cascade")
    scene.run("delete from capture_sessions where id <> %(session)s")
    scene.run("update capture_sessions set status = 'NO_RECORDING', deleted_at = null, origin = 'PRE'")
    scene.run("update bookings set deleted_at = null, case_id = %(case)s")
    scene.run("update cases set deleted_at = null, state = 'OPEN' where id = %(case)s")
    effect = scene.effect()
    for rival in rivals:
        with suppress(psycopg.errors.UniqueViolation):  # a recording of that id is there already
            scene.run(rival)
    before = scene.world()
    ended = asyncio.run(scene.apply_effect(REGISTER_RECORDING, effect))
    after = scene.world()
    if not ended.ending.is_applied:
        assert after == before
        return
    assert _without(after, scene) == _without(before, scene)
    [recording] = [row for row in after["recordings"] if str(row["id"]) == scene.recording]
    assert str(recording["capture_session_id"]) == scene.session
    assert len(after["recordings"]) == 1
    assert len(after["audits"]) == len(before["audits"]) + 3
    [session] = [row for row in after["capture_sessions"] if str(row["id"]) == scene.session]
    assert session["status"] == "RECORDING_AVAILABLE"
    assert set(rivals) <= set(HARMLESS)
