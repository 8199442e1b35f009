"""Connections as settings hold them: what is usable is taken apart, all else is told without a word of it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adapters.connections import (
    StorageConnection,
    by_connection_string,
    by_identity,
    database_options,
    web_address,
)
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
        (f"AccountName=acct;AccountKey={KEY};EndpointSuffix=", ADDRESS),
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
        (f"{BY_KEY};BlobEndpoint=https://x..example", "its blob address names no host"),
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


# --- addresses --------------------------------------------------------------------------------------------------------

ODD = [
    ("https://user:abc@acct.example", "has a user or password in it"),
    ("https://abc@acct.example", "has a user or password in it"),
    ("https://acct.example/?sig=abc", "has a query"),
    ("https://acct.example#abc", "has a fragment"),
    ("acct.example/abc", "is not an address"),
    ("ftp://acct.example/abc", "is not an address"),
    ("https:acct.example", "is not an address"),
    ("https:///abc", "names no host"),
    ("https://[abc", "is not an address"),
    ("https://acct.example:abc/", "is not an address"),
    ("https://acct.example:70000", "is not an address"),
    ("https://-abc-.example", "names no host"),
    ("https://" + "a" * 64, "names no host"),
    ("https://ac%63t.example", "names no host"),
    ("https://[fe80::1%25abc]", "names no host"),
    ("https://acct.example/abc\nabc", "holds characters"),
    ("https://acct.example/abc\udc80", "holds characters"),
    ("https://acct.example\\abc", "holds characters"),
    ("https://acct.example/a abc", "holds characters"),
]


@pytest.mark.parametrize(("text", "told"), ODD)
def test_an_address_that_cannot_be_used_says_why_and_is_not_quoted(text: str, told: str) -> None:
    for read, name in ((by_identity, "X__blobServiceUri"), (web_address, "X")):
        with pytest.raises(SettingsError) as caught:
            read("X", text)
        assert f"The address in {name} {told}" in str(caught.value)
        assert "abc" not in str(caught.value)


def test_an_identity_is_proved_over_https_only() -> None:
    assert by_identity("X", f" {ADDRESS}/ ") == StorageConnection("X", ADDRESS, "acct")
    with pytest.raises(SettingsError, match="plain http"):
        by_identity("X", "http://127.0.0.1:10000/devstoreaccount1")


def test_the_address_of_a_webhook_may_have_a_query() -> None:
    address = "https://chat.example:8443/hooks/a?sig=b"
    assert web_address("X", address, query=True) == address
    assert web_address("X", " https://wiki.example/Aufnahmen/Löschen/ ") == "https://wiki.example/Aufnahmen/Löschen/"


pieces = st.sampled_from(
    [
        "https://",
        "http://",
        "a",
        "acct.example",
        ":",
        "8",
        "@",
        "/",
        "?",
        "#",
        "[",
        "]",
        "::1",
        "%",
        "%2f",
        "\\",
        ".",
        "é",
    ]
)
odd_texts = st.text(max_size=30) | st.lists(pieces, max_size=9).map("".join)


@given(odd_texts)
def test_whatever_is_taken_for_an_address_is_one_to_the_clients_as_well(text: str) -> None:
    try:
        taken = web_address("X", text, query=True)
    except SettingsError:
        return
    url = URL(taken)
    assert url.scheme in {"http", "https"}
    assert url.host
    assert not url.user
    assert not url.password


# --- the database -----------------------------------------------------------------------------------------------------


def database_refusal(url: str) -> str:
    with pytest.raises(SettingsError) as caught:
        database_options("PRE_DATABASE", url)
    told = str(caught.value)
    assert told.startswith("PRE_DATABASE ")
    assert "give postgresql://user@host:5432/database" in told
    assert "pa55" not in told
    return told


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        (
            "postgres://u:p%40%2F%23%25@h:1/d",
            {"user": "u", "host": "h", "dbname": "d", "password": "p@/#%", "port": "1"},
        ),
        ("postgresql://u@[::1]/d", {"user": "u", "host": "::1", "dbname": "d"}),
        ("postgresql://u@a,b/d?port=5432", {"user": "u", "host": "a,b", "dbname": "d", "port": "5432"}),
        ("postgresql://u@%2Ftmp/d", {"user": "u", "host": "/tmp", "dbname": "d"}),
        ("postgresql:///d?host=h&user=u", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql://u:@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        (
            "postgresql://u@h/d?sslmode=verify-full&sslrootcert=system&gssencmode=require",
            {"user": "u", "host": "h", "dbname": "d", "sslmode": "verify-full", "sslrootcert": "system",
             "gssencmode": "require"},
        ),
    ],
)  # fmt: skip
def test_a_postgres_url_is_read_as_libpq_reads_it(url: str, options: dict[str, str]) -> None:
    assert database_options("PRE_DATABASE", url) == options


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:pa55@h/d", "is not a Postgres URL"),
        ("host=h password=pa55", "is not a Postgres URL"),
        ("postgresql://u:pa55@[h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55%zz@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d\n", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d\0", "is not a Postgres URL"),
        ("postgresql://u:pa55\udc80@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d?pa55=1", "has an option that Postgres does not know"),
        ("postgresql://u:pa55@/d", "has no host"),
        ("postgresql://u:pa55@h", "has no database name"),
        ("postgresql://h/d", "has no user"),
        ("postgresql://", "has no host and no database name and no user"),
        ("postgresql://u:pa55@h/d?service=x", "has options that the app does not use (service)"),
        ("postgresql://u@h/d?passfile=pa55", "has options that the app does not use (passfile)"),
        ("postgresql://u:pa55@h/d?replication=true", "has options that the app does not use (replication)"),
        ("postgresql://u:1@pa55@h/d", "names no host that can be"),
        ("postgresql://u:1@a..b/d", "names no host that can be"),
        ("postgresql://u:pa55/x@h/d", "has no user"),
        ("postgresql://u:pa55@h:x/d", "has a port or an option with a value that Postgres does not know"),
        ("postgresql://u:pa55@h:99999/d", "has a port or an option"),
        ("postgresql://u:pa55@h/d?sslmode=pa55", "has a port or an option"),
        ("postgresql://u:pa55@h/d?sslmode=require&sslrootcert=system", "has a port or an option"),
        ("postgresql://u:pa55@h/d?target_session_attrs=pa55", "has a port or an option"),
        ("postgresql://u:pa55@h/d?connect_timeout=pa55", "needs a whole number for connect_timeout"),
        ("postgresql://u:pa55@h/d?keepalives_idle=pa55", "needs a whole number for keepalives_idle"),
    ],
)
def test_a_postgres_url_that_cannot_be_used_says_why_and_is_not_quoted(url: str, told: str) -> None:
    assert told in database_refusal(url)
    assert "%40 for @" in database_refusal(url)


@given(st.lists(st.sampled_from(["postgresql://", "u", ":", "pa55", "@", "h", ",", "/", "d", "?", "port", "=", "1", "&",
                                 "sslmode", "%", "%40", "[", "]", "host", " ", "'", "\\"]), max_size=14).map("".join)
       | st.text(max_size=20).map("postgresql://u@h/d".__add__))  # fmt: skip
def test_any_text_is_a_postgres_url_or_told_to_be_none(text: str) -> None:
    try:
        result: dict[str, str] | str = database_options("PRE_DATABASE", text)
    except SettingsError as error:
        result = str(error)
    if isinstance(result, dict):
        assert result["host"]
        assert result["dbname"]
        assert result["user"]
    else:
        assert "pa55" not in result


def test_what_libpq_would_take_from_the_environment_is_taken_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGCLIENTENCODING", "PGTZ", "PGSSLMODE", "PGHOSTADDR"):
        monkeypatch.setenv(name, "nonsense")
    monkeypatch.setenv("PGX_SOMETHING_ELSE", "kept")
    assert database_options("PRE_DATABASE", "postgresql://u@h/d") == {"user": "u", "host": "h", "dbname": "d"}
    assert [name for name in os.environ if name.startswith("PG")] == ["PGX_SOMETHING_ELSE"]
