"""The proof that a bucket refuses a second write: without it, a copy could overwrite what somebody else has written.

Compatible services and proxies in front of them may drop the condition of a write without a word. So one small object
is written twice, by each of the ways in which a bucket writes. It stays, so no right to delete is needed for it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from adapters.buckets.bucket import Bucket
from reconciliation.errors import StorageRefusedError, StorageUnavailableError

PROOF = "rescue/create-only-proof"
"""The key of that object."""
_TEXT = b"capture-audit has written this to see that storage refuses to overwrite it. It may be deleted.\n"
_NO_VERSION = "0123456789abcdef0123456789abcdef"
"""A version that the object cannot have."""


@dataclass
class Proofs:
    """Which buckets were proved in this process. Of one event loop, and safe for many concurrent callers on it."""

    _create_only: set[str] = field(default_factory=set)
    _remove_only: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def create_only(self, setting: str, bucket: Bucket) -> None:
        """Prove, once, that ``Bucket.create`` overwrites nothing. Raises ``StorageRefusedError`` if it does, and as
        ``Bucket`` does.
        """
        async with self._lock:
            if setting not in self._create_only:
                await prove_create_only(bucket)
                self._create_only.add(setting)

    async def remove_only(self, setting: str, bucket: Bucket) -> None:
        """Prove, once, that ``Bucket.remove`` deletes no other version than it is told. Raises as ``create_only``."""
        await self.create_only(setting, bucket)
        async with self._lock:
            if setting not in self._remove_only:
                await _prove_remove_only(bucket)
                self._remove_only.add(setting)


async def prove_create_only(bucket: Bucket) -> None:
    """As ``Proofs.create_only``."""
    for in_parts in (False, True):
        first = await _written(bucket, in_parts=in_parts)
        if first is not None and await _written(bucket, in_parts=in_parts) is not None:
            raise StorageRefusedError(
                f"Bucket {bucket.name} has written {PROOF!r} twice, although it was asked to only where nothing is: a "
                "copy could overwrite what is there. Nothing was copied. Give an address of storage that keeps "
                "If-None-Match in writes and in the completion of multipart uploads, without a proxy that drops it."
            )
        if not await _is_there(bucket):
            raise StorageUnavailableError(
                f"Bucket {bucket.name} has refused to write {PROOF!r} as if it were there, and it is not. Try again."
            )


async def _prove_remove_only(bucket: Bucket) -> None:
    if await bucket.remove(PROOF, _NO_VERSION) or not await _is_there(bucket):
        raise StorageRefusedError(
            f"Bucket {bucket.name} has deleted {PROOF!r}, although it was asked to only in another version: it could "
            "delete what somebody else has written. Nothing else was deleted. Delete the copy by hand."
        )


async def _written(bucket: Bucket, *, in_parts: bool) -> str | None:
    async def pieces() -> AsyncIterator[bytes]:
        yield _TEXT

    return await bucket.create(PROOF, pieces(), len(_TEXT), in_parts=in_parts)


async def _is_there(bucket: Bucket) -> bool:
    async with bucket.download(PROOF) as download:
        return download is not None
