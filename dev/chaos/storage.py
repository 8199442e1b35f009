"""A proxy between the app and a blob service that injects faults.

It records which listings were passed on completely, and about which containers something untrue was said.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import aiohttp

from dev.chaos.faults import LISTING_FAULTS, Fault, Weather
from dev.chaos.passing import Response, head, passed_on
from dev.chaos.proxy import Proxy
from dev.chaos.request import Request, read_request
from dev.chaos.tampering import (
    SHAPES,
    emptied,
    ended,
    from_the_future,
    garbled,
    has_rows,
    names_in,
    next_marker,
    repeated,
    without,
)

STALL_SECONDS = 5.0
SLOWEST_SECONDS = 0.4
_WITHOUT_RESPONSE = {Fault.DROP, Fault.RESET, Fault.STALLED}
_STATUS = {
    Fault.BUSY: (503, "ServerBusy", ""),
    Fault.BUSY_RETRY_AFTER: (503, "ServerBusy", "Retry-After: 1\r\n"),
    Fault.THROTTLED: (429, "TooManyRequests", ""),
    Fault.THROTTLED_RETRY_AFTER: (429, "TooManyRequests", "Retry-After: 1\r\n"),
    Fault.UNAUTHORIZED: (401, "AuthenticationFailed", ""),
    Fault.FORBIDDEN: (403, "AuthorizationFailure", ""),
    Fault.CLOSED_CONTAINER: (403, "AuthorizationPermissionMismatch", ""),
    Fault.VANISHED: (404, "ContainerNotFound", ""),
    Fault.BEING_DELETED: (409, "ContainerBeingDeleted", ""),
}


class _HangUpError(Exception):
    """The connection is to end without another byte."""


@dataclass(frozen=True)
class Conditions:
    """What holds throughout an audit, whatever the weather.

    ``containers`` are all there are, ``closed`` those that are refused, ``future`` the blobs of some of them that were
    last changed in 2099; ``clock_ahead`` is how far storage's clock is ahead of everybody else's (negative: behind).
    ``truthful``: no response lies.
    """

    containers: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    future: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clock_ahead: timedelta = timedelta()
    truthful: bool = False


@dataclass
class StorageProxy(Proxy):
    """A running proxy. ``delivered`` are the containers whose listing was passed on unchanged to its last page,
    ``lied_about`` those about which a response said something untrue without a sign of it.
    """

    weather: Weather = field(kw_only=True)
    conditions: Conditions = field(default_factory=Conditions)
    delivered: set[str] = field(default_factory=set)
    lied_about: set[str] = field(default_factory=set)
    _not_whole: set[str] = field(default_factory=set)

    def begin(self, conditions: Conditions) -> None:
        """Start with these conditions, and with empty records."""
        self.conditions = conditions
        self.delivered.clear()
        self.lied_about.clear()
        if conditions.clock_ahead:
            self.weather.happened(Fault.CLOCK_AHEAD)

    async def serve(
        self, session: aiohttp.ClientSession, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Respond to the requests of one connection until it ends."""
        self._writers.add(out)
        try:
            while (request := await read_request(reader)) is not None:
                await self._respond(session, request, out)
                await out.drain()
        except (_HangUpError, ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError):
            pass
        except asyncio.CancelledError:
            return  # the loop ends; Python 3.11 prints a traceback for each connection that is told so
        finally:
            self._writers.discard(out)
            out.close()

    async def _respond(self, session: aiohttp.ClientSession, request: Request, out: asyncio.StreamWriter) -> None:
        if request.lists_blobs and request.container in self.conditions.closed:
            out.write(_refusal(self.weather.happened(Fault.CLOSED_CONTAINER)))
            return
        # Reading harms nothing, so a listing is read first: what can be made of it depends on what it says.
        listing = None
        if request.lists:
            listing = self._under_conditions(request, await passed_on(session, self.target_port, request))
        lies = self._lies(request, listing) if listing is not None and listing.good else {}
        # An audit lists its account a few times and containers hundreds of times: drawn together with all other faults,
        # there would hardly be a lie about the account.
        fault = self.weather.draw(lies.keys()) if request.lists_account else None
        fault = fault or self.weather.draw(_possible(request) | lies.keys())
        about = lies[fault] if fault in lies else frozenset[str]()
        self.lied_about |= about
        self._not_whole |= about
        if fault in _STATUS:
            out.write(_refusal(fault))
        elif fault in _WITHOUT_RESPONSE:
            await self._hung_up(fault, out)
        else:
            response = listing or await passed_on(session, self.target_port, request)
            await self._passed(request, fault, response, about, out)

    def _under_conditions(self, request: Request, response: Response) -> Response:
        headers, body = response.headers, response.body
        if self.conditions.clock_ahead:
            others = [line for line in headers.splitlines(keepends=True) if not line.lower().startswith("date:")]
            now = datetime.now(UTC) + self.conditions.clock_ahead
            headers = "".join([*others, f"Date: {format_datetime(now, usegmt=True)}\r\n"])
        if request.lists_blobs and (blobs := self.conditions.future.get(request.container)):
            self.weather.happened(Fault.FUTURE_BLOBS)
            body = from_the_future(body, blobs)
        return Response(response.status, headers, body)

    def _lies(self, request: Request, response: Response) -> dict[Fault, frozenset[str]]:
        """The lies that could be made of a listing, with the containers that each would be about."""
        body, lies = response.body, dict[Fault, frozenset[str]]()
        marker = next_marker(body)
        if self.conditions.truthful:
            return {}
        if request.lists_blobs:
            about = frozenset({request.container})
            lies = {Fault.VANISHED: about, Fault.BEING_DELETED: about}
            lies |= {Fault.EMPTIED_PAGE: about} if has_rows(body) else {}
            lies |= {Fault.LOST_MARKER: about} if marker else {}
        elif request.asks_for_names:
            names = frozenset(names_in(body))
            lies = {Fault.EMPTIED_PAGE: names}
            if fresh := sorted(names - self.lied_about):
                lies |= {Fault.LEFT_OUT: frozenset({self.weather.one_of(fresh)})}
            if marker:
                lies |= {Fault.LOST_MARKER: frozenset(name for name in self.conditions.containers if name >= marker)}
        return {fault: about for fault, about in lies.items() if about and about.isdisjoint(self.lied_about)}

    async def _hung_up(self, fault: Fault | None, out: asyncio.StreamWriter) -> None:
        if fault is Fault.STALLED:
            await asyncio.sleep(STALL_SECONDS)
        if fault is Fault.RESET:
            _reset(out)
        raise _HangUpError

    async def _passed(
        self,
        request: Request,
        fault: Fault | None,
        response: Response,
        about: frozenset[str],
        out: asyncio.StreamWriter,
    ) -> None:
        """Pass a response on, or what the fault makes of it."""
        status, headers, body = response
        length = len(body)
        if fault is Fault.LOST_RESPONSE:
            raise _HangUpError
        if fault is Fault.SLOW:
            await asyncio.sleep(self.weather.uniform(0.05, SLOWEST_SECONDS))
        if fault is Fault.TRUNCATED:
            out.write(head(status, headers, length) + body[: length // 2])
            await out.drain()
            raise _HangUpError
        if fault is Fault.WRONG_LENGTH:
            out.write(head(status, headers, length + 7) + body)
            await out.drain()
            raise _HangUpError
        if fault is not None:
            body = self._changed(request, fault, body, about)
        out.write(head(status, headers, _declared(request, headers, body)))
        if request.method != "HEAD":
            out.write(body)
        if request.lists_blobs and response.good and fault in {None, Fault.SLOW}:
            self._note_whole(request, body)

    def _changed(self, request: Request, fault: Fault, body: bytes, about: frozenset[str]) -> bytes:
        changes: dict[Fault, Callable[[], bytes]] = {
            Fault.GARBLED: lambda: garbled(body, strip=self.weather.one_of((True, False))),
            Fault.REPEATED_MARKER: lambda: repeated(body, request.marker),
            Fault.WRONG_SHAPE: lambda: self.weather.one_of(SHAPES)(body),
            Fault.LOST_MARKER: lambda: ended(body),
            Fault.EMPTIED_PAGE: lambda: emptied(body),
            Fault.LEFT_OUT: lambda: without(body, *about),
        }
        return changes[fault]() if fault in changes else body

    def _note_whole(self, request: Request, body: bytes) -> None:
        """Record what was passed on unchanged: a container is complete with its last page, if no page was a lie."""
        if not request.marker:
            self._not_whole.discard(request.container)
        if not next_marker(body) and request.container not in self._not_whole:
            self.delivered.add(request.container)


def _possible(request: Request) -> set[Fault]:
    """Faults that make a request fail in a way that its client can notice.

    A repeated marker needs a marker: on the first page there is none to repeat.
    """
    possible = set(LISTING_FAULTS)
    if request.method != "GET":
        possible -= {Fault.TRUNCATED, Fault.WRONG_LENGTH, Fault.GARBLED, Fault.REPEATED_MARKER}
    if not request.lists:
        possible -= {Fault.GARBLED, Fault.REPEATED_MARKER, Fault.WRONG_SHAPE}
    if not request.marker:
        possible -= {Fault.REPEATED_MARKER}
    return possible


def _declared(request: Request, headers: str, body: bytes) -> int:
    """The Content-Length: for HEAD that of the response, which is the blob's."""
    if request.method == "HEAD":
        for line in headers.splitlines():
            name, _, value = line.partition(":")
            if name.lower() == "x-proxied-length":
                return int(value)
    return len(body)


def _refusal(fault: Fault) -> bytes:
    status, code, header = _STATUS[fault]
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'.encode()
    headers = f"Content-Type: application/xml\r\nx-ms-error-code: {code}\r\n{header}"
    return head(f"{status} {code}", headers, len(body)) + body


def _reset(out: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, as a firewall does."""
    raw = out.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.transport.abort()


@asynccontextmanager
async def storage_proxy(weather: Weather, target_port: int) -> AsyncIterator[StorageProxy]:
    """Run a proxy before the blob service on ``target_port`` until the block ends."""
    proxy = StorageProxy(target_port, weather=weather)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5)
    async with (
        aiohttp.ClientSession(auto_decompress=False, connector=connector) as session,
        proxy.listening(partial(proxy.serve, session), backlog=1024),
    ):
        yield proxy
