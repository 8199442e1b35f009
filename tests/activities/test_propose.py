"""Making the plan of a policy's repair: what no change could be planned of is left alone for a day."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities import propose as module
from activities.propose import propose_changes
from activities.repairing import RepairJob
from adapters.store.repairs import StoredPlan
from reconciliation.policy import NEXT_TRY
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, Named, RepairPlan
from reconciliation.repair_record import RepairRecord
from tests.activities.policy_world import KIND, LOST, MENDED, NAME, PolicyWorld, request

EDITED = LeftOut(Named(KIND, "edited"), MENDED, "People have edited it.")
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
    plans(EDITED, FULL)
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
