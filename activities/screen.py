"""The first look: rows and evidence key by key; what is in order is counted, the rest is stored to be read again."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NotRequired, TypedDict

import azure.durable_functions as df

from activities.doubts import Links, doubt_to_json
from activities.first_look import AfterScan, audit_of, cleared, taken_in
from activities.step import AuditRequest, Job, Refusal, run_body, running
from adapters.readers import Reading, reader
from adapters.services import Services
from adapters.store.jsonl import to_text
from reconciliation.coverage import Gap
from reconciliation.errors import AuditError, WrongAccountError
from reconciliation.looks import MISSING, PLACED, Audit, Sighting
from reconciliation.plan import Plan
from reconciliation.screened import FirstLook, Screening

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.screen")

# A block ends by either: a single meeting may have thousands of rows and files. Doubts are counted in bytes of JSON.
_DOUBTS_IN_A_BLOCK, _BYTES_IN_A_BLOCK = 50, 256 * 1024
_IDS_ON_A_LINE = 500


class ScreenResult(TypedDict):
    """``shards``: those of the second look, which waits for ``pause_seconds`` if they are given."""

    ok: Literal[True]
    shards: int
    pause_seconds: NotRequired[int]


async def screen_audit(request: AuditRequest, services: Services) -> ScreenResult:
    """Screen what was read; of several screenings of one attempt, the first to be done counts.

    Raises ``WrongAccountError`` if storage has almost nothing of what the rows refer to, and ``AssertionError`` if
    anything does not add up; there is no result then.
    """
    record = await running(request, services)
    profile = services.profile_of(record)
    screening = await _Screen(Job(services, record, profile)).run()
    logger.info("Audit %s: %s", record.audit_id, dict(screening.verdicts))
    shards = len(screening.shards)
    if profile.pause and screening.blocks:
        return {"ok": True, "shards": shards, "pause_seconds": round(profile.pause.total_seconds())}
    return {"ok": True, "shards": shards}


class _Screen:
    """One screening. It writes to a folder of its own, so that a repeated one does not overwrite it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._services, self._record, self._profile = job
        self._folder = f"{job.record.attempt}/{job.services.now():%Y%m%d-%H%M%S-%f}"
        self._lookups = 0
        self._rows: dict[str, int] = {}

    async def run(self) -> Screening:
        profile, attempts = self._profile, self._services.store.attempts
        plan = await self._services.store.plans.existing(self._record.folder)
        before = self._with_gaps(await audit_of(self._job, plan), plan.rows, plan.unread)
        audit = await self._read_after_scan(before, plan)
        look, where = FirstLook(profile, audit), f"{self._record.folder}/{self._folder}"
        blocks = await attempts.write_doubts(where, self._doubts(look, plan))
        if spoiled := look.spoiled:
            # A source was lost after subjects that need it had been counted.
            audit = replace(cleared(self._job, plan, audit), lost=audit.lost | spoiled)
            look, self._lookups = FirstLook(profile, audit), 0
            blocks = await attempts.write_doubts(where, self._doubts(look, plan))
        if look.counted:
            await attempts.write_counted(where, list(_lines_of(look)))
        screening = look.screening(audit.clock.now, blocks, self._lookups)
        screening = replace(screening, rows=self._rows, folder=self._folder)
        return await attempts.first_screened(self._record.attempt_folder, screening)

    async def _read_after_scan(self, audit: Audit, plan: Plan) -> Audit:
        """The audit with the gaps of sources that are read after the scan."""
        unread: dict[str, str] = {}
        for source in self._profile.sources:
            if not source.after_scan:
                continue
            try:
                moments = self._services.moments(audit.asked, plan.earliest)
                async with reader(self._services, source.setting) as opened:
                    reading = Reading.of(opened, source.read(audit.asked, moments))
                    write = self._services.store.rows.write
                    rows = await write(self._record.folder, source.name, reading.lines(), self._folder)
                self._rows[source.name] = rows
                if reading.unread is not None:
                    unread[source.name] = reading.unread
            except AuditError as error:
                unread[source.name] = str(error)
        return self._with_gaps(audit, self._rows, unread)

    def _with_gaps(self, audit: Audit, rows: Mapping[str, int], unread: Mapping[str, str]) -> Audit:
        for name, why in unread.items():
            logger.warning("Audit %s: %s could not be read to the end: %s", self._record.audit_id, name, why)
            to_the_end = " to the end" if name in rows else ""
            audit.coverage.gaps.append(Gap(f"{_in_words(name)} could not be read{to_the_end}", why))
        for name, count in rows.items():
            if not count and name not in unread and (empty := self._profile.source(name).if_empty) is not None:
                audit.coverage.gaps.append(empty)
        return replace(audit, lost=audit.lost | unread.keys())

    async def _doubts(self, look: FirstLook, plan: Plan) -> AsyncIterator[list[str]]:
        block, size = list[str](), 0
        for join in self._profile.joins:
            after = AfterScan(self._folder, self._rows)
            async for (_, items), doubt in taken_in(self._job, look, join, plan, after):
                links: Links = look.links[join.name].get(doubt.group.key, ())
                block.append(to_text(doubt_to_json(doubt, items[: len(join.of)], links, self._profile)))
                size += len(block[-1])
                self._lookups += doubt.again.unit + len(doubt.again.late)
                if len(block) == _DOUBTS_IN_A_BLOCK or size >= _BYTES_IN_A_BLOCK:
                    yield block
                    block, size = [], 0
            if self._profile.is_of_scan(join.name):
                look.audit.coverage.check()
                self._refuse_wrong_account(look)
        if block:
            yield block

    def _refuse_wrong_account(self, look: FirstLook) -> None:
        sightings = look.sightings
        missing, placed = (sightings.get(name, Sighting(0, None)).times for name in (MISSING, PLACED))
        if self._services.settings.allow_mostly_missing or look.audit.lost or missing <= max(1, placed):
            return
        unit, settings = self._profile.wording.unit, [one.setting for one in self._profile.connections if one.needed]
        raise WrongAccountError(
            f"{missing:,} of {missing + placed:,} rows have no {unit} in storage: it is probably not the account of "
            f"this database. Check {' and '.join(settings)}, then start a new audit. If the "
            f"{unit}s are really lost, set AUDIT_ALLOW_MOSTLY_MISSING to true and resume this one."
        )


def _lines_of(look: FirstLook) -> Iterator[list[Any]]:
    for of, ids in sorted(look.counted.items()):
        for at in range(0, len(ids), _IDS_ON_A_LINE):
            yield [*of, ids[at : at + _IDS_ON_A_LINE]]


def _in_words(source: str) -> str:
    return f"the source {source.replace('_', ' ')}"


@bp.activity_trigger(input_name="request")
async def screen(request: AuditRequest) -> ScreenResult | Refusal:
    return await run_body(screen_audit, request)
