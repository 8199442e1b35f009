"""A proxy between the app and a blob service that answers as a bad day would.

It notes which listings were handed on whole: what the app can know of storage, whatever it says.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs

import aiohttp
from yarl import URL

from chaos.faults import LISTING_FAULTS, Fault, Weather
from chaos.proxy import HOST, Proxy

STALL_SECONDS = 5.0
SLOWEST_SECONDS = 0.4
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_SENT_BEFORE = {Fault.LOST_ANSWER, Fault.SLOW, Fault.TRUNCATED, Fault.WRONG_LENGTH, Fault.GARBLED}
_STATUS = {
    Fault.BUSY: (503, "ServerBusy", ""),
    Fault.BUSY_RETRY_AFTER: (503, "ServerBusy", "Retry-After: 1\r\n"),
    Fault.THROTTLED: (429, "TooManyRequests", ""),
    Fault.THROTTLED_RETRY_AFTER: (429, "TooManyRequests", "Retry-After: 1\r\n"),
    Fault.UNAUTHORIZED: (401, "AuthenticationFailed", ""),
    Fault.FORBIDDEN: (403, "AuthorizationFailure", ""),
    Fault.CLOSED_CONTAINER: (403, "AuthorizationPermissionMismatch", ""),
}


class _HangUpError(Exception):
    """The connection is to end without another byte."""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def container(self) -> str:
        """The container that the path names, or nothing."""
        parts = self.target.partition("?")[0].split("/")
        return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - /account/container

    @property
    def lists_blobs(self) -> bool:
        """True for List Blobs."""
        return self.container != "" and "restype=container" in self.target and "comp=list" in self.target

    @property
    def lists_account(self) -> bool:
        """True for List Containers."""
        return self.container == "" and "comp=list" in self.target

    @property
    def marker(self) -> str:
        """Where the asked page begins; empty for the first."""
        return parse_qs(self.target.partition("?")[2]).get("marker", [""])[0]


@dataclass
class StorageProxy(Proxy):
    """A running proxy. ``closed`` containers are refused, always; ``delivered`` were handed on to their last page."""

    closed: frozenset[str] = frozenset()
    delivered: set[str] = field(default_factory=set)

    async def serve(
        self, session: aiohttp.ClientSession, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection until it ends."""
        self._writers.add(out)
        try:
            while (request := await _read(reader)) is not None:
                await self._answer(session, request, out)
                await out.drain()
        except (_HangUpError, ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError):
            pass
        except asyncio.CancelledError:
            return  # the loop ends; Python 3.11 prints a traceback for each connection that is told so
        finally:
            self._writers.discard(out)
            out.close()

    async def _answer(self, session: aiohttp.ClientSession, request: Request, out: asyncio.StreamWriter) -> None:
        if request.lists_blobs and request.container in self.closed:
            out.write(_refusal(self.weather.happened(Fault.CLOSED_CONTAINER)))
            return
        fault = self.weather.draw(_possible(request))
        if fault in _STATUS:
            out.write(_refusal(fault))
        elif fault is None or fault in _SENT_BEFORE or fault is Fault.REPEATED_MARKER:
            status, headers, body = await _passed_on(session, self.target_port, request)
            await self._told(request, fault, (status, headers, body), out)
        else:
            await self._hung_up(fault, out)

    async def _hung_up(self, fault: Fault, out: asyncio.StreamWriter) -> None:
        if fault is Fault.STALLED:
            await asyncio.sleep(STALL_SECONDS)
        if fault is Fault.RESET:
            _reset(out)
        raise _HangUpError

    async def _told(
        self, request: Request, fault: Fault | None, answer: tuple[str, str, bytes], out: asyncio.StreamWriter
    ) -> None:
        """Hand an answer on, or what the fault makes of it."""
        status, headers, body = answer
        length = len(body)
        if fault is Fault.LOST_ANSWER:
            raise _HangUpError
        if fault is Fault.SLOW:
            await asyncio.sleep(self.weather.uniform(0.05, SLOWEST_SECONDS))
        if fault is Fault.TRUNCATED:
            out.write(_head(status, headers, length) + body[: length // 2])
            await out.drain()
            raise _HangUpError
        if fault is Fault.WRONG_LENGTH:
            out.write(_head(status, headers, length + 7) + body)
            await out.drain()
            raise _HangUpError
        if fault is Fault.GARBLED:
            body = garbled(body, strip=self.weather.uniform(0, 1) < 0.5)  # noqa: PLR2004 - a coin
        if fault is Fault.REPEATED_MARKER:
            body = repeated(body, request.marker)
        out.write(_head(status, headers, _declared(request, headers, body)))
        if request.method != "HEAD":
            out.write(body)
        intact = fault is None or fault is Fault.SLOW
        if intact and request.lists_blobs and status.startswith("200") and not _next_marker(body):
            self.delivered.add(request.container)


def _possible(request: Request) -> set[Fault]:
    """Faults that make a request fail in a way that its client can notice.

    A repeated marker needs a marker: on the first page there is none to repeat.
    """
    possible = set(LISTING_FAULTS)
    if request.method != "GET":
        possible -= {Fault.TRUNCATED, Fault.WRONG_LENGTH, Fault.GARBLED, Fault.REPEATED_MARKER}
    if not (request.lists_account or request.lists_blobs):
        possible -= {Fault.GARBLED, Fault.REPEATED_MARKER}
    if not request.marker:
        possible -= {Fault.REPEATED_MARKER}
    return possible


def garbled(body: bytes, *, strip: bool) -> bytes:
    """A listing that is no XML any more in a place that matters: its beginning, or one name. Its end is as it was."""
    if b"</Name>" not in body:
        return body[: len(body) // 2]
    if strip:
        middle = len(body) // 2
        return body[:middle].replace(b">", b"") + body[middle:]
    before, _, after = body.rpartition(b"</Name>")
    return before + b"<Name" + after


def repeated(body: bytes, marker: str) -> bytes:
    """A page whose next marker leads back to the page itself."""
    rest = body.partition(b"<NextMarker")[0]
    return rest + b"<NextMarker>" + marker.encode() + b"</NextMarker></EnumerationResults>"


def _next_marker(body: bytes) -> bytes:
    return body.partition(b"<NextMarker>")[2].partition(b"<")[0]


def _declared(request: Request, headers: str, body: bytes) -> int:
    """The length to tell: a HEAD answer's own, which is that of the blob."""
    if request.method == "HEAD":
        for line in headers.splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "x-proxied-length":
                return int(value)
    return len(body)


def _head(status: str, headers: str, length: int) -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n".encode("latin-1")


def _refusal(fault: Fault) -> bytes:
    status, code, header = _STATUS[fault]
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'.encode()
    headers = f"Content-Type: application/xml\r\nx-ms-error-code: {code}\r\n{header}"
    return _head(f"{status} {code}", headers, len(body)) + body


def _reset(out: asyncio.StreamWriter) -> None:
    """Answer with RST instead of FIN, as a firewall does."""
    raw = out.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    named = {name.lower(): value for name, value in headers}
    body = await _chunks(reader) if "chunked" in named.get("transfer-encoding", "") else b""
    length = int(named.get("content-length", "0"))
    return Request(method, target, headers, body or await reader.readexactly(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return bytes(body)


async def _passed_on(session: aiohttp.ClientSession, port: int, request: Request) -> tuple[str, str, bytes]:
    headers = [(name, value) for name, value in request.headers if name.lower() not in _HOP_BY_HOP]
    host = next((value for name, value in request.headers if name.lower() == "host"), f"{HOST}:{port}")
    url = URL(f"http://{HOST}:{port}{request.target}", encoded=True)
    async with session.request(
        request.method,
        url,
        headers=[*headers, ("Host", host)],
        data=request.body or None,
        skip_auto_headers=_AUTOMATIC,
        allow_redirects=False,
    ) as told:
        kept = "".join(f"{n}: {v}\r\n" for n, v in told.headers.items() if n.lower() not in _HOP_BY_HOP)
        if request.method == "HEAD":
            kept += f"x-proxied-length: {told.headers.get('Content-Length', 0)}\r\n"
        return f"{told.status} {told.reason}", kept, await told.read()


@asynccontextmanager
async def storage_proxy(weather: Weather, target_port: int) -> AsyncIterator[StorageProxy]:
    """Run a proxy before the blob service on ``target_port`` until the block ends."""
    proxy = StorageProxy(weather, target_port)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5)
    async with (
        aiohttp.ClientSession(auto_decompress=False, connector=connector) as session,
        proxy.listening(partial(proxy.serve, session), backlog=1024),
    ):
        yield proxy
