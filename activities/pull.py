"""Read the sources of one setting at one moment."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Literal, TypedDict

import azure.durable_functions as df

from activities.step import AuditRequest, Refusal, run_body, running
from adapters.readers import Reading, reader
from adapters.services import Services
from reconciliation.profile import Source
from reconciliation.pulled import Pulled
from reconciliation.run_record import RunRecord

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.pull")


class PullRequest(AuditRequest):
    """``run`` is the index of a run of sources (see ``Profile.pulls``)."""

    run: int


class PullResult(TypedDict):
    ok: Literal[True]


async def pull_rows(request: PullRequest, services: Services) -> PullResult:
    """Copy the rows of the sources into the run store; existing rows are kept.

    The first run freezes the audit's moment. A source that could not be read to its end is stored as unread; raises an
    ``AuditError`` if one cannot be read at all.
    """
    record, run = await running(request, services), request["run"]
    # A first attempt usually has no rows yet, so the first write finds out instead of a request before it.
    if record.is_first_attempt and await _read(services, record, run, services.store.rows.create):
        return {"ok": True}
    if await services.store.rows.pulled(record.folder, run) is None:
        await _read(services, record, run, services.store.rows.write)
    return {"ok": True}


_Write = Callable[[str, str, AsyncIterator[list[str]]], Awaitable[int | None]]


async def _read(services: Services, record: RunRecord, run: int, first_write: _Write) -> bool:
    """Read a run of sources; False, without any change, if the first one already has rows."""
    begun, counts, unread, store = services.now(), dict[str, int](), dict[str, str](), services.store.rows
    earliest = dict[str, datetime]()
    sources = services.profile_of(record).pulls()[run]
    moments = services.moments(record.parameters, await _earliest(services, record, run))
    queries = [(source, source.read(record.parameters, moments)) for source in sources]
    async with reader(services, sources[0].setting) as opened:
        for source, query in queries:
            if all(one is None for _, one in queries):
                counts[source.name] = 0
                continue
            reading = Reading.of(opened, query)
            lines = _dated(reading.lines(), source, earliest)
            rows = await (store.write if counts else first_write)(record.folder, source.name, lines)
            if rows is None:
                return False
            counts[source.name] = rows
            if reading.unread is not None:
                unread[source.name] = reading.unread
        ahead = await opened.ahead()
    write_pulled = store.create_pulled if first_write == store.create else store.write_pulled
    await write_pulled(record.folder, run, Pulled(begun, counts, unread, ahead, earliest))
    logger.info("Audit %s: %s; not to the end: %s", record.audit_id, counts, unread)
    return True


async def _earliest(services: Services, record: RunRecord, run: int) -> dict[str, datetime]:
    """The earliest moments of the sources that were read before a run of them."""
    pulls = services.profile_of(record).pulls()
    found: dict[str, datetime] = {}
    for before in range(run):
        if any(source.dated is not None for source in pulls[before]):
            pulled = await services.store.rows.pulled(record.folder, before)
            found |= pulled.earliest if pulled else {}
    return found


async def _dated(
    portions: AsyncIterator[list[str]], source: Source, earliest: dict[str, datetime]
) -> AsyncIterator[list[str]]:
    """The same portions; notes the earliest moment of their rows, if the source is dated."""
    async for lines in portions:
        if source.dated is not None:
            moments = [source.dated(source.row(json.loads(line))) for line in lines]
            past = [moment for moment in (*moments, earliest.get(source.name)) if moment is not None]
            if past:
                earliest[source.name] = min(past)
        yield lines


@bp.activity_trigger(input_name="request")
async def pull(request: PullRequest) -> PullResult | Refusal:
    return await run_body(pull_rows, request)
