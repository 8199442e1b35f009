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
from reconciliation.errors import SettingsError, TooLargeError
from reconciliation.looks import Server
from reconciliation.queries import Containers, Query, SqlRows

_MORE_THAN_ANY_CLOCK = timedelta(days=1)


class Reader(Protocol):
    """What a setting names, at one moment. ``server`` is what a database says of itself, ``ahead`` how far the clock of
    a storage account is ahead.
    """

    server: Server | None
    ahead: timedelta

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
        yield _Rows(snapshot, Server(state, state.clock - services.now()))


@dataclass
class _Rows:
    """A snapshot of a database."""

    snapshot: Snapshot
    server: Server | None
    ahead: timedelta = timedelta()

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
    server: Server | None = None

    @classmethod
    async def of(cls, services: Services, lister: RestLister) -> "_Account":
        ahead = believed(await lister.clock_ahead(), services.settings.clock_tolerance)
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


def believed(ahead: timedelta, tolerance: timedelta) -> timedelta:
    """How far storage's clock is ahead, in whole seconds: nothing where clocks differ by no more than they may, which
    tells nothing, and where they differ by more than any do: such an answer was kept somewhere on its way.
    """
    if tolerance < abs(ahead) < _MORE_THAN_ANY_CLOCK:
        return timedelta(seconds=round(ahead.total_seconds()))
    return timedelta()
