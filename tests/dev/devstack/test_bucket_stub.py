"""The stub of S3 lists and reads as the real service does, by the app's own client."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import by_s3_address
from adapters.buckets.listing import objects, paths
from adapters.buckets.opening import open_bucket
from adapters.patience import Patience
from dev.devstack.stub import StubbedBucket, stubbed_bucket
from reconciliation.queries import Prefixes

KEYS = ["a-b", "a.txt", "a/1/x", "a/1/y/z", "a/2", "b/3/x", "c d/&/e", "top", "z/9/x"]
CONTENT = b"some bytes"


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubbedBucket]:
    folder: Path = tmp_path_factory.mktemp("bucket")
    (folder / "contents").mkdir()
    (folder / "contents" / "one").write_bytes(CONTENT)
    (folder / "contents" / "none").write_bytes(b"")
    lines = [f"{key}\t{'none' if key == 'top' else 'one'}\n" for key in reversed(KEYS)]
    (folder / "keys").write_text("".join(lines), encoding="utf-8")
    with stubbed_bucket(folder / "keys", folder / "contents") as running:
        yield running


@pytest.fixture
async def bucket(stub: StubbedBucket) -> Bucket:
    address, key_id, secret = stub.settings("UPLOADS", "any-name").values()
    return open_bucket(by_s3_address("UPLOADS", address, key_id, secret), Patience())


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_objects_are_listed_in_pages_of_any_size(bucket: Bucket, size: int) -> None:
    found = await objects(bucket, "", size)
    assert [one.key for one in found] == KEYS
    assert {one.version for one in found if one.size} == {hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}
    assert [one.key for one in found if not one.size] == ["top"]
    assert [one.key for one in await objects(bucket, "a/1/", size)] == ["a/1/x", "a/1/y/z"]
    assert await objects(bucket, "a/3", size) == []
    await bucket.close()


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, ["a-b", "a.txt", "a/", "b/", "c d/", "top", "z/"]),
        (2, ["a-b", "a.txt", "a/1/", "a/2", "b/3/", "c d/&/", "top", "z/9/"]),
    ],
)
async def test_folders_are_listed_level_by_level(bucket: Bucket, depth: int, expected: list[str], size: int) -> None:
    found = [name async for portion in paths(bucket, Prefixes("", depth), size) for name in portion]
    assert found == expected
    await bucket.close()


async def test_an_object_is_read_and_one_that_there_is_not_is_not(bucket: Bucket) -> None:
    async with bucket.download("c d/&/e") as download:
        assert download is not None
        assert b"".join([piece async for piece in download.pieces]) == CONTENT
        assert download.size == len(CONTENT)
    async with bucket.download("c d") as download:
        assert download is None
    await bucket.close()


async def test_a_bucket_of_sizes_alone_lists_them_and_gives_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("".join(f"{key}\t{number}\n" for number, key in enumerate(KEYS)), encoding="utf-8")
    with stubbed_bucket(tmp_path / "keys") as running:
        address, key_id, secret = running.settings("UPLOADS", "any-name").values()
        bucket = open_bucket(by_s3_address("UPLOADS", address, key_id, secret), Patience())
        found = await objects(bucket, "", 2)
        assert [(one.key, one.size) for one in found] == [(key, number) for number, key in enumerate(KEYS)]
        assert len({one.version for one in found}) == len(KEYS)
        await bucket.close()
