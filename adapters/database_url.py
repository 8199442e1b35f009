"""The database's URL as libpq parses it, checked before connecting."""

import os
import re
from typing import NoReturn

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.addresses import is_host
from reconciliation.errors import SettingsError

_NEEDED = {"host": "host", "dbname": "database name", "user": "user"}
# A service and a password file are outside the URL; a replication connection runs no queries.
_NOT_TAKEN = {"service", "servicefile", "passfile", "replication"}
_NUMBERS = ("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
            "tcp_user_timeout")  # fmt: skip
# https://www.postgresql.org/docs/current/libpq-envars.html: those that set an option, and the others.
_READ_BY_LIBPQ = frozenset(
    [option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar]
    + ["PGDATESTYLE", "PGTZ", "PGGEQO", "PGREQUIRESSL", "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR"]
)


def database_options(setting: str, url: str) -> dict[str, str]:
    """The options of a Postgres URL by libpq's names, as libpq parses it; with host, database and user.

    Only the URL counts: the variables from which libpq would take missing options (a password, a service, an encoding)
    are removed from this process's environment. Raises ``SettingsError``, which quotes nothing.
    """
    for variable in _READ_BY_LIBPQ:
        os.environ.pop(variable, None)
    if not (url.startswith(("postgresql://", "postgres://")) and url.isprintable()):
        _refuse(setting, "is not a Postgres URL")
    try:
        options = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        _refuse(setting, "is not a Postgres URL, or it has an option that Postgres does not know")
    if missing := [name for option, name in _NEEDED.items() if not options.get(option)]:
        _refuse(setting, f"has no {' and no '.join(missing)}")
    if unused := _NOT_TAKEN & options.keys():
        _refuse(setting, f"has options that the app does not use ({', '.join(sorted(unused))}): take them out")
    if "@" in options["dbname"] or "@" in options["host"]:
        _refuse(setting, "has more than one @, so its password is not read as it is meant")
    hosts = f"{options['host']},{options.get('hostaddr', options['host'])}".split(",")
    if not all(host.startswith("/") or is_host(host) for host in hosts):
        _refuse(setting, "has an invalid host name")
    if wrong := [name for name in _NUMBERS if not re.fullmatch(r"-?[0-9]{1,9}", options.get(name, "0"))]:
        _refuse(setting, f"needs a whole number for {wrong[0]}")
    if not _is_taken_by_libpq(options):
        _refuse(setting, "has a port or an option with a value that Postgres does not know")
    return options


def _refuse(setting: str, trouble: str) -> NoReturn:
    raise SettingsError(
        f"{setting} {trouble}: give postgresql://user@host:5432/database, and in a password %23 for #, %25 for %, "
        "%2F for /, %3A for : and %40 for @"
    ) from None


def _is_taken_by_libpq(options: dict[str, str]) -> bool:
    """True if libpq accepts the ports and options, which it checks first; nothing can exist at the address it gets."""
    nowhere = "/dev/null"  # followed by a socket's name
    tried = {name: value for name, value in options.items() if name not in {"hostaddr", "gssencmode"}}
    tried["host"] = ",".join(nowhere for _ in options["host"].split(","))
    connection = pq.PGconn.connect_start(make_conninfo("", **tried).encode())
    try:
        return f"{nowhere}/.s.PGSQL.".encode() in connection.error_message
    finally:
        connection.finish()
