from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.run_store import Artefacts
from reconciliation.lifecycle import ENDED, Phase, State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.progress import ShardProgress
from reconciliation.run_record import RunRecord
from triggers.view import START_GRACE, Orchestration, audit_view, phase_of, state_seen

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
PARAMETERS = AuditParameters("pre-capture-sessions", ("NO_RECORDING",), 60)
RECORD = RunRecord("20260131-093000-1a2b3c4d", State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)
MOMENT = timedelta(microseconds=1)


def shard(*, done: bool, scanned: int = 0) -> ShardProgress:
    return ShardProgress(done=done, scanned=scanned, skipped=0, failed=0, blobs=0, updated_at=AT)


def artefacts(*names: str, done: int = 0, begun: int = 0) -> Artefacts:
    shards = [shard(done=True)] * done + [shard(done=False)] * begun
    return Artefacts(frozenset(names), dict(enumerate(shards)), AT, AT)


@pytest.mark.parametrize(
    ("orchestration", "age", "seen"),
    [
        (Orchestration.WAITING, timedelta(), State.QUEUED),
        (Orchestration.WAITING, timedelta(days=1), State.QUEUED),
        (Orchestration.WORKING, timedelta(), State.RUNNING),
        (Orchestration.WORKING, timedelta(days=1), State.RUNNING),
        (Orchestration.UNKNOWN, timedelta(), State.QUEUED),
        (Orchestration.UNKNOWN, START_GRACE - MOMENT, State.QUEUED),
        (Orchestration.UNKNOWN, START_GRACE, State.INTERRUPTED),
        (Orchestration.ENDED, timedelta(), State.INTERRUPTED),
        (Orchestration.ENDED, timedelta(days=1), State.INTERRUPTED),
    ],
)
def test_an_audit_that_has_not_ended_is_seen_as_what_is_done_for_it(
    orchestration: Orchestration, age: timedelta, seen: State
) -> None:
    assert state_seen(RECORD, orchestration, AT + age) is seen


@pytest.mark.parametrize("orchestration", Orchestration)
@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_audit_that_has_ended_is_seen_as_its_record_says(state: State, orchestration: Orchestration) -> None:
    assert state_seen(replace(RECORD, state=state), orchestration, AT + timedelta(days=1)) is state


ROWS = ("candidates.jsonl.gz", "registered.jsonl.gz")


@pytest.mark.parametrize(
    ("found", "shards", "phase"),
    [
        (artefacts(), None, Phase.PLAN),
        (artefacts("containers.jsonl.gz"), None, Phase.PLAN),
        (artefacts("plan.json"), 2, Phase.PULL),
        (artefacts("plan.json", "registered.jsonl.gz"), 2, Phase.PULL),
        (artefacts("plan.json", *ROWS), 2, Phase.SCAN),
        (artefacts("plan.json", *ROWS, done=1, begun=1), 2, Phase.SCAN),
        (artefacts("plan.json", *ROWS, begun=2), 2, Phase.SCAN),
        (artefacts("plan.json", *ROWS, done=2), 2, Phase.RECONCILE),
        (artefacts("plan.json", *ROWS, "report.json", done=2), 2, Phase.REPORT),
        (artefacts("plan.json", *ROWS, "report.json", "findings.csv", done=2), 2, Phase.REPORT),
    ],
)
@pytest.mark.parametrize("state", [State.RUNNING, State.INTERRUPTED])
def test_the_phase_is_read_off_what_is_there(found: Artefacts, shards: int | None, phase: Phase, state: State) -> None:
    assert phase_of(state, found, shards) is phase


def test_a_queued_audit_has_no_phase_and_an_ended_one_is_done() -> None:
    assert phase_of(State.QUEUED, artefacts(), None) is None
    assert {phase_of(state, artefacts(), None) for state in ENDED} == {Phase.DONE}


def test_a_failed_audit_tells_its_error_and_outcome_and_when_it_was_last_touched() -> None:
    ended = RECORD.ended(State.FAILED, AT + MOMENT, outcome=Outcome.FAILED, error="The database refuses the login.")
    view = audit_view(ended, ended.state, None, artefacts(), now=AT, base="https://app/api")
    assert (view["state"], view["phase"], view["error"]) == ("failed", "done", "The database refuses the login.")
    assert view["outcome"] == {"code": 4, "word": "failed"}
    assert view["updated_at"] == "2026-01-31T09:30:00.000001Z"
    assert view["links"] == {
        "self": f"https://app/api/audits/{RECORD.audit_id}",
        "report": f"https://app/api/audits/{RECORD.audit_id}/report",
        "page": f"https://app/api/audits/{RECORD.audit_id}/report?format=html",
    }


def test_work_that_goes_on_counts_as_a_change_of_the_audit() -> None:
    later = replace(artefacts(), last_modified=AT + timedelta(minutes=5))
    view = audit_view(RECORD, State.RUNNING, None, later, now=AT, base="")
    assert view["updated_at"] == "2026-01-31T09:35:00Z"
