"""Reading containers: bounded, complete, and never longer than it may take."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from activities.reading import OUT_OF_TIME, Reader
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import ContainerGoneError, StorageRefusedError
from reconciliation.evidence import Blob, BlobPage, ContainerEvidence, Record, Unread
from reconciliation.keys import name_digest

AT = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)


class Storage:
    """Answers with one blob for each container, except for those that a test names."""

    def __init__(self, trouble: dict[str, Exception] | None = None, hang: frozenset[str] = frozenset()) -> None:
        self.trouble, self.hang = trouble or {}, hang
        self.open = self.most_open = 0

    async def blobs(self, container: str) -> list[BlobPage]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            if container in self.hang:
                await asyncio.Event().wait()
            if container in self.trouble:
                raise self.trouble[container]
            return [BlobPage(1, [AT], [Blob("a.mp4", 1, AT)])]
        finally:
            self.open -= 1


NAMES = [f"container-{number:02}" for number in range(30)]


async def read(storage: Storage, concurrency: int = 4, timeout_seconds: float | None = None) -> dict[str, Record]:
    records: list[Record] = []
    await Reader(storage, concurrency, lambda: AT).read_all(NAMES, records, timeout_seconds)
    assert len(records) == len(NAMES)
    return {record.container: record for record in records}


async def test_every_container_is_read_once_and_no_more_than_allowed_at_a_time() -> None:
    storage = Storage()
    records = await read(storage, concurrency=4)
    assert sorted(records) == NAMES
    assert all(isinstance(record, ContainerEvidence) for record in records.values())
    assert storage.most_open == 4


async def test_what_cannot_be_read_is_kept_with_its_reason_and_harms_nothing_else() -> None:
    refused, gone = StorageRefusedError("Grant the role."), ContainerGoneError("It was deleted.")
    records = await read(Storage({NAMES[3]: refused, NAMES[7]: gone}))
    assert records[NAMES[3]] == Unread(NAMES[3], "Grant the role.", failed=True)
    assert records[NAMES[7]] == Unread(NAMES[7], DELETED_DURING_SCAN, failed=False)
    assert sum(isinstance(record, ContainerEvidence) for record in records.values()) == len(NAMES) - 2


async def test_when_the_time_is_up_what_was_read_is_kept_and_the_rest_is_for_the_next_pass() -> None:
    hanging = frozenset(NAMES[10:14])
    records = await read(Storage(hang=hanging), concurrency=4, timeout_seconds=0.05)
    late = {name for name, record in records.items() if record == Unread(name, OUT_OF_TIME, failed=True)}
    assert late == set(NAMES[10:])
    assert all(isinstance(records[name], ContainerEvidence) for name in NAMES[:10])


async def test_one_container_alone() -> None:
    assert await Reader(Storage(), 1, lambda: AT).read("one") == ContainerEvidence(
        "one", 1, (), (name_digest("a.mp4"),), False, 0, None, AT, AT, None
    )


async def at_once(_seconds: float) -> None:
    pass


@dataclass
class RefusingLister:
    """Refuses each container as often as ``refusals`` says; then it is empty."""

    refusals: dict[str, int]
    asked: list[str] = field(default_factory=list)

    async def blobs(self, container: str) -> list[BlobPage]:
        self.asked.append(container)
        if self.asked.count(container) <= self.refusals.get(container, 0):
            raise StorageRefusedError("storage answered 403")
        return [BlobPage(0, [], [])]


@pytest.mark.parametrize(("refusals", "kind"), [(0, ContainerEvidence), (2, ContainerEvidence), (3, Unread)])
async def test_a_container_that_is_refused_is_tried_in_as_many_passes_as_a_scan_has(refusals: int, kind: type) -> None:
    lister = RefusingLister({"b": refusals})
    seen = await Reader(lister, 4, lambda: AT, at_once).read_patiently(["a", "b"], 3)
    assert {name: type(record) for name, record in seen.items()} == {"a": ContainerEvidence, "b": kind}
    assert lister.asked.count("a") == 1
    assert lister.asked.count("b") == min(refusals + 1, 3)
