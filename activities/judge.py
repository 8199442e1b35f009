"""What is in doubt gets its verdict, by what was read again; and the canonical report is written."""

import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypedDict

import azure.durable_functions as df

from activities.doubts import doubt_from_json, evidence_from_json
from activities.joined import groups
from activities.looking import SECONDS_BETWEEN_PASSES
from activities.previous import previous_audit
from activities.screen import audit_of, folders_of, links_and_asked, take
from activities.spools import Spools
from activities.step import AuditRequest, Refusal, answered, running
from adapters.readers import Reader, reader
from adapters.services import Services
from reconciliation.coverage import Gap
from reconciliation.errors import AuditError, RunStoreError
from reconciliation.evidence import Unread, has_failed
from reconciliation.finding import Finding
from reconciliation.looks import Audit, Doubt, Group, Server
from reconciliation.notes import notes_of
from reconciliation.profile import Profile, Source
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.run_record import RunRecord
from reconciliation.screened import DoubtKept, FirstLook, Screening, judged_with, tally_of
from reconciliation.since_last import Known, change_of, compare
from reconciliation.tally import Result, Tally

bp = df.Blueprint()
logger = logging.getLogger("capture_audit.judge")

_KEYS_IN_ONE_QUERY = 5000
_NOT_LOOKED_AT = "it was not looked up again"


class JudgeAnswer(TypedDict):
    """The canonical report is in the run store."""

    ok: Literal[True]


async def judge_audit(request: AuditRequest, services: Services) -> JudgeAnswer:
    """Judge everything in doubt and write report.json.

    Raises ``AssertionError`` if anything does not add up; nothing is written then.
    """
    record = await running(request, services)
    screening = await services.store.attempts.screened(record.attempt_folder)
    if screening is None:
        raise RunStoreError(f"Audit {record.audit_id} was not screened. Resume the audit.")
    profile = services.profile_of(record)
    with Spools(screening.now, profile.kinds[0].name) as spools:
        await _judge(services, record, profile, screening, spools)
    return {"ok": True}


@dataclass
class SecondLook:
    """What was read again: rows by source and key, what was looked up by join and key, and the sources that could not be
    read again. ``complete`` is False if anything could not.
    """

    rows: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    units: dict[tuple[str, str], tuple[Any, list[Any]]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    servers: dict[str, Server] = field(default_factory=dict)
    complete: bool = True

    def group(self, doubt: DoubtKept, profile: Profile) -> Group:
        """A group as it was read again; what was not asked for again is as it was."""
        rows = list(doubt.group.rows)
        lost = set[str]()
        for at, (name, _) in enumerate(profile.join(doubt.join).of):
            if name in self.lost:
                lost.add(name)
            elif name in self.rows:
                rows[at] = self.rows[name].get(doubt.group.key, ())
        missing = Unread(doubt.group.key, _NOT_LOOKED_AT, failed=True) if doubt.again.unit else None
        evidence, late = self.units.get((doubt.join, doubt.group.key), (missing, []))
        return Group(doubt.group.key, tuple(rows), evidence, doubt.group.links, late, frozenset(lost))


async def _judge(services: Services, record: RunRecord, profile: Profile, screening: Screening, spools: Spools) -> None:
    plan = await services.store.plans.known(record.folder)
    audit = judged_with(audit_of(services, record, plan, profile), screening)
    audit = replace(audit, clock=replace(audit.clock, now=screening.now))
    kept = [doubt async for doubt in _kept(services, record, profile, screening)]
    second = await _looked_up(services, record, profile, screening)
    # The rows last: what is registered while units are looked up is registered.
    await _read_again(services, audit, profile, kept, second)
    audit = replace(audit, databases=second.servers)
    doubts = [Doubt(doubt.join, doubt.group, second.group(doubt, profile)) for doubt in kept]
    was_complete, joins = audit.coverage.is_complete, [join.name for join in profile.joins]
    audit.coverage.gaps.extend(profile.gaps(doubts, audit))
    if was_complete and not audit.coverage.is_complete and profile.scan is not None:
        # What was in order as long as nothing could have been overlooked is judged anew.
        screened, joins = profile.scan.join, [profile.scan.join]
        of_scan = [doubt for doubt in doubts if doubt.join == screened]
        known = {(doubt.join, doubt.first.key): doubt for doubt in doubts}
        tally, more = await _screened_anew(services, record, audit, profile, of_scan, spools)
        doubts = of_scan + [known.get((doubt.join, doubt.group.key)) or _as_it_is(doubt) for doubt in more]
    else:
        tally = Tally()
    _add(tally, tally_of(screening, profile, joins))
    if screening.kept_ids:
        async for lines in services.store.attempts.counted(record.attempt_folder):
            for join, verdict, ids in lines:
                for subject in ids if join in joins else ():
                    spools.count(verdict, subject)
    await _conclude(services, record, audit, profile, doubts, second, tally, spools)


def _as_it_is(doubt: DoubtKept) -> Doubt:
    return Doubt(doubt.join, doubt.group, doubt.group)


def _add(tally: Tally, other: Tally) -> None:
    for kind, counts in other.verdicts.items():
        tally.verdicts[kind].update(counts)


async def _screened_anew(
    services: Services, record: RunRecord, audit: Audit, profile: Profile, of_scan: Sequence[Doubt], spools: Spools
) -> tuple[Tally, list[DoubtKept]]:
    """The joins behind the scan's, screened by what is known now."""
    look, more = FirstLook(profile, audit), list[DoubtKept]()
    for doubt in of_scan:
        for of_join, key in profile.screen(doubt.join, doubt.first, audit).links:
            look.links[of_join][key].append((doubt.first.key, doubt.first.evidence))
    for join in profile.joins:
        if profile.scan is not None and join.name == profile.scan.join:
            continue
        folders = folders_of(profile, record, audit)
        async for portion in groups(services, folders, profile, join, partial(links_and_asked, look, join, profile)):
            more += filter(None, (take(look, join, held, of_scan=False) for held in portion))
    for (_, verdict), ids in look.counted.items():
        for subject in ids:
            spools.count(verdict, subject)
    tally = Tally()
    for of_one in look.tallies.values():
        _add(tally, of_one)
    return tally, more


async def _kept(
    services: Services, record: RunRecord, profile: Profile, screening: Screening
) -> AsyncIterator[DoubtKept]:
    for _, offset, length in screening.blocks:
        for one in await services.store.attempts.doubts(record.attempt_folder, offset, length):
            yield doubt_from_json(one, profile)


async def _looked_up(services: Services, record: RunRecord, profile: Profile, screening: Screening) -> SecondLook:
    second = SecondLook()
    for shard in range(len(screening.shards)):
        seen = await services.store.attempts.again(record.attempt_folder, shard)
        for join, key, evidence, late in seen or ():
            now = evidence_from_json(key, evidence, profile)
            answers = [Unread(*one["unread"]) if "unread" in one else one["answer"] for one in late]
            second.units[join, key] = now, answers
            second.complete = second.complete and not has_failed(now)
        second.complete = second.complete and seen is not None
    return second


async def _read_again(
    services: Services, audit: Audit, profile: Profile, kept: Sequence[DoubtKept], second: SecondLook
) -> None:
    """Read the rows of all keys in doubt, those of one setting in one moment. What cannot be read is lost."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for doubt in kept:
        for name, _ in profile.join(doubt.join).of:
            if doubt.group.key:
                keys[name].add(doubt.group.key)
    wanted: defaultdict[str, list[Source]] = defaultdict(list)
    for source in _in_order(profile):
        if source.again is not None and keys[source.name]:
            wanted[source.setting].append(source)
    for setting, sources in wanted.items():
        for attempt in (1, 2):
            try:
                async with reader(services, setting) as opened:
                    for source in sources:
                        second.rows[source.name] = await _rows(
                            services, opened, audit, profile, source, keys[source.name]
                        )
                    if opened.server is not None:
                        second.servers[setting] = opened.server
                break
            except AuditError as error:
                logger.warning("The second look at %s failed, attempt %d: %s", setting, attempt, error)
                if attempt == 1:
                    await services.sleep(SECONDS_BETWEEN_PASSES)
        else:
            second.lost |= {source.name for source in sources}
            second.complete = False


def _in_order(profile: Profile) -> list[Source]:
    first = [profile.source(name) for name in profile.again_order]
    return first + [source for source in profile.sources if source not in first]


async def _rows(
    services: Services, opened: Reader, audit: Audit, profile: Profile, source: Source, keys: set[str]
) -> dict[str, list[Any]]:
    assert source.again is not None
    key_of = next(key for join in profile.joins for name, key in join.of if name == source.name)
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    ordered, moments = sorted(keys), services.moments(audit.asked)
    for at in range(0, len(ordered), _KEYS_IN_ONE_QUERY):
        asked = source.again(audit.asked, moments, ordered[at : at + _KEYS_IN_ONE_QUERY])
        async for lines in opened.lines(asked):
            for line in lines:
                row = source.row(json.loads(line))
                if (key := key_of(row)) in keys:
                    rows[key].append(row)
    return dict(rows)


async def _conclude(
    services: Services,
    record: RunRecord,
    audit: Audit,
    profile: Profile,
    doubts: Sequence[Doubt],
    second: SecondLook,
    tally: Tally,
    spools: Spools,
) -> None:
    """Judge for good, compare with the previous audit, and write the report."""
    parameters = record.parameters
    previous = await previous_audit(services, record)
    now: list[Known] = []
    looked_twice = second.complete
    lost = audit.lost if audit.coverage.is_complete else audit.lost | {"units"}
    found_late: list[Gap] = []
    for subject in profile.conclude(doubts, audit):
        if isinstance(subject, Gap):
            found_late.append(subject)
            continue
        judgement = subject.kind.judged(subject.facts, lost | subject.lost)
        tally.count(subject.kind, judgement)
        looked_twice = looked_twice and not subject.doubtful
        if judgement.rule.counted:
            if subject.kind.keeps_ids:
                spools.count(judgement.verdict, subject.id)
            continue
        finding: Finding[Any] = Finding(subject.kind, subject.id, subject.facts, judgement)
        known = finding.known
        spools.add(finding, None if known is None else change_of(previous, known, profile.shows))
        if known is not None:
            now.append(known)
    audit.coverage.gaps += found_late
    complete = audit.coverage.is_complete and looked_twice
    since_last = compare(previous, now, profile.shows, mode=parameters.mode, complete=complete)
    result = Result(audit.coverage, tally, parameters.mode, since_last, looked_twice)
    header = AuditHeader(
        record.audit_id,
        parameters,
        record.created_at,
        audit.clock,
        services.audited(profile),
        resumes=record.resumes,
        runbook_url=services.settings.runbook_url,
        look_up=spools.names.look_up(profile),
    )
    letters = await services.store.letters.all(record.folder) if audit.coverage.failed else []
    head = build_head(header, profile, result, letters, list(_notes(audit, profile)), generated_at=services.now())

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in spools.document(head):
            yield chunk

    await services.store.reports.write(record.folder, "json", chunks(), record.attempt)
    logger.info("Audit %s: %s", record.audit_id, dict(tally.severities))


def _notes(audit: Audit, profile: Profile) -> Iterable[str]:
    yield from profile.notes(audit)
    yield from notes_of(audit)


@bp.activity_trigger(input_name="request")
async def judge(request: AuditRequest) -> JudgeAnswer | Refusal:
    """The activity."""
    return await answered(judge_audit, request)
