"""One storage account, as everything in this process asks it: through one gate, over one set of connections."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from yarl import URL

from adapters.listing.connection import LostError
from adapters.listing.connections import Connections
from adapters.listing.gate import Gate
from adapters.listing.opening import Way
from adapters.listing.throttle import Throttle
from adapters.patience import Patience
from adapters.proxies import proxy_for
from adapters.response_headers import Response, retry_after
from reconciliation import VERSION
from reconciliation.errors import SettingsError

logger = logging.getLogger("capture_audit.listing")

_HEADERS = {
    "x-ms-version": "2023-11-03",
    "User-Agent": f"capture-audit/{VERSION}",
    # Unpacked, a few megabytes can be as many gigabytes.
    "Accept-Encoding": "identity",
}
_OUT_OF_ROOM = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# The other answer beyond the limits: https://learn.microsoft.com/azure/storage/blobs/scalability-targets
_TOOK_TOO_LONG = b"<Code>OperationTimedOut</Code>"


@dataclass(frozen=True)
class Limits:
    """How much of an account this process takes at most: requests per second (0: there is no ceiling), and how many
    connections.
    """

    per_second: int = 5000
    connections: int = 128

    def shared_by(self, processes: int) -> "Limits":
        """What each of so many processes takes, so that all together take no more, to within one request and connection
        of each.
        """
        return Limits(-(-self.per_second // processes), max(1, self.connections // processes))


class Account:
    """Asks one account, at the pace that it allows. Safe for many concurrent callers on one event loop."""

    def __init__(self, url: str, *, limits: Limits | None = None, patience: Patience | None = None) -> None:
        """Raises ``SettingsError`` if the address of the account, or of the proxy to it, cannot be used."""
        limits, patience = limits or Limits(), patience or Patience()
        address = _address(url)
        way = Way(address.origin(), proxy_for(address))
        self._host = address.host
        self._prefix = f"GET {way.prefix}{address.raw_path.rstrip('/')}"
        self._head = f" HTTP/1.1\r\n{way.head}{_lines(_HEADERS)}"
        connections = Connections(way.open, seconds=patience.request_timeout, most=limits.connections)
        self._gate = Gate(Throttle(limits.per_second or None, patience.longest_wait), connections)

    async def get(self, path: str, query: str, headers: Mapping[str, str]) -> tuple[Response, float | None]:
        """The answer to a GET of an encoded path below the account's address, once it is its turn, and the seconds for
        which an answer other than 200 asks to wait, if it does.

        What storage refuses for want of room slows down all callers. A connection whose caller is cancelled is closed,
        as its answer may still come. Raises what ``Way.open`` and ``Connection.ask`` do except ``LostError``, after
        which it asks again, and ``TimeoutError``.
        """
        request = f"{self._prefix}{path}?{query}{self._head}{_lines(headers)}\r\n".encode()
        connection, begun = await self._gate.enter()
        while True:
            try:
                response = await connection.ask(request)
                break
            except LostError:
                pass
            except BaseException:
                connection.abort()
                self._gate.leave(connection)
                raise
            connection, begun = await self._gate.enter_again()
        if response.status == HTTPStatus.OK:
            self._gate.leave(connection)
            return response, None
        hint = retry_after(response.headers)
        if not _has_no_room(response):
            self._gate.leave(connection)
        elif self._gate.leave_refused(connection, begun, hint):
            logger.info(
                "%s refuses requests for want of room (%d). It is asked at most %d times a second from now on",
                self._host,
                response.status,
                self._gate.per_second or 0,
            )
        return response, hint

    def close(self) -> None:
        """Close all connections."""
        self._gate.close()


def _has_no_room(response: Response) -> bool:
    return response.status in _OUT_OF_ROOM or (
        response.status == HTTPStatus.INTERNAL_SERVER_ERROR and _TOOK_TOO_LONG in response.body
    )


def _address(text: str) -> URL:
    try:
        address = URL(text, encoded=True)
        usable = address.scheme in {"http", "https"} and address.host and address.port
        if usable and not (address.raw_user or address.raw_password):
            return address
    except ValueError:
        pass
    raise SettingsError(
        "The address of a storage account is none that can be asked. Give https://<account>.blob.core.windows.net, "
        "with no name or password in it."
    )


def _lines(headers: Mapping[str, str]) -> str:
    """Header lines. Raises ``ValueError`` if a value would be more than one."""
    if not headers:  # most requests are signed in their query
        return ""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("A header holds the end of a line.")
    return lines
