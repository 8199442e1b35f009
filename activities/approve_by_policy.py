"""Approve a plan by the profile's policy, or reject it: the limits are counted while it holds the profile's place."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypedDict

import azure.durable_functions as df

from activities.by_policy import Made, brake, lately_made
from activities.repairing import RepairJob, RepairRequest, repairing
from activities.step import Refusal, run_body
from adapters.services import Services
from adapters.store.repairs import StoredPlan
from adapters.telemetry import event
from reconciliation.effects import code_of
from reconciliation.errors import RepairRefusedError
from reconciliation.policy import HOUR, Policy, bytes_within_hour, within_hour
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import RepairPlan
from reconciliation.repair_record import Decision, RepairRecord

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.policy")

_PAUSES = "The policy pauses itself: "


class ApproveByPolicyResult(TypedDict):
    """``notify``: a notice is to be sent. ``second_look_seconds``: as the orchestration of a repair is given them."""

    ok: Literal[True]
    approved: bool
    notify: bool
    second_look_seconds: int


class _Against(NamedTuple):
    """Why a plan is not approved; ``pauses``: the policy does nothing more until a person lets it go on."""

    why: str
    pauses: bool = False


async def decide_by_policy(request: RepairRequest, services: Services) -> ApproveByPolicyResult:
    """Decide about a plan that rests on a policy; a decision that is there is kept.

    Raises ``RepairRefusedError`` for a plan that a person proposed, and an ``AuditError`` as long as what decides
    cannot be read: then nothing is approved.
    """
    job = await repairing(request, services, ended_too=True)
    record, repairs = job.record, services.store.repairs
    if record.policy is None:
        raise RepairRefusedError(f"Repair {record.repair_id} was proposed by a person: a person must decide about it.")
    if record.state is not RepairState.PROPOSED:
        return await _decided_before(job)
    stored = await repairs.plan(record)
    if stored is None or stored.digest != record.digest:
        raise RepairRefusedError(f"The plan of repair {record.repair_id} is not the one that was proposed.")
    held = await repairs.take_place(record, services.now())
    if held is None or isinstance(held, RepairRecord):
        return await _rejected(job, await _decided(job, stored, _Against("Another repair of the profile is active.")))
    against = await _stands_against(job, stored)
    if against is not None and against.pauses:
        await _pause(job, against.why)
    decision = await _decided(job, stored, against)
    if not decision.approves:
        await repairs.release(held, record.profile)
        return await _rejected(job, decision, notify=against is not None and against.pauses)
    if decision.person != record.proposer:  # a person was faster, and has it applied
        return _result(services, approved=False)
    await job.moved(RepairState.APPROVED, services.now())
    event("repair.approved", repair_id=record.repair_id, profile=record.profile, by_policy=True)
    return _result(services, approved=True)


async def _decided_before(job: RepairJob) -> ApproveByPolicyResult:
    """The answer about a plan that is decided about: what a person has approved is applied by another orchestration.
    People are told of a pause again, since the first answer was then lost with its worker.
    """
    record, decision = job.record, await job.services.store.repairs.decision(job.record)
    if decision is None or decision.person != record.proposer:
        return _result(job.services, approved=False)
    paused = not decision.approves and decision.reason.startswith(_PAUSES)
    return _result(job.services, approved=record.state.may_change, notify=paused)


async def _stands_against(job: RepairJob, stored: StoredPlan) -> _Against | None:
    services, record = job.services, job.record
    assert record.policy is not None
    policy = services.settings.policy_of(record.profile)
    if policy is None or not services.settings.still_approves(record.profile, record.policy):
        return _Against("The policy is another one by now, or paused by a setting.")
    if services.now() - record.created_at > HOUR:
        return _Against("It was not decided about in time: what is there by now may be something else.")
    foreign = sorted({one.repair for one in stored.plan.changes} - set(policy.repairs))
    if foreign:
        return _Against(f"The policy does not approve {', '.join(foreign)}.")
    state = await services.store.policies.state(record.profile)
    if state.paused_at is not None:
        return _Against(state.why, pauses=True)
    made = await lately_made(services, record.profile)
    if (why := _too_much(policy, stored.plan, made, services.now())) is not None:
        return _Against(why)
    why = await brake(job, stored.plan, made, state)
    return None if why is None else _Against(why, pauses=True)


def _too_much(policy: Policy, plan: RepairPlan, made: Sequence[Made], now: datetime) -> str | None:
    """Why a plan is more than the policy approves after what it has ``made``; None if it is not."""
    recent, planned = within_hour((one.at for one in made), now), len(plan.changes)
    if planned > policy.most or recent + planned > policy.most_per_hour:
        return (
            f"{planned} changes, after {recent} within the last hour, are more than the policy approves: "
            f"{policy.most} by one audit, {policy.most_per_hour} within an hour."
        )
    copied = bytes_within_hour(((one.at, one.copies_bytes) for one in made), now)
    to_copy, most_bytes = sum(one.change.copies_bytes for one in plan.changes), policy.most_bytes or 0
    if to_copy and copied + to_copy > most_bytes:
        return (
            f"{to_copy:,} bytes to copy, after {copied:,} within the last hour, are more than the policy approves: "
            f"{most_bytes:,} within an hour."
        )
    return None


async def _pause(job: RepairJob, why: str) -> None:
    """Nothing, if it is paused already: by this step before it broke off, or by another repair."""
    policies, now = job.services.store.policies, job.services.now()
    if (await policies.state(job.record.profile)).paused_at is not None:
        return
    await policies.change(job.record.profile, lambda state: state.paused(why, now))
    event("policy.paused", profile=job.record.profile, repair_id=job.record.repair_id, reason=code_of(why))
    logger.warning("The policy of %s pauses itself: %s", job.record.profile, why)


async def _decided(job: RepairJob, stored: StoredPlan, against: _Against | None) -> Decision:
    record = job.record
    assert record.policy is not None
    reason = record.policy.text
    if against is not None:
        reason = f"{_PAUSES}{against.why}" if against.pauses else against.why
    mine = Decision(
        approves=against is None, digest=stored.digest, person=record.proposer, reason=reason, at=job.services.now()
    )
    return await job.services.store.repairs.decide(record, mine)


async def _rejected(job: RepairJob, decision: Decision, *, notify: bool = False) -> ApproveByPolicyResult:
    """The end of a plan that is not approved. One that somebody else has approved meanwhile is not touched."""
    if not decision.approves:
        await job.moved(RepairState.REJECTED, job.services.now(), error=decision.reason)
        event("repair.rejected", repair_id=job.record.repair_id, profile=job.record.profile, by_policy=True)
    return _result(job.services, approved=False, notify=notify)


def _result(services: Services, *, approved: bool, notify: bool = False) -> ApproveByPolicyResult:
    settings = services.settings
    return {
        "ok": True,
        "approved": approved,
        "notify": notify and settings.notifies_of("repairs"),
        "second_look_seconds": settings.repair_second_look_seconds,
    }


@bp.activity_trigger(input_name="request")
async def approve_by_policy(request: RepairRequest) -> ApproveByPolicyResult | Refusal:
    return await run_body(decide_by_policy, request)
