"""Containers that no session's verdict tells about."""

from dev.demo.prodlike.draft import DAY, MINUTE, Draft
from dev.demo.prodlike.media import Blob, encoded, legacy
from dev.demo.prodlike.people import legacy_name
from dev.demo.prodlike.rows import EditRequest
from dev.demo.prodlike.trails import Trail

REPORTS = "mk-import-reports"


def plant(draft: Draft) -> None:
    unattributed(draft)
    orphan_edits(draft)
    changing(draft)
    empty(draft)
    named_otherwise(draft)


def unattributed(draft: Draft) -> None:
    """Media without a row that names no session: a person must tell whose it is."""
    at = draft.now - 45 * DAY
    for base, why in (
        ("index", "the encoder's index.mp4 era"),
        (draft.new_id().hex, "32 hex digits of which there is no session"),
        (draft.new_id().hex + "a", "33 hex digits"),
        (legacy_name(draft.random, 2), "the name of a file that was imported, with people in it"),
        ("Smith v Jones 17.05.2019 part 2", "another one, with a date"),
        (str(draft.new_id())[:32], "edit-shaped, but after another container"),
    ):
        for manifest_bytes, severity in ((700, "high"), (None, "medium")):
            draft.container(
                why, "unattributed_media", encoded(base, at, manifest_bytes=manifest_bytes), severity=severity
            )
    video = encoded("video", at, suffixes=("_2000000_1280x720_4500.mp4",))
    draft.container("the AMS era's video_...", "unattributed_media", video, severity="high")
    draft.container("no bytes", "unattributed_media", encoded("index", at, track_bytes=0), severity="medium")
    session = draft.session("33 hex digits that merely begin with its id", "expected_empty")
    longer = encoded(f"{session.key}a", at)
    draft.container("33 hex digits that begin with a session's id", "unattributed_media", longer, severity="high")
    session = draft.session("its id stands inside the name, not at its start", "expected_empty")
    inside = encoded(f"copy_of_{session.key}", at)
    draft.container("a session's id, but not at the start", "unattributed_media", inside, severity="high")
    session = draft.session("only a manifest carries its id", "expected_empty")
    manifest = Blob(f"{session.key}.ism", 700, at)
    blobs = tuple(sorted([*encoded("index", at, manifest_bytes=None), manifest]))
    draft.container("only its manifest names a session", "unattributed_media", blobs, severity="high")


def orphan_edits(draft: Draft) -> None:
    """The row of an edit is written after its media; a kill in between leaves the media alone."""
    times = draft.ago(65 * DAY)
    source = draft.session(None, None, status="RECORDING_AVAILABLE", times=times, trail=Trail.STOPPED)
    root = draft.recording("the source of edits", "sound", source, encoded(source.key, times.scheduled))
    for status, manifest_bytes in (("PROCESSING", 700), ("ERROR", None), ("PROCESSING", None)):
        output = draft.new_id()
        request = EditRequest(draft.new_id(), root.id, status, draft.user.id, times.scheduled)
        draft.rows.edit_requests.append(request)
        draft.container_of(
            output,
            f"the output of an edit request in {status}",
            "orphan_edit_output",
            encoded(str(output)[:32], draft.now - 60 * DAY, manifest_bytes=manifest_bytes),
            severity="medium",
        )
    whole = draft.new_id()
    blobs = encoded(str(whole), draft.now - 60 * DAY)
    draft.container_of(whole, "named after the whole of its container's name", "orphan_edit_output", blobs)


def changing(draft: Draft) -> None:
    """Media without a row in which something changed a moment ago."""
    at = draft.now - 3 * MINUTE
    changes = draft.if_settling("still_changing", "unattributed_media")
    draft.container("index.mp4, written three minutes ago", changes, encoded("index", at))
    draft.container("begun three minutes ago", changes, encoded("index", at, track_bytes=0, manifest_bytes=None))
    old = encoded("index", draft.now - 2 * DAY)
    touched = (*old, Blob("zz_thumbnail.png", 10, at))
    draft.container("old media, and something new beside it", changes, touched)
    output = draft.new_id()
    draft.container_of(
        output,
        "the output of an edit that is being written",
        draft.if_settling("still_changing", "orphan_edit_output"),
        encoded(str(output)[:32], at),
    )


def empty(draft: Draft) -> None:
    """No media, whatever else is in them."""
    old, new = draft.now - 45 * DAY, draft.now - MINUTE
    draft.container("without a blob", "empty_container", ())
    for name, at in (("index.ism", old), ("index.mpd", new), ("0/section", old), ("mp4", old), ("take.mp4.tmp", old)):
        draft.container(f"only {name}", "empty_container", (Blob(name, 700, at),))
    session = draft.session("only a manifest of it is there", "expected_empty")
    draft.container("a manifest without media", "empty_container", (Blob(f"{session.key}.ism", 700, old),))


def named_otherwise(draft: Draft) -> None:
    """Names that no recording has."""
    at = draft.now - 45 * DAY
    for name, blobs in (
        (REPORTS, (Blob("2026-01.csv", 20_000, at), Blob("2026-02.csv", 21_000, at))),
        ("$logs", (Blob("blob/2026/01/01/0000/000000.log", 4_000, at),)),
        ("asset-0f6b1c7e-7b3a-4c55-9a0e-0d6f6a3b2c11", legacy("video_2000000_1280x720_4500", at)),
        ("asset-1d2c3b4a-1a52-4c55-9a0e-7f3c1f0e2c11", legacy("Jones v Smith hearing", at)),
        (draft.new_id().hex, encoded("index", at)),
        (f"{draft.new_id()}-copy", encoded("index", at)),
    ):
        draft.container(f"{name}: not the name of a recording", "not_a_recording", blobs, name=name)
