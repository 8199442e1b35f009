"""A repair that a policy has approved, and the watchdog: who works on it, and who goes on when that is lost."""

from datetime import timedelta

import pytest

from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import RepairRecord
from runs import repairs
from runs.context import Context
from runs.repairs import state_of, watch
from runs.state import START_GRACE
from tests.activities.policy_world import ANN, AUDIT_ID, NAME, PolicyWorld
from tests.triggers.world import Runtime


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def approved(world: PolicyWorld) -> RepairRecord:
    """A repair that a policy has approved."""
    record = await world.proposed(1)
    assert (await world.decide(record))["approved"]
    return await world.read(record)


async def test_while_the_audits_orchestration_applies_it_nobody_else_does(world: PolicyWorld) -> None:
    record, runtime = await approved(world), Runtime({AUDIT_ID})
    context = Context(world.services, runtime)
    world.now += timedelta(hours=1)
    assert await state_of(context, record) is RepairState.APPROVED
    await watch(context, NAME)
    assert runtime.started == []
    assert (await world.read(record)).resumes == 0


async def test_once_that_is_lost_the_watchdog_goes_on_in_an_orchestration_of_the_repairs_own(
    world: PolicyWorld,
) -> None:
    record, runtime = await approved(world), Runtime()
    context = Context(world.services, runtime)
    assert await state_of(context, record) is RepairState.APPROVED  # it may not be visible yet
    world.now += START_GRACE + timedelta(seconds=1)
    assert await state_of(context, record) is RepairState.INTERRUPTED
    await watch(context, NAME)
    assert runtime.started == [record.repair_id]
    resumed = await world.read(record)
    assert (resumed.resumes, await state_of(context, resumed)) == (1, RepairState.APPROVED)
    await watch(context, NAME)
    assert runtime.started == [record.repair_id]


async def test_an_orchestration_of_the_audits_id_is_no_worker_of_one_that_was_lost(world: PolicyWorld) -> None:
    record, runtime = await approved(world), Runtime()
    context = Context(world.services, runtime)
    world.now += timedelta(minutes=5)
    await watch(context, NAME)
    runtime.open = {AUDIT_ID}  # somebody replays the audit, and the repair is lost again
    world.now += timedelta(minutes=5)
    assert await state_of(context, await world.read(record)) is RepairState.INTERRUPTED


async def test_one_whose_plan_a_person_approved_is_at_work_in_its_own_orchestration(world: PolicyWorld) -> None:
    record = await world.approved_by_ann(await world.proposed(1))
    runtime = Runtime({record.repair_id})
    world.now += timedelta(minutes=5)
    context = Context(world.services, runtime)
    assert await state_of(context, record) is RepairState.APPROVED
    await watch(context, NAME)
    assert (runtime.started, (await world.read(record)).resumes) == ([], 0)


@pytest.mark.parametrize("is_decided", [True, False])
async def test_the_watchdog_leaves_a_plan_to_the_policy_as_long_as_that_is_at_it(
    world: PolicyWorld, is_decided: bool
) -> None:
    record, runtime = await world.proposed(1), Runtime({AUDIT_ID})
    context = Context(world.services, runtime)
    world.blobs.fails = "repair.json" if is_decided else "decision.json"
    with pytest.raises(Exception, match="lost"):
        await world.decide(record)
    world.now += timedelta(minutes=5)
    await watch(context, NAME)
    assert runtime.started == []
    assert (await world.read(record)).state is RepairState.PROPOSED
    assert (await world.decide(record))["approved"]


async def test_what_a_policy_had_approved_before_it_was_lost_is_applied(world: PolicyWorld) -> None:
    record, runtime = await world.proposed(1), Runtime()
    context = Context(world.services, runtime)
    world.blobs.fails = "repair.json"
    with pytest.raises(Exception, match="lost"):
        await world.decide(record)
    world.now += timedelta(minutes=5)
    await watch(context, NAME)
    assert runtime.started == [record.repair_id]
    assert await state_of(context, await world.read(record)) is RepairState.APPROVED


async def test_what_it_had_not_decided_before_it_was_lost_is_never_applied(world: PolicyWorld) -> None:
    record, runtime = await world.proposed(1), Runtime()
    context = Context(world.services, runtime)
    world.blobs.fails = "decision.json"
    with pytest.raises(Exception, match="lost"):
        await world.decide(record)
    world.now += timedelta(minutes=5)
    await watch(context, NAME)
    assert runtime.started == []
    assert (await world.read(record)).state is RepairState.REJECTED
    assert await world.store.repairs.active(NAME) is None
    assert not (await world.decide(record))["approved"]


async def test_a_plan_in_the_making_is_at_work_as_long_as_the_audits_orchestration(world: PolicyWorld) -> None:
    record = await world.proposing(at=world.now)
    world.now += timedelta(minutes=5)
    assert await state_of(Context(world.services, Runtime({AUDIT_ID})), record) is RepairState.PROPOSING
    assert await state_of(Context(world.services, Runtime()), record) is RepairState.FAILED


async def test_a_person_can_stop_what_a_policy_has_approved(world: PolicyWorld) -> None:
    record, runtime = await approved(world), Runtime({AUDIT_ID})
    context = Context(world.services, runtime)
    await repairs.stop(context, record, ANN)
    assert await state_of(context, record) is RepairState.STOPPING
