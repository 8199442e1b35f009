"""A bucket of which only what is below a prefix is meant, on real servers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.buckets.bucket import Bucket
from adapters.buckets.connections import below
from adapters.buckets.listing import objects, paths
from adapters.buckets.opening import open_bucket
from reconciliation.errors import ListingError
from reconciliation.queries import Prefixes
from tests.adapters.buckets.conftest import IN_THE_NETWORK, PATIENCE, SETTING, Kept
from tests.adapters.buckets.test_connections import ACCOUNT, WHOLE, connection, problems


@pytest.fixture
async def lower(kept: Kept) -> AsyncIterator[Bucket]:
    given: Any = kept.connection
    bucket = open_bucket(below(given, "a/b"), PATIENCE)
    yield bucket
    await bucket.close()


async def given(data: bytes) -> AsyncIterator[bytes]:
    yield data


@IN_THE_NETWORK
async def test_keys_are_told_and_asked_for_without_it(kept: Kept, lower: Bucket) -> None:
    for key in ("a/b/", "a/b/1", "a/b/m/2", "a/b-c", "a/bb/3", "m/2", "z"):
        await kept.put(key, key.encode())
    for size in (1, 1000):
        assert [one.key for one in await objects(lower, "", size)] == ["1", "m/2"]
        assert [one async for portion in paths(lower, Prefixes(), size) for one in portion] == ["1", "m/"]
    assert [one.key for one in await objects(lower, "m/")] == ["m/2"]
    async with lower.download("m/2") as download:
        assert download is not None
        assert b"".join([piece async for piece in download.pieces]) == b"a/b/m/2"


@IN_THE_NETWORK
async def test_what_is_written_and_deleted_is_below_it(kept: Kept, lower: Bucket) -> None:
    await kept.put("m/2", b"elsewhere")
    version = await lower.create("m/2", given(b"x"), 1)
    assert version is not None
    assert await lower.create("m/2", given(b"y"), 1) is None
    assert [one.key for one in await objects(kept.bucket, "")] == ["a/b/m/2", "m/2"]
    assert await lower.remove("m/2", version) is True
    assert [one.key for one in await objects(kept.bucket, "")] == ["m/2"]


@IN_THE_NETWORK
async def test_its_name_and_its_place_say_the_prefix(kept: Kept, lower: Bucket) -> None:
    given: Any = kept.connection
    assert lower.name == f"{kept.connection.place}/a/b ({SETTING})"
    assert replace(given, prefix="a/b/").place == f"{kept.connection.place}/a/b"
    other: Any = lower
    other._prefix = "another/"
    other._bucket = kept.bucket
    with pytest.raises(ListingError, match="other keys"):
        other._within("a/b/1")


@pytest.mark.parametrize(
    "where", [{SETTING: WHOLE}, {SETTING: ACCOUNT, f"{SETTING}__container": "things"}], ids=["s3", "azure"]
)
def test_it_is_given_beside_the_bucket(where: dict[str, str]) -> None:
    whole: Any = connection(where)
    for prefix in ("recordings/ü 1", "recordings/ü 1/"):
        assert connection({**where, f"{SETTING}__prefix": prefix}) == replace(whole, prefix="recordings/ü 1/")
    for prefix in ("/recordings", "a//b", "//"):
        assert f"{SETTING}__prefix is not usable" in problems({**where, f"{SETTING}__prefix": prefix})


def test_a_folder_has_none() -> None:
    assert "__prefix is for storage" in problems({f"{SETTING}__folder": "/mounts/x", f"{SETTING}__prefix": "a"})
