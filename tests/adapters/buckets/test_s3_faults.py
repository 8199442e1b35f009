"""What a server of S3 may answer wrongly: never taken for the end of a listing, nor for an object that is not there."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from adapters.buckets import listing
from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import by_s3_address
from adapters.buckets.listing import objects, paths
from adapters.buckets.s3 import S3Bucket
from adapters.buckets.sqlite_rows import sqlite_rows
from reconciliation.errors import AuditError, ListingError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import SqliteRows
from reconciliation.queries import Prefixes
from reconciliation.times import from_text
from tests.adapters.buckets.scripted_s3 import IMPATIENT, SECRET, Answer, failure, never, page, scripted, text, xml

WHOLE = page(["a"])
QUERY = SqliteRows("THE_BUCKET", "db", ())


async def keys(bucket: Bucket, prefix: str = "", size: int = 1000) -> list[str]:
    return [one.key for one in await objects(bucket, prefix, size)]


async def folders(bucket: Bucket, depth: int = 1) -> list[str]:
    return [name async for portion in paths(bucket, Prefixes("", depth)) for name in portion]


async def test_pages_are_followed_by_their_tokens_and_signed() -> None:
    answers = [page(["a"], token="one two"), page(token="3"), page(["b"])]
    async with scripted(answers) as (bucket, seen):
        assert await keys(bucket, "", 2) == ["a", "b"]
    assert [request.query.get("continuation-token") for request in seen] == [None, "one two", "3"]
    assert {(request.path, request.query["list-type"], request.query["max-keys"]) for request in seen} == {
        ("/things", "2", "2")
    }
    assert all("AWS4-HMAC-SHA256" in request.headers["Authorization"] for request in seen)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        pytest.param([page(["a"], truncated=True)], "not how to get them", id="more, without a token"),
        pytest.param([page(["a"], token="t"), page(["b"], token="t")], "token twice", id="the same token twice"),
        pytest.param([page(["b", "a"])], "do not ascend", id="out of order in a page"),
        pytest.param([page(["a", "a"])], "do not ascend", id="the same key twice"),
        pytest.param([page(["b"], token="t"), page(["a"])], "do not ascend", id="out of order between pages"),
        pytest.param([page(["\ue000", "\U0001f600", "\ufffd"])], "do not ascend", id="UTF-16"),
        pytest.param([page(list("abcd"))], "more than was asked for", id="a page too large"),
        pytest.param([page(["a"], more="<Prefix>a</Prefix>")], "another listing", id="of another prefix"),
        pytest.param([page(["a"], folders=["b/"])], "nobody asked for", id="folders"),
        pytest.param([text(xml(["a"]).replace("things", "theirs"))], "another listing", id="of another bucket"),
        pytest.param([text("")], "no whole listing", id="nothing"),
        pytest.param([text("{}")], "no whole listing", id="JSON"),
        pytest.param([text("<html><body>Welcome</body></html>")], "no whole listing", id="a page of the web"),
        pytest.param([text("<ListBucketResult></ListBucketResult>")], "no whole listing", id="a listing of nothing"),
        pytest.param([text(xml(["a"])[:-30])], "no whole listing", id="cut short"),
        pytest.param([page(["a"], more="<Contents><Key>b</Key></Contents>")], "not understood", id="without a size"),
        pytest.param([page(["a"], more="<Contents>")], "no whole listing", id="XML that is none"),
        pytest.param([page(["a"], more="<!DOCTYPE x>")], "no whole listing", id="a document type"),
        pytest.param([text(xml(["a"]), 204)], "no whole listing", id="no content"),
    ],
)  # fmt: skip
async def test_what_is_no_listing_that_can_be_trusted_is_an_error(answers: list[Answer], told: str) -> None:
    async with scripted(answers) as (bucket, _):
        with pytest.raises(ListingError, match=told) as caught:
            await keys(bucket, "", 3)
    assert "THE_BUCKET" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        pytest.param("2026-03-20T09:30:00.000Z", "2026-03-20T09:30:00+00:00", id="as S3 writes it"),
        pytest.param("2026-03-20T09:30:00.123Z", "2026-03-20T09:30:00.123000+00:00", id="parts of a second"),
        pytest.param("2026-03-20T11:30:00+02:00", "2026-03-20T09:30:00+00:00", id="another zone"),
        pytest.param("Fri, 20 Mar 2026 09:30:00 GMT", "2026-03-20T09:30:00+00:00", id="as a header has it"),
    ],
)
async def test_a_moment_is_read_in_whatever_form_it_comes(told: str, moment: str) -> None:
    written = f"<Contents><Key>b</Key><Size>1</Size><ETag>e</ETag><LastModified>{told}</LastModified></Contents>"
    async with scripted([page(more=written)]) as (bucket, _):
        [found] = await objects(bucket, "")
    assert from_text(found.changed) == datetime.fromisoformat(moment)


async def test_keys_of_another_prefix_or_another_depth_are_an_error() -> None:
    async with scripted([page(["b"])]) as (bucket, _):
        with pytest.raises(ListingError, match="other keys"):
            await keys(bucket, "a")
    for answer in (page(["a/b"]), page([], ["a/b/"]), page([], ["a"])):
        async with scripted([answer]) as (bucket, _):
            with pytest.raises(ListingError, match="sorted into folders"):
                await folders(bucket)


async def test_a_marker_comes_out_as_the_object_that_it_is_and_is_not_entered_again() -> None:
    async with scripted([page(["top"], ["a/"]), page(["a/", "a/x"], ["a/b/"])]) as (bucket, seen):
        assert await folders(bucket, 2) == ["a/", "a/b/", "a/x", "top"]
    assert [request.query["prefix"] for request in seen] == ["", "a/"]


async def test_a_listing_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 3)
    async with scripted([page(token=str(number)) for number in range(9)]) as (bucket, seen):
        with pytest.raises(ListingError, match="no end to it after 3 pages"):
            await keys(bucket)
    assert len(seen) == 4


@pytest.mark.parametrize(
    "fault",
    [failure(503, "SlowDown"), failure(503), failure(500, "InternalError"), failure(429),
     failure(400, "RequestTimeout"), text("<html>"), text("<html>gateway", 502)],
)  # fmt: skip
async def test_what_passes_is_asked_again(fault: Answer) -> None:
    async with scripted([fault, fault, WHOLE]) as (bucket, seen):
        assert await keys(bucket) == ["a"]
    assert len(seen) == 3


@pytest.mark.parametrize("fault", [failure(503, "SlowDown"), failure(429), text("oops", 500)])
async def test_what_does_not_pass_is_storage_that_cannot_be_reached(fault: Answer) -> None:
    async with scripted([fault]) as (bucket, seen):
        with pytest.raises(StorageUnavailableError, match="3 times in a row"):
            await keys(bucket)
    assert len(seen) == 3


async def test_a_server_that_does_not_answer_is_not_waited_for_long() -> None:
    begun = time.monotonic()
    async with scripted([WHOLE, never]) as (bucket, seen):
        await keys(bucket)
        bucket.patience = replace(IMPATIENT, request_timeout=0.3)
        with pytest.raises(StorageUnavailableError, match="in time"):
            await keys(bucket)
    assert len(seen) == 4
    assert time.monotonic() - begun < 10


async def test_a_server_that_answers_byte_by_byte_is_not_waited_for_long() -> None:
    begun = time.monotonic()
    server = await asyncio.start_server(_trickling, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bucket = S3Bucket(
        by_s3_address("THE_BUCKET", f"s3://things?endpoint=http://127.0.0.1:{port}", "AKIATEST", SECRET),
        replace(IMPATIENT, attempts=1, request_timeout=0.5),
    )
    with pytest.raises(StorageUnavailableError):
        await keys(bucket)
    await bucket.close()
    server.close()
    assert time.monotonic() - begun < 10


async def _trickling(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"<")
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_nobody_at_the_address_is_storage_that_cannot_be_reached() -> None:
    bucket = S3Bucket(
        by_s3_address("THE_BUCKET", "s3://things?endpoint=http://127.0.0.1:1", "AKIATEST", SECRET), IMPATIENT
    )
    with pytest.raises(StorageUnavailableError, match="could not be reached"):
        await keys(bucket)
    await bucket.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (failure(403, "AccessDenied"), "THE_BUCKET__secretAccessKey"),
        (failure(401), "answered 401"),
        (failure(403, "RequestTimeTooSkewed"), "clocks"),
        (failure(404, "NoSuchBucket"), "no such bucket"),
        (failure(404), "answered 404"),
        (failure(301, "PermanentRedirect"), "elsewhere"),
        (failure(307, "TemporaryRedirect", Location="http://127.0.0.1:1/elsewhere"), "leads elsewhere"),
        (failure(400, "AuthorizationHeaderMalformed"), "elsewhere"),
        (failure(400, "InvalidArgument"), "answered 400"),
    ],
)
async def test_what_will_not_pass_is_refused_at_once_and_says_what_to_do(answer: Answer, told: str) -> None:
    async with scripted([answer]) as (bucket, _):
        for asked in (keys(bucket), sqlite_rows(bucket, QUERY), bucket.clock_ahead()):
            with pytest.raises(StorageRefusedError, match=told) as caught:
                await asked
            assert "in a row" not in str(caught.value)
            assert SECRET not in str(caught.value)


# --- an object --------------------------------------------------------------------------------------------------------


async def test_only_the_service_can_say_that_there_is_no_object() -> None:
    async with scripted([failure(404, "NoSuchKey")]) as (bucket, _):
        assert (await sqlite_rows(bucket, QUERY))["state"] == "missing"
    for answer in (failure(404), text("<html>not found</html>", 404)):
        async with scripted([answer]) as (bucket, _):
            with pytest.raises(StorageRefusedError):
                await sqlite_rows(bucket, QUERY)


async def test_an_object_that_breaks_off_is_asked_for_again_and_is_not_damaged() -> None:
    async def broken() -> web.StreamResponse:
        return web.Response(body=b"123", headers={"ETag": '"e"'})

    class Cut(web.Response):
        async def write_eof(self, data: bytes = b"") -> None:
            assert self._req is not None
            assert self._req.transport is not None
            self._req.transport.write(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 500\r\n\r\n123')
            self._req.transport.close()

    async with scripted([Cut, broken]) as (bucket, seen):
        answer = await sqlite_rows(bucket, QUERY)
    assert (answer["state"], answer["version"], len(seen)) == ("damaged", "e", 2)


# --- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=3), timedelta(hours=-3)])
async def test_how_far_the_clock_is_ahead_is_said_by_the_date(ahead: timedelta) -> None:
    date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    body = xml(["a"])
    async with scripted([text(body, Date=date)]) as (bucket, _):
        assert abs(await bucket.clock_ahead() - ahead) < timedelta(minutes=1)
    async with scripted([text(body, Date="now")]) as (bucket, _):
        assert await bucket.clock_ahead() == timedelta()


# --- credentials ------------------------------------------------------------------------------------------------------


async def test_without_a_key_the_environments_is_taken_and_without_any_that_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    async with scripted([WHOLE]) as (bucket, seen):
        without = S3Bucket(replace(bucket._connection, key=None), IMPATIENT)
        with pytest.raises(StorageRefusedError, match=r"no credentials of AWS .*THE_BUCKET__accessKeyId.* or a role"):
            await keys(without)
        await without.close()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMTHEENVIRONMENT")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        assert await keys(without) == ["a"]
        await without.close()
    assert "AKIAFROMTHEENVIRONMENT" in seen[0].headers["Authorization"]


async def test_a_profile_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    async with scripted([WHOLE]) as (bucket, _):
        with pytest.raises(AuditError, match="ProfileNotFound"):
            await keys(bucket)
