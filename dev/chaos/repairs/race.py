"""What is to happen in a race, drawn; and what came out of all of them."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dev.chaos.repairs.gate import Moment
from dev.chaos.repairs.judging import Problem, Told, Wrong
from dev.chaos.repairs.rivals import HOLDS_ON, RIVALS, Rival, Stands
from dev.chaos.repairs.world import Session
from profiles.pre_capture_sessions.statements import REGISTER_RECORDING
from reconciliation.effects import Ending

# A death between commit and ledger is what a ledger is for: it is drawn as often as all else together.
_MOMENTS = (*Moment, *[Moment.KILLED_AFTER_COMMIT] * (len(Moment) - 2))
_MEANS = {guard.name: guard.means for guard in REGISTER_RECORDING.guards}


@dataclass(frozen=True)
class Race:
    """Repairs of one session at once, and what is done to them.

    ``before``: the rival has committed before the plan was made; else it ``commits`` while they wait, or takes back
    what it wrote. ``duplicate``: each is delivered twice. ``unapproved``: one of them is applied without an approval.
    ``other_container``: one of them is for another container than the rest. ``one_store``: they are in one run store,
    in which one of them alone has its profile's place.
    """

    session: Session
    rival: Rival | None = None
    before: bool = False
    commits: bool = True
    moment: Moment | None = None
    duplicate: bool = False
    unapproved: bool = False
    other_container: bool = False
    one_store: bool = False


def draw_race(chance: random.Random, session: Session) -> Race:
    """Of ten races, six have a rival that commits, some a rival that does not, and three none: they are disturbed."""
    drawn = chance.random()
    if drawn < 0.65:  # noqa: PLR2004 - as above
        rival = chance.choice(RIVALS)
        before = rival.before and chance.random() < 0.4  # noqa: PLR2004 - most are to be met while a change waits
        return Race(session, rival, before=before, duplicate=chance.random() < 0.3)  # noqa: PLR2004
    if drawn < 0.7:  # noqa: PLR2004
        return Race(session, HOLDS_ON if chance.random() < 0.5 else chance.choice(RIVALS), commits=False)  # noqa: PLR2004
    return Race(
        session,
        moment=chance.choice((*_MOMENTS, None)),
        duplicate=chance.random() < 0.3,  # noqa: PLR2004
        unapproved=chance.random() < 0.15,  # noqa: PLR2004
        other_container=chance.random() < 0.5,  # noqa: PLR2004
    )


def draw_races(chance: random.Random, sessions: Sequence[Session], races: int, in_one_store: int = 0) -> list[Race]:
    """So many races, for each session in turn; some of them in one run store."""
    drawn = [draw_race(chance, sessions[number % len(sessions)]) for number in range(races)]
    return [replace(race, one_store=number < in_one_store) for number, race in enumerate(drawn)]


def one_of_each(sessions: Sequence[Session], guard: str = "") -> list[Race]:
    """A race with each rival that breaks a guard, or with every one there is, at each time; and one without a rival."""
    rivals = [rival for rival in (*RIVALS, HOLDS_ON) if guard in {"", rival.guard}]
    times = [(rival, before) for rival in rivals for before in (False, True) if rival.before or not before]
    races = [Race(session, rival, before=before) for session, (rival, before) in zip(sessions, times, strict=False)]
    return [*races, Race(sessions[-1], other_container=True)]


def broken_by(race: Race, stands: Stands | None) -> tuple[str, ...]:
    """What an ending must say if the rival was there first, one of these; nothing if it was not."""
    if race.rival is None or stands is not Stands.COMMITTED:
        return ()
    means = _MEANS.get(race.rival.guard, race.rival.guard)
    # Where it had committed before, the guard sees it.
    return (means,) if race.rival.or_told is None or race.before else (means, race.rival.or_told)


@dataclass
class Results:
    """What came out of races so far."""

    repairs: int = 0
    applied: int = 0
    refused_in_statement: int = 0
    unknown: int = 0
    rival_writes: int = 0
    disturbed: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stick(self, what: str) -> None:
        """Note a repair that did not end."""
        self.stuck.append(what)
        print(f"! stuck: {what}", flush=True)

    def crash(self, what: str) -> None:
        """Note what nothing explains."""
        self.crashes.append(what)
        print(f"! {what}", flush=True)

    def add(self, told: Sequence[Told], stands: Stands | None, problems: Sequence[Problem]) -> None:
        """Add one race; ``told`` are its repairs."""
        with self.lock:
            self.repairs += len(told)
            self.applied += sum(one.is_applied for one in told)
            self.refused_in_statement += sum(one.is_refused_in_statement for one in told)
            self.unknown += sum(one.ended is not None and one.ended.ending is Ending.UNKNOWN for one in told)
            self.rival_writes += stands in {Stands.COMMITTED, Stands.LATE}
            self.problems += problems
        for problem in problems:
            print(f"! {problem.kind}: {problem.text}", flush=True)

    @property
    def too_few(self) -> list[str]:
        """What a whole campaign must have tried, and has not."""
        tried = {
            "applied": (self.applied, 100),
            "refused_in_statement": (self.refused_in_statement, 100),
            "rival_writes": (self.rival_writes, 300),
            Moment.KILLED_AFTER_COMMIT.value: (self.disturbed[Moment.KILLED_AFTER_COMMIT.value], 30),
        }
        return [name for name, (number, least) in tried.items() if number < least]

    def summary(self) -> dict[str, object]:
        """The numbers of the last line."""
        wrong = Counter(problem.kind for problem in self.problems)
        return {
            "repairs": self.repairs,
            "applied": self.applied,
            "refused_in_statement": self.refused_in_statement,
            "unknown": self.unknown,
            "rival_writes": self.rival_writes,
            Moment.KILLED_AFTER_COMMIT.value: self.disturbed[Moment.KILLED_AFTER_COMMIT.value],
            "disturbed": dict(sorted(self.disturbed.items())),
            **{kind.value: wrong[kind] for kind in Wrong},
            "repairs_stuck": len(self.stuck),
            "repair_crashes": len(self.crashes),
        }

    @property
    def is_wrong(self) -> bool:
        """True if anything was not as it must be."""
        return bool(self.problems or self.stuck or self.crashes)
