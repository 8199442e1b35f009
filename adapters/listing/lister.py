"""Listing containers and blobs, every page of them, through whatever the network does."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from azure.core.exceptions import ClientAuthenticationError
from multidict import CIMultiDict
from yarl import URL

from adapters.credentials import Endpoint
from adapters.listing.deadlines import Deadlines
from adapters.listing.pages import Blobs, ContainerNames, parse_blobs, parse_containers
from reconciliation import VERSION
from reconciliation.errors import (
    AuditError,
    ContainerGoneError,
    ListingError,
    StorageRefusedError,
    StorageUnavailableError,
)
from reconciliation.evidence import BlobPage

logger = logging.getLogger("capture_audit.listing")

_HEADERS = {"x-ms-version": "2023-11-03", "User-Agent": f"capture-audit/{VERSION}"}
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
# As many pages as no real listing has: 50 million names at 5,000 each.
MOST_PAGES = 10_000
_GONE = {404: frozenset({"ContainerNotFound"}), 409: frozenset({"ContainerBeingDeleted"})}
PageT = TypeVar("PageT", ContainerNames, Blobs)


@dataclass(frozen=True)
class Patience:
    """How hard to try one request before giving up; seconds. Waits double from ``first_wait``, with jitter."""

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    request_timeout: float = 30.0


class _Request(aiohttp.ClientRequest):
    """A request that sends the session's headers and no others: making the usual ones takes a tenth of its CPU."""

    def update_headers(self, headers: CIMultiDict[str]) -> None:  # type: ignore[override]
        """The headers that were given, and the host's name. The session makes them for this request alone."""
        self.headers = headers
        self.headers["Host"] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """None."""


def open_session() -> aiohttp.ClientSession:
    """A session for one process's lister: as many connections as it has callers, kept open between requests."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),  # the lister keeps its own deadlines
        request_class=_Request,
    )


class RestLister:
    """Lists one storage account. Safe for many concurrent callers on one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: aiohttp.ClientSession,
        *,
        page_size: int = 5000,
        patience: Patience | None = None,
    ) -> None:
        self._endpoint = endpoint
        address = URL(endpoint.url, encoded=True)
        self._scheme, self._authority = address.scheme, address.raw_authority
        self._base = address.raw_path.rstrip("/")
        self._session = session
        self._containers_query = f"comp=list&maxresults={page_size}"
        self._blobs_query = f"restype=container&comp=list&maxresults={page_size}"
        self._patience = patience or Patience()
        self._deadlines = Deadlines(self._patience.request_timeout)
        self._pause_until = 0.0

    async def containers(self) -> AsyncIterator[list[str]]:
        """Pages of container names, ascending, until there are no more.

        Raises ``StorageRefusedError``, ``StorageUnavailableError`` or ``ListingError``.
        """
        what = f"list containers in account {self._endpoint.account!r}"
        async for page in self._pages("/", self._containers_query, parse_containers, what):
            yield page.names

    async def blobs(self, container: str) -> list[BlobPage]:
        """All pages of a container's listing, in order.

        Raises as ``containers``, and ``ContainerGoneError`` when the container is not there any more.
        """
        what = f"list container {container!r} in account {self._endpoint.account!r}"
        # Container names need no quoting: they are lower-case letters, digits, hyphens, and $ in front.
        path, query = f"/{container}", self._blobs_query
        page = await self._page(path, query, parse_blobs, what)
        pages = [page.blobs]
        if page.marker is not None:
            pages += [following.blobs async for following in self._pages(path, query, parse_blobs, what, page.marker)]
        return pages

    async def _pages(
        self, path: str, query: str, parse: Callable[[bytes], PageT], what: str, marker: str | None = None
    ) -> AsyncIterator[PageT]:
        """The pages from ``marker`` on."""
        seen = {marker}
        while True:
            at = query if marker is None else f"{query}&marker={quote(marker, safe='')}"
            page = await self._page(path, at, parse, what)
            yield page
            marker = page.marker
            if marker is None:
                return
            if marker in seen:
                raise ListingError(f"Cannot {what}: storage sent the same page marker twice. Audit again.")
            if len(seen) >= MOST_PAGES:
                raise ListingError(f"Cannot {what}: there is no end to it after {MOST_PAGES:,} pages. Audit again.")
            seen.add(marker)

    async def _page(self, path: str, query: str, parse: Callable[[bytes], PageT], what: str) -> PageT:
        for attempt in range(1, self._patience.attempts + 1):
            if self._pause_until:
                await self._wait_while_paused()
            try:
                status, body, retry_after = await self._get(path, query)
                if status == HTTPStatus.OK:
                    return parse(body)
                trouble: str = _judged(status, body, what, self._endpoint.advice)
            except (aiohttp.ClientError, TimeoutError, ListingError) as error:
                trouble, retry_after = _in_words(error), None
            except ClientAuthenticationError as error:
                raise StorageRefusedError(
                    f"Cannot {what}: the app has no identity that storage accepts. Turn on the app's managed identity, "
                    "or sign in with 'az login' for local development."
                ) from error
            if attempt < self._patience.attempts:
                await self._hold_back(attempt, retry_after, f"Cannot {what} yet: {trouble}")
        raise StorageUnavailableError(
            f"Cannot {what}: {trouble}, {self._patience.attempts} times in a row. Check the account's network rules "
            "and its status, then audit again."
        )

    async def _get(self, path: str, query: str) -> tuple[int, bytes, float | None]:
        signature, headers = await self._endpoint.signer.sign()
        url = URL.build(  # from its parts, so that nothing has to be parsed
            scheme=self._scheme,
            authority=self._authority,
            path=f"{self._base}{path}",
            query_string=f"{query}&{signature}" if signature else query,
            encoded=True,
        )
        with self._deadlines.one():
            answer = await self._session.get(url, headers=headers or None)
            try:
                # A short answer has arrived with its headers, and its connection is given back already.
                content = answer.content
                body = content.read_nowait() if content.is_eof() else await answer.read()
            except BaseException:
                answer.close()
                raise
        if answer.status == HTTPStatus.OK:
            return answer.status, body, None
        return answer.status, body, _seconds(answer.headers.get("Retry-After"))

    async def _hold_back(self, attempt: int, retry_after: float | None, why: str) -> None:
        wait = self._patience.first_wait * 2 ** (attempt - 1) if retry_after is None else retry_after
        wait = min(wait, self._patience.longest_wait) * random.uniform(1.0, 1.25)  # noqa: S311 - jitter
        logger.info("%s. Trying again in %.1f s", why, wait)
        if retry_after is None:
            await asyncio.sleep(wait)
        else:
            # Throttling is meant for the whole account, so every caller holds back.
            self._pause_until = max(self._pause_until, asyncio.get_running_loop().time() + wait)

    async def _wait_while_paused(self) -> None:
        wait = self._pause_until - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)


def _judged(status: int, body: bytes, what: str, advice: str) -> str:
    """Words for a temporary failure; raises for a lasting one."""
    code = _error_code(body)
    if code in _GONE.get(status, ()):
        raise ContainerGoneError(f"Cannot {what}: it was deleted.")
    if status in _TEMPORARY:
        return f"storage answered {status}"
    error: AuditError = StorageRefusedError(
        f"Cannot {what}: storage answered {status}{f' ({code})' if code else ''}. {advice}, and check the account's "
        "network rules."
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
    code, end, _ = body.partition(b"<Code>")[2].partition(b"</Code>")
    text = code.decode("ascii", "replace")
    return text if end and text.isalnum() else ""


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
