import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.kinds import SESSION
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Judgement, Rule, Severity
from reconciliation.since_last import Previous
from reporting.declared import report_of
from reporting.model import summary_of
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    IN_FAST_MODE,
    LONG_AGO,
    PARAMETERS,
    REGISTERED,
    World,
    audited,
    container,
    encode,
    encoded,
    reconciled,
    report_on,
    row,
    session,
    track,
    unread,
    uuid_of,
)

REPORT = report_of(PROFILE)


def assert_has_form(report: dict[str, Any]) -> None:
    """It is what its model says: every member, no other, each of its type."""
    REPORT.model_validate_json(json.dumps(report))


PREVIOUS = Previous("20260301-093000-1a2b3c4d", LONG_AGO, PARAMETERS.mode, frozenset())


@given(
    strategies.worlds(),
    strategies.parameters(),
    st.none() | strategies.worlds(),
    st.sampled_from([None, PREVIOUS]),
)
def test_a_report_has_its_form_and_its_counts_add_up(
    world: World, parameters: AuditParameters, then: World | None, previous: Previous | None
) -> None:
    done = audited(world, parameters, then=then, previous=previous)
    report = report_on(done, parameters)
    assert_has_form(report)
    assert report["schema_version"] == 3
    assert report["complete"] is done.result.is_complete
    counts, units = report["counts"], report["coverage"]["units"]
    assert len(report["findings"]) == counts["findings"] == sum(counts["by_severity"].values())
    for kind in PROFILE.kinds:
        assert set(counts[kind.name]) == {rule.verdict for rule in kind.rules}
        told = {one["verdict"]: one["count"] for one in report["verdicts"] if one["subject"] == kind.name}
        assert told == counts[kind.name]
    listed = sum(one["count"] for one in report["verdicts"] if not one["counted"])
    assert listed == counts["findings"]
    for one in report["verdicts"]:
        assert sum(one["by_severity"].values()) == (0 if one["counted"] else one["count"])
    for severity, count in counts["by_severity"].items():
        assert sum(one["by_severity"].get(severity, 0) for one in report["verdicts"]) == count
    assert sum(counts["container"].values()) == units["scanned"] + units["failed"]
    assert sum(counts["recording"].values()) == len(world.rows)
    ids = [one for those in report["counted"]["capture_session"].values() for one in those]
    of_sessions = [one for one in report["findings"] if one["subject"]["kind"] == "capture_session"]
    assert len(ids) + len(of_sessions) == sum(counts["capture_session"].values())
    for verdict, those in report["counted"]["capture_session"].items():
        assert len(those) == counts["capture_session"][verdict]
    assert units["listed"] == units["scanned"] + units["skipped"] + units["failed"]
    assert units["listed"] == len(world.records)
    assert (report["outcome"]["word"] == "incomplete") is not report["complete"]
    assert AuditParameters.from_json(report["parameters"]) == parameters
    changes = [one["change"] for one in report["findings"] if one["change"]]
    assert len(changes) == (report["since_last"]["new"] or 0) + (report["since_last"]["persisting"] or 0)


def test_an_empty_report_is_complete_and_still_lists_every_verdict_with_a_zero() -> None:
    report = report_on(reconciled())
    assert_has_form(report)
    assert report["complete"] is True
    assert [(one["subject"], one["verdict"], one["count"]) for one in report["verdicts"]] == [
        (kind.name, rule.verdict, 0) for kind, rule in PROFILE.verdicts()
    ]
    assert report["findings"] == []
    assert report["counted"] == {"capture_session": {}}
    assert report["outcome"] == {"code": 0, "word": "clean"}


def test_completeness_and_counts_are_read_before_any_row() -> None:
    order = list(report_on(reconciled()))
    assert order.index("schema_version") < order.index("complete") < order.index("counts") < order.index("findings")
    assert order[-2:] == ["findings", "counted"]


def test_moments_and_waiting_times_are_those_of_the_audit() -> None:
    report = report_on(reconciled())
    assert report["audit"] == {
        "id": "20260302-093000-1a2b3c4d",
        "profile": "pre-capture-sessions",
        "title": "PRE capture sessions",
        "created_at": "2026-03-02T09:29:00Z",
        "as_of": "2026-03-02T09:30:00Z",
        "generated_at": "2026-03-02T09:31:00Z",
        "resumes": 0,
        "environment": "production",
        "storage_account": "finalsa",
        "ingest_account": "ingestsa",
        "database": {"host": "db.example", "name": "pre"},
    }
    assert report["settle_minutes"] == 20


def test_a_verdict_outside_the_closed_list_is_an_error() -> None:
    done = reconciled()
    made_up: Rule[object] = Rule(
        verdict="made_up",
        severity=Severity.INFO,
        means="",
        holds=lambda _facts: True,
        why=lambda _facts: "",
        next_step="",
    )
    done.tally.count(SESSION, Judgement(made_up, Severity.INFO))
    with pytest.raises(AssertionError, match="do not add up to 1 of capture_session"):
        report_on(done)


def test_a_container_without_a_verdict_is_an_error() -> None:
    done = reconciled([], [encoded()])
    done.coverage.scanned += 1
    with pytest.raises(AssertionError, match="1 containers have a verdict, but 2 were read and 0 could not be read"):
        report_on(done)


def test_a_gap_is_named_in_the_report() -> None:
    report = report_on(reconciled([session()], [unread(), encoded("other", of="other")]))
    assert report["complete"] is False
    assert report["coverage"]["failed_units"] == [{"unit": str(uuid_of("unread")), "error": "403 Forbidden"}]
    assert report["outcome"] == {"code": 3, "word": "incomplete"}


def test_what_could_not_be_read_twice_leaves_the_coverage_whole_and_the_report_incomplete() -> None:
    world = World([session()], [encoded()])
    report = report_on(audited(world, then=replace(world, database=False)))
    assert (report["complete"], report["coverage"]["complete"]) == (False, True)
    assert report["outcome"] == {"code": 3, "word": "incomplete"}


def test_a_blob_name_that_may_hold_personal_data_is_nowhere_in_a_report() -> None:
    legacy = container("legacy", track("R v Doe 2019"), track("index"))
    beside = container("recording", *encode(), track("R v Doe 2019"))
    report = report_on(reconciled([session()], [legacy, beside], [row("lost", file_digest="0123456789abcdef")]))
    assert {one["verdict"] for one in report["findings"]} == {
        "unregistered_recording",
        "unattributed_media",
        "row_without_container",
    }
    assert "Doe" not in json.dumps(report)


def test_every_sessions_verdict_can_be_looked_up() -> None:
    candidates = [session(), session("imported", origin="VODAFONE"), session("hidden"), session("done", **REGISTERED)]
    report = report_on(reconciled(candidates, [encoded(of="hidden")], parameters=IN_FAST_MODE))
    assert report["counted"] == {
        "capture_session": {
            "already_registered": [str(uuid_of("done"))],
            "expected_empty": [str(uuid_of("session"))],
            "legacy": [str(uuid_of("imported"))],
        }
    }
    assert [one["subject"]["id"] for one in report["findings"]] == [str(uuid_of("hidden"))]


def test_the_summary_says_the_headline_and_the_counts_without_a_row() -> None:
    report = report_on(reconciled([session(), session("unused")], [encoded()]))
    summary = summary_of(report, PROFILE)
    counts = summary.pop("counts")
    assert summary == {
        "headline": report["headline"],
        "notes": report["notes"],
        "environment": "production",
        "storage_account": "finalsa",
        "ingest_account": "ingestsa",
        "database": {"host": "db.example", "name": "pre"},
        "asking": {"high": {"unregistered_recording": 1}},
        "sessions": 2,
        "findings": 1,
        "hidden": 1,
        "since_last": {"previous": None, "new": None, "persisting": None, "resolved": None},
        "units": {"noun": "container", "listed": 1, "scanned": 1, "skipped": 0, "failed": 0},
    }
    assert {verdict: count for verdict, count in counts.items() if count} == {
        "unregistered_recording": 1,
        "expected_empty": 1,
    }
    told = {rule.verdict for kind, rule in PROFILE.verdicts() if kind is SESSION or not rule.counted}
    assert set(counts) == told
    assert len(json.dumps(summary)) < 1024


def test_in_the_summary_a_verdict_that_several_kinds_share_counts_for_all_of_them() -> None:
    world = World([session()], [encoded(), container("empty")], [row("empty")])
    report = report_on(audited(world, then=replace(world, database=False)))
    unverified = {one["subject"]: one["count"] for one in report["verdicts"] if one["verdict"] == "unverified"}
    assert unverified == {"capture_session": 1, "recording": 1}
    assert summary_of(report, PROFILE)["counts"]["unverified"] == 2
