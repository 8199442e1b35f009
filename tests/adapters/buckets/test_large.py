"""A large bucket: what is kept in memory does not grow with it."""

import tracemalloc
from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from adapters.buckets.bucket import Download, Page
from adapters.buckets.listing import paths
from adapters.patience import Patience
from reconciliation.queries import Prefixes

MEGABYTE = 1024 * 1024


class Endless:
    """A bucket with so many folders in each folder, none of which it keeps."""

    name = "endless"
    patience = Patience(attempts=1)

    def __init__(self, folders: int) -> None:
        self._folders = folders

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        begin = int(token or 0)
        end = min(begin + size, self._folders)
        names = [f"{prefix}folder-with-a-name-of-some-length-{number:09}/" for number in range(begin, end)]
        return Page([], names, str(end) if end < self._folders else None)

    def download(self, key: str, version: str | None = None) -> AbstractAsyncContextManager[Download | None]:
        raise NotImplementedError

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        raise NotImplementedError

    async def remove(self, key: str, version: str) -> bool:
        raise NotImplementedError

    async def clock_ahead(self) -> timedelta:
        return timedelta()

    async def close(self) -> None:
        pass


async def peak(folders: int, depth: int) -> tuple[int, int]:
    """How many folders there are, and how many bytes are taken at most while they pass by."""
    tracemalloc.start()
    try:
        count = 0
        async for portion in paths(Endless(folders), Prefixes(depth=depth)):
            count += len(portion)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_hundred_thousand_folders_pass_by_in_the_memory_of_a_few_pages() -> None:
    assert (await peak(1000, 1))[0] == 1000  # what is made once is made
    for folders, depth in ((100_000, 1), (317, 2)):
        count, most = await peak(folders, depth)
        assert count == folders**depth
        assert most < 4 * MEGABYTE
