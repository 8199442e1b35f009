"""The same bucket kept by each technology, on its real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob.aio import ContainerClient

from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import BucketConnection, S3Connection, by_s3_address, in_container
from adapters.buckets.opening import open_bucket
from adapters.buckets.s3 import S3Bucket
from adapters.connections import by_connection_string
from adapters.patience import Patience
from dev.devstack.azurite import AzuriteServer
from dev.devstack.moto import MotoServer

SETTING = "STUCK_UPLOADS_BUCKET"
PATIENCE = Patience(attempts=2, first_wait=0.01, request_timeout=20)
Server = AzuriteServer | MotoServer
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
    return in_container(by_connection_string(SETTING, server.connection_string), name)


@pytest.fixture(params=["s3", "azure"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue("s3_server" if request.param == "s3" else "azurite_server")
    return found


@pytest.fixture
async def kept(server: Server) -> AsyncIterator[Kept]:
    connection = connection_to(server, f"bucket-{uuid4()}")
    bucket = open_bucket(connection, PATIENCE)
    if isinstance(connection, S3Connection):
        assert isinstance(bucket, S3Bucket)
        client, name = await bucket._client(), connection.bucket
        await client.create_bucket(Bucket=name)

        async def put(key: str, data: bytes) -> None:
            await client.put_object(Bucket=name, Key=key, Body=data)

        yield Kept(connection, bucket, put)
        await bucket.close()
        return
    storage = connection.storage
    credential: Any = {"account_name": storage.account, "account_key": storage.key}
    async with ContainerClient(storage.url, connection.container, credential=credential) as container:
        await container.create_container()

        async def upload(key: str, data: bytes) -> None:
            await container.upload_blob(key, data, overwrite=True)

        yield Kept(connection, bucket, upload)
    await bucket.close()
