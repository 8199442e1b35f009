"""Small worlds to audit: rows, containers and second looks, each built from the one thing a test is about."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.absences import gaps_in_listing, to_be_opened
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.conclusion import Conclusion, SecondLook
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record, read_evidence
from profiles.pre_capture_sessions.first_look import FirstLook, OneName
from profiles.pre_capture_sessions.keys import MATTERING_SUFFIXES
from profiles.pre_capture_sessions.kinds import SESSION
from profiles.pre_capture_sessions.options import FAST
from profiles.pre_capture_sessions.selection import select_containers
from profiles.pre_capture_sessions.showing import SHOWING
from reconciliation.audited import Audited as Environment
from reconciliation.clock import Clock
from reconciliation.coverage import DELETED_DURING_SCAN, Coverage
from reconciliation.database import DatabaseState
from reconciliation.evidence import Unread
from reconciliation.finding import Finding
from reconciliation.lookups import Blob, BlobPage
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Moments, Profile
from reconciliation.report.csv_table import csv_header, csv_rows
from reconciliation.report.document import (
    CLOSING,
    COUNTED_CLOSING,
    counted_begin,
    counted_line,
    counted_opening,
    finding_line,
    opening,
)
from reconciliation.report.html import SHOWN_SEVERITIES, render_html
from reconciliation.report.look_up import CasesNamed
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.rules import SEVERITY_ORDER, Kind
from reconciliation.since_last import Previous, change_of, compare
from reconciliation.tally import Result, Tally

AS_OF = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOW, TOLERANCE = AS_OF + MINUTE, 5 * MINUTE
LATEST = NOW + TOLERANCE
CLOCK = Clock(as_of=AS_OF, grace=60 * MINUTE, settle=20 * MINUTE, now=NOW, tolerance=TOLERANCE)
MOMENTS = Moments(AS_OF - 60 * MINUTE, LATEST)
LONG_AGO = AS_OF - timedelta(days=30)
SMALL = replace(PROFILE, may_be_empty=True)
"""The profile for worlds that hold only what a test is about, be it no container at all."""
PARAMETERS = PROFILE.asked()
IN_FAST_MODE = replace(PARAMETERS, mode=FAST)
AUDIT_ID = "20260302-093000-1a2b3c4d"
AUDITED = Environment("finalsa", "ingestsa", "db.example", "pre", "production")
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
        sibling_recordings=0,
        has_ingest_address=False,
        processing_at=None,
        left_at=None,
        stopped_at=None,
        job_at=None,
        row_token="4711",
        asked=True,
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
    moments = sorted({blob.last_modified for blob in blobs})
    return BlobPage(len(blobs), moments, [blob for blob in blobs if blob.name.lower().endswith(MATTERING_SUFFIXES)])


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
    without a ``database`` cannot be asked for rows. ``lists_what_is_gone``: a second listing still has what is gone.
    """

    candidates: Sequence[Candidate] = ()
    records: Sequence[Record] = ()
    rows: Sequence[RegisteredRecording] = ()
    others: Sequence[Candidate] = ()
    ingest: Mapping[str, int] = field(default_factory=dict)
    database: bool = True
    replayed_until: datetime | None = None
    lists_what_is_gone: bool = False

    @property
    def stored(self) -> dict[str, Record]:
        """What reading each container gives, by name."""
        return {record.unit: record for record in self.records}

    @property
    def listed(self) -> set[str]:
        """The containers that a listing has; of those that are gone it may be told, too."""
        gone = {one.unit for one in self.records if isinstance(one, Unread) and not one.failed}
        return self.stored.keys() - (set() if self.lists_what_is_gone else gone)

    def read(self, names: Iterable[str]) -> dict[str, Record]:
        """What reading some containers gives: those that are not here are gone."""
        return {name: self.stored.get(name, Unread(name, DELETED_DURING_SCAN, failed=False)) for name in names}

    def looked_at(
        self, parameters: AuditParameters = PARAMETERS, then: "World | None" = None, profile: Profile = SMALL
    ) -> FirstLook:
        """What the first look makes of it, in the order in which things stand here; when it asks again for what seems
        absent, the world is ``then``.
        """
        stored = self.stored
        chosen, skipped = select_containers(stored, {row.recording_id for row in self.rows}, parameters)
        opened, known = set(chosen), {row.recording_id: row for row in self.rows}
        first = FirstLook(profile, parameters, CLOCK, listed=len(stored), skipped=skipped)
        later = (then or self).listed
        for name in stored.keys() | later | known.keys():
            record = stored[name] if name in opened else None
            first.take(OneName(name, name in stored, name in later, record, known.get(name)))
        first.coverage.check()
        first.coverage.gaps += gaps_in_listing(first, (then or self).read(to_be_opened(first)))
        first.take_again((then or self).read(first.empty))
        return first

    def looked_at_again(self, first: FirstLook) -> SecondLook:
        """What the second look sees in this world of everything that the first one doubted."""
        records = self.read(first.container_names)
        if not self.database:
            return SecondLook({}, {}, records, database_read=False)
        sessions, rows = set(first.session_ids), set(first.recording_ids)
        return SecondLook(
            {known.session_id: known for known in (*self.candidates, *self.others) if known.session_id in sessions},
            {known.recording_id: known for known in self.rows if known.recording_id in rows},
            records,
            self.ingest,
            database=DatabaseState(AS_OF, self.replayed_until is not None, self.replayed_until),
        )


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


def audited(
    world: World,
    parameters: AuditParameters = PARAMETERS,
    *,
    then: World | None = None,
    previous: Previous | None = None,
    profile: Profile = SMALL,
) -> Audited:
    """Everything judged by PRE's rules at ``AS_OF``; the second look sees ``then``, or the same world."""
    first = world.looked_at(parameters, then, profile)
    counted = [
        (verdict, candidate.session_id)
        for candidate in world.candidates
        if (verdict := first.take_session(candidate)) is not None
    ]
    second = (then or world).looked_at_again(first)
    conclusion = Conclusion(first, second)
    findings = sorted(conclusion.findings(), key=_urgency)
    counted += conclusion.counted_sessions
    known = [found.known for found in findings]
    looked_twice = second.complete and not conclusion.unresolved
    complete = first.coverage.is_complete and looked_twice
    since = compare(previous, filter(None, known), profile.shows, mode=parameters.mode, complete=complete)
    result = Result(first.coverage, first.tally, parameters.mode, since, looked_twice)
    changes = tuple(change_of(previous, one, profile.shows) if one else None for one in known)
    return Audited(result, tuple(findings), changes, tuple(counted))


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
    look_up = CasesNamed(done.findings).look_up(PROFILE)
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
