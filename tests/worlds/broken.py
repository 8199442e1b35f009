"""Engines that are broken on purpose, each in one way that a real mistake could take.

Most are broken at what an audit stands on: its lister, its database, the blobs of its run store, and ``judge``. So they
stay broken in the same way however the steps in between are written.
"""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from activities import joined
from adapters.store.blobs import Stored
from adapters.store.jsonl import pack
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from reconciliation import joining, rules
from reconciliation.errors import StorageRefusedError
from reconciliation.joining import Held
from reconciliation.lookups import ALL, BlobPage, Suffixes
from reconciliation.queries import SqlRows as Query
from reconciliation.rules import Judgement
from tests.activities.memory import MemoryBlobs
from tests.worlds.plain import PlainWorld
from tests.worlds.plain_audits import Parts, PlainDatabase, Row
from tests.worlds.storage import ScriptedLister

Facts = SessionFacts | ContainerFacts | RecordingFacts
Breakage = Callable[[pytest.MonkeyPatch], Parts]

# --- storage ----------------------------------------------------------------------------------------------------------


class _LosesPagesOfBlobs(ScriptedLister):
    async def blobs(self, container: str, keep: Suffixes = ALL, prefix: str = "") -> list[BlobPage]:
        pages = await super().blobs(container, keep, prefix)
        return pages[: max(1, len(pages) - 1)]


class _LosesAPageOfTheAccount(ScriptedLister):
    async def containers(self) -> AsyncIterator[list[str]]:
        pages = [page async for page in super().containers()]
        for page in pages[: max(1, len(pages) - 1)]:
            yield page


class _LosesTheLastContainer(ScriptedLister):
    async def containers(self) -> AsyncIterator[list[str]]:
        pages = [page async for page in super().containers()]
        for number, page in enumerate(pages, start=1):
            yield page[:-1] if number == len(pages) else page


class _TakesRefusedForEmpty(ScriptedLister):
    async def blobs(self, container: str, keep: Suffixes = ALL, prefix: str = "") -> list[BlobPage]:
        try:
            return await super().blobs(container, keep, prefix)
        except StorageRefusedError:
            return [BlobPage(0, [], [])]


class _ReadsNoClock(ScriptedLister):
    async def clock_ahead(self) -> timedelta:
        return timedelta()


def a_page_of_blobs_is_lost(_: pytest.MonkeyPatch) -> Parts:
    return Parts(lister=_LosesPagesOfBlobs)


def a_page_of_the_account_is_lost_in_both_listings(_: pytest.MonkeyPatch) -> Parts:
    return Parts(lister=_LosesAPageOfTheAccount)


def the_last_container_is_lost(_: pytest.MonkeyPatch) -> Parts:
    return Parts(lister=_LosesTheLastContainer)


def what_cannot_be_read_is_empty(_: pytest.MonkeyPatch) -> Parts:
    return Parts(lister=_TakesRefusedForEmpty)


def storages_clock_is_taken_for_right(_: pytest.MonkeyPatch) -> Parts:
    return Parts(lister=_ReadsNoClock)


# --- the database -----------------------------------------------------------------------------------------------------


@dataclass
class _LosesTheLastRow(PlainDatabase):
    def answer(self, query: Query) -> list[Row]:
        return super().answer(query)[:-1]


@dataclass
class _AnswersOnce(PlainDatabase):
    def answer(self, query: Query) -> list[Row]:
        return super().answer(query) if self.snapshots == 1 else []


@dataclass
class _StaysAsItWas(PlainDatabase):
    @property
    def now(self) -> PlainWorld:
        return self.world


def the_last_row_of_every_answer_is_lost(_: pytest.MonkeyPatch) -> Parts:
    return Parts(database=_LosesTheLastRow)


def what_the_database_says_the_second_time_is_ignored(_: pytest.MonkeyPatch) -> Parts:
    return Parts(database=_AnswersOnce)


def rows_are_not_looked_at_a_second_time(_: pytest.MonkeyPatch) -> Parts:
    return Parts(database=_StaysAsItWas)


# --- the run store ----------------------------------------------------------------------------------------------------


class _LosesAShard(MemoryBlobs):
    async def read(self, path: str, *, offset: int | None = None, length: int | None = None) -> Stored | None:
        stored = await super().read(path, offset=offset, length=length)
        return Stored(pack([]), stored.etag) if stored and path.endswith("/shards/0000.jsonl.gz") else stored


def the_first_shards_result_is_lost(_: pytest.MonkeyPatch) -> Parts:
    return Parts(blobs=_LosesAShard)


# --- the join ---------------------------------------------------------------------------------------------------------


def _joined(patch: pytest.MonkeyPatch, change: Callable[[list[Held[Any]]], list[Held[Any]]]) -> Parts:
    """The engine as it is, but of each portion of groups that a step takes in, this is made."""
    right = joining.cogroup

    async def changed(streams: Any) -> AsyncIterator[list[Held[Any]]]:
        portions = [portion async for portion in right(streams)]
        for held in change([held for portion in portions for held in portion]):
            yield [held]

    patch.setattr(joined, "cogroup", changed)
    return Parts()


def the_last_group_is_dropped(patch: pytest.MonkeyPatch) -> Parts:
    return _joined(patch, lambda groups: groups[:-1])


def every_group_comes_twice(patch: pytest.MonkeyPatch) -> Parts:
    return _joined(patch, lambda groups: [group for group in groups for _ in range(2)])


# --- the verdicts -----------------------------------------------------------------------------------------------------


_JUDGING = frozenset({"reconciliation", "profiles", "activities"})


def _judged_by(patch: pytest.MonkeyPatch, judge: Callable[[Any, Any], Judgement[Any]]) -> Parts:
    """The engine as it is, judging like this wherever it judges."""
    right = rules.judge
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in _JUDGING and getattr(module, "judge", None) is right:
            patch.setattr(module, "judge", judge)
    return Parts()


def _given(patch: pytest.MonkeyPatch, change: Callable[[Facts], Facts]) -> Parts:
    """The engine as it is, but its rules are given other facts."""
    judge = rules.judge
    return _judged_by(patch, lambda rules, facts: judge(rules, change(facts)))


def a_mixed_container_is_taken_for_one_sessions(patch: pytest.MonkeyPatch) -> Parts:
    def change(facts: Facts) -> Facts:
        if isinstance(facts, SessionFacts):
            return replace(facts, evidence=(*facts.evidence, *facts.mixed), mixed=())
        if isinstance(facts, ContainerFacts):
            return facts._replace(sessions=frozenset(sorted(facts.sessions)[:1]))
        return facts

    return _given(patch, change)


def the_urgency_of_a_rule_is_ignored(patch: pytest.MonkeyPatch) -> Parts:
    judge = rules.judge

    def flatly(rules: Any, facts: Any) -> Judgement[Any]:
        rule = judge(rules, facts).rule
        return Judgement(rule, rule.severity)

    return _judged_by(patch, flatly)


def a_gap_in_the_coverage_is_ignored(patch: pytest.MonkeyPatch) -> Parts:
    return _given(
        patch, lambda facts: replace(facts, coverage_complete=True) if isinstance(facts, SessionFacts) else facts
    )


def moments_of_the_future_are_believed(patch: pytest.MonkeyPatch) -> Parts:
    def change(facts: Facts) -> Facts:
        if isinstance(facts, SessionFacts):
            session: Any = facts.session
            return replace(facts, session=replace(session, future={}, **session.future))
        return facts

    return _given(patch, change)


BREAKAGES: tuple[Breakage, ...] = (
    a_page_of_blobs_is_lost,
    a_page_of_the_account_is_lost_in_both_listings,
    the_last_container_is_lost,
    what_cannot_be_read_is_empty,
    storages_clock_is_taken_for_right,
    the_last_row_of_every_answer_is_lost,
    the_last_group_is_dropped,
    every_group_comes_twice,
    what_the_database_says_the_second_time_is_ignored,
    rows_are_not_looked_at_a_second_time,
    the_first_shards_result_is_lost,
    a_mixed_container_is_taken_for_one_sessions,
    the_urgency_of_a_rule_is_ignored,
    a_gap_in_the_coverage_is_ignored,
    moments_of_the_future_are_believed,
)
