"""Sources as they are declared, on a real database and a real account."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from aiohttp import web
from azure.storage.blob import BlobServiceClient

from adapters.readers import Portion, Reader, Reading, beyond, reader
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.devstack.azurite import AzuriteServer
from dev.devstack.storage_stub.pages import container_page
from reconciliation.errors import (
    DatabaseUnavailableError,
    SettingsError,
    StorageRefusedError,
    TooLargeError,
)
from reconciliation.evidence import Unread
from reconciliation.queries import Containers, HttpRows, Query, SqlRows
from tests.adapters.api_profile import jobs
from tests.adapters.listing.scripted_storage import failure, storage, xml
from tests.adapters.scripted_api import answers
from tests.adapters.scripted_api import scripted as scripted_api

STORAGE, DATABASE = "SOURCE_STORAGE", "PRE_DATABASE"
MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
COUNT = SqlRows("select json_build_array(count(*))::text from courts")


@pytest.fixture
async def world(azurite_server: AzuriteServer, database_url: str) -> AsyncIterator[Services]:
    settings = {
        **dict.fromkeys((STORAGE, "REPORT_STORAGE"), azurite_server.connection_string),
        DATABASE: database_url,
        "AUDIT_LIST_PAGE_SIZE": "2",
    }
    found = open_services(load_settings(settings))
    yield found
    found.listers[STORAGE].close()


async def values(opened: Reader, query: Query) -> list[Any]:
    return [json.loads(line) for lines in await portions(opened, query) for line in lines]


async def portions(opened: Reader, query: Query) -> list[list[str]]:
    reading = Reading(opened.lines(query))
    found = [lines async for lines in reading.lines()]
    assert reading.unread is None
    return found


def scripted(world: Services, lister: Any) -> Services:
    return replace(world, listers={STORAGE: lister})


async def test_a_reading_that_does_not_come_to_its_end_keeps_what_it_gave_and_says_why() -> None:
    async def given() -> AsyncIterator[Portion]:
        yield ["1", "2"]
        yield Unread("page 2", "It was refused.", failed=True)
        pytest.fail("it is not asked for more")

    reading = Reading(given())
    assert [lines async for lines in reading.lines()] == [["1", "2"]]
    assert reading.unread == "page 2: It was refused."


# --- a database -------------------------------------------------------------------------------------------------------


async def test_all_queries_of_one_reader_see_one_moment(world: Services, database_url: str) -> None:
    insert = "insert into courts values (gen_random_uuid(), 'CROWN', 'x')"
    async with reader(world, DATABASE) as opened:
        before = await values(opened, COUNT)
        with psycopg.connect(database_url) as connection:
            connection.execute(insert)
        assert await values(opened, COUNT) == before == [[0]]
    async with reader(world, DATABASE) as opened:
        assert await values(opened, COUNT) == [[1]]


async def test_a_value_with_a_line_break_between_its_parts_stays_one_line(world: Services) -> None:
    query = SqlRows(
        """select to_json(given)::text from (select E'{"a":\\n 1}'::json as value, E'x\\ny' as text) given"""
    )
    async with reader(world, DATABASE) as opened:
        [[line]] = await portions(opened, query)
    assert "\n" not in line
    assert json.loads(line) == {"value": {"a": 1}, "text": "x\ny"}


async def test_rows_are_given_in_the_words_of_the_database_and_values_travel_beside_the_statement(
    world: Services,
) -> None:
    query = SqlRows("select json_build_array(%(name)s::text, 1.50)::text", {"name": "'; drop table courts --ü"})
    async with reader(world, DATABASE) as opened:
        [[line]] = await portions(opened, query)
    assert line == '["\'; drop table courts --ü", 1.50]'


async def test_a_database_says_what_it_is_and_how_far_its_clock_is_ahead_of_the_apps(world: Services) -> None:
    behind = replace(world, now=lambda: datetime.now(UTC) - timedelta(hours=3))
    async with reader(behind, DATABASE) as opened:
        assert opened.state is not None
        assert not opened.state.is_replica
        assert abs(await opened.ahead() - timedelta(hours=3)) < timedelta(seconds=30)
    async with reader(world, DATABASE) as opened:
        assert await opened.ahead() == timedelta(), "so little says nothing"


async def test_a_database_that_cannot_be_reached_is_told_where_it_is_opened(world: Services) -> None:
    nowhere = "postgresql://a:b@no-such-host.invalid/c"
    settings = replace(world.settings, connections={**world.settings.connections, DATABASE: nowhere})
    with pytest.raises(DatabaseUnavailableError, match="PRE_DATABASE"):
        async with reader(replace(world, settings=settings), DATABASE):
            pytest.fail("it was opened")


# --- an account -------------------------------------------------------------------------------------------------------


async def test_the_containers_of_an_account_are_read_by_their_names_page_by_page(
    world: Services, azurite_server: AzuriteServer
) -> None:
    names = sorted(f"{start}-{uuid4()}" for start in ("a", "b", "c", "d", "e"))
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        for name in names:
            service.create_container(name)
        async with reader(world, STORAGE) as opened:
            assert await opened.ahead() == timedelta()
            pages = await portions(opened, Containers())
        for name in names:
            service.delete_container(name)
    found = [json.loads(line) for lines in pages for line in lines]
    assert found == sorted(found)
    assert [name for name in found if name in names] == names
    assert max(map(len, pages)) <= 2, "a page is handed on as it comes"
    assert opened.state is None


@pytest.mark.parametrize(
    ("ahead", "seen"),
    [
        pytest.param(timedelta(), timedelta(), id="alike"),
        pytest.param(timedelta(hours=3), timedelta(hours=3), id="ahead"),
        pytest.param(timedelta(hours=-3), timedelta(hours=-3), id="behind"),
        pytest.param(timedelta(days=1, minutes=1), timedelta(), id="an answer that was kept on its way"),
        pytest.param(timedelta(days=-400), timedelta(), id="one that was kept for long"),
    ],
)
async def test_how_far_the_clock_of_an_account_is_ahead(world: Services, ahead: timedelta, seen: timedelta) -> None:
    def answer(_request: web.Request) -> web.Response:
        page = xml(container_page(["first-one"], MODIFIED, "").decode())
        page.headers["Date"] = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return page

    async with storage(answer) as (lister, _), reader(scripted(world, lister), STORAGE) as opened:
        assert abs(await opened.ahead() - seen) <= timedelta(minutes=1)
        assert await values(opened, Containers()) == ["first-one"]


TOLERANCE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("ahead", "seen"),
    [
        pytest.param(timedelta(), timedelta(), id="alike"),
        pytest.param(TOLERANCE, timedelta(), id="no further than clocks may differ"),
        pytest.param(-TOLERANCE, timedelta(), id="the same behind"),
        pytest.param(timedelta(minutes=7, microseconds=700_000), timedelta(minutes=7, seconds=1), id="whole seconds"),
        pytest.param(timedelta(minutes=-7), timedelta(minutes=-7), id="behind"),
        pytest.param(timedelta(days=-400), timedelta(days=-400), id="far behind"),
    ],
)
def test_a_clock_that_differs_by_more_than_clocks_may_tells_something(ahead: timedelta, seen: timedelta) -> None:
    assert beyond(ahead, TOLERANCE) == seen


async def test_an_account_of_more_containers_than_the_app_is_set_up_for_is_refused_as_soon_as_that_is_seen(
    world: Services,
) -> None:
    pages = iter([(["a-1", "a-2"], "next"), (["b-1", "b-2"], "more"), (["c-1"], "last"), (["d-1"], "")])
    small = replace(world, settings=replace(world.settings, max_containers=3))

    def answer(request: web.Request) -> web.Response:
        if request.query["maxresults"] == "1":  # the clock
            return xml(container_page([], MODIFIED, "").decode())
        names, marker = next(pages)
        return xml(container_page(names, MODIFIED, marker).decode())

    read: list[str] = []
    async with storage(answer) as (lister, _), reader(scripted(small, lister), STORAGE) as opened:

        async def take() -> None:
            async for lines in Reading(opened.lines(Containers())).lines():
                read.extend(lines)

        with pytest.raises(TooLargeError, match=r"more than 3 containers.* Raise AUDIT_MAX_CONTAINERS"):
            await take()
    assert read == ['"a-1"', '"a-2"']
    assert (["d-1"], "") in pages, "no more than one page is asked for ahead of time"


async def test_an_account_that_refuses_is_told_where_it_is_asked(world: Services) -> None:
    async with storage(lambda _: failure(403)) as (lister, _), reader(scripted(world, lister), STORAGE) as opened:
        with pytest.raises(StorageRefusedError):
            await opened.ahead()


# --- an API -----------------------------------------------------------------------------------------------------------


async def test_the_rows_of_an_api_are_read_as_its_conversation_gives_them(world: Services) -> None:
    async with (
        scripted_api(answers([{"id": 1}])) as (api, seen),
        reader(replace(world, apis={"JOBS_API": api}), "JOBS_API") as opened,
    ):
        assert await portions(opened, HttpRows(jobs)) == [['{"id":1}']]
        assert opened.state is None
        with pytest.raises(SettingsError, match="An API cannot answer SqlRows"):
            await values(opened, COUNT)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("ahead", "seen"),
    [
        pytest.param(timedelta(), timedelta(), id="alike"),
        pytest.param(timedelta(hours=3), timedelta(hours=3), id="ahead"),
        pytest.param(timedelta(days=-400), timedelta(), id="an answer that was kept for long"),
    ],
)
async def test_how_far_the_clock_of_an_api_is_ahead(world: Services, ahead: timedelta, seen: timedelta) -> None:
    date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    async with (
        scripted_api(answers({}, 404, Date=date)) as (api, _),
        reader(replace(world, apis={"JOBS_API": api}), "JOBS_API") as opened,
    ):
        assert abs(await opened.ahead() - seen) <= timedelta(minutes=1)


# --- what does not fit ------------------------------------------------------------------------------------------------


async def test_what_the_one_is_asked_the_other_cannot_answer(world: Services) -> None:
    async with reader(world, DATABASE) as opened:
        with pytest.raises(SettingsError, match="A database cannot answer Containers"):
            await values(opened, Containers())
    async with reader(world, STORAGE) as opened:
        with pytest.raises(SettingsError, match="A storage account cannot answer SqlRows"):
            await values(opened, COUNT)


@pytest.mark.parametrize("setting", ["INGEST_STORAGE", "NOBODYS"])
async def test_a_setting_that_is_not_given_cannot_be_read(world: Services, setting: str) -> None:
    with pytest.raises(SettingsError, match=f"{setting} is not the setting of a database"):
        async with reader(world, setting):
            pytest.fail("it was opened")
