"""Making the plan of a policy's repair: what no change could be planned of is left alone for a day."""

from datetime import timedelta
from typing import Any

import pytest

from activities.propose import propose_changes
from reconciliation.policy import NEXT_TRY
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import LeftOut, Named
from reconciliation.repair_record import RepairRecord
from tests.activities.policy_world import KIND, MENDED, NAME, PolicyWorld, request

EDITED = LeftOut(Named(KIND, "edited"), MENDED, "People have edited it.")
FULL = LeftOut(Named(KIND, "one-more"), MENDED, "No more than 3 changes were asked for.", for_now=True)


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def proposed(world: PolicyWorld, record: RepairRecord, *left_out: LeftOut, changes: int = 1) -> Any:
    """The answer of the step behind a plan that it has kept, as far as ``changes`` go."""
    planned = [world.planned(number) for number in range(1, changes + 1)]
    await world.store.repairs.create_plan(record, world.plan(record, *planned, left_out=left_out))
    step: Any = {**request(record), "look": 1}
    return await propose_changes(step, world.services)


async def test_what_no_change_could_be_planned_of_waits_also_where_the_step_broke_off_behind_its_plan(
    world: PolicyWorld,
) -> None:
    record = await world.proposing(at=world.now)
    world.now += timedelta(minutes=10)
    answer = await proposed(world, record, EDITED, FULL)
    assert answer == {"ok": True, "changes": 1, "notify": False}
    state = await world.store.policies.state(NAME)
    assert dict(state.waiting) == {"edited": record.created_at}
    assert state.is_waiting("edited", record.created_at + NEXT_TRY - timedelta(seconds=1))
    assert not state.is_waiting("edited", record.created_at + NEXT_TRY)


async def test_a_plan_of_a_person_leaves_nothing_waiting_and_people_are_told_of_it(world: PolicyWorld) -> None:
    record = await world.proposing(at=world.now, by_policy=False)
    assert (await proposed(world, record, EDITED))["notify"]
    assert not (await world.store.policies.state(NAME)).waiting


async def test_a_plan_without_a_change_ends_the_repair_and_tells_why(world: PolicyWorld) -> None:
    record = await world.proposing(at=world.now)
    assert (await proposed(world, record, EDITED, changes=0))["changes"] == 0
    ended = await world.read(record)
    assert (ended.state, ended.error) == (RepairState.FAILED, "There is nothing to change: People have edited it.")
    assert (await world.store.policies.state(NAME)).is_waiting("edited", world.now)
