"""The HTTP side of the stub: just enough of HTTP/1.1 for AWS's client, and no more work than that."""

import asyncio
import os
from urllib.parse import parse_qs, unquote

from dev.devstack.bucket_stub.listing import Asked, Objects

_MOST = 1000
_NO_KEY = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>'


class Answers(asyncio.Protocol):
    """One connection. GET requests have no body."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to every complete request."""
        *requests, self._waiting = (self._waiting + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(self._response(request[4 : request.index(b" ", 4)].decode("ascii")))

    def _response(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        bucket, _, key = path.removeprefix("/").partition("/")
        values = {name: value[0] for name, value in parse_qs(query).items()}
        if values.get("list-type") == "2":
            most = min(_MOST, int(values.get("max-keys", _MOST)))
            after = values.get("continuation-token", "")
            asked = Asked(values.get("prefix", ""), "delimiter" in values, most, after)
            return _http("200 OK", "application/xml", self._objects.page(bucket, asked))
        content = self._objects.content(unquote(key))
        if content is None:
            return _http("404 Not Found", "application/xml", _NO_KEY)
        return _http("200 OK", "binary/octet-stream", content.data, f'ETag: "{content.etag}"\r\n')


def _http(status: str, kind: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode("ascii") + body


async def serve(objects: Objects, port: int) -> None:
    """Serve until cancelled; prints ``process <pid> listens on <port>`` when ready. Port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answers(objects), "127.0.0.1", port, backlog=1024)
    print(f"process {os.getpid()} listens on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()
