"""Look-ups on a real account."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from azure.storage.blob import BlobServiceClient, ContainerClient

from adapters.listing.lister import RestLister
from adapters.probers import Prober
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.devstack.azurite import AzuriteServer
from dev.devstack.storage_stub.pages import BlobEntry, blob_page
from reconciliation.errors import ContainerGoneError, ListingError, StorageRefusedError
from reconciliation.lookups import BlobCount, BlobsOf, lookup_from_json, lookup_to_json
from tests.adapters.listing.scripted_storage import failure, storage, xml

MODIFIED = "Fri, 20 Mar 2026 09:30:00 GMT"
STORAGE, INGEST = "SOURCE_STORAGE", "INGEST_STORAGE"


@pytest.fixture
async def world(azurite_server: AzuriteServer) -> AsyncIterator[Services]:
    settings = {
        **dict.fromkeys((STORAGE, "REPORT_STORAGE"), azurite_server.connection_string),
        "PRE_DATABASE": "postgresql://a@b/c",
        "AUDIT_LIST_PAGE_SIZE": "2",
    }
    found = open_services(load_settings(settings))
    yield found
    found.listers[STORAGE].close()


@pytest.fixture
def container(azurite_server: AzuriteServer) -> ContainerClient:
    """A container with five blobs, three of them under a/."""
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        client = service.create_container(f"probe-{uuid4()}")
        for name in ("a/1.mp4", "a/2.MP4", "a/3.txt", "b.mp4", "c"):
            client.upload_blob(name, b"x" * len(name))
    return client


async def test_the_blobs_of_a_container_are_all_or_those_of_a_beginning(
    world: Services, container: ContainerClient
) -> None:
    prober, name = Prober(world), container.container_name

    async def seen(lookup: BlobsOf) -> tuple[int, list[str]]:
        answer = await prober.look(lookup)
        return lookup.things(answer), [blob.name for page in answer for blob in page.kept]

    assert await seen(BlobsOf(STORAGE, name)) == (5, ["a/1.mp4", "a/2.MP4", "a/3.txt", "b.mp4", "c"])
    assert await seen(BlobsOf(STORAGE, name, keep=(".mp4",))) == (5, ["a/1.mp4", "a/2.MP4", "b.mp4"])
    assert await seen(BlobsOf(STORAGE, name, prefix="a/", keep=(".txt",))) == (3, ["a/3.txt"])
    assert await seen(BlobsOf(STORAGE, name, prefix="nothing")) == (0, [])


async def test_blobs_are_counted(world: Services, container: ContainerClient) -> None:
    lookup = BlobCount(STORAGE, container.container_name)
    answer = await Prober(world).look(lookup)
    assert (answer, lookup.things(answer)) == (5, 5)


async def test_where_there_is_no_such_container_its_blobs_are_gone_and_are_none_to_count(world: Services) -> None:
    prober, name = Prober(world), f"nobody-{uuid4()}"
    with pytest.raises(ContainerGoneError):
        await prober.look(BlobsOf(STORAGE, name))
    lookup = BlobCount(STORAGE, name)
    assert await prober.look(lookup) == lookup.things(0) == 0


@pytest.mark.parametrize("lookup", [BlobsOf(INGEST, "some-container"), BlobCount(INGEST, "some-container")], ids=str)
async def test_of_a_setting_that_is_not_given_nothing_is_known(world: Services, lookup: BlobsOf | BlobCount) -> None:
    assert await Prober(world).look(lookup) is None
    assert lookup.things(None) == 0


def scripted(world: Services, lister: RestLister) -> Prober:
    return Prober(Services(world.settings, world.records, world.store, {STORAGE: lister}))


ONE = blob_page([BlobEntry("a.mp4", 1, MODIFIED)], "").decode()
NONE = blob_page([], "").decode()


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        ([lambda: xml(ONE)], 1),
        ([lambda: xml(NONE), lambda: xml(ONE)], 1),
        ([lambda: failure(404, "ContainerNotFound"), lambda: xml(ONE)], 1),
        ([lambda: xml(NONE), lambda: failure(404, "ContainerNotFound")], 0),
        ([lambda: xml(NONE), lambda: xml(NONE)], 0),
    ],
    ids=["there", "overlooked once", "gone once", "empty, then gone", "empty twice"],
)
async def test_that_there_is_nothing_is_believed_of_two_answers_and_of_no_single_one(
    world: Services, answers: list[Callable[[], web.Response]], count: int
) -> None:
    waiting = iter(answers)
    async with storage(lambda _: next(waiting)()) as (lister, seen):
        assert await scripted(world, lister).look(BlobCount(STORAGE, "some-container")) == count
    assert len(seen) == len(answers)


@pytest.mark.parametrize("lookup", [BlobsOf(STORAGE, "some-container"), BlobCount(STORAGE, "some-container")], ids=str)
async def test_what_cannot_be_read_is_an_error_and_no_answer(world: Services, lookup: BlobsOf | BlobCount) -> None:
    async with storage(lambda _: failure(403)) as (lister, _):
        with pytest.raises(StorageRefusedError):
            await scripted(world, lister).look(lookup)
    async with storage(lambda _: xml("<html />")) as (lister, _):
        with pytest.raises(ListingError):
            await scripted(world, lister).look(lookup)


@pytest.mark.parametrize(
    "lookup",
    [BlobsOf(STORAGE, "c-1"), BlobsOf(STORAGE, "c-1", "ü/", (".mp4", ".ism")), BlobCount(INGEST, "c-1")],
    ids=str,
)
def test_a_look_up_is_kept_between_two_steps_as_it_is(lookup: BlobsOf | BlobCount) -> None:
    kept: list[Any] = lookup_to_json(lookup)
    assert lookup_from_json(kept) == lookup
