"""What a bucket can be asked, whatever it is kept by; and how a question is asked again."""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol, TypeVar

from adapters.patience import Patience
from reconciliation.errors import AuditError, StorageUnavailableError
from reconciliation.lookups import StoredObject

logger = logging.getLogger("capture_audit.buckets")

MOST_OF_A_PAGE = 1000
"""As many as S3 gives."""
PART = 8 * 1024 * 1024
"""What is written at once, in bytes: a larger object is written in parts, of which one is kept in memory."""
_DOWNLOADS_TAKE = 20
"""So many times longer than a request."""
ResultT = TypeVar("ResultT")


class Page(NamedTuple):
    """A page of a listing: its objects and its folders (paths that end in a slash), each in the order in which storage
    sent them. ``token`` leads to the next page, None on the last.
    """

    objects: list[StoredObject]
    folders: list[str]
    token: str | None


@dataclass(frozen=True)
class Download:
    """The bytes of an object in pieces, and what it was when they began; ``size`` in bytes."""

    size: int
    version: str
    pieces: AsyncIterator[bytes]


class Bucket(Protocol):
    """One bucket. Safe for many concurrent callers on one event loop, to which it belongs from its first question on.

    A single object is asked for by the listing of its key, which gives size, version and moment as a HEAD would. The
    answer to a HEAD has no body: it cannot tell a missing object from a missing bucket.

    All of it raises ``SettingsError``, ``StorageRefusedError`` or ``StorageUnavailableError``.
    """

    @property
    def name(self) -> str:
        """How messages name it: its place and its setting."""
        ...

    @property
    def patience(self) -> Patience:
        """How long it is waited for, and how often it is asked again."""
        ...

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        """One page, of at most ``size``, of the objects whose keys begin with ``prefix``, asked for once.

        ``by_folder``: those with a further slash in their keys are told as folders. Raises ``ListingError`` for what is
        no listing.
        """
        ...

    def download(self, key: str, version: str | None = None) -> AbstractAsyncContextManager[Download | None]:
        """An object, asked for once; None if there is none of that key, or if it is not of that ``version`` (any more).

        All of it is of one version.
        """
        ...

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        """Write an object of ``size`` bytes where there is none, asked for once; its version. None if storage refuses
        it because something is there: nothing was written then.

        Nothing can be seen of it before the last of the ``pieces`` has come: if they raise, or are not of that size,
        nothing is written. ``in_parts``: as a large object is, whatever its size. An error that is not
        ``StorageRefusedError``, once all pieces were given, does not say whether it was written.
        """
        ...

    async def remove(self, key: str, version: str) -> bool:
        """Delete an object of that version; False, and nothing is deleted, if there is none, or one of another version.

        An error that is not ``StorageRefusedError`` does not say whether it was deleted.
        """
        ...

    async def clock_ahead(self) -> timedelta:
        """How far storage's clock is ahead of this machine's (negative: behind), to within a second or two; zero if it
        does not tell.
        """
        ...

    async def close(self) -> None:
        """Ends its connections; the next question makes new ones."""
        ...


async def in_pieces_of(most: int, pieces: AsyncIterable[bytes], size: int, what: str) -> AsyncIterator[bytes]:
    """The same bytes in pieces of ``most``, the last of which may be shorter, and is the only one that may be empty.

    Raises ``StorageUnavailableError`` before the last if they are not ``size`` bytes.
    """
    waiting, total = bytearray(), 0
    async for piece in pieces:
        waiting += piece
        total += len(piece)
        while len(waiting) > most:
            yield bytes(waiting[:most])
            del waiting[:most]
    if total != size:
        raise StorageUnavailableError(f"Cannot {what}: of its {size:,} bytes {total:,} came. Nothing was written.")
    yield bytes(waiting)


async def patiently(
    ask: Callable[[], Awaitable[ResultT]], what: str, patience: Patience, *, downloads: bool = False
) -> ResultT:
    """What ``ask`` gives; it is called again, later each time, while it ends in an error that is ``retryable``, or does
    not end in time.
    """
    seconds = patience.request_timeout * (_DOWNLOADS_TAKE if downloads else 1)
    for attempt in range(1, patience.attempts + 1):
        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except TimeoutError:
            error: AuditError = StorageUnavailableError(f"Cannot {what}: storage did not answer in time.")
        except AuditError as raised:
            if not raised.retryable:
                raise
            error = raised
        if attempt < patience.attempts:
            wait = patience.wait(attempt)
            logger.info("%s Trying again in %.1f s", error, wait)
            await asyncio.sleep(wait)
    times = f"This was so {patience.attempts} times in a row."
    raise type(error)(f"{error} {times} Check storage's status and its network rules, then audit again.") from error
