"""Make the plan of a repair, by what a look of its subjects has read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.repairing import (
    LookRequest,
    Reader,
    RepairJob,
    arrays,
    closed_hours_of,
    database_setting,
    identities,
    identity_of,
    judged_now,
    repairing,
)
from activities.step import Refusal, run_body
from adapters.release import commit
from adapters.services import Services
from adapters.telemetry import event
from reconciliation import VERSION
from reconciliation.closed_hours import closes_at, in_zones, opens_at
from reconciliation.effects import Effect
from reconciliation.errors import RunStoreError
from reconciliation.repair import Change
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, PlannedChange, RepairPlan
from reconciliation.selection import selected, selected_by_policy

bp = df.Blueprint()


class ProposeResult(TypedDict):
    """How many changes the plan has; ``notify``: a notice is to be sent."""

    ok: Literal[True]
    changes: int
    notify: bool


async def propose_changes(request: LookRequest, services: Services) -> ProposeResult:
    """Keep the plan and move the repair to *proposed*; a plan that is there is kept.

    Raises ``RunStoreError`` if the rows come from a replica, or if nothing is left to be changed.
    """
    job = await repairing(request, services)
    repairs = services.store.repairs
    stored = await repairs.plan(job.record)
    if stored is None:
        plan = await _plan(job, request["look"])
        await _leave_alone(job, plan)  # a plan that is kept does not tell what is left out only for now
        stored = await repairs.create_plan(job.record, plan)
    changes = len(stored.plan.changes)
    # A policy decides at once: nobody has to be told of its plan.
    notifies = job.record.policy is None and services.settings.notifies_of("repairs")
    if not changes:
        why = "; ".join(dict.fromkeys(one.why for one in stored.plan.left_out))
        await job.moved(RepairState.FAILED, services.now(), error=f"There is nothing to change: {why}")
        return {"ok": True, "changes": 0, "notify": notifies}
    moved = await job.moved(
        RepairState.PROPOSED,
        services.now(),
        digest=stored.digest,
        until=stored.plan.expires_at,
        counts={"planned": changes},
    )
    if moved.state is RepairState.PROPOSED:
        event("repair.proposed", repair_id=job.record.repair_id, profile=job.record.profile, changes=changes)
    return {"ok": True, "changes": changes, "notify": notifies}


async def _leave_alone(job: RepairJob, plan: RepairPlan) -> None:
    """What a policy could not plan a change of is not tried again with every audit; what had another verdict by then
    may be found again. Idempotent.
    """
    policy = job.services.settings.policy_of(plan.profile)
    mended = job.profile.mended_by(policy.repairs if policy else ())
    waits = [one.subject.id for one in plan.left_out if not one.for_now and one.verdict in mended]
    if plan.policy is not None and waits:
        since = plan.proposed_at
        await job.services.store.policies.change(plan.profile, lambda state: state.left_alone(waits, since))


async def _plan(job: RepairJob, look: int) -> RepairPlan:
    services, record, profile = job.services, job.record, job.profile
    setting = database_setting(profile)
    identity = await identity_of(services, setting)
    if identity.is_replica:
        raise RunStoreError(f"{setting} is a replica. What counts is what its primary holds: give the app the primary.")
    found = await _forward(job, look) if record.undoes is None else await _back(job, record.undoes)
    changes = [one for one in found if isinstance(one, PlannedChange)]
    left_out = [one for one in found if isinstance(one, LeftOut)]
    at = services.now()
    return RepairPlan(
        repair_id=record.repair_id,
        profile=record.profile,
        audit_id=record.audit_id,
        audited=services.audited(profile).to_json(),
        identities=identities({setting: identity}),
        release=f"{VERSION} ({commit() or 'no commit'})",
        proposer=record.proposer,
        undoes=record.undoes,
        policy=record.policy,
        proposed_at=at,
        expires_at=at + timedelta(hours=services.settings.repair_plan_hours),
        changes=changes,
        left_out=left_out,
        notes=_notes(job, changes, identity.clock),
        guards=_guards(job, changes),
    )


async def _forward(job: RepairJob, look: int) -> list[PlannedChange | LeftOut]:
    subjects = job.record.chosen.findings
    reader = Reader(job, await judged_now(job, look, subjects))
    await reader.read_rows(subjects)
    found = [await reader.change(number, subject) for number, subject in enumerate(subjects, 1)]
    if job.record.policy is None:
        return selected(found, job.record.chosen)
    policy = job.services.settings.policy_of(job.record.profile)
    return selected_by_policy(found, job.record.chosen, () if policy is None else policy.repairs)


async def _back(job: RepairJob, undoes: str) -> list[PlannedChange | LeftOut]:
    """What takes back the changes that an earlier repair has made: by what its ledger says that it left."""
    repairs = job.services.store.repairs
    earlier = await repairs.record(job.record.profile, undoes)
    stored = None if earlier is None else await repairs.plan(earlier)
    decision = None if earlier is None else await repairs.decision(earlier)
    if earlier is None or stored is None or decision is None or decision.digest != stored.digest:
        raise RunStoreError(f"The plan of repair {undoes} is not the one that was approved: undo it by hand.")
    ledger, use = await repairs.ledger(earlier), await _use(job, stored.plan)
    found: list[PlannedChange | LeftOut] = []
    for one in stored.plan.changes:
        ended, undo = ledger.change(one), one.change.undo
        if ended is None or not ended.ending.is_applied:
            found.append(LeftOut(one.subject, one.verdict, "It was not changed by that repair."))
        elif undo is None or not ended.left:
            found.append(LeftOut(one.subject, one.verdict, "There is no way back for it."))
        else:
            number = 1 + sum(isinstance(other, PlannedChange) for other in found)
            effect = Effect(undo.statement, {**undo.values, **ended.left})
            means = job.profile.repair(one.repair).statement(undo.statement).means
            shown = use.get((one.repair, one.subject.id), {})
            change = Change(says=f"Of {one.subject.id}: {means}.", seen=ended.left, do=(effect,), shown=shown)
            found.append(PlannedChange(number, one.subject, one.verdict, one.repair, change))
    return found


async def _use(job: RepairJob, plan: RepairPlan) -> dict[tuple[str, str], dict[str, Any]]:
    """How the subjects of a plan are used by now, by repair and subject."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in dict.fromkeys(one.repair for one in plan.changes):
        use = job.profile.repair(name).use
        if use is not None:
            ids = [one.subject.id for one in plan.changes if one.repair == name]
            found |= {(name, subject): shown async for subject, shown in arrays(job, use(ids))}
    return found


def _notes(job: RepairJob, changes: Sequence[PlannedChange], clock: datetime) -> list[str]:
    repairs = [job.profile.repair(name) for name in dict.fromkeys(one.repair for one in changes)]
    notes = []
    if closed := closed_hours_of(job, repairs):
        hours = ", ".join(map(str, closed))
        notes.append(f"Nothing is changed at {hours}. Where these jobs change a row first, the plan is void for it.")
    voiding = [one for repair in repairs for one in repair.closed if one.voids]
    void_at, until = closes_at(voiding, clock), opens_at(voiding, clock)
    if job.record.undoes is not None:
        return notes
    if until is not None:
        local = in_zones(until, repairs[0].zone)
        notes.append(f"It may be void already: {voiding[0].why} is at work until {local}. Propose it again then.")
    elif void_at is not None:
        local = in_zones(void_at, repairs[0].zone)
        notes.append(f"What is not applied by {local} is void by itself then: {voiding[0].why} changes these rows.")
    return notes


def _guards(job: RepairJob, changes: Sequence[PlannedChange]) -> dict[str, list[str]]:
    statements = {
        effect.statement: job.profile.repair(one.repair).statement(effect.statement)
        for one in changes
        for effect in one.change.do
    }
    return {name: [guard.means for guard in statement.guards] for name, statement in statements.items()}


@bp.activity_trigger(input_name="request")
async def propose(request: LookRequest) -> ProposeResult | Refusal:
    return await run_body(propose_changes, request)
