"""Storage accounts as settings hold them: what is usable is taken apart, all else is told without a word of it."""

import pytest

from adapters.connections import StorageConnection, by_connection_string, by_identity
from reconciliation.errors import SettingsError

KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
SAS = "sv=2023-11-03&ss=b&srt=sco&sp=rl&sig=abc%2Bdef%3D"
BY_KEY = f"AccountName=acct;AccountKey={KEY}"
ADDRESS = "https://acct.blob.core.windows.net"


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        by_connection_string("SOURCE_STORAGE", text)
    told = str(caught.value)
    assert told.startswith("The connection string in SOURCE_STORAGE is not usable: ")
    assert KEY not in told
    assert "abc" not in told
    return told


# --- connection strings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (BY_KEY, ADDRESS),
        (f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={KEY};", "http://acct.blob.core.windows.net"),
        (f"AccountKey={KEY};AccountName=acct;EndpointSuffix=core.chinacloudapi.cn", "https://acct.blob.core.chinacloudapi.cn"),
        (f"AccountName=acct;AccountKey={KEY};BlobEndpoint=https://own.example/", "https://own.example"),
        (f"AccountName=acct;AccountKey={KEY};BlobEndpoint=http://azurite:10000/acct", "http://azurite:10000/acct"),
        (f"AccountName=acct;AccountKey={KEY};BlobEndpoint=http://[::1]:10000/acct", "http://[::1]:10000/acct"),
        (f"AccountName=acct;AccountKey={KEY};QueueEndpoint=https://q.example;TableEndpoint=https://t.example", ADDRESS),
        (f" accountname = acct ; ACCOUNTKEY = {KEY} ;; ", ADDRESS),
        (f"AccountName=acct;AccountKey={KEY};EndpointSuffix=;DefaultEndpointsProtocol=", ADDRESS),
    ],
)  # fmt: skip
def test_an_account_key_is_read_in_all_its_forms(text: str, url: str) -> None:
    assert by_connection_string("SOURCE_STORAGE", text) == StorageConnection("SOURCE_STORAGE", url, "acct", key=KEY)


@pytest.mark.parametrize(
    "text", [f"BlobEndpoint={ADDRESS}/;SharedAccessSignature={SAS}", f"AccountName=acct;SharedAccessSignature=?{SAS}"]
)
def test_a_shared_access_signature_is_read_in_all_its_forms(text: str) -> None:
    assert by_connection_string("SOURCE_STORAGE", text) == StorageConnection("SOURCE_STORAGE", ADDRESS, "acct", sas=SAS)


@pytest.mark.parametrize(
    "text",
    ["UseDevelopmentStorage=true", "UseDevelopmentStorage=true;", " usedevelopmentstorage=True "],
)
def test_the_emulators_short_form_stands_for_the_emulator(text: str) -> None:
    connection = by_connection_string("SOURCE_STORAGE", text)
    assert connection.url == "http://127.0.0.1:10000/devstoreaccount1"
    assert connection.account == "devstoreaccount1"
    assert connection.key


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", f"AccountKey={KEY}", "AccountName=acct", f"BlobEndpoint={ADDRESS}", f"SharedAccessSignature={SAS}",
     f"AccountName;AccountKey={KEY}", "AccountName=acct;AccountKey=", "UseDevelopmentStorage=false"],
)  # fmt: skip
def test_an_incomplete_connection_string_says_what_it_needs(text: str) -> None:
    assert "it needs AccountName and AccountKey, or BlobEndpoint and SharedAccessSignature" in refusal(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"AccountName=acct;AccountKey={KEY[:-1]}", "its AccountKey is not base64"),
        ("AccountName=acct;AccountKey=***", "its AccountKey is not base64"),
        ("AccountName=acct;AccountKey=Zm9v Zm9v", "its AccountKey is not base64"),
        ("AccountName=acct;AccountKey=Zm\udc80v", "its AccountKey is not base64"),
        (f"AccountName=Acct;AccountKey={KEY}", "its AccountName is not"),
        (f"AccountName=a/b;AccountKey={KEY}", "its AccountName is not"),
        (f"AccountName={'a' * 25};AccountKey={KEY}", "its AccountName is not"),
        (f"{BY_KEY};AccountName=other", "it has AccountName more than once"),
        (f"{BY_KEY};accountkey=", "it has AccountKey more than once"),
        (f"{BY_KEY};Colour=abc", "it has a part that is none of AccountName, AccountKey"),
        (f"{BY_KEY};abc", "it has a part that is none of AccountName, AccountKey"),
        (f"{BY_KEY};DefaultEndpointsProtocol=ftp", "its DefaultEndpointsProtocol is neither https nor http"),
        (f"{BY_KEY};EndpointSuffix=a b", "its blob address holds characters"),
        (f"{BY_KEY};EndpointSuffix=x.example/abc?abc", "its blob address has a query"),
        (f"{BY_KEY};BlobEndpoint=acct.example", "its blob address is not an address"),
        (f"{BY_KEY};BlobEndpoint=https://[", "its blob address is not an address"),
        (f"{BY_KEY};BlobEndpoint=https://x.example:99999", "its blob address is not an address"),
        (f"{BY_KEY};BlobEndpoint=https://x.example:0", "its blob address is not an address"),
        (f"{BY_KEY};BlobEndpoint=https://x.example:", "its blob address is not an address"),
        (f"{BY_KEY};BlobEndpoint=https://user:abc@x.example", "its blob address has a user or password in it"),
        (f"{BY_KEY};BlobEndpoint=https://x.example/?sig=abc", "its blob address has a query"),
        (f"{BY_KEY};BlobEndpoint=https://x.example/#abc", "its blob address has a fragment"),
        (f"{BY_KEY};BlobEndpoint=https://x.example/%61bc", "its blob address has a path that no account has"),
        (f"{BY_KEY};BlobEndpoint=https://x..example", "its blob address has an invalid host name"),
        (f"{BY_KEY};SharedAccessSignature={SAS}", "it has an AccountKey and a SharedAccessSignature"),
        ("AccountName=acct;SharedAccessSignature=abc", "its SharedAccessSignature is not a query string with a sig"),
        ("AccountName=acct;SharedAccessSignature=sv=1&sig=", "its SharedAccessSignature is not a query string"),
        ("AccountName=acct;SharedAccessSignature=sig=a b", "its SharedAccessSignature is not a query string"),
        (f"BlobEndpoint=http://acct.example;SharedAccessSignature={SAS}", "over plain http://"),
    ],
)  # fmt: skip
def test_each_part_is_checked(text: str, told: str) -> None:
    assert told in refusal(text)


def test_all_that_is_wrong_with_a_connection_string_is_told_at_once() -> None:
    told = refusal("AccountName=A;AccountKey=abc;AccountName=A;DefaultEndpointsProtocol=ftp;colour=abc")
    for part in ("AccountName is not", "AccountKey is not", "more than once", "none of", "neither https nor http"):
        assert part in told


# --- addresses with the app's identity --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://user:abc@acct.example", "has a user or password in it"),
        ("https://acct.example/?sig=abc", "has a query"),
        ("https://acct.example/%61bc", "has a path that no account has"),
        ("https://acct.blob.core.windows.net/recordings", "names a container, not an account"),
        ("https://[abc", "is not an address"),
        ("https://", "is not an address"),
        ("http://127.0.0.1:10000/abc", "is a plain http:// one"),
    ],
)
def test_an_address_that_cannot_be_used_says_why_and_is_not_quoted(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        by_identity("X", text)
    assert f"The address in X__blobServiceUri {told}" in str(caught.value)
    assert "abc" not in str(caught.value)


def test_an_identity_needs_the_address_and_nothing_else() -> None:
    assert by_identity("X", f" {ADDRESS}/ ") == StorageConnection("X", ADDRESS, "acct")
