"""A policy decides about a plan: its limits by the ledgers, its brakes, and whoever else was at it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.end_repair import end
from adapters.settings import Settings
from profiles.stuck_uploads.video_rules import MARK_PROCESSED
from reconciliation.effects import Ending
from reconciliation.errors import AuditError, RepairRefusedError, UnreadableError
from reconciliation.people import Sealed
from reconciliation.repair_lifecycle import RepairState
from tests.activities.policy_world import (
    ANN,
    LOST,
    NAME,
    POLICY,
    UNREACHABLE,
    PolicyWorld,
    limited,
    request,
)

COUNTED = [Ending.DONE, Ending.ALREADY_DONE, Ending.UNKNOWN, None]
NOT_COUNTED = [Ending.SOMEONE_ELSE_MOVED, Ending.REFUSED, Ending.FAILED]


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def rejected(world: PolicyWorld, record: Any) -> str:
    """Why a plan was rejected; nothing of it is left that could be applied."""
    answer = await world.decide(record)
    assert not answer["approved"]
    kept, decision = await world.read(record), await world.decision(record)
    assert decision is not None
    assert (kept.state, decision.approves) == (RepairState.REJECTED, False)
    assert kept.error == decision.reason
    return decision.reason


async def test_a_plan_within_all_limits_is_approved_by_policy_and_holds_the_place(world: PolicyWorld) -> None:
    record = await world.proposed(1, 2, 3)
    answer = await world.decide(record)
    assert answer == {"ok": True, "approved": True, "notify": False, "second_look_seconds": 300}
    decision, active = await world.decision(record), await world.store.repairs.active(NAME)
    assert decision is not None
    assert active is not None
    assert (decision.approves, decision.digest, decision.reason) == (True, record.digest, POLICY.text)
    person = await world.store.repairs.person(record, decision.person)
    assert person is not None
    assert (person.name, active.repair_id) == ("policy", record.repair_id)
    assert (await world.read(record)).state is RepairState.APPROVED


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_more_changes_than_one_audit_may_lead_to_are_rejected_as_a_whole(world: PolicyWorld) -> None:
    assert "4 changes" in await rejected(world, await world.proposed(1, 2, 3, 4))
    assert await world.store.repairs.active(NAME) is None


@settings(max_examples=40)
@given(
    before=st.lists(
        st.tuples(st.sampled_from([*COUNTED, *NOT_COUNTED]), st.integers(0, 119), st.booleans()), max_size=8
    ),
    planned=st.integers(1, 3),
    most_per_hour=st.integers(1, 8),
)
async def test_the_hourly_maximum_is_counted_from_what_the_ledgers_say_was_begun(
    before: list[tuple[Ending | None, int, bool]], planned: int, most_per_hour: int
) -> None:
    world = PolicyWorld(policy=limited(3, most_per_hour))
    for ending, minutes, by_policy in before:
        await world.repaired(ending, ago=timedelta(minutes=minutes), by_policy=by_policy)
    recent = sum(ending in COUNTED and minutes < 60 and by_policy for ending, minutes, by_policy in before)
    record = await world.proposed(*range(1, planned + 1))
    answer = await world.decide(record)
    assert answer["approved"] is (recent + planned <= most_per_hour)


async def test_what_was_begun_long_after_its_audit_still_counts(world: PolicyWorld) -> None:
    await world.repaired(*[Ending.DONE] * 3, ago=timedelta(minutes=59))
    await world.repaired(*[Ending.DONE] * 2, ago=timedelta(minutes=1))
    assert "after 5 within the last hour" in await rejected(world, await world.proposed(1))


@settings(max_examples=40)
@given(
    before=st.lists(
        st.tuples(st.sampled_from([*COUNTED, *NOT_COUNTED]), st.integers(0, 119), st.booleans(), st.integers(0, 50)),
        max_size=6,
    ),
    planned=st.integers(1, 3),
    copies=st.integers(0, 50),
    most_bytes=st.none() | st.integers(1, 200),
)
async def test_the_bytes_of_an_hour_are_counted_from_what_the_ledgers_say_was_begun(
    before: list[tuple[Ending | None, int, bool, int]], planned: int, copies: int, most_bytes: int | None
) -> None:
    world = PolicyWorld(policy=replace(limited(3, 500), most_bytes=most_bytes))
    for ending, minutes, by_policy, copied in before:
        world.copies = copied
        await world.repaired(ending, ago=timedelta(minutes=minutes), by_policy=by_policy)
    recent = sum(
        copied for ending, minutes, by_policy, copied in before if ending in COUNTED and minutes < 60 and by_policy
    )
    world.copies = copies
    answer = await world.decide(await world.proposed(*range(1, planned + 1)))
    assert answer["approved"] is (not copies or recent + planned * copies <= (most_bytes or 0))


async def test_more_bytes_than_the_policy_approves_are_rejected_with_the_numbers(world: PolicyWorld) -> None:
    world.policy, world.copies = replace(POLICY, most_bytes=1500), 600
    await world.repaired(Ending.DONE)
    assert await rejected(world, await world.proposed(1, 2)) == (
        "1,200 bytes to copy, after 600 within the last hour, are more than the policy approves: 1,500 within an hour."
    )


async def test_a_repair_that_cannot_be_read_is_not_counted_as_none(world: PolicyWorld) -> None:
    other = await world.repaired(Ending.DONE)
    await world.blobs.write(f"{other.folder}/repair.json", b"{")
    record = await world.proposed(1)
    with pytest.raises(UnreadableError):
        await world.decide(record)
    assert await world.decision(record) is None
    assert (await world.read(record)).state is RepairState.PROPOSED


@pytest.mark.parametrize("name", ["plan.json", "ledger/0001-1.intended.json", "ledger/0001-1.ended.json"])
async def test_nor_is_one_whose_plan_or_ledger_cannot_be_read(world: PolicyWorld, name: str) -> None:
    other = await world.repaired(Ending.DONE)
    await world.blobs.write(f"{other.folder}/{name}", b"{")
    with pytest.raises(UnreadableError):
        await world.decide(await world.proposed(1))


async def test_a_plan_with_a_change_that_the_policy_does_not_name_is_rejected(world: PolicyWorld) -> None:
    record = await world.proposed(1, repair=MARK_PROCESSED)
    assert await rejected(world, record) == f"The policy does not approve {MARK_PROCESSED}."


async def test_what_a_person_proposed_is_never_decided_about(world: PolicyWorld) -> None:
    record = await world.proposed(1, by_policy=False)
    with pytest.raises(RepairRefusedError, match="a person must decide"):
        await world.decide(record)
    assert await world.decision(record) is None


async def test_a_plan_that_is_not_the_one_that_was_proposed_is_not_approved(world: PolicyWorld) -> None:
    record = await world.proposed(1)
    await world.blobs.write(f"{record.folder}/plan.json", world.plan(record, world.planned(1, "another")).data())
    with pytest.raises(RepairRefusedError, match="not the one that was proposed"):
        await world.decide(record)
    assert await world.store.repairs.active(NAME) is None


async def test_a_policy_that_comes_late_does_not_approve_what_was_found_long_ago(world: PolicyWorld) -> None:
    record = await world.proposed(1)
    world.now += timedelta(minutes=61)
    assert "not decided about in time" in await rejected(world, record)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["policy", "paused", "schedules_paused", "limits"])
async def test_a_setting_that_changed_since_the_plan_was_made_rejects_it(world: PolicyWorld, change: str) -> None:
    record = await world.proposed(1)
    match change:
        case "policy":
            world.policy = None
        case "limits":
            world.policy = limited(4, 5)
        case _:
            setattr(world, change, True)
    assert await rejected(world, record) == "The policy is another one by now, or paused by a setting."
    assert await world.store.repairs.active(NAME) is None


# --- brakes -----------------------------------------------------------------------------------------------------------


async def broke(world: PolicyWorld, *states: str, ago: timedelta = timedelta(hours=2)) -> None:
    await world.repaired(*[Ending.DONE] * len(states), ago=ago, states=states)


async def test_a_policy_whose_runs_break_pauses_itself_says_so_and_stays_paused(
    world: PolicyWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await broke(world, *["FAILED"] * 3, *["CRASHED"] * 2, *["COMPLETED"] * 5)
    record = await world.proposed(1)
    answer = await world.decide(record)
    assert (answer["approved"], answer["notify"]) == (False, True)
    state = await world.store.policies.state(NAME)
    assert (state.paused_at, state.why.partition(":")[0]) == (world.now, "runs_broke")
    assert "pauses itself" in caplog.text
    assert await world.store.repairs.active(NAME) is None
    for run in world.prefect.runs.values():
        run["state_type"] = "COMPLETED"
    world.now += timedelta(minutes=30)
    assert "runs_broke" in await rejected(world, await world.proposed(1, number=100))
    assert await world.store.policies.state(NAME) == state


async def test_fewer_broken_runs_do_not(world: PolicyWorld) -> None:
    await broke(world, *["FAILED"] * 4, *["COMPLETED"] * 6)
    assert (await world.decide(await world.proposed(1)))["approved"]


async def test_only_the_last_ten_runs_are_asked_about(world: PolicyWorld) -> None:
    await broke(world, *["FAILED"] * 6, ago=timedelta(hours=5))
    await broke(world, *["COMPLETED"] * 6, ago=timedelta(hours=2))
    assert (await world.decide(await world.proposed(1)))["approved"]


async def test_changes_of_which_nobody_knows_a_run_do_not_hide_runs_that_broke(world: PolicyWorld) -> None:
    await broke(world, *["FAILED"] * 5, ago=timedelta(hours=5))
    await world.repaired(*[Ending.UNKNOWN] * 10, ago=timedelta(hours=3))
    assert "runs_broke" in await rejected(world, await world.proposed(1))


@pytest.mark.parametrize("workers", [[], [{"name": "w-1", "status": "OFFLINE"}]])
async def test_without_a_worker_the_policy_pauses_itself(world: PolicyWorld, workers: list[dict[str, str]]) -> None:
    world.prefect.workers = {"pool": workers}
    assert "no_worker_online" in await rejected(world, await world.proposed(1))
    assert (await world.store.policies.state(NAME)).paused_at is not None


async def test_what_its_runs_did_before_a_person_let_it_go_on_does_not_count(world: PolicyWorld) -> None:
    await broke(world, *["FAILED"] * 10)
    at = world.now - timedelta(hours=1)
    await world.store.policies.change(NAME, lambda state: state.resumed(Sealed.of(ANN, "5" * 32), "Mended.", at))
    assert (await world.decide(await world.proposed(1)))["approved"]
    for path in [path for path in world.blobs.blobs if path.endswith("repairing.json")]:
        await world.blobs.delete(path)
    await broke(world, *["FAILED"] * 5, ago=timedelta(minutes=5))
    world.now += timedelta(hours=2)
    assert "runs_broke" in await rejected(world, await world.proposed(1, number=100))


async def test_what_cannot_be_asked_approves_nothing_and_pauses_nothing(world: PolicyWorld) -> None:
    record = await world.proposed(1)
    world.api.error = UNREACHABLE
    with pytest.raises(AuditError):
        await world.decide(record)
    assert await world.decision(record) is None
    assert (await world.store.policies.state(NAME)).paused_at is None


async def test_a_state_that_cannot_be_read_approves_nothing(world: PolicyWorld) -> None:
    record = await world.proposed(1)
    await world.blobs.write(f"{NAME}/policy.json", b"{")
    with pytest.raises(UnreadableError):
        await world.decide(record)
    assert await world.decision(record) is None


# --- others at it -----------------------------------------------------------------------------------------------------


async def test_a_place_that_another_repair_has_is_not_taken(world: PolicyWorld) -> None:
    other = await world.approved_by_ann(await world.proposed(1, number=1, by_policy=False))
    assert "Another repair" in await rejected(world, await world.proposed(1))
    active = await world.store.repairs.active(NAME)
    assert active is not None
    assert active.repair_id == other.repair_id


@pytest.mark.parametrize("moved", [True, False])
async def test_a_person_who_was_faster_has_it_applied_and_the_policy_does_not(world: PolicyWorld, moved: bool) -> None:
    record = await world.approved_by_ann(await world.proposed(1), moved=moved)
    assert not (await world.decide(record))["approved"]
    active = await world.store.repairs.active(NAME)
    assert active is not None
    assert active.repair_id == record.repair_id
    assert (await world.read(record)).state is (RepairState.APPROVED if moved else RepairState.PROPOSED)


async def test_a_step_that_fails_does_not_take_the_place_from_a_person_who_approved_meanwhile(
    world: PolicyWorld,
) -> None:
    record = await world.approved_by_ann(await world.proposed(1))
    given: Any = {**request(record), "state": "rejected", "looks": [], "error": "It could not be read."}
    answer = await end(given, world.services)
    assert answer == {"ok": True, "state": "approved", "notify": False}
    assert await world.store.repairs.active(NAME) is not None
    assert (await world.read(record)).state is RepairState.APPROVED


@pytest.mark.parametrize("by_person", [True, False])
async def test_what_somebody_has_approved_is_not_ended_as_rejected(world: PolicyWorld, by_person: bool) -> None:
    record = await world.proposed(1)
    if by_person:
        await world.approved_by_ann(record, moved=False)
    else:
        world.blobs.fails = "repair.json"
        with pytest.raises(AuditError):
            await world.decide(record)
    given: Any = {**request(record), "state": "rejected", "looks": [], "error": "It could not be read."}
    await end(given, world.services)
    assert (await world.read(record)).state is RepairState.PROPOSED
    assert await world.store.repairs.active(NAME) is not None


async def test_a_step_that_failed_for_good_leaves_a_decision_that_nobody_can_overtake(world: PolicyWorld) -> None:
    record = await world.proposed(1)
    given: Any = {**request(record), "state": "rejected", "looks": [], "error": "It could not be read."}
    assert (await end(given, world.services))["state"] == "rejected"
    decision = await world.decision(record)
    assert decision is not None
    assert (decision.approves, decision.reason) == (False, "It could not be read.")


# --- the step is repeated ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["repairing.json", "decision.json", "repair.json"])
async def test_an_approval_is_the_same_after_it_broke_off_anywhere(world: PolicyWorld, lost: str) -> None:
    record = await world.proposed(1)
    world.blobs.fails = lost
    with pytest.raises(type(LOST)):
        await world.decide(record)
    first = await world.decide(record)
    assert first["approved"]
    again = await world.decide(record)
    assert again == first
    assert (await world.read(record)).state is RepairState.APPROVED


@pytest.mark.parametrize("lost", ["repairing.json", "policy.json", "decision.json", "repair.json"])
async def test_people_are_told_of_a_pause_wherever_the_step_broke_off(world: PolicyWorld, lost: str) -> None:
    world.prefect.workers = {}
    record = await world.proposed(1)
    world.blobs.fails = lost
    with pytest.raises(type(LOST)):
        await world.decide(record)
    for _ in range(2):  # its first answer was lost
        answer = await world.decide(record)
        assert (answer["approved"], answer["notify"]) == (False, True)
    assert (await world.store.policies.state(NAME)).paused_at == world.now
    assert (await world.read(record)).state is RepairState.REJECTED
    assert await world.store.repairs.active(NAME) is None


async def test_a_pause_is_one_event_however_often_the_step_is_repeated(
    world: PolicyWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.prefect.workers = {}
    record = await world.proposed(1)
    world.blobs.fails = "decision.json"
    with pytest.raises(type(LOST)):
        await world.decide(record)
    await world.decide(record)
    assert caplog.text.count("pauses itself:") == 1


async def test_nobody_is_told_where_no_one_wants_to_be(world: PolicyWorld) -> None:
    world.webhook_outcomes = ("findings",)
    world.prefect.workers = {}
    assert not (await world.decide(await world.proposed(1)))["notify"]


def test_a_policy_that_a_setting_pauses_is_none(world: PolicyWorld) -> None:
    def of(**changes: bool) -> Settings:
        for name, value in changes.items():
            setattr(world, name, value)
        return world.settings

    assert of().policy_of(NAME) == POLICY
    assert of(paused=True).policy_of(NAME) is None
    assert of(paused=False, schedules_paused=True).policy_of(NAME) is None
