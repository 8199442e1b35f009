"""Which folders are looked into for a meeting, and what is kept of the files there.

A deep audit reads the bytes of every MP3. It does not read raw audio: how long that plays follows from its size, and no
row says what it should hold.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from profiles.temp_recordings.durations import mp3_ms
from profiles.temp_recordings.names import RESCUE, STORAGE, TEMP, group_of, is_meeting_id, prefix_of, prefixes_of
from profiles.temp_recordings.options import DEEP, is_narrow
from reconciliation.looks import Group
from reconciliation.lookups import AudioAnswer, AudioFound, AudioUnder, ObjectsUnder, StoredObject
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Open
from reconciliation.times import from_text

BUCKET = "TEMP_RECORDINGS_BUCKET"


class Audio(NamedTuple):
    """What the bytes of an MP3 hold (see ``AudioAnswer``)."""

    sha256: str
    frames: int
    ms: int
    declared_frames: int | None
    is_cut: bool
    stray: int

    @property
    def is_corrupt(self) -> bool:
        """True if its header and its bytes disagree, or if not all of them are audio."""
        return self.is_cut or self.stray > 0 or self.declared_frames not in {None, self.frames}


class File(NamedTuple):
    """One file; ``version`` changes with every write to it. ``size`` in bytes, ``changed`` by the bucket's clock.

    ``audio`` is None unless its bytes were read: ``unread`` says why they could not be, and is empty where they were
    not to be.
    """

    key: str
    size: int
    changed: str
    version: str
    audio: Audio | None = None
    unread: str = ""

    @property
    def moment(self) -> datetime:
        return from_text(self.changed)

    @property
    def written(self) -> StoredObject:
        """What changes when it is written, whatever was read of it."""
        return StoredObject(self.key, self.size, self.changed, self.version)

    @property
    def mp3_ms(self) -> int:
        """How long it plays as an MP3: by its frames, or by its size where they were not counted."""
        return mp3_ms(self.size) if self.audio is None else self.audio.ms

    @property
    def is_corrupt(self) -> bool:
        """True if its bytes were read and are not what they should be."""
        return self.audio is not None and self.audio.is_corrupt


_READ = (".mp3",)
Evidence = tuple[File, ...]
"""The files of a meeting, ascending by key."""


def choose(group: Group, asked: AuditParameters) -> Open | None:
    """What the keys of a meeting's files begin with: in the folders where they belong, and in all others in which files
    of that name were seen. Where only some meetings are looked at nothing was seen, so likely places are looked into.
    What lies in rescue/ and is of no meeting by its name is looked up all at once.
    """
    if group.key == RESCUE:
        return Open([RESCUE])
    if not is_meeting_id(group.key):
        return None
    likely, rescued = prefixes_of(group.key), f"{RESCUE}{group.key}/"
    where = likely if is_narrow(asked) else [one for one in likely if one.startswith((TEMP, STORAGE))]
    seen = (rescued if key.startswith(rescued) else prefix_of(key) for key in group.rows[-1])
    prefixes = sorted({*where, *seen})
    return Open({DEEP: prefixes} if asked.mode == DEEP else prefixes)


def lookups(_meeting: str, hint: Any) -> tuple[ObjectsUnder | AudioUnder, ...]:
    if isinstance(hint, dict):
        return tuple(AudioUnder(BUCKET, prefix, _READ) for prefix in hint[DEEP])
    return tuple(ObjectsUnder(BUCKET, prefix) for prefix in hint)


def reduce(unit: str, results: Sequence[Any], _latest: datetime) -> Evidence:
    """What was found, each file once; in rescue/ without those that are looked up with their meetings."""
    found = {one.key: one for objects in results for one in map(_file, objects or ())}
    keys = [key for key in sorted(found) if not (key.startswith(RESCUE) and key.endswith("/"))]
    return tuple(found[key] for key in keys if unit != RESCUE or group_of(key) == RESCUE)


def _file(one: StoredObject | AudioFound) -> File:
    if not isinstance(one, AudioFound):
        return File(*StoredObject(*one))
    return File(*one.stored, one.audio and audio_of(one.audio), one.unread)


def audio_of(answer: AudioAnswer) -> Audio:
    """What was read of a file that is there."""
    return Audio(*(answer[name] for name in Audio._fields))  # type: ignore[literal-required]


def pack(evidence: Evidence) -> list[Any]:
    return [_packed(one) for one in evidence]


def _packed(one: File) -> list[Any]:
    if one.audio is None and not one.unread:
        return list(one.written)
    return [*one.written, one.audio and list(one.audio), one.unread]


def unpack(_meeting: str, value: list[Any]) -> Evidence:
    """Raises ``TypeError`` or ``ValueError`` if it is not what ``pack`` makes."""
    return tuple(_unpacked(File(*one)) for one in value)


def _unpacked(one: File) -> File:
    return one if one.audio is None else one._replace(audio=Audio(*one.audio))
