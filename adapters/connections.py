"""The connections that app settings hold, taken apart and checked before anything is connected.

All functions raise ``SettingsError``: the setting, what is wrong with it, what to give. No message quotes any of it,
since a slip of the hand can put a secret anywhere.
"""

import base64
import binascii
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import SplitResult, parse_qs, urlsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconciliation.errors import SettingsError

_EMULATOR = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # The emulator's well-known key: public, and the same on every machine.
    # https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
)
# https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
_PARTS = {
    name.lower(): name
    for name in (
        "AccountName",
        "AccountKey",
        "SharedAccessSignature",
        "DefaultEndpointsProtocol",
        "EndpointSuffix",
        "BlobEndpoint",
        *(f"{service}Endpoint" for service in ("Queue", "Table", "File")),
        *(f"{service}SecondaryEndpoint" for service in ("Blob", "Queue", "Table", "File")),
    )
}
_SCHEMES = ("https", "http")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")
_STORAGE_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@/?%-]+")


@dataclass(frozen=True)
class StorageConnection:
    """How to reach one storage account: its blob address (no trailing slash), its name for messages, and an account key
    or a shared access signature (a query string without ``?``); with neither, the app's identity.
    """

    setting: str
    url: str
    account: str
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)


def by_connection_string(setting: str, text: str) -> StorageConnection:
    """An account by the connection string that the portal shows, or by the emulator's short form."""
    if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
        text = _EMULATOR
    parts, problems = _parts(text)
    account, key = parts.get("accountname", ""), parts.get("accountkey")
    sas = parts["sharedaccesssignature"].removeprefix("?") if "sharedaccesssignature" in parts else None
    url = parts.get("blobendpoint", "").rstrip("/")
    if account and not url:
        protocol, suffix = parts.get("defaultendpointsprotocol", "https"), parts.get("endpointsuffix")
        url = f"{protocol.lower()}://{account}.blob.{suffix or 'core.windows.net'}"
    problems += [*_account_problems(account, url), *_proof_problems(key, sas, url)]
    if not (url and (sas or (account and key))):
        problems.append("it needs AccountName and AccountKey, or BlobEndpoint and SharedAccessSignature")
    if problems:
        raise SettingsError(f"The connection string in {setting} is not usable: {', and '.join(problems)}")
    return StorageConnection(setting, url, account or _account_of(url), key, sas)


def by_identity(setting: str, text: str) -> StorageConnection:
    """An account by the address in ``<setting>__blobServiceUri`` and the app's identity; https only, since a token that
    travels openly is anybody's.
    """
    url = text.strip().rstrip("/")
    trouble = _storage_trouble(url)
    if not trouble and not url.startswith("https://"):
        trouble = "is a plain http:// one, and the app's token would travel openly"
    if trouble:
        raise SettingsError(
            f"The address in {setting}__blobServiceUri {trouble}: give https://<account>.blob.core.windows.net"
        )
    return StorageConnection(setting, url, _account_of(url))


def web_address(setting: str, text: str, *, query: bool = False) -> str:
    """An address for people or webhooks, as it is given; with ``query`` it may have one."""
    address = text.strip()
    trouble = _trouble(address) or ("has a query (?...)" if "?" in address and not query else "")
    if trouble:
        raise SettingsError(f"The address in {setting} {trouble}: give https://<host>/...")
    return address


def database_options(setting: str, url: str) -> dict[str, str]:
    """What a Postgres URL says, by the names of libpq's options, as libpq reads it. Host, database and user are there.

    The URL is the whole truth: the variables from which libpq would take what it leaves out (a password, a service, an
    encoding) are taken out of this process's environment.
    """
    for variable in _READ_BY_LIBPQ:
        os.environ.pop(variable, None)
    if not (url.startswith(("postgresql://", "postgres://")) and url.isprintable()):
        _refuse_database(setting, "is not a Postgres URL")
    try:
        options = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        _refuse_database(setting, "is not a Postgres URL, or it has an option that Postgres does not know")
    if missing := [name for option, name in _NEEDED.items() if not options.get(option)]:
        _refuse_database(setting, f"has no {' and no '.join(missing)}")
    if unused := _NOT_TAKEN & options.keys():
        _refuse_database(setting, f"has options that the app does not use ({', '.join(sorted(unused))}): take them out")
    if not all(map(_is_database_host, options["host"].split(","))):
        _refuse_database(setting, "names no host that can be")
    if wrong := [name for name in _NUMBERS if not re.fullmatch(r"-?[0-9]{1,9}", options.get(name, "0"))]:
        _refuse_database(setting, f"needs a whole number for {wrong[0]}")
    if not _is_taken_by_libpq(options):
        _refuse_database(setting, "has a port or an option with a value that Postgres does not know")
    return options


_NEEDED = {"host": "host", "dbname": "database name", "user": "user"}
# A service and a file of passwords lie outside the URL; a replication connection answers no queries.
_NOT_TAKEN = {"service", "servicefile", "passfile", "replication"}
_NUMBERS = ("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
            "tcp_user_timeout")  # fmt: skip
# https://www.postgresql.org/docs/current/libpq-envars.html: those that stand for an option, and the others.
_READ_BY_LIBPQ = frozenset(
    [option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar]
    + ["PGDATESTYLE", "PGTZ", "PGGEQO", "PGREQUIRESSL", "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR"]
)


def _refuse_database(setting: str, trouble: str) -> NoReturn:
    raise SettingsError(
        f"{setting} {trouble}: give postgresql://user@host:5432/database, and in a password %23 for #, %25 for %, "
        "%2F for /, %3A for : and %40 for @"
    ) from None


def _is_database_host(host: str) -> bool:
    return host.startswith("/") or _is_host(host)


def _is_taken_by_libpq(options: dict[str, str]) -> bool:
    """True if libpq would try to connect. It checks ports and options first; the place that it tries cannot exist."""
    nowhere = "/dev/null"  # with a socket's name behind it
    tried = {name: value for name, value in options.items() if name not in {"hostaddr", "gssencmode"}}
    tried["host"] = ",".join(nowhere for _ in options["host"].split(","))
    connection = pq.PGconn.connect_start(make_conninfo("", **tried).encode())
    try:
        return f"{nowhere}/.s.PGSQL.".encode() in connection.error_message
    finally:
        connection.finish()


def _parts(text: str) -> tuple[dict[str, str], list[str]]:
    """The parts of a connection string that are not empty, by their names in lower case, and what is wrong with it."""
    problems = []
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    named = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    counts = Counter(name for name, _ in named)
    if counts.keys() - _PARTS.keys():
        problems.append(f"it has a part that is none of {', '.join(_PARTS.values())}")
    if twice := [_PARTS[name] for name, count in counts.items() if name in _PARTS and count > 1]:
        problems.append(f"it has {', '.join(twice)} more than once")
    if counts.get("defaultendpointsprotocol") and dict(named)["defaultendpointsprotocol"].lower() not in _SCHEMES:
        problems.append("its DefaultEndpointsProtocol is neither https nor http")
    return {name: value for name, value in named if value}, problems


def _account_problems(account: str, url: str) -> Iterator[str]:
    if account and not _ACCOUNT.fullmatch(account):
        yield "its AccountName is not 3 to 24 lower-case letters and digits"
    elif url and (trouble := _storage_trouble(url)):
        yield f"its blob address {trouble}"


def _proof_problems(key: str | None, sas: str | None, url: str) -> Iterator[str]:
    if key and sas:
        yield "it has an AccountKey and a SharedAccessSignature: keep one"
    if key and not _is_base64(key):
        yield "its AccountKey is not base64: copy the whole key again"
    if sas and not (_QUERY.fullmatch(sas) and parse_qs(sas).get("sig")):
        yield "its SharedAccessSignature is not a query string with a sig in it: copy it again"
    if sas and url.startswith("http://"):
        yield "it would send its SharedAccessSignature over plain http://: give https://"


def _storage_trouble(url: str) -> str:
    """What is wrong with the address of a blob service; empty if nothing is."""
    if trouble := _trouble(url):
        return trouble
    if "?" in url:
        return "has a query (?...)"
    return "" if _STORAGE_PATH.fullmatch(urlsplit(url).path) else "has a path that no account has"


def _trouble(url: str) -> str:
    """What is wrong with a web address; empty if nothing is. Nobody may take it for another address than we do."""
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds characters that no address has"
    parts = _split(url)
    if parts is None or parts.scheme not in _SCHEMES or not url.startswith(f"{parts.scheme}://"):
        return "is not an address"
    if "@" in parts.netloc:
        return "has a user or password in it (...@)"
    if "#" in url:
        return "has a fragment (#...)"
    return "" if _is_host(parts.hostname or "") else "names no host that can be"


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None if it has none, or a port that cannot be."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 or parts.netloc.endswith(":") else parts
    except ValueError:
        return None


def _is_host(text: str) -> bool:
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _account_of(url: str) -> str:
    """An account's name by its address: the first label of the host, or the path where an emulator has it."""
    parts = urlsplit(url)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]


def _is_base64(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) > 0
    except (binascii.Error, ValueError):
        return False
