"""What the bytes of a file tell, as they were read for a repair: never what its header or its size say."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from profiles.temp_recordings.durations import tolerance_ms
from profiles.temp_recordings.files import BUCKET, File, audio_of
from reconciliation.evidence import Unread
from reconciliation.lookups import AudioAnswer, AudioOf


class Heard(NamedTuple):
    """A file that was read to its last byte. ``ms`` is how long its MPEG frames play; 0 if it is no MP3. ``is_sound``:
    it is nothing but whole frames, as many as its own header says, if it says any.
    """

    key: str
    version: str
    sha256: str
    bytes: int
    ms: int
    is_sound: bool

    def is_of(self, file: File) -> bool:
        """True if it is what the listing has seen."""
        return (self.key, self.version, self.bytes) == (file.key, file.version, file.size)

    def plays(self, ms: int) -> bool:
        """True if it plays that long, and nothing of it is damaged."""
        return self.is_sound and self.ms > 0 and abs(self.ms - ms) <= tolerance_ms(ms)


def look_ups(files: Sequence[File]) -> tuple[AudioOf, ...]:
    """Reads each of them; ``heard`` takes the results."""
    return tuple(AudioOf(BUCKET, one.key) for one in files)


def only(file: File | None) -> tuple[File, ...]:
    """What is read of a subject that has one file, or none."""
    return () if file is None else (file,)


def heard_of(file: File | None, results: Sequence[Any]) -> Heard | None:
    """As ``heard``, of one file; None if it is not among that."""
    return next(iter(heard(only(file), results).values()), None)


def heard(files: Sequence[File], results: Sequence[Any]) -> dict[str, Heard]:
    """What was read of files, by their keys; without those that could not be read, and those that are others by now."""
    found: dict[str, Heard] = {}
    for file, result in zip(files, results, strict=True):
        if result is None or isinstance(result, Unread) or result["state"] != "read":
            continue
        answer: AudioAnswer = result
        audio = audio_of(answer)
        one = Heard(file.key, answer["version"], audio.sha256, answer["bytes"], audio.ms, is_sound=not audio.is_corrupt)
        if one.is_of(file):
            found[file.key] = one
    return found
