import json

import pytest

from reconciliation.lifecycle import State
from reconciliation.notice import notice_of
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from tests.reconciliation.world import AS_OF, PARAMETERS

AUDIT = "20260131-093000-1a2b3c4d"
QUEUED = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
HEADLINE = "9 recordings are hidden in storage; 302 of 302 containers read."


def ended(outcome: Outcome) -> RunRecord:
    state = State.INCOMPLETE if outcome is Outcome.INCOMPLETE else State.COMPLETED
    return QUEUED.ended(state, AS_OF, outcome=outcome, summary={"headline": HEADLINE})


FAILED = QUEUED.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, error="The database refuses the login.")


@pytest.mark.parametrize("outcome", [Outcome.CLEAN, Outcome.FINDINGS, Outcome.INCOMPLETE])
def test_a_notice_says_which_audit_ended_how_and_where_its_report_is(outcome: Outcome) -> None:
    notice = notice_of(ended(outcome), "https://app.example")
    first, told, link = notice["text"].split("\n\n")
    assert first.endswith(f"Audit {AUDIT} of {PARAMETERS.profile}: {outcome.name.lower()}")
    assert told == HEADLINE
    assert link == f"https://app.example/api/audits/{AUDIT}/report?format=html"


def test_a_failed_audit_gives_its_reason_and_no_link_to_a_report_that_is_not_there() -> None:
    first, told = notice_of(FAILED, "https://app.example")["text"].split("\n\n")
    assert first.endswith(": failed")
    assert told == "The database refuses the login."


def test_without_an_address_of_the_app_there_is_no_link() -> None:
    assert "http" not in notice_of(ended(Outcome.FINDINGS), None)["text"]


def test_teams_and_slack_both_take_an_object_with_a_text_and_nothing_else() -> None:
    for record in (ended(Outcome.CLEAN), FAILED):
        assert list(json.loads(json.dumps(notice_of(record, None)))) == ["text"]


def test_every_outcome_is_marked_so_that_it_is_seen_at_a_glance() -> None:
    marks = [notice_of(ended(outcome), None)["text"].partition(" ")[0] for outcome in Outcome]
    assert len(set(marks)) == len(Outcome)
    assert all(marks)
