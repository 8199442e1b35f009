"""What was read of the bytes of objects is not read again: by no pass, no second look, and no other process."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from activities.looking import OUT_OF_TIME, Looker
from activities.remembering import Remembering
from adapters.probers import Prober
from adapters.services import Services
from adapters.store.readings import Reading
from adapters.store.run_store import RunStore
from dev.demo.temp_recordings.audio import mp3
from profiles.temp_recordings.files import BUCKET
from profiles.temp_recordings.options import DEEP
from profiles.temp_recordings.profile import TempRecordings
from reconciliation.errors import StorageUnavailableError
from reconciliation.evidence import Read, Record, Unread
from reconciliation.lookups import AudioAnswer
from reconciliation.plan import Plan, PlannedShard
from reconciliation.shards import Shard
from tests.activities.memory import MemoryBlobs
from tests.adapters.buckets.streaming import Made, Streaming
from tests.profiles.temp_recordings.world import AS_OF

SCAN = TempRecordings.scan
AUDIT = "temp-recordings/20261127-093000-00000000"
MEETINGS = [f"c{number:015d}" for number in range(4)]
USER = "100000000000000001"
WHOLE = mp3(480, "whole").data()


def key_of(meeting: str, number: int) -> str:
    return f"temp/{meeting}_user{USER}_chunk{number:04d}.mp3"


KEYS = [key_of(meeting, number) for meeting in MEETINGS for number in range(3)]


def plan_of(*starts: str) -> Plan:
    shards = tuple(PlannedShard(Shard(index, start, 1), 0, 0) for index, start in enumerate(starts))
    return Plan(AS_OF, 10, 3, len(MEETINGS), {}, shards)


@dataclass
class World:
    """A bucket with three MP3 of each meeting, and the run store of an audit of it."""

    bucket: Streaming = field(default_factory=lambda: Streaming({key: Made.of(WHOLE) for key in KEYS}))
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    plan: Plan = field(default_factory=lambda: plan_of("", MEETINGS[2]))

    def memory(self, audit: str = AUDIT, units: frozenset[str] | None = None) -> Remembering:
        """That of a process that has just begun."""
        return Remembering(RunStore.of(self.blobs).readings, audit, self.plan, units)

    def looker(self, memory: Remembering, concurrency: int = 2) -> Looker:
        services = SimpleNamespace(
            listers={}, settings=SimpleNamespace(connections={}), buckets={BUCKET: self.bucket}, room=None
        )

        async def sleep(_seconds: float) -> None:
            pass

        prober = Prober(cast("Services", services))
        return Looker(SCAN, prober, concurrency, 3, lambda: AS_OF + timedelta(1), sleep, memory)

    async def passed(self, memory: Remembering, seconds: float | None = None) -> dict[str, Record]:
        records: list[Record] = []
        await self.looker(memory).read_all([(one, hint(one)) for one in MEETINGS], records, seconds)
        return {one.unit: one for one in records}


def hint(meeting: str) -> Any:
    return {DEEP: [f"storage/{meeting}_", f"temp/{meeting}_"]}


def hashes(records: dict[str, Record]) -> Iterator[str]:
    for record in records.values():
        assert isinstance(record, Read)
        yield from (one.audio.sha256 for one in record.evidence)


async def test_a_pass_that_ran_out_of_time_is_gone_on_with_by_another_process() -> None:
    world = World()
    world.bucket.hang = {KEYS[4], KEYS[7]}
    first = await world.passed(world.memory(), 0.3)
    assert [one for one, record in first.items() if record == Unread(one, OUT_OF_TIME, failed=True)] == MEETINGS[1:]
    done = set(KEYS[:4]) | {KEYS[6]}
    assert {key for key, times in world.bucket.began.items() if times} == done | world.bucket.hang
    world.bucket.hang = set()
    second = await world.passed(world.memory())
    assert len([*hashes(second)]) == len(KEYS)
    assert {key: times for key, times in world.bucket.began.items() if times != 1} == {KEYS[4]: 2, KEYS[7]: 2}


async def test_the_second_look_reads_nothing_but_what_was_written_again() -> None:
    world = World()
    first = await world.passed(world.memory())
    world.bucket.made[KEYS[0]] = Made.of(WHOLE, "2")
    world.bucket.began.clear()
    looker = world.looker(world.memory(units=frozenset(MEETINGS[:2])))
    for meeting in MEETINGS[:2]:
        before = first[meeting]
        assert isinstance(before, Read)
        now = await looker.read_again(meeting, hint(meeting), before.evidence)
        assert isinstance(now, Read)
        assert (now.evidence == before.evidence) is (meeting != MEETINGS[0])
    assert world.bucket.began == {KEYS[0]: 1}


async def test_another_audit_reads_everything_itself() -> None:
    world = World()
    await world.passed(world.memory())
    await world.passed(world.memory(AUDIT[:-1] + "1"))
    assert set(world.bucket.began.values()) == {2}


async def test_the_memory_goes_with_the_folder_of_its_audit() -> None:
    world = World()
    await world.passed(world.memory())
    assert sorted(world.blobs.blobs) == [f"{AUDIT}/read/0000.jsonl.gz", f"{AUDIT}/read/0001.jsonl.gz"]
    await RunStore.of(world.blobs).overview.delete(AUDIT)
    assert world.blobs.blobs == {}


async def test_a_memory_that_cannot_be_read_costs_a_second_reading_and_no_more() -> None:
    world = World()
    first = await world.passed(world.memory())
    world.blobs.blobs[f"{AUDIT}/read/0000.jsonl.gz"] = b"damaged"
    assert await world.passed(world.memory()) == first
    assert world.bucket.began == {key: 2 if key < KEYS[6] else 1 for key in KEYS}


async def test_a_memory_that_cannot_be_written_costs_no_reading() -> None:
    world = World(blobs=Full())
    assert len([*hashes(await world.passed(world.memory()))]) == len(KEYS)
    assert world.blobs.blobs == {}


class Full(MemoryBlobs):
    """A run store that takes no more."""

    async def append(self, path: str, data: bytes) -> None:
        raise StorageUnavailableError(f"Cannot write {path}.")


class Slow(MemoryBlobs):
    """A run store that takes its time to append; ``free``: whether it does so now."""

    def __init__(self) -> None:
        super().__init__()
        self.appended = 0
        self.free = asyncio.Event()

    async def append(self, path: str, data: bytes) -> None:
        await self.free.wait()
        self.appended += 1
        await super().append(path, data)


def reading(number: int) -> Reading:
    answer = {"state": "read", "version": "1", "bytes": number}
    return Reading(MEETINGS[0], BUCKET, f"temp/{number}.mp3", cast("AudioAnswer", answer))


async def test_what_ends_together_is_stored_together_before_it_counts() -> None:
    blobs = Slow()
    memory = World(blobs=blobs).memory()
    keeping = [asyncio.create_task(memory.keep(reading(number))) for number in range(50)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in keeping)
    blobs.free.set()
    await asyncio.gather(*keeping)
    assert blobs.appended <= 2
    stored = [one async for one in RunStore.of(blobs).readings.of(AUDIT, 0)]
    assert sorted(one.answer["bytes"] for one in stored) == [*range(50)]


async def test_what_was_broken_off_while_it_was_stored_is_stored_in_the_end() -> None:
    blobs = Slow()
    memory = World(blobs=blobs).memory()
    keeping = asyncio.create_task(memory.keep(reading(1)))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])
    blobs.free.set()
    await memory.settle()
    assert [one async for one in RunStore.of(blobs).readings.of(AUDIT, 0)] == [reading(1)]
