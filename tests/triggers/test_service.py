"""Health against a real account and a real database, with one thing at a time that is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest

from adapters.connections import StorageConnection
from adapters.listing.lister import RestLister
from adapters.services import Services, open_services
from adapters.settings import load_settings
from adapters.store.blobs import BlobStore
from dev.devstack.azurite import AzuriteServer
from reconciliation import VERSION
from reconciliation.profile import Connection, Source, Technology
from reconciliation.queries import SqlRows
from tests.adapters.api_profile import TALKING
from tests.adapters.other_profile import Other
from tests.adapters.scripted_api import answers, scripted
from triggers import service

Break = Callable[[psycopg.Connection[Any]], object]
PROFILE = "pre-capture-sessions"
ALL = {
    "storage:SOURCE_STORAGE",
    "storage:REPORT_STORAGE",
    "storage:INGEST_STORAGE",
    "database:PRE_DATABASE",
    f"repairs:{PROFILE}",
}


@pytest.fixture
async def world(
    azurite_server: AzuriteServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    """Services on servers of the test's own, as a route gets them."""
    account = azurite_server.connection_string
    settings = dict.fromkeys(("SOURCE_STORAGE", "REPORT_STORAGE", "INGEST_STORAGE"), account)
    container = f"health-{uuid4().hex}"
    found = open_services(
        load_settings({**settings, "PRE_DATABASE": database_url, "AUDIT_REPORT_CONTAINER": container})
    )
    monkeypatch.setattr(service, "services", lambda: found)
    yield found
    await close(found)


async def close(found: Services) -> None:
    await blobs_of(found).close()
    found.listers["SOURCE_STORAGE"].close()


def blobs_of(found: Services) -> BlobStore:
    return found.records._blobs


async def health() -> tuple[int, dict[str, Any]]:
    response = await service.health()
    return response.status_code, json.loads(response.get_body())


async def only_wrong(name: str) -> str:
    """What is told of the one check that is not well."""
    status, document = await health()
    assert (status, document["status"]) == (503, "degraded")
    assert {each for each, check in document["checks"].items() if not check["ok"]} == {name}
    detail: str = document["checks"][name]["detail"]
    return detail


@pytest.mark.usefixtures("world")
async def test_a_service_that_can_do_its_work_says_so_and_what_it_is() -> None:
    status, document = await health()
    assert status == HTTPStatus.OK, document
    assert (document["status"], document["version"], document["commit"]) == ("ok", VERSION, None)
    assert document["checks"] == {name: {"ok": True, "detail": "reachable"} for name in ALL}


async def test_a_paused_schedule_is_told_in_words_and_is_no_trouble(
    world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = replace(world, settings=replace(world.settings, schedules_paused=(PROFILE,)))
    monkeypatch.setattr(service, "services", lambda: paused)
    status, document = await health()
    assert (status, document["status"]) == (HTTPStatus.OK, "ok")
    told = f"Paused by AUDIT_SCHEDULES_PAUSED: no audit of {PROFILE} starts by itself."
    assert document["checks"][f"schedule:{PROFILE}"] == {"ok": True, "detail": told}


async def test_a_run_store_whose_container_is_gone_is_made_again(world: Services) -> None:
    assert (await health())[0] == 200
    await blobs_of(world)._container.delete_container()
    assert (await health())[0] == 200
    assert await blobs_of(world).read("health.json") is not None


async def test_a_run_store_that_may_be_read_and_not_written_is_no_run_store(
    world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        return None

    monkeypatch.setattr(blobs_of(world), "read", lost)
    assert "does not come back" in await only_wrong("storage:REPORT_STORAGE")


@pytest.mark.parametrize("setting", ["SOURCE_STORAGE", "INGEST_STORAGE"])
async def test_an_account_that_refuses_to_be_listed_is_named(
    world: Services, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    key = "d3Jvbmcta2V5LXdyb25nLWtleS13cm9uZy1rZXk="
    given = world.settings.connections
    account = given[setting]
    assert isinstance(account, StorageConnection)
    wrong = open_services(replace(world.settings, connections={**given, setting: replace(account, key=key)}))
    broken = replace(world, listers={**world.listers, setting: wrong.listers[setting]})
    monkeypatch.setattr(service, "services", lambda: broken)
    detail = await only_wrong(f"storage:{setting}")
    assert "403" in detail
    assert key not in detail
    await close(wrong)


def without(world: Services, setting: str) -> Services:
    return replace(world, listers={name: one for name, one in world.listers.items() if name != setting})


def with_source(world: Services, lister: object) -> Services:
    return replace(world, listers={**world.listers, "SOURCE_STORAGE": cast("RestLister", lister)})


async def test_an_account_that_is_not_set_up_is_not_asked_for(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "services", lambda: without(world, "INGEST_STORAGE"))
    status, document = await health()
    assert (status, set(document["checks"])) == (200, ALL - {"storage:INGEST_STORAGE"})


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param("drop table encode_jobs cascade", "no such table", id="a table"),
        pytest.param("drop table audits cascade", "no such table", id="the trail"),
        pytest.param("alter table capture_sessions drop column ingest_address", "does not understand", id="a column"),
        pytest.param("alter table recordings drop column duration", "does not understand", id="only of the recordings"),
        pytest.param("alter table recordings rename filename to file", "does not understand", id="another name"),
    ],
)
async def test_a_database_that_an_audit_could_not_read_is_not_well(database_url: str, change: str, words: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(change.encode())
    assert words in await only_wrong("database:PRE_DATABASE")


@pytest.mark.parametrize("table", ["capture_sessions", "recordings", "encode_jobs", "audits", "bookings", "cases"])
async def test_a_table_that_may_not_be_read_shows(
    world: Services, database_url: str, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    role = f"reader_{uuid4().hex[:8]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {role} login password 'health-password'".encode())
        connection.execute(f"grant select on all tables in schema public to {role}".encode())
        connection.execute(f"revoke select on {table} from {role}".encode())
    host = database_url.rpartition("@")[2]
    url = f"postgresql://{role}:health-password@{host}"
    settings = replace(world.settings, connections={**world.settings.connections, "PRE_DATABASE": url})
    monkeypatch.setattr(service, "services", lambda: replace(world, settings=settings))
    assert "SELECT" in await only_wrong("database:PRE_DATABASE")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


class Reading(Other):
    """A profile that reads a table beside PRE's, of the same database."""

    name = "reading"
    connections = (
        Connection("PRE_DATABASE", Technology.DATABASE, "database"),
        Connection("SPARE_DATABASE", Technology.DATABASE, "spare", needed=False),
    )
    sources = (Source("entries", "PRE_DATABASE", lambda _asked, _moments: SqlRows("select '[]' from entries")),)


@pytest.mark.parametrize("first", [True, False], ids=["named first", "named last"])
async def test_what_any_profile_asks_of_a_database_is_asked_and_what_is_not_given_is_not(
    world: Services, database_url: str, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    of_two = [("reading", Reading()), *world.settings.profiles.items()]
    both = replace(world.settings, profiles=dict(of_two if first else reversed(of_two)))
    monkeypatch.setattr(service, "services", lambda: replace(world, settings=both))
    assert "no such table" in await only_wrong("database:PRE_DATABASE")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table entries (id int)")
        status, document = await health()
        assert (status, set(document["checks"])) == (200, ALL)
        connection.execute("drop table encode_jobs cascade")
    assert "no such table" in await only_wrong("database:PRE_DATABASE")


async def test_an_api_is_asked_what_a_profile_asks_it_first(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = {**world.settings.profiles, "talking": TALKING}
    settings = replace(world.settings, profiles=profiles)
    async with scripted(answers([]), answers({"detail": "Who are you?"}, 401)) as (api, seen):
        monkeypatch.setattr(service, "services", lambda: replace(world, settings=settings, apis={"JOBS_API": api}))
        status, document = await health()
        assert (status, set(document["checks"])) == (200, ALL | {"api:JOBS_API"})
        assert [one.path for one in seen] == ["/some/api/flow_runs/filter"]
        assert "it answered 401 (Who are you?)" in await only_wrong("api:JOBS_API")


async def test_a_repair_that_does_not_end_is_named(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    repair_id, hours = "20260131-093000-1a2b3c4d", world.settings.repair_start_hours
    ages = {hours + 0.9: 200, hours + 1.1: 503}
    for age, expected in ages.items():
        active = await world.store.repairs.active(PROFILE)
        await world.store.repairs.claim(PROFILE, repair_id, world.now() - timedelta(hours=age), active)
        assert (await health())[0] == expected
    assert f"repair show {repair_id}" in await only_wrong(f"repairs:{PROFILE}")
    monkeypatch.setattr(service, "services", lambda: replace(world, settings=replace(world.settings, profiles={})))
    assert f"repairs:{PROFILE}" not in (await health())[1]["checks"]


class Stubborn:
    """An account that never answers, and lets go of nobody."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def containers(self) -> AsyncIterator[list[str]]:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                continue
        yield []


async def test_a_check_that_hangs_hides_no_other_and_is_not_waited_for(
    world: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = Stubborn()
    monkeypatch.setattr(service, "_PATIENCE_SECONDS", 3)
    monkeypatch.setattr(service, "services", lambda: with_source(world, stubborn))
    async with asyncio.timeout(20):
        assert await only_wrong("storage:SOURCE_STORAGE") == "No answer within 3 seconds."
    stubborn.let_go.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*service._given_up)
    assert service._given_up == set()


async def test_a_check_that_ends_unexpectedly_hides_no_other_and_shows_nothing_of_itself(
    world: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def containers(self) -> AsyncIterator[list[str]]:
            names: dict[str, list[str]] = {}
            yield names["AccountKey=c2VjcmV0"]

    monkeypatch.setattr(service, "services", lambda: with_source(world, Broken()))
    assert await only_wrong("storage:SOURCE_STORAGE") == (
        "An unexpected error (KeyError). The service's log has the details."
    )
    assert "storage:SOURCE_STORAGE" in caplog.text
    assert "c2VjcmV0" not in caplog.text


# --- what is running, and whether it is -------------------------------------------------------------------------------


async def test_being_up_needs_no_setting_and_no_other_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("it looked at something")

    for name in ("services", "commit"):
        monkeypatch.setattr(service, name, nothing)
    monkeypatch.setattr("os.environ", {})
    response = await service.live()
    assert (response.status_code, json.loads(response.get_body())) == (200, {"status": "up"})
    assert response.headers["Cache-Control"] == "no-store"
