"""The storage accounts of settings: a connection string, or an address that is used with the app's identity.

All functions raise ``SettingsError``: the setting, what is wrong with it, what to give. No message quotes any part of
the value, since it may hold a secret by mistake.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from adapters.addresses import SCHEMES, trouble
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
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_STORAGE_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_AZURE_HOST = re.compile(r"\.blob\.")
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
    """An account by the address in ``<setting>__blobServiceUri`` and the app's identity; https only, to protect the
    token.
    """
    url = text.strip().rstrip("/")
    wrong = _storage_trouble(url)
    if not wrong and not url.startswith("https://"):
        wrong = "is a plain http:// one, and the app's token would travel openly"
    if wrong:
        raise SettingsError(
            f"The address in {setting}__blobServiceUri {wrong}: give https://<account>.blob.core.windows.net"
        )
    return StorageConnection(setting, url, _account_of(url))


def _parts(text: str) -> tuple[dict[str, str], list[str]]:
    """The parts of a connection string that are not empty, by lower-case name, and its problems."""
    problems = []
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    named = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    counts = Counter(name for name, _ in named)
    if counts.keys() - _PARTS.keys():
        problems.append(f"it has a part that is none of {', '.join(_PARTS.values())}")
    if twice := [_PARTS[name] for name, count in counts.items() if name in _PARTS and count > 1]:
        problems.append(f"it has {', '.join(twice)} more than once")
    given = {name: value for name, value in named if value}
    if given.get("defaultendpointsprotocol", "https").lower() not in SCHEMES:
        problems.append("its DefaultEndpointsProtocol is neither https nor http")
    return given, problems


def _account_problems(account: str, url: str) -> Iterator[str]:
    if account and not _ACCOUNT.fullmatch(account):
        yield "its AccountName is not 3 to 24 lower-case letters and digits"
    elif url and (wrong := _storage_trouble(url)):
        yield f"its blob address {wrong}"


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
    if wrong := trouble(url):
        return wrong
    if "?" in url:
        return "has a query (?...)"
    parts = urlsplit(url)
    if _AZURE_HOST.search(parts.hostname or ""):  # the account is in the host; an emulator has it in the path
        return "names a container, not an account" if parts.path.strip("/") else ""
    return "" if _STORAGE_PATH.fullmatch(parts.path) else "has a path that no account has"


def _account_of(url: str) -> str:
    """An account's name by its address: the first label of the host, or the path where an emulator has it."""
    parts = urlsplit(url)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]


def _is_base64(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) > 0
    except (binascii.Error, ValueError):
        return False
