"""The rows of an audit's sources."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from adapters.store.documents import document, understood
from adapters.store.folder import Folder, behind
from adapters.store.jsonl import loads, pack_lines
from reconciliation.errors import UnreadableError
from reconciliation.pulled import Pulled

Item = tuple[Any, bytes]
"""A row, and the line that it was read from."""


class _Packed:
    """Packs rows, and counts them."""

    def __init__(self, portions: AsyncIterator[list[str]]) -> None:
        self._portions = portions
        self.rows = 0

    async def members(self) -> AsyncIterator[bytes]:
        async for lines in self._portions:
            self.rows += len(lines)
            yield pack_lines(lines)


class Rows:
    """Rows of sources, as JSON texts, and the documents of completed reading."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def create(self, audit: str, source: str, portions: AsyncIterator[list[str]]) -> int | None:
        """As ``write``, but only if the source has no rows yet; None if it has. Atomic."""
        counted = _Packed(portions)
        path = f"{audit}/rows/{source}.jsonl.gz"
        return counted.rows if await self._folder.blobs.create_stream(path, counted.members()) else None

    async def write(self, audit: str, source: str, portions: AsyncIterator[list[str]], place: str = "rows") -> int:
        """Write or replace the rows of a source as they come, if there are any; returns how many there are."""
        counted = _Packed(portions)
        members = counted.members()
        if (first := await anext(members, None)) is not None:
            await self._folder.blobs.write_stream(f"{audit}/{place}/{source}.jsonl.gz", behind(first, members))
        return counted.rows

    async def create_pulled(self, audit: str, run: int, pulled: Pulled) -> None:
        """As ``write_pulled``, but the document of another worker that was faster is kept."""
        if not await self._folder.blobs.create(f"{audit}/pulled/{run}.json", document(pulled.to_json())):
            self._folder.blobs.recent.drop_audit(audit)  # those rows count, too

    async def write_pulled(self, audit: str, run: int, pulled: Pulled) -> None:
        await self._folder.write_document(f"{audit}/pulled/{run}.json", pulled.to_json())

    async def pulled(self, audit: str, run: int) -> Pulled | None:
        """None before ``write_pulled``."""
        return await self._folder.document(f"{audit}/pulled/{run}.json", Pulled.from_json)

    async def forget(self, audit: str, runs: int) -> None:
        """Delete the documents of ``write_pulled``, so that all sources are read again."""
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
        """The rows of a source under their keys, in portions. Raises ``UnreadableError`` if there are not as many as
        ``expected``, since a file that is cut between two portions looks complete; of no rows there may be no file.
        """
        if expected == 0:
            return
        path, found = f"{audit}/{place}/{source}.jsonl.gz", 0
        async for lines in self._folder.lines(path):
            with understood(path, self._folder.blobs.where):
                rows = [row(value) for value in loads(lines)]
                keys = _texts([key(one) for one in rows])
            found += len(rows)
            # A million rows go through here: pairs of pairs, made by the standard library.
            yield [*zip(keys, zip(zip(rows, lines, strict=True)), strict=True)]
        if expected not in {None, found}:
            raise UnreadableError(path, self._folder.blobs.where, f"it holds {found:,} of {expected:,} rows")


def _texts(keys: list[Any]) -> list[str]:
    """Raises ``ValueError`` if one is not a text."""
    if not set(map(type, keys)) <= {str}:
        raise ValueError("it holds a row whose key is no text")
    return keys
