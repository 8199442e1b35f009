"""The judge of races for videos is judged: what is wrong is found, and what nobody can help is counted apart."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dev.chaos.stuck_uploads.judging import Apart, Course, Run, Told, Wrong, judge_marks, judge_starts
from reconciliation.effects import Ended, Ending

AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
MOVED = Ending.SOMEONE_ELSE_MOVED


def s(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def an_id(number: int) -> str:
    return str(UUID(int=number))


COURSE = Course(s(-1))
# A look, the run, and a look again.
OURS = Told("20260131-093000-1a2b3c4d", Ended(Ending.DONE, left={"run_id": an_id(1)}), [s(0), s(4)], s(4))
OTHER = Told("20260131-093000-00000000", Ended(MOVED, f"run {an_id(1)} came first"), [s(0)], s(1))
OTHERS_DONE = replace(OTHER, ended=Ended(Ending.DONE, left={"run_id": an_id(2)}), looks=[s(0), s(5)], last_asked=s(5))
RUN = Run(an_id(1), (OURS.tag,), s(2), s(92), (("SCHEDULED", s(2)),))
OTHERS_RUN = replace(RUN, id=an_id(2), tags=(OTHER.tag,), created=s(3))
THEIRS = replace(RUN, id=an_id(3), tags=(), created=s(1), visible=s(1.5))


def then(run: Run, *states: tuple[str, float]) -> Run:
    return replace(run, states=(*run.states, *((state, s(seconds)) for state, seconds in states)))


CALLED_OFF = then(RUN, ("CANCELLED", 5))
GAVE_WAY = replace(OURS, ended=Ended(MOVED, f"active_flow_runs: run {an_id(3)} came first; ours was cancelled."))


def test_one_run_and_what_says_so_is_right() -> None:
    for told, runs in (([OURS, OTHER], [RUN]), ([GAVE_WAY], [CALLED_OFF, THEIRS])):
        judgement = judge_starts(told, runs, COURSE)
        assert (judgement.problems, +judgement.apart) == ([], {})
    # What nobody of us has made is none of ours, however many they are.
    both = [THEIRS, replace(THEIRS, id=an_id(4))]
    assert judge_starts([replace(OTHER, ended=Ended(MOVED, f"run {an_id(3)}"))], both, COURSE).problems == []


@pytest.mark.parametrize(
    ("told", "runs", "course", "wrong"),
    [
        pytest.param([OURS, OTHERS_DONE], [RUN, OTHERS_RUN], COURSE, Wrong.DOUBLE, id="two of ours"),
        pytest.param([OURS], [RUN, THEIRS], COURSE, Wrong.DOUBLE, id="theirs was there when ours was created"),
        pytest.param(
            [OURS], [RUN, replace(THEIRS, created=s(2.5), visible=s(3))], COURSE, Wrong.DOUBLE, id="theirs was seen"
        ),
        pytest.param(
            [replace(OURS, looks=[s(0)])],
            [RUN, replace(THEIRS, created=s(2.5), visible=s(3))],
            COURSE,
            Wrong.DOUBLE,
            id="nobody looked",
        ),
        pytest.param(
            [OURS],
            [then(RUN, ("PENDING", 3)), replace(THEIRS, visible=s(-2))],
            COURSE,
            Wrong.DOUBLE,
            id="theirs was there before the first look, whoever took ours",
        ),
        pytest.param(
            [replace(OURS, last_asked=s(6), looks=[s(0), s(4), s(6)]), OTHERS_DONE],
            [RUN, then(OTHERS_RUN, ("PENDING", 3.5))],
            COURSE,
            Wrong.DOUBLE,
            id="the earlier one of ours has seen the later one taken, and stayed",
        ),
        pytest.param(
            [OTHER], [then(RUN, ("RUNNING", 3), ("COMPLETED", 9))], COURSE, Wrong.LOST, id="a run of no ledger"
        ),
        pytest.param([OURS], [], COURSE, Wrong.LOST, id="done, and no run"),
        pytest.param([OURS], [CALLED_OFF], COURSE, Wrong.LOST, id="done, and called off"),
        pytest.param([replace(OURS, ended=Ended(Ending.FAILED))], [RUN], COURSE, Wrong.LOST, id="a run, and failed"),
        pytest.param([replace(OURS, ended=None)], [RUN], COURSE, Wrong.LOST, id="a run, and no ending"),
        pytest.param([OTHER], [], COURSE, Wrong.UNTRUE, id="gave way to nobody"),
        pytest.param(
            [replace(OTHER, ended=Ended(Ending.REFUSED, "Not so any more: x."))], [], COURSE, Wrong.UNTRUE, id="moved"
        ),
        pytest.param(
            [GAVE_WAY],
            [then(RUN, ("RUNNING", 3), ("CANCELLING", 5)), THEIRS],
            COURSE,
            Wrong.CANCELLED,
            id="a run was broken off",
        ),
        pytest.param([OURS], [RUN, then(THEIRS, ("CANCELLED", 5))], COURSE, Wrong.THEIRS, id="theirs was cancelled"),
        pytest.param([OURS], [RUN], replace(COURSE, row_moved=s(-2)), Wrong.AGAINST, id="against a moved row"),
        pytest.param(
            [replace(OTHER, ended=Ended(Ending.FAILED))],
            [],
            replace(COURSE, created=frozenset({an_id(2)})),
            Wrong.MISSING,
            id="a run was told of, and is gone",
        ),
        pytest.param([], [], COURSE, Wrong.MISSING, id="nothing was started"),
    ],
)
def test_what_is_wrong_is_found(told: Sequence[Told], runs: Sequence[Run], course: Course, wrong: Wrong) -> None:
    assert wrong in {problem.kind for problem in judge_starts(_known(told), runs, course).problems}


def _known(told: Sequence[Told]) -> list[Told]:
    """With both repairs of the race, whatever one of them is about."""
    there = {one.repair for one in told}
    return [*told, *(replace(one, ended=None) for one in (OURS, OTHER) if one.repair not in there)]


@pytest.mark.parametrize(
    ("told", "runs", "apart"),
    [
        pytest.param(
            [OURS], [RUN, replace(THEIRS, created=s(4), visible=s(4.5))], Apart.UNSEEN, id="after the last look"
        ),
        pytest.param(
            [OURS],
            [then(RUN, ("PENDING", 3)), replace(THEIRS, created=s(2.5), visible=s(3))],
            Apart.TAKEN,
            id="a worker had taken ours",
        ),
        pytest.param(
            [OURS, OTHERS_DONE],
            [RUN, then(OTHERS_RUN, ("PENDING", 4.5))],
            Apart.TAKEN,
            id="a worker had taken the later one of ours, and the earlier one had looked before",
        ),
        pytest.param(
            [OURS],
            [replace(RUN, due=s(20)), replace(THEIRS, created=s(2.5), visible=s(3))],
            Apart.TOO_LATE,
            id="ours is about to begin",
        ),
    ],
)
def test_what_nobody_can_help_is_counted_apart(told: Sequence[Told], runs: Sequence[Run], apart: Apart) -> None:
    judgement = judge_starts(told, runs, COURSE)
    assert (judgement.problems, dict(+judgement.apart)) == ([], {apart: 1})


def test_a_row_that_moved_too_late_to_be_seen_is_counted_apart() -> None:
    judgement = judge_starts([OURS], [RUN], replace(COURSE, row_moved=s(1)))
    assert (judgement.problems, dict(+judgement.apart)) == ([], {Apart.ROW_UNSEEN: 1})


def test_where_the_time_was_over_before_there_was_a_run_none_is_missing() -> None:
    judgement = judge_starts([replace(OTHER, ended=Ended(Ending.FAILED))], [], COURSE)
    assert (judgement.problems, dict(+judgement.apart)) == ([], {Apart.LATE: 1})


def test_runs_that_were_never_at_work_at_once_are_no_double_run() -> None:
    ended = then(replace(THEIRS, created=s(-9), visible=s(-8)), ("RUNNING", -7), ("COMPLETED", -5))
    assert judge_starts([OURS], [RUN, ended], COURSE).problems == []


WRITE = {"writer": "us", "before": "wait", "after": "annotate", "at": AT}
MARKED = Told("20260131-093000-1a2b3c4d", Ended(Ending.DONE, left={"row_token": "7"}))


@pytest.mark.parametrize(
    ("told", "writes", "moved", "wrong"),
    [
        pytest.param([MARKED], [WRITE], False, None, id="right"),
        pytest.param([replace(MARKED, ended=Ended(Ending.UNKNOWN))], [WRITE], False, None, id="unknown, and done"),
        pytest.param([replace(MARKED, ended=Ended(Ending.UNKNOWN))], [], False, None, id="unknown, and not done"),
        pytest.param([MARKED], [WRITE, WRITE], False, Wrong.DOUBLE_MARK, id="twice"),
        pytest.param([MARKED], [], False, Wrong.LOST, id="done, and nothing written"),
        pytest.param([replace(MARKED, ended=Ended(MOVED))], [WRITE], False, Wrong.LOST, id="written, and not done"),
        pytest.param([MARKED], [WRITE], True, Wrong.AGAINST, id="against a rival"),
        pytest.param(
            [replace(MARKED, ended=Ended(Ending.DONE, left={"row_token": "8"}))],
            [WRITE],
            False,
            Wrong.UNTRUE,
            id="another row",
        ),
    ],
)
def test_a_status_is_set_once_and_the_ledger_says_so(
    told: Sequence[Told], writes: Sequence[dict[str, Any]], moved: bool, wrong: Wrong | None
) -> None:
    judgement = judge_marks(told, writes, "7", moved_before=moved, ours="us")
    found = {problem.kind for problem in judgement.problems}
    assert wrong in found if wrong else not found
