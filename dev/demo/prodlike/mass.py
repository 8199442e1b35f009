"""The healthy mass: used and unused sessions, edits, imports, and what else stands in the account."""

from datetime import datetime, timedelta
from random import Random

from dev.demo.prodlike.draft import DAY, HOUR, MINUTE, Draft, Times
from dev.demo.prodlike.media import Blobs, edit, encoded, legacy, take
from dev.demo.prodlike.people import legacy_name
from dev.demo.prodlike.proportions import (
    BOOKINGS,
    CASES,
    CLOSED_SHARE,
    DELETED_SHARE,
    OPEN_STATUSES,
    PENDING_CLOSURE_SHARE,
    REENCODE_SHARE,
    SESSIONS,
    STOPPED_SHARE,
    Mass,
)
from dev.demo.prodlike.rows import Booking, CaptureSession, Recording
from dev.demo.prodlike.trails import STOP_ROWS_SINCE, Trail

_SPAN = 4 * 365 * DAY
_LEGACY_SPAN = 2 * 365 * DAY


class Diary:
    """Bookings as sessions need them: most have one session, some a second; a case has two or three bookings."""

    def __init__(self, draft: Draft, origin: str) -> None:
        self._draft = draft
        self._origin = origin
        self._booking: Booking | None = None

    def booking(self, scheduled: datetime) -> Booking:
        """The booking of one more session."""
        draft, random = self._draft, self._draft.random
        drawn = random.random() * SESSIONS
        if self._booking is None or drawn < CASES:
            self._booking = draft.booking(scheduled, origin=self._origin, case_state=_case_state(random))
        elif drawn < BOOKINGS:
            self._booking = draft.booking(scheduled, case=draft.case_of(self._booking))
        return self._booking


def _case_state(random: Random) -> str:
    drawn = random.random()
    if drawn < CLOSED_SHARE:
        return "CLOSED"
    return "PENDING_CLOSURE" if drawn < CLOSED_SHARE + PENDING_CLOSURE_SHARE else "OPEN"


def fill(draft: Draft, mass: Mass) -> None:
    """Add the mass to the draft. All of it is as it should be."""
    roots = hearings(draft, mass.takes, mass.unused)
    edits(draft, roots, mass.edits)
    imports(draft, mass.imports, mass.imports_to_come)
    open_today(draft, mass.open_today)
    containers(draft, roots, mass.empty, mass.inputs)


def hearings(draft: Draft, takes: int, unused: int) -> list[tuple[CaptureSession, Recording]]:
    """Sessions of PRE, used and unused among each other; returns the used ones with their live recordings."""
    random, diary = draft.random, Diary(draft, "PRE")
    used = [True] * takes + [False] * unused
    random.shuffle(used)
    roots = []
    for is_used in used:
        times = draft.ago(2 * DAY + random.random() * _SPAN, lasted=random.randint(10, 300) * MINUTE)
        booking = diary.booking(times.scheduled)
        if not is_used:
            _unused(draft, times, booking)
            continue
        session = draft.session(
            None, None, status="RECORDING_AVAILABLE", times=times, booking=booking, trail=_stop(times)
        )
        deleted = random.random() < DELETED_SHARE
        recording = draft.recording(
            None,
            "deleted_row" if deleted else "sound",
            session,
            take(session.key, _ended(times)),
            duration=random.randint(5, 280) * MINUTE,
            deleted=deleted,
        )
        if not deleted:
            roots.append((session, recording))
    return roots


def _ended(times: Times) -> datetime:
    assert times.finished is not None
    return times.finished + 3 * MINUTE


def _stop(times: Times) -> Trail:
    """A real stop, as it shows in the trail of its time."""
    return Trail.STOPPED if _ended(times) >= STOP_ROWS_SINCE + DAY else Trail.PROCESSING


def _unused(draft: Draft, times: Times, booking: Booking) -> None:
    drawn_stopped, drawn_started = draft.random.random(), draft.random.random()
    stopped = drawn_stopped < STOPPED_SHARE and _stop(times) is Trail.STOPPED
    started = stopped or drawn_started < 0.6  # noqa: PLR2004 - the others were made for bookings gone by
    draft.session(
        None,
        "expected_empty",
        times=times if started else Times(None, None, times.scheduled),
        booking=booking,
        has_ingest=started,
        deleted=draft.case_of(booking).state == "CLOSED",
        trail=Trail.STOPPED if stopped else Trail.NEVER,
    )


def edits(draft: Draft, roots: list[tuple[CaptureSession, Recording]], count: int) -> None:
    """Edits and re-encodes of live originals, each in a container of its own."""
    random = draft.random
    children: dict[str, int] = {}
    for _ in range(count):
        session, root = random.choice(roots)
        output = draft.new_id()
        created = root.created_at + min(DAY, (draft.now - root.created_at) / 2)
        children[session.key] = children.get(session.key, 0) + 1
        draft.recording(
            None,
            "sound",
            session,
            edit(output, created),
            recording_id=output,
            parent=root,
            version=children[session.key] + 1,
            created=created,
            is_reencode=random.random() < REENCODE_SHARE,
        )


def imports(draft: Draft, done: int, to_come: int) -> None:
    """What the Vodafone migration has brought, and the rows of what it is still to bring."""
    diary = Diary(draft, "VODAFONE")
    for number in range(done + to_come):
        is_done = number < done
        times = draft.ago(_SPAN + draft.random.random() * _LEGACY_SPAN)
        session = draft.session(
            None,
            None,
            status="RECORDING_AVAILABLE" if is_done else "NO_RECORDING",
            times=times,
            booking=diary.booking(times.scheduled),
            origin="VODAFONE",
            has_ingest=False,
            trail=Trail.ABSENT,
        )
        name = legacy_name(draft.random, 1000 + number)
        blobs: Blobs | None = legacy(name, _ended(times)) if is_done else None
        verdict = "sound" if is_done else "legacy_row"
        duration = HOUR if is_done else None
        filename = None if is_done else f"{name}.mp4"
        draft.recording(None, verdict, session, blobs, duration=duration, filename=filename)


def open_today(draft: Draft, count: int) -> None:
    """The sessions of the day: waiting, running, or just over."""
    for number in range(count):
        status = OPEN_STATUSES[number % len(OPEN_STATUSES)]
        started = draft.random.randint(30, 300) * MINUTE
        if status == "PROCESSING":
            times = draft.ago(started, lasted=started - draft.random.randint(1, 20) * MINUTE)
            session = draft.session(None, "in_flight", status=status, times=times, trail=Trail.PROCESSING)
            changes = draft.if_settling("still_changing", "attributed")
            draft.container(None, changes, encoded(session.key, draft.now - MINUTE, manifest_bytes=None))
        else:
            draft.session(None, None, status=status, times=draft.ago(started, lasted=None))


def containers(draft: Draft, roots: list[tuple[CaptureSession, Recording]], empty: int, inputs: int) -> None:
    """Containers that an encode made and never filled, and the sources of edits."""
    for _ in range(empty):
        draft.container(None, "empty_container", ())
    for _ in range(inputs):
        session, root = draft.random.choice(roots)
        blobs = encoded(session.key, root.created_at + timedelta(hours=1), manifest_bytes=None)
        draft.container(None, "not_a_recording", blobs, name=f"{draft.new_id()}-input")
