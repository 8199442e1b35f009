"""Objects of a bucket read to their last byte: their SHA-256, and the frames of MPEG audio in them.

What is kept of an object in memory is the piece that has just come, whatever its size.
"""

import asyncio
import hashlib
from typing import Protocol

from adapters.buckets.bucket import Bucket, Download, patiently
from adapters.buckets.listing import objects
from adapters.buckets.mpeg import FrameCounter
from reconciliation.errors import AuditError, StorageUnavailableError
from reconciliation.lookups import AudioAnswer, AudioFound, AudioOf, AudioUnder, StoredObject

_CHANGED = "it was written again while it was read"
_GONE = "it was there when it was listed, and gone when it was read"


class Memory(Protocol):
    """What was read before of the objects of one unit."""

    async def known(self, setting: str, key: str, version: str) -> AudioAnswer | None:
        """What an object holds; None if that version of it was not read to its end yet."""
        ...

    async def keep(self, setting: str, key: str, answer: AudioAnswer) -> None:
        """Remember an object that was read. Raises no ``AuditError``: to forget costs a second reading, no more."""
        ...


async def audio_of(bucket: Bucket, lookup: AudioOf) -> AudioAnswer:
    """The answer to the look-up. Raises as ``Bucket`` does, and ``StorageUnavailableError`` for an object that ends
    before its last byte each time.
    """
    what = f"read an object of bucket {bucket.name}"

    async def read() -> AudioAnswer:
        async with bucket.download(lookup.key) as download:
            return _missing() if download is None else await _read(download, what)

    return await patiently(read, what, bucket.patience, downloads=True)


async def audio_under(bucket: Bucket, lookup: AudioUnder, memory: Memory | None = None) -> list[AudioFound]:
    """The answer to the look-up; what the memory knows is not read again. Raises as ``objects`` does for the listing;
    an object that cannot be read costs no other: it is given with the reason.
    """
    return [
        await _found(bucket, lookup, one, memory) if one.key.lower().endswith(lookup.suffixes) else AudioFound(one)
        for one in await objects(bucket, lookup.prefix)
    ]


async def _found(bucket: Bucket, lookup: AudioUnder, one: StoredObject, memory: Memory | None) -> AudioFound:
    known = None if memory is None else await memory.known(lookup.setting, one.key, one.version)
    if known is not None:
        return AudioFound(one, known)
    try:
        answer = await audio_of(bucket, AudioOf(lookup.setting, one.key))
    except AuditError as error:
        return AudioFound(one, None, str(error))
    if answer["state"] == "missing":
        return AudioFound(one, None, _GONE)
    if memory is not None:
        await memory.keep(lookup.setting, one.key, answer)
    if (answer["version"], answer["bytes"]) != (one.version, one.size):
        return AudioFound(one, None, _CHANGED)
    return AudioFound(one, answer)


async def _read(download: Download, what: str) -> AudioAnswer:
    digest, counter, size = hashlib.sha256(), FrameCounter(), 0

    def take(piece: bytes) -> None:
        digest.update(piece)
        counter.feed(piece)

    async for piece in download.pieces:
        size += len(piece)
        # Storage may send megabytes at once, which take longer than the event loop may stand still.
        await asyncio.to_thread(take, piece)
    if size != download.size:
        raise StorageUnavailableError(f"Cannot {what}: it ended after {size:,} of {download.size:,} bytes.")
    found = counter.counted()
    return AudioAnswer(
        state="read",
        version=download.version,
        bytes=size,
        sha256=digest.hexdigest(),
        frames=found.frames,
        ms=found.ms,
        declared_frames=found.declared_frames,
        is_cut=found.is_cut,
        stray=found.stray,
    )


def _missing() -> AudioAnswer:
    return AudioAnswer(
        state="missing",
        version="",
        bytes=0,
        sha256="",
        frames=0,
        ms=0,
        declared_frames=None,
        is_cut=False,
        stray=0,
    )
