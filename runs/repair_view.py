"""A repair as a caller is shown it."""

from typing import Any

from reconciliation.ledger import Counts
from reconciliation.repair_record import RepairRecord
from reconciliation.times import optional_text, to_text
from runs.context import Context
from runs.repairs import state_of

EXPORT_VERSION = 1


async def shown(context: Context, record: RepairRecord, *, whole: bool) -> dict[str, Any]:
    """Its state and counts; if ``whole`` with plan, decision, ledger, and the verdicts that were found afterwards."""
    repairs = context.services.store.repairs
    proposer = await repairs.person(record, record.proposer)
    view: dict[str, Any] = {
        "id": record.repair_id,
        "profile": record.profile,
        "audit_id": record.audit_id,
        "undoes": record.undoes,
        "policy": None if record.policy is None else record.policy.text,
        "state": (await state_of(context, record)).value,
        "created_at": to_text(record.created_at),
        "updated_at": to_text(record.updated_at),
        "ended_at": optional_text(record.ended_at),
        "until": optional_text(record.until),
        "error": record.error,
        "digest": record.digest,
        "proposed_by": None if proposer is None else proposer.name,
        "counts": dict(record.counts),
        "verified": dict(record.verified),
    }
    return view | await _whole(context, record) if whole else view


async def exported(context: Context, record: RepairRecord) -> dict[str, Any]:
    """All that is kept of a repair, for an auditor. ``plan`` is the very text whose SHA-256 is ``digest``."""
    repairs = context.services.store.repairs
    stored, decision, ledger = await repairs.plan(record), await repairs.decision(record), await repairs.ledger(record)
    return {
        "schema_version": EXPORT_VERSION,
        "exported_at": to_text(context.services.now()),
        "repair": record.to_json(),
        "digest": None if stored is None else stored.digest,
        "plan": None if stored is None else stored.data.decode(),
        "decision": None if decision is None else decision.to_json(),
        "notes": await repairs.notes(record),
        "people": [person.to_json() for person in await repairs.people(record)],
        "ledger": {name: entries.to_json() for name, entries in sorted(ledger.effects.items())},
        "verified": {str(number): found for number, found in (await repairs.all_verified(record)).items()},
    }


async def _whole(context: Context, record: RepairRecord) -> dict[str, Any]:
    repairs = context.services.store.repairs
    stored, decision = await repairs.plan(record), await repairs.decision(record)
    person = None if decision is None else await repairs.person(record, decision.person)
    changes: list[dict[str, Any]] = []
    counts: dict[str, int] = dict(record.counts)
    if stored is not None and decision is not None:
        ledger = await repairs.ledger(record)
        counts = Counts.of(stored.plan, ledger)._asdict()
        for one in stored.plan.changes:
            ended = ledger.change(one)
            if ended is not None:
                told = {"number": one.number, "ending": ended.ending.value, "why": ended.why, "left": dict(ended.left)}
                changes.append(told)
    return {
        "plan": None if stored is None else stored.plan.document(),
        "decision": None
        if decision is None
        else {
            "approves": decision.approves,
            "by": None if person is None else person.name,
            "reason": decision.reason,
            "at": to_text(decision.at),
        },
        "counts": counts,
        "ledger": changes,
    }
