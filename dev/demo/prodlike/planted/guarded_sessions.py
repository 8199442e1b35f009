"""Sessions with a complete recording that something stands before: a deletion, a closed case, an encode job."""

from dev.demo.prodlike.draft import DAY, HOUR, MINUTE, Draft
from dev.demo.prodlike.media import encoded, take
from dev.demo.prodlike.planted.hidden_sessions import ended
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    deleted_sessions(draft)
    blocked(draft)
    jobs(draft)
    incomplete(draft)


def deleted_sessions(draft: Draft) -> None:
    """Closing a case soft-deletes its empty sessions, and with them every trace of what was never registered."""
    for status, case_state, why in (
        ("NO_RECORDING", "CLOSED", "closing the case deleted the session"),
        ("FAILURE", "CLOSED", "closing the case deleted the failed session"),
        ("NO_RECORDING", "OPEN", "somebody deleted the session, taking it for empty"),
        (None, "PENDING_CLOSURE", "deleted while its status was still NULL"),
    ):
        times = draft.ago(70 * DAY)
        session = draft.session(
            why,
            "hidden_by_deletion",
            status=status,
            times=times,
            booking=draft.booking(times.scheduled, case_state=case_state),
            deleted=True,
            trail=Trail.SWEPT,
            severity="high",
        )
        draft.unregistered(session, encoded(session.key, ended(session)), "the recording of a deleted session")
    session = draft.session("deleted, with two complete containers", "hidden_by_deletion", deleted=True)
    for _ in range(2):
        draft.unregistered(session, encoded(session.key, ended(session)), "one of two recordings of a deleted session")
    session = draft.session("deleted, and only a dead encode is left", "incomplete_encode", deleted=True)
    draft.unregistered(session, encoded(session.key, ended(session), manifest_bytes=None), "no manifest")


def blocked(draft: Draft) -> None:
    """pre-api refuses to register where booking or case is gone or no longer open."""
    times = draft.ago(80 * DAY)
    later = times.scheduled + 2 * DAY
    for booking, why in (
        (draft.booking(times.scheduled, case_state="CLOSED"), "the case is closed, the session alive"),
        (draft.booking(times.scheduled, case_state="PENDING_CLOSURE"), "the case is about to be closed"),
        (draft.booking(times.scheduled, deleted_at=later), "the booking is deleted"),
        (draft.booking(times.scheduled, case_deleted_at=later), "the case is deleted"),
    ):
        for status in ("PROCESSING", "FAILURE"):
            session = draft.session(
                why, "blocked_case_state", status=status, times=times, booking=booking, severity="high"
            )
            draft.unregistered(session, encoded(session.key, ended(session)), why)
    booking = draft.booking(times.scheduled, case_state="CLOSED")
    session = draft.session("a closed case and a dead encode", "incomplete_encode", times=times, booking=booking)
    draft.unregistered(session, encoded(session.key, ended(session), track_bytes=0), "no bytes, in a closed case")


def jobs(draft: Draft) -> None:
    """pre-api itself is at work on them, or was."""
    for age, verdict, severity, why in (
        (30 * MINUTE, "job_tracked", "info", "an encode job of half an hour"),
        (90 * MINUTE, "job_tracked", "info", "an encode job of ninety minutes"),
        (3 * HOUR, "job_stale", "medium", "an encode job that should have ended an hour ago"),
        (4 * DAY, "job_stale", "medium", "a forgotten encode job"),
    ):
        for has_media in (True, False):
            session = draft.session(
                f"{why}, {'with' if has_media else 'without'} media",
                verdict,
                status="PROCESSING",
                times=draft.ago(age + 3 * HOUR, lasted=HOUR),
                trail=Trail.PROCESSING,
                severity=severity,
            )
            draft.encode_job(session, age)
            if has_media:
                draft.unregistered(session, encoded(session.key, draft.now - 25 * MINUTE), why)


def incomplete(draft: Draft) -> None:
    """Media is there that cannot be played as it is."""
    for status, track_bytes, manifest_bytes, why in (
        ("NO_RECORDING", 9000, None, "the encode died before the manifest"),
        ("PROCESSING", 9000, 0, "a manifest without a byte"),
        ("FAILURE", 0, 700, "a track without a byte"),
        ("RECORDING_AVAILABLE", 9000, None, "called available, and only a dead encode is there"),
        ("RECORDING", 9000, None, "never stopped, and only a dead encode is there"),
        (None, 0, None, "NULL status, neither bytes nor manifest"),
    ):
        session = draft.session(
            why, "incomplete_encode", status=status, times=draft.ago(25 * DAY), trail=Trail.PROCESSING, severity="high"
        )
        blobs = encoded(session.key, ended(session), track_bytes=track_bytes, manifest_bytes=manifest_bytes)
        draft.unregistered(session, blobs, why)
    session = draft.session("one of its two tracks is empty", "incomplete_encode", trail=Trail.SWEPT)
    whole, empty = (
        encoded(session.key, ended(session), suffixes=(end,), track_bytes=size)
        for end, size in (("_1280x720_4500k.mp4", 9000), ("_audio.mp4", 0))
    )
    draft.unregistered(session, tuple(sorted({*whole, *empty})), "one of two tracks is empty")
    times = draft.ago(25 * DAY)
    booking = draft.booking(times.scheduled)
    other = draft.session(None, None, status="RECORDING_AVAILABLE", times=times, booking=booking)
    draft.recording("the take that is registered", "sound", other, take(other.key, ended(other)))
    session = draft.session(
        "a dead encode beside a registered take", "incomplete_encode", times=times, booking=booking, severity="medium"
    )
    draft.unregistered(session, encoded(session.key, ended(session), manifest_bytes=None), "no manifest")
