"""The artefacts of an attempt: the doubts of its first look, what its second look read of them, and the ids of subjects
that are only counted.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from adapters.store.documents import document, understood
from adapters.store.folder import Folder, behind
from adapters.store.jsonl import loads, pack, pack_lines, unpack
from reconciliation.screened import Screening


def _as_it_is(value: Any) -> Any:
    return value


class Attempts:
    """Artefacts of attempts; each attempt has a folder, and each of its first looks a folder in it (``look``). ``read``
    converts the value of a line; if it raises one of ``ODD``, that becomes an ``UnreadableError``.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def write_doubts(self, look: str, blocks: AsyncIterator[list[str]]) -> list[tuple[int, int, int]]:
        """Write the doubts, if there are any, each as JSON text, block by block; returns number, offset and length of
        each block.
        """
        written: list[tuple[int, int, int]] = []

        async def members() -> AsyncIterator[bytes]:
            offset = 0
            async for block in blocks:
                member = pack_lines(block)
                written.append((len(block), offset, len(member)))
                offset += len(member)
                yield member

        packed = members()
        if (first := await anext(packed, None)) is not None:
            await self._folder.blobs.write_stream(f"{look}/doubts.jsonl.gz", behind(first, packed))
        return written

    async def doubts(self, look: str, offset: int, length: int, read: Callable[[Any], Any] = _as_it_is) -> list[Any]:
        """The doubts of some blocks."""
        path = f"{look}/doubts.jsonl.gz"
        return self._understood(path, await self._folder.slice(path, offset, length), read)

    async def write_counted(self, look: str, lines: Sequence[Any]) -> None:
        """Write the ids of subjects that are only counted."""
        await self._folder.blobs.write(f"{look}/counted.jsonl.gz", pack(lines))

    async def counted(self, look: str, read: Callable[[Any], Any] = _as_it_is) -> AsyncIterator[list[Any]]:
        """The lines of ``write_counted``, in portions."""
        path = f"{look}/counted.jsonl.gz"
        async for lines in self._folder.lines(path):
            with understood(path, self._folder.blobs.where):
                values = loads(lines)
            yield self._understood(path, values, read)

    async def first_screened(self, attempt: str, screened: Screening) -> Screening:
        """Store the result of the first look, once all its other files are written; if there is one, that is kept and
        returned. The metadata holds the number of shards of the second look.
        """
        path, metadata = f"{attempt}/screened.json", {"shards": str(len(screened.shards))}
        if await self._folder.blobs.create(path, document(screened.to_json()), metadata):
            return screened
        return await self.screened(attempt) or screened

    async def screened(self, attempt: str) -> Screening | None:
        """The result of ``first_screened``; None if there is none yet."""
        return await self._folder.document(f"{attempt}/screened.json", Screening.from_json)

    async def write_again(self, attempt: str, shard: int, values: Sequence[Any]) -> None:
        """Write what a shard of the second look read; if there is a result already, that is kept."""
        await self._folder.blobs.create(f"{attempt}/again/{shard:04}.jsonl.gz", pack(values))

    def has_just_written_again(self, attempt: str, shard: int) -> bool:
        """True if this process knows that there is a result of ``write_again``, without asking for it."""
        return self._folder.blobs.recent.get(f"{attempt}/again/{shard:04}.jsonl.gz") is not None

    async def again(self, attempt: str, shard: int, read: Callable[[Any], Any] = _as_it_is) -> list[Any] | None:
        """The values of ``write_again``; None if there are none."""
        path = f"{attempt}/again/{shard:04}.jsonl.gz"
        stored = await self._folder.blobs.read(path)
        if stored is None:
            return None
        with understood(path, self._folder.blobs.where):
            values = unpack(stored.data)
        return self._understood(path, values, read)

    def _understood(self, path: str, values: list[Any], read: Callable[[Any], Any]) -> list[Any]:
        with understood(path, self._folder.blobs.where):
            return [read(value) for value in values]
