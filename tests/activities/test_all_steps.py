"""The steps of an audit one after the other, on a world in memory: what they write is what the domain says."""

import asyncio
import json

import pytest
from hypothesis import given

from activities.judge import judge_audit
from activities.look_again import look
from activities.plan import plan_audit
from activities.pull import pull_rows
from activities.scan_shard import scan
from activities.screen import screen_audit
from profiles.pre_capture_sessions import PROFILE
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from reporting.model import summary_of
from tests.activities.audits import Audit, audit_of, audits, named, request
from tests.activities.memory import FORBIDDEN, MemoryDatabase, MemoryStorage
from tests.profiles.pre_capture_sessions.world import (
    IN_FAST_MODE,
    MINUTE,
    PARAMETERS,
    REGISTERED,
    World,
    audited,
    document_of,
    encode,
    page_of,
    row,
    session,
    table_of,
    uuid_of,
)


@given(audits())
def test_the_files_of_an_audit_are_what_the_domain_says_however_they_are_cut(audit: Audit) -> None:
    async def run() -> tuple[str, RunRecord, World]:
        await audit.planned()
        await audit.scanned()
        return await audit.judged(), await audit.reported(), audit.world()

    text, record, world = asyncio.run(run())
    expected = audited(world, audit.parameters)
    assert text == document_of(expected, audit.parameters)
    report = json.loads(text)
    assert audit.text("findings.csv") == table_of(report)
    assert audit.text("report.html") == page_of(report)
    assert record.outcome is expected.outcome
    assert record.state is (State.COMPLETED if expected.result.is_complete else State.INCOMPLETE)
    assert record.summary == summary_of(report, PROFILE)


@given(audits(), audits())
def test_whatever_happens_between_the_scan_and_the_report_is_seen_on_the_second_look(
    audit: Audit, later: Audit
) -> None:
    async def run() -> tuple[str, World, World]:
        await audit.planned()
        await audit.scanned()
        before = audit.world()
        audit.outside.storage = later.outside.storage
        audit.outside.database = later.outside.database
        return await audit.judged(), before, audit.world()

    text, before, after = asyncio.run(run())
    assert text == document_of(audited(before, audit.parameters, then=after), audit.parameters)


@pytest.mark.parametrize("parameters", [PARAMETERS, IN_FAST_MODE], ids=["full", "fast"])
async def test_a_shard_without_a_result_is_a_gap_and_its_containers_are_named(parameters: AuditParameters) -> None:
    account = named(**{f"r{number}": encode("other") for number in range(4)})
    audit = audit_of(session(), account=account, parameters=parameters)
    await audit.planned()
    await audit.scanned(without=frozenset({1}))
    report = json.loads(await audit.judged())
    assert report["coverage"]["failed_units"] == [
        {"unit": name, "error": "its shard could not be scanned"} for name in sorted(account)[2:]
    ]
    verdicts = {finding["subject"]["id"]: finding["verdict"] for finding in report["findings"]}
    assert verdicts[session().session_id] == "unverified"
    assert (await audit.reported()).state is State.INCOMPLETE


async def test_each_container_meets_its_own_row_in_whatever_shard_it_is() -> None:
    names = [f"recording {number}" for number in range(7)]
    audit = audit_of(
        *(session(name) for name in names),
        account=named(**{name: encode(name) for name in names}),
        rows=[row(name, of=name) for name in names[::2]],
    )
    report = await audit.whole()
    assert {one["subject"]["id"] for one in report["findings"]} == {str(uuid_of(name)) for name in names[1::2]}
    assert report["counts"]["container"]["registered"] == 4
    assert report["counts"]["recording"]["sound"] == 4


async def test_a_row_of_a_container_that_was_not_opened_hides_nothing() -> None:
    audit = audit_of(
        session(),
        account=named(a=encode("a"), b=encode("b"), c=encode("c"), hidden=encode()),
        rows=[row("a"), row("b"), row("c")],
        parameters=IN_FAST_MODE,
    )
    report = await audit.whole()
    [found] = report["findings"]
    assert found["verdict"] == "unregistered_recording"
    assert [container["container"] for container in found["evidence"]] == [str(uuid_of("hidden"))]
    assert report["coverage"]["skipped_by_reason"] == {"registered": 3}
    assert report["complete"] is True


# --- the second look and the audit before -------------------------------------------------------------------------


async def test_a_recording_that_is_registered_while_the_audit_runs_is_not_reported() -> None:
    audit = audit_of(session(status="PROCESSING"), account=named(recording=encode()))
    await audit.planned()
    await audit.scanned()
    audit.outside.database = MemoryDatabase([session(**REGISTERED)], [row("recording", "session", "recent")])
    report = json.loads(await audit.judged())
    assert report["findings"] == []
    assert report["counted"] == {"capture_session": {"already_registered": [session().session_id]}}
    assert report["outcome"]["word"] == "clean"


async def test_a_container_that_storage_will_not_show_again_makes_the_audit_incomplete() -> None:
    audit = audit_of(session(), account=named(recording=encode()))
    await audit.planned()
    await audit.scanned()
    audit.outside.storage = MemoryStorage(named(recording=FORBIDDEN))
    report = json.loads(await audit.judged())
    assert {one["verdict"] for one in report["findings"]} == {"unverified", "evidence_error"}
    assert (report["complete"], report["coverage"]["complete"]) == (False, True)
    assert (await audit.reported()).state is State.INCOMPLETE


async def test_audits_of_the_same_question_tell_what_changed_between_them() -> None:
    audit = audit_of(session("one"), session("two"), account=named(a=encode("one")))
    ids = ["20260301-000000-aaaaaaaa", "20260302-000000-aaaaaaaa", "20260303-000000-aaaaaaaa"]
    first = await audit.whole(ids[0])
    assert first["since_last"]["previous"] is None
    assert [one["change"] for one in first["findings"]] == [None]
    audit.outside.storage = MemoryStorage(named(a=encode("one"), b=encode("two")))
    second = await audit.whole(ids[1])
    assert second["since_last"]["previous"] == {"id": ids[0], "as_of": "2026-03-02T09:30:00Z"}
    changes = {one["subject"]["id"]: one["change"] for one in second["findings"]}
    assert changes == {str(uuid_of("one")): "persisting", str(uuid_of("two")): "new"}
    audit.outside.storage = MemoryStorage(named(b=encode("two")))
    third = await audit.whole(ids[2])
    assert (third["since_last"]["new"], third["since_last"]["persisting"], third["since_last"]["resolved"]) == (0, 1, 1)
    [resolved] = third["since_last"]["resolved_findings"]
    assert resolved["subject"]["id"] == str(uuid_of("one"))


async def test_a_step_that_is_delivered_again_spoils_nothing_that_later_steps_rest_on() -> None:
    audit = audit_of(
        session(), session("stuck", status="PROCESSING"), account=named(recording=encode()), rows=[row("b")]
    )
    await audit.planned()
    await audit.scanned()
    await audit.looked_again()
    text, stored = await audit.judged(), dict(audit.files)
    audit.outside.now += 7 * MINUTE
    audit.outside.storage = MemoryStorage(named(other=encode("other")))
    audit.outside.database.rows = sorted([row("a"), row("c")])
    for run in (0, 1):
        assert await pull_rows({**request(), "run": run}, audit.services) == {"ok": True}
    await plan_audit(request(), audit.services)
    await scan({**request(), "shard": 0, "attempt": 1}, audit.services)
    await screen_audit(request(), audit.services)
    await look({**request(), "shard": 0}, audit.services)
    await judge_audit(request(), audit.services)
    assert {path: audit.files[path] for path in stored} == stored
    assert audit.text("report.json") == text
