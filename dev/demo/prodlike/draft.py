"""A world in the making: rows and containers are added together with the verdict that is due to each."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from dev.demo.prodlike.dataset import Dataset, Kind, Subject
from dev.demo.prodlike.media import Blobs, first_track
from dev.demo.prodlike.people import PERSONAL, case_reference
from dev.demo.prodlike.rows import (
    Booking,
    CaptureSession,
    Court,
    CourtCase,
    EncodeJob,
    Recording,
    Rows,
    User,
)
from dev.demo.prodlike.trails import Trail, recording_trail, session_trail
from dev.demo.prodlike.vocabulary import ROW_ONLY

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SAME = "the same as in a full audit"
_INGEST = "rtmps://in-{0}.uksouth-4.streaming.mediakind.com:2935/{0}"
_LIVE = (
    "https://ep-default-live-pre-mkio-prod.uksouth-4.streaming.mediakind.com/{}/index.qfm/manifest(format=m3u8-cmaf)"
)


class Times(NamedTuple):
    """When a session was started and finished, and its booking was for."""

    started: datetime | None
    finished: datetime | None
    scheduled: datetime


class Draft:
    """Collects a world. Whatever is random in it comes from ``random``, so the order of calls decides the ids.

    No draw may depend on ``now``: a world of another day has the same ids and verdicts. How long a trail is does depend
    on the day, so the ids of its rows are drawn apart.
    """

    def __init__(self, seed: int | str, now: datetime, settle: timedelta) -> None:
        self.random = Random(seed)  # noqa: S311 - the world must be the same every time
        self._of_trails = Random(f"{seed} trails")  # noqa: S311 - as above
        self.now = now
        self.rows = Rows()
        self.containers: dict[str, Blobs] = {}
        self.ingest: dict[str, Blobs] = {}
        self._settle = settle
        self._full: dict[Subject, str] = {}
        self._fast: dict[Subject, str] = {}
        self._severities: dict[Subject, str] = {}
        self._reasons: dict[Subject, str] = {}
        self._encode_lost: set[Subject] = set()
        self._cases: dict[UUID, CourtCase] = {}
        self._court = Court(self.new_id(), "CROWN", "Invented Crown Court")
        self.user = User(self.new_id(), "Philippa", "Featherstone", "philippa.featherstone@example.org")
        self.rows.courts.append(self._court)
        self.rows.users.append(self.user)

    def new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _new_trail_id(self) -> UUID:
        return UUID(int=self._of_trails.getrandbits(128), version=4)

    def ago(self, started: timedelta, lasted: timedelta | None = HOUR) -> Times:
        """Started that long ago; a session that ``lasted`` None has no end."""
        begin = self.now - started
        return Times(begin, None if lasted is None else begin + lasted, begin)

    def if_settling(self, then: str, otherwise: str) -> str:
        """Choose a verdict by whether the audit waits for storage to settle at all."""
        return then if self._settle else otherwise

    def booking(
        self,
        scheduled: datetime,
        *,
        case: CourtCase | None = None,
        origin: str = "PRE",
        case_state: str = "OPEN",
        deleted_at: datetime | None = None,
        case_deleted_at: datetime | None = None,
    ) -> Booking:
        """A booking, in a case of its own unless one is given."""
        if case is None:
            closed = None if case_state == "OPEN" else (scheduled + 3 * DAY).replace(tzinfo=None)
            case = CourtCase(
                id=self.new_id(),
                court_id=self._court.id,
                reference=case_reference(self.random, len(self.rows.cases)),
                state=case_state,
                deleted_at=case_deleted_at,
                closed_at=closed,
                origin=origin,
                created_at=scheduled - 20 * DAY,
            )
            self.rows.cases.append(case)
            self._cases[case.id] = case
        booking = Booking(self.new_id(), case.id, scheduled, deleted_at, scheduled - 10 * DAY)
        self.rows.bookings.append(booking)
        return booking

    def case_of(self, booking: Booking) -> CourtCase:
        """The case that a booking belongs to."""
        return self._cases[booking.case_id]

    def session(
        self,
        why: str | None,
        verdict: str | None,
        *,
        status: str | None = "NO_RECORDING",
        times: Times | None = None,
        booking: Booking | None = None,
        origin: str = "PRE",
        has_ingest: bool = True,
        deleted: bool = False,
        trail: Trail = Trail.NEVER,
        severity: str | None = None,
    ) -> CaptureSession:
        """A session, in a booking of its own unless one is given. A ``verdict`` of None: it is not judged."""
        when = times or self.ago(30 * DAY)
        session_id = self.new_id()
        session = CaptureSession(
            id=session_id,
            booking_id=(booking or self.booking(when.scheduled, origin=origin)).id,
            origin=origin,
            ingest_address=_INGEST.format(session_id) if has_ingest else None,
            live_output_url=_LIVE.format(session_id.hex) if has_ingest and status == "RECORDING_AVAILABLE" else None,
            started_at=when.started,
            finished_at=when.finished,
            deleted_at=when.scheduled + 3 * DAY if deleted else None,
            status=status,
        )
        self.rows.capture_sessions.append(session)
        ended = when.finished or when.started or when.scheduled
        self.rows.audits.extend(session_trail(session, trail, ended, self._new_trail_id))
        if verdict is not None:
            self.judge(("capture_session", str(session.id)), verdict, why, severity=severity)
        return session

    def container(
        self, why: str | None, verdict: str, blobs: Blobs, *, name: str | None = None, severity: str | None = None
    ) -> str:
        """A container without a row; its name. Without a name of its own it is named like a recording."""
        if name is None:
            return self.container_of(self.new_id(), why, verdict, blobs, severity=severity)
        self._add(name, blobs)
        # A fast audit does not open, and so does not judge, what its name rules out.
        self.judge(("container", name), verdict, why, fast=None, severity=severity)
        return name

    def container_of(
        self, recording_id: UUID, why: str | None, verdict: str, blobs: Blobs, *, severity: str | None = None
    ) -> str:
        """A container without a row that is named like a recording, with a chosen id; its name."""
        name = str(recording_id)
        self._add(name, blobs)
        self.judge(("container", name), verdict, why, severity=severity)
        return name

    def unregistered(self, session: CaptureSession, blobs: Blobs, why: str, verdict: str = "attributed") -> str:
        """A container without a row that holds tracks of ``session`` and of no other."""
        assert any(session.key in blob.name.lower() for blob in blobs), why
        return self.container(why, verdict, blobs)

    def recording(
        self,
        why: str | None,
        verdict: str,
        session: CaptureSession,
        blobs: Blobs | None,
        *,
        recording_id: UUID | None = None,
        parent: Recording | None = None,
        version: int = 1,
        filename: str | None = None,
        created: datetime | None = None,
        duration: timedelta | None = HOUR,
        deleted: bool = False,
        is_reencode: bool = False,
        fast: str | None = None,
        severity: str | None = None,
    ) -> Recording:
        """A row, with its container unless ``blobs`` is None. ``fast``: the verdict when its container stays closed."""
        recorded = session.finished_at or session.started_at or self.now - 30 * DAY
        tracks = [blob.name for blob in blobs or () if blob.name.lower().endswith(".mp4")]
        recording = Recording(
            id=recording_id or self.new_id(),
            capture_session_id=session.id,
            parent_recording_id=parent.id if parent else None,
            version=version,
            filename=filename or (first_track(blobs) if blobs and tracks else f"{session.key}_1280x720_4500k.mp4"),
            created_at=created or recorded + 3 * MINUTE,
            duration=duration,
            edit_instruction=_instruction(is_reencode) if parent else None,
            deleted_at=recorded + 5 * DAY if deleted else None,
            is_reencode=is_reencode,
        )
        self.rows.recordings.append(recording)
        self.rows.audits.append(recording_trail(recording, self._new_trail_id))
        subject = str(recording.id)
        closed = fast or (verdict if verdict in ROW_ONLY else "not_opened")
        self.judge(("recording", subject), verdict, why, fast=closed, severity=severity)
        if blobs is not None:
            self._add(subject, blobs)
            kept = "deleted_recording_retained" if deleted else "registered"
            self.judge(("container", subject), kept, why, fast=None)
        return recording

    def encode_job(self, session: CaptureSession, age: timedelta) -> None:
        """A row that says pre-api itself is encoding the session, since ``age``."""
        at = self.now - age
        self.rows.encode_jobs.append(
            EncodeJob(
                self.new_id(), session.id, self.new_id(), f"{session.key}-1700000000", "ENCODE_FROM_INGEST", at, at
            )
        )

    def live_stream(self, booking_id: UUID, blobs: Blobs, loses: Iterable[CaptureSession] = ()) -> None:
        """The ingest account's container of a booking; ``loses`` are the sessions whose encode is lost with it."""
        self.ingest[str(booking_id)] = blobs
        self._encode_lost |= {Subject("capture_session", str(session.id)) for session in loses}

    def judge(
        self,
        subject: tuple[Kind, str],
        full: str,
        why: str | None,
        *,
        fast: str | None = SAME,
        severity: str | None = None,
    ) -> None:
        """Note what is due to a subject. ``fast`` of None: a fast audit does not judge it."""
        key = Subject(*subject)
        if key in self._full:
            raise AssertionError(f"{key} is planted twice")
        self._full[key] = full
        if fast is not None:
            self._fast[key] = full if fast == SAME else fast
        if severity is not None:
            self._severities[key] = severity
        if why is not None:
            self._reasons[key] = why

    def finished(self) -> Dataset:
        """The world as it stands."""
        return Dataset(
            now=self.now,
            rows=self.rows,
            containers=self.containers,
            ingest=self.ingest,
            full=self._full,
            fast=self._fast,
            severities=self._severities,
            reasons=self._reasons,
            encode_lost=frozenset(self._encode_lost),
            personal=PERSONAL,
        )

    def _add(self, name: str, blobs: Blobs) -> None:
        if name in self.containers:
            raise AssertionError(f"container {name} is planted twice")
        self.containers[name] = blobs


def _instruction(is_reencode: bool) -> str:
    return '{"forceReencode": true}' if is_reencode else '{"editInstructions": [{"start": 0, "end": 60}]}'
