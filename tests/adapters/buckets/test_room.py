"""Room for what is unpacked: however many need some at once, together they take no more than there is."""

import asyncio
import gzip
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.buckets.bucket import Download
from adapters.buckets.room import Room
from adapters.buckets.sqlite_rows import Limits, room_for_one, sqlite_rows
from adapters.patience import Patience
from reconciliation.lookups import SqliteRows

MEGABYTE = 1024 * 1024


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.booleans()), max_size=12))
def test_no_more_is_taken_than_there_is_and_everybody_gets_a_turn(asked: list[tuple[int, int, bool]]) -> None:
    """Each needs so much for so many steps; some are cancelled meanwhile."""
    taken, most, done = 0, 0, 0

    async def one(room: Room, needed: int, steps: int) -> None:
        nonlocal taken, most, done
        async with room.of(needed):
            taken += min(needed, 10)
            most = max(most, taken)
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                taken -= min(needed, 10)
            done += 1

    async def all_at_once() -> None:
        room = Room(10)
        tasks = [asyncio.create_task(one(room, needed, steps)) for needed, steps, _ in asked]
        for task, (_, _, is_cancelled) in zip(tasks, asked, strict=True):
            await asyncio.sleep(0)
            if is_cancelled:
                task.cancel()
        async with asyncio.timeout(20):
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task
            async with room.of(10):  # nothing was lost
                pass

    asyncio.run(all_at_once())
    assert most <= 10
    assert taken == 0
    assert done >= sum(not is_cancelled for _, _, is_cancelled in asked)


async def test_who_waits_longest_is_next_however_much_it_needs() -> None:
    room, order = Room(10), list[str]()

    async def one(name: str, needed: int) -> None:
        async with room.of(needed):
            order.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name, needed in (("first", 6), ("all", 10), ("little", 1)):
            group.create_task(one(name, needed))
    assert order == ["first", "all", "little"]


@dataclass
class Memory:
    """A bucket with one object; ``written`` is how much of it all have written at once, at most."""

    data: bytes
    now: int = 0
    most: int = 0
    begun: int = 0
    name: str = "b"
    patience: Patience = field(default_factory=Patience)

    @asynccontextmanager
    async def download(self, _key: str) -> AsyncIterator[Download]:
        async def pieces() -> AsyncIterator[bytes]:
            self.begun += 1
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                await asyncio.sleep(0.01)
                yield self.data
            finally:
                self.now -= 1

        yield Download(len(self.data), "1", pieces())


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    """A database of two megabytes that is packed into a few thousand bytes."""
    with sqlite3.connect(tmp_path / "made") as connection:
        connection.execute("create table items (data blob)")
        connection.execute("insert into items values (zeroblob(?))", [2 * MEGABYTE])
    connection.close()
    return gzip.compress((tmp_path / "made").read_bytes())


@pytest.mark.parametrize(("unpacked", "at_once"), [(60 * MEGABYTE, 1), (130 * MEGABYTE, 2)])
async def test_objects_that_may_be_large_are_unpacked_few_at_a_time(packed: bytes, unpacked: int, at_once: int) -> None:
    memory: Any = Memory(packed)
    limits = Limits(packed=MEGABYTE, unpacked=unpacked)
    room, query = room_for_one(limits), SqliteRows("B", "k", ("select count(*) from items",))
    found = await asyncio.gather(*(sqlite_rows(memory, query, limits, room) for _ in range(8)))
    assert [one["rows"] for one in found] == [[[[1]]]] * 8
    assert memory.most == at_once


async def test_a_large_object_waits_for_more_room_before_anything_of_it_is_written(packed: bytes) -> None:
    memory: Any = Memory(packed + bytes(MEGABYTE // 2))
    limits = Limits()
    room, query = room_for_one(limits), SqliteRows("B", "k", ("select count(*) from items",))
    found = await asyncio.gather(*(sqlite_rows(memory, query, limits, room) for _ in range(8)))
    assert {one["state"] for one in found} == {"read"}
    assert memory.begun == 8
    assert memory.most <= 2
