"""Beginning audits and beginning them again: the guard, the record and the orchestration, in that order.

A process may be lost between two steps; what is left then shows as ``interrupted``, and the watchdog takes it up.
The guard is written again once the record says that there is work: whoever took it for that of an ended audit in
between has either won by then, or finds it changed. So there are never two active audits of one profile.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df

from adapters.services import Services
from adapters.store.records import ActiveAudit, UnreadableAudit, UnreadableGuard
from adapters.telemetry import event, tell_end
from reconciliation.dead_letters import DeadLetter
from reconciliation.errors import UnreadableError
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import RunRecord
from triggers.problems import RefusedError
from triggers.view import START_GRACE, Orchestration, state_seen

logger = logging.getLogger("capture_audit.running")

_CLAIMS = 5
_PAUSE_SECONDS = 0.2
_PAUSES = 25
_REPLACED = "Its orchestration ended without a report, and a new audit took its place."
RESUMABLE = frozenset({State.INTERRUPTED, State.FAILED})


@dataclass(frozen=True)
class Running:
    """What starting and resuming need: the run store, and the client of the Durable runtime."""

    world: Services
    client: Any

    async def orchestration(self, audit_id: str) -> Orchestration:
        """What the Durable runtime says of an audit's orchestration."""
        status = await self.client.get_status(audit_id)
        runtime = status.runtime_status if status else None
        if runtime is None:
            return Orchestration.UNKNOWN
        if runtime is df.OrchestrationRuntimeStatus.Pending:
            return Orchestration.WAITING
        working = {df.OrchestrationRuntimeStatus.Running, df.OrchestrationRuntimeStatus.ContinuedAsNew}
        return Orchestration.WORKING if runtime in working else Orchestration.ENDED

    async def state(self, record: RunRecord) -> State:
        """The state that a caller is told: the record's own once it has ended, else what is really going on."""
        if record.state.has_ended:
            return record.state
        if record.is_of_old_layout:
            return State.INTERRUPTED
        return state_seen(record, await self.orchestration(record.audit_id), self.world.now())

    async def begin(self, parameters: AuditParameters, audit_id: str) -> RunRecord:
        """Start a new audit. Raises ``RefusedError`` (409) with the id of the one that is active for the profile, and
        ``AuditExistsError`` if that id is taken.
        """
        now = self.world.now()
        held = await self.claim(parameters.profile, audit_id)
        record = RunRecord(audit_id, State.QUEUED, parameters, created_at=now, updated_at=now)
        await self.world.records.create_record(record)
        try:
            await self.claim(parameters.profile, audit_id, held)
        except RefusedError:
            await self.give_up(record, "Another audit of its profile was started in the same moment.")
            raise
        await self.client.start_new("audit", instance_id=audit_id, client_input=self._input(record))
        event("audit.started", audit_id=audit_id, profile=parameters.profile, mode=parameters.mode)
        return record

    def _input(self, record: RunRecord) -> dict[str, Any]:
        pulls = len(self.world.profile_of(record).pulls())
        return {"profile": record.parameters.profile, "audit_id": record.audit_id, "pulls": pulls}

    async def resume(self, record: RunRecord) -> RunRecord:
        """Start an audit again that broke off or failed; finished work is kept.

        Raises ``RefusedError`` (409) with its state if there is nothing to resume, or another audit is active.
        """
        state = await self.state(record)
        if state not in RESUMABLE:
            raise self.nothing_to("resume", record.audit_id, state)
        return await self._again(record, {}, (), resumed=True)

    async def replay(self, record: RunRecord, shards: list[int], decided: Sequence[DeadLetter] = ()) -> RunRecord:
        """Scan these shards again, judge anew, and report anew, with what was ``decided`` of other dead letters.

        Raises ``RefusedError`` (409) as ``resume``; nothing is decided then.
        """
        if record.state is not State.INCOMPLETE:
            raise self.nothing_to("replay", record.audit_id, await self.state(record))
        return await self._again(record, {"replay": shards}, decided, resumed=False)

    async def _again(
        self, record: RunRecord, request: dict[str, Any], decided: Sequence[DeadLetter], *, resumed: bool
    ) -> RunRecord:
        records, profile = self.world.records, record.parameters.profile
        if record.is_of_old_layout:
            raise RefusedError(
                HTTPStatus.CONFLICT,
                f"Audit {record.audit_id} is as an earlier release left it, so it is only shown. Start a new audit.",
                state=(await self.state(record)).value,
            )
        if record.state.has_ended:
            await self._wound_up(record)
        held = await self.claim(profile, record.audit_id)
        reopened = await records.reopen(record, self.world.now(), resumed=resumed)
        if reopened is None:
            now = await records.record(record.audit_id) or record
            raise self.nothing_to("begin again", record.audit_id, await self.state(now))
        try:
            await self.claim(profile, record.audit_id, held)
        except RefusedError:
            as_before = replace(record, resumes=reopened.resumes, rounds=reopened.rounds)
            if record.state.has_ended:
                await records.end(as_before)
            else:
                await self.give_up(reopened, _REPLACED)
            raise
        for letter in decided:
            await self.world.store.letters.write(record.folder, letter)
        request = {**self._input(record), "again": True, **request}
        await self.client.start_new("audit", instance_id=record.audit_id, client_input=request)
        event(
            "audit.resumed" if resumed else "audit.replayed",
            audit_id=record.audit_id,
            profile=profile,
            resumes=reopened.resumes,
            rounds=reopened.rounds,
        )
        return reopened

    async def _wound_up(self, record: RunRecord) -> None:
        """Wait until the orchestration of an ended audit has ended too: no other can be started under its id before,
        and it may still be telling people of the end. Raises ``RefusedError`` (409) if that takes long.
        """
        for _ in range(_PAUSES):
            if not (await self.orchestration(record.audit_id)).is_open:
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise RefusedError(
            HTTPStatus.CONFLICT,
            f"Audit {record.audit_id} is {record.state}, and its orchestration is about to end. Try again in a minute.",
            state=record.state.value,
        )

    async def claim(self, profile: str, audit_id: str, held: ActiveAudit | None = None) -> ActiveAudit:
        """Make the audit the active one of its profile, and give the guard; what an earlier claim of it gave (``held``)
        is written again.

        Raises ``RefusedError`` (409) if another one is active.
        """
        active = held
        for _ in range(_CLAIMS):
            if active is not None and active.audit_id != audit_id and await self.is_alive(active):
                raise _busy(profile, active.audit_id)
            claimed = await self.world.records.claim(profile, audit_id, self.world.now(), active)
            if claimed is not None:
                return claimed
            active = await self.active(profile)
        raise _busy(profile, active.audit_id if active else "")

    async def active(self, profile: str) -> ActiveAudit | None:
        """The audit that the profile's guard names. A guard that cannot be read is written anew first; raises
        ``UnreadableError`` if it cannot be read then either.
        """
        records = self.world.records
        guard = await records.active(profile)
        if isinstance(guard, UnreadableGuard):
            await self._mend(profile, guard)
            guard = await records.active(profile)
        if isinstance(guard, UnreadableGuard):
            raise guard.error
        return guard

    async def _mend(self, profile: str, guard: UnreadableGuard) -> None:
        """Give the guard to the audit of the profile that has not ended, or take it away if there is none.

        Every beginning writes the guard again once its record is there. So an audit that is begun in this moment is
        either found here, or finds the guard changed by then.
        """
        holder: str | None = None
        async for one in self.world.records.newest_first(profile):
            if await self._may_be_at_work(one, profile):
                holder = one.audit_id
                break
            if holder is None and not isinstance(one, UnreadableAudit) and _is_open(one, profile):
                holder = one.audit_id
        if holder is None:
            mended = await self.world.records.release(guard, profile)
        else:
            mended = await self.world.records.claim(profile, holder, self.world.now(), guard) is not None
        if mended:
            logger.warning("The guard of %s now names %s: %s", profile, holder or "no audit", guard.error)

    async def _may_be_at_work(self, one: RunRecord | UnreadableAudit, profile: str) -> bool:
        if isinstance(one, UnreadableAudit):
            return (await self.orchestration(one.audit_id)).is_open
        return _is_open(one, profile) and await self.state(one) is not State.INTERRUPTED

    async def is_alive(self, active: ActiveAudit) -> bool:
        """True while the audit that holds a profile's guard has not ended and somebody works on it.

        One that was interrupted makes room for a new one, and is marked as failed. One whose record cannot be read is
        judged by its orchestration alone, and is left as it is.
        """
        # Between the guard and the record there is a moment; a start that died in it must not lock the profile.
        just_begun = self.world.now() - active.since < START_GRACE
        try:
            record = await self.world.records.record(active.audit_id)
        except UnreadableError:
            return just_begun or (await self.orchestration(active.audit_id)).is_open
        if record is None:
            return just_begun
        if await self.state(record) is not State.INTERRUPTED:
            return not record.state.has_ended
        return not (await self.give_up(record, _REPLACED)).state.has_ended

    async def give_up(self, record: RunRecord, why: str) -> RunRecord:
        """Mark an audit as failed on which nobody works any more; the record as it is then, whoever was faster."""
        reached = await self.world.store.reached(record.folder)
        given_up = record.ended(State.FAILED, self.world.now(), outcome=Outcome.FAILED, reached=reached, error=why)
        ended = await self.world.records.end(given_up)
        if ended == given_up:
            tell_end(ended)
        return ended

    @staticmethod
    def nothing_to(verb: str, audit_id: str, state: State) -> RefusedError:
        """The refusal for an audit in a state in which something cannot be done."""
        return RefusedError(
            HTTPStatus.CONFLICT, f"Audit {audit_id} is {state}: there is nothing to {verb}.", state=state.value
        )


def _is_open(record: RunRecord, profile: str) -> bool:
    is_of_today = record.parameters.profile == profile and not record.is_of_old_layout
    return is_of_today and not record.state.has_ended


def _busy(profile: str, audit_id: str) -> RefusedError:
    return RefusedError(
        HTTPStatus.CONFLICT,
        f"Audit {audit_id} of profile {profile} is active. Wait for it, or cancel it.",
        active_id=audit_id,
    )
