"""What a container holds, with versions, on a real blob service."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from adapters.connections import StorageConnection, by_connection_string
from adapters.contents import contents
from dev.devstack.azurite import AzuriteServer
from dev.devstack.stub import stubbed_storage
from reconciliation.errors import ContainerGoneError, StorageRefusedError, StorageUnavailableError


@pytest.fixture
def connection(azurite_server: AzuriteServer) -> StorageConnection:
    return by_connection_string("SOURCE_STORAGE", azurite_server.connection_string)


@pytest.fixture
def container(azurite_server: AzuriteServer) -> str:
    name = str(uuid4())
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        service.create_container(name)
        for blob, data in (("b.MPD", b"<MPD/>"), ("a.mp4", b"12"), ("c.mpd", b"\xff\xfe\xff"), ("d.ism", b"")):
            service.get_blob_client(name, blob).upload_blob(data)
        service.get_blob_client(name, "e.mpd").upload_blob(b" " * (1024 * 1024 + 1))
    return name


async def test_all_blobs_come_with_their_versions_and_the_texts_that_were_asked_for(
    connection: StorageConnection, container: str, azurite_server: AzuriteServer
) -> None:
    found = await contents(connection, container, ".mpd")
    assert [(blob.name, blob.size) for blob in found.blobs][:4] == [
        ("a.mp4", 2),
        ("b.MPD", 6),
        ("c.mpd", 3),
        ("d.ism", 0),
    ]
    assert found.texts == {"b.MPD": "<MPD/>", "c.mpd": None, "e.mpd": None}
    with BlobServiceClient.from_connection_string(azurite_server.connection_string) as service:
        service.get_blob_client(container, "a.mp4").upload_blob(b"21", overwrite=True)
    again = await contents(connection, container, ".mpd")
    changed = [old.name for old, new in zip(found.blobs, again.blobs, strict=True) if old.etag != new.etag]
    assert changed == ["a.mp4"]


async def test_a_container_that_is_not_there_says_so(connection: StorageConnection) -> None:
    with pytest.raises(ContainerGoneError):
        await contents(connection, str(uuid4()), ".mpd")


async def test_an_account_that_refuses_or_does_not_answer_is_no_empty_container(
    azurite_server: AzuriteServer, container: str
) -> None:
    refused = azurite_server.connection_string.replace("AccountKey=E", "AccountKey=F")
    with pytest.raises(StorageRefusedError, match="SOURCE_STORAGE"):
        await contents(by_connection_string("SOURCE_STORAGE", refused), container, ".mpd")
    nowhere = azurite_server.connection_string.replace(f":{azurite_server.port}/", ":1/")
    with pytest.raises(StorageUnavailableError, match="SOURCE_STORAGE"):
        await contents(by_connection_string("SOURCE_STORAGE", nowhere), container, ".mpd")


async def test_a_response_without_what_it_must_have_is_storage_that_cannot_be_reached(tmp_path: Path) -> None:
    account = tmp_path / "account.jsonl"
    account.write_text(
        json.dumps({"container": "one", "blobs": [["a.mpd", 5, "Fri, 20 Mar 2026 09:30:00 GMT"]]}) + "\n"
    )
    with stubbed_storage(["--account", str(account)]) as stub:  # it serves listings, and nothing of blobs
        connection = by_connection_string("SOURCE_STORAGE", stub.connection_string)
        with pytest.raises(StorageUnavailableError):
            await contents(connection, "one", ".mpd")
