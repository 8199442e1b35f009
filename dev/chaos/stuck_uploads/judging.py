"""What is wrong with a race for a video, by what Prefect and the database hold and what the ledgers say. Pure.

A *double run* is two runs of one video that were not called off and could be at work at the same time, at least one of
them ours, where that could have been helped: both are ours; or the other one was there already when ours was created,
or when its repair looked for the last time. Counted apart, since nobody can exclude them: a run of somebody else that
came after that last look, and runs that were seen when ours could not be taken back any more, as a worker had taken it
or was about to.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

from profiles.stuck_uploads.starting import LEAST_TIME, OF_EFFECT
from reconciliation.effects import Ended, Ending, Once

OUT_OF_TIME = "It was not done in time"
_TAKEN = {"PENDING", "RUNNING"}
_CANCELLED = {"CANCELLING", "CANCELLED"}
_OVER = {"CANCELLED", "COMPLETED", "FAILED", "CRASHED"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Wrong(StrEnum):
    """How a repair of this profile can be wrong."""

    DOUBLE = "double_runs"
    LOST = "lost_run_entries"
    UNTRUE = "untrue_run_endings"
    CANCELLED = "cancelled_after_taken"
    THEIRS = "cancelled_runs_of_others"
    AGAINST = "changes_against_a_moved_row"
    MISSING = "starts_missing"
    DOUBLE_MARK = "double_marks"


class Problem(NamedTuple):
    """One thing wrong with a race."""

    kind: Wrong
    text: str


class Apart(StrEnum):
    """Two runs at once that nobody can exclude, and what else is counted for honesty."""

    UNSEEN = "rivals_after_the_last_look"
    TAKEN = "kept_since_a_worker_had_taken_it"
    TOO_LATE = "kept_since_it_was_about_to_begin"
    ROW_UNSEEN = "rows_moved_after_the_last_look"
    LATE = "out_of_time"


@dataclass(frozen=True)
class Run:
    """A run as Prefect tells it, with the states that it had, in their order. ``visible`` is when somebody else, who
    has made it, was answered; None for ours.
    """

    id: str
    tags: tuple[str, ...]
    created: datetime
    due: datetime
    states: tuple[tuple[str, datetime], ...]
    visible: datetime | None = None

    @property
    def is_ours(self) -> bool:
        return any(tag.startswith(OF_EFFECT) for tag in self.tags)

    @property
    def taken(self) -> datetime | None:
        """When a worker took it."""
        return next((at for state, at in self.states if state in _TAKEN), None)

    @property
    def is_called_off(self) -> bool:
        """True if it was cancelled before anybody took it."""
        return self.states[-1][0] == "CANCELLED" and self.taken is None

    @property
    def over(self) -> datetime | None:
        """When it ended."""
        state, at = self.states[-1]
        return at if state in _OVER else None

    @property
    def was_cancelled(self) -> bool:
        return any(state in _CANCELLED for state, _ in self.states)

    def is_at_work_with(self, other: "Run") -> bool:
        """True if there was a moment in which both could be at work."""
        first, second = sorted((self, other), key=lambda run: run.created)
        return first.over is None or first.over > second.created


@dataclass(frozen=True)
class Told:
    """What is known of a repair without asking the server for its runs: how its ledger says that it ended, and when it
    asked (``looks``: for all active runs; by what passed on the way there, as the ``answers`` are, in words).
    """

    repair: str
    ended: Ended | None
    looks: Sequence[datetime] = ()
    last_asked: datetime | None = None
    has_place: bool = True
    answers: Sequence[str] = ()

    @property
    def tag(self) -> str:
        """What its run is tagged with."""
        return OF_EFFECT + Once(self.repair, 1, 1).id("run")

    @property
    def is_applied(self) -> bool:
        return self.ended is not None and self.ended.ending.is_applied

    def looked_after(self, moment: datetime) -> datetime | None:
        """When it looked for the last time, if that was after a moment."""
        last = max(self.looks, default=None)
        return last if last is not None and last > moment else None


@dataclass(frozen=True)
class Course:
    """How a race went: when its repairs were delivered; when somebody wrote the row, if at all; whether what befell
    a repair may leave no run behind; and the runs that Prefect has told to those who asked for one.
    """

    delivered: datetime
    row_moved: datetime | None = None
    may_be_none: bool = False
    created: frozenset[str] = frozenset()


@dataclass
class Judgement:
    """What is wrong, and what is counted apart."""

    problems: list[Problem] = field(default_factory=list)
    apart: Counter[Apart] = field(default_factory=Counter)

    def wrong(self, kind: Wrong, text: str) -> None:
        self.problems.append(Problem(kind, text))


def judge_starts(told: Sequence[Told], runs: Sequence[Run], course: Course) -> Judgement:
    """What is wrong with a race of repairs that start a run of one video; ``runs`` are all of that video."""
    judgement = Judgement()
    by_tag = {one.tag: one for one in told}
    alive = [run for run in runs if not run.is_called_off]
    for pair in combinations(alive, 2):
        _pair(*pair, by_tag, judgement)
    for one in told:
        _entry(one, runs, course, judgement)
    for run in runs:
        if run.was_cancelled and not run.is_ours:
            judgement.wrong(Wrong.THEIRS, f"run {run.id} of somebody else was cancelled")
        elif run.was_cancelled and run.taken is not None:
            judgement.wrong(Wrong.CANCELLED, f"run {run.id} was cancelled, and a worker had taken it at {run.taken}")
    _row(alive, course, judgement)
    _none(told, alive, course, judgement)
    return judgement


def _pair(one: Run, other: Run, by_tag: Mapping[str, Told], judgement: Judgement) -> None:
    ours = sorted((run for run in (one, other) if run.is_ours), key=lambda run: (run.created, run.id))
    if not ours or not one.is_at_work_with(other):
        return
    run = ours[-1]  # of two of ours the later one gives way
    rival = other if run is one else one
    repair, their = (next((by_tag[tag] for tag in of.tags if tag in by_tag), None) for of in (run, rival))
    why = None if repair is None else _cannot_be_helped(run, rival, repair, their)
    if why is not None:
        judgement.apart[why] += 1
        return
    whose = "both are ours" if rival.is_ours else f"the other was there at {rival.visible}"
    judgement.wrong(Wrong.DOUBLE, f"runs {run.id} (created {run.created}) and {rival.id} ({rival.created}); {whose}")


def _cannot_be_helped(run: Run, rival: Run, repair: Told, their: Told | None) -> Apart | None:
    """Why a run of ours stays beside a rival, if that cannot be blamed on its repair; ``their`` is that of the rival,
    where it is ours, too.
    """
    looked = repair.looked_after(run.created)
    if looked is None or (rival.visible is not None and rival.visible < min(repair.looks)):
        return None
    if rival.visible is not None and rival.visible > looked:
        return Apart.UNSEEN
    if _was_taken(run, repair):
        others_look = None if their is None else their.looked_after(rival.created)
        was_seen = others_look is not None and run.taken is not None and others_look > run.taken
        return None if was_seen and rival.taken is None else Apart.TAKEN
    return Apart.TOO_LATE if run.due - looked < LEAST_TIME else None


def _was_taken(run: Run, repair: Told) -> bool:
    """True if a worker had taken it before its repair asked for the last time."""
    return run.taken is not None and repair.last_asked is not None and run.taken <= repair.last_asked


def _entry(one: Told, runs: Sequence[Run], course: Course, judgement: Judgement) -> None:
    """Whether the ledger says what is so."""
    its = [run for run in runs if one.tag in run.tags]
    alive = [run.id for run in its if not run.is_called_off]
    ended = one.ended
    says = "nothing" if ended is None else f"{ended.ending}: {ended.why} {dict(ended.left)}"
    if one.is_applied:
        assert ended is not None
        if alive != [ended.left.get("run_id")]:
            judgement.wrong(Wrong.LOST, f"{one.repair} has the runs {alive}, its ledger says {says}")
    elif alive and (ended is None or ended.ending is not Ending.UNKNOWN):
        judgement.wrong(Wrong.LOST, f"{one.repair} has the runs {alive}, its ledger says {says}")
    if ended is None or ended.ending not in {Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED}:
        return
    named = set(_UUID.findall(ended.why))
    others = {run.id for run in runs} - {run.id for run in its}
    if (named and not named <= others) or (not named and course.row_moved is None):
        judgement.wrong(Wrong.UNTRUE, f"{one.repair} says {says!r}, and nothing of that is so")


def _row(alive: Iterable[Run], course: Course, judgement: Judgement) -> None:
    """Whether something was started although the row had been written before."""
    if course.row_moved is None:
        return
    for run in alive:
        if run.is_ours and course.row_moved <= course.delivered:
            judgement.wrong(Wrong.AGAINST, f"run {run.id} was created although the row had been written before")
        elif run.is_ours:
            judgement.apart[Apart.ROW_UNSEEN] += 1


def _none(told: Sequence[Told], alive: Sequence[Run], course: Course, judgement: Judgement) -> None:
    """Whether a run is missing that nothing stood against."""
    late = sum(_is_late(one.ended, course) for one in told if one.ended is not None)
    judgement.apart[Apart.LATE] += late
    unknown = any(one.ended is not None and one.ended.ending is Ending.UNKNOWN for one in told)
    if not (alive or late or unknown or course.row_moved or course.may_be_none):
        endings = [None if one.ended is None else f"{one.ended.ending}: {one.ended.why}" for one in told]
        judgement.wrong(Wrong.MISSING, f"nothing stood against a run, and there is none: {endings}")


def _is_late(ended: Ended, course: Course) -> bool:
    """True if its time was over before Prefect had answered that there is a run."""
    if ended.why.startswith(OUT_OF_TIME):
        return True
    return ended.ending is Ending.FAILED and not course.created and not course.may_be_none


# --- a status ---------------------------------------------------------------------------------------------------------


def judge_marks(
    told: Sequence[Told], writes: Sequence[Mapping[str, Any]], token: str | None, *, moved_before: bool, ours: str
) -> Judgement:
    """What is wrong with a race of repairs that set the status of one video. ``writes`` are those of its row, in their
    order, ``ours`` is the role of repairs, ``token`` that of the row now; ``moved_before``: somebody else wrote it
    before any repair could.
    """
    judgement = Judgement()
    made = [write for write in writes if write["writer"] == ours]
    applied = [one for one in told if one.is_applied]
    unknown = sum(one.ended is not None and one.ended.ending is Ending.UNKNOWN for one in told)
    if len(made) > 1:
        judgement.wrong(Wrong.DOUBLE_MARK, f"{len(made)} of ours wrote the row: {[one.repair for one in told]}")
    if made and moved_before:
        judgement.wrong(Wrong.AGAINST, "the status was set although the row had been written before")
    if not len(applied) <= len(made) <= len(applied) + unknown:
        endings = [None if one.ended is None else f"{one.ended.ending}: {one.ended.why}" for one in told]
        judgement.wrong(Wrong.LOST, f"{len(made)} of ours wrote the row, the ledgers say {endings}")
    stayed = bool(writes) and writes[-1]["writer"] == ours
    for one in applied:
        assert one.ended is not None
        if stayed and one.ended.left.get("row_token") != token:
            judgement.wrong(Wrong.UNTRUE, f"{one.repair} says that it left {dict(one.ended.left)}, the row is {token}")
    return judgement
