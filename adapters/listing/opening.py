"""Opening connections to one server: directly or by a proxy, with TLS or without."""

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from socket import gaierror
from typing import Any, TypeVar, cast

from yarl import URL

from adapters.listing.connection import Connection, NotHttpError, UnansweredError

# For DNS, connecting and the handshake together.
SECONDS = 10
_LARGEST_HEAD = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)


class UnreachableError(ConnectionError):
    """There is no connection to the server."""


class ProxyUnreachableError(ConnectionError):
    """There is no connection to the proxy."""


class ProxyRefusedError(ConnectionError):
    """The proxy answered with another status than 200 when it was asked for a connection."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the proxy answered {status}")
        self.status = status


@dataclass(frozen=True)
class Way:
    """The way to a server: its address, and that of an HTTP proxy, with user and password if any."""

    address: URL
    proxy: URL | None = field(default=None, repr=False)

    @property
    def prefix(self) -> str:
        """What stands before a request's path: a proxy of plain HTTP is told the server each time."""
        return f"http://{self.address.host_port_subcomponent}" if self._asks_the_proxy else ""

    @property
    def head(self) -> str:
        """The header lines that each request needs to get there."""
        proof = _proof(self.proxy) if self.proxy and self._asks_the_proxy else ""
        return f"Host: {self.address.host_port_subcomponent}\r\n{proof}"

    async def open(self, make: Callable[[], Connection]) -> Connection:
        """A new connection.

        Raises ``TimeoutError``, ``gaierror``, ``ssl.SSLError``, ``UnreachableError``, ``ProxyUnreachableError``,
        ``ProxyRefusedError``, ``NotHttpError`` (of the proxy) or ``UnansweredError`` (it was closed again).
        """
        try:
            async with asyncio.timeout(SECONDS):
                connection = await self._open(make)
        except (TimeoutError, gaierror, ssl.SSLError, ProxyUnreachableError, ProxyRefusedError, NotHttpError):
            raise
        except OSError as error:
            raise UnreachableError from error
        if not connection.usable:
            raise UnansweredError
        return connection

    async def _open(self, make: Callable[[], Connection]) -> Connection:
        host = _host(self.address)
        secured = {"ssl": trusted(), "server_hostname": host} if self.address.scheme == "https" else {}
        if self.proxy is None:
            return (await _connect(make, self.address, **secured))[1]
        try:
            if not secured:
                return (await _connect(make, self.proxy))[1]
            transport, tunnel = await _connect(_Tunnel, self.proxy)
        except OSError as error:
            raise ProxyUnreachableError from error
        try:
            await tunnel.reach(f"{self.address.host_subcomponent}:{self.address.port}", _proof(self.proxy))
            connection = make()
            # Whatever the server does before there is TLS, or at once with it, finds a transport to end.
            connection.connection_made(transport)
            secure = await asyncio.get_running_loop().start_tls(transport, connection, trusted(), server_hostname=host)
        except BaseException:
            transport.abort()
            raise
        assert secure is not None
        if connection.usable:
            connection.connection_made(secure)
        return connection

    @property
    def _asks_the_proxy(self) -> bool:
        return self.proxy is not None and self.address.scheme == "http"


@cache
def trusted() -> ssl.SSLContext:
    """Whom the machine trusts, or who is in the file that ``SSL_CERT_FILE`` names; read once."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Tunnel(asyncio.Protocol):
    """A connection to a proxy until it leads to the server."""

    def __init__(self) -> None:
        self._received = b""
        self._head = asyncio.get_running_loop().create_future()

    async def reach(self, authority: str, proof: str) -> None:
        """Asks the proxy for a connection.

        Raises ``ProxyRefusedError``, ``ProxyUnreachableError`` or ``NotHttpError``.
        """
        self._transport.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{proof}\r\n".encode())
        head = await self._head
        status = _STATUS_LINE.match(head)
        if status is None:
            raise NotHttpError
        if int(status[1]) != HTTPStatus.OK:
            raise ProxyRefusedError(int(status[1]))
        if not head.endswith(b"\r\n\r\n"):  # the server has not been spoken to yet
            raise NotHttpError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._head.done() and (b"\r\n\r\n" in self._received or len(self._received) > _LARGEST_HEAD):
            self._head.set_result(self._received)

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._head.done():
            self._head.set_exception(ProxyUnreachableError())
            self._head.exception()  # whoever opened it may have given up, and does not ask


async def _connect(make: Callable[[], ProtocolT], address: URL, **options: Any) -> tuple[asyncio.Transport, ProtocolT]:
    loop = asyncio.get_running_loop()
    if isinstance(loop, asyncio.BaseEventLoop):  # uvloop's is none, and tries one address after the other
        options["happy_eyeballs_delay"] = 0.25  # as RFC 8305 recommends
    return await loop.create_connection(make, _host(address), address.port or 0, **options)


def _host(address: URL) -> str:
    return (address.raw_host or "").rstrip(".")  # no certificate has the trailing dot


def _proof(proxy: URL) -> str:
    """The header line with the user and password for a proxy; empty if it has none."""
    if proxy.user is None and proxy.password is None:
        return ""
    user = f"{proxy.user or ''}:{proxy.password or ''}".encode("latin-1")
    return f"Proxy-Authorization: Basic {b64encode(user).decode()}\r\n"
