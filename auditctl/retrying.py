"""What becomes of each subject of a retry: its run was triggered, it was skipped for a reason, or it failed.

A pure mapping of verdicts, and of the endings of changes, to the words that people know.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from auditctl.repair_responses import Change, Repair
from auditctl.stuck_report import StuckReport, Subject

ACTIVE_RUNS, RECENT_RUN, REFUSED, NOT_IN_PLAN = "active_flow_runs", "recent_run", "refused", "not_in_plan"
"""Reasons to skip a subject."""
_ACTIVE_RUNS: Final = frozenset(
    {"processing", "run_paused", "run_zombie", "run_not_picked_up", "duplicate_active_runs"}
)
_RECENT_RUNS: Final = frozenset({"recently_run"})
_COUNTED: Final = ("processing", "recently_run")
"""Verdicts of subjects that are found although nothing is to be done about them: they are told by their ids only."""
_NO_CANDIDATES: Final = frozenset(
    {"deleted", "deleted_run_active", "too_young", "still_uploading", "still_changing", "healthy"}
)
_FINISHED: Final = frozenset({"active", "archived", "annotate", "review", "done", "soft_deleted", "purged"})
"""Statuses of subjects that were processed, or deleted: no run is missing, whatever else is."""
_TRIGGERED: Final = frozenset({"done", "already_done"})
_NOT_DONE: Final = frozenset({"someone_else_moved", "refused"})


class Result(StrEnum):
    """``PLANNED`` is that of a subject for which a run would be started."""

    PLANNED = "planned"
    TRIGGERED = "triggered"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Tried:
    """One subject that was found, and what became of it.

    ``detail`` is the id of its run, the reason why it was skipped, or why it failed; ``note`` is what else is said.
    """

    subject: Subject
    result: Result
    detail: str = ""
    note: str = ""


def is_found(subject: Subject, age_minutes: int | None) -> bool:
    """True if a subject is not finished and old enough, so that a retry has to say what becomes of it."""
    too_young = None not in {age_minutes, subject.age_minutes} and (subject.age_minutes or 0) < (age_minutes or 0)
    return subject.verdict not in _NO_CANDIDATES and subject.status not in _FINISHED and not too_young


def found_in(report: StuckReport) -> tuple[Subject, ...]:
    """All subjects that are not finished and old enough, also those that are at work or have just been."""
    listed = [one for one in report.subjects if is_found(one, report.age_minutes)]
    counted = [Subject(id=each, verdict=verdict) for verdict in _COUNTED for each in report.counted.get(verdict, ())]
    return (*listed, *counted)


def judged(found: Iterable[Subject], startable: Collection[str]) -> tuple[Tried, ...]:
    """What would become of each subject: a run is started for those whose verdict is one of ``startable``."""
    return tuple(
        Tried(one, Result.PLANNED) if one.verdict in startable else Tried(one, Result.SKIPPED, reason_of(one.verdict))
        for one in found
    )


def reason_of(verdict: str) -> str:
    """Why a subject with a verdict that no new run mends is skipped."""
    if verdict in _ACTIVE_RUNS:
        return ACTIVE_RUNS
    return RECENT_RUN if verdict in _RECENT_RUNS else verdict


def settled(judgements: Iterable[Tried], repair: Repair) -> tuple[Tried, ...]:
    """What became of each subject when the repair has ended: those that were planned by its changes."""
    plan = repair.plan
    changes = {} if plan is None else {change.subject: change for change in plan.changes}
    left_out = {} if plan is None else dict(plan.left_out)
    return tuple(
        one if one.result is not Result.PLANNED else _ended(one.subject, changes, left_out, repair.state)
        for one in judgements
    )


def _ended(subject: Subject, changes: Mapping[str, Change], left_out: Mapping[str, str], state: str) -> Tried:
    change = changes.get(subject.id)
    if change is None:
        return Tried(subject, Result.SKIPPED, left_out.get(subject.id, NOT_IN_PLAN))
    if change.ending in _TRIGGERED:
        return Tried(subject, Result.TRIGGERED, change.left.get("run_id", ""), change.why)
    if change.ending in _NOT_DONE:
        word = change.why.partition(":")[0]
        return Tried(subject, Result.SKIPPED, word if word in {ACTIVE_RUNS, RECENT_RUN} else REFUSED, change.why)
    if change.ending is None:
        return Tried(subject, Result.FAILED, f"it was not begun, the repair is {state}")
    why = change.why or "nobody can tell why"
    return Tried(subject, Result.FAILED, why if change.ending == "failed" else f"{change.ending}: {why}")


def number_of(tried: Sequence[Tried], result: Result) -> int:
    """How many subjects came to this."""
    return sum(one.result is result for one in tried)


def skipped_by_reason(tried: Iterable[Tried]) -> dict[str, int]:
    """How many were skipped for which reason, the most frequent first."""
    return dict(Counter(one.detail for one in tried if one.result is Result.SKIPPED).most_common())
