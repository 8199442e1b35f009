"""The verdicts, read off rows and containers by the letter of their definition and by nothing of the app's code.

Slow and plain on purpose: what a case was planted to show must follow from what was planted, or the case is wrong.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

from dev.demo.prodlike.dataset import Dataset, Mode, Subject
from dev.demo.prodlike.media import Blobs
from dev.demo.prodlike.rows import Audit, Booking, CaptureSession, CourtCase, EncodeJob, Recording

UUID_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
KEYED = re.compile(r"([0-9a-f]{32})(?![0-9a-f]).*\.mp4", re.IGNORECASE | re.DOTALL)
GRACE, JOB_LIMIT = timedelta(minutes=60), timedelta(hours=2)
STOP_ROWS = datetime(2025, 5, 19, tzinfo=UTC)
WORKING = {"STANDBY", "INITIALISING", "RECORDING", "PROCESSING"}
CANDIDATES = {"PROCESSING", "NO_RECORDING", "FAILURE", None}


def media(blobs: Blobs) -> Blobs:
    return tuple(blob for blob in blobs if blob.name.lower().endswith(".mp4"))


def keys(blobs: Blobs) -> set[str]:
    return {match[1].lower() for blob in blobs if (match := KEYED.fullmatch(blob.name))}


def playable(blobs: Blobs) -> bool:
    return any(blob.name.lower().endswith(".ism") and blob.size for blob in blobs)


class Spec:
    """The verdicts on a world, for one settle time."""

    def __init__(self, dataset: Dataset, settle: timedelta) -> None:
        self.data, self.now, self.settle = dataset, dataset.now, settle
        rows = dataset.rows
        self.sessions = {session.key: session for session in rows.capture_sessions}
        self.bookings: dict[UUID, Booking] = {booking.id: booking for booking in rows.bookings}
        self.cases: dict[UUID, CourtCase] = {case.id: case for case in rows.cases}
        self.jobs: dict[UUID, EncodeJob] = {job.capture_session_id: job for job in rows.encode_jobs}
        self.rows: dict[str, Recording] = {str(recording.id): recording for recording in rows.recordings}
        self.recordings: defaultdict[UUID, list[Recording]] = defaultdict(list)
        self.takes: defaultdict[UUID, list[CaptureSession]] = defaultdict(list)
        self.trails: defaultdict[UUID, list[Audit]] = defaultdict(list)
        self.own: defaultdict[str, list[Blobs]] = defaultdict(list)
        self.mixed: set[str] = set()
        for recording in rows.recordings:
            self.recordings[recording.capture_session_id].append(recording)
        for session in rows.capture_sessions:
            self.takes[session.booking_id].append(session)
        for audit in sorted(rows.audits, key=lambda audit: audit.created_at):
            self.trails[audit.table_record_id].append(audit)
        for name, blobs in dataset.containers.items():
            if UUID_NAME.fullmatch(name) and name not in self.rows:
                known = keys(blobs) & self.sessions.keys()
                if len(known) == 1:
                    self.own[known.pop()].append(blobs)
                else:
                    self.mixed |= known

    def verdicts(self, mode: Mode) -> dict[Subject, str]:
        told = {Subject("recording", name): self.recording(row, mode) for name, row in self.rows.items()}
        for name in self.data.containers:
            if mode == "full" or (UUID_NAME.fullmatch(name) and name not in self.rows):
                told[Subject("container", name)] = self.container(name)
        for key, session in self.sessions.items():
            is_candidate = session.origin == "PRE" and session.status in CANDIDATES
            if is_candidate or key in self.own or key in self.mixed:
                told[Subject("capture_session", str(session.id))] = next(self.session(session))
        return told

    def changing(self, blobs: Blobs) -> bool:
        return any(self.now - blob.last_modified < self.settle for blob in blobs)

    def complete(self, blobs: Blobs) -> bool:
        tracks = media(blobs)
        return bool(tracks) and all(t.size for t in tracks) and playable(blobs) and not self.changing(blobs)

    def trail(self, session: CaptureSession) -> str:
        rows = self.trails[session.id]
        status = {id(row): re.findall(r'"captureSessionStatus": "(\w+)"', row.audit_details) for row in rows}
        stops = [row.created_at for row in rows if row.activity == "Stop"]
        processing = [row.created_at for row in rows if status[id(row)] == ["PROCESSING"]]
        if not processing:
            return "stopped" if stops else "never"
        last = processing[-1]
        if stops and stops[-1] >= last:
            return "stopped"
        others = [row.created_at for row in rows if status[id(row)] not in ([], ["PROCESSING"])]
        left = next((moment for moment in others if moment > last), last)
        return "swept" if left >= STOP_ROWS else "unknown"

    def session(self, session: CaptureSession) -> Iterator[str]:  # noqa: C901, PLR0912 - one branch for each verdict
        """All verdicts whose condition holds, the first of which counts."""
        status, evidence = session.status, self.own.get(session.key, [])
        complete = [blobs for blobs in evidence if self.complete(blobs)]
        recordings = self.recordings[session.id]
        live = any(recording.deleted_at is None for recording in recordings)
        booking = self.bookings[session.booking_id]
        case = self.cases[booking.case_id]
        clock = session.finished_at or session.started_at
        if session.origin != "PRE":
            yield "legacy"
        recent = clock is not None and self.now - clock < GRACE
        if (status in WORKING and recent) or any(self.changing(blobs) for blobs in evidence):
            yield "in_flight"
        if live and status == "RECORDING_AVAILABLE":
            yield "extra_output" if evidence else "already_registered"
        if live:
            yield "status_behind"
        if recordings and not live:
            yield "deleted_elsewhere"
        if session.deleted_at and complete:
            yield "hidden_by_deletion"
        if (booking.deleted_at or case.deleted_at or case.state != "OPEN") and complete:
            yield "blocked_case_state"
        if session.id in self.jobs:
            yield "job_tracked" if self.now - self.jobs[session.id].created_at < JOB_LIMIT else "job_stale"
        if len(complete) > 1:
            yield "ambiguous_containers"
        if complete and status in {"STANDBY", "INITIALISING", "RECORDING"}:
            yield "ended_not_stopped"
        if complete and status == "RECORDING_AVAILABLE":
            yield "available_without_row"
        if complete:
            yield "unregistered_recording"
        if evidence:
            yield "incomplete_encode"
        if session.key in self.mixed:
            yield "in_mixed_container"
        if (
            status == "RECORDING_AVAILABLE"
            or (status == "FAILURE" and session.ingest_address)
            or (status == "NO_RECORDING" and self.trail(session) in {"swept", "unknown"})
        ):
            yield "suspect_lost"
        if status in {"NO_RECORDING", "FAILURE"}:
            yield "expected_empty"
        yield "stuck_empty"

    def severity(self, session: CaptureSession, verdict: str) -> str | None:
        """The severity where it depends on more than the verdict."""
        others = (take for take in self.takes[session.booking_id] if take.id != session.id)
        sibling = any(row.deleted_at is None for take in others for row in self.recordings[take.id])
        if verdict in {"unregistered_recording", "incomplete_encode"}:
            return "medium" if sibling else "high"
        if verdict == "stuck_empty":
            return "low" if sibling else "medium"
        if verdict == "deleted_elsewhere":
            return "low" if self.own.get(session.key) else "info"
        if verdict == "suspect_lost":
            low = sibling or session.status == "FAILURE" or self.trail(session) == "unknown"
            return "low" if low else "medium"
        return None

    def container(self, name: str) -> str:  # noqa: PLR0911 - one answer for each verdict
        blobs = self.data.containers[name]
        if not UUID_NAME.fullmatch(name):
            return "not_a_recording"
        if name in self.rows:
            return "deleted_recording_retained" if self.rows[name].deleted_at else "registered"
        if not media(blobs):
            return "empty_container"
        if self.changing(blobs):
            return "still_changing"
        if any(blob.name.startswith(name[:32]) for blob in media(blobs)):
            return "orphan_edit_output"
        known = keys(blobs) & self.sessions.keys()
        if not known:
            return "unattributed_media"
        return "attributed" if len(known) == 1 else "mixed_container"

    @cached_property
    def originals(self) -> dict[UUID, int]:
        """How many live first versions each session has."""
        counts: defaultdict[UUID, int] = defaultdict(int)
        for row in self.rows.values():
            counts[row.capture_session_id] += row.version == 1 and row.deleted_at is None
        return counts

    def recording(self, row: Recording, mode: Mode) -> str:  # noqa: C901, PLR0911 - one answer for each verdict
        session = self.sessions_by_id[row.capture_session_id]
        blobs = self.data.containers.get(str(row.id))
        if row.deleted_at:
            return "deleted_row"
        if session.origin != "PRE" and row.duration is None:
            return "legacy_row"
        if self.now - row.created_at < GRACE:
            return "recent_row"
        if blobs is None:
            return "row_without_container"
        if mode == "full":
            if not media(blobs):
                return "row_without_media"
            if not playable(blobs):
                return "no_ism"
            if row.filename not in {blob.name for blob in blobs}:
                return "filename_missing"
            named = keys(blobs)
            if row.version == 1 and row.parent_recording_id is None and named and session.key not in named:
                return "session_mismatch"
        if row.version == 1 and self.originals[session.id] > 1:
            return "double_v1"
        if not row.duration:
            return "no_duration"
        return "sound" if mode == "full" else "not_opened"

    @cached_property
    def sessions_by_id(self) -> dict[UUID, CaptureSession]:
        return {session.id: session for session in self.sessions.values()}
