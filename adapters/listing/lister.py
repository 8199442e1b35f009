"""Listing containers and blobs, all pages of them, with retries."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from azure.core.exceptions import ClientAuthenticationError

from adapters.credentials import Endpoint
from adapters.listing.account import Account
from adapters.listing.pages import Blobs, ContainerNames, parse_blobs, parse_containers
from adapters.network_faults import TEMPORARY, Fault, fault_of, is_redirect
from adapters.patience import Patience
from adapters.response_headers import Response, clock_ahead
from reconciliation.errors import (
    AuditError,
    ContainerGoneError,
    ListingError,
    StorageRefusedError,
    StorageUnavailableError,
)
from reconciliation.lookups import ALL, BlobPage, Suffixes, can_be_a_container

logger = logging.getLogger("capture_audit.listing")

# More pages than any real listing has: 50 million names at 5,000 each.
MOST_PAGES = 10_000
_GONE = {404: frozenset({"ContainerNotFound"}), 409: frozenset({"ContainerBeingDeleted"})}
_IN_ITS_PLACE = "Look at what answers in storage's place, such as a proxy or a gateway, then audit again."
ResultT = TypeVar("ResultT")
PageT = TypeVar("PageT", ContainerNames, Blobs)


class RestLister:
    """Lists one storage account. Safe for many concurrent callers on one event loop."""

    def __init__(
        self, endpoint: Endpoint, account: Account, *, page_size: int = 5000, patience: Patience | None = None
    ) -> None:
        self._endpoint = endpoint
        self._account = account
        self._containers_query = f"comp=list&maxresults={page_size}"
        self._blobs_query = f"restype=container&comp=list&maxresults={page_size}"
        self._patience = patience or Patience()

    async def containers(self) -> AsyncIterator[list[str]]:
        """Pages of container names, ascending, until there are no more.

        An invalid container name comes escaped, and ``blobs`` refuses it. Raises ``StorageRefusedError``,
        ``StorageUnavailableError`` or ``ListingError``.
        """
        what = f"list containers in account {self._endpoint.account!r}"
        async for page in self._pages("/", self._containers_query, parse_containers, what):
            yield page.names

    async def blobs(self, container: str, keep: Suffixes = ALL, prefix: str = "") -> list[BlobPage]:
        """All pages of a container's listing, or of the blobs whose names begin with ``prefix``, in order. The pages
        hold the blobs whose names end in one of ``keep`` and count the others.

        Raises as ``containers``, and ``ContainerGoneError`` when the container no longer exists. An invalid container
        name is a ``ListingError`` without any request: in a path it could mean another address.
        """
        what = f"list container {container!r} in account {self._endpoint.account!r}"
        if not can_be_a_container(container):
            raise ListingError(f"Cannot {what}: storage cannot have a container of that name. See what lists it so.")
        path, query = f"/{container}", self._blobs_query
        if prefix:
            query += f"&prefix={quote(prefix, safe='')}"

        def parse(page: bytes) -> Blobs:
            return parse_blobs(page, container, keep, prefix)

        page = await self._page(path, query, parse, what)
        pages = [page.blobs]
        if page.marker is not None:
            pages += [following.blobs async for following in self._pages(path, query, parse, what, page.marker)]
        return pages

    async def clock_ahead(self) -> timedelta:
        """How far storage's clock is ahead of this machine's (negative: behind), to within a second or two.

        One small List Containers request; the response's ``Date`` is compared with the middle of the request's time.
        Zero if the response has no valid date. Raises as ``containers``.
        """
        what = f"list containers in account {self._endpoint.account!r}"
        return await self._ask("/", "comp=list&maxresults=1", _clock_ahead, what)

    def close(self) -> None:
        """Close the connections to the account."""
        self._account.close()

    async def _pages(
        self, path: str, query: str, parse: Callable[[bytes], PageT], what: str, marker: str | None = None
    ) -> AsyncIterator[PageT]:
        """The pages from ``marker`` on."""
        markers = {marker}
        while True:
            at = query if marker is None else f"{query}&marker={quote(marker, safe='')}"
            page = await self._page(path, at, parse, what)
            yield page
            marker = page.marker
            if marker is None:
                return
            if marker in markers:
                raise ListingError(f"Cannot {what}: storage sent the same page marker twice. Audit again.")
            if len(markers) >= MOST_PAGES:
                raise ListingError(f"Cannot {what}: there is no end to it after {MOST_PAGES:,} pages. Audit again.")
            markers.add(marker)

    async def _page(self, path: str, query: str, parse: Callable[[bytes], PageT], what: str) -> PageT:
        return await self._ask(path, query, lambda response: parse(response.body), what)

    async def _ask(self, path: str, query: str, read: Callable[[Response], ResultT], what: str) -> ResultT:
        """What ``read`` makes of the response, with retries; a ``ListingError`` of ``read`` is retried, too."""
        for attempt in range(1, self._patience.attempts + 1):
            hint: float | None = None
            kind: type[AuditError] = StorageUnavailableError
            signature, headers = await self._signed(what)
            try:
                response, hint = await self._account.get(path, f"{query}&{signature}" if signature else query, headers)
                if response.status == HTTPStatus.OK:
                    return read(response)
                fault = Fault(_judged(response.status, response.body, what, self._endpoint.advice))
            except ListingError as error:
                kind = ListingError
                fault = Fault(str(error).removeprefix("Storage ").rstrip("."), _IN_ITS_PLACE)
            except AuditError:
                raise
            except OSError as error:
                fault = fault_of(error)
            if fault.lasts:
                raise StorageRefusedError(f"Cannot {what}: storage {fault.what}. {fault.advice}")
            if attempt < self._patience.attempts:
                await self._hold_back(attempt, hint, f"Cannot {what} yet: storage {fault.what}")
        advice = fault.advice or "Check the account's network rules and its status, then audit again."
        raise kind(f"Cannot {what}: storage {fault.what}, {self._patience.attempts} times in a row. {advice}")

    async def _signed(self, what: str) -> tuple[str, Mapping[str, str]]:
        """The authentication of a request. Raises ``StorageRefusedError``, without retries, if there is none."""
        try:
            return await self._endpoint.signer.sign()
        except AuditError:
            raise
        except ClientAuthenticationError as error:
            raise StorageRefusedError(
                f"Cannot {what}: the app has no identity that storage accepts. Turn on the app's managed identity, "
                "or sign in with 'az login' for local development."
            ) from error
        except Exception as error:  # a signer may raise anything
            raise StorageRefusedError(
                f"Cannot {what}: the request could not be signed ({type(error).__name__}). Check the account's key or "
                "signature in the settings, or the app's identity."
            ) from error

    async def _hold_back(self, attempt: int, hint: float | None, why: str) -> None:
        """Wait before the next attempt; a hint can only make that longer."""
        wait = self._patience.wait(attempt, hint)
        logger.info("%s. Trying again in %.1f s", why, wait)
        await asyncio.sleep(wait)


def _clock_ahead(response: Response) -> timedelta:
    parse_containers(response.body)  # raises if it is not storage's
    return clock_ahead(response.headers, response.sent_at, response.responded_at)


def _judged(status: int, body: bytes, what: str, advice: str) -> str:
    """A description of a temporary failure; raises for a permanent one."""
    code = _error_code(body)
    if code in _GONE.get(status, ()):
        raise ContainerGoneError(f"Cannot {what}: it was deleted.")
    if status in TEMPORARY:
        return f"answered {status}"
    if is_redirect(status):
        raise StorageRefusedError(
            f"Cannot {what}: storage answered {status}, which leads elsewhere and is not followed. Check the account's "
            "address in the settings, and what answers in its place."
        )
    error: AuditError = StorageRefusedError(
        f"Cannot {what}: storage answered {status}{f' ({code})' if code else ''}. {advice}, and check the account's "
        "network rules."
    )
    raise error


def _error_code(body: bytes) -> str:
    code, end, _ = body.partition(b"<Code>")[2].partition(b"</Code>")
    text = code.decode("ascii", "replace")
    return text if end and text.isalnum() else ""
