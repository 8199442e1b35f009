"""Sessions with a complete recording in storage that nobody can see, and no reason to hold back."""

from datetime import UTC, datetime, timedelta

from dev.demo.prodlike.draft import DAY, HOUR, MINUTE, Draft, Times
from dev.demo.prodlike.media import RENDITION, Blobs, encoded, take, two_tracks
from dev.demo.prodlike.rows import CaptureSession
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    by_status(draft)
    by_name(draft)
    by_age(draft)
    with_sibling(draft)
    several(draft)
    not_stopped(draft)
    available_without_row(draft)


def ended(session: CaptureSession) -> datetime:
    """When its encoder wrote its files, by the usual three minutes."""
    moment = session.finished_at or session.started_at
    assert moment is not None
    return moment + 3 * MINUTE


def by_status(draft: Draft) -> None:
    """Each status in which a redeployment can leave a session."""
    for status, trail, why in (
        ("PROCESSING", Trail.PROCESSING, "the pod was killed while it waited for the encode"),
        ("NO_RECORDING", Trail.SWEPT, "stuck by a redeployment, then relabelled by the evening sweep"),
        ("NO_RECORDING", Trail.STOPPED, "stopped as empty, yet there is a recording: media outweighs the trail"),
        ("NO_RECORDING", Trail.ABSENT, "without a trail, but its recording is there"),
        ("FAILURE", Trail.STOPPED, "the encode went on after the API gave up on it"),
        ("FAILURE", Trail.PROCESSING, "a FAILURE that left no stop behind"),
        (None, Trail.ABSENT, "older than the status column"),
    ):
        session = draft.session(
            f"{status} with a recording: {why}",
            "unregistered_recording",
            status=status,
            times=draft.ago(40 * DAY),
            trail=trail,
            severity="high",
        )
        draft.unregistered(session, encoded(session.key, ended(session)), f"the recording of a {status} session")
    bug = Times(*(datetime(2024, 7, 19, hour, tzinfo=UTC) for hour in (10, 11, 10)))
    session = draft.session(
        "the bug of 18 July 2024 set FAILURE while the encode went on",
        "unregistered_recording",
        status="FAILURE",
        times=bug,
        trail=Trail.PROCESSING,
    )
    draft.unregistered(session, two_tracks(session.key, ended(session)), "two tracks are one recording")


def by_name(draft: Draft) -> None:
    """Each form in which a track's name can carry the session's id."""
    for suffixes, why in (
        ((".mp4",), "a bare <id>.mp4, without a resolution"),
        (("_1280x720-4500k.mp4",), "a hyphen in the suffix hid it from the old pattern"),
        (("_1280x720.4500k.mp4",), "a dot in the suffix"),
        (("-1280x720_4500k.mp4",), "a hyphen right after the id"),
        (("_R&D <take> ü 100%.mp4",), "blanks, & and < and an umlaut in the name"),
        (("_1280x720_4500k.mp4", "_640x360_1000k.mp4"), "two renditions"),
        (("_1280x720_4500k.mp4", "_1280x720_4500k_2.mp4", "_audio.mp4"), "three tracks"),
    ):
        session = draft.session(why, "unregistered_recording", trail=Trail.SWEPT, times=draft.ago(20 * DAY))
        draft.unregistered(session, encoded(session.key, ended(session), suffixes=suffixes), why)
    upper = draft.session("the id in upper case", "unregistered_recording", status="PROCESSING")
    blobs = encoded(upper.key.upper(), ended(upper), suffixes=(f"{RENDITION}.MP4",))
    draft.unregistered(upper, blobs, "the id and the ending in upper case")
    beside = draft.session("a track with another name beside it", "unregistered_recording", trail=Trail.SWEPT)
    blobs = together(encoded(beside.key, ended(beside)), encoded("index", ended(beside), manifest_bytes=None))
    draft.unregistered(beside, blobs, "one track names the session, the other one nobody")
    stranger = draft.session("32 hex digits of nobody beside it", "unregistered_recording", trail=Trail.SWEPT)
    blobs = together(encoded(stranger.key, ended(stranger)), encoded(draft.new_id().hex, ended(stranger)))
    draft.unregistered(stranger, blobs, "the other track's 32 digits are no session, so the container is not mixed")


def together(*parts: Blobs) -> Blobs:
    """One container that holds all parts, in the order of a listing."""
    return tuple(sorted(blob for part in parts for blob in part))


def by_age(draft: Draft) -> None:
    """Barely old enough, and without any moment to tell the age by."""
    session = draft.session(
        "past the hour of grace, and its files are 25 minutes old",
        "unregistered_recording",
        status="PROCESSING",
        times=draft.ago(2 * HOUR, lasted=35 * MINUTE),
        trail=Trail.PROCESSING,
    )
    draft.unregistered(session, encoded(session.key, draft.now - 25 * MINUTE), "settled 5 minutes ago")
    session = draft.session(
        "swept five minutes ago, which rewrote its end",
        "unregistered_recording",
        times=draft.ago(7 * HOUR, lasted=7 * HOUR - 5 * MINUTE),
        trail=Trail.SWEPT,
    )
    draft.unregistered(session, encoded(session.key, draft.now - 5 * HOUR), "encoded hours before the sweep")
    for status in ("PROCESSING", "NO_RECORDING"):
        session = draft.session(
            f"{status} without start and end, so no grace can hold it back",
            "unregistered_recording",
            status=status,
            times=Times(None, None, draft.now - 50 * DAY),
        )
        draft.unregistered(session, encoded(session.key, draft.now - 50 * DAY), "its session has no moments")
    old = draft.session(
        "lost before the day from which the old search looked",
        "unregistered_recording",
        times=Times(*(datetime(2024, 7, 16, hour, tzinfo=UTC) for hour in (10, 11, 10))),
        trail=Trail.SWEPT,
    )
    draft.unregistered(old, encoded(old.key, ended(old)), "from before 18 July 2024")
    elsewhere = draft.session("no ingest address", "unregistered_recording", has_ingest=False, trail=Trail.SWEPT)
    draft.unregistered(elsewhere, encoded(elsewhere.key, ended(elsewhere)), "its session has no ingest address")


def with_sibling(draft: Draft) -> None:
    """Another take of the booking is registered: less urgent, and still hidden."""
    for status, trail in (("PROCESSING", Trail.PROCESSING), ("NO_RECORDING", Trail.SWEPT), ("FAILURE", Trail.STOPPED)):
        times = draft.ago(60 * DAY)
        booking = draft.booking(times.scheduled)
        other = draft.session(None, None, status="RECORDING_AVAILABLE", times=times, booking=booking)
        draft.recording("the take that is registered", "sound", other, take(other.key, ended(other)))
        session = draft.session(
            "another take of the booking is registered; this one is not",
            "unregistered_recording",
            status=status,
            times=draft.ago(60 * DAY - 2 * HOUR),
            booking=booking,
            trail=trail,
            severity="medium",
        )
        draft.unregistered(session, encoded(session.key, ended(session)), "the second take of a booking")


def several(draft: Draft) -> None:
    """More than one container carries the id."""
    for status, copies, partial in (("FAILURE", 2, 0), ("NO_RECORDING", 3, 0), ("PROCESSING", 2, 1)):
        session = draft.session(
            f"{copies} complete containers: which one is the hearing is for a person to say",
            "ambiguous_containers",
            status=status,
            severity="high",
        )
        for copy in range(copies):
            blobs = encoded(session.key, ended(session) + copy * timedelta(minutes=7))
            draft.unregistered(session, blobs, "one of several complete encodes")
        for _ in range(partial):
            blobs = encoded(session.key, ended(session), manifest_bytes=None)
            draft.unregistered(session, blobs, "an encode that died, beside complete ones")
    session = draft.session("one complete container, one that died", "unregistered_recording", trail=Trail.SWEPT)
    draft.unregistered(session, encoded(session.key, ended(session)), "the second attempt")
    draft.unregistered(session, encoded(session.key, ended(session), manifest_bytes=None), "the first attempt")


def not_stopped(draft: Draft) -> None:
    """Still open by their status, long over by the clock."""
    for status, lasted in (("STANDBY", None), ("INITIALISING", None), ("RECORDING", None), ("RECORDING", HOUR)):
        session = draft.session(
            f"{status} since two days, and its recording is there",
            "ended_not_stopped",
            status=status,
            times=draft.ago(2 * DAY, lasted=lasted),
            severity="high",
        )
        draft.unregistered(session, encoded(session.key, draft.now - DAY), f"the recording of a {status} session")


def available_without_row(draft: Draft) -> None:
    """Called available, and no row says where; only their containers bring them into question."""
    for days in (3, 90, 400):
        session = draft.session(
            "RECORDING_AVAILABLE, but the row of its recording is missing",
            "available_without_row",
            status="RECORDING_AVAILABLE",
            times=draft.ago(days * DAY),
            trail=Trail.STOPPED,
            severity="high",
        )
        draft.unregistered(session, encoded(session.key, ended(session)), "a recording whose row is missing")
