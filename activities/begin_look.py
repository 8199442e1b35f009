"""Begin a look of a repair: an audit of its subjects, in the repair's folder."""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.repairing import LookRequest, look_id, repairing
from activities.step import Refusal, run_body
from adapters.services import Services
from reconciliation.lifecycle import State
from reconciliation.run_record import RunRecord

bp = df.Blueprint()


class BeginLookResult(TypedDict):
    """The id of the audit that the look is, and in how many runs its sources are read."""

    ok: Literal[True]
    audit_id: str
    pulls: int


async def begin_look_of(request: LookRequest, services: Services) -> BeginLookResult:
    """Write the record of the look; one that is there is kept. It asks as the audit did that has found the subjects; as
    audits usually do, if that was deleted.
    """
    job = await repairing(request, services)
    audit_id, now = look_id(job.record.repair_id, request["look"]), services.now()
    if await services.records.record_in(f"{job.record.profile}/{audit_id}") is None:
        audit = await services.records.record_in(f"{job.record.profile}/{job.record.audit_id}")
        found_by = job.profile.parameters() if audit is None else audit.parameters
        parameters = job.profile.look_at(job.record.chosen.findings, found_by)
        await services.records.create_record(RunRecord(audit_id, State.QUEUED, parameters, now, now))
    return {"ok": True, "audit_id": audit_id, "pulls": len(job.profile.pulls())}


@bp.activity_trigger(input_name="request")
async def begin_look(request: LookRequest) -> BeginLookResult | Refusal:
    return await run_body(begin_look_of, request)
