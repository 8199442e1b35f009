"""The life of repairs: propose, approve or reject, stop, take back, and look after those that broke off.

The order is what keeps them honest. An approval takes the profile's place first, then writes the decision, then starts
the work: whoever is lost between two of these leaves something that the watchdog finds and finishes, or frees.
"""

import logging
import secrets
from datetime import timedelta
from itertools import chain

from adapters.services import Services
from adapters.store.repairs import ActiveRepair, StoredPlan
from adapters.telemetry import event
from reconciliation.ledger import Counts
from reconciliation.people import Person, Sealed
from reconciliation.profile import Profile
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import Chosen, Decision, RepairRecord
from reconciliation.run_record import RunRecord, new_audit_id
from reconciliation.times import to_text
from runs.context import Context
from runs.refusals import ForbiddenError, RefusedError
from runs.state import START_GRACE, Orchestration

logger = logging.getLogger("capture_audit.repairs")

OLDEST_AUDIT = timedelta(days=7)
_MOST_RESUMES = 20
_LOOKS_OF_PROPOSAL = 1
_LOOKS_OF_ONE_TRY = 100
"""More than an orchestration takes: the looks of one that was lost are not taken for those of the next."""
_LONGEST_END = timedelta(hours=1)
"""What is begun in time has ended after this."""
_LOST = "Its approval broke off before it was kept. Propose it again."
_S = RepairState


async def propose(context: Context, audit: RunRecord, chosen: Chosen, person: Person) -> RepairRecord:
    """Begin a repair of findings of an audit: its plan is made by an orchestration.

    Raises ``RefusedError`` if the audit is too old or has no report.
    """
    services, now = context.services, context.services.now()
    if now - audit.created_at > OLDEST_AUDIT:
        raise RefusedError(
            f"Audit {audit.audit_id} is more than {OLDEST_AUDIT.days} days old. Audit again, and propose by that one.",
            state=audit.state.value,
        )
    if audit.summary is None or audit.is_of_old_layout:
        raise RefusedError(f"Audit {audit.audit_id} is {audit.state}: it has no report.", state=audit.state.value)
    profile = services.profile_of(audit)
    return await _begin(context, profile, audit.audit_id, chosen, person, undoes=None)


async def undo(context: Context, repair: RepairRecord, person: Person) -> RepairRecord:
    """Begin a repair that takes back what another one has done, with a plan and an approval of its own.

    Raises ``RefusedError`` if that one has not ended, has done nothing, or takes something back itself.
    """
    if not repair.state.has_ended or not repair.counts.get("done"):
        raise RefusedError(
            f"Repair {repair.repair_id} is {repair.state}: there is nothing to take back.", state=repair.state.value
        )
    if repair.undoes is not None:
        raise RefusedError(
            f"Repair {repair.repair_id} takes another one back. What it withdrew is found, and can be restored, by the "
            "next audit.",
            state=repair.state.value,
        )
    profile = context.services.settings.profiles[repair.profile]
    return await _begin(context, profile, repair.audit_id, repair.chosen, person, undoes=repair.repair_id)


async def _begin(
    context: Context, profile: Profile, audit_id: str, chosen: Chosen, person: Person, *, undoes: str | None
) -> RepairRecord:
    repairs, now = context.services.store.repairs, context.services.now()
    sealed = Sealed.of(person, secrets.token_hex(16))
    record = RepairRecord(
        new_audit_id(now, secrets.token_hex(4)),
        profile.name,
        audit_id,
        chosen,
        sealed.seal,
        _S.PROPOSING,
        created_at=now,
        updated_at=now,
        undoes=undoes,
    )
    await repairs.create(record)
    await repairs.seal(record, sealed)
    given = {"profile": profile.name, "repair_id": record.repair_id, "undoes": undoes}
    await context.client.start_new("proposal", instance_id=_proposal_id(record), client_input=given)
    return record


def _proposal_id(record: RepairRecord) -> str:
    return f"{record.repair_id}-proposal"


# --- a decision -------------------------------------------------------------------------------------------------------


async def approve(context: Context, record: RepairRecord, digest: str, person: Person, reason: str) -> RepairRecord:
    """Bind a person to exactly this plan, and start to apply it.

    Raises ``RefusedError`` if the plan is another one, has expired or was decided about, or if another repair of the
    profile is active; ``ForbiddenError`` if this person may not approve it.
    """
    stored = await _proposed(context, record, digest)
    await _may_approve(context, record, stored, person)
    _can_be_applied(context, record, stored)
    repairs, now = context.services.store.repairs, context.services.now()
    held = await _claim(context, record)
    seal = await _sealed(context, record, person)
    mine = Decision(approves=True, digest=digest, person=seal, reason=reason, at=now)
    decision = await repairs.decide(record, mine)
    if decision != mine:
        if not decision.approves:
            await repairs.release(held, record.profile)
        raise _decided(record, decision)
    return await start(context, record)


async def reject(context: Context, record: RepairRecord, digest: str, person: Person, reason: str) -> RepairRecord:
    """Decide against a plan. Raises as ``approve``, but anybody may."""
    await _proposed(context, record, digest)
    repairs, now = context.services.store.repairs, context.services.now()
    seal = await _sealed(context, record, person)
    mine = Decision(approves=False, digest=digest, person=seal, reason=reason, at=now)
    decision = await repairs.decide(record, mine)
    if decision.approves:
        raise _decided(record, decision)
    # Also after one that was lost behind its decision.
    rejected = await repairs.move(record, _S.REJECTED, now)
    event("repair.rejected", repair_id=record.repair_id, profile=record.profile)
    return rejected


async def _sealed(context: Context, record: RepairRecord, person: Person) -> str:
    """The seal of a person in a repair, which keeps who that is."""
    sealed = Sealed.of(person, secrets.token_hex(16))
    await context.services.store.repairs.seal(record, sealed)
    return sealed.seal


async def _proposed(context: Context, record: RepairRecord, digest: str) -> StoredPlan:
    repairs, now = context.services.store.repairs, context.services.now()
    if record.state is not _S.PROPOSED:
        raise RefusedError(
            f"Repair {record.repair_id} is {record.state}: there is no plan to decide about.", state=record.state.value
        )
    stored = await repairs.plan(record)
    if stored is None or digest != stored.digest or digest != record.digest:
        raise RefusedError(
            f"The digest is not that of the plan of repair {record.repair_id}. Read the plan again, and decide about "
            "what it says.",
            state=record.state.value,
        )
    if now > stored.plan.expires_at:
        await repairs.move(record, _S.EXPIRED, now)
        raise RefusedError(
            f"The plan of repair {record.repair_id} expired at {to_text(stored.plan.expires_at)}. Propose it again.",
            state=_S.EXPIRED.value,
        )
    return stored


async def _may_approve(context: Context, record: RepairRecord, stored: StoredPlan, person: Person) -> None:
    settings, profile = context.services.settings, context.services.settings.profiles[record.profile]
    proposer = await context.services.store.repairs.person(record, stored.plan.proposer)
    alone = {f"{profile.name}/{one.repair}" for one in stored.plan.changes} <= set(settings.repair_one_person)
    needs_two = any(profile.repair(one.repair).two_persons for one in stored.plan.changes) and not alone
    if needs_two and (proposer is None or proposer.is_of(person)):
        raise ForbiddenError("Whoever proposed a repair cannot approve it: somebody else must.")


def _can_be_applied(context: Context, record: RepairRecord, stored: StoredPlan) -> None:
    profile, services = context.services.settings.profiles[record.profile], context.services
    needed = [profile.repair(one.repair).settings_of(one.change.do) for one in stored.plan.changes]
    for setting in dict.fromkeys(chain.from_iterable(needed)):
        if setting not in services.settings.connections:
            raise RefusedError(
                f"{setting} is not set: a plan can be made, and nothing is applied. See 'Repair' in the operations "
                "guide.",
                state=record.state.value,
            )


def _decided(record: RepairRecord, decision: Decision) -> RefusedError:
    words = "approved" if decision.approves else "rejected"
    return RefusedError(f"Repair {record.repair_id} was {words} in the meantime.", state=words)


# --- the work ---------------------------------------------------------------------------------------------------------


async def start(context: Context, record: RepairRecord) -> RepairRecord:
    """Start to apply an approved repair, or go on with it; what its ledger holds is kept."""
    repairs, now = context.services.store.repairs, context.services.now()
    moved = await repairs.move(record, _S.APPROVED, now) if record.state is _S.PROPOSED else record
    if not moved.state.may_change:
        raise RefusedError(f"Repair {record.repair_id} is {moved.state} in the meantime.", state=moved.state.value)
    if (await context.orchestration(record.repair_id)).is_open:
        return moved  # somebody was faster
    given = {
        "profile": record.profile,
        "repair_id": record.repair_id,
        "looks": _LOOKS_OF_PROPOSAL + _LOOKS_OF_ONE_TRY * record.resumes,
        "undoes": record.undoes,
        "second_look_seconds": context.services.settings.repair_second_look_seconds,
        "notify": record.state is _S.PROPOSED and context.services.settings.notifies_of("repairs"),
    }
    await context.client.start_new("repair", instance_id=record.repair_id, client_input=given)
    if record.state is _S.PROPOSED:
        event("repair.approved", repair_id=record.repair_id, profile=record.profile)
    return moved


async def stop(context: Context, record: RepairRecord, person: Person) -> RepairRecord:
    """Ask a repair to stop before its next change. Raises ``RefusedError`` if there is nothing to stop."""
    state = await state_of(context, record)
    if not state.may_change:
        raise RefusedError(f"Repair {record.repair_id} is {state}: there is nothing to stop.", state=state.value)
    repairs = context.services.store.repairs
    await repairs.ask_to_stop(record, await _sealed(context, record, person), context.services.now())
    event("repair.stopping", repair_id=record.repair_id, profile=record.profile)
    return record


async def give_pseudonym(context: Context, record: RepairRecord, name: str, pseudonym: str, person: Person) -> int:
    """Let everybody of a name in a repair be called otherwise, with nothing left that leads to the person; returns how
    many seals that were. What was approved stays provable: plan and decision hold the seals alone.

    Who did that stays in the repair. Raises ``RefusedError`` while it may still be decided about or applied: who is who
    is needed until then; ``ForbiddenError`` for somebody's own name.
    """
    state = await state_of(context, record)
    if not state.has_ended:
        raise RefusedError(f"Repair {record.repair_id} is {state}: names are needed until it ends.", state=state.value)
    repairs = context.services.store.repairs
    named = [one for one in await repairs.people(record) if one.name == name]
    if any(one.is_of(person) for one in named):
        raise ForbiddenError("Nobody gives a pseudonym to themselves: somebody else must.")
    by, now = await _sealed(context, record, person) if named else "", context.services.now()
    for one in named:
        await repairs.note_pseudonym(record, one.seal, by, now)
        await repairs.seal(record, one.called(pseudonym))
    event("repair.pseudonym", repair_id=record.repair_id, profile=record.profile, people=len(named))
    return len(named)


async def state_of(context: Context, record: RepairRecord) -> RepairState:
    """The state that a caller is told: the record's own, unless its plan has expired, somebody asked it to stop, or
    nobody works on it.
    """
    now = context.services.now()
    if record.state is _S.PROPOSED and record.until is not None and now > record.until:
        return _S.EXPIRED
    if record.state is _S.PROPOSING and now - record.updated_at > START_GRACE:
        made = await context.orchestration(_proposal_id(record) if record.policy is None else record.audit_id)
        return record.state if made.is_open else _S.FAILED
    if not record.state.may_change:
        return record.state
    workers = [await context.orchestration(one) for one in _workers_of(record)]
    settled = context.services.now() - record.updated_at > START_GRACE
    if not any(one.is_open for one in workers) and (Orchestration.UNKNOWN not in workers or settled):
        return _S.INTERRUPTED
    return _S.STOPPING if await context.services.store.repairs.is_to_stop(record) else record.state


def _workers_of(record: RepairRecord) -> list[str]:
    """The ids of the orchestrations that may be applying a repair: its own, and that of the audit where a policy may
    have approved it, until it is lost.
    """
    by_policy = record.policy is not None and not record.resumes
    return [record.audit_id, record.repair_id] if by_policy else [record.repair_id]


async def _claim(context: Context, record: RepairRecord) -> ActiveRepair:
    """Take the profile's place for repairs. Raises ``RefusedError`` if another one has it."""
    held = await context.services.store.repairs.take_place(record, context.services.now())
    if held is None:
        raise RefusedError(f"Another repair of profile {record.profile} was approved in the same moment.")
    if isinstance(held, RepairRecord):
        why = f"Repair {held.repair_id} of its profile is {held.state}. Wait for it, or stop it."
        raise RefusedError(why, active_id=held.repair_id)
    return held


async def overdue(services: Services, profile: str) -> ActiveRepair | None:
    """The repair that holds the place of a profile's repairs longer than any may take; None if there is none."""
    active = await services.store.repairs.active(profile)
    if active is None:
        return None
    record = await services.store.repairs.record(profile, active.repair_id)
    return active if _is_overdue(services, active, record) else None


def _is_overdue(services: Services, active: ActiveRepair, record: RepairRecord | None) -> bool:
    settings = services.settings
    limit = timedelta(hours=settings.repair_start_hours, seconds=settings.repair_second_look_seconds) + _LONGEST_END
    has_ended = record is not None and record.state.has_ended
    return not has_ended and services.now() - active.since > limit


async def watch(context: Context, profile: str) -> None:
    """Go on with an approved repair whose orchestration is missing or dead; free the place of one that has ended."""
    repairs = context.services.store.repairs
    active = await repairs.active(profile)
    if active is None:
        return
    record = await repairs.record(profile, active.repair_id)
    if _is_overdue(context.services, active, record):
        event("repair.overdue", repair_id=active.repair_id, profile=profile)
    if record is None or record.state.has_ended:
        await repairs.release(active, profile)
        return
    if record.state is _S.PROPOSED:
        if context.services.now() - active.since < START_GRACE:
            return  # whoever approves it is about to start it
        if record.policy is not None and (await context.orchestration(record.audit_id)).is_open:
            return  # its policy is about to decide, and the audit's orchestration to apply it
        # Whoever took the place was lost before deciding: nobody may do so any more once the place is free.
        nobody = Decision(
            approves=False, digest=record.digest or "", person="", reason=_LOST, at=context.services.now()
        )
        if (await repairs.decide(record, nobody)).approves:
            await start(context, record)
        else:
            await repairs.move(record, _S.REJECTED, context.services.now())
            await repairs.release(active, profile)
    elif await state_of(context, record) is _S.INTERRUPTED and record.resumes >= _MOST_RESUMES:
        why = f"It broke off {record.resumes + 1} times. What it has changed is in its ledger; see the service's log."
        stored = await repairs.plan(record)
        counts = {} if stored is None else Counts.of(stored.plan, await repairs.ledger(record))._asdict()
        await repairs.move(record, _S.PARTLY_APPLIED, context.services.now(), error=why, until=None, counts=counts)
        await repairs.release(active, profile)
        event("repair.given_up", repair_id=record.repair_id, profile=profile, resumes=record.resumes)
    elif await state_of(context, record) is _S.INTERRUPTED:
        resumed = await repairs.move(record, record.state, context.services.now(), resumes=record.resumes + 1)
        event("repair.resumed", repair_id=record.repair_id, profile=profile, resumes=resumed.resumes)
        await start(context, resumed)
