"""Begin the repair of what a scheduled audit has found and the profile's policy approves."""

import hashlib
import logging
from datetime import UTC, datetime
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.by_policy import lately_made
from activities.step import AuditRequest, Refusal, folder_of, run_body
from adapters.services import Services
from adapters.telemetry import event
from reconciliation.errors import RunStoreError, UnreadableError
from reconciliation.people import Sealed
from reconciliation.policy import Policy, PolicyState, bytes_left, still_allowed
from reconciliation.profile import Profile
from reconciliation.repair import MOST_CHANGES
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named
from reconciliation.repair_record import Chosen, RepairRecord
from reconciliation.run_record import RunRecord, new_audit_id
from reconciliation.times import optional_from_text
from reporting.document import ReportReader

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.policy")

_LOOKED_AT = 3
"""So many times as many subjects are looked at as may be changed: of some of them it turns out that they may not be."""

_Found = tuple[Named, datetime | None]
"""A subject, and when it is due."""


class BeginRecoveryResult(TypedDict):
    """The id of the repair that is begun; None if the policy does nothing now."""

    ok: Literal[True]
    repair_id: str | None


async def begin_recovery_of(request: AuditRequest, services: Services) -> BeginRecoveryResult:
    """Write the record of the repair; one that is there is kept. Its id follows from the audit's.

    Raises ``RunStoreError`` if there is no such audit, or its report was deleted.
    """
    audit = await services.records.record_in(folder_of(request))
    if audit is None:
        raise RunStoreError(f"There is no audit {request['audit_id']} in {services.records.where}.")
    profile, policy = services.profile_of(audit), services.settings.policy_of(request["profile"])
    if policy is None:
        return _nothing(request, "off")
    repairs, repair_id = services.store.repairs, _repair_id(audit)
    there = await repairs.record(profile.name, repair_id)
    if there is not None:
        if there.state is RepairState.PROPOSING:  # the step may have broken off before it kept who proposes
            await repairs.seal(there, _sealed(policy, repair_id))
        return {"ok": True, "repair_id": repair_id}
    chosen = await _chosen(services, audit, profile, policy)
    if isinstance(chosen, str):
        return _nothing(request, chosen)
    await _create(services, audit, policy, chosen)
    return {"ok": True, "repair_id": repair_id}


async def _chosen(services: Services, audit: RunRecord, profile: Profile, policy: Policy) -> Chosen | str:
    """What is to be repaired now; or in a word why nothing is."""
    try:
        state = await services.store.policies.state(profile.name)
        made = await lately_made(services, profile.name)
    except UnreadableError as error:  # what cannot be counted may be too much
        logger.warning("The policy of %s approves nothing: %s", profile.name, error)
        return "unreadable"
    if state.paused_at is not None:
        return "paused_itself"
    now = services.now()
    most = still_allowed(policy, (one.at for one in made), now)
    most_bytes = bytes_left(policy, ((one.at, one.copies_bytes) for one in made), now)
    if not most or (most_bytes == 0 and all(profile.repair(one).by_bytes for one in policy.repairs)):
        return "enough_within_hour"
    found = await _found(services, audit, profile, policy, state)
    if not found:
        return "all_wait"
    in_turn = _from_its_place(found, audit)
    if most_bytes is not None:
        in_turn.sort(key=_due)
    subjects = tuple(one for one, _ in in_turn[: min(MOST_CHANGES, _LOOKED_AT * most)])
    return Chosen(subjects, most=most, most_bytes=most_bytes)


def _nothing(request: AuditRequest, reason: str) -> BeginRecoveryResult:
    event("policy.skipped", profile=request["profile"], audit_id=request["audit_id"], reason=reason)
    return {"ok": True, "repair_id": None}


async def _create(services: Services, audit: RunRecord, policy: Policy, chosen: Chosen) -> None:
    now, repair_id = services.now(), _repair_id(audit)
    sealed = _sealed(policy, repair_id)
    record = RepairRecord(
        repair_id,
        audit.parameters.profile,
        audit.audit_id,
        chosen,
        sealed.seal,
        RepairState.PROPOSING,
        created_at=now,
        updated_at=now,
        policy=policy.named(),
    )
    await services.store.repairs.create(record)
    await services.store.repairs.seal(record, sealed)


def _sealed(policy: Policy, repair_id: str) -> Sealed:
    return Sealed.of(policy.person, _digest(repair_id)[:32])


async def _found(
    services: Services, audit: RunRecord, profile: Profile, policy: Policy, state: PolicyState
) -> list[_Found]:
    """The subjects that the policy's repairs mend, in the order of the report, without those that wait, and those
    about which somebody must be asked.
    """
    verdicts, now = profile.approved_by(policy.repairs), services.now()
    reader, found = ReportReader(), list[_Found]()
    async for lines in services.store.reports.lines(audit.folder):
        found += [
            (
                Named(finding["subject"]["kind"], finding["subject"]["id"]),
                optional_from_text(finding.get("due")),
            )
            for finding in reader.read(lines)
            if finding["verdict"] in verdicts
        ]
    return [one for one in found if not state.is_waiting(one[0].id, now)]


def _due(one: _Found) -> tuple[bool, datetime]:
    """What is due soonest comes first, and last what is not."""
    return one[1] is None, one[1] or datetime.min.replace(tzinfo=UTC)


def _from_its_place(found: list[_Found], audit: RunRecord) -> list[_Found]:
    """The same, from a place that differs by audit: where there are more than one repair takes, none of them always
    comes last.
    """
    place = int(_digest(audit.audit_id)[:8], 16) % len(found)
    return found[place:] + found[:place]


def _repair_id(audit: RunRecord) -> str:
    """It follows from the audit: whoever begins it again finds it."""
    return new_audit_id(audit.ended_at or audit.updated_at, _digest(audit.audit_id)[:8])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@bp.activity_trigger(input_name="request")
async def begin_recovery(request: AuditRequest) -> BeginRecoveryResult | Refusal:
    return await run_body(begin_recovery_of, request)
