"""Write dead letters for shards that could not be read, and delete those of shards that were read since."""

import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, folder_of, run_body, running
from activities.unscanned import shard_records
from adapters.services import Services
from adapters.telemetry import event
from reconciliation.dead_letters import dead_letter
from reconciliation.errors import RunStoreError

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.dead_letters")


class DeadLettersRequest(AuditRequest):
    """``failed`` are the shards that still have unread units."""

    failed: list[int]


class DeadLettersResult(TypedDict):
    """``dead_letters``: how many the audit has now."""

    ok: Literal[True]
    dead_letters: int


async def keep_letters(request: DeadLettersRequest, services: Services) -> DeadLettersResult:
    """Write the dead letters of the given shards, and delete those of shards without unread units."""
    audit, store = folder_of(request), services.store
    record = await running(request, services)
    plan = await store.plans.existing(audit)
    letters = {letter.shard: letter for letter in await store.letters.all(audit)}
    failed = set(request["failed"])
    if foreign := letters.keys() - range(len(plan.shards)):
        raise RunStoreError(
            f"Audit {record.audit_id} has a dead letter of shard {min(foreign)}, which its plan in "
            f"{services.records.where} does not have. Start a new audit."
        )
    for index in sorted(failed | letters.keys()):
        planned, before = plan.shards[index], letters.get(index)
        records = await shard_records(services, audit, planned, services.profile_of(record))
        letter = dead_letter(planned.shard, records, plan.max_passes, services.now(), before)
        if letter is None:
            await store.letters.delete(audit, index)
            letters.pop(index, None)
        elif index in failed:
            await store.letters.write(audit, letter)
            letters[index] = letter
            event(
                "audit.shard_dead_lettered",
                audit_id=record.audit_id,
                profile=record.parameters.profile,
                shard=index,
                containers=letter.units,  # as operators' queries call it
                failed=letter.failed,
            )
    return {"ok": True, "dead_letters": len(letters)}


@bp.activity_trigger(input_name="request")
async def keep_dead_letters(request: DeadLettersRequest) -> DeadLettersResult | Refusal:
    return await run_body(keep_letters, request)
