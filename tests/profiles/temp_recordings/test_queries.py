"""The queries on a real Postgres, in the columns of both eras."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from dev.demo.temp_recordings.cases import COLUMNS, DOCUMENTED, cases_for, hours
from dev.demo.temp_recordings.rows import ZONES, create_schema, plant_rows
from dev.devstack.postgres import PostgresServer
from profiles.temp_recordings import queries
from profiles.temp_recordings.facts import ChunkFacts
from profiles.temp_recordings.options import EXPIRING
from profiles.temp_recordings.queries import CHUNKS, MEETINGS, RECORDINGS
from reconciliation.queries import Moments, SqlRows
from tests.profiles.temp_recordings.world import AS_OF, audit_of, groups_of, profile_for


@pytest.fixture(params=COLUMNS)
def columns(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(postgres_server: PostgresServer, columns: str) -> Iterator[str]:
    name = f"recordings_{uuid4().hex}"
    made = postgres_server.create_database(name)
    create_schema(made, columns)
    plant_rows(made, columns, cases_for(columns), AS_OF)
    yield made
    postgres_server.drop_database(name)


async def read(url: str, columns: str, table: str, query: SqlRows) -> list[Any]:
    async with Database("TEMP_RECORDINGS_DATABASE", url).snapshot() as snapshot:
        lines = [json.loads(line) async for lines in snapshot.lines(query) for line in lines]
    return [profile_for(columns).source(table).row(line) for line in lines]


@pytest.mark.parametrize("table", [MEETINGS, CHUNKS, RECORDINGS])
async def test_rows_are_read_as_they_were_planted_in_the_order_of_their_meetings(
    url: str, columns: str, table: str
) -> None:
    profile = profile_for(columns)
    number = [MEETINGS, CHUNKS, RECORDINGS].index(table)
    planted = [row for case in cases_for(columns) for row in groups_of(case, profile, columns)[0].rows[number]]
    found = await read(url, columns, table, queries.rows(table, profile.parameters()))
    keys = [getattr(one, "meeting_id", one.id) for one in found]
    assert keys == sorted(keys)
    assert {one.id: _without_token(one) for one in found} == {one.id: _without_token(one) for one in planted}
    assert [one.unreadable for one in found if one.unreadable] == []


@pytest.mark.parametrize("table", [MEETINGS, CHUNKS, RECORDINGS])
async def test_meetings_can_be_asked_for_and_are_read_again(url: str, columns: str, table: str) -> None:
    profile, case = profile_for(columns), cases_for(columns)[6]
    asked = profile.parameters(only=(case.meeting_id,))
    for query in (queries.rows(table, asked), queries.rows_again(table, [case.meeting_id, "", "temp"])):
        found = await read(url, columns, table, query)
        assert {getattr(one, "meeting_id", one.id) for one in found} == {case.meeting_id}


@pytest.mark.parametrize("clean_up", ["ended", "all"])
@pytest.mark.parametrize("has_zone", [False, True])
async def test_a_short_audit_reads_all_rows_of_meetings_with_a_chunk_that_is_expiring(
    url: str, columns: str, clean_up: str, has_zone: bool
) -> None:
    if has_zone:
        with psycopg.connect(url) as connection:
            zone = ZONES[columns]
            connection.execute(
                f"alter table temp_recordings alter created_at type timestamptz using created_at at time zone '{zone}'"
            )
    profile = profile_for(columns, clean_up)
    audit = audit_of(profile, mode=EXPIRING)
    expiring = set()
    for case in cases_for(columns):
        group, *_ = groups_of(case, profile, columns)
        scene = profile._scene(group, None, audit)
        if any(ChunkFacts(scene, one).is_expiring for one in scene.chunks):
            expiring.add(case.meeting_id)
    asked = profile.parameters(mode=EXPIRING)
    found = {
        table: await read(url, columns, table, query)
        for table in (MEETINGS, CHUNKS, RECORDINGS)
        if isinstance(query := profile.source(table).read(asked, Moments(AS_OF, AS_OF)), SqlRows)
    }
    meetings = {one.meeting_id for one in found[CHUNKS]}
    assert expiring <= meetings
    ended = {case.meeting_id for case in cases_for(columns) if any(one.age >= hours(14) for one in case.chunks)}
    assert clean_up == "all" or meetings <= ended
    assert {one.id for one in found[MEETINGS]} <= meetings >= {one.meeting_id for one in found[RECORDINGS]}
    for table, number in ((CHUNKS, 1), (RECORDINGS, 2)):
        planted = [
            row.id
            for case in cases_for(columns)
            if case.meeting_id in meetings
            for row in groups_of(case, profile, columns)[0].rows[number]
        ]
        assert sorted(one.id for one in found[table]) == sorted(planted)


async def test_what_a_write_changes_is_the_token_of_its_row_alone(url: str, columns: str) -> None:
    query = queries.rows(CHUNKS, profile_for(columns).parameters())
    before = {one.id: one.token for one in await read(url, columns, CHUNKS, query)}
    changed = min(before)
    with psycopg.connect(url) as connection:
        connection.execute("update temp_recordings set transcode_status = 'done' where id = %s", [changed])
    after = {one.id: one.token for one in await read(url, columns, CHUNKS, query)}
    assert {its_id for its_id in before if before[its_id] != after[its_id]} == {changed}


async def test_a_moment_that_is_none_makes_one_row_unreadable_and_a_column_with_a_zone_is_read_by_it(
    url: str, columns: str
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("update temp_recordings set created_at = 'infinity' where id like '0002%'")
        connection.execute(
            "alter table recordings alter created_at type timestamptz using timestamptz '2026-11-27 12:00+02'"
        )
    asked = profile_for(columns).parameters()
    found = await read(url, columns, CHUNKS, queries.rows(CHUNKS, asked))
    assert {one.id[:4] for one in found if one.unreadable} == {"0002"}
    recordings = await read(url, columns, RECORDINGS, queries.rows(RECORDINGS, asked))
    assert {one.created.latest for one in recordings} == {AS_OF + timedelta(minutes=30)}
    assert (columns == DOCUMENTED) == any(one.cleaned is not None for one in found)


def _without_token(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__ if name != "token"}
