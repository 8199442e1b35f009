"""Every answer that the app can be made to give is as its OpenAPI document says."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from dev.demo.cases import healthy_cases, special_cases
from dev.devstack.azurite import ACCOUNT, ACCOUNT_KEY, HOST
from tests.app.conftest import PlantWorld
from tests.app.described import Description, checked
from tests.app.ended_audits import failed, incomplete, lists_blobs
from tests.app.proxy import StorageProxy
from tests.app.world import Api, World, eventually, running

UNKNOWN = "20200101-000000-00000000"
DISCARD = json.dumps({"reason": "The container is known to be broken.", "by": "the tests"}).encode()
RESUME = "/policies/pre-capture-sessions/resume"
OF_ONE = [
    ("GET", ""),
    ("GET", "/report"),
    ("POST", "/cancel"),
    ("POST", "/resume"),
    ("GET", "/dead-letters"),
    ("POST", "/dead-letters/replay"),
    ("POST", "/dead-letters/discard"),
]
BY, DECIDE = json.dumps({"by": "Ann"}).encode(), {"digest": "0" * 64, "by": "Bob", "reason": "Played back."}
RENAME = b'{"by": "Ann", "name": "Bob", "pseudonym": "P-1"}'
OF_A_REPAIR = [
    ("GET", "", b""),
    ("POST", "/approve", json.dumps(DECIDE).encode()),
    ("POST", "/reject", json.dumps(DECIDE).encode()),
    ("POST", "/stop", BY),
    ("POST", "/undo", BY),
    ("GET", "/export", b""),
    ("POST", "/pseudonym", RENAME),
]
# The app cannot be brought to these by a request, a refused service or a broken blob.
NEVER_MADE = {
    ("GET", "/profiles", "500"),
    ("GET", "/openapi.json", "500"),
    ("GET", "/health", "500"),
    ("GET", "/audits", "500"),
    ("POST", "/audits", "500"),
    ("GET", "/repairs", "500"),
    # Only where there is a policy: test_policy.py holds them to the document.
    ("GET", "/policies", "500"),
    ("POST", "/policies/{profile}/resume", "200"),
    ("POST", "/policies/{profile}/resume", "409"),
    ("POST", "/policies/{profile}/resume", "500"),
    # Only where the platform says who asks.
    ("POST", "/policies/{profile}/resume", "403"),
    ("POST", "/audits/{audit_id}/repairs", "403"),
    ("POST", "/repairs/{repair_id}/reject", "403"),
    ("POST", "/repairs/{repair_id}/stop", "403"),
    ("POST", "/repairs/{repair_id}/undo", "403"),
}


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    return plant([case for case in special_cases() if case.name == "swept"] + healthy_cases(3), [])


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    settings = world.settings(
        SOURCE_STORAGE=proxy.connection_string,
        AUDIT_MAX_PASSES="1",
        PRE_REPAIR_DATABASE=world.database,
        AUDIT_REPAIR_CLOSED_HOURS="none",
        AUDIT_REPAIR_SECOND_LOOK_SECONDS="1",
    )
    with running(settings) as api:
        yield api


@pytest.fixture(scope="module")
def description(api: Api) -> Description:
    return Description(api.get("/openapi.json").json())


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


@pytest.fixture
def asks(api: Api, description: Description) -> Any:
    def ask(method: str, path: str, body: bytes | None = None) -> httpx.Response:
        return checked(description, api.get(path) if method == "GET" else api.post(path, body))

    return ask


def test_the_document_that_is_served_is_valid(description: Description) -> None:
    assert list(OpenAPIV31SpecValidator(description.document).iter_errors()) == []


@pytest.mark.parametrize(
    "path", ["/profiles", "/health", "/health/live", "/openapi.json", "/policies", "/audits", "/audits?limit=1"]
)
def test_what_needs_no_audit_is_as_described(asks: Any, path: str) -> None:
    assert asks("GET", path).status_code == 200


@pytest.mark.parametrize("path", ["/audits?limit=0", "/audits?profile=nobody"])
def test_a_wrong_parameter_is_refused_as_described(asks: Any, path: str) -> None:
    [error] = asks("GET", path).json()["errors"]
    assert error["field"] == re.split("[?=]", path)[1]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"mode": "slow", "colour": 1}', b"\xff"])
def test_a_wrong_body_is_refused_as_described(asks: Any, body: bytes) -> None:
    assert asks("POST", "/audits", body).status_code == 400


@pytest.mark.parametrize(("method", "rest"), [*OF_ONE, ("POST", "/repairs")])
def test_an_audit_that_is_not_there_is_refused_as_described(asks: Any, method: str, rest: str) -> None:
    body = BY if rest == "/repairs" else DISCARD
    assert asks(method, f"/audits/{UNKNOWN}{rest}", body).status_code == 404
    assert asks(method, f"/audits/nonsense{rest}", body).json()["errors"][0]["field"] == "audit_id"


def test_an_audit_from_its_start_to_its_end(asks: Any, api: Api, proxy: StorageProxy) -> None:
    held = proxy.hold(lists_blobs)
    started = asks("POST", "/audits", b'{"mode": "full"}')
    assert started.status_code == 202
    here = f"/audits/{started.json()['id']}"
    assert held.reached.wait(30)
    assert asks("GET", here).json()["state"] == "running"
    assert asks("GET", "/audits").status_code == 200
    assert asks("POST", "/audits").json()["active_id"] == started.json()["id"]
    assert asks("GET", f"{here}/report").status_code == 409
    assert asks("POST", f"{here}/resume").json()["state"] == "running"
    assert asks("POST", f"{here}/dead-letters/replay").json()["state"] == "running"
    held.release()
    api.ended(started.json()["id"])
    assert asks("GET", here).json()["state"] == "completed"
    for form in ("json", "csv", "html"):
        assert asks("GET", f"{here}/report?format={form}").status_code == 200
    assert asks("GET", f"{here}/report?format=pdf").status_code == 400
    assert asks("GET", f"{here}/dead-letters").json()["dead_letters"] == []
    for move in ("cancel", "resume", "dead-letters/replay", "dead-letters/discard"):
        assert asks("POST", f"{here}/{move}", DISCARD).json()["state"] == "completed"


def test_an_audit_that_is_cancelled(asks: Any, proxy: StorageProxy) -> None:
    held = proxy.hold(lists_blobs)
    audit_id = asks("POST", "/audits").json()["id"]
    assert held.reached.wait(30)
    assert asks("POST", f"/audits/{audit_id}/cancel").status_code == 202
    assert asks("GET", f"/audits/{audit_id}").json()["state"] == "cancelled"


def test_a_failed_audit_is_resumed(asks: Any, api: Api, proxy: StorageProxy) -> None:
    audit_id = failed(api, proxy)
    assert asks("GET", f"/audits/{audit_id}").json()["outcome"] == {"code": 4, "word": "failed"}
    assert asks("POST", f"/audits/{audit_id}/resume").status_code == 202
    ended = api.ended(audit_id)
    assert (ended["state"], ended["resumes"]) == ("completed", 1)
    assert asks("GET", f"/audits/{audit_id}").status_code == 200


def test_dead_letters_are_replayed(asks: Any, api: Api, world: World, proxy: StorageProxy) -> None:
    audit_id = incomplete(api, world, proxy)
    here = f"/audits/{audit_id}"
    assert asks("GET", here).json()["dead_letters"] == 1
    assert len(asks("GET", f"{here}/dead-letters").json()["dead_letters"]) == 1
    assert asks("GET", f"{here}/report").json()["coverage"]["dead_letters"]
    assert asks("POST", f"{here}/dead-letters/replay").status_code == 202
    assert api.ended(audit_id)["state"] == "completed"


def test_dead_letters_are_discarded(asks: Any, api: Api, world: World, proxy: StorageProxy) -> None:
    audit_id = incomplete(api, world, proxy)
    here = f"/audits/{audit_id}"
    refused = asks("POST", f"{here}/dead-letters/discard", b"{}")
    assert [error["field"] for error in refused.json()["errors"]] == ["reason", "by"]
    discarded = asks("POST", f"{here}/dead-letters/discard", DISCARD)
    assert discarded.status_code == 200
    assert discarded.json()["dead_letters"][0]["discarded"]["by"] == "the tests"
    api.ended(audit_id)
    assert asks("GET", f"{here}/report").status_code == 200
    assert asks("POST", f"{here}/dead-letters/discard", DISCARD).json()["state"] == "incomplete"


def test_what_another_audit_forbids_is_refused_with_its_id_and_changes_nothing(
    asks: Any, api: Api, world: World, proxy: StorageProxy
) -> None:
    waiting, broken = incomplete(api, world, proxy), failed(api, proxy)
    held = proxy.hold(lists_blobs)
    active = api.start()
    assert held.reached.wait(30)
    for path in (f"{broken}/resume", f"{waiting}/dead-letters/replay", f"{waiting}/dead-letters/discard"):
        refused = asks("POST", f"/audits/{path}", DISCARD)
        assert (refused.status_code, refused.json()["active_id"]) == (409, active)
    letters = asks("GET", f"/audits/{waiting}/dead-letters").json()["dead_letters"]
    assert [letter["discarded"] for letter in letters] == [None]
    held.release()
    api.ended(active)


def test_a_report_that_was_deleted(asks: Any, api: Api, world: World) -> None:
    audit_id = api.audited()[0]["id"]
    with BlobServiceClient.from_connection_string(world.report) as service:
        service.get_blob_client(world.report_container, f"pre-capture-sessions/{audit_id}/findings.csv").delete_blob()
    assert asks("GET", f"/audits/{audit_id}/report?format=csv").status_code == 404


def ids(listing: dict[str, Any]) -> list[str]:
    return [audit["id"] for audit in listing["audits"]]


def test_a_broken_record_is_a_problem_that_names_it_and_stops_nothing_else(asks: Any, world: World, api: Api) -> None:
    broken, listed = "20300101-000000-00000000", ids(asks("GET", "/audits").json())
    with (
        BlobServiceClient.from_connection_string(world.report) as service,
        service.get_blob_client(world.report_container, f"pre-capture-sessions/{broken}/run.json") as blob,
        service.get_blob_client(world.report_container, "pre-capture-sessions/active.json") as guard,
    ):
        blob.upload_blob(b"{")
        for method, rest in [*OF_ONE, ("POST", "/repairs")]:
            answer = asks(method, f"/audits/{broken}{rest}", BY if rest == "/repairs" else DISCARD)
            assert answer.status_code == 500
            assert answer.json()["detail"].startswith(f"pre-capture-sessions/{broken}/run.json in container ")
        after = asks("GET", "/audits").json()
        assert (ids(after), after["unreadable"]) == (listed, [f"pre-capture-sessions/{broken}/run.json"])
        guard.upload_blob(b"{", overwrite=True)
        started = asks("POST", "/audits")
        assert started.status_code == 202
        assert api.ended(started.json()["id"])["state"] == "completed"
        guard.upload_blob(b"{", overwrite=True)
        assert asks("POST", f"/audits/{started.json()['id']}/resume").status_code == 409
        blob.delete_blob()


def until(api: Api, repair: str, states: set[str]) -> dict[str, Any]:
    """A repair once it is in one of these states."""

    def probe() -> dict[str, Any] | None:
        view: dict[str, Any] = api.get(repair).json()
        return view if view["state"] in states else None

    return eventually(probe, f"{repair} is {states}", 60)


def test_a_repair_from_its_proposal_to_its_undo(asks: Any, api: Api, proxy: StorageProxy) -> None:
    here = f"/audits/{api.audited()[0]['id']}/repairs"
    assert asks("POST", here, b"{}").json()["errors"][0]["field"] == "by"
    assert asks("POST", here, b'{"by": "Ann", "verdicts": ["in_flight"]}').status_code == 409
    first, second = (f"/repairs/{asks('POST', here, BY).json()['id']}" for _ in range(2))
    for repair in (first, second):
        assert until(api, repair, {"proposed", "failed"})["state"] == "proposed"
    decision = {**DECIDE, "digest": asks("GET", first).json()["digest"]}
    other = {**DECIDE, "digest": asks("GET", second).json()["digest"]}
    assert asks("POST", f"{first}/approve", json.dumps({**decision, "by": "Ann"}).encode()).status_code == 403
    assert asks("POST", f"{first}/approve", json.dumps(DECIDE).encode()).json()["state"] == "proposed"
    for what in ("approve", "reject"):
        assert asks("POST", f"{first}/{what}", b"{}").status_code == 400
    for what in ("stop", "undo", "pseudonym"):
        assert asks("POST", f"{first}/{what}", b"{}").status_code == 400
    assert asks("POST", f"{first}/pseudonym", RENAME).status_code == 409
    for what in ("stop", "undo"):
        assert asks("POST", f"{first}/{what}", BY).status_code == 409
    assert asks("GET", "/repairs?limit=0").status_code == 400
    held = proxy.hold(lists_blobs)
    assert asks("POST", f"{first}/approve", json.dumps(decision).encode()).status_code == 202
    assert held.reached.wait(30)
    assert asks("POST", f"{second}/approve", json.dumps(other).encode()).json()["active_id"] in first
    assert asks("POST", f"{first}/stop", BY).status_code == 202
    assert asks("GET", first).json()["state"] == "stopping"
    held.release()
    assert until(api, first, {"stopped", "applied"})["state"] == "stopped"
    assert asks("POST", f"{second}/approve", json.dumps(other).encode()).status_code == 202
    assert until(api, second, {"applied", "partly_applied", "failed"})["state"] == "applied"
    assert asks("POST", f"{second}/reject", json.dumps(other).encode()).status_code == 409
    assert asks("GET", second).status_code == 200
    assert asks("GET", f"{second}/export").json()["digest"] == other["digest"]
    own = {"by": "Bob", "name": "Bob", "pseudonym": "P-1"}
    assert asks("POST", f"{second}/pseudonym", json.dumps(own).encode()).status_code == 403
    assert asks("POST", f"{second}/pseudonym", RENAME).json()["people"] == 1
    undo = asks("POST", f"{second}/undo", BY)
    assert undo.status_code == 202
    back = until(api, f"/repairs/{undo.json()['id']}", {"proposed", "failed"})
    rejected = json.dumps({**DECIDE, "digest": back["digest"]}).encode()
    assert asks("POST", f"/repairs/{back['id']}/reject", rejected).json()["state"] == "rejected"
    assert len(asks("GET", "/repairs").json()["repairs"]) == 3


@pytest.mark.parametrize(("method", "rest", "body"), OF_A_REPAIR)
def test_a_repair_that_is_not_there_or_is_damaged_is_refused_as_described(
    asks: Any, world: World, method: str, rest: str, body: bytes
) -> None:
    assert asks(method, f"/repairs/{UNKNOWN}{rest}", body).status_code == 404
    assert asks(method, f"/repairs/nonsense{rest}", body).json()["errors"][0]["field"] == "repair_id"
    broken = "20300101-000000-00000000"
    with (
        BlobServiceClient.from_connection_string(world.report) as service,
        service.get_blob_client(world.report_container, f"pre-capture-sessions/repairs/{broken}/repair.json") as blob,
    ):
        blob.upload_blob(b"{")
        assert asks(method, f"/repairs/{broken}{rest}", body).status_code == 500
        assert asks("GET", "/repairs").json()["unreadable"] == [f"pre-capture-sessions/repairs/{broken}/repair.json"]
        blob.delete_blob()


def test_a_policy_that_is_not_there_cannot_be_resumed(asks: Any) -> None:
    assert asks("POST", RESUME, b"{}").status_code == 400
    assert asks("POST", RESUME, DISCARD).status_code == 404


def test_a_run_store_that_cannot_be_reached(world: World, description: Description) -> None:
    nowhere = (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://{HOST}:1/{ACCOUNT};"
    )
    with running(world.settings(REPORT_STORAGE=nowhere)) as api, ThreadPoolExecutor(len(OF_ONE) + 10) as at_once:
        asked = [(method, f"/audits/{UNKNOWN}{rest}") for method, rest in OF_ONE]
        asked += [("GET", "/audits"), ("POST", "/audits"), ("GET", "/health"), ("GET", "/repairs")]
        bodies = {f"/repairs/{UNKNOWN}{rest}": body for _, rest, body in OF_A_REPAIR}
        asked += [(method, f"/repairs/{UNKNOWN}{rest}") for method, rest, _ in OF_A_REPAIR]
        asked += [("POST", f"/audits/{UNKNOWN}/repairs")]
        bodies |= {"/audits": b"{}", f"/audits/{UNKNOWN}/repairs": BY}

        def ask_it(to: tuple[str, str]) -> httpx.Response:
            method, path = to
            return api.get(path) if method == "GET" else api.post(path, bodies.get(path, DISCARD))

        for answer in at_once.map(ask_it, asked):
            assert checked(description, answer).status_code == 503


def test_settings_that_are_wrong(world: World, description: Description) -> None:
    with running(world.settings(AUDIT_MAX_PASSES="many")) as api:
        for answer in (api.get("/audits"), api.get("/health"), api.get("/policies"), api.post(RESUME, DISCARD)):
            assert checked(description, answer).status_code == 503
        assert checked(description, api.get("/health/live")).json() == {"status": "up"}


def test_every_answer_of_the_document_was_seen(description: Description) -> None:
    """Must run last: it looks at what the tests before it have seen."""
    missing = {(method, path, status) for method, path, status, _ in description.answers() - description.seen}
    assert missing == NEVER_MADE
