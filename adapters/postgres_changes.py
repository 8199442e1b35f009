"""Changing rows in Postgres: one transaction for each effect, locked first and guarded after (see ``GuardedSql``)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from adapters.appliers import UncertainError
from adapters.database_errors import explained
from adapters.database_url import database_options
from adapters.postgres import Database, schema_of
from reconciliation.effects import Effect, Ended, Ending, GuardedSql, Once, refusal
from reconciliation.errors import AuditError

# Short: a row that is locked here is one that the audited service waits for. A worker that stands still in the middle
# loses its connection, and the server takes the transaction back.
_SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "row_security": "off",  # a policy that hides rows is an error then, and no guard that holds
    "synchronous_commit": "on",  # what was answered to be committed stays so
    "session_replication_role": "origin",
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "5s",
}
_SET_SESSION = """
select pg_catalog.set_config(s.name, wanted.value, true)
  from unnest(%s::text[], %s::text[]) as wanted(name, value)
  join pg_catalog.pg_settings s on lower(s.name) = wanted.name
 where s.setting <> wanted.value
"""
_IDENTITY = """
select (select system_identifier::text from pg_control_system()), current_database()::text, pg_is_in_recovery(),
       clock_timestamp(), pg_postmaster_start_time()
"""
_UNIQUE, _LOCKED, _CANCELLED, _NO_RIGHT = "23505", "55P03", "57014", "42501"
# The connection is gone, or the server is going down: it may have done so after the commit.
_MAY_BE_COMMITTED = ("08", "57P")
_MOST_SECONDS = 90
# A connection that nobody answers on any more ends by itself.
_NETWORK = {"keepalives_idle": "5", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000"}
_HELD = "Somebody else held its rows for longer than 5 seconds. Nothing was changed; propose it again."


class Identity(NamedTuple):
    """Which database it is. A copy of the server's files has the same ``system`` and ``name``, but was not ``started``
    in the same moment. ``clock`` is the server's, at the moment of asking.
    """

    system: str
    name: str
    is_replica: bool
    clock: datetime
    started: datetime

    def is_same(self, other: "Identity") -> bool:
        """True if both are one and the same database of one running server."""
        return (self.system, self.name, self.started) == (other.system, other.name, other.started)


@dataclass(frozen=True)
class Changes:
    """Changes to one database."""

    database: Database
    in_flight: ClassVar[timedelta] = timedelta()  # the server itself keeps the deadline

    async def identity(self) -> Identity:
        """Which database this is. Raises an ``AuditError``."""
        async with self._transaction(read_only=True) as connection:
            cursor = await connection.execute(_IDENTITY)
            [row] = await cursor.fetchall()
            return Identity(*row)

    async def clock(self) -> datetime:
        """The server's clock. Raises an ``AuditError``."""
        return (await self.identity()).clock

    async def apply(self, statement: GuardedSql, effect: Effect, once: Once, deadline: datetime) -> Ended:
        """As ``Applier.apply``."""
        values = statement.values(effect, once, deadline)
        committing = False
        try:
            async with asyncio.timeout(_MOST_SECONDS), await self._connected() as connection, connection.transaction():
                await self._prepare(connection)
                ended = await _changed(connection, statement, values)
                if not ended.ending.is_applied:
                    raise psycopg.Rollback
                committing = True
        except TimeoutError as error:
            raise UncertainError from error
        except psycopg.Error as error:
            if committing and (error.sqlstate or "08").startswith(_MAY_BE_COMMITTED):
                raise UncertainError from error
            return self._ended(statement, error)
        else:
            return ended

    async def happened(self, statement: GuardedSql, effect: Effect, once: Once, deadline: datetime) -> bool | None:
        """As ``Applier.happened``; the trace may say null where that cannot be told.

        Its own rows are locked first, so that a transaction which is still at work is waited for.
        """
        values = statement.values(effect, once, deadline)
        try:
            async with self._transaction() as connection:
                cursor = await connection.execute("select clock_timestamp() > %s", [deadline])
                [[is_over]] = await cursor.fetchall()
                cursor = await connection.execute(statement.trace.encode(), values)
                [[is_there]] = await cursor.fetchall()
                if is_there or not is_over:  # what is committed stays, whoever holds the rows by now
                    return True if is_there else None
                for lock in statement.locks:
                    await connection.execute(lock.encode(), values)
                cursor = await connection.execute(statement.trace.encode(), values)
                [[happened]] = await cursor.fetchall()
                return None if happened is None else bool(happened)
        except AuditError:
            return None

    async def left(self, statement: GuardedSql, effect: Effect, once: Once, deadline: datetime) -> Mapping[str, Any]:
        """As ``Applier.left``."""
        async with self._transaction() as connection:
            return await _left(connection, statement, statement.values(effect, once, deadline))

    def _ended(self, statement: GuardedSql, error: psycopg.Error) -> Ended:
        """The ending of a transaction that the server has taken back."""
        if error.sqlstate == _UNIQUE:
            if error.diag.table_name == "audits":
                return Ended(Ending.ALREADY_DONE, "It had been applied before.")
            return Ended(Ending.SOMEONE_ELSE_MOVED, "Somebody else inserted such a row in the same moment.")
        if error.sqlstate in {_LOCKED, _CANCELLED}:
            return Ended(Ending.FAILED, _HELD)
        if error.sqlstate == _NO_RIGHT:
            setting = self.database.setting
            why = f"The role of {setting} has not the rights for {statement.name}. See 'Repair' in docs/operations.md."
            return Ended(Ending.REFUSED, why)
        if not error.sqlstate and isinstance(error, psycopg.OperationalError):
            raise explained(self.database.setting, error) from error
        return Ended(Ending.FAILED, f"{explained(self.database.setting, error)} Nothing was changed.")

    async def _connected(self, *, read_only: bool = False) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        options = _NETWORK | await self.database.options()
        connection = await psycopg.AsyncConnection.connect(make_conninfo("", **options), autocommit=False)
        await connection.set_read_only(read_only)
        await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
        return connection

    async def _prepare(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        wanted = _SESSION | schema_of(database_options(self.database.setting, self.database.url))
        await connection.execute(_SET_SESSION, [list(wanted), list(wanted.values())])

    @asynccontextmanager
    async def _transaction(self, *, read_only: bool = False) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        """A transaction that changes nothing."""
        try:
            async with (
                await self._connected(read_only=read_only) as connection,
                connection.transaction(force_rollback=True),
            ):
                await self._prepare(connection)
                yield connection
        except psycopg.Error as error:
            raise explained(self.database.setting, error) from error


async def _changed(
    connection: psycopg.AsyncConnection[tuple[Any, ...]], statement: GuardedSql, values: Mapping[str, Any]
) -> Ended:
    for lock in statement.locks:
        await connection.execute(lock.encode(), values)
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(statement.trace.encode(), values)
    [trace] = await cursor.fetchall()
    if any(trace.values()):
        return Ended(Ending.ALREADY_DONE, "It had been applied before.", await _left(connection, statement, values))
    await cursor.execute(statement.guarded.encode(), values)
    [hold] = await cursor.fetchall() or [{}]
    if refused := refusal(statement.guards, hold):
        return refused
    for write in statement.writes:
        await cursor.execute(write.encode(), values)
        if cursor.rowcount != 1:
            return Ended(Ending.REFUSED, f"A statement of {statement.name} would have changed {cursor.rowcount} rows.")
    left = await _left(connection, statement, values)
    await cursor.execute("select clock_timestamp() < %(deadline)s::timestamptz as in_time", values)
    [in_time] = await cursor.fetchall()
    return refusal(statement.guards, {guard.name: True for guard in statement.guards} | in_time) or Ended(
        Ending.DONE, left=left
    )


async def _left(
    connection: psycopg.AsyncConnection[tuple[Any, ...]], statement: GuardedSql, values: Mapping[str, Any]
) -> dict[str, Any]:
    cursor = await connection.execute(statement.left.encode(), values)
    rows = await cursor.fetchall()
    return json.loads(rows[0][0]) if rows else {}
