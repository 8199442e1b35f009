"""Reading Postgres: one read-only snapshot, streamed through server-side cursors."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from azure.core.exceptions import ClientAuthenticationError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.credentials import identity
from reconciliation.errors import AuditError, DatabaseRefusedError, DatabaseUnavailableError, SettingsError
from reconciliation.profiles.profile import Query

_TOKEN_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"  # noqa: S105 - a scope, not a secret
_CONNECT_TIMEOUT_SECONDS = 15
_ROWS_PER_FETCH = 2000


@dataclass(frozen=True)
class Database:
    """One database, named by the setting that holds its URL."""

    setting: str
    url: str = field(repr=False)
    statement_timeout_seconds: int = 300

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """One REPEATABLE READ READ ONLY transaction: every read in it sees the same moment.

        Raises ``DatabaseRefusedError`` or ``DatabaseUnavailableError``, with what to do about it.
        """
        try:
            async with await psycopg.AsyncConnection.connect(await self._conninfo()) as connection:
                await connection.set_read_only(True)
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                # JSON texts made by the server carry its session's zone.
                await connection.execute(
                    "select set_config('statement_timeout', %s, true), set_config('timezone', 'UTC', true), "
                    "set_config('cursor_tuple_fraction', '1', true)",
                    [f"{self.statement_timeout_seconds}s"],
                )
                yield Snapshot(connection)
        except psycopg.Error as error:
            raise self._explained(error) from error

    async def check(self, *queries: Query) -> None:
        """Connect, and ask each query for no row: what is missing, or not granted, shows. Raises as ``snapshot``."""
        async with self.snapshot() as snapshot:
            for query in queries:
                none = Query(f"select * from ({query.sql}) as query limit 0", query.values)  # noqa: S608 - a constant
                async for _lines in snapshot.lines(none):
                    pass

    async def _conninfo(self) -> str:
        """The URL with its defaults; without a password in it, an Entra token for this one connection, over TLS."""
        try:
            given = conninfo_to_dict(self.url)
        except psycopg.ProgrammingError:
            raise SettingsError(
                f"{self.setting} is not a Postgres URL: give postgresql://user@host:5432/database."
            ) from None
        parts: dict[str, Any] = {"application_name": "capture-audit", "connect_timeout": _CONNECT_TIMEOUT_SECONDS}
        parts |= given
        if "password" not in parts:
            try:
                token = await identity().get_token(_TOKEN_SCOPE)
            except ClientAuthenticationError as error:
                raise DatabaseRefusedError(
                    f"Cannot log in to the database of {self.setting}: its URL has no password, and no Entra token "
                    "could be had. Turn on the app's managed identity, or sign in with 'az login' locally."
                ) from error
            if parts.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
                parts["sslmode"] = "require"
            parts["password"] = token.token
        return make_conninfo("", **parts)

    def _explained(self, error: psycopg.Error) -> AuditError:
        """The failure in our own words: the server's may hold the names of people who log in."""
        state, text = error.sqlstate or "", str(error)
        for start, kind, words in _BY_STATE:
            if state.startswith(start):
                return kind(f"The database of {self.setting} {words}")
        for pattern, kind, words in _BY_TEXT:
            if pattern.search(text):
                return kind(f"The database of {self.setting} {words}")
        return DatabaseUnavailableError(
            f"The database of {self.setting} broke off ({state or type(error).__name__}). Check the server, then audit "
            "again."
        )


_LOGIN = "refuses the login. Check the role, its password or Entra mapping, and the server's firewall."
_NO_DATABASE = "is not on that server. Check the URL's database name."
_NO_READ = "refuses to be read. Grant the app's role CONNECT on it, and SELECT on the audited tables."

# SQLSTATE code or class, https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_STATE: tuple[tuple[str, Callable[[str], AuditError], str], ...] = (
    ("42501", DatabaseRefusedError, _NO_READ),
    ("42P01", DatabaseRefusedError, "has no such table. Check that the URL names the right database and schema."),
    ("42", DatabaseRefusedError, "does not understand the query. Check that its schema is the one this profile knows."),
    ("57014", DatabaseUnavailableError, "took longer than AUDIT_STATEMENT_TIMEOUT_SECONDS. Raise it or audit later."),
    ("28", DatabaseRefusedError, _LOGIN),
    ("3D", DatabaseRefusedError, _NO_DATABASE),
)

# A connection that was never made carries no SQLSTATE; libpq's text is all there is.
_LOGIN_TEXTS = "password authentication failed|no password supplied|role .* does not exist|pg_hba.conf|not permitted to"
_NETWORK_TEXTS = "refused|timeout|timed out|could not translate|resolve|unreachable|starting up|shutting down|too many"
_BY_TEXT: tuple[tuple[re.Pattern[str], Callable[[str], AuditError], str], ...] = (
    (re.compile(_LOGIN_TEXTS), DatabaseRefusedError, _LOGIN),
    (re.compile("database .* does not exist"), DatabaseRefusedError, _NO_DATABASE),
    (re.compile("permission denied for database"), DatabaseRefusedError, _NO_READ),
    (
        re.compile(_NETWORK_TEXTS),
        DatabaseUnavailableError,
        "cannot be reached. Check the server, the network and the firewall.",
    ),
)


@dataclass(frozen=True)
class Snapshot:
    """An open snapshot."""

    connection: psycopg.AsyncConnection[tuple[Any, ...]]

    async def lines(self, query: Query) -> AsyncIterator[list[str]]:
        """The JSON texts of a query's rows, in portions as the server's cursor gives them.

        The next portion is asked for before one is handed out, so that the server works while the caller does.
        """
        async with self.connection.cursor(name="audit") as cursor:
            # The SQL is a constant of a profile module; values travel as bound parameters.
            await cursor.execute(query.sql.encode(), query.values)
            rows = await cursor.fetchmany(_ROWS_PER_FETCH)
            while rows:
                coming = asyncio.create_task(cursor.fetchmany(_ROWS_PER_FETCH))
                try:
                    await asyncio.sleep(0)  # lets it ask
                    yield [row[0] for row in rows]
                    rows = await coming
                finally:
                    coming.cancel()
