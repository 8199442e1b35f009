"""The HTTP side of the stub: just enough of HTTP/1.1 for listing clients, and no more work than that."""

import asyncio
import os
from urllib.parse import parse_qs, unquote, urlsplit

from dev.devstack.storage_stub.catalogue import Catalogue

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n"
_CHUNK = 16 * 1024
_GONE = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n"
_GONE_BODY = b'<?xml version="1.0" encoding="utf-8"?><Error><Code>ContainerNotFound</Code></Error>'
_MOST = 5000


class Listings(asyncio.Protocol):
    """One connection. Each response is delayed by ``latency`` seconds, without delaying the others."""

    def __init__(self, catalogue: Catalogue, latency: float) -> None:
        self._catalogue = catalogue
        self._latency = latency
        self._waiting = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to every complete request; GET requests have no body."""
        data = self._waiting + data
        *requests, self._waiting = data.split(b"\r\n\r\n")
        for request in requests:
            response = self._response(request[4 : request.index(b" ", 4)].decode("ascii"))
            if self._latency:
                self._loop.call_later(self._latency, self._write, response)
            else:
                self._transport.write(response)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)

    def _response(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        container = path.rpartition("/")[2]
        marker, most = "", _MOST
        if "marker=" in query or f"maxresults={_MOST}" not in query:
            values = parse_qs(urlsplit(target).query)
            marker = values.get("marker", [""])[0]
            most = min(_MOST, int(values.get("maxresults", [_MOST])[0]))
        if "restype=container" not in query:
            body: bytes | None = self._catalogue.containers(marker, most)
        else:
            body = self._catalogue.blobs(unquote(container) if "%" in container else container, marker, most)
        if body is None:
            return _GONE % len(_GONE_BODY) + _GONE_BODY
        return _OK % _in_chunks(body)


def _in_chunks(body: bytes) -> bytes:
    pieces = (body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


async def serve(catalogue: Catalogue, port: int, latency: float) -> None:
    """Serve until cancelled; prints ``process <pid> listens on <port>`` when ready. Port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Listings(catalogue, latency), "127.0.0.1", port, backlog=1024)
    print(f"process {os.getpid()} listens on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()
