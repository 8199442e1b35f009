"""Sources that are read in other ways than row by row: whole, all again, not in every mode, bounded by other rows."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from operator import itemgetter
from typing import Any, cast

import pytest

import activities.pull
import activities.screen
import activities.second_look
from activities.judging import to_judge
from activities.plan import plan_audit
from activities.pull import pull_rows
from activities.screen import screen_audit
from activities.step import AuditRequest, Job
from adapters.readers import Portion, Reader
from adapters.services import Services
from adapters.settings import Settings
from adapters.store.jsonl import to_text
from adapters.store.records import AuditRecords
from adapters.store.run_store import RunStore
from reconciliation.database import DatabaseState
from reconciliation.evidence import Unread
from reconciliation.lifecycle import State
from reconciliation.looks import Audit, Group
from reconciliation.profile import Grouped, Join, Source, api, bucket, database
from reconciliation.queries import HttpRows, Moments, Prefixes, SqlRows
from reconciliation.rules import Kind, Rule, Severity, counted, unverified
from reconciliation.run_record import RunRecord
from reconciliation.times import from_text
from tests.activities.memory import ELSEWHERE, MemoryBlobs
from tests.profiles.pre_capture_sessions.world import AS_OF

LETTERS, OFFICE, PARCELS, SHELVES = "letters", "office", "parcels", "shelves"
LOST: Rule[Any] = Rule(
    verdict="lost",
    severity=Severity.HIGH,
    means="No parcel came of it.",
    holds=lambda facts: not facts["parcels"],
    next_step="Look.",
    needs=(PARCELS, OFFICE),
)
KIND: Kind[Any] = Kind(
    "letter",
    "letter",
    (LOST, counted("arrived", "It arrived.", lambda _facts: True)),
    lambda facts: facts,
    keeps_ids=True,
    unverified=unverified(),
)
SEEN: list[Moments] = []


def _parcels(_asked: Any, moments: Moments) -> HttpRows:
    SEEN.append(moments)
    return HttpRows(lambda: iter(()))  # type: ignore[arg-type,return-value]  # the reader here answers by name


class Post(Grouped):
    """Letters, and the parcels that should come of them."""

    name = "post"
    modes = ("fast", "full")
    pause = timedelta(seconds=7)
    connections = (database("LETTERS_DB"), api("PARCELS_API"), bucket("SHELVES_BUCKET"))
    sources = (
        Source(
            LETTERS,
            "LETTERS_DB",
            lambda _asked, _moments: SqlRows("letters"),
            lambda _asked, _moments, _keys: SqlRows("letters"),
            dated=lambda row: from_text(row["at"]) if row["at"] else None,
        ),
        Source(OFFICE, "PARCELS_API", lambda *_: HttpRows(cast("Any", OFFICE)), whole=True),
        Source(PARCELS, "PARCELS_API", _parcels, all_again=True),
        Source(SHELVES, "SHELVES_BUCKET", lambda asked, _moments: Prefixes() if asked.mode == "full" else None),
    )
    joins = (Join(LETTERS, ((LETTERS, itemgetter("id")), (PARCELS, itemgetter("id")), (SHELVES, itemgetter("id")))),)
    kinds = (KIND,)

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        letters, parcels, _ = group.rows
        for _letter in letters:
            yield "letter", group.key, {"parcels": len(parcels), "office": list(audit.tables[OFFICE])}


@dataclass
class Outside:
    """What the sources give, by setting in the order in which they are read; ``asked`` notes what was read."""

    rows: dict[str, list[Any]]
    cut: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)
    ahead: dict[str, timedelta] = field(default_factory=dict)

    @asynccontextmanager
    async def reader(self, _services: Services, setting: str) -> AsyncIterator[Reader]:
        yield cast("Reader", _Reader(self, setting))


@dataclass
class _Reader:
    outside: Outside
    setting: str
    state: DatabaseState | None = None

    async def ahead(self) -> timedelta:
        return self.outside.ahead.get(self.setting, timedelta())

    async def lines(self, query: Any) -> AsyncIterator[Portion]:
        name = {SqlRows: LETTERS, Prefixes: SHELVES}.get(type(query)) or (OFFICE if query.talk == OFFICE else PARCELS)
        self.outside.asked.append((self.setting, name))
        yield [*map(to_text, self.outside.rows.get(name, ()))]
        if name in self.outside.cut:
            yield Unread(name, "it broke off", failed=True)


@dataclass
class Steps:
    services: Services
    outside: Outside
    mode: str

    @property
    def request(self) -> AuditRequest:
        return {"profile": "post", "audit_id": "a"}

    async def until_screened(self) -> dict[str, Any]:
        parameters = Post().parameters(mode=self.mode)
        await self.services.records.create_record(RunRecord("a", State.QUEUED, parameters, AS_OF, AS_OF))
        for run in range(len(Post().pulls())):
            await pull_rows({**self.request, "run": run}, self.services)
        await plan_audit(self.request, self.services)
        return dict(await screen_audit(self.request, self.services))

    async def judged(self) -> tuple[Audit, dict[str, tuple[str, Any]]]:
        """The audit and the facts of what was in doubt, by letter, with the verdict."""
        record = await self.services.records.record_in("post/a")
        assert record is not None
        screening = await self.services.store.attempts.screened(record.attempt_folder)
        assert screening is not None
        profile = self.services.profile_of(record)
        found = {}
        async with to_judge(Job(self.services, record, profile), screening, lambda *_: None) as ready:
            for subject in profile.conclude(ready.doubts, ready.audit):
                verdict = subject.kind.judged(subject.facts, ready.audit.all_lost | subject.lost).verdict  # type: ignore[union-attr]
                found[subject.id] = (verdict, subject.facts)  # type: ignore[union-attr]
        return ready.audit, found


def steps(monkeypatch: pytest.MonkeyPatch, outside: Outside, mode: str = "fast") -> Steps:
    for module in (activities.pull, activities.screen, activities.second_look):
        monkeypatch.setattr(module, "reader", outside.reader)
    blobs, profile = MemoryBlobs(), Post()
    records = AuditRecords(blobs, [profile.name])
    services = Services(Settings(ELSEWHERE, {"post": profile}), records, RunStore.of(blobs), {}, now=lambda: AS_OF)
    SEEN.clear()
    return Steps(services, outside, mode)


def letter(name: str, at: str | None = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"id": name, "at": at}


async def test_what_is_read_later_knows_the_earliest_row_before_in_both_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [letter("a", "2026-01-05T00:00:00Z"), letter("b", None), letter("c", "2025-12-01T00:00:00Z")]
    work = steps(monkeypatch, Outside({LETTERS: rows, PARCELS: [{"id": "a"}]}))
    await work.until_screened()
    await work.judged()
    assert [moments.earliest for moments in SEEN] == [{LETTERS: from_text("2025-12-01T00:00:00Z")}] * 2


async def test_how_far_the_clock_of_an_api_is_ahead_and_the_earliest_row_are_known_when_it_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = Outside({LETTERS: [letter("a")]}, ahead={"PARCELS_API": timedelta(minutes=-7)})
    post = steps(monkeypatch, outside)
    await post.until_screened()
    audit, _ = await post.judged()
    assert (audit.clock.api_ahead, audit.clock.database_ahead) == (timedelta(minutes=-7), timedelta())
    assert audit.earliest == {LETTERS: from_text("2026-01-01T00:00:00Z")}


async def test_without_a_dated_row_there_is_no_earliest(monkeypatch: pytest.MonkeyPatch) -> None:
    work = steps(monkeypatch, Outside({LETTERS: [letter("a", None)]}))
    await work.until_screened()
    assert dict(SEEN[0].earliest) == {}


async def test_a_source_that_the_mode_does_not_need_is_not_read_and_has_no_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for mode, read in (("fast", False), ("full", True)):
        work = steps(monkeypatch, Outside({LETTERS: [letter("a")], PARCELS: [{"id": "a"}]}), mode)
        await work.until_screened()
        assert (("SHELVES_BUCKET", SHELVES) in work.outside.asked) is read


async def test_the_second_look_waits_if_anything_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    in_order = steps(monkeypatch, Outside({LETTERS: [letter("a")], PARCELS: [{"id": "a"}]}))
    assert await in_order.until_screened() == {"ok": True, "shards": 0}
    in_doubt = steps(monkeypatch, Outside({LETTERS: [letter("a")]}))
    assert await in_doubt.until_screened() == {"ok": True, "shards": 0, "pause_seconds": 7}


async def test_what_is_read_whole_is_there_in_both_looks_as_it_was_read_last(monkeypatch: pytest.MonkeyPatch) -> None:
    work = steps(monkeypatch, Outside({LETTERS: [letter("a")], OFFICE: ["open"]}))
    await work.until_screened()
    work.outside.rows[OFFICE] = ["shut"]
    audit, found = await work.judged()
    assert audit.tables == {OFFICE: ["shut"]}
    assert found == {"a": ("lost", {"parcels": 0, "office": ["shut"]})}


async def test_a_source_that_is_read_all_again_is_read_once_for_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = [letter(f"{number:05}") for number in range(6000)]
    work = steps(monkeypatch, Outside({LETTERS: letters}))
    await work.until_screened()
    work.outside.rows[PARCELS] = [{"id": "00007"}, {"id": "another's"}]
    work.outside.asked.clear()
    _, found = await work.judged()
    assert [name for _, name in work.outside.asked].count(PARCELS) == 1
    assert [name for name, (verdict, _) in found.items() if verdict == "arrived"] == ["00007"]


@pytest.mark.parametrize("in_memory", [0, 1, 100])
async def test_what_is_in_doubt_is_judged_alike_from_memory_and_from_disk(
    monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(activities.second_look, "_IN_MEMORY", in_memory)
    work = steps(monkeypatch, Outside({LETTERS: [letter("a"), letter("b"), letter("c")], OFFICE: ["open"]}))
    await work.until_screened()
    work.outside.rows[PARCELS] = [{"id": "b"}]
    _, found = await work.judged()
    assert {name: verdict for name, (verdict, _) in found.items()} == {"a": "lost", "b": "arrived", "c": "lost"}
    assert {name: facts["parcels"] for name, (_, facts) in found.items()} == {"a": 0, "b": 1, "c": 0}


@pytest.mark.parametrize("cut", [PARCELS, OFFICE])
async def test_of_a_source_that_broke_off_nothing_is_concluded(monkeypatch: pytest.MonkeyPatch, cut: str) -> None:
    """Neither where the first reading of it broke off, nor where only the second one did."""
    for at_first in (True, False):
        work = steps(monkeypatch, Outside({LETTERS: [letter("a")]}, frozenset({cut} if at_first else ())))
        await work.until_screened()
        work.outside.cut = frozenset({cut})
        _, found = await work.judged()
        assert found["a"][0] == "unverified"
