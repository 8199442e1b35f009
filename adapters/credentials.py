"""Proving to storage who we are: an account key, a shared access signature or the app's identity.

Requests are signed through public API only: a key becomes a short-lived account SAS made by the vendor's library,
an identity becomes a bearer token from azure-identity.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from adapters.settings import StorageConnection
from reconciliation.errors import SettingsError

_SAS_LIFETIME = timedelta(hours=2)
_RENEW_BEFORE = timedelta(minutes=15)
_CLOCK_SKEW = timedelta(minutes=15)
_STORAGE_SCOPE = "https://storage.azure.com/.default"


class Signer(Protocol):
    """Gives each request what proves its sender."""

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """A query string to append (without ``?``, already encoded) and headers to add; renewed before they expire."""
        ...


@dataclass
class KeySigner:
    """An account key, turned into an account SAS that can list and read, and nothing else."""

    account: str
    key: str = field(repr=False)
    _sas: str = field(default="", repr=False)
    _renew_at: float = 0.0

    @property
    def is_due(self) -> bool:
        """True when the next request gets a new SAS."""
        return time.time() >= self._renew_at

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """One SAS serves all requests until shortly before it expires."""
        if self.is_due:
            now = datetime.now(UTC)
            expires = now + _SAS_LIFETIME
            self._renew_at = (expires - _RENEW_BEFORE).timestamp()
            self._sas = generate_account_sas(
                self.account,
                self.key,
                ResourceTypes(service=True, container=True),
                AccountSasPermissions(read=True, list=True),
                expires,
                start=now - _CLOCK_SKEW,
                services=Services(blob=True),
            )
        return self._sas, {}


@dataclass(frozen=True)
class SasSigner:
    """A shared access signature from the settings, used as it is."""

    sas: str = field(repr=False)

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """The same for every request."""
        return self.sas, {}


@dataclass(frozen=True)
class TokenSigner:
    """The app's identity; azure-identity caches the token and renews it before it expires."""

    credential: AsyncTokenCredential

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """A bearer token for storage. Raises what azure-core raises when no identity can be had."""
        token = await self.credential.get_token(_STORAGE_SCOPE)
        return "", {"Authorization": f"Bearer {token.token}"}


@dataclass(frozen=True)
class Endpoint:
    """One storage account: its blob address (no trailing slash), its name for messages, and how to sign."""

    url: str
    account: str
    signer: Signer


@cache
def identity() -> AsyncTokenCredential:
    """The app's identity, one per process: each credential asks for tokens of its own."""
    return DefaultAzureCredential()


def endpoint_of(connection: StorageConnection) -> Endpoint:
    """Resolve a connection. Raises ``SettingsError`` naming the setting when a connection string is incomplete."""
    if connection.service_uri is not None:
        account = connection.service_uri.partition("://")[2].partition(".")[0]
        return Endpoint(connection.service_uri, account, TokenSigner(identity()))
    pairs = (part.partition("=") for part in (connection.connection_string or "").split(";"))
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
    account = parts.get("accountname", "")
    url = parts.get("blobendpoint", "").rstrip("/")
    if not url and account:
        protocol, suffix = parts.get("defaultendpointsprotocol", "https"), parts.get("endpointsuffix")
        url = f"{protocol}://{account}.blob.{suffix or 'core.windows.net'}"
    if url and "sharedaccesssignature" in parts:
        sas = parts["sharedaccesssignature"].lstrip("?")
        return Endpoint(url, account or url.partition("://")[2].partition(".")[0], SasSigner(sas))
    if url and account and "accountkey" in parts:
        return Endpoint(url, account, KeySigner(account, parts["accountkey"]))
    raise SettingsError(
        f"The connection string in {connection.setting} is incomplete: it needs AccountName and AccountKey, or "
        "BlobEndpoint and SharedAccessSignature."
    )
