"""All that judging needs, out of the run store and read again: nothing is read while judging."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import NamedTuple

from activities.doubts import counted_from_json
from activities.first_look import AfterScan, audit_of, cleared, taken_in
from activities.kept import Each, RowsKept
from activities.second_look import Looked, doubts_of, keys_of, looked_again, looked_before, read_again
from activities.step import Job
from reconciliation.errors import RunStoreError
from reconciliation.judging import link_again, names_more, summed, with_gaps
from reconciliation.looks import Audit, Doubt
from reconciliation.plan import Plan
from reconciliation.screened import DoubtKept, FirstLook, Screening, judged_with, verdicts_of
from reconciliation.tally import Tally


class ToJudge(NamedTuple):
    """What is in doubt, as it was read again, to be gone through any number of times; ``in_order`` is the rest.
    ``complete`` is False if anything could not be read again.
    """

    audit: Audit
    doubts: Iterable[Doubt]
    in_order: Tally
    complete: bool


@asynccontextmanager
async def to_judge(
    job: Job, screening: Screening, count: Callable[[str, str, Sequence[str]], None]
) -> AsyncIterator[ToJudge]:
    """Read again what is in doubt, and keep it until the block ends; ``count`` is called with kinds, verdicts
    and ids of what is in order, of kinds that keep ids.
    """
    profile = job.profile
    plan = await job.services.store.plans.existing(job.record.folder)
    before = judged_with(await audit_of(job, plan), screening)
    found = await looked_again(job, screening)
    with closing(found), RowsKept() as kept:
        looked: Iterable[Looked] = found
        keys: Mapping[str, Set[str]] = found.keys
        of_units: Iterable[Looked] = found.of(profile.scan.join) if profile.scan else ()
        by_units = Each(of_units, lambda one: one.doubt(one.kept.group.rows))
        audit = with_gaps(before, profile.gaps(by_units, before))
        verdicts = _verdicts(job, screening)
        if audit.all_lost != before.all_lost or names_more(profile, by_units, audit):
            # The second look found new gaps or new links, which may put more in doubt: the first look is repeated.
            look = FirstLook(profile, cleared(job, plan, audit))
            looked = looked_before(await _taken_in_again(job, look, plan, screening, by_units), looked)
            keys = keys_of(looked)
            verdicts = look.verdicts
            for (_, kind, verdict), ids in look.counted.items():
                count(kind, verdict, ids)
        elif screening.kept_ids:
            folder = f"{job.record.folder}/{screening.folder}"
            async for lines in job.services.store.attempts.counted(folder, counted_from_json):
                for kind, verdict, ids in lines:
                    count(kind, verdict, ids)
        again = await read_again(job, audit, keys, kept, plan.earliest)
        found.keys.clear()  # megabytes, where much is in doubt
        tables = {name: rows for name, rows in again.tables.items() if name not in again.lost}
        lost = audit.lost | (again.lost & audit.tables.keys())
        audit = replace(audit, databases=again.databases, tables={**audit.tables, **tables}, lost=lost)
        doubts, in_order = doubts_of(looked, profile, again), summed(verdicts.values())
        yield ToJudge(audit, doubts, in_order, found.complete and not again.lost)


def _verdicts(job: Job, screening: Screening) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    try:
        return verdicts_of(screening, job.profile)
    except ValueError as error:
        audit_id = job.record.audit_id
        raise RunStoreError(f"Audit {audit_id} was screened by another release: {error}. Resume the audit.") from error


async def _taken_in_again(
    job: Job, look: FirstLook, plan: Plan, screening: Screening, by_units: Iterable[Doubt]
) -> list[DoubtKept]:
    """All groups in doubt, by the first look and the links that the second look added."""
    link_again(look, by_units)
    after = AfterScan(screening.folder, screening.rows)
    return [doubt for join in job.profile.joins async for _, doubt in taken_in(job, look, join, plan, after)]
