"""Replaying or discarding the dead letters of an audit."""

from dataclasses import replace

from reconciliation.dead_letters import DeadLetter, Discard
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord
from runs.begin import replay
from runs.context import Context
from runs.refusals import RefusedError


async def replay_open(context: Context, record: RunRecord) -> RunRecord:
    """Scan the shards of all open dead letters again. Raises ``RefusedError`` if there are none, or if the audit is not
    incomplete.
    """
    return await replay(context, record, [letter.shard for letter in await _open(context, record)])


async def discard_open(context: Context, record: RunRecord, decision: Discard) -> list[DeadLetter]:
    """Discard the open dead letters, and report again; returns them. Raises ``RefusedError`` as ``replay_open``, and
    discards nothing then.
    """
    letters = [replace(letter, discarded=decision) for letter in await _open(context, record)]
    await replay(context, record, [], letters)
    return letters


async def _open(context: Context, record: RunRecord) -> list[DeadLetter]:
    state = await context.state(record)
    if state is not State.INCOMPLETE:
        raise RefusedError(
            f"Audit {record.audit_id} is {state}. Only the dead letters of an incomplete audit can be replayed or "
            "discarded.",
            state=state.value,
        )
    letters = await context.services.store.letters.all(record.folder)
    found = [letter for letter in letters if letter.discarded is None]
    if not found:
        why = f"Audit {record.audit_id} has no open dead letters: there is nothing to do."
        raise RefusedError(why, state=state.value)
    return found
