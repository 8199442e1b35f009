"""Answering what sources declare: one moment of what a setting names, out of which several queries are read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from adapters.listing.lister import RestLister
from adapters.postgres import Snapshot
from adapters.services import Services
from adapters.store.jsonl import to_text
from reconciliation.database import DatabaseState
from reconciliation.errors import SettingsError, TooLargeError
from reconciliation.queries import Containers, Query, SqlRows

_MORE_THAN_ANY_CLOCK = timedelta(days=1)


class Reader(Protocol):
    """What a setting names, at one moment. ``ahead`` is how far its clock is ahead of the app's, ``state`` what it says
    of itself if it is a database.
    """

    ahead: timedelta
    state: DatabaseState | None

    def lines(self, query: Query) -> AsyncIterator[list[str]]:
        """A JSON text for each row, in portions. Raises an ``AuditError`` where it cannot be read."""
        ...


@asynccontextmanager
async def reader(services: Services, setting: str) -> AsyncIterator[Reader]:
    """A reader of what a setting names. Raises an ``AuditError`` where it cannot be reached."""
    if setting in services.listers:
        yield await _Account.of(services, services.listers[setting])
        return
    async with services.database(setting).snapshot() as snapshot:
        state = await snapshot.state()
        yield _Rows(snapshot, beyond(state.clock - services.now(), services.settings.clock_tolerance), state)


@dataclass
class _Rows:
    """A snapshot of a database."""

    snapshot: Snapshot
    ahead: timedelta
    state: DatabaseState | None

    def lines(self, query: Query) -> AsyncIterator[list[str]]:
        if not isinstance(query, SqlRows):
            raise SettingsError(f"A database cannot answer {type(query).__name__}.")
        return self.snapshot.lines(query)


@dataclass
class _Account:
    """A storage account."""

    lister: RestLister
    ahead: timedelta
    most: int
    state: DatabaseState | None = None

    @classmethod
    async def of(cls, services: Services, lister: RestLister) -> "_Account":
        ahead = beyond(await lister.clock_ahead(), services.settings.clock_tolerance)
        if abs(ahead) >= _MORE_THAN_ANY_CLOCK:  # such an answer was kept somewhere on its way
            ahead = timedelta()
        return cls(lister, ahead, services.settings.max_containers)

    async def lines(self, query: Query) -> AsyncIterator[list[str]]:
        if not isinstance(query, Containers):
            raise SettingsError(f"A storage account cannot answer {type(query).__name__}.")
        listed = 0
        async for names in self.lister.containers():
            listed += len(names)
            if listed > self.most:
                raise TooLargeError(
                    f"Storage has more than {self.most:,} containers, which is as many as this app is set up for. "
                    "Raise AUDIT_MAX_CONTAINERS, and see the capacity table in docs/operations.md."
                )
            yield [*map(to_text, names)]


def beyond(ahead: timedelta, tolerance: timedelta) -> timedelta:
    """How far a clock is ahead, in whole seconds: nothing where it differs by no more than clocks may."""
    return timedelta(seconds=round(ahead.total_seconds())) if abs(ahead) > tolerance else timedelta()
