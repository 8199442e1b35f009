"""What a scan read of the folders of one video, reduced to what a verdict can need."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from profiles.stuck_uploads.keys import LAYOUT, SOURCE, frame_in
from reconciliation.evidence import Unread
from reconciliation.lookups import StoredObject
from reconciliation.times import from_text, optional_from_text, optional_text

FRAME_STEP = 100
"""Frames are numbered in tenths of a second, and there is one for every ten seconds."""
FRAMES, THUMBNAILS = "full_frames", "full_frames_thumbnails"


class File(NamedTuple):
    """One object; ``version`` changes with every write to it. ``size`` in bytes."""

    size: int
    version: str


class Frames(NamedTuple):
    """The frames of a video: their ``number``, and the first index that is missing among them (None: none is).
    ``alike``: there is a thumbnail for each, and no other.
    """

    number: int
    missing: int | None
    alike: bool

    @property
    def are_whole(self) -> bool:
        return self.number > 0 and self.missing is None and self.alike


class Stored(NamedTuple):
    """One folder of a video, by its path: how many objects are in it, those that matter, its frames, and the last
    change of any of them that does not lie in the future (None: there is none).
    """

    path: str
    objects: int
    source: File | None
    layout: File | None
    frames: Frames
    newest: datetime | None

    @property
    def outputs(self) -> int:
        """How many objects are in it that a run has made."""
        return self.objects - (self.source is not None)

    def to_json(self) -> list[Any]:
        """A JSON array; ``from_json`` gives back an equal value."""
        return [self.path, self.objects, self.source, self.layout, self.frames, optional_text(self.newest)]

    @classmethod
    def from_json(cls, value: list[Any]) -> Self:
        """Raises ``TypeError`` or ``ValueError`` if ``value`` is not what ``to_json`` makes."""
        path, objects, source, layout, frames, newest = value
        source, layout = (None if one is None else File(*one) for one in (source, layout))
        return cls(path, objects, source, layout, Frames(*frames), optional_from_text(newest))


def stored(path: str, objects: Sequence[StoredObject], latest: datetime) -> Stored:
    """Reduce the complete listing of a folder; a moment later than ``latest`` lies in the future."""
    named = {one.key.removeprefix(path): one for one in objects}
    moments = map(from_text, (one.changed for one in objects))
    return Stored(
        path,
        len(objects),
        _file(named, SOURCE),
        _file(named, LAYOUT),
        _frames(named),
        max((moment for moment in moments if moment <= latest), default=None),
    )


def is_marker(one: StoredObject) -> bool:
    """True for an empty object that only shows a folder: tools with which people browse a bucket make those."""
    return one.size == 0 and one.key.endswith("/")


def _file(named: Mapping[str, StoredObject], name: str) -> File | None:
    one = named.get(name)
    return None if one is None else File(one.size, one.version)


def _frames(names: Iterable[str]) -> Frames:
    of_folder: dict[str, set[int]] = {FRAMES: set(), THUMBNAILS: set()}
    for frame in map(frame_in, names):
        if frame is not None:
            of_folder[frame[0]].add(frame[1])
    frames, thumbnails = of_folder[FRAMES], of_folder[THUMBNAILS]
    expected = range(0, (max(frames, default=-FRAME_STEP) // FRAME_STEP + 1) * FRAME_STEP, FRAME_STEP)
    missing = next((index for index in expected if index not in frames), None)
    odd = next((index for index in sorted(frames) if index % FRAME_STEP), None)
    return Frames(len(frames), odd if missing is None else missing, frames == thumbnails)


Evidence = tuple[Stored, ...]
"""The folders of a video, in the order in which they were looked up."""


def folders_of(evidence: "Evidence | Unread | None") -> Evidence:
    """The folders; none where they could not be read, or were not opened."""
    return () if evidence is None or isinstance(evidence, Unread) else evidence


def folder_at(evidence: "Evidence | Unread | None", path: str) -> Stored | None:
    """The folder with this path, if it was read and there is anything in it."""
    return next((one for one in folders_of(evidence) if one.path == path), None)


def pack(evidence: Evidence) -> list[Any]:
    return [one.to_json() for one in evidence]


def unpack(_unit: str, value: list[Any]) -> Evidence:
    """Raises ``TypeError`` or ``ValueError`` if it is not what ``pack`` makes."""
    return tuple(map(Stored.from_json, value))
