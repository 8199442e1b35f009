"""Sessions with a recording in the database, live or deleted, and sessions of other origins."""

from dev.demo.prodlike.draft import DAY, Draft
from dev.demo.prodlike.media import encoded, legacy, take
from dev.demo.prodlike.people import legacy_name
from dev.demo.prodlike.planted.hidden_sessions import ended, together
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    status_behind(draft)
    extra_output(draft)
    deleted_elsewhere(draft)
    mixed(draft)
    other_origins(draft)


def status_behind(draft: Draft) -> None:
    """A stale write put an old status back: the row is there, and the session says otherwise."""
    for status, case_state, deleted, why in (
        ("PROCESSING", "OPEN", False, "registered, and left PROCESSING"),
        ("NO_RECORDING", "OPEN", False, "registered, then swept by a stale write"),
        ("FAILURE", "OPEN", False, "registered, then failed after the fact"),
        (None, "OPEN", False, "registered, with a status of NULL"),
        ("NO_RECORDING", "CLOSED", False, "registered, swept, and its case is closed"),
        ("NO_RECORDING", "CLOSED", True, "registered, swept, and deleted with its case"),
    ):
        times = draft.ago(35 * DAY)
        session = draft.session(
            why,
            "status_behind",
            status=status,
            times=times,
            booking=draft.booking(times.scheduled, case_state=case_state),
            deleted=deleted,
            trail=Trail.SWEPT,
            severity="medium",
        )
        draft.recording(why, "sound", session, take(session.key, ended(session)))
    for status in ("PROCESSING", "RECORDING"):
        session = draft.session(f"{status}, registered, and encoded a second time", "status_behind", status=status)
        draft.recording("the registered encode", "sound", session, take(session.key, ended(session)))
        draft.unregistered(session, encoded(session.key, ended(session)), "the second encode")


def extra_output(draft: Draft) -> None:
    """A second encode of a take that is registered; nothing is lost."""
    for manifest_bytes, why in ((700, "a complete second encode"), (None, "a second encode that died")):
        for days in (12, 50):
            session = draft.session(
                f"registered, and {why} is there",
                "extra_output",
                status="RECORDING_AVAILABLE",
                times=draft.ago(days * DAY),
                trail=Trail.STOPPED,
                severity="info",
            )
            draft.recording("the registered encode", "sound", session, take(session.key, ended(session)))
            draft.unregistered(session, encoded(session.key, ended(session), manifest_bytes=manifest_bytes), why)


def deleted_elsewhere(draft: Draft) -> None:
    """A person deleted the recording; its container stays, and is not unregistered."""
    for status, has_second, severity, why in (
        ("NO_RECORDING", False, "info", "its only recording was deleted on purpose"),
        ("FAILURE", False, "info", "failed later, its recording deleted before"),
        (None, False, "info", "NULL status, its recording deleted"),
        ("NO_RECORDING", True, "low", "deleted, and a second encode without a row is there"),
        ("RECORDING_AVAILABLE", True, "low", "called available, deleted, and a second encode is there"),
    ):
        session = draft.session(
            why, "deleted_elsewhere", status=status, times=draft.ago(55 * DAY), trail=Trail.SWEPT, severity=severity
        )
        draft.recording("deleted on purpose", "deleted_row", session, take(session.key, ended(session)), deleted=True)
        if has_second:
            draft.unregistered(session, encoded(session.key, ended(session)), "a second encode of a deleted recording")
    session = draft.session("session and recording are deleted", "deleted_elsewhere", deleted=True, severity="info")
    draft.recording("deleted with its session", "deleted_row", session, None, deleted=True)


def mixed(draft: Draft) -> None:
    """One container with tracks of several sessions: whose it is is for a person to say."""
    for first, second in (("NO_RECORDING", "PROCESSING"), ("FAILURE", None), ("RECORDING", "RECORDING_AVAILABLE")):
        sessions = [
            draft.session(
                f"{status}; its media stands together with another session's",
                "in_mixed_container",
                status=status,
                times=draft.ago(28 * DAY),
                trail=Trail.SWEPT,
                severity="medium",
            )
            for status in (first, second)
        ]
        blobs = together(*(encoded(session.key, ended(session)) for session in sessions))
        draft.container("tracks of two sessions", "mixed_container", blobs, severity="high")
    for _ in range(2):
        pair = [
            draft.session("registered, and a copy is mixed", "already_registered", status="RECORDING_AVAILABLE")
            for _ in range(2)
        ]
        for session in pair:
            draft.recording("the registered encode", "sound", session, take(session.key, ended(session)))
        blobs = together(*(encoded(session.key, ended(session)) for session in pair))
        draft.container("copies of two registered recordings", "mixed_container", blobs)
    registered = draft.session(
        "registered, and a copy stands in a mixed container", "already_registered", status="RECORDING_AVAILABLE"
    )
    draft.recording("the registered encode", "sound", registered, take(registered.key, ended(registered)))
    lost = draft.session("its only media is mixed with a registered session's", "in_mixed_container")
    imported = draft.session(
        "an import whose tracks are mixed in", "legacy", status="NO_RECORDING", origin="VODAFONE", has_ingest=False
    )
    blobs = together(*(encoded(session.key, ended(session)) for session in (registered, lost, imported)))
    draft.container("tracks of three sessions", "mixed_container", blobs)
    own = draft.session("one container of its own, and a part of a mixed one", "unregistered_recording")
    other = draft.session("only a part of a mixed container", "in_mixed_container", deleted=True)
    draft.unregistered(own, encoded(own.key, ended(own)), "its own recording")
    blobs = together(encoded(own.key, ended(own)), encoded(other.key, ended(other)))
    draft.container("a session with a container of its own, and a deleted one", "mixed_container", blobs)


def other_origins(draft: Draft) -> None:
    """Imports are another profile's business, whatever is in storage."""
    for origin in ("VODAFONE", "VODAFONE_VISIBLE"):
        session = draft.session("an import, named by a track", "legacy", origin=origin, has_ingest=False)
        draft.unregistered(session, encoded(session.key, ended(session)), "a container that names an import")
    session = draft.session("an import that is registered", "legacy", status="RECORDING_AVAILABLE", origin="VODAFONE")
    name = legacy_name(draft.random, 1)
    draft.recording("an import with its media", "sound", session, legacy(name, ended(session)))
    draft.unregistered(session, encoded(session.key, ended(session)), "a second output of an import")
