"""Each fault of the database proxy, and each wrong done through SQL, as a client of Postgres meets it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from dev.chaos import database as module
from dev.chaos.database import DatabaseProxy, create_reader, database_proxy, denied, locked
from dev.chaos.faults import CONNECTION_FAULTS, Fault, Weather


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[DatabaseProxy]:
    port = urlsplit(database_url).port
    assert port is not None
    async with database_proxy(Weather(1, CONNECTION_FAULTS), port) as proxy:
        yield proxy


async def numbers(proxy: DatabaseProxy, url: str, count: int = 3) -> int:
    """Ask for so many rows through the proxy; how many came."""
    through = url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")
    async with await psycopg.AsyncConnection.connect(through, connect_timeout=10) as connection:
        cursor = await connection.execute("select n, repeat('x', 100) from generate_series(1, %s) n", [count])
        return len(await cursor.fetchall())


def always(proxy: DatabaseProxy, fault: Fault) -> None:
    proxy.weather.kinds, proxy.weather.rate = (fault,), 1.0


async def test_without_faults_everything_passes(proxy: DatabaseProxy, database_url: str) -> None:
    assert await numbers(proxy, database_url, 10_000) == 10_000
    assert proxy.weather.counts.total() == 0


@pytest.mark.parametrize("fault", [Fault.DB_REFUSED, Fault.DB_CUT_AT_ONCE, Fault.DB_CUT_MIDWAY])
async def test_connections_that_end(proxy: DatabaseProxy, database_url: str, fault: Fault) -> None:
    always(proxy, fault)
    with pytest.raises(psycopg.OperationalError):
        await numbers(proxy, database_url, 10_000)
    assert proxy.weather.counts[fault] > 0


async def test_a_cut_midway_comes_after_the_connection_was_made(
    proxy: DatabaseProxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy.weather, "uniform", lambda low, high: high)
    always(proxy, Fault.DB_CUT_MIDWAY)
    assert await numbers(proxy, database_url, 3) == 3
    with pytest.raises(psycopg.OperationalError):
        await numbers(proxy, database_url, 10_000)


async def test_a_delayed_connection_works(
    proxy: DatabaseProxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_DELAY_SECONDS", 0.05)
    always(proxy, Fault.DB_DELAYED)
    assert await numbers(proxy, database_url) == 3
    assert proxy.weather.counts == {Fault.DB_DELAYED: 1}


@pytest.fixture
def reader(database_url: str) -> str:
    """The URL of a role that may read, and nothing else."""
    role = f"reader_{uuid4().hex}"
    create_reader(database_url, role, "secret")
    parts = urlsplit(database_url)
    return f"postgresql://{role}:secret@{parts.hostname}:{parts.port}{parts.path}"


def test_the_reader_reads_and_cannot_write(reader: str) -> None:
    with psycopg.connect(reader) as connection:
        assert connection.execute("select count(*) from recordings").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from recordings")


def test_a_right_that_is_taken_is_given_back(database_url: str, reader: str) -> None:
    role = urlsplit(reader).username
    assert role is not None

    def count() -> object:
        with psycopg.connect(reader) as connection:
            return connection.execute("select count(*) from recordings").fetchone()

    with denied(database_url, role), pytest.raises(psycopg.errors.InsufficientPrivilege):
        count()
    assert count() == (0,)


def test_a_held_table_makes_statements_run_out_of_time(database_url: str, reader: str) -> None:
    with locked(database_url), psycopg.connect(reader) as connection:
        connection.execute(sql.SQL("set statement_timeout = 50"))
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select count(*) from recordings")
    with psycopg.connect(reader) as connection:
        assert connection.execute("select count(*) from recordings").fetchone() == (0,)
