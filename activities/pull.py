"""Read the sources of one setting, in one moment."""

import logging
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, answered, running
from adapters.readers import reader
from adapters.services import Services
from reconciliation.pulled import Pulled
from reconciliation.run_record import RunRecord

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.pull")


class PullRequest(AuditRequest):
    """A run of neighbouring sources (see ``Profile.pulls``)."""

    run: int


class PullAnswer(TypedDict):
    """The rows are in the run store."""

    ok: Literal[True]


async def pull_rows(request: PullRequest, services: Services) -> PullAnswer:
    """Copy what the sources give into the run store; what is already there is kept.

    The first run freezes the audit's moment. Raises an ``AuditError`` where a source cannot be read.
    """
    record, run = await running(request, services), request["run"]
    # Of a first attempt nothing is there, as a rule: so it is not asked for, but found by the first write.
    if record.is_first_attempt and await _read(services, record, run, only_new=True):
        return {"ok": True}
    if await services.store.rows.pulled(record.folder, run) is None:
        await _read(services, record, run, only_new=False)
    return {"ok": True}


async def _read(services: Services, record: RunRecord, run: int, *, only_new: bool) -> bool:
    """Read a run of sources; False, and nothing is changed, if any of it is there and was to be kept."""
    begun, counts, rows = services.now(), dict[str, int](), services.store.rows
    sources = services.profile_of(record).pulls()[run]
    async with reader(services, sources[0].setting) as opened:
        moments = services.moments(record.parameters)
        for source in sources:
            lines = opened.lines(source.read(record.parameters, moments))
            only_new = only_new and not counts
            written = await rows.write(record.folder, source.name, lines, only_new=only_new)
            if written is None:
                return False
            counts[source.name] = written
        ahead = opened.ahead
    await rows.write_pulled(record.folder, run, Pulled(begun, counts, ahead=ahead))
    logger.info("Audit %s: %s", record.audit_id, counts)
    return True


@bp.activity_trigger(input_name="request")
async def pull(request: PullRequest) -> PullAnswer | Refusal:
    """The activity."""
    return await answered(pull_rows, request)
