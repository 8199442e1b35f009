"""What has been, or could be, taken for a lost recording and is none (DOMAIN.md 3.5)."""

from dev.demo.prodlike.draft import DAY, Draft
from dev.demo.prodlike.media import edit, encoded, legacy, take, two_tracks
from dev.demo.prodlike.people import legacy_name
from dev.demo.prodlike.planted.hidden_sessions import ended
from dev.demo.prodlike.trails import Trail


def plant(draft: Draft) -> None:
    siblings(draft)
    registered(draft)
    imports(draft)
    edits(draft)
    inputs(draft)


def siblings(draft: Draft) -> None:
    """The booking was used, only not by this session."""
    times = draft.ago(18 * DAY)
    booking = draft.booking(times.scheduled)
    used = draft.session(None, None, status="RECORDING_AVAILABLE", times=times, booking=booking, trail=Trail.STOPPED)
    draft.recording("the take that was used", "sound", used, take(used.key, ended(used)))
    for trail in (Trail.NEVER, Trail.STOPPED, Trail.ABSENT):
        draft.session("the sibling has the recording", "expected_empty", times=times, booking=booking, trail=trail)


def registered(draft: Draft) -> None:
    """Registered and visible, in each shape of container that could be taken for something else."""
    for blobs_of, why in (
        (take, "a usual take"),
        (two_tracks, "two tracks of one session in its own container"),
        (lambda _key, at: encoded("index", at), "index.mp4, registered"),
    ):
        session = draft.session(None, None, status="RECORDING_AVAILABLE", trail=Trail.STOPPED)
        draft.recording(why, "sound", session, blobs_of(session.key, ended(session)))
    session = draft.session(None, None, status="RECORDING_AVAILABLE", trail=Trail.STOPPED)
    draft.recording(
        "its upper-case track names its own session", "sound", session, encoded(session.key.upper(), ended(session))
    )
    closed = draft.ago(100 * DAY)
    booking = draft.booking(closed.scheduled, case_state="CLOSED")
    session = draft.session(None, None, status="RECORDING_AVAILABLE", times=closed, booking=booking)
    draft.recording("its case is closed", "sound", session, encoded(session.key, ended(session)))
    session = draft.session(None, None, status="RECORDING_AVAILABLE", trail=Trail.STOPPED)
    draft.recording(
        "somebody deleted it; its container stays",
        "deleted_row",
        session,
        encoded(session.key, ended(session)),
        deleted=True,
    )


def imports(draft: Draft) -> None:
    """Sessions of imports are NO_RECORDING with a row by design."""
    for origin in ("VODAFONE", "VODAFONE_VISIBLE"):
        for number in (5, 6):
            session = draft.session(None, None, origin=origin, has_ingest=False, trail=Trail.ABSENT)
            name = legacy_name(draft.random, number)
            draft.recording(
                "an import that is done, its session not yet updated", "sound", session, legacy(name, ended(session))
            )


def edits(draft: Draft) -> None:
    """Edits and re-encodes have containers of their own, named after themselves."""
    session = draft.session(None, None, status="RECORDING_AVAILABLE", trail=Trail.STOPPED)
    root = draft.recording("the source", "sound", session, encoded(session.key, ended(session)))
    for version, is_reencode in ((2, False), (3, True), (4, True)):
        output = draft.new_id()
        draft.recording(
            "an edit or a re-encode",
            "sound",
            session,
            edit(output, ended(session)),
            recording_id=output,
            parent=root,
            version=version,
            is_reencode=is_reencode,
        )
    other = draft.session(None, None, status="RECORDING_AVAILABLE", trail=Trail.STOPPED)
    draft.recording("another source", "sound", other, encoded(other.key, ended(other)))
    draft.recording(
        "an edit of a recording of one session with a track of another",
        "sound",
        session,
        encoded(other.key, ended(session)),
        parent=root,
        version=5,
    )


def inputs(draft: Draft) -> None:
    """The source of an edit is not a recording, even if its track carries a session's id."""
    for status, verdict, trail in (
        ("NO_RECORDING", "expected_empty", Trail.NEVER),
        ("NO_RECORDING", "suspect_lost", Trail.SWEPT),
        ("PROCESSING", "stuck_empty", Trail.PROCESSING),
        ("RECORDING_AVAILABLE", None, Trail.STOPPED),
    ):
        session = draft.session("its id stands in an -input container only", verdict, status=status, trail=trail)
        name = f"{draft.new_id()}-input"
        draft.container("the source of an edit", "not_a_recording", encoded(session.key, ended(session)), name=name)
