"""One audit under faults, from its start to an end that is judged."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from dev.chaos.judging import Conduct, Problem, Truth, Wrong, judge_end
from dev.chaos.lane import Lane
from dev.chaos.storage import Conditions

DEADLINE_SECONDS = 150.0
POLL_SECONDS = 0.15
LATEST_MOMENT_SECONDS = 2.5
RESUMES_IN_BAD_WEATHER = 2
# One audit in so many has blobs from the future, and as many a storage whose clock is off; one in two is told no lie.
ONE_IN = 3
# Some that may be, by AUDIT_CLOCK_TOLERANCE_MINUTES, and some that may not.
MINUTES_AHEAD = (-40, -17, -2, 2, 17, 40)
TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Plan:
    """What is to happen to one audit: moments are seconds after its start."""

    rate: float
    kills: tuple[float, ...] = ()
    crashes: tuple[tuple[float, bool], ...] = ()
    conditions: Conditions = field(default_factory=Conditions)
    sql_fault: tuple[float, float] | None = None


@dataclass
class AuditEnd:
    """How one audit ended, and what is wrong with that."""

    audit_id: str = ""
    state: str = "stuck"
    error: str | None = None
    seconds: float = 0.0
    kills: int = 0
    crashes: int = 0
    resumes: int = 0
    problems: list[Problem] = field(default_factory=list)
    stuck: str | None = None
    bad_responses: list[str] = field(default_factory=list)


def draw_plan(chance: random.Random, truth: Truth, *, rate: float | None, kills: int, crashes: int) -> Plan:
    """A plan with so many kills and crashes; the rate is drawn between 1 and 30 percent unless it is given."""
    rate = chance.uniform(0.01, 0.30) if rate is None else rate

    def moment() -> float:
        return chance.uniform(0.05, LATEST_MOMENT_SECONDS)

    closed = chance.sample(sorted(truth.containers), chance.randint(1, 3)) if chance.random() < rate else []
    sql_fault = (moment() / 2, moment()) if chance.random() < rate else None
    return Plan(
        rate,
        kills=tuple(sorted(moment() for _ in range(kills))),
        crashes=tuple(sorted((moment(), chance.random() < 0.25) for _ in range(crashes))),  # noqa: PLR2004 - a quarter
        conditions=Conditions(
            frozenset(truth.containers),
            frozenset(closed),
            _blobs_of_the_future(chance, truth) if chance.random() < 1 / ONE_IN else {},
            timedelta(minutes=chance.choice(MINUTES_AHEAD) if chance.random() < 1 / ONE_IN else 0),
            truthful=chance.random() < 1 / 2,
        ),
        sql_fault=sql_fault,
    )


def _blobs_of_the_future(chance: random.Random, truth: Truth) -> dict[str, frozenset[str]]:
    """Some blobs, or all, of one container in four."""
    holding = [name for name, blobs in sorted(truth.containers.items()) if blobs]
    chosen = chance.sample(holding, len(holding) // 4)
    return {
        name: frozenset(chance.sample(blobs, chance.randint(1, len(blobs))))
        for name in chosen
        for blobs in [sorted(truth.containers[name])]
    }


class Campaigner:
    """Runs one audit in a lane."""

    def __init__(self, lane: Lane, truth: Truth, plan: Plan) -> None:
        self._lane = lane
        self._truth = truth
        self._plan = plan
        self._end = AuditEnd()
        self._begun = time.monotonic()
        self._events: list[tuple[float, Callable[[], None]]] = []

    def run(self) -> AuditEnd:
        """Start it, disturb it, bring it to an end, judge it."""
        lane, plan, end = self._lane, self._plan, self._end
        lane.begin(plan.rate, plan.conditions)
        self._events = [(at, self._kill) for at in plan.kills]
        self._events += [(at, partial(self._crash, at_orchestrator=late)) for at, late in plan.crashes]
        if plan.sql_fault is not None:
            self._events.append((plan.sql_fault[0], lane.begin_sql_fault))
            self._events.append((sum(plan.sql_fault), lane.end_sql_fault))
        self._events.sort(key=lambda event: event[0], reverse=True)
        try:
            self._until_ended()
        finally:
            end.seconds = time.monotonic() - self._begun
            lane.calm()
        if end.state == "stuck":
            end.stuck = end.stuck or f"no end within {DEADLINE_SECONDS:g} s"
            self._ask("POST", f"/audits/{end.audit_id}/cancel")
        return end

    # --- the way to an end ----------------------------------------------------------------------------------------

    def _until_ended(self) -> None:
        end = self._end
        while time.monotonic() < self._begun + DEADLINE_SECONDS:
            self._disturb()
            if not end.audit_id:
                self._start()
            elif self._look():
                return
            time.sleep(POLL_SECONDS)

    def _start(self) -> None:
        status, document = self._ask("POST", "/audits")
        # A 409 names the audit whose start was answered to nobody.
        end_id = document.get("id") if status == HTTPStatus.ACCEPTED else document.get("active_id")
        if end_id:
            self._end.audit_id = str(end_id)

    def _look(self) -> bool:
        """True when the audit has ended for good."""
        end = self._end
        status, view = self._ask("GET", f"/audits/{end.audit_id}")
        if status == HTTPStatus.NOT_FOUND:
            end.audit_id = ""  # its start died between the guard and the record
        if status != HTTPStatus.OK:
            return False
        state, end.error = view["state"], view["error"]
        if state in {"completed", "incomplete"}:
            return self._judged(state)
        if state in {"failed", "interrupted"}:
            return self._resumed(state)
        return state == "cancelled" and self._judged(state)

    def _resumed(self, state: str) -> bool:
        end = self._end
        if end.resumes >= RESUMES_IN_BAD_WEATHER:
            self._lane.calm()
        status, _ = self._ask("POST", f"/audits/{end.audit_id}/resume")
        if status == HTTPStatus.ACCEPTED:
            end.resumes += 1
            # A crash may still wait for the next call of the orchestrator, and costs one more in any weather.
            if end.resumes > RESUMES_IN_BAD_WEATHER + 1 + end.crashes:
                end.stuck = f"{state} again after {end.resumes} resumes, the last in calm weather: {end.error}"
                return True
        elif status == HTTPStatus.NOT_FOUND:  # the app does not know how to resume
            if state == "interrupted":
                self._ask("POST", f"/audits/{end.audit_id}/cancel")
                return False
            return self._judged(state)
        return False

    def _judged(self, state: str) -> bool:
        end, report = self._end, None
        source, conditions = self._lane.proxies.source, self._plan.conditions
        conduct = Conduct(
            frozenset(source.delivered),
            frozenset(source.lied_about),
            frozenset(conditions.future),
            abs(conditions.clock_ahead) > TOLERANCE,
        )
        if state in {"completed", "incomplete"}:
            status, report = self._ask("GET", f"/audits/{end.audit_id}/report")
            if status != HTTPStatus.OK:
                return False
        end.state = state
        end.problems = judge_end(self._truth, state, report, end.error, conduct)
        if end.crashes + end.kills == 0 and not end.resumes and conditions.closed and state == "completed":
            end.problems.append(Problem(Wrong.GAP, "completed with closed containers"))
        return True

    # --- disturbances -----------------------------------------------------------------------------------------------

    def _disturb(self) -> None:
        while self._events and self._events[-1][0] <= time.monotonic() - self._begun:
            self._events.pop()[1]()

    def _kill(self) -> None:
        self._end.kills += 1
        self._lane.host.kill()

    def _crash(self, *, at_orchestrator: bool) -> None:
        self._end.crashes += 1
        self._lane.host.crash_worker(at_orchestrator=at_orchestrator)

    def _ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Status and document of a response; 0 and ``{}`` when there was none."""
        response = self._lane.host.request(method, path)
        if response is None:
            return 0, {}
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            said = response.headers.get("content-type", "").startswith("application/problem+json")
            explained = said and response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            if not explained and not self._lane.host.recently_disturbed:
                self._end.bad_responses.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
            return response.status_code, {}
        document: dict[str, Any] = response.json() if response.content else {}
        return response.status_code, document
