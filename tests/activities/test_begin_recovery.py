"""Begin the repair of what a scheduled audit has found: what is chosen, what is left, and why nothing is begun."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.begin_recovery import begin_recovery_of
from reconciliation.effects import Ending
from reconciliation.errors import RunStoreError
from reconciliation.policy import NEXT_TRY, Policy
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_plan import Named
from reconciliation.repair_record import RepairRecord
from tests.activities.policy_world import AUDIT_ID, KIND, LOST, MENDED, NAME, POLICY, PROFILE, PolicyWorld, limited

OTHERS = sorted(
    {rule.verdict for _, rule in PROFILE.verdicts() if rule.verdict not in PROFILE.mended_by(["start_run"])}
)


@pytest.fixture
def world() -> PolicyWorld:
    return PolicyWorld()


async def begin(world: PolicyWorld, audit_id: str = AUDIT_ID) -> str | None:
    request: Any = {"profile": NAME, "audit_id": audit_id}
    return (await begin_recovery_of(request, world.services))["repair_id"]


async def begun(world: PolicyWorld, audit_id: str = AUDIT_ID) -> RepairRecord:
    repair_id = await begin(world, audit_id)
    assert repair_id is not None
    record = await world.store.repairs.record(NAME, repair_id)
    assert record is not None
    return record


def stuck(count: int) -> list[tuple[str, str]]:
    return [(f"video-{number}", MENDED) for number in range(count)]


async def test_a_repair_of_what_the_policy_mends_rests_on_its_text_and_its_setting(world: PolicyWorld) -> None:
    await world.audited(("a", MENDED), *((f"other-{one}", one) for one in OTHERS))
    record = await begun(world)
    assert (record.state, record.audit_id) == (RepairState.PROPOSING, AUDIT_ID)
    assert record.chosen.findings == (Named(KIND, "a"),)
    assert record.policy == POLICY.named()
    assert record.policy.value == "start_run"
    assert record.chosen.most == POLICY.most
    person = await world.store.repairs.person(record, record.proposer)
    assert person is not None
    assert (person.name, person.is_verified) == ("policy", False)
    assert person.is_of(POLICY.person)


async def test_the_same_repair_is_begun_once_however_often_the_step_is_repeated(world: PolicyWorld) -> None:
    await world.audited(*stuck(2))
    first = await begun(world)
    world.now += timedelta(minutes=5)
    await world.store.policies.change(NAME, lambda state: state.paused("runs_broke: all.", world.now))
    assert await begun(world) == first
    assert len([path for path in world.blobs.blobs if path.endswith("/repair.json")]) == 1


@pytest.mark.parametrize("lost", ["repair.json", ".json"])
async def test_it_is_by_policy_wherever_the_step_broke_off(world: PolicyWorld, lost: str) -> None:
    await world.audited(*stuck(1))
    world.blobs.fails = lost
    with pytest.raises(type(LOST)):
        await begin(world)
    record = await begun(world)
    person = await world.store.repairs.person(record, record.proposer)
    assert person is not None
    assert person.name == "policy"


async def test_a_step_that_broke_off_behind_its_record_is_by_policy_too(world: PolicyWorld) -> None:
    await world.audited(*stuck(1))
    record = await begun(world)
    await world.blobs.delete(f"{record.folder}/people/{record.proposer}.json")
    await begin(world)
    assert await world.store.repairs.person(record, record.proposer) is not None


# --- nothing is begun -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["off", "paused", "schedules_paused", "paused_itself", "enough_within_hour", "wait"])
async def test_where_the_policy_does_nothing_now_nothing_is_written_and_the_log_says_why(
    world: PolicyWorld, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"paused": "off", "schedules_paused": "off", "wait": "all_wait"}.get(reason, reason)
    await world.audited(*stuck(1))
    match reason:
        case "off":
            world.policy = None
        case "paused" | "schedules_paused":
            setattr(world, reason, True)
        case "paused_itself":
            await world.store.policies.change(NAME, lambda state: state.paused("runs_broke: all.", world.now))
        case "enough_within_hour":
            await world.repaired(*[Ending.DONE] * 5)
        case _:
            await world.store.policies.change(NAME, lambda state: state.left_alone(["video-0"], world.now))
    before = dict(world.blobs.blobs)
    with caplog.at_level("INFO"):
        assert await begin(world) is None
    assert world.blobs.blobs == before
    assert told in caplog.text


async def test_an_audit_that_has_found_nothing_to_mend_begins_nothing(world: PolicyWorld) -> None:
    await world.audited(("a", OTHERS[0]))
    assert await begin(world) is None


async def test_of_what_somebody_must_be_asked_about_nothing_is_begun(world: PolicyWorld) -> None:
    await world.audited(("old", "unknown_history"))
    assert await begin(world) is None
    await world.audited(("old", "unknown_history"), ("a", MENDED), audit_id="20261128-093000-bbbbbbbb")
    assert (await begun(world, "20261128-093000-bbbbbbbb")).chosen.findings == (Named(KIND, "a"),)


async def test_without_the_audit_or_its_report_there_is_nothing_to_begin(world: PolicyWorld) -> None:
    with pytest.raises(RunStoreError, match="There is no audit"):
        await begin(world)
    audit = await world.audited(*stuck(1))
    await world.blobs.delete(f"{audit.folder}/report.json")
    with pytest.raises(RunStoreError):
        await begin(world)


@pytest.mark.parametrize("damaged", ["policy.json", "repair.json"])
async def test_what_cannot_be_counted_may_be_too_much_and_the_log_names_it(
    world: PolicyWorld, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    await world.audited(*stuck(1))
    other = await world.repaired(Ending.DONE, by_policy=False)
    path = f"{NAME}/policy.json" if damaged == "policy.json" else f"{other.folder}/{damaged}"
    await world.blobs.write(path, b"{")
    with caplog.at_level("INFO"):
        assert await begin(world) is None
    assert path in caplog.text
    assert "unreadable" in caplog.text


# --- which ------------------------------------------------------------------------------------------------------------


async def test_no_more_are_asked_for_than_are_left_of_the_hour(world: PolicyWorld) -> None:
    await world.audited(*stuck(20))
    await world.repaired(*[Ending.DONE] * 3)
    record = await begun(world)
    assert (record.chosen.most, len(record.chosen.findings)) == (2, 6)


async def test_what_waits_is_left_alone_for_a_day_and_then_tried_again(world: PolicyWorld) -> None:
    await world.store.policies.change(NAME, lambda state: state.left_alone(["video-0"], world.now))
    world.now += NEXT_TRY - timedelta(seconds=1)
    await world.audited(*stuck(2))
    assert (await begun(world)).chosen.findings == (Named(KIND, "video-1"),)
    world.now += timedelta(seconds=1)
    await world.audited(*stuck(2), audit_id="20261128-093000-bbbbbbbb")
    found = (await begun(world, "20261128-093000-bbbbbbbb")).chosen.findings
    assert {one.id for one in found} == {"video-0", "video-1"}


async def test_where_there_are_more_than_fit_none_of_them_always_comes_last(world: PolicyWorld) -> None:
    world.policy = limited(1, 500)
    seen: set[str] = set()
    for number in range(40):
        audit_id = f"20261127-091500-{number:08x}"
        await world.audited(*stuck(10), audit_id=audit_id)
        findings = (await begun(world, audit_id)).chosen.findings
        assert len(findings) == 3
        seen |= {one.id for one in findings}
        world.now += timedelta(seconds=1)
    assert seen == {f"video-{number}" for number in range(10)}


def copying(most_bytes: int, most: int = 1) -> Policy:
    return replace(limited(most, 500), most_bytes=most_bytes)


async def test_where_something_is_copied_what_is_due_first_comes_first(world: PolicyWorld) -> None:
    world.policy = copying(1000)
    due = {f"video-{number}": f"2026-11-27T1{number}:00:00Z" for number in (4, 1, 7, 2)}
    for number in range(3):
        audit_id = f"20261127-091500-{number:08x}"
        await world.audited(*stuck(9), audit_id=audit_id, due=due)
        chosen = (await begun(world, audit_id)).chosen
        assert [one.id for one in chosen.findings] == ["video-1", "video-2", "video-4"]
        assert chosen.most_bytes == 1000


@settings(max_examples=30)
@given(st.lists(st.none() | st.integers(0, 59), min_size=1, max_size=9), st.integers(1, 3))
async def test_nothing_is_chosen_before_what_is_due_earlier(minutes: Sequence[int | None], most: int) -> None:
    world = PolicyWorld(policy=copying(1000, most))
    due = {f"video-{n}": f"2026-11-27T12:{at:02}:00Z" for n, at in enumerate(minutes) if at is not None}
    await world.audited(*stuck(len(minutes)), due=due)
    chosen = (await begun(world)).chosen.findings
    assert len(chosen) == min(len(minutes), 3 * most)
    last = "9"
    in_turn = [due.get(one.id, last) for one in chosen]
    assert in_turn == sorted(in_turn)
    assert in_turn == sorted(due.get(f"video-{n}", last) for n in range(len(minutes)))[: len(chosen)]


@pytest.mark.parametrize(("minutes", "left"), [(10, 400), (70, 1000)])
async def test_no_more_is_copied_than_is_left_of_the_hour(world: PolicyWorld, minutes: int, left: int) -> None:
    world.copies = 300
    await world.repaired(Ending.DONE, Ending.UNKNOWN, Ending.FAILED, ago=timedelta(minutes=minutes))
    world.policy = copying(1000)
    await world.audited(*stuck(1))
    assert (await begun(world)).chosen.most_bytes == left


async def test_a_policy_that_copies_nothing_has_no_limit_of_bytes(world: PolicyWorld) -> None:
    await world.audited(*stuck(1))
    assert (await begun(world)).chosen.most_bytes is None


@settings(max_examples=30)
@given(st.lists(st.sampled_from([MENDED, *OTHERS[:3]]), max_size=30), st.integers(1, 4), st.integers(1, 4))
async def test_only_what_the_policy_mends_is_chosen_each_once_and_within_its_limits(
    verdicts: Sequence[str], most: int, most_per_hour: int
) -> None:
    world = PolicyWorld(policy=limited(most, most_per_hour))
    await world.audited(*((f"video-{number}", verdict) for number, verdict in enumerate(verdicts)))
    mended = {f"video-{number}" for number, verdict in enumerate(verdicts) if verdict == MENDED}
    if not mended:
        assert await begin(world) is None
        return
    chosen = (await begun(world)).chosen
    assert chosen.most == min(most, most_per_hour)
    assert {one.id for one in chosen.findings} <= mended
    assert len(set(chosen.findings)) == len(chosen.findings) == min(len(mended), 3 * chosen.most)
