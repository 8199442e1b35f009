"""A storage account that answers what a test has written down, request by request."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.credentials import Endpoint, SasSigner, Signer
from adapters.listing.account import Account
from adapters.listing.lister import RestLister
from adapters.patience import Patience

SIGNATURE = "sig=not-a-real-signature"
BY_SAS = SasSigner(SIGNATURE)
QUICK = Patience(attempts=4, first_wait=0.001, longest_wait=0.05, request_timeout=5)
Handler = Callable[[web.Request], web.StreamResponse | Awaitable[web.StreamResponse]]


@asynccontextmanager
async def storage(
    answer: Handler,
    *,
    patience: Patience = QUICK,
    page_size: int = 5000,
    signer: Signer = BY_SAS,
    tls: ssl.SSLContext | None = None,
    scheme: str = "",
) -> AsyncIterator[tuple[RestLister, list[web.Request]]]:
    """A lister on a server that answers with ``answer``; the requests are kept in order.

    With ``tls`` the server speaks that; ``scheme`` is what the lister speaks, if it is not the same.
    """
    seen: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        answered = answer(request)
        return await answered if isinstance(answered, Awaitable) else answered

    app = web.Application()
    app.router.add_get("/{anything:.*}", handle)
    server = TestServer(app, scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    address = f"{scheme or server.scheme}://127.0.0.1:{server.port}/acct"
    account = Account(address, patience=patience)
    try:
        yield RestLister(Endpoint(address, "acct", signer), account, page_size=page_size, patience=patience), seen
    finally:
        account.close()
        await server.close()


def xml(text: str) -> web.Response:
    """A page."""
    return web.Response(text=text, content_type="application/xml")


def failure(status: int, code: str = "", **headers: str) -> web.Response:
    """An error as storage sends it."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>secret words</Message></Error>'
    return web.Response(
        status=status,
        text=body,
        content_type="application/xml",
        headers={k.replace("_", "-"): v for k, v in headers.items()},
    )
