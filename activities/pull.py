"""Read the sources of one setting, in one moment."""

import logging
from datetime import timedelta
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, answered, running
from adapters.readers import reader
from adapters.services import Services
from reconciliation.pulled import Pulled

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.pull")


class PullRequest(AuditRequest):
    """A run of neighbouring sources (see ``Profile.pulls``)."""

    run: int


class PullAnswer(TypedDict):
    """The rows are in the run store."""

    ok: Literal[True]


async def pull_rows(request: PullRequest, services: Services) -> PullAnswer:
    """Copy what the sources give into the run store; what an earlier attempt has left there is kept.

    The first run freezes the audit's moment. Raises an ``AuditError`` where a source cannot be read.
    """
    record, run = await running(request, services), request["run"]
    audit = record.folder
    if record.is_first_attempt or await services.store.rows.pulled(audit, run) is None:
        begun, rows, ahead = services.now(), dict[str, int](), timedelta()
        sources = services.profile_of(record).pulls()[run]
        async with reader(services, sources[0].setting) as opened:
            moments = services.moments(record.parameters)
            for source in sources:
                lines = opened.lines(source.read(record.parameters, moments))
                rows[source.name] = await services.store.rows.write(audit, source.name, lines)
            ahead = await opened.ahead()
        await services.store.rows.write_pulled(audit, run, Pulled(begun, rows, ahead=ahead))
        logger.info("Audit %s: %s", record.audit_id, rows)
    return {"ok": True}


@bp.activity_trigger(input_name="request")
async def pull(request: PullRequest) -> PullAnswer | Refusal:
    """The activity."""
    return await answered(pull_rows, request)
