"""The same bucket kept by each technology, on its real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob.aio import ContainerClient

from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import (
    BucketConnection,
    FolderConnection,
    S3Connection,
    by_s3_address,
    in_container,
    in_folder,
)
from adapters.buckets.opening import open_bucket
from adapters.buckets.s3 import S3Bucket
from adapters.connections import by_connection_string
from adapters.patience import Patience
from dev.devstack.azurite import AzuriteServer
from dev.devstack.moto import MotoServer

_FIXTURES = {"s3": "s3_server", "azure": "azurite_server", "folder": "folder_server"}
IN_THE_NETWORK = pytest.mark.parametrize("server", ["s3", "azure"], indirect=True)
SETTING = "STUCK_UPLOADS_BUCKET"
PATIENCE = Patience(attempts=2, first_wait=0.01, request_timeout=20)


@dataclass(frozen=True)
class FolderServer:
    """A folder for buckets that are folders."""

    path: Path


Server = AzuriteServer | MotoServer | FolderServer
Put = Callable[[str, bytes], Awaitable[None]]


@dataclass(frozen=True)
class Kept:
    """A bucket that was made for a test, how to reach it, and how something is put into it."""

    connection: BucketConnection
    bucket: Bucket
    put: Put


def connection_to(server: Server, name: str) -> BucketConnection:
    if isinstance(server, MotoServer):
        return by_s3_address(SETTING, server.setting(name), server.access_key_id, server.secret_access_key)
    if isinstance(server, FolderServer):
        return in_folder(SETTING, str(server.path / name))
    return in_container(by_connection_string(SETTING, server.connection_string), name)


@pytest.fixture(params=["s3", "azure", "folder"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(_FIXTURES[request.param])
    return found


@pytest.fixture
def folder_server(tmp_path: Path) -> FolderServer:
    return FolderServer(tmp_path)


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    connection = connection_to(server, f"bucket-{uuid4()}")
    bucket = open_bucket(connection, PATIENCE)
    if isinstance(connection, S3Connection):
        assert isinstance(bucket, S3Bucket)
        client, name = await bucket._client(), connection.bucket
        await client.create_bucket(Bucket=name)

        async def put(key: str, data: bytes) -> None:
            await client.put_object(Bucket=name, Key=key, Body=BytesIO(data))

        yield Kept(connection, bucket, put)
        await bucket.close()
        return
    if isinstance(connection, FolderConnection):
        root = Path(connection.path)
        (root / ".never empty").mkdir(parents=True)

        async def write(key: str, data: bytes) -> None:
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(data)

        yield Kept(connection, bucket, write)
        await bucket.close()
        return
    storage = connection.storage
    credential: Any = {"account_name": storage.account, "account_key": storage.key}
    piece = 512 * 1024
    async with ContainerClient(
        storage.url, connection.container, credential=credential, max_single_put_size=piece, max_block_size=piece
    ) as container:
        await container.create_container()

        async def upload(key: str, data: bytes) -> None:
            await container.upload_blob(key, BytesIO(data), length=len(data), overwrite=True)

        yield Kept(connection, bucket, upload)
    await bucket.close()
