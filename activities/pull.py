"""Read the sources of one setting, in one moment."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, answered, running
from adapters.readers import Reading, reader
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

    The first run freezes the audit's moment. A source that could not be read to its end is noted as such; raises an
    ``AuditError`` where one cannot be read at all.
    """
    record, run = await running(request, services), request["run"]
    # Of a first attempt nothing is there, as a rule: so it is not asked for, but found by the first write.
    if record.is_first_attempt and await _read(services, record, run, services.store.rows.create):
        return {"ok": True}
    if await services.store.rows.pulled(record.folder, run) is None:
        await _read(services, record, run, services.store.rows.write)
    return {"ok": True}


_Write = Callable[[str, str, AsyncIterator[list[str]]], Awaitable[int | None]]


async def _read(services: Services, record: RunRecord, run: int, first_write: _Write) -> bool:
    """Read a run of sources; False if the first of them could not be written, since it is there. Nothing is changed."""
    begun, counts, unread, store = services.now(), dict[str, int](), dict[str, str](), services.store.rows
    sources = services.profile_of(record).pulls()[run]
    async with reader(services, sources[0].setting) as opened:
        moments = services.moments(record.parameters)
        for source in sources:
            reading = Reading(opened.lines(source.read(record.parameters, moments)))
            rows = await (store.write if counts else first_write)(record.folder, source.name, reading.lines())
            if rows is None:
                return False
            counts[source.name] = rows
            if reading.unread is not None:
                unread[source.name] = reading.unread
        ahead = await opened.ahead()
    await store.write_pulled(record.folder, run, Pulled(begun, counts, unread, ahead))
    logger.info("Audit %s: %s; not to the end: %s", record.audit_id, counts, unread)
    return True


@bp.activity_trigger(input_name="request")
async def pull(request: PullRequest) -> PullAnswer | Refusal:
    """The activity."""
    return await answered(pull_rows, request)
