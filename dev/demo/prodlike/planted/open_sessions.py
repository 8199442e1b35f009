"""Sessions that may still be on their way."""

from dev.demo.prodlike.draft import HOUR, MINUTE, Draft
from dev.demo.prodlike.media import encoded, take
from dev.demo.prodlike.planted.hidden_sessions import ended
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    within_grace(draft)
    still_written(draft)


def within_grace(draft: Draft) -> None:
    """Not an hour has passed since their last moment."""
    for started, lasted, why in (
        (4 * MINUTE, None, "PROCESSING for four minutes, with no end written yet"),
        (64 * MINUTE, HOUR, "PROCESSING since its end four minutes ago, which is healthy"),
        (6 * HOUR, 6 * HOUR - 20 * MINUTE, "a long hearing that ended twenty minutes ago"),
    ):
        times = draft.ago(started, lasted=lasted)
        draft.session(why, "in_flight", status="PROCESSING", times=times, trail=Trail.PROCESSING, severity="info")
    session = draft.session(
        "ended half an hour ago, and its recording is just complete",
        "in_flight",
        status="PROCESSING",
        times=draft.ago(90 * MINUTE),
        trail=Trail.PROCESSING,
    )
    draft.unregistered(session, encoded(session.key, draft.now - 26 * MINUTE), "complete, and its session in grace")
    for status in ("STANDBY", "INITIALISING", "RECORDING"):
        session = draft.session(
            f"{status} since half an hour, and a first take of it is there",
            "in_flight",
            status=status,
            times=draft.ago(30 * MINUTE, lasted=None),
        )
        draft.unregistered(session, encoded(session.key, draft.now - 25 * MINUTE), f"an early output of {status}")
    draft.session(
        "its encode has made a container and nothing in it",
        "in_flight",
        status="PROCESSING",
        times=draft.ago(70 * MINUTE, lasted=HOUR),
        trail=Trail.PROCESSING,
    )
    draft.container("the empty container of a running encode", "empty_container", ())


def still_written(draft: Draft) -> None:
    """Something in their container changed a moment ago. Where nothing has to settle, they are what they seem."""
    moment = draft.now - 2 * MINUTE
    changing = draft.if_settling("still_changing", "attributed")
    for status, otherwise in (
        ("PROCESSING", "unregistered_recording"),
        ("NO_RECORDING", "unregistered_recording"),
        ("FAILURE", "unregistered_recording"),
        ("RECORDING", "ended_not_stopped"),
        ("RECORDING_AVAILABLE", "available_without_row"),
    ):
        session = draft.session(
            f"{status}, and its container is still being written",
            draft.if_settling("in_flight", otherwise),
            status=status,
            times=draft.ago(5 * HOUR),
        )
        draft.unregistered(session, encoded(session.key, moment), "written two minutes ago", changing)
    session = draft.session(
        "a track of zero bytes that is still growing",
        draft.if_settling("in_flight", "incomplete_encode"),
        status="PROCESSING",
        times=draft.ago(5 * HOUR),
    )
    blobs = encoded(session.key, moment, track_bytes=0, manifest_bytes=None)
    draft.unregistered(session, blobs, "begun two minutes ago", changing)
    session = draft.session(
        "complete in one container, still written in another",
        draft.if_settling("in_flight", "ambiguous_containers"),
        times=draft.ago(5 * HOUR),
    )
    draft.unregistered(session, encoded(session.key, draft.now - 3 * HOUR), "the first encode")
    draft.unregistered(session, encoded(session.key, moment), "the second encode", changing)
    session = draft.session(
        "registered, and a second encode is still being written",
        draft.if_settling("in_flight", "extra_output"),
        status="RECORDING_AVAILABLE",
        times=draft.ago(5 * HOUR),
    )
    draft.recording("the first encode is registered", "sound", session, take(session.key, ended(session)))
    draft.unregistered(session, encoded(session.key, moment), "the second encode", changing)
