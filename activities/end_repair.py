"""End a repair: count how its changes ended, and give the place of the profile's repair free."""

from typing import Literal, NotRequired, TypedDict

import azure.durable_functions as df

from activities.repairing import RepairJob, RepairRequest, repairing
from activities.settling import settled_ledger
from activities.step import Refusal, run_body
from adapters.redaction import redacted
from adapters.services import Services
from adapters.telemetry import event
from reconciliation.errors import UnreadableError
from reconciliation.ledger import Counts
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import RepairPlan
from reconciliation.repair_record import Decision, RepairRecord

bp = df.Blueprint()

_BY_ITS_CHANGES = frozenset({RepairState.APPLIED, RepairState.PARTLY_APPLIED, RepairState.FAILED})
"""What it is called by how its changes ended, and not by what ended it."""


class EndRepairRequest(RepairRequest):
    """``state`` is what it ends as, ``looks`` the numbers of the looks after the changes, ``error`` what went wrong."""

    state: str
    looks: list[int]
    error: NotRequired[str]


class EndRepairResult(TypedDict):
    """``notify``: a notice is to be sent."""

    ok: Literal[True]
    state: str
    notify: bool


async def end(request: EndRepairRequest, services: Services) -> EndRepairResult:
    """End it, once its ledger says of every change that was begun how it ended. What was applied and is not what it
    should be makes it *partly applied*. Idempotent. One that is to end as *rejected* is not touched if somebody has
    approved it.

    Raises an ``AuditError`` as long as the database cannot be asked what became of a change.
    """
    job = await repairing(request, services, ended_too=True)
    repairs, moved = services.store.repairs, job.record
    if not moved.state.has_ended:
        state, error = RepairState(request["state"]), request.get("error")
        if state is RepairState.REJECTED and not await _rejected(job, error):
            return {"ok": True, "state": moved.state.value, "notify": False}
        moved = await _ended(job, state, request["looks"], error)
        event(f"repair.{moved.state}", repair_id=moved.repair_id, profile=moved.profile, **moved.counts)
    if moved.undoes is not None and moved.state is RepairState.APPLIED:
        undone = await repairs.record(moved.profile, moved.undoes)
        whole = moved.counts.get("done", 0)
        if undone is not None and whole == undone.counts.get("done", 0) + undone.counts.get("unknown", 0):
            await repairs.move(undone, RepairState.UNDONE, services.now())
            event("repair.undone", repair_id=moved.undoes, profile=moved.profile, undone_by=moved.repair_id)
    active = await repairs.active(moved.profile)
    if active is not None and active.repair_id == moved.repair_id:
        await repairs.release(active, moved.profile)
    await repairs.forget_looks(moved)
    return {"ok": True, "state": moved.state.value, "notify": services.settings.notifies_of("repairs")}


async def _rejected(job: RepairJob, error: str | None) -> bool:
    """Decide against a plan for whoever proposed it; False if somebody has approved it, and has it applied."""
    record = job.record
    if record.digest is None:
        return True
    why = redacted(error or "")
    against = Decision(approves=False, digest=record.digest, person=record.proposer, reason=why, at=job.services.now())
    return not (await job.services.store.repairs.decide(record, against)).approves


async def _ended(job: RepairJob, state: RepairState, looks: list[int], error: str | None) -> RepairRecord:
    repairs, stored = job.services.store.repairs, await _plan_of(job)
    counts: dict[str, int] = {}
    verified = {"looked_at": 0, "as_expected": 0}
    if stored is not None:
        of = Counts.of(stored, await settled_ledger(job, stored))
        counts = of._asdict()
        found = [one for look in looks for one in await repairs.verified(job.record, look) or []]
        for number in {one["number"] for one in found}:
            verified["looked_at"] += 1
            verified["as_expected"] += all(one["as_expected"] for one in found if one["number"] == number)
        whole = verified["as_expected"] == of.done and not of.open
        if state in _BY_ITS_CHANGES and (of.done or of.unknown):
            state = of.outcome(as_expected=whole)
    why = None if error is None else redacted(error)
    return await job.moved(state, job.services.now(), counts=counts, verified=verified, error=why, until=None)


async def _plan_of(job: RepairJob) -> RepairPlan | None:
    """The plan; None if there is none, or if it cannot be read any more: then nothing is counted."""
    try:
        stored = await job.services.store.repairs.plan(job.record)
    except UnreadableError:
        return None
    return None if stored is None else stored.plan


@bp.activity_trigger(input_name="request")
async def end_repair(request: EndRepairRequest) -> EndRepairResult | Refusal:
    return await run_body(end, request)
