"""Setting a status, on a real Postgres and by a role that may do nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from adapters.postgres_changes import Changes
from dev.demo.stuck_uploads.cases import CASES
from dev.demo.stuck_uploads.rows import create_schema, plant_rows, status_in
from dev.devstack.postgres import PostgresServer
from profiles.stuck_uploads.dialects import DIALECTS, Dialect
from profiles.stuck_uploads.statements import grants, mark_back, mark_processed
from reconciliation.effects import Effect, Ended, Ending, Once, Values

WAITING = CASES[3]
ONCE = Once("repair", 1, 1)


@dataclass(frozen=True)
class World:
    """A database with one video that waits, and the role that changes it."""

    url: str
    changes: Changes
    dialect: Dialect

    @property
    def column(self) -> str:
        return "status" if self.dialect.name == "status" else "layout_status"

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def row(self) -> tuple[str, str]:
        [(status, token)] = self.execute(f"select {self.column}, xmin::text from videos")
        return status, token

    def values(self, **changes: Any) -> Values:
        status, token = self.row()
        given = {"video_id": WAITING.video_id, "status": status, "processed": self.dialect.annotate}
        return {**given, "row_token": token, **changes}

    async def mark(self, values: Values, deadline: datetime | None = None) -> Ended:
        effect = Effect("mark_processed", values)
        return await self.changes.apply(mark_processed(self.dialect), effect, ONCE, deadline or in_a_minute())


def in_a_minute() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture(params=DIALECTS)
def world(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[World]:
    columns, name = str(request.param), f"marks_{uuid4().hex}"
    url = postgres_server.create_database(name)
    create_schema(url, columns)
    plant_rows(url, columns, [WAITING])
    dialect = DIALECTS[columns]
    with psycopg.connect(url) as connection:
        connection.execute(f"create role {name} login password 'only-here'".encode())
        connection.execute(grants(dialect).format(role=name).encode())
    scheme, _, rest = url.partition("://")
    changes = Changes(
        Database("STUCK_UPLOADS_REPAIR_DATABASE", f"{scheme}://{name}:only-here@{rest.rpartition('@')[2]}")
    )
    yield World(url, changes, dialect)
    with psycopg.connect(url) as connection:
        connection.execute(f"drop owned by {name}; drop role {name}".encode())
    postgres_server.drop_database(name)


async def test_what_is_processed_is_marked_and_taken_back(world: World) -> None:
    waiting = status_in(world.dialect.name, "wait")
    values = world.values()
    ended = await world.mark(values)
    assert ended.ending is Ending.DONE
    assert world.row() == (world.dialect.annotate, ended.left["row_token"])
    undo = Effect("mark_back", {**values, **ended.left})
    back = await world.changes.apply(mark_back(world.dialect), undo, Once("undo", 1, 1), in_a_minute())
    assert back.ending is Ending.DONE
    assert world.row()[0] == waiting


BROKEN = [
    pytest.param("update videos set size_bytes = 99", "its row is as it was read", id="the row was written"),
    pytest.param("update videos set deleted_at = now()", "was not deleted", id="it was deleted"),
    pytest.param("delete from videos", "its row is as it was read", id="the row is gone"),
    pytest.param(
        "insert into video_database_state (video_id, database_name, server_version) select id, 'layout', 1 from videos",
        "nobody has edited it",
        id="people have edited it",
    ),
    pytest.param(
        "insert into video_database_state (video_id, database_name, lock_type)"
        " select id, 'layout', 'client' from videos",
        "nobody has edited it",
        id="somebody is about to",
    ),
]


@pytest.mark.parametrize(("rival", "means"), BROKEN)
async def test_where_a_guard_is_broken_nothing_is_changed_and_it_is_named(world: World, rival: str, means: str) -> None:
    values = world.values()
    world.execute(rival)
    before = world.execute(f"select {world.column} from videos")
    ended = await world.mark(values)
    assert ended.ending is Ending.SOMEONE_ELSE_MOVED
    assert means in ended.why
    assert world.execute(f"select {world.column} from videos") == before


async def test_after_its_deadline_nothing_is_changed(world: World) -> None:
    ended = await world.mark(world.values(), datetime.now(UTC) - timedelta(seconds=1))
    assert (ended.ending, "in time" in ended.why) == (Ending.REFUSED, True)
    assert world.row()[0] == status_in(world.dialect.name, "wait")


async def test_of_a_lost_worker_it_is_known_that_it_changed_nothing_and_otherwise_nobody_can_tell(world: World) -> None:
    """The table has no place for a trace: a row that is as it was was not changed, of any other one nobody knows."""
    values, statement = world.values(), mark_processed(world.dialect)
    effect, past = Effect("mark_processed", values), datetime.now(UTC) - timedelta(seconds=1)
    assert await world.changes.happened(statement, effect, ONCE, past) is False
    assert (await world.mark(values)).ending is Ending.DONE
    assert await world.changes.happened(statement, effect, ONCE, past) is None
    world.execute("delete from videos")
    assert await world.changes.happened(statement, effect, ONCE, past) is None


async def test_the_role_may_set_a_status_and_nothing_else(world: World) -> None:
    url = world.changes.database.url
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "update videos set size_bytes = 1",
            "delete from videos",
            "insert into videos default values",
            "update video_database_state set server_version = 0",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


async def test_tables_in_another_schema_are_changed_there_where_the_url_names_it(world: World) -> None:
    world.execute("create schema other; alter table videos set schema other;")
    world.execute("alter table video_database_state set schema other; create table videos (id uuid)")
    role = world.changes.database.url.partition("://")[2].partition(":")[0]
    world.execute(f"grant usage on schema other to {role}")
    status, token = world.execute(f"select {world.column}, xmin::text from other.videos")[0]
    there = Changes(Database("A_DATABASE", f"{world.changes.database.url}?options=-csearch_path%3Dother"))
    values = {"video_id": WAITING.video_id, "status": status, "processed": world.dialect.annotate, "row_token": token}
    effect = Effect("mark_processed", values)
    ended = await there.apply(mark_processed(world.dialect), effect, ONCE, in_a_minute())
    assert ended.ending is Ending.DONE
