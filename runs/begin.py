"""Starting audits, and starting them again: the guard, the record and the orchestration, in that order.

The process may die between two steps; the audit is then ``interrupted``, and the watchdog resumes it. The guard is
written again once the record says that there is work: a concurrent start that took it for the guard of an ended audit
has either won by then, or finds it changed. So there are never two active audits of one profile.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.telemetry import event
from reconciliation.dead_letters import DeadLetter
from reconciliation.lifecycle import State
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from runs.context import Context
from runs.guard import REPLACED, claim
from runs.refusals import RefusedError, nothing_to

_PAUSE_SECONDS = 0.2
_PAUSES = 25
RESUMABLE = frozenset({State.INTERRUPTED, State.FAILED})


async def begin(
    context: Context, parameters: AuditParameters, audit_id: str, orchestration: str = "audit"
) -> RunRecord:
    """Start a new audit, by the orchestration of that name. Raises ``RefusedError`` with the id of the active audit if
    the profile has one, and ``AuditExistsError`` if ``audit_id`` is taken.
    """
    now = context.services.now()
    held = await claim(context, parameters.profile, audit_id)
    record = RunRecord(audit_id, State.QUEUED, parameters, created_at=now, updated_at=now)
    await context.services.records.create_record(record)
    try:
        await claim(context, parameters.profile, audit_id, held)
    except RefusedError:
        await context.give_up(record, "Another audit of its profile was started in the same moment.")
        raise
    await context.client.start_new(orchestration, instance_id=audit_id, client_input=_input(context, record))
    event("audit.started", audit_id=audit_id, profile=parameters.profile, mode=parameters.mode)
    return record


def _input(context: Context, record: RunRecord) -> dict[str, Any]:
    pulls = len(context.services.profile_of(record).pulls())
    return {"profile": record.parameters.profile, "audit_id": record.audit_id, "pulls": pulls}


async def resume(context: Context, record: RunRecord) -> RunRecord:
    """Start an interrupted or failed audit again; finished work is kept.

    Raises ``RefusedError`` with its state if there is nothing to resume, or if another audit is active.
    """
    state = await context.state(record)
    if state not in RESUMABLE:
        raise nothing_to("resume", record.audit_id, state)
    return await _again(context, record, {}, (), resumed=True)


async def replay(
    context: Context, record: RunRecord, shards: list[int], decided: Sequence[DeadLetter] = ()
) -> RunRecord:
    """Scan these shards again, then judge and report again. ``decided`` are dead letters to write before that.

    Raises ``RefusedError`` as ``resume``, and writes nothing then.
    """
    if record.state is not State.INCOMPLETE:
        raise nothing_to("replay", record.audit_id, await context.state(record))
    return await _again(context, record, {"replay": shards}, decided, resumed=False)


async def _again(
    context: Context, record: RunRecord, request: dict[str, Any], decided: Sequence[DeadLetter], *, resumed: bool
) -> RunRecord:
    records, profile = context.services.records, record.parameters.profile
    if record.is_of_old_layout:
        raise RefusedError(
            f"Audit {record.audit_id} is as an earlier release left it, so it is only shown. Start a new audit.",
            state=(await context.state(record)).value,
        )
    if record.state.has_ended:
        await _wound_up(context, record)
    held = await claim(context, profile, record.audit_id)
    reopened = await records.reopen(record, context.services.now(), resumed=resumed)
    if reopened is None:
        now = await records.record(record.audit_id) or record
        raise nothing_to("begin again", record.audit_id, await context.state(now))
    try:
        await claim(context, profile, record.audit_id, held)
    except RefusedError:
        as_before = replace(record, resumes=reopened.resumes, rounds=reopened.rounds)
        if record.state.has_ended:
            await records.end(as_before)
        else:
            await context.give_up(reopened, REPLACED)
        raise
    for letter in decided:
        await context.services.store.letters.write(record.folder, letter)
    request = {**_input(context, record), "again": True, **request}
    await context.client.start_new("audit", instance_id=record.audit_id, client_input=request)
    event(
        "audit.resumed" if resumed else "audit.replayed",
        audit_id=record.audit_id,
        profile=profile,
        resumes=reopened.resumes,
        rounds=reopened.rounds,
    )
    return reopened


async def _wound_up(context: Context, record: RunRecord) -> None:
    """Wait until the orchestration of an ended audit has ended, too: it may still be sending the notice, and no other
    can be started with its id before. Raises ``RefusedError`` if that takes long.
    """
    for _ in range(_PAUSES):
        if not (await context.orchestration(record.audit_id)).is_open:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise RefusedError(
        f"Audit {record.audit_id} is {record.state}, and its orchestration is about to end. Try again in a minute.",
        state=record.state.value,
    )
