"""One storage account, as everything in this process asks it: through one gate, over one set of connections."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from yarl import URL

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


class Account:
    """Asks one account, at the pace that it allows. Safe for many concurrent callers on one event loop."""

    def __init__(self, url: str, *, limits: Limits | None = None, patience: Patience | None = None) -> None:
        """Raises ``SettingsError`` if the address of the account, or of the proxy to it, cannot be used."""
        limits, patience = limits or Limits(), patience or Patience()
        address = _address(url)
        self._base = address.raw_path.rstrip("/")
        self._host = address.host
        way = Way(address.origin(), proxy_for(address))
        self._connections = Connections(way, _HEADERS, seconds=patience.request_timeout, most=limits.connections)
        self._gate = Gate(Throttle(limits.per_second or None, limits.connections, patience.longest_wait))

    async def get(self, path: str, query: str, headers: Mapping[str, str]) -> Response:
        """The answer to a GET of an encoded path below the account's address, once it is its turn.

        What storage refuses for want of room slows down all callers. Raises as ``Connections.get``.
        """
        begun = await self._gate.enter()
        try:
            response = await self._connections.get(f"{self._base}{path}?{query}", headers)
        except BaseException:
            self._gate.leave()
            raise
        if response.status == HTTPStatus.OK or not _has_no_room(response):
            self._gate.leave()
        elif self._gate.leave_refused(begun, retry_after(response.headers)):
            logger.info(
                "%s refuses requests for want of room (%d). It is asked at most %d times a second from now on",
                self._host,
                response.status,
                self._gate.per_second or 0,
            )
        return response

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()


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
