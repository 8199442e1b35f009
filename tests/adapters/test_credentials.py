import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from adapters.credentials import Endpoint, KeySigner, SasSigner, TokenSigner, endpoint_of
from adapters.settings import StorageConnection
from reconciliation.errors import SettingsError

KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
SAS = "sv=2023-11-03&ss=b&srt=sco&sp=rl&sig=abc%2Bdef%3D"


def endpoint(connection_string: str) -> Endpoint:
    return endpoint_of(StorageConnection("SOURCE_STORAGE", connection_string=connection_string))


@pytest.mark.parametrize(
    ("connection_string", "url"),
    [
        (f"AccountName=acct;AccountKey={KEY}", "https://acct.blob.core.windows.net"),
        (f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={KEY};", "http://acct.blob.core.windows.net"),
        (f"AccountKey={KEY};AccountName=acct;EndpointSuffix=core.chinacloudapi.cn", "https://acct.blob.core.chinacloudapi.cn"),
        (f"AccountName=acct;AccountKey={KEY};BlobEndpoint=https://own.example/", "https://own.example"),
        (f" accountname = acct ; ACCOUNTKEY = {KEY} ;; ", "https://acct.blob.core.windows.net"),
        (f"AccountName=acct;AccountKey={KEY};EndpointSuffix=", "https://acct.blob.core.windows.net"),
    ],
)  # fmt: skip
def test_an_account_key_is_read_in_all_its_forms(connection_string: str, url: str) -> None:
    found = endpoint(connection_string)
    assert (found.url, found.account) == (url, "acct")
    assert isinstance(found.signer, KeySigner)
    assert found.signer.key == KEY


@pytest.mark.parametrize(
    "connection_string",
    [
        f"BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature={SAS}",
        f"AccountName=acct;SharedAccessSignature=?{SAS}",
    ],
)
async def test_a_signature_of_the_settings_is_used_as_it_is(connection_string: str) -> None:
    found = endpoint(connection_string)
    assert (found.url, found.account) == ("https://acct.blob.core.windows.net", "acct")
    assert await found.signer.sign() == (SAS, {})


async def test_an_address_without_a_key_is_reached_with_the_apps_identity() -> None:
    found = endpoint_of(StorageConnection("SOURCE_STORAGE", service_uri="https://acct.blob.core.windows.net"))
    assert (found.url, found.account) == ("https://acct.blob.core.windows.net", "acct")
    assert isinstance(found.signer, TokenSigner)


@pytest.mark.parametrize(
    "connection_string",
    ["", "nonsense", f"AccountKey={KEY}", "AccountName=acct", "BlobEndpoint=https://acct.blob.core.windows.net",
     f"SharedAccessSignature={SAS}", f"AccountName;AccountKey={KEY}"],
)  # fmt: skip
def test_an_incomplete_connection_string_names_its_setting_and_what_it_needs(connection_string: str) -> None:
    with pytest.raises(SettingsError) as caught:
        endpoint(connection_string)
    text = str(caught.value)
    assert "SOURCE_STORAGE is incomplete" in text
    assert "AccountName and AccountKey" in text
    assert KEY not in text
    assert "sig=" not in text


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


@pytest.mark.parametrize(("minutes_gone", "renewed"), [(1, False), (104, False), (106, True), (121, True)])
async def test_a_signature_is_renewed_a_quarter_of_an_hour_before_it_expires(
    minutes_gone: int, renewed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = KeySigner("acct", KEY)
    first, _ = await signer.sign()
    expires = datetime.fromisoformat(parse_qs(first)["se"][0])
    assert timedelta(minutes=119) < expires - datetime.now(UTC) <= timedelta(hours=2)
    later = time.time() + 60 * minutes_gone
    monkeypatch.setattr("adapters.credentials.time.time", lambda: later)
    assert signer.is_due is renewed


def test_the_reprs_hold_no_secret() -> None:
    shown = repr(endpoint(f"AccountName=acct;AccountKey={KEY}")) + repr(SasSigner(SAS))
    assert "acct" in shown
    assert KEY not in shown
    assert "sig=" not in shown
