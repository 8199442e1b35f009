import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from adapters.telemetry import event, tell_end
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS

AUDIT = "20260131-093000-1a2b3c4d"
QUEUED = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
SUMMARY = {
    "headline": "9 recordings are hidden",
    "findings": 12,
    "hidden": 9,
    "units": {"noun": "container", "listed": 302, "scanned": 300, "skipped": 1, "failed": 1},
}


def told(caplog: pytest.LogCaptureFixture) -> tuple[logging.LogRecord, dict[str, Any]]:
    """The one event that was told: its log record and its message."""
    [record] = [record for record in caplog.records if record.name == "capture_audit.events"]
    facts: dict[str, Any] = json.loads(record.getMessage())
    return record, facts


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "capture_audit.events")


def test_an_event_is_one_line_of_json_with_its_name_first(caplog: pytest.LogCaptureFixture) -> None:
    event("audit.started", audit_id=AUDIT, profile="a\nb", shards=3, share=0.5, again=False)
    record, facts = told(caplog)
    assert "\n" not in record.getMessage()
    assert facts == {
        "event": "audit.started",
        "audit_id": AUDIT,
        "profile": "a\nb",
        "shards": 3,
        "share": 0.5,
        "again": False,
    }
    assert next(iter(facts)) == "event"


def test_its_facts_also_travel_as_attributes_which_become_custom_dimensions(caplog: pytest.LogCaptureFixture) -> None:
    event("audit.started", audit_id=AUDIT, shards=3)
    attributes = vars(told(caplog)[0])
    assert (attributes["event_name"], attributes["audit_id"], attributes["shards"]) == ("audit.started", AUDIT, 3)


def test_what_is_not_known_is_left_out_and_what_is_nothing_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    event("audit.completed", audit_id=AUDIT, findings=None, hidden=0)
    assert told(caplog)[1] == {"event": "audit.completed", "audit_id": AUDIT, "hidden": 0}


@pytest.mark.parametrize("outcome", [Outcome.CLEAN, Outcome.FINDINGS, Outcome.INCOMPLETE])
def test_an_end_is_told_with_its_outcome_its_counts_and_how_long_it_took(
    caplog: pytest.LogCaptureFixture, outcome: Outcome
) -> None:
    state = State.INCOMPLETE if outcome is Outcome.INCOMPLETE else State.COMPLETED
    tell_end(QUEUED.ended(state, AS_OF + timedelta(seconds=90), outcome=outcome, reached=None, summary=SUMMARY))
    facts = told(caplog)[1]
    assert facts == {
        "event": f"audit.{state}",
        "audit_id": AUDIT,
        "profile": PARAMETERS.profile,
        "mode": PARAMETERS.mode,
        "outcome": outcome.name.lower(),
        "seconds": 90.0,
        "resumes": 0,
        "rounds": 0,
        "findings": 12,
        "hidden": 9,
        "containers_listed": 302,
        "containers_scanned": 300,
        "containers_skipped": 1,
        "containers_failed": 1,
    }


def test_a_failure_is_told_without_its_text_which_others_may_have_written(caplog: pytest.LogCaptureFixture) -> None:
    tell_end(
        QUEUED.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, reached=None, error="password=hunter2 Ms A. Witness")
    )
    record, facts = told(caplog)
    assert (facts["event"], facts["outcome"]) == ("audit.failed", "failed")
    assert "hunter2" not in f"{vars(record)}"
    assert "Witness" not in f"{vars(record)}"
