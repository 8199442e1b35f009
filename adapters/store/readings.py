"""What the bytes of objects hold, as far as an audit has read them: so that none is read twice."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from adapters.store.documents import understood
from adapters.store.folder import Folder
from adapters.store.jsonl import loads, pack
from reconciliation.lookups import AudioAnswer


class Reading(NamedTuple):
    """One object of a bucket that was read to its end, and the unit that it belongs to."""

    unit: str
    setting: str
    key: str
    answer: AudioAnswer


class Readings:
    """Readings by the shard that their unit is in, whichever look made them and in whichever attempt.

    They are appended to one blob for each shard: an object counts as read once its reading is stored, so each is stored
    at once; a blob for each of a million objects would have to be listed with every look at the audit's progress, and
    deleted one by one.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def append(self, audit: str, shard: int, readings: Sequence[Reading]) -> None:
        """Add readings. Atomic; after an error they may be there nevertheless, or twice, which changes nothing."""
        await self._folder.blobs.append(_path(audit, shard), pack(readings))

    async def of(self, audit: str, shard: int) -> AsyncIterator[Reading]:
        """The readings of a shard, in the order in which they were added; none before the first."""
        path = _path(audit, shard)
        if await self._folder.blobs.metadata(path) is None:
            return
        async for lines in self._folder.lines(path):
            with understood(path, self._folder.blobs.where):
                readings = [Reading(*value) for value in loads(lines)]
            for one in readings:
                yield one


def _path(audit: str, shard: int) -> str:
    return f"{audit}/read/{shard:04}.jsonl.gz"
