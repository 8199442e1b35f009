from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.store.overview import Artefacts
from reconciliation.lifecycle import ENDED, Phase, State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.plan import Plan, PlannedShard
from reconciliation.progress import Reached, ShardProgress
from reconciliation.run_record import RunRecord
from reconciliation.shards import Shard
from runs.state import START_GRACE, Orchestration, current_state, phase_of
from runs.view import audit_view, view_of_record

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
PARAMETERS = AuditParameters("pre-capture-sessions", "full", 60)
RECORD = RunRecord("20260131-093000-1a2b3c4d", State.QUEUED, PARAMETERS, created_at=AT, updated_at=AT)
MOMENT = timedelta(microseconds=1)


def shard(*, done: bool, scanned: int = 0) -> ShardProgress:
    return ShardProgress(done=done, scanned=scanned, skipped=0, failed=0, blobs=0, updated_at=AT)


def artefacts(*names: str, done: int = 0, begun: int = 0, pieces: int = 2, report: str = "0.0") -> Artefacts:
    """What there is; a first look says in how many pieces the second is taken, a report of which attempt it is."""
    shards = [shard(done=True)] * done + [shard(done=False)] * begun
    told = {"screened.json": {"shards": str(pieces)}, "report.json": {"attempt": report}}
    return Artefacts({name: told.get(name.rpartition("/")[2], {}) for name in names}, dict(enumerate(shards)), AT, AT)


@pytest.mark.parametrize(
    ("orchestration", "age", "state"),
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
def test_the_state_of_an_audit_that_has_not_ended_is_what_is_done_for_it(
    orchestration: Orchestration, age: timedelta, state: State
) -> None:
    assert current_state(RECORD, orchestration, AT + age) is state


@pytest.mark.parametrize("orchestration", Orchestration)
@pytest.mark.parametrize("state", sorted(ENDED))
def test_the_state_of_an_audit_that_has_ended_is_that_of_its_record(state: State, orchestration: Orchestration) -> None:
    assert current_state(replace(RECORD, state=state), orchestration, AT + timedelta(days=1)) is state


PULLED = ("rows/containers.jsonl.gz", "pulled/0.json", "rows/registered.jsonl.gz", "pulled/1.json")
PLANNED = (*PULLED, "work.jsonl.gz", "plan.json")
SCREENED = (*PLANNED, "0.0/doubts.jsonl.gz", "0.0/counted.jsonl.gz", "0.0/screened.json")
LOOKED = (*SCREENED, "0.0/again/0000.jsonl.gz", "0.0/again/0001.jsonl.gz")


@pytest.mark.parametrize(
    ("found", "shards", "phase"),
    [
        (artefacts(), None, Phase.PULL),
        (artefacts("run.json"), None, Phase.PULL),
        (artefacts(PULLED[0]), None, Phase.PULL),
        (artefacts(*PULLED[:2]), None, Phase.PULL),
        (artefacts(*PULLED[:3]), None, Phase.PULL),
        (artefacts(*PULLED), None, Phase.PLAN),
        (artefacts(*PULLED, "work.jsonl.gz"), None, Phase.PLAN),
        (artefacts(*PLANNED), 2, Phase.SCAN),
        (artefacts(*PLANNED, done=1, begun=1), 2, Phase.SCAN),
        (artefacts(*PLANNED, begun=2), 2, Phase.SCAN),
        (artefacts(*PLANNED, done=2), 2, Phase.SCREEN),
        (artefacts(*PLANNED), 0, Phase.SCREEN),
        (artefacts(*PLANNED, "0.0/doubts.jsonl.gz", done=2), 2, Phase.SCREEN),
        (artefacts(*SCREENED, done=2), 2, Phase.LOOK_AGAIN),
        (artefacts(*SCREENED, "0.0/again/0001.jsonl.gz", done=2), 2, Phase.LOOK_AGAIN),
        (artefacts(*LOOKED, done=2), 2, Phase.JUDGE),
        (artefacts(*SCREENED, done=2, pieces=0), 2, Phase.JUDGE),
        (artefacts(*SCREENED, done=1, begun=1), 2, Phase.LOOK_AGAIN),  # a shard was lost, and what it held is unread
        (artefacts(*LOOKED, "report.json", done=2), 2, Phase.REPORT),
        (artefacts(*LOOKED, "report.json", "findings.csv", done=2), 2, Phase.REPORT),
        (artefacts(*LOOKED, "report.json", "findings.csv", "report.html", done=2), 2, Phase.REPORT),
    ],
)
@pytest.mark.parametrize("state", [State.RUNNING, State.INTERRUPTED])
def test_the_phase_is_read_off_what_is_there(found: Artefacts, shards: int | None, phase: Phase, state: State) -> None:
    assert phase_of(state, found, shards, 2, "0.0") is phase


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (artefacts(*LOOKED, "report.json", done=2), Phase.SCAN),
        (artefacts(*LOOKED, "report.json", "0.1/doubts.jsonl.gz", done=2), Phase.SCREEN),
        (artefacts(*LOOKED, "report.json", "0.1/screened.json", done=2, pieces=1), Phase.LOOK_AGAIN),
        (artefacts(*LOOKED, "report.json", "0.1/screened.json", done=2, pieces=0), Phase.JUDGE),
        (artefacts(*LOOKED, "report.json", "0.1/screened.json", done=2, pieces=0, report="0.1"), Phase.REPORT),
    ],
)
def test_what_another_attempt_has_left_is_not_taken_for_this_ones(found: Artefacts, phase: Phase) -> None:
    assert phase_of(State.RUNNING, found, 2, 2, "0.1") is phase


def test_sources_are_read_in_as_many_runs_as_the_profile_has() -> None:
    assert phase_of(State.RUNNING, artefacts(*PULLED), None, 3, "0.0") is Phase.PULL
    assert phase_of(State.RUNNING, artefacts("pulled/0.json"), None, 1, "0.0") is Phase.PLAN


def test_a_queued_audit_has_no_phase_and_an_ended_one_is_done() -> None:
    assert phase_of(State.QUEUED, artefacts(), None, 2, "0.0") is None
    assert {phase_of(state, artefacts(), None, 2, "0.0") for state in ENDED} == {Phase.DONE}


# --- the document of an audit that has ended --------------------------------------------------------------------------

REACHED = Reached({"percent": 50, "blobs": 7}, 3)


def ended(reached: Reached | None) -> RunRecord:
    error = "The database refuses the login."
    return RECORD.ended(State.FAILED, AT + MOMENT, outcome=Outcome.FAILED, reached=reached, error=error)


def test_a_failed_audit_tells_its_error_and_outcome_and_when_it_was_last_touched() -> None:
    view = view_of_record(ended(REACHED), State.FAILED, "container")
    assert (view["state"], view["phase"], view["error"]) == ("failed", "done", "The database refuses the login.")
    assert view["outcome"] == {"code": 4, "word": "failed"}
    assert view["updated_at"] == "2026-01-31T09:30:00.000001Z"


def test_how_far_an_ended_audit_came_is_what_its_record_says() -> None:
    view = view_of_record(ended(REACHED), State.FAILED, "container")
    assert (view["progress"], view["dead_letters"]) == ({"percent": 50, "blobs": 7}, 3)


def test_of_one_that_does_not_know_how_far_it_came_nothing_is_said() -> None:
    view = view_of_record(ended(None), State.FAILED, "container")
    assert view["dead_letters"] == 0
    assert view["progress"] == {
        "shards": {"total": None, "done": 0, "failed": 0},
        "units": {"noun": "container", "listed": None, "scanned": 0, "skipped": 0, "failed": 0},
        "blobs": 0,
        "percent": None,
        "eta_seconds": None,
    }


def test_an_interrupted_one_is_in_no_phase_where_only_its_record_is_known() -> None:
    view = view_of_record(RECORD, State.INTERRUPTED, "container")
    assert (view["state"], view["phase"], view["outcome"]) == ("interrupted", None, None)


@pytest.mark.parametrize("reached", [REACHED, None])
def test_it_has_the_members_that_it_had_before_it_ended(reached: Reached | None) -> None:
    before = audit_view(RECORD, State.RUNNING, None, artefacts(), pulls=2, noun="container", now=AT)
    after = view_of_record(ended(reached), State.FAILED, "container")
    assert list(after) == list(before)
    assert {name for name in after if after[name] == before[name]} >= {"id", "profile", "parameters"}


# --- of one that has not ----------------------------------------------------------------------------------------------


def test_what_the_plan_skipped_is_listed_and_skipped_and_no_work_to_be_done() -> None:
    plan = Plan(AT, settle_minutes=20, max_passes=3, listed=10, skipped={"registered": 5, "outside": 1}, shards=())
    plan = replace(plan, shards=(PlannedShard(Shard(0, "", 2), 0, 1), PlannedShard(Shard(1, "c", 2), 1, 1)))
    half = replace(artefacts(*PLANNED), shards={0: shard(done=True, scanned=2)})
    view = audit_view(RECORD, State.RUNNING, plan, half, pulls=2, noun="container", now=AT)
    assert view["phase"] == "scan"
    assert view["progress"] == {
        "shards": {"total": 2, "done": 1, "failed": 0},
        "units": {"noun": "container", "listed": 10, "scanned": 2, "skipped": 6, "failed": 0},
        "blobs": 0,
        "percent": 50,
        "eta_seconds": None,
    }


def test_before_the_plan_nothing_is_said_of_how_much_there_is() -> None:
    view = audit_view(RECORD, State.RUNNING, None, artefacts(*PULLED), pulls=2, noun="container", now=AT)
    assert view["phase"] == "plan"
    assert view["progress"]["units"] == {"noun": "container", "listed": None, "scanned": 0, "skipped": 0, "failed": 0}
    assert (view["progress"]["shards"]["total"], view["progress"]["percent"]) == (None, None)


def test_work_that_goes_on_counts_as_a_change_of_the_audit() -> None:
    later = replace(artefacts(), last_modified=AT + timedelta(minutes=5))
    view = audit_view(RECORD, State.RUNNING, None, later, pulls=2, noun="container", now=AT)
    assert view["updated_at"] == "2026-01-31T09:35:00Z"
