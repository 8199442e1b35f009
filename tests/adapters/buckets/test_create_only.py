"""The proof that a bucket refuses a second write, on real servers and through gateways that drop the condition."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.buckets.bucket import Bucket
from adapters.buckets.create_only import PROOF, Proofs
from adapters.buckets.listing import objects
from adapters.buckets.opening import open_bucket
from reconciliation.errors import StorageRefusedError
from tests.adapters.buckets.conftest import IN_THE_NETWORK, PATIENCE, SETTING, Kept
from tests.adapters.buckets.dropping_proxy import Drops, behind


def nothing(_request: web.Request) -> str:
    return ""


def of_all_writes(request: web.Request) -> str:
    return "if-none-match" if request.method in {"PUT", "POST"} else ""


def of_completions(request: web.Request) -> str:
    """Only of what ends a write in parts."""
    is_one = "uploadId" in request.query or request.query.get("comp") == "blocklist"
    return "if-none-match" if is_one else ""


def of_single_writes(request: web.Request) -> str:
    return "" if of_completions(request) else of_all_writes(request)


def of_deletions(request: web.Request) -> str:
    return "if-match" if request.method == "DELETE" else ""


@asynccontextmanager
async def through(kept: Kept, drops: Drops) -> AsyncIterator[Bucket]:
    async with behind(kept.connection, drops) as connection:
        bucket = open_bucket(connection, PATIENCE)
        yield bucket
        await bucket.close()


async def test_storage_that_refuses_a_second_write_is_proved_by_one_small_object(kept: Kept) -> None:
    for _ in range(2):
        proofs = Proofs()
        await proofs.remove_only(SETTING, kept.bucket)
        await proofs.create_only(SETTING, kept.bucket)
    assert [one.key for one in await objects(kept.bucket, "")] == [PROOF]


@IN_THE_NETWORK
async def test_it_is_proved_once_in_a_process(kept: Kept) -> None:
    seen: list[str] = []

    def noted(request: web.Request) -> str:
        seen.append(request.method)
        return ""

    proofs = Proofs()
    async with through(kept, noted) as bucket:
        await proofs.create_only(SETTING, bucket)
        asked = len(seen)
        await proofs.create_only(SETTING, bucket)
    assert 0 < asked == len(seen)


@IN_THE_NETWORK
@pytest.mark.parametrize("drops", [of_all_writes, of_completions, of_single_writes])
@pytest.mark.parametrize("is_there", [False, True])
async def test_storage_that_overwrites_in_either_way_is_refused(kept: Kept, drops: Drops, *, is_there: bool) -> None:
    if is_there:
        await Proofs().create_only(SETTING, kept.bucket)
    proofs = Proofs()
    async with through(kept, drops) as bucket:
        for _ in range(2):
            with pytest.raises(StorageRefusedError, match=f"written '{PROOF}' twice.*Nothing was copied") as caught:
                await proofs.create_only(SETTING, bucket)
            assert SETTING in str(caught.value)
    async with through(kept, nothing) as bucket:
        await proofs.create_only(SETTING, bucket)


@IN_THE_NETWORK
async def test_storage_that_deletes_another_version_is_refused(kept: Kept) -> None:
    async with through(kept, of_deletions) as bucket:
        with pytest.raises(StorageRefusedError, match="only in another version"):
            await Proofs().remove_only(SETTING, bucket)
