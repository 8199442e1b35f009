"""What the sources of an audit gave."""

from collections.abc import AsyncIterator, Callable
from operator import itemgetter
from typing import Any, NamedTuple

from adapters.store.documents import understood
from adapters.store.folder import Folder
from adapters.store.jsonl import loads, pack_lines
from reconciliation.pulled import Pulled


class Item(NamedTuple):
    """A row, and the line that it is made of."""

    row: Any
    line: bytes


_first = itemgetter(0)


class Rows:
    """Rows of sources, as JSON texts, and the documents that say that they were read to their end."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def write(
        self,
        audit: str,
        source: str,
        portions: AsyncIterator[list[str]],
        place: str = "rows",
        *,
        only_new: bool = False,
    ) -> int | None:
        """Write what a source gave, as it comes; returns how many rows that were. None: rows of it are there, and were
        to be kept (``only_new``).
        """
        rows = 0

        async def members() -> AsyncIterator[bytes]:
            nonlocal rows
            async for lines in portions:
                rows += len(lines)
                yield pack_lines(lines)

        path, blobs = f"{audit}/{place}/{source}.jsonl.gz", self._folder.blobs
        if only_new:
            return rows if await blobs.create_stream(path, members()) else None
        await blobs.write_stream(path, members())
        return rows

    async def write_pulled(self, audit: str, run: int, pulled: Pulled) -> None:
        """Say that the sources of a run were read."""
        await self._folder.write_document(f"{audit}/pulled/{run}.json", pulled.to_json())

    async def pulled(self, audit: str, run: int) -> Pulled | None:
        """What ``write_pulled`` said, or None before it was done."""
        return await self._folder.document(f"{audit}/pulled/{run}.json", Pulled.from_json)

    async def forget(self, audit: str, runs: int) -> None:
        """Take back that anything was read: all of it is read anew, in its order."""
        for run in reversed(range(runs)):
            await self._folder.blobs.delete(f"{audit}/pulled/{run}.json")

    async def items(
        self,
        audit: str,
        source: str,
        row: Callable[[Any], Any],
        key: Callable[[Any], str],
        place: str = "rows",
    ) -> AsyncIterator[list[tuple[str, tuple[Item, ...]]]]:
        """The rows of a source under their keys, in portions."""
        path = f"{audit}/{place}/{source}.jsonl.gz"
        async for lines in self._folder.lines(path):
            with understood(path, self._folder.blobs.where):
                rows = [row(value) for value in loads(lines)]
            yield [(key(one), (Item(one, line),)) for one, line in zip(rows, lines, strict=True)]
