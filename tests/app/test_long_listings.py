"""Listings of many pages and names of every kind: nothing is missed, nothing is changed."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from dev.demo.__main__ import verdicts
from dev.demo.cases import Case, PlantedContainer, demo_id, encoded, healthy_cases
from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY, HOST, AzuriteServer
from tests.app.conftest import PlantWorld
from tests.app.proxy import StorageProxy
from tests.app.world import World, running

FILLERS = 5_001  # one more than storage puts on a page
ODD = (
    " a leading blank",
    " a trailing blank ",
    "R&D",
    "<take>",
    "\"double\" and 'single'",
    "ü é 漢字 😀",
    "e\u0301 combined",
    "100%",
    "%41",
    "a%20b",
    "a+b",
    "a?b#c",
    "..dots..",
    "&amp;lt;",
    "]]>",
    "a//b",
    "tab\there",
    "line\nbreak",
    "carriage\rreturn",
    "\x7fdelete",
    "no\u00a0break",
    "\u2028separator",
)


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    """A session whose track stands behind a full page of other blobs, and one with a container for each odd name."""
    long = Case(
        "last of many",
        "its track is on the second page",
        "unregistered_recording",
        containers=(encoded(demo_id("last of many: recording"), demo_id("last of many").hex),),
    )
    key = demo_id("odd names").hex
    odd = Case(
        "odd names",
        "several containers carry its id, each in a track of another odd name",
        "ambiguous_containers",
        containers=tuple(
            PlantedContainer(str(demo_id(f"odd name {name}")), {f"{key}_{name}.mp4": 10, f"{key}.ism": 10})
            for name in ODD
        ),
    )
    return plant([long, odd, *healthy_cases(6)], [])


@pytest.fixture(scope="module")
def many_blobs(world: World, source_storage: AzuriteServer) -> int:
    """Fill one session's container with blobs that come before its track; how many blobs it holds then."""
    [container] = world.case("last of many").containers
    asyncio.run(fill(source_storage.port, container.name))
    return FILLERS + len(container.blobs)


async def fill(port: int, container: str) -> None:
    allowed = ContainerSasPermissions(create=True, write=True)
    expiry = datetime.now(UTC) + timedelta(hours=1)
    sas = generate_container_sas(ACCOUNT, container, account_key=ACCOUNT_KEY, permission=allowed, expiry=expiry)
    numbers = iter(range(FILLERS))
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2023-11-03"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def work() -> None:
            for number in numbers:
                url = f"http://{HOST}:{port}/{ACCOUNT}/{container}/%21{number:05}?{sas}"
                async with session.put(url, data=b"") as response:
                    assert response.status == 201, await response.text()

        await asyncio.gather(*(work() for _ in range(16)))


@pytest.mark.deep
def test_a_container_of_more_blobs_than_a_page_is_read_to_its_end(
    world: World, many_blobs: int, proxy: StorageProxy
) -> None:
    proxy.reset()
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string)) as api:
        _, report = api.audited()
    assert verdicts(report) == world.expected
    [container] = world.case("last of many").containers
    pages = [bool(asked.page) for asked in proxy.asked if asked.lists_blobs and asked.container == container.name]
    assert pages == [False, True] * 2, "both pages, by the scan and by the second look"
    [finding] = [f for f in report["findings"] if f["subject"]["id"] == str(world.case("last of many").session_id)]
    assert [evidence["blobs"] for evidence in finding["evidence"]] == [many_blobs]


def test_pages_of_two_miss_no_container_and_no_blob(world: World, proxy: StorageProxy) -> None:
    """The container of thousands is left out by asking for the others: 2,500 pages would take their time."""
    [long] = world.case("last of many").containers
    others = sorted({c.name[:3] for c in world.containers} - {long.name[:3]})
    proxy.reset()
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_LIST_PAGE_SIZE="2")) as api:
        view, report = api.audited(container_prefixes=others)
    # The time, the listing, and the one that it is held to.
    assert sum(asked.lists_account for asked in proxy.asked) == 1 + 2 * -(-len(world.containers) // 2)
    assert view["progress"]["units"]["listed"] == len(world.containers)
    assert view["progress"]["units"]["scanned"] == len(world.containers) - 1
    assert report["coverage"]["blobs"] == sum(len(c.blobs) for c in world.containers if c.name != long.name)
    assert verdicts(report)[str(world.case("odd names").session_id)] == "ambiguous_containers"


@pytest.mark.parametrize("page_size", ["1", "5000"])
def test_names_come_through_as_they_were_written(world: World, page_size: str) -> None:
    odd = world.case("odd names")
    with BlobServiceClient.from_connection_string(world.source) as service:
        written = {
            blob.name
            for container in odd.containers
            for blob in service.get_container_client(container.name).list_blobs()
            if blob.name.endswith(".mp4")
        }
    assert written == {f"{odd.session_id.hex}_{name}.mp4" for name in ODD}, "storage itself changed a name"
    prefixes = sorted({container.name[:4] for container in odd.containers})
    with running(world.settings(AUDIT_LIST_PAGE_SIZE=page_size)) as api:
        _, report = api.audited(container_prefixes=prefixes, only=[str(odd.session_id)])
    [finding] = report["findings"]
    seen = [file["name"] for evidence in finding["evidence"] for file in evidence["media"]]
    assert sorted(seen) == sorted(written)
