"""GET /audits: what it tells, in which order, and what it asks of the run store and the Durable runtime for it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.store.blobs import BlobEntry, Stored
from reconciliation.lifecycle import ENDED, State
from tests.activities.memory import MemoryBlobs, MemoryDatabase, MemoryStorage, Outside
from tests.triggers.world import NAME, Runtime, ask, leave, request
from triggers import audits

IDS = [f"2026030{day}-000000-aaaaaaaa" for day in range(1, 9)]


class Counted(MemoryBlobs):
    """A run store that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        self.asked.append(path)
        return await super().read(path, offset=offset, length=length)

    async def listing(self, prefix: str) -> AsyncIterator[BlobEntry]:
        self.asked.append(prefix)
        async for one in super().listing(prefix):
            yield one

    async def folders(self, prefix: str = "", delimiter: str = "/") -> AsyncIterator[str]:
        self.asked.append(f"folders of {prefix or 'all'}")
        async for one in super().folders(prefix, delimiter):
            yield one


@dataclass
class Together(Runtime):
    """A Durable client that answers none before it was asked by so many at once."""

    many: int = 0
    waiting: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def get_status(self, instance_id: str) -> Any:
        self.waiting += 1
        if self.waiting == self.many:
            self.all_there.set()
        await self.all_there.wait()
        return await super().get_status(instance_id)


async def planted(monkeypatch: pytest.MonkeyPatch, *states: State) -> Counted:
    """A run store with an audit of each state, the first the oldest."""
    blobs = Counted()
    outside = Outside(MemoryStorage({}), MemoryDatabase(), blobs=blobs)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    for audit_id, state in zip(IDS, states, strict=False):
        await leave(outside, audit_id, state)
    blobs.asked.clear()
    return blobs


def records(*ids: str) -> list[str]:
    return [f"{NAME}/{audit_id}/run.json" for audit_id in ids]


def folders(*days: str) -> list[str]:
    """The listings of the profiles, of the days, of audits of these days, and where there are more of all audits."""
    last = [f"folders of {NAME}/{day[:9]}" for day in days[-2:]]
    return ["folders of all", f"folders of {NAME}/", *last, *[f"folders of {NAME}/"] * (len(days) > 2)]


async def test_of_what_has_ended_nothing_is_read_but_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, runtime = await planted(monkeypatch, *sorted(ENDED)), Runtime()
    _, listed = await ask(audits.list_audits, request(), runtime)
    assert [view["state"] for view in listed["audits"]] == sorted(ENDED, reverse=True)
    assert {view["progress"]["units"]["failed"] for view in listed["audits"]} == {1}
    assert [view["dead_letters"] for view in listed["audits"] if view["state"] == "incomplete"] == [1]
    assert sorted(blobs.asked) == sorted([*folders(*IDS[: len(ENDED)]), *records(*IDS[: len(ENDED)])])
    assert runtime.asked == []


async def test_the_audit_that_is_asked_for_is_shown_from_its_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, runtime = await planted(monkeypatch, State.INCOMPLETE), Runtime()
    _, shown = await ask(audits.show, request(IDS[0]), runtime)
    assert (shown["state"], shown["dead_letters"], shown["progress"]["percent"]) == ("incomplete", 1, 100)
    assert (blobs.asked, runtime.asked) == (records(IDS[0]), [])


async def test_it_is_shown_although_all_else_of_it_was_deleted_or_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blobs = await planted(monkeypatch, State.INCOMPLETE, State.INCOMPLETE)
    _, before = await ask(audits.list_audits, request(), Runtime())
    for path in set(blobs.blobs) - set(records(*IDS[:2])):
        if path.startswith(f"{NAME}/{IDS[0]}/"):
            del blobs.blobs[path]
        else:
            blobs.blobs[path] = b"{"
    assert await ask(audits.list_audits, request(), Runtime()) == (200, before)
    assert before["unreadable"] == []


async def test_of_what_is_open_the_plan_and_one_listing_are_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, runtime = await planted(monkeypatch, State.COMPLETED, State.QUEUED), Runtime({IDS[1]})
    _, listed = await ask(audits.list_audits, request(), runtime)
    assert [view["state"] for view in listed["audits"]] == ["running", "completed"]
    asked = [*folders(*IDS[:2]), *records(*IDS[:2]), f"{NAME}/{IDS[1]}/plan.json", f"{NAME}/{IDS[1]}/"]
    assert sorted(blobs.asked) == sorted(asked)
    assert runtime.asked == [IDS[1]]


async def test_open_audits_are_looked_at_all_at_once_and_listed_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    await planted(monkeypatch, *[State.QUEUED] * 5, State.COMPLETED)
    async with asyncio.timeout(10):
        _, listed = await ask(audits.list_audits, request(), Together(set(IDS), many=5))
    assert [view["id"] for view in listed["audits"]] == IDS[5::-1]
    assert [view["state"] for view in listed["audits"]] == ["completed", *["running"] * 5]


async def test_no_more_is_looked_at_than_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, runtime = await planted(monkeypatch, *[State.QUEUED] * 5), Runtime(set(IDS))
    _, listed = await ask(audits.list_audits, request(limit="2"), runtime)
    assert [view["id"] for view in listed["audits"]] == [IDS[4], IDS[3]]
    assert sorted(runtime.asked) == [IDS[3], IDS[4]]
    assert not {path for path in blobs.asked if path.startswith(tuple(f"{NAME}/{one}" for one in IDS[:3]))}


async def test_in_place_of_one_that_cannot_be_shown_the_next_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, runtime = await planted(monkeypatch, *[State.QUEUED] * 4), Runtime(set(IDS))
    for audit_id in IDS[2:4]:
        blobs.blobs[f"{NAME}/{audit_id}/plan.json"] = b"{"
    _, listed = await ask(audits.list_audits, request(limit="2"), runtime)
    assert [view["id"] for view in listed["audits"]] == [IDS[1], IDS[0]]
    assert sorted(listed["unreadable"]) == [f"{NAME}/{audit_id}/plan.json" for audit_id in IDS[2:4]]
