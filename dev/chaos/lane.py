"""One lane of the campaign: a host, its proxies, its database and its run store; audits run in it one after another."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg

from dev.chaos.database import DatabaseProxy, create_reader, database_proxy, denied, locked
from dev.chaos.faults import CONNECTION_FAULTS, LIES, LISTING_FAULTS, RUN_STORE_FAULTS, Fault, Weather
from dev.chaos.hosting import KillableHost
from dev.chaos.proxy import on_a_thread
from dev.chaos.storage import Conditions, StorageProxy, storage_proxy
from dev.chaos.world import PAGE_SIZE
from dev.demo.cases import Case
from dev.demo.planting import create_schema, plant_rows
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import StubbedStorage

# An audit sends its run store a hundred requests, one after the other, and the vendor's client waits 2 s after a fault.
RUN_STORE_SHARE = 0.15
_PASSWORD = "chaos-reader"  # noqa: S105 - of a database that lives as long as the campaign


@dataclass(frozen=True)
class Servers:
    """What all lanes share."""

    postgres: PostgresServer
    azurite: AzuriteServer
    source: StubbedStorage


@dataclass
class Proxies:
    """The proxies of a lane, run by an event loop in a thread of their own."""

    source: StorageProxy
    store: StorageProxy
    database: DatabaseProxy

    def set_rate(self, rate: float) -> None:
        """How often something goes wrong from now on, from 0 to 1."""
        self.source.weather.rate = rate
        self.store.weather.rate = rate * RUN_STORE_SHARE
        self.database.weather.rate = rate


@contextmanager
def running_proxies(servers: Servers, seed: int, counts: Counter[Fault]) -> Iterator[Proxies]:
    """Run a lane's proxies until the block ends."""

    @asynccontextmanager
    async def proxies() -> AsyncIterator[Proxies]:
        source = Weather(seed, LISTING_FAULTS + LIES, counts)
        store = Weather(seed + 1, RUN_STORE_FAULTS, counts)
        database = Weather(seed + 2, CONNECTION_FAULTS, counts)
        async with (
            storage_proxy(source, servers.source.port) as before_source,
            storage_proxy(store, servers.azurite.port) as before_store,
            database_proxy(database, servers.postgres.port) as before_database,
        ):
            yield Proxies(before_source, before_store, before_database)

    with on_a_thread(proxies) as running:
        yield running


@dataclass
class Lane:
    host: KillableHost
    proxies: Proxies
    database: str
    role: str
    counts: Counter[Fault]
    random: random.Random
    _sql_fault: ExitStack = field(default_factory=ExitStack)

    @classmethod
    @contextmanager
    def running(cls, number: int, seed: int, servers: Servers, cases: list[Case], folder: Path) -> Iterator[Self]:
        """Plant the lane's database and run its proxies and its host until the block ends."""
        counts: Counter[Fault] = Counter()
        name = f"chaos_{number}"
        url = servers.postgres.create_database(name)
        create_schema(url)
        plant_rows(url, cases)
        create_reader(url, name, _PASSWORD)
        with running_proxies(servers, seed, counts) as proxies:
            settings = {
                "SOURCE_STORAGE": through(servers.source.connection_string, proxies.source.port),
                "REPORT_STORAGE": through(servers.azurite.connection_string, proxies.store.port),
                "AUDIT_REPORT_CONTAINER": f"chaos-{number}",
                "PRE_DATABASE": f"postgresql://{name}:{_PASSWORD}@127.0.0.1:{proxies.database.port}/{name}",
                "AUDIT_SETTLE_MINUTES": "0",
                "AUDIT_SHARD_CONTAINERS": "10",
                "AUDIT_LIST_PAGE_SIZE": str(PAGE_SIZE),
                "AUDIT_REQUEST_TIMEOUT_SECONDS": "2",
                "AUDIT_STATEMENT_TIMEOUT_SECONDS": "1",
                "AUDIT_MAX_PASSES": "2",
            }
            host = KillableHost(settings, folder / f"host-{number}")
            host.start()
            lane = cls(host, proxies, url, name, counts, random.Random(seed))  # noqa: S311 - reproducible
            try:
                yield lane
            finally:
                lane.end_sql_fault()
                host.stop()

    def begin(self, rate: float, conditions: Conditions) -> None:
        """The weather and the conditions of a new audit, with empty records."""
        self.proxies.source.begin(conditions)
        self.proxies.set_rate(rate)

    def calm(self) -> None:
        """From now on everything works; the clocks stay as they are."""
        source = self.proxies.source
        source.conditions = replace(source.conditions, closed=frozenset())
        self.proxies.set_rate(0)
        self.end_sql_fault()

    def begin_sql_fault(self) -> None:
        """Take a right away, or hold a table, until ``end_sql_fault``."""
        fault = self.random.choice((Fault.DB_DENIED, Fault.DB_TIMEOUT))
        try:
            trouble = denied(self.database, self.role) if fault is Fault.DB_DENIED else locked(self.database)
            self._sql_fault.enter_context(trouble)
        except psycopg.errors.LockNotAvailable:
            return
        self.counts[fault] += 1

    def end_sql_fault(self) -> None:
        """Give back what ``begin_sql_fault`` took."""
        self._sql_fault.close()


def through(connection_string: str, port: int) -> str:
    """The connection string with the proxy's port in it, and nothing else changed."""
    parts = dict(part.partition("=")[::2] for part in connection_string.rstrip(";").split(";"))
    parts["BlobEndpoint"] = f"http://127.0.0.1:{port}{urlsplit(parts['BlobEndpoint']).path}"
    return ";".join(f"{name}={value}" for name, value in parts.items())
