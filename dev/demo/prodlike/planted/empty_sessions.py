"""Sessions with nothing in storage: lost, or never used, or not known."""

from datetime import UTC, datetime, timedelta

from dev.demo.prodlike.draft import DAY, HOUR, Draft, Times
from dev.demo.prodlike.media import live_archive, take
from dev.demo.prodlike.planted.hidden_sessions import ended
from dev.demo.prodlike.rows import Booking
from dev.demo.prodlike.trails import Trail

BEFORE_STOP_ROWS = Times(*(datetime(2025, 2, 3, hour, tzinfo=UTC) for hour in (10, 11, 10)))


def plant(draft: Draft) -> None:
    suspects(draft)
    expected(draft)
    stuck(draft)
    lost_encodes(draft)


def with_recorded_sibling(draft: Draft, times: Times) -> Booking:
    """A booking of which another session is registered."""
    booking = draft.booking(times.scheduled)
    other = draft.session(None, None, status="RECORDING_AVAILABLE", times=times, booking=booking)
    draft.recording("the take that is registered", "sound", other, take(other.key, ended(other)))
    return booking


def suspects(draft: Draft) -> None:
    """The trail says that something was recorded, and nothing is there."""
    recent = draft.ago(33 * DAY)
    for status, trail, times, severity, why in (
        ("NO_RECORDING", Trail.SWEPT, recent, "medium", "swept: nobody said that it was empty"),
        ("NO_RECORDING", Trail.PROCESSING, recent, "medium", "its status was changed without a trail"),
        ("NO_RECORDING", Trail.STOPPED_THEN_SWEPT, recent, "medium", "the first attempt was stopped, the second swept"),
        (
            "NO_RECORDING",
            Trail.SWEPT_WITH_BACKLOG,
            BEFORE_STOP_ROWS,
            "medium",
            "taken by the first sweep",
        ),
        (
            "NO_RECORDING",
            Trail.SWEPT,
            BEFORE_STOP_ROWS,
            "low",
            "from before stops wrote rows",
        ),
        (
            "NO_RECORDING",
            Trail.PROCESSING,
            BEFORE_STOP_ROWS,
            "low",
            "the same, with no row after PROCESSING",
        ),
        ("FAILURE", Trail.STOPPED, recent, "low", "failed after it had an ingest address"),
        ("FAILURE", Trail.SWEPT, recent, "low", "failed without a stop"),
        ("FAILURE", Trail.NEVER, recent, "low", "failed, and was never seen PROCESSING"),
    ):
        draft.session(why, "suspect_lost", status=status, times=times, trail=trail, severity=severity)
    for status in ("NO_RECORDING", "FAILURE"):
        draft.session(
            f"{status}, swept, but another take of the booking is registered",
            "suspect_lost",
            status=status,
            times=recent,
            booking=with_recorded_sibling(draft, recent),
            trail=Trail.SWEPT,
            severity="low",
        )
    closed = draft.booking(recent.scheduled, case_state="CLOSED")
    draft.session(
        "swept, then deleted with its case",
        "suspect_lost",
        times=recent,
        booking=closed,
        deleted=True,
        trail=Trail.SWEPT,
        severity="medium",
    )


def expected(draft: Draft) -> None:
    """Nothing is there, and nothing should be."""
    recent = draft.ago(21 * DAY)
    unstarted = Times(None, None, draft.now - 21 * DAY)
    for status, trail, times, has_ingest, why in (
        ("NO_RECORDING", Trail.NEVER, recent, True, "started by the morning job and never used"),
        ("NO_RECORDING", Trail.NEVER, unstarted, False, "made by the evening job for a booking without a session"),
        ("NO_RECORDING", Trail.ABSENT, recent, True, "no trail at all: never seen PROCESSING"),
        ("NO_RECORDING", Trail.STOPPED, recent, True, "stopped: the encoder said that there was no content"),
        ("NO_RECORDING", Trail.STOPPED_ONLY, recent, True, "stopped before it was PROCESSING"),
        ("FAILURE", Trail.NEVER, recent, False, "failed before it had an ingest address"),
        ("FAILURE", Trail.SWEPT, unstarted, False, "failed without an ingest address, whatever the trail says"),
    ):
        draft.session(why, "expected_empty", status=status, times=times, trail=trail, has_ingest=has_ingest)
    closed = draft.booking(recent.scheduled, case_state="CLOSED")
    draft.session("unused, and deleted with its case", "expected_empty", times=recent, booking=closed, deleted=True)


def stuck(draft: Draft) -> None:
    """They say that they are at work, long after the hour of grace."""
    for status, times, why in (
        ("PROCESSING", draft.ago(2 * DAY), "PROCESSING for two days"),
        ("PROCESSING", draft.ago(500 * DAY), "PROCESSING for more than a year"),
        ("PROCESSING", draft.ago(3 * HOUR, lasted=HOUR), "PROCESSING for two hours"),
        ("PROCESSING", Times(None, None, draft.now - 9 * DAY), "PROCESSING without a start or an end"),
        (None, draft.ago(1100 * DAY), "older than the status column, and empty"),
        (None, draft.ago(10 * timedelta(minutes=1)), "NULL gives no grace: it is no status of work"),
    ):
        draft.session(
            why,
            "stuck_empty",
            status=status,
            times=times,
            trail=Trail.PROCESSING if status else Trail.ABSENT,
            severity="medium",
        )
    for status in ("PROCESSING", None):
        times = draft.ago(15 * DAY)
        draft.session(
            f"{status}, but another take of the booking is registered",
            "stuck_empty",
            status=status,
            times=times,
            booking=with_recorded_sibling(draft, times),
            severity="low",
        )


def lost_encodes(draft: Draft) -> None:
    """The live stream is in the ingest account and was never encoded; without that account they are merely stuck."""
    for days in (1, 8, 80):
        session = draft.session(
            "its live stream is in the ingest account, and no recording of it anywhere",
            "stuck_empty",
            status="PROCESSING",
            times=draft.ago(days * DAY),
            trail=Trail.PROCESSING,
        )
        draft.live_stream(session.booking_id, live_archive(ended(session)), loses=[session])
    unused = draft.session("NO_RECORDING, whatever the ingest account holds", "expected_empty")
    draft.live_stream(unused.booking_id, live_archive(ended(unused)))
    empty = draft.session("its container in the ingest account is empty", "stuck_empty", status="PROCESSING")
    draft.live_stream(empty.booking_id, ())
