"""The repair of rows that nobody needs any more: off unless a setting allows it, and in two steps.

The bot deletes the files of chunks, and by a fault of its own not always their rows. One plan keeps the whole row in
its ledger and changes nothing; a later one deletes it, if it is still as it was then, and the recording that holds the
chunk was read again. No file is ever deleted.
"""

from typing import Any

from profiles.temp_recordings import statements as s
from profiles.temp_recordings.facts import ChunkFacts, RecordingFacts
from profiles.temp_recordings.heard import Heard, heard_of, look_ups, only
from profiles.temp_recordings.rescuing import shown
from profiles.temp_recordings.saving import UNREAD
from reconciliation.effects import Effect, Scalar
from reconciliation.lookups import Lookup
from reconciliation.repair import Change, Repairable


def held_by(facts: ChunkFacts) -> RecordingFacts | None:
    """The recording of its user that is in order; None if there is not just one, or if its file is not there."""
    found = [RecordingFacts(facts.scene, one) for one in facts.scene.recordings_of(facts.chunk.user_id)]
    in_order = [one for one in found if one.is_in_order and one.file is not None]
    return in_order[0] if len(in_order) == 1 and len(found) == 1 else None


def of_leftover(facts: ChunkFacts, _row: Any) -> tuple[Lookup, ...]:
    recording = held_by(facts)
    return look_ups(only(recording.file if recording is not None else None))


def delete(repairable: Repairable[ChunkFacts]) -> Change | str:
    """The first step; the second one if an earlier plan has marked the row as it is."""
    facts, chunk = repairable.facts, repairable.facts.chunk
    recording = held_by(facts)
    if recording is None:
        return "There is not just one recording that holds it."
    file = heard_of(recording.file, repairable.results)
    if file is None:
        return UNREAD
    if not _is_verified(recording, file):
        return "The file of the recording is not the one that its row tells of, by its bytes: nothing is deleted."
    values: dict[str, Scalar] = {
        "id": chunk.id,
        "row_token": chunk.token,
        "recording_id": recording.recording.id,
        "recording_sha256": file.sha256,
    }
    is_marked = repairable.earlier.get("row_token") == chunk.token and "row" in repairable.earlier
    seen: dict[str, Scalar] = {
        "row_token": chunk.token,
        "recording": recording.recording.id,
        "sha256": file.sha256,
        "marked": is_marked,
    }
    if not is_marked:
        return Change(
            says=f"Mark the row of chunk {chunk.id} as a leftover: it is kept in the ledger, and nothing is changed.",
            seen=seen,
            do=(Effect(s.MARK_LEFTOVER, values),),
            shown=shown(facts),
            left_to_people="A later plan may delete it.",
        )
    row = {"row": repairable.earlier["row"]}
    return Change(
        says=f"Delete the row of chunk {chunk.id}, which an earlier plan has marked; it stays in the ledger.",
        seen=seen,
        do=(Effect(s.DELETE_ROW, values | row),),
        undo=Effect(s.INSERT_AGAIN, {"id": chunk.id} | row),
        shown=shown(facts),
    )


def _is_verified(recording: RecordingFacts, file: Heard) -> bool:
    of_row = recording.recording
    return (
        file.sha256 == of_row.sha256
        and file.is_sound
        and abs(file.ms - (of_row.duration_ms or 0)) <= (recording.tolerance_ms)
    )
