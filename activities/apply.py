"""Apply the changes of an approved plan, one after another, with the ledger as the checkpoint."""

from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Literal, NamedTuple, TypedDict

import azure.durable_functions as df

from activities.repairing import (
    LookRequest,
    Reader,
    RepairJob,
    changes_of,
    closed_hours_of,
    judged_now,
    other_database,
    repairing,
)
from activities.settling import end, find_out, settled_ledger
from activities.step import Refusal, run_body
from adapters.appliers import UncertainError
from adapters.services import Services
from adapters.store.repairs import StoredPlan
from reconciliation.closed_hours import ClosedHours, closes_at, opens_at
from reconciliation.effects import Effect, Ended, Ending, GuardedCalls, GuardedCopy, GuardedRemoval, Once, Statement
from reconciliation.errors import AuditError, RepairRefusedError
from reconciliation.ledger import Counts, Intended, Ledger
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, PlannedChange
from reconciliation.repair_record import Decision
from reconciliation.times import to_text

bp = df.Blueprint()

WORK_SECONDS = 600.0
"""As long as one activity applies changes; the next one goes on by a look of its own."""
OLDEST_LOOK = timedelta(minutes=20)
"""A look that is older is taken again: what a worker finds when it comes late is not what is."""
LEAST_TIME = timedelta(seconds=10)
"""A change is not begun this shortly before closed hours."""


class ApplyResult(TypedDict):
    """``then``: *look* again and go on (at ``until``, if that is given), or *verify* what was done, and end as
    ``state``, if that is given.
    """

    ok: Literal[True]
    then: Literal["look", "verify"]
    until: str | None
    state: str | None


class Stop(NamedTuple):
    """Why no further change is made now: the repair goes on at ``until``, or right away with a new look, or ends as
    ``state``.
    """

    state: RepairState | None = None
    until: datetime | None = None


async def apply_changes(request: LookRequest, services: Services) -> ApplyResult:
    """Apply what has not ended yet, for ``WORK_SECONDS`` at most.

    Raises ``RepairRefusedError`` if the plan is not the one that was approved, or is of another environment or
    database; nothing more is changed then.
    """
    job = await repairing(request, services)
    stop = await _Work(job, *await _approved(job)).run(request["look"])
    until = None if stop.until is None else to_text(stop.until)
    if stop.state is None:
        return {"ok": True, "then": "look", "until": until, "state": None}
    return {"ok": True, "then": "verify", "until": None, "state": stop.state.value}


async def _approved(job: RepairJob) -> tuple[StoredPlan, Decision]:
    """The plan and its approval, of the same bytes. Raises ``RepairRefusedError`` if that is not so."""
    repairs, repair_id = job.services.store.repairs, job.record.repair_id
    stored, decision = await repairs.plan(job.record), await repairs.decision(job.record)
    if stored is None or decision is None or not decision.approves:
        raise RepairRefusedError(f"Repair {repair_id} has no approval.")
    if decision.digest != stored.digest:
        raise RepairRefusedError(f"The plan of repair {repair_id} is not the one that was approved.")
    return stored, decision


class _Later(Exception):  # noqa: N818 - it is no error
    """The next change must wait until a moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class _Work:
    """One activity's share of a repair."""

    def __init__(self, job: RepairJob, stored: StoredPlan, decision: Decision) -> None:
        self._job, self._services, self._repairs = job, job.services, job.services.store.repairs
        self._plan, self._decision = stored.plan, decision
        self._begun = job.services.now()

    async def run(self, look: int) -> Stop:
        await self._same_environment()
        ledger = await settled_ledger(self._job, self._plan)
        if (stop := await self._stands_against(ledger) or await self._while_closed()) is not None:
            return stop
        reader = None
        if self._plan.undoes is None:
            subjects = [one.subject for one in self._plan.changes if ledger.change(one) is None]
            now = await judged_now(self._job, look, subjects)
            if self._services.now() - now.taken_at > OLDEST_LOOK:
                return Stop()
            reader = Reader(self._job, now)
            await reader.read_rows(subjects)
        await self._job.moved(RepairState.APPLYING, self._services.now())
        for one in self._plan.changes:
            # Another delivery of this step may be at work: what it has written of this change is read again.
            ledger = await self._read_again(ledger, one)
            if ledger.change(one) is not None:
                continue
            if (stop := await self._stands_against(ledger)) is not None:
                return stop
            if (self._services.now() - self._begun).total_seconds() > WORK_SECONDS:
                return Stop()
            await _approved(self._job)
            try:
                await self._change(one, reader)
            except _Later as later:
                return self._deferred(later.until)
            ledger = await self._read_again(ledger, one)
        return await self._stands_against(ledger) or Stop()

    async def _read_again(self, ledger: Ledger, one: PlannedChange) -> Ledger:
        for name in one.effect_names:
            ledger = ledger.with_entries(name, await self._repairs.entries(self._job.record, name))
        return ledger

    async def _same_environment(self) -> None:
        services, plan = self._services, self._plan
        if services.audited(self._job.profile).to_json() != plan.audited:
            raise RepairRefusedError("The plan is of another environment than this app's. Propose it here.")
        if (why := await other_database(self._job, plan)) is not None:
            raise RepairRefusedError(why)

    async def _stands_against(self, ledger: Ledger) -> Stop | None:
        """What keeps the next change from being made now, if anything does.

        Raises ``RepairRefusedError`` if the repair has ended, or has not its profile's place any more: somebody took
        this worker for dead.
        """
        services, settings = self._services, self._services.settings
        counts = Counts.of(self._plan, ledger)
        if not counts.open:
            return Stop(counts.outcome())
        record = await self._repairs.record(self._job.record.profile, self._job.record.repair_id)
        active = await self._repairs.active(self._job.record.profile)
        if record is None or record.state.has_ended or active is None or active.repair_id != record.repair_id:
            raise RepairRefusedError("It has ended, or another repair has taken its place. Nothing more is changed.")
        policy = record.policy if self._decision.person == record.proposer else None
        if policy is not None and not settings.still_approves(record.profile, policy):
            return Stop(RepairState.STOPPED)
        if await self._repairs.is_to_stop(record) or self._refusals(ledger) >= settings.repair_max_refusals:
            return Stop(RepairState.STOPPED)
        return Stop(RepairState.EXPIRED) if services.now() > self._last_begin else None

    def _refusals(self, ledger: Ledger) -> int:
        """How many changes were not made, without those that somebody else was faster with where that is usual."""
        ended = [(self._job.profile.repair(one.repair), ledger.change(one)) for one in self._plan.changes]
        return sum(
            one is not None
            and not one.ending.is_applied
            and not (one.ending is Ending.SOMEONE_ELSE_MOVED and repair.has_rivals)
            for repair, one in ended
        )

    @property
    def _last_begin(self) -> datetime:
        """Nothing begins later."""
        return self._decision.at + timedelta(hours=self._services.settings.repair_start_hours)

    async def _while_closed(self) -> Stop | None:
        first = self._plan.changes[0]
        statement = self._job.profile.repair(first.repair).statement(first.change.do[0].statement)
        clock = await changes_of(self._job, first.repair, statement).clock()
        opens = opens_at(self._closed(), clock)
        return None if opens is None else self._deferred(opens)

    def _deferred(self, until: datetime) -> Stop:
        return Stop(RepairState.EXPIRED) if until > self._last_begin else Stop(until=until)

    def _closed(self) -> tuple[ClosedHours, ...]:
        names = dict.fromkeys(one.repair for one in self._plan.changes)
        return closed_hours_of(self._job, map(self._job.profile.repair, names))

    # --- one change ---------------------------------------------------------------------------------------------------

    async def _change(self, one: PlannedChange, reader: Reader | None) -> None:
        refused = None
        if reader is not None:
            refused = _not_as_planned(one, await reader.change(one.number, one.subject))
        for effect, named in zip(one.change.do, one.once(self._job.record.repair_id), strict=True):
            ended = await self._effect(one, effect, named, refused)
            if not ended.ending.is_applied:
                return

    async def _effect(self, one: PlannedChange, effect: Effect, once: Once, refused: Ended | None) -> Ended:
        """Apply one effect, or write why it is not applied; unless somebody has begun it already: then find out what
        became of it.
        """
        statement = self._job.profile.repair(one.repair).statement(effect.statement)
        changes = changes_of(self._job, one.repair, statement)
        clock = await changes.clock()
        seconds = self._seconds_for(statement)
        deadline = clock + timedelta(seconds=seconds)
        intended = Intended(self._decision.digest, clock, self._before_closing(clock, deadline), token_hex(8))
        intended, is_ours = await self._repairs.intend(self._job.record, once.name, intended)
        if not is_ours:
            return await find_out(self._job, one, effect, once, intended.deadline)
        if refused is not None:
            return await end(self._job, one, once, refused)
        try:
            ended = await changes.apply(statement, effect, once, intended.deadline)
        except UncertainError as error:
            return await find_out(self._job, one, effect, once, intended.deadline, why=str(error))
        except AuditError as error:
            ended = Ended(Ending.FAILED, f"{error} Nothing was changed.")
        if ended.ending is Ending.ALREADY_DONE and not ended.left:
            ended = replace(ended, left=await changes.left(statement, effect, once, intended.deadline))
        return await end(self._job, one, once, ended)

    def _seconds_for(self, statement: Statement) -> int:
        seconds = self._services.settings.repair_deadline_seconds
        if isinstance(statement, GuardedCopy | GuardedRemoval):  # gigabytes take as long as they take
            return statement.most_seconds
        return min(seconds, statement.most_seconds) if isinstance(statement, GuardedCalls) else seconds

    def _before_closing(self, clock: datetime, deadline: datetime) -> datetime:
        """The deadline of a change that begins now. Raises ``_Later`` if there is no time before the hours close."""
        closed = self._closed()
        if (opens := opens_at(closed, clock)) is not None:
            raise _Later(opens)
        closes = closes_at(closed, clock)
        if closes is not None and closes - clock < LEAST_TIME:
            raise _Later(opens_at(closed, closes) or closes)
        return deadline if closes is None else min(deadline, closes)


def _not_as_planned(planned: PlannedChange, fresh: PlannedChange | LeftOut) -> Ended | None:
    if isinstance(fresh, LeftOut):
        if fresh.for_now:
            return Ended(Ending.REFUSED, f"It could not be read as it is now: {fresh.why}")
        return Ended(Ending.SOMEONE_ELSE_MOVED, f"Not as planned any more: {fresh.why}")
    if differs := planned.differs_from(fresh):
        return Ended(Ending.SOMEONE_ELSE_MOVED, f"Not as planned any more: {', '.join(differs)}.")
    return None


@bp.activity_trigger(input_name="request")
async def apply(request: LookRequest) -> ApplyResult | Refusal:
    return await run_body(apply_changes, request)
