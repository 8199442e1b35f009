"""The first look: rows beside evidence, key by key; what is in order is counted, the rest is kept to be read again."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import Links, doubt_to_json
from activities.joined import Place, Stream, groups, keyed, rows_of
from activities.step import AuditRequest, Job, Refusal, answered, running
from activities.unscanned import shard_records
from adapters.readers import reader
from adapters.services import Services
from reconciliation.coverage import Coverage, Gap
from reconciliation.errors import AuditError, WrongAccountError
from reconciliation.joining import Held
from reconciliation.looks import MISSING, PLACED, Audit, Group, Told
from reconciliation.plan import Plan
from reconciliation.profile import Join
from reconciliation.screened import DoubtKept, FirstLook, Screening

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.screen")

_DOUBTS_IN_A_BLOCK = 50
_IDS_ON_A_LINE = 500


class ScreenAnswer(TypedDict):
    """In how many pieces the second look is taken."""

    ok: Literal[True]
    shards: int


async def screen_audit(request: AuditRequest, services: Services) -> ScreenAnswer:
    """Screen what was read, into the folder of this attempt.

    Raises ``WrongAccountError`` if storage has almost nothing of what the rows speak of, and ``AssertionError`` if
    anything does not add up; nothing is kept then.
    """
    record = await running(request, services)
    screening = await _Screen(Job(services, record, services.profile_of(record))).run()
    logger.info("Audit %s: %s", record.audit_id, dict(screening.verdicts))
    return {"ok": True, "shards": len(screening.shards)}


class _Screen:
    """One screening."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._services, self._record, self._profile = job
        self._attempt = job.record.attempt_folder
        self._lookups = 0
        self._rows: dict[str, int] = {}

    async def run(self) -> Screening:
        profile, services = self._profile, self._services
        plan = await services.store.plans.known(self._record.folder)
        audit = await self._read_after_scan(audit_of(self._job, plan))
        audit = self._with_what_was_pulled(audit, plan)
        look = FirstLook(profile, audit)
        blocks = await services.store.attempts.write_doubts(self._attempt, self._doubts(look, plan))
        if spoiled := look.spoiled:
            # What it needs was found to be lost only after something had been counted.
            anew = audit_of(self._job, plan)
            look = FirstLook(profile, replace(anew, lost=audit.lost | spoiled))
            self._lookups = 0
            blocks = await services.store.attempts.write_doubts(self._attempt, self._doubts(look, plan))
        if look.counted:
            await services.store.attempts.write_counted(self._attempt, list(_lines_of(look)))
        screening = replace(look.screening(audit.clock.now, blocks, self._lookups), rows=self._rows)
        await services.store.attempts.write_screened(self._attempt, screening)
        return screening

    async def _read_after_scan(self, audit: Audit) -> Audit:
        lost = set(audit.lost)
        for source in self._profile.sources:
            if not source.after_scan:
                continue
            try:
                moments = self._services.moments(audit.asked)
                async with reader(self._services, source.setting) as opened:
                    lines = opened.lines(source.read(audit.asked, moments))
                    rows = self._services.store.rows.write(
                        self._record.folder, source.name, lines, self._record.attempt
                    )
                    self._rows[source.name] = await rows
            except AuditError as error:
                logger.warning("Audit %s: %s could not be read: %s", self._record.audit_id, source.name, error)
                lost.add(source.name)
                audit.coverage.gaps.append(Gap(f"{_in_words(source.name)} could not be read", str(error)))
        return replace(audit, lost=frozenset(lost))

    def _with_what_was_pulled(self, audit: Audit, plan: Plan) -> Audit:
        lost = set(audit.lost)
        for name, why in plan.unread.items():
            lost.add(name)
            audit.coverage.gaps.append(Gap(f"{_in_words(name)} could not be read to the end", why))
        for name, rows in plan.rows.items():
            if not rows and (empty := self._profile.source(name).if_empty) is not None:
                audit.coverage.gaps.append(empty)
        return replace(audit, lost=frozenset(lost))

    async def _doubts(self, look: FirstLook, plan: Plan) -> AsyncIterator[list[Any]]:
        block: list[Any] = []
        for join in self._profile.joins:
            of_scan = self._profile.is_of_scan(join.name)
            async for held, doubt in self._of_join(look, join, plan):
                links: Links = look.links[join.name].get(doubt.group.key, ())
                block.append(doubt_to_json(doubt, held.items[: len(join.of)], links, self._profile))
                self._lookups += doubt.again.unit + len(doubt.again.late)
                if len(block) == _DOUBTS_IN_A_BLOCK:
                    yield block
                    block = []
            if of_scan:
                look.audit.coverage.check()
                self._refuse_wrong_account(look)
        if block:
            yield block

    async def _of_join(self, look: FirstLook, join: Join, plan: Plan) -> AsyncIterator[tuple[Held[Any], DoubtKept]]:
        places = places_of(self._job, look.audit, {**plan.rows, **self._rows})
        of_scan = self._profile.is_of_scan(join.name)
        beside = [self._records(plan)] if of_scan else links_and_asked(look, join)
        async for portion in groups(self._job, places, join, beside):
            for held in portion:
                doubt = take(look, join, held, of_scan=of_scan)
                if doubt is not None:
                    yield held, doubt

    async def _records(self, plan: Plan) -> Stream:
        for planned in plan.shards:
            records = await shard_records(self._services, self._record.folder, planned, self._profile)
            yield [(record.unit, (record,)) for record in records]

    def _refuse_wrong_account(self, look: FirstLook) -> None:
        told = look.told
        missing, placed = (told.get(name, Told(0, None)).times for name in (MISSING, PLACED))
        if self._services.settings.allow_mostly_missing or look.audit.lost or missing <= max(1, placed):
            return
        unit, settings = self._profile.wording.unit, [one.setting for one in self._profile.connections if one.needed]
        raise WrongAccountError(
            f"{missing:,} of {missing + placed:,} rows have no {unit} in storage: it is probably not the account of "
            f"this database. Check {' and '.join(settings)}, then start a new audit. If the "
            f"{unit}s are really lost, set AUDIT_ALLOW_MOSTLY_MISSING to true and resume this one."
        )


def audit_of(job: Job, plan: Plan) -> Audit:
    """The audit as it is known before anything is taken in."""
    asked = job.record.parameters
    clock = plan.clock(asked, job.services.now(), job.services.settings.clock_tolerance)
    coverage = Coverage(plan.listed, job.profile.scan.harmless if job.profile.scan else frozenset())
    coverage.skipped.update(plan.skipped)
    return Audit(asked, clock, coverage)


def places_of(job: Job, audit: Audit, rows: Mapping[str, int]) -> dict[str, Place]:
    """Where the rows of each source are that was read, and how many there must be."""
    of_attempt, of_audit = job.record.attempt_folder, f"{job.record.folder}/rows"
    return {
        source.name: Place(of_attempt if source.after_scan else of_audit, rows.get(source.name))
        for source in job.profile.sources
        if source.name not in audit.lost or not source.after_scan
    }


def links_and_asked(look: FirstLook, join: Join) -> list[Stream]:
    """What evidence names of the keys of a join, and the keys that were asked for."""
    links = sorted(look.links[join.name].items())
    asked = sorted(look.audit.asked.only) if join.name == look.profile.first_join else []
    return [keyed((key, evidence) for key, of_key in links for evidence in of_key), keyed((key, key) for key in asked)]


def take(look: FirstLook, join: Join, held: Held[Any], *, of_scan: bool) -> DoubtKept | None:
    """Take in what is held of one key."""
    sources = len(join.of)
    rows = tuple(map(rows_of, held.items[:sources]))
    if of_scan:
        records = held.items[sources]
        return look.take(join.name, Group(held.key, rows, look.covered(records[0]) if records else None))
    links, asked = held.items[sources:]
    group = Group(held.key, rows, links=[evidence for _, evidence in links])
    return look.take(join.name, group, asked_for=bool(asked))


def _lines_of(look: FirstLook) -> Iterator[list[Any]]:
    for (join, verdict), ids in sorted(look.counted.items()):
        for at in range(0, len(ids), _IDS_ON_A_LINE):
            yield [join, verdict, ids[at : at + _IDS_ON_A_LINE]]


def _in_words(source: str) -> str:
    return f"the source {source.replace('_', ' ')}"


@bp.activity_trigger(input_name="request")
async def screen(request: AuditRequest) -> ScreenAnswer | Refusal:
    """The activity."""
    return await answered(screen_audit, request)
