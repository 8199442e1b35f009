import azure.functions as func
import pytest

from triggers.audits import _base


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://app.net/api/audits", "https://app.net/api"),
        ("https://app.net/api/audits?limit=3", "https://app.net/api"),
        ("https://app.net/api/audits/20260131-093000-1a2b3c4d/dead-letters/replay", "https://app.net/api"),
        ("https://audits.net/api/audits/x", "https://audits.net/api"),
        ("https://audits.net/audits-api/audits/x", "https://audits.net/audits-api"),
        ("http://127.0.0.1:7071/audits", "http://127.0.0.1:7071"),
        ("https://app.net/API/AUDITS?code=secret", "https://app.net/API"),
        ("https://app.net/api/%61udits?code=secret", "https://app.net/api"),
        ("https://app.net/api/audits/?code=/audits", "https://app.net/api"),
    ],
)
def test_links_begin_with_the_address_of_the_api_and_hold_no_key(url: str, base: str) -> None:
    assert _base(func.HttpRequest("GET", url, body=b"")) == base
