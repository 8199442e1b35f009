"""Reading Postgres: one read-only snapshot, streamed through server-side cursors."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from azure.core.exceptions import AzureError, ClientAuthenticationError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.ahead import ahead
from adapters.credentials import identity
from adapters.database_errors import explained
from adapters.database_url import database_options
from reconciliation.database import DatabaseState
from reconciliation.errors import DatabaseRefusedError, DatabaseUnavailableError
from reconciliation.queries import SqlRows

_TOKEN_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"  # noqa: S105 - a scope, not a secret
_CONNECT_TIMEOUT_SECONDS = 15
_ROWS_PER_FETCH = 2000
_ENCRYPTED = {"require", "verify-ca", "verify-full"}

# Session settings that statements and their JSON texts rely on; they override those of server, database and role.
_SESSION = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "row_security": "off",  # a policy that hides rows is an error then, and not fewer rows
    "cursor_tuple_fraction": "1",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}
# Skips settings that this version of the server does not have.
_SET_SESSION = """
select pg_catalog.set_config(s.name, wanted.value, true)
  from unnest(%s::text[], %s::text[]) as wanted(name, value)
  join pg_catalog.pg_settings s on lower(s.name) = wanted.name
"""
_STATE = """
select json_build_array(clock_timestamp(), pg_is_in_recovery(),
                        case when pg_is_in_recovery() then pg_last_xact_replay_timestamp() end)::text
"""


@dataclass(frozen=True)
class Database:
    """One database, named by the setting that holds its URL."""

    setting: str
    url: str = field(repr=False)
    statement_timeout_seconds: int = 300

    @property
    def where(self) -> tuple[str | None, str | None]:
        """The host and the name of the database, without user or password; None for what its URL leaves out.

        Both are None for a URL that cannot be parsed, which is an error when connecting.
        """
        try:
            given = conninfo_to_dict(self.url)
        except psycopg.ProgrammingError:
            return None, None
        host, name = given.get("host"), given.get("dbname")
        return str(host) if host else None, str(name) if name else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """One REPEATABLE READ READ ONLY transaction: all reads in it are of the same moment.

        The schema is public, unless the URL's ``options`` set a ``search_path``. Raises ``SettingsError``,
        ``DatabaseRefusedError`` or ``DatabaseUnavailableError``, with what to do about it.
        """
        options = await self.options()
        try:
            async with await psycopg.AsyncConnection.connect(make_conninfo("", **options)) as connection:
                await connection.set_read_only(True)
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                wanted = _SESSION | {"statement_timeout": f"{self.statement_timeout_seconds}s"}
                wanted |= schema_of(options)
                await connection.execute(_SET_SESSION, [list(wanted), list(wanted.values())])
                yield Snapshot(connection)
        except psycopg.Error as error:
            raise explained(self.setting, error) from error

    async def check(self, *queries: SqlRows) -> None:
        """Connect, and run each query with ``limit 0``: finds missing tables and grants. Raises as ``snapshot``."""
        async with self.snapshot() as snapshot:
            for query in queries:
                none = SqlRows(f"select * from ({query.sql}) as query limit 0", query.values)  # noqa: S608 - a constant
                async for _lines in snapshot.lines(none):
                    pass

    async def options(self) -> dict[str, Any]:
        """The URL's options and defaults; if it has no password, an Entra token for this connection, and TLS."""
        options: dict[str, Any] = {"application_name": "capture-audit", "connect_timeout": _CONNECT_TIMEOUT_SECONDS}
        options |= database_options(self.setting, self.url)
        options["client_encoding"] = "UTF8"  # a database without an encoding would give bytes instead of texts
        if not options.get("password"):  # with an empty one libpq would look for a file of passwords
            options["password"] = await self._token()
            if options.get("sslmode") not in _ENCRYPTED:
                options["sslmode"] = "verify-full" if options.get("sslrootcert") == "system" else "require"
        return options

    async def _token(self) -> str:
        try:
            return (await identity().get_token(_TOKEN_SCOPE)).token
        except ClientAuthenticationError as error:
            raise DatabaseRefusedError(
                f"Cannot log in to the database of {self.setting}: its URL has no password, and no Entra token could "
                "be had. Turn on the app's managed identity, or sign in with 'az login' locally."
            ) from error
        except AzureError as error:
            raise DatabaseUnavailableError(
                f"Cannot log in to the database of {self.setting}: Microsoft Entra could not be reached for a token. "
                "Check the app's way out, then audit again."
            ) from error


def schema_of(options: Mapping[str, Any]) -> dict[str, str]:
    """The session setting for the schema: public, unless the URL's ``options`` set a ``search_path``."""
    return {} if "search_path" in options.get("options", "") else {"search_path": "public"}


@dataclass(frozen=True)
class Snapshot:
    connection: psycopg.AsyncConnection[tuple[Any, ...]]

    async def state(self) -> DatabaseState:
        """The server's state now; unlike the rows it is not of the snapshot's moment."""
        cursor = await self.connection.execute(_STATE)
        [[text]] = await cursor.fetchall()
        return DatabaseState.from_json(json.loads(text))

    async def lines(self, query: SqlRows) -> AsyncIterator[list[str]]:
        """The JSON texts of a query's rows, in portions of the server's cursor.

        The next portion is fetched while the caller works on one.
        """
        async with self.connection.cursor(name="audit") as cursor:
            # The SQL is a constant of a profile module; values are bound parameters.
            await cursor.execute(query.sql.encode(), query.values)
            async with ahead(_fetched(cursor)) as portions:
                async for rows in portions:
                    # A value of the type json keeps its line breaks, which are only between its tokens.
                    yield [row[0].replace("\n", " ") for row in rows]


async def _fetched(cursor: psycopg.AsyncServerCursor[tuple[Any, ...]]) -> AsyncIterator[list[tuple[Any, ...]]]:
    while rows := await cursor.fetchmany(_ROWS_PER_FETCH):
        yield rows
