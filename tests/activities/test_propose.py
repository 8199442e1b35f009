"""Making the plan of a policy's repair: what no change could be planned of is left alone for a day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities import propose as module
from activities.propose import propose_changes
from activities.repairing import RepairJob
from adapters.store.repairs import StoredPlan
from profiles.stuck_uploads.video_rules import START_RUN
from reconciliation.policy import NEXT_TRY
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, Named, PlannedChange, RepairPlan
from reconciliation.repair_record import Chosen, RepairRecord
from tests.activities.policy_world import KIND, LOST, MENDED, NAME, PROFILE, PolicyWorld, request

EDITED = LeftOut(Named(KIND, "edited"), MENDED, "People have edited it.")
STARTED = LeftOut(Named(KIND, "started"), "processing", "It is processing now, which no repair mends.")
FULL = LeftOut(Named(KIND, "one-more"), MENDED, "No more than 3 changes were asked for.", for_now=True)


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


@pytest.fixture
def plans(world: PolicyWorld, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the step make a plan of so many changes, with what it leaves out."""

    def plans(*left_out: LeftOut, changes: int = 1) -> None:
        planned = [world.planned(number) for number in range(1, changes + 1)]

        async def made(job: RepairJob, _look: int) -> RepairPlan:
            return world.plan(job.record, *planned, left_out=left_out)

        monkeypatch.setattr(module, "_plan", made)

    return plans


async def proposed(world: PolicyWorld, record: RepairRecord) -> Any:
    """The answer of the step."""
    step: Any = {**request(record), "look": 1}
    return await propose_changes(step, world.services)


@pytest.mark.parametrize("lost", [None, "policy.json", "plan.json", "repair.json"])
async def test_what_no_change_could_be_planned_of_waits_for_a_day_wherever_the_step_broke_off(
    world: PolicyWorld, plans: Callable[..., None], lost: str | None
) -> None:
    record = await world.proposing(at=world.now)
    plans(EDITED, STARTED, FULL)
    if lost is not None:
        world.blobs.fails = lost
        with pytest.raises(type(LOST)):
            await proposed(world, record)
        world.now += timedelta(minutes=10)
    for _ in range(2):
        assert await proposed(world, record) == {"ok": True, "changes": 1, "notify": False}
        state = await world.store.policies.state(NAME)
        assert dict(state.waiting) == {"edited": record.created_at}
    assert state.is_waiting("edited", record.created_at + NEXT_TRY - timedelta(seconds=1))
    assert not state.is_waiting("edited", record.created_at + NEXT_TRY)


async def test_what_was_left_out_only_for_now_does_not_wait_where_another_delivery_made_the_plan(
    world: PolicyWorld, plans: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await world.proposing(at=world.now)
    plans(EDITED, FULL)
    repairs, create = world.store.repairs, world.store.repairs.create_plan

    async def slower(of: RepairRecord, plan: RepairPlan) -> StoredPlan:
        await create(of, plan)
        return await create(of, plan)

    monkeypatch.setattr(repairs, "create_plan", slower)
    await proposed(world, record)
    assert set((await world.store.policies.state(NAME)).waiting) == {"edited"}


async def test_a_plan_of_a_person_leaves_nothing_waiting_and_people_are_told_of_it(
    world: PolicyWorld, plans: Callable[..., None]
) -> None:
    record = await world.proposing(at=world.now, by_policy=False)
    plans(EDITED)
    assert (await proposed(world, record))["notify"]
    assert not (await world.store.policies.state(NAME)).waiting


async def test_a_plan_without_a_change_ends_the_repair_and_tells_why(
    world: PolicyWorld, plans: Callable[..., None]
) -> None:
    record = await world.proposing(at=world.now)
    plans(EDITED, changes=0)
    assert (await proposed(world, record))["changes"] == 0
    ended = await world.read(record)
    assert (ended.state, ended.error) == (RepairState.FAILED, "There is nothing to change: People have edited it.")
    assert (await world.store.policies.state(NAME)).is_waiting("edited", world.now)


@pytest.mark.parametrize(("most_bytes", "taken"), [(1000, ["one", "three"]), (400, ["three"]), (None, [])])
async def test_what_would_copy_more_than_the_policy_may_is_left_out_for_now_and_the_plan_tells_it(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, most_bytes: int | None, taken: list[str]
) -> None:
    sizes = {"one": 700, "two": 600, "three": 300}
    record = await world.proposing(at=world.now)
    chosen = Chosen(tuple(Named(KIND, one) for one in sizes), most=5, most_bytes=most_bytes)
    job = RepairJob(world.services, replace(record, chosen=chosen), PROFILE)

    class Reading:
        def __init__(self, *_: object) -> None: ...

        async def read_rows(self, _subjects: object) -> None: ...

        async def change(self, number: int, subject: Named) -> PlannedChange:
            planned = world.planned(number)
            return replace(planned, subject=subject, change=replace(planned.change, copies_bytes=sizes[subject.id]))

    async def judged(*_: object) -> None: ...

    monkeypatch.setattr(module, "Reader", Reading)
    monkeypatch.setattr(module, "judged_now", judged)
    found = await module._forward(job, 1)
    assert [one.subject.id for one in found if isinstance(one, PlannedChange)] == taken
    left_out = {one.subject.id: one for one in found if isinstance(one, LeftOut)}
    assert set(left_out) == set(sizes) - set(taken)
    assert all(one.for_now for one in left_out.values())
    left = (most_bytes or 0) - sum(sizes[one] for one in taken if one == "one")
    assert left_out["two"].why == f"It copies 600 bytes, and the policy may copy {left:,} more just now."


async def test_what_another_repair_mends_by_now_is_left_out_and_takes_nothing_else_along(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await world.proposing(at=world.now)
    chosen = Chosen((Named(KIND, "one"), Named(KIND, "two")), most=5)
    job = RepairJob(world.services, replace(record, chosen=chosen), PROFILE)

    class Reading:
        def __init__(self, *_: object) -> None: ...

        async def read_rows(self, _subjects: object) -> None: ...

        async def change(self, number: int, subject: Named) -> PlannedChange:
            repair = "mark_processed" if subject.id == "one" else START_RUN
            return replace(world.planned(number), subject=subject, repair=repair)

    async def judged(*_: object) -> None: ...

    monkeypatch.setattr(module, "Reader", Reading)
    monkeypatch.setattr(module, "judged_now", judged)
    left_out, planned = await module._forward(job, 1)
    assert isinstance(left_out, LeftOut)
    assert isinstance(planned, PlannedChange)
    assert (left_out.subject.id, left_out.why) == ("one", "The policy does not approve mark_processed.")
    assert (planned.subject.id, planned.number) == ("two", 1)
