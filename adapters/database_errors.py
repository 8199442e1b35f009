"""Failures of Postgres in our own words, since the server's messages may hold the names of people who log in."""

import re
from collections.abc import Callable

import psycopg

from reconciliation.errors import AuditError, DatabaseRefusedError, DatabaseUnavailableError

Kind = Callable[[str], AuditError]


def explained(setting: str, error: psycopg.Error) -> AuditError:
    """The error for the database of a setting: refused if it is permanent, otherwise unavailable."""
    kind, words = _judged(error)
    return kind(f"The database of {setting} {words}")


def _judged(error: psycopg.Error) -> tuple[Kind, str]:
    state = error.sqlstate or ""
    # Such a refusal has the SQLSTATE of any missing permission.
    if error.diag.source_function == "check_enable_rls":
        return DatabaseRefusedError, _HIDES_ROWS
    for start, kind, words in _BY_STATE:
        if state.startswith(start):
            return kind, words
    if not state:
        for pattern, kind, words in _BY_TEXT:
            if re.search(pattern, str(error)):
                return kind, words
    what = f"broke off ({state or type(error).__name__}). Check the server, then audit again."
    return DatabaseUnavailableError, what


_LOGIN = (
    "refuses the login. Check the role, its password (percent-encoded in the URL) or Entra mapping, the server's "
    "firewall, and sslmode in the URL if the server takes TLS only."
)
_NO_DATABASE = "is not on that server. Check the URL's database name."
_NO_READ = "refuses to be read. Grant the app's role CONNECT on it, and SELECT on the audited tables."
_HIDES_ROWS = (
    "hides rows from the app's role by row level security, and what is hidden would look lost. Give the role "
    "BYPASSRLS, or audit by the role that owns the tables."
)
_NO_TABLE = (
    "has no such table. Check that the URL names the right database, and the tables' schema if that is not public "
    "(?options=-csearch_path%3D<schema>)."
)
_OTHER_SCHEMA = "does not understand the query. Check that its schema is the one this profile knows."
_OTHER_VERSION = "does not understand the query. Check that its version is one that is still maintained."
_ODD_VALUES = "cannot answer the query with the values that it holds. Its own log names the value."
_DAMAGED = "holds damaged data. Have its administrator check it."
_TOO_SLOW = "took longer than AUDIT_STATEMENT_TIMEOUT_SECONDS. Raise it or audit later."
_NO_TLS = "offers no TLS, which the URL (sslmode) or the app's identity asks for. Turn it on at the server."
_NOT_TRUSTED = (
    "cannot be trusted: its certificate is not one for the URL's host by an issuer that the app knows. Name the "
    "issuer's certificate in the URL (sslrootcert=<file>), or take those of the machine (sslrootcert=system, and where "
    "they are in the app setting SSL_CERT_FILE)."
)
_BAD_OPTION = "cannot be connected to with the options in its URL. Check their names and values."
_NOT_REACHED = "cannot be reached. Check the server, the network and the firewall."

# SQLSTATE code or class, https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_STATE: tuple[tuple[str, Kind, str], ...] = (
    ("42501", DatabaseRefusedError, _NO_READ),
    ("42P01", DatabaseRefusedError, _NO_TABLE),
    ("42", DatabaseRefusedError, _OTHER_SCHEMA),
    ("0A", DatabaseRefusedError, _OTHER_VERSION),
    ("22", DatabaseRefusedError, _ODD_VALUES),
    ("XX001", DatabaseRefusedError, _DAMAGED),
    ("XX002", DatabaseRefusedError, _DAMAGED),
    ("57014", DatabaseUnavailableError, _TOO_SLOW),
    ("28", DatabaseRefusedError, _LOGIN),
    ("3D", DatabaseRefusedError, _NO_DATABASE),
)

# A connection that was never made has no SQLSTATE, only libpq's text. It covers all addresses of a host, so permanent
# errors come before temporary ones.
_LOGIN_TEXTS = (
    "authentication failed|authentication method|no password supplied|role .* does not exist|pg_hba.conf|"
    "not permitted to"
)
_OPTION_TEXTS = (
    "invalid .*value|unrecognized configuration parameter|invalid command-line argument|may not be used with|"
    "not supported by this build|permission denied to set|requires a value|cannot be changed|"
    "unsupported startup parameter"
)
_NETWORK_TEXTS = "refused|timeout|timed out|could not translate|resolve|unreachable|starting up|shutting down|too many"
_BY_TEXT: tuple[tuple[str, Kind, str], ...] = (
    (_LOGIN_TEXTS, DatabaseRefusedError, _LOGIN),
    ("database .* does not exist", DatabaseRefusedError, _NO_DATABASE),
    ("permission denied for database", DatabaseRefusedError, _NO_READ),
    ("does not support SSL", DatabaseRefusedError, _NO_TLS),
    ("certificate", DatabaseRefusedError, _NOT_TRUSTED),
    (_OPTION_TEXTS, DatabaseRefusedError, _BAD_OPTION),
    (_NETWORK_TEXTS, DatabaseUnavailableError, _NOT_REACHED),
)
