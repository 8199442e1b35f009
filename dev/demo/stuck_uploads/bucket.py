"""Planting the files of the cases in a bucket of S3, or in a container of Azure Storage that is used as one."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from aiobotocore.session import get_session
from azure.storage.blob.aio import BlobServiceClient

from dev.demo.stuck_uploads.cases import STRAY_OBJECT, Case
from dev.devstack.moto import REGION, MotoServer, moto

_CONNECTIONS = 8
_BLOCK = 1_000_000
"""More bytes at once are warned of."""


def objects_of(cases: Iterable[Case]) -> Iterator[tuple[str, bytes]]:
    """All objects of the cases by their keys, and one that is nobody's."""
    for case in cases:
        yield from case.objects()
    yield STRAY_OBJECT, b"something"


def plant_s3(server: MotoServer, bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
    """Make the bucket and write the objects, several at a time."""
    asyncio.run(_plant_s3(server, bucket, iter(objects)))


async def put_s3(server: MotoServer, bucket: str, key: str, data: bytes) -> None:
    """Write one object, whether it is there or not."""
    async with _client(server) as client:
        await client.put_object(Bucket=bucket, Key=key, Body=data)


def _client(server: MotoServer) -> Any:
    session: Any = get_session()
    return session.create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
    )


async def _plant_s3(server: MotoServer, bucket: str, objects: Iterator[tuple[str, bytes]]) -> None:
    async with _client(server) as client:
        await client.create_bucket(Bucket=bucket)

        async def work() -> None:
            for key, data in objects:
                await client.put_object(Bucket=bucket, Key=key, Body=data)

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))


def plant_azure(connection_string: str, container: str, objects: Iterable[tuple[str, bytes]]) -> None:
    """Make the container and write the objects, several at a time."""
    asyncio.run(_plant_azure(connection_string, container, iter(objects)))


async def _plant_azure(connection_string: str, container: str, objects: Iterator[tuple[str, bytes]]) -> None:
    async with BlobServiceClient.from_connection_string(
        connection_string, max_single_put_size=_BLOCK, max_block_size=_BLOCK
    ) as service:
        client = await service.create_container(container)

        async def work() -> None:
            for key, data in objects:
                await client.upload_blob(key, data)

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))


def planted_bucket(
    running: ExitStack, setting: str, name: str, objects: Iterable[tuple[str, bytes]], container_of: str | None
) -> dict[str, str]:
    """The settings of a bucket that holds these objects: a container of the account of this connection string, or
    without one a bucket of an S3 that is running until the stack is closed.
    """
    if container_of is not None:
        plant_azure(container_of, name, objects)
        return {setting: container_of, f"{setting}__container": name}
    server = running.enter_context(moto())
    plant_s3(server, name, objects)
    return server.settings(setting, name)
