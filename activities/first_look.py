"""The first look at all groups of an audit, key by key; it is repeated if what it was based on has changed."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from activities.joined import Place, Stream, groups, keyed, rows_of
from activities.step import Job
from activities.unscanned import shard_records
from adapters.ahead import ahead
from reconciliation.coverage import Coverage
from reconciliation.evidence import Record
from reconciliation.joining import Held
from reconciliation.looks import Audit, Group
from reconciliation.plan import Plan
from reconciliation.profile import Join, Source
from reconciliation.screened import DoubtKept, FirstLook


class AfterScan(NamedTuple):
    """The folder in the audit's folder with the rows that were read after the scan, and their number by source."""

    folder: str
    rows: Mapping[str, int]


async def audit_of(job: Job, plan: Plan) -> Audit:
    """The audit before any group is taken. Raises ``UnreadableError`` if rows of a source that is read whole are
    missing.
    """
    asked = job.record.parameters
    clock = plan.clock(asked, job.services.now(), job.services.settings.clock_tolerance)
    tables = {one.name: await _table(job, one, plan) for one in job.profile.sources if one.whole}
    nothing = _nothing_counted(job, plan)
    return Audit(asked, clock, nothing, tables=tables, earliest=plan.earliest, is_look=job.record.is_look)


async def _table(job: Job, source: Source, plan: Plan) -> list[Any]:
    items = job.services.store.rows.items(
        job.record.folder, source.name, source.row, lambda _row: "", expected=plan.rows[source.name]
    )
    return [row async for portion in items for _, of_row in portion for row, _ in of_row]


def cleared(job: Job, plan: Plan, audit: Audit) -> Audit:
    """The audit before any group is taken, but with the lost sources and the gaps of ``audit``."""
    return replace(audit, coverage=replace(_nothing_counted(job, plan), gaps=[*audit.coverage.gaps]))


def _nothing_counted(job: Job, plan: Plan) -> Coverage:
    coverage = Coverage(plan.listed, job.profile.scan.harmless if job.profile.scan else frozenset())
    coverage.skipped.update(plan.skipped)
    return coverage


async def taken_in(
    job: Job, look: FirstLook, join: Join, plan: Plan, after: AfterScan
) -> AsyncIterator[tuple[Held[Any], DoubtKept]]:
    """Take all groups of a join, joins in their order; gives those in doubt."""
    of_scan = job.profile.is_of_scan(join.name)
    links = keyed((key, link) for key, of_key in sorted(look.links[join.name].items()) for link in of_key)
    only = look.profile.only
    requested = sorted(look.audit.asked.only) if only is not None and only.join == join.name else []
    beside = [_records(job, plan) if of_scan else links, keyed((key, key) for key in requested)]
    async for portion in groups(job, _places(job, look.audit, plan, after), join, beside):
        for held in portion:
            doubt = _take(look, join, held, of_scan=of_scan)
            if doubt is not None:
                yield held, doubt


def _take(look: FirstLook, join: Join, held: Held[Any], *, of_scan: bool) -> DoubtKept | None:
    key, (*of_sources, named, requested) = held
    rows = rows_of(of_sources)
    if of_scan:
        group = Group(key, rows, look.covered(named[0]) if named else None)
    else:
        group = Group(key, rows, links=[evidence for _, evidence in named])
    return look.take(join.name, group, requested=bool(requested))


async def _records(job: Job, plan: Plan) -> Stream:
    async def shards() -> AsyncIterator[list[Record]]:
        for planned in plan.shards:
            yield await shard_records(job.services, job.record.folder, planned, job.profile)

    async with ahead(shards()) as read:
        async for records in read:
            yield [(record.unit, (record,)) for record in records]


def _places(job: Job, audit: Audit, plan: Plan, after: AfterScan) -> dict[str, Place]:
    rows = {**plan.rows, **after.rows}
    return {
        source.name: Place(job.record.folder, after.folder if source.after_scan else "rows", rows.get(source.name))
        for source in job.profile.sources
        if source.name in rows or source.name not in audit.lost
    }
