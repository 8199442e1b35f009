"""Reading the queries of sources: several queries of one setting, all at one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, Self

from adapters.ahead import ahead
from adapters.buckets.bucket import Bucket
from adapters.buckets.listing import keys, paths
from adapters.http_api import HttpApi
from adapters.listing.lister import RestLister
from adapters.postgres import Snapshot
from adapters.services import Services
from adapters.settings import Settings
from adapters.store.jsonl import to_text
from reconciliation.database import DatabaseState
from reconciliation.errors import SettingsError, TooLargeError
from reconciliation.evidence import Unread
from reconciliation.queries import Containers, HttpRows, KeysUnder, Prefixes, Query, SqlRows

_MORE_THAN_ANY_CLOCK = timedelta(days=1)
_PORTION = 1000


Portion = list[str] | Unread


class Reader(Protocol):
    """The storage account, bucket, API or database of a setting at one moment. ``state`` is that of a database."""

    state: DatabaseState | None

    async def ahead(self) -> timedelta:
        """How far its clock is ahead of the app's; zero within the tolerance."""
        ...

    def lines(self, query: Query) -> AsyncIterator[Portion]:
        """A JSON text for each row, in portions. The last may be an ``Unread`` (what is missing, why, what to do),
        which is a gap of this source and does not end the audit. Raises an ``AuditError`` if nothing can be read.
        """
        ...


@dataclass
class Reading:
    """The lines of a reader; once they were read, ``unread`` says why some are missing (None: they are complete)."""

    portions: AsyncIterator[Portion]
    unread: str | None = None

    @classmethod
    def of(cls, opened: Reader, query: Query | None) -> Self:
        """What a reader gives for a query; for None nothing, and that is complete."""
        return cls(_nothing() if query is None else opened.lines(query))

    async def lines(self) -> AsyncIterator[list[str]]:
        async for portion in self.portions:
            if isinstance(portion, Unread):
                self.unread = f"{portion.unit}: {portion.reason}"
                return
            yield portion


async def _nothing() -> AsyncIterator[Portion]:
    for portion in list[Portion]():
        yield portion


@asynccontextmanager
async def reader(services: Services, setting: str) -> AsyncIterator[Reader]:
    """A reader of what a setting connects to. Raises an ``AuditError`` if it cannot be reached."""
    if setting in services.listers:
        yield _Account(services.listers[setting], services.settings)
        return
    if setting in services.buckets:
        yield _Bucket(services.buckets[setting], services.settings)
        return
    if setting in services.apis:
        yield _Api(services.apis[setting], services.settings)
        return
    async with services.database(setting).snapshot() as snapshot:
        state = await snapshot.state()
        yield _Rows(snapshot, state, beyond(state.clock - services.now(), services.settings.clock_tolerance))


@dataclass
class _Rows:
    snapshot: Snapshot
    state: DatabaseState | None
    clock_ahead: timedelta

    async def ahead(self) -> timedelta:
        return self.clock_ahead

    def lines(self, query: Query) -> AsyncIterator[Portion]:
        if not isinstance(query, SqlRows):
            raise SettingsError(f"A database cannot answer {type(query).__name__}.")
        return self.snapshot.lines(query)


@dataclass
class _Account:
    lister: RestLister
    settings: Settings
    state: DatabaseState | None = None

    async def ahead(self) -> timedelta:
        return _believable(await self.lister.clock_ahead(), self.settings)

    async def lines(self, query: Query) -> AsyncIterator[Portion]:
        if not isinstance(query, Containers):
            raise SettingsError(f"A storage account cannot answer {type(query).__name__}.")
        async with ahead(self.lister.containers()) as pages:
            async for names in _bounded(pages, self.settings.max_containers, "Storage", "containers"):
                yield [*map(to_text, names)]


@dataclass
class _Bucket:
    bucket: Bucket
    settings: Settings
    state: DatabaseState | None = None

    async def ahead(self) -> timedelta:
        return _believable(await self.bucket.clock_ahead(), self.settings)

    async def lines(self, query: Query) -> AsyncIterator[Portion]:
        if not isinstance(query, Prefixes | KeysUnder):
            raise SettingsError(f"A bucket cannot answer {type(query).__name__}.")
        portion: list[str] = []
        found = paths(self.bucket, query) if isinstance(query, Prefixes) else keys(self.bucket, query)
        where = f"Bucket {self.bucket.name}"
        async for names in _bounded(found, self.settings.max_containers, where, "folders or files to list"):
            portion += map(to_text, names)
            if len(portion) >= _PORTION:
                yield portion
                portion = []
        if portion:
            yield portion


@dataclass
class _Api:
    api: HttpApi
    settings: Settings
    state: DatabaseState | None = None

    async def ahead(self) -> timedelta:
        return _believable(await self.api.clock_ahead(), self.settings)

    def lines(self, query: Query) -> AsyncIterator[Portion]:
        if not isinstance(query, HttpRows):
            raise SettingsError(f"An API cannot answer {type(query).__name__}.")
        return self.api.rows(query)


async def _bounded(pages: AsyncIterator[list[str]], most: int, where: str, what: str) -> AsyncIterator[list[str]]:
    """The same pages. Raises ``TooLargeError`` as soon as they have more names than ``most``."""
    listed = 0
    async for names in pages:
        listed += len(names)
        if listed > most:
            raise TooLargeError(
                f"{where} has more than {most:,} {what}, which is as many as this app is set up for. Raise "
                "AUDIT_MAX_CONTAINERS, and see the capacity table in docs/operations.md."
            )
        yield names


def _believable(ahead: timedelta, settings: Settings) -> timedelta:
    ahead = beyond(ahead, settings.clock_tolerance)
    # Such a response came from a cache.
    return timedelta() if abs(ahead) >= _MORE_THAN_ANY_CLOCK else ahead


def beyond(ahead: timedelta, tolerance: timedelta) -> timedelta:
    """How far a clock is ahead, in whole seconds; zero within the tolerance."""
    return timedelta(seconds=round(ahead.total_seconds())) if abs(ahead) > tolerance else timedelta()
