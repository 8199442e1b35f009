"""Authentication to storage: an account key, a shared access signature or the app's identity.

Requests are signed through public API only: a key becomes a short-lived account SAS made by the vendor's library,
an identity becomes a bearer token from azure-identity.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, Protocol

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from adapters.connections import StorageConnection
from reconciliation.errors import StorageUnavailableError

READER = "Storage Blob Data Reader"
CONTRIBUTOR = "Storage Blob Data Contributor"

_SAS_LIFETIME = timedelta(hours=2)
_RENEW_BEFORE = timedelta(minutes=15)
_CLOCK_SKEW = timedelta(minutes=15)
# Good for every account in every cloud.
_ANY_ACCOUNT = "https://storage.azure.com"
# Good for that account alone: https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
_ONE_ACCOUNT = re.compile(r"https://[a-z0-9]+\.blob\.core\.windows\.net")


class Signer(Protocol):
    """Authenticates requests."""

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """A query string to append (without ``?``, already encoded) and headers to add; renewed before they expire."""
        ...


class _Signature(NamedTuple):
    """A SAS and the time in which it is used; outside it the clock was changed, or the SAS is about to expire."""

    sas: str
    since: datetime
    until: datetime


@dataclass
class KeySigner:
    """An account key, turned into an account SAS that can list and read, and nothing else."""

    account: str
    key: str = field(repr=False)
    _made: _Signature | None = field(default=None, repr=False)

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """One SAS serves all requests until shortly before it expires, or until the clock is set back."""
        now = datetime.now(UTC)
        if self._made is None or not self._made.since <= now < self._made.until:
            self._made = _Signature(self._sas(now), now, now + _SAS_LIFETIME - _RENEW_BEFORE)
        return self._made.sas, {}

    def _sas(self, now: datetime) -> str:
        return generate_account_sas(
            self.account,
            self.key,
            ResourceTypes(service=True, container=True),
            AccountSasPermissions(read=True, list=True),
            now + _SAS_LIFETIME,
            start=now - _CLOCK_SKEW,
            services=Services(blob=True),
        )


@dataclass(frozen=True)
class SasSigner:
    """A shared access signature from the settings, used as it is."""

    sas: str = field(repr=False)

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        return self.sas, {}


@dataclass(frozen=True)
class TokenSigner:
    """The app's identity; azure-identity caches the token and renews it before it expires."""

    credential: AsyncTokenCredential
    audience: str = _ANY_ACCOUNT

    async def sign(self) -> tuple[str, Mapping[str, str]]:
        """A bearer token for storage.

        Raises azure-core's ``ClientAuthenticationError`` when there is no identity, ``StorageUnavailableError`` when
        Entra could not be reached.
        """
        try:
            token = await self.credential.get_token(f"{self.audience}/.default")
        except ClientAuthenticationError:
            raise
        except AzureError as error:
            raise StorageUnavailableError(
                "Cannot get a token for storage: Microsoft Entra could not be reached. Check the app's way out, then "
                "audit again."
            ) from error
        return "", {"Authorization": f"Bearer {token.token}"}


@dataclass(frozen=True)
class Endpoint:
    """One storage account: its blob address (no trailing slash), its name for messages, how to sign, and what to do
    when it refuses (the beginning of a sentence).
    """

    url: str
    account: str
    signer: Signer
    advice: str = f"Grant the app's identity '{READER}' on the account"


@cache
def identity() -> AsyncTokenCredential:
    """The app's identity, one per process, because each credential caches its own tokens."""
    return DefaultAzureCredential()


def endpoint_of(connection: StorageConnection, role: str = READER) -> Endpoint:
    """How to reach an account; ``role`` is what an identity needs there."""
    signer: Signer
    if connection.key is not None:
        signer = KeySigner(connection.account, connection.key)
    elif connection.sas is not None:
        signer = SasSigner(connection.sas)
    else:
        signer = TokenSigner(identity(), audience_of(connection.url))
    return Endpoint(connection.url, connection.account, signer, advice_for(connection, role))


def client_credential(connection: StorageConnection) -> dict[str, Any]:
    """The keyword arguments, besides the address, for the vendor's clients."""
    if connection.key is not None:
        return {"credential": AzureNamedKeyCredential(connection.account, connection.key)}
    if connection.sas is not None:
        return {"credential": AzureSasCredential(connection.sas)}
    return {"credential": identity(), "audience": audience_of(connection.url)}


def audience_of(url: str) -> str:
    """The audience of a token: the account alone if its address is one of Azure's public cloud; otherwise (another
    cloud, a custom domain) all of storage.
    """
    return url if _ONE_ACCOUNT.fullmatch(url) else _ANY_ACCOUNT


def advice_for(connection: StorageConnection, role: str) -> str:
    """What to do when the account refuses, by the kind of authentication: the beginning of a sentence."""
    if connection.key is not None:
        return f"Check the account key in {connection.setting} and that the account allows keys"
    if connection.sas is not None:
        return (
            f"Check that the shared access signature in {connection.setting} has not expired and allows what '{role}' "
            "does on service, containers and blobs (srt=sco)"
        )
    return f"Grant the app's identity '{role}' on the account"
