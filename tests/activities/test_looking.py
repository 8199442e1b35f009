"""Looking units up: bounded, complete, never longer than it may take, and believed only when two answers agree."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.looking import OUT_OF_TIME, Looker
from adapters.probers import Prober
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.keys import name_digest
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.errors import ContainerGoneError, StorageRefusedError
from reconciliation.evidence import Read, Record, Unread, has_failed, is_gone
from reconciliation.lookups import Blob, BlobCount, BlobPage, BlobsOf, Lookup
from reconciliation.profile import Scan

AT = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
CHANGES = ["2026-03-20 09:30:00"]
SCAN = PROFILE.scan
REFUSED, GONE = StorageRefusedError("storage answered 403"), ContainerGoneError("It was deleted.")
Answer = int | Exception
"""So many blobs, or what happens instead."""


def pages(blobs: int) -> list[BlobPage]:
    return [BlobPage(blobs, CHANGES, [Blob(f"{number}.mp4", 1, AT) for number in range(blobs)])]


@dataclass
class Storage:
    """Answers with one blob for each container, except for those that a test names."""

    trouble: dict[str, Exception] = field(default_factory=dict)
    hang: frozenset[str] = frozenset()
    open: int = 0
    most_open: int = 0

    async def look(self, lookup: Lookup) -> Any:
        assert isinstance(lookup, BlobCount | BlobsOf)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            if lookup.container in self.hang:
                await asyncio.Event().wait()
            if lookup.container in self.trouble:
                raise self.trouble[lookup.container]
            return 1 if isinstance(lookup, BlobCount) else [BlobPage(1, CHANGES, [Blob("a.mp4", 1, AT)])]
        finally:
            self.open -= 1


@dataclass
class Scripted:
    """Answers one request after the other."""

    answers: Sequence[Answer]
    asked: int = 0

    async def look(self, _lookup: Lookup) -> Any:
        answer, self.asked = self.answers[self.asked], self.asked + 1
        if isinstance(answer, Exception):
            raise answer
        return pages(answer)


def looker(
    prober: Storage | Scripted,
    concurrency: int = 1,
    passes: int = 3,
    *,
    scan: Scan = SCAN,
    slept: list[float] | None = None,
) -> Looker:
    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    return Looker(scan, cast("Prober", prober), concurrency, passes, lambda: AT, sleep)


# --- once ---------------------------------------------------------------------------------------------------------

NAMES = [f"container-{number:02}" for number in range(30)]


async def read(storage: Storage, concurrency: int = 4, timeout_seconds: float | None = None) -> dict[str, Record]:
    records: list[Record] = []
    await looker(storage, concurrency).read_all([(name, None) for name in NAMES], records, timeout_seconds)
    assert len(records) == len(NAMES)
    return {record.unit: record for record in records}


async def test_every_container_is_read_once_and_no_more_than_allowed_at_a_time() -> None:
    storage = Storage()
    records = await read(storage, concurrency=4)
    assert sorted(records) == NAMES
    assert all(isinstance(record, Read) for record in records.values())
    assert storage.most_open == 4


async def test_what_cannot_be_read_is_kept_with_its_reason_and_harms_nothing_else() -> None:
    refused, gone = StorageRefusedError("Grant the role."), ContainerGoneError("It was deleted.")
    records = await read(Storage({NAMES[3]: refused, NAMES[7]: gone}))
    assert records[NAMES[3]] == Unread(NAMES[3], "Grant the role.", failed=True)
    assert records[NAMES[7]] == Unread(NAMES[7], DELETED_DURING_SCAN, failed=False)
    assert sum(isinstance(record, Read) for record in records.values()) == len(NAMES) - 2


async def test_when_the_time_is_up_what_was_read_is_kept_and_the_rest_is_for_the_next_pass() -> None:
    hanging = frozenset(NAMES[10:14])
    records = await read(Storage(hang=hanging), concurrency=4, timeout_seconds=0.05)
    late = {name for name, record in records.items() if record == Unread(name, OUT_OF_TIME, failed=True)}
    assert late == set(NAMES[10:])
    assert all(isinstance(records[name], Read) for name in NAMES[:10])


async def test_one_container_alone() -> None:
    seen = ContainerEvidence("one", 1, (), (name_digest("a.mp4"),), False, 0, None, AT, AT, None)
    assert await looker(Storage()).read("one", None) == Read("one", 1, seen)


async def test_all_that_is_asked_about_a_unit_is_reduced_together_and_its_things_are_added_up() -> None:
    def lookups(unit: str, hint: Any) -> tuple[Lookup, ...]:
        return BlobsOf("A", unit), BlobCount("B", f"{unit}-{hint}")

    def reduce(unit: str, answers: Sequence[Any], latest: datetime) -> Any:
        return [unit, len(answers[0]), answers[1], latest]

    class Both(Storage):
        async def look(self, lookup: Lookup) -> Any:
            assert isinstance(lookup, BlobCount | BlobsOf)
            assert lookup.container in {"one", "one-of two"}
            answer = await super().look(lookup)
            return answer if isinstance(lookup, BlobsOf) else 2

    scan = Scan("units", lookups, reduce)
    seen = await looker(Both(), scan=scan).read("one", "of two")
    assert seen == Read("one", 3, ["one", 1, 2, AT])


# --- again --------------------------------------------------------------------------------------------------------


def evidence(blobs: int) -> Any:
    return SCAN.reduce("a", [pages(blobs)], AT)


def believed(answers: Sequence[Answer], before: Any, passes: int = 3) -> tuple[Record, list[Answer]]:
    """The record of a unit that answers so, and the answers that it gave."""
    script = Scripted(answers)
    record = asyncio.run(looker(script, passes=passes).read_again("a", None, before))
    return record, list(answers[: script.asked])


ANSWERS = st.lists(st.sampled_from([REFUSED, GONE, 0, 1, 2]), min_size=6, max_size=6)


@given(ANSWERS, st.integers(1, 4), st.integers(0, 2))
def test_another_answer_than_before_is_believed_when_two_in_a_row_say_so(
    answers: list[Answer], passes: int, before: int
) -> None:
    record, given_answers = believed(answers, evidence(before), passes)
    assert len(given_answers) <= max(2, passes) + 1
    if isinstance(record, Read):
        same, last = record.things == before, given_answers[-1]
        assert last == record.things
        assert same or given_answers[-2] == last
        assert before not in given_answers[:-1]
    elif not record.failed:
        assert given_answers[-2:] == [GONE, GONE]
        assert not [answer for answer in given_answers if isinstance(answer, int)], "it was there in between"
    else:
        assert before not in given_answers
        alike = {one for one, other in pairwise(given_answers) if one == other}
        was_there = any(isinstance(answer, int) for answer in given_answers)
        assert alike <= ({REFUSED, GONE} if was_there else {REFUSED})


@given(ANSWERS, st.integers(1, 4))
def test_what_was_not_opened_before_is_believed_at_once_when_it_is_there_and_never_gone_by_one_answer(
    answers: list[Answer], passes: int
) -> None:
    record, given_answers = believed(answers, None, passes)
    if isinstance(record, Read):
        assert not [answer for answer in given_answers[:-1] if isinstance(answer, int)]
    elif not record.failed:
        assert given_answers[-2:] == [GONE, GONE]


@pytest.mark.parametrize(
    ("before", "answers", "expected"),
    [
        pytest.param(1, [1], 1, id="as it was"),
        pytest.param(1, [2, 2], 2, id="two answers alike"),
        pytest.param(1, [2, 1], 1, id="as it was after all"),
        pytest.param(1, [GONE, GONE], GONE, id="gone by two answers"),
        pytest.param(1, [GONE, 1], 1, id="never gone by one"),
        pytest.param(0, [2, 2], 2, id="what seemed empty"),
    ],
)
def test_who_is_believed(before: int, answers: list[Answer], expected: Answer) -> None:
    record, asked = believed([*answers, *[REFUSED] * 4], evidence(before))
    assert asked == answers
    assert record == (
        Read("a", expected, evidence(expected))
        if isinstance(expected, int)
        else Unread("a", DELETED_DURING_SCAN, failed=False)
    )


@pytest.mark.parametrize("before", [Unread("a", DELETED_DURING_SCAN, failed=False), None])
def test_what_was_gone_before_is_gone_by_two_answers_now(before: Unread | None) -> None:
    record, asked = believed([GONE, GONE, REFUSED, REFUSED], before)
    assert is_gone(record)
    assert len(asked) == 2


@pytest.mark.parametrize(("refusals", "read_at_last"), [(0, True), (2, True), (3, False)])
def test_what_is_refused_is_tried_in_as_many_passes_as_a_scan_has(refusals: int, *, read_at_last: bool) -> None:
    record, asked = believed([*[REFUSED] * refusals, *[1] * 3], evidence(1))
    assert isinstance(record, Read) is read_at_last
    assert len(asked) == min(refusals + 1, 3)
    assert read_at_last or record == Unread("a", "storage answered 403", failed=True)


def test_what_is_gone_once_and_cannot_be_asked_again_is_not_gone() -> None:
    record, _ = believed([REFUSED, GONE, REFUSED], evidence(1))
    assert has_failed(record)
    record, _ = believed([1, 2, 1, GONE], evidence(0))
    assert record == Unread("a", "one answer says that it is gone, and it was there before", failed=True)


def test_what_was_there_between_two_answers_is_never_gone() -> None:
    record, _ = believed([GONE, 2, GONE, GONE, GONE], evidence(1))
    assert has_failed(record)


def test_what_is_never_alike_is_not_believed() -> None:
    record, asked = believed([1, 2, 1, 2, 1], evidence(0))
    assert record == Unread("a", "it was read several times, and no two answers are alike", failed=True)
    assert len(asked) == 4


async def test_storage_is_given_time_after_a_refusal_and_asked_at_once_for_a_second_answer() -> None:
    slept: list[float] = []
    await looker(Scripted([2, 2]), slept=slept).read_again("a", None, evidence(1))
    assert slept == []
    await looker(Scripted([REFUSED, REFUSED, 1]), slept=slept).read_again("a", None, evidence(1))
    assert len(slept) == 2


# --- what is looked up for the second look only -------------------------------------------------------------------


async def test_a_late_answer_that_cannot_be_had_is_part_of_the_answers() -> None:
    lookups = [BlobCount("A", "one"), BlobCount("A", "two"), BlobCount("A", "three")]
    storage = Storage({"two": REFUSED})
    answers = await looker(storage).late(lookups)
    assert answers == [1, Unread("", "storage answered 403", failed=True), 1]


async def test_what_is_looked_up_is_as_late_as_the_clocks_allow() -> None:
    """A blob of tomorrow says nothing today."""
    tomorrow = Scripted([1])
    early = Looker(SCAN, cast("Prober", tomorrow), 1, 1, lambda: AT - timedelta(days=1), asyncio.sleep)
    seen = await early.read("a", None)
    assert isinstance(seen, Read)
    assert (seen.evidence.newest, seen.evidence.future) == (None, AT)
