"""What becomes of each subject of a retry, in the words that people know; skipped is not failed."""

import pytest

from auditctl.repair_responses import Change, Plan, Repair
from auditctl.retrying import (
    Result,
    Tried,
    found_in,
    is_found,
    judged,
    number_of,
    reason_of,
    settled,
    skipped_by_reason,
)
from auditctl.stuck_report import StuckReport, Subject
from auditctl.stuck_words import age, outcomes, summary, table

STARTABLE = frozenset({"never_started", "run_lost"})


def subject(its_id: str, verdict: str, **changes: object) -> Subject:
    return Subject(**{"id": its_id, "verdict": verdict, "name": f"video {its_id}", "status": "wait", **changes})  # type: ignore[arg-type]


def change(its_id: str, ending: str | None, why: str = "", **left: str) -> Change:
    return Change(
        number=1,
        subject=its_id,
        verdict="never_started",
        says="Create one run.",
        shown={},
        left_to_people="",
        ending=ending,
        why=why,
        left=left,
    )


def repair(*changes: Change, left_out: tuple[tuple[str, str], ...] = (), state: str = "applied") -> Repair:
    plan = Plan(environment="demo", expires_at="soon", changes=changes, left_out=left_out, notes=())
    return Repair(
        id="r", profile="stuck-uploads", audit_id="a", state=state, error="", digest="d", undoes=None,
        proposed_by="Ann", until=None, counts={}, plan=plan,
    )  # fmt: skip


def report(*subjects: Subject, **counted: tuple[str, ...]) -> StuckReport:
    return StuckReport("a", "", True, "findings", "demo", 10, subjects, counted)


def test_found_is_what_is_not_finished_and_old_enough_also_what_is_at_work() -> None:
    everything = report(
        subject("1", "never_started", age_minutes=45),
        subject("2", "source_missing", age_minutes=70),
        subject("3", "status_regressed", status="annotate"),
        subject("4", "deleted_run_active"),
        subject("5", "never_started", age_minutes=9),
        processing=("6",),
        recently_run=("7",),
        too_young=("8",),
        healthy=("9",),
    )
    assert [one.id for one in found_in(everything)] == ["1", "2", "6", "7"]
    assert not is_found(subject("a", "healthy"), None)


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        (Subject(id="1", verdict="never_started", status="wait", age_minutes=10), True),
        (Subject(id="1", verdict="run_paused", status="wait", age_minutes=9), False),
        (Subject(id="1", verdict="record_invalid", status=None, age_minutes=None), True),
        (Subject(id="1", verdict="failed_known", status="error", age_minutes=99), True),
        (Subject(id="1", verdict="duplicate_active_runs", status="annotate", age_minutes=99), False),
        (Subject(id="1", verdict="deleted_run_active", status="wait", age_minutes=99), False),
        (Subject(id="1", verdict="still_uploading", status="uploading", age_minutes=30), False),
    ],
)
def test_what_is_found(subject: Subject, *, found: bool) -> None:
    assert is_found(subject, 10) is found
    assert is_found(Subject(id="1", verdict="never_started", age_minutes=1), None)


def test_of_what_is_counted_only_what_is_at_work_or_just_was_is_found() -> None:
    counted = {"processing": ("a",), "recently_run": ("b",), "too_young": ("c",), "healthy": ("d",)}
    told = StuckReport("1", "", True, "clean", "production", 10, (), counted)
    assert [(one.id, one.verdict) for one in found_in(told)] == [("a", "processing"), ("b", "recently_run")]


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ("processing", "active_flow_runs"),
        ("run_paused", "active_flow_runs"),
        ("run_zombie", "active_flow_runs"),
        ("run_not_picked_up", "active_flow_runs"),
        ("duplicate_active_runs", "active_flow_runs"),
        ("recently_run", "recent_run"),
        ("source_missing", "source_missing"),
        ("unverified", "unverified"),
        ("attempts_exhausted", "attempts_exhausted"),
    ],
)
def test_what_needs_no_run_is_skipped_with_the_reason(verdict: str, reason: str) -> None:
    assert judged([subject("1", verdict)], STARTABLE) == (Tried(subject("1", verdict), Result.SKIPPED, reason),)
    assert reason_of(verdict) == reason


@pytest.mark.parametrize(
    ("ended", "result", "detail"),
    [
        (change("1", "done", run_id="run-1"), Result.TRIGGERED, "run-1"),
        (change("1", "already_done", run_id="run-1"), Result.TRIGGERED, "run-1"),
        (change("1", "someone_else_moved", "active_flow_runs: run 9 is active."), Result.SKIPPED, "active_flow_runs"),
        (change("1", "refused", "recent_run: run 9 has just ended."), Result.SKIPPED, "recent_run"),
        (change("1", "someone_else_moved", "Not so any more: its row."), Result.SKIPPED, "refused"),
        (change("1", "failed", "Prefect did not answer."), Result.FAILED, "Prefect did not answer."),
        (change("1", "unknown", "Look."), Result.FAILED, "unknown: Look."),
        (change("1", None), Result.FAILED, "it was not begun, the repair is stopped"),
    ],
)
def test_how_a_change_ended_is_what_became_of_its_subject(ended: Change, result: Result, detail: str) -> None:
    planned = judged([subject("1", "never_started")], STARTABLE)
    [one] = settled(planned, repair(ended, state="stopped" if ended.ending is None else "applied"))
    assert (one.result, one.detail) == (result, detail)


def test_what_the_plan_leaves_out_is_skipped_with_its_reason() -> None:
    planned = judged([subject("1", "never_started"), subject("2", "run_lost")], STARTABLE)
    tried = settled(planned, repair(left_out=(("1", "People have edited it."),)))
    assert [(one.result, one.detail) for one in tried] == [
        (Result.SKIPPED, "People have edited it."),
        (Result.SKIPPED, "not_in_plan"),
    ]


def test_the_summary_adds_up_and_counts_no_skip_as_a_failure() -> None:
    tried = (
        Tried(subject("1", "never_started"), Result.TRIGGERED, "run-1"),
        Tried(subject("2", "processing"), Result.SKIPPED, "active_flow_runs"),
        Tried(subject("3", "run_paused"), Result.SKIPPED, "active_flow_runs"),
        Tried(subject("4", "run_lost"), Result.FAILED, "failed: no answer"),
    )
    assert sum(number_of(tried, result) for result in Result) == len(tried)
    assert skipped_by_reason(tried) == {"active_flow_runs": 2}
    text = "\n".join(summary(tried, dry_run=False))
    for line in (
        "Total found:   4",
        "Triggered:     1",
        "Skipped:       2",
        "  active_flow_runs: 2",
        "Failed:        1",
    ):
        assert line in text
    said = "\n".join(outcomes(tried))
    assert "Retrying: video 1 (ID: 1)\n  triggered run run-1" in said
    assert "  skipped: active_flow_runs" in said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(None, ""), (0, "0m ago"), (59, "59m ago"), (60, "1h ago"), (1439, "23h ago"), (1440, "1d ago")],
)
def test_an_age_is_told_as_people_know_it(minutes: int | None, said: str) -> None:
    assert age(minutes) == said


def test_the_table_has_a_line_for_each_under_the_columns_that_people_know() -> None:
    head, rule, first, second = table(
        [subject("1", "never_started", age_minutes=45, tenant_id="t"), subject("2", "run_lost", name="x" * 60)]
    )
    assert head.split() == ["ID", "Name", "Status", "Age", "Tenant", "ID"]
    assert set(rule) == {"-"}
    assert first.split() == ["1", "video", "1", "wait", "45m", "ago", "t"]
    assert "…" in second
