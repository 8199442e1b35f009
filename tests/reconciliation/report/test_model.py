import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.profiles.pre_capture_sessions import PROFILE
from reconciliation.reconcile import Result, Tally
from reconciliation.report.model import summary_of
from reconciliation.verdicts import Judgement, Severity
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    Reconciled,
    Record,
    container,
    encoded,
    reconciled,
    report_on,
    session,
    track,
    unread,
    uuid_of,
)

# What the command line, the page, the CSV and whoever keeps the file for years rely on: every member and its type.
MODEL: dict[str, Any] = {
    "schema_version": int,
    "complete": bool,
    "audit": {"id": str, "profile": str, "title": str, "created_at": str, "as_of": str, "generated_at": str},
    "outcome": {"code": int, "word": str},
    "headline": str,
    "coverage": {
        "complete": bool,
        "containers": {"listed": int, "scanned": int, "skipped": int, "failed": int},
        "blobs": int,
        "skipped_by_reason": dict,
        "failed_containers": [{"container": str, "error": str}],
    },
    "counts": {"candidates": int, "by_verdict": dict, "by_severity": dict, "unattributed_containers": int},
    "verdicts": [{"verdict": str, "severity": str, "meaning": str, "count": int}],
    "unattributed_containers": [str],
    "parameters": dict,
    "settle_minutes": int,
    "versions": {"capture_audit": str},
    "findings": [
        {
            "subject": {"kind": str, "id": str},
            "verdict": str,
            "severity": str,
            "reason": str,
            "next_step": str,
            "hearing_at": (str, None),
            "session": {
                "status": (str, None),
                "started_at": (str, None),
                "finished_at": (str, None),
                "scheduled_for": (str, None),
                "deleted_at": (str, None),
                "booking_id": str,
                "case_id": str,
                "case_state": str,
                "case_live": bool,
                "live_recordings": int,
                "deleted_recordings": int,
                "row_token": str,
            },
            "evidence": [
                {
                    "container": str,
                    "blobs": int,
                    "media": [{"name": str, "key": str, "size": int, "last_modified": str}],
                    "unkeyed_media": int,
                    "empty_media": int,
                    "manifest_bytes": (int, None),
                    "newest": (str, None),
                    "kind": str,
                    "registered": bool,
                    "complete": bool,
                }
            ],
        }
    ],
}


def assert_has_form(value: Any, form: Any, where: str = "report") -> None:
    """Every member that the form names, no other, each of its type."""
    if isinstance(form, dict):
        assert list(value) == list(form), where
        for name, inner in form.items():
            assert_has_form(value[name], inner, f"{where}.{name}")
    elif isinstance(form, list):
        for position, item in enumerate(value):
            assert_has_form(item, form[0], f"{where}[{position}]")
    elif isinstance(form, tuple):
        assert value is None or type(value) is form[0], where
    else:
        assert type(value) is form, where


CANDIDATES = st.lists(strategies.candidates(), max_size=4, unique_by=lambda candidate: candidate.session_id)
RECORDS = st.lists(strategies.evidence() | strategies.unread_containers(), max_size=6, unique_by=lambda r: r.container)


@given(CANDIDATES, RECORDS, strategies.registered(), strategies.parameters())
def test_a_report_has_its_form_and_its_counts_add_up(
    candidates: list[Candidate],
    records: list[Record],
    rows: list[RegisteredRecording],
    parameters: AuditParameters,
) -> None:
    result = reconciled(candidates, records, rows, mode=parameters.mode)
    report = report_on(result, parameters)
    assert_has_form(report, MODEL)
    assert report["schema_version"] == 1
    assert report["complete"] is report["coverage"]["complete"] is result.coverage.is_complete
    counts, containers = report["counts"], report["coverage"]["containers"]
    assert len(report["findings"]) == counts["candidates"] == len(candidates)
    assert sum(counts["by_verdict"].values()) == sum(counts["by_severity"].values()) == counts["candidates"]
    assert [verdict["count"] for verdict in report["verdicts"]] == list(counts["by_verdict"].values())
    assert counts["unattributed_containers"] == len(report["unattributed_containers"])
    assert containers["listed"] == containers["scanned"] + containers["skipped"] + containers["failed"] == len(records)
    assert report["outcome"]["word"] == ("incomplete" if not report["complete"] else report["outcome"]["word"])
    assert AuditParameters.from_json(report["parameters"]) == parameters


def test_an_empty_report_is_complete_and_still_lists_every_verdict_with_a_zero() -> None:
    report = report_on(reconciled([]))
    assert_has_form(report, MODEL)
    assert report["complete"] is True
    assert report["counts"]["by_verdict"] == dict.fromkeys(PROFILE.verdicts(), 0)
    assert report["findings"] == report["unattributed_containers"] == []
    assert report["outcome"] == {"code": 0, "word": "clean"}


def test_completeness_and_counts_are_read_before_any_row() -> None:
    order = list(report_on(reconciled([])))
    assert order.index("schema_version") < order.index("complete") < order.index("counts") < order.index("findings")
    assert order[-1] == "findings"


def test_moments_and_waiting_times_are_those_of_the_audit() -> None:
    report = report_on(reconciled([]))
    assert report["audit"] == {
        "id": "20260302-093000-1a2b3c4d",
        "profile": "pre-capture-sessions",
        "title": "PRE capture sessions",
        "created_at": "2026-03-02T09:29:00Z",
        "as_of": "2026-03-02T09:30:00Z",
        "generated_at": "2026-03-02T09:31:00Z",
    }
    assert report["settle_minutes"] == 20


def test_a_verdict_outside_the_closed_list_is_an_error() -> None:
    tally = Tally()
    tally.count(Judgement("made_up", Severity.INFO, "Because.", "Nothing."))
    with pytest.raises(AssertionError, match="do not add up to 1 candidates"):
        report_on(Reconciled(Result(reconciled([]).coverage, tally, [], Mode.FULL), ()))


def test_a_gap_is_named_in_the_report() -> None:
    report = report_on(reconciled([session()], [unread(), encoded("other", of="other")]))
    assert report["complete"] is False
    assert report["coverage"]["failed_containers"] == [{"container": str(uuid_of("unread")), "error": "403 Forbidden"}]
    assert report["outcome"] == {"code": 3, "word": "incomplete"}


def test_a_blob_name_that_may_hold_personal_data_is_nowhere_in_a_report() -> None:
    legacy = container("legacy", track("R v Doe 2019"), track("index"))
    report = report_on(reconciled([session()], [legacy, encoded()]))
    assert report["unattributed_containers"] == [str(uuid_of("legacy"))]
    assert "Doe" not in json.dumps(report)


def test_the_summary_says_the_headline_and_the_counts_without_a_row() -> None:
    report = report_on(reconciled([session()], [encoded()]))
    summary = summary_of(report)
    assert summary == {
        "headline": report["headline"],
        "counts": report["counts"]["by_verdict"],
        "candidates": 1,
        "unattributed_containers": 0,
        "containers": {"listed": 1, "scanned": 1, "skipped": 0, "failed": 0},
    }
    assert len(json.dumps(summary)) < 1024
