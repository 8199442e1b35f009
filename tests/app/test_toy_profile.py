"""A profile that nothing of the app knows: one module and a word in a setting are all that an audited system needs."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from reporting.declared import report_of
from tests.app.described import Description
from tests.app.hosting import events, fire, settled
from tests.app.proxy import Asked, Matches, StorageProxy, storage_proxy
from tests.app.world import Api, World, running
from tests.toy_profile import PROFILE
from tests.toy_world import CONTAINER, EXPECTED, ORDERS, ToyWorld

MOST_REQUESTS = 30
NEW_YEAR = "0 0 3 1 1 *"  # never while a test runs
REPORT = report_of(PROFILE)
PRES_WORDS = re.compile(
    r"recording|hearing|session|capture|\bcases?\b|court|container|track|ingest|booking", re.IGNORECASE
)
OUR_NAME = re.compile(r"capture[-_]audit", re.IGNORECASE)
MEMBERS = re.compile(r'"cases"')
"""A name that the report has whatever is audited."""


@pytest.fixture(scope="module")
def shop(
    postgres_server: PostgresServer, source_storage: AzuriteServer, azurite_server: AzuriteServer
) -> Iterator[ToyWorld]:
    name = f"toy_{uuid4().hex}"
    world = ToyWorld(
        postgres_server.create_database(name),
        source_storage.connection_string,
        azurite_server.connection_string,
        f"audits-{uuid4().hex}",
    )
    world.plant()
    yield world
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def proxy(source_storage: AzuriteServer) -> Iterator[StorageProxy]:
    """A proxy before the shop's account."""
    with storage_proxy(source_storage.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def api(shop: ToyWorld, proxy: StorageProxy) -> Iterator[Api]:
    """An app that audits the shop alone, and has none of PRE's settings."""
    with running(shop.settings(TOY_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="1")) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


Audit = tuple[dict[str, Any], dict[str, Any]]


def audited(api: Api, **body: Any) -> Audit:
    """An audit that came to its end, and its report."""
    view = api.ended(api.start(**body))
    assert view["state"] in {"completed", "incomplete"}, view["error"]
    response = api.get(f"/audits/{view['id']}/report")
    REPORT.model_validate_json(response.content)
    return view, response.json()


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {finding["subject"]["id"]: finding["verdict"] for finding in report["findings"]}


def changes(report: dict[str, Any]) -> dict[str, str | None]:
    return {finding["subject"]["id"]: finding["change"] for finding in report["findings"]}


def folder(order: str) -> Matches:
    """Lists the documents of one order."""

    def matches(asked: Asked) -> bool:
        return asked.lists_blobs and asked.container == CONTAINER and f"prefix={order}%2F" in asked.query

    return matches


@pytest.fixture(scope="module")
def first(api: Api) -> Audit:
    return audited(api)


def test_every_order_gets_the_verdict_that_it_was_planted_for(first: Audit) -> None:
    view, report = first
    assert (view["state"], view["outcome"]["word"]) == ("completed", "findings")
    assert verdicts(report) == EXPECTED
    assert Counter(report["counts"]["order"]) == Counter(order.expected or "in_order" for order in ORDERS)
    assert view["summary"]["orders"] == len(ORDERS)


def test_every_folder_was_read_and_no_other_blob(first: Audit) -> None:
    coverage = first[1]["coverage"]
    assert coverage["complete"]
    assert coverage["units"] == {
        "noun": "folder",
        "listed": len(ORDERS),
        "scanned": len(ORDERS),
        "skipped": 0,
        "failed": 0,
    }
    assert coverage["blobs"] == sum(len(order.documents) for order in ORDERS)


def test_a_finding_shows_the_fields_of_its_kind(first: Audit) -> None:
    [finding] = [finding for finding in first[1]["findings"] if finding["subject"]["id"] == "a-3"]
    assert finding["subject"]["kind"] == "order"
    assert {name: finding[name] for name in ("shop", "paid", "invoices", "documents")} == {
        "shop": "north", "paid": True, "invoices": 1, "documents": [7, 0],
    }  # fmt: skip
    assert finding["reason"] == "A document in its folder has no bytes."


def test_the_headline_speaks_of_orders_and_folders(first: Audit) -> None:
    assert first[1]["headline"] == (
        "devstoreaccount1: 1 paid without a document; 2 orders need a person; 6 of 6 folders read."
    )


def test_the_table_has_the_fields_as_columns(api: Api, first: Audit) -> None:
    text = api.get(f"/audits/{first[0]['id']}/report?format=csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == [
        "subject_kind", "subject_id", "verdict", "severity", "change", "shop", "paid", "invoices", "documents",
        "reason", "next_step", "due",
    ]  # fmt: skip
    assert {row["subject_id"]: row["verdict"] for row in rows} == EXPECTED


def test_the_page_has_the_nouns_of_the_shop_and_none_of_pre(api: Api, first: Audit) -> None:
    page = api.get(f"/audits/{first[0]['id']}/report?format=html").text
    shown = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert PRES_WORDS.findall(OUR_NAME.sub("", shown)) == []
    assert "Folders read" in shown
    assert "What an order can get" in shown
    for subject in EXPECTED:
        assert f"order <code>{subject}</code>" in shown
    assert '<td data-title="Paid">yes</td>' in shown
    assert ">None<" not in shown


@pytest.mark.parametrize("path", ["/profiles", "/openapi.json", "/health"])
def test_the_api_of_an_app_without_pre_says_nothing_of_it(api: Api, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 200, response.text
    text = MEMBERS.sub("", OUR_NAME.sub("", json.dumps(response.json())))
    assert PRES_WORDS.findall(text) == []


def test_the_profile_tells_its_options_and_verdicts(api: Api) -> None:
    [told] = api.get("/profiles").json()["profiles"]
    assert (told["name"], told["title"], told["modes"]) == ("toy-shop", "Toy shop", ["full"])
    assert [option["name"] for option in told["options"]] == ["shop"]
    assert [row["verdict"] for row in told["verdicts"]] == [
        "unverified", "paid_without_document", "without_invoice", "empty_document", "in_order",
    ]  # fmt: skip


def test_health_looks_at_what_the_profile_connects_to(api: Api) -> None:
    assert set(api.get("/health").json()["checks"]) == {
        "storage:REPORT_STORAGE", "storage:TOY_STORAGE", "database:TOY_DATABASE",
    }  # fmt: skip


def test_every_answer_is_as_the_description_says(api: Api, first: Audit) -> None:
    document = api.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    for path in ("", "/report", "/dead-letters"):
        described(document, api.get(f"/audits/{first[0]['id']}{path}"))
    described(document, api.get("/audits"))
    described(document, api.get("/profiles"))
    described(document, api.post("/audits", b'{"since": "2026-01-01T00:00:00Z"}'))


def described(document: dict[str, Any], response: httpx.Response) -> None:
    description = Description(document)
    path = response.request.url.raw_path.decode().partition("?")[0].removeprefix("/api")
    template = description.template(response.request.method, path)
    assert template is not None
    told = description.undocumented(
        response.request.method, template, response.status_code, response.headers, response.json
    )
    assert told == []


def test_an_option_narrows_the_question(api: Api, shop: ToyWorld) -> None:
    view, report = audited(api, shop="south")
    assert (view["outcome"]["word"], view["parameters"]["shop"]) == ("clean", "south")
    assert report["headline"] == "devstoreaccount1: Nothing is missing: 1 order in order; 1 of 1 folder read."
    assert report["since_last"]["previous"] is None, "another question"


@pytest.mark.parametrize(
    "body",
    [
        {"since": "2026-01-01T00:00:00Z"},
        {"only": ["7f3c1f0e-1a52-4c55-9a0e-0d6f6a3b2c11"]},
        {"mode": "fast"},
        {"shop": ""},
        {"statuses": ["FAILURE"]},
    ],
    ids=str,
)
def test_what_the_profile_does_not_heed_is_refused(api: Api, body: dict[str, Any]) -> None:
    response = api.post("/audits", json.dumps(body).encode())
    assert response.status_code == 400, response.text
    assert [error["field"] for error in response.json()["errors"]] == [*body]


def test_the_next_audit_tells_what_is_new_what_persists_and_what_was_resolved(api: Api, shop: ToyWorld) -> None:
    before, _ = audited(api)
    shop.store("a-1", "order.pdf")
    shop.execute("delete from invoices where order_id = 'a-10'")
    _, report = audited(api)
    since = report["since_last"]
    assert since["previous"]["id"] == before["id"]
    assert (since["new"], since["persisting"], since["resolved"]) == (1, 2, 1)
    assert [row["subject"]["id"] for row in since["resolved_findings"]] == ["a-1"]
    assert changes(report) == {"a-10": "new", "a-2": "persisting", "a-3": "persisting"}
    shop.remove("a-1", "order.pdf")
    shop.execute("insert into invoices (order_id) values ('a-10')")


def test_what_could_not_be_read_is_a_dead_letter_that_can_be_replayed(api: Api, proxy: StorageProxy) -> None:
    proxy.refuse(folder("a-4"), 403, "AuthorizationFailure")
    view, report = audited(api)
    assert view["state"] == "incomplete"
    assert verdicts(report) == {**EXPECTED, "a-4": "unverified", "a-1": "unverified"}, "nothing is called absent"
    assert [failed["unit"] for failed in report["coverage"]["failed_units"]] == ["a-4"]
    [letter] = api.get(f"/audits/{view['id']}/dead-letters").json()["dead_letters"]
    assert (letter["failed"], letter["errors"][0]["unit"]) == (1, "a-4")

    proxy.reset()
    settled(api, view["id"])
    assert api.post(f"/audits/{view['id']}/dead-letters/replay").status_code == 202
    view = api.ended(view["id"])
    assert (view["state"], view["dead_letters"]) == ("completed", 0)
    assert verdicts(api.get(f"/audits/{view['id']}/report").json()) == EXPECTED


def test_a_dead_letter_can_be_given_up_with_a_reason(api: Api, proxy: StorageProxy) -> None:
    proxy.refuse(folder("b-1"), 403, "AuthorizationFailure")
    view, _ = audited(api)
    settled(api, view["id"])
    decision = b'{"reason": "The folder is known to be broken.", "by": "A. Shopkeeper"}'
    assert api.post(f"/audits/{view['id']}/dead-letters/discard", decision).status_code == 200
    view = api.ended(view["id"])
    report = api.get(f"/audits/{view['id']}/report").json()
    assert view["state"] == "incomplete"
    assert report["coverage"]["dead_letters"][0]["discarded"]["by"] == "A. Shopkeeper"
    page = api.get(f"/audits/{view['id']}/report?format=html").text
    assert "1 of 6 folders unread" in page


def test_an_audit_is_resumed_after_the_database_refused(api: Api, shop: ToyWorld) -> None:
    shop.execute("alter table invoices rename to invoices_hidden")
    failed = api.ended(api.start())
    shop.execute("alter table invoices_hidden rename to invoices")
    assert (failed["state"], failed["outcome"]["word"]) == ("failed", "failed")
    assert "TOY_DATABASE" in failed["error"]
    settled(api, failed["id"])
    assert api.post(f"/audits/{failed['id']}/resume").status_code == 202
    view = api.ended(failed["id"])
    assert (view["state"], view["resumes"]) == ("completed", 1)
    assert verdicts(api.get(f"/audits/{view['id']}/report").json()) == EXPECTED


def test_rows_that_cannot_be_read_a_second_time_are_no_proof(api: Api, shop: ToyWorld, proxy: StorageProxy) -> None:
    # The last folder is read before the rows are read again.
    proxy.before(folder("b-1"), lambda: shop.execute("alter table invoices rename to invoices_hidden"))
    view, report = audited(api)
    shop.execute("alter table invoices_hidden rename to invoices")
    assert view["state"] == "incomplete"
    assert verdicts(report)["a-2"] == "unverified"


def test_folders_of_a_container_that_is_not_there_were_not_read(shop: ToyWorld, azurite_server: AzuriteServer) -> None:
    with running(shop.settings(TOY_STORAGE=azurite_server.connection_string, AUDIT_MAX_PASSES="1")) as api:
        view, report = audited(api)
    assert view["state"] == "incomplete"
    assert report["coverage"]["units"]["failed"] == len(ORDERS)
    assert set(verdicts(report).values()) == {"unverified"}
    assert report["coverage"]["failed_units"][0]["error"] == "There is no container 'documents' in TOY_STORAGE."


def test_it_is_audited_beside_pre_by_one_app(shop: ToyWorld, world: World) -> None:
    both = {"AUDIT_PROFILES": "pre-capture-sessions,tests.toy_profile:PROFILE"}
    of_shop = replace(shop, report_container=world.report_container)
    with running({**of_shop.settings(), **world.settings(), **both}) as api:
        shops, pres = api.start(profile="toy-shop"), api.start()
        assert api.ended(shops)["state"] == "completed"
        assert api.ended(pres)["state"] == "completed"
        report = api.get(f"/audits/{shops}/report").json()
        assert verdicts(report) == EXPECTED
        assert {subject: verdicts(api.report(pres))[subject] for subject in verdicts(api.report(pres))}
        listed = api.get("/audits").json()["audits"]
        assert {one["profile"] for one in listed} == {"pre-capture-sessions", "toy-shop"}
        assert [one["id"] for one in api.get("/audits?profile=toy-shop").json()["audits"]] == [shops]
        document = api.get("/openapi.json").json()
        OpenAPIV31SpecValidator(document).validate()
        for path in (f"/audits/{shops}", f"/audits/{pres}", f"/audits/{shops}/report", f"/audits/{pres}/report"):
            described(document, api.get(path))
        refused = api.post("/audits", b'{"profile": "toy-shop", "statuses": ["FAILURE"]}')
        assert refused.json()["errors"][0]["field"] == "statuses"


# --- how much a small audit asks of the run store --------------------------------------------------------------------


@contextmanager
def counted_store(world: ToyWorld, server: AzuriteServer) -> Iterator[tuple[StorageProxy, ToyWorld]]:
    """A proxy before a run store whose container is there already."""
    container = f"audits-{uuid4().hex}"
    with BlobServiceClient.from_connection_string(server.connection_string) as service:
        service.create_container(container)
    with storage_proxy(server.port) as store:
        yield store, replace(world, report=store.connection_string, report_container=container)


def test_a_clean_audit_asks_little_of_the_run_store(shop: ToyWorld, azurite_server: AzuriteServer) -> None:
    with counted_store(shop, azurite_server) as (store, world), running(world.settings()) as api:
        store.asked.clear()
        audit_id = api.start(shop="south")
        settled(api, audit_id)
        asked = [f"{one.method} {one.blob or one.query}".replace(audit_id, "*") for one in store.asked]
        assert api.view(audit_id)["outcome"]["word"] == "clean"
    assert len(asked) <= MOST_REQUESTS, "\n".join([f"{len(asked)} requests:", *asked])
    assert sum(one == "GET toy-shop/*/run.json" for one in asked) == 6, "once for each step"


def test_its_schedule_neither_blocks_nor_is_blocked_by_that_of_pre(
    shop: ToyWorld, world: World, proxy: StorageProxy
) -> None:
    schedules = {
        "AUDIT_PROFILES": "pre-capture-sessions,tests.toy_profile:PROFILE",
        "AUDIT_SCHEDULE": NEW_YEAR,
        "AUDIT_SCHEDULE__TOY_SHOP": NEW_YEAR,
        "TOY_STORAGE": proxy.connection_string,
    }
    # A store of its own: a scheduled audit's name says the minute it was due, so those of another test sort among them.
    schedules["AUDIT_REPORT_CONTAINER"] = f"audits-{uuid4().hex}"
    with running({**shop.settings(), **world.settings(), **schedules}) as api:
        held = proxy.hold(folder("a-1"))
        fire(api, "scheduled_audit_toy_shop")
        assert held.reached.wait(30)
        fire(api, "scheduled_audit")
        started = {one["profile"]: one["id"] for one in api.get("/audits").json()["audits"]}
        assert api.ended(started["pre-capture-sessions"])["state"] == "completed", "while the other is at work"
        assert api.view(started["toy-shop"])["state"] == "running"
        held.release()
        assert api.ended(started["toy-shop"])["state"] == "completed"


def test_a_paused_schedule_starts_nothing_and_tells_so(shop: ToyWorld) -> None:
    paused = {"AUDIT_SCHEDULE__TOY_SHOP": NEW_YEAR, "AUDIT_SCHEDULES_PAUSED": "all"}
    with running(replace(shop, report_container=f"audits-{uuid4().hex}").settings(**paused)) as api:
        fire(api, "scheduled_audit_toy_shop")
        assert api.get("/audits").json()["audits"] == []
        assert [told["profile"] for told in events(api, "schedule.paused")] == ["toy-shop"]
        document = api.get("/health").json()
    assert document["status"] == "ok"
    assert "AUDIT_SCHEDULES_PAUSED" in document["checks"]["schedule:toy-shop"]["detail"]
