"""What is to happen in a race for a video, drawn; and what came out of all of them."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dev.chaos.repairs.gate import Moment as AtCommit
from dev.chaos.repairs.rivals import Rival
from dev.chaos.stuck_uploads.judging import Apart, Judgement, Problem, Told, Wrong
from dev.chaos.stuck_uploads.rivals import MARKS, ROWS, RUNS, RunRival, When
from dev.chaos.stuck_uploads.world import Video

MOST_RACERS = 3
MARK_SHARE = 8
"""For so many repairs that start a run there is one that sets a status."""
_TOLD_EACH = 50


class Moment(StrEnum):
    """What is done to a repair when it creates its run."""

    CUT_BEFORE = "cut_before_the_request"
    CUT_AFTER = "cut_before_the_answer"
    BUSY_BEFORE = "answered_503_and_not_done"
    BUSY_AFTER = "answered_503_and_done"
    SLOW_REQUEST = "request_held_beyond_its_timeout"
    SLOW_ANSWER = "answer_held_beyond_its_timeout"
    KILLED_BEFORE = "killed_before_the_insert"
    KILLED_AFTER = "killed_after_the_insert"
    LATE = "killed_and_carried_out_after_its_deadline"
    SERVER_KILLED = "server_killed_after_the_insert"

    @property
    def may_leave_none(self) -> bool:
        """True if no run need be there: whoever was to make it died before."""
        return self is Moment.KILLED_BEFORE

    @property
    def is_before(self) -> bool:
        """True if it happens before the request is passed on."""
        return self in {
            Moment.CUT_BEFORE,
            Moment.BUSY_BEFORE,
            Moment.SLOW_REQUEST,
            Moment.KILLED_BEFORE,
            Moment.LATE,
        }


class Taken(StrEnum):
    """When a worker takes our run, much earlier than workers do."""

    AT_ONCE = "at_once"
    AFTER_ITS_LOOK = "after_its_look"


# A death between insert and ledger is what a ledger is for: it is drawn as often as all else together.
_MOMENTS = (*(one for one in Moment if one is not Moment.SERVER_KILLED), *[Moment.KILLED_AFTER] * (len(Moment) - 3))
_COMMITS = (
    AtCommit.CUT_BEFORE_COMMIT,
    AtCommit.CUT_AFTER_COMMIT,
    AtCommit.KILLED_BEFORE_COMMIT,
    AtCommit.KILLED_AFTER_COMMIT,
)


@dataclass(frozen=True)
class Race:
    """Some repairs at once that start a run of one video, and what is done to them.

    ``run`` is somebody else's run and ``row`` what somebody writes, both at their time; ``row_before_plan``: a planner
    that judged wrongly has read the row after that. ``moment`` is what the first repair suffers that comes so far.
    ``apart``: each has counted another generation, so that their keys differ. ``duplicate``: each is delivered twice.
    ``abreast``: none creates its run before all have come so far.
    """

    video: Video
    racers: int
    run: RunRival | None = None
    run_when: When = When.BEFORE
    row: Rival | None = None
    row_when: When = When.BEFORE
    row_before_plan: bool = False
    new_file: bool = False
    moment: Moment | None = None
    taken: Taken | None = None
    apart: bool = False
    duplicate: bool = False
    abreast: bool = False


@dataclass(frozen=True)
class MarkRace:
    """Some repairs at once that set the status of one video, and what is done to the first. ``before``: the rival has
    written before they are applied; else it writes while they wait, and ``commits`` or takes it back.
    """

    video: Video
    racers: int
    rival: Rival | None = None
    before: bool = False
    commits: bool = True
    moment: AtCommit | None = None


def draw_shared(chance: random.Random, video: Video) -> Race:
    """In one run store, where one repair alone has its profile's place: little stands against it, much befalls it."""
    racers = chance.choice((2, 2, 2, 3))
    drawn = chance.random()
    if drawn < 0.2:  # noqa: PLR2004 - one in five meets a row that was written
        when = When.BEFORE if chance.random() < 0.7 else chance.choice((When.BEFORE_INSERT, When.AFTER_INSERT))  # noqa: PLR2004
        return Race(video, racers, row=chance.choice(ROWS), row_when=when)
    if drawn < 0.3:  # noqa: PLR2004
        return Race(video, racers, run=chance.choice(RUNS), run_when=chance.choice([*When]))
    moment = chance.choice(_MOMENTS) if drawn < 0.85 else None  # noqa: PLR2004
    return Race(video, racers, moment=moment, duplicate=chance.random() < 0.3)  # noqa: PLR2004


def draw_alone(chance: random.Random, video: Video, *, restarts: bool = False) -> Race:
    """In run stores of their own, and always with somebody else's run. ``restarts``: the server is killed."""
    if restarts:
        run, when = (chance.choice(RUNS), When.AFTER_LAST_LOOK) if chance.random() < 0.5 else (None, When.BEFORE)  # noqa: PLR2004
        return Race(video, 2, run=run, run_when=when, moment=Moment.SERVER_KILLED, apart=chance.random() < 0.3)  # noqa: PLR2004
    weights = {When.BEFORE: 1, When.BEFORE_INSERT: 3, When.AFTER_INSERT: 3, When.AFTER_LAST_LOOK: 5}
    [when] = chance.choices([*weights], [*weights.values()])
    drawn = chance.random()
    taken = chance.choice([*Taken]) if drawn < 0.2 and when is When.AFTER_INSERT else None  # noqa: PLR2004
    moment = chance.choice(_MOMENTS) if taken is None and drawn < 0.3 else None  # noqa: PLR2004
    return Race(
        video,
        chance.choice((2, 2, 2, 3)),
        run=chance.choice(RUNS),
        run_when=when,
        moment=moment,
        taken=taken,
        apart=chance.random() < 0.3,  # noqa: PLR2004
    )


def draw_mark(chance: random.Random, video: Video) -> MarkRace:
    """Of ten, four meet somebody who writes the row, and the others are disturbed, or not."""
    drawn = chance.random()
    if drawn < 0.4:  # noqa: PLR2004 - as above
        return MarkRace(video, 2, chance.choice(MARKS), before=drawn < 0.1, commits=drawn < 0.3)  # noqa: PLR2004
    return MarkRace(video, 2, moment=chance.choice((*_COMMITS, None)))


@dataclass
class Results:
    """What came out of races so far."""

    starts: int = 0
    alone: int = 0
    started: int = 0
    marks: int = 0
    marked: int = 0
    rival_runs: int = 0
    rows_moved: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    mark_ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    apart: Counter[Apart] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def add_starts(self, race: Race, told: Sequence[Told], judgement: Judgement, *, alone: bool) -> None:
        """Add a race of repairs that start a run."""
        if self.starts // _TOLD_EACH < (self.starts + len(told)) // _TOLD_EACH:
            print(f"{self.starts + len(told):>5} repairs have tried to start a run", flush=True)
        self.starts += len(told)
        self.alone += len(told) if alone else 0
        self.started += sum(one.is_applied for one in told)
        self.ends.update(_end_of(one) for one in told)
        self._judged(race, told, judgement)

    def add_marks(self, race: MarkRace, told: Sequence[Told], judgement: Judgement) -> None:
        """Add a race of repairs that set a status."""
        self.marks += len(told)
        self.marked += sum(one.is_applied for one in told)
        self.mark_ends.update(_end_of(one) for one in told)
        self._judged(race, told, judgement)

    def _judged(self, race: Race | MarkRace, told: Sequence[Told], judgement: Judgement) -> None:
        self.apart += judgement.apart
        self.problems += judgement.problems
        for problem in judgement.problems:
            print(f"! {problem.kind}: {problem.text}", flush=True)
        if judgement.problems:
            print("\n".join(["!   " + text for text in (str(race), *map(str, told))]), flush=True)

    def stick(self, what: str) -> None:
        """Note a repair that did not end."""
        self.stuck.append(what)
        print(f"! stuck: {what}", flush=True)

    @property
    def too_few(self) -> list[str]:
        """What a whole campaign must have tried, and has not."""
        tried = {
            "runs_started": (self.started, 100),
            "guard_bypassed": (self.alone, self.starts // 2),
            "rival_runs": (self.rival_runs, 80),
            "rows_moved": (self.rows_moved, 15),
            "marked": (self.marked, 10),
            Moment.KILLED_AFTER.value: (self.faults[Moment.KILLED_AFTER.value], 10),
            Moment.SERVER_KILLED.value: (self.faults[Moment.SERVER_KILLED.value], 3),
            Moment.CUT_AFTER.value: (self.faults[Moment.CUT_AFTER.value], 3),
            Moment.LATE.value: (self.faults[Moment.LATE.value], 2),
        }
        return [name for name, (number, least) in tried.items() if number < least]

    def summary(self) -> dict[str, object]:
        """The numbers of the last line."""
        wrong = Counter(problem.kind for problem in self.problems)
        return {
            "start_run_repairs": self.starts,
            "guard_bypassed": self.alone,
            "runs_started": self.started,
            "start_run_ends": dict(sorted(self.ends.items())),
            "rival_runs": self.rival_runs,
            "rows_moved": self.rows_moved,
            "run_faults": dict(sorted(self.faults.items())),
            "mark_repairs": self.marks,
            "marked": self.marked,
            "mark_ends": dict(sorted(self.mark_ends.items())),
            **{kind.value: wrong[kind] for kind in Wrong},
            **{kind.value: self.apart[kind] for kind in Apart},
            "starts_stuck": len(self.stuck),
        }

    @property
    def is_wrong(self) -> bool:
        """True if anything was not as it must be."""
        return bool(self.problems or self.stuck)


def _end_of(one: Told) -> str:
    """How it ended; those that had not the profile's place were not begun."""
    if one.ended is not None:
        return one.ended.ending.value
    return "unended" if one.has_place else "had_not_its_place"


def some_of_each(videos: Sequence[Video]) -> list[Race]:
    """A race of each sort: somebody else's run at each time, two of ours, a row that moves, cuts and deaths."""
    to_come = iter(videos)
    return [
        *(Race(next(to_come), 2, moment=moment) for moment in (Moment.KILLED_AFTER, Moment.CUT_AFTER)),
        *(Race(next(to_come), 2, run=run, run_when=when) for run, when in zip(RUNS, When, strict=False)),
        Race(next(to_come), 3, apart=True),
        Race(next(to_come), 2, run=RUNS[0], run_when=When.AFTER_INSERT, taken=Taken.AT_ONCE),
        Race(next(to_come), 2, row=ROWS[1]),
        Race(next(to_come), 2, row=ROWS[4]),
    ]


def one_of_each(videos: Sequence[Video], left_out: str = "") -> list[Race]:
    """A race with every rival at every time, or with those that would show that something was ``left_out``."""
    races: list[Race] = []
    to_come = iter(videos)
    for when in When:
        races += [Race(next(to_come), 2, run=run, run_when=when) for run in RUNS[:: 1 if when is When.BEFORE else 4]]
    races += [Race(next(to_come), 3, apart=apart, abreast=True) for apart in (True, False)]
    races += [Race(next(to_come), 2, run=RUNS[0], run_when=When.AFTER_INSERT, taken=taken) for taken in Taken]
    races += [Race(next(to_come), 2, row=row) for row in ROWS]
    races += [Race(next(to_come), 2, row=ROWS[1], row_before_plan=True), Race(next(to_come), 2, new_file=True)]
    races += [Race(next(to_come), 2, moment=moment) for moment in Moment if moment is not Moment.SERVER_KILLED]
    shows: dict[str, list[Race]] = {
        "look_after_creation": [one for one in races if one.run is not None and one.run_when is When.AFTER_INSERT],
        "key_and_look_after_creation": [one for one in races if one.abreast],
        "leaves_what_is_taken": [one for one in races if one.taken is not None],
        "waits": [one for one in races if one.row_before_plan],
        "same_source": [one for one in races if one.new_file],
    }
    if not left_out:
        return races
    return shows.get(left_out) or [one for one in races if one.row is not None and one.row.guard == left_out]
