"""What comes in portions, on its way into the run store and out of it."""

import json
import secrets
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

from adapters.store.blobs import BlobStore
from reconciliation.errors import DatabaseUnavailableError

AUDIT = "pre-capture-sessions/20260131-093000-1a2b3c4d"
ItemT = TypeVar("ItemT")


async def stream(*items: ItemT) -> AsyncIterator[ItemT]:
    for item in items:
        yield item


async def broken_off(*items: ItemT) -> AsyncIterator[ItemT]:
    for item in items:
        yield item
    raise DatabaseUnavailableError("broke off")


def texts(rows: Iterable[Any]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def bulky(megabytes: int) -> list[list[str]]:
    """Portions of texts that take more room than a writer keeps in memory, however well they are packed."""
    return [texts([secrets.token_hex(512) for _ in range(1024)]) for _ in range(megabytes * 2)]


async def flat(portions: AsyncIterator[list[ItemT]]) -> list[ItemT]:
    return [item async for portion in portions for item in portion]


async def paths(blobs: BlobStore) -> list[str]:
    """What there is in the folder of the audit."""
    return [blob.path.removeprefix(f"{AUDIT}/") async for blob in blobs.listing("")]
