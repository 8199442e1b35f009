"""A gateway in front of real storage that drops conditions from requests, as gateways do that are only compatible."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import ClientSession, web
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from adapters.buckets.connections import BucketConnection, ContainerConnection, S3Connection, by_s3_address
from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY

Drops = Callable[[web.Request], str]
"""The header that is dropped from a request, in lower case; empty: none."""
_OF_THE_HOP = frozenset({"transfer-encoding", "connection", "content-length", "date", "server", "host", "expect"})
_SIGNED = frozenset({"authorization", "x-amz-date", "x-amz-content-sha256", "content-md5"})


@asynccontextmanager
async def behind(connection: BucketConnection, drops: Drops) -> AsyncIterator[BucketConnection]:
    """The same bucket through the gateway."""
    is_s3 = isinstance(connection, S3Connection)
    server = connection.storage.url if isinstance(connection, ContainerConnection) else _endpoint(connection)
    parts = urlsplit(server or "")
    async with ClientSession(auto_decompress=False) as session:

        async def passed(request: web.Request) -> web.StreamResponse:
            leave = _OF_THE_HOP | {drops(request)} | (_SIGNED if is_s3 else frozenset())
            headers = {name: text for name, text in request.headers.items() if name.lower() not in leave}
            url, body = f"{parts.scheme}://{parts.netloc}{request.raw_path}", await request.read()
            if isinstance(connection, S3Connection):
                headers = _signed(connection, request.method, url, headers, body)
            asked = session.request(request.method, URL(url, encoded=True), headers=headers, data=body)
            async with asked as answer:
                kept = [(name, text) for name, text in answer.headers.items() if name.lower() not in _OF_THE_HOP]
                given = web.Response(status=answer.status, body=await answer.read())
                given.headers.extend(kept)
                return given

        app = web.Application(client_max_size=1024**3)
        app.router.add_route("*", "/{path:.*}", passed)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            [address] = runner.addresses
            yield _at(f"http://127.0.0.1:{address[1]}", connection)
        finally:
            await runner.cleanup()


def _at(gateway: str, connection: BucketConnection) -> BucketConnection:
    if isinstance(connection, S3Connection):
        given = f"s3://{connection.bucket}?endpoint={gateway}&region={connection.region}"
        return by_s3_address(connection.setting, given, *(connection.key or (None, None)))
    assert isinstance(connection, ContainerConnection)
    # What is signed by the account's key includes the conditions; a shared access signature does not.
    sas = generate_account_sas(
        ACCOUNT,
        ACCOUNT_KEY,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, list=True, write=True, create=True, add=True, delete=True),
        datetime.now(UTC) + timedelta(hours=1),
    )
    storage = replace(connection.storage, url=f"{gateway}/{ACCOUNT}", key=None, sas=sas)
    return replace(connection, storage=storage)


def _endpoint(connection: BucketConnection) -> str | None:
    assert isinstance(connection, S3Connection)
    return connection.endpoint


def _signed(connection: S3Connection, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    assert connection.key is not None
    request = AWSRequest(method, url, dict(headers), body)
    S3SigV4Auth(Credentials(*connection.key), "s3", connection.region).add_auth(request)
    return dict(request.headers.items())
