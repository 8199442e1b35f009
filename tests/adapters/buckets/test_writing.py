"""Writing into a bucket and deleting from it, on real servers: only where nothing is, only what is meant."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from adapters.buckets.bucket import PART
from adapters.buckets.listing import objects
from reconciliation.errors import StorageUnavailableError
from tests.adapters.buckets.conftest import Kept

MEGABYTE = 1024 * 1024
MOST = 9 * PART
KEY = "rescue/m 1/ü+1.mp3"
SMALL, LARGE = b"what was said", bytes(range(256)) * (PART // 256) + b"and a little more"


async def given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def create(kept: Kept, data: bytes = SMALL, *, key: str = KEY, in_parts: bool = False) -> str | None:
    middle = len(data) // 3
    return await kept.bucket.create(key, given(data[:middle], b"", data[middle:]), len(data), in_parts=in_parts)


async def read(kept: Kept, key: str = KEY, version: str | None = None) -> bytes | None:
    async with kept.bucket.download(key, version) as download:
        if download is None:
            return None
        data = b"".join([piece async for piece in download.pieces])
        assert download.size == len(data)
        assert version in (None, download.version)
        return data


async def version_of(kept: Kept, key: str = KEY) -> str:
    [stored] = await objects(kept.bucket, key)
    return stored.version


WAYS = pytest.mark.parametrize(
    ("data", "in_parts"),
    [(SMALL, False), (SMALL, True), (LARGE, False), (LARGE[:PART], True), (b"", False)],
    ids=["small", "small in parts", "large", "one whole part", "empty"],
)


@WAYS
async def test_what_is_written_is_read_back_and_is_of_the_version_that_was_told(
    kept: Kept, data: bytes, *, in_parts: bool
) -> None:
    version = await create(kept, data, in_parts=in_parts)
    assert version == await version_of(kept)
    assert await read(kept) == data
    assert await read(kept, version=version) == data


@WAYS
async def test_nothing_is_ever_overwritten(kept: Kept, data: bytes, *, in_parts: bool) -> None:
    await kept.put(KEY, b"somebody else's")
    version = await version_of(kept)
    assert await create(kept, data, in_parts=in_parts) is None
    assert (await read(kept), await version_of(kept)) == (b"somebody else's", version)


async def test_of_several_who_write_at_once_one_does(kept: Kept) -> None:
    for in_parts in (False, True):
        key = f"{KEY}-{in_parts}"
        texts = [f"writer {number}".encode() for number in range(4)]
        made = await asyncio.gather(*(create(kept, one, key=key, in_parts=in_parts) for one in texts))
        [winner] = [text for text, version in zip(texts, made, strict=True) if version is not None]
        assert await read(kept, key) == winner


@pytest.mark.parametrize("size", [len(SMALL) - 1, len(SMALL) + 1, PART + 1, PART * 2])
async def test_what_is_not_of_its_size_is_not_written(kept: Kept, size: int) -> None:
    for in_parts in (False, True):
        with pytest.raises(StorageUnavailableError, match="Nothing was written"):
            await kept.bucket.create(KEY, given(SMALL), size, in_parts=in_parts)
    assert await objects(kept.bucket, "") == []


async def test_where_its_pieces_break_off_nothing_is_written(kept: Kept) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield LARGE
        raise ZeroDivisionError

    for size in (len(SMALL), len(LARGE) * 2):
        with pytest.raises(ZeroDivisionError):
            await kept.bucket.create(KEY, breaking(), size)
    assert await objects(kept.bucket, "") == []
    assert await create(kept, LARGE) is not None, "what was begun in vain stands in nobody's way"


async def test_a_large_object_is_copied_in_the_memory_of_a_few_parts(kept: Kept) -> None:
    size = 16 * PART

    async def zeros() -> AsyncIterator[bytes]:
        for _ in range(size // MEGABYTE):
            yield bytes(MEGABYTE)

    await create(kept, SMALL, key="before")  # what is made once is made
    assert await kept.bucket.create(KEY, zeros(), size) is not None
    tracemalloc.start()
    try:
        async with kept.bucket.download(KEY) as download:
            assert download is not None
            assert await kept.bucket.create("copy", download.pieces, download.size) is not None
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    [copy] = await objects(kept.bucket, "copy")
    assert copy.size == size


async def test_an_object_is_read_only_if_it_is_of_the_version_that_is_asked_for(kept: Kept) -> None:
    await kept.put(KEY, SMALL)
    version = await version_of(kept)
    assert await read(kept, version=version) == SMALL
    await kept.put(KEY, b"another")
    assert await read(kept, version=version) is None
    assert await read(kept, "none", version) is None


async def test_only_the_version_that_is_meant_is_deleted(kept: Kept) -> None:
    await kept.put(KEY, SMALL)
    version = await version_of(kept)
    await kept.put(KEY, b"another")
    assert await kept.bucket.remove(KEY, version) is False
    assert await read(kept) == b"another"
    assert await kept.bucket.remove(KEY, await version_of(kept)) is True
    assert await read(kept) is None
    assert await kept.bucket.remove(KEY, version) is False


async def test_what_is_written_again_while_it_is_read_is_never_taken_for_whole(kept: Kept) -> None:
    old, new = b"o" * (3 * PART), b"n" * (3 * PART)
    await kept.put(KEY, old)
    read_so_far = b""
    try:
        async with kept.bucket.download(KEY) as download:
            assert download is not None
            async for piece in download.pieces:
                if not read_so_far:
                    await kept.put(KEY, new)
                read_so_far += piece
    except StorageUnavailableError:
        assert len(read_so_far) < len(old)
    assert set(read_so_far) == {ord("o")}, "all of it is of one version"
