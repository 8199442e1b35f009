"""Reading and writing the two forms of artefacts: JSON documents, and JSON lines in gzip members."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

from adapters.store.blobs import BlobStore
from adapters.store.documents import document, read_document, understood
from adapters.store.jsonl import Unpacker, unpack
from reconciliation.errors import RunStoreError

# Packed; unpacked it is about ten times as much, and parsed a hundred times.
_PORTION_BYTES = 32 * 1024
ValueT = TypeVar("ValueT")


class Folder:
    """The blobs of all audits, by their whole paths. Raises the errors of ``BlobStore``, ``RunStoreError``, and
    ``UnreadableError`` for a blob that is damaged or was written by a later release.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    async def lines(self, path: str) -> AsyncIterator[list[bytes]]:
        """The lines of a file, in portions."""
        unpacker = Unpacker()
        async for chunk in self.blobs.read_stream(path):
            for at in range(0, len(chunk), _PORTION_BYTES):
                with understood(path, self.blobs.where):
                    lines = unpacker.lines(chunk[at : at + _PORTION_BYTES])
                if lines:
                    yield lines
        with understood(path, self.blobs.where):
            unpacker.finish()

    async def slice(self, path: str, offset: int, length: int) -> list[Any]:
        """The values of some whole members of a file; reads no more than these bytes. Raises ``RunStoreError`` if there
        is no such file.
        """
        stored = await self.blobs.read(path, offset=offset, length=length)
        if stored is None:
            raise RunStoreError(f"There is no {path} in {self.blobs.where}. Start a new audit.")
        with understood(path, self.blobs.where):
            return unpack(stored.data)

    async def document(self, path: str, read: Callable[[Any], ValueT]) -> ValueT | None:
        """What ``read`` makes of a JSON document; None if there is none."""
        stored = await self.blobs.read(path)
        return None if stored is None else read_document(path, self.blobs.where, stored.data, read)

    async def delete(self, prefix: str, order: Callable[[str], Any]) -> None:
        """Delete all blobs whose paths begin with ``prefix``, in the order of ``order`` of their paths. Idempotent."""
        for path in sorted([blob.path async for blob in self.blobs.listing(prefix)], key=order):
            await self.blobs.delete(path)

    async def write_document(self, path: str, value: dict[str, Any], metadata: Mapping[str, str] | None = None) -> None:
        await self.blobs.write(path, document(value), metadata)


async def behind(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A piece, and those that follow it."""
    yield first
    async for piece in rest:
        yield piece
