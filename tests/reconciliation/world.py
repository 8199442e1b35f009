"""Small worlds to judge: rows, containers and audits, each built from the one thing a test is about."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.coverage import Coverage
from reconciliation.evidence import Blob, BlobPage, ContainerEvidence, Unread, read_evidence
from reconciliation.facts import Clock
from reconciliation.keys import can_matter
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters, Mode
from reconciliation.profiles.pre_capture_sessions import PROFILE, RULES
from reconciliation.reconcile import EvidenceIndex, Finding, Result, Tally, find
from reconciliation.report.csv_table import csv_header, csv_rows
from reconciliation.report.document import CLOSING, finding_line, opening
from reconciliation.report.html import SHOWN_SEVERITIES, render_html
from reconciliation.report.model import AuditHeader, build_head
from reconciliation.selection import select_containers
from reconciliation.verdicts import SEVERITY_ORDER

AS_OF = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOCK = Clock(as_of=AS_OF, grace=60 * MINUTE, settle=20 * MINUTE)
LONG_AGO = AS_OF - timedelta(days=30)
PARAMETERS = AuditParameters(PROFILE.name, PROFILE.default_statuses, 60)
AUDIT_ID = "20260302-093000-1a2b3c4d"
Record = ContainerEvidence | Unread
Report = dict[str, Any]


def uuid_of(name: str) -> UUID:
    """The id of the thing of that name, the same on every run."""
    return uuid5(NAMESPACE_OID, f"capture-audit test: {name}")


def session(name: str = "session", **changes: Any) -> Candidate:
    """A candidate of an open case, a month old, with no recording of any kind."""
    candidate = Candidate(
        session_id=str(uuid_of(name)),
        status="NO_RECORDING",
        started_at=LONG_AGO,
        finished_at=LONG_AGO + 90 * MINUTE,
        scheduled_for=LONG_AGO - 10 * MINUTE,
        deleted_at=None,
        booking_id=str(uuid_of(f"{name}: booking")),
        case_id=str(uuid_of(f"{name}: case")),
        case_state="OPEN",
        case_live=True,
        live_recordings=0,
        deleted_recordings=0,
        row_token="4711",
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
    newest = max((blob.last_modified for blob in blobs), default=None)
    return BlobPage(len(blobs), newest, [blob for blob in blobs if can_matter(blob.name)])


def seen_in(container_name: str, blobs: Sequence[Blob]) -> ContainerEvidence:
    """What a scan makes of any container, listed on one page."""
    return read_evidence(container_name, [page(blobs)])


def container(name: str, *blobs: Blob) -> ContainerEvidence:
    """What a scan makes of a recording's container; ``name`` stands for a UUID."""
    return seen_in(str(uuid_of(name)), blobs)


def encoded(name: str = "recording", of: str = "session", at: datetime = LONG_AGO) -> ContainerEvidence:
    """A complete recording of the session named ``of``."""
    return container(name, track(key_of(of), at=at), manifest(key_of(of), at=at))


def row(name: str = "recording", of: str = "session", *, deleted: bool = False) -> RegisteredRecording:
    """The row that makes a container of the same name registered."""
    return RegisteredRecording(str(uuid_of(name)), str(uuid_of(of)), deleted)


def unread(name: str = "unread") -> Unread:
    """A container that could not be read."""
    return Unread(str(uuid_of(name)), "403 Forbidden", failed=True)


@dataclass(frozen=True)
class Reconciled:
    """An audit with everything judged: its sums, and its findings in the order of its report."""

    result: Result
    findings: tuple[Finding, ...]

    @property
    def coverage(self) -> Coverage:
        return self.result.coverage

    @property
    def unattributed(self) -> Sequence[str]:
        return self.result.unattributed

    @property
    def outcome(self) -> Outcome:
        return self.result.outcome


def indexed(
    candidates: Iterable[Candidate],
    records: Iterable[Record] = (),
    rows: Iterable[RegisteredRecording] = (),
    skipped: Mapping[str, int] | None = None,
) -> EvidenceIndex:
    """Everything that was seen, beside the rows that register it; ``skipped`` was not to be opened."""
    seen, skips, known = list(records), dict(skipped or {}), {row.recording_id: row for row in rows}
    index = EvidenceIndex(
        (candidate.key for candidate in candidates), listed=len(seen) + sum(skips.values()), skipped=skips
    )
    for record in seen:
        index.add(record, known.get(record.container))
    index.coverage.check()
    return index


def reconciled(
    candidates: Iterable[Candidate],
    records: Iterable[Record] = (),
    rows: Iterable[RegisteredRecording] = (),
    *,
    skipped: Mapping[str, int] | None = None,
    mode: Mode = Mode.FULL,
) -> Reconciled:
    """Everything judged by PRE's rules at ``AS_OF``: the most urgent first, then in the order of the candidates."""
    asked, tally = list(candidates), Tally()
    index = indexed(asked, records, rows, skipped)
    findings = [find(index, candidate, RULES, CLOCK, mode) for candidate in asked]
    for found in findings:
        tally.count(found.judgement)
    findings.sort(key=lambda found: SEVERITY_ORDER.index(found.judgement.severity))
    return Reconciled(Result(index.coverage, tally, index.unattributed(CLOCK), mode), tuple(findings))


def audited(
    candidates: Iterable[Candidate],
    records: Iterable[Record],
    rows: Iterable[RegisteredRecording],
    mode: Mode,
) -> Reconciled:
    """Everything judged, when ``records`` is what stands in storage and the audit opens what its mode selects."""
    rows, stored = list(rows), {record.container: record for record in records}
    parameters = replace(PARAMETERS, mode=mode)
    chosen, skipped = select_containers(sorted(stored), {row.recording_id for row in rows}, parameters)
    return reconciled(candidates, [stored[name] for name in chosen], rows, skipped=skipped, mode=mode)


def finding(
    candidate: Candidate,
    records: Iterable[Record] = (),
    rows: Iterable[RegisteredRecording] = (),
    *,
    mode: Mode = Mode.FULL,
) -> Finding:
    """What one candidate gets."""
    [found] = reconciled([candidate], records, rows, mode=mode).findings
    return found


def document_of(done: Reconciled, parameters: AuditParameters = PARAMETERS) -> str:
    """report.json of an audit."""
    header = AuditHeader(AUDIT_ID, parameters, created_at=AS_OF - MINUTE, clock=CLOCK)
    head = build_head(header, PROFILE, done.result, generated_at=AS_OF + MINUTE)
    return opening(head) + ",".join(finding_line(found.to_json()) for found in done.findings) + CLOSING


def report_on(done: Reconciled, parameters: AuditParameters = PARAMETERS) -> Report:
    """The report of an audit, as later readers get it."""
    read: Report = json.loads(document_of(done, parameters))
    return read


def table_of(report: Report) -> str:
    """findings.csv of a report."""
    return csv_header() + csv_rows(report["findings"])


def page_of(report: Report, most: int | None = None) -> str:
    """report.html of a report, rendered from at most ``most`` findings of each severity that it shows."""
    head = {name: value for name, value in report.items() if name != "findings"}
    shown = {
        severity: [found for found in report["findings"] if found["severity"] == severity][:most]
        for severity in SHOWN_SEVERITIES
    }
    return render_html(head, shown)
