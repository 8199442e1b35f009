"""What may answer in the place of a container: never taken for the end of a listing."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.buckets.azure import AzureBucket
from adapters.buckets.connections import in_container
from adapters.buckets.listing import objects
from adapters.buckets.sqlite_rows import sqlite_rows
from adapters.connections import by_connection_string
from reconciliation.errors import ListingError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import SqliteRows
from tests.adapters.buckets.scripted_s3 import IMPATIENT

Answer = Callable[[], web.Response]
KEY = "c2VjcmV0LXNlY3JldA=="
NONE = "<?xml version='1.0' encoding='utf-8'?><EnumerationResults><Blobs /><NextMarker /></EnumerationResults>"


def answer(status: int, body: str = "", code: str = "") -> Answer:
    headers = {"x-ms-error-code": code} if code else {}
    return lambda: web.Response(status=status, text=body, content_type="application/xml", headers=headers)


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[tuple[AzureBucket, list[web.Request]]]:
    seen: list[web.Request] = []

    async def respond(request: web.Request) -> web.Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/acct"
    account = by_connection_string("THE_BUCKET", f"AccountName=acct;AccountKey={KEY};BlobEndpoint={address}")
    bucket = AzureBucket(in_container(account, "things"), IMPATIENT)
    try:
        yield bucket, seen
    finally:
        await bucket.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    "body", ["", "{}", "<html><body /></html>", NONE[:-30], "<EnumerationResults />", NONE.replace("<Blobs />", "")]
)
async def test_what_is_no_listing_is_an_error(body: str) -> None:
    async with scripted(answer(200, body)) as (bucket, seen):
        with pytest.raises(ListingError, match="THE_BUCKET"):
            await objects(bucket, "")
    assert len(seen) == 3


async def test_what_passes_is_asked_again_and_what_does_not_is_told() -> None:
    async with scripted(answer(503), answer(429), answer(200, NONE)) as (bucket, seen):
        assert await objects(bucket, "") == []
        assert len(seen) == 3
    async with scripted(answer(500)) as (bucket, seen):
        with pytest.raises(StorageUnavailableError, match="3 times in a row"):
            await objects(bucket, "")
        assert len(seen) == 3


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (answer(403, code="AuthorizationFailure"), "account key in THE_BUCKET"),
        (answer(404, code="ContainerNotFound"), "no such container"),
        (answer(404), "answered 404"),
        (answer(301), "answered 301"),
    ],
)
async def test_what_will_not_pass_is_refused_at_once(refusal: Answer, told: str) -> None:
    async with scripted(refusal) as (bucket, _):
        for asked in (objects(bucket, ""), sqlite_rows(bucket, SqliteRows("THE_BUCKET", "db", ()))):
            with pytest.raises(StorageRefusedError, match=told) as caught:
                await asked
            assert KEY not in str(caught.value)


async def test_only_the_service_can_say_that_there_is_no_blob() -> None:
    async with scripted(answer(404, code="BlobNotFound")) as (bucket, _):
        assert (await sqlite_rows(bucket, SqliteRows("THE_BUCKET", "db", ())))["state"] == "missing"
