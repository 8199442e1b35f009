"""report.json as it is put together from findings and ids as they come."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from activities.spools import Spools
from profiles.pre_capture_sessions.kinds import SESSION
from reconciliation.rules import SEVERITY_ORDER
from reporting.document import ReportReader
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    Audited,
    World,
    audited,
    document_of,
    encoded,
    reconciled,
    report_on,
    session,
    uuid_of,
)

HEAD: dict[str, Any] = {"complete": True, "audit": {"findings": []}}
COUNTED = st.dictionaries(
    st.sampled_from(["legacy", "already_registered", "expected_empty"]), st.lists(st.uuids().map(str), max_size=6)
)


def spooled(done: Audited, counted: list[tuple[str, str]], head: dict[str, Any]) -> str:
    with Spools(CLOCK.now, SESSION) as spools:
        for found, change in zip(done.findings, done.changes, strict=True):
            spools.add(found, change)
        for verdict, session_id in counted:
            spools.count(SESSION.name, verdict, [session_id])
        return b"".join(spools.document(head)).decode()


@settings(max_examples=30)
@given(strategies.worlds(), COUNTED)
def test_findings_and_counted_sessions_come_back_as_they_went_in(world: World, counted: dict[str, list[str]]) -> None:
    done = audited(world)
    text = spooled(done, [(verdict, one) for verdict, ids in counted.items() for one in ids], HEAD)
    expected = [found.to_json(None) for found in done.findings]
    assert json.loads(text) == {
        **HEAD,
        "findings": expected,
        "counted": {"capture_session": {verdict: ids for verdict, ids in counted.items() if ids}},
    }
    reader = ReportReader()
    assert reader.read(text.split("\n")[:-1]) == expected
    assert (reader.head, reader.complete) == (HEAD, True)


@settings(max_examples=30)
@given(strategies.worlds())
def test_the_document_is_the_one_that_the_domain_describes(world: World) -> None:
    done = audited(world)
    report = report_on(done)
    head = {name: value for name, value in report.items() if name not in {"findings", "counted"}}
    assert spooled(done, list(done.counted), head) == document_of(done)


def test_the_most_urgent_come_first_and_keep_their_order_otherwise() -> None:
    names = [f"session {number}" for number in range(4)]
    candidates = [
        session(name, status="PROCESSING" if number % 2 else "NO_RECORDING") for number, name in enumerate(names)
    ]
    done = reconciled(candidates, [encoded(f"of {name}", of=name) for name in names[::2]])
    with Spools(CLOCK.now, SESSION) as spools:
        for found in sorted(done.findings, key=lambda found: found.id):
            spools.add(found, "new")
        findings = json.loads(b"".join(spools.document(HEAD)))["findings"]
    order = [(SEVERITY_ORDER.index(found["severity"]), found["subject"]["id"]) for found in findings]
    assert order == sorted(order)
    assert {found["change"] for found in findings} == {"new"}


def test_within_a_severity_the_dates_that_are_ahead_come_first_the_soonest_first() -> None:
    days = {"late": 1, "none": None, "soon": 80, "passed": 100, "sooner": 85}
    lost = [
        session(name, status="PROCESSING", started_at=ago and AS_OF - timedelta(days=ago), finished_at=None)
        for name, ago in days.items()
    ]
    bookings = {one.booking_id: 1 for one in lost}
    done = audited(World(lost, ingest=bookings))
    with Spools(CLOCK.now, SESSION) as spools:
        for name in ("none", "late", "passed", "soon", "sooner"):
            spools.add(done.finding(name), None)
        findings = json.loads(b"".join(spools.document(HEAD)))["findings"]
    names = {str(uuid_of(name)): name for name in days}
    assert {found["verdict"] for found in findings} == {"encode_lost"}
    assert [names[found["subject"]["id"]] for found in findings] == ["sooner", "soon", "late", "none", "passed"]


def test_very_many_ids_and_findings_are_one_valid_document() -> None:
    [found] = reconciled([session()], [encoded()]).findings
    with Spools(CLOCK.now, SESSION) as spools:
        for _ in range(2001):
            spools.add(found, None)
        spools.count(SESSION.name, "expected_empty", [f"id {number}" for number in range(700)])
        spools.count(SESSION.name, "expected_empty", (f"id {number}" for number in range(700, 2001)))
        chunks = list(spools.document(HEAD))
    report = json.loads(b"".join(chunks))
    assert report["counted"]["capture_session"]["expected_empty"] == [f"id {number}" for number in range(2001)]
    assert len(report["findings"]) == 2001
    assert max(map(len, chunks)) < 1024 * 1024
    longest = max(map(len, b"".join(chunks).split(b"\n")))
    assert longest < 20_000, "a reader of lines never needs much memory"


def test_nothing_at_all_is_a_document_too() -> None:
    with Spools(CLOCK.now, SESSION) as spools:
        text = b"".join(spools.document(HEAD)).decode()
    assert json.loads(text) == {**HEAD, "findings": [], "counted": {"capture_session": {}}}
