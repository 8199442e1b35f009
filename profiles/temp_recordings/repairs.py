"""The repairs: copies of what may be deleted, and rows set to what the files hold.

No repair arms the bot's clean-up, which deletes what is marked as done or failed: a row of a chunk that is in no
recording is changed only behind a proved copy (``saving``).
"""

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from profiles.temp_recordings import inserting, leftovers, marking, rescuing
from profiles.temp_recordings import statements as s
from profiles.temp_recordings.chunk_rules import DELETE_ROWS, MARK_DONE, RESCUE_COPY, SET_CLEANED
from profiles.temp_recordings.facts import ChunkFacts, FileFacts, MeetingFacts, RecordingFacts
from profiles.temp_recordings.file_rules import INSERT_RECORDING, RESCUE_ORPHAN
from profiles.temp_recordings.heard import heard_of, look_ups, only
from profiles.temp_recordings.kinds import CHUNK, FILE, MEETING, RECORDING
from profiles.temp_recordings.recording_rules import FIX_DURATION, FIX_RECORDING_FILES
from profiles.temp_recordings.saving import UNREAD
from reconciliation.effects import Effect, Scalar
from reconciliation.lookups import Lookup
from reconciliation.queries import SqlRows
from reconciliation.repair import GONE, Change, Repair, Repairable

_NAMED = """
select json_build_array(m.id, m.recording_files::text, m.status::text)::text
  from meetings m where m.id = any(%(ids)s::text[])
"""
_WAITS_FOR_THE_BOT = frozenset(
    {
        "transcode_stuck",
        "failed_retryable",
        "done_mp3_missing",
        "done_mp3_bad",
        "mp3_unproven",
        "chunk_damaged",
        "chunk_corrupt",
    }
)
"""What a chunk still is when there is a copy of it: only the bot can transcode it."""
_DONE = frozenset({"chunk_ok", "chunk_superseded", "rescued_unpromoted", "duplicate_chunk", "cleaned_flag_wrong", GONE})
"""What a chunk is that is done and has a copy; the clean-up may have come already."""


def repairs(zone: ZoneInfo) -> tuple[Repair[Any], ...]:
    """The repairs for a system whose moments are of that zone."""
    return (*_copies(), *_of_chunks(zone), *_of_recordings(zone))


def _copies() -> tuple[Repair[Any], ...]:
    """Those that copy files, and touch no row."""
    return (
        Repair[ChunkFacts](
            name=RESCUE_COPY,
            means="Copies what may be deleted to rescue/, which no clean-up knows; or a file to where its row says.",
            kind=CHUNK.name,
            setting=s.REPAIR_BUCKET,
            statements=(s.COPY_FILE, s.REMOVE_COPY),
            lookups=rescuing.of_chunk,
            change=rescuing.rescue,
            # A file that was put into temp/ was written just before.
            expects=_WAITS_FOR_THE_BOT | _DONE | {"transcoded_not_marked", "failed_but_converted", "chunk_changing"},
            two_persons=False,
            by_policy=True,
            by_bytes=True,
            asks_first=frozenset({"file_misplaced"}),
        ),
        Repair[FileFacts](
            name=RESCUE_ORPHAN,
            means="Copies a file of a chunk that no row names to rescue/, which no clean-up knows.",
            kind=FILE.name,
            setting=s.REPAIR_BUCKET,
            statements=(s.COPY_FILE, s.REMOVE_COPY_OF_ORPHAN),
            lookups=rescuing.of_orphan,
            change=rescuing.rescue_orphan,
            expects=frozenset({"orphan_pcm", "orphan_mp3"}),
            two_persons=False,
            by_policy=True,
            by_bytes=True,
        ),
    )


def _of_chunks(zone: ZoneInfo) -> tuple[Repair[Any], ...]:
    """Those of the rows of chunks."""
    return (
        Repair[ChunkFacts](
            name=MARK_DONE,
            means="Marks a chunk as done whose MP3 is whole, behind a proved copy.",
            kind=CHUNK.name,
            setting=s.REPAIR_DATABASE,
            statements=(*s.CHUNK_CHANGES, s.COPY_FILE),
            lookups=rescuing.of_chunk,
            change=lambda repairable: marking.mark(repairable, zone),
            expects=_DONE,
        ),
        Repair[ChunkFacts](
            name=SET_CLEANED,
            means="Sets the flag that says whether the raw audio was removed to what is there, behind a proved copy.",
            kind=CHUNK.name,
            setting=s.REPAIR_DATABASE,
            statements=(*s.CHUNK_CHANGES, s.COPY_FILE),
            lookups=rescuing.of_chunk,
            change=marking.set_cleaned,
            expects=_DONE - {"cleaned_flag_wrong"},
        ),
        Repair[ChunkFacts](
            name=DELETE_ROWS,
            means="Deletes rows of which nothing is left to do, in two plans; the whole row stays in the ledger.",
            kind=CHUNK.name,
            setting=s.REPAIR_DATABASE,
            statements=s.DELETIONS,
            lookups=leftovers.of_leftover,
            change=leftovers.delete,
            expects=frozenset({GONE, "leftover_row"}),
            in_two_steps=True,
        ),
    )


def _of_recordings(zone: ZoneInfo) -> tuple[Repair[Any], ...]:
    """Those of the rows of recordings and meetings."""
    return (
        Repair[RecordingFacts](
            name=FIX_DURATION,
            means="Sets the duration of a recording to that of its file, counted from its frames.",
            kind=RECORDING.name,
            setting=s.REPAIR_DATABASE,
            statements=s.RECORDING_CHANGES,
            lookups=_of_recording,
            change=_fix_duration,
            expects=frozenset(
                {"recording_ok", "recording_of_other_sort", "recording_sha_mismatch", "recording_short", "late_chunks"}
            ),
        ),
        Repair[MeetingFacts](
            name=FIX_RECORDING_FILES,
            means="Writes the recordings that there are into the row of their meeting.",
            kind=MEETING.name,
            setting=s.REPAIR_DATABASE,
            statements=s.MEETING_CHANGES,
            lookups=lambda _facts, _row: (),
            rows=lambda ids: SqlRows(_NAMED, {"ids": list(ids)}),
            change=_fix_recording_files,
            expects=frozenset({"meeting_ok"}),
        ),
        Repair[FileFacts](
            name=INSERT_RECORDING,
            means="Inserts the row of a final file that is whole as far as its bytes and its chunks tell.",
            kind=FILE.name,
            setting=s.REPAIR_DATABASE,
            statements=s.INSERTS,
            lookups=inserting.of_final,
            rows=inserting.rows,
            change=lambda repairable: inserting.insert(repairable, zone),
            expects=frozenset({GONE}),
        ),
    )


def _of_recording(facts: RecordingFacts, _row: Any) -> tuple[Lookup, ...]:
    return look_ups(only(facts.file))


def _fix_duration(repairable: Repairable[RecordingFacts]) -> Change | str:
    facts, recording = repairable.facts, repairable.facts.recording
    file = heard_of(facts.file, repairable.results)
    if file is None:
        return UNREAD
    if file.sha256 != recording.sha256:
        return "Its file has another SHA-256 than its row: find out which of the two is the recording."
    if not file.is_sound or not file.ms:
        return "Its file is damaged, or no MP3: its frames do not tell how long it should play."
    values: dict[str, Scalar] = {
        "id": recording.id,
        "row_token": recording.token,
        "file_sha256": file.sha256,
        "duration_ms": file.ms,
    }
    return Change(
        says=f"Set the duration of recording {recording.id} to {file.ms} ms.",
        seen={"row_token": recording.token, "sha256": file.sha256, "duration_ms": file.ms},
        do=(Effect(s.DURATION, values),),
        undo=Effect(s.DURATION_BACK, values),
        shown={"meeting_id": recording.meeting_id, "user_id": recording.user_id, "duration_ms": file.ms},
    )


def _fix_recording_files(repairable: Repairable[MeetingFacts]) -> Change | str:
    facts, meeting = repairable.facts, repairable.facts.scene.meeting
    if meeting is None or repairable.row is None:
        return "Its row could not be read just now."
    _, old, spelled = repairable.row
    of_users = [one for one in facts.scene.recordings if one.user_id]
    if len({one.user_id for one in of_users}) != len(of_users):
        return "There are several recordings of one participant: find out first which of them is whole."
    whole = {one.id for one in facts.scene.recordings if not one.user_id}
    kept = sorted(pair for pair in meeting.recording_files or () if pair[1] in whole)
    pairs = [*kept, *sorted((one.user_id, one.id) for one in of_users)]
    new = _as_written(json.loads(old) if old else None, pairs)
    if new is None:
        return "Its row names one of each participant, and there are more."
    values: dict[str, Scalar] = {
        "id": meeting.id,
        "row_token": meeting.token,
        "spelled": spelled,
        "old": old,
        "new": json.dumps(new),
    }
    return Change(
        says=f"Write {len(pairs)} recordings into the row of meeting {meeting.id}.",
        seen={"row_token": meeting.token, "old": old, "new": values["new"]},
        do=(Effect(s.FILES, values),),
        undo=Effect(s.FILES_BACK, values),
        shown={"recordings": [recording for _, recording in pairs]},
    )


def _as_written(old: Any, pairs: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Users and their recordings as the row has them, with whatever else is in it; None if they do not fit into that:
    in the bot's guide a user has one, and nothing else is there.
    """
    if old and "users" not in old:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else None
    return {**(old or {}), "users": [{user: recording} for user, recording in pairs]}
