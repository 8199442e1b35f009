"""Look at the subjects of a repair after its changes: is each what it should be?"""

from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.repairing import LookRequest, judged_now, other_database, repairing
from activities.step import Refusal, run_body
from adapters.services import Services
from reconciliation.errors import RepairRefusedError
from reconciliation.repair import GONE
from reconciliation.repair_plan import PlannedChange

bp = df.Blueprint()


class VerifyResult(TypedDict):
    ok: Literal[True]


async def verify_changes(request: LookRequest, services: Services) -> VerifyResult:
    """Keep the verdicts of the subjects of all changes that were applied, as this look has judged them.

    Raises ``RepairRefusedError`` if the app is connected to another database than that of the plan.
    """
    job = await repairing(request, services)
    repairs, look = services.store.repairs, request["look"]
    stored = await repairs.plan(job.record)
    if stored is not None and await repairs.verified(job.record, look) is None:
        if (why := await other_database(job, stored.plan)) is not None:
            raise RepairRefusedError(why)
        ledger = await repairs.ledger(job.record)
        endings = [(one, ledger.change(one)) for one in stored.plan.changes]
        applied = [one for one, ended in endings if ended is not None and ended.ending.is_applied]
        now = await judged_now(job, look, [one.subject for one in applied])

        def entry(one: PlannedChange) -> dict[str, object]:
            verdict = now.verdicts.get(one.subject)
            what = GONE if verdict is None and now.all_read else verdict
            undone = job.record.undoes is not None
            expected = job.profile.repair(one.repair).is_as_expected(one.verdict, what, undone=undone)
            return {"number": one.number, "before": one.verdict, "now": verdict, "as_expected": expected}

        await repairs.write_verified(job.record, look, [entry(one) for one in applied])
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def verify(request: LookRequest) -> VerifyResult | Refusal:
    return await run_body(verify_changes, request)
