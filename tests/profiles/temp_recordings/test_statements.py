"""The changes of rows, on a real Postgres, in the columns of both eras, and by a role that may do nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from adapters.postgres_changes import Changes
from dev.demo.temp_recordings.cases import ANN, COLUMNS, DOCUMENTED, Case, PlantedChunk, PlantedRecording
from dev.demo.temp_recordings.rows import create_schema, plant_rows
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings import statements as s
from reconciliation.effects import Effect, Ended, Ending, GuardedSql, Once, Values

SHA = "e" * 64
ALL: Mapping[str, GuardedSql] = {
    one.name: one for one in (*s.CHUNK_CHANGES, *s.DELETIONS, *s.RECORDING_CHANGES, *s.MEETING_CHANGES, *s.INSERTS)
}
CASE = Case(
    1,
    "a chunk that waits, a recording without a duration, and a meeting that names neither",
    {},
    "completed",
    (PlantedChunk(0, "QUEUED", cleaned=False, says=None),),
    (PlantedRecording(0, 30_000),),
    names={},
)


@dataclass(frozen=True)
class World:
    """A database with one meeting, and the role that changes its rows."""

    url: str
    changes: Changes
    columns: str

    @property
    def documented(self) -> bool:
        return self.columns == DOCUMENTED

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def row(self, table: str) -> dict[str, Any]:
        """The only row of a table, without what every write changes."""
        [(text,)] = self.execute(f"select to_json(t)::text from {table} t")
        row: dict[str, Any] = json.loads(text)
        return row

    def token(self, table: str) -> str:
        [(token,)] = self.execute(f"select xmin::text from {table}")
        return str(token)

    async def apply(self, name: str, values: Values, number: int = 1, deadline: datetime | None = None) -> Ended:
        once = Once("repair", number, 1)
        return await self.changes.apply(ALL[name], Effect(name, values), once, deadline or in_a_minute())


def in_a_minute() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture(params=COLUMNS)
def world(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[World]:
    columns, name = str(request.param), f"chunks_{uuid4().hex}"
    url = postgres_server.create_database(name)
    create_schema(url, columns)
    plant_rows(url, columns, [CASE])
    with psycopg.connect(url) as connection:
        connection.execute("update recordings set sha256 = %s", [SHA])
        connection.execute(f"create role {name} login password 'only-here'".encode())
        connection.execute(s.grants(documented=columns == DOCUMENTED, deletes=True).format(role=name).encode())
    scheme, _, rest = url.partition("://")
    changes = Changes(Database(s.REPAIR_DATABASE, f"{scheme}://{name}:only-here@{rest.rpartition('@')[2]}"))
    yield World(url, changes, columns)
    with psycopg.connect(url) as connection:
        connection.execute(f"drop owned by {name}; drop role {name}".encode())
    postgres_server.drop_database(name)


@dataclass(frozen=True)
class Way:
    """A change of a row of a table and what takes it back, with its values in a world."""

    do: str
    back: str
    table: str
    values: Callable[[World], Values]
    sets: Mapping[str, Any]
    only: str = ""


CHUNK_ID, RECORDING_ID = CASE.chunk_id(CASE.chunks[0]), CASE.recording_id(0)
MARKED = {"id": CHUNK_ID, "spelled": "QUEUED", "done": "DONE"}
WAYS = [
    Way(
        s.MARK,
        s.MARK_BACK,
        "temp_recordings",
        lambda _: {
            **MARKED,
            "mp3_path": "temp/a.mp3",
            "file_sha256": SHA,
            "duration_ms": 30_000,
            "completed_at": "2026-11-27 08:00:00",
            "old_mp3_path": None,
            "old_duration_ms": None,
        },
        {
            "transcode_status": "DONE",
            "mp3_path": "temp/a.mp3",
            "sha256": SHA,
            "duration_ms": 30_000,
            "completed_at": "2026-11-27T08:00:00",
        },
        DOCUMENTED,
    ),
    Way(s.MARK_LATER, s.MARK_LATER_BACK, "temp_recordings", lambda _: MARKED, {"transcode_status": "DONE"}),
    Way(
        s.CLEANED,
        s.CLEANED_BACK,
        "temp_recordings",
        lambda _: {"id": CHUNK_ID, "spelled": "QUEUED", "cleaned": 1},
        {"cleaned": 1},
        DOCUMENTED,
    ),
    Way(
        s.DURATION,
        s.DURATION_BACK,
        "recordings",
        lambda _: {"id": RECORDING_ID, "file_sha256": SHA, "duration_ms": 29_976},
        {"duration_in_ms": 29_976},
    ),
    Way(
        s.FILES,
        s.FILES_BACK,
        "meetings",
        lambda _: {
            "id": CASE.meeting_id,
            "spelled": "completed",
            "old": "{}",
            "new": json.dumps({"users": [{ANN: RECORDING_ID}]}),
        },
        {"recording_files": {"users": [{ANN: RECORDING_ID}]}},
    ),
]


def ways_of(world: World) -> list[Way]:
    return [way for way in WAYS if way.only in {"", world.columns}]


async def test_a_row_is_set_and_taken_back_to_what_it_was(world: World) -> None:
    for number, way in enumerate(ways_of(world)):
        before, values = world.row(way.table), {**way.values(world), "row_token": world.token(way.table)}
        ended = await world.apply(way.do, values, number)
        assert ended.ending is Ending.DONE, (way.do, ended.why)
        assert world.row(way.table) == {**before, **way.sets}, way.do
        back = await world.apply(way.back, {**values, **ended.left}, 100 + number)
        assert back.ending is Ending.DONE, (way.back, back.why)
        assert world.row(way.table) == before, way.back


async def test_a_hash_in_capitals_is_the_same_hash(world: World) -> None:
    world.execute("update recordings set sha256 = upper(sha256)")
    [way] = (way for way in WAYS if way.do == s.DURATION)
    values = {**way.values(world), "row_token": world.token(way.table)}
    ended = await world.apply(way.do, values)
    assert ended.ending is Ending.DONE, ended.why
    assert (await world.apply(way.back, {**values, **ended.left}, 2)).ending is Ending.DONE


async def test_a_row_that_somebody_has_written_meanwhile_is_left_alone(world: World) -> None:
    """The worker flips the row just before us: whatever it wrote, ours is not made."""
    for way in ways_of(world):
        values = {**way.values(world), "row_token": world.token(way.table)}
        world.execute(f"update {way.table} set id = id")
        before = world.row(way.table)
        ended = await world.apply(way.do, values)
        assert (ended.ending, "as it was read" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True), way.do
        assert world.row(way.table) == before


async def test_a_row_that_says_something_else_is_left_alone_though_nobody_has_written_it_since(world: World) -> None:
    others = {
        "temp_recordings": "update temp_recordings set transcode_status = 'in_progress'",
        "recordings": "update recordings set sha256 = repeat('f', 64)",
        "meetings": "update meetings set status = 'transcribing'",
    }
    for way in ways_of(world):
        world.execute(others[way.table])
        ended = await world.apply(way.do, {**way.values(world), "row_token": world.token(way.table)})
        assert (ended.ending, "to be mended" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True), way.do


async def test_a_row_that_is_gone_is_somebody_elses_doing(world: World) -> None:
    values = {**MARKED, "row_token": world.token("temp_recordings")}
    world.execute("delete from temp_recordings")
    assert (await world.apply(s.MARK_LATER, values)).ending is Ending.SOMEONE_ELSE_MOVED


async def test_after_its_deadline_nothing_is_set(world: World) -> None:
    values = {**MARKED, "row_token": world.token("temp_recordings")}
    ended = await world.apply(s.MARK_LATER, values, deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert (ended.ending, "in time" in ended.why) == (Ending.REFUSED, True)


# --- a new row --------------------------------------------------------------------------------------------------------


def inserted(world: World, **changes: Any) -> tuple[str, Values]:
    values = {
        "row_token": world.token("meetings"),
        "meeting_id": CASE.meeting_id,
        "user_id": "20000000000000002",
        "filename": "final.mp3",
        "file_sha256": "a" * 64,
        "duration_ms": 40_008,
        "zone": "America/New_York",
        **changes,
    }
    return (s.INSERT if world.documented else s.INSERT_LATER), values


async def test_a_row_is_inserted_once_and_taken_out_again(world: World) -> None:
    name, values = inserted(world)
    ended = await world.apply(name, values)
    assert ended.ending is Ending.DONE, ended.why
    [(its_id, sha, ms, there)] = world.execute(
        "select id, sha256, duration_in_ms,"
        " abs(extract(epoch from created_at - (now() at time zone 'America/New_York'))) < 60"
        " from recordings where filename = 'final.mp3'"
    )
    assert (its_id, sha, ms, there) == (ended.left["id"], "a" * 64, 40_008, True)
    assert len(its_id) == 16
    again = await world.apply(name, values)
    assert (again.ending, again.left["id"]) == (Ending.ALREADY_DONE, its_id)
    effect, past = Effect(name, values), datetime.now(UTC) - timedelta(seconds=1)
    assert await world.changes.happened(ALL[name], effect, Once("repair", 1, 1), past) is True
    assert await world.changes.happened(ALL[name], effect, Once("repair", 2, 1), past) is False
    back = {"file_sha256": "a" * 64, "filename": "final.mp3", **ended.left}
    assert (await world.apply(s.TAKE_OUT, back, 2)).ending is Ending.DONE
    assert world.execute("select count(*) from recordings") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "rival", "ending", "means"),
    [
        pytest.param({"file_sha256": SHA}, "", Ending.SOMEONE_ELSE_MOVED, "of that SHA-256", id="the hash is taken"),
        pytest.param({"filename": "there.mp3"}, "", Ending.SOMEONE_ELSE_MOVED, "of that file", id="the file has a row"),
        pytest.param({}, "update meetings set status = 'RECORDING'", Ending.REFUSED, "has ended", id="it goes on"),
        pytest.param({"row_token": "1"}, "", Ending.SOMEONE_ELSE_MOVED, "as it was read", id="the meeting was written"),
    ],
)
async def test_no_row_is_inserted_beside_another_one_or_while_its_meeting_goes_on(
    world: World, changes: dict[str, Any], rival: str, ending: Ending, means: str
) -> None:
    world.execute("update recordings set filename = 'there.mp3'")
    if rival:
        world.execute(rival)
    name, values = inserted(world, **changes)
    ended = await world.apply(name, values)
    assert (ended.ending, means in ended.why) == (ending, True), ended.why
    assert world.execute("select count(*) from recordings") == [(1,)]


async def test_in_the_later_era_a_participant_has_one_row(world: World) -> None:
    name, values = inserted(world, user_id=ANN)
    ended = await world.apply(name, values)
    assert ended.ending is (Ending.DONE if world.documented else Ending.SOMEONE_ELSE_MOVED)


# --- rows of which nothing is left to do ------------------------------------------------------------------------------


def leftover(world: World, **changes: Any) -> Values:
    return {
        "id": CHUNK_ID,
        "row_token": world.token("temp_recordings"),
        "recording_id": RECORDING_ID,
        "recording_sha256": SHA,
        **changes,
    }


async def test_a_row_is_kept_whole_then_deleted_and_inserted_again(world: World) -> None:
    world.execute("update temp_recordings set transcode_status = 'DONE'")
    before, values = world.row("temp_recordings"), leftover(world)
    marked = await world.apply(s.MARK_LEFTOVER, values)
    assert marked.ending is Ending.DONE, marked.why
    assert world.token("temp_recordings") == marked.left["row_token"] == values["row_token"], "nothing was written"
    row = {"row": marked.left["row"]}
    deleted = await world.apply(s.DELETE_ROW, {**values, **row}, 2)
    assert (deleted.ending, deleted.left) == (Ending.DONE, row), deleted.why
    assert world.execute("select count(*) from temp_recordings") == [(0,)]
    back = {"id": CHUNK_ID, **row, **deleted.left}
    again = await world.apply(s.INSERT_AGAIN, back, 3)
    assert again.ending is Ending.DONE, again.why
    assert world.row("temp_recordings") == before
    assert (await world.apply(s.INSERT_AGAIN, back, 3)).ending is Ending.ALREADY_DONE


@pytest.mark.parametrize("name", [s.MARK_LEFTOVER, s.DELETE_ROW])
@pytest.mark.parametrize(
    ("changes", "rival", "ending"),
    [
        pytest.param({"recording_sha256": "f" * 64}, "", Ending.REFUSED, id="the recording has another hash"),
        pytest.param({}, "delete from recordings", Ending.REFUSED, id="the recording is gone"),
        pytest.param({"row_token": "1"}, "", Ending.SOMEONE_ELSE_MOVED, id="the row was written since"),
    ],
)
async def test_no_row_is_deleted_without_the_recording_that_holds_it(
    world: World, name: str, changes: dict[str, Any], rival: str, ending: Ending
) -> None:
    world.execute("update temp_recordings set transcode_status = 'done'")
    values = {**leftover(world, **changes), "row": "{}"}
    if rival:
        world.execute(rival)
    assert (await world.apply(name, values)).ending is ending
    assert world.execute("select count(*) from temp_recordings") == [(1,)]


async def test_a_row_that_waits_is_never_deleted(world: World) -> None:
    ended = await world.apply(s.DELETE_ROW, {**leftover(world), "row": "{}"})
    assert (ended.ending, "it is done" in ended.why) == (Ending.REFUSED, True)


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rival", "of_chunk", "of_orphan"),
    [
        pytest.param("update temp_recordings set id = id", True, False, id="its row says the same"),
        pytest.param("update temp_recordings set transcode_status = 'done'", False, False, id="it was marked"),
        pytest.param("delete from temp_recordings", False, True, id="its row is gone"),
    ],
)
async def test_a_copy_is_deleted_only_while_nothing_rests_on_it(
    world: World, rival: str, *, of_chunk: bool, of_orphan: bool
) -> None:
    row = world.row("temp_recordings")
    stem = str(row.get("pcm_path") or row["filename"]).rpartition("/")[2].removesuffix(".pcm")
    world.execute(rival)
    values = {"id": CHUNK_ID, "spelled": "QUEUED", "meeting_id": CASE.meeting_id, "stem": stem}
    for removal, expected in ((s.REMOVE_COPY, of_chunk), (s.REMOVE_COPY_OF_ORPHAN, of_orphan)):
        query = removal.guarded(values, in_a_minute())
        async with await psycopg.AsyncConnection.connect(world.changes.database.url) as connection:
            [(hold,)] = await (await connection.execute(query.sql.encode(), query.values)).fetchall()
        assert json.loads(hold) == {"in_time": True, "unused": expected}


# --- the role ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "update meetings set status = 'completed'",
        "update recordings set sha256 = 'x'",
        "delete from meetings",
        "update temp_recordings set user_id = '1'",
    ],
)
async def test_the_role_may_do_nothing_that_no_repair_does(world: World, statement: str) -> None:
    url = world.changes.database.url
    with (
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())
