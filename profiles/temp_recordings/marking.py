"""The repairs of a chunk's row: what its files show is written there, behind a proved copy.

The bot's clean-up deletes what is done or failed, promoted or not. So both rest on a copy in rescue/ that is made, or
proved, in the same change.
"""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from profiles.temp_recordings import saving
from profiles.temp_recordings import statements as s
from profiles.temp_recordings.facts import TRANSCODING, ChunkFacts
from profiles.temp_recordings.heard import Heard, heard
from profiles.temp_recordings.names import mp3_of
from profiles.temp_recordings.rescuing import shown
from profiles.temp_recordings.wall_times import wall_clock
from reconciliation.effects import Effect, Scalar
from reconciliation.repair import Change, Repairable

_PROMOTE = "Have its meeting promoted by the bot's own step. The copy in rescue/ stays until a person deletes it."


def mark(repairable: Repairable[ChunkFacts], zone: ZoneInfo) -> Change | str:
    """Mark a chunk as done whose MP3 is whole, counted from its frames."""
    facts, chunk = repairable.facts, repairable.facts.chunk
    read = heard(saving.needed(facts), repairable.results)
    found, mp3 = saving.saved(facts, read), read.get(facts.mp3.key) if facts.mp3 is not None else None
    if isinstance(found, str):
        return found
    if mp3 is None:
        return "Its MP3 could not be read just now, or is another one by now."
    if (against := next(_against(facts, mp3), None)) is not None:
        return against
    effect, undo = _marked(facts, mp3, zone)
    return Change(
        says=_says(f"Mark chunk {chunk.id} {chunk.status} -> done", found),
        seen={"row_token": chunk.token, "status": chunk.spelled, f"sha256 of {mp3.key}": mp3.sha256, **found.seen},
        do=(*found.copies, effect),
        undo=undo,
        shown=shown(facts),
        copies_bytes=found.bytes,
        left_to_people=_PROMOTE,
        waiting_since=chunk.created.earliest if chunk.created else None,
    )


def _against(facts: ChunkFacts, mp3: Heard) -> Iterator[str]:
    """What speaks against marking it."""
    chunk = facts.chunk
    if facts.has_twin:
        yield "There are several rows for its place: a person must say which of them is the chunk."
    if facts.mp3 is not None and facts.scene.is_recent(facts.mp3, TRANSCODING):
        yield "Its MP3 was written a moment ago: the transcoder may still be at work on it."
    if facts.expected_ms is None or not mp3.plays(facts.expected_ms):
        yield "Its MP3 is not whole: what its frames play is not what its raw audio does, or it is damaged."
    if chunk.is_documented and (chunk.sha256 or chunk.completed is not None):
        yield "Its row has a SHA-256 or a date of completion already, and does not say that it is done: look at it."


def _marked(facts: ChunkFacts, mp3: Heard, zone: ZoneInfo) -> tuple[Effect, Effect]:
    """What marks it, and what takes that back."""
    chunk = facts.chunk
    assert facts.mp3 is not None
    values: dict[str, Scalar] = {
        "id": chunk.id,
        "row_token": chunk.token,
        "spelled": chunk.spelled,
        "done": "DONE" if chunk.spelled.isupper() else "done",
    }
    if not chunk.is_documented:
        return Effect(s.MARK_LATER, values), Effect(s.MARK_LATER_BACK, values)
    values |= {
        "mp3_path": chunk.mp3_path or mp3_of(chunk.path),
        "file_sha256": mp3.sha256,
        "duration_ms": mp3.ms,
        "completed_at": wall_clock(facts.mp3.moment, zone),
        "old_mp3_path": chunk.mp3_path or None,
        "old_duration_ms": chunk.duration_ms,
    }
    return Effect(s.MARK, values), Effect(s.MARK_BACK, values)


def set_cleaned(repairable: Repairable[ChunkFacts]) -> Change | str:
    """Set the flag of a chunk that is done to whether its raw audio is there."""
    facts, chunk = repairable.facts, repairable.facts.chunk
    found = saving.saved(facts, heard(saving.needed(facts), repairable.results))
    if isinstance(found, str):
        return found
    cleaned = facts.pcm is None
    values: dict[str, Scalar] = {
        "id": chunk.id,
        "row_token": chunk.token,
        "spelled": chunk.spelled,
        "cleaned": int(cleaned),
    }
    return Change(
        says=_says(f"Set cleaned of chunk {chunk.id} to {int(cleaned)}", found),
        seen={"row_token": chunk.token, "status": chunk.spelled, "raw audio": not cleaned, **found.seen},
        do=(*found.copies, Effect(s.CLEANED, values)),
        undo=Effect(s.CLEANED_BACK, values),
        shown=shown(facts),
        copies_bytes=found.bytes,
        left_to_people=_PROMOTE,
    )


def _says(what: str, found: saving.Saved) -> str:
    where = [str(one.values["target"]) for one in found.copies]
    first = f", after a copy of {found.bytes:,} bytes to {', '.join(where)}" if where else "; its copy is there"
    return f"{what}{first}."
