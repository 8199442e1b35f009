"""A front that speaks TLS to the client of a Postgres server that cannot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dev.devstack.fast_stub.certificate import Certificate
from dev.devstack.postgres import HOST
from tests.adapters.tls_on_loopback import serving

# https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@asynccontextmanager
async def tls_before(port: int, certificate: Certificate) -> AsyncIterator[int]:
    """The port of a front before the server on ``port``; it takes TLS only."""
    context = serving(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = None
        try:
            if await reader.readexactly(8) == _SSL_REQUEST:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
                back, behind = await asyncio.open_connection(HOST, port)
                await asyncio.gather(_pump(reader, behind), _pump(back, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client that does not trust us hangs up
        finally:
            for end in (writer, behind):
                if end is not None:
                    end.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()
