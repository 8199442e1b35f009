"""Buckets as settings hold them: what is usable is taken apart, all else is told without a word of it."""

import pytest

from adapters.buckets.connections import ContainerConnection, S3Connection, by_s3_address, in_container
from adapters.connections import by_connection_string
from adapters.services import Services
from adapters.settings import load_settings
from reconciliation.audited import Audited
from reconciliation.errors import SettingsError
from tests.adapters.other_profile import BUCKETS

SETTING = "STUCK_UPLOADS_BUCKET"
KEY_ID, SECRET = "AKIAT0PS3CR3T", "wJalrXUtnFEMI/K7MDENG+s3cr3t"
ACCOUNT_KEY = "c2VjcmV0LXNlY3JldA=="
ACCOUNT = f"AccountName=acct;AccountKey={ACCOUNT_KEY}"
WHOLE = "s3://things?endpoint=https://s3.example.com&region=eu-central-1"
KEYS = {f"{SETTING}__accessKeyId": KEY_ID, f"{SETTING}__secretAccessKey": SECRET}
BASE = {"AzureWebJobsStorage": ACCOUNT, "AUDIT_PROFILES": "tests.adapters.other_profile:BUCKETS"}


def problems(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings({**BASE, **environment})
    told = str(caught.value)
    for secret in (KEY_ID, SECRET, ACCOUNT_KEY, "pa55word"):
        assert secret not in told
    assert SETTING in told
    return told


def connection(environment: dict[str, str]) -> object:
    settings = load_settings({**BASE, **environment})
    for secret in (SECRET, ACCOUNT_KEY):
        assert secret not in repr(settings) + repr(settings.connections)
    return settings.connections.get(SETTING)


# --- one of S3 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "endpoint", "region", "place"),
    [
        (WHOLE, "https://s3.example.com", "eu-central-1", "s3.example.com/things"),
        ("s3://things", None, None, "s3.amazonaws.com/things"),
        (" S3://things?region=eu-west-2 ", None, "eu-west-2", "s3.amazonaws.com/things"),
        ("s3://things/?endpoint=http://127.0.0.1:9000/", "http://127.0.0.1:9000", None, "127.0.0.1:9000/things"),
        ("s3://things?endpoint=https%3A%2F%2Fx.example%2Fstorage%2Fv1%2Fs3", "https://x.example/storage/v1/s3", None,
         "x.example/storage/v1/s3/things"),
        ("s3://things?endpoint=&region=", None, None, "s3.amazonaws.com/things"),
    ],
)  # fmt: skip
def test_a_bucket_is_read_in_all_its_forms(address: str, endpoint: str | None, region: str | None, place: str) -> None:
    for keys, key in ((KEYS, (KEY_ID, SECRET)), ({}, None)):
        found = connection({SETTING: address, **keys})
        assert found == S3Connection(SETTING, "things", endpoint, region, key)
        assert isinstance(found, S3Connection)
        assert found.place == place


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("s3://", "does not name a bucket"),
        ("s3:things", "does not name a bucket"),
        ("s3://things/folder", "does not name a bucket"),
        ("s3://things#part", "does not name a bucket"),
        ("s3://..", "does not name a bucket"),
        ("s3://th ings", "does not name a bucket"),
        ("s3://[things", "no address"),
        (f"s3://{KEY_ID}:{SECRET.replace('/', '')}pa55word@things", "user or password"),
        ("s3://things?pa55word", "no address"),
        ("s3://things?secret=pa55word", "something else than endpoint and region"),
        ("s3://things?region=a&region=b", "one of them twice"),
        ("s3://things?region=EU pa55word", "region is not"),
        ("s3://things?endpoint=s3.example.com", "endpoint is not an address"),
        ("s3://things?endpoint=ftp://s3.example.com", "endpoint is not an address"),
        ("s3://things?endpoint=https://u:pa55word@s3.example.com", "endpoint has a user or password"),
        ("s3://things?endpoint=https://s3.example.com?pa55word", "endpoint has a path or query"),
        ("s3://things?endpoint=https://s3.example.com/a%2520b", "endpoint has a path or query"),
    ],
)
def test_what_is_no_bucket_says_what_is_wrong_and_what_to_give(address: str, told: str) -> None:
    text = problems({SETTING: address, **KEYS})
    assert told in text
    assert "s3://<bucket>?endpoint=https://<host>&region=<region>" in text


@pytest.mark.parametrize("left", sorted(KEYS))
def test_a_key_has_two_parts(left: str) -> None:
    assert "give both, or neither" in problems({SETTING: WHOLE, left: KEYS[left], f"{SETTING}__nothing": "x"})
    assert "characters that no key has" in problems({SETTING: WHOLE, **KEYS, left: f"{KEYS[left]} pa55word"})


def test_a_bucket_of_s3_has_no_container_beside_it() -> None:
    assert f"{SETTING}__container is for" in problems({SETTING: WHOLE, f"{SETTING}__container": "things"})


# --- a container ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["things", "a-b", "$web"])
def test_a_container_is_read_beside_its_account(name: str) -> None:
    found = connection({SETTING: ACCOUNT, f"{SETTING}__container": name})
    assert found == ContainerConnection(by_connection_string(SETTING, ACCOUNT), name)
    address = {f"{SETTING}__blobServiceUri": "https://acct.blob.core.windows.net"}
    by_identity = connection({**address, f"{SETTING}__container": name})
    assert isinstance(by_identity, ContainerConnection)
    assert (by_identity.place, by_identity.setting, by_identity.storage.key) == (f"acct/{name}", SETTING, None)


@pytest.mark.parametrize("name", ["xq", "a" * 64, "Things", "a--b", "a/b", "pa55word?x", "../x"])
def test_a_container_that_storage_would_refuse_is_not_quoted(name: str) -> None:
    told = problems({SETTING: ACCOUNT, f"{SETTING}__container": name})
    assert f"{SETTING}__container is not usable" in told
    assert name not in told


@pytest.mark.parametrize("given", [{SETTING: ACCOUNT}, {f"{SETTING}__blobServiceUri": "https://a.blob.example"}])
def test_an_account_without_a_container_is_no_bucket(given: dict[str, str]) -> None:
    assert f"{SETTING}__container is not set" in problems(given)


def test_what_is_neither_names_both_forms() -> None:
    told = problems({SETTING: "things pa55word"})
    assert "The connection string in STUCK_UPLOADS_BUCKET is not usable" in told
    assert "s3://<bucket>" in told
    assert "__container" in told


def test_what_is_not_given_is_asked_for_only_if_it_is_needed() -> None:
    assert connection({}) is None
    needing = {"AUDIT_PROFILES": "tests.adapters.other_profile:NEEDING_BUCKETS"}
    assert f"{SETTING} is not set: give s3://<bucket>" in problems(needing)


def test_a_problem_of_a_container_is_an_error_by_itself() -> None:
    with pytest.raises(SettingsError):
        in_container(by_connection_string(SETTING, ACCOUNT), "no/container")
    with pytest.raises(SettingsError):
        by_s3_address(SETTING, "s3://things", KEY_ID, None)


# --- in a report ------------------------------------------------------------------------------------------------------


def test_a_report_names_the_place_and_nothing_that_opens_it() -> None:
    def places(environment: dict[str, str]) -> Audited:
        nothing: dict[str, object] = {}
        settings = load_settings({**BASE, **environment})
        return Services(settings, None, None, nothing).audited(BUCKETS)  # type: ignore[arg-type]

    optional = frozenset({"bucket"})
    assert places({SETTING: WHOLE, **KEYS}) == Audited({"bucket": "s3.example.com/things"}, optional=optional)
    container = {SETTING: ACCOUNT, f"{SETTING}__container": "things"}
    assert places(container) == Audited({"bucket": "acct/things"}, optional=optional)
    assert places({}) == Audited({"bucket": None}, optional=optional)
