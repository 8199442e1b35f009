"""Copying within a bucket on real servers: Postgres, and a bucket of each technology; whoever else is at it."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from adapters.appliers import UncertainError
from adapters.buckets.bucket import PART, Bucket, Download
from adapters.buckets.create_only import PROOF
from adapters.buckets.listing import objects
from adapters.buckets.opening import open_bucket
from adapters.object_changes import ObjectChanges
from adapters.services import Services, open_services
from adapters.settings import load_settings
from dev.devstack.postgres import PostgresServer
from reconciliation.effects import Effect, Ended, Ending, Once, Values
from reconciliation.errors import DatabaseUnavailableError, StorageRefusedError, StorageUnavailableError
from tests.adapters.buckets.conftest import IN_THE_NETWORK, PATIENCE, Kept, folder_server, kept, server  # noqa: F401 - fixtures
from tests.adapters.buckets.dropping_proxy import behind
from tests.adapters.buckets.test_create_only import of_all_writes
from tests.adapters.copying_profile import COPY, DATABASE, REMOVAL, REPAIR_BUCKET, SCHEMA

ONCE = Once("a repair", 1, 1)
SOURCE, TARGET = "m/1.mp3", "rescue/m/1.mp3"
AUDIO = bytes(range(256)) * (PART // 256) + b"and how it ended"


@dataclass(frozen=True)
class World:
    """One file with its row."""

    services: Services
    kept: Kept
    url: str
    values: Values
    bucket: Bucket

    @property
    def changes(self) -> ObjectChanges:
        return ObjectChanges(self.services, DATABASE, REPAIR_BUCKET, self.bucket)

    def by(self, bucket: Any) -> "World":
        return replace(self, bucket=bucket)

    async def copy(self, seconds: float = 60, **values: Any) -> Ended:
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        return await self.changes.apply(COPY, Effect(COPY.name, {**self.values, **values}), ONCE, deadline)

    def undo(self, ended: Ended) -> Effect:
        return Effect(REMOVAL.name, {"source": SOURCE, "sha256": self.values["sha256"], **ended.left})

    async def remove(self, ended: Ended) -> Ended:
        return await self.changes.apply(REMOVAL, self.undo(ended), ONCE, datetime.now(UTC) + timedelta(seconds=60))

    async def happened(self, ago: timedelta = timedelta(seconds=1)) -> bool | None:
        return await self.changes.happened(COPY, Effect(COPY.name, self.values), ONCE, datetime.now(UTC) - ago)

    async def keys(self) -> list[str]:
        return [one.key for one in await objects(self.kept.bucket, "")]

    async def read(self, key: str = TARGET) -> bytes | None:
        async with self.kept.bucket.download(key) as download:
            return None if download is None else b"".join([piece async for piece in download.pieces])


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"copying_{uuid4().hex}"
    url = postgres_server.create_database(name)
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA)
        connection.execute("insert into files values (%s, 'waiting')", [SOURCE])
    yield url
    postgres_server.drop_database(name)


@pytest.fixture
async def world(database: str, kept: Kept) -> AsyncIterator[World]:  # noqa: F811
    await kept.put(SOURCE, AUDIO)
    [stored] = await objects(kept.bucket, SOURCE)
    settings = load_settings(
        {
            "REPORT_STORAGE": "UseDevelopmentStorage=true",
            "AUDIT_PROFILES": "tests.adapters.copying_profile:PROFILE",
            DATABASE: database,
            "COPYING_BUCKET": "s3://elsewhere?endpoint=http://127.0.0.1:9",
        }
    )
    values: Values = {
        "source": SOURCE,
        "source_version": stored.version,
        "sha256": hashlib.sha256(AUDIO).hexdigest(),
        "bytes": len(AUDIO),
        "target": TARGET,
    }
    services = open_services(settings)
    yield World(services, kept, database, values, kept.bucket)
    for bucket in services.buckets.values():
        await bucket.close()


class Passing:
    """A bucket that hands on what it is asked, in a test's own way where a test says so."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.name, self.patience = bucket, bucket.name, bucket.patience

    def download(self, key: str, version: str | None = None) -> AbstractAsyncContextManager[Download | None]:
        return self.bucket.download(key, version)

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        return await self.bucket.create(key, pieces, size, in_parts=in_parts)

    async def remove(self, key: str, version: str) -> bool:
        return await self.bucket.remove(key, version)


async def test_a_copy_holds_the_same_bytes_and_is_found_again(world: World) -> None:
    ended = await world.copy()
    [stored] = await objects(world.kept.bucket, TARGET)
    left = {"target": TARGET, "version": stored.version, "sha256": world.values["sha256"]}
    assert (ended, await world.read()) == (Ended(Ending.DONE, left=left), AUDIO)
    assert await world.keys() == [SOURCE, PROOF, TARGET]
    assert await world.happened() is True
    effect = Effect(COPY.name, world.values)
    assert await world.changes.left(COPY, effect, ONCE, datetime.now(UTC)) == left


async def test_that_there_is_no_copy_is_said_once_none_can_come_any_more(world: World) -> None:
    assert await world.happened() is None
    long_ago = world.changes.in_flight + timedelta(seconds=1)
    assert await world.happened(long_ago) is False
    await world.kept.put(TARGET, b"somebody else's")
    assert await world.happened(long_ago) is None, "nobody can tell what was there before"


async def test_what_is_at_the_target_stays(world: World) -> None:
    await world.kept.put(TARGET, AUDIO)
    ended = await world.copy()
    assert (ended.ending, "just these bytes" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    await world.kept.put(TARGET, b"something else")
    ended = await world.copy()
    assert (ended.ending, "something else" in ended.why) == (Ending.REFUSED, True)
    assert await world.read() == b"something else"


@pytest.mark.parametrize(("theirs", "ending"), [(AUDIO, Ending.SOMEONE_ELSE_MOVED), (b"else", Ending.REFUSED)])
async def test_who_writes_the_target_while_the_source_is_read_keeps_it(
    world: World, theirs: bytes, ending: Ending
) -> None:
    class Racing(Passing):
        async def create(
            self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False
        ) -> str | None:
            if key == TARGET:
                await world.kept.put(TARGET, theirs)
            return await super().create(key, pieces, size, in_parts=in_parts)

    ended = await world.by(Racing(world.bucket)).copy()
    assert (ended.ending, await world.read()) == (ending, theirs)


@pytest.mark.parametrize("data", [AUDIO + b"!", AUDIO[:-1] + b"!", b""])
async def test_a_source_that_was_written_again_is_not_copied(world: World, data: bytes) -> None:
    await world.kept.put(SOURCE, data)
    ended = await world.copy()
    assert (ended.ending, "written again" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    assert await world.keys() == [SOURCE, PROOF]


async def test_a_source_that_is_gone_is_not_copied(world: World) -> None:
    await world.kept.bucket.remove(SOURCE, str(world.values["source_version"]))
    ended = await world.copy()
    assert (ended.ending, "not there any more" in ended.why) == (Ending.SOMEONE_ELSE_MOVED, True)
    assert await world.keys() == [PROOF]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"bytes": 5}])
async def test_other_bytes_than_were_planned_are_never_at_the_target(world: World, wrong: dict[str, Any]) -> None:
    ended = await world.copy(**wrong)
    assert (ended.ending, "not hold the bytes" in ended.why) == (Ending.REFUSED, True)
    assert await world.keys() == [SOURCE, PROOF]


@pytest.mark.parametrize(
    ("rival", "ending"),
    [("update files set state = 'gone'", Ending.SOMEONE_ELSE_MOVED), ("delete from files", Ending.SOMEONE_ELSE_MOVED)],
)
async def test_where_a_guard_is_broken_nothing_is_written(world: World, rival: str, ending: Ending) -> None:
    with psycopg.connect(world.url) as connection:
        connection.execute(rival.encode())
    assert (await world.copy()).ending is ending
    assert await world.keys() == [SOURCE]


async def test_after_its_deadline_nothing_is_written(world: World) -> None:
    assert (await world.copy(seconds=-1)).ending is Ending.REFUSED
    assert await world.keys() == [SOURCE]


async def test_without_a_database_nothing_is_written(world: World, postgres_server: PostgresServer) -> None:
    postgres_server.drop_database(world.url.rpartition("/")[2].partition("?")[0])
    with pytest.raises((DatabaseUnavailableError, PermissionError)):
        await world.copy()
    assert await world.keys() == [SOURCE]


@IN_THE_NETWORK
async def test_storage_that_overwrites_is_refused_and_nothing_is_copied(world: World) -> None:
    async with behind(world.kept.connection, of_all_writes) as connection:
        bucket = open_bucket(connection, PATIENCE)
        ended = await world.by(bucket).copy()
        await bucket.close()
    assert (ended.ending, "twice" in ended.why) == (Ending.REFUSED, True)
    assert await world.keys() == [SOURCE, PROOF]


# --- what breaks off --------------------------------------------------------------------------------------------------


def failing(after: Callable[[], None]) -> type[Passing]:
    """A bucket that writes the target, and then does this in place of an answer."""

    class Failing(Passing):
        async def create(
            self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False
        ) -> str | None:
            written = await super().create(key, pieces, size, in_parts=in_parts)
            if key == TARGET:
                after()
            return written

    return Failing


async def test_an_answer_that_got_lost_is_found_out_about_by_what_is_there(world: World) -> None:
    def lose() -> None:
        raise StorageUnavailableError("The answer got lost.")

    with pytest.raises(UncertainError, match="got lost"):
        await world.by(failing(lose)(world.bucket)).copy()
    assert await world.happened() is True
    assert (await world.copy()).ending is Ending.SOMEONE_ELSE_MOVED


async def test_what_breaks_off_while_it_is_read_has_changed_nothing(world: World) -> None:
    class Breaking(Passing):
        @asynccontextmanager
        async def download(self, key: str, version: str | None = None) -> AsyncIterator[Download | None]:
            async def pieces(given: Download) -> AsyncIterator[bytes]:
                async for piece in given.pieces:
                    yield piece
                    raise StorageUnavailableError("It broke off.")

            async with self.bucket.download(key, version) as found:
                whole = found is None or key != SOURCE
                yield found if whole or found is None else replace(found, pieces=pieces(found))

    with pytest.raises(StorageUnavailableError, match="broke off"):
        await world.by(Breaking(world.bucket)).copy()
    assert await world.keys() == [SOURCE, PROOF]


@pytest.mark.parametrize("is_written", [False, True])
async def test_at_its_deadline_it_ends_wherever_it_is(world: World, *, is_written: bool) -> None:
    class Slow(Passing):
        async def create(
            self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False
        ) -> str | None:
            if key == TARGET and not is_written:
                await asyncio.Event().wait()
            written = await super().create(key, pieces, size, in_parts=in_parts)
            if key == TARGET:
                await asyncio.Event().wait()
            return written

    slow = world.by(Slow(world.bucket))
    if is_written:
        with pytest.raises(UncertainError, match="too long"):
            await slow.copy(seconds=5)
        assert await world.happened() is True
    else:
        assert (await slow.copy(seconds=3)).ending is Ending.FAILED
        assert await world.keys() == [SOURCE, PROOF]


@pytest.mark.parametrize("may_delete", [True, False])
async def test_a_copy_that_storage_has_spoilt_is_no_copy(world: World, *, may_delete: bool) -> None:
    class Spoiling(Passing):
        async def create(
            self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False
        ) -> str | None:
            async def spoilt() -> AsyncIterator[bytes]:
                async for piece in pieces:
                    yield bytes(len(piece)) if key == TARGET else piece

            return await super().create(key, spoilt(), size, in_parts=in_parts)

        async def remove(self, key: str, version: str) -> bool:
            if may_delete:
                return await super().remove(key, version)
            raise StorageRefusedError("It has not the right.")

    ended = await world.by(Spoiling(world.bucket)).copy()
    if may_delete:
        assert (ended.ending, "deleted again" in ended.why) == (Ending.FAILED, True)
        assert await world.keys() == [SOURCE, PROOF]
    else:
        assert (ended.ending, "by hand" in ended.why) == (Ending.UNKNOWN, True)


# --- taking it back ---------------------------------------------------------------------------------------------------


async def test_a_copy_is_deleted_while_the_original_is_there(world: World) -> None:
    ended = await world.copy()
    undo, past = world.undo(ended), datetime.now(UTC) - world.changes.in_flight - timedelta(seconds=1)
    assert await world.changes.happened(REMOVAL, undo, ONCE, past) is False
    removed = await world.remove(ended)
    assert removed == Ended(Ending.DONE, left=ended.left)
    assert await world.keys() == [SOURCE, PROOF]
    assert await world.changes.happened(REMOVAL, undo, ONCE, past) is True
    assert await world.changes.left(REMOVAL, undo, ONCE, past) == ended.left
    assert (await world.remove(ended)).ending is Ending.ALREADY_DONE


async def test_the_only_copy_is_never_deleted(world: World) -> None:
    ended = await world.copy()
    for data in (b"another", AUDIO[:-1] + b"!"):
        await world.kept.put(SOURCE, data)
        refused = await world.remove(ended)
        assert (refused.ending, "only copy" in refused.why) == (Ending.REFUSED, True)
    [stored] = await objects(world.kept.bucket, SOURCE)
    await world.kept.bucket.remove(SOURCE, stored.version)
    assert (await world.remove(ended)).ending is Ending.REFUSED
    assert await world.read() == AUDIO


async def test_a_copy_that_somebody_has_written_again_is_not_deleted(world: World) -> None:
    ended = await world.copy()
    await world.kept.put(TARGET, b"somebody else's")
    assert (await world.remove(ended)).ending is Ending.SOMEONE_ELSE_MOVED
    assert await world.read() == b"somebody else's"
    past = datetime.now(UTC) - world.changes.in_flight - timedelta(seconds=1)
    assert await world.changes.happened(REMOVAL, world.undo(ended), ONCE, past) is None
