"""A proxy between the app and Postgres that cuts, refuses and delays; and what an administrator can do wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from dev.chaos.faults import Fault, Weather
from dev.chaos.proxy import HOST, Proxy, until_one_ends

MOST_BEFORE_CUT = 60_000
LONGEST_DELAY_SECONDS = 0.5


@dataclass
class DatabaseProxy(Proxy):
    """A running proxy; each connection draws one fault when it is opened."""

    weather: Weather = field(kw_only=True)

    async def serve(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        """Pass one connection on, as far as its fault lets it."""
        self._writers.add(out)
        try:
            await self._connection(reader, out, self.weather.draw())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            return  # the loop ends; Python 3.11 prints a traceback for each connection that is told so
        finally:
            self._writers.discard(out)
            out.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, fault: Fault | None) -> None:
        if fault is Fault.DB_REFUSED:
            return
        if fault is Fault.DB_CUT_AT_ONCE:
            await reader.read(1)
            return
        if fault is Fault.DB_DELAYED:
            await asyncio.sleep(self.weather.uniform(0.05, LONGEST_DELAY_SECONDS))
        allowed = int(self.weather.uniform(500, MOST_BEFORE_CUT)) if fault is Fault.DB_CUT_MIDWAY else None
        to, back = await asyncio.open_connection(HOST, self.target_port)
        self._writers.add(back)
        try:
            await until_one_ends(pump(reader, back), pump(to, out, allowed))
        finally:
            self._writers.discard(back)
            back.transport.abort()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, allowed: int | None = None) -> None:
    """Pass bytes on until the source ends; with ``allowed``, no more than so many."""
    passed = 0
    while data := await source.read(16_384):
        if allowed is not None and passed + len(data) >= allowed:
            sink.write(data[: allowed - passed])
            await sink.drain()
            return
        passed += len(data)
        sink.write(data)
        await sink.drain()


@asynccontextmanager
async def database_proxy(weather: Weather, target_port: int) -> AsyncIterator[DatabaseProxy]:
    """Run a proxy before the server on ``target_port`` until the block ends."""
    proxy = DatabaseProxy(target_port, weather=weather)
    async with proxy.listening(proxy.serve):
        yield proxy


def create_reader(url: str, role: str, password: str) -> None:
    """A role that may read the audited tables and nothing else."""
    with psycopg.connect(url, autocommit=True) as connection:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        connection.execute(create)
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(role)))


@contextmanager
def denied(url: str, role: str) -> Iterator[None]:
    """Within the block the role may not read one of the tables."""
    name = sql.Identifier(role)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("REVOKE SELECT ON recordings FROM {}").format(name))
        try:
            yield
        finally:
            connection.execute(sql.SQL("GRANT SELECT ON recordings TO {}").format(name))


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Within the block every statement on one of the tables waits, until its time is up.

    Raises psycopg's LockNotAvailable if somebody is reading it for seconds.
    """
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL lock_timeout = '3s'")
        connection.execute("LOCK TABLE recordings IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()
