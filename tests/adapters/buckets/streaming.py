"""A bucket whose objects are made while they are read: they need no room, however large they are."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from adapters.buckets.bucket import Download, Page
from adapters.patience import Patience
from reconciliation.lookups import StoredObject

CHANGED = "2026-11-27T06:30:00Z"
Pieces = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Made:
    """An object: the pieces that it is sent in, and the size that storage says it has."""

    size: int
    pieces: Pieces
    version: str = "1"

    @classmethod
    def of(cls, data: bytes, version: str = "1", piece: int = 1000) -> "Made":
        return cls(len(data), lambda: (data[at : at + piece] for at in range(0, len(data), piece)), version)


@dataclass
class Streaming:
    """See ``Bucket``. ``began`` counts how often each object was asked for; ``before`` is called as it is, and those in
    ``hang`` never come.
    """

    made: dict[str, Made]
    name: str = "streaming"
    patience: Patience = field(default_factory=lambda: Patience(attempts=2, first_wait=0.001, longest_wait=0.002))
    began: Counter[str] = field(default_factory=Counter)
    before: Callable[[str], None] = lambda _key: None
    hang: set[str] = field(default_factory=set)

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        assert not by_folder
        keys = sorted(key for key in self.made if key.startswith(prefix) and key > (token or ""))
        found = [StoredObject(key, self.made[key].size, CHANGED, self.made[key].version) for key in keys[:size]]
        return Page(found, [], keys[size - 1] if len(keys) > size else None)

    @asynccontextmanager
    async def download(self, key: str, version: str | None = None) -> AsyncIterator[Download | None]:
        assert version is None
        self.began[key] += 1
        self.before(key)
        if key in self.hang:
            await asyncio.Event().wait()
        one = self.made.get(key)
        yield None if one is None else Download(one.size, one.version, _sent(one.pieces()))

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        raise NotImplementedError

    async def remove(self, key: str, version: str) -> bool:
        raise NotImplementedError

    async def clock_ahead(self) -> timedelta:
        return timedelta()

    async def close(self) -> None:
        pass


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
