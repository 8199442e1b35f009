"""Copies in ``rescue/``, which no clean-up knows: what is copied so that nothing of a chunk is lost, and the proof.

A copy counts only if its SHA-256 is that of the file. By that nothing here rests on sizes, as an audit may.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from profiles.temp_recordings.facts import ChunkFacts
from profiles.temp_recordings.files import File
from profiles.temp_recordings.heard import Heard
from profiles.temp_recordings.names import rescued_as
from reconciliation.effects import Effect, Scalar
from reconciliation.repair import ForNow

COPY = "copy_file"
"""The name of the statement that copies."""
UNREAD = ForNow("A file of it could not be read just now, or is another one by now.")


class Saved(NamedTuple):
    """What holds a chunk: the files as they were read, and the copies of them that are still to be made."""

    files: tuple[Heard, ...]
    copies: tuple[Effect, ...]

    @property
    def bytes(self) -> int:
        """How many bytes are still to be copied."""
        return sum(int(one.values["bytes"] or 0) for one in self.copies)

    @property
    def seen(self) -> dict[str, Scalar]:
        """What must still be so when the copies are made, or rested on."""
        return {f"sha256 of {one.key}": one.sha256 for one in self.files}


def needed(facts: ChunkFacts) -> list[File]:
    """The files that are read to know whether a chunk is saved: its own, and what lies in rescue/ under their names."""
    own = dict.fromkeys(one for way in facts.ways for one in way)
    return [*own, *(copy for one in own for copy in facts.kept(one))]


def saved(facts: ChunkFacts, read: Mapping[str, Heard]) -> Saved | str:
    """How a chunk is saved; or why it is not, in a sentence. What is in rescue/ already is not copied again."""
    for way in facts.ways:
        if any(one.key not in read for one in way):
            return UNREAD
        files = tuple(read[one.key] for one in way)
        if _is_enough(facts, way, files):
            break
    else:
        return "There is no file of it."
    taken = [one for one in way if _is_taken(facts, one, read)]
    if taken:
        return f"Another file lies at {rescued_as(facts.scene.key, taken[0].key)}: a person must look at both."
    return Saved(files, tuple(_copies(facts, way, read)))


def copy(heard: Heard, target: str) -> Effect:
    """The effect that copies a file as it was read."""
    values: dict[str, Scalar] = {
        "source": heard.key,
        "source_version": heard.version,
        "sha256": heard.sha256,
        "bytes": heard.bytes,
        "target": target,
    }
    return Effect(COPY, values)


def _is_enough(facts: ChunkFacts, way: Sequence[File], files: Sequence[Heard]) -> bool:
    """True unless it is an MP3 alone that turns out not to be whole, or not to be that of its row, while there is more
    of the chunk.
    """
    if way == facts.ways[-1] or way != (facts.mp3,):
        return True
    if facts.chunk.sha256 not in {"", files[0].sha256}:
        return False
    return facts.expected_ms is not None and files[0].plays(facts.expected_ms)


def _copies(facts: ChunkFacts, way: Sequence[File], read: Mapping[str, Heard]) -> Iterator[Effect]:
    for one in way:
        if not _is_copied(facts, one, read):
            yield copy(read[one.key], rescued_as(facts.scene.key, one.key))


def _is_copied(facts: ChunkFacts, one: File, read: Mapping[str, Heard]) -> bool:
    """True if a file of the same bytes is kept, by its SHA-256."""
    return any(copy.key in read and read[copy.key].sha256 == read[one.key].sha256 for copy in facts.kept(one))


def _is_taken(facts: ChunkFacts, one: File, read: Mapping[str, Heard]) -> bool:
    """True if there is something else where its copy belongs."""
    there = any(copy.key == rescued_as(facts.scene.key, one.key) for copy in facts.kept(one))
    return there and not _is_copied(facts, one, read)
