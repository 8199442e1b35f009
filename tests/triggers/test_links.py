"""Links are built from what the app was told of itself, never from what a request says of its host."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.settings import Settings, load_settings
from triggers.links import API, api_address, links

STORAGE = "AccountName=acct;AccountKey=c2VjcmV0"
SETTINGS = load_settings(
    {"SOURCE_STORAGE": STORAGE, "REPORT_STORAGE": STORAGE, "PRE_DATABASE": "postgresql://app@db.example/pre"}
)
DEPLOYED = replace(SETTINGS, app_address="https://app.example")
BEHIND_A_DOOR = replace(DEPLOYED, public_url="https://door.example/audit")
AUDIT = "/api/audits/20260131-093000-1a2b3c4d"


def test_the_prefix_of_the_routes_is_the_hosts() -> None:
    host = json.loads((Path(__file__).parents[2] / "host.json").read_text(encoding="utf-8"))
    assert f"/{host['extensions']['http']['routePrefix']}" == API


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:7071/api/audits", "http://127.0.0.1:7071/api"),
        (f"http://localhost:7071{AUDIT}?code=secret", "http://localhost:7071/api"),
        (f"http://LOCALHOST{AUDIT}/dead-letters/replay", "http://localhost/api"),
        (f"https://[::1]:7071{AUDIT}", "https://[::1]:7071/api"),
        (f"http://evil.example@localhost:7071{AUDIT}", "http://localhost:7071/api"),
        (f"https://evil.example{AUDIT}", "/api"),
        (f"http://localhost@evil.example{AUDIT}", "/api"),
        (f"http://localhost.evil.example{AUDIT}", "/api"),
        (f"http://127.0.0.1.evil.example{AUDIT}", "/api"),
        (f"http://localhost:evil{AUDIT}", "/api"),
        (f"http://[evil{AUDIT}", "/api"),
        (f"ftp://localhost{AUDIT}", "/api"),
        (AUDIT, "/api"),
    ],
)
def test_without_an_address_of_its_own_the_app_believes_this_machine_only(url: str, address: str) -> None:
    assert api_address(SETTINGS, url) == address


def test_an_audit_its_report_and_its_page_have_addresses() -> None:
    here = "https://app.example/api/audits/x"
    assert links("x", "https://app.example/api") == {
        "self": here,
        "report": f"{here}/report",
        "page": f"{here}/report?format=html",
    }


@pytest.mark.parametrize("url", [f"https://evil.example{AUDIT}", f"http://localhost:7071{AUDIT}", f"https://a{AUDIT}"])
def test_an_app_that_knows_its_address_believes_no_request(url: str) -> None:
    assert api_address(DEPLOYED, url) == "https://app.example/api"
    assert api_address(BEHIND_A_DOOR, url) == "https://door.example/audit/api"


@given(st.text(st.characters(), max_size=30), st.sampled_from([SETTINGS, DEPLOYED, BEHIND_A_DOOR]))
def test_no_forged_host_comes_back(host: str, settings: Settings) -> None:
    assert "evil" not in api_address(settings, f"https://evil{host}{AUDIT}")
