"""Small worlds to audit: rows, containers and second looks, each built from the one thing a test is about."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record, read_evidence
from profiles.pre_capture_sessions.gaps import NO_CONTAINER
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES
from profiles.pre_capture_sessions.kinds import SESSION
from profiles.pre_capture_sessions.options import FAST
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from profiles.pre_capture_sessions.selection import HARMLESS_SKIPS
from profiles.pre_capture_sessions.showing import SHOWING
from reconciliation.audited import Audited as Environment
from reconciliation.clock import Clock
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage, Gap
from reconciliation.database import DatabaseState
from reconciliation.evidence import Read, Unread, has_failed
from reconciliation.finding import Finding
from reconciliation.judging import link_again, names_more
from reconciliation.looks import Audit, Doubt, Group
from reconciliation.lookups import Blob, BlobCount, BlobPage
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open, Skip
from reconciliation.queries import Moments
from reconciliation.rules import SEVERITY_ORDER, Kind
from reconciliation.screened import DoubtKept, FirstLook
from reconciliation.since_last import Previous, change_of, compare
from reconciliation.tally import Result, Tally
from reporting.csv_table import csv_header, csv_rows
from reporting.document import (
    CLOSING,
    COUNTED_CLOSING,
    counted_begin,
    counted_line,
    counted_opening,
    finding_line,
    opening,
)
from reporting.html import SHOWN_SEVERITIES, render_html
from reporting.look_up import NamesToLookUp
from reporting.model import AuditHeader, build_head

AS_OF = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOW, TOLERANCE = AS_OF + MINUTE, 5 * MINUTE
LATEST = NOW + TOLERANCE
CLOCK = Clock(as_of=AS_OF, grace=60 * MINUTE, settle=20 * MINUTE, now=NOW, tolerance=TOLERANCE)
MOMENTS = Moments(AS_OF - 60 * MINUTE, LATEST)
LONG_AGO = AS_OF - timedelta(days=30)
PARAMETERS = PROFILE.parameters()
IN_FAST_MODE = replace(PARAMETERS, mode=FAST)
AUDIT_ID = "20260302-093000-1a2b3c4d"
AUDITED = Environment(
    {
        "storage_account": "finalsa",
        "ingest_account": "ingestsa",
        "database": {"host": "db.example", "name": "pre"},
    },
    "production",
    frozenset({"ingest_account"}),
)
Report = dict[str, Any]

# What the rows of a session say of its end; any of them goes with ``session(**SWEPT)``.
SWEPT: dict[str, Any] = {"has_ingest_address": True, "processing_at": LONG_AGO, "left_at": LONG_AGO + 8 * 60 * MINUTE}
STOPPED: dict[str, Any] = SWEPT | {"stopped_at": LONG_AGO + 2 * MINUTE}
REGISTERED: dict[str, Any] = {"status": "RECORDING_AVAILABLE", "live_recordings": 1}


def uuid_of(name: str) -> UUID:
    """The id of the thing of that name, the same on every run."""
    return uuid5(NAMESPACE_OID, f"capture-audit test: {name}")


def session(name: str = "session", **changes: Any) -> Candidate:
    """A candidate of an open case, a month old and never used, with no recording of any kind."""
    candidate = Candidate(
        session_id=str(uuid_of(name)),
        status="NO_RECORDING",
        origin="PRE",
        started_at=LONG_AGO,
        finished_at=LONG_AGO + 90 * MINUTE,
        scheduled_for=LONG_AGO - 10 * MINUTE,
        deleted_at=None,
        booking_id=str(uuid_of(f"{name}: booking")),
        case_id=str(uuid_of(f"{name}: case")),
        case_state="OPEN",
        case_closed_at=None,
        case_live=True,
        live_recordings=0,
        deleted_recordings=0,
        withdrawn_recordings=0,
        sibling_recordings=0,
        has_ingest_address=False,
        processing_at=None,
        left_at=None,
        stopped_at=None,
        job_at=None,
        row_token="4711",
        in_question=True,
    )
    return replace(candidate, **changes)


def key_of(name: str = "session") -> str:
    """The session's id as it stands in blob names."""
    return uuid_of(name).hex


def track(base: str, size: int = 40_000, at: datetime = LONG_AGO) -> Blob:
    """An encoded track of that base name."""
    return Blob(f"{base}_1280x720_4500k.mp4", size, at)


def manifest(base: str, size: int = 700, at: datetime = LONG_AGO) -> Blob:
    """A server manifest of that base name."""
    return Blob(f"{base}.ism", size, at)


def page(blobs: Sequence[Blob]) -> BlobPage:
    """A page as the listing gives it: full properties only of the blobs whose names can matter."""
    changes = [f"{blob.last_modified.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for blob in blobs]
    return BlobPage(len(blobs), changes, [blob for blob in blobs if blob.name.lower().endswith(MATTERING_SUFFIXES)])


def seen_in(container_name: str, blobs: Sequence[Blob]) -> ContainerEvidence:
    """What a scan makes of any container, listed on one page."""
    return read_evidence(container_name, [page(blobs)], LATEST)


def container(name: str, *blobs: Blob) -> ContainerEvidence:
    """What a scan makes of a recording's container; ``name`` stands for a UUID."""
    return seen_in(str(uuid_of(name)), blobs)


def encode(of: str = "session", at: datetime = LONG_AGO) -> list[Blob]:
    """The blobs of a complete recording of the session named ``of``."""
    return [track(key_of(of), at=at), manifest(key_of(of), at=at)]


def encoded(name: str = "recording", of: str = "session", at: datetime = LONG_AGO) -> ContainerEvidence:
    """A container that holds a complete recording of the session named ``of``."""
    return container(name, *encode(of, at))


def row(
    name: str = "recording", of: str = "session", *marks: str, file_digest: str | None = None
) -> RegisteredRecording:
    """The row that makes a container of the same name registered."""
    return RegisteredRecording(str(uuid_of(name)), str(uuid_of(of)), list(marks), file_digest)


def unread(name: str = "unread") -> Unread:
    """A container that could not be read."""
    return Unread(str(uuid_of(name)), "403 Forbidden", failed=True)


def gone(name: str) -> Unread:
    """A container that was deleted after it had been listed."""
    return Unread(str(uuid_of(name)), DELETED_DURING_SCAN, failed=False)


def asking(parameters: AuditParameters = PARAMETERS, **options: Any) -> AuditParameters:
    """The same question, but for these options of the profile."""
    return replace(parameters, options={**parameters.options, **options})


@dataclass(frozen=True)
class World:
    """What stands in the database and in storage at one moment.

    ``others`` are sessions that are in the database and no candidates; ``ingest`` counts blobs by booking. A world
    without a ``database`` cannot be asked for rows. ``lists_what_is_gone``: a second listing still has what is gone;
    ``unlisted`` is there all the same, and no listing has it. ``may_be_empty``: that it has no container is no gap.
    """

    candidates: Sequence[Candidate] = ()
    records: Sequence[Record] = ()
    rows: Sequence[RegisteredRecording] = ()
    others: Sequence[Candidate] = ()
    ingest: Mapping[str, int] = field(default_factory=dict)
    database: bool = True
    replayed_until: datetime | None = None
    lists_what_is_gone: bool = False
    unlisted: frozenset[str] = frozenset()
    may_be_empty: bool = True

    @property
    def stored(self) -> dict[str, Record]:
        """What reading each container gives, by name."""
        return {record.unit: record for record in self.records}

    @property
    def listed(self) -> set[str]:
        """The containers that a listing has; of those that are gone it may be told, too."""
        gone = {one.unit for one in self.records if isinstance(one, Unread) and not one.failed}
        return self.stored.keys() - (set() if self.lists_what_is_gone else gone) - self.unlisted

    def read(self, names: Iterable[str]) -> dict[str, Record]:
        """What reading some containers gives: those that are not here are gone."""
        return {name: self.stored.get(name, Unread(name, DELETED_DURING_SCAN, failed=False)) for name in names}

    def audit(self, parameters: AuditParameters) -> Audit:
        """An audit of it in which everything is still to be taken in."""
        coverage = Coverage(len(self.records), HARMLESS_SKIPS)
        if not self.records and not self.may_be_empty:
            coverage.gaps.append(NO_CONTAINER)
        return Audit(parameters, CLOCK, coverage)

    def name(self, name: str, then: "World", audit: Audit) -> Group:
        """What is held of a name at first sight; ``then`` is listed the second time."""
        stored = self.stored
        rows = [row for row in self.rows if row.recording_id == name]
        again = [name] if name in then.listed else []
        group = Group(name, ([name] if name in stored else [], rows, again))
        opened = PROFILE.scan.open(group, audit.asked)
        if isinstance(opened, Skip):
            audit.coverage.skipped[opened.reason] += 1
        return group if not isinstance(opened, Open) else group._replace(evidence=stored[name])

    def again(self, doubt: DoubtKept) -> Group:
        """What is held of a group in doubt when it is read again in this world."""
        first, lost = doubt.group, frozenset() if self.database else frozenset({"registered", "candidates"})
        if doubt.join == SESSIONS:
            known = [one for one in (*self.candidates, *self.others) if one.session_id == first.key]
            late = [self.ingest.get(lookup.container) for lookup in doubt.again.late if isinstance(lookup, BlobCount)]
            return Group(first.key, (known if self.database else first.rows[0],), None, first.links, late, lost)
        rows = [row for row in self.rows if row.recording_id == first.key] if self.database else first.rows[1]
        record = self.read([first.key])[first.key] if doubt.again.unit else None
        return Group(first.key, (first.rows[0], rows, first.rows[2]), record, (), (), lost)


@dataclass(frozen=True)
class Audited:
    """An audit with everything judged: its sums, its findings in the order of its report with what changed of them, and
    the sessions that are only counted, as verdict and id.
    """

    result: Result
    findings: tuple[Finding[Any], ...]
    changes: tuple[str | None, ...]
    counted: tuple[tuple[str, str], ...]

    @property
    def coverage(self) -> Coverage:
        return self.result.coverage

    @property
    def tally(self) -> Tally:
        return self.result.tally

    @property
    def outcome(self) -> Outcome:
        return self.result.outcome

    def verdicts(self, kind: Kind[Any] = SESSION) -> dict[str, str]:
        """The verdict of every subject of which there is one by name, by its id."""
        listed = {found.id: found.judgement.verdict for found in self.findings if found.kind is kind}
        return listed | ({one: verdict for verdict, one in self.counted} if kind is SESSION else {})

    def counts(self, kind: Kind[Any]) -> dict[str, int]:
        """How often each verdict was given."""
        return {verdict: count for verdict, count in self.tally.verdicts[kind.name].items() if count}

    def finding(self, name: str = "session") -> Finding[Any]:
        """The finding about the thing of that name."""
        [found] = [found for found in self.findings if found.id == str(uuid_of(name))]
        return found


def first_look(
    world: World, parameters: AuditParameters = PARAMETERS, then: World | None = None
) -> tuple[FirstLook, list[DoubtKept]]:
    """What the first look makes of a world, in no order of its names: those in doubt, and the rest counted."""
    look = FirstLook(PROFILE, world.audit(parameters))
    return look, taken_in(world, look, then or world)


def taken_in(world: World, look: FirstLook, later: World, seen: Sequence[Doubt] = ()) -> list[DoubtKept]:
    """All that is in doubt, of names and of sessions, when this was ``seen`` of them again."""
    audit, doubts = look.audit, list[DoubtKept]()
    link_again(look, seen)
    for name in world.stored.keys() | later.listed | {row.recording_id for row in world.rows}:
        group = world.name(name, later, audit)
        if group.evidence is not None:
            audit.coverage.count(record_of(name, group.evidence))
        doubts += filter(None, [look.take(NAMES, group)])
    audit.coverage.check()
    return doubts + sessions_in_doubt(world, look)


def sessions_in_doubt(world: World, look: FirstLook) -> list[DoubtKept]:
    """Of the candidates, and of the sessions that containers name or that were asked for."""
    doubts, known = list[DoubtKept](), {one.session_id: one for one in world.candidates if one.has_id}
    nameless = [one for one in world.candidates if not one.has_id]
    asked = set(look.audit.asked.only)
    for key in sorted(known.keys() | look.links[SESSIONS].keys() | asked):
        rows = (known[key],) if key in known else ()
        group = Group(key, (rows,), links=[evidence for _, evidence in look.links[SESSIONS].get(key, ())])
        doubts += filter(None, [look.take(SESSIONS, group, requested=key in asked)])
    return doubts + [one for row in nameless if (one := look.take(SESSIONS, Group("", ((row,),))))]


def record_of(name: str, evidence: Any) -> Any:
    """As a shard keeps it."""
    return evidence if isinstance(evidence, Unread) else Read(name, evidence.blobs, evidence)


def audited(
    world: World,
    parameters: AuditParameters = PARAMETERS,
    *,
    then: World | None = None,
    previous: Previous | None = None,
) -> Audited:
    """Everything judged by PRE's rules at ``AS_OF``; the second look sees ``then``, or the same world."""
    later = then or world
    look, kept = first_look(world, parameters, then)
    state = DatabaseState(AS_OF, later.replayed_until is not None, later.replayed_until)
    servers = {"PRE_DATABASE": state} if later.database else {}
    audit = replace(look.audit, sightings=look.sightings, databases=servers)
    doubts = [Doubt(one.join, one.group, later.again(one)) for one in kept]
    # What was looked up, before any row was read again: by that, more may come into doubt.
    seen = [Doubt(one.join, one.first, one.again._replace(rows=one.first.rows, lost=frozenset())) for one in doubts]
    was_complete, verdicts, counted = audit.coverage.is_complete, look.verdicts, dict(look.counted)
    # A gap names the first of several, and they come by name.
    audit.coverage.gaps += PROFILE.gaps(sorted(seen, key=lambda doubt: doubt.first.key), audit)
    if (was_complete and not audit.coverage.is_complete) or names_more(PROFILE, seen, audit):
        coverage = replace(world.audit(parameters).coverage, gaps=[*audit.coverage.gaps])
        again = FirstLook(PROFILE, replace(audit, coverage=coverage))
        doubts = [Doubt(one.join, one.group, later.again(one)) for one in taken_in(world, again, later, seen)]
        verdicts, counted = again.verdicts, dict(again.counted)
    tally, ids = Tally(), [(verdict, one) for (_, _, verdict), of in counted.items() for one in of]
    for of_join in verdicts.values():
        for kind, counts in of_join.items():
            tally.verdicts[kind].update(counts)
    found, doubtful = list[Finding[Any]](), False
    for subject in [*PROFILE.conclude(doubts, audit)]:
        if isinstance(subject, Gap):
            audit.coverage.gaps.append(subject)
            continue
        judgement = subject.kind.judged(subject.facts)
        tally.count(subject.kind, judgement)
        doubtful = doubtful or subject.doubtful
        if not judgement.rule.counted:
            found.append(Finding(subject.kind, subject.id, subject.facts, judgement))
        elif subject.kind.keeps_ids:
            ids.append((judgement.verdict, subject.id))
    findings = sorted(found, key=_urgency)
    again_failed = any(doubt.again.lost or has_failed(doubt.again.evidence) for doubt in doubts)
    looked_twice = later.database and not again_failed and not doubtful
    complete = audit.coverage.is_complete and looked_twice
    known_now = [one.known for one in findings]
    since = compare(previous, filter(None, known_now), PROFILE.shows, mode=parameters.mode, complete=complete)
    result = Result(audit.coverage, tally, parameters.mode, since, looked_twice)
    changes = tuple(change_of(previous, one, PROFILE.shows) if one else None for one in known_now)
    return Audited(result, tuple(findings), changes, tuple(ids))


def _urgency(found: Finding[Any]) -> tuple[int, bool, datetime]:
    ahead = found.due if found.due is not None and found.due > AS_OF else None
    return SEVERITY_ORDER.index(found.judgement.severity), ahead is None, ahead or AS_OF


def reconciled(
    candidates: Iterable[Candidate] = (),
    records: Iterable[Record] = (),
    rows: Iterable[RegisteredRecording] = (),
    others: Iterable[Candidate] = (),
    *,
    parameters: AuditParameters = PARAMETERS,
) -> Audited:
    """The audit of a world that stands still."""
    return audited(World(list(candidates), list(records), list(rows), list(others)), parameters)


def document_of(done: Audited, parameters: AuditParameters = PARAMETERS) -> str:
    """report.json of an audit with few sessions."""
    look_up = NamesToLookUp(done.findings).look_up(PROFILE)
    header = AuditHeader(AUDIT_ID, parameters, AS_OF - MINUTE, CLOCK, AUDITED, look_up=look_up)
    head = build_head(header, PROFILE, done.result, generated_at=AS_OF + MINUTE)
    lines = [finding_line(found.to_json(change)) for found, change in zip(done.findings, done.changes, strict=True)]
    counted = "".join(
        counted_opening(verdict, first=number == 0)
        + counted_line([one for of, one in done.counted if of == verdict])
        + COUNTED_CLOSING
        for number, verdict in enumerate(sorted({verdict for verdict, _ in done.counted}))
    )
    return f"{opening(head)}{','.join(lines)}{counted_begin(SESSION.name)}{counted}{CLOSING}"


def report_on(done: Audited, parameters: AuditParameters = PARAMETERS) -> Report:
    """The report of an audit, as later readers get it."""
    read: Report = json.loads(document_of(done, parameters))
    return read


def table_of(report: Report) -> str:
    """findings.csv of a report."""
    return csv_header(SHOWING) + csv_rows(report["findings"], SHOWING)


def page_of(report: Report) -> str:
    """report.html of a report."""
    head = {name: value for name, value in report.items() if name not in {"findings", "counted"}}
    shown = {
        severity: [found for found in report["findings"] if found["severity"] == severity]
        for severity in SHOWN_SEVERITIES
    }
    return render_html(head, shown, PROFILE)
