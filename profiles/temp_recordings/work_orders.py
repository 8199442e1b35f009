"""Work orders: what only the bot can do, since its queue is in its memory. Resetting a row starts nothing."""

from typing import Annotated, TypedDict

from profiles.temp_recordings.facts import ChunkFacts, ParticipantFacts, RecordingFacts, missing
from profiles.temp_recordings.names import STORAGE, TEMP, rescued_as
from profiles.temp_recordings.scene import Scene
from reconciliation.shapes import Count
from reconciliation.wording import joined, plural

TRANSCODE, CONCATENATE = "transcode", "concatenate"


class WorkOrder(TypedDict):
    """What somebody has the bot do, or does by hand."""

    do: Annotated[str, "transcode: make an MP3 of raw audio; concatenate: join MP3s in this order."]
    files: Annotated[list[str], "The keys of what is read, in order; of chunks that have none, nothing."]
    to: Annotated[
        str | None, "The key of what is made, at which nothing lies now; null if all of the bot's names are taken."
    ]
    missing: Annotated[list[int], "The indexes of chunks that are not there, or not transcoded: silence belongs there."]
    ms: Annotated[Count, "How long it plays, by the sizes of the files."]


def of_chunk(facts: ChunkFacts) -> WorkOrder | None:
    """Transcode its raw audio, or the copy of that; None if it has an MP3 that is whole, or no raw audio."""
    if facts.pcm is None or not facts.has_pcm or facts.mp3_is_whole:
        return None
    return {
        "do": TRANSCODE,
        "files": [facts.pcm.key],
        # An MP3 that is cut off stays where it is: nothing is overwritten.
        "to": f"{TEMP}{facts.chunk.mp3_name}"
        if facts.mp3 is None
        else rescued_as(facts.scene.key, facts.chunk.mp3_name),
        "missing": [],
        "ms": facts.ms,
    }


def of_participant(facts: ParticipantFacts) -> WorkOrder | None:
    """Join what there is of a participant; None if there is a recording, or nothing to join."""
    if facts.recordings or facts.has_final or not facts.scene.chunks_of(facts.user):
        return None
    return _joined(facts.scene, facts.user, taken=frozenset())


def of_recording(facts: RecordingFacts) -> WorkOrder | None:
    """Join it again, under another name; None if it lacks nothing, if no chunk of it is left, or if it is of a whole
    meeting.
    """
    lacks = facts.file is None or facts.is_short or facts.late
    if not lacks or not facts.chunks or not facts.recording.user_id:
        return None
    return _joined(facts.scene, facts.recording.user_id, taken=frozenset({f"{STORAGE}{facts.recording.name}"}))


def _joined(scene: Scene, user: str, *, taken: frozenset[str]) -> WorkOrder:
    parts: dict[int, ChunkFacts] = {}
    for chunk in scene.chunks_of(user):
        if chunk.named is not None:
            parts.setdefault(chunk.named.number, ChunkFacts(scene, chunk))
    usable = {
        number: one for number, one in sorted(parts.items()) if one.mp3 is not None and one.mp3_is_whole is not False
    }
    names = (f"{STORAGE}{scene.key}_user{user}_final.mp3", f"{STORAGE}recording_{scene.key}_{user}.mp3")
    to = next((one for one in names if one not in scene.files and one not in taken), None)
    return {
        "do": CONCATENATE,
        "files": [one.mp3.key for one in usable.values() if one.mp3 is not None],
        "to": to,
        "missing": sorted({*missing(scene, user), *(parts.keys() - usable.keys())}),
        "ms": sum(one.ms for one in usable.values()),
    }


def in_words(order: WorkOrder) -> str:
    """The order in a sentence."""
    to = order["to"] or "a name of your own"
    if order["do"] == TRANSCODE:
        return f"Transcode {order['files'][0]} to {to}."
    gaps = f", with silence for {joined([str(one) for one in order['missing']])}" if order["missing"] else ""
    return f"Concatenate {plural(len(order['files']), 'MP3')} of {order['ms'] / 1000:,.1f} s to {to}{gaps}."
