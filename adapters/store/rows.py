"""What the sources of an audit gave."""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from adapters.store.documents import understood
from adapters.store.folder import Folder
from adapters.store.jsonl import loads, pack_lines
from reconciliation.errors import UnreadableError
from reconciliation.pulled import Pulled


class Item(NamedTuple):
    """A row, and the line that it is made of."""

    row: Any
    line: bytes


class _Packed:
    """Rows as they are written, counted on their way."""

    def __init__(self, portions: AsyncIterator[list[str]]) -> None:
        self._portions = portions
        self.rows = 0

    async def members(self) -> AsyncIterator[bytes]:
        async for lines in self._portions:
            self.rows += len(lines)
            yield pack_lines(lines)


class Rows:
    """Rows of sources, as JSON texts, and the documents that say that they were read to their end."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def create(self, audit: str, source: str, portions: AsyncIterator[list[str]]) -> int | None:
        """As ``write``, but only if there are none of that source; None if there are. Atomic."""
        counted = _Packed(portions)
        path = f"{audit}/rows/{source}.jsonl.gz"
        return counted.rows if await self._folder.blobs.create_stream(path, counted.members()) else None

    async def write(self, audit: str, source: str, portions: AsyncIterator[list[str]], place: str = "rows") -> int:
        """Write what a source gave, as it comes, in place of what is there; returns how many rows that were."""
        counted = _Packed(portions)
        await self._folder.blobs.write_stream(f"{audit}/{place}/{source}.jsonl.gz", counted.members())
        return counted.rows

    async def write_pulled(self, audit: str, run: int, pulled: Pulled) -> None:
        """Say that the sources of a run were read."""
        await self._folder.write_document(f"{audit}/pulled/{run}.json", pulled.to_json())

    async def pulled(self, audit: str, run: int) -> Pulled | None:
        """What ``write_pulled`` said, or None before it was done."""
        return await self._folder.document(f"{audit}/pulled/{run}.json", Pulled.from_json)

    async def forget(self, audit: str, runs: int) -> None:
        """Take back that anything was read: all of it is read again, in its order."""
        for run in reversed(range(runs)):
            await self._folder.blobs.delete(f"{audit}/pulled/{run}.json")

    async def items(
        self,
        audit: str,
        source: str,
        row: Callable[[Any], Any],
        key: Callable[[Any], str],
        place: str = "rows",
        *,
        expected: int | None = None,
    ) -> AsyncIterator[list[tuple[str, tuple[Item, ...]]]]:
        """The rows of a source under their keys, in portions. Raises ``UnreadableError`` if they are not as many as
        ``expected``: a file that is cut between two portions looks whole.
        """
        path, found = f"{audit}/{place}/{source}.jsonl.gz", 0
        async for lines in self._folder.lines(path):
            with understood(path, self._folder.blobs.where):
                rows = [row(value) for value in loads(lines)]
                keys = _texts([key(one) for one in rows])
            found += len(rows)
            yield [(of, (Item(one, line),)) for of, one, line in zip(keys, rows, lines, strict=True)]
        if expected not in {None, found}:
            raise UnreadableError(path, self._folder.blobs.where, f"it holds {found:,} of {expected:,} rows")


def _texts(keys: list[Any]) -> list[str]:
    """Raises ``ValueError`` if one is no text: nothing can be brought together under it."""
    if not set(map(type, keys)) <= {str}:
        raise ValueError("it holds a row whose key is no text")
    return keys
