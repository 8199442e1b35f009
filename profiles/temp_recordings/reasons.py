"""The facts behind the verdicts, in words."""

from collections.abc import Sequence
from datetime import timedelta

from profiles.temp_recordings.durations import pcm_ms
from profiles.temp_recordings.facts import (
    MOST_MISSING,
    ChunkFacts,
    FileFacts,
    MeetingFacts,
    ParticipantFacts,
    RecordingFacts,
)
from profiles.temp_recordings.files import File
from profiles.temp_recordings.names import RESCUE, STORAGE, TEMP, base, folder_of, lies_in, mp3_of
from profiles.temp_recordings.rows import CHUNK_STATUSES, MEETING_STATUSES
from reconciliation.times import optional_text, to_text
from reconciliation.wording import joined, plural

_MOST_NAMED = 5
_MOST_MINUTES = 600


def wrong_with(facts: ChunkFacts) -> list[str]:
    """What is wrong with the row of a chunk; empty if nothing."""
    chunk, named = facts.chunk, facts.chunk.named
    wrong = [f"its {name} cannot be read" for name in chunk.unreadable]
    if chunk.status not in CHUNK_STATUSES:
        wrong.append("its status is none of those that are known")
    if chunk.created is None and "created_at" not in chunk.unreadable:
        wrong.append("it has no date")
    if facts.is_of_the_future:
        wrong.append("its date lies in the future: is TEMP_RECORDINGS_TIME_ZONE that of the database?")
    if named is None or named.suffix != "pcm":
        wrong.append("no raw audio of the bot has the name of its file")
    elif (named.meeting, named.user) != (chunk.meeting_id, chunk.user_id):
        wrong.append("its file is named after another meeting or another user")
    if base(chunk.mp3_path) not in {"", mp3_of(chunk.pcm_name)}:
        wrong.append("its MP3 is named after something else than its raw audio")
    if lies_in(chunk.path) not in {TEMP, ""} or lies_in(chunk.mp3_path) not in {TEMP, ""}:
        wrong.append("its path lies outside temp/")
    return wrong


def invalid(facts: ChunkFacts) -> str:
    return sentence(joined(wrong_with(facts)))


def chunk(facts: ChunkFacts) -> str:
    """Its row, its files and what they say together."""
    row = f"Its row is {old(facts.age)} and says {facts.chunk.status}"
    cleaned = {None: "", True: ", cleaned", False: ", not cleaned"}[facts.chunk.cleaned]
    pcm, mp3 = facts.pcm, facts.mp3
    raw = "no raw audio" if pcm is None else f"raw audio of {seconds(pcm_ms(pcm.size))}"
    found = joined([raw, "no MP3" if mp3 is None else f"an MP3 of {seconds(mp3.mp3_ms)}"])
    expected = facts.expected_ms
    whole = "" if expected is None else f", where {seconds(expected)} are expected"
    other = "; its SHA-256 is not the one in its row" if facts.sha_differs else ""
    return f"{row}{cleaned}; there is {found}{whole if mp3 else ''}{damage(mp3)}{other}."


def damage(one: File | None) -> str:
    """What is wrong with the bytes of a file, to be appended; empty if nothing is, or if they were not read."""
    audio = one and one.audio
    if audio is None or not audio.is_corrupt:
        return ""
    wrong = []
    if audio.declared_frames not in {None, audio.frames}:
        wrong.append(f"its header says {audio.declared_frames:,} frames, and there are {audio.frames:,}")
    wrong += ["its last frame is cut"] if audio.is_cut else []
    wrong += [f"{plural(audio.stray, 'byte')} of it belong to no frame"] if audio.stray else []
    return f"; it is damaged: {joined(wrong)}"


def expiring(facts: ChunkFacts) -> str:
    due = facts.due
    assert due is not None
    if facts.is_overdue:
        when = f"its time is over: the next clean-up deletes it, by {to_text(due)} if the bot runs"
    elif facts.scene.terms.deletes_all:
        when = f"the bot's hourly clean-up deletes it by {to_text(due)}"
    else:
        when = f"the bot's clean-up deletes it from {to_text(due)} on"
    return f"No recording that is in order holds it, and {when}. {chunk(facts)}"


def misplaced(facts: ChunkFacts) -> str:
    there = [f"{folder_of(one.key) or 'the top of the bucket'} ({one.size:,} bytes)" for one in facts.elsewhere]
    return f"There is nothing of it in {TEMP}; a file of its name lies in {joined(there[:_MOST_NAMED])}."


def lost(facts: ChunkFacts) -> str:
    ms = facts.lost_ms
    long = "how long it played nothing tells" if ms is None else f"{seconds(ms)} of audio are lost"
    where = "" if facts.scene.keys is not None else f" in {TEMP}, {STORAGE}, {RESCUE} or at the top of the bucket"
    return f"Its row is {old(facts.age)} and says {facts.chunk.status}; there is no file of its names{where}: {long}."


def twin(facts: ChunkFacts) -> str:
    named = facts.chunk.named
    assert named is not None
    rows = facts.scene.same_place[facts.chunk.user_id, named.number]
    return f"There are {plural(rows, 'row')} for number {named.number} of its user."


def recording(facts: RecordingFacts) -> str:
    """Its row, its file, and its chunks."""
    duration = facts.recording.duration_ms
    says = "no duration" if duration is None else seconds(duration)
    there = "there is no such file" if facts.file is None else f"its file has {facts.file.size:,} bytes, which play "
    there += "" if facts.file is None else f"{seconds(facts.file_ms)}{damage(facts.file)}"
    known = f"{plural(len(facts.chunks), 'chunk')} of it {'is' if len(facts.chunks) == 1 else 'are'} known"
    parts = [f"its row says {says}", there, f"{known}, which play {seconds(facts.chunks_ms)}"]
    if facts.missing:
        parts.append(f"number {_numbers(facts.missing)} is missing among them")
    if facts.late:
        parts.append(f"{plural(len(facts.late), 'chunk')} came after it or never")
    if facts.has_wrong_sha and facts.file is not None and facts.file.audio is not None:
        parts.append("its SHA-256 is not that of its file")
    if facts.has_sha_of_a_chunk:
        parts.append(f"its SHA-256 is that of {'the first' if facts.has_sha_of_first_chunk else 'one'} of its chunks")
    return sentence("; ".join(parts))


def recording_invalid(facts: RecordingFacts) -> str:
    wrong = [f"its {name} cannot be read" for name in facts.recording.unreadable]
    wrong += ["it has no duration"] if facts.recording.duration_ms is None and not wrong else []
    return sentence(joined(wrong))


def participant(facts: ParticipantFacts) -> str:
    gap = f"; number {_numbers(facts.missing)} is missing among them" if facts.missing else ""
    whole = len(facts.scene.of_whole)
    recordings = plural(len(facts.recordings), "recording") + (f", {whole} of the whole meeting" if whole else "")
    return f"{plural(facts.chunks, 'chunk')}, together {seconds(facts.ms)}{gap}, and {recordings}."


def meeting_invalid(facts: MeetingFacts) -> str:
    meeting = facts.scene.meeting
    assert meeting is not None
    wrong = [f"its {name} cannot be read" for name in meeting.unreadable]
    wrong += [] if meeting.status in MEETING_STATUSES else ["its status is none of those that are known"]
    return sentence(joined(wrong or ["its id is none that the bot makes"]))


def meeting(facts: MeetingFacts) -> str:
    scene = facts.scene
    assert scene.meeting is not None
    quiet = None if scene.last_sign is None else scene.clock.age(scene.last_sign)
    sign = "there is no sign of it" if quiet is None else f"its last sign is {old(quiet)}"
    unfinished = "" if not facts.unfinished else f"; {plural(facts.unfinished, 'chunk')} not in order"
    rows = f"{plural(len(scene.chunks), 'chunk')}, {plural(len(scene.recordings), 'recording')}"
    whole = "; none of the whole meeting, which is expected" if facts.lacks_whole else ""
    whole = f"; {len(scene.of_whole)} of the whole meeting" if len(scene.of_whole) > 1 else whole
    return f"It is {scene.meeting.status}, and {sign}: {rows}{whole}{unfinished}."


def recording_files(facts: MeetingFacts) -> str:
    meeting = facts.scene.meeting
    assert meeting is not None
    named = len(meeting.recording_files or ())
    return f"It names {plural(named, 'recording')}; there are {len(facts.scene.recordings)}, all of them in order."


def file(facts: FileFacts) -> str:
    if facts.file is None:
        return ""
    plays = f", which play {seconds(facts.ms)}" if facts.is_named else ""
    promoted = f"{damage(facts.file)}{'; a recording of its user is in order' if facts.is_promoted else ''}"
    return (
        f"It has {facts.file.size:,} bytes{plays}; its last change is of {optional_text(facts.file.moment)}{promoted}."
    )


def final_twin(facts: FileFacts) -> str:
    other = facts.twin
    assert other is not None
    was_read = facts.file is not None and facts.file.audio is not None
    return f"{file(facts)} The file of the recording {other.id} has the same {'SHA-256' if was_read else 'size'}."


def seconds(ms: int) -> str:
    return f"{ms / 1000:,.1f} s"


def old(age: timedelta | None) -> str:
    if age is None:
        return "of unknown age"
    minutes = int(age.total_seconds() // 60)
    return f"{plural(minutes, 'minute') if minutes < _MOST_MINUTES else plural(minutes // 60, 'hour')} old"


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _numbers(indexes: Sequence[int]) -> str:
    more = len(indexes) - _MOST_NAMED
    named = joined([str(one) for one in indexes[:_MOST_NAMED]])
    least = "at least " if len(indexes) >= MOST_MISSING else ""
    return named if more <= 0 else f"{named} and {least}{more} more"
