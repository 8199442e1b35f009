"""What changed since the last audit: new, persisting, resolved; and nothing resolved that could not be seen."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dev.demo.cases import Case, PlantedContainer, healthy_cases, special_cases
from tests.app.conftest import PlantWorld
from tests.app.proxy import StorageProxy, lists
from tests.app.world import Api, World, running

NAMES = ("swept", "stuck", "unused", "relabelled", "index name", "container lost", "manifest lost", "being encoded")
UNREGISTERED = "unregistered_recording"


@pytest.fixture(scope="module")
def world(plant: PlantWorld) -> World:
    return plant([case for case in special_cases() if case.name in NAMES] + healthy_cases(3), [])


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="1")) as api:
        yield api


def execute(world: World, statement: str, *values: object) -> None:
    with psycopg.connect(world.database) as connection:
        assert connection.execute(statement.encode(), values).rowcount == 1


def register(world: World, case: Case) -> None:
    """Do what pre-api should have done."""
    [container] = case.containers
    execute(
        world,
        "insert into recordings (id, capture_session_id, version, filename, created_at, duration)"
        " values (%s, %s, 1, %s, now() - interval '2 days', interval '40 min')",
        container.name, case.session_id, f"{case.session_id.hex}_1280x720_4500k.mp4",
    )  # fmt: skip
    set_status(world, case, "RECORDING_AVAILABLE")


def hide(world: World, case: Case) -> PlantedContainer:
    """Take away the row of a recording, as if it had never been registered."""
    [container] = case.containers
    execute(world, "delete from recordings where id = %s", container.name)
    set_status(world, case, "NO_RECORDING")
    return container


def set_status(world: World, case: Case, status: str) -> None:
    execute(world, "update capture_sessions set status = %s::recording_status where id = %s", status, case.session_id)


def changes(report: dict[str, Any]) -> dict[str, str | None]:
    return {finding["subject"]["id"]: finding["change"] for finding in report["findings"]}


def asking(report: dict[str, Any]) -> int:
    """How many findings ask something of a person."""
    return sum(finding["severity"] != "info" for finding in report["findings"])


def resolved(kind: str, subject: object, verdict: str) -> dict[str, Any]:
    return {"subject": {"kind": kind, "id": str(subject)}, "verdict": verdict, "repair": None}


Audit = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def first(api: Api) -> Audit:
    return api.audited()


@pytest.fixture(scope="module")
def second(api: Api, world: World, first: Audit) -> Audit:
    """After one hidden recording was registered and another one was hidden."""
    register(world, world.case("swept"))
    hide(world, world.case("available 1"))
    return api.audited()


def test_the_first_audit_is_compared_with_nothing_and_says_so(first: Audit) -> None:
    view, report = first
    assert report["since_last"] == {
        "previous": None,
        "why_not": "There is no earlier completed audit of the same question.",
        "new": None,
        "persisting": None,
        "resolved": None,
        "resolved_findings": [],
    }
    assert set(changes(report).values()) == {None}
    assert view["summary"]["since_last"] == {"previous": None, "new": None, "persisting": None, "resolved": None}


def test_the_next_audit_tells_what_is_new_what_persists_and_what_was_resolved(
    world: World, first: Audit, second: Audit
) -> None:
    view, report = second
    hidden = str(world.case("available 1").session_id)
    since = report["since_last"]
    assert since == {
        "previous": {"id": first[0]["id"], "as_of": first[1]["audit"]["as_of"]},
        "why_not": None,
        "new": 1,
        "persisting": asking(first[1]) - 1,
        "resolved": 1,
        "resolved_findings": [resolved("capture_session", world.case("swept").session_id, UNREGISTERED)],
    }
    found = changes(report)
    assert [subject for subject, change in found.items() if change == "new"] == [hidden]
    # What asks nothing of anybody is not compared.
    assert found.pop(str(world.case("being encoded").session_id)) is None
    del found[hidden]
    assert len(found) == since["persisting"] > 4
    assert set(found.values()) == {"persisting"}
    assert view["summary"]["since_last"] == {
        name: since[name] for name in ("previous", "new", "persisting", "resolved")
    }


def test_the_table_and_the_page_tell_the_same(api: Api, world: World, second: Audit) -> None:
    view, report = second
    table = api.get(f"/audits/{view['id']}/report?format=csv").text
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert {row["subject_id"]: row["change"] or None for row in rows} == changes(report)
    page = api.get(f"/audits/{view['id']}/report?format=html").text
    persisting = report["since_last"]["persisting"]
    assert f"<b>1 new</b>, {persisting} persisting, 1 resolved" in page
    assert str(world.case("swept").session_id) in page, "what was resolved is named"


def test_a_fast_audit_resolves_what_it_sees_and_nothing_that_it_cannot_see(
    api: Api, world: World, second: Audit
) -> None:
    [unplayable] = world.case("manifest lost").also
    register(world, world.case("available 1"))
    _, report = api.audited(mode="fast")
    assert unplayable not in changes(report), "its container was not opened"
    since = report["since_last"]
    assert since["previous"]["id"] == second[0]["id"]
    assert since["resolved_findings"] == [
        resolved("capture_session", world.case("available 1").session_id, UNREGISTERED)
    ]
    assert (since["new"], since["resolved"], since["persisting"]) == (0, 1, asking(second[1]) - 2)


def test_another_verdict_on_the_same_subject_is_new_and_the_old_one_is_resolved(api: Api, world: World) -> None:
    stuck = world.case("stuck")
    before = api.audited()[0]
    execute(
        world,
        "update cases set state = 'CLOSED' where id = (select case_id from bookings b join capture_sessions s"
        " on s.booking_id = b.id where s.id = %s)",
        stuck.session_id,
    )
    _, report = api.audited()
    since = report["since_last"]
    assert since["previous"]["id"] == before["id"]
    assert (since["new"], since["resolved"]) == (1, 1)
    assert since["resolved_findings"] == [resolved("capture_session", stuck.session_id, UNREGISTERED)]
    assert changes(report)[str(stuck.session_id)] == "new"


def test_an_incomplete_audit_resolves_nothing_says_why_and_is_not_compared_with(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    [container] = world.case("stuck").containers
    before = api.audited()[0]
    proxy.refuse(lists(container.name), 403, "AuthorizationFailure")
    view, report = api.audited()
    proxy.reset()
    since = report["since_last"]
    assert (view["state"], since["previous"]["id"]) == ("incomplete", before["id"])
    assert since["resolved"] is None
    assert since["resolved_findings"] == []
    assert since["why_not"] == "This audit is incomplete, so nothing can be called resolved."
    assert changes(report)[str(world.case("stuck").session_id)] == "new"
    page = api.get(f"/audits/{view['id']}/report?format=html")
    assert page.status_code == 200
    assert since["why_not"] in page.text

    _, after = api.audited()
    assert after["since_last"]["previous"]["id"] == before["id"]
    assert (after["since_last"]["new"], after["since_last"]["resolved"]) == (0, 0)


def test_another_question_is_compared_with_its_own_kind_only(api: Api, world: World) -> None:
    asked = {"only": [str(world.case("stuck").session_id)]}
    first, report = api.audited(**asked)
    assert report["since_last"]["previous"] is None
    _, report = api.audited(**asked)
    assert report["since_last"]["previous"]["id"] == first["id"]
    assert (report["since_last"]["new"], report["since_last"]["resolved"]) == (0, 0)
