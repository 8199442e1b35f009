"""Rows of recordings with which something is wrong (DOMAIN.md 3.4), and rows of which nothing may be said yet."""

from datetime import timedelta

from dev.demo.prodlike.draft import DAY, MINUTE, Draft
from dev.demo.prodlike.media import Blob, encoded, legacy
from dev.demo.prodlike.people import legacy_name
from dev.demo.prodlike.planted.hidden_sessions import ended, together
from dev.demo.prodlike.rows import CaptureSession
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    without_media(draft)
    unplayable(draft)
    wrong_names(draft)
    two_originals(draft)
    without_duration(draft)
    too_early_to_say(draft)


def available(draft: Draft, origin: str = "PRE", days: int = 90) -> CaptureSession:
    """A session that is as it should be; its recording may not be."""
    times = draft.ago(days * DAY)
    return draft.session(None, None, status="RECORDING_AVAILABLE", times=times, origin=origin, trail=Trail.STOPPED)


def without_media(draft: Draft) -> None:
    """The row is there and the media is not."""
    why = "no such container"
    session = available(draft)
    original = draft.recording(why, "row_without_container", session, None, severity="high")
    draft.recording("nor one of its edit", "row_without_container", session, None, parent=original, version=2)
    imported = available(draft, "VODAFONE")
    draft.recording("an import that is done, but not there", "row_without_container", imported, None)
    draft.recording("nor a duration", "row_without_container", available(draft), None, duration=None)
    behind = draft.session("registered, its container gone, its status behind", "status_behind", trail=Trail.SWEPT)
    draft.recording("its container is gone", "row_without_container", behind, None)
    at = draft.now - 90 * DAY
    for blobs, why in (
        ((), "an empty container"),
        ((Blob("index.ism", 700, at), Blob("index.mpd", 900, at)), "manifests without media"),
        ((Blob("recording.mov", 7000, at), Blob("x.ism", 700, at)), "media of another kind"),
    ):
        draft.recording(why, "row_without_media", available(draft), blobs, severity="high")
    draft.recording(
        "neither media nor duration", "row_without_media", available(draft), (), duration=None, fast="no_duration"
    )


def unplayable(draft: Draft) -> None:
    """Without a server manifest pre-api itself does not call it available."""
    for manifest_bytes, why in ((None, "no manifest"), (0, "a manifest without a byte")):
        session = available(draft)
        blobs = encoded(session.key, ended(session), manifest_bytes=manifest_bytes)
        draft.recording(why, "no_ism", session, blobs, severity="high")
    session = available(draft)
    root = draft.recording("the source of an edit", "sound", session, encoded(session.key, ended(session)))
    output = draft.new_id()
    blobs = encoded(str(output)[:32], ended(session), manifest_bytes=None)
    draft.recording("an edit without a manifest", "no_ism", session, blobs, recording_id=output, parent=root, version=2)


def wrong_names(draft: Draft) -> None:
    """The row names another file, or the file another session."""
    session = available(draft)
    blobs = encoded(session.key, ended(session))
    draft.recording(
        "the row names a file that is not there",
        "filename_missing",
        session,
        blobs,
        filename="index_1280x720_4500k.mp4",
        severity="medium",
    )
    session = available(draft, "VODAFONE")
    blobs = legacy(legacy_name(draft.random, 3), ended(session))
    draft.recording(
        "an import whose file was renamed, with people in its old name",
        "filename_missing",
        session,
        blobs,
        filename="Smith v Jones 2019 witness 3.mp4",
    )
    session = available(draft)
    blobs = encoded(session.key, ended(session))
    draft.recording(
        "the same name in another case of letters",
        "filename_missing",
        session,
        blobs,
        filename=f"{session.key.upper()}_1280x720_4500k.mp4",
    )
    for status, verdict in (("RECORDING_AVAILABLE", None), ("NO_RECORDING", "suspect_lost")):
        whose = draft.session(
            "its only media is registered for another session", verdict, status=status, trail=Trail.SWEPT
        )
        session = available(draft)
        blobs = encoded(whose.key, ended(whose))
        draft.recording("its track names another session", "session_mismatch", session, blobs, severity="medium")


def two_originals(draft: Draft) -> None:
    """Nothing in the schema stops a second registration."""
    for copies in (2, 3):
        session = available(draft)
        for _ in range(copies):
            blobs = encoded(session.key, ended(session))
            draft.recording(f"one of {copies} live originals", "double_v1", session, blobs, severity="medium")
    session = available(draft)
    draft.recording("the live original", "sound", session, encoded(session.key, ended(session)))
    draft.recording(
        "an original that was deleted: not a second one",
        "deleted_row",
        session,
        encoded(session.key, ended(session)),
        deleted=True,
    )
    session = available(draft)
    draft.recording(
        "an original that has no length either: the second original is what matters",
        "double_v1",
        session,
        encoded(session.key, ended(session)),
        duration=None,
    )
    stranger = available(draft)
    draft.recording(
        "a second original, with the track of another session",
        "session_mismatch",
        session,
        encoded(stranger.key, ended(session)),
        fast="double_v1",
    )


def without_duration(draft: Draft) -> None:
    """The player cannot show how long it is."""
    for duration, why in ((None, "no duration"), (timedelta(), "a duration of zero")):
        session = available(draft)
        blobs = encoded(session.key, ended(session))
        draft.recording(why, "no_duration", session, blobs, duration=duration, severity="low")
        output = draft.new_id()
        root = draft.rows.recordings[-1]
        blobs = encoded(str(output)[:32], ended(session))
        draft.recording(
            f"an edit with {why}",
            "no_duration",
            session,
            blobs,
            recording_id=output,
            parent=root,
            version=2,
            duration=duration,
        )


def too_early_to_say(draft: Draft) -> None:
    """Rows of which something is missing that is still to come, or no longer needed."""
    for created, blobs_of, why in (
        (5 * MINUTE, None, "registered five minutes ago, its container not yet listed"),
        (40 * MINUTE, "no manifest", "registered forty minutes ago, its manifest still to come"),
        (10 * MINUTE, "whole", "registered ten minutes ago"),
    ):
        session = available(draft, days=1)
        blobs = encoded(session.key, draft.now - 45 * MINUTE, manifest_bytes=None if blobs_of == "no manifest" else 700)
        draft.recording(why, "recent_row", session, blobs if blobs_of else None, created=draft.now - created)
    for origin in ("VODAFONE", "VODAFONE_VISIBLE"):
        session = draft.session(None, None, origin=origin, has_ingest=False)
        draft.recording(
            "an import that has not begun",
            "legacy_row",
            session,
            None,
            duration=None,
            filename="Okonkwo v Smith archive.mp4",
        )
    session = draft.session(None, None, origin="VODAFONE", has_ingest=False)
    name = legacy_name(draft.random, 4)
    blobs = together(legacy(name, ended(session)), ())
    draft.recording(
        "an import whose media is there and whose row is still to be updated",
        "legacy_row",
        session,
        blobs,
        duration=None,
        filename=f"{name}.mp4",
    )
    session = available(draft)
    draft.recording("deleted, and its container is gone", "deleted_row", session, None, deleted=True)
    draft.recording("deleted, and its container is empty", "deleted_row", session, (), deleted=True)
