"""The queries on a real Postgres, in both shapes of the tables."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres import Database
from dev.demo.stuck_uploads.cases import CASES, TENANT, cases_for
from dev.demo.stuck_uploads.rows import create_schema, plant_rows
from dev.devstack.postgres import PostgresServer
from profiles.stuck_uploads import queries
from profiles.stuck_uploads.dialects import DIALECTS
from profiles.stuck_uploads.videos import DatabaseInUse, Video
from reconciliation.queries import SqlRows
from tests.profiles.stuck_uploads.world import profile_for

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


@pytest.fixture(params=DIALECTS)
def columns(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(postgres_server: PostgresServer, columns: str) -> Iterator[str]:
    name = f"uploads_{uuid4().hex}"
    made = postgres_server.create_database(name)
    create_schema(made, columns)
    yield made
    postgres_server.drop_database(name)


async def rows_of(url: str, query: SqlRows) -> list[list[Any]]:
    async with Database("STUCK_UPLOADS_DATABASE", url).snapshot() as snapshot:
        return [json.loads(line) async for lines in snapshot.lines(query) for line in lines]


async def videos(url: str, columns: str, **changes: Any) -> list[Video]:
    profile = profile_for(columns)
    options = changes.pop("options", {})
    asked = profile.parameters(**changes)
    asked = profile.parameters(**changes, options={**asked.options, **options})
    return [Video.from_json(row) for row in await rows_of(url, queries.videos(profile.dialect, asked))]


async def test_a_full_audit_reads_every_row_as_it_is_in_the_order_of_its_id(url: str, columns: str) -> None:
    cases = cases_for(columns)
    plant_rows(url, columns, cases, others=3, now=NOW)
    found = await videos(url, columns, mode="full")
    planted = [case for case in cases if case.row is not None]
    assert [one.id for one in found] == sorted(one.id for one in found)
    assert [one.id for one in found[3:]] == [case.video_id for case in planted]
    first = next(one for one in found if one.id == CASES[0].video_id)
    assert (first.tenant_id, first.created_at, first.unreadable) == (TENANT, NOW - timedelta(minutes=45), ())
    assert first.has_usual_key
    deleted = {case.video_id for case in planted if (case.row or {}).get("deleted")}
    assert {one.id for one in found if one.deleted_at} == deleted


async def test_a_fast_audit_leaves_out_what_is_finished_and_nothing_else(url: str, columns: str) -> None:
    plant_rows(url, columns, cases_for(columns), now=NOW)
    everything, some = await videos(url, columns, mode="full"), await videos(url, columns, mode="fast")
    left_out = {one.status for one in everything} - {one.status for one in some}
    assert left_out == ({"active"} if columns == "status" else {"annotate", "done"})
    unknown = "lost" if columns == "status" else None
    assert unknown in {one.status for one in some}, "a status that is not known is no reason"


async def test_only_and_statuses_narrow_what_is_read(url: str, columns: str) -> None:
    plant_rows(url, columns, cases_for(columns), now=NOW)
    one, status = CASES[0].video_id, "pending" if columns == "status" else "wait"
    assert [found.id for found in await videos(url, columns, only=(one,))] == [one]
    finished = CASES[27].video_id
    assert [found.id for found in await videos(url, columns, only=(finished,))] == [finished], "whatever its status"
    assert {found.status for found in await videos(url, columns, options={"statuses": (status,)})} == {status}


async def test_rows_are_read_again_whatever_their_status(url: str, columns: str) -> None:
    plant_rows(url, columns, cases_for(columns), now=NOW)
    profile, wanted = profile_for(columns), [CASES[0].video_id, CASES[27].video_id]
    query = queries.videos_again(profile.dialect, profile.parameters(mode="fast"), [*wanted, "run/a", ""])
    assert [Video.from_json(row).id for row in await rows_of(url, query)] == wanted


async def test_a_second_upload_within_an_hour_is_known_by_tenant_name_and_size(url: str, columns: str) -> None:
    plant_rows(url, columns, (), others=4, now=NOW)
    name, made = ("name", "created_at") if columns == "status" else ("display_path", "uploaded_at")
    with psycopg.connect(url) as connection:
        connection.execute(f"update videos set {name} = 'holiday', size_bytes = 7".encode())
        for minutes, number in ((0, 1), (59, 2), (180, 3), (200, 4)):
            connection.execute(
                f"update videos set {made} = %s where id = %s".encode(),
                [NOW - timedelta(minutes=minutes), f"00000000-0000-0000-0000-{number:012}"],
            )
        connection.execute("update videos set deleted_at = now() where id = '00000000-0000-0000-0000-000000000004'")
    assert [one.has_twin for one in await videos(url, columns, mode="full")] == [True, True, False, False]
    assert not any(one.has_twin for one in await videos(url, columns, mode="fast"))


async def test_what_people_edit_is_read_for_the_videos_in_question(url: str, columns: str) -> None:
    plant_rows(url, columns, cases_for(columns), others=3, now=NOW)
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in (1, 2, 3)]
    with psycopg.connect(url) as connection:
        for its_id, version, lock in ((ids[0], 0, None), (ids[1], 0, "client"), (ids[2], 3, "server")):
            connection.execute(
                "insert into video_database_state (video_id, database_name, server_version, lock_type, locked_at)"
                " values (%s, 'layout', %s, %s, now())",
                [its_id, version, lock],
            )
    profile = profile_for(columns)
    rows = await rows_of(url, queries.states(profile.dialect, profile.parameters(mode="fast")))
    states = {one.video_id: one for one in map(DatabaseInUse.from_json, rows)}
    assert [states[one].is_edited for one in ids] == [False, True, True]
    again = await rows_of(url, queries.states_again(profile.dialect, ids[:1]))
    assert [DatabaseInUse.from_json(row).video_id for row in again] == ids[:1]


async def test_a_row_that_cannot_be_read_says_so_and_takes_nothing_else_along(url: str, columns: str) -> None:
    plant_rows(url, columns, (), others=2, now=NOW)
    made = "created_at" if columns == "status" else "uploaded_at"
    with psycopg.connect(url) as connection:
        connection.execute(
            f"update videos set {made} = 'infinity', tenant_id = null where id::text like '%%1'".encode()
        )
    odd, usual = await videos(url, columns, mode="full")
    assert (odd.created_at, odd.tenant_id, odd.unreadable) == (None, "", ("created_at",))
    assert usual.unreadable == ()
