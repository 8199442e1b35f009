"""Small worlds to judge: rows, containers and audits, each built from the one thing a test is about."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import Blob, BlobPage, ContainerEvidence, Unread, read_evidence
from reconciliation.facts import Clock
from reconciliation.keys import can_matter
from reconciliation.parameters import AuditParameters
from reconciliation.profiles.pre_capture_sessions import PROFILE, RULES
from reconciliation.reconcile import Finding, Reconciler, Reconciliation
from reconciliation.report.model import AuditHeader, Report, build_report

AS_OF = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOCK = Clock(as_of=AS_OF, grace=60 * MINUTE, settle=20 * MINUTE)
LONG_AGO = AS_OF - timedelta(days=30)
PARAMETERS = AuditParameters(PROFILE.name, PROFILE.default_statuses, 60)
Record = ContainerEvidence | Unread


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


def reconciled(
    candidates: Iterable[Candidate], records: Iterable[Record] = (), rows: Iterable[RegisteredRecording] = ()
) -> Reconciliation:
    """Everything judged by PRE's rules at ``AS_OF``."""
    seen = list(records)
    reconciler = Reconciler(candidates, rows, listed=len(seen))
    for record in seen:
        reconciler.add(record)
    return reconciler.judged(RULES, CLOCK)


def finding(candidate: Candidate, records: Iterable[Record] = (), rows: Iterable[RegisteredRecording] = ()) -> Finding:
    """What one candidate gets."""
    [found] = reconciled([candidate], records, rows).findings
    return found


def report_on(result: Reconciliation, parameters: AuditParameters = PARAMETERS) -> Report:
    """The report of a result, as later readers get it: after a way through JSON."""
    header = AuditHeader("20260302-093000-1a2b3c4d", parameters, created_at=AS_OF - MINUTE, clock=CLOCK)
    report = build_report(header, PROFILE, result, generated_at=AS_OF + MINUTE)
    read: Report = json.loads(json.dumps(report))
    return read
