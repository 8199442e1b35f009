"""Step 2: read the rows, candidates and registered recordings, in one moment of the database."""

import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.answers import Refusal, answered
from activities.audits import AuditRequest, running
from adapters.services import Services

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.pull")


class PullAnswer(TypedDict):
    """The rows are in the run store."""

    ok: Literal[True]


async def pull_rows(request: AuditRequest, services: Services) -> PullAnswer:
    """Copy the rows into the run store; rows that are already there are kept.

    Raises ``DatabaseRefusedError`` or ``DatabaseUnavailableError``; nothing is written then.
    """
    audit_id = request["audit_id"]
    if not await services.store.has_rows(audit_id):
        record = await running(services.records, audit_id)
        profile = services.profile_of(record)
        async with services.database(profile).snapshot() as snapshot:
            moments = services.moments(record.parameters)
            candidates = snapshot.lines(profile.candidates(record.parameters, moments))
            registered = snapshot.lines(profile.registered(moments))
            await services.store.write_rows(audit_id, {"registered": registered, "candidates": candidates})
        logger.info("Audit %s: rows pulled", audit_id)
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def pull(request: AuditRequest) -> PullAnswer | Refusal:
    """The activity."""
    return await answered(pull_rows, request)
