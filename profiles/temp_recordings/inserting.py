"""The repair of a final file without a row: one row for it, with what its bytes show."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from profiles.temp_recordings import statements as s
from profiles.temp_recordings.durations import tolerance_ms
from profiles.temp_recordings.facts import TRANSCODING, ChunkFacts, FileFacts, indexes, missing, played_ms
from profiles.temp_recordings.heard import Heard, heard_of, look_ups, only
from profiles.temp_recordings.names import STORAGE
from profiles.temp_recordings.rows import DONE, PAUSED, RECORDING, Meeting
from profiles.temp_recordings.scene import MOVING
from reconciliation.effects import Effect, Scalar
from reconciliation.lookups import Lookup
from reconciliation.queries import SqlRows
from reconciliation.repair import Change, Repairable
from reconciliation.times import optional_text

_COLUMNS = """
select json_build_array(k.key, exists (
         select from pg_attribute a
          where a.attrelid = 'recordings'::regclass and a.attname = 'user_id' and not a.attisdropped))::text
  from unnest(%(keys)s::text[]) as k(key)
"""


class Compared(NamedTuple):
    """What a final file is compared with: how long its chunks play together, how many there are, and of how many of
    them nothing tells how long they played.
    """

    ms: int
    chunks: int
    unknown: int

    @property
    def left_to_people(self) -> str:
        """What nothing tells; empty if all is known."""
        if not self.chunks:
            return "Nothing is left that tells whether it is whole: listen to its end before you approve this."
        if self.unknown:
            of_them = "one" if self.unknown == 1 else str(self.unknown)
            return f"Of {of_them} of its chunks nothing tells how long it played: listen to its end before you approve."
        return ""


def rows(keys: Sequence[str]) -> SqlRows:
    """Whether the table of recordings has the user of each, which is so in the bot's later era."""
    return SqlRows(_COLUMNS, {"keys": list(keys)})


def of_final(facts: FileFacts, _row: Any) -> tuple[Lookup, ...]:
    return look_ups(only(facts.file))


def insert(repairable: Repairable[FileFacts], zone: ZoneInfo) -> Change | str:
    """Insert the row of a final file, if nothing speaks against its being whole."""
    facts, row = repairable.facts, repairable.row
    file = heard_of(facts.file, repairable.results)
    if file is None or row is None:
        return "It could not be read just now, or is another one by now."
    final, meeting, compared = facts.final, facts.scene.meeting, _compared(facts)
    if final is None or meeting is None:
        return "Its meeting has no row."
    if (against := next(_against(facts, meeting, file, compared), None)) is not None:
        return against
    has_user = bool(row[1])
    if has_user and not final.user:
        return "It is of the whole meeting, and the table wants the user of each recording."
    values: dict[str, Scalar] = {
        "row_token": meeting.token,
        "meeting_id": meeting.id,
        "user_id": final.user,
        "filename": facts.key.removeprefix(STORAGE),
        "file_sha256": file.sha256,
        "duration_ms": file.ms,
        "zone": zone.key,
    }
    how = (
        f"its {compared.chunks} chunks play {compared.ms} ms" if compared.chunks else "no chunk is left to compare with"
    )
    return Change(
        says=f"Insert a recording of {facts.key}: {file.ms} ms by its frames; {how}.",
        seen={
            "row_token": meeting.token,
            f"sha256 of {file.key}": file.sha256,
            "chunks": compared.chunks,
            "unknown": compared.unknown,
        },
        do=(Effect(s.INSERT_LATER if has_user else s.INSERT, values),),
        undo=Effect(s.TAKE_OUT, {name: values[name] for name in ("file_sha256", "filename")}),
        shown={
            "meeting_id": meeting.id,
            "user_id": final.user,
            "duration_ms": file.ms,
            "chunks": compared.chunks,
            "chunks_ms": compared.ms,
            "changed": optional_text(facts.file.moment) if facts.file else None,
        },
        left_to_people=compared.left_to_people,
        waiting_since=facts.file.moment if facts.file else None,
    )


def _compared(facts: FileFacts) -> Compared:
    scene = facts.scene
    users = scene.users_in(facts.user)
    played = [played_ms(scene, user) for user in users]
    unknown = sum(not ChunkFacts(scene, one).ms for user in users for one in scene.chunks_of(user))
    return Compared(max(played, default=0), sum(len(list(indexes(scene, user))) for user in users), unknown)


def _against(facts: FileFacts, meeting: Meeting, file: Heard, compared: Compared) -> Iterator[str]:
    """What speaks against inserting a row."""
    scene = facts.scene
    if meeting.status in {RECORDING, PAUSED}:
        yield f"Its meeting is called {meeting.status}: it has not ended, as far as anybody knows."
    if facts.file is not None and scene.is_recent(facts.file, _longest(facts)):
        yield "It was written a while ago only: the bot may still be at work on it."
    if not file.is_sound or not file.ms:
        yield "It is damaged, or no MP3: its frames are not whole, or not as many as it says itself."
    if any(one.user_id == facts.user for one in scene.recordings):
        yield "There is a recording of that participant already."
    if any(one.sha256 == file.sha256 for one in scene.recordings):
        yield "The table takes no second row of its SHA-256: another recording of the meeting has it."
    users = scene.users_in(facts.user)
    if any(missing(scene, user) for user in users):
        yield "A chunk is missing among those of its participant: it cannot be whole."
    if any(one.status != DONE for user in users for one in scene.chunks_of(user)):
        yield "A chunk of its participant is not done: it may lack that."
    if file.ms < compared.ms - tolerance_ms(compared.ms, compared.chunks):
        yield f"It plays {file.ms} ms, shorter than the {compared.ms} ms of its chunks: have it joined again."


def _longest(facts: FileFacts) -> timedelta:
    """How long the bot may take for it at most."""
    return max(MOVING, facts.scene.terms.wait + TRANSCODING)
