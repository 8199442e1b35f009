"""Listing containers and blobs, every page of them, through whatever the network does."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from azure.core.exceptions import ClientAuthenticationError
from yarl import URL

from adapters.credentials import Endpoint
from adapters.listing.pages import BlobPage, ContainerPage, parse_blobs, parse_containers
from reconciliation.errors import (
    AuditError,
    ContainerGoneError,
    ListingError,
    StorageRefusedError,
    StorageUnavailableError,
)
from reconciliation.evidence import Blob

logger = logging.getLogger("capture_audit.listing")

_API_VERSION = "2023-11-03"
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
_GONE = {404: frozenset({"ContainerNotFound"}), 409: frozenset({"ContainerBeingDeleted"})}
PageT = TypeVar("PageT", ContainerPage, BlobPage)


@dataclass(frozen=True)
class Patience:
    """How hard to try one request before giving up; seconds. Waits double from ``first_wait``, with jitter."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    request_timeout: float = 30.0


class RestLister:
    """Lists one storage account. Safe for many concurrent callers on one event loop; counts its requests."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: aiohttp.ClientSession,
        *,
        page_size: int = 5000,
        patience: Patience | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._session = session
        self._page_size = page_size
        self._patience = patience or Patience()
        self._timeout = aiohttp.ClientTimeout(total=self._patience.request_timeout, sock_connect=10)
        self._pause_until = 0.0
        self.requests = 0

    async def containers(self) -> AsyncIterator[list[str]]:
        """Pages of container names, ascending, until there are no more.

        Raises ``StorageRefusedError``, ``StorageUnavailableError`` or ``ListingError``.
        """
        what = f"list containers in account {self._endpoint.account!r}"
        async for page in self._pages("", {"comp": "list"}, parse_containers, what):
            yield page.names

    async def blobs(self, container: str) -> AsyncIterator[list[Blob]]:
        """Pages of a container's blobs, ascending by name, until there are no more.

        Raises as ``containers``, and ``ContainerGoneError`` when the container is not there any more.
        """
        what = f"list container {container!r} in account {self._endpoint.account!r}"
        query = {"restype": "container", "comp": "list"}
        async for page in self._pages("/" + quote(container, safe="$"), query, parse_blobs, what):
            yield page.blobs

    async def _pages(
        self, path: str, query: dict[str, str], parse: Callable[[bytes], PageT], what: str
    ) -> AsyncIterator[PageT]:
        marker: str | None = None
        seen: set[str] = set()
        while True:
            page = await self._page(path, query | ({"marker": marker} if marker else {}), parse, what)
            yield page
            marker = page.marker
            if marker is None:
                return
            if marker in seen:
                raise ListingError(f"Cannot {what}: storage sent the same page marker twice. Audit again.")
            seen.add(marker)

    async def _page(self, path: str, query: dict[str, str], parse: Callable[[bytes], PageT], what: str) -> PageT:
        patience = self._patience
        for attempt in range(1, patience.attempts + 1):
            await self._wait_while_paused()
            try:
                status, body, retry_after = await self._get(path, query)
                if status == HTTPStatus.OK:
                    return parse(body)
                trouble: str = self._judge(status, body, what)
            except (aiohttp.ClientError, TimeoutError, ListingError) as error:
                trouble, retry_after = _in_words(error), None
            except ClientAuthenticationError as error:
                raise StorageRefusedError(
                    f"Cannot {what}: the app has no identity that storage accepts. Turn on the app's managed identity, "
                    "or sign in with 'az login' for local development."
                ) from error
            if attempt < patience.attempts:
                wait = retry_after if retry_after is not None else patience.first_wait * 2 ** (attempt - 1)
                wait = min(wait, patience.longest_wait) * random.uniform(1.0, 1.25)  # noqa: S311 - jitter
                logger.info("Cannot %s yet: %s. Trying again in %.1f s", what, trouble, wait)
                if retry_after is not None:
                    # Throttling is meant for the whole account, so every caller holds back.
                    self._pause_until = max(self._pause_until, asyncio.get_running_loop().time() + wait)
                else:
                    await asyncio.sleep(wait)
        raise StorageUnavailableError(
            f"Cannot {what}: {trouble}, {patience.attempts} times in a row. Check the account's network rules and its "
            "status, then audit again."
        )

    async def _wait_while_paused(self) -> None:
        wait = self._pause_until - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)

    async def _get(self, path: str, query: dict[str, str]) -> tuple[int, bytes, float | None]:
        signature, headers = await self._endpoint.signer.sign()
        parameters = urlencode(query | {"maxresults": str(self._page_size)}, quote_via=quote)
        url = URL(f"{self._endpoint.url}{path or '/'}?{parameters}{'&' if signature else ''}{signature}", encoded=True)
        self.requests += 1
        async with self._session.get(
            url, headers={"x-ms-version": _API_VERSION, **headers}, timeout=self._timeout
        ) as response:
            return response.status, await response.read(), _seconds(response.headers.get("Retry-After"))

    def _judge(self, status: int, body: bytes, what: str) -> str:
        """Words for a temporary failure; raises for a lasting one."""
        code = _error_code(body)
        if code in _GONE.get(status, ()):
            raise ContainerGoneError(f"Cannot {what}: it was deleted.")
        if status in _TEMPORARY:
            return f"storage answered {status}"
        error: AuditError = StorageRefusedError(
            f"Cannot {what}: storage answered {status}{f' ({code})' if code else ''}. Grant the app's identity "
            "'Storage Blob Data Reader' on the account, and check the account's network rules."
        )
        raise error


def _in_words(error: Exception) -> str:
    """What happened, without addresses or query strings: a URL carries the signature."""
    if isinstance(error, ListingError):
        return str(error)[:1].lower() + str(error)[1:].rstrip(".")
    if isinstance(error, TimeoutError):
        return "storage did not answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "storage could not be reached"
    return "the connection to storage broke"


def _error_code(body: bytes) -> str:
    head, _, rest = body.partition(b"<Code>")
    code, end, _ = rest.partition(b"</Code>")
    text = code.decode("ascii", "replace") if head is not body and end else ""
    return text if text.isalnum() else ""


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
