"""Applying what a policy approved: a setting that changes stops it before the next change."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from activities import apply as module
from activities.apply import apply_changes
from reconciliation.effects import Ended, Ending
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import PlannedChange
from reconciliation.repair_record import RepairRecord
from tests.activities.policy_world import PolicyWorld, limited, request


def pauses(world: PolicyWorld) -> None:
    world.paused = True


def pauses_its_audits(world: PolicyWorld) -> None:
    world.schedules_paused = True


def ends(world: PolicyWorld) -> None:
    world.policy = None


def has_other_limits(world: PolicyWorld) -> None:
    world.policy = limited(2, 4)


CHANGES: list[Callable[[PolicyWorld], None]] = [pauses, pauses_its_audits, ends, has_other_limits]


class Applier:
    """Applies whatever it is asked; ``after`` is called once the first change was made."""

    def __init__(self, world: PolicyWorld, after: Callable[[PolicyWorld], None], ending: Ending) -> None:
        self._world, self._after, self._ending = world, after, ending
        self.applied: list[str] = []

    async def clock(self) -> datetime:
        return self._world.now

    async def apply(self, _statement: Any, _effect: Any, once: Any, _deadline: datetime) -> Ended:
        self.applied.append(once.name)
        if len(self.applied) == 1:
            self._after(self._world)
        return Ended(self._ending, left={"run_id": once.name, "key": "key"})


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def applied(
    world: PolicyWorld,
    record: RepairRecord,
    monkeypatch: pytest.MonkeyPatch,
    after: Callable[[PolicyWorld], None],
    ending: Ending = Ending.DONE,
) -> tuple[list[str], Any]:
    """Which changes were made, and the answer of the step; all are as planned."""
    stored, applier = await world.store.repairs.plan(record), Applier(world, after, ending)
    assert stored is not None
    by_number: dict[int, PlannedChange] = {one.number: one for one in stored.plan.changes}

    class AsPlanned:
        def __init__(self, *_: Any) -> None:
            """It has read all that there is."""

        async def read_rows(self, _subjects: Any) -> None:
            """There is none to read."""

        async def change(self, number: int, _subject: Any) -> PlannedChange:
            return by_number[number]

    async def nothing(*_: Any) -> None:
        """It is the database of the plan."""

    async def judged(*_: Any) -> Any:
        return SimpleNamespace(taken_at=world.now)

    monkeypatch.setattr(module, "other_database", nothing)
    monkeypatch.setattr(module, "judged_now", judged)
    monkeypatch.setattr(module, "Reader", AsPlanned)
    monkeypatch.setattr(module, "changes_of", lambda *_: applier)
    monkeypatch.setattr(module._Work, "_services", property(lambda _: world.services), raising=False)
    monkeypatch.setattr(module._Work, "__setattr__", _but_services)
    step: Any = {**request(record), "look": 2}
    return applier.applied, await apply_changes(step, world.services)


def _but_services(work: Any, name: str, value: Any) -> None:
    if name != "_services":
        object.__setattr__(work, name, value)


async def by_policy(world: PolicyWorld) -> RepairRecord:
    record = await world.proposed(1, 2, 3)
    assert (await world.decide(record))["approved"]
    return await world.read(record)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_setting_that_changes_between_two_changes_stops_it_before_the_next(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, change: Callable[[PolicyWorld], None]
) -> None:
    made, answer = await applied(world, await by_policy(world), monkeypatch, change)
    assert made == ["0001-1"]
    assert (answer["then"], answer["state"]) == ("verify", "stopped")


@pytest.mark.parametrize("change", CHANGES)
async def test_one_that_changed_before_the_first_lets_none_be_made(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, change: Callable[[PolicyWorld], None]
) -> None:
    record = await by_policy(world)
    change(world)
    made, answer = await applied(world, record, monkeypatch, change)
    assert (made, answer["state"]) == ([], "stopped")


async def test_all_are_made_where_nothing_changes(world: PolicyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await by_policy(world)
    made, answer = await applied(world, record, monkeypatch, lambda _: None)
    assert (made, answer["state"]) == (["0001-1", "0002-1", "0003-1"], "applied")
    again, answer = await applied(world, record, monkeypatch, lambda _: None)
    assert (again, answer["state"]) == ([], "applied")


@pytest.mark.parametrize("change", CHANGES)
async def test_what_a_person_has_approved_needs_no_policy(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, change: Callable[[PolicyWorld], None]
) -> None:
    record = await world.approved_by_ann(await world.proposed(1, 2))
    made, answer = await applied(world, record, monkeypatch, change)
    assert (made, answer["state"]) == (["0001-1", "0002-1"], "applied")


async def test_a_plan_that_waited_too_long_is_not_begun(world: PolicyWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await by_policy(world)
    world.now += timedelta(hours=world.settings.repair_start_hours, seconds=1)
    made, answer = await applied(world, record, monkeypatch, lambda _: None)
    assert (made, answer["state"]) == ([], RepairState.EXPIRED.value)


@pytest.mark.parametrize(("ending", "tried"), [(Ending.SOMEONE_ELSE_MOVED, 7), (Ending.REFUSED, 5), (Ending.FAILED, 5)])
async def test_what_others_were_faster_with_stops_nothing_where_they_usually_are(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, ending: Ending, tried: int
) -> None:
    record = await world.approved_by_ann(await world.proposed(*range(1, 8)))
    made, answer = await applied(world, record, monkeypatch, lambda _: None, ending)
    assert (len(made), answer["state"]) == (tried, "failed" if tried == 7 else "stopped")
