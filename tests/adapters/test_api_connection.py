import base64

import pytest

from adapters.api_connection import ApiConnection, api_connection
from reconciliation.errors import SettingsError

SECRET = "s3cr3t-of-the-test"
HTTPS, HTTP = "https://jobs.example/prefect/api", "http://jobs.example/api"
LOOPBACK = ["http://localhost:4200/api", "http://127.0.0.1:4200/api", "http://127.9.9.9/api", "http://[::1]:4200/api"]


def refused(text: str, token: str | None = None, basic: str | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        api_connection("JOBS_API", text, token, basic)
    assert SECRET not in str(caught.value)
    assert "jobs.example" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("address", [HTTPS, f" {HTTPS}/ ", "https://jobs.example:8443", HTTP, *LOOPBACK])
def test_an_address_is_enough_and_comes_without_a_slash_at_its_end(address: str) -> None:
    made = api_connection("JOBS_API", address, None, None)
    assert made == ApiConnection("JOBS_API", address.strip().rstrip("/"))
    assert made.authorization is None
    assert made.secrets == ()


@pytest.mark.parametrize("address", [HTTPS, *LOOPBACK])
def test_a_token_or_a_user_goes_with_every_call(address: str) -> None:
    by_token = api_connection("JOBS_API", address, SECRET, None)
    assert by_token.authorization == f"Bearer {SECRET}"
    by_user = api_connection("JOBS_API", address, None, f"reader:{SECRET}:ü")
    assert by_user.authorization is not None
    kind, _, encoded = by_user.authorization.partition(" ")
    assert (kind, base64.b64decode(encoded).decode()) == ("Basic", f"reader:{SECRET}:ü")
    for one in (by_token, by_user):
        assert SECRET not in repr(one)
        assert SECRET not in one.shown
        assert one.authorization is not None
        assert all(secret in one.secrets for secret in (one.authorization.partition(" ")[2],))
    assert f"{SECRET}:ü" in by_user.secrets


def test_it_is_shown_by_its_host_and_path() -> None:
    assert api_connection("JOBS_API", HTTPS, SECRET, None).shown == "jobs.example/prefect/api"
    assert api_connection("JOBS_API", LOOPBACK[0], None, None).shown == "localhost:4200/api"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("jobs.example/api", "is not an address"),
        ("ftp://jobs.example/api", "is not an address"),
        (f"https://reader:{SECRET}@jobs.example/api", "has a user or password in it"),
        (f"https://jobs.example/api?key={SECRET}", "has a query"),
        (f"https://jobs.example/api#{SECRET}", "has a fragment"),
        ("https://jobs.example/api/../admin", "has a path that no API has"),
        ("https://jobs.example/api//x", "has a path that no API has"),
        ("https://jobs.example/%2e%2e/x", "has a path that no API has"),
        ("https://jobs example/api", "holds characters that no address has"),
    ],
)
def test_what_is_no_address_of_an_api_is_told_and_not_quoted(address: str, words: str) -> None:
    text = refused(address)
    assert text.startswith(f"The address in JOBS_API {words}")
    assert "give https://<host>/..." in text


@pytest.mark.parametrize(
    ("token", "basic", "words"),
    [
        (SECRET, f"reader:{SECRET}", "JOBS_API__bearerToken and JOBS_API__basicAuth are both set: keep one"),
        (f"{SECRET} x", None, "JOBS_API__bearerToken holds characters that no token has"),
        (f"{SECRET}\n", None, "JOBS_API__bearerToken holds characters that no token has"),
        (f"{SECRET}ü", None, "JOBS_API__bearerToken holds characters that no token has"),
        (None, SECRET, "JOBS_API__basicAuth is not a user and a password: give user:password"),
        (None, f"{SECRET}:", "JOBS_API__basicAuth is not a user and a password"),
        (None, f"reader:{SECRET}\r\n", "JOBS_API__basicAuth is not a user and a password"),
    ],
)
def test_credentials_that_cannot_be_are_told_by_their_setting(token: str | None, basic: str | None, words: str) -> None:
    assert words in refused(HTTPS, token, basic)


@pytest.mark.parametrize(("token", "basic"), [(SECRET, None), (None, f"reader:{SECRET}")])
@pytest.mark.parametrize("address", [HTTP, "http://10.0.0.1/api", "http://localhost.jobs.example/api"])
def test_credentials_never_travel_openly(address: str, token: str | None, basic: str | None) -> None:
    assert "the credentials would travel openly: give https://" in refused(address, token, basic)
