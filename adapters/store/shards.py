"""The results of the shards of an audit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.store.documents import understood
from adapters.store.folder import Folder
from adapters.store.jsonl import pack, unpack
from reconciliation.coverage import counts_of
from reconciliation.evidence import Record, record_from_json, record_to_json
from reconciliation.profile import Scan


@dataclass(frozen=True)
class ShardResult:
    """The records of a shard, and the ETag of the version that was read."""

    records: list[Record]
    etag: str


class Shards:
    """Results of shards, each with its counts as metadata."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def mend(
        self, audit: str, shard: int, records: Sequence[Record], scan: Scan, *, attempt: int, before: ShardResult | None
    ) -> dict[str, int] | None:
        """Write the records of a shard and return their counts. ``before`` is the result that is replaced, None if
        there was none. Returns None if the stored result is another one: an activity of an earlier attempt may still be
        running. Atomic.
        """
        counts = counts_of(records)
        metadata = {name: str(count) for name, count in counts.items()} | {"attempt": str(attempt)}
        data = pack(record_to_json(record, scan.pack) for record in records)
        path, blobs = _shard(audit, shard), self._folder.blobs
        if before is None:
            return counts if await blobs.create(path, data, metadata) else None
        return counts if await blobs.replace(path, data, before.etag, metadata) else None

    async def result(self, audit: str, shard: int, unpack_one: Callable[[str, Any], Any]) -> ShardResult | None:
        """None if the shard was never scanned to its end."""
        path = _shard(audit, shard)
        stored = await self._folder.blobs.read(path)
        if stored is None:
            return None
        with understood(path, self._folder.blobs.where):
            return ShardResult([record_from_json(value, unpack_one) for value in unpack(stored.data)], stored.etag)

    async def write_progress(self, audit: str, shard: int, records: Sequence[Record]) -> None:
        metadata = {name: str(count) for name, count in counts_of(records).items()}
        await self._folder.blobs.write(f"{audit}/shards/{shard:04}.progress", b"", metadata)


def _shard(audit: str, shard: int) -> str:
    return f"{audit}/shards/{shard:04}.jsonl.gz"
