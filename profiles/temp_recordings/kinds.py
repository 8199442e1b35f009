"""What is judged, and what a finding shows of each."""

from typing import Annotated, Any, TypedDict

from profiles.temp_recordings import chunk_rules, file_rules, recording_rules, work_orders
from profiles.temp_recordings.facts import ChunkFacts, FileFacts, MeetingFacts, ParticipantFacts, RecordingFacts
from profiles.temp_recordings.files import File
from profiles.temp_recordings.names import is_meeting_id
from profiles.temp_recordings.wall_times import Spread
from profiles.temp_recordings.work_orders import WorkOrder
from reconciliation.rules import Kind
from reconciliation.shapes import Count, Moment
from reconciliation.times import optional_text

Meetings = Annotated[str, "The id of its meeting."]
Orders = Annotated[WorkOrder | None, "What only the bot, or somebody by hand, can do about it; null if nothing."]
Played = Annotated[
    Count | None,
    "How long its audio plays: by the frames in it where its bytes were read, else by its size; null if there is none.",
]
Hash = Annotated[str | None, "The SHA-256 of its bytes; null unless they were read."]


class ChunkShown(TypedDict):
    """What is known of a chunk."""

    meeting_id: Meetings
    user_id: str
    index: Annotated[Count | None, "Its place in the recording of its user, by the name of its file."]
    status: str
    created_at: Annotated[Moment | None, "The earliest moment that its row may mean."]
    age_minutes: Annotated[Count | None, "How old its row is at most; null if it has no usable date."]
    pcm_bytes: Annotated[Count | None, "What its raw audio has; null if there is none in temp/."]
    mp3_bytes: Annotated[Count | None, "What its MP3 has; null if there is none in temp/."]
    mp3_ms: Played
    mp3_sha256: Hash
    expected_ms: Annotated[Count | None, "How long its MP3 should play; null if nothing tells."]
    deleted_at: Annotated[Moment | None, "When the bot's clean-up deletes it; null if it does not."]
    rescued: Annotated[bool, "Whether copies of all that holds it lie in rescue/, by their sizes."]
    work_order: Orders


class RecordingShown(TypedDict):
    """What is known of a recording."""

    meeting_id: Meetings
    user_id: str
    duration_ms: Annotated[Count | None, "What its row says."]
    file_ms: Played
    file_bytes: Count | None
    file_sha256: Hash
    chunks: Annotated[Count, "How many chunks of it are known."]
    chunks_ms: Annotated[Count, "How long they play together."]
    missing: Annotated[list[int], "The first indexes that are missing among them."]
    work_order: Orders


class ParticipantShown(TypedDict):
    """What is known of a participant of a meeting."""

    meeting_id: Meetings
    user_id: str
    chunks: Annotated[Count, "How many chunks there are, with a row or without one."]
    chunks_ms: Annotated[Count, "How long they play together."]
    recordings: Annotated[list[str], "The ids of the recordings."]
    work_order: Orders


class MeetingShown(TypedDict):
    """What is known of a meeting."""

    status: str
    started_at: Moment | None
    last_sign: Annotated[Moment | None, "When the bot last wrote a row for it."]
    chunks: Annotated[Count, "How many rows of chunks there are."]
    recordings: Annotated[Count, "How many rows of recordings there are."]


class FileShown(TypedDict):
    """What is known of a file that no row is about."""

    meeting_id: Annotated[str | None, "The meeting that its name is of."]
    bytes: Count | None
    ms: Played
    sha256: Hash
    changed: Annotated[Moment | None, "Its last change."]


_MOST_MISSING = 20


def _earliest(moment: Spread | None) -> str | None:
    return None if moment is None else optional_text(moment.earliest)


def _hash(file: File | None) -> str | None:
    return file.audio.sha256 if file and file.audio else None


def _chunk(facts: ChunkFacts) -> dict[str, Any]:
    chunk = facts.chunk
    return {
        "meeting_id": chunk.meeting_id,
        "user_id": chunk.user_id,
        "index": chunk.named.number if chunk.named else None,
        "status": chunk.status,
        "created_at": _earliest(chunk.created),
        "age_minutes": None if facts.age is None else int(facts.age.total_seconds() // 60),
        "pcm_bytes": facts.pcm.size if facts.pcm else None,
        "mp3_bytes": facts.mp3.size if facts.mp3 else None,
        "mp3_ms": facts.mp3.mp3_ms if facts.mp3 else None,
        "mp3_sha256": _hash(facts.mp3),
        "expected_ms": facts.expected_ms,
        "deleted_at": optional_text(facts.deleted_at),
        "rescued": facts.is_rescued,
        "work_order": work_orders.of_chunk(facts),
    }


def _recording(facts: RecordingFacts) -> dict[str, Any]:
    return {
        "meeting_id": facts.recording.meeting_id,
        "user_id": facts.recording.user_id,
        "duration_ms": facts.recording.duration_ms,
        "file_ms": facts.file_ms if facts.file else None,
        "file_bytes": facts.file.size if facts.file else None,
        "file_sha256": _hash(facts.file),
        "chunks": len(facts.chunks),
        "chunks_ms": facts.chunks_ms,
        "missing": list(facts.missing[:_MOST_MISSING]),
        "work_order": work_orders.of_recording(facts),
    }


def _participant(facts: ParticipantFacts) -> dict[str, Any]:
    return {
        "meeting_id": facts.scene.key,
        "user_id": facts.user,
        "chunks": facts.chunks,
        "chunks_ms": facts.ms,
        "recordings": [one.id for one in facts.recordings],
        "work_order": work_orders.of_participant(facts),
    }


def _meeting(facts: MeetingFacts) -> dict[str, Any]:
    scene = facts.scene
    return {
        "status": scene.meeting.status if scene.meeting else "",
        "started_at": _earliest(scene.meeting.started) if scene.meeting else None,
        "last_sign": optional_text(scene.last_sign),
        "chunks": len(scene.chunks),
        "recordings": len(scene.recordings),
    }


def _file(facts: FileFacts) -> dict[str, Any]:
    return {
        "meeting_id": facts.scene.key if is_meeting_id(facts.scene.key) else None,
        "bytes": facts.file.size if facts.file else None,
        "ms": facts.ms if facts.file and facts.is_named else None,
        "sha256": _hash(facts.file),
        "changed": optional_text(facts.file.moment) if facts.file else None,
    }


CHUNK = Kind(
    "chunk", "chunk", chunk_rules.RULES, _chunk, unverified=chunk_rules.UNVERIFIED, shape=ChunkShown
)  # fmt: skip
RECORDING = Kind(
    "recording",
    "recording",
    recording_rules.RECORDING_RULES,
    _recording,
    unverified=recording_rules.UNREAD_RECORDING,
    shape=RecordingShown,
)
PARTICIPANT = Kind(
    "participant",
    "participant",
    recording_rules.PARTICIPANT_RULES,
    _participant,
    unverified=recording_rules.UNREAD_PARTICIPANT,
    shape=ParticipantShown,
)
MEETING = Kind(
    "meeting",
    "meeting",
    recording_rules.MEETING_RULES,
    _meeting,
    unverified=recording_rules.UNREAD_MEETING,
    shape=MeetingShown,
)
FILE = Kind("file", "file", file_rules.RULES, _file, unverified=file_rules.UNREAD_FILE, shape=FileShown)
KINDS = (CHUNK, RECORDING, PARTICIPANT, MEETING, FILE)
