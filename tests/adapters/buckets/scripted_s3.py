"""A server of S3 on loopback that answers what a test tells it, whatever it is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from adapters.buckets.connections import by_s3_address
from adapters.buckets.s3 import S3Bucket
from adapters.patience import Patience

Answer = Callable[[], web.StreamResponse | Awaitable[web.StreamResponse]]
SECRET = "s3cr3t-s3cr3t"
IMPATIENT = Patience(attempts=3, first_wait=0.01, longest_wait=0.02, request_timeout=5)


@asynccontextmanager
async def scripted(
    answers: Sequence[Answer], patience: Patience = IMPATIENT
) -> AsyncIterator[tuple[S3Bucket, list[web.Request]]]:
    """A bucket whose server gives the answers one by one, the last for ever; and the requests that it was sent."""
    seen: list[web.Request] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        given = answers[min(len(seen), len(answers)) - 1]()
        return await given if isinstance(given, Awaitable) else given

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    [address] = runner.addresses
    bucket = S3Bucket(
        by_s3_address("THE_BUCKET", f"s3://things?endpoint=http://127.0.0.1:{address[1]}", "AKIATEST", SECRET),
        IMPATIENT,
    )
    try:
        yield bucket, seen
    finally:
        await bucket.close()
        await runner.cleanup()


def page(
    keys: Sequence[str] = (),
    folders: Sequence[str] = (),
    *,
    token: str = "",
    truncated: bool | None = None,
    more: str = "",
) -> Answer:
    """A page as the service writes it."""
    return text(xml(keys, folders, token=token, truncated=truncated, more=more))


def xml(
    keys: Sequence[str] = (),
    folders: Sequence[str] = (),
    *,
    token: str = "",
    truncated: bool | None = None,
    more: str = "",
) -> str:
    """The text of a page."""
    return "".join(
        ["<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"]
        + ["<Name>things</Name>", more]
        + [f"<IsTruncated>{str(bool(token) if truncated is None else truncated).lower()}</IsTruncated>"]
        + [f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""]
        + [
            f"<Contents><Key>{key}</Key><LastModified>2026-01-31T09:30:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
            "<Size>1</Size></Contents>"
            for key in keys
        ]
        + [f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in folders]
        + ["</ListBucketResult>"]
    )


def text(body: str, status: int = 200, **headers: str) -> Answer:
    return lambda: web.Response(text=body, status=status, content_type="application/xml", headers=headers)


def failure(status: int, code: str = "", **headers: str) -> Answer:
    return text(f"<Error><Code>{code}</Code><Message>m</Message></Error>" if code else "", status, **headers)


def never() -> Awaitable[web.StreamResponse]:
    """Does not answer until the server is stopped."""

    async def wait() -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    return wait()
