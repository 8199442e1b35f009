"""Reading containers: bounded, complete, and never longer than it may take."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from activities.reading import OUT_OF_TIME, Reader
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.keys import name_digest
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import ContainerGoneError, StorageRefusedError
from reconciliation.evidence import Unread
from reconciliation.lookups import ALL, Blob, BlobPage, Suffixes

AT = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)


class Storage:
    """Answers with one blob for each container, except for those that a test names."""

    def __init__(self, trouble: dict[str, Exception] | None = None, hang: frozenset[str] = frozenset()) -> None:
        self.trouble, self.hang = trouble or {}, hang
        self.open = self.most_open = 0

    async def blobs(self, container: str, keep: Suffixes = ALL) -> list[BlobPage]:
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
    return {record.unit: record for record in records}


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

    async def blobs(self, container: str, keep: Suffixes = ALL) -> list[BlobPage]:
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


REFUSED, GONE = StorageRefusedError("storage answered 403"), ContainerGoneError("It was deleted.")
ANSWERS = st.lists(st.sampled_from([REFUSED, GONE, None]), min_size=5, max_size=5)


@dataclass
class ScriptedLister:
    """Answers one request after the other; None stands for an empty listing."""

    answers: list[Exception | None]
    asked: int = 0

    async def blobs(self, container: str, keep: Suffixes = ALL) -> list[BlobPage]:
        answer, self.asked = self.answers[self.asked], self.asked + 1
        if answer is not None:
            raise answer
        return [BlobPage(0, [], [])]


def read_once_more(
    answers: list[Exception | None], passes: int, seen_before: frozenset[str]
) -> tuple[Record, list[Exception | None]]:
    """The record of a container that answers so, and the answers that it gave."""
    lister = ScriptedLister(answers)
    reader = Reader(lister, 1, lambda: AT, at_once)
    seen = asyncio.run(reader.read_patiently(["a"], passes, seen_before))
    return seen["a"], answers[: lister.asked]


@given(ANSWERS, st.integers(1, 4))
def test_a_container_that_was_seen_before_is_gone_by_two_answers_and_never_by_one(
    answers: list[Exception | None], passes: int
) -> None:
    record, given_answers = read_once_more(answers, passes, frozenset("a"))
    assert len(given_answers) <= passes
    if isinstance(record, Unread) and not record.failed:
        assert given_answers.count(GONE) == 2
    elif isinstance(record, Unread):
        assert (len(given_answers), given_answers.count(None)) == (passes, 0)
    else:
        assert given_answers.index(None) == len(given_answers) - 1


@given(ANSWERS, st.integers(1, 4))
def test_any_other_is_gone_by_one_answer(answers: list[Exception | None], passes: int) -> None:
    record, given_answers = read_once_more(answers, passes, frozenset())
    gone = isinstance(record, Unread) and not record.failed
    assert gone is (given_answers[-1] is GONE)
    assert given_answers[:-1] == [REFUSED] * (len(given_answers) - 1)
