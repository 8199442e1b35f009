"""On a real Azurite, our listing and the vendor's SDK see the same, whatever the names, sizes and pages."""

from contextlib import closing
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.connections import by_connection_string
from adapters.credentials import endpoint_of
from adapters.listing.account import Account
from adapters.listing.lister import RestLister
from dev.devstack.azurite import AzuriteServer
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES
from reconciliation.lookups import Blob

# What Azurite stores: it refuses names that are not XML 1.0 text, and takes a backslash for a slash.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\\￾￿")
NAMES = st.builds(
    str.__add__, st.text(CHARACTERS, min_size=1, max_size=40), st.sampled_from([".mp4", ".ism", ".MP4", "", ".txt"])
).filter(lambda name: not name.endswith((".", "/")) and "//" not in name and name not in {".", ".."})


async def listed_by_us(
    server: AzuriteServer, container: str, page_size: int, prefix: str = ""
) -> tuple[int, list[Blob]]:
    connection = by_connection_string("SOURCE_STORAGE", server.connection_string)
    with closing(Account(connection.url)) as account:
        pages = await RestLister(endpoint_of(connection), account, page_size=page_size).blobs(
            container, MATTERING_SUFFIXES, prefix
        )
    return sum(page.total for page in pages), [blob for page in pages for blob in page.kept]


def listed_by_sdk(client: ContainerClient, prefix: str | None = None) -> list[Blob]:
    found = client.list_blobs(name_starts_with=prefix)
    return [Blob(blob.name, blob.size, blob.last_modified) for blob in found]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, st.integers(0, 64), max_size=8), st.integers(1, 4))
async def test_blobs(azurite_server: AzuriteServer, blobs: dict[str, int], page_size: int) -> None:
    name = f"sdk-{uuid4()}"
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        client = service.create_container(name)
        try:
            for blob, size in blobs.items():
                client.upload_blob(blob, b"x" * size)
            expected = listed_by_sdk(client)
            total, kept = await listed_by_us(azurite_server, name, page_size)
        finally:
            client.delete_container()
    assert len(expected) == len(blobs)
    assert total == len(expected)
    assert kept == [blob for blob in expected if blob.name.lower().endswith(MATTERING_SUFFIXES)]


PREFIXES = st.text(CHARACTERS, min_size=1, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=4), PREFIXES, st.integers(1, 4))
async def test_blobs_by_the_beginning_of_their_names(
    azurite_server: AzuriteServer, with_it: list[str], without: list[str], prefix: str, page_size: int
) -> None:
    names = {*(prefix + name for name in with_it), *without}
    names = {name for name in names if "//" not in name and not name.startswith("/")}
    container = f"part-{uuid4()}"
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        client = service.create_container(container)
        try:
            for name in names:
                client.upload_blob(name, b"x")
            expected = listed_by_sdk(client, prefix)
            total, kept = await listed_by_us(azurite_server, container, page_size, prefix)
        finally:
            client.delete_container()
    assert {blob.name for blob in expected} == {name for name in names if name.startswith(prefix)}
    assert total == len(expected)
    assert kept == [blob for blob in expected if blob.name.lower().endswith(MATTERING_SUFFIXES)]


@pytest.mark.parametrize("page_size", [1, 2, 5000])
async def test_containers(azurite_server: AzuriteServer, page_size: int) -> None:
    mark = uuid4().hex
    names = sorted(f"{start}-{mark}" for start in ("0", "a", "a-b", "ab", "z"))
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        for name in names:
            service.create_container(name)
        expected = [container.name for container in service.list_containers()]
    connection = by_connection_string("SOURCE_STORAGE", azurite_server.connection_string)
    with closing(Account(connection.url)) as account:
        lister = RestLister(endpoint_of(connection), account, page_size=page_size)
        ours = [name async for page in lister.containers() for name in page]
    assert [name for name in ours if mark in name] == names
    assert [name for name in ours if name in expected] == expected


async def test_names_that_have_fooled_listings_before(azurite_server: AzuriteServer) -> None:
    names = [
        "with blanks in it.mp4",
        "R&D.mp4",
        "<b>.mp4",
        "\"quotes'.mp4",
        "ünïcödé 録音.mp4",
        "100%25.mp4",
        ".hidden.mp4",
        "..mp4",
        "a/b/c.mp4",
        "&amp;.mp4",
        "emoji 🎥.mp4",
    ]
    container = f"odd-{uuid4()}"
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        client = service.create_container(container)
        for name in names:
            client.upload_blob(name, b"x")
    total, kept = await listed_by_us(azurite_server, container, 3)
    assert total == len(names)
    assert {blob.name for blob in kept} == set(names)
