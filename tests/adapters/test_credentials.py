import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.storage.blob.aio import BlobServiceClient

from adapters.connections import by_connection_string, by_identity
from adapters.credentials import (
    CONTRIBUTOR,
    READER,
    Endpoint,
    KeySigner,
    SasSigner,
    TokenSigner,
    client_credential,
    endpoint_of,
)
from reconciliation.errors import StorageUnavailableError

KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
SAS = "sv=2023-11-03&ss=b&srt=sco&sp=rl&sig=abc%2Bdef%3D"
BY_KEY = f"AccountName=acct;AccountKey={KEY}"
BY_SAS = f"AccountName=acct;SharedAccessSignature={SAS}"
ADDRESS = "https://acct.blob.core.windows.net"


def endpoint(connection_string: str) -> Endpoint:
    return endpoint_of(by_connection_string("SOURCE_STORAGE", connection_string))


class Clock(datetime):
    """The app's clock, which may be set."""

    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return cls.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Clock]]:
    monkeypatch.setattr("adapters.credentials.datetime", Clock)
    yield Clock
    Clock.at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


class Identity:
    """An identity that gives a token, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.scopes: list[str] = []
        self._failure = failure

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        self.scopes += scopes
        if self._failure:
            raise self._failure
        return AccessToken("token", 0)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Identity":
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass


def test_an_account_key_signs() -> None:
    found = endpoint(BY_KEY)
    assert (found.url, found.account) == (ADDRESS, "acct")
    assert isinstance(found.signer, KeySigner)
    assert found.signer.key == KEY


async def test_a_signature_of_the_settings_is_used_as_it_is() -> None:
    assert await endpoint(BY_SAS).signer.sign() == (SAS, {})


# --- a key's signatures -----------------------------------------------------------------------------------------------


async def test_a_key_signs_with_a_signature_that_can_list_and_read_and_nothing_else() -> None:
    signer = KeySigner("acct", KEY)
    query, headers = await signer.sign()
    parts = {name: value for name, [value] in parse_qs(query).items()}
    assert headers == {}
    assert (parts["ss"], set(parts["sp"]), set(parts["srt"])) == ("b", {"r", "l"}, {"s", "c"})
    assert datetime.fromisoformat(parts["st"]) < datetime.now(UTC) - timedelta(minutes=10)
    assert KEY not in query


async def test_a_signature_is_made_once() -> None:
    signer = KeySigner("acct", KEY)
    assert await signer.sign() == await signer.sign()


@pytest.mark.parametrize(
    ("minutes", "renewed"),
    [
        (0, False),
        (1, False),
        (104, False),
        (105, True),
        (121, True),
        pytest.param(-1, True, id="the clock was ahead when it was made, and is set right"),
        pytest.param(-3 * 24 * 60, True, id="the clock was days ahead"),
    ],
)
async def test_a_signature_is_renewed_a_quarter_of_an_hour_before_it_expires_and_when_the_clock_is_set_back(
    minutes: int, renewed: bool, clock: type[Clock]
) -> None:
    signer = KeySigner("acct", KEY)
    first, _ = await signer.sign()
    assert datetime.fromisoformat(parse_qs(first)["se"][0]) == clock.at + timedelta(hours=2)
    clock.at += timedelta(minutes=minutes)
    second, _ = await signer.sign()
    assert (second != first) is renewed
    begins, ends = (datetime.fromisoformat(parse_qs(second)[name][0]) for name in ("st", "se"))
    assert begins <= clock.at - timedelta(minutes=15)
    assert clock.at + timedelta(minutes=15) <= ends


async def test_a_signature_that_cannot_be_made_is_never_replaced_by_none() -> None:
    signer = KeySigner("acct", "x")
    for _ in range(2):
        with pytest.raises(ValueError, match="base64"):
            await signer.sign()


# --- an identity's tokens ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "audience"),
    [
        (ADDRESS, ADDRESS),
        pytest.param("https://acct.blob.core.usgovcloudapi.net", "https://storage.azure.com", id="another cloud"),
        pytest.param("https://recordings.example", "https://storage.azure.com", id="an address of one's own"),
        pytest.param("https://acct.z12.blob.storage.azure.net", "https://storage.azure.com", id="a DNS zone"),
        pytest.param("https://blob.core.windows.net.example", "https://storage.azure.com", id="a look-alike"),
        pytest.param(f"{ADDRESS}.example", "https://storage.azure.com", id="a longer name"),
    ],
)
async def test_a_token_is_asked_for_that_account_alone_where_its_address_is_one_that_entra_knows(
    address: str, audience: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity()
    monkeypatch.setattr("adapters.credentials.identity", lambda: identity)
    connection = by_identity("SOURCE_STORAGE", address)
    assert await endpoint_of(connection).signer.sign() == ("", {"Authorization": "Bearer token"})
    assert identity.scopes == [f"{audience}/.default"]
    assert client_credential(connection) == {"credential": identity, "audience": audience}


async def test_no_identity_and_no_way_to_ask_for_it_are_two_things() -> None:
    with pytest.raises(ClientAuthenticationError):
        await TokenSigner(Identity(ClientAuthenticationError("no"))).sign()
    with pytest.raises(StorageUnavailableError, match="Entra could not be reached") as caught:
        await TokenSigner(Identity(ServiceRequestError("login.example cannot be resolved"))).sign()
    assert caught.value.retryable
    assert "login.example" not in str(caught.value)


# --- the vendor's client ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [BY_KEY, BY_SAS])
async def test_the_vendors_client_proves_the_same(text: str) -> None:
    connection = by_connection_string("REPORT_STORAGE", text)
    async with BlobServiceClient(connection.url, **client_credential(connection)) as ours:
        async with BlobServiceClient.from_connection_string(f"{text};EndpointSuffix=core.windows.net") as theirs:
            assert (ours.url.partition("?")[0], ours.account_name) == (theirs.url.partition("?")[0], "acct")
        assert ours.credential is not None


# --- what to do when it refuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [READER, CONTRIBUTOR])
def test_advice_is_about_what_proves_who_we_are(role: str) -> None:
    by_key, by_sas = (endpoint_of(by_connection_string("THEIR_STORAGE", text), role) for text in (BY_KEY, BY_SAS))
    assert "account key in THEIR_STORAGE" in by_key.advice
    assert "shared access signature in THEIR_STORAGE" in by_sas.advice
    assert "identity" not in by_key.advice + by_sas.advice
    assert role in by_sas.advice
    by_token = endpoint_of(by_identity("THEIR_STORAGE", ADDRESS), role)
    assert by_token.advice == f"Grant the app's identity '{role}' on the account"


def test_the_reprs_hold_no_secret() -> None:
    shown = repr(endpoint(BY_KEY)) + repr(SasSigner(SAS)) + repr(by_connection_string("A", BY_KEY + ";EndpointSuffix="))
    assert "acct" in shown
    assert json.dumps(KEY)[1:-1] not in shown
    assert "sig=" not in shown


async def test_the_repr_of_a_signer_that_has_signed_holds_no_signature() -> None:
    signer = KeySigner("acct", KEY)
    await signer.sign()
    assert "sig=" not in repr(signer)
